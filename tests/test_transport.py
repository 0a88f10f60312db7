"""The transport against servers that misbehave: whether a byte was written is never guessed, and nothing stays behind."""

import asyncio
import gzip
import socket
import ssl
import struct
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, suppress
from functools import partial
from types import MappingProxyType

import aiohttp
import attrs
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from routee_async import transport as transport_module
from routee_async.exchange import ExchangeError
from routee_async.failures import explain
from routee_async.models import Sms
from routee_async.options import Timeout
from routee_async.pool import Pool
from routee_async.protocol import (
    Endpoint,
    Failure,
    Host,
    Phase,
    Request,
    Response,
    build_fetch_tracking,
    build_send,
    build_token_request,
)
from routee_async.transport import AiohttpTransport
from tests.misbehaving import (
    PATIENCE,
    Certificates,
    Peer,
    Script,
    Server,
    answer,
    deaf_port,
    idle,
    in_use,
    nothing_left,
    refusing_port,
    told_by,
    until,
)

NUMBER = "+306970000001"
TEXT = "The code is 4711"
TOKEN = "Bearer 5f0e1d2c-aaaa-bbbb-cccc-0123456789ab"
SECRETS = ("5f0e1d2c", "6970000001", "4711")
SEND = build_send(Sms(to=NUMBER, sender_id="ParcelCo", body=TEXT), "run-1")
READ = build_fetch_tracking("00000000-0000-0000-0000-000000000001")
SMALL_CAP = Endpoint(method="POST", path="/sms", paid=True, cap=4096)
both_lanes = pytest.mark.usefixtures("lane")
"""For whatever concerns a send: the direct lane, and aiohttp's session where that lane is not supported, come to the same."""
SHORT = 0.15
"""Seconds of a limit that is meant to run out."""


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """Right and wrong certificates."""
    return Certificates()


@asynccontextmanager
async def transport_to(
    origin: str,
    session: aiohttp.ClientSession | None = None,
    *,
    max_connections: int = 2,
    bounds: Mapping[str, float] = MappingProxyType({}),
    options: Mapping[str, object] = MappingProxyType({}),
) -> AsyncIterator[AiohttpTransport]:
    """Open a transport, its pool with *options*, and check at the end that no request holds a connection."""
    timeout = Timeout(**{"total": PATIENCE, "connect": PATIENCE, "sock_connect": PATIENCE, "sock_read": PATIENCE, **bounds})
    origins = {Host.API: origin, Host.AUTH: origin}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport_module, "Pool", partial(Pool, **options))  # type: ignore[arg-type] # handed on as they come
        opened = AiohttpTransport(origins, timeout=timeout, max_connections=max_connections, session=session)
    try:
        yield opened
        assert in_use(session_of(opened)) == 0
    finally:
        await opened.aclose()


def session_of(transport: AiohttpTransport) -> aiohttp.ClientSession:
    """The session that a transport works with."""
    return transport._session  # noqa: SLF001 - to look at its pool


def has_open(server: Server, connections: int) -> bool:
    """Whether so many connections are open."""
    return server.open == connections


async def failure_of(transport: AiohttpTransport, request: Request = SEND, time_left: float = PATIENCE) -> Failure:
    """Make an exchange that fails, and see to it that its error betrays nothing."""
    with pytest.raises(ExchangeError) as caught:
        await transport.exchange(request, TOKEN, time_left)
    told = told_by(caught.value)
    assert not [secret for secret in SECRETS if secret in told]
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value.failure


# --- Servers and sessions for the tables -------------------------------------------------------------------------------------


@attrs.frozen
class World:
    """What a transport is let loose on.

    Attributes:
        origin: Where to.
        session: What with; None for the transport's own.
        server: What stands there, if it listens.
        options: Of the transport's own pool.
    """

    origin: str
    session: aiohttp.ClientSession | None = None
    server: Server | None = None
    options: Mapping[str, object] = attrs.field(factory=dict, kw_only=True)


Build = Callable[[AsyncExitStack, Certificates], Awaitable[World]]


def transport_in(
    world: World,
    bounds: Mapping[str, float] = MappingProxyType({}),
) -> AbstractAsyncContextManager[AiohttpTransport]:
    """Open a transport in a *world*."""
    return transport_to(world.origin, world.session, bounds=bounds, options=world.options)


class Resolver(AbstractResolver):
    """A name server that fails with *error*, or never answers."""

    def __init__(self, error: OSError | None) -> None:
        self._error = error

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Fail or hang."""
        del host, port, family
        if self._error is not None:
            raise self._error
        await asyncio.get_running_loop().create_future()
        return []

    async def close(self) -> None:
        """Nothing to close."""


async def session_with(stack: AsyncExitStack, **options: object) -> aiohttp.ClientSession:
    """Open a session as a caller might, with a connector of these *options*."""
    connector = aiohttp.TCPConnector(**options)  # type: ignore[arg-type] # handed on as they come
    return await stack.enter_async_context(aiohttp.ClientSession(connector=connector))


def plain(script: Script) -> Build:
    """A server without TLS, met by the transport's own session."""

    async def build(stack: AsyncExitStack, _: Certificates) -> World:
        server = await stack.enter_async_context(Server(script))
        return World(server.origin, None, server)

    return build


