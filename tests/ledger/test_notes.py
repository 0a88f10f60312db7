"""Messages that have no row: in the tail, and in bundles."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

from routee_async import group_commit
from routee_async.errors import (
    LedgerError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from routee_async.store import RowState
from tests.ledger.hands import (
    CHECKSUM,
    OUTCOMES,
    UUID,
    found,
    in_tail,
    intend,
    make,
    mark,
    meddle,
    opened,
    send,
    settle,
    uuid_of,
)


async def test_whoever_reads_does_not_see_the_tail(ledger: Ledger, path: Path) -> None:
    """Rows, and messages that have none yet, are counted, found and listed as one, in order; and again once it is closed."""
    await settle(ledger, 0, RowState.REJECTED)
    await send(ledger, *range(1, 700))
    await intend(ledger, *range(700, 710))
    await send(ledger, *range(710, 720))
    assert in_tail(path)
    rows = list(Ledger(path))
    assert [row.index for row in rows] == list(range(720))
    assert [row.tracking_id for row in rows[1:700]] == [uuid_of(index) for index in range(1, 700)]
    assert [row.parts for row in rows[1:7]] == [1, 2, None, 1, 2, None]
    assert all(row.intended_at is not None and row.checksum == CHECKSUM and row.reference == mark(row.index) for row in rows[1:])
    assert [await found(ledger, index) for index in range(720)] == rows
    assert [row.index for row in Ledger(path).unfinished()] == list(range(700, 710))
    summary = Ledger(path).summary()
    states = {RowState.REJECTED: 1, RowState.ACCEPTED: 709, RowState.INTENDED: 10, RowState.UNKNOWN: 0, RowState.NOT_SENT: 0}
    assert (summary.states, summary.total, len(ledger)) == (states, 720, 720)
    assert summary.parts == sum(index % 3 for index in range(1, 720) if not 700 <= index < 710)
    await ledger.close()
    assert not in_tail(path)
    assert list(ledger) == rows
    assert attrs.evolve(ledger.summary(), created_at=summary.created_at) == summary
    await ledger.open()
    assert [await found(ledger, index) for index in range(720)] == rows


async def test_a_tail_survives_a_crash(path: Path, tmp_path: Path) -> None:
    """What is on disk at an instant is the whole ledger: where it is opened from that, everything is there and goes on."""
    other = tmp_path / "crashed.db"
    async with opened(path) as ledger:
        await send(ledger, *range(600))
        await intend(ledger, 600, 601)
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{other}{suffix}")
        rows = list(ledger)
    assert list(Ledger(other)) == rows
    async with opened(other) as again:
        assert not in_tail(other)
        assert list(again) == rows
        await settle(again, 600, tracking_id=uuid_of(600))
        await send(again, 602)
        assert (await found(again, 600)).intended_at == rows[600].intended_at
        assert [row.index for row in again.unfinished()] == [601]
        assert len(again) == 603


async def test_a_message_in_the_tail_stays_accepted(ledger: Ledger, path: Path) -> None:
    """An accepted message that has no row yet refuses another state as one that has, and may be accepted with more known."""
    await send(ledger, 0, 1)
    assert in_tail(path)
    for operation in (intend(ledger, 0), settle(ledger, 1, RowState.UNKNOWN)):
        with pytest.raises(LedgerError, match="accepted"):
            await operation
    await settle(ledger, 1, tracking_id=UUID, duplicates=("other",))
    assert [(row.state, row.tracking_id, row.duplicates) for row in ledger] == [
        (RowState.ACCEPTED, uuid_of(0), ()),
        (RowState.ACCEPTED, UUID, ("other",)),
    ]


async def test_an_intent_in_the_tail_keeps_what_marks_it(ledger: Ledger, path: Path) -> None:
    """A message on its way that is intended once more keeps reference, checksum and first intent."""
    await intend(ledger, 0, 1)
    before = list(ledger)
    meddle(path, "UPDATE about SET value = value")  # any other writer may come between
    await ledger.intend(0, mark(5), bytes(16))
    await ledger.settle(1, reference=mark(6), checksum=bytes(16), state=RowState.UNKNOWN)
    assert list(ledger) == [before[0], attrs.evolve(before[1], state=RowState.UNKNOWN)]
    await settle(ledger, 0, tracking_id=UUID)
    assert await found(ledger, 0) == attrs.evolve(before[0], state=RowState.ACCEPTED, tracking_id=UUID)


async def test_a_final_status_finds_a_message_in_the_tail(ledger: Ledger, path: Path) -> None:
    """A final status that comes before its message has a row is kept, and leaves what is on its way alone."""
    await send(ledger, 0)
    await intend(ledger, 1)
    await ledger.note_final(uuid_of(0), MessageStatus.DELIVERED)
    assert [(row.state, row.status) for row in Ledger(path)] == [
        (RowState.ACCEPTED, MessageStatus.DELIVERED),
        (RowState.INTENDED, None),
    ]
    await settle(ledger, 1, tracking_id=uuid_of(1))
    await ledger.note_final(uuid_of(1), MessageStatus.FAILED)
    assert [row.status for row in Ledger(path)] == [MessageStatus.DELIVERED, MessageStatus.FAILED]


@pytest.mark.parametrize("state", OUTCOMES)
async def test_the_tail_has_bounds(ledger: Ledger, path: Path, state: RowState) -> None:
    """However many messages are sent, and whatever becomes of them, the tail has those of the last groups only."""
    await intend(ledger, 0)
    for start in range(1, 4001, 100):
        await intend(ledger, *range(start, start + 100))
        await asyncio.gather(*(settle(ledger, index, state, tracking_id=uuid_of(index)) for index in range(start, start + 100)))
    assert in_tail(path) < 20
    assert len(ledger) == 4001
    assert (await found(ledger, 0)).state is RowState.INTENDED


@pytest.mark.parametrize(
    "damage",
    ["x''", "x'0000000000'", "x'0100000000000000'", "zeroblob(8 + 51)", f"x'0000000001000000{'00' * 28}'", "'text'", "7"],
)
async def test_a_tail_that_makes_no_sense_is_damage(path: Path, damage: str) -> None:
    """An entry of the tail that cannot be understood is an error for whoever reads or opens the ledger, not a guess."""
    await make(path)
    meddle(path, f"INSERT INTO tail (entry) VALUES ({damage})")  # noqa: S608 - a constant
    ledger = Ledger(path)
    for read in (ledger.summary, ledger.__len__, lambda: list(ledger)):
        with pytest.raises(LedgerError, match="damaged"):
            read()
    with pytest.raises(LedgerError, match="damaged"):
        await ledger.open()


# Bundles


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles of ten messages instead of a thousand."""
    monkeypatch.setattr(group_commit, "_MOST_SETTLED", 10)


