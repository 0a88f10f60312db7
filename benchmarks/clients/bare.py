"""Bare aiohttp: no checks, no repeats, no outcomes; a token, then `post(json=...)` and `json()`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.clients.common import BODY, SENDER_ID, Run, Target, basic_authorization, gather_limited, recipient, work_off


@asynccontextmanager
async def _sender(target: Target) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    # The default limit of 100 connections would hold 500 in flight back.
    connector = aiohttp.TCPConnector(limit=target.concurrency)
    async with aiohttp.ClientSession(target.origin, connector=connector) as session:
        form, headers = {"grant_type": "client_credentials"}, {"Authorization": basic_authorization()}
        async with session.post("/oauth/token", data=form, headers=headers) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}

        async def send(number: int) -> bool:
            payload = {"to": recipient(number), "from": SENDER_ID, "body": BODY}
            async with session.post("/sms", json=payload, headers=headers) as answer:
                sent = await answer.json()
                return bool(sent["trackingId"])

        yield send


@asynccontextmanager
async def gathered(target: Target) -> AsyncIterator[Run]:
    """What one writes first: a semaphore and `gather`."""
    async with _sender(target) as send:
        yield lambda count: gather_limited(send, count, target.concurrency)


@asynccontextmanager
async def workers(target: Target) -> AsyncIterator[Run]:
    """What one writes second: workers on one iterator."""
    async with _sender(target) as send:
        yield lambda count: work_off(send, count, target.concurrency)
