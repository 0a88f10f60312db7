"""The direct lane: whatever a server does, a send comes to the same as through aiohttp's session; connections are kept in order."""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from typing import Any

import aiohttp
import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routee_async import lane as lane_module
from routee_async import transport as transport_module
from routee_async.exchange import ExchangeError
from routee_async.lane import Lane
from routee_async.lease import Lease
from routee_async.models import Sms
from routee_async.options import Timeout
from routee_async.pool import Pool
from routee_async.protocol import (
    Host,
    Phase,
    Request,
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
    until,
)

TOKEN = "Bearer 5f0e1d2c"
SEND = build_send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"), "run-1")
READ = build_fetch_tracking("00000000-0000-0000-0000-000000000001")
GOOD = b'{"trackingId":"id-1"}'
SHORT = 0.1
"""Seconds of a limit that is meant to run out."""


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@asynccontextmanager
async def transport_to(
    origin: str,
    *,
    direct: bool = True,
    max_connections: int = 2,
    pool: dict[str, Any] | None = None,
    **bounds: float,
) -> AsyncIterator[AiohttpTransport]:
    """Open a transport that has the lane, or has not, and check at the end that no exchange holds a connection."""
    timeout = Timeout(**{"total": PATIENCE, "connect": PATIENCE, "sock_connect": PATIENCE, "sock_read": PATIENCE, **bounds})
    with pytest.MonkeyPatch.context() as patch:
        if not direct:
            patch.setattr(lane_module, "is_supported", lambda: False)
        patch.setattr(transport_module, "Pool", partial(Pool, **(pool or {})))
        opened = AiohttpTransport({Host.API: origin, Host.AUTH: origin}, timeout=timeout, max_connections=max_connections)
    assert (lane_of(opened) is not None) is direct
    try:
        yield opened
        assert in_use(opened._session) == 0  # noqa: SLF001 - to look at its pool
    finally:
        await opened.aclose()


def lane_of(transport: AiohttpTransport) -> Lane | None:
    """The lane of a transport."""
    return transport._lane  # noqa: SLF001 - to look at its leases


def parked(transport: AiohttpTransport) -> int:
    """How many leases wait for the next send."""
    lane = lane_of(transport)
    assert lane is not None
    return sum(not lease.transport.is_closing() for lease in lane._parked)  # noqa: SLF001 - there is no other view


Verdict = tuple[object, ...]


async def verdict_of(transport: AiohttpTransport, request: Request = SEND, time_left: float = PATIENCE) -> Verdict:
    """What an exchange comes to, in a form that can be compared."""
    try:
        response = await transport.exchange(request, TOKEN, time_left)
    except ExchangeError as error:
        failure = error.failure
        return failure.phase, failure.written, failure.permanent, failure.status
    return response.status, dict(response.headers), response.body


# --- Which lane it is --------------------------------------------------------------------------------------------------------


def test_this_aiohttp_has_the_lane() -> None:
    """If this fails, sends are several times slower with this aiohttp than they could be: see `lane.is_supported`."""
    assert lane_module.is_supported(), f"aiohttp {aiohttp.__version__} has no direct lane"


