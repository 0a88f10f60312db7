"""The inbox in a real browser: what is sent appears, what is switched on strikes, by keyboard and on a phone, too."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from routee_async.client import RouteeClient
from routee_async.errors import InsufficientBalanceError
from routee_async.models import Sms
from routee_async.sandbox import Sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
TO = "+306970000001"
PATIENCE = 20_000
"""Milliseconds after which something that has not happened will not."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium on this machine; install Debian's package of that name"
)
expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


class Visit:
    """Opens the inbox, and fails on whatever the page complains of."""

    def __init__(self, browser: Browser, sandbox: Sandbox) -> None:
        self._browser = browser
        self._sandbox = sandbox
        self.complaints: list[str] = []

    async def __call__(self, path: str = "/", size: ViewportSize = DESKTOP) -> Page:
        """Open a page, and wait until it is told of changes."""
        page = await self._browser.new_page(viewport=size, reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type in {"error", "warning"} else None)
        async with page.expect_response(re.compile("/_sandbox/live")):
            await page.goto(f"{self._sandbox.base_url}{path}")
        return page


@pytest.fixture
async def visit(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Visit]:
    """Open the inbox; it may neither throw nor complain, of its policy for instance."""
    visit = Visit(browser, sandbox)
    yield visit
    assert visit.complaints == []


def sms(body: str, to: str = TO) -> Sms:
    """A message."""
    return Sms(to=to, sender_id="ParcelCo", body=body)


async def test_sent_appears_live(visit: Visit, client: RouteeClient) -> None:
    """What is sent appears in the list and in the open conversation without anybody doing anything, and its status moves on."""
    page = await visit()
    await expect(page.get_by_text("Nothing sent yet")).to_be_visible()
    sent = await client.send(sms("Your code is 482913 <b>"))
    row = page.get_by_role("link", name=TO)
    await expect(row).to_contain_text("Your code is 482913 <b>")
    await row.click()
    bubbles = page.locator(".bubble")
    await expect(bubbles).to_have_count(1)
    await client.send(sms("Γειά"))
    await expect(bubbles).to_have_count(2)
    await expect(bubbles.nth(1).locator("mark")).to_have_text("ειά")
    await bubbles.nth(0).locator(".more").click()
    await expect(page.locator("#detail")).to_contain_text(sent.tracking_id)
    await expect(page.locator("#detail .pill").first).to_have_text("Queued")
    for _ in range(2):
        await client.fetch_tracking(sent.tracking_id)
    await expect(page.locator("#detail .pill").first).to_have_text("Delivered")
    await expect(page.locator(".timeline li")).to_have_count(3)


async def test_search(visit: Visit, client: RouteeClient) -> None:
    """Typing narrows the list down, and news does not undo that, nor take away what is being typed."""
    for number in range(3):
        await client.send(sms(f"Text {number}", to=f"+30697000000{number}"))
    page = await visit()
    rows = page.locator("a.thread")
    await expect(rows).to_have_count(3)
    await page.get_by_role("searchbox").press_sequentially("text 1")
    await expect(rows).to_have_count(1)
    await client.send(sms("Text 1 again", to="+306970000007"))
    await expect(rows).to_have_count(2)
    await expect(page.get_by_role("searchbox")).to_have_value("text 1")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.get_by_role("searchbox").fill("")
    await expect(rows).to_have_count(4)


async def test_fault_switch(visit: Visit, client: RouteeClient, sandbox: Sandbox) -> None:
    """A switch that is turned on is what the client meets, and it is counted; turned off, all is well again."""
    page = await visit("/_sandbox/faults-page")
    switch = page.get_by_role("switch", name="Out of money")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(page.locator("#faults-link")).to_contain_text("1")
    with pytest.raises(InsufficientBalanceError):
        await client.send(sms("Hi"))
    await expect(page.locator("#switch-no-balance")).to_contain_text("struck 1 time")
    await page.get_by_role("button", name="sometimes").click()
    await expect(page.get_by_role("button", name="sometimes")).to_have_attribute("aria-pressed", "true")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await client.send(sms("Hi"))
    assert len(sandbox.messages) == 1


