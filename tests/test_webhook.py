"""Tests of `webhook.py`: an aiohttp server on a real socket, and whatever may come over it."""

import asyncio
import gzip
import inspect
import json
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from routee_async import CallbackEvent, ConfigurationError, InboundSms, MessageCallback, webhook
from routee_async.webhook import Refusal, Webhook, WebhookStats

NUMBER = "+306912345678"
SECRET = "hook-secret-that-nobody-guesses"
Page = TestClient[web.Request, web.Application]


def payload(number: int = 0) -> dict[str, object]:
    """The callback with this number."""
    return {"messageId": f"id-{number}", "to": NUMBER, "status": {"name": "Delivered"}, "message": "Meet me at noon"}


def body(number: int = 0) -> bytes:
    """The same as it is on the wire."""
    return json.dumps(payload(number)).encode()


@asynccontextmanager
async def serving(hook: Webhook, route: str = "/hook", *, handler_cancellation: bool = False) -> AsyncIterator[Page]:
    """Serve *hook*, for any method, and give a client of it."""
    app = web.Application()
    app.router.add_route("*", route, hook)
    async with TestClient(TestServer(app), cookie_jar=aiohttp.DummyCookieJar()) as client:
        client.server.handler.handler_cancellation = handler_cancellation
        yield client
    left = {task.get_name() for task in asyncio.all_tasks()}
    assert "routee-webhook-sink" not in left


class Recorder:
    """A sink that keeps what it gets; an asynchronous one that can be held up.

    Attributes:
        got: Ids in order.
        open: Lets callbacks through; set from the start.
    """

    def __init__(self) -> None:
        self.got: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    def feed(self, callback: CallbackEvent) -> None:
        """Take one at once."""
        assert isinstance(callback, MessageCallback)
        self.got.append(callback.tracking_id)

    async def slow(self, callback: CallbackEvent) -> None:
        """Take one when the gate is open."""
        await self.open.wait()
        self.feed(callback)


@pytest.fixture
async def recorder() -> Recorder:
    """A sink."""
    return Recorder()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_sink_gets_the_callback(recorder: Recorder, *, is_async: bool) -> None:
    """A callback is answered with an empty 200 when the sink has had it."""
    hook = webhook.handler(recorder.slow if is_async else recorder.feed)
    async with serving(hook) as client:
        answer = await client.post("/hook", data=body())
        assert (answer.status, await answer.read()) == (200, b"")
        assert recorder.got == ["id-0"]
    assert hook.stats == WebhookStats(received=1, delivered=1)
    assert repr(hook) == f"<Webhook {hook.stats}>"


async def test_every_kind_of_callback() -> None:
    """The sink gets what `parse_callback` makes of the body."""
    got: list[CallbackEvent] = []
    inbound = {"messageId": "c0ff", "from": NUMBER, "to": "306900000099", "message": "STOP", "direction": "Inbound"}
    async with serving(webhook.handler(got.append)) as client:
        assert (await client.post("/hook", json=inbound)).status == 200
        assert (await client.post("/hook", json={"trackingId": "9c1f", "campaignStatus": "Sent"})).status == 200
    assert got[0] == InboundSms(tracking_id="c0ff", sender_id=NUMBER, to="306900000099", body="STOP")
    assert len(got) == 2


async def test_order_on_one_connection(recorder: Recorder) -> None:
    """Callbacks that come one after the other reach the sink in that order, over one connection."""
    hook = webhook.handler(recorder.slow)
    async with serving(hook) as client:
        for number in range(20):
            assert (await client.post("/hook", data=body(number))).status == 200
        await hook.drain()
    assert recorder.got == [f"id-{number}" for number in range(20)]


async def test_many_at_once(recorder: Recorder) -> None:
    """Each of many simultaneous callbacks reaches the sink exactly once."""
    hook = webhook.handler(recorder.slow, concurrency=4)
    async with serving(hook) as client:
        statuses = await statuses_of(client, 300)
        await hook.drain()
    assert statuses == [200] * 300
    assert sorted(recorder.got) == sorted(f"id-{number}" for number in range(300))


async def statuses_of(client: Page, count: int) -> list[int]:
    """Post callbacks at once."""

    async def status(number: int) -> int:
        async with client.post("/hook", data=body(number)) as answer:
            return answer.status

    async with asyncio.TaskGroup() as group:
        posts = [group.create_task(status(number)) for number in range(count)]
    return [post.result() for post in posts]


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "cut short": body()[:-3],
    "no callback": b"{}",
    "list": b"[]",
    "wrong bytes": b"\xff\xfe",
    "deep": b"[" * 60_000,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
