"""Group commit: many write to a ledger, one thread commits for all of them together.

Each commit waits for the disk. What is asked for while one is under way makes up the next group; while none is, what is asked for
in one turn of the loop, or in a millisecond where many messages are on the wire. Who asks is told in the loop, a whole group in one
turn, by a plain call: waking a task each would cost more than all the writing.

The thread is a daemon: a program that forgets to close its ledger can end all the same, and a commit that this cuts short is undone
when the ledger is next opened, as after a kill. Whoever was told that an operation is on disk was told so after its commit.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Container, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar, cast

import attrs

from routee_async import sqlite_file, sqlite_rows
from routee_async.errors import LedgerError
from routee_async.ledger_commit import Call, Changes, Committer

T = TypeVar("T")

Then = Callable[[LedgerError | None], None]
"""Is called when something is on disk, or with what went wrong."""

_MILLISECONDS = 1000
_COMPANY = 0.001
"""Seconds to wait for company while many messages are on the wire, whose answers may come at any moment. A commit takes as much of
the processor as several messages do, so it had better be for many."""
_MANY = 16
"""Messages on the wire that are many."""
_MOST_SETTLED = 1000
"""Messages in the tail that have their outcome. More would be cheaper by little, and make those who read work for longer."""
_REFUSAL = "refuses to send a message again that was accepted, or to forget that it was"


@attrs.frozen
class Opened:
    """What is known of a ledger that has just been opened.

    Attributes:
        run_id: Of the batch.
        finished: How many messages the input had; None while its end has not been seen.
        end: Position after the last row.
    """

    run_id: str
    finished: int | None
    end: int


class Group(Changes):
    """What was asked for in a loop, for one commit. Each list of what there is to do has one beside it of who waits for it.

    Attributes:
        loop: Where it was.
        intended: Who waits for each of the intents.
        welcomed: Who waits for each of the accepted.
        stepped: Who waits for each of the steps.
        now: When it was begun, by the wall clock, in milliseconds since 1970.
        refused: Which of the steps were refused, by their numbers.
        problem: Why nothing of it can be relied on; None when it is on disk.
    """

    __slots__ = ("intended", "loop", "now", "problem", "refused", "stepped", "welcomed")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.intended: list[Then] = []
        self.welcomed: list[Then] = []
        self.stepped: list[Then] = []
        self.now = int(time.time() * _MILLISECONDS)
        self.refused: Container[int] = ()
        self.problem: str | None = None


class Writer:
    """The owner of a ledger's file, and its only writer: a thread, with a queue in front of it.

    Args:
        path: The file.
        about: What to note of a ledger that has to be made.
        owner: Who we are, for others who want to open it meanwhile.
        group_delay: Seconds to wait for company before each commit; 0 for a millisecond where that pays, and no time elsewhere.

    Attributes:
        group: What has been asked for and is not handed over yet; None for nothing.
        under_way: Notes of the intents of messages that have no outcome yet, by position.
        problem: Why nothing can be written any more: it is closed, or a write has failed since it was opened.
    """

    def __init__(self, path: Path, *, about: Mapping[str, str], owner: str, group_delay: float) -> None:
        self.problem: str | None = None
        self.under_way: dict[int, bytes] = {}
        self._path = path
        self._about = about
        self._owner = owner
        self._group_delay = group_delay
        self.group: Group | None = None
        self._committing: Group | None = None
        self._settled = 0  # messages in the tail that are not under way any more
        self._queue: SimpleQueue[Group | None] = SimpleQueue()
        self._broken: str | None = None
        self._stopping = False
        self._opened: Future[Opened] = _uncancellable()
        self._ended: Future[None] = _uncancellable()
        self._thread = threading.Thread(target=self._run, name="routee-ledger", daemon=True)

    def start(self) -> None:
        """Start the thread, which opens the file. `stop` must follow.

        Raises:
            LedgerError: There is no room for a thread. Nothing has to be stopped then.
        """
        try:
            self._thread.start()
        except RuntimeError as error:
            raise LedgerError(str(self._path), f"cannot be used: {error}") from error

    async def opened(self) -> Opened:
        """Wait until the file is open.

        Raises:
            LedgerError: It cannot be used.
        """
        return await asyncio.wrap_future(self._opened)

    async def stop(self) -> None:
        """Commit what is waiting, let go of the file and end the thread. A cancellation is obeyed after that, not before."""
        if not self._stopping:
            self._stopping = True
            self.problem = "is closed"
            self._hand_over(self.group)
            self._queue.put(None)
        cancelled: asyncio.CancelledError | None = None
        while not self._ended.done():
            try:
                await asyncio.wrap_future(self._ended)
            except asyncio.CancelledError as error:
                cancelled = error
        self._thread.join()
        if cancelled is not None:
            raise cancelled

    def check(self) -> None:
        """Make sure that operations have a chance.

        Raises:
            LedgerError: The ledger is closed, or a write has failed since it was opened.
        """
        if self.problem is not None:
            raise LedgerError(str(self._path), self.problem)

    def call(self, work: Callable[[sqlite3.Connection], T], *, on_rows: bool = False) -> "asyncio.Future[T]":
        """Do *work* in the thread, in the transaction of its group.

        Args:
            work: What to do.
            on_rows: Whether all that has been written must be rows before.

        Returns:
            Its result, once the group is on disk; fails with `LedgerError`.

        Raises:
            LedgerError: As `check`.
        """
        group = self.gather()
        step = Call(work, on_rows)
        answer: asyncio.Future[T] = group.loop.create_future()
        group.steps.append(step)
        group.stepped.append(partial(wake, answer, step))
        return answer

    def gather(self) -> Group:
        """The group of this turn of the loop, to which anybody may add.

        Raises:
            LedgerError: As `check`.
        """
        group = self.group
        if group is not None and group.loop.is_running():
            return group
        self._hand_over(group)  # of a loop that ended before it did this itself
        self.check()
        loop = asyncio.get_running_loop()
        group = self.group = Group(loop)
        if self._committing is None or self._committing.loop is not loop:
            self._hand_over_soon(group)
        return group

    def hurry(self) -> None:
        """Wait for no more company: nobody is on the wire any more. To be called after something was added to the group."""
        if self.group is not None and self._committing is None:
            self.group.loop.call_soon(self._hand_over, self.group)

    def _hand_over_soon(self, group: Group) -> None:
        delay = self._group_delay
        if not delay and len(self.under_way) - len(group.intents) >= _MANY:
            delay = _COMPANY
        if delay:
            group.loop.call_later(delay, self._hand_over, group)
        else:
            group.loop.call_soon(self._hand_over, group)

    def _hand_over(self, group: Group | None) -> None:
        if group is None or group is not self.group:
            return
        self.group, self._committing = None, group
        self._settled += len(group.accepted) + len(group.left)
        if self._settled >= _MOST_SETTLED:
            self._settled, group.remaining = 0, list(self.under_way.values())
        self._queue.put(group)

    # What follows runs in the thread.

    def _run(self) -> None:
        try:
            with (
                closing(sqlite_file.own(self._path)),
                closing(sqlite_file.open_owned(self._path, self._about)) as connection,
            ):
                committer = Committer(connection)
                self._opened.set_result(self._take_over(connection))
                while self._serve(connection, committer):
                    pass
                if self._broken is None:
                    committer.finish()
        except Exception as error:  # noqa: BLE001 - told to whoever waits for `opened`
            # After that, only tidying up and letting go can fail, and what has been committed is on disk.
            if not self._opened.done():
                self._opened.set_exception(sqlite_file.explain(self._path, error))
        finally:
            self._ended.set_result(None)

    def _take_over(self, connection: sqlite3.Connection) -> Opened:
        sqlite_rows.write_about(connection, "owner", self._owner)
        about = sqlite_rows.read_about(connection)
        finished = about.get("finished")
        return Opened(about["run_id"], None if finished is None else int(finished), sqlite_rows.end(connection))

    def _serve(self, connection: sqlite3.Connection, committer: Committer) -> bool:
        """Commit a group; False when there is none any more."""
        group = self._queue.get()
        if group is None:
            return False
        if self._broken is None:
            self._commit(connection, committer, group)
        group.problem = self._broken
        with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            group.loop.call_soon_threadsafe(self._tell, group)
        return True

    def _commit(self, connection: sqlite3.Connection, committer: Committer, group: Group) -> None:
        try:
            group.refused = committer.commit(group)
        except Exception as error:  # noqa: BLE001 - told to everybody who waits
            # Whether a commit that fails is on disk is anybody's guess, and so is what a later one would leave there.
            self._broken = sqlite_file.explain(self._path, error).problem
            if not self._stopping:
                self.problem = self._broken
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    # What follows runs in the loop again.

    def _tell(self, group: Group) -> None:
        """Tell everybody what became of a group."""
        if self._committing is group:
            self._committing = None
            if self.group is not None and self.group.loop is group.loop:
                self._hand_over_soon(self.group)
        problem = group.problem
        for then in chain(group.intended, group.welcomed):
            try:
                then(None if problem is None else LedgerError(str(self._path), problem))
            except Exception as error:  # noqa: BLE001 - told to the loop, as of any callback
                _report(group.loop, error)
        for number, then in enumerate(group.stepped):
            wrong = _REFUSAL if number in group.refused else problem
            try:
                then(None if wrong is None else LedgerError(str(self._path), wrong))
            except Exception as error:  # noqa: BLE001 - as above
                _report(group.loop, error)


def wake(waiting: "asyncio.Future[T]", step: Call | None, error: LedgerError | None) -> None:
    """Pass on what became of something to whoever awaits it, unless that was cancelled: the result of *step*, if any."""
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(cast("T", None if step is None else step.result))


def _report(loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    loop.call_exception_handler({"message": "exception in what was to be done after a write to a ledger", "exception": error})


def _uncancellable() -> "Future[T]":
    """A future that outlives the cancellation of those who wait for it."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    return future
