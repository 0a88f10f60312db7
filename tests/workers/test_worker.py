"""Tests of `workers/worker.py`, without a process: what a client's end of the pipe makes of what happens."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from routee_async import Timeout
from routee_async.exchange import ExchangeError
from routee_async.protocol import SEND_SMS, Failure, Host, Phase, Request, Response
from routee_async.workers import frames
from routee_async.workers.frames import Order, Record, Unpacker
from routee_async.workers.worker import Worker

REQUEST = Request(SEND_SMS, "/sms", b"{}")
ORIGINS = {Host.API: "http://127.0.0.1:1", Host.AUTH: "http://127.0.0.1:1"}
ORDER = Order(origins=ORIGINS, timeout=Timeout(), max_connections=1, parent=1)
Told = list[tuple[object, Response | ExchangeError]]


class Far:
    """The far end of the pipe, and what is told at this one.

    Attributes:
        worker: This end.
        told: What was told, in order.
        lost: Workers that were lost.
    """

    def __init__(self) -> None:
        self.told: Told = []
        self.lost: list[Worker] = []
        self.worker = Worker(self.lost.append)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self._unpacker = Unpacker()

    def ask(self, about: object, request: Request = REQUEST, authorization: str = "Bearer T") -> int:
        """Hand a request over; its number."""
        return self.worker.ask(request, b"{}", authorization, 10.0, self.note, about).number

    def note(self, about: Any, result: Response | ExchangeError) -> None:  # noqa: ANN401 - as it is called
        """Note what is told."""
        self.told.append((about, result))

    async def read(self) -> list[Record]:
        """What has been written in this turn of the loop."""
        await asyncio.sleep(0)
        return self._unpacker.unpack(await self.reader.read(65536))

    async def write(self, *records: bytes) -> None:
        """Write in one piece, and wait until it is read."""
        self.writer.write(b"".join(records))
        await self.writer.drain()
        for _ in range(3):
            await asyncio.sleep(0)

    def failures(self) -> list[Failure]:
        """What was told, all of it failures."""
        failures = [result.failure for _, result in self.told if isinstance(result, ExchangeError)]
        assert len(failures) == len(self.told)
        return failures


@asynccontextmanager
async def opened() -> AsyncIterator[Far]:
    """A pipe without a process; the worker is ready."""
    far = Far()
    ours, theirs = socket.socketpair()
    await asyncio.get_running_loop().create_unix_connection(lambda: far.worker, sock=ours)
    far.reader, far.writer = await asyncio.open_unix_connection(sock=theirs)
    await far.write(frames.pack(frames.READY))
    try:
        yield far
    finally:
        await far.worker.kill()
        far.writer.close()
        await far.writer.wait_closed()


async def test_head_is_told_once() -> None:
    """What requests have in common crosses the pipe once; a new token is a new head."""
    async with opened() as far:
        far.ask(1)
        far.ask(2)
        assert [record[0] for record in await far.read()] == [frames.HEAD, frames.SEND, frames.SEND]
        far.ask(3)
        far.ask(4, authorization="Bearer U")
        records = await far.read()
        assert [(record[0], record[1]) for record in records] == [(frames.SEND, 0), (frames.HEAD, 1), (frames.SEND, 1)]
        assert frames.read_head(records[1][4]).authorization == "Bearer U"


async def test_heads_are_bounded() -> None:
    """However many heads there are, a worker knows so many of them, and is told again what it has forgotten."""
    async with opened() as far:
        for turn in range(3):
            for number in range(80):
                far.ask(number, attrs.evolve(REQUEST, path=f"/{number}"))
            heads: dict[int, str] = {}
            for kind, small, _, _, body in await far.read():
                if kind == frames.HEAD:
                    heads[small] = frames.read_head(body).path
            assert len(heads) == 64, turn
        assert len(far.worker._slots) == 64  # noqa: SLF001 - there is no other view
        far.ask(0, attrs.evolve(REQUEST, path="/79"))
        assert [record[0] for record in await far.read()] == [frames.SEND]


async def test_answers_of_one_piece() -> None:
    """Answers find whoever waits, in any order, with the headers told last; then their connections may be used again."""
    async with opened() as far:
        numbers = [far.ask(name) for name in "ab"]
        await far.read()
        await far.write(
            frames.pack(frames.READY),  # once more, which means nothing
            frames.pack(frames.HEADERS, body=frames.pack_headers({"date": "x"})),
            frames.pack(frames.ANSWER, numbers[1], b"B", small=200),
            frames.pack(frames.ANSWER, numbers[0], b"A", small=201),
            frames.pack(frames.ANSWER, 4711, b"?", small=200),
        )
        assert far.told == [("b", Response(200, {"date": "x"}, b"B")), ("a", Response(201, {"date": "x"}, b"A"))]
        (record,) = await far.read()
        assert record[0] == frames.JUDGED
        assert sorted(frames.read_numbers(record[4])) == [*numbers, 4711]
        assert not far.worker.held


async def test_answer_that_is_not_believed() -> None:
    """A connection that is dropped while its answer is told is not given free as well."""
    async with opened() as far:

        def drop(_: object, result: Response | ExchangeError) -> None:
            assert isinstance(result, Response)
            result.drop_connection()

        held = far.worker.ask(REQUEST, b"{}", "Bearer T", 10.0, drop, None)
        await far.read()
        await far.write(frames.pack(frames.ANSWER, held.number, b"?", small=200))
        assert [record[:3] for record in await far.read()] == [(frames.DROP, 0, held.number)]


async def test_error_in_what_is_told() -> None:
    """An error of whoever is told is the loop's to report, and the next answer is told all the same."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async with opened() as far:
        first, second = far.worker.ask(REQUEST, b"{}", "Bearer T", 10.0, fail, None).number, far.ask("b")
        await far.write(*(frames.pack(frames.ANSWER, number, small=200) for number in (first, second)))
        assert [about for about, _ in far.told] == ["b"]
    assert [type(context["exception"]) for context in complaints] == [ZeroDivisionError]


