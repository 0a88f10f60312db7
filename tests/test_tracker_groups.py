"""The tracker reads messages together: by label, by campaign, and one by one where that does not help. In virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from routee_async.errors import (
    AuthenticationError,
    BadRequestError,
    InvalidInputError,
    NotFoundError,
    RateLimitError,
    RouteeError,
    ServerError,
    TrackingTimeoutError,
)
from routee_async.followed import Followed
from routee_async.models import DeliveryReport, MessageStatus, SentSms, TrackedPart
from routee_async.protocol import Page
from routee_async.references import reference_of
from routee_async.rounds import By, Lookup, Window
from routee_async.schedule import PollPolicy
from routee_async.store import LedgerRow, RowState
from routee_async.tracker import Tracker
from tests.test_tracker import sent
from tests.virtual_time import in_virtual_time

QUEUED, SENT, DELIVERED, FAILED = (MessageStatus(name) for name in ("Queued", "Sent", "Delivered", "Failed"))
START = datetime(2026, 1, 14, 8, tzinfo=UTC)
HOUR = 3600.0


@attrs.define
class Message:
    """A message at the service: delivered at a time, shown from a time on."""

    reference: str | None
    delivered_at: float = 3.0
    visible_at: float = 0.5
    campaign: str | None = None
    is_hidden: bool = False
    """Not shown by look-ups of many."""


class Routee:
    """A tracking service that can search, and counts what it is asked.

    Attributes:
        single: Ids that were read alone.
        pages: Look-ups and page numbers that were asked for.
        errors: What the next pages fail with; None for an answer.
    """

    def __init__(self, *, rows_a_page: int = 2000) -> None:
        self.messages: dict[str, Message] = {}
        self.single: list[str] = []
        self.pages: list[tuple[Lookup, int]] = []
        self.windows: list[Window] = []
        self.errors: list[RouteeError | None] = []
        self.ignores_filters = False
        self._rows_a_page = rows_a_page

    def add(self, count: int, *, run: str = "k3f9x2ab", **fields: object) -> list[SentSms]:
        """Send messages, and give what their sender got."""
        followed = []
        for _ in range(count):
            number = len(self.messages)
            reference = reference_of(run, number)
            self.messages[f"m{number}"] = Message(reference, **fields)  # type: ignore[arg-type]
            followed.append(attrs.evolve(sent(f"m{number}"), reference=reference, created_at=START))
        return followed

    async def fetch(self, tracking_id: str) -> tuple[TrackedPart, ...]:
        """Read one message."""
        self.single.append(tracking_id)
        await asyncio.sleep(0.01)
        row = self._row(tracking_id)
        if row is None:
            raise NotFoundError(404)
        return (row,)

    async def fetch_page(self, lookup: Lookup, window: Window, number: int, wanted: Callable[[str], bool]) -> Page:
        """Read a page."""
        self.pages.append((lookup, number))
        self.windows.append(window)
        await asyncio.sleep(0.01)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        rows = [row for name, message in self.messages.items() if self._is_shown(message, lookup) and (row := self._row(name))]
        shown = rows[number * self._rows_a_page : (number + 1) * self._rows_a_page]
        is_last = (number + 1) * self._rows_a_page >= len(rows)
        return Page(tuple(row for row in shown if wanted(row.tracking_id)), is_last, has_strangers=self.ignores_filters)

    def _is_shown(self, message: Message, lookup: Lookup) -> bool:
        if message.is_hidden:
            return False
        if self.ignores_filters:
            return True
        name = message.campaign if lookup.by is By.CAMPAIGN else message.reference
        return name is not None and name.startswith(lookup.name)

    def _row(self, tracking_id: str) -> TrackedPart | None:
        now, message = asyncio.get_running_loop().time(), self.messages[tracking_id]
        if now < message.visible_at:
            return None
        status = DELIVERED if now >= message.delivered_at else SENT
        return TrackedPart(tracking_id=tracking_id, sms_id=f"{tracking_id}-1", part=1, parts=1, to="+306970000001", status=status)

    def tracker(self, *, policy: PollPolicy | None = None, concurrency: int = 10) -> Tracker:
        """Build a tracker of this service."""
        return Tracker(
            self.fetch,
            self.fetch_page,
            policy=policy or PollPolicy(),
            rng=random.Random(1),
            now=lambda: START + timedelta(seconds=asyncio.get_running_loop().time()),
            concurrency=concurrency,
        )


async def follow(tracker: Tracker, messages: Sequence[Followed]) -> dict[str, DeliveryReport]:
    """Follow to the end."""
    return {report.tracking_id: report async for report in tracker.until_final(messages)}


@in_virtual_time
async def test_a_batch_is_read_by_searches() -> None:
    """Two thousand messages of one run take a search for each block of 1,296 a round, and no read of their own."""
    routee = Routee()
    messages = routee.add(2000)
    async with routee.tracker() as tracker:
        reports = await follow(tracker, messages)
        assert tracker.stats.requests == len(routee.pages) < 10
    assert len(reports) == 2000
    assert {report.status for report in reports.values()} == {DELIVERED}
    assert {lookup.name for lookup, _ in routee.pages} == {"ra.k3f9x2ab.00000", "ra.k3f9x2ab.00001"}
    assert not routee.single


@in_virtual_time
async def test_several_pages() -> None:
    """A look-up of many rows is read page by page, to the last."""
    routee = Routee(rows_a_page=100)
    async with routee.tracker() as tracker:
        assert len(await follow(tracker, routee.add(250))) == 250
    assert [number for _, number in routee.pages[:3]] == [0, 1, 2]


@in_virtual_time
async def test_the_last_few_are_read_alone() -> None:
    """When no more messages of a group are open than a search takes pages, they are read one by one."""
    routee = Routee()
    messages = routee.add(50)
    routee.messages["m7"].delivered_at = HOUR
    async with routee.tracker() as tracker:
        await follow(tracker, messages)
    assert set(routee.single) == {"m7"}
    assert len(routee.pages) < 6


@in_virtual_time
async def test_a_message_that_the_search_misses_is_read_alone() -> None:
    """A message that two complete searches did not show, though it is old enough, is read by its id, and not given up."""
    routee = Routee()
    messages = routee.add(100, delivered_at=300.0)
    routee.messages["m3"].is_hidden = True
    async with routee.tracker() as tracker:
        reports = await follow(tracker, messages)
    assert set(routee.single) == {"m3"}
    assert reports["m3"].status == DELIVERED


@in_virtual_time
async def test_young_messages_are_not_missed() -> None:
    """Messages that become visible only after some seconds are waited for, not read one by one."""
    routee = Routee()
    async with routee.tracker() as tracker:
        await follow(tracker, routee.add(100, visible_at=6.0, delivered_at=20.0))
    assert not routee.single


@in_virtual_time
async def test_a_message_that_does_not_exist() -> None:
    """A message that neither search nor read shows is given up as not found."""
    routee = Routee()
    messages = routee.add(100)
    routee.messages["m3"].visible_at = 1e9
    async with routee.tracker() as tracker:
        reports = await follow(tracker, messages)
    assert isinstance(reports["m3"].error, NotFoundError)
    assert sum(report.error is None for report in reports.values()) == 99


@in_virtual_time
async def test_filters_that_mean_nothing() -> None:
    """A service that ignores filters, and answers with everything, is asked for each message alone instead."""
    routee = Routee()
    routee.ignores_filters = True
    messages = routee.add(100, delivered_at=60.0)
    async with routee.tracker() as tracker:
        assert len(await follow(tracker, messages)) == 100
    assert len(routee.pages) == 1
    assert len(set(routee.single)) == 100


@pytest.mark.parametrize("error", [BadRequestError(400), NotFoundError(404)], ids=lambda error: type(error).__name__)
def test_a_search_that_is_refused(error: RouteeError) -> None:
    """Where searching is not to be had, each message is read alone, and none is given up for it."""

    @in_virtual_time
    async def check() -> None:
        routee = Routee()
        routee.errors = [error]
        async with routee.tracker() as tracker:
            reports = await follow(tracker, routee.add(100))
            assert all(report.error is None for report in reports.values())
        assert len(routee.pages) == 1

    check()


@pytest.mark.parametrize("error", [ServerError(503), RateLimitError(429, retry_after=30)], ids=lambda error: type(error).__name__)
def test_a_search_that_fails(error: RouteeError) -> None:
    """A search that fails now is made again later, not before Routee's time, and counts as a failure, not as a miss."""

    @in_virtual_time
    async def check() -> None:
        routee = Routee()
        routee.errors = [None, error, error]
        async with routee.tracker() as tracker:
            await follow(tracker, routee.add(100, delivered_at=2.0))
            assert tracker.stats.failures == 2
            assert asyncio.get_running_loop().time() > (60 if isinstance(error, RateLimitError) else 3)
        assert not routee.single

    check()


