"""Tests of `workers/hand.py`, in this process: what a worker does at its end of the pipe."""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NoReturn, Self

import pytest

from routee_async import Timeout
from routee_async import lane as lane_module
from routee_async.protocol import SEND_SMS, Failure, Host, Phase
from routee_async.transport import AiohttpTransport
from routee_async.workers import frames, hand
from routee_async.workers.frames import Order, Record, Unpacker
from routee_async.workers.hand import Hand
from tests.misbehaving import PATIENCE, Peer, Server, answer, until

TIMEOUT = Timeout(total=10, connect=5, sock_connect=5, sock_read=5)
BODY = b'{"to": "+306970000001"}'
HEAD = frames.pack(frames.HEAD, body=frames.pack_head(SEND_SMS, "/sms", "application/json", "Bearer T"), small=3)


class Client:
    """The client's end of the pipe.

    Attributes:
        hand: The worker at the other end.
    """

    def __init__(self, worker: Hand, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hand = worker
        self._reader = reader
        self._writer = writer
        self._unpacker = Unpacker()
        self._records: list[Record] = []

    def write(self, *records: bytes) -> Self:
        """Tell the worker something."""
        self._writer.write(b"".join(records))
        return self

    def send(self, number: int, seconds: float = 10.0, body: bytes = BODY) -> Self:
        """Hand a request over."""
        return self.write(frames.pack(frames.SEND, number, body, small=3, moment=time.monotonic() + seconds))

    async def told(self, kind: int) -> Record:
        """The next record but those of headers, which has to be of that *kind*."""
        async with asyncio.timeout(PATIENCE):
            while not self._records:
                data = await self._reader.read(65536)
                assert data, "the worker has closed the pipe"
                self._records += [record for record in self._unpacker.unpack(data) if record[0] != frames.HEADERS]
        record = self._records.pop(0)
        assert record[0] == kind
        return record

    async def answered(self, number: int, seconds: float = 10.0) -> Record:
        """Hand a request over, and wait for its answer."""
        record = await self.send(number, seconds).told(frames.ANSWER)
        assert record[2] == number
        return record

    async def failed(self, number: int) -> Failure:
        """Wait until an exchange has failed."""
        record = await self.told(frames.FAILURE)
        assert record[2] == number
        return frames.read_failure(record[4])

    async def ended(self) -> None:
        """Wait until the worker has closed the pipe."""
        async with asyncio.timeout(PATIENCE):
            assert not await self._reader.read()
            await self.hand.ended

    def close(self) -> None:
        """Close the pipe."""
        self._writer.close()


@asynccontextmanager
async def hired(origin: str, *, parent: int | None = None, connections: int = 5) -> AsyncIterator[Client]:
    """A worker in this process, ready to send to *origin*."""
    ours, theirs = socket.socketpair()
    _, worker = await asyncio.get_running_loop().create_unix_connection(Hand, sock=theirs)
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    client = Client(worker, reader, writer)
    order = Order(
        origins={Host.API: origin, Host.AUTH: origin},
        timeout=TIMEOUT,
        max_connections=connections,
        parent=os.getppid() if parent is None else parent,
    )
    client.write(frames.pack(frames.ORDER, body=frames.pack_order(order)), HEAD)
    try:
        await client.told(frames.READY)
        yield client
    finally:
        client.close()
        async with asyncio.timeout(PATIENCE):
            await worker.ended
        await writer.wait_closed()


Play = Callable[[Peer], Awaitable[None]]


def serving(*answers: bytes) -> Play:
    """Play one answer after the other on each connection, the last one again and again."""

    async def play(peer: Peer) -> None:
        for number in range(1000):
            await peer.request()
            await peer.send(answers[min(number, len(answers) - 1)])

    return play


async def silent(peer: Peer) -> None:
    """Read and say nothing."""
    await peer.request()
    await peer.gone()


async def test_answer() -> None:
    """A request is written as it was handed over, and its answer told as it came, headers first."""
    async with Server(serving(answer(b'{"x": 1}', "202 Accepted", "Retry-After: 7"))) as server, hired(server.origin) as client:
        record = await client.answered(9)
        assert (record[1], record[2], record[4]) == (202, 9, b'{"x": 1}')
        assert client.hand._headers == {"retry-after": "7"}  # noqa: SLF001 - what was told before
        (request,) = server.requests
        assert request.startswith(b"POST /sms HTTP/1.1\r\n")
        assert b"\r\nAuthorization: Bearer T\r\n" in request
        assert request.endswith(b"\r\n\r\n" + BODY)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("plain", [answer(), CHUNKED], ids=["plain", "chunked"])
async def test_connection_waits_for_the_verdict(plain: bytes) -> None:
    """Nothing is sent over a connection before the client has judged what came over it; then it is used again."""
    async with Server(serving(plain)) as server, hired(server.origin) as client:
        await client.answered(1)
        await client.answered(2)
        assert len(server.peers) == 2
        client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([1, 2, 77])))
        await client.answered(3)
        assert len(server.peers) == 2
        await client.answered(4)
        assert [len(peer.requests) for peer in server.peers] == [2, 2]


