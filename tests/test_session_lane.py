"""The way through aiohttp's session: exact about what was written, exact about time, and at home in a session of the caller's."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from unittest.mock import Mock

import aiohttp
import attrs
import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from routee_async import session_lane
from routee_async.deadlines import Deadlines
from routee_async.exchange import ExchangeError
from routee_async.lease import Mark
from routee_async.models import Sms
from routee_async.options import Timeout
from routee_async.protocol import Failure, Host, Phase, Request, Response, build_fetch_tracking, build_send, build_token_request
from routee_async.session_lane import MarkedPayload
from routee_async.transport import AiohttpTransport
from tests.collecting import collector, no_count_of_containers
from tests.misbehaving import PATIENCE, Peer, Server, answer, nothing_left, refusing_port, until

TOKEN = "Bearer 5f0e1d2c"
SEND = build_send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"), "run-1")
READ = build_fetch_tracking("00000000-0000-0000-0000-000000000001")
SHORT = 0.1
"""Seconds of a limit that is meant to run out."""


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@asynccontextmanager
async def transport_to(origin: str, session: aiohttp.ClientSession, **bounds: float) -> AsyncIterator[AiohttpTransport]:
    """Open a transport over a session of the caller's, and check at the end that no exchange holds a connection."""
    timeout = Timeout(**{"total": PATIENCE, "connect": PATIENCE, "sock_connect": PATIENCE, "sock_read": PATIENCE, **bounds})
    yield AiohttpTransport({Host.API: origin, Host.AUTH: origin}, timeout=timeout, max_connections=2, session=session)
    assert session.connector is not None
    assert not session.connector._acquired  # noqa: SLF001 - there is no other view


async def failure_of(transport: AiohttpTransport, request: Request = SEND, time_left: float = PATIENCE) -> Failure:
    """Make an exchange that fails."""
    with pytest.raises(ExchangeError) as caught:
        await transport.exchange(request, TOKEN, time_left)
    return caught.value.failure


async def always(peer: Peer) -> None:
    """Answer each request."""
    while True:
        await peer.request()
        await peer.send(answer())


async def never(peer: Peer) -> None:
    """Read the request, and say nothing."""
    await peer.request()
    await peer.gone()


async def leaving(peer: Peer) -> None:
    """Read the request, and close."""
    await peer.request()


# --- The mark ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["write", "write_with_length"])
async def test_mark_is_set_before_the_first_byte(method: str) -> None:
    """Whichever way aiohttp has a body written, the mark is there first."""
    mark = Mark(written=False)
    payload = MarkedPayload(b"body", mark, 1.0)
    seen: list[tuple[bytes, bool]] = []

    async def write(piece: bytes) -> None:
        seen.append((piece, mark.written))

    writer = Mock(write=write)
    await (payload.write(writer) if method == "write" else payload.write_with_length(writer, 4))
    assert seen == [(b"body", True)]
    assert mark.connection is writer.transport


async def test_a_body_is_never_longer_than_was_said() -> None:
    """Where aiohttp has announced fewer bytes, no more are written."""
    written: list[bytes] = []

    async def write(piece: bytes) -> None:
        written.append(piece)

    await MarkedPayload(b"body", Mark(written=False), 1.0).write_with_length(Mock(write=write), 3)
    assert written == [b"bod"]