def after_request(data: bytes, *, end: str = "close", every: float = 0) -> Script:
    """Read the request, write *data*, then `close`, `reset`, `hold` the connection, or repeat the last *every* seconds."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        while every:
            await asyncio.sleep(every)
            await peer.send(data)
        if end == "reset":
            peer.reset()
        if end == "hold":
            await peer.gone()

    return script


def at_once(end: str, data: bytes = b"") -> Script:
    """Write *data* when the first bytes came, whatever they are; then `close`, `reset` or `hold` the connection."""

    async def script(peer: Peer) -> None:
        await peer.some()
        await peer.send(data)
        if end == "reset":
            peer.reset()
        if end == "hold":
            await peer.gone()

    return script


async def byte_by_byte(peer: Peer) -> None:
    """Answer slowly and without end."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await peer.send(b"a")
        await asyncio.sleep(0.01)


async def body_byte_by_byte(peer: Peer) -> None:
    """Answer with a head at once and a body without end."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await peer.send(b" ")
        await asyncio.sleep(0.01)


def with_tls(kind: str) -> Build:
    """A TLS server with one of the `Certificates`, met by a session that trusts their authority."""

    async def build(stack: AsyncExitStack, certificates: Certificates) -> World:
        server = await stack.enter_async_context(Server(after_request(answer()), getattr(certificates, kind)()))
        return World(server.origin, None, server, options={"ssl": certificates.trusting()})

    return build


def handshake(script: Script) -> Build:
    """Something that is not TLS where TLS is expected."""

    async def build(stack: AsyncExitStack, _: Certificates) -> World:
        server = await stack.enter_async_context(Server(script))
        return World(f"https://127.0.0.1:{server.port}", None, server)

    return build


def through_proxy(script: Script) -> Build:
    """A proxy that answers CONNECT with *script*."""

    async def build(stack: AsyncExitStack, _: Certificates) -> World:
        proxy = await stack.enter_async_context(Server(script))
        session = await stack.enter_async_context(aiohttp.ClientSession(proxy=proxy.origin))
        return World("https://routee.invalid", session, proxy)

    return build


async def refused(stack: AsyncExitStack, _: Certificates) -> World:
    """Nothing listens."""
    return World(f"http://127.0.0.1:{stack.enter_context(refusing_port())}")


async def deaf(stack: AsyncExitStack, _: Certificates) -> World:
    """No SYN is answered."""
    return World(f"http://127.0.0.1:{stack.enter_context(deaf_port())}")


async def no_such_name(_: AsyncExitStack, __: Certificates) -> World:
    """The name server does not know the name."""
    error = OSError(socket.EAI_NONAME, "Name or service not known")
    return World("https://routee.invalid", options={"resolver": Resolver(error)})


async def dead_name_server(_: AsyncExitStack, __: Certificates) -> World:
    """The name server does not answer."""
    return World("https://routee.invalid", options={"resolver": Resolver(None)})


async def other_fingerprint(stack: AsyncExitStack, certificates: Certificates) -> World:
    """The certificate is not the one that was pinned."""
    server = await stack.enter_async_context(Server(after_request(answer()), certificates.good()))
    return World(server.origin, None, server, options={"ssl": aiohttp.Fingerprint(b"\0" * 32)})


async def proxy_refused(stack: AsyncExitStack, _: Certificates) -> World:
    """There is no proxy."""
    proxy = f"http://127.0.0.1:{stack.enter_context(refusing_port())}"
    return World("https://routee.invalid", await stack.enter_async_context(aiohttp.ClientSession(proxy=proxy)))


async def closed_session(stack: AsyncExitStack, _: Certificates) -> World:
    """The caller closed the session."""
    session = await session_with(stack)
    await session.close()
    return World("http://127.0.0.1:1", session)


async def no_host(_: AsyncExitStack, __: Certificates) -> World:
    """The origin is no origin."""
    return World("https://")


async def other_scheme(_: AsyncExitStack, __: Certificates) -> World:
    """The origin is of another protocol."""
    return World("ftp://127.0.0.1")


@attrs.frozen
class Case:
    """One row of failure-taxonomy.md.

    Attributes:
        build: What is met.
        phase: Where it goes wrong.
        permanent: Whether repeating is pointless.
        status: Status that was seen.
        bounds: Limits that are to run out.
        time_left: Seconds for the exchange.
    """

    build: Build
    phase: Phase
    permanent: bool = attrs.field(default=False, kw_only=True)
    status: int | None = attrs.field(default=None, kw_only=True)
    bounds: dict[str, float] = attrs.field(factory=dict, kw_only=True)
    time_left: float = attrs.field(default=PATIENCE, kw_only=True)


NOT_WRITTEN = {
    "no URL": Case(no_host, Phase.LOCAL, permanent=True),
    "other scheme": Case(other_scheme, Phase.LOCAL, permanent=True),
    "session closed": Case(closed_session, Phase.CLOSE, permanent=True),
    "name not found": Case(no_such_name, Phase.CONNECT),
    "name server hangs, connect": Case(dead_name_server, Phase.CONNECT, bounds={"connect": SHORT}),
    "name server hangs, total": Case(dead_name_server, Phase.CONNECT, time_left=SHORT),
    "refused": Case(refused, Phase.CONNECT),
    "no answer to SYN, sock_connect": Case(deaf, Phase.CONNECT, bounds={"sock_connect": SHORT}),
    "no answer to SYN, connect": Case(deaf, Phase.CONNECT, bounds={"connect": SHORT}),
    "no answer to SYN, total": Case(deaf, Phase.CONNECT, time_left=SHORT),
    "untrusted certificate": Case(with_tls("untrusted"), Phase.TLS, permanent=True),
    "expired certificate": Case(with_tls("expired"), Phase.TLS, permanent=True),
    "certificate of another": Case(with_tls("wrong_name"), Phase.TLS, permanent=True),
    "other fingerprint": Case(other_fingerprint, Phase.TLS, permanent=True),
    "plain-text port": Case(handshake(at_once("close", answer(status="400 Bad Request"))), Phase.TLS, permanent=True),
    "handshake reset": Case(handshake(at_once("reset")), Phase.CONNECT),
    "handshake closed": Case(handshake(at_once("close")), Phase.CONNECT),
    "handshake stalls": Case(handshake(at_once("hold")), Phase.CONNECT, bounds={"connect": SHORT}),
    "proxy wants a password": Case(
        through_proxy(after_request(answer(status="407 Proxy Authentication Required"))),
        Phase.PROXY,
        permanent=True,
    ),
    "proxy cannot": Case(through_proxy(after_request(answer(status="502 Bad Gateway"))), Phase.PROXY),
    "proxy refused": Case(proxy_refused, Phase.PROXY),
    "proxy resets": Case(through_proxy(at_once("reset")), Phase.CONNECT),
    "proxy closes": Case(through_proxy(at_once("close")), Phase.CONNECT),
    "proxy hangs": Case(through_proxy(at_once("hold")), Phase.CONNECT, bounds={"connect": SHORT}),
    "proxy is none": Case(through_proxy(after_request(b"SSH-2.0-not-http\r\n\r\n")), Phase.PROXY),
}
WRITTEN = {
    "reset before an answer": Case(plain(after_request(b"", end="reset")), Phase.WAIT),
    "closed before an answer": Case(plain(after_request(b"")), Phase.WAIT),
    "closed before the request was read": Case(plain(at_once("close")), Phase.WAIT),
    "no answer, sock_read": Case(plain(after_request(b"", end="hold")), Phase.WAIT, bounds={"sock_read": SHORT}),
    "no answer, total": Case(plain(after_request(b"", end="hold")), Phase.WAIT, time_left=0.5),
    "trickle": Case(plain(byte_by_byte), Phase.WAIT, time_left=0.5),
    "1xx without end": Case(plain(after_request(b"HTTP/1.1 102 Processing\r\n\r\n", every=0.01)), Phase.WAIT, time_left=0.5),
    "client certificate demanded": Case(with_tls("demanding"), Phase.WAIT),
    "head cut": Case(plain(after_request(b"HTTP/1.1 200 OK\r\nContent-Type: appl")), Phase.WAIT),
    "not HTTP": Case(plain(after_request(b"SSH-2.0-not-http\r\n\r\n")), Phase.HEAD),
    "bad header": Case(plain(after_request(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")), Phase.HEAD),
    "two lengths": Case(plain(after_request(answer(b"{}", "200 OK", "Content-Length: 7"))), Phase.HEAD),
    "length and chunks": Case(plain(after_request(answer(b"{}", "200 OK", "Transfer-Encoding: chunked"))), Phase.HEAD),
    "body cut": Case(plain(after_request(answer(b'{"trackingId":"1"}')[:-4])), Phase.BODY, status=200),
    "body reset": Case(plain(after_request(answer(b'{"trackingId":"1"}')[:-4], end="reset")), Phase.BODY, status=200),
    "body stalls, sock_read": Case(
        plain(after_request(answer(b'{"trackingId":"1"}')[:-4], end="hold")),
        Phase.BODY,
        status=200,
        bounds={"sock_read": SHORT},
    ),
    "body trickles, total": Case(plain(body_byte_by_byte), Phase.BODY, status=200, time_left=0.5),
    "bad chunk": Case(
        plain(after_request(b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", end="hold")),
        Phase.HEAD,
    ),
    "bad gzip": Case(plain(after_request(answer(b"{}", "200 OK", "Content-Encoding: gzip"))), Phase.BODY, status=200),
}


@both_lanes
@pytest.mark.parametrize(
    ("case", "written"),
    [
        pytest.param(case, written, id=name)
        for cases, written in ((NOT_WRITTEN, False), (WRITTEN, True))
        for name, case in cases.items()
    ],
)
async def test_failure_of_a_send(case: Case, written: bool, certificates: Certificates) -> None:  # noqa: FBT001
    """Whatever goes wrong, the failure knows whether a byte was written, where it happened, and keeps no connection."""
    async with AsyncExitStack() as stack:
        world = await case.build(stack, certificates)
        transport = await stack.enter_async_context(transport_in(world, case.bounds))
        failure = await failure_of(transport, time_left=case.time_left)
        assert (failure.phase, failure.written, failure.permanent, failure.status) == (
            case.phase,
            written,
            case.permanent,
            case.status,
        ), failure.reason
        session = session_of(transport)
        assert idle(session) == 0
        if world.server is not None:
            await until(partial(has_open, world.server, 0))
            received = b"".join(world.server.requests)
            assert len(world.server.peers) <= 1, "one exchange is one connection"
            assert written or (TEXT.encode() not in received and b"5f0e1d2c" not in received)


READ_FAILURES = {
    "refused": (Case(refused, Phase.CONNECT), False),
    "name server hangs": (Case(dead_name_server, Phase.CONNECT, bounds={"connect": SHORT}), False),
    "expired certificate": (Case(with_tls("expired"), Phase.TLS, permanent=True), False),
    "proxy wants a password": (NOT_WRITTEN["proxy wants a password"], False),
    "closed before an answer": (WRITTEN["closed before an answer"], True),
    "no answer": (WRITTEN["no answer, sock_read"], True),
    "not HTTP": (WRITTEN["not HTTP"], True),
    "body cut": (WRITTEN["body cut"], True),
    "session closed": (NOT_WRITTEN["session closed"], False),
}


@pytest.mark.parametrize(("case", "written"), READ_FAILURES.values(), ids=READ_FAILURES)
async def test_failure_of_a_read(case: Case, written: bool, certificates: Certificates) -> None:  # noqa: FBT001
    """A request without a body cannot tell whether it was written, so it counts as written unless no connection was made."""
    async with AsyncExitStack() as stack:
        world = await case.build(stack, certificates)
        transport = await stack.enter_async_context(transport_in(world, case.bounds))
        failure = await failure_of(transport, READ, case.time_left)
        assert (failure.phase, failure.written, failure.permanent) == (case.phase, written, case.permanent), failure.reason


@both_lanes
@pytest.mark.parametrize(
    ("kind", "told"),
    [("expired", "certificate has expired"), ("wrong_name", "Hostname mismatch"), ("untrusted", "unable to get local issuer")],
)
async def test_what_is_wrong_with_a_certificate_is_told(kind: str, told: str, certificates: Certificates) -> None:
    """Of a certificate the reason says what to look at."""
    async with AsyncExitStack() as stack:
        world = await with_tls(kind)(stack, certificates)
        transport = await stack.enter_async_context(transport_in(world))
        assert told in (await failure_of(transport)).reason


@both_lanes
async def test_reset_in_the_middle_of_a_large_body() -> None:
    """A body that did not go out in one write may have arrived in part, whatever is raised."""
    async with Server(at_once("reset")) as server, transport_to(server.origin) as transport:
        failure = await failure_of(transport, attrs.evolve(SEND, body=b"x" * 1_000_000))
        assert failure.written
        assert failure.phase in {Phase.WRITE, Phase.WAIT}


@both_lanes
async def test_exchange_without_time_is_not_begun() -> None:
    """No time left means no attempt, although aiohttp takes 0 for "no limit"."""
    async with Server(after_request(answer())) as server, transport_to(server.origin) as transport:
        for time_left in (0.0, -1.0):
            failure = await failure_of(transport, time_left=time_left)
            assert (failure.phase, failure.written) == (Phase.LOCAL, False)
        assert not server.peers


# --- What a good exchange looks like -----------------------------------------------------------------------------------------


def keep_answering(*answers: bytes) -> Script:
    """Answer each request on the same connection, the last answer for ever."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answers[min(len(peer.requests), len(answers)) - 1])

    return script


