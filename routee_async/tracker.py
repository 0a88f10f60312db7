"""Follow messages to their final status, apart from the sending of them.

News come by polling and by callback (`feed()`), twice, late and out of order. `status.py` says what they add up to, `rounds.py`
which messages are read together and which read is due next, `schedule.py` how often; `reads.py` makes a read, and `lines.py`
carries the reports to those who wait. This module starts the reads, keeps the messages that are open, and settles them. One task
takes what is due and starts a read for each, at most `concurrency` at a time; a tracker that is behind reads and gives up later
than planned, the longest overdue first. All times are the event loop's.

Memory: of an open message its id, its course and its status are kept (the rows seen, if it has several parts), of those that are
done the latest `kept_reports` reports; to ask for an older report reads the message once more.
"""

import asyncio
import copy
import logging
import random
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Self

import attrs

from routee_async import rounds, status
from routee_async.callback_models import CallbackEvent, MessageCallback
from routee_async.errors import (
    APIError,
    ClientClosedError,
    ConfigurationError,
    InvalidInputError,
    LedgerError,
    NotFoundError,
    RouteeError,
    TrackingTimeoutError,
)
from routee_async.followed import Followed, Named, identify
from routee_async.lines import Line, in_turns
from routee_async.models import DeliveryReport, MessageStatus, SentSms, TrackedPart
from routee_async.protocol import Page
from routee_async.reads import Fetch, FetchPage, Finding, read_many, read_one
from routee_async.rounds import Agenda, By, Course, Group, Lookup
from routee_async.schedule import Answer, GiveUp, PollPolicy
from routee_async.store import LedgerRow, LedgerStore, RowState

_log = logging.getLogger("routee_async")
_DEFAULT_POLICY = PollPolicy()
_NOTED_TOGETHER = 500
"""Final statuses that are written to the ledger at a time."""


@attrs.frozen(kw_only=True)
class TrackerStats:
    """What a tracker has done so far.

    Attributes:
        watched: Messages taken on, those that came back after being forgotten counted again.
        open: Messages being followed now.
        final: Messages that reached a final status.
        gave_up: Messages given up without one.
        requests: Requests started; each page of a search is one.
        not_visible: Reads that did not show their message: 404, or no rows.
        failures: Reads without a usable answer.
        callbacks: Callbacks that were about a message being followed.
        conflicts: Messages with a part for which two different final statuses were seen.
        corrected: Final reports that were replaced, because a read after a conflict said otherwise.
    """

    watched: int = 0
    open: int = 0
    final: int = 0
    gave_up: int = 0
    requests: int = 0
    not_visible: int = 0
    failures: int = 0
    callbacks: int = 0
    conflicts: int = 0
    corrected: int = 0


@attrs.define(eq=False)
class _Open(Course):
    """A message that is not final.

    Attributes:
        progress: What is known of it; None as long as that is nothing.
        lines: Who waits for it. Most messages share one tuple.
        pinned: True when it is followed even if nobody waits for it.
        disputed: True while a read is to tell which of two final statuses is right.
        reported: The final status that was reported before it was disputed.
    """

    progress: status.Progress | None = None
    lines: tuple[Line, ...] = ()
    pinned: bool = False
    disputed: bool = False
    reported: MessageStatus | None = None

    @property
    def last_status(self) -> str | None:
        return None if self.progress is None else str(self.progress.status)