async def test_sends_take_the_lane_and_reads_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send does not touch aiohttp's session; whatever else there is goes through it."""
    asked: list[str] = []
    request = aiohttp.ClientSession._request  # noqa: SLF001 - what every request of a session goes through

    async def note(self: aiohttp.ClientSession, method: str, url: object, **options: Any) -> aiohttp.ClientResponse:  # noqa: ANN401
        asked.append(method)
        return await request(self, method, url, **options)  # type: ignore[arg-type] # handed on as it comes

    monkeypatch.setattr(aiohttp.ClientSession, "_request", note)
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        for each in (SEND, READ, SEND, build_token_request()):
            await transport.exchange(each, TOKEN, PATIENCE)
    assert asked == ["GET", "POST"]
    assert [line.split()[1] for line in server.requests] == [b"/sms", READ.path.encode(), b"/sms", b"/oauth/token"]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (aiohttp.TCPConnector, "connect"),
        (aiohttp.client_proto.ResponseHandler, "set_response_params"),
        (aiohttp.client_proto.ResponseHandler, "start_timeout"),
        (aiohttp, "ClientRequest"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_aiohttp_that_is_built_differently(
    owner: object,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where something is missing that the lane rests on, or is another thing, sends go through the session, and that is told."""
    caplog.set_level(logging.WARNING)
    with monkeypatch.context() as patch:
        if name == "start_timeout":
            patch.delattr(owner, name)
        else:
            patch.setattr(owner, name, lambda: None)
        assert not lane_module.is_supported()
        patch.setattr(owner, name, object(), raising=False)
        assert not lane_module.is_supported() or name == "start_timeout"
    async with Server(answering(GOOD)) as server, transport_to(server.origin, direct=False) as transport:
        assert (await transport.exchange(SEND, TOKEN, PATIENCE)).body == GOOD
    assert "which is slower" in caplog.text


async def test_both_lanes_write_the_same() -> None:
    """A server cannot tell the lanes apart: the same line, the same headers with the same values, the same body."""
    written: list[tuple[bytes, set[bytes], bytes]] = []
    for direct in (True, False):
        async with Server(answering(GOOD)) as server, transport_to(server.origin, direct=direct) as transport:
            await transport.exchange(SEND, TOKEN, PATIENCE)
            request = server.requests[0].replace(b":%d" % server.port, b"")
        head, _, body = request.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        assert len(headers) == len(set(headers))
        written.append((line, set(headers), body))
    assert written[0] == written[1]


@pytest.mark.parametrize("token", ["Bearer a\r\nX-Smuggled: b", "Bearer a\nb"], ids=repr)
async def test_token_that_would_break_the_head(token: str) -> None:
    """A token that an endpoint made up cannot smuggle a header in: nothing is written, on either lane."""
    for direct in (True, False):
        async with Server(answering(GOOD)) as server, transport_to(server.origin, direct=direct) as transport:
            with pytest.raises(ExchangeError) as caught:
                await transport.exchange(SEND, token, PATIENCE)
            failure = caught.value.failure
            assert (failure.phase, failure.written, failure.permanent) == (Phase.LOCAL, False, True)
        assert not server.requests


async def test_token_that_would_break_the_head_of_what_is_begun() -> None:
    """Nor does it begin anything where a connection is at hand."""
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        await transport.exchange(SEND, TOKEN, PATIENCE)
        now = asyncio.get_running_loop().time()
        assert transport.begin(SEND, "Bearer a\nb", now, PATIENCE, lambda *_: None, None) is None
        assert len(server.requests) == 1


async def test_tokens_are_not_mixed_up() -> None:
    """Each send has the token that was given for it, however many there have been."""
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        tokens = [f"Bearer {number % 12}" for number in range(30)]
        for token in tokens:
            await transport.exchange(SEND, token, PATIENCE)
    assert [line.split(b"Authorization: ")[1].split(b"\r\n")[0].decode() for line in server.requests] == tokens


# --- Shapes of answers -------------------------------------------------------------------------------------------------------


def answering(body: bytes) -> Script:
    """Answer every request with *body*."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer(body))

    return script


def in_pieces(*pieces: bytes, end: str = "close") -> Script:
    """Answer the first request in *pieces*, each of which the client reads by itself, then `close`, `reset` or `hold`."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            peer.send_now(piece)
            for _ in range(4):
                await asyncio.sleep(0)
        if end == "reset":
            peer.reset()
        if end == "hold":
            await peer.gone()

    return script


def chunked(*pieces: bytes) -> bytes:
    """Put *pieces* into chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def spelled(*lines: str, body: bytes = b"") -> bytes:
    """Spell out an answer line by line."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


OK = "HTTP/1.1 200 OK"
LENGTH = f"Content-Length: {len(GOOD)}"
GZIPPED = zlib.compressobj(9, zlib.DEFLATED, 31)
GZIP = GZIPPED.compress(GOOD) + GZIPPED.flush()
SHAPES = {
    "plain": spelled(OK, LENGTH, body=GOOD),
    "plain no": spelled("HTTP/1.1 400 Bad Request", LENGTH, "Retry-After: 7", body=GOOD),
    "no reason": spelled("HTTP/1.1 200", LENGTH, body=GOOD),
    "empty body": spelled(OK, "Content-Length: 0"),
    "chunks": spelled(OK, "Transfer-Encoding: chunked", body=chunked(GOOD[:5], GOOD[5:])),
    "one chunk": spelled(OK, "Transfer-Encoding: chunked", body=chunked(GOOD)),
    "interim before the answer": spelled("HTTP/1.1 102 Processing") + spelled(OK, LENGTH, body=GOOD),
    "interims before the answer": spelled("HTTP/1.1 100 Continue") * 3 + spelled(OK, LENGTH, body=GOOD),
    "told to close": spelled(OK, LENGTH, "Connection: close", body=GOOD),
    "older HTTP": spelled("HTTP/1.0 200 OK", LENGTH, body=GOOD),
    "older HTTP, kept open": spelled("HTTP/1.0 200 OK", LENGTH, "Connection: keep-alive", body=GOOD),
    "until the end": spelled(OK, body=GOOD),
    "no content": spelled("HTTP/1.1 204 No Content"),
    "no content, with a length": spelled("HTTP/1.1 204 No Content", LENGTH),
    "not modified": spelled("HTTP/1.1 304 Not Modified", LENGTH),
    "gzip": spelled(OK, f"Content-Length: {len(GZIP)}", "Content-Encoding: gzip", body=GZIP),
    "bad gzip": spelled(OK, LENGTH, "Content-Encoding: gzip", body=GOOD),
    "garbage": b"SSH-2.0-not-http\r\n\r\n",
    "nothing": b"",
    "cut head": spelled(OK, LENGTH)[:-3],
    "cut body": spelled(OK, LENGTH, body=GOOD[:-1]),
    "no body": spelled(OK, LENGTH),
    "two lengths": spelled(OK, LENGTH, "Content-Length: 2", body=GOOD),
    "length and chunks": spelled(OK, LENGTH, "Transfer-Encoding: chunked", body=chunked(GOOD)),
    "bare LF": spelled(OK, LENGTH, body=GOOD).replace(b"\r\n", b"\n"),
    "space before the colon": spelled(OK, LENGTH.replace(":", " :"), body=GOOD),
    "folded": spelled(OK, "X: a", " b", LENGTH, body=GOOD),
    "no colon": spelled(OK, "nonsense", LENGTH, body=GOOD),
    "bad length": spelled(OK, "Content-Length: 0x15", body=GOOD),
    "bad chunk": spelled(OK, "Transfer-Encoding: chunked", body=b"zz\r\n" + GOOD),
    "upgrade on offer": spelled(OK, LENGTH, "Connection: upgrade", "Upgrade: h2c", body=GOOD),
    "letters in the status": spelled("HTTP/1.1 2OO OK", LENGTH, body=GOOD),
    "header that is too long": spelled(OK, "X: " + "x" * 9000, LENGTH, body=GOOD),
    "headers that are many": spelled(OK, *(f"X-{number}: y" for number in range(90)), LENGTH, body=GOOD),
}


async def both(script: Script, time_left: float = PATIENCE) -> tuple[Verdict, Verdict]:
    """What a send comes to on the direct lane, and through the session."""
    verdicts = []
    for direct in (True, False):
        async with Server(script) as server, transport_to(server.origin, direct=direct) as transport:
            verdicts.append(await verdict_of(transport, time_left=time_left))
        assert len(server.peers) == 1, "one exchange is one connection"
    return verdicts[0], verdicts[1]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_shape_in_one_piece(shape: bytes) -> None:
    """Every shape of answer comes to the same on both lanes."""
    direct, session = await both(in_pieces(shape))
    assert direct == session


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_shape_that_is_split(shape: bytes) -> None:
    """Wherever an answer is split, it comes to the same on both lanes."""
    for position in range(len(shape)) if len(shape) < 1000 else (20, 100, 8190, 8200, len(shape) - 1):
        direct, session = await both(in_pieces(shape[:position], shape[position:]))
        assert direct == session, position


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("end", ["reset", "hold"])
async def test_shape_that_does_not_end_well(shape: bytes, end: str) -> None:
    """A reset after an answer, or silence, comes to the same on both lanes."""
    if end == "hold":
        # A busy machine must not take longer for an answer than the limit is long.
        direct, session = await both(in_pieces(shape, end=end), time_left=4 * SHORT)
    else:
        direct, session = await both(in_pieces(shape, end=end))
    assert direct == session


async def test_answer_byte_by_byte() -> None:
    """An answer that comes byte by byte is an answer."""
    pieces = (SHAPES["plain"][at : at + 1] for at in range(len(SHAPES["plain"])))
    async with Server(in_pieces(*pieces)) as server, transport_to(server.origin) as transport:
        assert await verdict_of(transport) == (200, {}, GOOD)


async def test_body_that_comes_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece of a body begins the time of silence anew; only `total` bounds the whole."""
    loop = asyncio.get_running_loop()
    time, ahead = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: time() + ahead)

    async def script(peer: Peer) -> None:
        nonlocal ahead
        await peer.request()
        for piece in (spelled(OK, LENGTH), GOOD[:5], GOOD[5:9], GOOD[9:12], GOOD[12:]):
            ahead += 0.6 * PATIENCE
            peer.send_now(piece)
            for _ in range(4):
                await asyncio.sleep(0)
        await peer.gone()

    async with Server(script) as server, transport_to(server.origin, total=100 * PATIENCE) as transport:
        assert await verdict_of(transport, time_left=100 * PATIENCE) == (200, {}, GOOD)


HEADS = st.sampled_from(
    [
        OK,
        "HTTP/1.1 400 Bad Request",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 503",
        "HTTP/9",
    ],
)
FIELDS = st.sampled_from(
    [
        LENGTH,
        LENGTH,
        LENGTH,
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Connection: keep-alive",
        "Content-Encoding: gzip",
        "Content-Type: application/json",
        "Date: Thu, 01 Jan 2026 00:00:00 GMT",
        "Retry-After: 7",
        "X : y",
        " folded",
    ],
)
BODIES = st.sampled_from([b"", GOOD, chunked(GOOD), GZIP, GOOD[:5], GOOD + b"x"])


@st.composite
def scripts(draw: st.DrawFn) -> list[bytes]:
    """An answer as a bad server might write it, in pieces."""
    data = spelled(draw(HEADS), *draw(st.lists(FIELDS, max_size=4)), body=draw(BODIES))
    for _ in range(draw(st.integers(0, 2))):  # a byte or a few are changed, lost or added
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=2)) + data[at + draw(st.integers(0, 2)) :]
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=2)))
    edges = [0, *cuts, len(data)]
    return [data[start:end] for start, end in pairwise(edges) if end > start]


