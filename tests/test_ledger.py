"""The ledger: real files, real SQLite, real kills."""

import asyncio
import inspect
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async import errors
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    BulkStoppedError,
    ConfigurationError,
    ConnectError,
    InvalidBodyError,
    LedgerError,
    LedgerMismatchError,
    MalformedResponseError,
    NoAnswerError,
    NotSentError,
    OutcomeUnknownError,
    RouteeError,
    TrackingTimeoutError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from routee_async.store import LedgerRow, LedgerStore, QuickStore, RowState, new_run_id

ROOT = Path(__file__).parent.parent
CHECKSUM = bytes(range(16))
UUID = "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01"
OUTCOMES = (RowState.ACCEPTED, RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN)


def mark(index: int) -> str:
    """The reference of a message."""
    return f"ra.k3f9x2ab.{index:07}"


def uuid_of(index: int) -> str:
    """A tracking id in the usual form."""
    return f"{UUID[:24]}{index:012x}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger may be made."""
    return tmp_path / "run.db"


@asynccontextmanager
async def opened(path: Path, *, group_delay: float = 0.0) -> AsyncIterator[Ledger]:
    """A ledger that is open, and leaves no thread behind."""
    ledger = Ledger(path, group_delay=group_delay)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()
        assert "routee-ledger" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    """A new ledger that is open."""
    async with opened(path) as made:
        yield made


async def intend(ledger: LedgerStore, *indices: int) -> None:
    """Intend messages, all at once."""
    await asyncio.gather(*(ledger.intend(index, mark(index), CHECKSUM) for index in indices))


async def settle(
    ledger: LedgerStore,
    index: int,
    state: RowState = RowState.ACCEPTED,
    *,
    tracking_id: str | None = None,
    parts: int | None = None,
    error: RouteeError | None = None,
    duplicates: tuple[str, ...] = (),
) -> None:
    """Settle a message."""
    await ledger.settle(
        index,
        reference=mark(index),
        checksum=CHECKSUM,
        state=state,
        tracking_id=tracking_id,
        parts=parts,
        error=error,
        duplicates=duplicates,
    )


async def found(ledger: LedgerStore, index: int) -> LedgerRow:
    """The row of a message, which is there."""
    row = await ledger.find(index)
    assert row is not None
    return row


class Spy:
    """Sees every connection that is made, and every statement on it."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []
        self.statements: list[str] = []
        self.meanwhile: Callable[[str], None] = lambda _: None
        self.factory: type[sqlite3.Connection] = sqlite3.Connection
        self._connect = sqlite3.connect

    def __call__(self, database: str, *, uri: bool, isolation_level: None, timeout: float = 5.0) -> sqlite3.Connection:
        """As `sqlite3.connect`, but other threads may meddle."""
        connection = self._connect(
            database,
            uri=uri,
            timeout=timeout,
            isolation_level=isolation_level,
            check_same_thread=False,
            factory=self.factory,
        )
        self.connections.append(connection)
        connection.set_trace_callback(self.statements.append)
        self.meanwhile(database)
        return connection

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that the ledger writes with, while nobody has read yet."""
        return self.connections[-1]

    def count(self, beginning: str) -> int:
        """How many statements began so."""
        return sum(statement.lstrip().startswith(beginning) for statement in self.statements)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """Look over the shoulder of SQLite."""
    made = Spy()
    monkeypatch.setattr(sqlite3, "connect", made)
    return made


def meddle(path: Path, statement: str) -> None:
    """Do something to a ledger's file that the ledger does not know of."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(statement)


def files(path: Path) -> set[str]:
    """Names of all files in the directory of a ledger."""
    return {file.name for file in path.parent.iterdir()}


def run_child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a process that runs *code* with a ledger at hand."""
    script = (
        "import asyncio, sys\nfrom routee_async.ledger import Ledger\nfrom routee_async.store import RowState\n"
        + inspect.cleandoc(code)
    )
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


# Building


def test_building_a_ledger_touches_nothing(path: Path) -> None:
    """Building a ledger makes no file; its texts say where it would be."""
    ledger = Ledger(path)
    assert not files(path)
    assert str(ledger) == str(path)
    assert repr(ledger) == f"<Ledger {path} closed>"
    assert bool(ledger)


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), True, "1", None])
def test_a_delay_that_makes_no_sense_is_refused(path: Path, delay: float) -> None:
    """A delay that is no number of seconds is refused where the ledger is built."""
    with pytest.raises(ConfigurationError, match="group_delay"):
        Ledger(path, group_delay=delay)