def bundles(path: Path) -> list[tuple[int, int, int]]:
    """First and last position, and how many messages there are, of each bundle."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT first, last, messages FROM bundle ORDER BY first").fetchall()


def with_rows(path: Path) -> set[int]:
    """Positions that have a row."""
    with closing(sqlite3.connect(path)) as connection:
        return {position for (position,) in connection.execute("SELECT position FROM message")}


async def one_by_one(ledger: Ledger, *indices: int) -> None:
    """Send messages one after the other."""
    for index in indices:
        await send(ledger, index)


@pytest.mark.usefixtures("small")
async def test_whoever_reads_does_not_see_bundles(ledger: Ledger, path: Path) -> None:
    """Messages in bundles, in the tail and with rows are counted, found and listed as one, from any of them on."""
    await one_by_one(ledger, *range(25))
    await settle(ledger, 25, RowState.REJECTED)
    await intend(ledger, 26)
    await one_by_one(ledger, *range(27, 55))
    assert len(bundles(path)) == 5
    assert with_rows(path) == {25}
    rows = list(Ledger(path))
    assert [row.index for row in rows] == list(range(55))
    for row in rows:
        expected = (RowState.ACCEPTED, uuid_of(row.index), row.index % 3 or None)
        if row.index not in {25, 26}:
            assert (row.state, row.tracking_id, row.parts) == expected
        assert (row.checksum, row.reference, await found(ledger, row.index)) == (CHECKSUM, mark(row.index), row)
    summary = Ledger(path).summary()
    assert (summary.total, summary.states[RowState.ACCEPTED], len(ledger)) == (55, 53, 55)
    assert summary.parts == sum(row.parts or 0 for row in rows)
    assert [row.index for row in Ledger(path).unfinished()] == [26]
    await ledger.close()
    assert list(ledger) == rows
    async with opened(path) as again:
        assert again.is_new_from(55)
        assert not again.is_new_from(54)
        assert [await found(again, row.index) for row in rows] == rows


async def test_pages_go_on_behind_bundles(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However pages and bundles fall, every message is listed once."""
    monkeypatch.setattr(group_commit, "_MOST_SETTLED", 7)
    async with opened(path) as ledger:
        await one_by_one(ledger, *range(40))
        rows = list(ledger)
        assert len(bundles(path)) > 3
        for size in (1, 2, 6, 7, 8, 40, 41):
            monkeypatch.setattr("routee_async.ledger._PAGE", size)
            assert list(ledger) == rows


