"""Twilio's asynchronous client."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients.common import BODY, Run, Target, gather_limited, recipient


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Run]:
    """`create_async` over one pool of connections, a semaphore and `gather`."""
    rest, http = importlib.import_module("twilio.rest"), importlib.import_module("twilio.http.async_http_client")
    async with http.AsyncTwilioHttpClient() as http_client:
        client = rest.Client("AC" + "0" * 32, "invented", http_client=http_client)
        client.api.base_url = target.origin

        async def send(number: int) -> bool:
            message = await client.messages.create_async(to=recipient(number), from_="+15005550006", body=BODY)
            return bool(message.sid)

        yield lambda count: gather_limited(send, count, target.concurrency)
