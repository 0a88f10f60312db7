"""What became of each row, written as it becomes known: CSV or JSON lines, to a file or to stdout."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
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
Write = Callable[[Result], None]


def choose_format(output: str, wanted: FileFormat | None) -> FileFormat:
    """Choose the format: the one that is *wanted*, else the one that the name ends in, else CSV."""
    if wanted is not None:
        return wanted
    return FileFormat.JSONL if Path(output).suffix.lower() in {".jsonl", ".ndjson", ".json"} else FileFormat.CSV


@contextmanager
def open_results(output: str, file_format: FileFormat, *, followed: bool) -> Iterator[Write]:
    """Open *output*, a path or `-` for stdout, and yield what writes one result, at once.

    Args:
        output: A file that does not exist yet or is empty: earlier results hold tracking ids, which cannot be had again.
        file_format: How to write.
        followed: Write the statuses, too.

    Raises:
        UsageError: The file cannot be written, or holds something.
    """
    columns = [field.name for field in attrs.fields(Result) if followed or field.name not in _FOLLOWED]
    if output == STDOUT:
        yield _writer(sys.stdout, columns, file_format)
        return
    file = _open_new(output)
    try:
        yield _checked_writer(output, file, columns, file_format)
    finally:
        # Whatever could not be written was told when it was written; closing would only complain once more.
        with suppress(OSError):
            file.close()


def _open_new(output: str) -> TextIO:
    path = Path(output)
    try:
        if path.is_file() and path.stat().st_size:
            raise UsageError(f"{output}: holds something already, perhaps the results of an earlier run; give another --output")
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None


def _checked_writer(output: str, file: TextIO, columns: list[str], file_format: FileFormat) -> Write:
    try:
        return _writer(file, columns, file_format)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None


def _writer(file: TextIO, columns: list[str], file_format: FileFormat) -> Write:
    """Make what writes one result; each is flushed, for what is not written down is lost if the process is killed."""
    if file_format is FileFormat.JSONL:

        def write_json(result: Result) -> None:
            file.write(json.dumps({name: _harmless(getattr(result, name)) for name in columns}) + "\n")
            file.flush()

        return write_json
    table = csv.writer(file, lineterminator="\n")
    table.writerow(columns)
    file.flush()

    def write_row(result: Result) -> None:
        table.writerow([_harmless(getattr(result, name)) for name in columns])
        file.flush()

    return write_row


def _harmless(value: object) -> object:
    return printable(value) if isinstance(value, str) else value