@both_lanes
async def test_answer_is_handed_over_whole() -> None:
    """Status, body and the headers that mean something arrive, and nothing else."""
    told = answer(b'{"a": 1}', "429 Too Many Requests", "Retry-After: 7", "Date: Thu, 01 Jan 2026 00:00:00 GMT", "X-Other: 1")
    async with Server(keep_answering(told)) as server, transport_to(server.origin) as transport:
        response = await transport.exchange(SEND, TOKEN, PATIENCE)
        assert (response.status, response.body) == (429, b'{"a": 1}')
        assert response.headers == {"retry-after": "7", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}


@both_lanes
async def test_request_on_the_wire() -> None:
    """Method, path, type and body are those of the request, and the answer is asked for plain."""
    async with Server(keep_answering(answer())) as server, transport_to(server.origin) as transport:
        for request in (SEND, build_token_request(), READ):
            await transport.exchange(request, TOKEN, PATIENCE)
        send, token, read = server.requests
        assert send.startswith(b"POST /sms HTTP/1.1\r\n")
        assert SEND.body is not None
        assert send.endswith(b"\r\n\r\n" + SEND.body)
        assert b"\r\nContent-Type: application/json\r\n" in send
        assert b"\r\nAccept-Encoding: identity\r\n" in send
        assert token.startswith(b"POST /oauth/token HTTP/1.1\r\n")
        assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in token
        assert read.startswith(f"GET {READ.path} HTTP/1.1\r\n".encode())
        assert b"Content-Length" not in read


