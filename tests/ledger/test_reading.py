"""Reading, by anybody, at any time."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from routee_async.errors import (
    LedgerError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from routee_async.store import RowState
from tests.ledger.hands import OUTCOMES, intend, opened, run_child, settle


async def test_a_summary_counts_everything(ledger: Ledger) -> None:
    """A summary has every state, parts, final statuses, the length of the input, and tells it in words."""
    empty = ledger.summary()
    assert (empty.total, empty.parts, empty.statuses, empty.finished) == (0, 0, {}, None)
    assert empty.states == dict.fromkeys(RowState, 0)
    assert str(empty).splitlines()[1:] == ["0 messages; the end of the input was not reached", "0 parts accepted"]
    assert datetime.now(UTC) - empty.created_at < timedelta(minutes=1)
    await intend(ledger, 0, 1, 2)
    for index, state in enumerate(OUTCOMES * 2, start=3):
        await settle(ledger, index, state, tracking_id=f"id {index}", parts=2)
    await ledger.note_final("id 3", MessageStatus.DELIVERED)
    await ledger.note_final("id 7", MessageStatus.FAILED)
    await ledger.finish(1234)
    summary = ledger.summary()
    assert summary.states == {RowState.INTENDED: 3, **dict.fromkeys(OUTCOMES, 2)}
    assert (summary.total, summary.parts, summary.finished) == (11, 4, 1234)
    assert summary.statuses == {MessageStatus.DELIVERED: 1, MessageStatus.FAILED: 1}
    assert str(summary) == (
        f"run {summary.run_id}, begun {summary.created_at:%Y-%m-%d %H:%M:%S} UTC\n"
        "11 messages: 3 intended, 2 accepted, 2 rejected, 2 not sent, 2 unknown; the input had 1,234\n"
        "4 parts accepted\n"
        "final: 1 Delivered, 1 Failed"
    )


async def test_rows_come_in_order_and_in_pages(ledger: Ledger) -> None:
    """Iterating gives every row once, in order, however many there are and whatever order they were written in."""
    await intend(ledger, *range(2500, 0, -1))
    await settle(ledger, 1000, RowState.UNKNOWN)
    await settle(ledger, 2000)
    assert [row.index for row in ledger] == list(range(1, 2501))
    assert [row.index for row in ledger.unfinished()] == [index for index in range(1, 2501) if index != 2000]
    assert len(ledger) == 2500


async def test_a_page_that_is_just_full_is_not_the_last(ledger: Ledger) -> None:
    """A number of rows that fills its pages exactly ends well."""
    await intend(ledger, *range(1000))
    assert len(list(ledger)) == 1000


async def test_reading_does_not_disturb_writing(ledger: Ledger, path: Path) -> None:
    """While the owner writes, others read one consistent state after the other; a reader that stands still holds up nothing."""
    await intend(ledger, *range(1500))
    reader = iter(Ledger(path))
    assert next(reader).index == 0
    seen = []
    for start in range(1500, 4500, 500):
        await intend(ledger, *range(start, start + 500))
        seen.append(Ledger(path).summary().total)
    assert seen == list(range(2000, 5000, 500))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        blocked, pages, done = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert (blocked, pages) == (0, done)
    assert [row.index for row in reader] == list(range(1, 4500))


async def test_another_process_can_read(ledger: Ledger, path: Path) -> None:
    """A process that does not own the ledger reads it while it is being written."""
    await intend(ledger, *range(10))
    child = run_child("ledger = Ledger(sys.argv[1])\nprint(len(ledger), len(list(ledger)), ledger.summary().total)", path)
    output, _ = child.communicate(timeout=30)
    assert output.split() == ["10"] * 3
    await intend(ledger, 10)


async def test_notes_are_kept(path: Path) -> None:
    """Notes of the program that uses a ledger are kept with it; one that cannot be stored does no harm."""
    note = json.dumps({"input": "messages.csv", "λ": [1]})
    async with opened(path) as ledger:
        assert ledger.get_note("options") is None
        await ledger.set_note("options", "old")
        await ledger.set_note("options", note)
        with pytest.raises(UnicodeEncodeError):
            await ledger.set_note("options", "\ud800")
        assert ledger.get_note("options") == note
    assert Ledger(path).get_note("options") == note
    with pytest.raises(LedgerError, match="not open"):
        await ledger.set_note("options", "x")