async def test_a_middleware_can_read_the_body() -> None:
    """A middleware that signs what is sent finds it, as bytes and as text."""
    seen: list[object] = []

    async def sign(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        assert isinstance(request.body, aiohttp.Payload)
        seen.extend([await request.body.as_bytes(), request.body.decode(), request.body.size])
        request.headers["X-Signature"] = "1"
        return await handler(request)

    async with (
        Server(always) as server,
        aiohttp.ClientSession(middlewares=(sign,)) as session,
        transport_to(server.origin, session) as transport,
    ):
        await transport.exchange(SEND, TOKEN, PATIENCE)
        assert SEND.body is not None
        assert seen == [SEND.body, SEND.body.decode(), len(SEND.body)]
        assert b"\r\nX-Signature: 1\r\n" in server.requests[0]


@pytest.mark.parametrize("replaced", [False, True], ids=["body as it was", "another body"])
async def test_a_body_that_a_middleware_replaced_counts_as_written(replaced: bool) -> None:  # noqa: FBT001
    """Where nobody could set the mark before the first byte, it is set before the connection is made: nothing goes out twice."""

    async def replace(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if replaced:
            request.body = aiohttp.BytesPayload(SEND.body or b"")  # the oldest aiohttp has no other way
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=(replace,)) as session:
        async with Server(leaving) as server, transport_to(server.origin, session) as transport:
            failure = await failure_of(transport)
            assert (failure.phase, failure.written) == (Phase.WAIT, True)
            assert len(server.requests) == 1
        with refusing_port() as port:
            async with transport_to(f"http://127.0.0.1:{port}", session) as transport:
                assert (await failure_of(transport)).written is replaced
                assert not (await failure_of(transport, READ)).written


# --- Time --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [True, False], ids=["counted when it is late", "counted from the beginning"])
@pytest.mark.parametrize("request_", [SEND, READ], ids=["send", "read"])
async def test_silence_ends_an_exchange(request_: Request, counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A server that says nothing for too long is given up, also by an aiohttp that cannot be told later to count."""
    monkeypatch.setattr(session_lane, "COUNTS_SILENCE", counts)
    async with (
        Server(never) as server,
        aiohttp.ClientSession() as session,
        transport_to(server.origin, session, sock_read=SHORT) as transport,
    ):
        started = asyncio.get_running_loop().time()
        failure = await failure_of(transport, request_)
        assert (failure.phase, failure.written, failure.reason) == (Phase.WAIT, True, "SocketTimeoutError")
        assert asyncio.get_running_loop().time() - started < PATIENCE / 2


async def test_each_piece_begins_the_silence_anew() -> None:
    """An answer that comes slowly, but comes, is read to its end: in head, interim answers and body."""
    pieces = [b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\n", b"a", b"b", b"c", b"d"]

    async def slow(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await asyncio.sleep(0.04)
            await peer.send(piece)
        await peer.gone()

    async with (
        Server(slow) as server,
        aiohttp.ClientSession() as session,
        transport_to(server.origin, session, sock_read=0.2) as transport,
    ):
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == b"abcd"


async def test_writing_is_no_silence() -> None:
    """A large body may take longer to go out than an answer may take to begin."""
    body = b" " * 20_000_000
    was_read = False

    async def late(peer: Peer) -> None:
        nonlocal was_read
        await asyncio.sleep(4 * SHORT)
        await peer.request()
        was_read = True
        await peer.send(answer(b"{}"))
        await peer.gone()

    async with (
        Server(late) as server,
        aiohttp.ClientSession() as session,
        transport_to(server.origin, session, sock_read=2 * SHORT) as transport,
    ):
        assert (await transport.exchange(attrs.evolve(SEND, body=body), TOKEN, PATIENCE)).body == b"{}"
        assert was_read


async def test_counting_ends_with_the_answer() -> None:
    """A connection whose silence was counted is as good as any: idle, it is not taken for silent."""

    async def late(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(SHORT / 2)
            await peer.send(answer())

    async with (
        Server(late) as server,
        aiohttp.ClientSession() as session,
        transport_to(server.origin, session, sock_read=SHORT) as transport,
    ):
        await transport.exchange(SEND, TOKEN, PATIENCE)
        await asyncio.sleep(2 * SHORT)
        await transport.exchange(SEND, TOKEN, PATIENCE)
        assert len(server.peers) == 1


async def test_who_looks_on_sees_a_timeout() -> None:
    """Traces and middlewares see an exchange run out of time as aiohttp's own do: as a timeout, not as a cancellation."""
    seen: list[type[BaseException]] = []

    async def note(_: object, __: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        seen.append(type(params.exception))

    async def watch(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        try:
            return await handler(request)
        except BaseException as error:
            seen.append(type(error))
            raise

    trace = aiohttp.TraceConfig()
    trace.on_request_exception.append(note)
    watchers: list[Mapping[str, object]] = [{"trace_configs": [trace]}, {"middlewares": (watch,)}]
    for options in watchers:
        async with (
            Server(never) as server,
            aiohttp.ClientSession(**options) as session,  # type: ignore[arg-type] # handed on as they come
            transport_to(server.origin, session) as transport,
        ):
            failure = await failure_of(transport, time_left=SHORT)
            assert (failure.phase, failure.written) == (Phase.WAIT, True)
    assert seen == [TimeoutError, TimeoutError]


async def test_time_is_over_at_whatever_turn_of_the_loop() -> None:
    """Wherever the end of the time lands, what counts as not written has not arrived, and the task is not left cancelled."""
    verdicts = {"answered": 0, "written": 0, "not written": 0}

    async def end(deadlines: Deadlines, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        for each in list(deadlines._all):  # noqa: SLF001 - to end the time by hand
            each.expire()

    async def exchange(transport: AiohttpTransport) -> str:
        try:
            await transport.exchange(SEND, TOKEN, PATIENCE)
        except ExchangeError as error:
            return "written" if error.failure.written else "not written"
        return "answered"

    async with Server(always) as server, aiohttp.ClientSession() as session, transport_to(server.origin, session) as transport:
        for turns in range(20):
            ending = asyncio.create_task(end(transport._session_lane._deadlines, turns))  # noqa: SLF001 - as above
            verdicts[await exchange(transport)] += 1
            await ending
            task = asyncio.current_task()
            assert task is not None
            assert not task.cancelling()
            # Neither more nor fewer: whatever was written over a connection that is closed in order arrives.
            await until(lambda: len(server.requests) >= verdicts["answered"] + verdicts["written"])
            assert len(server.requests) == verdicts["answered"] + verdicts["written"]
    assert all(verdicts.values()), verdicts


# --- The answer --------------------------------------------------------------------------------------------------------------


async def test_body_that_stops_takes_its_connection_along() -> None:
    """An answer that is not read to its end leaves no connection in the pool."""

    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"{}")[:-1])
        await peer.gone()

    async with (
        Server(half) as server,
        aiohttp.ClientSession() as session,
        transport_to(server.origin, session, sock_read=SHORT) as transport,
    ):
        failure = await failure_of(transport)
        assert (failure.phase, failure.written, failure.status) == (Phase.BODY, True, 200)
        await until(lambda: not server.open)


@pytest.mark.parametrize("own", [True, False], ids=["own session", "session of the caller"])
async def test_compression_is_undone_once(own: bool) -> None:  # noqa: FBT001
    """A session of the caller's undoes a compression by itself; for our own, which does not, we do."""
    told = answer(gzip.compress(b"plain"), "200 OK", "Content-Encoding: gzip")

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(told)
        await peer.gone()

    async with Server(script) as server, aiohttp.ClientSession() as session:
        origins = {Host.API: server.origin, Host.AUTH: server.origin}
        transport = AiohttpTransport(origins, timeout=Timeout(), max_connections=1, session=None if own else session)
        assert (await transport.exchange(READ, TOKEN, PATIENCE)).body == b"plain"
        await transport.aclose()


# --- A session of the caller's -----------------------------------------------------------------------------------------------


async def test_what_is_set_on_the_session_goes_on_working() -> None:
    """Headers and cookies of the caller's go out with ours, which win; what the session would do to bad answers is not done."""
    told: list[bytes] = [answer(b'{"code": 1}', "400 Bad Request", "Set-Cookie: b=2; Path=/"), answer(b"{}")]

    async def script(peer: Peer) -> None:
        for each in told:
            await peer.request()
            await peer.send(each)
        await peer.gone()

    session = aiohttp.ClientSession(
        headers={"X-Mine": "1", "Accept": "text/html", "Content-Type": "text/plain"},
        cookies={"a": "1"},
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        raise_for_status=True,
        timeout=aiohttp.ClientTimeout(total=0.000_001),
    )
    async with Server(script) as server, session, transport_to(server.origin, session) as transport:
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).status == 400
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).status == 200
        first, second = server.requests
        for request in (first, second):
            assert b"\r\nX-Mine: 1\r\n" in request
            assert request.count(b"\r\nAccept: ") == 1
            assert b"\r\nAccept: application/json\r\n" in request
            assert b"\r\nContent-Type: application/json\r\n" in request
        assert b"\r\nCookie: a=1\r\n" in first
        assert b"b=2" in second


async def test_headers_are_those_of_the_request() -> None:
    """Headers are kept from one exchange to the next, and never beyond what they were built for."""
    expected = [
        (SEND, "Bearer one", b"application/json"),
        (SEND, "Bearer one", b"application/json"),
        (SEND, "Bearer two", b"application/json"),
        (build_token_request(), "Basic three", b"application/x-www-form-urlencoded"),
        (READ, "Bearer two", None),
        (SEND, "Bearer two", b"application/json"),
    ]
    async with Server(always) as server, aiohttp.ClientSession() as session, transport_to(server.origin, session) as transport:
        for request, authorization, _ in expected:
            await transport.exchange(request, authorization, PATIENCE)
        for (_, authorization, content_type), seen in zip(expected, server.requests, strict=True):
            assert b"\r\nAuthorization: %b\r\n" % authorization.encode() in seen
            assert seen.count(b"\r\nAuthorization: ") == 1
            assert seen.count(b"\r\nContent-Type: ") == int(content_type is not None)
            assert content_type is None or b"\r\nContent-Type: %b\r\n" % content_type in seen


async def test_connections_of_the_caller_read_little_at_a_time() -> None:
    """The buffer that asyncio takes from the system for each answer is made smaller, as it is for connections of our own."""
    async with Server(always) as server, aiohttp.ClientSession() as session, transport_to(server.origin, session) as transport:
        await transport.exchange(SEND, TOKEN, PATIENCE)
        await until(lambda: server.requests)
        assert session.connector is not None
        (pooled,) = session.connector._conns.values()  # noqa: SLF001 - there is no other view
        assert [getattr(handler.transport, "max_size", None) for handler, _ in pooled] == [32 * 1024]


# --- The garbage collector ---------------------------------------------------------------------------------------------------


@no_count_of_containers
async def test_exchanges_that_begin_together_do_not_call_the_collector() -> None:
    """Hundreds of exchanges make thousands of containers and free them again: most collections that would follow are spared."""

    async def collections(*, is_of_use: bool) -> int:
        async with Server(always) as server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:
            with collector() as looked:
                async with transport_to(server.origin, session) as transport:
                    transport._session_lane._ballast._is_of_use = is_of_use  # noqa: SLF001 - to do without it
                    await exchange_together(transport)  # which makes the connections
                    looked.clear()
                    for _ in range(10):
                        await exchange_together(transport)
        return len(looked)

    spared = await collections(is_of_use=True)
    assert 3 * spared <= await collections(is_of_use=False)


async def exchange_together(transport: AiohttpTransport) -> None:
    """Let a hundred exchanges begin together, as a batch does."""
    answers: list[object] = []
    for _ in range(100):
        transport.begin(SEND, TOKEN, asyncio.get_running_loop().time(), PATIENCE, list.append, answers)
    await until(lambda: len(answers) == 100)
    assert all(isinstance(each, Response) for each in answers)