async def test_reply(visit: Visit, client: RouteeClient, sandbox: Sandbox) -> None:
    """A reply appears in the conversation, and the application is called back."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await told.put(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app, host="127.0.0.1") as server:
        sandbox.application.account.inbound_urls["306900000099"] = str(server.make_url("/hook"))
        await client.send(sms("Reply YES to confirm"))
        page = await visit(f"/_sandbox/to/{TO}")
        box = page.get_by_placeholder(f"Reply as {TO}")
        await box.fill("YES")
        await box.press("Enter")
        await expect(page.locator(".bubble.from-phone")).to_contain_text("YES")
        await expect(box).to_have_value("")
        async with asyncio.timeout(PATIENCE / 1000):
            event = await told.get()
        assert (event["from"], event["message"]) == (TO, "YES")
        await page.locator(".bubble.from-phone .more").click()
        await expect(page.locator(".callbacks")).to_contain_text("delivered")


async def test_typing_is_not_disturbed(visit: Visit, client: RouteeClient) -> None:
    """News in the conversation leaves a reply that is being typed alone."""
    await client.send(sms("First"))
    page = await visit(f"/_sandbox/to/{TO}")
    box = page.get_by_placeholder(f"Reply as {TO}")
    await box.press_sequentially("Half a")
    await client.send(sms("Second"))
    await expect(page.locator(".bubble")).to_have_count(2)
    await box.press_sequentially(" reply")
    await expect(box).to_have_value("Half a reply")
    await expect(box).to_be_focused()


async def test_keyboard_only(visit: Visit, client: RouteeClient, sandbox: Sandbox) -> None:
    """Everything can be reached and done without a mouse: read, reply, search, switch on a fault; and one sees where one is."""
    for number in range(2):
        await client.send(sms(f"Text {number}", to=f"+30697000000{number}"))
    page = await visit()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the messages")).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    row = page.get_by_role("link", name="+306970000000")
    await expect(row).to_be_focused()
    assert await row.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    await page.keyboard.press("k")
    await expect(page.get_by_role("link", name="+306970000001")).to_be_focused()
    async with page.expect_response(re.compile("/_sandbox/live")):
        await page.keyboard.press("Enter")
    await page.keyboard.press("r")
    await page.keyboard.type("Hello")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("there")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble.from-phone .text")).to_have_text("Hello\nthere")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Tab")
    async with page.expect_response(re.compile("/_sandbox/live")):
        await page.keyboard.press("Enter")
    for _ in range(30):
        if await page.evaluate("document.activeElement.id") == "toggle-slow":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("switch", name="Slow answers")).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_role("switch", name="Slow answers")).to_be_focused()
    assert len(sandbox.faults.entries) == 1


async def test_phone(visit: Visit, client: RouteeClient) -> None:
    """At the width of a phone one pane is shown at a time, with a way back, and nothing sticks out at the side."""
    await client.send(sms("See https://parcel.example/" + "x" * 80))
    page = await visit("/", PHONE)
    await expect(page.locator("#talk")).to_be_hidden()
    await page.get_by_role("link", name=TO).click()
    await expect(page.locator("#threads")).to_be_hidden()
    await page.locator(".more").click()
    await expect(page.locator("#talk")).to_be_hidden()
    for path in (page.url.removeprefix("http://").partition("/")[2], "_sandbox/faults-page", "_sandbox/magic-page", ""):
        await page.goto(f"{page.url.split('/_sandbox')[0]}/{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
    await page.get_by_role("link", name=TO).click()
    await page.get_by_role("link", name="All conversations").click()
    await expect(page.locator("#threads")).to_be_visible()


async def test_dark_and_light(visit: Visit) -> None:
    """The page follows the system until it is told otherwise, and remembers that."""
    page = await visit()
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)
    assert dark != light
    await page.get_by_role("button", name="Dark or light").click()
    assert await page.evaluate(background) == light
    await page.reload()
    assert await page.evaluate(background) == light


async def test_reset_and_clock(visit: Visit, client: RouteeClient, sandbox: Sandbox) -> None:
    """Three days pass at the press of a button; and all is forgotten, once that is confirmed."""
    await client.send(sms("Hi"))
    page = await visit()
    before = sandbox.carrier.now()
    await page.get_by_role("button", name="Clock").click()
    async with page.expect_response(re.compile("/do/pass")):
        await page.get_by_role("button", name="72 h").click()
    assert sandbox.carrier.now() - before >= 72 * 3600
    await expect(page.locator("#clock-now")).to_contain_text(f"{datetime.fromtimestamp(sandbox.carrier.now(), UTC):%Y-%m-%d}")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Reset").click()
    await page.get_by_role("button", name="Keep").click()
    assert len(sandbox.messages) == 1
    await page.get_by_role("button", name="Reset").click()
    await page.get_by_role("button", name="Forget it all").click()
    await expect(page.get_by_text("Nothing sent yet")).to_be_visible()


async def test_received_text_runs_nothing(visit: Visit, client: RouteeClient) -> None:
    """A text that is a script stays a text, also when the page is brought up to date."""
    page = await visit(f"/_sandbox/to/{TO}")
    nasty = "<img src=x onerror=document.title='hacked'><script>document.title='hacked'</script>"
    await client.send(sms(nasty))
    await expect(page.locator(".bubble .text")).to_have_text(nasty)
    assert await page.title() != "hacked"
