"""The sandbox on a socket: every endpoint, every fault as a client meets it, and a quick and clean end."""

import asyncio
import base64
import gc
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import trustme

from routee_async.sandbox import Fault, Magic, Outcome, Sandbox, Settings, Shape, Timeline, faults
from routee_async.sandbox.answers import Answer
from routee_async.sandbox.havoc import Havoc

if TYPE_CHECKING:
    from aiohttp import web

BODY = b'{"from":"ParcelCo","to":"+306970000001","body":"Your parcel is here","label":"job-1"}'
SOON = 0.02
"""Seconds after which something that has not happened is taken not to happen."""


class Wire:
    """One keep-alive connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self.reader = reader
        self.writer = writer
        self.token = token

    def write(self, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        """Send a request."""
        lines = {
            "Host": "sandbox",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""])
        self.writer.write(head.encode() + body)

    async def read(self) -> tuple[int, dict[str, str], bytes]:
        """Read an answer: status, headers in lower case, body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return int(first.split()[1]), headers, await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request and read the answer."""
        self.write(method, target, body, **headers)
        return await self.read()

    async def send(self) -> tuple[int, dict[str, str], bytes]:
        """Send the ordinary message."""
        return await self.ask("POST", "/sms", BODY)

    async def send_and_read_to_end(self) -> bytes:
        """Send the ordinary message and read until the server closes."""
        self.write("POST", "/sms", BODY)
        return await self.reader.read()

    async def stays_silent(self) -> bool:
        """Tell whether nothing comes for a while, not even the end."""
        try:
            await asyncio.wait_for(self.reader.read(1), SOON)
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(sandbox: Sandbox, context: ssl.SSLContext | None = None) -> Wire:
    """Connect to *sandbox* with a token."""
    host, _, port = sandbox.base_url.partition("://")[2].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    token = sandbox.carrier.tokens.grant(sandbox.application).value
    return Wire(reader, writer, token)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox without delays, which leaves nothing behind."""
    async with Sandbox(visibility_delay=0, timeline=Timeline(reads=0)) as sandbox:
        yield sandbox
    assert not [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task.get_coro())]
    assert sandbox.connections == 0
    assert sandbox.journal.busy == 0
    gc.collect()


@pytest.fixture
async def wire(sandbox: Sandbox) -> AsyncIterator[Wire]:
    """A connection to the sandbox."""
    wire = await connect(sandbox)
    yield wire
    await wire.close()


def strike(sandbox: Sandbox, effect: faults.Effect) -> None:
    """Let the next POST /sms meet *effect*."""
    sandbox.faults.add(Fault(effect, method="POST", path="/sms", times=1))


async def test_token(sandbox: Sandbox, wire: Wire) -> None:
    """POST /oauth/token gives the token that the API takes (§1.2)."""
    credentials = base64.b64encode(f"{sandbox.application_id}:{sandbox.application_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content_Type": "application/x-www-form-urlencoded"}
    status, answer_headers, body = await wire.ask("POST", "/oauth/token", b"grant_type=client_credentials", **headers)
    assert (status, json.loads(body)["access_token"]) == (200, wire.token)
    assert answer_headers["content-type"] == "application/json;charset=UTF-8"


async def test_endpoints(sandbox: Sandbox, wire: Wire) -> None:
    """Send, track, search and balance work on one connection, and each is counted by its route (§2)."""
    sent = json.loads((await wire.send())[2])
    items = json.loads((await wire.ask("GET", f"/sms/tracking/single/{sent['trackingId']}"))[2])
    page = json.loads((await wire.ask("POST", "/sms/tracking?size=1", b'[{"fieldName":"label","searchTerm":"job-1"}]'))[2])
    balance = json.loads((await wire.ask("GET", "/accounts/me/balance"))[2])
    assert items[0]["status"]["status"] == "Delivered"
    assert page["content"] == items
    assert balance["balance"] == float(sandbox.balance) == 99999.968
    assert sandbox.journal.requests == {
        "POST /sms": 1,
        "GET /sms/tracking/single/{id}": 1,
        "POST /sms/tracking": 1,
        "GET /accounts/me/balance": 1,
    }
    assert (sandbox.journal.sends_received, sandbox.journal.sends_accepted, sandbox.connections) == (1, 1, 1)


async def test_unknown_path(wire: Wire) -> None:
    """An unknown path is the Spring 404 (§3.6)."""
    status, _, body = await wire.ask("GET", "/sms/quietHours/countries/")
    assert (status, json.loads(body)["path"]) == (404, "/sms/quietHours/countries/")


