"""What all measured clients have in common: the message, the target, and the way in which most people send many at once.

Nothing is imported here but the standard library, and each client in a file of its own, so that the process of one carries nothing
of another.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

SENDER_ID = "ParcelCo"
BODY = "Your parcel 8812 arrives today between 10 and 12."
APPLICATION_ID = "invented"
APPLICATION_SECRET = "invented"  # noqa: S105 - as it says

Run = Callable[[int], Awaitable[int]]
"""Sends so many messages; returns how many were accepted."""


@dataclass(frozen=True)
class Target:
    """Where to send, and how.

    Attributes:
        origin: Of the server, which is on loopback.
        concurrency: Messages in flight.
    """

    origin: str
    concurrency: int


Open = Callable[[Target], AbstractAsyncContextManager[Run]]
"""Makes a client that is ready to send."""


def recipient(number: int) -> str:
    """The recipient of message *number*."""
    return f"+3069{number % 10**8:08d}"


def basic_authorization() -> str:
    """What the token endpoint wants to see."""
    return "Basic " + base64.b64encode(f"{APPLICATION_ID}:{APPLICATION_SECRET}".encode()).decode()


async def gather_limited(send: Callable[[int], Awaitable[bool]], count: int, concurrency: int) -> int:
    """Send as most people write it: a task a message, behind a semaphore. Returns how many were accepted."""
    semaphore = asyncio.Semaphore(concurrency)

    async def one(number: int) -> bool:
        async with semaphore:
            return await send(number)

    return sum(await asyncio.gather(*map(one, range(count))))


async def work_off(send: Callable[[int], Awaitable[bool]], count: int, concurrency: int) -> int:
    """Send with workers on one iterator. Returns how many were accepted."""
    numbers = iter(range(count))

    async def work() -> int:
        accepted = 0
        for number in numbers:
            accepted += await send(number)
        return accepted

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work()) for _ in range(min(concurrency, count))]
    return sum(worker.result() for worker in workers)
