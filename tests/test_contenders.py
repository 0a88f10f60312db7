"""Tests of `benchmarks/contenders.py` and the clients that need no more than this project: each sends what it says it sends."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from benchmarks import contenders
from benchmarks.clients.common import recipient
from benchmarks.contenders import BARE, BY_NAME, CONTENDERS, FLOOR, Contender, Task, measure, measure_apart
from benchmarks.lean import Lean
from benchmarks.servers import certify, lean
from routee_async.sandbox import Sandbox

OURS = [each for each in CONTENDERS if not each.rival]


@attrs.define
class Counted:
    """A lean server in this process, and the requests that reached it."""

    origin: str
    bodies: list[dict[str, str]] = attrs.Factory(list)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    """A lean server that keeps what it is sent."""
    counted = Counted("")
    take = Lean._take  # noqa: SLF001

    def take_and_count(self: Lean) -> tuple[bytes, bool] | None:
        before = self._read
        taken = take(self)
        if taken is not None and before.startswith(b"POST /sms "):
            counted.bodies.append(json.loads(before.partition(b"\r\n\r\n")[2]))
        return taken

    monkeypatch.setattr(Lean, "_take", take_and_count)
    running = await asyncio.get_running_loop().create_server(lambda: Lean(0), "127.0.0.1", 0)
    async with running:
        counted.origin = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        yield counted


@pytest.mark.parametrize("contender", OURS, ids=lambda each: each.name)
async def test_every_message_is_sent_once(contender: Contender, server: Counted) -> None:
    """Warm-up and measurement together send exactly as many messages as they should, to the recipients that everybody has."""
    found = await measure(Task(contender.name, server.origin, concurrency=3, messages=20, warm_up=5, core=None))
    expected = sorted(recipient(number) for count in (5, 20) for number in range(count))
    assert sorted(body["to"] for body in server.bodies) == expected
    assert {body["body"] for body in server.bodies} == {"Your parcel 8812 arrives today between 10 and 12."}
    assert found.cpu > 0
    assert found.rate > 0
    assert found.peak > 1


@pytest.mark.parametrize("name", ["routee_async", BARE, FLOOR])
async def test_only_success_is_timed(name: str) -> None:
    """A server that refuses is no measurement, whatever the client makes of it."""
    async with Sandbox(balance=0) as sandbox:
        with pytest.raises(Exception, match=r".") as refused:
            await measure(Task(name, sandbox.base_url, concurrency=2, messages=4, warm_up=0, core=None))
        assert not isinstance(refused.value, AssertionError)
        assert sandbox.journal.sends_accepted == 0


async def test_missing_outcomes_are_told(monkeypatch: pytest.MonkeyPatch, server: Counted) -> None:
    """A client that says that it sent fewer than it should is refused."""
    clients = importlib.import_module("benchmarks.clients.floor")

    async def nothing(_: int) -> int:
        return 0

    class Lazy:
        async def __aenter__(self) -> object:
            return nothing

        async def __aexit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(clients, "opened", lambda _: Lazy())
    with pytest.raises(RuntimeError, match="0 of 4 messages were accepted"):
        await measure(Task(FLOOR, server.origin, concurrency=2, messages=4, warm_up=0, core=None))


def test_measured_apart_over_tls(tmp_path: Path) -> None:
    """In a process of its own a client trusts the certificate that it is told to trust, and sees nothing else of ours."""
    certificate = certify(tmp_path)
    with lean(certificate=certificate) as server:
        task = Task(FLOOR, server.origin, concurrency=2, messages=10, warm_up=2, core=0)
        assert measure_apart(task, certificate.authority).rate > 0
        with pytest.raises(RuntimeError, match=r"hand-written floor, 2 in flight, .*CERTIFICATE_VERIFY_FAILED"):
            measure_apart(task, None)


def test_no_measurement_leaves_the_machine() -> None:
    """A client that is pointed at another machine is stopped before anything leaves."""
    task = Task(FLOOR, "http://192.0.2.1:80", concurrency=1, messages=1, warm_up=0, core=None)
    with pytest.raises(RuntimeError, match="not loopback: 192"):
        measure_apart(task, None)


def test_endless_measurement_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that hangs does not hang the matrix."""
    monkeypatch.setattr(contenders, "_PATIENCE", 0.01)
    with pytest.raises(RuntimeError, match="gave no result"):
        measure_apart(Task(FLOOR, "http://127.0.0.1:1", concurrency=1, messages=1, warm_up=0, core=None), None)


def test_what_is_missing_is_named() -> None:
    """A client knows what has to be installed, and its version once it is."""
    absent = Contender("x", "x:y", "", {"no-such-distribution": "no_such_module"})
    assert absent.missing == ("no-such-distribution",)
    assert absent.version == ""
    assert BY_NAME["routee_async"].missing == ()
    assert BY_NAME["routee_async"].version.startswith("routee-async ")
    assert BY_NAME[FLOOR].version == ""


def test_every_client_has_its_file() -> None:
    """Each line of the table leads to a function, whether or not what it needs is installed."""
    for contender in CONTENDERS:
        module, _, function = contender.place.partition(":")
        assert callable(getattr(importlib.import_module(f"benchmarks.clients.{module}"), function))
