"""Tests of `benchmarks/matrix.py`, `micro.py` and `memory.py`: that they run, not how fast."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import matrix, memory, micro, report
from benchmarks.contenders import BARE, BY_NAME, CONTENDERS, FLOOR, Measure, Task
from benchmarks.matrix import Plan
from benchmarks.report import Cell, Figures
from benchmarks.servers import certify

PATIENCE = 60.0


def plan(*names: str, cells: tuple[Cell, ...] = (Cell("http", 0, 10),), messages: int = 5000, rounds: int = 1) -> Plan:
    """A plan for some clients."""
    return Plan([BY_NAME[name] for name in names], cells, messages, rounds, pinned=False, seed=7)


def run(script: str, *arguments: object) -> str:
    """Run a script as a user would, from anywhere; return what it prints."""
    command = [sys.executable, str(Path(matrix.__file__).parent / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE, cwd=Path.cwd().anchor)  # noqa: S603
    return done.stdout


def test_short_run_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The short run, over HTTP and TLS, near and far, prints its tables, names the machine and writes the same as data."""
    file = tmp_path / "figures.json"
    printed = run("matrix.py", "--short", "--unbound", "--only", "routee_async", "--json", file)
    assert "### HTTP, a server that takes 0 ms" in printed
    assert "### TLS, a server that takes 20 ms (lean server)" in printed
    assert re.search(r"\*\*Python\*\*: \w+ 3\.\d+", printed)
    assert re.search(r"\*\*Clients\*\*: routee-async [\d.]+, aiohttp [\d.]+", printed)
    figures = Figures.from_json(file.read_text(encoding="utf-8"))
    assert {row.client for row in figures.rows} == {"routee_async", BARE, FLOOR}
    assert {row.cell for row in figures.rows} == {Cell("http", 0, 10), Cell("tls", 20, 10)}
    assert all(row.cpu > 0 and row.cpu_of_bare for row in figures.rows)
    matrix.main(["--from", str(file)])
    assert capsys.readouterr().out == printed


def test_rivals_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that cannot be measured is told, with what to install; none is dropped in silence."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in {"telnyx", "vonage"} else object())
    chosen, absent = matrix._choose(matrix.make_parser().parse_args([]))  # noqa: SLF001
    assert [each.name for each in absent] == ["telnyx", "vonage"]
    assert {each.name for each in (*chosen, *absent)} == set(BY_NAME)


def test_short_run_leaves_rivals_alone() -> None:
    """What is only to prove that it works does not depend on what else is installed."""
    chosen, absent = matrix._choose(matrix.make_parser().parse_args(["--short"]))  # noqa: SLF001
    assert not absent
    assert {each.name for each in chosen} == {each.name for each in CONTENDERS if not each.rival}


def test_every_client_meets_every_cell_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round measures every client in every cell once, in an order of its own; who speaks only TLS is spared the rest."""
    cells = (Cell("http", 0, 10), Cell("tls", 0, 10))
    asked: list[tuple[str, bool]] = []

    def note(task: Task, authority: Path | None) -> Measure:
        assert task.origin.startswith("https:" if authority else "http:")
        asked.append((task.name, authority is not None))
        return Measure(1, 1, 1)

    monkeypatch.setattr(matrix, "measure_apart", note)
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = matrix.measure_all(plan(BARE, FLOOR, "vonage", cells=cells, rounds=3))
    assert found.servers == dict.fromkeys((("http", 0), ("tls", 0)), "lean server")
    assert not found.failures
    assert {key: len(rounds) for key, rounds in found.measures.items()} == {
        **{(name, cell): 3 for name in (BARE, FLOOR) for cell in cells},
        ("vonage", cells[1]): 3,
    }
    rounds = [asked[start : start + 5] for start in (0, 5, 10)]
    assert all(sorted(each) == sorted(rounds[0]) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_failure_costs_none_of_the_rest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A measurement that fails is told in the report and by the exit status; everything else is measured all the same."""

    def fail_once(task: Task, _: Path | None) -> Measure:
        if task.name == FLOOR:
            raise RuntimeError("the floor gave way")
        return Measure(10, 20, 30)

    monkeypatch.setattr(matrix, "measure_apart", fail_once)
    with pytest.raises(SystemExit, match="1"):
        matrix.main(["--transport", "http", "--latency", "0", "--concurrency", "10", "--rounds", "2", "--only", BARE])
    printed = capsys.readouterr().out
    assert "| bare aiohttp | 10.0 µs (20/s) |                     1.00 |                  1.00 |            – |" in printed
    assert printed.count("- HTTP, 0 ms, 10 in flight: the floor gave way") == 2


