"""What the matrix found: medians and ratios, as tables in Markdown, as data, and as a plot."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import attrs

from benchmarks import chart
from benchmarks.contenders import BARE, BY_NAME, FLOOR, Measure

BEGIN, END = "<!-- figures: written by benchmarks/matrix.py, do not edit -->", "<!-- end of figures -->"
"""What stands around the figures in `docs/benchmarks.md`."""
PLOTTED = 100
"""Messages in flight in the plot."""
TITLES = {"http": "HTTP", "tls": "TLS"}


@attrs.frozen
class Cell:
    """Where a client is measured.

    Attributes:
        transport: `http` or `tls`.
        latency: Milliseconds that the server takes.
        concurrency: Messages in flight.
    """

    transport: str
    latency: int
    concurrency: int

    def __str__(self) -> str:
        return f"{TITLES[self.transport]}, {self.latency} ms, {self.concurrency} in flight"


@attrs.frozen
class Row:
    """One client in one cell: medians of rounds.

    Attributes:
        client: Its name.
        cell: Where.
        cpu: Microseconds of processor time for a message.
        rate: Messages a second.
        peak: Greatest resident memory of the process, in MiB.
        cpu_of_bare: Processor time of bare aiohttp divided by this one's: above 1 this one is cheaper. Median of the ratios of each
            round; None where bare aiohttp was not measured.
        rate_of_bare: This one's messages a second divided by bare aiohttp's, likewise.
        cpu_of_floor: Processor time of the floor divided by this one's, likewise.
    """

    client: str
    cell: Cell
    cpu: float
    rate: float
    peak: float
    cpu_of_bare: float | None
    rate_of_bare: float | None
    cpu_of_floor: float | None


@attrs.frozen
class Figures:
    """Everything that a run of the matrix found.

    Attributes:
        machine: What it ran on and with.
        servers: Name of the server by transport and latency.
        messages: Of one measurement.
        rounds: Of which medians are taken.
        seed: Of the order.
        rows: What was measured.
        absent: Clients that were not, with what to install.
        failures: Measurements that came to nothing, in words.
    """

    machine: Mapping[str, str]
    servers: Mapping[str, str]
    messages: int
    rounds: int
    seed: int
    rows: Sequence[Row]
    absent: Mapping[str, Sequence[str]]
    failures: Sequence[str]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `--json` wrote."""
        data = json.loads(text)
        rows = [Row(**{**row, "cell": Cell(**row["cell"])}) for row in data.pop("rows")]
        return cls(rows=rows, **data)


Rounds = Sequence[Measure | None]
"""What was measured in each round; None where that failed."""


def summarize(measures: Mapping[tuple[str, Cell], Rounds]) -> list[Row]:
    """Work out medians, and medians of the ratios of each round. What failed in every round has no row."""
    rows = []
    for (client, cell), rounds in measures.items():
        mine = [each for each in rounds if each is not None]
        if not mine:
            continue
        bare, floor = measures.get((BARE, cell), ()), measures.get((FLOOR, cell), ())
        rows.append(
            Row(
                client=client,
                cell=cell,
                cpu=statistics.median(each.cpu for each in mine),
                rate=statistics.median(each.rate for each in mine),
                peak=statistics.median(each.peak for each in mine),
                cpu_of_bare=_ratio(bare, rounds, lambda one, other: one.cpu / other.cpu),
                rate_of_bare=_ratio(bare, rounds, lambda one, other: other.rate / one.rate),
                cpu_of_floor=_ratio(floor, rounds, lambda one, other: one.cpu / other.cpu),
            ),
        )
    order = list(BY_NAME)
    return sorted(rows, key=lambda row: (row.cell.transport, row.cell.latency, order.index(row.client), row.cell.concurrency))


def _ratio(theirs: Rounds, mine: Rounds, divide: Callable[[Measure, Measure], float]) -> float | None:
    """The median of the ratios of pairs that were measured in the same round; None if there is no such pair."""
    pairs = zip(theirs, mine, strict=False)
    ratios = [divide(one, other) for one, other in pairs if one is not None and other is not None]
    return statistics.median(ratios) if ratios else None