@given(scripts())
@settings(max_examples=150)
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcdeHTTP/1.1 20"])
@example([spelled(OK, LENGTH, body=chunked(GOOD))])
@example([spelled(OK, LENGTH), chunked(GOOD)])
async def test_answers_of_all_kinds(pieces: list[bytes]) -> None:
    """Whatever bytes come back, both lanes make the same of them."""
    direct, session = await both(in_pieces(*pieces))
    assert direct == session


# --- Idle connections --------------------------------------------------------------------------------------------------------


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


async def body_of(transport: AiohttpTransport, request: Request = SEND) -> bytes:
    """What a good exchange brings."""
    return (await transport.exchange(request, TOKEN, PATIENCE)).body


async def test_connection_is_kept_for_the_next_send() -> None:
    """One send after the other goes over one connection, which is parked in between and closed in the end."""
    async with Server(numbered()) as server:
        async with transport_to(server.origin) as transport:
            for number in range(1, 5):
                assert await body_of(transport) == b"1.%d" % number
                assert parked(transport) == 1
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("noticed", [False, True], ids=["not yet read", "already read"])
@pytest.mark.parametrize("data", [answer(b"wrong"), b"H", b"\r\n"], ids=["answer", "byte", "empty line"])
async def test_bytes_while_idle(data: bytes, noticed: bool) -> None:  # noqa: FBT001
    """Whatever came over a parked connection, not one byte is written to it any more."""
    async with Server(numbered()) as server, transport_to(server.origin) as transport:
        await body_of(transport)
        server.peers[0].send_now(data)
        if noticed:
            await until(lambda: not parked(transport))
        assert await body_of(transport) == b"2.1"
        await until(lambda: server.open == 1)
        assert len(server.peers[0].requests) == 1


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("noticed", [False, True], ids=["not yet read", "already read"])
async def test_end_while_idle(how: str, noticed: bool) -> None:  # noqa: FBT001
    """A parked connection that the server has closed, or half of it, is not written to."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(GOOD))
        await told.wait()
        getattr(peer, how)()
        ended.set()

    told, ended = asyncio.Event(), asyncio.Event()
    async with Server(script) as server, transport_to(server.origin) as transport:
        for connections in (1, 2, 3):
            assert await body_of(transport) == GOOD
            assert len(server.peers) == connections
            told.set()
            await ended.wait()
            if noticed:
                await until(lambda: not parked(transport))
            told.clear()
            ended.clear()


@pytest.mark.parametrize(
    "extra",
    [answer(b"wrong"), answer(b"wrong")[:9], b"\r\n"],
    ids=["another answer", "the beginning of one", "empty line"],
)
async def test_more_than_an_answer(extra: bytes) -> None:
    """What comes behind an answer is never taken for the next one, in one piece with it or not."""
    for pieces in ([answer(GOOD) + extra], [answer(GOOD), extra], [answer(GOOD)[:-1], GOOD[-1:] + extra]):
        async with Server(in_pieces(*pieces, end="hold")) as server, transport_to(server.origin) as transport:
            assert await body_of(transport) == GOOD
            await until(lambda: not idle(transport._session))  # noqa: SLF001 - at once; to look at its pool
            await verdict_of(transport, time_left=SHORT)
            assert [len(peer.requests) for peer in server.peers] == [1, 1]


async def test_connection_that_is_idle_for_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parked connection does not outlive the keep-alive time, whether anybody asks for it or not."""
    monkeypatch.setattr(lane_module, "KEEP_ALIVE", SHORT)
    async with Server(numbered()) as server, transport_to(server.origin) as transport:
        await asyncio.gather(body_of(transport), body_of(transport))
        assert parked(transport) == 2
        await until(lambda: server.open == 0)
        assert parked(transport) == 0
        monkeypatch.setattr(lane_module, "KEEP_ALIVE", -1.0)
        assert await body_of(transport) == b"3.1"
        assert await body_of(transport) == b"4.1"


