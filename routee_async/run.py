"""What a batch does with each message: a reference, an intent in the ledger, the delivery, the outcome in the ledger.

Nothing is written on the wire before its intent is on disk, so that a run that was killed at any instant can be resumed: what is
settled is not sent again, what was in flight is looked up by its reference, and the rest is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs

from routee_async import protocol, references, retry
from routee_async.bulk import Desk
from routee_async.checksums import checksum_of
from routee_async.delivery import Delivery
from routee_async.errors import (
    BatchAbortedError,
    InvalidInputError,
    LedgerError,
    LedgerMismatchError,
    NotSentError,
    OutcomeUnknownError,
    RecipientOptedOutError,
    RouteeError,
)
from routee_async.models import Accepted, NotSent, Outcome, Rejected, SentSms, Sms, Unknown
from routee_async.options import OnUnknown
from routee_async.reconcile import Undecided
from routee_async.store import LedgerRow, LedgerStore, RowState, new_run_id

logger: logging.Logger = logging.getLogger("routee_async")


def is_settled(row: LedgerRow) -> bool:
    """True when a resumed run has nothing to do about a row: it was accepted, or refused for what it is.

    What was refused because a whole run was stopped (no balance, no rights, credentials) is sent again.
    """
    if row.state is RowState.REJECTED:
        return row.error is None or not retry.stops_batch(row.error)
    return row.state is RowState.ACCEPTED


class Run:
    """One run of `send_many`, new or resumed.

    Args:
        delivery: Delivers a message.
        prepare: Checks and normalises a message, or raises `InvalidInputError`.
        on_unknown: What to do about doubt.
        ledger: Where intents and outcomes are kept; None for nowhere.
        max_unknown: Unknown outcomes that are borne before the run is stopped; None for any number.
        suppressed: Recipients in E.164 to whom nothing is sent. Asked once more when a message has its turn.
    """

    def __init__(
        self,
        delivery: Delivery,
        *,
        prepare: Callable[[Sms], Sms],
        on_unknown: OnUnknown,
        ledger: LedgerStore | None,
        max_unknown: int | None,
        suppressed: Container[str] = (),
    ) -> None:
        self.attempted: int = 0
        self.stopped_by: RouteeError | None = None
        self._delivery = delivery
        self._prepare = prepare
        self._on_unknown = on_unknown
        self._ledger = ledger
        self._max_unknown = max_unknown
        self._suppressed = suppressed
        self._unknown = 0
        self._run_id = ""
        self._in_order = asyncio.Lock()
        self._mismatch: LedgerMismatchError | None = None
        self._checked = 0  # messages from the first on that are known to be what they were
        self._desk: Desk | None = None  # None where only `outcome` is used

    async def open(self, desk: Desk | None = None) -> None:
        """Begin, or take the ledger of an earlier run up again.

        Args:
            desk: Where outcomes go of messages that are begun by `begin`.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        self._desk = desk
        self._run_id = await self._ledger.open() if self._ledger is not None else new_run_id()

    async def close(self) -> None:
        """Let the ledger go."""
        if self._ledger is not None:
            await self._ledger.close()

    async def finish(self, count: int) -> None:
        """Note that the input had *count* messages.

        Raises:
            LedgerMismatchError: The ledger knows better.
            LedgerError: It cannot be written.
        """
        if self._ledger is not None:
            await self._ledger.finish(count)

    def stop(self, error: RouteeError) -> None:
        """Close the latch: nothing more is begun, what is in flight finishes, the first reason counts."""
        if self.stopped_by is None:
            self.stopped_by = error

    def is_held_back(self) -> bool:
        """True when the next message had better `wait` before it is begun."""
        return False

    async def wait(self) -> None:
        """Wait for what holds messages back."""

    def begin(self, index: int, sms: Sms) -> Callable[[], Awaitable[Outcome]] | None:
        """Begin to bring a message to its outcome. Called in order of index, with a desk.

        Returns:
            None when it is on its way, and its outcome will be put on the desk; otherwise what has to be called and awaited for it.
        """
        return partial(self.outcome, index, sms)

    def abandon(self) -> None:
        """End what was begun and has no task. Its outcomes are not told."""

    async def outcome(self, index: int, sms: Sms) -> Outcome:
        """Bring one message to its outcome. Called in order of index.

        Raises:
            LedgerMismatchError: The ledger was begun with another list.
        """
        reference = references.reference_of(self._run_id, index)
        checksum, row = b"", None
        if self._ledger is not None:
            checksum = checksum_of(sms)
            try:
                row = await self._known(self._ledger, index, checksum)
            except LedgerMismatchError:
                raise
            except LedgerError as error:
                # Whether an earlier run has sent it is on the disk that cannot be read.
                self.stop(error)
                return Unknown(index=index, sms=sms, error=error)
            if row is not None and is_settled(row):
                return _replay(row, sms)
        return await self._bring_home(index, sms, reference, checksum, self._attempt(index, sms, reference, checksum, row))

    async def _bring_home(self, index: int, sms: Sms, reference: str, checksum: bytes, attempt: Awaitable[SentSms]) -> Outcome:
        """Make an outcome of what came of a message, and note it."""
        try:
            outcome: Outcome = Accepted(index=index, sms=sms, sent=await attempt)
        except RouteeError as error:
            outcome = retry.outcome_class(error)(index=index, sms=sms, error=error)
            self._judge(outcome)
        if self._ledger is not None:
            await self._note(self._ledger, outcome, reference, checksum)
        return outcome

    async def _known(self, ledger: LedgerStore, index: int, checksum: bytes) -> LedgerRow | None:
        """What an earlier run left of a message.

        Nobody passes before those in front have been found to be what they were: a list that has shifted is another list from its
        first message on, and nothing of it must be sent.
        """
        async with self._in_order:
            if self._mismatch is not None:
                raise self._mismatch.with_traceback(None)
            try:
                row = await ledger.find(index)
                self._check(row, checksum)
            except LedgerMismatchError as error:
                self._mismatch = error
                raise
            self._checked = max(self._checked, index + 1)
        return row

    def _check(self, row: LedgerRow | None, checksum: bytes) -> None:
        if row is not None and row.checksum != checksum:
            difference = f"message {row.index} is another one than when it was begun"
            raise LedgerMismatchError(str(self._ledger), f"{difference}; resume with the same input, or begin a new ledger")

    async def _attempt(self, index: int, sms: Sms, reference: str, checksum: bytes, row: LedgerRow | None) -> SentSms:
        """Send a message that is not settled.

        Raises:
            RouteeError: Why it was not sent, or `OutcomeUnknownError`.
        """
        prepared = self._prepare(sms)
        label = self._wire_label(prepared.label, reference)
        doubtful = row if row is not None and row.state in _DOUBTFUL else None
        if doubtful is None:  # what may have been sent is looked up first, whoever it went to
            self._refuse_suppressed(prepared.to)
        if self.stopped_by is not None:
            if doubtful is not None:
                raise _doubt_about(doubtful)
            raise BatchAbortedError(f"the batch had stopped: {self.stopped_by}")
        self.attempted += 1
        sent = await self._settle_doubt(prepared, label, doubtful) if doubtful is not None else None
        if sent is None:
            intend = self._intention(index, prepared.to, reference, checksum)
            sent = await self._deliver(prepared, label, doubtful, intend)
        tell_duplicates(index, sent)
        return sent

    async def _deliver(
        self,
        prepared: Sms,
        label: str,
        doubtful: LedgerRow | None,
        intend: Callable[[], Awaitable[None]] | None,
        **begun: Any,  # noqa: ANN401 - what `Delivery.deliver` is told of a first call
    ) -> SentSms:
        try:
            return await self._delivery.deliver(
                prepared,
                label,
                on_unknown=self._on_unknown,
                patient=True,
                intend=intend,
                **begun,
            )
        except RouteeError as error:
            raise self._explain(error, doubtful) from None

    def _explain(self, error: RouteeError, doubtful: LedgerRow | None) -> RouteeError:
        """What to say of a message whose delivery failed."""
        if isinstance(error, LedgerError):
            # No intent, no bytes: nothing was written, but an earlier run may have.
            self.stop(error)
            return _doubt_about(doubtful) if doubtful else NotSentError(f"its intent could not be written: {error}")
        if doubtful is not None and self._on_unknown is OnUnknown.RESEND:
            # Sent again without waiting for certainty: that this attempt failed says nothing about the earlier one.
            return _doubt_about(doubtful)
        return error

    def _intention(self, index: int, to: str, reference: str, checksum: bytes) -> Callable[[], Awaitable[None]] | None:
        """What is to be done when a message has its turn, before a byte of it is written; None for nothing."""
        note = None if self._ledger is None else partial(self._ledger.intend, index, reference, checksum)
        if self._suppressed == ():
            return note

        async def refuse_or_note() -> None:
            self._refuse_suppressed(to)
            if note is not None:
                await note()

        return refuse_or_note

    def _refuse_suppressed(self, to: str) -> None:
        if to in self._suppressed:
            raise RecipientOptedOutError("to", "is among the suppressed recipients")

    def _wire_label(self, label: str | None, reference: str) -> str:
        try:
            return references.wire_label(label, reference)
        except InvalidInputError:
            if label is not None and self._ledger is None and self._on_unknown is OnUnknown.REPORT:
                return label  # nobody will look for the reference, and the label is the caller's
            raise

    async def _settle_doubt(self, sms: Sms, label: str, row: LedgerRow) -> SentSms | None:
        """Find out what became of a message that an earlier run left in doubt.

        Returns:
            Routee's word on it; None when it is to be sent again.

        Raises:
            OutcomeUnknownError: It stays in doubt.
        """
        # Whoever will not send again need not wait for the whole window: an absent message stays in doubt either way.
        briefly = self._on_unknown is OnUnknown.REPORT
        since = row.intended_at or datetime.now(UTC)
        found = await self._delivery.look_up(label, sms.to, since, at_once=True, briefly=briefly)
        if not isinstance(found, Undecided):
            return protocol.adopt(sms, label, found)
        if self._on_unknown is OnUnknown.RESEND or (self._on_unknown is OnUnknown.RECONCILE and found is Undecided.ABSENT):
            return None
        raise _doubt_about(row)

    def _judge(self, outcome: Rejected | NotSent | Unknown) -> None:
        """Stop the run if this outcome says that going on is pointless."""
        if isinstance(outcome, Unknown):
            self._unknown += 1
            if self._max_unknown is not None and self._unknown > self._max_unknown:
                self.stop(outcome.error)
        if retry.stops_batch(outcome.error):
            self.stop(outcome.error)

    async def _note(self, ledger: LedgerStore, outcome: Outcome, reference: str, checksum: bytes) -> None:
        """Put an outcome into the ledger; if that fails, the run stops, and the outcome stands."""
        if not isinstance(outcome, Accepted) and isinstance(outcome.error, BatchAbortedError):
            return
        sent = outcome.sent if isinstance(outcome, Accepted) else None
        try:
            await ledger.settle(
                outcome.index,
                reference=reference,
                checksum=checksum,
                state=_STATES[type(outcome)],
                tracking_id=sent.tracking_id if sent else None,
                parts=sent.body_analysis.parts if sent else None,
                error=None if isinstance(outcome, Accepted) else outcome.error,
                duplicates=sent.duplicates if sent else (),
            )
        except LedgerError as error:
            self.stop(error)


