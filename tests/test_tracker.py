"""The tracking poller, in virtual time."""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import cast

import pytest

from routee_async.errors import (
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConnectError,
    InvalidInputError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RouteeError,
    ServerError,
    TLSError,
    TrackingTimeoutError,
)
from routee_async.models import BodyAnalysis, DeliveryReport, MessageStatus, SentSms, TrackedPart
from routee_async.schedule import PollPolicy
from routee_async.tracker import Tracker
from tests.virtual_time import in_virtual_time

HOUR = 3600.0
QUEUED, SENT, DELIVERED, FAILED = (MessageStatus(name) for name in ("Queued", "Sent", "Delivered", "Failed"))

Step = MessageStatus | BaseException | tuple[TrackedPart, ...]


def row(tracking_id: str, status: MessageStatus, *, sms_id: str = "part", parts: int = 1) -> TrackedPart:
    """Build what Routee says of one part."""
    return TrackedPart(tracking_id=tracking_id, sms_id=sms_id, parts=parts, to="+306970000001", status=status)


def sent(tracking_id: str, ttl: timedelta | None = None) -> SentSms:
    """Build the answer to a send."""
    return SentSms(
        tracking_id=tracking_id,
        created_at=None,
        status=QUEUED,
        to="+306970000001",
        sender_id="ParcelCo",
        body="Hello",
        label=None,
        flash=False,
        ttl=ttl,
        callback=None,
        body_analysis=BodyAnalysis(parts=1, unicode=False, characters=5),
    )


class Routee:
    """A tracking service that follows a script for each message: its last step is repeated for ever.

    Attributes:
        polls: When each message was polled, in the loop's time.
        busy: Reads going on now.
        busiest: The most reads that went on at a time.
    """

    def __init__(self, *, latency: float = 0.0, **scripts: list[Step]) -> None:
        self.scripts = scripts
        self.latency = latency
        self.polls: dict[str, list[float]] = {}
        self.busy = self.busiest = 0

    async def fetch(self, tracking_id: str) -> tuple[TrackedPart, ...]:
        """Answer with the next step of the message's script; a message without one is delivered."""
        polls = self.polls.setdefault(tracking_id, [])
        polls.append(asyncio.get_running_loop().time())
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.busy -= 1
        script = self.scripts.get(tracking_id, [DELIVERED])
        step = script[min(len(polls), len(script)) - 1]
        if isinstance(step, BaseException):
            raise step
        return (row(tracking_id, step),) if isinstance(step, MessageStatus) else step

    def tracker(self, *, concurrency: int = 10, kept_reports: int = 10_000, policy: PollPolicy | None = None) -> Tracker:
        """Build a tracker that polls this service."""
        policy = policy or PollPolicy()
        rng = random.Random(1)
        return Tracker(self.fetch, policy=policy, concurrency=concurrency, rng=rng, kept_reports=kept_reports)


async def reports_of(reports: AsyncIterator[DeliveryReport]) -> dict[str, MessageStatus | RouteeError]:
    """Collect the status, or the error, of each message, in the order of arrival."""
    return {report.tracking_id: report.error or report.status async for report in reports}


async def settle() -> None:
    """Let everything run that is ready, without letting time pass."""
    for _ in range(20):
        await asyncio.sleep(0)


# --- wait


@in_virtual_time
async def test_wait_returns_the_final_report() -> None:
    """Waiting for a message polls it until it is final, and gives its parts."""
    routee = Routee(m=[QUEUED, SENT, DELIVERED])
    async with routee.tracker() as tracker:
        report = await tracker.wait(sent("m"))
        assert report == DeliveryReport(tracking_id="m", status=DELIVERED, parts=(row("m", DELIVERED),))
        assert len(routee.polls["m"]) == 3
        await asyncio.sleep(HOUR)
        assert len(routee.polls["m"]) == 3


@in_virtual_time
async def test_all_parts_must_be_final() -> None:
    """A message of two parts is final when both are, and as good as the worse one."""
    first, second = row("m", DELIVERED, sms_id="1", parts=2), row("m", FAILED, sms_id="2", parts=2)
    routee = Routee(m=[(first,), (first, row("m", SENT, sms_id="2", parts=2)), (second,)])
    async with routee.tracker() as tracker:
        report = await tracker.wait("m")
    assert report.status == FAILED
    assert report.parts == (first, second)


