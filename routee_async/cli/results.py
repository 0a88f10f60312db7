"""What became of each row, written as it becomes known: CSV or JSON lines, to a file or to stdout."""

import csv
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import attrs

from routee_async import Accepted, NotSent, Outcome, Rejected, Unknown
from routee_async.cli.failures import UsageError
from routee_async.cli.output import printable

STDOUT = "-"


class FileFormat(StrEnum):
    """How results are written."""

    CSV = "csv"
    JSONL = "jsonl"


class Fate(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The name in prose."""
        return self.value.replace("_", " ")


FATES: Mapping[type[Outcome], Fate] = {
    Accepted: Fate.ACCEPTED,
    Rejected: Fate.REJECTED,
    NotSent: Fate.NOT_SENT,
    Unknown: Fate.UNKNOWN,
}


@attrs.define(kw_only=True)
class Result:
    """What became of a row.

    Attributes:
        line: Number of its line in the input.
        to: Recipient in E.164 if it was accepted, otherwise as given; empty where the row could not be read.
        outcome: What became of it.
        tracking_id: Under which it can be followed; None unless accepted.
        parts: SMS that are paid; None unless accepted.
        error: What went wrong; None if nothing did.
        status: Last known status; None unless accepted and followed.
        detailed_status: The network's reason; None likewise.
    """

    line: int
    to: str = attrs.field(repr=False)
    outcome: Fate
    tracking_id: str | None = None
    parts: int | None = None
    error: str | None = None
    status: str | None = None
    detailed_status: str | None = None


_FOLLOWED = ("status", "detailed_status")
_LINE = re.compile(rb'(?:\{"line": )?(\d+),')
"""The beginning of a result in either format."""
Write = Callable[[object], None]
"""Writes one result, or another object with an attribute for each column."""


class Results:
    """Results that are written from their beginning.

    Args:
        write: Writes one.

    Attributes:
        pending: True while earlier results stand where these belong.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self.pending = False

    def write(self, result: Result) -> None:
        """Write a result, at once.

        Raises:
            OSError: It could not be written.
        """
        self._write(result)

    def conclude(self, line: int) -> None:
        """Tell that there are results of all rows up to *line* of the input. Without this, earlier results stay as they are.

        Raises:
            OSError: They could not be written.
        """


class _Anew(Results):
    """Results that take the place of earlier ones, which are kept until the new ones are complete."""

    def __init__(self, write: Write, draft: TextIO, path: Path) -> None:
        super().__init__(write)
        self.pending = True
        self._draft = draft
        self._path = path

    def conclude(self, line: int) -> None:
        """Keep what is known of the rows after *line*, and put the new results in the place of the earlier ones."""
        with self._path.open("rb") as earlier:
            for result in earlier:
                found = _LINE.match(result)
                # What a killed run wrote last may have no end.
                if found and int(found[1]) > line and result.endswith(b"\n"):
                    self._draft.buffer.write(result)
        self._draft.flush()
        os.fsync(self._draft.fileno())
        self._draft.close()
        shutil.copymode(self._path, self._draft.name)
        Path(self._draft.name).replace(self._path)
        self.pending = False


def choose_format(output: str | None, wanted: FileFormat | None) -> FileFormat:
    """Choose the format: the one that is *wanted*, else the one that the name ends in, else CSV."""
    if wanted is not None:
        return wanted
    return FileFormat.JSONL if Path(output or STDOUT).suffix.lower() in {".jsonl", ".ndjson", ".json"} else FileFormat.CSV


@contextmanager
def open_results(output: str | None, file_format: FileFormat, *, followed: bool, resumed: bool = False) -> Iterator[Results]:
    """Open *output*, a path or `-` for stdout, for what becomes of the rows.

    Args:
        output: A file that does not exist yet or is empty: earlier results hold tracking ids, which cannot be had again. None to
            write nothing.
        file_format: How to write.
        followed: Write the statuses, too.
        resumed: All results will be written again, so that *output* may hold those of an earlier run.

    Raises:
        UsageError: The file cannot be written, or holds something else.
    """
    if output is None:
        yield Results(lambda _: None)
        return
    columns = [field.name for field in attrs.fields(Result) if followed or field.name not in _FOLLOWED]
    path = Path(output).resolve()
    if output == STDOUT or not resumed or not _holds_something(path):
        with open_table(output, file_format, columns) as write:
            yield Results(write)
        return
    _check_earlier(output, path, file_format, columns)
    draft = path.with_name(f"{path.name}.new")
    with _open(output, draft) as file:
        try:
            yield _Anew(_checked_writer(output, file, columns, file_format), file, path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def open_table(output: str, file_format: FileFormat, columns: Sequence[str]) -> Iterator[Write]:
    """Open *output*, a path or `-` for stdout, and yield what writes one object, at once.

    Args:
        output: A file that does not exist yet or is empty.
        file_format: How to write.
        columns: Attributes to write.

    Raises:
        UsageError: The file cannot be written, or holds something.
    """
    if output == STDOUT:
        yield _writer(sys.stdout, columns, file_format)
        return
    path = Path(output)
    if _holds_something(path):
        raise UsageError(f"{output}: holds something already, perhaps the results of an earlier run; give another --output")
    with _open(output, path) as file:
        yield _checked_writer(output, file, columns, file_format)


def _holds_something(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False  # the attempt to open it tells what is wrong


def _check_earlier(output: str, path: Path, file_format: FileFormat, columns: Sequence[str]) -> None:
    """Make sure that nothing but results is written over."""
    try:
        with path.open("rb") as file:
            first = file.readline(1000).rstrip()
    except OSError as error:
        raise UsageError(f"{output}: cannot be read: {error.strerror}") from None
    good = first.startswith(b'{"line": ') if file_format is FileFormat.JSONL else first == ",".join(columns).encode()
    if not good:
        raise UsageError(f"{output}: holds something else than results of this batch in this format; give another --output")


@contextmanager
def _open(output: str, path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    try:
        yield file
    finally:
        # Whatever could not be written was told when it was written; closing would only complain once more.
        with suppress(OSError):
            file.close()


def _checked_writer(output: str, file: TextIO, columns: Sequence[str], file_format: FileFormat) -> Write:
    try:
        return _writer(file, columns, file_format)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None


def _writer(file: TextIO, columns: Sequence[str], file_format: FileFormat) -> Write:
    """Make what writes one object; each is flushed, for what is not written down is lost if the process is killed."""
    if file_format is FileFormat.JSONL:

        def write_json(result: object) -> None:
            file.write(json.dumps({name: _harmless(getattr(result, name)) for name in columns}) + "\n")
            file.flush()

        return write_json
    table = csv.writer(file, lineterminator="\n")
    table.writerow(columns)
    file.flush()

    def write_row(result: object) -> None:
        cells = (getattr(result, name) for name in columns)
        table.writerow([" ".join(map(printable, cell)) if isinstance(cell, tuple) else _harmless(cell) for cell in cells])
        file.flush()

    return write_row


def _harmless(value: object) -> object:
    return printable(value) if isinstance(value, str) else value
