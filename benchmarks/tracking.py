"""What following a batch costs: the real client and tracker in virtual time, against a service that delivers as networks do.

    uv run python -m benchmarks.tracking                # 2,000 and 20,000 messages, each way of following them
    uv run python -m benchmarks.tracking --messages 200000 --ways searches

Every message is sent with `send_many` and followed to its end. Printed: requests for tracking a message, the lag between a final
status being there and its being reported, and how many reports were lost or wrong. `--memory` prints bytes a watched id instead.
"""

import argparse
import asyncio
import gc
import itertools
import json
import random
import statistics
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from urllib.parse import parse_qs

import attrs

from benchmarks.tracking_model import CURVES, VISIBLE_AFTER
from routee_async import Accepted, PollPolicy, RouteeClient, SentSms, Sms, TrackedPart, Tracker, parse_callback
from routee_async.exchange import Transport
from routee_async.protocol import FETCH_TOKEN, SEARCH_TRACKING, SEND_SMS, Page, Request, Response, sent_before
from routee_async.references import block_of
from tests import virtual_time

ORIGIN = "http://127.0.0.1:1"
EPOCH = 1_790_000_000.0
LATENCY = 0.05
CONNECTIONS = 2000
"""Enough for single reads to keep up with their schedule; searches take the ten that a tracker uses by default."""
LOST = 0.05
"""Share of callbacks that never arrive, where they are used."""


def draw_delay(rng: random.Random) -> tuple[float, str]:
    """Draw the seconds from acceptance to the final status, and the status."""
    (curve,) = rng.choices(CURVES, weights=[curve.share for curve in CURVES])
    return curve.draw(rng), curve.status


