"""Follow messages to their final status by polling, apart from the sending of them.

`schedule.py` decides when to poll which message and when to give it up, `status.py` what the news add up to; this module only
carries that out. One task takes what is due and starts a poll for each, at most `concurrency` at a time; all times are the event
loop's. Memory holds the rows seen of each open message, and the latest `kept_reports` reports of those that are done: to ask for
an older report polls the message once more. A poller that is behind, with more due than `concurrency` reads can bring in, polls and
gives up later than planned, the longest overdue first.
"""

import asyncio
import copy
import logging
import random
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from types import TracebackType
from typing import Self

import attrs

from routee_async import status
from routee_async.errors import (
    APIError,
    ClientClosedError,
    ConfigurationError,
    InvalidInputError,
    LedgerError,
    NoAnswerError,
    NotFoundError,
    RouteeError,
    TrackingTimeoutError,
)
from routee_async.models import DeliveryReport, SentSms, TrackedPart
from routee_async.schedule import Answer, GiveUp, PollPolicy, Schedule, judge
from routee_async.store import LedgerStore

Fetch = Callable[[str], Awaitable[tuple[TrackedPart, ...]]]
"""Reads the parts of one message, given its tracking id. Repeats what may be repeated, and raises a `RouteeError` after that."""

_log = logging.getLogger("routee_async")
_DEFAULT_POLICY = PollPolicy()
_NOTHING_KNOWN = status.combine(())
_MOST_READY = 1000
"""Reports that may wait for the caller of `until_final()` before its input is pulled further."""
_PULLED_AT_ONCE = 100
"""Messages taken from a plain iterable before other tasks get their turn."""


@attrs.frozen(kw_only=True)
class TrackerStats:
    """What a tracker has done so far.

    Attributes:
        watched: Messages taken on, those that came back after being forgotten counted again.
        open: Messages being polled now.
        final: Messages that reached a final status.
        gave_up: Messages given up without one.
        requests: Reads started.
        not_visible: Reads that did not show the message: 404, or no rows.
        failures: Reads without a usable answer.
        conflicts: Messages with a part for which two different final statuses were seen; the first counts.
    """

    watched: int = 0
    open: int = 0
    final: int = 0
    gave_up: int = 0
    requests: int = 0
    not_visible: int = 0
    failures: int = 0
    conflicts: int = 0


@attrs.define(eq=False)
class _Line:
    """Reports on their way to one caller.

    Attributes:
        pending: Messages whose report is still to come.
        ready: Reports to be taken.
        complete: True once no message will be added to `pending`.
        refused: What was wrong with a message that the caller handed in.
        changed: Set when any of these changes for the better.
        taken: Set when the caller took a report.
    """

    pending: set[str] = attrs.field(factory=set)
    ready: deque[DeliveryReport] = attrs.field(factory=deque)
    complete: bool = False
    refused: InvalidInputError | None = None
    changed: asyncio.Event = attrs.field(factory=asyncio.Event)
    taken: asyncio.Event = attrs.field(factory=asyncio.Event)

    def deliver(self, report: DeliveryReport) -> None:
        self.pending.discard(report.tracking_id)
        self.ready.append(report)
        self.changed.set()

    def take(self) -> DeliveryReport:
        self.taken.set()
        return self.ready.popleft()

    async def wait_for_room(self) -> None:
        while len(self.ready) >= _MOST_READY:
            self.taken.clear()
            await self.taken.wait()


@attrs.define(eq=False)
class _Open:
    """A message that is not final.

    Attributes:
        known: The news so far.
        lines: Who waits for it.
        pinned: True when it is followed even if nobody waits for it.
    """

    known: status.Combined = _NOTHING_KNOWN
    lines: list[_Line] = attrs.field(factory=list)
    pinned: bool = False

    @property
    def last_status(self) -> str | None:
        return str(self.known.status) if self.known.parts else None