def tell_duplicates(index: int, sent: SentSms) -> None:
    """Warn of a message that a look-up found more than once."""
    if sent.duplicates:
        logger.warning("message %d was found %d times at Routee", index, 1 + len(sent.duplicates))


_DOUBTFUL = frozenset({RowState.INTENDED, RowState.UNKNOWN})
_STATES: dict[type[Outcome], RowState] = {
    Accepted: RowState.ACCEPTED,
    Rejected: RowState.REJECTED,
    NotSent: RowState.NOT_SENT,
    Unknown: RowState.UNKNOWN,
}


def _doubt_about(row: LedgerRow) -> OutcomeUnknownError:
    """What is to be said of a message that an earlier run left in doubt."""
    if isinstance(row.error, OutcomeUnknownError):
        return row.error
    return OutcomeUnknownError(row.reference, "crash", "the run that sent it ended before the answer was on disk")


def _replay(row: LedgerRow, sms: Sms) -> Outcome:
    """The outcome that an earlier run reached."""
    if row.state is RowState.REJECTED:
        return Rejected(index=row.index, sms=sms, error=row.error or RouteeError("rejected in an earlier run"))
    sent = protocol.sent_before(sms, row.tracking_id or "", row.reference, row.parts)
    sent = attrs.evolve(sent, duplicates=row.duplicates, status=row.status or sent.status)
    return Accepted(index=row.index, sms=sms, sent=sent)
