"""Kill a bulk send with SIGKILL at random moments, start it again with the same input and ledger, and count at the server.

    uv run benchmarks/kill.py                     # 60 kills over 4,000 messages
    uv run benchmarks/kill.py --kills 5 --messages 500 --seed 7
    uv run benchmarks/kill.py --workers 2         # the sender has workers, which have to end with it

The sender is a process of its own, over real sockets, with a ledger on a real file; the sandbox runs here and keeps exact account.
Prints what was found as JSON, and fails when a message was sent twice or lost.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from routee_async import BulkStoppedError, Ledger, OnUnknown, RetryPolicy, RouteeClient, Sms
from routee_async.sandbox import Sandbox, faults
from routee_async.store import RowState

LOOKUPS = (0.2, 0.5, 1.0)
"""Seconds; the sandbox shows a message after a tenth of one."""


async def send(path: str, count: int, workers: int) -> None:
    """What the process does that is killed: the same call every time."""
    messages = (Sms(to=f"+3069{number:08d}", sender_id="ParcelCo", body=f"Message {number}") for number in range(count))
    async with RouteeClient.from_env(retry=RetryPolicy(lookup_delays=LOOKUPS), workers=workers) as client:
        batch = client.send_many(messages, concurrency=50, ledger=Ledger(path), on_unknown=OnUnknown.RECONCILE)
        try:
            async for _ in batch:
                pass
        except BulkStoppedError as error:
            sys.exit(str(error))


async def live(sandbox: Sandbox, path: Path, count: int, lifetime: float | None, workers: int) -> int:
    """Start the sender; kill it *lifetime* seconds after it sent something, or let it finish. Returns its exit code."""
    environment = os.environ | {
        "ROUTEE_APPLICATION_ID": sandbox.application_id,
        "ROUTEE_APPLICATION_SECRET": sandbox.application_secret,
        "ROUTEE_BASE_URL": sandbox.base_url,
        "ROUTEE_AUTH_URL": sandbox.auth_url,
    }
    before = sandbox.journal.requests.total()
    arguments = __file__, "--send", str(path), str(count), str(workers)
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment)
    try:
        if lifetime is not None:
            while child.returncode is None and sandbox.journal.requests.total() == before:
                await asyncio.sleep(0.002)
            await asyncio.wait([asyncio.ensure_future(child.wait())], timeout=lifetime)
            if child.returncode is None:
                child.send_signal(signal.SIGKILL)
        return await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def experiment(*, kills: int, count: int, seed: int, workers: int = 0) -> dict[str, object]:
    """Kill, resume, and in the end compare the server's account with the ledger."""
    rng = random.Random(seed)
    began, killed, lives = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.db"
        async with Sandbox(seed=seed, visibility_delay=0.1, balance=10**9) as sandbox:
            # A server that takes its time, so that at any moment requests are on their way in both directions.
            sandbox.faults.add(*(faults_on_the_way(rng)))
            while killed < kills:
                lives += 1
                code = await live(sandbox, path, count, rng.expovariate(1 / 0.25), workers)
                if code == 0:
                    break
                killed += code == -signal.SIGKILL
            lives += 1
            last = await live(sandbox, path, count, None, workers)
            rows = list(Ledger(path))
            sent = Counter((message.label or "")[:19] for message in sandbox.journal.accepted)
    return {
        "messages": count,
        "workers": workers,
        "kills survived": killed,
        "lives": lives,
        "last exit code": last,
        "accepted by the server": sum(sent.values()),
        "sent twice": sum(times > 1 for times in sent.values()),
        "lost": count - len(sent),
        "rows accepted in the ledger": sum(row.state is RowState.ACCEPTED for row in rows),
        "rows that the server does not know": sum(row.reference not in sent for row in rows),
        "seconds": round(time.monotonic() - began, 1),
    }


def faults_on_the_way(rng: random.Random) -> list[faults.Fault]:
    """Delays before and after acceptance, for a third of the sends."""
    slow = [faults.delay(rng.uniform(0.01, 0.05), accepted=accepted) for accepted in (True, False)]
    return [faults.Fault(effect, path="/sms", probability=0.2) for effect in slow]


def holds(figures: dict[str, object]) -> bool:
    """True when nothing was sent twice or lost, and the ledger says the same as the server."""
    count = figures["messages"]
    return (
        figures["sent twice"] == figures["lost"] == figures["rows that the server does not know"] == figures["last exit code"] == 0
        and figures["accepted by the server"] == figures["rows accepted in the ledger"] == count
    )


def main() -> None:
    """Run the experiment, or be its victim."""
    if sys.argv[1:2] == ["--send"]:
        asyncio.run(send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=0, help="worker processes of the sender")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    figures = asyncio.run(experiment(kills=options.kills, count=options.messages, seed=options.seed, workers=options.workers))
    print(json.dumps(figures | {"seed": options.seed}, indent=2))
    sys.exit(0 if holds(figures) else 1)


if __name__ == "__main__":
    main()
