"""Tests of `benchmarks/report.py` and `benchmarks/chart.py`."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from benchmarks import chart, report
from benchmarks.contenders import BARE, FLOOR, Measure
from benchmarks.report import BEGIN, END, Cell, Figures

NEAR = Cell("http", 0, 100)
SVG = "{http://www.w3.org/2000/svg}"


def figures(*cells: Cell) -> Figures:
    """Figures of three rounds in which the machine was fast, slow and fast again."""
    pace = (1.0, 3.0, 1.0)
    measures = {
        (name, cell): [Measure(cpu * slow, 1e6 / cpu / slow, 40.0) for slow in pace]
        for cell in cells
        for name, cpu in (("routee_async", 40.0), (BARE, 200.0), (FLOOR, 20.0), ("httpx", 6000.0))
    }
    return Figures(
        machine={"processor": "abacus, 2 cores", "clients": "aiohttp 3"},
        servers={f"{cell.transport}, {cell.latency} ms": "nginx 1" for cell in cells},
        messages=5000,
        rounds=3,
        seed=1,
        rows=report.summarize(measures),
        absent={"vonage": ["vonage"]},
        failures=[],
    )


def test_ratios_are_of_one_round() -> None:
    """A ratio is the median of the ratios of each round, so that a slow round changes nothing."""
    ours = figures(NEAR).rows[0]
    assert (ours.client, ours.cpu, ours.rate) == ("routee_async", 40.0, 25_000.0)
    assert (ours.cpu_of_bare, ours.rate_of_bare, ours.cpu_of_floor) == (5.0, 5.0, 0.5)
    mixed = report.summarize(
        {
            ("routee_async", NEAR): [Measure(1, 1, 1), Measure(10, 1, 1), Measure(3, 1, 1)],
            (BARE, NEAR): [Measure(2, 1, 1), Measure(10, 1, 1), Measure(30, 1, 1)],
        },
    )[0]
    assert (mixed.cpu, mixed.cpu_of_bare, mixed.cpu_of_floor) == (3, 2, None)


def test_failed_round_counts_for_nobody() -> None:
    """A round that failed for one of two has no ratio; what failed in all rounds has no row."""
    found = report.summarize(
        {
            ("routee_async", NEAR): [None, Measure(10, 1, 1)],
            (BARE, NEAR): [Measure(5, 1, 1), Measure(20, 1, 1)],
            (FLOOR, NEAR): [Measure(5, 1, 1), None],
            ("httpx", NEAR): [None, None],
        },
    )
    assert [row.client for row in found] == ["routee_async", BARE, FLOOR]
    assert (found[0].cpu, found[0].cpu_of_bare, found[0].cpu_of_floor) == (10, 2, None)


def test_table_can_be_read_as_it_is() -> None:
    """Each transport and latency has its table with aligned columns; what was not measured is a dash or named."""
    text = report.to_markdown(figures(NEAR, Cell("tls", 20, 10), Cell("tls", 20, 500)))
    http, tls = text.split("### ")[1:]
    assert "| **routee_async**   | 40.0 µs (25.0k/s) |" in http
    assert "|                      5.00 |                  5.00 |         0.50 |" in http
    assert "| httpx              |  6,000 µs (167/s) |" in http
    assert "TLS, a server that takes 20 ms (nginx 1)" in tls
    assert "× bare aiohttp, CPU (10 / 500)" in tls
    assert "5.00 / 5.00" in tls
    for table in (http, tls):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(line) for line in lines}) == 1
    assert "- **Processor**: abacus, 2 cores" in text
    assert "3 rounds of up to 5,000 messages" in text
    assert text.endswith("Not measured: vonage (not installed: vonage)")


def test_gap_in_the_table_is_a_dash() -> None:
    """A client that was not measured in one of the columns has a dash there."""
    whole = figures(NEAR, Cell("http", 0, 10))
    rows = [row for row in whole.rows if (row.client, row.cell.concurrency) != ("httpx", 10)]
    text = report.to_markdown(attrs.evolve(whole, rows=rows, rounds=1, absent={}))
    assert "– / 0.033" in text
    assert "1 round of" in text
    assert "Not measured" not in text


def test_figures_survive_json() -> None:
    """What is written as data is read back the same."""
    whole = figures(NEAR, Cell("tls", 0, 100))
    assert Figures.from_json(json.dumps(attrs.asdict(whole))) == whole


def test_plot_is_whole() -> None:
    """The plot is well-formed, has every client under its transport, ours in its colour, and both colour schemes."""
    text = report.to_plot(figures(NEAR, Cell("tls", 0, 100), Cell("http", 20, 100)))
    root = ET.fromstring(text)  # noqa: S314 - our own
    texts = [" ".join("".join(each.itertext()).split()) for each in root.iter(f"{SVG}text")]
    assert [each for each in texts if each in {"HTTP", "TLS"}] == ["HTTP", "TLS"]
    for name, value in (("routee_async", "40 5.00 ×"), (BARE, "200 1.00 ×"), (FLOOR, "20 10 ×"), ("httpx", "6,000 0.033 ×")):
        assert texts.count(name) == texts.count(value) == 2
    assert text.count('class="ours"') == 2
    assert "prefers-color-scheme: dark" in text
    width = float(root.attrib["width"])
    for path in root.iter(f"{SVG}path"):
        assert all(0 <= float(number) <= width for number in path.attrib["d"].replace("M", " ").split() if number.isdigit())


def test_long_bar_is_cut() -> None:
    """A bar that would dwarf the others is cut in two, and keeps its figure; nothing is cut where all are alike."""
    bars = [chart.Bar("a", 10, ""), chart.Bar("b", 12, ""), chart.Bar("<c>", 900, "")]
    assert chart.draw("t", [chart.Panel("p", bars)]).count("<path") == 4
    assert chart.draw("t", [chart.Panel("p", bars[:2])]).count("<path") == 2
    assert "&lt;c&gt;" in chart.draw("t", [chart.Panel("p", bars)])


def test_nothing_to_plot_is_told() -> None:
    """Figures without the cell of the plot cannot be put on the page."""
    with pytest.raises(ValueError, match="100 in flight"):
        report.to_plot(figures(Cell("http", 20, 100)))


def test_page_keeps_its_text(tmp_path: Path) -> None:
    """Only what stands between the marks is replaced, however often."""
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        report.write_docs(figures(NEAR), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n\n- **Processor**")
    assert text.endswith(f"vonage)\n\n{END}\nafter\n")
    assert "old figures" not in text
    assert (tmp_path / "images" / "benchmark.svg").read_text(encoding="utf-8") == report.to_plot(figures(NEAR))


def test_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    """Where the figures belong is not guessed."""
    page = tmp_path / "benchmarks.md"
    page.write_text(f"{BEGIN}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="marks"):
        report.write_docs(figures(NEAR), tmp_path)
    assert page.read_text(encoding="utf-8") == f"{BEGIN}\n"


def test_docs_have_the_marks_and_the_plot() -> None:
    """The page of the documentation is one that the figures can be written into, and what it shows is there."""
    page = Path(report.__file__).parent.parent / "docs" / "benchmarks.md"
    text = page.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)
    assert "### HTTP" in text.partition(BEGIN)[2].partition(END)[0]
    ET.parse(page.parent / "images" / "benchmark.svg")  # noqa: S314 - our own
