"""What a ledger costs a message: an intent and an outcome, each on disk before it goes on.

    uv run benchmarks/ledger.py                          # 1, 10, 100 and 500 in flight, 3 rounds of 20,000 messages
    uv run benchmarks/ledger.py --messages 500 --rounds 1
    uv run benchmarks/ledger.py --directory /data        # on that file system
    uv run benchmarks/ledger.py --wire 0.05              # with 50 ms between intent and outcome: smaller groups
    uv run benchmarks/ledger.py --wire 0.05 --group-delay 0.002

Twice over: `awaited` has a worker for each message in flight, which does nothing but write; `called_back` has none, as a batch
does it. Both make the checksum of each message too. CPU is the user and system time of the process, with the
ledger's thread; with `--wire` it includes the timers of the waiting. Figures are medians of rounds. One message in flight waits for
the disk twice; `fsync` says how long one such wait is on this file system.
"""

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import attrs

from routee_async import references
from routee_async.checksums import checksum_of
from routee_async.errors import LedgerError
from routee_async.ledger import Ledger
from routee_async.models import Sms
from routee_async.store import RowState

IN_FLIGHT = (1, 10, 100, 500)
FSYNCS = 200
BODY = "Hi, your parcel 8812 arrives today between 10 and 12."
BLOCK = 4096
MILLION = 1_000_000


@attrs.frozen
class Settings:
    """What is measured.

    Attributes:
        messages: Messages of a round.
        rounds: How many rounds.
        wire: Seconds between intent and outcome.
        group_delay: Of the ledger.
    """

    messages: int
    rounds: int
    wire: float
    group_delay: float


@attrs.frozen
class Measure:
    """One round.

    Attributes:
        wall: Seconds.
        cpu: Seconds of user and system time of this process.
        size: Bytes of the closed ledger.
    """

    wall: float
    cpu: float
    size: int


def time_of_fsync(directory: Path) -> float:
    """Seconds that appending a block and waiting for the disk takes."""
    taken = []
    with (directory / "fsync").open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            file.write(os.urandom(BLOCK))
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


@attrs.frozen
class Given:
    """A message of which everything is there but its checksum."""

    position: int
    sms: Sms
    reference: str
    tracking_id: str


def make_messages(run_id: str, count: int) -> list[Given]:
    """What a batch would have at hand."""
    return [
        Given(
            position,
            Sms(to=f"+3069{position:08}", sender_id="ParcelCo", body=BODY),
            references.reference_of(run_id, position),
            f"5b0a4c0e-7c54-4bb1-8a53-{position:012x}",
        )
        for position in range(count)
    ]


async def work(ledger: Ledger, messages: Iterator[Given], wire: float) -> None:
    """Take messages, write an intent and, *wire* seconds later, an outcome for each."""
    for given in messages:
        assert await ledger.find(given.position) is None  # noqa: S101 - a new ledger
        checksum = checksum_of(given.sms)
        await ledger.intend(given.position, given.reference, checksum)
        if wire:
            # Not all the same, or everybody would come back in step.
            await asyncio.sleep(wire * (0.5 + given.position % 97 / 97))
        await ledger.settle(
            given.position,
            reference=given.reference,
            checksum=checksum,
            state=RowState.ACCEPTED,
            tracking_id=given.tracking_id,
            parts=1,
        )


class Caller:
    """A batch that sends nothing, by callbacks."""

    def __init__(self, ledger: Ledger, messages: list[Given], wire: float) -> None:
        self.done = asyncio.Event()
        self._ledger = ledger
        self._wire = wire
        self._open = len(messages)
        self._messages = iter(messages)
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Begin with the next message, if there is one."""
        given = next(self._messages, None)
        if given is None:
            return
        assert self._ledger.is_new_from(given.position)  # noqa: S101 - a new ledger
        checksum = checksum_of(given.sms)
        self._ledger.intend_soon(given.position, given.reference, checksum, partial(self._send, given, checksum))

    def _send(self, given: Given, checksum: bytes, error: LedgerError | None) -> None:
        if error is not None:
            raise error
        if self._wire:
            self._loop.call_later(self._wire * (0.5 + given.position % 97 / 97), self._settle, given, checksum)
        else:
            self._settle(given, checksum)

    def _settle(self, given: Given, checksum: bytes) -> None:
        self._ledger.accept_soon(given.position, given.reference, checksum, given.tracking_id, 1, self._end)

    def _end(self, error: LedgerError | None) -> None:
        if error is not None:
            raise error
        self._open -= 1
        if not self._open:
            self.done.set()
        self.begin()


async def await_each(ledger: Ledger, messages: list[Given], wire: float, in_flight: int) -> None:
    """A worker for each message in flight."""
    given = iter(messages)
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work(ledger, given, wire))


async def be_called(ledger: Ledger, messages: list[Given], wire: float, in_flight: int) -> None:
    """No worker at all."""
    caller = Caller(ledger, messages, wire)
    for _ in range(in_flight):
        caller.begin()
    await caller.done.wait()


Fill = Callable[[Ledger, list[Given], float, int], Awaitable[None]]
WAYS: dict[str, Fill] = {"awaited": await_each, "called_back": be_called}


async def one_fill(fill: Fill, ledger: Ledger, settings: Settings, *, in_flight: int, messages: int) -> tuple[float, float]:
    """Write a new ledger; returns seconds by the clock and of the processor."""
    given = make_messages(await ledger.open(), messages)
    wall, cpu = time.perf_counter(), time.process_time()
    await fill(ledger, given, settings.wire, in_flight)
    await ledger.close()  # what it tidies up is part of the cost
    return time.perf_counter() - wall, time.process_time() - cpu


def one_round(fill: Fill, path: Path, settings: Settings, *, in_flight: int, messages: int) -> Measure:
    """Write a new ledger, look at its size and remove it."""
    ledger = Ledger(path, group_delay=settings.group_delay)
    wall, cpu = asyncio.run(one_fill(fill, ledger, settings, in_flight=in_flight, messages=messages))
    taken = Measure(wall, cpu, path.stat().st_size)
    ledger.purge()
    return taken


def measure(fill: Fill, directory: Path, settings: Settings, *, in_flight: int) -> dict[str, float]:
    """Cost of a message with so many in flight, in microseconds."""
    # A few wait for the disk, and for the wire, most of the time: fewer messages tell enough.
    messages = max(1, settings.messages * min(in_flight, 100) // 100) if settings.wire or in_flight == 1 else settings.messages
    taken = [
        one_round(fill, directory / "run.db", settings, in_flight=in_flight, messages=messages) for _ in range(settings.rounds)
    ]
    return {
        "in_flight": in_flight,
        "messages": messages,
        "wall_us": round(statistics.median(each.wall for each in taken) / messages * MILLION, 1),
        "cpu_us": round(statistics.median(each.cpu for each in taken) / messages * MILLION, 1),
        "bytes": round(taken[-1].size / messages, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wire", type=float, default=0.0, help="seconds between intent and outcome")
    parser.add_argument("--group-delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--directory", type=Path, default=None)
    options = parser.parse_args()
    settings = Settings(options.messages, options.rounds, options.wire, options.group_delay)
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        result = {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **attrs.asdict(settings),
            "fsync_us": round(time_of_fsync(directory) * MILLION, 1),
            **{
                name: [measure(fill, directory, settings, in_flight=in_flight) for in_flight in IN_FLIGHT]
                for name, fill in WAYS.items()
            },
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