async def test_malformed(recorder: Recorder, data: bytes) -> None:
    """What is no callback is refused with 400, and the next one is taken over the same connection."""
    hook = webhook.handler(recorder.feed)
    async with serving(hook) as client:
        assert (await client.post("/hook", data=data)).status == 400
        assert (await client.post("/hook", data=body())).status == 200
    assert recorder.got == ["id-0"]
    assert hook.stats.refused == {Refusal.MALFORMED: 1}


async def test_answer_says_what_is_wrong(recorder: Recorder) -> None:
    """Whoever tries the webhook by hand is told which key is missing, and gets nothing of the payload back."""
    async with serving(webhook.handler(recorder.feed)) as client:
        answer = await client.post("/hook", json={"messageId": "id-0", "to": NUMBER})
        text = await answer.text()
    assert "$.status" in text
    assert NUMBER not in text


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(2000, 200), (2001, 413), (500_000, 413)])
async def test_oversize(recorder: Recorder, size: int, status: int, *, chunked: bool) -> None:
    """A body above the limit is refused, whether or not it says how long it is; one that is as long as the limit is taken."""
    data = body() + b" " * (size - len(body()))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield data[start : start + 1000]

    hook = webhook.handler(recorder.feed, max_body=2000)
    async with serving(hook) as client:
        answer = await client.post("/hook", data=pieces() if chunked else data)
        assert answer.status == status
        assert (await client.post("/hook", data=body())).status == 200
    assert hook.stats.refused == ({} if status == 200 else {Refusal.TOO_LARGE: 1})


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed(recorder: Recorder, encoding: str) -> None:
    """A compressed callback is read."""
    data = gzip.compress(body()) if encoding == "gzip" else zlib.compress(body())
    async with serving(webhook.handler(recorder.feed)) as client:
        assert (await client.post("/hook", data=data, headers={"Content-Encoding": encoding})).status == 200
    assert recorder.got == ["id-0"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_bomb(recorder: Recorder, encoding: str) -> None:
    """The limit counts what a body is decompressed to."""
    bomb = b'{"message": "' + b" " * 30_000_000
    data = gzip.compress(bomb) if encoding == "gzip" else zlib.compress(bomb)
    assert len(data) < 64_000
    hook = webhook.handler(recorder.feed)
    async with serving(hook) as client:
        answer = await client.post("/hook", data=data, headers={"Content-Encoding": encoding})
        assert answer.status == 413
        assert (await client.post("/hook", data=body())).status == 200
    assert hook.stats.refused == {Refusal.TOO_LARGE: 1}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "rot13"])
async def test_broken_compression(recorder: Recorder, encoding: str) -> None:
    """A body that is not compressed as it says, or in a way that nobody knows, is refused with 400."""
    async with serving(webhook.handler(recorder.feed)) as client:
        answer = await client.post("/hook", data=b"\x00\x01not compressed at all", headers={"Content-Encoding": encoding})
        assert answer.status == 400
    assert not recorder.got