@attrs.define(eq=False)
class Message:
    """A message at the service."""

    tracking_id: str
    sms_id: str
    label: str | None
    to: str
    at: float
    final_at: float
    end: str

    def row(self, now: float, *, callback: bool = False) -> dict[str, object]:
        """What the service says of it, as a tracking row or as a callback."""
        name, since = (self.end, self.final_at) if now >= self.final_at else ("Sent", self.at)
        date = datetime.fromtimestamp(EPOCH + since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = {"name": name, "updatedDate": date} if callback else {"status": name, "date": date}
        return {
            "smsId": self.sms_id,
            "messageId": self.tracking_id,
            "to": self.to,
            "groups": [],
            "country": "GR",
            "operator": "Cosmote",
            "status": status,
            "message" if callback else "body": "Hello",
            "applicationName": "default",
            "originatingService": "Sms",
            "latency": 0,
            "parts": 1,
            "part": 1,
            "price": 0.032,
            "from": "ParcelCo",
            "direction": "Outbound",
            **({} if self.label is None else {"label": self.label}),
        }


class Service(Transport):
    """Routee in memory, with a network of 50 ms before it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._numbers = itertools.count()
        self.messages: dict[str, Message] = {}
        self._blocks: dict[str, list[Message]] = {}
        self.polls = 0
        self.on_accepted: Callable[[Message], None] | None = None

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Carry a request out."""
        del authorization, time_left
        await asyncio.sleep(LATENCY / 2)
        body = json.dumps(self._answer(request)).encode()
        await asyncio.sleep(LATENCY / 2)
        return Response(404 if body == b"null" else 200, {}, body)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _answer(self, request: Request) -> object:
        if request.endpoint is FETCH_TOKEN:
            return {"access_token": "t", "expires_in": 10**7}
        now = asyncio.get_running_loop().time()
        if request.endpoint is SEND_SMS:
            return self._accept(json.loads(request.body or b""), now)
        self.polls += 1
        if request.endpoint is SEARCH_TRACKING:
            return self._page(request, now)
        message = self.messages.get(request.path.rpartition("/")[2])
        return None if message is None or now < message.at + VISIBLE_AFTER else [message.row(now)]

    def _accept(self, order: dict[str, str], now: float) -> object:
        number, (delay, end) = next(self._numbers), draw_delay(self._rng)
        tracking_id, sms_id = (f"{kind}0000000-0000-4000-8000-{number:012d}" for kind in "56")
        message = Message(tracking_id, sms_id, order.get("label"), order["to"], now, now + delay, end)
        self.messages[tracking_id] = message
        if message.label is not None:
            self._blocks.setdefault(block_of(message.label), []).append(message)
        if self.on_accepted is not None:
            self.on_accepted(message)
        return {"trackingId": tracking_id, "status": "Queued", **order}

    def _page(self, request: Request, now: float) -> object:
        query = parse_qs(request.path.partition("?")[2])
        number, size = int(query["page"][0]), int(query["size"][0])
        prefix = json.loads(request.body or b"")[0]["searchTerm"]
        visible = [message for message in self._blocks.get(prefix, ()) if now >= message.at + VISIBLE_AFTER]
        content = [message.row(now) for message in visible[number * size : (number + 1) * size]]
        return {"content": content, "last": (number + 1) * size >= len(visible)}


class ClientInMemory(RouteeClient):
    """The real client on that network."""

    def __init__(self, service: Service, rng: random.Random) -> None:
        super().__init__("app", "secret", base_url=ORIGIN, auth_url=ORIGIN, max_connections=CONNECTIONS)
        self._service = service
        self._rng = rng

    def _make_transport(self) -> Transport:
        return self._service

    def _make_rng(self) -> random.Random:
        return self._rng

    def _now(self) -> datetime:
        return datetime.fromtimestamp(EPOCH + asyncio.get_running_loop().time(), UTC)


@attrs.frozen(kw_only=True)
class Result:
    """What following a batch came to."""

    requests: float
    median_lag: float
    p95_lag: float
    lost: int
    wrong: int


def make_messages(count: int) -> Iterator[Sms]:
    """Make the input."""
    return (Sms(to=f"+30697{number:07d}", sender_id="ParcelCo", body="Hello") for number in range(count))


async def follow(count: int, way: str, seed: int) -> Result:
    """Send *count* messages and follow them, in one of the *ways*."""
    rng = random.Random(seed)
    service = Service(rng)
    loop = asyncio.get_running_loop()
    lags: list[float] = []
    wrong = 0
    concurrency = CONNECTIONS // 2 if "single" in way else 10
    async with ClientInMemory(service, rng) as client, client.tracker(concurrency=concurrency) as tracker:
        if "callbacks" in way:
            service.on_accepted = lambda message: _call_back(tracker, message, rng)

        async def accepted() -> AsyncIterator[SentSms | str]:
            async with aclosing(client.send_many(make_messages(count))) as outcomes:
                async for outcome in outcomes:
                    if not isinstance(outcome, Accepted):
                        raise TypeError(f"the service accepts everything, but: {outcome}")
                    yield outcome.sent.tracking_id if "single" in way else outcome.sent

        async for report in tracker.until_final(accepted()):
            message = service.messages[report.tracking_id]
            lags.append(loop.time() - message.final_at)
            wrong += report.status != message.end
    lags.sort()
    return Result(
        requests=service.polls / count,
        median_lag=statistics.median(lags),
        p95_lag=lags[int(len(lags) * 0.95)],
        lost=count - len(lags),
        wrong=wrong,
    )


def _call_back(tracker: Tracker, message: Message, rng: random.Random) -> None:
    """Post the callbacks of a message: late, out of order, twice now and then, or not at all."""
    loop = asyncio.get_running_loop()
    for moment in (message.at, message.final_at):
        for _ in range(2 if rng.random() < 0.05 else 1):
            if rng.random() >= LOST:
                callback = parse_callback(json.dumps(message.row(moment, callback=True)))
                loop.call_at(moment + rng.expovariate(1.0), tracker.feed, callback)


WAYS = ("single reads", "searches", "single reads and callbacks", "searches and callbacks")


def measure_memory(count: int) -> None:
    """Print the bytes that an open message takes in the tracker, and one that is done."""

    async def main() -> None:
        async def nothing(_: str) -> tuple[TrackedPart, ...]:
            raise AssertionError("nothing is read so soon")

        async def no_page(*_: object) -> Page:
            raise AssertionError("nothing is read so soon")

        sent = sent_before(Sms(to="+306970000000", sender_id="ParcelCo", body="Hello"), "x", "", 1)
        for name, by_search in (("read alone", False), ("read with others", True)):
            tracker = Tracker(nothing, no_page, policy=PollPolicy(first_delay=3600))
            async with tracker:
                gc.collect()
                tracemalloc.start()
                for number in range(count):
                    tracking_id = f"50000000-0000-4000-8000-{number:012d}"
                    reference = f"ra.abcdefgh.{number:07d}" if by_search else None
                    tracker.watch(attrs.evolve(sent, tracking_id=tracking_id, reference=reference))
                gc.collect()
                size, _ = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                print(f"{count:,} open messages, {name}: {size / count:.0f} bytes each, their ids of 85 bytes included")

    asyncio.run(main())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", type=int, metavar="COUNT", help="bytes a watched id, with COUNT of them")
    arguments = parser.parse_args()
    if arguments.memory:
        measure_memory(arguments.memory)
        return
    print(f"{'messages':>9}  {'followed by':28}  {'requests each':>13}  {'median lag':>10}  {'p95 lag':>9}  lost  wrong")
    for count, way in itertools.product(arguments.messages, arguments.ways):
        result = virtual_time.run(follow(count, way, arguments.seed))
        print(
            f"{count:9,}  {way:28}  {result.requests:13.4f}  {result.median_lag:8.2f} s  {result.p95_lag:7.1f} s"
            f"  {result.lost:4}  {result.wrong:5}",
            flush=True,
        )


if __name__ == "__main__":
    main()