@in_virtual_time
async def test_early_404_is_not_yet_visible() -> None:
    """A message that Routee does not show at first is polled again, whether it says 404 or nothing."""
    routee = Routee(m=[NotFoundError(404), (), DELIVERED])
    async with routee.tracker() as tracker:
        assert (await tracker.wait("m")).status == DELIVERED
        assert tracker.stats.not_visible == 2


@pytest.mark.parametrize("step", [NotFoundError(404, "404005000"), ()], ids=["404", "no rows"])
def test_missing_message(step: Step) -> None:
    """A message that stays invisible is given up after a minute, and the error says that it was not found."""

    @in_virtual_time
    async def check() -> None:
        async with Routee(m=[step]).tracker() as tracker:
            with pytest.raises(NotFoundError):
                await tracker.wait("m")
            assert asyncio.get_running_loop().time() == pytest.approx(60)
            assert tracker.stats.gave_up == 1

    check()


@in_virtual_time
async def test_404_after_it_was_shown() -> None:
    """A message that was shown once is not given up for a later 404."""
    async with Routee(m=[SENT, *[NotFoundError(404)] * 20, DELIVERED]).tracker() as tracker:
        assert (await tracker.wait("m")).status == DELIVERED
        assert asyncio.get_running_loop().time() > 60


