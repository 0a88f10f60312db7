"""Who owns a ledger, and what is done about files that are not as they should be."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
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
    files,
    intend,
    make,
    mark,
    meddle,
    opened,
    run_child,
    settle,
)

# Owners


async def test_a_ledger_has_one_owner(ledger: Ledger, path: Path) -> None:
    """A second owner is told who the first is; the same object is no exception, and a symbolic link no way round."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    for other in (Ledger(path), Ledger(link)):
        with pytest.raises(LedgerError, match=f"in use by process {os.getpid()} on .*; wait for it or stop it"):
            await other.open()
        with pytest.raises(LedgerError, match="in use by process"):
            other.purge()
        await other.close()
    with pytest.raises(LedgerError, match="open already"):
        await ledger.open()
    await intend(ledger, 0)
    await ledger.close()
    async with opened(path) as other:
        assert await other.find(0) is not None


async def test_two_that_open_at_once_do_not_both_succeed(path: Path) -> None:
    """Of many that open a ledger at the same time, one gets it, whether it was there before or not."""
    for _ in range(5):
        ledgers = [Ledger(path) for _ in range(8)]
        results = await asyncio.gather(*(each.open() for each in ledgers), return_exceptions=True)
        assert sum(isinstance(each, str) for each in results) == 1
        assert sum(isinstance(each, LedgerError) and "in use by" in str(each) for each in results) == 7
        for each in ledgers:
            await each.close()


