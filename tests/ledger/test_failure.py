"""What happens when a ledger cannot be written."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from routee_async.errors import (
    LedgerError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from tests.ledger.hands import (
    CHECKSUM,
    Spy,
    intend,
    make,
    mark,
    meddle,
    opened,
    settle,
)


async def test_a_failed_write_fails_everybody(path: Path) -> None:
    """When a write fails, whoever waits and whoever comes later is told, until the ledger is opened again; the rest is there."""
    ledger = Ledger(path)
    await ledger.open()
    await intend(ledger, 0)
    meddle(path, "CREATE TRIGGER trouble BEFORE INSERT ON tail BEGIN SELECT RAISE(FAIL, 'boom'); END;")
    results = await asyncio.gather(
        *(ledger.intend(index, mark(index), CHECKSUM) for index in range(5, 10)),
        ledger.note_final("x", MessageStatus.DELIVERED),
        return_exceptions=True,
    )
    failed = [each for each in results if each is not None]
    assert failed
    assert all(isinstance(each, LedgerError) and "boom" in str(each) for each in failed)
    assert len({id(each) for each in failed}) == len(failed)
    for operation in (
        ledger.find(0),
        ledger.find(1000),
        intend(ledger, 1),
        settle(ledger, 0),
        ledger.finish(10),
        ledger.set_note("", ""),
    ):
        with pytest.raises(LedgerError, match="boom"):
            await operation
    reported = {0, *(index for index, each in zip(range(5, 10), results, strict=False) if each is None)}
    await ledger.close()
    meddle(path, "DROP TRIGGER trouble")
    await ledger.open()
    assert {row.index for row in ledger} == reported
    await intend(ledger, 7)
    await ledger.close()


async def test_a_full_disk_stops_it(path: Path, spy: Spy) -> None:
    """When the disk is full, writing fails and says so, and what was reported before is there."""
    async with opened(path) as ledger:
        await intend(ledger, 0)
        spy.writer.execute("PRAGMA max_page_count = 1")
        reported = [0]

        async def fill() -> None:
            for index in range(1, 10_000):
                await intend(ledger, index)
                reported.append(index)

        with pytest.raises(LedgerError, match="disk is full; make room"):
            await fill()
        with pytest.raises(LedgerError, match="disk is full"):
            await intend(ledger, 0)
    assert [row.index for row in ledger] == reported


async def test_a_file_that_became_read_only_stops_it(path: Path, spy: Spy) -> None:
    """When the file cannot be written any more, writing fails and says so."""
    async with opened(path) as ledger:
        spy.writer.execute("PRAGMA query_only = ON")
        with pytest.raises(LedgerError, match="read-only"):
            await intend(ledger, 0)


async def test_a_file_that_is_read_only_is_not_owned(path: Path, spy: Spy) -> None:
    """A ledger that cannot be written is not opened, and holds no lock."""
    await make(path)

    def forbid(database: str) -> None:
        if "-owner" not in database:
            spy.writer.execute("PRAGMA query_only = ON")

    spy.meanwhile = forbid
    for _ in range(2):
        with pytest.raises(LedgerError, match="read-only"):
            await Ledger(path).open()


async def test_a_connection_that_is_gone_stops_it(path: Path, spy: Spy) -> None:
    """When the connection breaks under the ledger, every operation fails and closing works."""
    async with opened(path) as ledger:
        await intend(ledger, 0)
        spy.writer.close()
        for _ in range(2):
            with pytest.raises(LedgerError, match="closed database"):
                await intend(ledger, 1)
    assert len(ledger) == 1


async def test_a_lock_of_another_program_stops_it(path: Path, spy: Spy) -> None:
    """A program that keeps the file locked for too long makes writing fail instead of waiting for ever."""
    async with opened(path) as ledger:
        spy.writer.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path.as_uri(), uri=True, isolation_level=None, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError, match="locked by another program"):
                await intend(ledger, 0)


class _Stubborn(sqlite3.Connection):
    """A connection that complains when it is closed."""

    def close(self) -> None:
        """Close, and complain."""
        super().close()
        raise sqlite3.OperationalError("unable to close")


async def test_trouble_in_letting_go_does_not_keep_it_open(path: Path, spy: Spy) -> None:
    """A connection that closes with an error does not keep the ledger from being closed and opened again."""
    async with opened(path) as ledger:
        await intend(ledger, 0)
    await make(path)
    spy.factory = _Stubborn
    ledger = Ledger(path)
    await ledger.open()
    await ledger.close()
    spy.factory = sqlite3.Connection
    async with opened(path) as ledger:
        assert await ledger.find(0) is not None


class _Remote(sqlite3.Connection):
    """A connection to a file on a file system that knows no shared memory."""

    def execute(self, statement: str, values: tuple[int, ...] = ()) -> sqlite3.Cursor:  # type: ignore[override]
        """Stay with the old journal."""
        return super().execute(statement.replace("journal_mode = WAL", "journal_mode = DELETE"), values)


async def test_a_file_system_without_shared_memory_is_refused(path: Path, spy: Spy) -> None:
    """Where readers would block the writer, a ledger is not opened."""
    spy.factory = _Remote
    with pytest.raises(LedgerError, match="take a local disk"):
        await Ledger(path).open()


async def test_no_thread_no_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, opening fails at once."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(LedgerError, match="can't start new thread"):
        await Ledger(path).open()
