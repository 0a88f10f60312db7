"""`Ledger`: what was intended and what became of it, on disk, so that a batch survives a crash at any instant.

Neither a number nor a text is kept: a row knows its message by a checksum, its reference and Routee's tracking id.
"""

import asyncio
import math
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from routee_async import references, row_forms, sqlite_file, sqlite_rows, tail
from routee_async.errors import ConfigurationError, LedgerError, LedgerMismatchError, RouteeError
from routee_async.group_commit import Group, Opened, Then, Writer, wake
from routee_async.models import MessageStatus
from routee_async.row_forms import Stored, Written
from routee_async.store import LedgerRow, LedgerSummary, QuickStore, RowState, new_run_id

_CHUNK = 1024
"""Rows that are read ahead together."""
_CHUNKS = 4
"""How many such chunks are kept: what is asked for need not be in order, but must be near."""
_NONSENSE = (LookupError, TypeError, ValueError)
"""What comes of reading a row that was not written by us."""
_PAGE = 1000
"""Rows that a reader takes at a time, so that a slow one does not keep the writer from tidying up its -wal file."""


class Ledger(QuickStore):
    """A ledger in a SQLite file.

        async for outcome in client.send_many(messages, ledger=Ledger("run.db")): ...

    The same line starts a batch and, with the same messages, resumes it after a crash. `send_many` opens and closes the ledger; it
    has one owner at a time. Everybody may read it meanwhile: with `summary`, by iterating over its rows, with `len`.

    While it is open, and after a kill, `run.db-wal` belongs to `run.db`: never move one without the other. The file must be on a
    local disk.

    Args:
        path: The file; it is made when it is first opened, for the eyes of its user alone (mode 0600). Building a `Ledger` touches
            nothing.
        group_delay: Seconds to wait for company before each commit, which cost each message twice that, and save processor time.
            0, the default, waits for a millisecond where many messages are on the wire, and for nobody where there are few.

    Raises:
        ConfigurationError: *group_delay* is not a number of 0 or more.
    """

    def __init__(self, path: str | os.PathLike[str], *, group_delay: float = 0.0) -> None:
        self._path = Path(path)
        self._group_delay = _check_delay(group_delay)
        self._session: _Session | None = None
        self._in_batch = False
        self._held = False

    def __repr__(self) -> str:
        return f"<Ledger {self._path} {'open' if self._session is not None else 'closed'}>"

    def __str__(self) -> str:
        return str(self._path)

    def __bool__(self) -> bool:
        return True  # an empty ledger is a ledger

    # The writing side: one owner.

    async def open(self) -> str:
        """Take ownership; make the file when there is none.

        Returns:
            The run id, made with the file: 8 characters out of `0-9a-z`.

        Raises:
            LedgerError: Somebody else owns it, or it is no ledger, damaged, of a newer version, or cannot be written.
        """
        if self._in_batch:
            raise LedgerError(str(self._path), "is open already; use it for one batch at a time")
        if self._session is not None:
            self._session.writer.gather()  # in this loop, if it was opened in another one
        session = self._session or await self._begin_session()
        self._in_batch = True
        return session.run_id

    async def __aenter__(self) -> Self:
        """Keep the ledger open for the whole block: for a batch, and for following it (`RouteeClient.tracker(ledger=...)`).

        Raises:
            LedgerError: As `open`.
        """
        if self._session is None:
            await self._begin_session()
        self._held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held = False
        if not self._in_batch:
            await self._end_session()

    async def _begin_session(self) -> "_Session":
        about = {"run_id": new_run_id(), "created_at": datetime.now(UTC).isoformat()}
        owner = f"process {os.getpid()} on {platform.node()}"
        writer = Writer(self._file(), about=about, owner=owner, group_delay=self._group_delay)
        writer.start()
        try:
            opened = await writer.opened()
        except BaseException:
            await writer.stop()
            raise
        self._session = _Session(writer, opened)
        return self._session

    async def close(self) -> None:
        """Write what is still waiting and give up ownership, unless an `async with` keeps it. Does nothing when closed."""
        self._in_batch = False
        if not self._held:
            await self._end_session()

    async def _end_session(self) -> None:
        session = self._session
        if session is None:
            return
        try:
            await session.writer.stop()
        finally:
            self._session = None

    async def find(self, index: int) -> LedgerRow | None:
        """The row of a message, or None; cheap when called in roughly ascending order.

        Raises:
            LedgerMismatchError: The input was read to its end before, and did not have as many messages.
            LedgerError: The file cannot be read, or the ledger is closed.
        """
        session = self._working()
        if session.finished is not None and index >= session.finished:
            raise self._mismatch(f"it was begun with {session.finished:,} messages, and now there are more")
        stored = await session.find(index)
        return None if stored is None else self._read(stored)

    async def intend(self, index: int, reference: str, checksum: bytes) -> None:
        """Write that a message is about to be sent; on disk when this returns.

        A row that is there keeps its reference, its checksum and its first `intended_at`; what an earlier attempt gave goes.

        Raises:
            LedgerError: It could not be written, or the message has been accepted already.
        """
        done: asyncio.Future[None] = self._working().writer.gather().loop.create_future()
        self.intend_soon(index, reference, checksum, partial(wake, done, None))
        await done

    async def settle(
        self,
        index: int,
        *,
        reference: str,
        checksum: bytes,
        state: RowState,
        tracking_id: str | None = None,
        parts: int | None = None,
        error: RouteeError | None = None,
        duplicates: tuple[str, ...] = (),
    ) -> None:
        """Write what became of a message; on disk when this returns.

        A row that is there keeps its reference, its checksum and its `intended_at`; one that was never intended is made.

        Raises:
            LedgerError: It could not be written, or the message has been accepted already and *state* says something else.
        """
        session = self._working()
        group = session.writer.gather()
        done: asyncio.Future[None] = group.loop.create_future()
        then = partial(wake, done, None)
        if state is RowState.ACCEPTED and tracking_id is not None and error is None and not duplicates:
            self.accept_soon(index, reference, checksum, tracking_id, parts, then)
        else:
            row = row_forms.write_row(index, state, reference, checksum, tracking_id, parts, error, duplicates)
            session.add_row(row, group, then)
        await done

    def is_new_from(self, index: int) -> bool:
        """True when there is surely no row of a message, nor of any behind it, so that `find` need not be asked of them.

        False also once the end of the input was seen: `find` knows what must not come behind it.
        """
        session = self._session
        return session is not None and session.finished is None and index >= session.end and session.writer.problem is None

    def intend_soon(self, index: int, reference: str, checksum: bytes, then: Then) -> None:
        """As `intend`; *then* is called in the loop when it is on disk, or with what went wrong.

        Raises:
            LedgerError: The ledger is closed, or broken; *then* is not called.
        """
        session = self._session or self._working()
        writer = session.writer
        group = writer.group or writer.gather()
        mark = reference.encode()
        if index < session.end or len(checksum) != tail.CHECKSUM_LENGTH or len(mark) != references.LENGTH:
            row = row_forms.write_row(index, RowState.INTENDED, reference, checksum, intended_at=group.now)
            session.add_row(row, group, then)
            return
        # It has no row, and is as usual: it is enough to note it.
        note = writer.under_way[index] = tail.write_intent(index, group.now, checksum, mark)
        group.intents.append(note)
        group.intended.append(then)
        session.end = index + 1
        if session.chunks:
            session.wrote(index)

    def accept_soon(
        self,
        index: int,
        reference: str,
        checksum: bytes,
        tracking_id: str,
        parts: int | None,
        then: Then,
    ) -> None:
        """As `settle` for a message that was accepted, and of which no more is to be told; *then* is called as by `intend_soon`.

        Raises:
            LedgerError: The ledger is closed, or broken; *then* is not called.
        """
        session = self._session or self._working()
        writer = session.writer
        group = writer.group or writer.gather()
        intent = writer.under_way.get(index)
        if intent is None or len(tracking_id) != tail.ID_LENGTH or not tracking_id.isascii():
            row = row_forms.write_row(index, RowState.ACCEPTED, reference, checksum, tracking_id, parts)
            session.add_row(row, group, then)
            return
        del writer.under_way[index]
        known = parts if parts is not None and 0 <= parts < row_forms.MOST_PARTS else tail.NO_PARTS
        group.accepted.append(intent + tail.write_outcome(known, tracking_id.encode()))
        group.welcomed.append(then)
        if len(writer.under_way) == len(group.intents):
            writer.hurry()
        if session.chunks:
            session.wrote(index)

    async def finish(self, count: int) -> None:
        """Write that the input had exactly *count* messages.

        Raises:
            LedgerMismatchError: It had another number the last time, or there are rows beyond.
            LedgerError: It could not be written.
        """
        session = self._working()
        if session.finished not in {None, count}:
            raise self._mismatch(f"it was begun with {session.finished:,} messages, and now there are {count:,}")
        if count < session.end:
            raise self._mismatch(f"it has {session.end:,} messages, and now there are only {count:,}")
        await session.writer.call(partial(sqlite_rows.write_about, key="finished", value=str(count)))
        session.finished = count

    async def note_final(self, tracking_id: str, status: MessageStatus) -> None:
        """Write a final delivery status. An id that is not in the ledger and a status that is not final are ignored.

        Raises:
            LedgerError: It could not be written.
        """
        session = self._working()
        if status.is_final:
            await session.writer.call(partial(sqlite_rows.note_final, tracking_id=tracking_id, status=status), on_rows=True)

    async def set_note(self, key: str, value: str) -> None:
        """Keep a note beside the rows: for the program that uses the ledger, which has to be open.

        Raises:
            UnicodeEncodeError: It is no text that can be stored.
            LedgerError: It could not be written.
        """
        _ = key.encode(), value.encode()
        await self._working().writer.call(partial(sqlite_rows.write_note, key=key, value=value))

    # The reading side: anybody, at any time.

    def summary(self) -> LedgerSummary:
        """Count the rows by state and by final status.

        Raises:
            LedgerError: There is no such file, or it cannot be read. So do all that read.
        """
        with sqlite_file.reading(self._file()) as connection:
            try:
                return sqlite_rows.summarize(connection)
            except _NONSENSE as error:
                raise LedgerError(str(self._path), "is damaged: it cannot be counted") from error

    def __len__(self) -> int:
        with sqlite_file.reading(self._file()) as connection:
            return sqlite_rows.count(connection)

    def __iter__(self) -> Iterator[LedgerRow]:
        return self._rows(None)

    def unfinished(self) -> Iterator[LedgerRow]:
        """The rows of messages that are in doubt: intended or unknown, in order."""
        return self._rows((RowState.INTENDED, RowState.UNKNOWN))

    def get_note(self, key: str) -> str | None:
        """What was noted under *key*; None if nothing was."""
        with sqlite_file.reading(self._file()) as connection:
            return sqlite_rows.read_note(connection, key)

    def purge(self) -> None:
        """Remove the ledger from the disk, with all files that belong to it.

        Raises:
            LedgerError: Somebody owns it, there is none, or it is none.
        """
        path = self._file()
        with closing(sqlite_file.own(path)):
            sqlite_file.remove(path)

    def _rows(self, states: Sequence[RowState] | None) -> Iterator[LedgerRow]:
        after, more = -1, True
        while more:
            with sqlite_file.reading(self._file()) as connection:
                page = sqlite_rows.select_page(connection, after, states, _PAGE)
            for stored in page:
                yield self._read(stored)
                after = stored[0]
            more = len(page) == _PAGE

    def _read(self, stored: Stored) -> LedgerRow:
        try:
            return row_forms.read_row(stored)
        except _NONSENSE as error:
            raise LedgerError(str(self._path), f"is damaged: row {stored[0]} makes no sense") from error

    def _file(self) -> Path:
        """The one name of the file: owners must not miss each other by way of a symbolic link."""
        return self._path.resolve()

    def _working(self) -> "_Session":
        if self._session is None:
            raise LedgerError(str(self._path), "is not open")
        self._session.writer.check()
        return self._session

    def _mismatch(self, difference: str) -> LedgerMismatchError:
        return LedgerMismatchError(str(self._path), f"{difference}; resume with the same messages, or begin a new ledger")


