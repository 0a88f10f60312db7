"""The tracker takes callbacks in, settles contradictions by a read, and tells every change. In virtual time."""

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from routee_async.callback_models import CampaignCallback, InboundSms, MessageCallback
from routee_async.errors import NotFoundError, ServerError, TrackingTimeoutError
from routee_async.models import CampaignState, DeliveryReport, MessageStatus, TrackedPart
from routee_async.schedule import PollPolicy
from routee_async.tracker import Tracker
from tests.simulated_world import Disk
from tests.test_tracker import Routee
from tests.test_tracker_groups import Routee as SearchableRoutee
from tests.virtual_time import in_virtual_time

QUEUED, SENT, DELIVERED = MessageStatus.QUEUED, MessageStatus.SENT, MessageStatus.DELIVERED
UNDELIVERED, FAILED = MessageStatus.UNDELIVERED, MessageStatus.FAILED
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR = 3600.0


def called_back(
    status: MessageStatus,
    *,
    tracking_id: str = "m",
    part: int = 1,
    parts: int = 1,
    at: float = 0,
) -> MessageCallback:
    """Build a callback, which reached its status *at* seconds after noon."""
    return MessageCallback(
        tracking_id=tracking_id,
        sms_id=f"{tracking_id}-{part}",
        part=part,
        parts=parts,
        to="+306970000001",
        status=status,
        updated_at=NOON + timedelta(seconds=at),
    )


def shown(status: MessageStatus, *, part: int = 1, parts: int = 1, at: float = 0) -> TrackedPart:
    """Build what a read shows."""
    return called_back(status, part=part, parts=parts, at=at).as_part()


@in_virtual_time
async def test_a_callback_settles_a_message() -> None:
    """A final callback is reported at once, and the message is not read again."""
    routee = Routee(m=[SENT])
    async with routee.tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(1.9)
        asked = len(routee.polls["m"])
        assert tracker.feed(called_back(DELIVERED)) is True
        report = await waiter
        assert report == DeliveryReport(tracking_id="m", status=DELIVERED, parts=(shown(DELIVERED),))
        await asyncio.sleep(HOUR)
        assert len(routee.polls["m"]) == asked
        assert (tracker.stats.callbacks, tracker.stats.final) == (1, 1)


@in_virtual_time
async def test_what_is_ignored() -> None:
    """Callbacks of messages that nobody follows, of campaigns and of inbound messages change nothing."""
    inbound = InboundSms(tracking_id="m", sender_id="+306970000001", to="306900000099", body="STOP")
    campaign = CampaignCallback(campaign_tracking_id="c", state=CampaignState("Finished"))
    tracker = Routee(m=[SENT]).tracker()
    assert tracker.feed(called_back(DELIVERED)) is False
    async with tracker:
        tracker.watch("m")
        for callback in (called_back(DELIVERED, tracking_id="other"), campaign, inbound):
            assert tracker.feed(callback) is False
        assert (tracker.stats.callbacks, tracker.stats.open) == (0, 1)
    assert tracker.feed(called_back(DELIVERED)) is False


@in_virtual_time
async def test_an_open_status_puts_the_next_read_off() -> None:
    """Where callbacks come, reading is only for those that got lost."""
    routee, quiet = Routee(m=[SENT]), Routee(m=[SENT])
    async with routee.tracker() as tracker, quiet.tracker() as other:
        tracker.watch("m")
        other.watch("m")
        for _ in range(20):
            await asyncio.sleep(0.7)
            tracker.feed(called_back(SENT))
    assert len(routee.polls.get("m", [])) < len(quiet.polls["m"])


@in_virtual_time
async def test_all_parts_by_callback() -> None:
    """Parts that end by callbacks, in any order and more than once, make the message final when the last one has come."""
    async with Routee(m=[NotFoundError(404)]).tracker() as tracker:
        tracker.watch("m")
        for callback in (
            called_back(UNDELIVERED, part=2, parts=2, at=2),
            called_back(QUEUED, part=1, parts=2),
            called_back(UNDELIVERED, part=2, parts=2, at=2),
        ):
            assert tracker.feed(callback)
        assert tracker.stats.final == 0
        tracker.feed(called_back(DELIVERED, part=1, parts=2, at=1))
        report = await tracker.wait("m", timeout=0)
        assert [part.status for part in report.parts] == [DELIVERED, UNDELIVERED]
        assert report.status == UNDELIVERED


# --- confirmed by a read


def confirming(routee: Routee | SearchableRoutee) -> Tracker:
    """A tracker that believes no callback."""
    policy = PollPolicy(first_delay=5, jitter=0)
    fetch_page = routee.fetch_page if isinstance(routee, SearchableRoutee) else None
    return Tracker(routee.fetch, fetch_page, policy=policy, rng=random.Random(1), confirm_callbacks=True, now=lambda: NOON)


