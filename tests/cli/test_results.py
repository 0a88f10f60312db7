"""Tests of `cli/results.py`."""

import csv
import json
import os
from pathlib import Path

import attrs
import pytest

from routee_async.cli.failures import UsageError
from routee_async.cli.results import Fate, FileFormat, Result, choose_format, open_results, open_table

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
    with open_results(str(path), FileFormat.CSV, followed=False) as results:
        results.write(RESULT)
        (row,) = csv.DictReader(path.read_text().splitlines())
    expected = {"line": "7", "to": "+306970000001", "outcome": "accepted", "tracking_id": "a\\x1b[31m", "parts": "2", "error": ""}
    assert row == expected


def test_json_lines(tmp_path: Path) -> None:
    """Each result is one JSON object on one line, with the statuses if messages are followed."""
    path = tmp_path / "r.jsonl"
    with open_results(str(path), FileFormat.JSONL, followed=True) as results:
        results.write(RESULT)
        results.write(RESULT)
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


EARLIER = {
    FileFormat.CSV: (
        "line,to,outcome,tracking_id,parts,error\n"
        "2,+30,accepted,old-2,1,\n"
        "9,+30,accepted,old-9,1,\n"
        "8,+30,accepted,old-8,1,\n"
        "10,+30,accepted,torn"
    ),
    FileFormat.JSONL: (
        '{"line": 2, "tracking_id": "old-2"}\n'
        '{"line": 9, "tracking_id": "old-9"}\n'
        '{"line": 8, "tracking_id": "old-8"}\n'
        '{"line": 10, "tracking_id": "torn'
    ),
}


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_anew(tmp_path: Path, file_format: FileFormat) -> None:
    """Results that are written anew take the place of the earlier ones in the end, but for rows that were not come to."""
    path = tmp_path / "results"
    path.write_text(EARLIER[file_format])
    path.chmod(0o640)
    with open_results(str(path), file_format, followed=False, resumed=True) as results:
        results.write(RESULT)
        assert path.read_text() == EARLIER[file_format]
        results.conclude(7)
        assert results.pending is False
    content = path.read_text()
    assert [tracking_id in content for tracking_id in ("\\x1b[31m", "old-2", "old-9", "old-8", "torn")] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["results"]


def test_not_concluded(tmp_path: Path) -> None:
    """Earlier results stay as they are when the new ones are not concluded."""
    path = tmp_path / "results.csv"
    path.write_text(EARLIER[FileFormat.CSV])
    with open_results(str(path), FileFormat.CSV, followed=False, resumed=True) as results:
        results.write(RESULT)
    assert path.read_text() == EARLIER[FileFormat.CSV]
    assert [each.name for each in tmp_path.iterdir()] == ["results.csv"]


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_resumed_without_results(tmp_path: Path, content: str | None) -> None:
    """Where a resumed run finds no earlier results, each result is in the file as soon as it is written."""
    path = tmp_path / "results.csv"
    if content is not None:
        path.write_text(content)
    with open_results(str(path), FileFormat.CSV, followed=False, resumed=True) as results:
        results.write(RESULT)
        assert len(path.read_text().splitlines()) == 2
        assert results.pending is False
        results.conclude(7)


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        pytest.param("to,name\n+30,Maria\n", FileFormat.CSV, id="another table"),
        pytest.param(EARLIER[FileFormat.CSV], FileFormat.JSONL, id="another format"),
        pytest.param(EARLIER[FileFormat.JSONL], FileFormat.CSV, id="the other way round"),
    ],
)
def test_only_results_are_replaced(tmp_path: Path, content: str, file_format: FileFormat) -> None:
    """A file that holds something else than such results is refused and left alone."""
    path = tmp_path / "customers.csv"
    path.write_text(content)
    with (
        pytest.raises(UsageError, match="holds something else"),
        open_results(str(path), file_format, followed=False, resumed=True),
    ):
        pass
    assert path.read_text() == content


def test_results_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier results that cannot be read are not written over."""
    path = tmp_path / "results.csv"
    path.write_text(EARLIER[FileFormat.CSV])

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with (
        pytest.raises(UsageError, match="cannot be read: Permission denied"),
        open_results(str(path), FileFormat.CSV, followed=False, resumed=True),
    ):
        pass


def test_a_place_that_cannot_be_looked_at(tmp_path: Path) -> None:
    """A name that is too long is refused as one that cannot be written."""
    output = str(tmp_path / ("x" * 300))
    with pytest.raises(UsageError, match="cannot be written"), open_results(output, FileFormat.CSV, followed=False, resumed=True):
        pass


def test_a_disk_that_fails_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new results cannot be brought to the disk, the earlier ones stay."""
    path = tmp_path / "results.csv"
    path.write_text(EARLIER[FileFormat.CSV])

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with open_results(str(path), FileFormat.CSV, followed=False, resumed=True) as results, pytest.raises(OSError, match="Input"):
        results.conclude(7)
    assert results.pending
    assert path.read_text() == EARLIER[FileFormat.CSV]


@attrs.frozen
class Pair:
    """Something with a list in it."""

    name: str
    ids: tuple[str, ...]


def test_lists(tmp_path: Path) -> None:
    """A list is a list in JSON, and words in a cell of CSV."""
    for file_format in FileFormat:
        with open_table(str(tmp_path / file_format), file_format, ("name", "ids")) as write:
            write(Pair("a", ("1", "2\x1b")))
    assert (tmp_path / "csv").read_text() == "name,ids\na,1 2\\x1b\n"
    assert json.loads((tmp_path / "jsonl").read_text()) == {"name": "a", "ids": ["1", "2\x1b"]}