@both_lanes
async def test_each_host_has_its_origin() -> None:
    """What is for the token endpoint goes there and nowhere else."""
    async with Server(keep_answering(answer())) as api, Server(keep_answering(answer())) as auth:
        origins = {Host.API: api.origin, Host.AUTH: auth.origin}
        transport = AiohttpTransport(origins, timeout=Timeout(), max_connections=1)
        for request in (SEND, build_token_request(), READ, SEND):
            await transport.exchange(request, TOKEN, PATIENCE)
        await transport.aclose()
        assert [line.split()[1] for line in api.requests] == [b"/sms", READ.path.encode(), b"/sms"]
        assert [line.split()[1] for line in auth.requests] == [b"/oauth/token"]


@both_lanes
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    """A redirect is an answer like any other: neither message nor token goes to another place."""
    async with Server(keep_answering(answer())) as elsewhere:
        told = answer(b"", f"{status} Elsewhere", f"Location: {elsewhere.origin}/sms")
        async with Server(keep_answering(told)) as server, transport_to(server.origin) as transport:
            for request in (SEND, READ):
                assert (await transport.exchange(request, TOKEN, PATIENCE)).status == status
            assert len(server.requests) == 2
            assert not elsewhere.peers


@both_lanes
async def test_nothing_is_remembered_between_requests() -> None:
    """Cookies are not kept, and each request has only the authorization that was given for it."""
    told = answer(b"{}", "200 OK", "Set-Cookie: session=1; Path=/")
    async with Server(keep_answering(told)) as server, transport_to(server.origin) as transport:
        await transport.exchange(SEND, "Bearer first", PATIENCE)
        await transport.exchange(SEND, "Bearer second", PATIENCE)
        first, second = server.requests
        assert b"\r\nAuthorization: Bearer first\r\n" in first
        assert b"\r\nAuthorization: Bearer second\r\n" in second
        assert b"cookie" not in second.lower()
        assert not session_of(transport).headers
        assert len(session_of(transport).cookie_jar) == 0
        assert len(server.peers) == 1


