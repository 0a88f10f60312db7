"""Telnyx's asynchronous client, over httpx as it comes."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients.common import BODY, SENDER_ID, Run, Target, gather_limited, recipient


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Run]:
    """`messages.send`, a semaphore and `gather`."""
    telnyx = importlib.import_module("telnyx")
    async with telnyx.AsyncTelnyx(api_key="invented", base_url=target.origin) as client:

        async def send(number: int) -> bool:
            answer = await client.messages.send(to=recipient(number), from_=SENDER_ID, text=BODY)
            return bool(answer.data.id)

        yield lambda count: gather_limited(send, count, target.concurrency)