def test_a_run_id_is_eight_digits_and_letters() -> None:
    """Run ids are 8 characters out of `0-9a-z`, and do not repeat."""
    made = {new_run_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {8}
    assert set("".join(made)) == set("0123456789abcdefghijklmnopqrstuvwxyz")


async def test_a_run_id_is_made_with_the_file(path: Path, tmp_path: Path) -> None:
    """The run id is made with the file, and is the same ever after; another file has another."""
    ledger, other = Ledger(str(path)), Ledger(tmp_path / "other.db")
    first = await ledger.open()
    assert repr(ledger) == f"<Ledger {path} open>"
    await ledger.close()
    assert first == await ledger.open() == ledger.summary().run_id
    await ledger.close()
    assert await other.open() != first
    await other.close()


async def test_a_path_may_hold_anything(tmp_path: Path) -> None:
    """Characters that mean something in a URI are part of the name."""
    path = tmp_path / "a?mode=memory&%20#ö.db"
    async with opened(path) as ledger:
        await intend(ledger, 0)
    assert path.exists()
    assert len(Ledger(path)) == 1


# Rows


async def test_an_intent_is_a_row(ledger: Ledger) -> None:
    """An intent is found again, with reference, checksum and the time by the wall clock."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert await ledger.find(3) is None
    await intend(ledger, 3)
    row = await found(ledger, 3)
    assert row.intended_at is not None
    assert before <= row.intended_at <= datetime.now(UTC)
    assert row == LedgerRow(
        index=3,
        state=RowState.INTENDED,
        reference=mark(3),
        checksum=CHECKSUM,
        intended_at=row.intended_at,
    )
    assert await ledger.find(2) is None
    assert await ledger.find(4) is None


async def test_an_outcome_replaces_the_intent(ledger: Ledger, path: Path) -> None:
    """An outcome is found again with all that came with it, by the writer and by every reader, now and later."""
    await intend(ledger, 0)
    intended = await found(ledger, 0)
    await settle(ledger, 0, tracking_id=UUID, parts=2, duplicates=("another", "third"))
    row = await found(ledger, 0)
    assert row == attrs.evolve(
        intended,
        state=RowState.ACCEPTED,
        tracking_id=UUID,
        parts=2,
        duplicates=("another", "third"),
    )
    assert list(Ledger(path)) == [row]
    await ledger.close()
    await ledger.open()
    assert await found(ledger, 0) == row


async def test_invalid_input_is_rejected_without_an_intent(ledger: Ledger) -> None:
    """A message that was never intended gets its row from its outcome, and was intended at no time."""
    await settle(ledger, 7, RowState.REJECTED, error=InvalidBodyError("body", "is empty"))
    row = await found(ledger, 7)
    assert (row.state, row.reference, row.checksum, row.intended_at) == (RowState.REJECTED, mark(7), CHECKSUM, None)
    await intend(ledger, 7)
    assert (await found(ledger, 7)).intended_at is not None


@pytest.mark.parametrize("state", [RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN])
async def test_sending_again_keeps_what_marks_a_message(ledger: Ledger, path: Path, state: RowState) -> None:
    """A new intent keeps reference, checksum and first intent, and drops what the earlier attempt gave."""
    await intend(ledger, 0)
    first = await found(ledger, 0)
    await settle(ledger, 0, state, error=NotSentError("a cable"), parts=1)
    meddle(path, "UPDATE message SET intended_at = intended_at - 1000")
    await ledger.intend(0, "another mark", b"another checksum")
    assert first.intended_at is not None
    assert await found(ledger, 0) == attrs.evolve(first, intended_at=first.intended_at - timedelta(seconds=1))
    await ledger.settle(0, reference="another mark", checksum=b"another checksum", state=state)
    assert (await found(ledger, 0)).reference == mark(0)
    assert (await found(ledger, 0)).checksum == CHECKSUM


async def test_an_accepted_message_is_never_intended_again(ledger: Ledger) -> None:
    """An accepted message refuses every other state, and that alone: its company is written, and the ledger stays usable."""
    await intend(ledger, 0)
    await settle(ledger, 0, tracking_id=UUID)
    row = await found(ledger, 0)
    refused, written, other, noted = await asyncio.gather(
        ledger.intend(0, mark(0), CHECKSUM),
        ledger.intend(1, mark(1), CHECKSUM),
        settle(ledger, 0, RowState.UNKNOWN),
        ledger.note_final(UUID, MessageStatus.DELIVERED),
        return_exceptions=True,
    )
    assert isinstance(refused, LedgerError)
    assert isinstance(other, LedgerError)
    assert "accepted" in str(refused)
    assert written is None
    assert noted is None
    assert await found(ledger, 0) == attrs.evolve(row, status=MessageStatus.DELIVERED)
    assert (await found(ledger, 1)).state is RowState.INTENDED
    refused, noted = await asyncio.gather(
        ledger.intend(0, mark(0), CHECKSUM),
        ledger.note_final(UUID, MessageStatus.FAILED),
        return_exceptions=True,
    )
    assert isinstance(refused, LedgerError)
    assert noted is None


async def test_a_refusal_does_not_touch_what_came_with_it(ledger: Ledger) -> None:
    """A message that goes all the way in the same group as a refused one is not taken for accepted before its time."""
    await settle(ledger, 0)
    *done, refused = await asyncio.gather(
        ledger.intend(1, mark(1), CHECKSUM),
        settle(ledger, 1),
        ledger.intend(0, mark(0), CHECKSUM),
        return_exceptions=True,
    )
    assert done == [None, None]
    assert isinstance(refused, LedgerError)
    assert (await found(ledger, 1)).intended_at is not None


async def test_an_accepted_message_may_be_accepted_again(ledger: Ledger) -> None:
    """An outcome may be written twice, with more known the second time; a final status belongs to its tracking id."""
    await settle(ledger, 0, tracking_id=UUID)
    await ledger.note_final(UUID, MessageStatus.FAILED)
    await settle(ledger, 0, tracking_id=UUID, duplicates=("other",))
    row = await found(ledger, 0)
    assert (row.status, row.duplicates) == (MessageStatus.FAILED, ("other",))
    await settle(ledger, 0, tracking_id="other")
    assert (await found(ledger, 0)).status is None


async def test_operations_on_one_message_keep_their_order(ledger: Ledger) -> None:
    """What is asked for one message without waiting is done in the order it was asked for, in one group too."""
    states = [
        asyncio.ensure_future(step)
        for step in (
            settle(ledger, 0, RowState.UNKNOWN),
            ledger.intend(0, mark(0), CHECKSUM),
            settle(ledger, 0, RowState.NOT_SENT),
            ledger.intend(0, mark(0), CHECKSUM),
            settle(ledger, 0, tracking_id="x"),
        )
    ]
    await asyncio.gather(*states)
    assert (await found(ledger, 0)).state is RowState.ACCEPTED


@pytest.mark.parametrize("count", [1, 2, 5, 63, 64, 65, 200])
async def test_groups_of_any_size_are_written_whole(ledger: Ledger, count: int) -> None:
    """However many messages come together, each has its row."""
    await intend(ledger, *range(count))
    assert [row.index for row in ledger] == list(range(count))


@pytest.mark.parametrize(
    "tracking_id",
    [UUID, UUID.upper(), UUID.replace("-", ""), "0123", "12", "", "λ", "\0", UUID[:-1] + "g", " " + UUID],
)
async def test_a_tracking_id_comes_back_as_it_was(ledger: Ledger, tracking_id: str) -> None:
    """Tracking ids of any shape come back letter for letter, and final statuses find them."""
    await settle(ledger, 0, tracking_id=tracking_id)
    await ledger.note_final(tracking_id, MessageStatus.UNDELIVERED)
    row = await found(ledger, 0)
    assert (row.tracking_id, row.status) == (tracking_id, MessageStatus.UNDELIVERED)


async def test_nonsense_of_a_server_does_no_harm(ledger: Ledger) -> None:
    """An id that is no text in UTF-8 and counts beyond reason are kept as well as they can be, and break nothing."""
    await settle(ledger, 0, tracking_id="\ud800", parts=10**30, duplicates=("\ud800",))
    await settle(ledger, 1, parts=-1)
    row = await found(ledger, 0)
    assert (row.tracking_id, row.parts, row.duplicates) == ("\\ud800", None, ("\ud800",))
    assert (await found(ledger, 1)).parts is None


def _classes(of: type[RouteeError]) -> Iterator[type[RouteeError]]:
    yield of
    for each in of.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _classes(each)


_OF_NO_MESSAGE = {BulkStoppedError, errors.CampaignInterruptedError, errors.LowBalanceError}
"""Errors of a whole batch or campaign, whose arguments are objects."""


def _example(of: type[RouteeError]) -> RouteeError:
    """An error of a class, with arguments as they are in use."""
    examples: dict[type[RouteeError], tuple[object, ...]] = {
        APIError: (400, "400001009", "Insufficient balance", 1.5, (("to", "no number"), ("from", "too long"))),
        OutcomeUnknownError: ("ra.k3f9x2ab.0000001", "wait", "ServerDisconnectedError", None),
        NotSentError: ("connect: ClientConnectorError",),
        NoAnswerError: ("head", "λ"),
        MalformedResponseError: (("required field missing @ $.trackingId", "and more"),),
        TrackingTimeoutError: (UUID, None),
        LedgerError: ("run.db", "is full"),
        errors.InvalidInputError: ("body", "is empty"),
    }
    return of(*next((arguments for base, arguments in examples.items() if issubclass(of, base)), ("a text",)))


@pytest.mark.parametrize(
    "error",
    [_example(each) for each in _classes(RouteeError) if each not in _OF_NO_MESSAGE],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_comes_back_as_it_was(ledger: Ledger, error: RouteeError) -> None:
    """Every error of the library comes back with its class, its arguments and its text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=error)
    stored = (await found(ledger, 0)).error
    assert type(stored) is type(error)
    assert stored is not None
    assert stored.args == error.args
    assert str(stored) == str(error)


