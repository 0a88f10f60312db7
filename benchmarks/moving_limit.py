"""Follow a server whose allowed rate moves: how much of it is used, and how many attempts are refused on the way.

    uv run benchmarks/moving_limit.py                    # 100 -> 20 -> 100 messages a second, a minute each, 50 seeds
    uv run benchmarks/moving_limit.py --seeds 5 --phase 20

A discrete-event simulation in virtual time around the real `Pacer`: 100 senders without end of work, an answer takes 50 ms give or
take a fifth, half of it on the way there, timers are up to a millisecond late. A minute is up to a tenth longer or shorter, so that
the change comes at any moment of the pacer's doings. Three servers, with and without the rate at the start known to the client.
The share is what was accepted of what was allowed, waste is refused attempts for each message accepted.

Another way of pacing can be put in the place of the `Pacer`: see `Pacing`. The servers have no part in that, and may as well stand
behind the transport of a real client in virtual time.
"""

import argparse
import bisect
import functools
import heapq
import itertools
import json
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from routee_async.pace import Pace, Pacer

LATENCY = 0.05
SPREAD = 0.2
LATE = 0.001
UNEVEN = 0.1
SENDERS = 100
RATES = (100.0, 20.0, 100.0)


class Pacing(Protocol):
    """What decides when the first in line may start."""

    def delay(self, now: float) -> float:
        """Seconds until it may; 0 when it may now."""

    def reserve(self, now: float, parts: int, waiting_since: float) -> float:
        """Let it start."""

    def accepted(self, now: float, parts: int, started_at: float) -> None:
        """Learn of a success."""

    def refused(self, now: float, retry_after: float | None, started_at: float) -> None:
        """Learn of a 429."""


@attrs.frozen
class Answer:
    """What the server says to one request.

    Attributes:
        accepted: False for a 429.
        retry_after: Seconds, as in its header; None without one.
    """

    accepted: bool
    retry_after: float | None = None


class Server(Protocol):
    """A limit on messages a second."""

    def allow(self, rate: float) -> None:
        """Allow *rate* messages a second from now on."""

    def ask(self, now: float) -> Answer:
        """Answer a request that arrives now."""


class SlidingWindow:
    """At most `rate` accepted within any second; `Retry-After: 1` otherwise."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._accepted: deque[float] = deque()

    def allow(self, rate: float) -> None:
        """Allow *rate* messages a second from now on."""
        self._rate = rate

    def ask(self, now: float) -> Answer:
        """Answer a request that arrives now."""
        while self._accepted and self._accepted[0] <= now - 1:
            self._accepted.popleft()
        if len(self._accepted) >= self._rate:
            return Answer(accepted=False, retry_after=1.0)
        self._accepted.append(now)
        return Answer(accepted=True)


class TokenBucket:
    """A bucket of one second's tokens, full at first; no `Retry-After`."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._tokens = math.inf
        self._at = 0.0

    def allow(self, rate: float) -> None:
        """Allow *rate* messages a second from now on."""
        self._rate = rate

    def ask(self, now: float) -> Answer:
        """Answer a request that arrives now."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return Answer(accepted=False)
        self._tokens -= 1
        return Answer(accepted=True)


class FixedWindow:
    """At most `rate` accepted in each second of the server's clock; `Retry-After` says exactly when the next one begins."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._second = -1
        self._count = 0

    def allow(self, rate: float) -> None:
        """Allow *rate* messages a second from now on."""
        self._rate = rate

    def ask(self, now: float) -> Answer:
        """Answer a request that arrives now."""
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        if self._count >= self._rate:
            return Answer(accepted=False, retry_after=self._second + 1 - now)
        self._count += 1
        return Answer(accepted=True)


SERVERS: dict[str, Callable[[], Server]] = {
    "sliding window, Retry-After: 1": SlidingWindow,
    "token bucket, no Retry-After": TokenBucket,
    "fixed window, exact Retry-After": FixedWindow,
}


@attrs.define
class PhaseTally:
    """What happened while the server allowed one rate.

    Attributes:
        allowed: Messages that could have been accepted.
        accepted: Messages that were.
        refused: Attempts that were not.
    """

    allowed: float
    accepted: int = 0
    refused: int = 0

    @property
    def share(self) -> float:
        """Accepted of allowed."""
        return self.accepted / self.allowed

    @property
    def waste(self) -> float:
        """Refused attempts for each message accepted."""
        return self.refused / max(1, self.accepted)


