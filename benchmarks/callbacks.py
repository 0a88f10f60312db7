"""Measure how many callbacks a second the webhook takes, beside the least that an aiohttp handler can do.

    uv run benchmarks/callbacks.py                          # 3,000 callbacks a round, 7 rounds, 50 connections
    uv run benchmarks/callbacks.py --callbacks 300 --rounds 1

The server has a process of its own with three routes, the load comes from this process over keep-alive connections on loopback:

    bare        reads the body, parses the JSON, answers 200
    sink        `webhook.handler` with a secret, and a sink that does nothing
    tracker     the same with `tracker.feed`, each callback the end of another message that is being watched

The routes take turns, round by round; what counts are the medians of the ratios of a round. CPU is the server's user and system
time. Below that: what reading a callback and feeding it to the tracker cost alone, without a network.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import platform
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import aiohttp
import attrs
from aiohttp import web

from routee_async import PollPolicy, RouteeClient, Tracker, parse_callback, webhook

SECRET = "a-secret-of-a-benchmark"  # noqa: S105 - opens nothing
ROUTES = {"bare": "/bare", "sink": f"/sink/{SECRET}", "tracker": f"/tracker/{SECRET}"}
NEVER = PollPolicy(first_delay=3600, max_interval=3600)


@attrs.frozen
class Measure:
    """One round over one route.

    Attributes:
        wall: Seconds.
        cpu: Seconds of the server's CPU.
    """

    wall: float
    cpu: float


def payload(number: int) -> bytes:
    """The callback of message *number*, with every field of today."""
    return json.dumps(
        {
            "messageId": f"id-{number}",
            "smsId": f"part-{number}",
            "part": 1,
            "parts": 1,
            "label": f"ra.benchmrk.{number:07d} job-17",
            "to": f"+3069{number % 10**8:08d}",
            "from": "ParcelCo",
            "country": "GR",
            "operator": "Cosmote",
            "groups": [],
            "status": {
                "name": "Delivered",
                "updatedDate": "2026-01-14T12:15:02Z",
                "reason": {"detailedStatus": "Delivered", "description": "Delivered to the handset"},
            },
            "message": "Your parcel 8812 arrives today between 10 and 12.",
            "applicationName": "default",
            "latency": 4,
            "price": 0.032,
            "direction": "Outbound",
            "originatingService": "Sms",
        },
    ).encode()


@asynccontextmanager
async def tracking() -> AsyncIterator[Tracker]:
    """A tracker that does not poll: the address leads nowhere."""
    client = RouteeClient("6400aabbccddeeff00112233", "secret", base_url="http://127.0.0.1:9", auth_url="http://127.0.0.1:9")
    async with client, client.tracker(policy=NEVER) as tracker:
        yield tracker


async def bare(request: web.Request) -> web.Response:
    """What one writes first."""
    json.loads(await request.read())
    return web.Response()


async def serve(pipe: Connection) -> None:
    """Serve until told to stop; before each round, watch the messages that it is about."""
    loop = asyncio.get_running_loop()
    async with tracking() as tracker:
        app = web.Application()
        app.router.add_post("/bare", bare)
        app.router.add_post("/sink/{secret}", webhook.handler(lambda _: None, secret=SECRET))
        app.router.add_post("/tracker/{secret}", webhook.handler(tracker.feed, secret=SECRET))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        try:
            while (order := await loop.run_in_executor(None, pipe.recv)) is not None:
                for number in order:
                    tracker.watch(f"id-{number}")
                pipe.send((time.process_time(), tracker.stats.final))
        finally:
            await runner.cleanup()


def run_server(pipe: Connection) -> None:
    """Be the server's process."""
    asyncio.run(serve(pipe))


async def load(port: int, path: str, numbers: Iterator[int], connections: int) -> None:
    """Post the callbacks over a number of connections, each as soon as the one before is answered."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:

        async def post() -> None:
            for number in numbers:
                async with session.post(path, data=payload(number)) as answer:
                    if answer.status != 200:
                        raise RuntimeError(f"{path} answered {answer.status}")

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(post())


def measure(pipe: Connection, port: int, name: str, numbers: range, connections: int) -> Measure:
    """Run one round over one route."""

    def ask(watch: range) -> tuple[float, int]:
        pipe.send(watch)
        answer: tuple[float, int] = pipe.recv()
        return answer

    cpu, final = ask(numbers if name == "tracker" else range(0))
    wall = time.perf_counter()
    asyncio.run(load(port, ROUTES[name], iter(numbers), connections))
    wall = time.perf_counter() - wall
    cpu_after, final_after = ask(range(0))
    if name == "tracker" and final_after - final != len(numbers):
        raise RuntimeError(f"{final_after - final} of {len(numbers)} messages became final")
    return Measure(wall, cpu_after - cpu)


async def measure_alone(count: int) -> tuple[float, float]:
    """Time reading and feeding without a network.

    Returns:
        Microseconds a callback for `parse_callback` and for `tracker.feed`.
    """
    payloads = [payload(number) for number in range(count)]
    async with tracking() as tracker:
        for number in range(count):
            tracker.watch(f"id-{number}")
        started_at = time.process_time()
        callbacks = [parse_callback(each) for each in payloads]
        parsed_at = time.process_time()
        for callback in callbacks:
            tracker.feed(callback)
        fed_at = time.process_time()
        if tracker.stats.final != count:
            raise RuntimeError(f"{tracker.stats.final} of {count} messages became final")
    return (parsed_at - started_at) / count * 1e6, (fed_at - parsed_at) / count * 1e6


def compare(pipe: Connection, port: int, *, count: int, rounds: int, connections: int) -> dict[str, list[Measure]]:
    """Let the routes take turns; a first round, to warm up, is not counted."""
    measures: dict[str, list[Measure]] = {name: [] for name in ROUTES}
    starts = itertools.count(0, count)
    for number in range(rounds + 1):
        for name in sorted(ROUTES, reverse=bool(number % 2)):
            start = next(starts)
            taken = measure(pipe, port, name, range(start, start + count), connections)
            if number:
                measures[name].append(taken)
    return measures


def report(measures: dict[str, list[Measure]], count: int, alone: list[tuple[float, float]]) -> None:
    """Print the tables."""
    print(f"python {platform.python_version()}, aiohttp {aiohttp.__version__}\n")
    print("| route | callbacks a second | CPU µs a callback | CPU / bare |")
    print("| --- | --- | --- | --- |")
    for name, taken in measures.items():
        speed = statistics.median(count / each.wall for each in taken)
        cpu = statistics.median(each.cpu / count * 1e6 for each in taken)
        ratio = statistics.median(mine.cpu / floor.cpu for mine, floor in zip(taken, measures["bare"], strict=True))
        print(f"| {name} | {speed:,.0f} | {cpu:.0f} | {ratio:.2f} |")
    print("\n| alone | CPU µs a callback |")
    print("| --- | --- |")
    for name, times in zip(("parse_callback", "tracker.feed"), zip(*alone, strict=True), strict=True):
        print(f"| {name} | {statistics.median(times):.1f} |")


def main() -> None:
    """Read the options, start the server, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callbacks", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--connections", type=int, default=50)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(there,), daemon=True)
    server.start()
    try:
        port: int = here.recv()
        measures = compare(here, port, count=options.callbacks, rounds=options.rounds, connections=options.connections)
    finally:
        here.send(None)
        server.join()
    report(measures, options.callbacks, [asyncio.run(measure_alone(options.callbacks)) for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