async def test_parked_connections_do_not_starve_the_others() -> None:
    """However many sends there were, as many reads find a place, over the connections that are there."""
    async with Server(numbered()) as server, transport_to(server.origin, max_connections=4) as transport:
        for request in (SEND, READ, SEND, READ):
            async with asyncio.timeout(PATIENCE / 2):
                await asyncio.gather(*(body_of(transport, request) for _ in range(4)), body_of(transport, build_token_request()))
        assert len(server.peers) <= 5
        assert idle(transport._session) == len(server.peers)  # noqa: SLF001 - to look at its pool


async def test_sends_and_reads_share_the_pool() -> None:
    """Sends and reads in any mix never hold more connections than the pool has places."""
    most = 0

    async def script(peer: Peer) -> None:
        nonlocal most
        while True:
            await peer.request()
            most = max(most, server.open)
            await asyncio.sleep(0)
            await peer.send(answer(GOOD))

    async with Server(script) as server, transport_to(server.origin, max_connections=3) as transport:
        turns = asyncio.Semaphore(3)

        async def one(number: int) -> None:
            async with turns:
                await body_of(transport, READ if number % 3 == 0 else SEND)

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*map(one, range(60)))
        assert most <= 4


async def test_answer_that_came_before_all_was_written() -> None:
    """A connection over which something is still to be written is not used for the next send."""

    async def script(peer: Peer) -> None:
        await peer.some()
        await peer.send(answer(b"%d" % len(server.peers)))
        await ended.wait()

    ended = asyncio.Event()
    async with Server(script) as server, transport_to(server.origin) as transport:
        assert await body_of(transport, attrs.evolve(SEND, body=b"x" * 50_000_000)) == b"1"
        assert parked(transport) == 0
        assert await body_of(transport) == b"2"
        assert parked(transport) == 1
        ended.set()


