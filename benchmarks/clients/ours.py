"""`RouteeClient.send_many`, with everything that it does by default, and two variants."""

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from benchmarks.clients.common import APPLICATION_ID, APPLICATION_SECRET, BODY, SENDER_ID, Run, Target, recipient
from routee_async import Accepted, Ledger, RouteeClient, Sms


def _client(target: Target, session: aiohttp.ClientSession | None = None) -> RouteeClient:
    return RouteeClient(
        APPLICATION_ID,
        APPLICATION_SECRET,
        base_url=target.origin,
        auth_url=target.origin,
        max_connections=target.concurrency,
        session=session,
    )


async def _send(client: RouteeClient, target: Target, count: int, ledger: Ledger | None = None) -> int:
    messages = (Sms(to=recipient(number), sender_id=SENDER_ID, body=BODY) for number in range(count))
    accepted = 0
    async for outcome in client.send_many(messages, concurrency=target.concurrency, ledger=ledger):
        accepted += isinstance(outcome, Accepted)
    return accepted


@asynccontextmanager
async def default(target: Target) -> AsyncIterator[Run]:
    """As it comes."""
    async with _client(target) as client:
        yield lambda count: _send(client, target, count)


@asynccontextmanager
async def with_ledger(target: Target) -> AsyncIterator[Run]:
    """With a ledger: an intent and an outcome on disk for each message."""
    with tempfile.TemporaryDirectory() as folder:
        async with _client(target) as client:
            numbers = itertools.count()

            async def run(count: int) -> int:
                return await _send(client, target, count, Ledger(Path(folder) / f"{next(numbers)}.db"))

            yield run


@asynccontextmanager
async def over_session(target: Target) -> AsyncIterator[Run]:
    """Over an aiohttp session of the caller's own, which is used as it is."""
    connector = aiohttp.TCPConnector(limit=target.concurrency + 1)
    async with aiohttp.ClientSession(connector=connector) as session, _client(target, session) as client:
        yield lambda count: _send(client, target, count)