async def test_revoked_token(sandbox: Sandbox, wire: Wire) -> None:
    """A token that is revoked in the portal is refused from then on (§1.4)."""
    sandbox.revoke_token()
    status, _, body = await wire.send()
    assert (status, json.loads(body)["error"]) == (401, "invalid_token")


async def test_settings() -> None:
    """Balance, price, life of the token, shares and further choices are arguments."""
    sandbox = Sandbox(balance="0.5", price=0.25, token_life=2, shares={Outcome.DND: 1}, settings=Settings(max_label=20), seed=5)
    settings = sandbox.carrier.settings
    assert (sandbox.balance, sandbox.application.account.price, sandbox.application.token_life) == (
        Decimal("0.5"),
        Decimal("0.25"),
        2,
    )
    assert (settings.shares, settings.max_label, settings.visibility_delay) == ({Outcome.DND: 1}, 20, 1.0)
    assert Sandbox(visibility_delay=6, settings=Settings(visibility_delay=3)).carrier.settings.visibility_delay == 6
    priced = Sandbox(prices={"GB": 0.04})
    assert priced.application.account.prices == {"GB": Decimal("0.04")}
    assert priced.contacts is priced.application.account.contacts
    assert Sandbox(host="::1").auth_url == "http://[::1]:0"


async def test_compressed_answers() -> None:
    """Answers are compressed for those who take gzip, if so set (§1.1)."""
    async with Sandbox(gzip=True) as sandbox:
        wire = await connect(sandbox)
        _, plain, _ = await wire.ask("GET", "/accounts/me/balance")
        _, packed, body = await wire.ask("GET", "/accounts/me/balance", Accept_Encoding="gzip, deflate")
        await wire.close()
    assert "content-encoding" not in plain
    assert packed["content-encoding"] == "gzip"
    assert body.startswith(b"\x1f\x8b")