@both_lanes
async def test_session_of_the_caller_is_left_open() -> None:
    """A session that was handed in is used, kept as it is, and not closed; one of our own is closed."""
    async with Server(keep_answering(answer())) as server, aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with transport_to(server.origin, session) as transport:
            await transport.exchange(SEND, TOKEN, PATIENCE)
        assert not session.closed
        assert b"\r\nX-Mine: 1\r\n" in server.requests[0]
        assert "Authorization" not in session.headers
        async with transport_to(server.origin) as transport:
            await transport.exchange(SEND, TOKEN, PATIENCE)
        assert session_of(transport).closed
        await until(lambda: server.open == 1)


@both_lanes
async def test_answer_without_a_length_is_believed_to_end_with_the_connection() -> None:
    """Where nothing says how long a body is, what came is handed over: judging it is another one's business."""
    script = after_request(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"trackingId":')
    async with Server(script) as server, transport_to(server.origin) as transport:
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b'{"trackingId":'


# --- The mark, and a connection that dies under our hands --------------------------------------------------------------------


class Old:
    """The server's end of a connection that has served once and is killed under the client's hands.

    Attributes:
        received: What came after the first request.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.received = b""
        self._socket: socket.socket | None = None

    async def serve_once(self) -> None:
        """Answer the first request of the first connection."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.sock_accept(self.listener)
        await loop.sock_recv(self._socket, 65536)
        await loop.sock_sendall(self._socket, answer())

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def kill(self, how: str = "close") -> None:
        """End the connection before the loop has another turn; unless it is a `reset`, what the client wrote can still be read."""
        assert self._socket is not None
        if how == "close":
            self._socket.shutdown(socket.SHUT_WR)
            return
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    async def read_rest(self) -> None:
        """Read to the end what the client wrote after the first request."""
        assert self._socket is not None
        with closing(self._socket) as dying:
            while dying.fileno() >= 0 and (data := await asyncio.get_running_loop().sock_recv(dying, 65536)):
                self.received += data


@asynccontextmanager
async def served_once() -> AsyncIterator[Old]:
    """A listener whose first connection is served by hand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # noqa: FBT003 - the standard library's
        yield Old(listener)


async def exchange_with_kill(old: Old, transport: AiohttpTransport, turns: int) -> tuple[Failure | Response, int]:
    """Exchange over a pooled connection that is closed after some *turns* of the loop; give the result and the later requests."""
    first = asyncio.create_task(old.serve_once())
    await transport.exchange(SEND, TOKEN, PATIENCE)
    await first
    again = Old(old.listener)
    elsewhere = asyncio.create_task(again.serve_once())
    exchange = asyncio.create_task(transport.exchange(SEND, TOKEN, PATIENCE))
    for _ in range(turns):
        await asyncio.sleep(0)
    old.kill()
    try:
        result: Failure | Response = await exchange
    except ExchangeError as error:
        result = error.failure
    await old.read_rest()
    later = int(elsewhere.done())
    elsewhere.cancel()
    await asyncio.wait([elsewhere])
    if later:
        again.kill()
        await transport.aclose()
        await again.read_rest()
    return result, later


@both_lanes
@pytest.mark.parametrize("own", [True, False], ids=["own session", "session of the caller"])
async def test_mark_is_right_whenever_the_connection_dies(own: bool, lane: str) -> None:  # noqa: FBT001
    """Contract with aiohttp: at whatever turn of the loop a pooled connection dies, "not written" means that nothing arrived.

    This is what allows `ClientConnectionResetError` in the chain of causes to count as "not written".
    """
    verdicts: list[tuple[Phase, bool] | None] = []
    for turns in range(12):
        async with AsyncExitStack() as stack:
            old = await stack.enter_async_context(served_once())
            session = None if own else await session_with(stack)
            transport = await stack.enter_async_context(transport_to(old.origin, session))
            result, later = await exchange_with_kill(old, transport, turns)
            if isinstance(result, Response):
                assert (old.received, later) == (b"", 1)
                verdicts.append(None)
                continue
            assert later == 0
            assert result.written or not old.received
            assert not old.received or old.received.endswith(SEND.body or b"?")
            verdicts.append((result.phase, result.written))
    assert (Phase.WAIT, True) in verdicts, "the last turns come after the write"
    if own:
        assert verdicts[0] is None, "what is dead when it is asked for is not given out"
    if own and lane == "direct":
        assert set(verdicts) == {None, (Phase.WAIT, True)}, "looking and writing are one turn"
    elif not own and sys.version_info < (3, 12):  # later versions write at once, in the turn of the checkout
        assert (Phase.WRITE, False) in verdicts


@pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
async def test_connection_that_is_closed_at_the_time_of_writing(reused: bool) -> None:  # noqa: FBT001
    """Contract with aiohttp: a connection that is closed between checkout and writing ends as "not written"."""
    doomed = False

    async def script(peer: Peer) -> None:
        if reused:
            await peer.request()
            await peer.send(answer())
        await until(lambda: doomed)

    async def before_writing(*_: object) -> None:
        nonlocal doomed
        await until(lambda: server.peers)
        doomed = True
        await until(lambda: not any(each.is_connected() for each in acquired(session)))

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(before_writing)
    async with Server(script) as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with transport_to(server.origin, session) as transport:
            if reused:
                await aiohttp_warm_up(session, server)
            failure = await failure_of(transport)
            assert not failure.written
            assert not failure.permanent
        assert len(server.requests) == int(reused)


def acquired(session: aiohttp.ClientSession) -> list[aiohttp.client_proto.ResponseHandler]:
    """The connections that requests hold."""
    assert session.connector is not None
    return list(session.connector._acquired)  # noqa: SLF001 - there is no other view


async def aiohttp_warm_up(session: aiohttp.ClientSession, server: Server) -> None:
    """Put one connection into the pool, past the traces of the session."""
    untraced = aiohttp.ClientSession(connector=session.connector, connector_owner=False)
    async with untraced, untraced.get(server.origin) as response:
        await response.read()


# --- The pool ----------------------------------------------------------------------------------------------------------------

UNSOLICITED = answer(b'{"trackingId": "wrong"}')


def numbered() -> Script:
    """Answer each request with the number of the connection and of the request on it."""
    connections = 0

    async def script(peer: Peer) -> None:
        nonlocal connections
        connections += 1
        mine = connections
        while True:
            await peer.request()
            await peer.send(answer(b"%d.%d" % (mine, len(peer.requests))))

    return script


@both_lanes
@pytest.mark.parametrize("noticed", [False, True], ids=["not yet read", "already read"])
@pytest.mark.parametrize("data", [UNSOLICITED, UNSOLICITED[:-5], b"\0"], ids=["answer", "most of an answer", "byte"])
async def test_unsolicited_bytes_are_not_an_answer(data: bytes, noticed: bool) -> None:  # noqa: FBT001
    """A pooled connection over which something came unasked is dropped, and the request goes over another."""
    async with Server(numbered()) as server, transport_to(server.origin) as transport:
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b"1.1"
        server.peers[0].send_now(data)
        if noticed:
            await asyncio.sleep(0.01)
        for request, expected in ((SEND, b"2.1"), (READ, b"2.2")):
            assert (await transport.exchange(request, TOKEN, PATIENCE)).body == expected
        await until(lambda: server.open == 1)


async def test_half_a_head_unasked_is_not_completed_to_an_answer(lane: str) -> None:
    """The first bytes of an unsolicited head are noticed by the lane; where they escape notice, the rest is no answer either."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())
        await peer.request()
        await peer.send(UNSOLICITED[12:])

    async with Server(script) as server, transport_to(server.origin) as transport:
        await transport.exchange(SEND, TOKEN, PATIENCE)
        server.peers[0].send_now(UNSOLICITED[:12])
        if lane == "direct":
            assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b"{}"
            assert [len(peer.requests) for peer in server.peers] == [1, 1]
            return
        failure = await failure_of(transport)
        assert (failure.phase, failure.written) == (Phase.HEAD, True)


@both_lanes
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("noticed", [False, True], ids=["not yet read", "already read"])
async def test_connection_closed_while_idle_is_not_used(how: str, noticed: bool) -> None:  # noqa: FBT001
    """A server may close what is idle: the next request neither fails nor is repeated."""
    async with served_once() as old, transport_to(old.origin) as transport:
        await asyncio.gather(old.serve_once(), transport.exchange(SEND, TOKEN, PATIENCE))
        old.kill(how)
        if noticed:
            await asyncio.sleep(0.01)
        again = Old(old.listener)
        await asyncio.gather(again.serve_once(), transport.exchange(SEND, TOKEN, PATIENCE))
        await old.read_rest()
        assert old.received == b""
        again.kill()
        await transport.aclose()
        await again.read_rest()


@both_lanes
async def test_all_bad_connections_of_the_pool_are_dropped() -> None:
    """However many pooled connections have gone bad, a request finds its way past them."""
    async with Server(numbered()) as server, transport_to(server.origin, max_connections=5) as transport:
        await asyncio.gather(*(transport.exchange(SEND, TOKEN, PATIENCE) for _ in range(5)))
        assert idle(session_of(transport)) == 5
        for peer in server.peers:
            peer.send_now(UNSOLICITED)
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b"6.1"
        assert idle(session_of(transport)) == 1


@pytest.mark.parametrize("how", ["speaks first", "closes at once"])
async def test_server_that_does_not_wait_to_be_asked(how: str) -> None:
    """A new connection that is closed, or over which something came, is not written to, and not made anew without end."""

    async def script(peer: Peer) -> None:
        if how == "speaks first":
            await peer.send(answer(b'{"trackingId":"wrong"}'))
            await peer.gone()

    async def let_it(*_: object) -> None:
        await until(lambda: server.peers)
        await asyncio.sleep(0.02)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(let_it)
    connector = Pool()  # what the transport has by itself, with a trace
    session = aiohttp.ClientSession(connector=connector, trace_configs=[trace])
    async with Server(script) as server, session, transport_to(server.origin, session) as transport:
        failure = await failure_of(transport)
        assert (failure.phase, failure.written, failure.permanent) == (Phase.CONNECT, False, False)
        await until(lambda: server.open == 0)
        assert len(server.peers) == 1


@both_lanes
async def test_connection_can_be_dropped_after_the_answer() -> None:
    """Whoever does not believe an answer can see to it that the next one comes over another connection."""
    for own in (True, False):
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(Server(numbered()))
            session = None if own else await session_with(stack)
            transport = await stack.enter_async_context(transport_to(server.origin, session))
            response = await transport.exchange(SEND, TOKEN, PATIENCE)
            response.drop_connection()
            assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b"2.1"
            await until(partial(has_open, server, 1))


async def test_dropping_a_connection_that_is_unknown_does_nothing() -> None:
    """A read does not note its connection, so there is nothing to drop."""
    async with Server(numbered()) as server, transport_to(server.origin) as transport:
        (await transport.exchange(READ, TOKEN, PATIENCE)).drop_connection()
        assert (await transport.exchange(READ, TOKEN, PATIENCE)).body == b"1.2"


async def test_no_free_connection_in_time() -> None:
    """A request that finds no place in the pool was not written."""
    script = after_request(b"", end="hold")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(script))
        session = await session_with(stack, limit=1)
        busy = await stack.enter_async_context(transport_to(server.origin, session))
        waiting = await stack.enter_async_context(transport_to(server.origin, session, bounds={"connect": SHORT}))
        first = asyncio.create_task(failure_of(busy))
        await until(lambda: server.requests)
        for failure in (await failure_of(waiting), await failure_of(busy, time_left=SHORT)):
            assert (failure.phase, failure.written, failure.permanent) == (Phase.CONNECT, False, False)
        assert len(server.requests) == 1
        server.peers[0].close()
        assert (await first).written


