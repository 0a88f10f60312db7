"""A bar chart as SVG, written by hand: readable on light and on dark pages, without a font or a script of its own."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

import attrs

_WIDTH, _LABELS, _VALUES = 860, 200, 110
"""Pixels: all of it, the names on the left, the figures on the right of the longest bar."""
_BAR, _GAP, _HEAD, _PANEL_HEAD, _FOOT = 20, 8, 36, 42, 14
_CUT = 2.6
"""A bar that is longer than so many times the median is cut, or the others could not be told apart."""
_STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 14px; }
    .panel { font-weight: 600; }
    .note { fill: #59636e; }
    .ours { fill: #0b6bcb; }
    .other { fill: #a9b4c0; }
    .axis { stroke: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .note { fill: #9198a1; }
      .ours { fill: #4493f8; }
      .other { fill: #57606a; }
      .axis { stroke: #3d444d; }
    }
"""


@attrs.frozen
class Bar:
    """One bar.

    Attributes:
        name: Of whom.
        value: How long, in any unit.
        note: What stands behind the value.
        ours: Painted in the colour that is looked at.
    """

    name: str
    value: float
    note: str
    ours: bool = False


@attrs.frozen
class Panel:
    """Bars under one heading.

    Attributes:
        title: The heading.
        bars: From top to bottom.
    """

    title: str
    bars: Sequence[Bar]


def draw(title: str, panels: Sequence[Panel]) -> str:
    """Draw *panels* one below the other, on one scale; a bar that would dwarf the others is cut, and shows it."""
    values = sorted(bar.value for panel in panels for bar in panel.bars)
    longest = min(values[-1], values[len(values) // 2] * _CUT)
    scale = (_WIDTH - _LABELS - _VALUES) / longest
    height = _HEAD + sum(_PANEL_HEAD + len(panel.bars) * (_BAR + _GAP) for panel in panels) + _FOOT
    summary = "; ".join(
        f"{panel.title}: " + ", ".join(f"{bar.name} {_show(bar.value)} ({bar.note})" for bar in panel.bars) for panel in panels
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">',
        f"  <title>{escape(title)}</title>",
        f"  <desc>{escape(summary)}</desc>",
        f"  <style>{_STYLE}  </style>",
        _text(0, 20, title, "title"),
    ]
    top = _HEAD
    for panel in panels:
        parts.append(_text(0, top + 24, panel.title, "panel"))
        top += _PANEL_HEAD
        bottom = top + len(panel.bars) * (_BAR + _GAP) - _GAP
        parts.append(f'  <line class="axis" x1="{_LABELS}" y1="{top - 4}" x2="{_LABELS}" y2="{bottom + 4}"/>')
        for bar in panel.bars:
            parts += _draw_bar(bar, top, scale, longest)
            top += _BAR + _GAP
    return "\n".join([*parts, "</svg>", ""])


def _draw_bar(bar: Bar, top: int, scale: float, longest: float) -> list[str]:
    length = max(1.0, min(bar.value, longest) * scale)
    kind = "ours" if bar.ours else "other"
    middle = top + _BAR - 5
    # A bar that is cut has a gap, through which the page is seen, whatever colour that has.
    pieces = [(0.0, length - 40), (length - 34, length)] if bar.value > longest else [(0.0, length)]
    parts = [_text(_LABELS - 8, middle, bar.name, "", anchor="end")]
    for number, (start, stop) in enumerate(pieces):
        left, right = _LABELS + start + 6 * (number > 0), _LABELS + stop
        slant = 6 * (number < len(pieces) - 1), 6 * (number > 0)
        corners = f"M{left:.1f} {top} H{right + slant[0]:.1f} L{right:.1f} {top + _BAR} H{left - slant[1]:.1f} Z"
        parts.append(f'  <path class="{kind}" d="{corners}"/>')
    end = _LABELS + length + 8
    return [*parts, f'  <text x="{end:.1f}" y="{middle}">{_show(bar.value)} <tspan class="note">{escape(bar.note)}</tspan></text>']


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'  <text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _show(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or math.isclose(value, round(value)) else f"{value:.1f}"
