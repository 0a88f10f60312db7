"""Who is measured: a line for each client, and the process in which it is.

    python -m benchmarks.contenders '{"name": "bare aiohttp", "origin": "http://127.0.0.1:8080", ...}'

A measurement has a process of its own, bound to one processor, in which nothing else is imported and every connection to anything
but loopback is refused. It prints one line of JSON.
"""

import asyncio
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

from benchmarks.clients.common import Open, Target
from benchmarks.guard import Guard, LeakError

ROOT = Path(__file__).parent.parent
SEES = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""Environment variables that a client may see: no proxies, regions or keys of the user's."""
_PATIENCE = 300.0
"""Seconds until a measurement is given up."""


@dataclass(frozen=True)
class Contender:
    """A client.

    Attributes:
        name: For tables and the command line.
        place: Module under `benchmarks.clients`, and the function in it.
        about: How it is used, in words.
        needs: Distributions that must be installed, to the module to look for; the first is named with its version.
        share: Of the messages of a round: a slow one gets by with fewer.
        only_tls: It speaks nothing else.
        rival: Needs something that this project does not.
    """

    name: str
    place: str
    about: str
    needs: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    only_tls: bool = False
    rival: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Distributions to install before it can be measured."""
        return tuple(name for name, module in self.needs.items() if importlib.util.find_spec(module) is None)

    @property
    def version(self) -> str:
        """What is measured, in its version."""
        with suppress(PackageNotFoundError, StopIteration):
            name = next(iter(self.needs))
            return f"{name} {version(name)}"
        return ""


_OURS, _AIOHTTP = {"routee-async": "routee_async"}, {"aiohttp": "aiohttp"}
BARE, FLOOR = "bare aiohttp", "hand-written floor"
"""What everybody is compared with."""
CONTENDERS = (
    Contender("routee_async", "ours:default", "`send_many` as it comes", _OURS),
    Contender("routee_async, ledger", "ours:with_ledger", "with an intent and an outcome on disk for each message", _OURS),
    Contender("routee_async, own session", "ours:over_session", "over the caller's own aiohttp session", _OURS),
    Contender(BARE, "bare:gathered", "a semaphore and `gather`, `json=` and `.json()`", _AIOHTTP),
    Contender("bare aiohttp, workers", "bare:workers", "the same, workers on one iterator", _AIOHTTP),
    Contender(FLOOR, "floor:opened", "an asyncio protocol for this one request, JSON both ways, and no safety at all"),
    Contender("twilio", "twilio_client:opened", "`create_async`", {"twilio": "twilio"}, share=0.5, rival=True),
    Contender("httpx", "httpx_client:opened", "one `AsyncClient`", {"httpx": "httpx"}, share=0.1, rival=True),
    Contender("telnyx", "telnyx_client:opened", "`AsyncTelnyx`", {"telnyx": "telnyx"}, share=0.1, rival=True),
    Contender("vonage", "vonage_client:opened", "in threads", {"vonage": "vonage"}, share=0.2, only_tls=True, rival=True),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}


@dataclass(frozen=True)
class Task:
    """One measurement.

    Attributes:
        name: Of the client.
        origin: Of the server.
        concurrency: Messages in flight.
        messages: How many are sent while it counts.
        warm_up: How many are sent before: connections, token, caches.
        core: Processor to be bound to; None for any.
    """

    name: str
    origin: str
    concurrency: int
    messages: int
    warm_up: int
    core: int | None


@dataclass(frozen=True)
class Measure:
    """What came of it.

    Attributes:
        cpu: Microseconds of user and system time of the client's process for a message.
        rate: Messages a second.
        peak: Greatest resident memory, in MiB.
    """

    cpu: float
    rate: float
    peak: float


async def measure(task: Task) -> Measure:
    """Measure in this process.

    Raises:
        RuntimeError: Not every message was accepted: nothing but success is timed.
    """
    module, _, function = BY_NAME[task.name].place.partition(":")
    opened = cast("Open", getattr(importlib.import_module(f"benchmarks.clients.{module}"), function))
    async with opened(Target(task.origin, task.concurrency)) as run:
        await run(task.warm_up)
        wall, cpu = time.perf_counter(), time.process_time()
        accepted = await run(task.messages)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if accepted != task.messages:
        raise RuntimeError(f"{accepted} of {task.messages} messages were accepted")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measure(cpu=cpu / task.messages * 1e6, rate=task.messages / wall, peak=peak)


def measure_apart(task: Task, authority: Path | None) -> Measure:
    """Measure in a new process.

    Args:
        task: What to measure.
        authority: File of the authority whose certificate the server has; None for plain HTTP.

    Raises:
        RuntimeError: It failed, or took too long.
    """
    environment = {name: os.environ[name] for name in SEES if name in os.environ}
    if authority is not None:  # what OpenSSL and httpx heed, and requests
        environment |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(authority))
    command = [sys.executable, "-m", "benchmarks.contenders", json.dumps(asdict(task))]
    try:
        done = subprocess.run(  # noqa: S603 - our own
            command,
            check=False,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{task.name}: gave no result within {_PATIENCE:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"{task.name}, {task.concurrency} in flight, {task.origin}: {last}")
    return Measure(**json.loads(done.stdout))


def main() -> None:
    """Be the process of one measurement."""
    task = Task(**json.loads(sys.argv[1]))
    if task.core is not None and sys.platform == "linux":
        os.sched_setaffinity(0, {task.core})
    guard = Guard()
    sys.addaudithook(guard)
    found = asyncio.run(measure(task))
    if guard.leaks:  # even if the client has swallowed it
        raise LeakError(f"not loopback: {guard.leaks}")
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
