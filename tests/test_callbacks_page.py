"""What `docs/callbacks.md` and its example show is run: every recipe gets its callback to the tracker, and keeps strangers out."""

import asyncio
import importlib.util
import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from wsgiref.simple_server import WSGIRequestHandler, make_server

import aiohttp
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from routee_async import MessageStatus, RouteeClient, SentSms, Sms, Tracker
from routee_async.sandbox import Magic, Sandbox, Timeline
from routee_async.sandbox.callbacks import CallbackState

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "callbacks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
AIOHTTP, FASTAPI, WSGI, OPT_OUT = range(4)
SECRET = "hook-secret-that-nobody-guesses"
Service = TestClient[web.Request, web.Application]
REFUSED = {
    "wrong secret": ("POST", "/routee/guessed", b"{}", 404),
    "another method": ("GET", f"/routee/{SECRET}", b"", 405),
    "no callback": ("POST", f"/routee/{SECRET}", b"{}", 400),
    "no JSON": ("POST", f"/routee/{SECRET}", b"hello", 400),
    "too large": ("POST", f"/routee/{SECRET}", b" " * 70_000, 413),
}


@pytest.fixture(autouse=True)
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user sets."""
    monkeypatch.setenv("ROUTEE_APPLICATION_ID", sandbox.application_id)
    monkeypatch.setenv("ROUTEE_APPLICATION_SECRET", sandbox.application_secret)
    monkeypatch.setenv("ROUTEE_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("ROUTEE_AUTH_URL", sandbox.auth_url)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)


@pytest.fixture
async def sent(client: RouteeClient) -> SentSms:
    """A message of which no poll ever shows the end: only a callback can tell it."""
    return await client.send(Sms(to=Magic.NEVER_FINAL, sender_id="ParcelCo", body="Hello"))


def delivered(sent: SentSms) -> bytes:
    """The callback of its end."""
    status = {"name": "Delivered", "updatedDate": "2026-11-22T10:00:00Z"}
    return json.dumps({"messageId": sent.tracking_id, "to": sent.to, "parts": 1, "part": 1, "status": status}).encode()


def inbound(body: str) -> bytes:
    """The callback of a message that came in."""
    came = {"messageId": "c0ff", "from": "306970000001", "to": "306900000099", "message": body, "direction": "Inbound"}
    return json.dumps(came).encode()


def load(path: Path) -> ModuleType:
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recipe(number: int, folder: Path) -> ModuleType:
    """Import a code block of the page."""
    path = folder / f"recipe_{number}.py"
    path.write_text(BLOCKS[number], encoding="utf-8")
    return load(path)


def test_page_has_no_other_code() -> None:
    """Code that is added to the page is added here too."""
    assert len(BLOCKS) == 4


async def test_aiohttp(sent: SentSms, tmp_path: Path) -> None:
    """The recipe for aiohttp ends the wait for a message."""
    module = recipe(AIOHTTP, tmp_path)
    app: web.Application = module.app
    async with TestClient(TestServer(app)) as service:
        tracker: Tracker = app[module.TRACKER]
        tracker.watch(sent)
        async with service.post(f"/routee/{SECRET}", data=delivered(sent)) as answer:
            assert answer.status == 200
        assert (await tracker.wait(sent, timeout=10)).status is MessageStatus.DELIVERED
        for method, path, body, status in REFUSED.values():
            async with service.request(method, path, data=body) as answer:
                assert answer.status == status


async def test_fastapi(sent: SentSms, tmp_path: Path) -> None:
    """The recipe for FastAPI does the same."""
    app = recipe(FASTAPI, tmp_path).app
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://service") as service:
        tracker: Tracker = app.state.tracker
        tracker.watch(sent)
        assert (await service.post(f"/routee/{SECRET}", content=delivered(sent))).status_code == 200
        assert (await tracker.wait(sent, timeout=10)).status is MessageStatus.DELIVERED
        for method, path, body, status in REFUSED.values():
            assert (await service.request(method, path, content=body)).status_code == status


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@asynccontextmanager
async def wsgi_server(module: ModuleType) -> AsyncIterator[str]:
    """Serve the WSGI recipe on a free port in a thread of its own."""
    server = make_server("127.0.0.1", 0, module.application, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()
        await asyncio.to_thread(module.follower.stop)


async def test_wsgi(sent: SentSms, tmp_path: Path) -> None:
    """The recipe for WSGI does the same, from the threads of a web server."""
    module = await asyncio.to_thread(recipe, WSGI, tmp_path)
    follower = module.follower
    async with wsgi_server(module) as origin, aiohttp.ClientSession(origin) as service:
        follower.loop.call_soon_threadsafe(follower.tracker.watch, sent)
        async with service.post(f"/routee/{SECRET}", data=delivered(sent)) as answer:
            assert answer.status == 200
        waiting = asyncio.run_coroutine_threadsafe(follower.tracker.wait(sent, timeout=10), follower.loop)
        assert (await asyncio.wrap_future(waiting)).status is MessageStatus.DELIVERED
        for method, path, body, status in REFUSED.values():
            async with service.request(method, path, data=body, headers={"Connection": "close"}) as answer:
                assert answer.status == status


async def test_opt_out(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A STOP that comes to the webhook is kept in the file, and nothing is sent to its sender, after a restart neither."""
    monkeypatch.chdir(tmp_path)
    module = recipe(OPT_OUT, tmp_path)
    app = web.Application()
    app.router.add_post("/hook", module.hook)
    async with TestClient(TestServer(app)) as service, service.post("/hook", data=inbound("Stop!")) as answer:
        assert answer.status == 200
    assert (tmp_path / "opted_out.txt").read_text() == "+306970000001\n"
    for module_now in (module, recipe(OPT_OUT, tmp_path)):
        await module_now.main()
    assert sandbox.journal.sends_received == 8
    assert "+306970000001" not in {message.to for message in sandbox.journal.accepted}
    assert capsys.readouterr().out == "1 to: is among the suppressed recipients\n" * 2