@pytest.mark.parametrize(
    ("name", "cell", "messages", "warm_up"),
    [
        (BARE, Cell("http", 0, 100), 5000, 200),
        (BARE, Cell("http", 20, 10), 1500, 200),
        (BARE, Cell("http", 20, 500), 5000, 500),
        ("httpx", Cell("http", 0, 10), 500, 200),
        ("httpx", Cell("http", 0, 500), 1000, 500),
    ],
    ids=["near", "far, few in flight", "far, many", "slow client", "slow client, many"],
)
def test_size_of_a_measurement(name: str, cell: Cell, messages: int, warm_up: int) -> None:
    """Every connection is used before it counts and while it does; slow clients and slow servers get fewer messages."""
    task = plan(name).task(BY_NAME[name], cell, "http://127.0.0.1:1")
    assert (task.messages, task.warm_up) == (messages, warm_up)


def test_axes_can_be_chosen() -> None:
    """What is asked for is measured, and nothing else; without a wish everything is."""
    parse = matrix.make_parser().parse_args
    few = parse(["--transport", "tls", "--latency", "0", "--concurrency", "10", "--concurrency", "3", "--unbound"])
    chosen = matrix._make_plan(few, [])  # noqa: SLF001
    assert chosen.cells == [Cell("tls", 0, 10), Cell("tls", 0, 3)]
    assert chosen.cores == (None, None)
    assert len(matrix._make_plan(parse([]), []).cells) == 12  # noqa: SLF001


def test_documents_are_written_on_demand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--from` with `--write-docs` puts figures that were taken before into the page."""
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "benchmarks.md"
    page.write_text(f"{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "measure_apart", lambda *_: Measure(10, 20, 30))
    file = tmp_path / "figures.json"
    matrix.main(["--transport", "http", "--latency", "0", "--concurrency", "100", "--only", BARE, "--json", str(file)])
    assert page.read_text(encoding="utf-8").count("\n") == 2
    matrix.main(["--from", str(file), "--write-docs"])
    assert "| bare aiohttp       | 10.0 µs (20/s) |" in page.read_text(encoding="utf-8")


def test_certificate_is_for_loopback_alone(tmp_path: Path) -> None:
    """What is made for a run stays in its folder."""
    made = certify(tmp_path)
    assert {made.authority.parent, made.chain.parent} == {tmp_path}


def test_micro_measures_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """The single steps all run, and are printed as a table or as data."""
    steps = [*micro.make_steps(), "Ledger.intend + settle, 100 workers"]
    lines = run("micro.py", "--short").splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == steps
    micro.main(["--short", "--json"])
    assert [*json.loads(capsys.readouterr().out)["ns"]] == steps


def test_memory_is_looked_at_tenth_by_tenth() -> None:
    """A thousand messages with a ledger give ten looks, and what each message added."""
    *looks, total = map(json.loads, run("memory.py", "--messages", 1000, "--ledger").splitlines())
    assert [each["messages"] for each in looks] == list(range(100, 1001, 100))
    assert all(0 < each["resident MiB"] <= each["peak MiB"] + 1 for each in looks)
    assert "bytes a message" in total


def test_growth_is_between_first_and_last_look() -> None:
    """What was there before the first look is nobody's growth."""
    looks = [memory.Look(100, 50_000, 0), memory.Look(200, 70_000, 0), memory.Look(300, 90_000, 0)]
    assert memory.bytes_a_message(looks) == 200