class _NewerError(RouteeError):
    """As a later version of the library might have."""


class _NumberlessError(RouteeError):
    """Named as something in `errors` that is no error."""


_NumberlessError.__name__ = "__doc__"


@pytest.mark.parametrize(
    "error",
    [
        _NewerError("something new"),
        _NumberlessError("no class"),
        BulkStoppedError(AuthenticationError(401), 3),
        NotSentError("one"),
    ],
    ids=["newer", "not a class", "arguments that are objects", "known"],
)
async def test_an_error_that_cannot_be_rebuilt_keeps_its_text(ledger: Ledger, error: RouteeError) -> None:
    """An error that this version cannot make again is a plain one with the same text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=error)
    stored = (await found(ledger, 0)).error
    assert stored is not None
    assert str(stored) == str(error)
    assert type(stored) is (NotSentError if isinstance(error, NotSentError) else RouteeError)


async def test_an_error_whose_arguments_changed_keeps_its_text(ledger: Ledger, path: Path) -> None:
    """An error that a later version makes of other arguments is a plain one with the same text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=BadRequestError(400))
    meddle(path, """UPDATE message SET error = '["BadRequestError", [1, 2, 3, 4, 5, 6, 7], "HTTP 400"]'""")
    stored = (await found(ledger, 0)).error
    assert type(stored) is RouteeError
    assert str(stored) == "HTTP 400"


