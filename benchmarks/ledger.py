"""What a ledger costs a message: an intent and an outcome, each on disk before its worker goes on.

    uv run benchmarks/ledger.py                          # 1, 10, 100 and 500 workers, 3 rounds of 20,000 messages
    uv run benchmarks/ledger.py --messages 500 --rounds 1
    uv run benchmarks/ledger.py --directory /data        # on that file system
    uv run benchmarks/ledger.py --wire 0.05              # with 50 ms between intent and outcome: smaller groups
    uv run benchmarks/ledger.py --wire 0.05 --group-delay 0.002

Without `--wire` workers do nothing but write. CPU is the user and system time of the process, with the ledger's thread; with
`--wire` it includes the timers of the waiting. Figures are medians of rounds. One worker waits for the disk twice a message;
`fsync` says how long one such wait is on this file system.
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
from collections.abc import Iterator
from pathlib import Path

import attrs

from routee_async.ledger import Ledger
from routee_async.store import RowState

WORKERS = (1, 10, 100, 500)
FSYNCS = 200
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


async def work(ledger: Ledger, positions: Iterator[int], wire: float) -> None:
    """Take messages from *positions*, write an intent and, *wire* seconds later, an outcome for each."""
    for position in positions:
        assert await ledger.find(position) is None  # noqa: S101 - a new ledger
        reference = f"ra.k3f9x2ab.{position:07}"
        checksum = os.urandom(16)
        tracking_id = f"5b0a4c0e-7c54-4bb1-8a53-{position:012x}"
        await ledger.intend(position, reference, checksum)
        if wire:
            # Not all the same, or everybody would come back in step.
            await asyncio.sleep(wire * (0.5 + position % 97 / 97))
        await ledger.settle(
            position,
            reference=reference,
            checksum=checksum,
            state=RowState.ACCEPTED,
            tracking_id=tracking_id,
            parts=1,
        )


async def fill(ledger: Ledger, settings: Settings, *, workers: int, messages: int) -> tuple[float, float]:
    """Write a new ledger; returns seconds by the clock and of the processor."""
    await ledger.open()
    positions = iter(range(messages))
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work(ledger, positions, settings.wire))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await ledger.close()
    return wall, cpu


def one_round(path: Path, settings: Settings, *, workers: int, messages: int) -> Measure:
    """Write a new ledger, look at its size and remove it."""
    ledger = Ledger(path, group_delay=settings.group_delay)
    wall, cpu = asyncio.run(fill(ledger, settings, workers=workers, messages=messages))
    taken = Measure(wall, cpu, path.stat().st_size)
    ledger.purge()
    return taken


def measure(directory: Path, settings: Settings, *, workers: int) -> dict[str, float]:
    """Cost of a message with so many workers, in microseconds."""
    # Few workers wait for the disk, and for the wire, most of the time: fewer messages tell enough.
    messages = max(1, settings.messages * min(workers, 100) // 100) if settings.wire or workers == 1 else settings.messages
    taken = [one_round(directory / "run.db", settings, workers=workers, messages=messages) for _ in range(settings.rounds)]
    return {
        "workers": workers,
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
            "ledger": [measure(directory, settings, workers=workers) for workers in WORKERS],
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
