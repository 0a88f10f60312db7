"""Send many messages, and follow those that were accepted to their end, both at the same time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from routee_async import (
    BulkStoppedError,
    DeliveryReport,
    LedgerStore,
    MessageStatus,
    Outcome,
    PollPolicy,
    RouteeClient,
    SentSms,
    Tracker,
)

POLLS = 20
"""The most polls at a time, on top of the sends."""

TakeReport = Callable[[DeliveryReport], None]


class LeftEarlyError(Exception):
    """The input was left before its end, which must not be taken for its end."""


async def send_and_follow(
    client: RouteeClient,
    outcomes: AsyncGenerator[Outcome, None],
    *,
    policy: PollPolicy | None,
    on_outcome: Callable[[Outcome], SentSms | None],
    on_report: TakeReport,
    stop: asyncio.Event,
    ledger: LedgerStore | None = None,
) -> int:
    """Take all *outcomes* and, with a *policy*, follow messages to their end.

    Args:
        client: An open client.
        outcomes: What `client.send_many` returned; it is closed in the end.
        policy: How to poll; None to leave the messages alone once they are sent.
        on_outcome: Takes each outcome; returns the message to follow, if any.
        on_report: Takes a report of each of these, once it is final or given up.
        stop: When this is set, nobody is waited for once all outcomes are there.
        ledger: Where final statuses are noted; it has to be open.

    Returns:
        How many polls it took.

    Raises:
        BulkStoppedError: The batch was stopped; what had been accepted before was followed all the same.
        LeftEarlyError: The messages themselves raised it; likewise.
        RouteeError: Following came to an end before its time; all outcomes were taken.
    """
    if policy is None:
        await _send(outcomes, on_outcome)
        return 0
    accepted: asyncio.Queue[SentSms | None] = asyncio.Queue()

    def take(outcome: Outcome) -> None:
        sent = on_outcome(outcome)
        if sent is not None:
            accepted.put_nowait(sent)

    async with client.tracker(policy=policy, concurrency=POLLS, ledger=ledger) as tracker:
        follower = asyncio.create_task(_follow(tracker, accepted, on_report), name="routee-follower")
        stopper = asyncio.create_task(stop.wait(), name="routee-stopper")
        stopped: BulkStoppedError | LeftEarlyError | None = None
        try:
            try:
                await _send(outcomes, take)
            except (BulkStoppedError, LeftEarlyError) as error:
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


async def _send(outcomes: AsyncGenerator[Outcome, None], take: Callable[[Outcome], object]) -> None:
    async with aclosing(outcomes):
        async for outcome in outcomes:
            take(outcome)


async def _follow(
    tracker: Tracker,
    accepted: "asyncio.Queue[SentSms | None]",
    take: TakeReport,
) -> None:
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
