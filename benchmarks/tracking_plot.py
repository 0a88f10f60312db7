"""Draw line charts with logarithmic axes as SVG, readable on a light and on a dark page, with nothing from elsewhere. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

import attrs

Point = tuple[float, float]

_WIDTH, _HEIGHT = 520.0, 400.0
"""Of a panel, with its title and its ticks."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 70.0, 20.0, 48.0, 56.0
_LEGEND = 44.0
_STYLES = (
    ("#0072b2", "#56b4e9", ""),
    ("#c24e00", "#ff9a4d", "9 5"),
    ("#007a58", "#2fc79a", "2 5"),
    ("#8f3d78", "#e28fc9", "14 4 3 4"),
)
"""Of each line: its colour on light, its colour on dark, its dashes. Told apart by those who see no colours, too."""


@attrs.frozen
class Panel:
    """One chart. Both axes are logarithmic and reach from their first tick to their last.

    Attributes:
        title: What is shown.
        x_label: What the horizontal axis says.
        x_ticks: Value to text, ascending, above 0.
        y_ticks: The same for the vertical axis.
        lines: Points of each line, x ascending; what lies outside is cut off. Empty for a line that has nothing to show here.
    """

    title: str
    x_label: str
    x_ticks: Mapping[float, str]
    y_ticks: Mapping[float, str]
    lines: Sequence[Sequence[Point]]


def draw(panels: Sequence[Panel], names: Sequence[str], *, title: str, description: str) -> str:
    """Draw panels side by side below a legend.

    Args:
        panels: The charts, all with the same lines in the same order.
        names: What the lines are called, at most four.
        title: For those who cannot see it.
        description: The same, at more length.

    Returns:
        An SVG document.
    """
    width, height = _WIDTH * len(panels), _HEIGHT + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title><desc id="desc">{escape(description)}</desc>',
        f"<style>{_css()}</style>",
        f'<rect class="page" width="{width:g}" height="{height:g}" rx="8"/>',
        *_legend(names, width),
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * _WIDTH:g} {_LEGEND:g})">', *_draw_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _css() -> str:
    light, dark = ("".join(f".l{number}{{stroke:{style[scheme]}}}" for number, style in enumerate(_STYLES)) for scheme in (0, 1))
    dashes = "".join(f".l{number}{{stroke-dasharray:{style[2]}}}" for number, style in enumerate(_STYLES) if style[2])
    return (
        "text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#24292f}"
        ".title{font-weight:600;font-size:15px}.tick{font-size:13px;fill:#57606a}"
        ".page{fill:#fff}.grid{stroke:#d8dee4;stroke-width:1}.line{fill:none;stroke-width:2.5;stroke-linejoin:round}"
        f"{dashes}{light}"
        "@media (prefers-color-scheme:dark){"
        f"text{{fill:#e6edf3}}.tick{{fill:#9da7b1}}.page{{fill:#0d1117}}.grid{{stroke:#30363d}}{dark}}}"
    )


def _legend(names: Sequence[str], width: float) -> Iterable[str]:
    share = (width - _LEFT) / len(names)
    for number, name in enumerate(names):
        x = _LEFT + number * share
        yield f'<path class="line l{number}" d="M{x:g} 26h40"/><text x="{x + 50:g}" y="31">{escape(name)}</text>'


def _draw_panel(panel: Panel) -> Iterable[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    yield f'<text class="title" x="{_LEFT:g}" y="28">{escape(panel.title)}</text>'
    for value, text in panel.x_ticks.items():
        x = _place(value, panel.x_ticks, _LEFT, right)
        yield f'<path class="grid" d="M{x:.1f} {_TOP:g}V{bottom:g}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 20:g}" text-anchor="middle">{escape(text)}</text>'
    for value, text in panel.y_ticks.items():
        y = _place(value, panel.y_ticks, bottom, _TOP)
        yield f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{right:g}"/>'
        yield f'<text class="tick" x="{_LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    middle = (_LEFT + right) / 2
    yield f'<text class="tick" x="{middle:g}" y="{bottom + 44:g}" text-anchor="middle">{escape(panel.x_label)}</text>'
    for number, line in enumerate(panel.lines):
        places = [
            f"{_place(x, panel.x_ticks, _LEFT, right):.1f} {_place(y, panel.y_ticks, bottom, _TOP):.1f}"
            for x, y in line
            if _is_inside(x, panel.x_ticks) and _is_inside(y, panel.y_ticks)
        ]
        if places:
            yield f'<path class="line l{number}" d="M{"L".join(places)}"/>'


def _is_inside(value: float, ticks: Mapping[float, str]) -> bool:
    return min(ticks) <= value <= max(ticks)


def _place(value: float, ticks: Mapping[float, str], start: float, end: float) -> float:
    """Where on an axis that runs from *start* to *end* a value lies."""
    low, high = math.log(min(ticks)), math.log(max(ticks))
    return start + (end - start) * (math.log(value) - low) / (high - low)