async def test_a_page_of_an_error_is_cut(ledger: Ledger, path: Path) -> None:
    """A text that a server let run to a page takes no more than 500 characters, and its class stays."""
    await settle(ledger, 0, RowState.REJECTED, error=BadRequestError(400, "400000000", "x" * 100_000))
    stored = (await found(ledger, 0)).error
    assert isinstance(stored, BadRequestError)
    assert stored.developer_message == "x" * 500 + "…"
    with closing(sqlite3.connect(path)) as connection:
        ((length,),) = connection.execute("SELECT LENGTH(error) FROM message")
    assert length < 1500


# Final statuses


@pytest.mark.parametrize("status", [status for status in MessageStatus if status.is_final])
async def test_a_final_status_is_kept(ledger: Ledger, status: MessageStatus) -> None:
    """A final status is found with its message, and counted."""
    await settle(ledger, 0, tracking_id=UUID)
    await settle(ledger, 1, tracking_id="other")
    await ledger.note_final(UUID, status)
    assert [row.status for row in ledger] == [status, None]
    assert ledger.summary().statuses == {status: 1}


async def test_what_is_no_final_status_of_ours_is_ignored(ledger: Ledger) -> None:
    """Statuses that may still change and ids of other messages change nothing."""
    await settle(ledger, 0, tracking_id=UUID)
    row = await found(ledger, 0)
    await ledger.note_final(UUID, MessageStatus("Sent"))
    await ledger.note_final(UUID, MessageStatus("Brand New"))
    await ledger.note_final("somebody else's", MessageStatus.DELIVERED)
    assert list(ledger) == [row]


# The end of the input


async def test_the_length_of_the_input_is_remembered(path: Path) -> None:
    """Once the input was read to its end, another length is refused, by `finish` and at the first message too many."""
    async with opened(path) as ledger:
        await intend(ledger, 0, 1)
        await ledger.finish(3)
        assert ledger.summary().finished == 3
        assert await ledger.find(2) is None
        with pytest.raises(LedgerMismatchError, match="3 messages"):
            await ledger.find(3)
        with pytest.raises(LedgerMismatchError, match="3 messages"):
            await ledger.finish(4)
    async with opened(path) as ledger:
        assert (await found(ledger, 1)).state is RowState.INTENDED
        with pytest.raises(LedgerMismatchError, match="3 messages, and now there are more"):
            await ledger.find(3)
        for other in (2, 4):
            with pytest.raises(LedgerMismatchError, match=f"3 messages, and now there are {other}"):
                await ledger.finish(other)
        await ledger.finish(3)
        await intend(ledger, 2)


async def test_a_shorter_input_is_refused(path: Path) -> None:
    """An input that ends before the last row is another one, in this run and in a later one."""
    async with opened(path) as ledger:
        await intend(ledger, 4)
        with pytest.raises(LedgerMismatchError, match="5 messages, and now there are only 4"):
            await ledger.finish(4)
    async with opened(path) as ledger:
        with pytest.raises(LedgerMismatchError, match="only 0"):
            await ledger.finish(0)
        await ledger.finish(5)


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
    asyncio.run(_make(path))
    meddle(path, "PRAGMA user_version = 3")


def _older(path: Path) -> None:
    asyncio.run(_make(path))
    meddle(path, "PRAGMA user_version = 1")


async def _make(path: Path) -> None:
    async with opened(path) as ledger:
        await intend(ledger, *range(500))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_text("to,body\n" * 1000), "not a ledger"),
        (lambda path: path.touch(), "not a ledger"),
        (_foreign, "not a ledger"),
        (_newer, "has schema 3, and only 2 is understood here; upgrade"),
        (_older, "has schema 1, and only 2 is understood here; go on with it in the version of routee-async that began it"),
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
    asyncio.run(_make(path))
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
    asyncio.run(_make(path))
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
    await _make(path)
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
    await _make(path)

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted", str(self), missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(LedgerError, match="Operation not permitted"):
        Ledger(path).purge()


# Failure


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
    await _make(path)

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
    await _make(path)
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


# Cancellation, loops, threads