@in_virtual_time
async def test_a_confirmed_callback() -> None:
    """With confirmation asked for, a final callback makes the tracker read at once, and what it reads counts."""
    routee = Routee(m=[FAILED])
    async with confirming(routee) as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(1)
        tracker.feed(called_back(DELIVERED))
        assert (await waiter).status == FAILED
        assert routee.polls["m"] == [1]


@in_virtual_time
async def test_a_feigned_callback() -> None:
    """With confirmation asked for, a callback that Routee knows nothing of makes no message final."""
    routee = Routee(m=[SENT, SENT, DELIVERED])
    async with confirming(routee) as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(1)
        tracker.feed(called_back(FAILED))
        await asyncio.sleep(1)
        tracker.feed(called_back(FAILED))
        await asyncio.sleep(1)
        assert not waiter.done()
        tracker.feed(called_back(FAILED))
        assert (await waiter).status == DELIVERED
        assert len(routee.polls["m"]) == 3


@in_virtual_time
async def test_a_callback_while_the_message_is_being_read() -> None:
    """A callback that comes while the answer to a read is on its way makes the tracker read once more."""
    routee = Routee(m=[SENT, DELIVERED], latency=1)
    async with confirming(routee) as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(5.5)
        tracker.feed(called_back(DELIVERED))
        await waiter
        assert routee.polls["m"] == [5, 6]


@in_virtual_time
async def test_many_callbacks_share_a_search() -> None:
    """The callbacks of a batch are confirmed by a few searches, not by a read each."""
    routee = SearchableRoutee()
    messages = routee.add(1000, delivered_at=7.0)
    async with confirming(routee) as tracker:
        follower = asyncio.create_task(_count(tracker, messages))
        await asyncio.sleep(8)
        for name in routee.messages:
            tracker.feed(called_back(DELIVERED, tracking_id=name))
        assert await follower == 1000
        assert len(routee.pages) <= 3
        assert not routee.single


async def _count(tracker: Tracker, messages: list) -> int:  # type: ignore[type-arg]
    return len([report async for report in tracker.until_final(messages)])


# --- contradictions