@both_lanes
async def test_pool_has_a_place_for_the_token() -> None:
    """With as many requests under way as are allowed, a token can still be fetched."""
    script = after_request(b"", end="hold")
    async with Server(script) as server, transport_to(server.origin, max_connections=1) as transport:
        tasks = [asyncio.create_task(failure_of(transport, request)) for request in (SEND, build_token_request())]
        await until(lambda: len(server.requests) == 2)
        for peer in server.peers:
            peer.close()
        await asyncio.gather(*tasks)


# --- Too much of an answer ---------------------------------------------------------------------------------------------------


async def too_long(peer: Peer) -> None:
    """Announce and send more than anybody takes."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    await flood(peer, b"x" * 65536)


async def endless_chunks(peer: Peer) -> None:
    """Send chunks for ever."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await flood(peer, b"10000\r\n" + b"x" * 65536 + b"\r\n")


def _compressed_spaces(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()


_BOMB = answer(_compressed_spaces(100), "200 OK", "Content-Encoding: gzip")


async def bomb(peer: Peer) -> None:
    """Send little that becomes much."""
    await peer.request()
    await peer.send(_BOMB)
    await peer.gone()


async def flood(peer: Peer, piece: bytes) -> None:
    """Write until the client has had enough."""
    for _ in range(40_000_000 // len(piece)):
        await peer.send(piece)
    raise AssertionError("the client takes whatever comes")


@both_lanes
@pytest.mark.parametrize("request_", [SEND, attrs.evolve(SEND, endpoint=SMALL_CAP)], ids=["cap of a send", "small cap"])
@pytest.mark.parametrize("script", [too_long, endless_chunks, bomb])
async def test_body_beyond_the_cap(script: Script, request_: Request) -> None:
    """What is longer than any answer of Routee's is given up at the cap, in little memory, and its connection with it."""
    async with Server(script) as server, transport_to(server.origin) as transport:
        tracemalloc.start()
        try:
            failure = await failure_of(transport, request_)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (failure.phase, failure.written, failure.status) == (Phase.BODY, True, 200)
        assert peak < 40_000_000
        assert idle(session_of(transport)) == 0
        await until(lambda: server.open == 0)


@both_lanes
async def test_body_of_exactly_the_cap() -> None:
    """The cap is the most that is taken, not the first that is refused."""
    request = attrs.evolve(SEND, endpoint=SMALL_CAP)
    bodies = [b"x" * 4096, b"x" * 4097]
    async with Server(keep_answering(*map(answer, bodies))) as server, transport_to(server.origin) as transport:
        assert (await transport.exchange(request, TOKEN, PATIENCE)).body == bodies[0]
        assert (await failure_of(transport, request)).reason == "TooLargeError"


# --- Cancelling and closing --------------------------------------------------------------------------------------------------

STAGES = {
    "name server hangs": dead_name_server,
    "no answer to SYN": deaf,
    "handshake stalls": handshake(at_once("hold")),
    "no answer": plain(after_request(b"", end="hold")),
    "body stalls": plain(after_request(answer(b"{}")[:-1], end="hold")),
}


@both_lanes
@pytest.mark.parametrize("build", STAGES.values(), ids=STAGES)
async def test_cancelling(build: Build, certificates: Certificates) -> None:
    """Being cancelled is passed on as it is, and the connection goes with it."""
    async with AsyncExitStack() as stack:
        world = await build(stack, certificates)
        transport = await stack.enter_async_context(transport_in(world))
        task = asyncio.create_task(transport.exchange(SEND, TOKEN, PATIENCE))
        await asyncio.sleep(0.05)
        assert in_use(session_of(transport)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert in_use(session_of(transport)) == idle(session_of(transport)) == 0
        if world.server is not None:
            await until(partial(has_open, world.server, 0))


@both_lanes
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "pooled connection"])
async def test_cancelling_at_every_turn_of_the_loop(reused: bool) -> None:  # noqa: FBT001
    """Wherever a cancellation lands, no place in the pool is lost."""
    async with Server(keep_answering(answer())) as server:
        for turns in range(40):
            async with transport_to(server.origin) as transport:
                if reused:
                    await transport.exchange(SEND, TOKEN, PATIENCE)
                task = asyncio.create_task(transport.exchange(SEND, TOKEN, PATIENCE))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                assert in_use(session_of(transport)) == 0
        await until(lambda: server.open == 0)


@both_lanes
async def test_time_limit_of_the_caller() -> None:
    """A limit around the exchange is the caller's: it is not reported as a failure of the network."""
    script = after_request(b"", end="hold")
    async with Server(script) as server, transport_to(server.origin) as transport:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT):
                await transport.exchange(SEND, TOKEN, PATIENCE)
        await until(lambda: server.open == 0)


