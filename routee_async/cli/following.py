"""Send many messages, and follow those that were accepted to their end, both at the same time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from routee_async import (
    Accepted,
    BulkStoppedError,
    DeliveryReport,
    MessageStatus,
    Outcome,
    PollPolicy,
    RouteeClient,
    SentSms,
    Sms,
    Tracker,
)

POLLS = 20
"""The most polls at a time, on top of the sends."""


async def send_and_follow(
    client: RouteeClient,
    messages: AsyncGenerator[Sms, None],
    *,
    concurrency: int,
    policy: PollPolicy | None,
    on_outcome: Callable[[Outcome], None],
    on_report: Callable[[DeliveryReport], None],
    stop: asyncio.Event,
) -> int:
    """Send *messages* and, with a *policy*, follow the accepted ones.

    Args:
        client: An open client.
        messages: What to send; it is closed in the end.
        concurrency: The most messages under way.
        policy: How to poll; None to leave the messages alone once they are sent.
        on_outcome: Takes each outcome.
        on_report: Takes a report of each accepted message, once it is final or given up.
        stop: When this is set, nobody is waited for once all outcomes are there.

    Returns:
        How many polls it took.

    Raises:
        BulkStoppedError: The batch was stopped; what had been accepted before was followed all the same.
        RouteeError: Following came to an end before its time; all outcomes were taken.
    """
    if policy is None:
        await _send(client, messages, concurrency, on_outcome)
        return 0
    accepted: asyncio.Queue[SentSms | None] = asyncio.Queue()

    def take(outcome: Outcome) -> None:
        on_outcome(outcome)
        if isinstance(outcome, Accepted):
            accepted.put_nowait(outcome.sent)

    async with client.tracker(policy=policy, concurrency=POLLS) as tracker:
        follower = asyncio.create_task(_follow(tracker, accepted, on_report), name="routee-follower")
        stopper = asyncio.create_task(stop.wait(), name="routee-stopper")
        stopped: BulkStoppedError | None = None
        try:
            try:
                await _send(client, messages, concurrency, take)
            except BulkStoppedError as error:
                stopped = error
            accepted.put_nowait(None)
            await asyncio.wait({follower, stopper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (follower, stopper):
                task.cancel()
            await asyncio.wait({follower, stopper})
        if stopped is not None:
            raise stopped
        if not follower.cancelled():
            follower.result()
        return tracker.stats.requests


async def _send(
    client: RouteeClient,
    messages: AsyncGenerator[Sms, None],
    concurrency: int,
    take: Callable[[Outcome], None],
) -> None:
    async with aclosing(messages), aclosing(client.send_many(messages, concurrency=concurrency)) as outcomes:
        async for outcome in outcomes:
            take(outcome)


async def _follow(tracker: Tracker, accepted: "asyncio.Queue[SentSms | None]", take: Callable[[DeliveryReport], None]) -> None:
    async def arrivals() -> AsyncIterator[SentSms]:
        while (sent := await accepted.get()) is not None:
            yield sent

    async with aclosing(tracker.until_final(arrivals())) as reports:
        async for report in reports:
            take(report)


def detail(report: DeliveryReport) -> str | None:
    """The network's reason: of a message of several parts, that of the first part that shares the status of the whole."""
    return next((part.detailed_status for part in report.parts if part.status == report.status), None)


def is_delivered(report: DeliveryReport) -> bool:
    """True when every part has arrived."""
    return report.status == MessageStatus.DELIVERED
