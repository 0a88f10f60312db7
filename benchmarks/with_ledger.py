"""What the ledger leaves of `send_many`: with it and without, over HTTP and TLS, 100 and 500 in flight.

    uv run benchmarks/with_ledger.py
    uv run benchmarks/with_ledger.py --bursts 20 --messages 50000
    uv run benchmarks/with_ledger.py --short             # a few hundred messages: that it runs, not how fast

The two send in turns, burst by burst, in one process with a server in another, each bound to a processor where there are several.
A noisy machine that slows both down leaves their ratio alone, which is the median of the ratios of neighbours, and says what is
left with the ledger: 1.00 would be all. Each burst has a new ledger, which is made, filled and closed while the clock runs.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import attrs

from benchmarks.clients import ours
from benchmarks.clients.common import Run, Target
from benchmarks.contenders import SEES
from benchmarks.servers import ROOT, Certificate, bind_to, certify, serve

PLACES = tuple((transport, concurrency) for transport in ("http", "tls") for concurrency in (100, 500))
_WARM_UP = 500
_PATIENCE = 600.0


@attrs.frozen
class Task:
    """One measurement.

    Attributes:
        origin: Of the server.
        concurrency: Messages in flight.
        messages: Of a burst.
        bursts: How many without the ledger, and as many with it.
        core: Processor to be bound to; None for any.
    """

    origin: str
    concurrency: int
    messages: int
    bursts: int
    core: int | None


@attrs.frozen
class Burst:
    """What one burst took.

    Attributes:
        cpu: Microseconds of processor time of the process, with the ledger's thread, for a message.
        wall: Microseconds by the clock for a message.
    """

    cpu: float
    wall: float


async def measure(task: Task) -> list[tuple[Burst, Burst]]:
    """Measure in this process: pairs of bursts, without the ledger and with it.

    Raises:
        RuntimeError: Not every message was accepted: nothing but success is timed.
    """
    bind_to(task.core)
    target = Target(task.origin, task.concurrency)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(opened(target)) for opened in (ours.default, ours.with_ledger)]
        for run in clients:
            await run(min(_WARM_UP, task.messages))
        pairs = []
        for _ in range(task.bursts):
            without, with_it = [await _burst(run, task.messages) for run in clients]
            pairs.append((without, with_it))
    return pairs


async def _burst(run: Run, messages: int) -> Burst:
    wall, cpu = time.perf_counter(), time.process_time()
    accepted = await run(messages)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if accepted != messages:
        raise RuntimeError(f"{accepted} of {messages} messages were accepted")
    return Burst(cpu=cpu / messages * 1e6, wall=wall / messages * 1e6)


def measure_apart(task: Task, authority: Path | None) -> list[tuple[Burst, Burst]]:
    """Measure in a new process."""
    environment = {name: os.environ[name] for name in SEES if name in os.environ}
    if authority is not None:
        environment["SSL_CERT_FILE"] = str(authority)
    command = [sys.executable, "-m", "benchmarks.with_ledger", "--one", json.dumps(attrs.asdict(task))]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=_PATIENCE)  # noqa: S603 - our own
    return [(Burst(**without), Burst(**with_it)) for without, with_it in json.loads(done.stdout)]


def measure_place(transport: str, task: Task, certificate: Certificate) -> list[tuple[Burst, Burst]]:
    """Measure at one place, with a server of its own."""
    secure = certificate if transport == "tls" else None
    with serve(core=None if task.core is None else task.core + 1, certificate=secure) as server:
        return measure_apart(attrs.evolve(task, origin=server.origin), certificate.authority if secure else None)


def to_line(place: tuple[str, int], pairs: Sequence[tuple[Burst, Burst]]) -> str:
    """Make a line of the table of `docs/benchmarks.md`."""
    transport, concurrency = place
    without, with_it = (statistics.median(pair[side].cpu for pair in pairs) for side in (0, 1))
    left = [
        statistics.median(pair[0].cpu / pair[1].cpu for pair in pairs),
        statistics.median(pair[0].wall / pair[1].wall for pair in pairs),
    ]
    return f"| {transport.upper()}, {concurrency} in flight | {without:.1f} µs | {with_it:.1f} µs | {left[0]:.2f} | {left[1]:.2f} |"


def main() -> None:
    """Measure and print, or be one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=30_000, help="of one burst")
    parser.add_argument("--bursts", type=int, default=10, help="of each of the two, at each place")
    parser.add_argument("--short", action="store_true", help="a few hundred messages, one burst")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        pairs = asyncio.run(measure(Task(**json.loads(options.one))))
        print(json.dumps([[attrs.asdict(burst) for burst in pair] for pair in pairs]))
        return
    messages, bursts = (300, 1) if options.short else (options.messages, options.bursts)
    several = (os.cpu_count() or 1) > 1
    print("| | CPU without | CPU with the ledger | left of the CPU's work | left of messages a second |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        certificate = certify(Path(folder))
        for transport, concurrency in PLACES:
            task = Task("", concurrency, messages, bursts, 0 if several else None)
            print(to_line((transport, concurrency), measure_place(transport, task, certificate)), flush=True)


if __name__ == "__main__":
    main()
