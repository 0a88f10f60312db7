"""The moving limit once more, with the whole client: `send_many` in virtual time against the servers of `moving_limit.py`.

    uv run python -m benchmarks.moving_limit_client           # 100 -> 20 -> 100 messages a second, a minute each, 3 seeds

What is measured is what a user gets: accepted of what was allowed, refused attempts for each message accepted, and how many
messages of the batch came out as anything but `Accepted`.
"""

import argparse
import asyncio
import itertools
import json
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterator

from benchmarks.moving_limit import LATENCY, RATES, SERVERS, SPREAD, Server
from routee_async import Pace, RouteeClient, Sms
from routee_async.exchange import Transport
from routee_async.protocol import FETCH_TOKEN, Request, Response
from tests import virtual_time

ORIGIN = "http://127.0.0.1:1"


class Wire(Transport):
    """A network of 50 ms in memory, with a server behind it that counts what it says."""

    def __init__(self, server: Server, rng: random.Random) -> None:
        self._server = server
        self._rng = rng
        self._ids = itertools.count()
        self.accepted = 0
        self.refused = 0

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Carry a request there and its answer back."""
        del authorization, time_left
        if request.endpoint is FETCH_TOKEN:
            return Response(200, {}, b'{"access_token":"t","expires_in":3600}')
        await asyncio.sleep(self._way())
        answer = self._server.ask(asyncio.get_running_loop().time())
        self.accepted += answer.accepted
        self.refused += not answer.accepted
        await asyncio.sleep(self._way())
        if answer.accepted:
            return Response(200, {}, b'{"trackingId":"%d"}' % next(self._ids))
        # The header has whole seconds; a server that means 0.3 says 1.
        headers = {} if answer.retry_after is None else {"retry-after": str(math.ceil(answer.retry_after))}
        return Response(429, headers, b"")

    async def aclose(self) -> None:
        """Nothing to close."""

    def _way(self) -> float:
        return LATENCY / 2 * self._rng.uniform(1 - SPREAD, 1 + SPREAD)


class ClientOnWire(RouteeClient):
    """The real client on that network."""

    def __init__(self, wire: Wire, rng: random.Random, pace: Pace) -> None:
        super().__init__("app", "secret", base_url=ORIGIN, auth_url=ORIGIN, pace=pace)
        self._wire = wire
        self._rng = rng

    def _make_transport(self) -> Transport:
        return self._wire

    def _make_rng(self) -> random.Random:
        return self._rng


async def measure(server: Server, *, known: float | None, phase: float, seed: int) -> dict[str, float]:
    """Send without end while the limit moves; figures of the whole run."""
    rng = random.Random(seed)
    wire = Wire(server, rng)
    loop = asyncio.get_running_loop()
    end = phase * len(RATES)
    for number, rate in enumerate(RATES):
        loop.call_at(number * phase, server.allow, rate)

    def messages() -> Iterator[Sms]:
        for number in itertools.count():
            if loop.time() >= end:
                return
            yield Sms(to=f"+3069{number % 10**8:08d}", sender_id="ParcelCo", body="Hello")

    outcomes: Counter[str] = Counter()
    async with ClientOnWire(wire, rng, Pace(parts_per_second=known)) as client:
        async for outcome in client.send_many(messages(), concurrency=100):
            outcomes[type(outcome).__name__] += 1
    allowed = sum(rate * phase for rate in RATES)
    return {
        "share": wire.accepted / allowed,
        "waste": wire.refused / wire.accepted,
        "not accepted": outcomes.total() - outcomes["Accepted"],
    }


def main() -> None:
    """Print the figures as JSON: medians over the seeds, and the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--phase", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    report = {}
    for name, server in SERVERS.items():
        for known in (None, 100.0):
            runs = [
                virtual_time.run(measure(server(), known=known, phase=options.phase, seed=seed)) for seed in range(options.seeds)
            ]
            report[f"{name}; {'100/s configured' if known else 'rate unknown'}"] = {
                "share": round(statistics.median(run["share"] for run in runs), 3),
                "share_worst": round(min(run["share"] for run in runs), 3),
                "waste": round(statistics.median(run["waste"] for run in runs), 4),
                "waste_worst": round(max(run["waste"] for run in runs), 4),
                "not accepted": sum(run["not accepted"] for run in runs),
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
