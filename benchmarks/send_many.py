"""Compare `RouteeClient.send_many` with bare aiohttp: the same payload, concurrency and server, in one run.

    uv run benchmarks/send_many.py                       # 5,000 messages a round, 7 rounds, 100 in flight
    uv run benchmarks/send_many.py --messages 200 --rounds 1

The server is the sandbox in a process of its own. Both clients live in this process and take turns, round by round, so that both
meet the same noise; what counts are the medians of the ratios of a round. CPU is this process's user and system time.
"""

import argparse
import asyncio
import base64
import json
import multiprocessing
import platform
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import aiohttp
import attrs

from routee_async import Accepted, RouteeClient, Sms
from routee_async.sandbox import Sandbox

SENDER_ID = "ParcelCo"
BODY = "Your parcel 8812 arrives today between 10 and 12."
Run = Callable[[int], Awaitable[None]]


@attrs.frozen
class Address:
    """Where the sandbox listens and who may come in."""

    base_url: str
    application_id: str
    application_secret: str


@attrs.frozen
class Measure:
    """One round of one client.

    Attributes:
        wall: Seconds.
        cpu: Seconds of user and system time of this process.
    """

    wall: float
    cpu: float


def serve(pipe: Connection) -> None:
    """Run a sandbox until the other end of *pipe* is closed."""

    async def main() -> None:
        async with Sandbox(balance=10**9) as sandbox:
            pipe.send(Address(sandbox.base_url, sandbox.application_id, sandbox.application_secret))
            await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)

    asyncio.run(main())


def recipient(number: int) -> str:
    """The recipient of message *number*."""
    return f"+3069{number % 10**8:08d}"


def check(accepted: int, count: int) -> None:
    """Refuse to time anything but success."""
    if accepted != count:
        raise RuntimeError(f"{accepted} of {count} messages were accepted")


@asynccontextmanager
async def ours(address: Address, concurrency: int) -> AsyncIterator[Run]:
    """`send_many`, with everything that it does by default."""
    async with RouteeClient(
        address.application_id,
        address.application_secret,
        base_url=address.base_url,
        auth_url=address.base_url,
        max_connections=concurrency,
    ) as client:

        async def run(count: int) -> None:
            messages = (Sms(to=recipient(number), sender_id=SENDER_ID, body=BODY) for number in range(count))
            accepted = 0
            async for outcome in client.send_many(messages, concurrency=concurrency):
                accepted += isinstance(outcome, Accepted)
            check(accepted, count)

        yield run


@asynccontextmanager
async def bare(address: Address, concurrency: int) -> AsyncIterator[Run]:
    """What one writes first: a session, a semaphore, `gather`, `json=` and `.json()`; no checks, no repeats, no outcomes."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(address.base_url, connector=connector) as session:
        basic = base64.b64encode(f"{address.application_id}:{address.application_secret}".encode()).decode()
        form, headers = {"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"}
        async with session.post("/oauth/token", data=form, headers=headers) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        semaphore = asyncio.Semaphore(concurrency)

        async def send(number: int) -> str:
            payload = {"to": recipient(number), "from": SENDER_ID, "body": BODY}
            async with semaphore, session.post("/sms", json=payload, headers=headers) as answer:
                sent: dict[str, str] = await answer.json()
                return sent["trackingId"]

        async def run(count: int) -> None:
            ids = await asyncio.gather(*map(send, range(count)))
            check(len(set(ids)), count)

        yield run


async def measure(run: Run, count: int) -> Measure:
    """Time one round."""
    wall, cpu = time.perf_counter(), time.process_time()
    await run(count)
    return Measure(time.perf_counter() - wall, time.process_time() - cpu)


async def compare(address: Address, *, count: int, rounds: int, concurrency: int) -> dict[str, object]:
    """Run both in turn and work out the figures."""
    measures: dict[str, list[Measure]] = {"send_many": [], "bare aiohttp": []}
    async with ours(address, concurrency) as run_ours, bare(address, concurrency) as run_bare:
        runs = {"send_many": run_ours, "bare aiohttp": run_bare}
        for run in runs.values():
            await run(min(count, 500))  # connections, token, caches
        for number in range(rounds):
            for name in sorted(runs, reverse=bool(number % 2)):
                measures[name].append(await measure(runs[name], count))
    pairs = list(zip(measures["send_many"], measures["bare aiohttp"], strict=True))
    return {
        "python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
        "messages a round": count,
        "rounds": rounds,
        "in flight": concurrency,
        **{
            name: {
                "sends per second": round(statistics.median(count / each.wall for each in of)),
                "CPU µs per message": round(statistics.median(each.cpu / count * 1e6 for each in of), 1),
            }
            for name, of in measures.items()
        },
        "send_many / bare aiohttp": {
            "sends per second": round(statistics.median(theirs.wall / mine.wall for mine, theirs in pairs), 2),
            "CPU per message": round(statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs), 2),
        },
    }


def main() -> None:
    """Read the options, start the server, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=100)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        address: Address = here.recv()
        figures = asyncio.run(
            compare(address, count=options.messages, rounds=options.rounds, concurrency=options.concurrency),
        )
    finally:
        here.send(None)
        server.join()
    print(json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
