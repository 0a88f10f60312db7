"""Tests of `cli/recipients.py`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from routee_async.cli.failures import UsageError
from routee_async.cli.recipients import BadRow, Row, Shard, open_recipients

Table = Callable[[str | bytes], Path]


def read(path: Path) -> list[Row | BadRow]:
    """Read all rows of a file."""
    with open_recipients(path) as recipients:
        return list(recipients)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("to,name\n+1,Μαρία\n", id="comma"),
        pytest.param("to;name\n+1;Μαρία\n", id="semicolon"),
        pytest.param("to\tname\n+1\tΜαρία\n", id="tab"),
        pytest.param("\ufeffto,name\r\n+1,Μαρία\r\n", id="byte order mark and CRLF"),
        pytest.param("to,name\r+1,Μαρία", id="CR, none at the end"),
        pytest.param(' TO , name \n"+1","Μαρία"\n', id="quotes, capitals, spaces in the header"),
        pytest.param("to,name\n\n\n+1,Μαρία\n\n", id="blank lines"),
        pytest.param("\n\nto,name\n+1,Μαρία\n", id="blank lines first"),
    ],
)
def test_dialects(table: Table, content: str) -> None:
    """The same row is read from every dialect that spreadsheets write."""
    (row,) = read(table(content))
    assert isinstance(row, Row)
    assert row.cells == {"to": "+1", "name": "Μαρία"}


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_are_disjoint_and_whole(table: Table, of: int) -> None:
    """Every row, good or bad, belongs to exactly one share, in order and with its line number."""
    path = table("to,name\n+1,a\n\n+2,b\n+3\n+4,d\n,e\n+6,f\n")
    shares = []
    for number in range(1, of + 1):
        with open_recipients(path, Shard(number, of)) as recipients:
            shares.append(list(recipients))
    assert sorted((row for share in shares for row in share), key=lambda row: row.line) == read(path)
    assert [row.line for row in shares[0]] == [row.line for row in read(path)][::of]


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1 / 2", "1/1000", "¹/2"])
def test_nonsense_is_no_share(text: str) -> None:
    """A share that cannot be meant is refused with an example of a good one."""
    with pytest.raises(UsageError, match="must be like 2/4"):
        Shard.parse(text)


def test_line_numbers(table: Table) -> None:
    """A row is known by the number of its first line, cells of several lines and blank lines counted."""
    content = 'to,body\n+1,a\n\n+2,"b\nb\nb"\n+3,c\n'
    assert [row.line for row in read(table(content))] == [2, 4, 7]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(b",text", "no recipient", id="no recipient"),
        pytest.param(b"  ,text", "no recipient", id="blank recipient"),
        pytest.param(b"+2", "1 cells where the header has 2", id="too few cells"),
        pytest.param(b"+2,text,more", "3 cells where the header has 2", id="too many cells"),
        pytest.param(b"+2,\xff\xfe", "not UTF-8", id="not UTF-8"),
        pytest.param(b'+2,"text', "quotation mark", id="quote that is never closed"),
        pytest.param(b'+2,"te"xt', "quotation mark", id="quote in the middle"),
        pytest.param(b"+2," + b"x" * 100_000, "too long", id="endless line"),
        pytest.param(b'+2,"' + b"x" * 20_000 + b"\n" + b"x" * 100_000 + b'"', "too long", id="endless second line"),
    ],
)
def test_a_bad_row_costs_no_other(table: Table, line: bytes, problem: str) -> None:
    """A row that cannot be used is told with its line number, and the rows around it are read all the same."""
    rows = read(table(b"to,body\n+1,one\n" + line + b"\n+3,three\n+4,four\n"))
    assert [row.cells["to"] for row in rows if isinstance(row, Row)] == ["+1", "+3", "+4"]
    first_bad = next(row for row in rows if isinstance(row, BadRow))
    assert first_bad.line == 3
    assert problem in first_bad.problem


def test_a_lost_quote_never_joins_rows(table: Table) -> None:
    """A quote that is not closed before the next quoted cell swallows neither the rows between nor that one."""
    rows = read(table('to,body\n+1,"one\n+2,two\n+3,"three"\n'))
    assert [(type(row), row.line) for row in rows] == [(BadRow, 2), (Row, 3), (Row, 4)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\n \n", "is empty", id="blank"),
        pytest.param(b"+306970000001,Hi\n", "one of them 'to'", id="no header"),
        pytest.param(b"name,number\nMaria,+1\n", "one of them 'to'", id="no recipient"),
        pytest.param(b"to,name,name\n", "'name' twice", id="same name twice"),
        pytest.param(b"to,To\n", "'to' twice", id="two recipients"),
        pytest.param("to,name\n".encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param(b'to,"name\n', "one of them 'to'", id="quote that is never closed"),
    ],
)
def test_headers_that_make_no_sense(table: Table, content: bytes, problem: str) -> None:
    """A header that cannot be right is refused before anything is sent, with the name of the file."""
    with pytest.raises(UsageError, match=problem) as refused:
        read(table(content))
    assert "rows.csv" in str(refused.value)


def test_unreadable_files(tmp_path: Path) -> None:
    """A file that is missing, or is none, is told as such."""
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "missing.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_columns_without_a_name(table: Table) -> None:
    """Columns without a name, as spreadsheets add at the end, do no harm."""
    (row,) = read(table("to,,\n+1,,\n"))
    assert isinstance(row, Row)


def test_position(table: Table) -> None:
    """The position reaches the size with the last row."""
    with open_recipients(table("to\n+1\n+2\n")) as recipients:
        assert recipients.columns == ("to",)
        assert [row.line for row in recipients] == [2, 3]
        assert recipients.position == recipients.size == 9
        assert recipients.line == 3
