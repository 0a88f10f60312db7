"""Bulk send: lazy, bounded, exactly one outcome a message, one failure never stops the rest."""

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

import pytest

from routee_async import bulk
from routee_async.bulk import Messages
from routee_async.errors import (
    AuthenticationError,
    BadRequestError,
    BatchAbortedError,
    BulkStoppedError,
    ConfigurationError,
    ConnectError,
    InvalidRecipientError,
    OutcomeUnknownError,
)
from routee_async.models import Accepted, NotSent, Outcome, Rejected, SentSms, Sms, Unknown
from routee_async.options import OnUnknown
from routee_async.protocol import Response, read_sent
from routee_async.run import Run

Send = Callable[[Sms], Awaitable[SentSms]]


class Delivered:
    """A delivery that does what a function says."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def deliver(
        self,
        sms: Sms,
        label: str,
        *,
        on_unknown: OnUnknown,
        patient: bool,
        intend: Callable[[], Awaitable[None]] | None,
    ) -> SentSms:
        """Send a message; without a ledger there is no intent."""
        assert patient
        assert on_unknown is OnUnknown.REPORT
        assert intend is None
        assert label.endswith(f" {sms.label}")
        return await self._send(sms)


def send_many(messages: Messages, send: Send, *, concurrency: int) -> AsyncGenerator[Outcome, None]:
    """Begin a batch in which *send* stands for the network."""
    run = Run(
        Delivered(send),  # type: ignore[arg-type]  # all that a run without a ledger needs of a delivery
        prepare=lambda sms: sms,
        on_unknown=OnUnknown.REPORT,
        ledger=None,
        max_unknown=None,
    )
    return bulk.send_many(messages, run, concurrency=concurrency)


def message(each: int) -> Sms:
    """Make a message whose label is its number."""
    return Sms(to="+306970000001", sender_id="P", body="B", label=str(each))


def sent(sms: Sms) -> SentSms:
    """Make the answer to a message."""
    return read_sent(Response(200, {}, b'{"trackingId":"id-%s"}' % number(sms).encode()), sms, sms.label)


def number(sms: Sms) -> str:
    """The number that a message was made with, as its label has it behind the reference."""
    return (sms.label or "").split()[-1]


async def accept(sms: Sms) -> SentSms:
    """Accept whatever comes, after letting others go first."""
    await asyncio.sleep(0)
    return sent(sms)


async def collect(messages: Messages, send: Send, concurrency: int = 10, into: list[Outcome] | None = None) -> list[Outcome]:
    """Run a batch to its end; *into* keeps what came before an error."""
    outcomes = [] if into is None else into
    async for outcome in send_many(messages, send, concurrency=concurrency):
        outcomes.append(outcome)
    return outcomes


def workers() -> list[str]:
    """Tasks of a batch that are running."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("routee-")]


async def later(count: int) -> AsyncIterator[Sms]:
    """Messages that come one by one."""
    for each in range(count):
        await asyncio.sleep(0)
        yield message(each)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 500])
@pytest.mark.parametrize("concurrency", [1, 10, 1000])
async def test_each_message_has_exactly_one_outcome(count: int, concurrency: int) -> None:
    """Whatever the sizes, indexes are complete and each outcome is about its own message."""
    outcomes = await collect(map(message, range(count)), accept, concurrency)
    assert sorted(outcome.index for outcome in outcomes) == list(range(count))
    assert all(isinstance(outcome, Accepted) and outcome.sent.tracking_id == f"id-{outcome.index}" for outcome in outcomes)
    assert all(outcome.sms.label == str(outcome.index) for outcome in outcomes)


async def test_asynchronous_input_keeps_its_order_of_indexes() -> None:
    """An async iterable is pulled by one worker at a time, and indexes follow its order."""
    outcomes = await collect(later(100), accept)
    assert {outcome.index: outcome.sms.label for outcome in outcomes} == {each: str(each) for each in range(100)}


async def test_outcomes_come_as_they_complete() -> None:
    """A slow message does not hold back the others."""
    release = asyncio.Event()

    async def send(sms: Sms) -> SentSms:
        if number(sms) == "0":
            await release.wait()
        return sent(sms)

    batch = send_many(map(message, range(5)), send, concurrency=2)
    first = [(await anext(batch)).index for _ in range(4)]
    release.set()
    assert first == [1, 2, 3, 4]
    assert (await anext(batch)).index == 0
    assert not [outcome async for outcome in batch]


@pytest.mark.parametrize("concurrency", [1, 7])
async def test_no_more_than_the_bound_are_in_flight(concurrency: int) -> None:
    """`concurrency` is never exceeded."""
    running = peak = 0

    async def send(sms: Sms) -> SentSms:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(20):
            await asyncio.sleep(0)
        running -= 1
        return sent(sms)

    await collect(map(message, range(200)), send, concurrency)
    assert peak == concurrency


async def test_input_is_pulled_lazily() -> None:
    """No more than `concurrency` messages are pulled ahead of the outcomes that the caller has taken."""
    pulled = 0

    def messages() -> Iterator[Sms]:
        nonlocal pulled
        for each in range(1000):
            pulled += 1
            yield message(each)

    batch = send_many(messages(), accept, concurrency=5)
    for taken in range(1, 50):
        await anext(batch)
        for _ in range(20):
            await asyncio.sleep(0)
        assert pulled <= taken + 5
    await batch.aclose()


async def test_memory_does_not_grow_with_the_batch() -> None:
    """Messages and outcomes that have been dealt with are let go."""
    alive: weakref.WeakSet[SentSms] = weakref.WeakSet()
    most = 0

    async def send(sms: Sms) -> SentSms:
        answer = sent(sms)
        alive.add(answer)
        await asyncio.sleep(0)
        return answer

    async for outcome in send_many(map(message, range(2000)), send, concurrency=10):
        if outcome.index % 500 == 0:
            gc.collect()
            most = max(most, len(alive))
    assert most <= 25