async def raw(client: Page, *pieces: bytes, end: bool = False) -> bytes:
    """Write pieces to a connection of its own; read the answer, or close without reading it."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return b"" if end else await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


HEAD = b"POST /hook HTTP/1.1\r\nHost: hook\r\n"


async def test_body_that_trickles(recorder: Recorder) -> None:
    """A body that is not there in time is refused with 408."""
    hook = webhook.handler(recorder.feed, read_timeout=0.05)
    async with serving(hook) as client:
        answer = await raw(client, HEAD + b"Content-Length: 1000\r\n\r\n", b"{", b'"')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert hook.stats.refused == {Refusal.TOO_SLOW: 1}


async def test_body_in_pieces(recorder: Recorder) -> None:
    """A body that comes byte by byte, but in time, is read."""
    hook = webhook.handler(recorder.feed)
    async with serving(hook) as client:
        pieces = (body()[at : at + 1] for at in range(len(body())))
        answer = await raw(client, HEAD + f"Content-Length: {len(body())}\r\n\r\n".encode(), *pieces)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert recorder.got == ["id-0"]


async def test_broken_chunks(recorder: Recorder) -> None:
    """A body that breaks off in nonsense is not waited for longer than for any other."""
    hook = webhook.handler(recorder.feed, read_timeout=0.05)
    async with serving(hook) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await until(lambda: hook.stats.received == 1)
        writer.write(b"zz\r\n")
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert status.startswith(b"HTTP/1.1 408 ")
    assert not recorder.got


async def test_client_that_goes_away_within_the_body(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """Half a callback is none, and the server does not mind."""
    hook = webhook.handler(recorder.feed)
    async with serving(hook) as client:
        await raw(client, HEAD + b"Content-Length: 1000\r\n\r\n", body(), end=True)
        await until(lambda: hook.stats.refused == {Refusal.MALFORMED: 1})
        assert (await client.post("/hook", data=body(1))).status == 200
    assert recorder.got == ["id-1"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_client_that_does_not_wait_for_the_answer(recorder: Recorder, *, handler_cancellation: bool) -> None:
    """A callback that was read reaches the sink although its sender has gone, and although the server cancels its handler."""
    recorder.open.clear()
    hook = webhook.handler(recorder.slow)
    async with serving(hook, handler_cancellation=handler_cancellation) as client:
        await raw(client, HEAD + f"Content-Length: {len(body())}\r\n\r\n".encode(), body(), end=True)
        await until(lambda: hook.stats.depth == 1)
        recorder.open.set()
        await until(lambda: hook.stats.delivered == 1)
    assert recorder.got == ["id-0"]


async def until(happens: Callable[[], bool]) -> None:
    """Wait for what the server does."""
    async with asyncio.timeout(10):
        while not happens():
            await asyncio.sleep(0.001)


async def test_secret(recorder: Recorder) -> None:
    """Only whoever knows the secret piece of the URL is let in; others see 404, whatever they send."""
    hook = webhook.handler(recorder.feed, secret=SECRET)
    async with serving(hook, "/routee/{secret}") as client:
        assert (await client.post(f"/routee/{SECRET}", data=body())).status == 200
        for wrong in (SECRET[:-1], SECRET + "x", SECRET.upper(), "x", "%ff", "%00"):
            answer = await client.post(f"/routee/{wrong}", data=b"not even JSON")
            assert (answer.status, await answer.text()) == (404, "")
            assert (await client.get(f"/routee/{wrong}")).status == 404
    assert recorder.got == ["id-0"]
    assert hook.stats.refused == {Refusal.SECRET: 12}


async def test_secret_that_is_being_changed(recorder: Recorder) -> None:
    """While one secret takes over from another, both open."""
    async with serving(webhook.handler(recorder.feed, secret=["new", "old"]), "/routee/{secret}") as client:
        assert [(await client.post(f"/routee/{piece}", data=body())).status for piece in ("new", "old", "older")] == [200, 200, 404]


async def test_route_without_the_secret(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """A route that has forgotten its `{secret}` lets nobody in, and the log says why, once."""
    async with serving(webhook.handler(recorder.feed, secret=SECRET)) as client:
        for _ in range(3):
            assert (await client.post("/hook", data=body())).status == 404
    assert not recorder.got
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "the route of the webhook has no piece {secret}, so that every callback is refused",
    ]


async def test_secret_is_compared_in_constant_time(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is the one of `hmac`, and its word is final."""
    monkeypatch.setattr("hmac.compare_digest", lambda *_: False)
    async with serving(webhook.handler(recorder.feed, secret=SECRET), "/routee/{secret}") as client:
        assert (await client.post(f"/routee/{SECRET}", data=body())).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_other_methods(recorder: Recorder, method: str) -> None:
    """Anything but POST is told what is allowed."""
    hook = webhook.handler(recorder.feed)
    async with serving(hook) as client:
        answer = await client.request(method, "/hook", data=body() if method == "PUT" else None)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert hook.stats.refused == {Refusal.METHOD: 1}


