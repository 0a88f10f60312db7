"""What a ledger keeps, and the interface behind which it is kept.

A batch speaks to `LedgerStore` alone. `Ledger`, a SQLite file, is the first implementation; a shared database can be another.
Neither numbers nor texts are kept: a row knows its message by a checksum.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

import attrs

from routee_async import references
from routee_async.errors import LedgerError, RouteeError
from routee_async.models import MessageStatus


class RowState(StrEnum):
    """How far a message has got: on its way, or one of the four outcomes of a send."""

    INTENDED = "intended"
    """It may be on the wire. After a crash nobody knows: look it up before sending it again."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class LedgerRow:
    """What is known of one message of a batch.

    Attributes:
        index: Position in the input, from 0.
        state: How far it has got.
        reference: Our unique mark of it on the wire, the same for ever.
        checksum: 16 bytes that stand for the message as it was given.
        tracking_id: Routee's id, once accepted.
        parts: How many parts it was counted as, where Routee said so.
        error: Why it was not accepted, or what is in doubt. An error of a class that this version does not know is a plain
            `RouteeError` with the same text.
        status: Final delivery status, once known.
        intended_at: When it was first about to be sent, by the wall clock (UTC); None when it never was.
        duplicates: Further tracking ids that Routee has under the same reference.
    """

    index: int
    state: RowState
    reference: str
    checksum: bytes
    tracking_id: str | None = None
    parts: int | None = None
    error: RouteeError | None = None
    status: MessageStatus | None = None
    intended_at: datetime | None = None
    duplicates: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class LedgerSummary:
    """How a batch stands.

    Attributes:
        run_id: 8 characters that mark everything of this batch.
        total: Number of rows.
        states: Rows in each state, all five named.
        parts: Parts of the accepted messages, as far as Routee told.
        statuses: Accepted messages by final delivery status, as far as known.
        finished: How many messages the input had; None while its end has not been seen.
        created_at: When the ledger was begun, by the wall clock (UTC).
    """

    run_id: str
    total: int
    states: Mapping[RowState, int]
    parts: int
    statuses: Mapping[MessageStatus, int]
    finished: int | None
    created_at: datetime

    def __str__(self) -> str:
        states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in self.states.items() if count)
        statuses = ", ".join(f"{count:,} {status}" for status, count in self.statuses.items())
        end = "the end of the input was not reached" if self.finished is None else f"the input had {self.finished:,}"
        lines = [
            f"run {self.run_id}, begun {self.created_at:%Y-%m-%d %H:%M:%S} UTC",
            f"{self.total:,} messages{f': {states}' if states else ''}; {end}",
            f"{self.parts:,} parts accepted",
        ]
        if statuses:
            lines.append(f"final: {statuses}")
        return "\n".join(lines)


class LedgerStore(Protocol):
    """Where a batch writes what it intends and what became of it.

    Every method that writes returns when what it wrote will survive a crash, and not before. One that raises `LedgerError` has
    made the store useless until it is opened again, unless it says otherwise: without a ledger nothing must be sent.
    """

    async def open(self) -> str:
        """Take ownership; create what is missing, check what is there.

        Returns:
            The run id: 8 characters out of `0-9a-z`, made when the store was created and the same ever after.

        Raises:
            LedgerError: Somebody else owns it, or it cannot be used. Nothing is held then.
        """

    async def find(self, index: int) -> LedgerRow | None:
        """The row of a message, or None. Cheap when called in roughly ascending order.

        Raises:
            LedgerMismatchError: The input, once read to its end, did not have as many messages. The store stays usable.
            LedgerError: The store cannot be read.
        """

    async def intend(self, index: int, reference: str, checksum: bytes) -> None:
        """Write that a message is about to be sent.

        A row that is there keeps its reference, its checksum and its first `intended_at`; what an earlier attempt gave goes.

        Raises:
            LedgerError: It could not be written, or the message has been accepted already; the store stays usable in that case.
        """

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
        """Write what became of a message; makes the row of one that was never intended.

        A row that is there keeps its reference, its checksum and its `intended_at`.

        Raises:
            LedgerError: It could not be written, or the message has been accepted already and *state* says something else; the
                store stays usable in that case.
        """

    async def finish(self, count: int) -> None:
        """Write that the input had exactly *count* messages.

        Raises:
            LedgerMismatchError: It had another number the last time, or there are rows beyond. The store stays usable.
            LedgerError: It could not be written.
        """

    async def note_final(self, tracking_id: str, status: MessageStatus) -> None:
        """Write a final delivery status. An id that is not in the ledger and a status that is not final are ignored.

        Raises:
            LedgerError: It could not be written.
        """

    async def close(self) -> None:
        """Write what is still waiting and give up ownership. Does nothing when closed."""


@runtime_checkable
class QuickStore(LedgerStore, Protocol):
    """A store that need not be awaited for each message: it calls back.

    A batch uses these methods where a store has them; to wake a task for each message costs more than to write it. What they are
    given to call is called in the running loop, for all that became known together in one turn of it, and never before the method
    has returned. An exception in one call does not keep the others from being made: it goes to the loop's exception handler.
    """

    def is_new_from(self, index: int) -> bool:
        """True when there is surely no row of a message, nor of any behind it, so that `find` need not be asked of them.

        False when in doubt, and wherever `find` would raise.
        """

    def intend_soon(self, index: int, reference: str, checksum: bytes, then: Callable[[LedgerError | None], None]) -> None:
        """As `intend`; *then* is called when it will survive a crash, or with what went wrong.

        Raises:
            LedgerError: Nothing can be written, because the store is closed or useless; *then* is not called.
        """

    def accept_soon(
        self,
        index: int,
        reference: str,
        checksum: bytes,
        tracking_id: str,
        parts: int | None,
        then: Callable[[LedgerError | None], None],
    ) -> None:
        """As `settle` for a message that was accepted, and of which no more is to be told; *then* is called as by `intend_soon`.

        Raises:
            LedgerError: As `intend_soon`.
        """


def new_run_id() -> str:
    """Make the id of a run: 8 random digits and letters."""
    return "".join(secrets.choice(references.DIGITS) for _ in range(references.RUN_LENGTH))
