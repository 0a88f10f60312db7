"""Who may write on the wire, and when: turns, the pace, the gate that a 429 closes, and the breaker that pauses batches.

Paid requests stand in one line, first come, first served; only the first of the line looks at pace and breaker, so that a change
concerns everybody at once and nobody holds a slot that has lost its meaning. Reads only need a turn.
"""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from routee_async.breaker import Breaker, BreakerState
from routee_async.errors import ClientClosedError, ConnectError, PoolTimeoutError, RateLimitError, ServiceDownError
from routee_async.pace import Pace, Pacer
from routee_async.places import Places

logger: logging.Logger = logging.getLogger("routee_async")
_CLOSED = BreakerState.CLOSED
"""Looked at twice a message; to fetch a member from its enum takes longer than the rest of a look."""
_TOO_MANY = 429
_SHARE_OF_POLLS = 0.1
"""The most of the pace that polls may take from sends."""
_TOGETHER = 0.002
"""Seconds for which messages of a batch are held back at least: what becomes due meanwhile starts together, and needs one timer."""
_LEAST_WAIT = 1e-6
"""Seconds: what is left of a wait after rounding must still move the clock."""


class Admission:
    """Lets requests through, one decision at a time.

    Args:
        pace: How fast to send.
        max_connections: The most requests on the wire at a time.
        is_answering: Asks the service something free; True when it answers.
        longest_pause: Seconds that a message of a batch waits for a failing service.
        longest_wait: Seconds for which everybody is held back at most, whatever the server asks for: then one finds out.
        rng: Source of jitter.
    """

    def __init__(
        self,
        pace: Pace,
        max_connections: int,
        is_answering: Callable[[], Awaitable[bool]],
        *,
        longest_pause: float,
        longest_wait: float,
        rng: random.Random,
    ) -> None:
        self._pacer = Pacer(pace)
        self._breaker = Breaker()
        self._turns = Places(max_connections)
        self._line = asyncio.Lock()
        self._is_answering = is_answering
        self._random = rng.random
        self._loop = asyncio.get_running_loop()
        self._longest_pause = longest_pause
        self._longest_wait = longest_wait
        self._next_poll = self._polls_closed_until = -math.inf
        self._paused_since: float | None = None
        self._moved = asyncio.Event()
        self._has_answered = False
        self._closed = False
        self._waited_since: float | None = None  # by whoever has just waited for others, and has its turn in the loop

    async def enter(self, latest: float) -> None:
        """Take a turn for a read; `leave` gives it back.

        Args:
            latest: Loop time after which it makes no sense to start.

        Raises:
            PoolTimeoutError: No connection became free in time.
        """
        if self._turns.take_at_once():
            return
        try:
            async with asyncio.timeout_at(latest):
                await self._turns.take()
        except TimeoutError:
            raise PoolTimeoutError("no connection became free in time") from None

    def enter_at_once(self, parts: int, now: float, *, patient: bool) -> bool:
        """Take a turn for a send of *parts* if nothing is in its way; `leave` gives it back.

        What `enter_paid` does for most, without a coroutine. False when the send has to wait, or may not be sent.

        Args:
            parts: Message parts.
            now: Loop time.
            patient: A message of a batch, which the breaker concerns.
        """
        if self._closed or self._line.locked() or now < self._pacer.free_at:
            return False
        if (patient and self._breaker.state is not _CLOSED) or not self._turns.take_at_once():
            return False
        self._pacer.reserve(now, parts, self._waited_since)
        return True

    def is_held_back(self) -> bool:
        """True when the next message of a batch had better `wait`, because pace or gate are in its way.

        Not where the service fails: then each message waits for as long as it may.
        """
        if self._pacer.rate == math.inf:
            return False
        return self._loop.time() < self._pacer.free_at and not self._closed and self._breaker.state is _CLOSED

    async def wait(self) -> None:
        """Wait for what holds a message back: as one in the line, on behalf of all that come after.

        Whoever waits so needs one timer for all messages that are due when it goes off. In the same turn of the loop
        `enter_at_once` makes good for the timer being late.
        """
        since = self._loop.time()
        with suppress(ClientClosedError):
            async with self._line:
                while self._breaker.state is _CLOSED and (delay := self._pacer.delay(self._loop.time())) > 0:
                    await self._wait(max(delay, _TOGETHER))
        self._waited_since = since
        self._loop.call_soon(self._forget_waiting)

    def _forget_waiting(self) -> None:
        self._waited_since = None

    async def enter_paid(self, parts: int, latest: float, *, patient: bool) -> None:
        """Take a turn for a send of *parts*, when pace, gate and breaker allow; `leave` gives it back.

        Args:
            parts: Message parts.
            latest: Loop time after which it makes no sense to start.
            patient: A message of a batch: it waits for pace and gate as long as they take, and the breaker concerns it.

        Raises:
            PoolTimeoutError: No connection became free in time.
            RateLimitError: The server asked to wait, or the pace makes us wait, for longer than there is time.
            ServiceDownError: The batch is paused, and the service did not recover in time.
            ClientClosedError: The client is being closed.
        """
        if self._closed:
            raise ClientClosedError("the client is being closed")
        now = self._loop.time()
        if self.enter_at_once(parts, now, patient=patient):
            return
        if not patient:
            self._check_pause(now, latest)
        try:
            # Only what does not wait by the server's or the account's wish is bounded by time.
            async with asyncio.timeout_at(None if patient else latest), self._line:
                await self._enter_first_in_line(parts, now, patient=patient)
        except TimeoutError:
            self._check_pause(self._loop.time(), latest)
            raise PoolTimeoutError("no connection became free in time") from None

    async def enter_poll(self) -> None:
        """Take a turn for a read that nobody hurries for, when the gate is open; `leave` gives it back.

        Where the account's pace was given, polls take at most a tenth of it, and sends wait as much longer: together they keep to
        it. A rate that was only learnt from refused sends says nothing about reads, and would starve them where it is low.

        Raises:
            ClientClosedError: The client is being closed.
        """
        while True:
            while (delay := self._poll_delay(self._loop.time())) > 0:
                await self._wait(delay)
            await self._turns.take()
            now = self._loop.time()
            if self._closed:
                self._turns.give_back()
                raise ClientClosedError("the client is being closed")
            if self._poll_delay(now) <= 0:
                break
            self._turns.give_back()
        if (limit := self._pacer.pace.parts_per_second) is not None:
            self._next_poll = now + 1 / (limit * _SHARE_OF_POLLS)
            self._pacer.reserve(now, 1)

    def _poll_delay(self, now: float) -> float:
        return max(self._pacer.closed_until, self._polls_closed_until, self._next_poll) - now

    def leave(self) -> None:
        """Give a turn back."""
        self._turns.give_back()

    def close(self) -> None:
        """Admit nothing more: whoever is held back is told so."""
        self._closed = True
        self._moved.set()

    def refused(self, wait: float | None, started_at: float) -> None:
        """Note that the server asked for less: everybody waits, and then sends more slowly.

        Args:
            wait: Seconds that it asked for; None where it did not say.
            started_at: When the refused send started.
        """
        capped = None if wait is None else min(wait, self._longest_wait)
        self._pacer.refused(self._loop.time(), capped, started_at)

    def poll_refused(self, wait: float | None) -> None:
        """Note that the server asked for fewer reads: polls wait, sends do not.

        Args:
            wait: Seconds that it asked for; None where it did not say, and the repeat's own wait is enough.
        """
        if wait is not None:
            self._polls_closed_until = max(self._polls_closed_until, self._loop.time() + min(wait, self._longest_wait))

    def record(
        self,
        well: bool | None,  # noqa: FBT001 - three values, and one meaning
        started_at: float,
        *,
        accepted: int = 0,
        now: float | None = None,
    ) -> None:
        """Note how a send ended.

        Args:
            well: For the breaker: see `Breaker.record`.
            started_at: When it started.
            accepted: For the pace: parts that were accepted.
            now: Loop time; None to ask the loop.
        """
        if now is None:
            now = self._loop.time()
        if accepted:
            self._pacer.accepted(now, accepted, started_at)
        breaker = self._breaker
        before = breaker.state
        breaker.record(well, now, started_at)
        if well:
            self._has_answered = True
        if before is not _CLOSED or breaker.state is not _CLOSED:
            self._breaker_moved()

    def _breaker_moved(self) -> None:
        """Wake the first in line, and say so when batches are paused or go on."""
        is_open = self._breaker.state is not _CLOSED
        if is_open and self._paused_since is None:
            self._paused_since = self._loop.time()
            logger.warning("the service fails: batches are paused until it answers")
        elif not is_open and self._paused_since is not None:
            self._paused_since = None
            logger.warning("the service answers: batches go on")
        self._moved.set()

    def _check_pause(self, now: float, latest: float) -> None:
        """Tell a call at once that has no time for the wait that everybody has to keep."""
        delay = self._pacer.delay(now)
        if now + delay > latest:
            raise RateLimitError(_TOO_MANY, None, "sends are held back for longer than this call may take", delay)

    async def _enter_first_in_line(self, parts: int, joined_at: float, *, patient: bool) -> None:
        while True:
            while (delay := self._pacer.delay(self._loop.time())) > 0:
                await self._wait(delay)
            await self._turns.take()
            now = self._loop.time()
            # No await from here on: a send that the breaker has admitted must also be recorded.
            if self._pacer.delay(now) <= 0 and (not patient or self._breaker.admit()):
                self._pacer.reserve(now, parts, joined_at)
                return
            self._turns.give_back()
            if patient and self._breaker.state is not _CLOSED:
                await self._wait_for_the_service(joined_at)

    async def _wait_for_the_service(self, joined_at: float) -> None:
        """Wait for the breaker to move, asking the service something free when that is due."""
        if not self._has_answered:
            # Nothing has ever worked: a wrong address rather than an outage, and no reason to wait.
            raise ConnectError("the service does not answer, and has not done so yet; check the address")
        now = self._loop.time()
        paused_since = now if self._paused_since is None else self._paused_since
        give_up_at = max(joined_at, paused_since) + self._longest_pause
        if now >= give_up_at:
            raise ServiceDownError(f"the batch is paused: the service has been failing for {self._longest_pause:.0f} s")
        probe_at = self._breaker.next_probe()
        if probe_at is not None and probe_at <= now:
            await self._probe()
        else:
            await self._wait((give_up_at if probe_at is None else min(probe_at, give_up_at)) - now)

    async def _probe(self) -> None:
        self._breaker.begin_probe()
        is_answering = False
        try:
            is_answering = await self._is_answering()
        finally:
            self._breaker.probe_result(is_answering, self._loop.time(), self._random())
        self._breaker_moved()

    async def _wait(self, delay: float) -> None:
        """Wait for *delay* seconds, or until the breaker moves or the client is closed."""
        self._moved.clear()
        if not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(delay, _LEAST_WAIT)):
                    await self._moved.wait()
        if self._closed:
            raise ClientClosedError("the client is being closed")