async def test_tls() -> None:
    """With a context the sandbox serves https, and stops as quickly."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with Sandbox(ssl=server) as sandbox:
        wire = await connect(sandbox, client)
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        assert (await wire.send())[0] == 200
    assert await wire.reader.read() == b""
    await wire.close()


async def test_simultaneous_requests(sandbox: Sandbox) -> None:
    """The peak of simultaneous requests is recorded."""
    sandbox.faults.add(Fault(faults.delay(SOON)))
    wires = [await connect(sandbox) for _ in range(3)]
    assert [answer[0] for answer in await asyncio.gather(*(wire.send() for wire in wires))] == [200] * 3
    assert sandbox.journal.peak == 3
    for wire in wires:
        await wire.close()


@pytest.mark.parametrize("accepted", [False, True])
async def test_error_status(sandbox: Sandbox, wire: Wire, *, accepted: bool) -> None:
    """An error answer comes before or after the message is accepted, with its headers, and the connection goes on."""
    strike(sandbox, faults.error(429, retry_after="2", accepted=accepted))
    status, headers, body = await wire.send()
    assert (status, headers["retry-after"], json.loads(body)["code"]) == (429, "2", "429000000")
    assert sandbox.journal.sends_accepted == accepted
    assert (await wire.send())[0] == 200


async def test_redirect(sandbox: Sandbox, wire: Wire) -> None:
    """A redirect has a Location and no body."""
    strike(sandbox, faults.error(307, location="http://127.0.0.1:1/sms"))
    status, headers, body = await wire.send()
    assert (status, headers["location"], body) == (307, "http://127.0.0.1:1/sms", b"")


@pytest.mark.parametrize("accepted", [False, True])
async def test_close(sandbox: Sandbox, wire: Wire, *, accepted: bool) -> None:
    """The connection ends without a byte of an answer, before or after the message is accepted."""
    strike(sandbox, faults.close(accepted=accepted))
    assert await wire.send_and_read_to_end() == b""
    assert sandbox.journal.count_by_label() == ({"job-1": 1} if accepted else {})


async def test_close_before_the_body_is_read(sandbox: Sandbox, wire: Wire) -> None:
    """A connection that is closed before acceptance does not wait for the body."""
    strike(sandbox, faults.close(accepted=False))
    wire.write("POST", "/sms", Content_Length="1000000")
    assert await wire.reader.read() == b""


@pytest.mark.parametrize("accepted", [False, True])
async def test_reset(sandbox: Sandbox, wire: Wire, *, accepted: bool) -> None:
    """The connection is reset, before or after the message is accepted."""
    strike(sandbox, faults.reset(accepted=accepted))
    with pytest.raises(ConnectionResetError):
        await wire.send_and_read_to_end()
    assert sandbox.journal.sends_accepted == accepted


@pytest.mark.parametrize("accepted", [False, True])
async def test_hang(sandbox: Sandbox, wire: Wire, *, accepted: bool) -> None:
    """Nothing comes, whether or not the message is accepted; when the client leaves, the request is over."""
    strike(sandbox, faults.hang(accepted=accepted))
    wire.write("POST", "/sms", BODY)
    assert await wire.stays_silent()
    assert (sandbox.journal.sends_accepted, sandbox.journal.busy) == (accepted, 1)
    await wire.close()
    await asyncio.sleep(SOON)
    assert (sandbox.journal.busy, sandbox.connections) == (0, 0)


@pytest.mark.parametrize("accepted", [False, True])
async def test_delay(sandbox: Sandbox, wire: Wire, *, accepted: bool) -> None:
    """The answer comes late; the message is accepted before or after the wait."""
    strike(sandbox, faults.delay(2 * SOON, accepted=accepted))
    answer = asyncio.create_task(wire.send())
    await asyncio.sleep(SOON)
    assert sandbox.journal.sends_accepted == accepted
    assert (await answer)[0] == 200
    assert sandbox.journal.sends_accepted == 1


async def test_client_leaves_during_a_delay(sandbox: Sandbox, wire: Wire) -> None:
    """A message that was to be accepted after the wait is not, if its sender has left."""
    strike(sandbox, faults.delay(2 * SOON))
    wire.write("POST", "/sms", BODY)
    await asyncio.sleep(SOON / 2)
    await wire.close()
    await asyncio.sleep(2 * SOON)
    assert sandbox.journal.sends_accepted == 0


async def test_cut_head(sandbox: Sandbox, wire: Wire) -> None:
    """The answer ends in the middle of its headers, although the message is accepted."""
    strike(sandbox, faults.cut_head())
    data = await wire.send_and_read_to_end()
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in data
    assert sandbox.journal.sends_accepted == 1


async def test_cut_body(sandbox: Sandbox, wire: Wire) -> None:
    """The answer ends in the middle of its body, shorter than it said."""
    strike(sandbox, faults.cut_body())
    wire.write("POST", "/sms", BODY)
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await wire.read()
    assert caught.value.partial.startswith(b'{"trackingId":')


async def test_stalled_body(sandbox: Sandbox, wire: Wire) -> None:
    """The answer stops in the middle of its body, and the connection stays open."""
    strike(sandbox, faults.stall_body())
    wire.write("POST", "/sms", BODY)
    await wire.reader.readuntil(b'{"trackingId":')
    await wire.reader.read(1000)
    assert await wire.stays_silent()


async def test_garbage(sandbox: Sandbox, wire: Wire) -> None:
    """What comes is not HTTP."""
    strike(sandbox, faults.garbage("\xff\x00garbage\r\n"))
    assert await wire.send_and_read_to_end() == b"\xff\x00garbage\r\n"


async def test_trickle(sandbox: Sandbox, wire: Wire) -> None:
    """The answer comes byte by byte, and is complete."""
    strike(sandbox, faults.trickle(0.0))
    status, _, body = await wire.send()
    assert (status, json.loads(body)["status"]) == (200, "Queued")


async def test_slow_trickle(sandbox: Sandbox, wire: Wire) -> None:
    """A trickle that would take minutes ends with the server."""
    strike(sandbox, faults.trickle(10.0))
    wire.write("POST", "/sms", BODY)
    assert await wire.reader.read(1) == b"H"
    await sandbox.stop()


async def test_interim_answers(sandbox: Sandbox, wire: Wire) -> None:
    """Interim answers come for ever, and the real one never."""
    strike(sandbox, faults.interim(0.001))
    wire.write("POST", "/sms", BODY)
    for _ in range(3):
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 102 Processing\r\n\r\n"


async def test_unsolicited_answer(sandbox: Sandbox, wire: Wire) -> None:
    """A good answer is followed by one that nobody asked for, on a connection that stays open."""
    strike(sandbox, faults.unsolicited())
    status, _, body = await wire.send()
    assert (status, json.loads(body)["label"]) == (200, "job-1")
    assert json.loads((await wire.read())[2]) == {"trackingId": "wrong"}
    assert (await wire.send())[0] == 200


async def test_close_after_the_answer(sandbox: Sandbox, wire: Wire) -> None:
    """A good answer that does not say so is the last one of its connection."""
    strike(sandbox, faults.close_after())
    status, headers, _ = await wire.send()
    assert (status, headers.get("connection")) == (200, None)
    assert await wire.reader.read() == b""


@pytest.mark.parametrize("shape", Shape)
async def test_mangled_answers(sandbox: Sandbox, wire: Wire, shape: Shape) -> None:
    """A mangled answer arrives as it was made, the message is accepted, and the connection goes on."""
    strike(sandbox, faults.mangled(shape, size=1 << 20))
    status, headers, body = await wire.send()
    assert status == (204 if shape is Shape.NO_CONTENT else 200)
    assert (headers.get("content-encoding") == "gzip") == (shape in {Shape.BOMB, Shape.BAD_GZIP})
    assert len(body) > 1 << 19 or shape is not Shape.GIANT
    assert sandbox.journal.sends_accepted == 1
    assert (await wire.send())[0] == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY, 500),
        (BODY.replace(b"+30", b"30"), 500),
        (BODY.replace(b"job-1", b"work-1"), 200),
        (BODY.replace(b"306970000001", b"306970000002"), 200),
        (b"{", 400),
        (b"[]", 400),
    ],
)
async def test_faults_by_recipient_and_label(sandbox: Sandbox, wire: Wire, body: bytes, expected: int) -> None:
    """A fault may strike one recipient or one kind of label, however the recipient is written."""
    sandbox.faults.add(Fault(faults.error(500), to="+306970000001", label="job-"))
    assert (await wire.ask("POST", "/sms", body))[0] == expected


async def test_faults_strike_every_route(sandbox: Sandbox, wire: Wire) -> None:
    """The token endpoint and reads can be struck as well."""
    sandbox.faults.add(Fault(faults.error(503), path="/oauth/token"), Fault(faults.error(500), method="GET"))
    assert (await wire.ask("POST", "/oauth/token"))[0] == 503
    assert (await wire.ask("GET", "/accounts/me/balance"))[0] == 500
    assert (await wire.send())[0] == 200
    sandbox.faults.clear()
    assert (await wire.ask("GET", "/accounts/me/balance"))[0] == 200


@pytest.mark.parametrize("effect", [faults.hang(accepted=True), faults.hang(accepted=False), faults.delay(60.0)])
async def test_stop_does_not_wait(sandbox: Sandbox, wire: Wire, effect: faults.Effect) -> None:
    """Stopping cuts off what hangs at once, and accepts nothing more."""
    strike(sandbox, effect)
    wire.write("POST", "/sms", BODY)
    assert await wire.stays_silent()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await sandbox.stop()
    assert loop.time() - begun < 0.5
    assert await wire.reader.read() == b""
    assert sandbox.journal.sends_accepted == effect.accepted


async def test_stop_during_an_upload(sandbox: Sandbox, wire: Wire) -> None:
    """Stopping does not wait for the rest of a body either."""
    wire.write("POST", "/sms", b"{", Content_Length="1000")
    await asyncio.sleep(SOON)
    await sandbox.stop()
    assert sandbox.connections == 0


async def test_start_again() -> None:
    """A stopped sandbox can be started again and keeps its state; stopping twice does no harm."""
    sandbox = Sandbox()
    await sandbox.start()
    wire = await connect(sandbox)
    await wire.send()
    await wire.close()
    await sandbox.stop()
    await sandbox.stop()
    await sandbox.serve_forever()
    async with sandbox:
        wire = await connect(sandbox)
        await wire.send()
        await wire.close()
    assert sandbox.journal.duplicates() == {"job-1": 2}


async def test_serve_forever(sandbox: Sandbox, wire: Wire) -> None:
    """`serve_forever` serves until it is cancelled."""
    serving = asyncio.create_task(sandbox.serve_forever())
    assert (await wire.send())[0] == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_client(sandbox: Sandbox) -> None:
    """`client()` makes a client of this sandbox and hands options on."""
    client = sandbox.client(max_connections=3)
    assert type(client).__name__ == "RouteeClient"


@pytest.mark.parametrize("effect", [faults.close(accepted=True), faults.reset(accepted=True), faults.garbage()])
async def test_client_has_left_already(effect: faults.Effect) -> None:
    """A connection that is gone when the fault strikes is no error."""
    request = cast("web.BaseRequest", SimpleNamespace(transport=None))
    assert (await Havoc(request, asyncio.Event()).strike(effect, Answer(200))).status == 200


def test_magic_is_plain_text() -> None:
    """A magic number can be used wherever a recipient is written."""
    assert json.loads(json.dumps({"to": Magic.EXPIRED})) == {"to": "+306999000009"}