class Tracker:
    """Bring messages to their final status: use it inside `async with client.tracker() as tracker:`.

    Leaving the block ends all polling at once; whoever still waits then gets `ClientClosedError`. When the credentials, the rights
    or the certificate are refused, polling stops for good and whoever waits, then or later, gets that error.
    """

    def __init__(
        self,
        fetch: Fetch,
        fetch_page: FetchPage | None = None,
        *,
        policy: PollPolicy = _DEFAULT_POLICY,
        concurrency: int = 10,
        confirm_callbacks: bool = False,
        rng: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        kept_reports: int = 10_000,
        ledger: LedgerStore | None = None,
    ) -> None:
        """Prepare a tracker; `RouteeClient.tracker()` calls this.

        Args:
            fetch: Reads the parts of a message.
            fetch_page: Reads a page of what a search or a campaign shows; None to read messages one by one only.
            policy: How often and for how long.
            concurrency: The most reads at a time.
            confirm_callbacks: Do not believe a callback's final status before a read has confirmed it.
            rng: Source of jitter; give a seeded one for repeatable runs.
            now: The wall clock, with time zone.
            kept_reports: How many reports of finished messages are remembered, 0 or more.
            ledger: Where final statuses are written, too. If that fails, polling stops, and whoever waits gets the error.

        Raises:
            ConfigurationError: *concurrency* is below 1, or *kept_reports* below 0.
        """
        _check_whole("concurrency", concurrency, 1)
        _check_whole("kept_reports", kept_reports, 0)
        self._fetch = fetch
        self._fetch_page = fetch_page
        self._concurrency = concurrency
        self._confirm = confirm_callbacks
        self._policy = policy
        self._now = now
        self._kept_reports = kept_reports
        self._ledger = ledger
        self._unnoted: deque[DeliveryReport] = deque()
        self._is_noting = False
        self._random = (random.Random() if rng is None else rng).random  # noqa: S311 - it spreads load and guards nothing
        self._agenda: Agenda[_Open] = Agenda(policy)
        self._open = self._agenda.open
        self._done: OrderedDict[str, DeliveryReport] = OrderedDict()
        self._lines: set[Line] = set()
        self._pullers: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None
        self._failure: RouteeError | None = None
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._wake = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Tracker {self.stats}>"

    async def __aenter__(self) -> Self:
        if self._polling is not None:
            raise ClientClosedError("a tracker is used once: ask the client for another")
        self._polling = asyncio.create_task(self._run(), name="routee-tracker")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop(ClientClosedError("the tracker is closed"))
        polling = self._polling
        if polling is not None:  # it is, unless what was never entered is left
            await _end(polling, *self._pullers)
            await self._note()
            if not polling.cancelled():
                polling.result()

    @property
    def stats(self) -> TrackerStats:
        """What it has done so far."""
        return TrackerStats(open=len(self._open), **self._counts)

    def watch(self, message: Followed) -> None:
        """Follow a message, whether or not anybody waits for it.

        Watching it again changes nothing, except that a message that was given up is tried afresh, from its first poll to a new
        deadline. Its age counts from this call, its deadline from its `ttl` when it is given as `SentSms`.

        Raises:
            InvalidInputError: It names no message.
            ClientClosedError: The tracker is not open.
            RouteeError: Polling has stopped for good, see `Tracker`.
        """
        named = identify(message)
        report = self._done.get(named.tracking_id)
        if report is None or report.error is not None:
            self._require_open()
            self._done.pop(named.tracking_id, None)
            self._take_on(named).pinned = True

    async def wait(self, message: Followed, timeout: float | None = None) -> DeliveryReport:
        """Wait for the final status of a message, and watch it if need be.

        Any number of tasks may wait for the same message. When the wait ends early, by *timeout* or by cancellation, the message
        stays watched.

        Args:
            message: The message or its tracking id.
            timeout: The most seconds to wait; None for as long as the tracker follows the message.

        Raises:
            TrackingTimeoutError: There is no final status yet, after *timeout* or when the message was given up.
            NotFoundError: Routee did not show the message within the time of grace.
            BadRequestError: Routee refuses to answer for this message.
            InvalidInputError: It names no message.
            ClientClosedError: The tracker is not open, or was left meanwhile.
            RouteeError: Polling has stopped for good, see `Tracker`.
        """
        named = identify(message)
        line = Line(complete=True)
        self._follow(named, line, pinned=True)
        try:
            async with asyncio.timeout(timeout):
                await line.arrival()
        except TimeoutError:
            if not line.ready:
                raise TrackingTimeoutError(named.tracking_id, self._open[named.tracking_id].last_status) from None
        finally:
            self._leave(line)
        report = line.take()
        if report.error is not None:
            raise copy.copy(report.error)
        return report

    def until_final(self, messages: Iterable[Followed] | AsyncIterable[Followed]) -> AsyncGenerator[DeliveryReport, None]:
        """Follow many messages and yield a report of each as soon as it is final.

        The input is pulled while earlier messages are polled, and rests while 1,000 reports wait to be taken; it never rests for
        messages that are open, which may last days and must not hold up a send that is going on. Each distinct message is
        yielded once, which takes remembering its id. When the input raises, the messages pulled before are followed to
        their end and yielded, and then its error is raised. An async input is closed together with this iterator; messages that
        nobody else watches or waits for are then forgotten. Rows of a ledger that nothing is to be followed of (not accepted, or
        with a final status) are passed over, so that `until_final(ledger)` goes on where a program was ended.

        Args:
            messages: Messages or tracking ids.

        Yields:
            Reports with a final status; or with `error` set (`TrackingTimeoutError`, `NotFoundError`, `BadRequestError`) and the
            last known status for messages that were given up.

        Raises:
            InvalidInputError: An item names no message: at once, after the reports that are ready.
            ClientClosedError: The tracker is not open, or was left meanwhile.
            RouteeError: Polling has stopped for good, see `Tracker`; after the reports that are ready.
        """
        return self._reports(messages, every=False)

    def updates(self, messages: Iterable[Followed] | AsyncIterable[Followed]) -> AsyncGenerator[DeliveryReport, None]:
        """Follow many messages and yield a report at each change of a status: `Queued`, `Sent`, and so on to the end.

        Otherwise like `until_final()`, in what it takes and raises. Who takes reports more slowly than they come gets the latest
        of each message.

        Yields:
            Reports; the last one of a message is final or has `error` set.
        """
        return self._reports(messages, every=True)

    def feed(self, callback: CallbackEvent) -> bool:
        """Take in a callback: what `parse_callback()` made of what Routee posted. Polling goes on, less often.

        Nothing proves that a callback comes from Routee, but for its address and the secret in its URL. With
        `confirm_callbacks=True` one with a final status only makes the tracker look; what the look shows counts.

        Returns:
            True if it was about a message that is being followed, or that lately was and has now another final status. Everything
            else is ignored: other messages, callbacks of campaigns, inbound messages.
        """
        if not isinstance(callback, MessageCallback) or self._polling is None or self._failure is not None:
            return False
        part = callback.as_part()
        message = self._open.get(part.tracking_id) or self._reopen(part)
        if message is None:
            return False
        self._counts["callbacks"] += 1
        if self._confirm and part.status.is_final:
            self._agenda.hasten(message, self._time())
            self._wake.set()
            return True
        self._take(part.tracking_id, (part,))
        if message.disputed or self._unnoted:  # there is something to do at once
            self._wake.set()
        elif part.tracking_id in self._open:
            self._agenda.postpone(message, self._time(), self._random())
        return True

    async def _reports(
        self,
        messages: Iterable[Followed] | AsyncIterable[Followed],
        *,
        every: bool,
    ) -> AsyncGenerator[DeliveryReport, None]:
        self._require_open()
        if isinstance(messages, SentSms | TrackedPart | LedgerRow | str):
            raise InvalidInputError("messages", "must be an iterable of messages, not one of them")
        line = Line(every=every)
        self._lines.add(line)
        puller = asyncio.create_task(self._pull(messages, line), name="routee-tracker-input")
        self._pullers.add(puller)
        try:
            while await line.arrival():
                yield line.take()
            puller.result()
        finally:
            self._leave(line)
            self._pullers.discard(puller)
            await _end(puller)

    async def _pull(self, messages: Iterable[Followed] | AsyncIterable[Followed], line: Line) -> None:
        """Follow what the input yields; owned by the iterator that reads *line*."""
        try:
            async with aclosing(in_turns(messages)) as items:
                async for item in items:
                    if isinstance(item, LedgerRow) and (item.state is not RowState.ACCEPTED or item.status is not None):
                        continue
                    try:
                        named = identify(item)
                    except InvalidInputError as error:
                        line.end(error)
                        return
                    if named.tracking_id not in line.asked:
                        self._follow(named, line)
                    await line.wait_for_room()
        finally:
            line.end()

    def _require_open(self) -> None:
        if self._failure is not None:
            raise copy.copy(self._failure)
        if self._polling is None:
            raise ClientClosedError("the tracker is not open: use it inside `async with client.tracker() as tracker:`")

    def _follow(self, named: Named, line: Line, *, pinned: bool = False) -> None:
        """Let the report of a message come to *line*, at once if it is there."""
        report = self._done.get(named.tracking_id)
        if report is None:
            self._require_open()
            message = self._take_on(named)
            message.pinned = message.pinned or pinned
            message.lines = (*message.lines, line) if message.lines else line.alone
            self._lines.add(line)
        line.asked.add(named.tracking_id)
        line.pending += 1
        if report is not None:
            line.deliver(report)

    def _take_on(self, named: Named) -> _Open:
        message = self._open.get(named.tracking_id)
        if message is None:
            now = self._time()
            message = _Open(named.tracking_id, now, now + self._policy.lifetime(named.ttl))
            self._agenda.add(message, self._lookup(named), now, sent_at=named.sent_at, random=self._random())
            self._counts["watched"] += 1
            self._wake.set()
        return message

    def _lookup(self, named: Named) -> Lookup:
        if self._fetch_page is None:
            return Lookup(By.TRACKING_ID, named.tracking_id)
        return rounds.choose_lookup(
            named.tracking_id,
            reference=named.reference,
            campaign_tracking_id=named.campaign_tracking_id,
            sent_at=named.sent_at,
            now=self._now(),
        )

    def _leave(self, line: Line) -> None:
        """Forget a taker, and the messages that only this one followed."""
        self._lines.discard(line)
        if not line.pending:
            return
        for tracking_id in line.asked:
            message = self._open.get(tracking_id)
            if message is not None and line in message.lines:
                message.lines = tuple(other for other in message.lines if other is not line)
                if not message.lines and not message.pinned:
                    self._agenda.drop(tracking_id)

    async def _run(self) -> None:
        """Read what is due until stopped; owned by `__aenter__` and `__aexit__`."""
        try:
            async with asyncio.TaskGroup() as reads:
                while self._failure is None:
                    self._wake.clear()
                    if self._unnoted and not self._is_noting:
                        reads.create_task(self._note(), name="routee-tracker-note")
                    for group in self._agenda.due(self._time(), self._concurrency - self._in_flight):
                        self._in_flight += 1
                        reads.create_task(self._read(group), name="routee-tracker-read")
                    await self._rest()
        finally:
            # Whatever ended it, nobody must wait for ever.
            self._stop(ClientClosedError("the tracker has broken down: leave it to see why"))

    async def _rest(self) -> None:
        """Sleep until something is due and may be read, or something has changed."""
        due = self._agenda.next_due() if self._in_flight < self._concurrency else None
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _read(self, group: Group[_Open]) -> None:
        """Read a group of messages, take in what is shown, and see how to go on with each."""
        seen: set[str] = set()
        try:
            finding = await (self._read_one(group.lookup.name) if group.is_single else self._read_many(group, seen))
        finally:
            self._in_flight -= 1
            self._wake.set()
        if finding.error is not None and finding.answer is Answer.FATAL:
            self._stop(finding.error)
            return
        asked = (finding.error.retry_after if isinstance(finding.error, APIError) else None) or 0.0
        given_up = self._agenda.finish(
            group,
            self._time(),
            finding.answer,
            seen=seen,
            random=self._random(),
            pages=finding.pages,
            retry_after=asked,
        )
        for message, reason in given_up:
            self._give_up(message, reason, finding.error)
        await self._note()

    async def _read_one(self, tracking_id: str) -> Finding:
        rows: Sequence[TrackedPart] = ()

        def take(parts: Sequence[TrackedPart]) -> None:
            nonlocal rows
            rows = parts
            self._take(tracking_id, parts)

        self._counts["requests"] += 1
        finding = await read_one(tracking_id, self._fetch, take)
        if finding.answer is not Answer.SHOWN:
            self._counts["not_visible" if finding.answer is Answer.NOT_VISIBLE else "failures"] += 1
        message = self._open.get(tracking_id)
        if message is not None and finding.answer is Answer.SHOWN and message.disputed:
            self._decide(message, rows)
        return finding

    async def _read_many(self, group: Group[_Open], seen: set[str]) -> Finding:
        if group.lookup.by is By.LABEL and not rounds.is_searchable(group.sent_at, self._now()):
            return Finding(answer=Answer.USELESS)
        assert self._fetch_page is not None  # noqa: S101 - for the type checker; without it there are no such groups
        fetch_page = partial(self._fetch_page, group.lookup, rounds.window(group.sent_at, self._now()))

        async def fetch(number: int) -> Page:
            self._counts["requests"] += 1
            return await fetch_page(number, self._open.__contains__)

        def take(rows: Sequence[TrackedPart]) -> None:
            messages: dict[str, list[TrackedPart]] = {}
            for row in rows:
                messages.setdefault(row.tracking_id, []).append(row)
            seen.update(messages)
            for tracking_id, parts in messages.items():
                self._take(tracking_id, parts)

        finding = await read_many(group.lookup.by, fetch, take)
        if finding.error is not None:
            self._counts["failures"] += 1
            _log.info("reading %d messages together failed: %s", len(group.members), finding.error)
        return finding

    def _take(self, tracking_id: str, rows: Sequence[TrackedPart]) -> None:
        """Take in news about a message, from wherever they come; every way to learn something passes here.

        News about a message that nobody follows, or that is final already, are ignored.
        """
        message = self._open.get(tracking_id)
        if message is None or not rows:
            return
        message.shown = True
        before = message.progress
        message.progress, known = status.advance(before, rows)
        if known.status.is_final:
            if known.conflicts and not message.disputed:
                self._dispute(message)
            elif not message.disputed:
                self._finish(message, known)
            return
        if self._time() >= message.deadline:  # the last look: what it shows goes into the report
            message.progress = status.Progress(known.status, known.rows)
        if any(line.every for line in message.lines) and _differs(before, known):
            report = DeliveryReport(tracking_id=tracking_id, status=known.status, parts=known.parts)
            for line in message.lines:
                if line.every:
                    line.update(report)

    def _dispute(self, message: _Open) -> None:
        """Two different final statuses of one part: let a read of the message decide."""
        self._counts["conflicts"] += 1
        _log.warning("message %s has two different final statuses; asking Routee which is right", message.tracking_id)
        message.disputed = True
        self._agenda.single_out(message, self._time())

    def _decide(self, message: _Open, rows: Sequence[TrackedPart]) -> None:
        """End a dispute by what a read shows, or where that does not help (`rows` empty, say), by the rules of `status.py`."""
        shown = status.combine(rows)
        if shown.status.is_final and not shown.conflicts:
            self._finish(message, shown)
        elif message.progress is not None:
            self._finish(message, status.combine(message.progress.rows))

    def _reopen(self, part: TrackedPart) -> _Open | None:
        """Follow a message again that was reported with another final status than *part* has; None where that is not so."""
        report = self._done.get(part.tracking_id)
        if report is None or report.error is not None or not status.combine((*report.parts, part)).conflicts:
            return None
        now = self._time()
        message = _Open(part.tracking_id, now, now + self._policy.lifetime(None), reported=report.status, pinned=True)
        message.progress = status.Progress(report.status, report.parts)
        self._agenda.add(message, Lookup(By.TRACKING_ID, part.tracking_id), now, random=self._random())
        return message

    def _give_up(self, message: _Open, reason: GiveUp, error: RouteeError | None) -> None:
        if message.disputed:
            self._decide(message, ())
            return
        if reason is GiveUp.DEADLINE or error is None:
            error = TrackingTimeoutError(message.tracking_id, message.last_status)
            if reason is GiveUp.NOT_FOUND:
                error = NotFoundError(404, developer_message="no part of the message is shown")
        _log.info("gave up message %s: %s", message.tracking_id, error)
        self._counts["gave_up"] += 1
        known = status.combine(message.progress.rows if message.progress is not None else ())
        reached = known.status if message.progress is None else message.progress.status
        self._settle(message, DeliveryReport(tracking_id=message.tracking_id, status=reached, parts=known.parts, error=error))

    def _finish(self, message: _Open, known: status.Combined) -> None:
        """Report a message as final."""
        if message.reported is None:
            self._counts["final"] += 1
        elif message.reported != known.status:
            self._counts["corrected"] += 1
        self._settle(message, DeliveryReport(tracking_id=message.tracking_id, status=known.status, parts=known.parts))

    def _settle(self, message: _Open, report: DeliveryReport) -> None:
        """Report a message and forget it, but for the report."""
        self._agenda.drop(report.tracking_id)
        self._done[report.tracking_id] = report
        if self._ledger is not None and report.error is None and report.status != message.reported:
            self._unnoted.append(report)
        for line in message.lines:
            line.deliver(report)
        if len(self._done) > self._kept_reports:
            self._done.popitem(last=False)

    async def _note(self) -> None:
        """Write the final statuses that have come into the ledger, many at a time; stop when that fails."""
        while self._ledger is not None and self._unnoted and not self._is_noting:
            self._is_noting = True
            reports = tuple(islice(self._unnoted, _NOTED_TOGETHER))
            try:
                async with asyncio.TaskGroup() as notes:
                    for report in reports:
                        notes.create_task(self._ledger.note_final(report.tracking_id, report.status))
            except* LedgerError as failures:
                self._unnoted.clear()
                self._stop(copy.copy(next(failure for failure in failures.exceptions if isinstance(failure, LedgerError))))
            else:
                # Only now: one that was cancelled is made up for when the tracker is left.
                for _ in reports:
                    self._unnoted.popleft()
            finally:
                self._is_noting = False

    def _stop(self, failure: RouteeError) -> None:
        """End polling for good; the first reason is the one that everybody hears."""
        if self._failure is None:
            self._failure = failure
            _log.debug("tracking ends: %s", failure)
        self._wake.set()
        for line in self._lines:
            line.end(copy.copy(self._failure))

    def _time(self) -> float:
        return asyncio.get_running_loop().time()


def _differs(before: status.Progress | None, known: status.Combined) -> bool:
    """Tell whether the message, or a part of it, has another status than before."""
    if before is None or before.status != known.status:
        return True
    if not before.rows:
        return False
    return [part.status for part in status.combine(before.rows).parts] != [part.status for part in known.parts]


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(name, f"must be a whole number of {least} or more, not {value!r}")


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are gone; what they raise is left for whoever asks them for a result."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