async def test_large_body_is_written_whole() -> None:
    """A body that does not go out at once is written as the server takes it."""
    body = b"x" * 30_000_000
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        assert await body_of(transport, attrs.evolve(SEND, body=body)) == GOOD
        assert server.requests[0].endswith(body)
        assert await body_of(transport) == GOOD


# --- Deadlines ---------------------------------------------------------------------------------------------------------------


async def test_each_exchange_has_its_own_deadline() -> None:
    """Of many exchanges under way each is given up when its own time is over, however they were begun."""
    loop = asyncio.get_running_loop()

    async def give_up(time_left: float) -> float:
        began = loop.time()
        assert await verdict_of(transport, time_left=time_left) == (Phase.WAIT, True, False, None)
        return loop.time() - began - time_left

    async with Server(in_pieces(end="hold")) as server, transport_to(server.origin, max_connections=5) as transport:
        late = await asyncio.gather(*map(give_up, (0.2, 0.1, 0.3, 0.15)))
        assert min(late) > -0.001  # a float's worth
        assert max(late) < PATIENCE / 2
        await until(lambda: server.open == 0)


async def test_connection_that_comes_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written over a connection that was only made when the time was over."""
    loop = asyncio.get_running_loop()
    time, ahead = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: time() + ahead)
    connect = Pool.connect

    async def connect_late(self: Pool, *arguments: Any) -> aiohttp.connector.Connection:  # noqa: ANN401 - handed on as they come
        nonlocal ahead
        connection = await connect(self, *arguments)
        ahead = 2 * PATIENCE
        return connection

    monkeypatch.setattr(Pool, "connect", connect_late)
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        assert await verdict_of(transport) == (Phase.CONNECT, False, False, None)
        assert idle(transport._session) == 1  # noqa: SLF001 - to look at its pool
    assert not server.requests


async def test_silence_after_an_answer_has_begun() -> None:
    """Silence in the middle of a body ends the exchange, which knows the status by then."""
    script = in_pieces(answer(GOOD)[:-1], end="hold")
    async with Server(script) as server, transport_to(server.origin, sock_read=SHORT) as transport:
        assert await verdict_of(transport) == (Phase.BODY, True, False, 200)


async def test_silence_after_half_a_head() -> None:
    """Silence in the middle of a head is aiohttp's to notice, and is noticed in time."""
    async with Server(in_pieces(answer(GOOD)[:20], end="hold")) as server:
        async with transport_to(server.origin, sock_read=SHORT) as transport:
            assert await verdict_of(transport) == (Phase.WAIT, True, False, None)
        async with transport_to(server.origin) as transport:
            assert await verdict_of(transport, time_left=SHORT) == (Phase.WAIT, True, False, None)


