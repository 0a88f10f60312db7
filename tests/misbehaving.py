"""Raw servers that do what no decent server does, and what a test has to look at afterwards.

Everything is on loopback and made of bytes: no HTTP library stands between a test and what is on the wire.
"""

import asyncio
import gc
import os
import socket
import ssl
import struct
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Self

import aiohttp
import trustme
from aiohttp.client_proto import ResponseHandler

from routee_async.lease import Lease

_HERE = ("localhost", "127.0.0.1")
PATIENCE = 10.0
"""Seconds that a busy machine may take for what normally takes a millisecond."""


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    """Spell out a complete answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Peer:
    """The server's end of one connection.

    Attributes:
        requests: Each whole request that came over it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests: list[bytes] = []
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """Read one whole request."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.requests.append(head + await self._reader.readexactly(length))
        return self.requests[-1]

    async def some(self) -> bytes:
        """Read whatever comes next; nothing at the end."""
        return await self._reader.read(65536)

    async def send(self, data: bytes) -> None:
        """Write *data*."""
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        with suppress(OSError):
            while await self.some():
                pass

    def send_now(self, data: bytes) -> None:
        """Put *data* into the client's socket before the loop has another turn."""
        assert os.write(self._writer.get_extra_info("socket").fileno(), data) == len(data)

    def close(self) -> None:
        """Close in order (FIN)."""
        self._writer.close()

    def reset(self) -> None:
        """Close with a reset (RST)."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class Server:
    """A loopback server that plays *script* once on each connection, then closes it.

    Attributes:
        peers: Every connection there has been, in order.
        open: How many are open now.
        errors: What went wrong in the script itself.
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.peers: list[Peer] = []
        self.open = 0
        self.errors: list[Exception] = []
        self._script = script
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()
        assert not self.errors, f"the script itself failed: {self.errors}"

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._listener is not None
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    @property
    def origin(self) -> str:
        """Its origin."""
        return f"https://localhost:{self.port}" if self._context else f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[bytes]:
        """All whole requests, connection by connection."""
        return [request for peer in self.peers for request in peer.requests]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio's would report a client that leaves as an unhandled error.
        task = asyncio.get_running_loop().create_task(self._play(reader, writer), name="misbehaving-peer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.open += 1
        try:
            await self._script(peer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left, as it may
        except Exception as error:  # noqa: BLE001 - shown by the test, not by the loop
            self.errors.append(error)
        finally:
            self.open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Certificates:
    """An authority, and certificates of it that are right or wrong in one way."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._stranger = trustme.CA()

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts the authority and nobody else."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def good(self) -> ssl.SSLContext:
        """A server's context in order."""
        return self._serving(self._authority.issue_cert(*_HERE))

    def expired(self) -> ssl.SSLContext:
        """One whose certificate ended yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._serving(self._authority.issue_cert(*_HERE, not_before=yesterday - timedelta(days=1), not_after=yesterday))

    def wrong_name(self) -> ssl.SSLContext:
        """One whose certificate is somebody else's."""
        return self._serving(self._authority.issue_cert("elsewhere.invalid"))

    def untrusted(self) -> ssl.SSLContext:
        """One of an authority that nobody knows."""
        return self._serving(self._stranger.issue_cert(*_HERE))

    def demanding(self) -> ssl.SSLContext:
        """One that wants a certificate of the client, too."""
        context = self.good()
        context.verify_mode = ssl.CERT_REQUIRED
        self._authority.configure_trust(context)
        return context

    @staticmethod
    def _serving(leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that is taken, so that nobody else gets it, but where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose backlog is full: no connection is ever made there, and none is refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003 - the standard library's
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until *condition* holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Check that what runs inside leaves no task, and drops no connection for the garbage collector to find."""
    before = asyncio.all_tasks()

    def left() -> set[asyncio.Task[object]]:
        return {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}

    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context["message"])))
    try:
        yield
        with suppress(TimeoutError):
            await until(lambda: not left())
        gc.collect(1)  # a full one for each test would take longer than the tests
        await asyncio.sleep(0)
        assert not left(), f"tasks left behind: {left()}"
        assert not complaints, f"the loop complains: {complaints}"
    finally:
        loop.set_exception_handler(None)


def in_use(session: aiohttp.ClientSession) -> int:
    """Count the connections, and places for one, that requests hold."""
    return len(_taken(session)) - len(_parked(session))


def idle(session: aiohttp.ClientSession) -> int:
    """Count the connections that wait for their next request, in the pool or parked; one that is closed will not get any."""
    if session.connector is None:
        return 0
    pools = session.connector._conns.values()  # noqa: SLF001 - there is no other view
    waiting = [protocol for pool in pools for protocol, _ in pool] + _parked(session)
    return sum(protocol.is_connected() for protocol in waiting)


def _taken(session: aiohttp.ClientSession) -> set[ResponseHandler]:
    return set() if session.connector is None else session.connector._acquired  # noqa: SLF001 - there is no other view


def _parked(session: aiohttp.ClientSession) -> list[ResponseHandler]:
    """What the direct lane keeps between two sends."""

    def is_parked(handler: ResponseHandler) -> bool:
        transport = getattr(handler, "transport", None)  # a place that is kept for a connection has none
        speaks_to = transport and transport.get_protocol()
        return isinstance(speaks_to, Lease) and not speaks_to.is_asked

    return list(filter(is_parked, _taken(session)))


def told_by(error: BaseException) -> str:
    """All that *error* tells whoever prints, logs or looks into it, and into what it is chained to, printed or not."""
    told: list[str] = []
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        told += [str(each), repr(each), repr(each.args), repr(vars(each)), *traceback.format_exception(each)]
        pending += [each.__cause__, each.__context__]
    return "\n".join(told)
