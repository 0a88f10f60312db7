"""Tests of `cli/results.py`."""

import csv
import json
from pathlib import Path

import pytest

from routee_async.cli.failures import UsageError
from routee_async.cli.results import Fate, FileFormat, Result, choose_format, open_results

RESULT = Result(line=7, to="+306970000001", outcome=Fate.ACCEPTED, tracking_id="a\x1b[31m", parts=2, status="Delivered")


@pytest.mark.parametrize(
    ("output", "wanted", "chosen"),
    [
        pytest.param("r.csv", None, FileFormat.CSV, id="csv"),
        pytest.param("r.JSONL", None, FileFormat.JSONL, id="jsonl"),
        pytest.param("r.txt", None, FileFormat.CSV, id="anything else"),
        pytest.param("-", None, FileFormat.CSV, id="stdout"),
        pytest.param("r.csv", FileFormat.JSONL, FileFormat.JSONL, id="the option wins"),
    ],
)
def test_formats(output: str, wanted: FileFormat | None, chosen: FileFormat) -> None:
    """The format is what was asked for, else what the name of the file says."""
    assert choose_format(output, wanted) is chosen


def test_csv(tmp_path: Path) -> None:
    """Each result is in the CSV file as soon as it is written, with control characters escaped."""
    path = tmp_path / "r.csv"
    with open_results(str(path), FileFormat.CSV, followed=False) as write:
        write(RESULT)
        (row,) = csv.DictReader(path.read_text().splitlines())
    expected = {"line": "7", "to": "+306970000001", "outcome": "accepted", "tracking_id": "a\\x1b[31m", "parts": "2", "error": ""}
    assert row == expected


def test_json_lines(tmp_path: Path) -> None:
    """Each result is one JSON object on one line, with the statuses if messages are followed."""
    path = tmp_path / "r.jsonl"
    with open_results(str(path), FileFormat.JSONL, followed=True) as write:
        write(RESULT)
        write(RESULT)
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == second
    assert first["status"] == "Delivered"
    assert first["detailed_status"] is None


def test_earlier_results_are_kept(tmp_path: Path) -> None:
    """A file that holds something is never written over, for tracking ids cannot be had again."""
    path = tmp_path / "r.csv"
    path.write_text("line,to\n")
    with pytest.raises(UsageError, match="earlier run"), open_results(str(path), FileFormat.CSV, followed=False):
        pass
    assert path.read_text() == "line,to\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk() -> None:
    """A disk that is full from the start is told before anything is sent."""
    with pytest.raises(UsageError, match="No space left"), open_results("/dev/full", FileFormat.CSV, followed=False):
        pass


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in a folder that does not exist is refused before anything is sent."""
    output = str(tmp_path / "missing" / "r.csv")
    with pytest.raises(UsageError, match="cannot be written"), open_results(output, FileFormat.CSV, followed=False):
        pass