@pytest.mark.parametrize("plain", [answer(), CHUNKED], ids=["plain", "chunked"])
async def test_connection_that_is_dropped(plain: bytes) -> None:
    """A connection whose answer the client does not believe is closed, and its place is free."""
    async with Server(serving(plain)) as server, hired(server.origin, connections=1) as client:
        for number in range(4):
            await client.answered(number)
            client.write(frames.pack(frames.DROP, number))
            client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([number])))
        assert [len(peer.requests) for peer in server.peers] == [1] * 4
        await until(lambda: server.open == 0)


async def test_connection_that_ends_while_it_waits() -> None:
    """A connection that the server closes before the verdict is not used again."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())

    async with Server(once) as server, hired(server.origin) as client:
        for number in range(3):
            await client.answered(number)
            await until(lambda: server.open == 0)
            client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([number])))
        assert len(server.peers) == 3


async def test_direct_lane_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where aiohttp is not known, a worker sends through a session, and there is nothing to wait for."""
    monkeypatch.setattr(lane_module, "is_supported", lambda: False)
    async with Server(serving(answer())) as server, hired(server.origin) as client:
        await client.answered(1)
        await client.answered(2)
        assert len(server.peers) == 1
        client.write(frames.pack(frames.DROP, 2))
        await until(lambda: server.open == 0)


async def test_failure_is_told_as_the_transport_tells_it() -> None:
    """What goes wrong is told with phase and mark: over a new connection, and over one that was at hand."""

    async def close_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await peer.request()
        peer.close()

    async with Server(close_second) as server, hired(server.origin) as client:
        await client.answered(1)
        client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([1])))
        assert await client.send(2).failed(2) == Failure(phase=Phase.WAIT, reason="ServerDisconnectedError", written=True)
    async with hired("http://127.0.0.1:1") as client:
        failure = await client.send(1).failed(1)
        assert (failure.phase, failure.written) == (Phase.CONNECT, False)


async def test_too_late() -> None:
    """What has run out of time on its way to the worker is not written."""
    async with Server(serving(answer())) as server, hired(server.origin) as client:
        failure = await client.send(1, seconds=-0.1).failed(1)
        assert failure == Failure(phase=Phase.LOCAL, reason="no time left", written=False)
        assert not server.peers


