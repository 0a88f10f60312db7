"""Take the pictures of docs/images: uv run python .ci/screenshots.py. Needs Debian's chromium; nothing else leaves this machine."""

import asyncio
import shutil
import sys
from pathlib import Path

from playwright.async_api import Browser, ViewportSize, async_playwright

from routee_async import Sms
from routee_async.sandbox import Magic, Sandbox

FOLDER = Path(__file__).parent.parent / "docs" / "images"
DESKTOP = ViewportSize(width=1100, height=690)
PHONE = ViewportSize(width=390, height=844)
TO = "+306970000001"
MESSAGES = (
    (Magic.EXPIRED, "ParcelCo", "This one will not make it in time"),
    ("+491711234567", "ParcelCo", "Ihr Paket ist da. Abholung bis 18 Uhr."),
    ("+447700900123", "Bank", "Use 774201 to sign in. Never share it."),
    ("+33612345678", "ParcelCo", "Votre colis est arrivé"),
    (TO, "ParcelCo", "Your code is 482913. It is valid for 5 minutes."),
    (TO, "ParcelCo", "Your parcel arrives today between 10 and 12. Track it: https://parcel.example/t/88"),
    (TO, "ParcelCo", "Η παραγγελία σας έφτασε στο κατάστημα. Θα χαρούμε να σας δούμε από κοντά! Ώρες 9-17, κάθε μέρα."),
)


async def main() -> None:
    """Send, and take the pictures."""
    chromium = shutil.which("chromium") or sys.exit("there is no chromium on this machine")
    FOLDER.mkdir(exist_ok=True)
    async with Sandbox() as sandbox, sandbox.client() as client, async_playwright() as playwright:
        sent = [await client.send(Sms(to=to, sender_id=sender, body=body, label="order-1001")) for to, sender, body in MESSAGES]
        sandbox.inbound(from_=TO, to="306900000099", body="Thank you!")
        await sandbox.advance(seconds=3)
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        switches = f"{sandbox.base_url}/_sandbox/switches"
        await (await browser.new_page()).request.put(f"{switches}/lost-answer", data={"share": "sometimes"})
        talk, message = f"/_sandbox/to/{TO}", f"/_sandbox/message/{sent[-1].tracking_id}"
        async with asyncio.timeout(120):
            await picture(browser, sandbox, "inbox-desktop", message, DESKTOP, "light")
            await picture(browser, sandbox, "inbox-desktop-dark", message, DESKTOP, "dark")
            await picture(browser, sandbox, "faults-desktop", "/_sandbox/faults-page", DESKTOP, "light")
            await picture(browser, sandbox, "talk-phone", talk, PHONE, "light")
            await picture(browser, sandbox, "message-phone", message, PHONE, "dark")
            await picture(browser, sandbox, "faults-phone", "/_sandbox/faults-page", PHONE, "dark")
        await browser.close()


async def picture(browser: Browser, sandbox: Sandbox, name: str, path: str, size: ViewportSize, scheme: str) -> None:
    """Take one picture."""
    page = await browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await page.goto(f"{sandbox.base_url}{path}", wait_until="load")
    await page.screenshot(path=FOLDER / f"{name}.png")
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
