"""What worker processes are worth: `send_many` alone and with 1, 2 and 4 workers, over HTTP and TLS.

    uv run benchmarks/workers.py
    uv run benchmarks/workers.py --rounds 7 --messages 20000 --json figures.json
    uv run benchmarks/workers.py --short                 # a few hundred messages: that it runs, not how fast

Each measurement has a process of its own, in a new order each round; a figure is the median over the rounds, a ratio the median of
the rounds' ratios to "alone". Processor time is told of the client's own process, whose single thread is the limit, and of all
processes together, workers included; that of the server is not counted. Nothing is bound to a processor: where there are two, the
server takes its part of them.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs

from benchmarks.clients.common import APPLICATION_ID, APPLICATION_SECRET, BODY, SENDER_ID, recipient
from benchmarks.contenders import SEES
from benchmarks.servers import ROOT, Certificate, certify, serve
from routee_async import Accepted, RouteeClient, Sms

TRANSPORTS = ("http", "tls")
WORKERS = (0, 1, 2, 4)
_WARM_UP = 500
_PATIENCE = 300.0


@attrs.frozen
class Task:
    """One measurement.

    Attributes:
        origin: Of the server.
        workers: Worker processes; 0 for none.
        messages: How many are sent while it counts.
        concurrency: Messages in flight.
    """

    origin: str
    workers: int
    messages: int
    concurrency: int


@attrs.frozen
class Measure:
    """What came of it.

    Attributes:
        rate: Messages a second.
        own: Microseconds of processor time of the client's own process for a message.
        all: Likewise, with its workers.
    """

    rate: float
    own: float
    all: float


@attrs.frozen
class Row:
    """The medians of one line.

    Attributes:
        transport: `http` or `tls`.
        workers: Worker processes.
        measure: The medians.
        ratio: Medians of the ratios to "alone", each above 1 where it is better.
    """

    transport: str
    workers: int
    measure: Measure
    ratio: Measure


def _processor_time(pid: int) -> float:
    """Seconds of processor time that a living process has taken. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children() -> list[int]:
    """Processes that this one has started."""
    told = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(pid) for pid in told.split()]


async def measure(task: Task) -> Measure:
    """Measure in this process.

    Raises:
        RuntimeError: Not every message was accepted: nothing but success is timed.
    """
    async with RouteeClient(
        APPLICATION_ID,
        APPLICATION_SECRET,
        base_url=task.origin,
        auth_url=task.origin,
        max_connections=task.concurrency,
        workers=task.workers,
    ) as client:

        async def run(count: int) -> int:
            messages = (Sms(to=recipient(number), sender_id=SENDER_ID, body=BODY) for number in range(count))
            accepted = 0
            async for outcome in client.send_many(messages, concurrency=task.concurrency):
                accepted += isinstance(outcome, Accepted)
            return accepted

        await run(min(_WARM_UP, task.messages))
        children = _children()
        before = sum(map(_processor_time, children))
        wall, cpu = time.perf_counter(), time.process_time()
        accepted = await run(task.messages)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        theirs = sum(map(_processor_time, children)) - before
    if accepted != task.messages:
        raise RuntimeError(f"{accepted} of {task.messages} messages were accepted")
    each = 1e6 / task.messages
    return Measure(rate=task.messages / wall, own=cpu * each, all=(cpu + theirs) * each)


def measure_apart(task: Task, authority: Path | None) -> Measure:
    """Measure in a new process."""
    environment = {name: os.environ[name] for name in SEES if name in os.environ}
    if authority is not None:
        environment["SSL_CERT_FILE"] = str(authority)
    command = [sys.executable, "-m", "benchmarks.workers", "--one", json.dumps(attrs.asdict(task))]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=_PATIENCE)  # noqa: S603 - our own
    return Measure(**json.loads(done.stdout))


def measure_all(task: Task, rounds: int, rng: random.Random) -> list[Row]:
    """Measure everything, round by round, in a new order each time."""
    found: dict[tuple[str, int], list[Measure]] = {(transport, workers): [] for transport in TRANSPORTS for workers in WORKERS}
    with ExitStack() as stack:
        certificate = certify(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        servers = {transport: stack.enter_context(serve(certificate=_only_tls(transport, certificate))) for transport in TRANSPORTS}
        for number in range(rounds):
            order = list(found)
            rng.shuffle(order)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            for transport, workers in order:
                one = attrs.evolve(task, origin=servers[transport].origin, workers=workers)
                authority = certificate.authority if transport == "tls" else None
                found[transport, workers].append(measure_apart(one, authority))
    return [summarize(where, found) for where in found]


def _only_tls(transport: str, certificate: Certificate) -> Certificate | None:
    return certificate if transport == "tls" else None


def summarize(where: tuple[str, int], found: Mapping[tuple[str, int], Sequence[Measure]]) -> Row:
    """Work out the medians of one line."""
    measures, alone = found[where], found[where[0], 0]
    middle = Measure(*(statistics.median(values) for values in zip(*map(attrs.astuple, measures), strict=True)))
    pairs = list(zip(measures, alone, strict=True))
    ratio = Measure(
        rate=statistics.median(one.rate / other.rate for one, other in pairs),
        own=statistics.median(other.own / one.own for one, other in pairs),
        all=statistics.median(other.all / one.all for one, other in pairs),
    )
    return Row(*where, middle, ratio)


def to_markdown(rows: Sequence[Row]) -> str:
    """Make the table of `docs/benchmarks.md`."""
    lines = [
        "| | messages a second | × alone | CPU of the client | × alone | CPU of all processes | × alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        name = "alone" if row.workers == 0 else f"{row.workers} worker{'s' * (row.workers > 1)}"
        figures, ratio = row.measure, row.ratio
        lines.append(
            f"| {row.transport.upper()}, {name} | {figures.rate / 1000:.1f}k/s | {ratio.rate:.2f} "
            f"| {figures.own:.1f} µs | {ratio.own:.2f} | {figures.all:.1f} µs | {ratio.all:.2f} |",
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print, or be one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="of one measurement")
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="a few hundred messages, one round")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(attrs.asdict(asyncio.run(measure(Task(**json.loads(options.one)))))))
        return
    task = Task("", 0, 300 if options.short else options.messages, options.concurrency)
    rows = measure_all(task, 1 if options.short else options.rounds, random.Random(options.seed))
    if options.json is not None:
        options.json.write_text(json.dumps([attrs.asdict(row) for row in rows], indent=1), encoding="utf-8")
    print(to_markdown(rows))


if __name__ == "__main__":
    main()