class Tracker:
    """Bring messages to their final status: use it inside `async with client.tracker() as tracker:`.

    Leaving the block ends all polling at once; whoever still waits then gets `ClientClosedError`. When the credentials, the rights
    or the certificate are refused, polling stops for good and whoever waits, then or later, gets that error.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        policy: PollPolicy = _DEFAULT_POLICY,
        concurrency: int = 10,
        rng: random.Random | None = None,
        kept_reports: int = 10_000,
        ledger: LedgerStore | None = None,
    ) -> None:
        """Prepare a tracker; `RouteeClient.tracker()` calls this.

        Args:
            fetch: Reads the parts of a message.
            policy: How often and for how long.
            concurrency: The most reads at a time.
            rng: Source of jitter; give a seeded one for repeatable runs.
            kept_reports: How many reports of finished messages are remembered, 0 or more.
            ledger: Where final statuses are written, too. If that fails, polling stops, and whoever waits gets the error.

        Raises:
            ConfigurationError: *concurrency* is below 1, or *kept_reports* below 0.
        """
        _check_whole("concurrency", concurrency, 1)
        _check_whole("kept_reports", kept_reports, 0)
        self._fetch = fetch
        self._concurrency = concurrency
        self._rng = random.Random() if rng is None else rng  # noqa: S311 - it spreads load and guards nothing
        self._kept_reports = kept_reports
        self._ledger = ledger
        self._unnoted: deque[DeliveryReport] = deque()
        self._schedule = Schedule(policy)
        self._open: dict[str, _Open] = {}
        self._done: OrderedDict[str, DeliveryReport] = OrderedDict()
        self._lines: set[_Line] = set()
        self._pullers: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None
        self._failure: RouteeError | None = None
        self._in_flight = 0
        self._wake = asyncio.Event()
        self._counts: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Tracker {self.stats}>"

    async def __aenter__(self) -> Self:
        if self._poller is not None:
            raise ClientClosedError("a tracker is used once: ask the client for another")
        self._poller = asyncio.create_task(self._run(), name="routee-tracker")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop(ClientClosedError("the tracker is closed"))
        poller = self._poller
        if poller is not None:  # it is, unless what was never entered is left
            await _end(poller, *self._pullers)
            if not poller.cancelled():
                poller.result()

    @property
    def stats(self) -> TrackerStats:
        """What it has done so far."""
        return TrackerStats(open=len(self._open), **self._counts)

    def watch(self, sent_or_id: SentSms | str) -> None:
        """Follow a message, whether or not anybody waits for it.

        Watching it again changes nothing, except that a message that was given up is tried afresh, from its first poll to a new
        deadline. Its age counts from this call, its deadline from its `ttl` when it is given as `SentSms`.

        Raises:
            InvalidInputError: It is neither a `SentSms` nor a tracking id.
            ClientClosedError: The tracker is not open.
            RouteeError: Polling has stopped for good, see `Tracker`.
        """
        tracking_id, ttl = _identify(sent_or_id)
        report = self._done.get(tracking_id)
        if report is None or report.error is not None:
            self._require_open()
            self._done.pop(tracking_id, None)
            self._take_on(tracking_id, ttl).pinned = True

    async def wait(
        self,
        sent_or_id: SentSms | str,
        timeout: float | None = None,
    ) -> DeliveryReport:
        """Wait for the final status of a message, and watch it if need be.

        Any number of tasks may wait for the same message. When the wait ends early, by *timeout* or by cancellation, the message
        stays watched.

        Args:
            sent_or_id: The message or its tracking id.
            timeout: The most seconds to wait; None for as long as the tracker follows the message.

        Raises:
            TrackingTimeoutError: There is no final status yet, after *timeout* or when the message was given up.
            NotFoundError: Routee did not show the message within the time of grace.
            BadRequestError: Routee refuses to answer for this message.
            InvalidInputError: It is neither a `SentSms` nor a tracking id.
            ClientClosedError: The tracker is not open, or was left meanwhile.
            RouteeError: Polling has stopped for good, see `Tracker`.
        """
        tracking_id, ttl = _identify(sent_or_id)
        line = _Line(complete=True)
        self._follow(tracking_id, ttl, line, pinned=True)
        try:
            async with asyncio.timeout(timeout):
                await self._arrival(line)
        except TimeoutError:
            if not line.ready:
                raise TrackingTimeoutError(tracking_id, self._open[tracking_id].last_status) from None
        finally:
            self._leave(line)
        report = line.take()
        if report.error is not None:
            raise copy.copy(report.error)
        return report

    async def until_final(
        self,
        messages: Iterable[SentSms | str] | AsyncIterable[SentSms | str],
    ) -> AsyncGenerator[DeliveryReport, None]:
        """Follow many messages and yield a report of each as soon as it is final.

        The input is pulled while earlier messages are polled, and rests while 1,000 reports wait to be taken; it never rests for
        messages that are open, which may last days and must not hold up a send that is going on. Each distinct message is
        yielded once, which takes remembering its id. When the input raises, the messages pulled before are followed to
        their end and yielded, and then its error is raised. An async input is closed together with this iterator; messages that
        nobody else watches or waits for are then forgotten.

        Args:
            messages: Messages or tracking ids.

        Yields:
            Reports with a final status; or with `error` set (`TrackingTimeoutError`, `NotFoundError`, `BadRequestError`) and the
            last known status for messages that were given up.

        Raises:
            InvalidInputError: An item is neither a `SentSms` nor a tracking id: at once, after the reports that are ready.
            ClientClosedError: The tracker is not open, or was left meanwhile.
            RouteeError: Polling has stopped for good, see `Tracker`; after the reports that are ready.
        """
        self._require_open()
        if isinstance(messages, SentSms | str):
            raise InvalidInputError("messages", "must be an iterable of messages, not one of them")
        line = _Line()
        self._lines.add(line)
        puller = asyncio.create_task(self._pull(messages, line), name="routee-tracker-input")
        self._pullers.add(puller)
        try:
            while await self._arrival(line):
                yield line.take()
            puller.result()
        finally:
            self._leave(line)
            self._pullers.discard(puller)
            await _end(puller)

    async def _pull(self, messages: Iterable[SentSms | str] | AsyncIterable[SentSms | str], line: _Line) -> None:
        """Follow what the input yields; owned by the iterator that reads *line*."""
        source = aiter(messages) if isinstance(messages, AsyncIterable) else _in_turns(messages)
        seen: set[str] = set()
        try:
            async for item in source:
                try:
                    tracking_id, ttl = _identify(item)
                except InvalidInputError as error:
                    line.refused = error
                    return
                if tracking_id not in seen:
                    seen.add(tracking_id)
                    self._follow(tracking_id, ttl, line)
                await line.wait_for_room()
        finally:
            line.complete = True
            line.changed.set()
            close: Callable[[], Awaitable[object]] | None = getattr(source, "aclose", None)
            if close is not None:
                await close()

    def _require_open(self) -> None:
        if self._failure is not None:
            raise copy.copy(self._failure)
        if self._poller is None:
            raise ClientClosedError("the tracker is not open: use it inside `async with client.tracker() as tracker:`")

    def _follow(self, tracking_id: str, ttl: timedelta | None, line: _Line, *, pinned: bool = False) -> None:
        """Let the report of a message come to *line*, at once if it is there."""
        report = self._done.get(tracking_id)
        if report is not None:
            line.deliver(report)
            return
        self._require_open()
        message = self._take_on(tracking_id, ttl)
        message.pinned = message.pinned or pinned
        message.lines.append(line)
        line.pending.add(tracking_id)
        self._lines.add(line)

    def _take_on(self, tracking_id: str, ttl: timedelta | None) -> _Open:
        message = self._open.get(tracking_id)
        if message is None:
            message = self._open[tracking_id] = _Open()
            self._schedule.add(tracking_id, asyncio.get_running_loop().time(), ttl=ttl, random=self._rng.random())
            self._counts["watched"] += 1
            self._wake.set()
        return message

    def _leave(self, line: _Line) -> None:
        """Forget a caller, and the messages that only this caller followed."""
        self._lines.discard(line)
        for tracking_id in line.pending:
            message = self._open[tracking_id]
            message.lines.remove(line)
            if not message.lines and not message.pinned:
                del self._open[tracking_id]
                self._schedule.drop(tracking_id)

    async def _arrival(self, line: _Line) -> bool:
        """Wait until a report is ready. False when none will come; raises what stopped the tracker."""
        while not line.ready:
            if line.refused is not None:
                raise line.refused
            if self._failure is not None:
                raise copy.copy(self._failure)
            if line.complete and not line.pending:
                return False
            line.changed.clear()
            await line.changed.wait()
        return True

    async def _run(self) -> None:
        """Poll until stopped; owned by `__aenter__` and `__aexit__`."""
        try:
            async with asyncio.TaskGroup() as polls:
                while self._failure is None:
                    self._wake.clear()
                    now = asyncio.get_running_loop().time()
                    for tracking_id in self._schedule.due(now, self._concurrency - self._in_flight):
                        self._in_flight += 1
                        polls.create_task(self._poll(tracking_id), name="routee-tracker-poll")
                    await self._rest()
        finally:
            # Whatever ended it, nobody must wait for ever.
            self._stop(ClientClosedError("the tracker has broken down: leave it to see why"))

    async def _rest(self) -> None:
        """Sleep until something is due and may be polled, or something has changed."""
        due = self._schedule.next_due() if self._in_flight < self._concurrency else None
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _poll(self, tracking_id: str) -> None:
        self._counts["requests"] += 1
        parts: tuple[TrackedPart, ...] = ()
        error: RouteeError | None = None
        try:
            parts = await self._fetch(tracking_id)
        except RouteeError as caught:
            error = copy.copy(caught)  # without its traceback, which would keep the frames of the read alive
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            error = NoAnswerError("wait", "CancelledError")  # not ours: something that the read shares was cancelled
        finally:
            self._in_flight -= 1
            self._wake.set()
        self._read(tracking_id, parts, error)
        await self._note()

    async def _note(self) -> None:
        """Write the final statuses that have come into the ledger."""
        while self._ledger is not None and self._unnoted:
            report = self._unnoted.popleft()
            try:
                await self._ledger.note_final(report.tracking_id, report.status)
            except LedgerError as failure:
                self._stop(failure)

    def _read(self, tracking_id: str, parts: tuple[TrackedPart, ...], error: RouteeError | None) -> None:
        """Act on the answer to one poll."""
        answer = judge(error, len(parts))
        if answer is not Answer.SHOWN:
            self._counts["not_visible" if answer is Answer.NOT_VISIBLE else "failures"] += 1
        if error is not None and answer is Answer.FATAL:
            self._stop(error)
            return
        self._news(tracking_id, parts)
        message = self._open.get(tracking_id)
        if message is None:  # final, or nobody cares any more
            return
        if error is not None and answer is Answer.REFUSED:
            self._give_up(tracking_id, error)
            return
        now = asyncio.get_running_loop().time()
        asked = (error.retry_after if isinstance(error, APIError) else None) or 0.0
        verdict = self._schedule.reschedule(tracking_id, now, answer, random=self._rng.random(), retry_after=asked)
        if verdict is GiveUp.NOT_FOUND:
            self._give_up(tracking_id, error or NotFoundError(404, developer_message="no part of the message is shown"))
        elif verdict is GiveUp.DEADLINE:
            self._give_up(tracking_id, TrackingTimeoutError(tracking_id, message.last_status))

    def _news(self, tracking_id: str, parts: Iterable[TrackedPart]) -> None:
        """Take in news about a message, from wherever they come; every way to learn something passes here.

        News about a message that nobody watches, or that is final already, are ignored.
        """
        message = self._open.get(tracking_id)
        if message is None:
            return
        message.known = known = status.combine((*message.known.rows, *parts))
        if known.status.is_final:
            self._counts["final"] += 1
            if known.conflicts:
                self._counts["conflicts"] += 1
                _log.warning("message %s has two different final statuses; the first counts", tracking_id)
            self._settle(DeliveryReport(tracking_id=tracking_id, status=known.status, parts=known.parts))

    def _give_up(self, tracking_id: str, error: RouteeError) -> None:
        _log.info("gave up message %s: %s", tracking_id, error)
        known = self._open[tracking_id].known
        self._counts["gave_up"] += 1
        self._settle(DeliveryReport(tracking_id=tracking_id, status=known.status, parts=known.parts, error=error))

    def _settle(self, report: DeliveryReport) -> None:
        """Report a message and forget it, but for the report."""
        self._schedule.drop(report.tracking_id)
        self._done[report.tracking_id] = report
        if self._ledger is not None and report.error is None:
            self._unnoted.append(report)
        for line in self._open.pop(report.tracking_id).lines:
            line.deliver(report)
        if len(self._done) > self._kept_reports:
            self._done.popitem(last=False)

    def _stop(self, failure: RouteeError) -> None:
        """End polling for good; the first reason is the one that everybody hears."""
        if self._failure is None:
            self._failure = failure
            _log.debug("tracking ends: %s", failure)
        self._wake.set()
        for line in self._lines:
            line.changed.set()


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(name, f"must be a whole number of {least} or more, not {value!r}")


def _identify(message: object) -> tuple[str, timedelta | None]:
    """Return the tracking id of a message and, where it is known, its ttl; `InvalidInputError` for anything else."""
    if isinstance(message, SentSms):
        return message.tracking_id, message.ttl
    if isinstance(message, str) and message:
        return message, None
    raise InvalidInputError("tracking_id", f"must be a SentSms or a tracking id, not {type(message).__name__}")


async def _in_turns(messages: Iterable[SentSms | str]) -> AsyncIterator[SentSms | str]:
    """Go through a plain iterable without keeping other tasks from their turn."""
    for number, message in enumerate(messages, start=1):
        yield message
        if number % _PULLED_AT_ONCE == 0:
            await asyncio.sleep(0)


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are gone; what they raise is left for whoever asks them for a result."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