async def test_a_cancelled_caller_harms_nobody(path: Path, spy: Spy) -> None:
    """Cancelling some that wait for the disk leaves no gap and no hang: the others get their answers, and rows are whole."""
    async with opened(path) as ledger:
        with closing(sqlite3.connect(path.as_uri(), uri=True, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # the disk is slow
            tasks = [asyncio.create_task(ledger.intend(index, mark(index), CHECKSUM)) for index in range(20)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            results = asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
            other.execute("ROLLBACK")
        assert [type(each) for each in await results] == [asyncio.CancelledError, type(None)] * 10
        assert [row.index for row in ledger] == list(range(20))
        assert spy.count("COMMIT") <= 3


async def test_a_cancelled_look_up_harms_nobody(path: Path) -> None:
    """Of several that wait for the same rows, one may be cancelled."""
    await _make(path)
    async with opened(path) as ledger:
        tasks = [asyncio.create_task(ledger.find(index)) for index in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [row.index for row in results[1:] if isinstance(row, LedgerRow)] == [1, 2]


async def test_a_cancelled_opening_holds_nothing(path: Path) -> None:
    """Who is cancelled while opening owns nothing afterwards."""
    for _ in range(3):
        task = asyncio.create_task(Ledger(path).open())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with opened(path):
        pass


async def test_a_cancelled_task_closes_all_the_same(path: Path) -> None:
    """Closing from a task that is cancelled, over and over, writes what waits and gives the file up; then it is cancelled."""
    ledger = Ledger(path)
    await ledger.open()
    writing = asyncio.ensure_future(ledger.intend(0, mark(0), CHECKSUM))
    await asyncio.sleep(0)
    task = asyncio.create_task(ledger.close())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writing
    assert "routee-ledger" not in {thread.name for thread in threading.enumerate()}
    async with opened(path) as again:
        assert (await found(again, 0)).state is RowState.INTENDED


def test_each_loop_may_open_it(path: Path) -> None:
    """One ledger object serves several event loops, one after the other."""
    ledger = Ledger(path)

    async def run(index: int) -> str:
        run_id = await ledger.open()
        await intend(ledger, index)
        assert await ledger.find(0) is not None
        await ledger.close()
        return run_id

    assert asyncio.run(run(0)) == asyncio.run(run(1))
    assert len(ledger) == 2


def test_a_loop_that_ended_early_does_not_matter(path: Path) -> None:
    """A loop that ended while operations were under way loses none of them, and another one can go on with the ledger."""
    ledger = Ledger(path)

    async def begin(other: sqlite3.Connection) -> None:
        await ledger.open()
        other.execute("BEGIN IMMEDIATE")  # the disk is slow
        tasks = [asyncio.create_task(intend(ledger, index)) for index in range(3)]
        await asyncio.wait(tasks, timeout=0.01)

    asyncio.run(_make(path))
    with closing(sqlite3.connect(path.as_uri(), uri=True, isolation_level=None)) as other:
        asyncio.run(begin(other))
        other.execute("ROLLBACK")
    asyncio.run(intend(ledger, 1000))
    asyncio.run(ledger.close())
    assert len(ledger) == 501


def test_a_program_that_forgets_to_close_ends(path: Path) -> None:
    """A program that ends with its ledger open ends at once, and what it was told is on disk."""
    child = run_child(
        """
        async def main():
            ledger = Ledger(sys.argv[1])
            await ledger.open()
            await asyncio.gather(*(ledger.intend(i, str(i), b"") for i in range(50)))
            sys.ledger = ledger
        asyncio.run(main())
        """,
        path,
    )
    output, _ = child.communicate(timeout=30)
    assert (child.returncode, output) == (0, "")
    assert len(Ledger(path)) == 50


# Speed


async def test_many_share_a_commit(path: Path, spy: Spy) -> None:
    """What many workers write at the same time is committed together, in few statements."""
    async with opened(path) as ledger:
        spy.statements.clear()
        await intend(ledger, *range(300))
        assert len(ledger) == 300
        assert spy.count("INSERT INTO tail") < 10
        assert spy.count("COMMIT") == spy.count("INSERT INTO message") == 0


async def test_a_delay_makes_company(path: Path, spy: Spy) -> None:
    """With a delay, operations that come one after the other share a commit."""
    async with opened(path, group_delay=0.02) as ledger:
        first = asyncio.ensure_future(ledger.intend(0, mark(0), CHECKSUM))
        await asyncio.sleep(0.001)
        await asyncio.gather(first, ledger.intend(1, mark(1), CHECKSUM))
        assert len(ledger) == 2
        assert spy.count("INSERT INTO tail") == 1


async def test_a_new_ledger_is_not_read(path: Path, spy: Spy) -> None:
    """Where no row can be, none is looked for: a new batch reads nothing from the disk."""
    async with opened(path) as ledger:
        for index in range(100):
            assert await ledger.find(index) is None
            await intend(ledger, index)
            assert await ledger.find(index + 1) is None
        assert spy.count("SELECT position") == 0


async def test_rows_are_read_ahead(path: Path, spy: Spy) -> None:
    """A resumed batch of 20,000 messages, looked up by 100 workers, reads the disk some twenty times and finds each row."""
    async with opened(path) as ledger:
        for start in range(0, 20_000, 1000):
            await intend(ledger, *range(start, start + 1000, 2))
    async with opened(path) as ledger:
        indices = iter(range(20_000))
        missing = []

        async def work() -> None:
            for index in indices:
                row = await ledger.find(index)
                if row is None:
                    missing.append(index)
                else:
                    assert (row.index, row.reference) == (index, mark(index))

        spy.statements.clear()
        await asyncio.gather(*(work() for _ in range(100)))
        assert sorted(missing) == list(range(1, 20_000, 2))
        assert spy.count("SELECT position") <= 25


async def test_what_was_read_ahead_is_not_out_of_date(path: Path) -> None:
    """A row that is written after it was read ahead is found as it was written, also while the reading is under way."""
    await _make(path)
    async with opened(path) as ledger:
        early = asyncio.ensure_future(ledger.find(1))
        await asyncio.sleep(0)
        await settle(ledger, 0, tracking_id="x")
        assert (await found(ledger, 0)).tracking_id == "x"
        assert (await early) is not None
        await settle(ledger, 2, tracking_id="y")
        assert (await found(ledger, 2)).tracking_id == "y"
        assert (await found(ledger, 3)).state is RowState.INTENDED


async def test_reading_ahead_has_bounds(path: Path, spy: Spy) -> None:
    """What was read ahead is forgotten in the end, so that memory does not grow with the number of messages."""
    async with opened(path) as ledger:
        await intend(ledger, *range(0, 10_000, 500))
    async with opened(path) as ledger:
        for _ in range(2):
            for index in range(0, 10_000, 500):
                await found(ledger, index)
        assert spy.count("SELECT position") == 20


# The tail: what has no row yet


async def send(ledger: Ledger, *indices: int) -> None:
    """Intend messages and have them accepted, as most are."""
    await intend(ledger, *indices)
    await asyncio.gather(*(settle(ledger, index, tracking_id=uuid_of(index), parts=index % 3 or None) for index in indices))


def in_tail(path: Path) -> int:
    """How many entries the tail has."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM tail").fetchone()
    assert isinstance(count, int)
    return count


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
    await _make(path)
    meddle(path, f"INSERT INTO tail (entry) VALUES ({damage})")  # noqa: S608 - a constant
    ledger = Ledger(path)
    for read in (ledger.summary, ledger.__len__, lambda: list(ledger)):
        with pytest.raises(LedgerError, match="damaged"):
            read()
    with pytest.raises(LedgerError, match="damaged"):
        await ledger.open()


# Without waiting


def quick(ledger: Ledger, index: int, then: Callable[[LedgerError | None], None], *, state: RowState | None = None) -> None:
    """Intend a message, or settle it when there is a state, without waiting."""
    if state is None:
        ledger.intend_soon(index, mark(index), CHECKSUM, then)
    else:
        ledger.settle_soon(index, reference=mark(index), checksum=CHECKSUM, state=state, tracking_id=UUID, then=then)


async def test_a_ledger_is_a_quick_store(ledger: Ledger) -> None:
    """A batch can tell that a ledger need not be awaited."""
    assert isinstance(ledger, QuickStore)


async def test_what_is_written_soon_is_told(ledger: Ledger, path: Path) -> None:
    """Those who write without waiting are called when it is on disk, a group in one turn of the loop, and not before."""
    told: list[tuple[int, LedgerError | None]] = []
    turns: list[int] = []
    everybody = asyncio.Event()

    def then(number: int, error: LedgerError | None) -> None:
        if not told:
            asyncio.get_running_loop().call_soon(turns.append, 1)
        assert not turns
        assert len(Ledger(path)) == 3
        told.append((number, error))
        if len(told) == 4:
            everybody.set()

    for index in (0, 1, 2):
        quick(ledger, index, partial(then, index))
    quick(ledger, 1, partial(then, 3), state=RowState.ACCEPTED)
    assert told == []
    await everybody.wait()
    assert told == [(0, None), (1, None), (2, None), (3, None)]
    assert [row.state for row in ledger] == [RowState.INTENDED, RowState.ACCEPTED, RowState.INTENDED]


async def test_a_refusal_is_told_to_whom_it_concerns(ledger: Ledger) -> None:
    """Who wants to forget that a message was accepted is told so, and nobody else."""
    await settle(ledger, 0)
    told: dict[int, LedgerError | None] = {}
    for index in (0, 1):
        quick(ledger, index, partial(told.__setitem__, index))
    await ledger.set_note("", "")
    assert isinstance(told[0], LedgerError)
    assert told[1] is None


async def test_an_exception_of_one_does_not_concern_the_others(ledger: Ledger) -> None:
    """What is raised by one that is called goes to the loop's handler, and everybody else is called."""
    told: list[LedgerError | None] = []
    seen: list[object] = []

    def stumble(_: LedgerError | None) -> None:
        raise KeyError("stumbled")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(repr(context["exception"])))
    try:
        for index in (0, 1, 2):
            quick(ledger, index, stumble if index == 1 else told.append)
        for index in (0, 1, 2):
            quick(ledger, index, stumble if index == 1 else told.append, state=RowState.ACCEPTED)
        await ledger.set_note("", "")
    finally:
        loop.set_exception_handler(None)
    assert told == [None] * 4
    assert seen == ["KeyError('stumbled')"] * 2


async def test_what_cannot_be_written_soon_is_refused_at_once(path: Path) -> None:
    """Where the ledger is closed or broken, writing without waiting raises, and nobody is called later."""
    ledger, told = Ledger(path), list[LedgerError | None]()
    for state in (None, RowState.ACCEPTED):
        with pytest.raises(LedgerError, match="is not open"):
            quick(ledger, 0, told.append, state=state)
    await ledger.open()
    meddle(path, "DROP TABLE tail")
    quick(ledger, 0, told.append)
    with pytest.raises(LedgerError, match="no such table"):
        await intend(ledger, 1)
    assert [str(each) for each in told] == [f"ledger {path}: cannot be used: OperationalError: no such table: tail"]
    for state in (None, RowState.ACCEPTED):
        with pytest.raises(LedgerError, match="no such table"):
            quick(ledger, 0, told.append, state=state)
    closing_it = asyncio.ensure_future(ledger.close())
    await asyncio.sleep(0)
    with pytest.raises(LedgerError, match="is closed"):
        quick(ledger, 0, told.append)
    await closing_it
    assert len(told) == 1


async def test_a_reference_that_is_no_text_harms_nobody(ledger: Ledger, path: Path) -> None:
    """What cannot be written as it was given raises where it was given, and the ledger goes on."""
    with pytest.raises(UnicodeEncodeError):
        ledger.intend_soon(0, "\ud800", CHECKSUM, lambda _: None)
    await asyncio.sleep(0)
    await intend(ledger, 1)
    assert [row.index for row in Ledger(path)] == [1]


async def test_a_failure_while_closing_is_told(path: Path) -> None:
    """Whoever waits when the ledger is closed is told that the last write failed."""
    ledger, told = Ledger(path), list[LedgerError | None]()
    await ledger.open()
    meddle(path, "DROP TABLE tail")
    quick(ledger, 0, told.append)
    await ledger.close()
    await asyncio.sleep(0)
    (error,) = told
    assert "no such table" in str(error)


def test_a_failure_is_told_in_every_loop(path: Path) -> None:
    """A write that fails after its loop has ended fails what the next loop had asked for."""
    ledger = Ledger(path, group_delay=0.05)

    async def begin() -> None:
        await ledger.open()
        meddle(path, "DROP TABLE tail")
        quick(ledger, 0, lambda _: None)

    async def go_on() -> None:
        with pytest.raises(LedgerError, match="no such table"):
            await intend(ledger, 1)
        await ledger.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(go_on())


async def test_is_new_is_sure(path: Path) -> None:
    """A message is new when `find` would return None without a look, and never when it would raise."""
    ledger = Ledger(path)
    assert not ledger.is_new(0)
    async with opened(path) as ledger:
        assert ledger.is_new(0)
        assert ledger.is_new(7)
        quick(ledger, 3, lambda _: None)
        assert [ledger.is_new(index) for index in (2, 3, 4)] == [False, False, True]
        await ledger.finish(5)
        assert [ledger.is_new(index) for index in (4, 5, 6)] == [True, False, False]
    async with opened(path) as ledger:
        assert [ledger.is_new(index) for index in (2, 3, 4, 5)] == [False, False, True, False]
        meddle(path, "DROP TABLE tail")
        with pytest.raises(LedgerError, match="no such table"):
            await intend(ledger, 4)
        assert not ledger.is_new(4)
    assert not ledger.is_new(4)


def test_a_loop_that_ended_at_once_does_not_matter(path: Path) -> None:
    """What was asked for in the last turn of a loop is written all the same, before what the next loop asks for."""
    ledger = Ledger(path)

    async def begin() -> None:
        await ledger.open()
        quick(ledger, 0, lambda _: None)

    async def go_on() -> None:
        await send(ledger, 1)
        await ledger.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(go_on())
    assert [row.state for row in ledger] == [RowState.INTENDED, RowState.ACCEPTED]


# Reading


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


# Any sequence; any instant


@attrs.frozen
class Step:
    """One operation of a sequence; settles when it has a state."""

    index: int
    state: RowState | None
    tracking_id: str | None
    parts: int | None
    duplicates: tuple[str, ...]
    reopen: bool


STEPS = st.lists(
    st.builds(
        Step,
        index=st.integers(0, 4) | st.integers(0, 2**62),
        state=st.none() | st.sampled_from(OUTCOMES),
        tracking_id=st.none() | st.uuids().map(str) | st.text(max_size=5).filter(lambda text: text.isprintable()),
        parts=st.none() | st.integers(0, 20),
        duplicates=st.lists(st.text(max_size=3), max_size=2).map(tuple),
        reopen=st.booleans(),
    ),
    max_size=12,
)


class Model:
    """What a ledger should hold, in a dict."""

    def __init__(self) -> None:
        self.rows: dict[int, LedgerRow] = {}

    def take(self, step: Step) -> bool:
        """Follow a step; False when it is to be refused."""
        new = LedgerRow(
            index=step.index,
            state=step.state or RowState.INTENDED,
            reference=mark(step.index),
            checksum=CHECKSUM,
            tracking_id=step.tracking_id if step.state else None,
            parts=step.parts if step.state else None,
            duplicates=step.duplicates if step.state else (),
        )
        old = self.rows.get(step.index, new)
        if old.state is RowState.ACCEPTED is not new.state:
            return False
        self.rows[step.index] = new
        return True

    @classmethod
    def without_times(cls, rows: list[LedgerRow]) -> list[LedgerRow]:
        """Rows as the model has them."""
        return [attrs.evolve(row, intended_at=None) for row in rows]


async def _follow(path: Path, steps: list[Step], *, together: bool) -> Model:
    model = Model()
    ledger = Ledger(path)
    await ledger.open()
    waiting: list[asyncio.Future[None]] = []
    expected: list[bool] = []
    for step in steps:
        expected.append(model.take(step))
        operation = (
            ledger.intend(step.index, mark(step.index), CHECKSUM)
            if step.state is None
            else settle(
                ledger,
                step.index,
                step.state,
                tracking_id=step.tracking_id,
                parts=step.parts,
                duplicates=step.duplicates,
            )
        )
        waiting.append(asyncio.ensure_future(operation))
        if not together:
            await asyncio.wait(waiting)
            row = await found(ledger, step.index)
            assert Model.without_times([row]) == [model.rows[step.index]]
            if step.reopen:
                await ledger.close()
                await ledger.open()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each is None for each in results] == expected
    await ledger.close()
    return model


@settings(max_examples=40)
@given(steps=STEPS, together=st.booleans())
def test_any_sequence_is_found_again(tmp_path_factory: pytest.TempPathFactory, steps: list[Step], together: bool) -> None:  # noqa: FBT001
    """Whatever is written, in whatever order, one by one or all at once, is what the file says when it is opened again."""
    path = tmp_path_factory.mktemp("ledger") / "run.db"
    model = asyncio.run(_follow(path, steps, together=together))
    ledger = Ledger(path)
    assert Model.without_times(list(ledger)) == [model.rows[index] for index in sorted(model.rows)]

    async def look() -> list[LedgerRow]:
        async with opened(path) as again:
            return [await found(again, index) for index in sorted(model.rows)]

    assert asyncio.run(look()) == list(ledger)


CHILD = """
async def work(ledger, indices):
    for index in indices:
        # Every third is unusual, so that it cannot be noted in the tail.
        reference = f"ref {index}" if index % 3 == 2 else f"ra.k3f9x2ab.{index:07}"
        await ledger.intend(index, reference, b"0123456789abcdef")
        print("i", index, flush=True)
        tracking_id = f"id {index}" if index % 3 else f"5b0a4c0e-7c54-4bb1-8a53-{index:012x}"
        await ledger.settle(index, reference="", checksum=b"", state=RowState.ACCEPTED, tracking_id=tracking_id)
        print("s", index, flush=True)

async def main():
    ledger = Ledger(sys.argv[1])
    await ledger.open()
    indices = iter(range(int(sys.argv[2]), 10**9))
    await asyncio.gather(*(work(ledger, indices) for _ in range(50)))

asyncio.run(main())
"""


class Killed:
    """A process that writes as fast as it can, and was killed after so many lines."""

    def __init__(self, path: Path, start: int, lines: int) -> None:
        self.intended: set[int] = set()
        self.settled: set[int] = set()
        with run_child(CHILD, path, start) as child:
            assert child.stdout is not None
            for number, line in enumerate(child.stdout):
                if number == lines:
                    os.kill(child.pid, signal.SIGKILL)
                self._note(line)
        assert child.returncode == -signal.SIGKILL

    def _note(self, line: str) -> None:
        kind, _, index = line.partition(" ")
        if line.endswith("\n"):  # the last one may be cut
            (self.intended if kind == "i" else self.settled).add(int(index))

    def check(self, rows: dict[int, LedgerRow]) -> Self:
        """Make sure that everything that was reported is there."""
        assert self.intended
        assert all(rows[index].reference == (f"ref {index}" if index % 3 == 2 else mark(index)) for index in self.intended)
        assert all(rows[index].state is RowState.ACCEPTED for index in self.settled)
        assert all(rows[index].tracking_id == (f"id {index}" if index % 3 else uuid_of(index)) for index in self.settled)
        return self


async def test_a_kill_loses_nothing_that_was_reported(path: Path) -> None:
    """Killed in the middle of thousands of writes, time and again, a ledger has every one that had returned, and no lock."""
    start = 0
    kills = []
    for lines in (0, 1, 137, 1000, 3000):
        kills.append(Killed(path, start, lines))
        async with opened(path) as ledger:
            rows = {row.index: row for row in ledger}
            for kill in kills:
                kill.check(rows)
            for index in kills[-1].intended:
                assert await found(ledger, index) == rows[index]
            start = max(rows) + 1


async def test_a_kill_while_it_is_made_leaves_a_ledger_or_none(path: Path) -> None:
    """Killed at any instant of the first opening, a ledger can be opened by the next, and has one run id from then on."""
    for lines in range(3):
        child = run_child(
            """
            async def main():
                print("begin", flush=True)
                print(await Ledger(sys.argv[1]).open(), flush=True)
                print("open", flush=True)
                sys.stdin.read()
            asyncio.run(main())
            """,
            path,
        )
        with child:
            assert child.stdout is not None
            said = [child.stdout.readline() for _ in range(lines + 1)]
            child.kill()
        async with opened(path) as ledger:
            assert lines == 0 or said[1].strip() == ledger.summary().run_id


async def test_connect_error_is_an_error_too(ledger: Ledger) -> None:
    """A subclass of a subclass keeps what it says about sending again."""
    await settle(ledger, 0, RowState.NOT_SENT, error=ConnectError("refused"))
    stored = (await found(ledger, 0)).error
    assert stored is not None
    assert stored.safe_to_resend


async def test_open_ledger_serves_a_batch_and_what_follows(tmp_path: Path) -> None:
    """Inside `async with` a ledger stays open when a batch has done with it, and is closed at the end of the block."""
    ledger = Ledger(tmp_path / "held.db")
    async with ledger:
        run_id = await ledger.open()
        await intend(ledger, 0)
        with pytest.raises(LedgerError, match="one batch at a time"):
            await ledger.open()
        await ledger.close()
        await ledger.note_final("x", MessageStatus.DELIVERED)
        assert await ledger.open() == run_id
        await ledger.close()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.note_final("x", MessageStatus.DELIVERED)


async def test_batch_may_outlast_the_block(tmp_path: Path) -> None:
    """A batch that is still running when the block ends keeps the ledger until it is done."""
    ledger = Ledger(tmp_path / "held.db")
    async with ledger:
        await ledger.open()
    await intend(ledger, 0)
    await ledger.close()
    assert len(ledger) == 1