async def test_two_processes_do_not_share_a_ledger(path: Path) -> None:
    """A ledger that another process owns is refused until that process is gone, however it goes."""
    child = run_child(
        """
        async def main():
            await Ledger(sys.argv[1]).open()
            print("open", flush=True)
            sys.stdin.read()
        asyncio.run(main())
        """,
        path,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(LedgerError, match=f"in use by process {child.pid} on"):
            await Ledger(path).open()
        child.kill()
    async with opened(path) as ledger:
        assert await ledger.find(0) is None


async def test_an_owner_that_has_no_name_yet_is_an_owner(path: Path) -> None:
    """A ledger that is just being made is in use, though nobody can tell by whom."""
    with closing(sqlite3.connect(path.with_name("run.db-owner"), isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="in use by another process"):
            await Ledger(path).open()


async def test_a_lock_that_was_removed_is_no_lock(path: Path, spy: Spy) -> None:
    """Who locks the file of a ledger that is being purged at that moment does not own the next one."""

    def purge(database: str) -> None:
        if "-owner" in database:
            path.with_name("run.db-owner").rename(path.with_name("gone"))
            path.with_name("run.db-owner").touch()

    path.with_name("run.db-owner").touch()
    spy.meanwhile = purge
    with pytest.raises(LedgerError, match="is being removed; try again"):
        await Ledger(path).open()
    assert files(path) == {"gone", "run.db-owner"}


async def test_closing_twice_is_closing_once(path: Path) -> None:
    """Closing does nothing when closed; of two that close at once, both wait; what comes later is refused."""
    ledger = Ledger(path)
    await ledger.close()
    await ledger.open()
    writing = asyncio.ensure_future(ledger.intend(0, mark(0), CHECKSUM))
    await asyncio.sleep(0)
    closings = [asyncio.ensure_future(ledger.close()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(LedgerError, match="is closed"):
        await ledger.intend(1, mark(1), CHECKSUM)
    await asyncio.gather(writing, *closings)
    for operation in (ledger.find(0), intend(ledger, 1), ledger.finish(1), ledger.note_final("", MessageStatus.SENT)):
        with pytest.raises(LedgerError, match="is not open"):
            await operation
    assert [row.index for row in ledger] == [0]


# Files


async def test_only_the_user_can_read_it(path: Path) -> None:
    """All files of a ledger have mode 0600, whatever the umask, from the moment they are there."""
    before = os.umask(0)
    try:
        async with opened(path) as ledger:
            await intend(ledger, 0)
            modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("run.db", "run.db-wal", "run.db-shm", "run.db-owner"), "0o600")
    assert files(path) == {"run.db", "run.db-owner"}


async def test_every_commit_waits_for_the_disk(path: Path, spy: Spy) -> None:
    """The file is written with a write-ahead log that is synchronised at each commit."""
    async with opened(path):
        assert spy.writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert spy.writer.execute("PRAGMA synchronous").fetchone() == (2,)


def _foreign(path: Path) -> None:
    meddle(path, "CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('cat');")


def _newer(path: Path) -> None:
    asyncio.run(make(path))
    meddle(path, "PRAGMA user_version = 4")


def _older(path: Path) -> None:
    asyncio.run(make(path))
    meddle(path, "PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_text("to,body\n" * 1000), "not a ledger"),
        (lambda path: path.touch(), "not a ledger"),
        (_foreign, "not a ledger"),
        (_newer, "has schema 4, and only 3 is understood here; upgrade"),
        (_older, "has schema 2, and only 3 is understood here; go on with it in the version of routee-async that began it"),
        (lambda path: path.mkdir(), "unable to open|no such file"),
    ],
    ids=["text", "empty", "foreign", "newer", "older", "directory"],
)
def test_what_is_no_ledger_is_left_alone(path: Path, spoil: Callable[[Path], None], problem: str) -> None:
    """A file that is no ledger, damaged, newer or older is refused by whoever opens or reads it, and never begun anew."""
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match=problem):
        asyncio.run(ledger.open())
    for read in (ledger.summary, ledger.__len__, lambda: list(ledger), lambda: ledger.get_note("x"), ledger.purge):
        with pytest.raises(LedgerError, match=problem):
            read()
    assert before == (path.read_bytes() if path.is_file() else None)
    asyncio.run(ledger.close())


@pytest.mark.parametrize("keep", [4096, 4096 + 1024, 8192])
def test_a_damaged_ledger_is_not_begun_anew(path: Path, keep: int) -> None:
    """A ledger of which only the beginning is left is neither opened nor read, but can be removed."""
    asyncio.run(make(path))
    content = path.read_bytes()
    ledger = Ledger(path)
    for rest in (b"", bytes(len(content) - keep)):
        path.write_bytes(content[:keep] + rest)
        with pytest.raises(LedgerError, match="damaged"):
            asyncio.run(ledger.open())
        for read in (ledger.summary, ledger.__len__, lambda: list(ledger)):
            with pytest.raises(LedgerError, match="damaged"):
                read()
        asyncio.run(ledger.close())
    ledger.purge()
    assert not files(path)


def test_a_ledger_that_lacks_its_head_is_refused(path: Path) -> None:
    """A ledger without a run id is refused, and holds no lock."""
    asyncio.run(make(path))
    meddle(path, "DELETE FROM about")
    with pytest.raises(LedgerError, match="damaged"):
        Ledger(path).summary()
    for _ in range(2):
        with pytest.raises(LedgerError, match="KeyError: 'run_id'"):
            asyncio.run(Ledger(path).open())


def test_a_missing_ledger_is_not_read(path: Path) -> None:
    """Reading a ledger that is not there says so, and makes no file."""
    ledger = Ledger(path)
    for read in (ledger.summary, ledger.__len__, lambda: next(iter(ledger)), lambda: next(ledger.unfinished())):
        with pytest.raises(LedgerError, match=r"run\.db: there is no such file"):
            read()
    assert not files(path)


def test_a_missing_directory_is_named(path: Path) -> None:
    """A ledger in a directory that is not there cannot be opened or removed."""
    ledger = Ledger(path / "deeper" / "run.db")
    with pytest.raises(LedgerError, match="cannot be opened: No such file or directory"):
        asyncio.run(ledger.open())
    with pytest.raises(LedgerError, match="cannot be opened"):
        ledger.purge()


def test_a_path_that_cannot_be_looked_at_is_refused(path: Path) -> None:
    """A path through something that is no directory is refused."""
    path.symlink_to(path.with_name("x" * 300))
    with pytest.raises(LedgerError, match="cannot be opened: File name too long"):
        Ledger(path).summary()
    with pytest.raises(LedgerError, match="cannot be opened: File name too long"):
        asyncio.run(Ledger(path).open())


async def test_a_log_without_its_ledger_is_not_begun_anew(path: Path) -> None:
    """Where only the write-ahead log of a ledger is left, its rows are not forgotten; an empty one does not matter."""
    log = path.with_name("run.db-wal")
    log.write_bytes(b"rows")
    with pytest.raises(LedgerError, match="missing, but its -wal file is there"):
        await Ledger(path).open()
    log.write_bytes(b"")
    async with opened(path) as ledger:
        await intend(ledger, 0)


async def test_a_ledger_that_was_half_made_is_made_again(path: Path) -> None:
    """A crash while a ledger is made leaves nothing that anybody would take for one."""
    path.with_name("run.db-new").write_bytes(b"half")
    async with opened(path) as ledger:
        await intend(ledger, 0)
    assert files(path) == {"run.db", "run.db-owner"}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE message SET state = 9",
        "UPDATE message SET status = 'x'",
        "UPDATE message SET error = '{'",
        "UPDATE message SET error = '[]'",
        "UPDATE message SET duplicates = '1'",
    ],
)
async def test_a_row_that_makes_no_sense_is_damage(ledger: Ledger, path: Path, damage: str) -> None:
    """A row that cannot be understood is an error that names it, not a guess."""
    await settle(ledger, 0)
    meddle(path, damage)
    with pytest.raises(LedgerError, match="damaged: row 0 makes no sense"):
        await ledger.find(0)
    with pytest.raises(LedgerError, match="damaged: row 0 makes no sense"):
        list(ledger)


async def test_a_purged_ledger_leaves_nothing(path: Path) -> None:
    """Purging removes every file of a ledger, leftovers of an interrupted purge too; a missing one is an error."""
    ledger = Ledger(path)
    await make(path)
    ledger.summary()  # leaves files for readers
    path.with_name("run.db-new").touch()
    ledger.purge()
    assert not files(path)
    path.with_name("run.db-wal").write_bytes(b"rows")
    ledger.purge()
    assert not files(path)
    with pytest.raises(LedgerError, match="there is no such file"):
        ledger.purge()
    assert not files(path)


async def test_a_purge_that_cannot_remove_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be removed makes the purge fail."""
    await make(path)

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted", str(self), missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(LedgerError, match="Operation not permitted"):
        Ledger(path).purge()
