"""Tests of `magic.py`."""

from routee_async.sandbox.magic import MAGIC_ROWS, markdown
from routee_async.sandbox.timeline import Magic


def test_every_number_is_explained() -> None:
    """Each magic number has a row, and no two rows say the same."""
    assert [row.number for row in MAGIC_ROWS] == [number.value for number in Magic]
    assert len({row.meaning for row in MAGIC_ROWS}) == len(MAGIC_ROWS)


def test_table() -> None:
    """The table for documents has a line for each, with its number, its name and its meaning."""
    lines = markdown().splitlines()
    assert len(lines) == len(MAGIC_ROWS) + 2
    assert "| `+306999000009` | `Magic.EXPIRED` | Ends as `Undelivered` / `Expired`: the validity period has passed |" in lines
    assert "| `+306999000012` | `Magic.NEVER_FINAL` | Stays `Sent` for ever |" in lines