@attrs.define
class Run:
    """One simulated run.

    Attributes:
        phases: One tally a phase.
        most_refused: The most attempts that were refused for any one message.
    """

    phases: list[PhaseTally]
    most_refused: int = 0

    @property
    def total(self) -> PhaseTally:
        """All phases together."""
        phases = self.phases
        return PhaseTally(sum(p.allowed for p in phases), sum(p.accepted for p in phases), sum(p.refused for p in phases))


class Simulation:
    """Senders in line before one pacer, and a server some milliseconds away."""

    def __init__(self, pacer: Pacing, server: Server, *, rates: Sequence[float], phase: float, senders: int, seed: int) -> None:
        self._pacer = pacer
        self._server = server
        self._rates = rates
        self._rng = random.Random(seed)
        start = self._rng.random()  # the server's clock does not begin with ours
        lengths = [phase * self._rng.uniform(1 - UNEVEN, 1 + UNEVEN) for _ in rates]
        self._bounds = list(itertools.accumulate(lengths, initial=start))
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._line = deque([0] * senders)  # how often the message of each was refused
        self._first_since = 0.0
        self._timer = math.inf
        self.tally = Run([PhaseTally(rate * length) for rate, length in zip(rates, lengths, strict=True)])

    def run(self) -> Run:
        """Run all phases and tally what the server said."""
        for begin, rate in zip(self._bounds, self._rates, strict=False):
            self._at(begin, functools.partial(self._allow, rate))
        self._at(self._bounds[0], self._pump)
        while self._events[0][0] < self._bounds[-1]:
            now, _, action = heapq.heappop(self._events)
            action(now)
        return self.tally

    def _at(self, moment: float, action: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, action))

    def _way(self) -> float:
        return LATENCY / 2 * self._rng.uniform(1 - SPREAD, 1 + SPREAD)

    def _pump(self, now: float) -> None:
        """Let those in line start, as far as they may; set the timer for the next."""
        while self._line:
            delay = self._pacer.delay(now)
            if delay > 0:
                if now >= self._timer or self._timer == math.inf:
                    self._timer = now + delay + self._rng.uniform(0, LATE)
                    self._at(self._timer, self._pump)
                return
            self._pacer.reserve(now, 1, self._first_since)
            refusals = self._line.popleft()
            self._first_since = now
            self._at(now + self._way(), functools.partial(self._arrive, now, refusals))

    def _allow(self, rate: float, _: float) -> None:
        self._server.allow(rate)

    def _arrive(self, started_at: float, refusals: int, now: float) -> None:
        answer = self._server.ask(now)
        tally = self.tally.phases[bisect.bisect_right(self._bounds, now) - 1]
        if answer.accepted:
            tally.accepted += 1
        else:
            tally.refused += 1
            self.tally.most_refused = max(self.tally.most_refused, refusals + 1)
        self._at(now + self._way(), functools.partial(self._answered, answer, started_at, refusals))

    def _answered(self, answer: Answer, started_at: float, refusals: int, now: float) -> None:
        if answer.accepted:
            self._pacer.accepted(now, 1, started_at)
        else:
            self._pacer.refused(now, answer.retry_after, started_at)
        if not self._line:
            self._first_since = now
        self._line.append(0 if answer.accepted else refusals + 1)
        self._pump(now)


def summary(runs: Sequence[Run]) -> dict[str, object]:
    """Medians and the worst of several runs, for each phase and in total."""

    def figures(tallies: Sequence[PhaseTally]) -> dict[str, float]:
        shares, wastes = [t.share for t in tallies], [t.waste for t in tallies]
        return {
            "share": round(statistics.median(shares), 4),
            "share_worst": round(min(shares), 4),
            "waste": round(statistics.median(wastes), 4),
            "waste_worst": round(max(wastes), 4),
        }

    phases = [figures([run.phases[index] for run in runs]) for index in range(len(runs[0].phases))]
    return {"total": figures([run.total for run in runs]), "phases": phases, "most_refused": max(run.most_refused for run in runs)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--phase", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    report = {}
    for name, server in SERVERS.items():
        for known in (None, 100.0):
            runs = [
                Simulation(
                    Pacer(Pace(parts_per_second=known)), server(), rates=RATES, phase=options.phase, senders=SENDERS, seed=seed
                ).run()
                for seed in range(options.seeds)
            ]
            report[f"{name}; {'100/s configured' if known else 'rate unknown'}"] = summary(runs)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
