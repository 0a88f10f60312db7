"""Callbacks about campaigns and their messages in `sandbox.campaign_news`."""

from typing import Any

import pytest

from routee_async.sandbox.accounts import Application, Hook
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.settings import Disorder
from routee_async.sandbox.timeline import Magic, Timeline
from tests.sandbox.conftest import Clock

URL = "http://127.0.0.1:1/campaign"
ONE = "+306970000001"
SOON = "2026-09-21T15:13:20Z"


def create(carrier: Carrier, application: Application, **fields: object) -> str:
    """Create a campaign that is told of, and give its id."""
    hook = {"url": URL, "strategy": "OnChange"}
    payload = {"from": "A", "to": [ONE], "body": "Hi", "campaignName": "offer", "campaignCallback": hook} | fields
    return str(carrier.campaigns.create(application, payload)["trackingId"])


def tick(carrier: Carrier, clock: Clock, seconds: float) -> None:
    """Let time pass."""
    clock.advance(seconds)
    carrier.run()


def news(carrier: Carrier) -> list[tuple[Any, Any]]:
    """State and counters of what was told of campaigns."""
    carrier.run()
    payloads = [record.payload for record in carrier.callbacks.log if record.kind == "campaign"]
    return [(payload["campaignStatus"], payload["messageStatuses"]) for payload in payloads]


def test_payload(carrier: Carrier, application: Application, clock: Clock) -> None:
    """A callback about a campaign has the documented keys, without counters of nothing (§5.2)."""
    made = create(carrier, application, to=[ONE, Magic.EXPIRED])
    tick(carrier, clock, 10)
    record = carrier.callbacks.log[-1]
    assert (record.url, record.subject) == (URL, made)
    assert record.payload == {
        "trackingId": made,
        "name": "offer",
        "totalRecipients": 2,
        "campaignStatus": "Finished",
        "messageStatuses": {"Delivered": 1, "Undelivered": 1},
        "callbackInfo": {"url": URL, "strategy": "OnChange"},
    }
    create(carrier, application, campaignName=None)
    carrier.run()
    assert "name" not in carrier.callbacks.log[-1].payload


def test_every_state_and_every_fifth(carrier: Carrier, application: Application, clock: Clock) -> None:
    """`OnChange` tells each state, and about every 20 % of movement (§5.0)."""
    carrier.settings.campaign_rate = 1.0
    carrier.settings.timeline = Timeline(sent_after=10, final_after=1000)
    create(carrier, application, scheduledDate=SOON, to=[f"+3069700000{number:02}" for number in range(20)])
    tick(carrier, clock, 3600)
    assert news(carrier) == [("Scheduled", {}), ("Queued", {"Queued": 20})]
    tick(carrier, clock, 900)
    running = news(carrier)[2:]
    assert running[0] == ("Running", {"Queued": 19, "Sent": 1})
    assert running[-1] == ("Sent", {"Sent": 20})
    counts = [counters["Sent"] for _, counters in running]
    assert counts == [1, 5, 9, 13, 17, 20]
    tick(carrier, clock, 900)
    ended = news(carrier)[8:]
    assert [counters["Delivered"] for _, counters in ended] == [4, 8, 12, 16, 20]
    assert ended[-1][0] == "Finished"


def test_completion(carrier: Carrier, application: Application, clock: Clock) -> None:
    """`OnCompletion` tells once, when all messages are final (§5.0)."""
    create(
        carrier, application, campaignCallback={"url": URL, "strategy": "OnCompletion"}, to=[ONE, Magic.FAILED], scheduledDate=SOON
    )
    tick(carrier, clock, 3601)
    assert news(carrier) == []
    tick(carrier, clock, 10)
    assert news(carrier) == [("Finished", {"Delivered": 1, "Failed": 1})]


