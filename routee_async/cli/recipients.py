"""Rows of a CSV file, one at a time, however broken some of them are.

The file is UTF-8 with or without a byte order mark, its cells are divided by comma, semicolon or tab, and its first line names the
columns. A row that cannot be read is told with its line number, and costs none of the others: where a quote does not match, reading
goes on with the next line.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Self

import attrs

from routee_async.cli.failures import UsageError

RECIPIENT, BODY, SENDER_ID, LABEL = _KNOWN = ("to", "body", "sender_id", "label")
"""Columns that have a meaning; capitals do not matter in them."""
_DELIMITERS = ",;\t"
_LONGEST_ROW = 32 * 1024
"""Characters; a body has 1,600 at most."""
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_NEWLINES = ("\n", "\r")


@attrs.frozen
class Row:
    """A row that can be read.

    Attributes:
        line: Number of its first line, from 1; the header is a line, too.
        cells: Column to cell.
    """

    line: int
    cells: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class BadRow:
    """A row that cannot be used.

    Attributes:
        line: Number of its first line.
        problem: What is wrong.
    """

    line: int
    problem: str


@attrs.frozen
class Shard:
    """A share of the rows: of each *of* the one with this *number*, so that several processes send disjoint shares of one file.

    Attributes:
        number: From 1.
        of: How many shares there are.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2/4`; there may be up to 999 shares.

        Raises:
            UsageError: It is no share.
        """
        found = _SHARD.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"--shard: must be like 2/4, the second of four shares, not '{text}'")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, row: int) -> bool:
        """Tell whether row *row* of the file, from 0, belongs to this share."""
        return row % self.of == self.number - 1


_SHARD = re.compile(r"([0-9]{1,3})/([0-9]{1,3})")
ALL = Shard()


class Recipients:
    """The rows of an open file: an iterator.

    Args:
        file: The file.
        size: Bytes of it.
        shard: The share of the rows that is wanted.

    Attributes:
        columns: Their names as they stand in the header, without spaces around them; those with a meaning in small letters.
        size: Bytes of the file.
    """

    def __init__(self, file: BinaryIO, size: int, shard: Shard = ALL) -> None:
        self.size = size
        self._file = file
        self._shard = shard
        self._rows = 0
        # A byte that is not UTF-8 becomes a lone surrogate, by which its row can be told from the others.
        self._lines = _Lines(TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline=""))
        self.columns: tuple[str, ...]
        self.columns, delimiter = _read_header(self._lines.first())
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row | BadRow:
        while True:
            row = self._read_row()
            self._rows += 1
            if self._shard.has(self._rows - 1):
                return row

    def _read_row(self) -> Row | BadRow:
        while True:
            line = self._lines.begin()
            try:
                cells = next(self._reader)
            except csv.Error:
                self._lines.take_back()
                problem = "a quotation mark does not match, or the row is too long; inside quotes, write a quotation mark twice"
                return BadRow(line, problem)
            if cells:
                return self._check(line, cells)

    @property
    def position(self) -> int:
        """How many bytes have been read, a block or so ahead of the rows."""
        return self._file.tell() if self._file.seekable() else 0

    @property
    def line(self) -> int:
        """Number of the last line that was read."""
        return self._lines.number

    def _check(self, line: int, cells: list[str]) -> Row | BadRow:
        if any(not cell.isascii() and _UNDECODABLE.search(cell) for cell in cells):
            return BadRow(line, "is not UTF-8")
        if len(cells) != len(self.columns):
            problem = f"has {len(cells)} cells where the header has {len(self.columns)}; put cells with a delimiter in quotes"
            return BadRow(line, problem)
        row = dict(zip(self.columns, cells, strict=True))
        return Row(line, row) if row[RECIPIENT].strip() else BadRow(line, f"has no recipient: column '{RECIPIENT}' is empty")


class _Lines:
    """Lines of a file, numbered, of which those of the current row can be taken back."""

    def __init__(self, file: TextIOWrapper) -> None:
        self.number = 0
        self._file = file
        self._waiting: deque[str] = deque()
        self._row: list[str] = []
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._row.append(line)
        self._length += len(line)
        if self._length > _LONGEST_ROW:
            raise csv.Error
        return line

    def first(self) -> str:
        """Read the first line that is not blank; empty at the end of the file."""
        while (line := self._read()) and not line.strip():
            self.number += 1
        self.number += bool(line)
        return line

    def begin(self) -> int:
        """Begin a row, and tell the number of its first line."""
        self._row.clear()
        self._length = 0
        return self.number + 1

    def take_back(self) -> None:
        """Make all lines of this row but its first available again."""
        again = self._row[1:]
        self._waiting.extendleft(reversed(again))
        self.number -= len(again)

    def _read(self) -> str:
        """Read a line; of one that is too long only the beginning, so that it need not fit into memory."""
        line = rest = self._file.readline(_LONGEST_ROW + 1)
        while len(rest) > _LONGEST_ROW and not rest.endswith(_NEWLINES):
            rest = self._file.readline(_LONGEST_ROW + 1)
        return line


def _read_header(header: str) -> tuple[tuple[str, ...], str]:
    """Tell the columns and the delimiter: the one that makes most columns of the header, `to` among them.

    Raises:
        UsageError: There is no `to`, or two columns have the same name.
    """
    if not header:
        raise UsageError(f"is empty; its first line must name the columns, one of them '{RECIPIENT}'")
    if _UNDECODABLE.search(header):
        raise UsageError("is not UTF-8 text; save it as CSV in UTF-8")
    choices = [(_split(header, delimiter), delimiter) for delimiter in _DELIMITERS]
    columns, delimiter = max(choices, key=lambda choice: (RECIPIENT in choice[0], len(choice[0])))
    if RECIPIENT not in columns:
        raise UsageError(f"its first line must name the columns, one of them '{RECIPIENT}', with , ; or a tab between them")
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise UsageError(f"names the column '{twice[0]}' twice")
    return columns, delimiter


def _split(header: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, strict=True))
    except csv.Error:
        return ()
    names = [cell.strip() for cell in cells]
    return tuple(name.lower() if name.lower() in _KNOWN else name for name in names)


@contextmanager
def open_recipients(path: Path, shard: Shard = ALL) -> Iterator[Recipients]:
    """Open a CSV file, for all rows or a share of them.

    Raises:
        UsageError: It cannot be read, or its header makes no sense.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        try:
            recipients = Recipients(file, path.stat().st_size, shard)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None
        yield recipients