@both_lanes
@pytest.mark.parametrize("request_", [SEND, READ], ids=["send", "read"])
@pytest.mark.parametrize("stage", STAGES)
async def test_closing_under_way(stage: str, request_: Request, certificates: Certificates) -> None:
    """Closing the session ends what is under way as closed, at once or when its time is over, with the right mark."""
    async with AsyncExitStack() as stack:
        world = await STAGES[stage](stack, certificates)
        transport = await stack.enter_async_context(transport_in(world, {"connect": 0.5}))
        task = asyncio.create_task(failure_of(transport, request_, time_left=0.6))
        await asyncio.sleep(0.05)
        await session_of(transport).close()
        failure = await task
        assert (failure.phase, failure.permanent) == (Phase.CLOSE, True)
        if request_ is SEND:
            assert failure.written is (stage in {"no answer", "body stalls"})


@both_lanes
async def test_closing_while_waiting_for_a_connection() -> None:
    """What waits for a connection is cancelled by aiohttp on closing; nobody asked for that, so it is a failure, not written."""
    script = after_request(b"", end="hold")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(script))
        session = await session_with(stack, limit=1)
        transport = await stack.enter_async_context(transport_to(server.origin, session))
        first = asyncio.create_task(failure_of(transport))
        await until(lambda: server.requests)
        others = [asyncio.create_task(failure_of(transport, request)) for request in (SEND, READ)]
        await asyncio.sleep(0.01)
        await session.close()
        assert ((await first).phase, (await first).written) == (Phase.CLOSE, True)
        send, read = await asyncio.gather(*others)
        assert (send.phase, send.written) == (Phase.CLOSE, False)
        assert read.phase is Phase.CLOSE
        assert len(server.requests) == 1


