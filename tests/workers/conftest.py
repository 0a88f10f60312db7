"""What the tests of workers share: a look at processes, and that none of them is left."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from routee_async import RouteeClient
from routee_async.workers.crew import Crew
from routee_async.workers.worker import Worker
from tests.misbehaving import nothing_left


def crew_of(client: RouteeClient) -> Crew:
    """The workers of an open client."""
    assert client._open is not None  # noqa: SLF001 - there is no other view
    crew = client._open.caller._transport  # noqa: SLF001 - as above
    assert isinstance(crew, Crew)
    return crew


def workers_of(client: RouteeClient) -> list[Worker]:
    """Those of them that are alive."""
    return crew_of(client)._workers  # noqa: SLF001 - there is no other view


def pids_of(client: RouteeClient) -> list[int]:
    """Their process ids."""
    return [worker.pid for worker in workers_of(client) if worker.pid is not None]


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(autouse=True)
async def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """No test leaves a task, a connection or a process."""
    started: list[int] = []
    start = asyncio.create_subprocess_exec

    async def note(*arguments: object, **options: object) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)  # type: ignore[arg-type]  # handed on as they come
        started.append(process.pid)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", note)
    async with nothing_left():
        yield
    assert not [pid for pid in started if is_alive(pid)]
