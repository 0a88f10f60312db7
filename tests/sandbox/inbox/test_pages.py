"""The pages as a browser without script would get them: what they show, that they are escaped, and what their buttons do."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from routee_async.client import RouteeClient
from routee_async.models import Sms
from routee_async.sandbox import Effect, Fault, Sandbox, Shape, Timeline, faults
from routee_async.sandbox.inbox import layout, live, talk, threads

TO = "+306970000001"
NASTY = "<script>alert(1)</script> \" onload='x'"


class Browser:
    """A browser without script."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def get(self, path: str, status: int = 200) -> str:
        """Fetch a page."""
        async with self.session.get(f"{self.sandbox.base_url}{path}", headers={"Accept": "text/html"}) as answer:
            assert answer.status == status
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            # But for the clock, the same page is the same text.
            return re.sub(r'(<p id="clock-now"><b>)[^<]*', r"\1", await answer.text())

    async def press(self, path: str, status: int = 303, /, **fields: str) -> str:
        """Send a form, and tell where it leads."""
        url = f"{self.sandbox.base_url}/_sandbox/do/{path}"
        async with self.session.post(url, data=fields, headers={"Origin": self.sandbox.base_url}, allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()
            return answer.headers.get("Location", "")


@pytest.fixture
async def browser(sandbox: Sandbox) -> AsyncIterator[Browser]:
    """A browser."""
    async with aiohttp.ClientSession() as session:
        yield Browser(sandbox, session)


async def test_empty_page_teaches(browser: Browser, sandbox: Sandbox) -> None:
    """With nothing to show, the page says how to send something: the variables, and a command that works as it stands."""
    page = await browser.get("/")
    assert page == await browser.get("/_sandbox/")
    assert "No messages yet." in page
    for name, value in sandbox.environment().items():
        assert f"export {name}={value}" in page
    token = re.search(r"Bearer ([0-9a-f-]+)", page)
    assert token is not None
    row = {"from": "ParcelCo", "to": TO, "body": "Hi"}
    headers = {"Authorization": f"Bearer {token[1]}"}
    async with browser.session.post(f"{sandbox.base_url}/sms", json=row, headers=headers) as answer:
        assert answer.status == 200
    assert "Choose a conversation" in await browser.get("/_sandbox")


async def test_root_is_routees_for_everybody_else(browser: Browser, sandbox: Sandbox) -> None:
    """Only who asks for a page gets one at the root; for a client nothing is there, as at Routee."""
    async with browser.session.get(f"{sandbox.base_url}/", headers={"Accept": "application/json"}) as answer:
        assert answer.status == 404
        assert (await answer.json())["path"] == "/"


async def test_everything_received_is_escaped(browser: Browser, client: RouteeClient, sandbox: Sandbox) -> None:
    """Nothing that comes from outside becomes markup: text, label, recipient, search, path."""
    sent = await client.send(Sms(to=TO, sender_id="ParcelCo", body=NASTY, label=NASTY))
    sandbox.inbound(from_=TO, to="306900000099", body=NASTY)
    sandbox.faults.add(Fault(faults.hang(accepted=False), label=NASTY))
    for path in (
        "/_sandbox/",
        f"/_sandbox/to/{TO}",
        f"/_sandbox/message/{sent.tracking_id}",
        "/_sandbox/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/_sandbox/to/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/_sandbox/faults-page",
    ):
        page = await browser.get(path)
        assert "<script>alert" not in page
        assert "alert(1)" in page or "alert%281%29" in page
        assert not re.search(r"<[^>]* onload=", page)


async def test_list(browser: Browser, client: RouteeClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for each phone, the newest message first; a search narrows it down; what came in has an arrow."""
    for number, body in ((1, "First"), (2, "Second"), (1, "Third")):
        await client.send(Sms(to=f"+30697000000{number}", sender_id="ParcelCo", body=body))
    page = await browser.get("/_sandbox/")
    assert page.count('class="thread"') == 2
    assert page.index("Third") < page.index("Second")
    assert "First" not in page
    found = await browser.get("/_sandbox/?q=second")
    assert found.count('class="thread"') == 1
    assert 'href="/_sandbox/to/%2B306970000002?q=second"' in found
    assert "Nothing has “zzz” in it." in await browser.get("/_sandbox/?q=zzz")
    sandbox.inbound(from_="+306970000002", to="306900000099", body="Reply")
    assert 'title="received">↩' in await browser.get("/_sandbox/")
    monkeypatch.setattr(threads, "_MOST", 1)
    assert "1 conversation more: search" in await browser.get("/_sandbox/")


async def test_talk(browser: Browser, client: RouteeClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation shows the oldest first, with a code to copy, and marks what forces UCS-2."""
    await client.send(Sms(to=TO, sender_id="ParcelCo", body="Your code is 482913"))
    await client.send(Sms(to=TO, sender_id="ParcelCo", body="Γειά"))
    page = await browser.get(f"/_sandbox/to/{TO}")
    assert page.index("482913") < page.index("<mark")
    assert 'data-copy="482913"' in page
    assert "1 part · UCS-2" in page
    assert "2 messages" in page
    assert page == await browser.get(f"/_sandbox/to/{TO.removeprefix('+')}")
    monkeypatch.setattr(talk, "_MOST", 1)
    assert "Older messages are not shown." in await browser.get(f"/_sandbox/to/{TO}")
    sandbox.inbound(from_=TO, to="306900000099", body="Hello 1234")
    assert 'class="bubble from-phone"' in await browser.get(f"/_sandbox/to/{TO}")
    assert "No messages with this number" in await browser.get("/_sandbox/to/ParcelCo")
    assert "Magic number. Ends as Undelivered / Expired" in await browser.get("/_sandbox/to/+306999000009")


async def test_message(browser: Browser, client: RouteeClient, sandbox: Sandbox) -> None:
    """A message shows how it was counted, what became of each part, and the bytes that brought it."""
    sent = await client.send(Sms(to=TO, sender_id="ParcelCo", body="α" * 71, label="job-1"))
    page = await browser.get(f"/_sandbox/message/{sent.tracking_id}")
    for text in (
        "2 parts",
        "U+03B1",
        "With <code>transcode</code> it would be 1 part",
        "Part 2 of 2",
        "job-1",
        "0.064",
        "Sent, expected",
    ):
        assert text in page, text
    assert "when it is read again" in page
    assert "POST /sms" in page
    assert "Authorization: Bearer ****" in page
    assert "None. A send with" in page
    sandbox.carrier.settings.timeline = Timeline(sent_after=0, final_after=60)
    later = await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
    assert re.search(r"in (59\.\d|60) s|in 1 min", await browser.get(f"/_sandbox/message/{later.tracking_id}"))
    inbound = sandbox.inbound(from_=TO, to="306900000099", body="Hi")
    page = await browser.get(f"/_sandbox/message/{inbound.tracking_id}")
    assert "What became of it" not in page
    assert "no request of its own" in page


@pytest.mark.parametrize("effect", [faults.garbage(), faults.mangled(Shape.BAD_JSON)], ids=lambda effect: effect.kind)
async def test_struck_message(browser: Browser, client: RouteeClient, sandbox: Sandbox, effect: Effect) -> None:
    """A message whose answer was spoilt says by what, whatever is left of the answer."""
    sandbox.faults.add(Fault(effect, path="/sms", times=1))
    with pytest.raises(Exception, match="may have been sent"):
        await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
    page = await browser.get(f"/_sandbox/message/{sandbox.messages[0].tracking_id}")
    assert f"Struck by a fault: {effect.kind}" in page


async def test_campaign_and_callbacks(browser: Browser, sandbox: Sandbox, client: RouteeClient) -> None:
    """A message of a campaign names it; a callback shows its state and its answers."""
    token = sandbox.carrier.tokens.grant(sandbox.application).value
    row = {
        "from": "ParcelCo",
        "to": [TO],
        "body": "Hi",
        "campaignName": "Spring offer",
        "callback": {"url": "http://127.0.0.1:9/hook", "strategy": "OnChange"},
    }
    headers = {"Authorization": f"Bearer {token}"}
    async with browser.session.post(f"{sandbox.base_url}/sms/campaign", json=row, headers=headers) as answer:
        assert answer.status == 200
    message = await sandbox.wait_for_message(to=TO)
    await client.fetch_tracking(message.tracking_id)
    await sandbox.advance()
    page = await browser.get(f"/_sandbox/message/{message.tracking_id}")
    assert "Spring offer" in page
    assert "http://127.0.0.1:9/hook" in page
    assert re.search(r"Answers: [^<]*(refused|connect)", page)


async def test_message_that_is_gone(browser: Browser) -> None:
    """After a reset, the page of a message is the inbox, and says 404."""
    assert 'data-view="list"' in await browser.get("/_sandbox/message/gone", status=404)


async def test_reply(browser: Browser, client: RouteeClient, sandbox: Sandbox) -> None:
    """A reply comes in as a message of that phone, to a number that can be replied to."""
    await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
    page = await browser.get(f"/_sandbox/to/{TO}")
    assert "as ParcelCo is no number" in page
    await client.send(Sms(to=TO, sender_id="306911111111", body="Hi"))
    assert 'name="to" value="306911111111"' in await browser.get(f"/_sandbox/to/{TO}")
    assert await browser.press("reply", **{"from": TO, "to": "306911111111", "body": " Yes "}) == "/_sandbox/to/%2B306970000001"
    (came_in,) = [message for message in sandbox.carrier.messages.values() if message.direction == "Inbound"]
    assert (came_in.sender, came_in.to, came_in.body) == (TO, "306911111111", "Yes")
    blank: dict[str, Any] = {"from": TO, "to": "306911111111", "body": " "}
    await browser.press("reply", 400, **blank)


async def test_faults(browser: Browser, sandbox: Sandbox) -> None:
    """Switches are turned on, made to strike less often, turned off, and ended all at once."""
    page = await browser.get("/_sandbox/faults-page")
    assert 'aria-checked="true"' not in page
    assert await browser.press("switch", name="slow", share="always") == "/_sandbox/faults-page"
    sandbox.faults.add(Fault(faults.hang(accepted=False), to="+306970000009"))
    page = await browser.get("/_sandbox/faults-page")
    assert page.count('aria-checked="true"') == 1
    assert '<span class="badge" title="2 faults in force">2</span>' in page
    assert "+306970000009" in page
    await browser.press("switch", name="slow", share="often")
    assert sandbox.faults.entries[-1].fault.probability == 0.5
    await browser.press("switch", name="slow", share="")
    assert len(sandbox.faults.entries) == 1
    await browser.press("clear-faults")
    assert not sandbox.faults
    await browser.press("switch", 400, name="x")
    await browser.press("switch", 400, name="slow", share="x")


async def test_clock(browser: Browser, sandbox: Sandbox) -> None:
    """Time can be let pass, and then one is where one was."""
    before = sandbox.carrier.now()
    assert await browser.press("pass", seconds="3600") == "/_sandbox/"
    assert sandbox.carrier.now() - before >= 3600
    assert "real time" in await browser.get("/_sandbox/")
    async with Sandbox(clock=lambda: 1_790_000_000.0) as fixed:
        await Browser(fixed, browser.session).press("pass", 409, seconds="60")
    async with Sandbox(clock="manual") as still:
        assert "stands still" in await Browser(still, browser.session).get("/")
    async with Sandbox(scale=60) as quick:
        assert "60 times as fast" in await Browser(quick, browser.session).get("/")


async def test_reset(browser: Browser, client: RouteeClient, sandbox: Sandbox) -> None:
    """A reset leads to the empty inbox."""
    await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
    assert await browser.press("reset") == "/_sandbox/"
    assert "Nothing sent yet" in await browser.get("/_sandbox/")
    assert sandbox.messages == ()


async def test_magic_page(browser: Browser) -> None:
    """All magic numbers can be looked up and copied."""
    assert 'data-copy="+306999000009"' in await browser.get("/_sandbox/magic-page")


async def test_files(browser: Browser, sandbox: Sandbox) -> None:
    """The files of the page are there with their types and may be kept; there are no others, wherever they might be."""
    for name, kind in layout.STATIC.items():
        async with browser.session.get(f"{sandbox.base_url}{layout.static_address(name)}") as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            assert answer.headers["Cache-Control"] == "max-age=86400"
            assert await answer.read() == layout.static(name)
    for name in ("htmx-LICENSE.txt", "..%2Fpages.py", "%2Fetc%2Fpasswd"):
        async with browser.session.get(f"{sandbox.base_url}/_sandbox/static/{name}") as answer:
            assert answer.status == 404


async def test_page_loads_nothing_from_elsewhere(browser: Browser) -> None:
    """Every address in the page is its own, and there is no script or style in the page itself, as the policy demands."""
    page = await browser.get("/_sandbox/")
    addresses = re.findall(r'\s(?:src|href|action|hx-get|hx-post)="([^"]*)"', page)
    assert addresses
    assert [address for address in addresses if address and not address.startswith(("/", "#"))] == []
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


async def events(answer: aiohttp.ClientResponse, count: int) -> None:
    """Read so many events."""
    async with asyncio.timeout(30):
        for _ in range(count):
            assert await answer.content.readuntil(b"\n\n") == b"event: changed\ndata: \n\n"


async def test_live(browser: Browser, client: RouteeClient, sandbox: Sandbox) -> None:
    """An open page is told of a change, at once if it happened while the page was being fetched."""
    async with browser.session.get(f"{sandbox.base_url}/_sandbox/live?version=0") as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"
        await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
        await events(answer, 1)
        sandbox.inbound(from_=TO, to="306900000099", body="Hello")
        await events(answer, 1)
    async with browser.session.get(f"{sandbox.base_url}/_sandbox/live?version=0") as answer:
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"
        await events(answer, 1)
    async with browser.session.get(f"{sandbox.base_url}/_sandbox/live?version=x") as answer:
        assert answer.status == 400


async def test_live_without_word(browser: Browser, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes by the clock alone is told as well, and a page on which nothing happens hears that it is not forgotten."""
    monkeypatch.setattr(live, "_GLANCE", 0.01)
    monkeypatch.setattr(live, "_BEAT", 0.0)
    async with browser.session.get(f"{sandbox.base_url}/_sandbox/live?version=0") as answer, asyncio.timeout(30):
        for _ in range(2):
            assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"
    sandbox.carrier.settings.timeline = Timeline(sent_after=0.05, final_after=0.1)
    async with sandbox.client() as client:
        await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi"))
    monkeypatch.setattr(live, "_BEAT", 60.0)
    async with browser.session.get(f"{sandbox.base_url}/_sandbox/live?version=1000") as answer:
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"
        await events(answer, 1)