@in_virtual_time
async def test_a_search_that_breaks_off_half_way() -> None:
    """What the pages before the failure showed counts."""
    routee = Routee(rows_a_page=50)
    routee.errors = [None, ServerError(500)]
    policy = PollPolicy(first_delay=5, max_interval=1000, jitter=0)
    async with routee.tracker(policy=policy) as tracker:
        reports = tracker.until_final(routee.add(100))
        for _ in range(50):
            await anext(reports)
        assert asyncio.get_running_loop().time() < 6
        await anext(reports)
        assert asyncio.get_running_loop().time() > 9
        await reports.aclose()


@in_virtual_time
async def test_refused_credentials_end_it() -> None:
    """A search that is refused for the credentials ends the tracking of everything."""
    routee = Routee()
    routee.errors = [AuthenticationError(401)]
    async with routee.tracker() as tracker:
        with pytest.raises(AuthenticationError):
            await follow(tracker, routee.add(100))


@in_virtual_time
async def test_deadline_of_many() -> None:
    """Messages that are never delivered are given up, soon after their deadline, with what the last look showed."""
    routee = Routee()
    policy = PollPolicy(give_up_after=100.0)
    async with routee.tracker(policy=policy) as tracker:
        reports = await follow(tracker, routee.add(100, delivered_at=1e9))
    assert {type(report.error) for report in reports.values()} == {TrackingTimeoutError}
    assert {report.status for report in reports.values()} == {SENT}
    assert all(len(report.parts) == 1 for report in reports.values())
    assert asyncio.get_running_loop().time() < 120
    assert not routee.single