@pytest.mark.usefixtures("small")
async def test_a_slow_message_does_not_hold_bundles_up(ledger: Ledger, path: Path) -> None:
    """A message that takes long keeps nobody in the tail; when it is there it gets a row, and bundles do not overlap."""
    await intend(ledger, 0, 5)
    await one_by_one(ledger, *range(10, 45))
    assert in_tail(path) <= 20
    await settle(ledger, 5, tracking_id=uuid_of(5))
    await settle(ledger, 0, tracking_id=uuid_of(0))
    await one_by_one(ledger, *range(45, 60))
    ranges = [(first, last) for first, last, _ in bundles(path)]
    assert len(ranges) > 3
    assert all(before[1] < after[0] for before, after in pairwise(ranges))
    assert {0, 5} <= with_rows(path)
    assert [row.index for row in ledger] == [0, 5, *range(10, 60)]
    assert all(row.state is RowState.ACCEPTED and row.tracking_id == uuid_of(row.index) for row in ledger)


@pytest.mark.usefixtures("small")
async def test_bundles_survive_a_crash(path: Path, tmp_path: Path) -> None:
    """What is on disk at any instant between two commits is the whole ledger, and goes on where it was."""
    other = tmp_path / "crashed.db"
    async with opened(path) as ledger:
        for index in range(32):
            await intend(ledger, index, index + 100)
            await settle(ledger, index, tracking_id=uuid_of(index))
            for suffix in ("", "-wal"):
                shutil.copy(f"{path}{suffix}", f"{other}{suffix}")
            assert len(list(ledger)) == 2 * index + 2
            assert list(Ledger(other)) == list(ledger)
            other.with_name("crashed.db-shm").unlink(missing_ok=True)
        rows = list(ledger)
    async with opened(other) as again:
        assert not in_tail(other)
        assert list(again) == rows
        await settle(again, 100, tracking_id=uuid_of(100))
        assert (await found(again, 100)).intended_at == rows[32].intended_at


@pytest.mark.usefixtures("small")
async def test_a_message_in_a_bundle_stays_accepted(path: Path) -> None:
    """An accepted message in a bundle refuses another state as one with a row, and may be accepted with more known."""
    async with opened(path) as ledger:
        await one_by_one(ledger, *range(20))
    async with opened(path) as ledger:
        for operation in (intend(ledger, 3), settle(ledger, 4, RowState.UNKNOWN)):
            with pytest.raises(LedgerError, match="accepted"):
                await operation
        await settle(ledger, 5, tracking_id=UUID, duplicates=("other",))
        assert with_rows(path) == {3, 4, 5}
        assert [count for *_, count in bundles(path)] == [7, 10]
        rows = list(ledger)
        assert [row.index for row in rows] == list(range(20))
        assert (rows[5].tracking_id, rows[5].duplicates) == (UUID, ("other",))
        assert all(row.state is RowState.ACCEPTED and row.tracking_id == uuid_of(row.index) for row in rows if row.index != 5)
        assert Ledger(path).summary().parts == sum(index % 3 for index in range(20) if index != 5)


@pytest.mark.usefixtures("small")
async def test_a_final_status_makes_rows_of_bundles(ledger: Ledger, path: Path) -> None:
    """The first final status makes rows of all that was accepted, wherever it was; what comes later is bundled again."""
    await one_by_one(ledger, *range(25))
    before = list(ledger)
    assert bundles(path)
    await ledger.note_final(uuid_of(3), MessageStatus.DELIVERED)
    assert (bundles(path), with_rows(path)) == ([], set(range(25)))
    assert list(ledger) == [attrs.evolve(row, status=MessageStatus.DELIVERED if row.index == 3 else None) for row in before]
    await one_by_one(ledger, *range(25, 45))
    assert bundles(path)
    await ledger.note_final(uuid_of(40), MessageStatus.FAILED)
    assert [row.index for row in ledger] == list(range(45))
    assert {row.index: row.status for row in ledger if row.status} == {3: MessageStatus.DELIVERED, 40: MessageStatus.FAILED}


@pytest.mark.parametrize("damage", ["x'00'", "zeroblob(90)", "'text'", "7", f"x'{'ff' * 91}'"])
async def test_a_bundle_that_makes_no_sense_is_damage(path: Path, damage: str) -> None:
    """A bundle that cannot be understood is an error for whoever reads it, not a guess."""
    await make(path)
    meddle(path, f"INSERT INTO bundle VALUES (600, 700, 1, 1, {damage})")  # noqa: S608 - a constant
    with pytest.raises(LedgerError, match="damaged"):
        list(Ledger(path))
    async with opened(path) as ledger:
        with pytest.raises(LedgerError, match="damaged"):
            await ledger.find(650)


async def test_a_closed_ledger_has_no_tail(path: Path) -> None:
    """Nothing is left in the tail of a ledger that was closed, also when every message has left it."""
    async with opened(path) as ledger:
        await intend(ledger, 0, 1)
        await settle(ledger, 0, RowState.REJECTED)
        await settle(ledger, 1, RowState.UNKNOWN)
        assert in_tail(path)
    assert not in_tail(path)
    assert with_rows(path) == {0, 1}