async def test_error_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A programming error in a worker leaves doubt, and costs nobody else anything."""

    async def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    async with Server(serving(answer())) as server, hired(server.origin) as client:
        with monkeypatch.context() as patch:
            patch.setattr(AiohttpTransport, "exchange", fail)
            failure = await client.send(1).failed(1)
        assert failure == Failure(phase=Phase.WAIT, reason="ZeroDivisionError", written=True)
        await client.answered(2)


async def test_cut() -> None:
    """An exchange that is cut off ends at once, whether it has a task or not, and nothing is told of it."""
    silence = asyncio.Event()

    async def play(peer: Peer) -> None:
        while True:
            await peer.request()
            if silence.is_set():
                await peer.gone()
                return
            await peer.send(answer())

    async with Server(play) as server, hired(server.origin) as client:
        await client.answered(1)
        client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([1])))
        silence.set()
        client.send(2).send(3)
        await until(lambda: len(server.requests) == 3)
        assert set(client.hand._begun) == {2}  # noqa: SLF001 - there is no other view
        assert set(client.hand._tasks) == {3}  # noqa: SLF001 - as above
        client.write(*(frames.pack(frames.CUT, number) for number in (2, 3, 77)))
        await until(lambda: server.open == 0)
        silence.clear()
        await client.answered(4)


async def test_end() -> None:
    """A worker that is told to end tells first what became of what it had under way, with a task or without."""

    async def play(peer: Peer) -> None:
        if len(peer.requests) == 0:
            await peer.request()
            await peer.send(answer())
        await silent(peer)

    async with Server(play) as server, hired(server.origin) as client:
        await client.answered(1)
        client.write(frames.pack(frames.JUDGED, body=frames.pack_numbers([1])))
        client.send(2)
        await until(lambda: len(server.requests) == 2)
        client.write(frames.pack(frames.END)).send(3)
        failure = await client.failed(2)
        assert (failure.phase, failure.written, failure.permanent) == (Phase.CLOSE, True, True)
        await client.ended()
        assert len(server.requests) == 2


async def test_transport_that_does_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker does not wait for long for what will not end; the client knows what to make of that."""

    async def hold_on(_: AiohttpTransport) -> None:
        pass

    let_go = AiohttpTransport.aclose
    monkeypatch.setattr(hand, "_LOOK", 0.01)
    async with Server(silent) as server, hired(server.origin) as client:
        client.send(1)
        await until(lambda: server.requests)
        with monkeypatch.context() as patch:
            patch.setattr(AiohttpTransport, "aclose", hold_on)
            await client.write(frames.pack(frames.END)).ended()
        assert client.hand._wire is not None  # noqa: SLF001 - to tidy up
        await let_go(client.hand._wire)  # noqa: SLF001 - as above
        await until(lambda: not client.hand._tasks)  # noqa: SLF001 - as above


async def test_pipe_that_is_closed_at_once() -> None:
    """A worker that is not told what to be ends with the pipe."""
    ours, theirs = socket.socketpair()
    _, worker = await asyncio.get_running_loop().create_unix_connection(Hand, sock=theirs)
    ours.close()
    async with asyncio.timeout(PATIENCE):
        await worker.ended


async def test_pipe_that_is_closed() -> None:
    """Without its client a worker closes its connections and ends."""
    async with Server(silent) as server, hired(server.origin) as client:
        client.send(1)
        await until(lambda: server.requests)
        client.close()
        await until(client.hand.ended.done)
        await until(lambda: server.open == 0)


async def test_client_that_is_no_more() -> None:
    """What a client left in the pipe when it died is not begun: its next run may be asking by now what became of it."""
    async with Server(serving(answer())) as server, hired(server.origin, parent=os.getppid() + 1) as client:
        await client.send(1).ended()
        assert not server.peers


async def test_client_that_is_no_more_and_pipe_that_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker looks now and then whether its client lives, for somebody else may hold the pipe."""
    looks: list[int] = []
    client_of_then = os.getppid()

    def look() -> int:
        looks.append(client_of_then)
        return client_of_then

    monkeypatch.setattr(hand, "_LOOK", 0.001)
    monkeypatch.setattr(os, "getppid", look)
    async with hired("http://127.0.0.1:1") as client:
        seen = len(looks)
        await until(lambda: len(looks) > seen + 3)
        assert not client.hand.ended.done()
        monkeypatch.setattr(os, "getppid", lambda: 0)
        await client.ended()


def test_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe is the standard input, which nobody else gets to see, and signals for the whole group are not heeded."""
    ours, theirs = socket.socketpair()
    ignored: dict[int, object] = {}
    replaced: list[tuple[int, int]] = []
    monkeypatch.setattr(signal, "signal", ignored.setdefault)
    monkeypatch.setattr(os, "dup", lambda number: theirs.detach() if number == 0 else -1)
    monkeypatch.setattr(os, "dup2", lambda *numbers: replaced.append(numbers))
    origins = {Host.API: "http://127.0.0.1:1", Host.AUTH: "http://127.0.0.1:1"}
    order = Order(origins=origins, timeout=TIMEOUT, max_connections=1, parent=os.getppid())
    with ours:
        ours.sendall(frames.pack(frames.ORDER, body=frames.pack_order(order)) + frames.pack(frames.END))
        hand.main()
        assert Unpacker().unpack(ours.recv(1000)) == [(frames.READY, 0, 0, 0.0, b"")]
        assert not ours.recv(1000)
    assert set(ignored) == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    assert set(ignored.values()) == {signal.SIG_IGN}
    assert [number for _, number in replaced] == [0]
    gc.collect(1)