async def test_failure_is_passed_on() -> None:
    """A failure comes out as the worker told it; what nobody waits for any more is not told."""
    failure = Failure(phase=Phase.TLS, reason="SSLError", written=False, permanent=True)
    async with opened() as far:
        number = far.ask("a")
        await far.write(*(frames.pack(frames.FAILURE, each, frames.pack_failure(failure)) for each in (number, 4711)))
        assert far.failures() == [failure]


async def test_lost_worker() -> None:
    """What was handed over is in doubt when a worker dies; what was not, provably was not written."""
    async with opened() as far:
        far.ask("handed over")
        await far.read()
        far.ask("not yet")
        far.worker.connection_lost(None)
        assert far.lost == [far.worker]
        assert dict(zip((about for about, _ in far.told), far.failures(), strict=True)) == {
            "handed over": Failure(phase=Phase.CLOSE, reason="WorkerDied", written=True),
            "not yet": Failure(phase=Phase.CONNECT, reason="WorkerDied", written=False),
        }


async def test_numbers_begin_anew() -> None:
    """What was handed over is known when the numbers of exchanges begin anew, too."""
    async with opened() as far:
        far.worker._next = frames.NUMBERS - 2  # noqa: SLF001 - it would take a while otherwise
        far.worker._flush()  # noqa: SLF001 - as above
        assert far.ask("handed over") == frames.NUMBERS - 2
        await far.read()
        assert [far.ask("not yet"), far.ask("not yet")] == [frames.NUMBERS - 1, 0]
        far.worker.connection_lost(None)
        written = {(about, failure.written) for (about, _), failure in zip(far.told, far.failures(), strict=True)}
        assert written == {("handed over", True), ("not yet", False)}


async def test_cut() -> None:
    """Whoever has cut an exchange off is told nothing, and the worker is told once."""
    async with opened() as far:
        held = far.worker.ask(REQUEST, b"{}", "Bearer T", 10.0, far.note, None)
        await far.read()
        far.worker.cut(held)
        far.worker.cut(held)
        assert [record[:3] for record in await far.read()] == [(frames.CUT, 0, held.number)]
        far.worker.connection_lost(None)
        assert not far.told


async def test_overdue() -> None:
    """What a worker should have answered long ago is in doubt, told once, and keeps its place."""
    async with opened() as far:
        far.ask("a")
        held = far.worker.held[0]
        far.worker.give_up(held.give_up_at + 0.5)
        assert not far.told
        far.worker.give_up(held.give_up_at + 1.5)
        far.worker.give_up(held.give_up_at + 2.5)
        assert far.failures() == [Failure(phase=Phase.WAIT, reason="TimeoutError", written=True)]
        assert len(far.worker.held) == 1
        await far.read()
        await far.write(frames.pack(frames.ANSWER, 0, small=200))
        assert len(far.told) == 1
        assert not far.worker.held


async def test_closed_under_an_exchange() -> None:
    """What a worker has not said when it is ended for good is in doubt, and nobody need replace it."""
    async with opened() as far:
        far.ask("a")
        await far.read()
        await far.worker.kill()
        assert far.failures() == [Failure(phase=Phase.CLOSE, reason="closed", written=True, permanent=True)]
        assert not far.lost
        far.worker.judged(0)
        await asyncio.sleep(0)


async def test_no_process() -> None:
    """A worker that was never started has neither a process nor a status, and nothing that has to be ended."""
    worker = Worker(lambda _: None)
    assert (worker.pid, worker.status) == (None, None)
    await worker.stop()
    await worker.kill()


async def test_cancelled_while_the_process_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often whoever ends a process is cancelled, he has waited for its end before he obeys."""
    process = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    wait, may_end = process.wait, asyncio.Event()

    async def wait_for_long() -> int:
        await may_end.wait()
        return await wait()

    monkeypatch.setattr(process, "wait", wait_for_long)
    worker = Worker(lambda _: None)
    worker._process = process  # noqa: SLF001 - in place of a real worker's
    ending = asyncio.ensure_future(worker.kill())
    for _ in range(2):
        await asyncio.sleep(0)
        ending.cancel()
    await asyncio.sleep(0)
    assert not ending.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert worker.status is not None


async def test_cancelled_while_the_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is cancelled while a process is being started leaves no socket behind."""

    async def wait(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", wait)
    worker = Worker(lambda _: None)
    starting = asyncio.ensure_future(worker.start(ORDER))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
