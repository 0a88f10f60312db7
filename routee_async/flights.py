"""A batch whose messages travel without a task each, as long as all goes well.

A coroutine through all layers, with the futures and the turns of the loop that it takes, costs more than the work. So each step of
a message is called by what the one before waited for: its intent is on disk, so its request is written; its answer is there, so it
is read and noted; that is on disk, so the outcome is handed over. As soon as anything else happens a task takes over, and does what
`run.py` does for any message.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import attrs

from routee_async import protocol, references
from routee_async.bulk import Desk
from routee_async.calls import Flight, fail
from routee_async.checksums import checksum_of
from routee_async.errors import InvalidInputError, LedgerError
from routee_async.launcher import Launcher
from routee_async.models import Accepted, Outcome, SentSms, Sms, build_accepted
from routee_async.protocol import Response
from routee_async.run import Run, tell_duplicates
from routee_async.store import QuickStore


class FlyingRun(Run):
    """One run of `send_many`. Takes what `Run` takes."""

    _quick: QuickStore | None
    caller: Launcher
    _flights: "set[_MessageFlight]"

    async def open(self, desk: Desk | None = None) -> None:
        """Begin, or take the ledger of an earlier run up again. See `Run.open`."""
        await super().open(desk)
        self._quick = self._ledger if isinstance(self._ledger, QuickStore) else None
        self.caller = self._delivery.caller
        self._flights = set()
        self._is_new = False  # until a message has come that no earlier run knew, nor any behind it

    def is_held_back(self) -> bool:
        """True when the next message had better `wait` before it is begun: pace, gate or others are in its way."""
        return self.caller.is_held_back()

    async def wait(self) -> None:
        """Wait for what holds messages back."""
        await self.caller.wait()

    def begin(self, index: int, sms: Sms) -> Callable[[], Awaitable[Outcome]] | None:
        """Begin to bring a message to its outcome: without a task if it need not wait for anything. See `Run.begin`."""
        flight = self._take_off(index, sms)
        if flight is None:
            return partial(self.outcome, index, sms)
        self.attempted += 1
        self._flights.add(flight)
        if self._quick is None:
            self.caller.launch(flight, waited=False)
            return None
        try:
            self._quick.intend_soon(index, flight.reference, flight.checksum, flight.intended)
        except LedgerError as error:
            flight.intended(error)
        return None

    def abandon(self) -> None:
        """End what is on its way without a task. Its outcomes are not told."""
        while self._flights:
            self.caller.cut(self._flights.pop())

    def _take_off(self, index: int, sms: Sms) -> "_MessageFlight | None":
        """Check and admit a message; None if it has to wait for anything, or cannot be sent."""
        if self.stopped_by is not None:
            return None
        checksum = b""
        if self._ledger is not None:
            if not self._is_new and not self._see_new(index):
                return None
            checksum = checksum_of(sms)
        reference = references.reference_of(self._run_id, index)
        try:
            prepared = self._prepare(sms)
            label = self._wire_label(prepared.label, reference)
        except InvalidInputError:
            return None
        if self._suppressed != () and prepared.to in self._suppressed:
            return None
        flight = _MessageFlight(protocol.build_send(prepared, label), self, index, sms, prepared, label, reference, checksum)
        return flight if self.caller.admit(flight) else None

    def _see_new(self, index: int) -> bool:
        """Find out whether a message, and all behind it, are new to the ledger, and all in front are what they were."""
        if self._quick is not None and self._checked == index:
            self._is_new = self._quick.is_new_from(index)
        return self._is_new

    # What a flight comes to.

    def accepted(self, flight: "_MessageFlight", sent: SentSms) -> None:
        """Go on: the message was accepted, which is to be on disk before it is told."""
        flight.outcome = build_accepted(index=flight.index, sms=flight.sms, sent=sent)
        if self._quick is None:
            self.settled(flight)
            return
        try:
            parts = sent.body_analysis.parts
            self._quick.accept_soon(flight.index, flight.reference, flight.checksum, sent.tracking_id, parts, flight.settled)
        except LedgerError as error:
            flight.settled(error)

    def settled(self, flight: "_MessageFlight") -> None:
        """Hand an outcome over."""
        assert self._desk is not None  # noqa: S101 - for the type checker: who begins messages has one
        assert flight.outcome is not None  # noqa: S101 - as above
        self._flights.discard(flight)
        self._desk.put(flight.outcome)

    def hand_over(self, flight: "_MessageFlight", first: Callable[[], Awaitable[SentSms]]) -> None:
        """Let a task bring a message to its outcome whose first call did not simply go well.

        Args:
            flight: The message.
            first: To be called and awaited for what the first call came to.
        """
        assert self._desk is not None  # noqa: S101 - as above
        self._desk.run(partial(self._bring_down, flight, first))

    def break_off(self, flight: "_MessageFlight", error: Exception) -> None:
        """End the call of a message, and let a task raise *error*: where it is nobody's outcome it ends the batch."""
        self.caller.cut(flight)
        self.hand_over(flight, partial(fail, error))

    async def _bring_down(self, flight: "_MessageFlight", first: Callable[[], Awaitable[SentSms]]) -> Outcome:
        try:
            attempt = self._go_on(flight, first)
            return await self._bring_home(flight.index, flight.sms, flight.reference, flight.checksum, attempt)
        finally:
            self._flights.discard(flight)

    async def _go_on(self, flight: "_MessageFlight", first: Callable[[], Awaitable[SentSms]]) -> SentSms:
        sent = await self._deliver(flight.prepared, flight.label, None, None, first=first, started_at=flight.started_at)
        tell_duplicates(flight.index, sent)
        return sent


@attrs.define(eq=False)
class _MessageFlight(Flight[SentSms]):
    """A message of a batch on its way without a task.

    Attributes:
        run: Whose it is.
        index: Position in the input, from 0.
        sms: The message as given.
        prepared: The message as it is sent.
        label: Its label as it goes on the wire.
        reference: Its reference.
        checksum: Its checksum, if there is a ledger.
        outcome: What became of it, once it was accepted.
    """

    run: FlyingRun
    index: int
    sms: Sms
    prepared: Sms
    label: str
    reference: str
    checksum: bytes
    outcome: Accepted | None = attrs.field(default=None, init=False)

    def read(self, answer: Response) -> SentSms:
        """Read the answer to the first call."""
        prepared, label = self.prepared, self.label
        return protocol.read_sent(answer, prepared, label, None if label is prepared.label else self.reference)

    def intended(self, error: LedgerError | None) -> None:
        """Go on: the intent is on disk, or cannot be written."""
        if not self.is_open:
            return  # the batch was abandoned meanwhile
        if error is not None:
            self.run.break_off(self, error)
            return
        try:
            self.run.caller.launch(self, waited=True)
        except Exception as unforeseen:  # noqa: BLE001 - as in `told`
            self.run.break_off(self, unforeseen)

    def told(self, result: SentSms | Callable[[], Awaitable[SentSms]]) -> None:
        """Go on with what the call came to."""
        if not isinstance(result, SentSms):
            self.run.hand_over(self, result)
            return
        try:
            self.run.accepted(self, result)
        except Exception as unforeseen:  # noqa: BLE001 - of a store that is not ours: it must end the batch, and not its message alone
            self.run.break_off(self, unforeseen)

    def settled(self, error: LedgerError | None) -> None:
        """Go on: the outcome is on disk; or could not be written, then the run stops, and the outcome stands."""
        if error is not None:
            self.run.stop(error)
        self.run.settled(self)