def to_markdown(figures: Figures) -> str:
    """Write everything down."""
    about = [f"- **{name[0].upper()}{name[1:]}**: {value}" for name, value in figures.machine.items()]
    about.append(
        f"- **Measured**: {figures.rounds} round{'' if figures.rounds == 1 else 's'} of up to {figures.messages:,} messages",
    )
    parts = ["\n".join(about)]
    for transport, latency in dict.fromkeys((row.cell.transport, row.cell.latency) for row in figures.rows):
        rows = [row for row in figures.rows if (row.cell.transport, row.cell.latency) == (transport, latency)]
        server = figures.servers[f"{transport}, {latency} ms"]
        parts += [f"### {TITLES[transport]}, a server that takes {latency} ms ({server})", _to_table(rows)]
    if figures.absent:
        missing = "; ".join(f"{name} (not installed: {', '.join(needs)})" for name, needs in figures.absent.items())
        parts.append(f"Not measured: {missing}")
    if figures.failures:
        parts.append("\n".join(["Failed:", "", *(f"- {each}" for each in figures.failures)]))
    return "\n\n".join(parts)


def _to_table(rows: Sequence[Row]) -> str:
    concurrencies = sorted({row.cell.concurrency for row in rows})
    spread = " / ".join(map(str, concurrencies))
    head = ["client", *(f"{each} in flight" for each in concurrencies)]
    head += [f"× bare aiohttp, CPU ({spread})", "× bare aiohttp, msg/s", "× floor, CPU"]
    lines = [head]
    for client in dict.fromkeys(row.client for row in rows):
        mine = {row.cell.concurrency: row for row in rows if row.client == client}
        found = [mine.get(each) for each in concurrencies]
        lines.append(
            [
                f"**{client}**" if BY_NAME[client].place.startswith("ours:") else client,
                *("–" if row is None else f"{_short(row.cpu)} µs ({_rate(row.rate)})" for row in found),
                " / ".join(_times(None if row is None else row.cpu_of_bare) for row in found),
                " / ".join(_times(None if row is None else row.rate_of_bare) for row in found),
                " / ".join(_times(None if row is None else row.cpu_of_floor) for row in found),
            ],
        )
    return align(lines)


def align(lines: Sequence[Sequence[str]]) -> str:
    """Make a Markdown table that can be read as it is, too: the first line is the head, the first column stands left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rules = [f"{'-' * widths[0]}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    rows = [lines[0], rules, *lines[1:]]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _rate(value: float) -> str:
    return f"{value / 1000:.1f}k/s" if value >= 1000 else f"{value:.0f}/s"


def _times(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def to_plot(figures: Figures) -> str:
    """Draw processor time a message with a near server, HTTP and TLS side by side.

    Raises:
        ValueError: Nothing was measured there.
    """
    panels = []
    for transport in dict.fromkeys(row.cell.transport for row in figures.rows):
        rows = [row for row in figures.rows if row.cell == Cell(transport, 0, PLOTTED)]
        bars = [
            chart.Bar(row.client, row.cpu, f"{_times(row.cpu_of_bare)} ×", ours=BY_NAME[row.client].place.startswith("ours:"))
            for row in sorted(rows, key=lambda row: row.cpu)
        ]
        if bars:
            panels.append(chart.Panel(TITLES[transport], bars))
    if not panels:
        raise ValueError(f"nothing was measured with {PLOTTED} in flight and a server that takes 0 ms")
    title = f"Processor time for a message, {PLOTTED} in flight (µs; × bare aiohttp: above 1 is cheaper)"
    return chart.draw(title, panels)


def write_docs(figures: Figures, folder: Path) -> None:
    """Put the tables between the marks of `benchmarks.md`, and the plot beside it.

    Raises:
        ValueError: The marks are not there, or the figures are not those of the plot.
    """
    page = folder / "benchmarks.md"
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page}: the marks around the figures are missing")
    plot = to_plot(figures)
    page.write_text(f"{before}{BEGIN}\n\n{to_markdown(figures)}\n\n{END}{after}", encoding="utf-8")
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "benchmark.svg").write_text(plot, encoding="utf-8")