@pytest.mark.parametrize(
    ("allow", "address", "allowed"),
    [
        (("203.0.113.0/24",), "203.0.113.7", True),
        (("203.0.113.0/24",), "203.0.114.7", False),
        (("203.0.113.7",), "203.0.113.7", True),
        (("203.0.113.0/24",), "::ffff:203.0.113.7", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("2001:db8::/32",), "203.0.113.7", False),
        (("203.0.113.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("203.0.113.0/24",), None, False),
        (("203.0.113.0/24",), "", False),
        (("203.0.113.0/24",), "unix:", False),
        (("203.0.113.0/24",), "203.0.113.7, 10.0.0.1", False),
    ],
)
async def test_source(recorder: Recorder, allow: tuple[str, ...], address: str | None, *, allowed: bool) -> None:
    """Only the networks of the list are let in, of both protocols; an address that cannot be read is in none."""
    hook = webhook.handler(recorder.feed, allow=allow, source=lambda _: address)
    async with serving(hook) as client:
        assert (await client.post("/hook", data=body())).status == (200 if allowed else 403)
    assert hook.stats.refused == ({} if allowed else {Refusal.SOURCE: 1})


@pytest.mark.parametrize(("allow", "status"), [("127.0.0.0/8", 200), ("203.0.113.0/24", 403)])
async def test_source_is_the_peer(recorder: Recorder, allow: str, status: int) -> None:
    """Without a function of one's own the peer of the connection counts, and no header that anybody can write."""
    async with serving(webhook.handler(recorder.feed, allow=[allow])) as client:
        answer = await client.post("/hook", data=body(), headers={"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"})
        assert answer.status == status


async def test_source_of_a_proxy(recorder: Recorder) -> None:
    """Behind a proxy the function takes the address from where that proxy writes it."""
    hook = webhook.handler(recorder.feed, allow=["203.0.113.0/24"], source=lambda request: request.headers.get("X-Real-IP"))
    async with serving(hook) as client:
        assert (await client.post("/hook", data=body(), headers={"X-Real-IP": "203.0.113.7"})).status == 200
        assert (await client.post("/hook", data=body())).status == 403


async def test_source_that_fails(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """When the caller's function fails nobody is let in, and the log names the class of the error alone."""

    def fail(_: web.Request) -> str:
        raise LookupError(NUMBER)

    async with serving(webhook.handler(recorder.feed, allow=["203.0.113.0/24"], source=fail)) as client:
        assert (await client.post("/hook", data=body())).status == 403
    assert "LookupError" in caplog.text
    assert NUMBER not in caplog.text


async def test_strangers_learn_nothing(recorder: Recorder) -> None:
    """The source is judged before the secret, and the secret before anything else of the request."""
    hook = webhook.handler(recorder.feed, secret=SECRET, allow=["203.0.113.0/24"])
    async with serving(hook, "/routee/{secret}") as client:
        for piece in (SECRET, "wrong"):
            assert (await client.get(f"/routee/{piece}", data=b"x" * 100_000)).status == 403


async def test_sink_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A sink that fails is no reason to let Routee call again: the answer is 200, the log names the class."""

    def sink(_: CallbackEvent) -> None:
        raise LookupError(NUMBER)

    hook = webhook.handler(sink)
    async with serving(hook) as client:
        assert (await client.post("/hook", data=body())).status == 200
    assert (hook.stats.sink_failures, hook.stats.delivered) == (1, 0)
    assert "LookupError" in caplog.text
    assert NUMBER not in caplog.text


async def test_sink_that_is_slow(recorder: Recorder) -> None:
    """The answer does not wait longer than the patience, and the callback is not lost."""
    recorder.open.clear()
    hook = webhook.handler(recorder.slow, patience=0.02)
    async with serving(hook) as client:
        assert (await client.post("/hook", data=body())).status == 200
        assert (hook.stats.late, hook.stats.depth, recorder.got) == (1, 1, [])
        recorder.open.set()
        assert await hook.drain() == 0
    assert recorder.got == ["id-0"]


def test_patience_is_below_the_two_seconds_of_routee() -> None:
    """By default the answer is there before Routee gives up."""
    patience = inspect.signature(webhook.handler).parameters["patience"].default
    assert 1 <= patience < 2


async def test_sink_that_hangs(recorder: Recorder) -> None:
    """A sink that never ends is cancelled, and the next callback gets its turn."""
    calls = 0

    async def sink(callback: CallbackEvent) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        recorder.feed(callback)

    hook = webhook.handler(sink, sink_timeout=0.02)
    async with serving(hook) as client:
        assert await statuses_of(client, 2) == [200, 200]
    assert len(recorder.got) == 1
    assert hook.stats.sink_failures == 1


async def test_flood(recorder: Recorder) -> None:
    """More callbacks than the queue holds are asked to come again; what was answered with 200 reaches the sink exactly once."""
    recorder.open.clear()
    hook = webhook.handler(recorder.slow, queue_size=10, patience=0.2)
    async with serving(hook) as client:
        statuses = await statuses_of(client, 100)
        assert statuses.count(200) == 10
        assert statuses.count(503) == 90
        assert hook.stats.depth == 10
        recorder.open.set()
        assert await hook.drain() == 0
        assert (await client.post("/hook", data=body(100))).status == 200
    accepted = [f"id-{number}" for number, status in enumerate(statuses) if status == 200]
    assert sorted(recorder.got[:-1]) == sorted(accepted)
    assert hook.stats.refused == {Refusal.BUSY: 90}


async def test_shutdown(recorder: Recorder) -> None:
    """An application that drains its webhook when it is closed loses nothing that it has answered."""
    recorder.open.clear()
    hook = webhook.handler(recorder.slow, patience=0.01)
    app = web.Application()
    app.router.add_post("/hook", hook)

    async def drain(_: web.Application) -> None:
        asyncio.get_running_loop().call_later(0.02, recorder.open.set)
        assert await hook.drain() == 0

    app.on_cleanup.append(drain)
    async with TestClient(TestServer(app)) as client:
        assert await statuses_of(client, 5) == [200] * 5
        assert not recorder.got
    assert len(recorder.got) == 5


async def test_shutdown_with_a_sink_that_hangs(recorder: Recorder) -> None:
    """What is dropped in the end and was not answered yet is answered with 503, so that Routee calls again."""
    recorder.open.clear()
    hook = webhook.handler(recorder.slow, patience=60)
    async with serving(hook) as client:
        posts = asyncio.create_task(statuses_of(client, 3))
        await until(lambda: hook.stats.depth == 3)
        assert await hook.drain(timeout=0.01) == 3
        assert await posts == [503] * 3
    assert hook.stats.refused == {Refusal.BUSY: 3}


async def test_nothing_private_is_logged(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """No log line of this library holds a number, a text or the secret, not even at DEBUG."""
    caplog.set_level(logging.DEBUG, "routee_async")
    hook = webhook.handler(recorder.feed, secret=SECRET, max_body=500)
    async with serving(hook, "/routee/{secret}") as client:
        for path, data in (("wrong", body()), (SECRET, body()), (SECRET, body()[:-2]), (SECRET, body() + b" " * 500)):
            await client.post(f"/routee/{path}", data=data)
    lines = [record.getMessage() for record in caplog.records if record.name == "routee_async"]
    assert len(lines) == 3
    assert not any(word in line for line in lines for word in (NUMBER, "noon", SECRET, "id-0", "wrong"))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"sink": None}, "sink"),
        ({"secret": ""}, "secret"),
        ({"secret": ()}, "secret"),
        ({"secret": ("a", "")}, "secret"),
        ({"secret": 5}, "secret"),
        ({"allow": ()}, "allow"),
        ({"allow": "203.0.113.0/24"}, "allow"),
        ({"allow": ("203.0.113.7/24",)}, "allow"),
        ({"allow": ("callbacks.example",)}, "allow"),
        ({"allow": 5}, "allow"),
        ({"max_body": 0}, "max_body"),
        ({"read_timeout": 0}, "read_timeout"),
        ({"patience": -1}, "patience"),
        ({"queue_size": 0}, "queue_size"),
        ({"concurrency": 0}, "concurrency"),
        ({"sink_timeout": float("inf")}, "sink_timeout"),
    ],
    ids=str,
)
def test_options_are_checked(options: dict[str, Any], field: str) -> None:
    """What makes no sense is refused where the handler is made, which needs no running loop."""
    with pytest.raises(ConfigurationError) as caught:
        webhook.handler(**{"sink": print, **options})
    assert caught.value.field == field


def test_two_loops() -> None:
    """One handler serves in one event loop after another."""
    got: list[CallbackEvent] = []
    hook = webhook.handler(got.append)

    async def serve_once() -> None:
        async with serving(hook) as client:
            assert (await client.post("/hook", data=body())).status == 200

    for _ in range(2):
        asyncio.run(serve_once())
    assert len(got) == 2


async def test_middleware_sees_a_coroutine_function(recorder: Recorder) -> None:
    """It fits wherever an aiohttp handler does, behind a middleware too."""

    @web.middleware
    async def pass_on(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        return await handler(request)

    app = web.Application(middlewares=[pass_on])
    app.add_routes([web.post("/hook", webhook.handler(recorder.feed))])
    async with TestClient(TestServer(app)) as client:
        assert (await client.post("/hook", data=body())).status == 200
