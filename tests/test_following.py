"""Following to the end, with everything real: client, tracker, webhook and sandbox over sockets."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web

from routee_async import (
    Accepted,
    Callback,
    CallbackStrategy,
    DeliveryReport,
    Ledger,
    MessageStatus,
    PollPolicy,
    RouteeClient,
    SentSms,
    Sms,
    TrackedPart,
    Tracker,
    webhook,
)
from routee_async.sandbox import Disorder, Magic, Outcome, Sandbox, Settings, Timeline

QUICK = PollPolicy(first_delay=0.05, max_interval=1.0)
SECRET = webhook.new_secret()
SHARES = {Outcome.DELIVERED: 0.8, Outcome.FAILED: 0.1, Outcome.UNKNOWN_NUMBER: 0.1}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox that delivers within a fraction of a second, and not everything."""
    timeline = Timeline(sent_after=0.05, final_after=0.2)
    async with Sandbox(visibility_delay=0, timeline=timeline, shares=SHARES, settings=Settings()) as running:
        yield running


async def send(client: RouteeClient, count: int, callback: Callback | None = None) -> AsyncIterator[SentSms]:
    """Send a batch, every third message in two parts, and yield what is accepted."""
    messages = (
        Sms(to=f"+30697{number:07d}", sender_id="ParcelCo", body="x" * (200 if number % 3 == 0 else 20), callback=callback)
        for number in range(count)
    )
    async with aclosing(client.send_many(messages)) as outcomes:
        async for outcome in outcomes:
            assert isinstance(outcome, Accepted)
            yield outcome.sent


def truth(sandbox: Sandbox) -> dict[str, list[str]]:
    """The final status of each part, as the carrier knows it."""
    end = sandbox.carrier.now() + 1e6
    return {name: [state.status for state in message.states(end)] for name, message in sandbox.carrier.messages.items()}


def told(reports: list[DeliveryReport]) -> dict[str, list[str]]:
    """The final status of each part, as it was reported."""
    return {report.tracking_id: [str(part.status) for part in report.parts] for report in reports}


async def test_a_batch_is_followed_by_searches(sandbox: Sandbox, client: RouteeClient) -> None:
    """A batch is followed while it is sent, each message is reported once and rightly, and a request serves many messages."""
    async with client.tracker(policy=QUICK) as tracker:
        reports = [report async for report in tracker.until_final(send(client, 300))]
        stats = tracker.stats
    assert len(reports) == 300
    assert told(reports) == truth(sandbox)
    assert {report.status for report in reports} == {"Delivered", "Failed", "Undelivered"}
    assert (stats.final, stats.open, stats.conflicts) == (300, 0, 0)
    assert sandbox.journal.requests["POST /sms/tracking"] < 30
    assert sandbox.journal.requests["GET /sms/tracking/single/{id}"] < 10


@pytest.mark.parametrize("confirm", [False, True], ids=["believed", "confirmed"])
async def test_callbacks_in_disorder(sandbox: Sandbox, client: RouteeClient, *, confirm: bool) -> None:
    """With callbacks twice, late, out of order and not at all, each message is reported once and rightly."""
    sandbox.carrier.settings.disorder = Disorder(duplicate=0.2, drop=0.2, delay=0.3, delay_by=0.3, reorder=0.3)
    patient = PollPolicy(first_delay=0.4, max_interval=1.0)
    async with client.tracker(policy=patient, confirm_callbacks=confirm) as tracker, listening(tracker) as origin:
        callback = Callback(f"{origin}/routee/{SECRET}", CallbackStrategy.ON_CHANGE)
        reports = [report async for report in tracker.until_final(send(client, 100, callback))]
        assert tracker.stats.callbacks > 20
    assert len(reports) == 100
    assert told(reports) == truth(sandbox)


async def test_a_campaign_is_followed_by_its_pages(sandbox: Sandbox, client: RouteeClient) -> None:
    """Messages that are known to belong to a campaign are followed by its pages."""
    numbers = [f"+30697{number:07d}" for number in range(200)]
    answer = sandbox.carrier.campaigns.create(sandbox.application, {"to": numbers, "from": "ParcelCo", "body": "Hi"})
    campaign = str(answer["trackingId"])
    await sandbox.advance()  # so that it goes out
    queued = MessageStatus.QUEUED
    rows = [
        TrackedPart(tracking_id=message.tracking_id, to=message.to, status=queued, campaign_tracking_id=campaign)
        for message in sandbox.carrier.messages.values()
    ]
    assert len(rows) == 200
    async with client.tracker(policy=QUICK) as tracker:
        reports = [report async for report in tracker.until_final(rows)]
    assert told(reports) == truth(sandbox)
    assert sandbox.journal.requests["GET /sms/tracking/campaign/{id}"] < 20


async def test_following_goes_on_after_a_restart(sandbox: Sandbox, client: RouteeClient, tmp_path: str) -> None:
    """What a ledger says is on its way is followed by whoever opens it next, and what is known is not asked again."""
    path = f"{tmp_path}/run.db"
    sandbox.carrier.script(to=Magic.DELIVERED, timeline=Timeline(reads=2))
    messages = [Sms(to=Magic.DELIVERED, sender_id="ParcelCo", body="Hi")] * 40
    async for _ in client.send_many(messages, ledger=Ledger(path)):
        pass
    for expected in (40, 0):
        async with Ledger(path) as ledger, client.tracker(policy=QUICK, ledger=ledger) as tracker:
            reports = [report async for report in tracker.until_final(ledger)]
        assert len(reports) == expected
    assert Ledger(path).summary().statuses == {MessageStatus.DELIVERED: 40}


class listening:  # noqa: N801 - reads like a function
    """A webhook that feeds a tracker, for the length of a block; gives its origin."""

    def __init__(self, tracker: Tracker) -> None:
        app = web.Application()
        app.router.add_post("/routee/{secret}", webhook.handler(tracker.feed, secret=SECRET))
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
