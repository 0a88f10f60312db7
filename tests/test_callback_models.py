"""Tests of `callback_models.py`."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import attrs
import pytest

from routee_async.callback_models import CallbackEvent, CampaignCallback, InboundSms, MessageCallback
from routee_async.models import Callback, CampaignState, MessageStatus, TrackedPart

NUMBER = "+306912345678"
OTHER_NUMBER = "306900000099"
BODY = "Meet me at noon"
URL = "https://hooks.example/capability?key=value"

MESSAGE = MessageCallback(
    tracking_id="5b0a4c0e",
    sms_id="1d0be2d7",
    part=1,
    parts=2,
    to=NUMBER,
    sender_id="ParcelCo",
    status=MessageStatus.DELIVERED,
    detailed_status="Delivered",
    description="Delivered to the handset",
    updated_at=datetime(2026, 1, 14, 8, 15, tzinfo=UTC),
    country="GR",
    operator="Cosmote",
    body=BODY,
    label="job",
    price=Decimal("0.032"),
    latency=4.0,
    direction="Outbound",
    campaign_name="Spring",
    campaign_tracking_id="9c1f",
    groups=("vip",),
    application_name="default",
    originating_service="Sms",
    reference="ra.k3f9x2ab.00001z7",
    pool_id="b1f9",
    pool_name="gr-pool",
    pool_strategy="Numeric",
)
CAMPAIGN = CampaignCallback(
    campaign_tracking_id="9c1f",
    campaign_name="Spring",
    total_recipients=3,
    state=CampaignState.RUNNING,
    message_statuses={MessageStatus.DELIVERED: 2, MessageStatus("Invented"): 1},
    callback=Callback(URL),
)
INBOUND = InboundSms(tracking_id="c0ff", sender_id=NUMBER, to=OTHER_NUMBER, body=BODY)
VALUES = [pytest.param(MESSAGE, id="message"), pytest.param(CAMPAIGN, id="campaign"), pytest.param(INBOUND, id="inbound")]


def test_part_has_every_field_of_the_callback() -> None:
    """What a callback says of a part is a tracking row like any other, without the pool."""
    part = MESSAGE.as_part()
    assert type(part) is TrackedPart
    for field in attrs.fields(TrackedPart):
        assert getattr(part, field.name) == getattr(MESSAGE, field.name) != field.default
    assert {field.name for field in attrs.fields(MessageCallback)} - {field.name for field in attrs.fields(TrackedPart)} == {
        "pool_id",
        "pool_name",
        "pool_strategy",
    }


@pytest.mark.parametrize("value", VALUES)
def test_private(value: CallbackEvent) -> None:
    """No full number, text or capability URL is in a `repr`."""
    text = repr(value)
    assert not any(secret in text for secret in (NUMBER[1:], OTHER_NUMBER, BODY, "capability"))
    assert value.__class__.__name__ in text


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301 - our own pickle
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies(value: CallbackEvent, copied: Callable[[CallbackEvent], CallbackEvent]) -> None:
    """A callback can be handed to another process, and be remembered in a set so as to drop what comes twice."""
    twin = copied(value)
    assert twin == value
    assert len({twin, value}) == 1
    assert repr(twin) == repr(value)


def test_counters_are_read_by_status_or_its_text() -> None:
    """Messages are counted by status, under its name too; a status that is not there has no entry."""
    counters = CAMPAIGN.message_statuses
    assert counters == {"Delivered": 2, "Invented": 1}
    assert counters[MessageStatus.DELIVERED] == 2
    assert counters.get(MessageStatus.FAILED, 0) == 0
    assert (len(counters), list(counters)) == (2, ["Delivered", "Invented"])


def test_counters_cannot_be_changed() -> None:
    """Neither through the callback nor through what it was built from."""
    source = {MessageStatus.SENT: 1}
    built = CampaignCallback(campaign_tracking_id="9c1f", state=CampaignState.SENT, message_statuses=source)
    source[MessageStatus.SENT] = 9
    assert built.message_statuses == {"Sent": 1}
    assert not hasattr(built.message_statuses, "__setitem__")


def test_counters_are_empty_by_default() -> None:
    """A campaign of which nothing was counted has no counters."""
    assert CampaignCallback(campaign_tracking_id="9c1f", state=CampaignState.SCHEDULED).message_statuses == {}