@in_virtual_time
async def test_a_read_settles_a_contradiction() -> None:
    """When two final statuses of a part come before a report is made, what a read shows is reported."""
    routee = Routee(
        m=[(shown(SENT, parts=2), shown(SENT, part=2, parts=2)), (shown(FAILED, at=9, parts=2), shown(DELIVERED, part=2, parts=2))]
    )
    async with routee.tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(1.3)
        for callback in (
            called_back(DELIVERED, at=1, parts=2),
            called_back(FAILED, at=9, parts=2),
            called_back(DELIVERED, part=2, parts=2),
        ):
            tracker.feed(callback)
        report = await waiter
        assert report.status == FAILED
        assert (tracker.stats.conflicts, tracker.stats.final) == (1, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("truth", [DELIVERED, FAILED])
def test_any_order_ends_in_the_same_report(order: tuple[int, ...], truth: MessageStatus) -> None:
    """Whatever order contradicting callbacks come in, the report ends as what Routee shows, also when it was made before."""

    @in_virtual_time
    async def check() -> None:
        news = [called_back(DELIVERED, at=1), called_back(FAILED, at=2), called_back(SENT)]
        routee, disk = Routee(m=[shown_tuple(truth)]), Noted()
        policy = PollPolicy(first_delay=30)
        async with Tracker(routee.fetch, policy=policy, rng=random.Random(1), ledger=disk) as tracker:
            tracker.watch("m")
            for number in order:
                tracker.feed(news[number])
                await asyncio.sleep(0.1)
            await asyncio.sleep(10)
            assert (await tracker.wait("m")).status == truth
            stats = tracker.stats
            assert (stats.final, stats.conflicts, stats.open) == (1, 1, 0)
            assert len(routee.polls["m"]) == 1
        assert disk.noted[-1] == ("m", truth)

    check()


def shown_tuple(status: MessageStatus) -> tuple[TrackedPart, ...]:
    """What a read shows of the only part."""
    return (shown(status, at=3),)


class Noted(Disk):
    """A ledger that only takes final statuses."""

    def __init__(self) -> None:
        super().__init__(random.Random(1))
        self.noted: list[tuple[str, object]] = []

    async def note_final(self, tracking_id: str, status: object) -> None:
        """Note it."""
        self.noted.append((tracking_id, status))


@in_virtual_time
async def test_a_corrected_report_is_counted() -> None:
    """A report that proves wrong is replaced, counted, and given to whoever asks from then on."""
    async with Routee(m=[shown_tuple(FAILED)]).tracker(policy=PollPolicy(first_delay=30)) as tracker:
        tracker.watch("m")
        tracker.feed(called_back(DELIVERED, at=1))
        assert (await tracker.wait("m", timeout=0)).status == DELIVERED
        assert tracker.feed(called_back(DELIVERED, at=1)) is False
        assert tracker.feed(called_back(FAILED, at=2)) is True
        await asyncio.sleep(1)
        assert (await tracker.wait("m", timeout=0)).status == FAILED
        assert tracker.stats.corrected == 1


@in_virtual_time
async def test_a_contradiction_that_no_read_settles() -> None:
    """When reading fails to the end, the first final status counts after all."""
    async with Routee(m=[ServerError(500)]).tracker(policy=PollPolicy(give_up_after=100)) as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(0.1)
        for callback in (
            called_back(DELIVERED, at=1, parts=2),
            called_back(FAILED, at=2, parts=2),
            called_back(DELIVERED, part=2, parts=2),
        ):
            tracker.feed(callback)
        report = await waiter
        assert report.status == DELIVERED
        assert report.error is None


# --- every change


@in_virtual_time
async def test_updates() -> None:
    """Each change of a status is told once, from wherever it comes, to the final one."""
    routee = Routee(m=[NotFoundError(404), QUEUED, QUEUED, SENT, SENT, SENT, DELIVERED])
    async with routee.tracker() as tracker:
        statuses = [report.status async for report in tracker.updates(["m"])]
    assert statuses == [QUEUED, SENT, DELIVERED]


@in_virtual_time
async def test_updates_of_parts() -> None:
    """A change of one part of several is told too."""
    first = (shown(SENT, parts=2), shown(SENT, part=2, parts=2))
    routee = Routee(
        m=[first, first, (shown(DELIVERED, parts=2), first[1]), (shown(DELIVERED, parts=2), shown(DELIVERED, part=2, parts=2))]
    )
    async with routee.tracker() as tracker:
        told = [[part.status for part in report.parts] async for report in tracker.updates(["m"])]
    assert told == [[SENT, SENT], [DELIVERED, SENT], [DELIVERED, DELIVERED]]


@in_virtual_time
async def test_a_slow_taker_gets_the_latest() -> None:
    """Who takes updates slowly gets the latest of each message, not a backlog."""
    async with Routee(m=[QUEUED, SENT, DELIVERED], n=[QUEUED, SENT, DELIVERED]).tracker() as tracker:
        updates = tracker.updates(["m", "n"])
        first = await anext(updates)
        await asyncio.sleep(100)
        rest = [(report.tracking_id, report.status) async for report in updates]
    assert first.status == QUEUED
    assert sorted(rest) == [("m", DELIVERED), ("n", DELIVERED)]


@in_virtual_time
async def test_updates_of_what_is_given_up() -> None:
    """The last update of a message that is given up says why."""
    async with Routee(m=[SENT]).tracker(policy=PollPolicy(give_up_after=100)) as tracker:
        reports = [report async for report in tracker.updates(["m"])]
    assert [report.error is None for report in reports] == [True, False]
    assert isinstance(reports[-1].error, TrackingTimeoutError)


@in_virtual_time
async def test_final_and_every_change_side_by_side() -> None:
    """One taker may want the end of a message and another each of its changes."""
    async with Routee(m=[QUEUED, DELIVERED]).tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        assert [report.status async for report in tracker.updates(["m"])] == [QUEUED, DELIVERED]
        assert (await waiter).status == DELIVERED


# --- many


@in_virtual_time
async def test_callbacks_late_lost_doubled_and_out_of_order() -> None:
    """Of a thousand messages whose callbacks come in any order, twice, late or never, each is reported once and rightly."""
    rng = random.Random(7)
    routee = SearchableRoutee()
    messages = routee.add(1000)
    loop = asyncio.get_running_loop()
    async with routee.tracker() as tracker:
        for name, message in routee.messages.items():
            message.delivered_at = rng.uniform(1, 60)
            for status, moment in ((QUEUED, 0.0), (SENT, 0.5), (DELIVERED, message.delivered_at)):
                for _ in range(rng.choice((0, 1, 1, 1, 2))):
                    loop.call_at(moment + rng.expovariate(0.2), tracker.feed, called_back(status, tracking_id=name, at=moment))
        reports = [report async for report in tracker.until_final(messages)]
        assert tracker.stats.conflicts == 0
    assert len({report.tracking_id for report in reports}) == len(reports) == 1000
    assert {report.status for report in reports} == {DELIVERED}
    assert attrs.asdict(tracker.stats)["open"] == 0


@in_virtual_time
async def test_what_a_callback_has_told_of_exists() -> None:
    """A message that Routee has told of is not given up as not found, though no read shows it yet."""
    async with Routee(m=[*[NotFoundError(404)] * 12, DELIVERED]).tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(2)
        tracker.feed(called_back(SENT))
        assert (await waiter).status == DELIVERED
        assert asyncio.get_running_loop().time() > 60


@in_virtual_time
async def test_what_callbacks_tell_is_noted_at_once() -> None:
    """A final status that came by callback is in the ledger at once, not after the next read, however many come together."""
    disk = Noted()
    async with Tracker(Routee().fetch, policy=PollPolicy(first_delay=HOUR, max_interval=HOUR), ledger=disk) as tracker:
        names = [f"m{number}" for number in range(1200)]
        for name in names:
            tracker.watch(name)
            tracker.feed(called_back(DELIVERED, tracking_id=name))
        await asyncio.sleep(0.001)
        assert [name for name, _ in disk.noted] == names
