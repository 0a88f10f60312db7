"""Group commit: many tasks write to a ledger, one thread commits for all of them together.

Each commit waits for the disk, so what arrives while one is under way makes up the next. Nothing waits for company when the thread
is idle. Callers await their own operation, so that there are never more waiting than there are callers.

The thread is a daemon: a program that forgets to close its ledger can end all the same, and a commit that this cuts short is undone
when the ledger is next opened, as after a kill. Whoever was told that an operation is on disk was told so after its commit.
"""

import asyncio
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar, cast

import attrs

from routee_async import sqlite_file, sqlite_rows
from routee_async.errors import LedgerError
from routee_async.sqlite_rows import Written

T = TypeVar("T")


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


@attrs.define(eq=False)
class _Operation(Generic[T]):
    """One thing to do in a transaction, and who waits for it.

    Attributes:
        answer: Where the caller waits.
        work: What to do; None to write *row*.
        row: What to write.
        result: What came of it.
        error: Why it was refused, alone of its group.
    """

    answer: "asyncio.Future[T]"
    work: Callable[[sqlite3.Connection], T] | None = None
    row: Written | None = None
    result: T | None = None
    error: LedgerError | None = None


class Writer:
    """The owner of a ledger's file, and its only writer: a thread, with a queue in front of it.

    Args:
        path: The file.
        about: What to note of a ledger that has to be made.
        owner: Who we are, for others who want to open it meanwhile.
        group_delay: Seconds to wait for company before each commit.
    """

    def __init__(self, path: Path, *, about: Mapping[str, str], owner: str, group_delay: float) -> None:
        self._path = path
        self._about = about
        self._owner = owner
        self._group_delay = group_delay
        self._queue: SimpleQueue[_Operation[object] | None] = SimpleQueue()
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
        if self._stopping:
            raise LedgerError(str(self._path), "is closed")
        if self._broken is not None:
            raise LedgerError(str(self._path), self._broken)

    def write(self, row: Written) -> "asyncio.Future[None]":
        """Write a row.

        Returns:
            Done when it is on disk; fails with `LedgerError`.
        """
        return self._enter(_Operation(asyncio.get_running_loop().create_future(), row=row))

    def call(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Do *work* in the thread, in the transaction of its group.

        Returns:
            Its result, once the group is on disk; fails with `LedgerError`.
        """
        return self._enter(_Operation(asyncio.get_running_loop().create_future(), work=work))

    def _enter(self, operation: _Operation[T]) -> "asyncio.Future[T]":
        self.check()
        self._queue.put(cast("_Operation[object]", operation))
        return operation.answer

    # What follows runs in the thread.

    def _run(self) -> None:
        try:
            with (
                closing(sqlite_file.own(self._path)),
                closing(sqlite_file.open_owned(self._path, self._about)) as connection,
            ):
                self._opened.set_result(self._take_over(connection))
                while self._serve(connection):
                    pass
        except Exception as error:  # noqa: BLE001 - told to whoever waits for `opened`
            # After that, only letting go can fail, and what has been committed is on disk.
            if not self._opened.done():
                self._opened.set_exception(sqlite_file.explain(self._path, error))
        finally:
            self._ended.set_result(None)

    def _take_over(self, connection: sqlite3.Connection) -> Opened:
        sqlite_rows.write_about(connection, "owner", self._owner)
        about = sqlite_rows.read_about(connection)
        finished = about.get("finished")
        return Opened(about["run_id"], None if finished is None else int(finished), sqlite_rows.end(connection))

    def _serve(self, connection: sqlite3.Connection) -> bool:
        """Commit one group; False when it was the last."""
        group, more = self._next_group()
        if self._broken is None and group:
            self._commit(connection, group)
        self._answer(group)
        return more

    def _next_group(self) -> tuple[list[_Operation[object]], bool]:
        """Wait for an operation and take all that are there; False when the last has been taken."""
        group: list[_Operation[object]] = []
        operation = self._queue.get()
        if self._group_delay:
            time.sleep(self._group_delay)
        while operation is not None:
            group.append(operation)
            try:
                operation = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, connection: sqlite3.Connection, group: Sequence[_Operation[object]]) -> None:
        try:
            if _in_one_statement(connection, group):
                return
            connection.execute("BEGIN IMMEDIATE")
            if not _all_at_once(connection, group):
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                self._one_by_one(connection, group)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - told to every caller
            # Whether a commit that fails is on disk is anybody's guess, and so is what a later one would leave there.
            self._broken = sqlite_file.explain(self._path, error).problem
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def _one_by_one(self, connection: sqlite3.Connection, group: Sequence[_Operation[object]]) -> None:
        """As `_all_at_once`, but finds out which rows are refused."""
        for operation in group:
            if not _all_at_once(connection, [operation]):
                problem = "refuses to send a message again that was accepted, or to forget that it was"
                operation.error = LedgerError(str(self._path), problem)

    def _answer(self, group: Sequence[_Operation[object]]) -> None:
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Operation[object]]] = defaultdict(list)
        for operation in group:
            if self._broken is not None:
                operation.error = LedgerError(str(self._path), self._broken)
            by_loop[operation.answer.get_loop()].append(operation)
        for loop, operations in by_loop.items():
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_pass_on, operations)


def _in_one_statement(connection: sqlite3.Connection, group: Sequence[_Operation[object]]) -> bool:
    """Write a group that is a row each of some messages, as most are; False when it is not, or when a row was refused.

    A statement is a transaction by itself, and asks for the interpreter's lock once instead of three times. Where a row was refused
    the others have been written, and can be written once more to find out which it was.
    """
    rows = {operation.row[0]: operation.row for operation in group if operation.row is not None}
    if not len(rows) == len(group) <= sqlite_rows.MOST_AT_ONCE:
        return False
    return sqlite_rows.upsert(connection, list(rows.values())) == len(rows)


def _all_at_once(connection: sqlite3.Connection, group: Sequence[_Operation[object]]) -> bool:
    """Do all operations in their order, neighbouring rows together; False as soon as a row was refused."""
    rows: list[Written] = []
    for operation in group:
        if operation.work is None:
            rows.append(cast("Written", operation.row))
            continue
        if sqlite_rows.upsert(connection, rows) < len(rows):
            return False
        rows.clear()
        operation.result = operation.work(connection)
    return sqlite_rows.upsert(connection, rows) == len(rows)


def _pass_on(operations: Sequence[_Operation[object]]) -> None:
    """Tell those who wait. Runs in their loop."""
    for operation in operations:
        if operation.answer.done():  # its caller was cancelled
            continue
        if operation.error is not None:
            operation.answer.set_exception(operation.error)
        else:
            operation.answer.set_result(operation.result)


def _uncancellable() -> "Future[T]":
    """A future that outlives the cancellation of those who wait for it."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    return future
