"""What the steps of a send cost, one by one.

    uv run benchmarks/micro.py
    uv run benchmarks/micro.py --short                   # that it runs, not how fast
    uv run benchmarks/micro.py --json

Nanoseconds of processor time a call, the empty loop taken off: medians of rounds in which all steps take turns. A difference of
less than a tenth between two runs means nothing. The ledger is measured by the clock, with a hundred workers, on the file system of
the temporary folder: an intent and an outcome on disk for each message.
"""

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path

from benchmarks import report
from benchmarks.answers import ANSWERS
from benchmarks.clients.common import BODY, SENDER_ID
from routee_async import Ledger, RowState, Sms, codec, models, phone, protocol, references, retry, segments, validation
from routee_async.breaker import Breaker
from routee_async.checksums import checksum_of
from routee_async.pace import Pace, Pacer
from routee_async.protocol import Failure, Phase, Response

SMS = Sms(to="+306970000001", sender_id=SENDER_ID, body=BODY)
LABEL = "ra.k3f9x2ab.0000001"
GREEK = "Το δέμα σας 8812 φτάνει σήμερα μεταξύ 10 και 12. " * 3
RUN_ID = "k3f9x2ab"
ANSWER = Response(200, {}, ANSWERS["/sms"][1], lambda: None)
OTHER_ANSWER = Response(200, {}, ANSWER.body.replace(b"parcel", b"package"))
SENT = protocol.read_sent(ANSWER, SMS, LABEL)
REQUEST = protocol.build_send(SMS, LABEL)
FAILURE = Failure(phase=Phase.BODY, reason="closed", written=True)
_WORKERS = 100


def make_steps() -> Mapping[str, Callable[[], object]]:
    """What is measured, by name."""
    free, limited = Pacer(Pace()), Pacer(Pace(parts_per_second=1e9))
    return {
        "phone.normalize, E.164": partial(phone.normalize, SMS.to),
        "phone.normalize, national": partial(phone.normalize, "697 000 0001", default_region="GR"),
        "validation.prepare": partial(validation.prepare, SMS, default_region=None),
        "segments.count_parts": partial(segments.count_parts, BODY),
        "segments.analyze, GSM-7": partial(segments.analyze, BODY),
        "segments.analyze, UCS-2 of three parts": partial(segments.analyze, GREEK),
        "references.reference_of": partial(references.reference_of, RUN_ID, 51_271),
        "references.wire_label": partial(references.wire_label, None, LABEL),
        "checksums.checksum_of (with a ledger)": partial(checksum_of, SMS),
        "codec.encode_sms": partial(codec.encode_sms, SMS, LABEL),
        "protocol.build_send": partial(protocol.build_send, SMS, LABEL),
        "protocol.read_sent": partial(protocol.read_sent, ANSWER, SMS, LABEL),
        "protocol.read_sent, another text": partial(protocol.read_sent, OTHER_ANSWER, SMS, LABEL),
        "models.build_accepted": partial(models.build_accepted, index=1, sms=SMS, sent=SENT),
        "models.Accepted": partial(models.Accepted, index=1, sms=SMS, sent=SENT),
        "retry.decide, accepted": partial(retry.decide, REQUEST, ANSWER, renewed=False),
        "retry.decide, no answer": partial(retry.decide, REQUEST, FAILURE, renewed=False),
        "Pacer.delay + reserve, no limit": partial(_reserve, free),
        "Pacer.delay + reserve, a limit": partial(_reserve, limited),
        "Pacer.accepted": partial(_accept, free),
        "Breaker.record, well": partial(Breaker().record, ok=True, now=1.0, started_at=0.0),
    }


def _reserve(pacer: Pacer) -> None:
    now = time.monotonic()
    if pacer.delay(now) <= 0:
        pacer.reserve(now, 1)


def _accept(pacer: Pacer) -> None:
    now = time.monotonic()
    pacer.accepted(now, 1, now)


def time_of(step: Callable[[], object], calls: int) -> float:
    """Nanoseconds of one call."""
    began = time.process_time_ns()
    for _ in repeat(None, calls):
        step()
    return (time.process_time_ns() - began) / calls


def _nothing() -> None:
    """The empty loop, and the call."""


def measure(*, calls: int, rounds: int) -> dict[str, float]:
    """Nanoseconds of each step."""
    steps = make_steps()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        empty = time_of(_nothing, calls)
        for name, step in steps.items():
            taken[name].append(max(0.0, time_of(step, calls) - empty))
    return {name: statistics.median(each) for name, each in taken.items()}


async def _fill(path: Path, messages: int) -> float:
    """Nanoseconds by the clock for an intent and an outcome."""
    ledger, checksum = Ledger(path), checksum_of(SMS)
    await ledger.open()
    positions = iter(range(messages))

    async def work(positions: Iterator[int]) -> None:
        for position in positions:
            reference = references.reference_of(RUN_ID, position)
            await ledger.intend(position, reference, checksum)
            await ledger.settle(
                position,
                reference=reference,
                checksum=checksum,
                state=RowState.ACCEPTED,
                tracking_id=f"5b0a4c0e-7c54-4bb1-8a53-{position:012x}",
                parts=1,
            )

    began = time.perf_counter_ns()
    async with asyncio.TaskGroup() as group:
        for _ in range(_WORKERS):
            group.create_task(work(positions))
    taken = time.perf_counter_ns() - began
    await ledger.close()
    return taken / messages


def measure_ledger(*, messages: int, rounds: int) -> dict[str, float]:
    """Nanoseconds of what a ledger adds to a message."""
    with tempfile.TemporaryDirectory() as folder:
        taken = [asyncio.run(_fill(Path(folder) / f"{number}.db", messages)) for number in range(rounds)]
    return {f"Ledger.intend + settle, {_WORKERS} workers": statistics.median(taken)}


def to_table(found: Mapping[str, float]) -> str:
    """A table in Markdown."""
    return report.align([["step", "ns a call"], *([name, f"{nanoseconds:,.0f}"] for name, nanoseconds in found.items())])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="of each step in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--short", action="store_true", help="a hundred calls, one round")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    calls, rounds = (100, 1) if options.short else (options.calls, options.rounds)
    found = measure(calls=calls, rounds=rounds) | measure_ledger(messages=calls, rounds=min(rounds, 3))
    print(json.dumps({"python": platform.python_version(), "ns": found}, indent=2) if options.json else to_table(found))


if __name__ == "__main__":
    main()
