"""Stream messages through `send_many` from a generator, and watch the memory of the process.

    uv run benchmarks/memory.py                          # 20,000 messages, memory every 2,000
    uv run benchmarks/memory.py --messages 1000000       # flat, however many
    uv run benchmarks/memory.py --messages 100000 --ledger
    uv run benchmarks/memory.py --messages 100000 --keep # what it costs to keep every outcome

The server is the lean one of `servers.py`, or nginx, in a process of its own. Prints a line of JSON at each tenth: messages so far,
resident memory now and at its peak, in MiB; and the bytes for each message that came on top since the first tenth.
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks.clients.common import APPLICATION_ID, APPLICATION_SECRET, BODY, SENDER_ID, recipient
from benchmarks.servers import serve
from routee_async import Accepted, Ledger, Outcome, RouteeClient, Sms

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 2**20


@attrs.frozen
class Look:
    """The memory at one moment.

    Attributes:
        messages: How many have their outcome.
        resident: Bytes.
        peak: Bytes.
    """

    messages: int
    resident: int
    peak: int

    def __str__(self) -> str:
        sizes = {"resident MiB": round(self.resident / _MIB, 1), "peak MiB": round(self.peak / _MIB, 1)}
        return json.dumps({"messages": self.messages, **sizes})


def look(messages: int) -> Look:
    """Look at this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Look(messages, pages * _PAGE, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def make_messages(count: int) -> Iterator[Sms]:
    """Make messages as they are asked for; each has a text of its own, as in life, though the same one."""
    return (Sms(to=recipient(number), sender_id=SENDER_ID, body=BODY[:-1] + BODY[-1]) for number in range(count))


async def stream(origin: str, *, count: int, concurrency: int, ledger: Ledger | None, keep: bool) -> list[Look]:
    """Send *count* messages; look at each tenth, and print what is seen.

    Raises:
        RuntimeError: Not every message was accepted.
    """
    looks: list[Look] = []
    kept: list[Outcome] = []
    async with RouteeClient(
        APPLICATION_ID,
        APPLICATION_SECRET,
        base_url=origin,
        auth_url=origin,
        max_connections=concurrency,
    ) as client:
        done = 0
        async for outcome in client.send_many(make_messages(count), concurrency=concurrency, ledger=ledger):
            done += isinstance(outcome, Accepted)
            if keep:
                kept.append(outcome)
            if done % max(1, count // 10) == 0:
                looks.append(look(done))
                print(looks[-1], flush=True)
    if done != count:
        raise RuntimeError(f"{done} of {count} messages were accepted")
    return looks


def bytes_a_message(looks: list[Look]) -> float:
    """What came on top for each message between the first look and the last."""
    first, last = looks[0], looks[-1]
    return (last.resident - first.resident) / max(1, last.messages - first.messages)


def main() -> None:
    """Read the options, start the server, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--ledger", action="store_true", help="keep a ledger, too")
    parser.add_argument("--keep", action="store_true", help="keep every outcome in a list")
    options = parser.parse_args()
    with serve() as server, tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "run.db") if options.ledger else None
        sent = stream(
            server.origin,
            count=options.messages,
            concurrency=options.concurrency,
            ledger=ledger,
            keep=options.keep,
        )
        looks = asyncio.run(sent)
    print(json.dumps({"bytes a message": round(bytes_a_message(looks), 1)}))


if __name__ == "__main__":
    main()