def test_default_of_the_application(carrier: Carrier, application: Application) -> None:
    """The application's callback goes for campaigns that have none of their own; without either, nobody is told (§5.0)."""
    create(carrier, application, campaignName="aa", campaignCallback=None)
    assert news(carrier) == []
    application.campaign_callback = Hook("http://127.0.0.1:1/default", "OnChange")
    create(carrier, application, campaignName="bb", campaignCallback=None)
    carrier.run()
    assert [record.url for record in carrier.callbacks.log] == ["http://127.0.0.1:1/default"]


def test_messages_of_a_campaign(carrier: Carrier, application: Application, clock: Clock) -> None:
    """Messages of a campaign are told with its id and name, whatever they end as (§5.1)."""
    hook = {"url": "http://127.0.0.1:1/sms", "strategy": "OnCompletion"}
    made = create(carrier, application, to=[ONE, Magic.NO_BALANCE], callback=hook, campaignCallback=None)
    tick(carrier, clock, 10)
    payloads = [record.payload for record in carrier.callbacks.log]
    assert [(payload["campaignTrackingId"], payload["campaignName"]) for payload in payloads] == [(made, "offer")] * 2
    assert [payload["status"]["name"] for payload in payloads] == ["Unsent", "Delivered"]  # type: ignore[index]


def test_old_name_of_the_callback(carrier: Carrier, application: Application, clock: Clock) -> None:
    """`smsCallback` is ignored (§2.4, §8 #21)."""
    create(carrier, application, smsCallback={"url": URL, "strategy": "OnChange"}, campaignCallback=None)
    tick(carrier, clock, 10)
    assert carrier.callbacks.log == []


def test_by_reads(carrier: Carrier, application: Application) -> None:
    """In the mode by reads it is reading that tells of a campaign, whichever way its messages are read."""
    carrier.settings.timeline = Timeline(reads=1)
    made = create(carrier, application)
    assert news(carrier) == [("Queued", {"Queued": 1})]
    carrier.campaigns.track(application, made, {})
    assert news(carrier)[1:] == [("Sent", {"Sent": 1})]
    carrier.search(application, {"trackingId": made}, [])
    assert news(carrier)[2:] == [("Finished", {"Delivered": 1})]
    carrier.campaigns.fetch(application, made)
    assert len(news(carrier)) == 3


def test_failure_is_told(carrier: Carrier, application: Application, clock: Clock) -> None:
    """A campaign that fails is told, and so are its messages, once."""
    made = create(carrier, application, callback={"url": URL, "strategy": "OnChange"})
    carrier.campaigns.fail(made)
    tick(carrier, clock, 10)
    assert news(carrier) == [("Queued", {"Queued": 1}), ("Failed", {"Failed": 1})]
    statuses = [record.payload["status"]["name"] for record in carrier.callbacks.log if record.kind == "message"]  # type: ignore[index]
    assert statuses == ["Queued", "Failed"]


def test_cancelled_campaign(carrier: Carrier, application: Application, clock: Clock) -> None:
    """After cancelling nothing is told."""
    made = create(carrier, application, scheduledDate=SOON)
    carrier.campaigns.delete(application, made)
    tick(carrier, clock, 7200)
    assert news(carrier) == [("Scheduled", {})]


def test_reordered(carrier: Carrier, application: Application, clock: Clock) -> None:
    """News of a campaign may change places as well, but for the last."""
    carrier.settings.disorder = Disorder(reorder=1)
    create(carrier, application)
    tick(carrier, clock, 10)
    assert [state for state, _ in news(carrier)] == ["Sent", "Queued", "Finished"]


@pytest.mark.parametrize("to", [Magic.NEVER_SENT, Magic.NEVER_FINAL])
def test_campaign_that_never_ends(carrier: Carrier, application: Application, clock: Clock, to: str) -> None:
    """A campaign with a message that never ends is never finished."""
    create(carrier, application, to=[to])
    tick(carrier, clock, 86400)
    assert news(carrier)[-1][0] == ("Queued" if to == Magic.NEVER_SENT else "Sent")