@pytest.fixture
async def service(sandbox: Sandbox) -> AsyncIterator[Service]:
    """The example, under an address that the sandbox can call."""
    sandbox.carrier.settings.timeline = Timeline(sent_after=0.01, final_after=0.02)
    module = load(ROOT / "examples" / "webhook_service.py")
    port = unused_port()
    async with TestClient(TestServer(module.build(f"http://127.0.0.1:{port}", SECRET), port=port)) as opened:
        yield opened


async def test_example(sandbox: Sandbox, service: Service) -> None:
    """The example sends with its callback URL, is called back, and so knows the end of a message."""
    ends = {Magic.DELIVERED: "Delivered", Magic.EXPIRED: "Undelivered"}
    for to, end in ends.items():
        async with service.post("/notify", json={"to": to, "body": "Hello"}) as answer:
            assert answer.status == 202
            tracking_id = (await answer.json())["tracking_id"]
        async with service.get(f"/messages/{tracking_id}") as answer:
            assert await answer.json() == {"status": end, "final": True}
    await all_delivered(sandbox, 2)


async def all_delivered(sandbox: Sandbox, count: int) -> None:
    """Wait until the sandbox has made so many calls, each of them answered with 200."""
    async with asyncio.timeout(10):
        while [each.state for each in sandbox.callbacks] != [CallbackState.DELIVERED] * count:
            await asyncio.sleep(0.001)


async def test_example_honours_a_stop(sandbox: Sandbox, service: Service) -> None:
    """Whoever writes STOP gets nothing more, until they write START."""
    sandbox.application.account.inbound_urls["306900000099"] = str(service.make_url(f"/routee/{SECRET}"))
    statuses = []
    for count, word in enumerate(("STOP", "START"), start=1):
        sandbox.inbound(from_="+306970000001", to="306900000099", body=word)
        await all_delivered(sandbox, count)
        async with service.post("/notify", json={"to": "+306970000001", "body": "Hello"}) as answer:
            statuses.append(answer.status)
    assert statuses == [409, 202]
    assert sandbox.journal.sends_received == 1


async def test_example_says_when_a_message_cannot_be_sent(service: Service) -> None:
    """What Routee refuses is no error of the service."""
    async with service.post("/notify", json={"to": Magic.REFUSED, "body": "Hello"}) as answer:
        assert (answer.status, (await answer.json())["safe_to_resend"]) == (502, True)