@attrs.define(eq=False)
class _Chunk:
    """Neighbouring rows that were read ahead.

    Attributes:
        rows: As they were found, by position.
        written: Positions that were written since the reading began: what *rows* says of them is out of date.
    """

    rows: "asyncio.Future[dict[int, Stored]]"
    written: set[int] = attrs.Factory(set)


class _Session:
    """An open ledger: its writer, and what is known of its rows without looking.

    Attributes:
        run_id: Of the batch.
        finished: How many messages the input had; None while its end has not been seen.
        end: Position after the last row.
        chunks: Rows that were read ahead, by number of the chunk.
    """

    def __init__(self, writer: Writer, opened: Opened) -> None:
        self.writer = writer
        self.run_id = opened.run_id
        self.finished = opened.finished
        self.end = opened.end
        self.chunks: dict[int, _Chunk] = {}

    def add_row(self, row: Written, group: Group, then: Then) -> None:
        """Have a row written with *group*, with all that is known of its message."""
        index = row[0]
        intent = self.writer.under_way.pop(index, None)
        if intent is not None:
            group.left.append(intent[: tail.MARK_LENGTH])
            row = tail.complete(intent, row)
        elif index < self.end:
            group.unsure.add(index)
        group.steps.append(row)
        group.stepped.append(then)
        self.end = max(self.end, index + 1)
        self.wrote(index)

    def wrote(self, index: int) -> None:
        """Take into account that what was read ahead of a message is out of date."""
        if index // _CHUNK in self.chunks:
            self.chunks[index // _CHUNK].written.add(index)

    async def find(self, index: int) -> Stored | None:
        """Look a row up: behind the last without a question, otherwise in a chunk."""
        if index >= self.end:
            return None
        number = index // _CHUNK
        chunk = self.chunks.get(number)
        if chunk is None:
            chunk = self.chunks[number] = _Chunk(self._select(number * _CHUNK, (number + 1) * _CHUNK))
            if len(self.chunks) > _CHUNKS:
                del self.chunks[next(iter(self.chunks))]
        # Many may wait for it, and one of them may be cancelled.
        rows = await asyncio.shield(chunk.rows)
        if index in chunk.written:
            rows = await self._select(index, index + 1)
        return rows.get(index)

    def _select(self, start: int, end: int) -> "asyncio.Future[dict[int, Stored]]":
        return self.writer.call(partial(sqlite_rows.select, start=start, end=end))


def _check_delay(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError("group_delay", f"must be a number of seconds, 0 or more, not {value!r}")
    return value