async def test_no_timer_is_left() -> None:
    """When nothing is under way and nothing parked, no deadline is watched."""
    script = in_pieces(SHAPES["told to close"])
    async with Server(script) as server, transport_to(server.origin, sock_read=SHORT) as transport:
        await body_of(transport)
        lane = lane_of(transport)
        assert lane is not None
        await until(lambda: lane._sweeper is None)  # noqa: SLF001 - to look at it


# --- Cancelling and closing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["plain", "chunks", "cut head", "cut body"])
async def test_cancelling_at_every_turn(shape: str) -> None:
    """Wherever a cancellation lands, no place in the pool is lost, and a connection over which something is to come is closed."""
    async with Server(in_pieces(SHAPES[shape][:30], SHAPES[shape][30:], end="hold")) as server:
        for turns in range(30):
            async with transport_to(server.origin) as transport:
                task = asyncio.create_task(transport.exchange(SEND, TOKEN, PATIENCE))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                assert in_use(transport._session) == 0  # noqa: SLF001 - to look at its pool
                assert task.cancelled() or idle(transport._session) == 1  # noqa: SLF001 - as above
        await until(lambda: server.open == 0)


async def test_closing_with_sends_under_way() -> None:
    """Closing ends what is under way as closed and perhaps written, and leaves no connection."""
    for data in (b"", SHAPES["plain"][:20], SHAPES["plain"][:-1]):
        async with Server(in_pieces(data, end="hold")) as server:
            async with transport_to(server.origin) as transport:
                tasks = [asyncio.create_task(verdict_of(transport)) for _ in range(2)]
                await until(lambda: len(server.requests) == 2)
                await asyncio.sleep(0.01)
                await transport.aclose()
                for verdict in await asyncio.gather(*tasks):
                    assert verdict[:3] == (Phase.CLOSE, True, True)
            await until(lambda: server.open == 0)


