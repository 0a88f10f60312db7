"""One message to its outcome: the call, and what the caller wants done about doubt."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from routee_async import protocol, retry
from routee_async.errors import OutcomeUnknownError, RouteeError
from routee_async.launcher import Launcher
from routee_async.models import SentSms, Sms, TrackedPart
from routee_async.options import OnUnknown, RetryPolicy
from routee_async.reconcile import Reconciler, Undecided


class Delivery:
    """Delivers messages that have passed `validation.prepare`.

    Args:
        caller: Makes the calls.
        reconciler: Settles doubt.
        policy: Attempts, and when to look.
        rng: Source of jitter.
        now: The wall clock, with time zone.

    Attributes:
        caller: Makes the calls. What it tells of a message's first call that had no task, unless it is the answer, is the *first*
            of `deliver`.
    """

    def __init__(
        self,
        caller: Launcher,
        reconciler: Reconciler,
        *,
        policy: RetryPolicy,
        rng: random.Random,
        now: Callable[[], datetime],
    ) -> None:
        self.caller = caller
        self._reconciler = reconciler
        self._policy = policy
        self._random = rng.random
        self._now = now

    async def deliver(
        self,
        sms: Sms,
        label: str | None,
        *,
        on_unknown: OnUnknown,
        patient: bool,
        intend: Callable[[], Awaitable[None]] | None = None,
        first: Callable[[], Awaitable[SentSms]] | None = None,
        started_at: float | None = None,
    ) -> SentSms:
        """Send *sms*; when it cannot be told whether it was sent, do what *on_unknown* says.

        Args:
            sms: The message.
            label: Its label as it goes on the wire. For `RECONCILE` it begins with a reference.
            on_unknown: What to do about doubt.
            patient: Do not count the time for which the server asks us to wait.
            intend: Awaited once, when the message has its turn and before anything of it is written; what it raises is raised.
            first: What was told of the first call, where it has been made already.
            started_at: Loop time at which that was.

        Raises:
            RouteeError: Why it was not sent, or `OutcomeUnknownError`.
        """
        request, read = protocol.build_send(sms, label), partial(protocol.read_sent, sms=sms, label=label)
        attempt = 1
        doubt: OutcomeUnknownError | None = None
        while True:
            since = self._now()
            if started_at is not None:
                since -= timedelta(seconds=asyncio.get_running_loop().time() - started_at)
            try:
                if first is not None:
                    return await first()
                return await self.caller.call(request, read, patient=patient, intend=intend)
            except OutcomeUnknownError as error:
                doubt = error
            except RouteeError:
                if doubt is not None and on_unknown is OnUnknown.RESEND:
                    # This attempt surely failed, but nobody has looked what became of the one before.
                    raise doubt from None
                raise
            found = await self._settle(doubt, sms, label or "", since, on_unknown)
            if found is not None:
                return found
            attempt, intend, first, started_at = attempt + 1, None, None, None
            if attempt > self._policy.attempts:
                raise doubt
            if on_unknown is OnUnknown.RESEND:
                again = retry.Decision(retry.Action.REPEAT)
                await asyncio.sleep(retry.delay_before(attempt, again, self._policy, self._random()))

    async def _settle(
        self,
        doubt: OutcomeUnknownError,
        sms: Sms,
        label: str,
        since: datetime,
        on_unknown: OnUnknown,
    ) -> SentSms | None:
        """Find out, if that is wanted, what became of a message; None when it is to be sent again."""
        if on_unknown is OnUnknown.REPORT or retry.stops_batch(doubt):
            raise doubt
        if on_unknown is OnUnknown.RESEND:
            return None
        found = await self.look_up(label, sms.to, since)
        if found is Undecided.BLIND:
            raise doubt
        return None if found is Undecided.ABSENT else protocol.adopt(sms, label, found)

    async def look_up(
        self,
        label: str,
        to: str,
        since: datetime,
        *,
        at_once: bool = False,
        briefly: bool = False,
    ) -> Sequence[TrackedPart] | Undecided:
        """Look for a message by its reference until the end of the window.

        Args:
            label: Its label as it went on the wire.
            to: Its recipient.
            since: When it was sent at the earliest.
            at_once: Look a first time now: it may have been sent long ago.
            briefly: Look no later than after the first of the delays.
        """
        delays = self._policy.lookup_delays[:1] if briefly else self._policy.lookup_delays
        return await self._reconciler.settle(label, to, since, (0.0, *delays) if at_once else delays)