FATES = {
    "1": (InvalidRecipientError("to", "is no number"), Rejected),
    "2": (BadRequestError(400), Rejected),
    "3": (ConnectError("refused"), NotSent),
    "4": (OutcomeUnknownError("4", "wait", "TimeoutError"), Unknown),
}


async def test_one_failure_never_stops_the_rest() -> None:
    """Each of the four outcomes is a value, and those around it go on."""

    async def send(sms: Sms) -> SentSms:
        if number(sms) in FATES:
            raise FATES[number(sms)][0]
        return await accept(sms)

    outcomes = {outcome.index: outcome for outcome in await collect(map(message, range(8)), send, 3)}
    assert len(outcomes) == 8
    for index, outcome in outcomes.items():
        error, kind = FATES.get(str(index), (None, Accepted))
        assert type(outcome) is kind
        assert isinstance(outcome, Accepted) or outcome.error is error


async def test_pointless_batch_stops() -> None:
    """After a refusal that all would meet, what is in flight finishes, nothing more is pulled, and it is said why."""
    pulled = 0

    def messages() -> Iterator[Sms]:
        nonlocal pulled
        for each in range(1000):
            pulled += 1
            yield message(each)

    async def send(sms: Sms) -> SentSms:
        await asyncio.sleep(0)
        if number(sms) == "20":
            raise AuthenticationError(401)
        await asyncio.sleep(0)
        return sent(sms)

    outcomes: list[Outcome] = []
    with pytest.raises(BulkStoppedError) as caught:
        await collect(messages(), send, 10, outcomes)
    assert sorted(outcome.index for outcome in outcomes) == list(range(pulled))
    assert isinstance(caught.value.cause, AuthenticationError)
    assert caught.value.attempted == pulled <= 31
    assert not caught.value.safe_to_resend
    assert not workers()


async def test_message_pulled_during_the_stop_is_not_attempted() -> None:
    """A message that arrives after the latch was closed is `NotSent`, and is not counted as attempted."""
    stopped = asyncio.Event()

    async def messages() -> AsyncIterator[Sms]:
        yield message(0)
        await stopped.wait()
        yield message(1)

    async def send(_: Sms) -> SentSms:
        for _turn in range(5):
            await asyncio.sleep(0)
        stopped.set()
        raise AuthenticationError(401)

    outcomes: list[Outcome] = []
    with pytest.raises(BulkStoppedError) as caught:
        await collect(messages(), send, 2, outcomes)
    assert [type(outcome) for outcome in outcomes] == [Rejected, NotSent]
    assert isinstance(outcomes[1], NotSent)
    assert isinstance(outcomes[1].error, BatchAbortedError)
    assert caught.value.attempted == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_input_that_raises_loses_nothing(kind: str) -> None:
    """When the input breaks, the outcomes of what was pulled come first, and then the input's own error."""

    def broken() -> Iterator[Sms]:
        yield from map(message, range(5))
        raise OSError("disk")

    async def broken_later() -> AsyncIterator[Sms]:
        for sms in map(message, range(5)):
            yield sms
        raise OSError("disk")

    outcomes: list[Outcome] = []
    with pytest.raises(OSError, match="disk"):
        await collect(broken() if kind == "sync" else broken_later(), accept, 3, outcomes)
    assert len(outcomes) == 5
    assert not workers()


async def test_error_that_is_not_ours_is_not_swallowed() -> None:
    """A programming error in a send ends the batch as itself."""

    async def send(sms: Sms) -> SentSms:
        if number(sms) == "3":
            raise ZeroDivisionError
        return await accept(sms)

    with pytest.raises(ZeroDivisionError):
        await collect(map(message, range(100)), send, 2)
    assert not workers()


async def hang(sms: Sms) -> SentSms:
    """Send for ever, except for the first message."""
    if number(sms) != "0":
        await asyncio.Event().wait()
    return sent(sms)


async def test_closing_early_leaves_nothing_behind() -> None:
    """`aclose` ends what is in flight, at once."""
    batch = send_many(map(message, range(100)), hang, concurrency=10)
    assert (await anext(batch)).index == 0
    await batch.aclose()
    assert not workers()


async def test_cancelling_leaves_nothing_behind() -> None:
    """Cancelling the task that iterates ends what is in flight, and the cancellation goes on."""
    consumer = asyncio.create_task(collect(map(message, range(100)), hang))
    for _ in range(10):
        await asyncio.sleep(0)
    assert workers()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert not workers()


async def test_batch_never_begun_begins_nothing() -> None:
    """A batch that nobody iterates pulls nothing and sends nothing."""
    source = map(message, range(3))
    await send_many(source, accept, concurrency=2).aclose()
    assert len(list(source)) == 3


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, "10", None], ids=repr)
async def test_bound_that_makes_no_sense_is_refused(concurrency: object) -> None:
    """A wrong `concurrency` is said before anything is sent."""
    with pytest.raises(ConfigurationError, match="concurrency"):
        await anext(send_many([], accept, concurrency=concurrency))  # type: ignore[arg-type]


@pytest.mark.parametrize("messages", [None, 5, message(1), "text", b"bytes"], ids=lambda value: type(value).__name__)
async def test_what_cannot_be_iterated_is_refused(messages: object) -> None:
    """A single message, or anything else that is no series of messages, is refused with a word on what would be right."""
    with pytest.raises(ConfigurationError, match="iterable of Sms"):
        await anext(send_many(messages, accept, concurrency=1))  # type: ignore[arg-type]
