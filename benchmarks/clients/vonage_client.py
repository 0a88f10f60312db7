"""Vonage's client, which is not asynchronous, in threads. It speaks https only."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from benchmarks.clients.common import BODY, SENDER_ID, Run, Target, gather_limited, recipient

_MOST_THREADS = 50
"""More make it slower: they wait for each other."""


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Run]:
    """`sms.send` in as many threads as there are messages in flight, up to a bound."""
    package, sms = importlib.import_module("vonage"), importlib.import_module("vonage_sms")
    threads = min(target.concurrency, _MOST_THREADS)
    auth = package.Auth(api_key="invented", api_secret="invented")  # noqa: S106 - invented, and opens nothing
    options = package.HttpClientOptions(rest_host=target.origin.removeprefix("https://"), pool_maxsize=threads)
    client = package.Vonage(auth, options)
    with ThreadPoolExecutor(threads) as pool:
        loop = asyncio.get_running_loop()

        def send_now(number: int) -> bool:
            message = sms.SmsMessage(to=recipient(number).removeprefix("+"), from_=SENDER_ID, text=BODY)
            return bool(client.sms.send(message).messages[0].message_id)

        async def send(number: int) -> bool:
            return await loop.run_in_executor(pool, send_now, number)

        yield lambda count: gather_limited(send, count, target.concurrency)