@in_virtual_time
async def test_the_search_window_covers_the_messages() -> None:
    """A search spans from a day before the first message was sent, at most a week ago, to a day from now."""
    routee = Routee()
    async with routee.tracker() as tracker:
        await follow(tracker, routee.add(100))
    start, end = routee.windows[0]
    assert start == START - timedelta(days=1)
    assert end > START + timedelta(days=1)


@in_virtual_time
async def test_messages_older_than_a_week() -> None:
    """Messages that the search does not see any more are read one by one, also when they grow that old meanwhile."""
    routee = Routee()
    old = [attrs.evolve(message, created_at=START - timedelta(days=8)) for message in routee.add(5)]
    aging = [attrs.evolve(message, created_at=START - timedelta(days=6.98)) for message in routee.add(5)]
    for number in range(5, 10):
        routee.messages[f"m{number}"].delivered_at = 3 * HOUR
    async with routee.tracker() as tracker:
        await follow(tracker, [*old, *aging])
    assert set(routee.single) == {f"m{number}" for number in range(10)}
    assert len(routee.pages) < 30


@in_virtual_time
async def test_campaign_messages_are_read_by_campaign() -> None:
    """Messages that belong to a campaign are read by its pages."""
    routee = Routee()
    routee.add(300, campaign="c1")
    rows = [TrackedPart(tracking_id=name, to="+306970000001", status=QUEUED, campaign_tracking_id="c1") for name in routee.messages]
    async with routee.tracker() as tracker:
        assert len(await follow(tracker, rows)) == 300
    assert {lookup for lookup, _ in routee.pages} == {Lookup(By.CAMPAIGN, "c1")}
    assert not routee.single


@in_virtual_time
async def test_rows_of_a_ledger() -> None:
    """A ledger's rows are followed from where they stand: accepted and not final; the others are passed over."""
    routee = Routee()
    routee.add(20)

    def ledger_row(index: int, state: RowState, status: MessageStatus | None = None) -> LedgerRow:
        tracking_id = f"m{index}" if state is RowState.ACCEPTED else None
        reference = reference_of("k3f9x2ab", index)
        return LedgerRow(
            index=index,
            state=state,
            reference=reference,
            checksum=b"",
            tracking_id=tracking_id,
            status=status,
            intended_at=START,
        )

    rows = [ledger_row(index, RowState.ACCEPTED) for index in range(10)]
    rows += [ledger_row(10, RowState.ACCEPTED, DELIVERED), ledger_row(11, RowState.REJECTED), ledger_row(12, RowState.INTENDED)]
    async with routee.tracker() as tracker:
        assert set(await follow(tracker, rows)) == {f"m{index}" for index in range(10)}
        with pytest.raises(InvalidInputError, match="row 11 of the ledger is rejected"):
            tracker.watch(rows[11])
    assert not routee.single


@in_virtual_time
async def test_a_stream_of_messages() -> None:
    """Messages that come one after the other, fifty a second, take less than a twentieth of a request each."""
    routee = Routee()

    async def stream() -> AsyncIterator[SentSms]:
        for number in range(3000):
            (message,) = routee.add(1, delivered_at=asyncio.get_running_loop().time() + 4 + number % 7)
            yield message
            await asyncio.sleep(0.02)

    async with routee.tracker() as tracker:
        lags = [
            asyncio.get_running_loop().time() - routee.messages[report.tracking_id].delivered_at
            async for report in tracker.until_final(stream())
        ]
        assert tracker.stats.requests / 3000 < 0.05
    assert len(lags) == 3000
    assert sorted(lags)[1500] < 3


@in_virtual_time
async def test_reads_together_are_bounded_too() -> None:
    """Groups count as reads: no more of them go on at a time than allowed."""
    routee = Routee()
    busy = busiest = 0
    original = routee.fetch_page

    async def counting(lookup: Lookup, window: Window, number: int, wanted: Callable[[str], bool]) -> Page:
        nonlocal busy, busiest
        busy += 1
        busiest = max(busiest, busy)
        try:
            return await original(lookup, window, number, wanted)
        finally:
            busy -= 1

    routee.fetch_page = counting  # type: ignore[method-assign]
    messages = [message for run in range(20) for message in routee.add(3, run=f"k3f9x2{run:02d}")]
    async with routee.tracker(concurrency=2) as tracker:
        await follow(tracker, messages)
    assert busiest == 2


@in_virtual_time
async def test_ids_in_many_groups_are_forgotten_when_nobody_waits() -> None:
    """Closing the iterator forgets the messages of groups too, and their groups are not read any more."""
    routee = Routee()
    async with routee.tracker() as tracker:
        reports = tracker.until_final(routee.add(100, delivered_at=HOUR))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await anext(reports)
        assert tracker.stats.open == 0
        asked = tracker.stats.requests
        await asyncio.sleep(HOUR)
        assert tracker.stats.requests == asked