async def test_closing_just_after_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send whose answer has come keeps it, although the lane is closed in the same turn; its connection is closed too."""
    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        take_body = Lease.take_body

        def close_first(lease: Lease) -> bytes:
            lane = lane_of(transport)
            assert lane is not None
            lane.close()
            return take_body(lease)

        monkeypatch.setattr(Lease, "take_body", close_first)
        assert await body_of(transport) == GOOD
        assert idle(transport._session) == 0  # noqa: SLF001 - to look at its pool
        await until(lambda: server.open == 0)


# --- TLS ---------------------------------------------------------------------------------------------------------------------


async def test_over_tls() -> None:
    """Over TLS all goes as it does without: one connection serves, and nothing unasked is taken for an answer."""
    certificates = Certificates()
    async with Server(numbered(), certificates.good()) as server:
        async with transport_to(server.origin, pool={"ssl": certificates.trusting()}) as transport:
            for number in range(1, 5):
                assert await body_of(transport) == b"1.%d" % number
            await server.peers[0].send(answer(b"wrong"))
            assert await body_of(transport) == b"2.1"
            assert await body_of(transport, READ) == b"2.2"
            assert await body_of(transport) == b"2.3"
            await server.peers[1].send(answer(b"wrong"))
            await until(lambda: not idle(transport._session))  # noqa: SLF001 - to look at its pool
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("shape", ["plain", "chunks", "until the end", "cut body", "garbage", "told to close"])
async def test_shapes_over_tls(shape: str) -> None:
    """Over TLS, too, both lanes make the same of an answer, wherever it is split."""
    certificates = Certificates()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(SHAPES[shape][:40])
        await asyncio.sleep(0.01)
        await peer.send(SHAPES[shape][40:])

    verdicts = []
    for direct in (True, False):
        trusting = {"ssl": certificates.trusting()}
        async with (
            Server(script, certificates.good()) as server,
            transport_to(server.origin, direct=direct, pool=trusting) as transport,
        ):
            verdicts.append(await verdict_of(transport))
    assert verdicts[0] == verdicts[1]


async def test_no_connection_to_be_had() -> None:
    """What is not connected is not written, and says where it failed."""
    with refusing_port() as port:
        async with transport_to(f"http://127.0.0.1:{port}") as transport:
            assert await verdict_of(transport) == (Phase.CONNECT, False, False, None)
    with deaf_port() as port:
        async with transport_to(f"http://127.0.0.1:{port}", connect=SHORT) as transport:
            assert await verdict_of(transport) == (Phase.CONNECT, False, False, None)


async def test_transport_that_raises_while_it_is_given_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have written something before: what is begun so is in doubt, and its connection is not used again."""
    ask = Lease.ask

    def raise_afterwards(lease: Lease, *arguments: Any) -> None:  # noqa: ANN401 - handed on as they come
        ask(lease, *arguments)
        raise RuntimeError("told after it was written")

    async with Server(answering(GOOD)) as server, transport_to(server.origin) as transport:
        await transport.exchange(SEND, TOKEN, PATIENCE)
        monkeypatch.setattr(Lease, "ask", raise_afterwards)
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Any] = loop.create_future()
        assert transport.begin(SEND, TOKEN, loop.time(), PATIENCE, lambda future, answer: future.set_result(answer), told)
        assert not told.done()
        with pytest.raises(ExchangeError) as caught:
            await transport.finish(SEND, await told)
        assert caught.value.failure.written
        assert parked(transport) == 0
