"""Bare httpx, to the same endpoint as bare aiohttp."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients.common import BODY, SENDER_ID, Run, Target, basic_authorization, gather_limited, recipient


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Run]:
    """One `AsyncClient`, a semaphore and `gather`."""
    httpx = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=target.concurrency, max_keepalive_connections=target.concurrency)
    async with httpx.AsyncClient(base_url=target.origin, limits=limits, timeout=60) as client:
        form, headers = {"grant_type": "client_credentials"}, {"Authorization": basic_authorization()}
        token = (await client.post("/oauth/token", data=form, headers=headers)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"

        async def send(number: int) -> bool:
            answer = await client.post("/sms", json={"to": recipient(number), "from": SENDER_ID, "body": BODY})
            return bool(answer.json()["trackingId"])

        yield lambda count: gather_limited(send, count, target.concurrency)
