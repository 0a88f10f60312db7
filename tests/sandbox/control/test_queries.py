"""Tests of `control/queries.py`."""

import math

import pytest

from routee_async.sandbox.control.problems import ControlError
from routee_async.sandbox.control.queries import digits, read_number, read_query, read_slice, read_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1790000000.5", 1_790_000_000.5),
        ("2026-09-21T14:13:20Z", 1_790_000_000.0),
        ("2026-09-21T14:13:20", 1_790_000_000.0),
        ("2026-09-21T17:13:20+03:00", 1_790_000_000.0),
        ("2026-09-21T17:13:20 03:00", 1_790_000_000.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    """Epoch seconds and ISO 8601 are understood, UTC unless they say otherwise, with a `+` that was not escaped, too."""
    assert read_time("since", text) == seconds


@pytest.mark.parametrize("text", ["yesterday", "nan", "inf", ""])
def test_no_times(text: str) -> None:
    """Anything else is refused by name."""
    with pytest.raises(ControlError, match="since: is neither ISO 8601 nor epoch seconds"):
        read_time("since", text)


def test_unknown_filters() -> None:
    """A misspelt filter is refused: without it, everything would match."""
    with pytest.raises(ControlError, match="recipient: unknown; known are to, sender_id"):
        read_query({"recipient": "+306970000001"})
    assert read_query({"page": "1"}, "page") == read_query({})
    assert read_query({"since": "5"}).since == 5
    assert read_query({}).until == math.inf


@pytest.mark.parametrize("query", [{"page": "-1"}, {"page": "x"}, {"size": "0"}, {"size": "1001"}, {"size": "1.5"}])
def test_pages(query: dict[str, str]) -> None:
    """A page must be a whole number in its bounds."""
    with pytest.raises(ControlError, match="must be a whole number from"):
        read_slice(query)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "x"])
def test_numbers(text: str) -> None:
    """A number must be one, and not without end."""
    with pytest.raises(ControlError, match="seconds: must be a number from 0 to inf"):
        read_number({"seconds": text}, "seconds", 1)


@pytest.mark.parametrize(
    ("number", "bare"), [("+30 697-000", "30697000"), ("(30) 1", "301"), ("ParcelCo 1", "ParcelCo 1"), (" 30", "30")]
)
def test_digits(number: str, bare: str) -> None:
    """Numbers are compared by their digits alone; names stay as they are."""
    assert digits(number) == bare