# --- What exceptions mean, as far as no server can be made to cause them ------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (aiohttp.ClientConnectionResetError("Connection lost"), Phase.WRITE),
        (aiohttp.ClientOSError(104, "reset"), Phase.WAIT),
        (aiohttp.http_exceptions.BadHttpMessage("bad"), Phase.HEAD),
        (RuntimeError("anything"), Phase.WAIT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_marked_means_written(error: Exception, phase: Phase) -> None:
    """With the mark set, nothing but a proof makes a failure "not written"."""
    assert explain(error, written=True) == Failure(phase=phase, reason=type(error).__name__, written=True)


@pytest.mark.parametrize(
    ("error", "phase", "permanent"),
    [
        (ssl.SSLError("raw"), Phase.TLS, True),
        (aiohttp.ClientOSError(104, "reset"), Phase.CONNECT, False),
        (aiohttp.ServerDisconnectedError(), Phase.CONNECT, False),
        (RuntimeError("Session is closed"), Phase.CLOSE, True),
        (ValueError("header"), Phase.LOCAL, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_unmarked_means_not_written(error: Exception, phase: Phase, permanent: bool) -> None:  # noqa: FBT001
    """With the mark unset, every exception means "not written"; its class only says where and for how long."""
    reason = type(error).__name__
    assert explain(error, written=False) == Failure(phase=phase, reason=reason, written=False, permanent=permanent)


def test_proof_that_nothing_was_written() -> None:
    """Only a refused first write, of one small body, and before any answer, outweighs the mark."""
    error = aiohttp.ClientOSError(None, "Can not write request body")
    error.__cause__ = aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    proven = explain(error, written=True, one_write=True)
    assert (proven.phase, proven.written, proven.reason) == (Phase.WRITE, False, "ClientOSError (ClientConnectionResetError)")
    assert explain(error, written=True).written
    assert explain(error, written=True, one_write=True, status=200).written
    assert explain(aiohttp.ClientOSError(104, "reset"), written=True, one_write=True).written


# --- Compression --------------------------------------------------------------------------------------------------------------


@both_lanes
@pytest.mark.parametrize(
    ("compress", "encoding"),
    [
        pytest.param(gzip.compress, "gzip", id="gzip"),
        pytest.param(gzip.compress, "X-GZIP", id="old name"),
        pytest.param(zlib.compress, "deflate", id="deflate"),
        pytest.param(bytes, "identity", id="identity"),
        pytest.param(bytes, "", id="not said"),
    ],
)
async def test_compression_that_nobody_asked_for_is_undone(compress: Callable[[bytes], bytes], encoding: str) -> None:
    """A gateway that compresses all the same does not put a message into doubt."""
    body = b'{"trackingId":"id-1"}'
    headers = (f"Content-Encoding: {encoding}",) if encoding else ()
    script = after_request(answer(compress(body), "200 OK", *headers))
    async with Server(script) as server, transport_to(server.origin) as transport:
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == body


@both_lanes
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_compression_that_we_do_not_know_is_no_answer(encoding: str) -> None:
    """A body that cannot be read leaves the outcome unknown."""
    script = after_request(answer(b"whatever", "200 OK", f"Content-Encoding: {encoding}"))
    async with Server(script) as server, transport_to(server.origin) as transport:
        failure = await failure_of(transport, SEND)
    assert (failure.phase, failure.written, failure.status) == (Phase.BODY, True, 200)


@both_lanes
async def test_compressed_body_that_is_cut_is_no_answer() -> None:
    """Half of a compressed body is not taken for the whole."""
    half = gzip.compress(b'{"trackingId":"id-1"}')[:-6]
    script = after_request(answer(half, "200 OK", "Content-Encoding: gzip"))
    async with Server(script) as server, transport_to(server.origin) as transport:
        assert (await failure_of(transport, SEND)).phase is Phase.BODY
