"""Stream messages through `send_many` from a generator, and watch the memory of the process.

    uv run python -m benchmarks.memory                   # 20,000 messages, memory every 2,000
    uv run python -m benchmarks.memory --messages 1000 --ledger

The server is the sandbox in a process of its own. Prints resident memory in MiB as JSON.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

from benchmarks.send_many import BODY, SENDER_ID, Address, recipient, serve
from routee_async import Accepted, Ledger, RouteeClient, Sms

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * _PAGE / 2**20, 1)


async def stream(address: Address, *, count: int, ledger: Ledger | None) -> list[float]:
    """Send *count* messages; memory at the start and after each tenth."""
    sizes = [resident()]
    async with RouteeClient(
        address.application_id,
        address.application_secret,
        base_url=address.base_url,
        auth_url=address.base_url,
    ) as client:
        messages = (Sms(to=recipient(number), sender_id=SENDER_ID, body=BODY) for number in range(count))
        done = 0
        async for outcome in client.send_many(messages, ledger=ledger):
            done += isinstance(outcome, Accepted)
            if done % (count // 10) == 0:
                sizes.append(resident())
    if done != count:
        raise RuntimeError(f"{done} of {count} messages were accepted")
    return sizes


def main() -> None:
    """Read the options, start the server, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--ledger", action="store_true", help="keep a ledger, too")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger(Path(folder) / "run.db") if options.ledger else None
            sizes = asyncio.run(stream(here.recv(), count=options.messages, ledger=ledger))
    finally:
        here.send(None)
        server.join()
    print(json.dumps({"messages": options.messages, "ledger": options.ledger, "MiB": sizes}))


if __name__ == "__main__":
    main()