@pytest.mark.parametrize(
    "error",
    [
        NoAnswerError("wait", "TimeoutError"),
        ServerError(503),
        RateLimitError(429),
        ConnectError("refused"),
        MalformedResponseError(("not a list @ $",)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_transient_failures(error: RouteeError) -> None:
    """A read that fails now is tried again later."""

    @in_virtual_time
    async def check() -> None:
        async with Routee(m=[error, SENT, error, DELIVERED]).tracker() as tracker:
            assert (await tracker.wait("m")).status == DELIVERED
            assert tracker.stats.failures == 2

    check()


@in_virtual_time
async def test_a_read_cancelled_by_somebody_else() -> None:
    """A read that ends in a cancellation that the tracker did not ask for is tried again, and its message is not lost."""
    async with Routee(m=[asyncio.CancelledError(), DELIVERED]).tracker() as tracker:
        assert (await tracker.wait("m")).status == DELIVERED
        assert tracker.stats.failures == 1


@in_virtual_time
async def test_retry_after_is_honoured() -> None:
    """A message is not polled before the time that Routee asked for."""
    routee = Routee(m=[RateLimitError(429, retry_after=500), DELIVERED])
    async with routee.tracker() as tracker:
        await tracker.wait("m")
    first, second = routee.polls["m"]
    assert second - first >= 500


@in_virtual_time
async def test_refused_message() -> None:
    """A message that Routee refuses to answer for is given up at once, and the others go on."""
    async with Routee(bad=[BadRequestError(400)]).tracker() as tracker:
        with pytest.raises(BadRequestError):
            await tracker.wait("bad")
        assert (await tracker.wait("good")).status == DELIVERED


@in_virtual_time
async def test_timeout_names_the_last_status_and_goes_on() -> None:
    """When the caller's time is over the error tells the last status, and the message stays watched."""
    async with Routee(m=[NotFoundError(404), SENT, SENT, DELIVERED]).tracker() as tracker:
        with pytest.raises(TrackingTimeoutError) as unseen:
            await tracker.wait("m", timeout=0.5)
        with pytest.raises(TrackingTimeoutError) as seen:
            await tracker.wait("m", timeout=3)
        assert (unseen.value.tracking_id, unseen.value.last_status) == ("m", None)
        assert (seen.value.tracking_id, seen.value.last_status) == ("m", "Sent")
        await asyncio.sleep(60)
        assert tracker.stats.final == 1
        assert (await tracker.wait("m", timeout=0)).status == DELIVERED


@in_virtual_time
async def test_report_in_the_last_moment() -> None:
    """A report that comes together with the end of the wait is given, not lost."""
    a_moment_less = 1e-10  # less than the loop's clock tells apart
    async with Routee(latency=2 - a_moment_less).tracker(policy=PollPolicy(first_delay=5, jitter=0)) as tracker:
        report = await tracker.wait("m", timeout=7)
        assert report.status == DELIVERED


@pytest.mark.parametrize(
    ("steps", "ttl", "age", "last_status"),
    [
        pytest.param([SENT], None, 73 * HOUR, "Sent", id="73 hours"),
        pytest.param([QUEUED], timedelta(minutes=10), 600 + HOUR, "Queued", id="its ttl and an hour"),
        pytest.param([ServerError(500)], timedelta(minutes=10), 600 + HOUR, None, id="never readable"),
        pytest.param([MessageStatus("Lost")], None, 73 * HOUR, "Lost", id="an unknown status"),
    ],
)
def test_deadline(steps: list[Step], ttl: timedelta | None, age: float, last_status: str | None) -> None:
    """A message that never becomes final is given up after its ttl and a slack, naming its last status."""

    @in_virtual_time
    async def check() -> None:
        routee = Routee(m=steps)
        async with routee.tracker() as tracker:
            with pytest.raises(TrackingTimeoutError) as caught:
                await tracker.wait(sent("m", ttl))
            assert caught.value.last_status == last_status
            assert asyncio.get_running_loop().time() == pytest.approx(age)
            assert tracker.stats.gave_up == 1
        assert len(routee.polls["m"]) < 200

    check()


@in_virtual_time
async def test_several_waiters() -> None:
    """Any number of tasks may wait for a message, the cancelling of one does not hurt the others, and it is polled once for all."""
    routee = Routee(m=[SENT, SENT, DELIVERED])
    async with routee.tracker() as tracker:
        waiters = [asyncio.create_task(tracker.wait("m")) for _ in range(3)]
        await asyncio.sleep(1.5)
        waiters[0].cancel()
        await asyncio.wait(waiters)
        assert waiters[0].cancelled()
        assert [waiter.result().status for waiter in waiters[1:]] == [DELIVERED, DELIVERED]
        assert len(routee.polls["m"]) == 3


@in_virtual_time
async def test_each_waiter_has_its_own_error() -> None:
    """Waiters of a message that is given up get errors of their own, so that tracebacks do not pile up in one."""
    async with Routee(m=[NotFoundError(404)]).tracker() as tracker:
        results = await asyncio.gather(tracker.wait("m"), tracker.wait("m"), return_exceptions=True)
        assert [type(result) for result in results] == [NotFoundError, NotFoundError]
        assert results[0] is not results[1]


# --- watch


@in_virtual_time
async def test_watch_follows_in_the_background() -> None:
    """A watched message becomes final without anybody waiting, and watching it again changes nothing."""
    routee = Routee(m=[SENT, DELIVERED])
    async with routee.tracker() as tracker:
        tracker.watch(sent("m"))
        tracker.watch("m")
        await asyncio.sleep(HOUR)
        tracker.watch("m")
        assert (await tracker.wait("m", timeout=0)).status == DELIVERED
        await asyncio.sleep(HOUR)
    assert len(routee.polls["m"]) == 2


@in_virtual_time
async def test_a_given_up_message_can_be_watched_again() -> None:
    """A message that was given up keeps its error until it is watched again, which starts it afresh."""
    routee = Routee(m=[NotFoundError(404)])
    async with routee.tracker() as tracker:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await tracker.wait("m")
        asked = len(routee.polls["m"])
        routee.scripts["m"] = [DELIVERED]
        tracker.watch("m")
        assert (await tracker.wait("m")).status == DELIVERED
        assert len(routee.polls["m"]) == asked + 1


@in_virtual_time
async def test_messages_watched_while_others_sleep() -> None:
    """A message watched later is polled in its own time, not when an older one is due."""
    routee = Routee(old=[SENT])
    async with routee.tracker() as tracker:
        tracker.watch("old")
        await asyncio.sleep(50 * HOUR)
        await tracker.wait("new")
        assert routee.polls["new"] == [pytest.approx(50 * HOUR + 1.1, abs=0.2)]


@pytest.mark.parametrize("wrong", ["", None, 7, b"m"], ids=repr)
def test_wrong_message(wrong: object) -> None:
    """What is neither a sent message nor a tracking id is refused at once."""

    @in_virtual_time
    async def check() -> None:
        async with Routee().tracker() as tracker:
            with pytest.raises(InvalidInputError):
                tracker.watch(cast("str", wrong))
            with pytest.raises(InvalidInputError):
                await tracker.wait(cast("str", wrong))

    check()


# --- until_final


@in_virtual_time
async def test_until_final_yields_each_once_as_it_becomes_final() -> None:
    """Reports come in the order in which messages become final, one for each however often it is named."""
    routee = Routee(slow=[*[SENT] * 5, DELIVERED], lost=[NotFoundError(404)], failed=[SENT, FAILED])
    async with routee.tracker() as tracker:
        found = await reports_of(tracker.until_final(["slow", "lost", sent("failed"), "quick", "slow", "quick"]))
        assert list(found) == ["quick", "failed", "slow", "lost"]
        assert [found["quick"], found["failed"], found["slow"]] == [DELIVERED, FAILED, DELIVERED]
        assert isinstance(found["lost"], NotFoundError)
        assert tracker.stats.watched == 4


@in_virtual_time
async def test_until_final_reports_what_was_given_up() -> None:
    """A message without a final status in time is yielded with its last status and the reason."""
    async with Routee(m=[SENT]).tracker() as tracker:
        (report,) = [report async for report in tracker.until_final([sent("m", timedelta(minutes=1))])]
    assert report.status == SENT
    assert isinstance(report.error, TrackingTimeoutError)
    assert report.error.last_status == "Sent"


@in_virtual_time
async def test_until_final_yields_what_is_final_already_at_once() -> None:
    """A message that is final already takes neither time nor a request."""
    routee = Routee()
    async with routee.tracker() as tracker:
        await tracker.wait("m")
        now = asyncio.get_running_loop().time()
        assert await reports_of(tracker.until_final(["m"])) == {"m": DELIVERED}
        assert asyncio.get_running_loop().time() == now
    assert len(routee.polls["m"]) == 1


@in_virtual_time
async def test_until_final_of_nothing() -> None:
    """An empty input ends at once."""
    async with Routee().tracker() as tracker:
        assert await reports_of(tracker.until_final([])) == {}


@in_virtual_time
async def test_until_final_pulls_while_it_polls() -> None:
    """Messages that come from a running send are polled while later ones are still being sent."""

    async def sending() -> AsyncIterator[SentSms]:
        for number in range(3):
            yield sent(str(number))
            await asyncio.sleep(100)

    async with Routee().tracker() as tracker:
        now = asyncio.get_running_loop().time
        times = {report.tracking_id: now() async for report in tracker.until_final(sending())}
    assert times == pytest.approx({"0": 1.1, "1": 101.1, "2": 201.1}, abs=0.2)


@in_virtual_time
async def test_until_final_pulls_no_further_than_its_reports_are_taken() -> None:
    """With a caller that does not take its reports the input rests, and goes on when it does."""
    pulled = 0

    async def endless() -> AsyncIterator[str]:
        nonlocal pulled
        while True:
            pulled += 1
            yield str(pulled)
            await asyncio.sleep(0.1)

    async with Routee().tracker() as tracker:
        reports = tracker.until_final(endless())
        await anext(reports)
        await asyncio.sleep(HOUR)
        rested = pulled
        await asyncio.sleep(HOUR)
        assert pulled == rested < 1100
        for _ in range(rested):
            await anext(reports)
        assert pulled > rested
        await reports.aclose()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_input_that_raises(kind: str) -> None:
    """When the input breaks, the messages pulled before are followed to their end, and then its error is raised."""

    class BrokenError(Exception):
        """What the input raises."""

    def plain() -> Iterator[str]:
        yield "slow"
        yield "quick"
        raise BrokenError

    async def awaited() -> AsyncIterator[str]:
        for item in plain():
            await asyncio.sleep(0)
            yield item

    @in_virtual_time
    async def check() -> None:
        async with Routee(slow=[*[SENT] * 20, DELIVERED]).tracker() as tracker:
            reports = tracker.until_final(plain() if kind == "sync" else awaited())
            assert [(await anext(reports)).tracking_id for _ in range(2)] == ["quick", "slow"]
            with pytest.raises(BrokenError):
                await anext(reports)

    check()


class Queue:
    """An async input that is no generator and cannot be closed."""

    def __init__(self, *items: str) -> None:
        self.items = list(items)

    def __aiter__(self) -> "Queue":
        return self

    async def __anext__(self) -> str:
        if not self.items:
            raise StopAsyncIteration
        return self.items.pop()


@in_virtual_time
async def test_any_async_iterator_will_do() -> None:
    """The input may be any async iterator, with or without `aclose()`."""
    async with Routee().tracker() as tracker:
        assert await reports_of(tracker.until_final(Queue("m"))) == {"m": DELIVERED}


@in_virtual_time
async def test_wrong_item_in_the_input() -> None:
    """An item that is no message is the caller's mistake and raised at once."""
    async with Routee(m=[SENT]).tracker() as tracker:
        with pytest.raises(InvalidInputError):
            await reports_of(tracker.until_final(["m", cast("str", None)]))
        assert asyncio.get_running_loop().time() == 0


@pytest.mark.parametrize("one", ["m", sent("m")], ids=["id", "message"])
def test_one_message_is_no_input(one: str | SentSms) -> None:
    """A single message where many are expected is refused, not taken for its characters."""

    @in_virtual_time
    async def check() -> None:
        async with Routee().tracker() as tracker:
            with pytest.raises(InvalidInputError, match="iterable"):
                await reports_of(tracker.until_final(cast("list[str]", one)))

    check()


class Input:
    """An async input that tells whether it was closed, with one message and then a long wait."""

    def __init__(self) -> None:
        self.closed = False

    async def messages(self) -> AsyncGenerator[str, None]:
        """Yield one message, then nothing for a week."""
        try:
            yield "a"
            yield "b"
            await asyncio.sleep(7 * 24 * HOUR)
        finally:
            self.closed = True


@in_virtual_time
async def test_closing_until_final_leaves_nothing() -> None:
    """Closing the iterator ends its input, and forgets the messages that nobody else watches."""
    routee, source = Routee(b=[SENT], kept=[SENT]), Input()
    async with routee.tracker() as tracker:
        tracker.watch("kept")
        both = tracker.until_final(["b", "kept", "a"])
        assert (await anext(both)).tracking_id == "a"
        reports = tracker.until_final(source.messages())
        assert (await anext(reports)).tracking_id == "a"
        await both.aclose()
        assert tracker.stats.open == 2
        await reports.aclose()
        assert source.closed
        assert tracker.stats.open == 1
        await asyncio.sleep(HOUR)
        assert len(asyncio.all_tasks()) == 2


@in_virtual_time
async def test_closing_until_final_before_its_first_report() -> None:
    """An iterator that was never started takes nothing from its input."""
    source = Input()
    async with Routee().tracker() as tracker:
        reports = tracker.until_final(source.messages())
        await reports.aclose()
        assert tracker.stats.watched == 0


@in_virtual_time
async def test_abandoned_until_final() -> None:
    """Breaking out of the loop is as good as closing, once the iterator is collected."""
    source = Input()
    async with Routee(b=[SENT]).tracker() as tracker:
        async for _ in tracker.until_final(source.messages()):
            break
        gc.collect()
        await settle()
        assert source.closed
        assert tracker.stats.open == 0


@in_virtual_time
async def test_a_read_in_flight_for_a_forgotten_message() -> None:
    """An answer for a message that was forgotten meanwhile is ignored."""
    async with Routee(latency=10).tracker() as tracker:
        task = asyncio.create_task(reports_of(tracker.until_final(["m"])))
        await asyncio.sleep(5)
        task.cancel()
        await asyncio.wait([task])
        assert tracker.stats.open == 0
        await asyncio.sleep(20)
        assert tracker.stats.final == 0


# --- ends


@pytest.mark.parametrize(
    "error",
    [AuthenticationError(401), PermissionDeniedError(403), ClientClosedError("closed"), TLSError("expired")],
    ids=lambda error: type(error).__name__,
)
def test_fatal_errors(error: RouteeError) -> None:
    """When going on is pointless, whoever waits gets the reason, after what was ready, and so do later callers."""

    @in_virtual_time
    async def check() -> None:
        routee = Routee(bad=[SENT, error], m=[SENT])
        async with routee.tracker() as tracker:
            waiter = asyncio.create_task(tracker.wait("m"))
            reports = tracker.until_final(["bad", "good", "m"])
            assert (await anext(reports)).tracking_id == "good"
            with pytest.raises(type(error)):
                await anext(reports)
            with pytest.raises(type(error)):
                await waiter
            with pytest.raises(type(error)):
                tracker.watch("later")
            with pytest.raises(type(error)):
                await tracker.wait("later")
            with pytest.raises(type(error)):
                await reports_of(tracker.until_final(["later"]))
            assert (await tracker.wait("good")).status == DELIVERED
            requests = tracker.stats.requests
            await asyncio.sleep(HOUR)
            assert tracker.stats.requests == requests

    check()


@in_virtual_time
async def test_fatal_error_while_the_input_goes_on() -> None:
    """After a fatal error the reports that are ready are yielded first, and the input is not pulled for nothing."""

    async def messages() -> AsyncIterator[str]:
        yield "good"
        yield "bad"
        await asyncio.sleep(100)
        yield "later"

    async with Routee(bad=[SENT, AuthenticationError(401)]).tracker() as tracker:
        reports = tracker.until_final(messages())
        await asyncio.sleep(0)
        assert (await anext(reports)).tracking_id == "good"
        await asyncio.sleep(HOUR)
        with pytest.raises(AuthenticationError):
            await anext(reports)


@in_virtual_time
async def test_leaving_ends_everything() -> None:
    """Leaving the block ends reads, inputs and waits, and tells the waiters."""
    routee, source = Routee(m=[SENT], latency=5), Input()
    async with routee.tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        iterating = asyncio.create_task(reports_of(tracker.until_final(source.messages())))
        await asyncio.sleep(2)
        assert routee.busy == 3
    assert len(asyncio.all_tasks() - {waiter, iterating}) == 1
    assert routee.busy == 0
    assert source.closed
    for task in (waiter, iterating):
        with pytest.raises(ClientClosedError):
            await task


@in_virtual_time
async def test_iterator_held_over_the_end() -> None:
    """An iterator that rests while the tracker is left leaves no task behind, and says so when it is asked again."""
    source = Input()
    async with Routee(b=[SENT]).tracker() as tracker:
        reports = tracker.until_final(source.messages())
        await anext(reports)
    assert source.closed
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(ClientClosedError):
        await anext(reports)


@in_virtual_time
async def test_after_the_end() -> None:
    """A tracker that was left still tells what it knows, and takes nothing on."""
    async with Routee().tracker() as tracker:
        await tracker.wait("known")
    assert (await tracker.wait("known")).status == DELIVERED
    for call in (lambda: tracker.wait("m"), lambda: reports_of(tracker.until_final(["m"])), tracker.__aenter__):
        with pytest.raises(ClientClosedError):
            await cast("Callable[[], Awaitable[object]]", call)()


@in_virtual_time
async def test_before_the_start() -> None:
    """A tracker that was not entered takes nothing on, and can be left."""
    tracker = Routee().tracker()
    with pytest.raises(ClientClosedError, match="async with"):
        tracker.watch("m")
    with pytest.raises(ClientClosedError, match="async with"):
        await reports_of(tracker.until_final(["m"]))
    await tracker.__aexit__(None, None, None)
    with pytest.raises(ClientClosedError, match="closed"):
        tracker.watch("m")


@in_virtual_time
async def test_a_broken_read_is_not_hidden() -> None:
    """A mistake in the reading code ends the waits and is raised where the tracker is left."""
    tracker = Routee(m=[ValueError("a mistake")]).tracker()
    await tracker.__aenter__()
    with pytest.raises(ClientClosedError, match="broken down"):
        await tracker.wait("m")
    with pytest.raises(ExceptionGroup) as caught:
        await tracker.__aexit__(None, None, None)
    assert caught.group_contains(ValueError, match="a mistake")


@in_virtual_time
async def test_cancelled_body() -> None:
    """Cancelling the task that uses a tracker ends the tracker too."""
    routee = Routee(m=[SENT], latency=1)

    async def follow() -> None:
        async with routee.tracker() as tracker:
            await tracker.wait("m")

    task = asyncio.create_task(follow())
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert routee.busy == 0


@pytest.mark.parametrize("moment", range(40))
def test_cancelled_at_any_moment(moment: int) -> None:
    """Whenever a follower is cancelled, no task, no read and no open input is left."""

    @in_virtual_time
    async def check() -> None:
        routee, source = Routee(a=[SENT, DELIVERED], b=[SENT], latency=0.2), Input()

        async def follow() -> None:
            async with routee.tracker() as tracker:
                await reports_of(tracker.until_final(source.messages()))

        task = asyncio.create_task(follow())
        if moment < 20:
            for _ in range(moment):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep((moment - 20) * 0.11)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert routee.busy == 0
        assert source.closed or moment < 5
        assert len(asyncio.all_tasks()) == 1

    check()


# --- size


@in_virtual_time
async def test_ten_thousand_messages() -> None:
    """Ten thousand messages become final, each is yielded once, and no more reads go on at a time than allowed."""
    routee = Routee(latency=0.05)
    routee.scripts = {str(number): [*[SENT] * (number % 2), DELIVERED] for number in range(10_000)}
    counts: Counter[str] = Counter()
    async with routee.tracker(concurrency=50, kept_reports=100) as tracker:
        async for report in tracker.until_final(map(str, range(10_000))):
            assert report.status == DELIVERED
            counts[report.tracking_id] += 1
        stats = tracker.stats
        assert (stats.watched, stats.open, stats.final, stats.gave_up) == (10_000, 0, 10_000, 0)
        assert stats.requests == sum(map(len, routee.polls.values())) == 15_000
    assert len(counts) == counts.total() == 10_000
    assert routee.busiest == 50


@in_virtual_time
async def test_old_reports_are_read_again() -> None:
    """Only the latest reports are kept; an older one costs one more read and is not lost."""
    routee = Routee()
    async with routee.tracker(kept_reports=1) as tracker:
        for name in ("old", "new", "new", "old"):
            assert (await tracker.wait(name)).status == DELIVERED
    assert {name: len(polls) for name, polls in routee.polls.items()} == {"old": 2, "new": 1}


@in_virtual_time
async def test_conflict_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Two different final statuses of a part are counted and logged, and one of them is reported."""
    routee = Routee(m=[(row("m", DELIVERED), row("m", FAILED))])
    async with routee.tracker() as tracker:
        assert (await tracker.wait("m")).status == FAILED
        assert tracker.stats.conflicts == 1
    assert "two different final statuses" in caplog.text


@in_virtual_time
async def test_news_from_elsewhere() -> None:
    """News that do not come by polling settle a message too, and count for nothing when nobody watches it."""
    routee = Routee(m=[SENT])
    async with routee.tracker() as tracker:
        waiter = asyncio.create_task(tracker.wait("m"))
        await asyncio.sleep(5)
        asked = len(routee.polls["m"])
        tracker._take("m", [row("m", DELIVERED)])  # noqa: SLF001 - the seam that callbacks use
        tracker._take("nobody", [row("nobody", DELIVERED)])  # noqa: SLF001 - the seam that callbacks use
        assert (await waiter).status == DELIVERED
        await asyncio.sleep(HOUR)
        assert len(routee.polls["m"]) == asked
        assert tracker.stats.watched == 1


@pytest.mark.parametrize(
    ("concurrency", "kept_reports", "field"), [(0, 0, "concurrency"), (True, 0, "concurrency"), (1, -1, "kept_reports")]
)
def test_wrong_options(concurrency: int, kept_reports: int, field: str) -> None:
    """An option that makes no sense is named by the error."""
    with pytest.raises(ConfigurationError) as caught:
        Tracker(Routee().fetch, concurrency=concurrency, kept_reports=kept_reports)
    assert caught.value.field == field


async def test_in_real_time() -> None:
    """The tracker works on an ordinary event loop, with its own source of chance, and shows its counters."""
    routee = Routee(m=[NotFoundError(404), SENT, DELIVERED])
    async with Tracker(routee.fetch, policy=PollPolicy(first_delay=0.001)) as tracker:
        assert (await tracker.wait("m", timeout=10)).status == DELIVERED
        assert "final=1" in repr(tracker)
