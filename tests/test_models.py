"""Tests of `models.py`."""

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import models
from routee_async.errors import ServerError
from routee_async.models import CallbackStrategy, CampaignState, MessageStatus
from tests import strategies

NUMBER = "+306912345678"
BODY = "Meet me at noon"
URL = "https://hooks.example/capability?key=value"

# Callers without a type checker can put anything anywhere.
build: Callable[..., models.Sms] = models.Sms
status_of: Callable[..., MessageStatus] = MessageStatus

CALLBACK = models.Callback(URL)
SMS = models.Sms(to=NUMBER, body=BODY, sender_id="ParcelCo", callback=CALLBACK)
SENT = models.SentSms(
    tracking_id="5b0a4c0e",
    created_at=datetime(2026, 1, 14, 8, 15, tzinfo=UTC),
    status=MessageStatus.QUEUED,
    to=NUMBER,
    sender_id="ParcelCo",
    body=BODY,
    label=None,
    flash=False,
    ttl=timedelta(minutes=5),
    callback=CALLBACK,
    body_analysis=models.BodyAnalysis(parts=1, unicode=False, characters=15, transcode=models.Transcode(message=BODY, parts=1)),
)
PART = models.TrackedPart(tracking_id="5b0a4c0e", to=NUMBER, status=MessageStatus.SENT, body=BODY)
ERROR = ServerError(500)
VALUES = [
    pytest.param(CALLBACK, id="Callback"),
    pytest.param(SMS, id="Sms"),
    pytest.param(SENT, id="SentSms"),
    pytest.param(PART, id="TrackedPart"),
    pytest.param(models.DeliveryReport(tracking_id="5b0a4c0e", status=MessageStatus.SENT, parts=(PART,)), id="DeliveryReport"),
    pytest.param(models.Accepted(index=0, sms=SMS, sent=SENT), id="Accepted"),
    pytest.param(models.Rejected(index=0, sms=SMS, error=ERROR), id="Rejected"),
    pytest.param(models.NotSent(index=0, sms=SMS, error=ERROR), id="NotSent"),
    pytest.param(models.Unknown(index=0, sms=SMS, error=ERROR), id="Unknown"),
]


@pytest.mark.parametrize(
    ("status", "name", "final"),
    [
        (MessageStatus.QUEUED, "Queued", False),
        (MessageStatus.SENT, "Sent", False),
        (MessageStatus.DELIVERED, "Delivered", True),
        (MessageStatus.UNDELIVERED, "Undelivered", True),
        (MessageStatus.FAILED, "Failed", True),
        (MessageStatus.UNSENT, "Unsent", True),
    ],
)
def test_documented_statuses(status: MessageStatus, name: str, *, final: bool) -> None:
    """A documented status is found by its wire name, compares to it, and knows whether it is final."""
    assert MessageStatus(name) is status
    assert status == name
    assert status.is_final is final


def test_all_statuses_are_documented() -> None:
    """There are six statuses, and unknown ones that were met do not join them."""
    assert MessageStatus("Invented").value == "Invented"
    assert len(MessageStatus) == 6


@given(st.text())
def test_unknown_status(name: str) -> None:
    """A status that is not documented is kept as it came, equals its text, and is never final."""
    status = MessageStatus(name)

    assert status == name == str(status) == status.value
    assert status == MessageStatus(name)
    assert hash(status) == hash(MessageStatus(name))
    assert json.loads(json.dumps(status)) == name
    assert status.is_final is (name in {"Delivered", "Undelivered", "Failed", "Unsent"})


@pytest.mark.parametrize("name", ["Queued", "Invented", ""])
def test_status_copies(name: str) -> None:
    """Any status survives pickling and copying."""
    status = MessageStatus(name)

    for twin in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status)):  # noqa: S301 - our own pickle
        assert type(twin) is MessageStatus
        assert twin == status
        assert twin.name == status.name


def test_unknown_status_in_repr() -> None:
    """An unknown status can be read in a log."""
    assert repr(MessageStatus("Invented")) == "<MessageStatus.Invented: 'Invented'>"


@pytest.mark.parametrize("value", [None, 3, b"Queued"], ids=repr)
def test_status_is_text(value: object) -> None:
    """What is not text is no status."""
    with pytest.raises(ValueError, match="is not a valid MessageStatus"):
        status_of(value)


def test_campaign_states() -> None:
    """There are six states, two of them final; another is kept as it came, and survives pickling."""
    assert [state.value for state in CampaignState] == ["Scheduled", "Queued", "Running", "Sent", "Finished", "Failed"]
    assert {state for state in CampaignState if state.is_final} == {CampaignState.FINISHED, CampaignState.FAILED}
    invented = CampaignState("Invented")
    assert pickle.loads(pickle.dumps(invented)) == invented == "Invented"  # noqa: S301 - our own pickle
    assert not invented.is_final


def test_callback_strategies() -> None:
    """The strategies have their wire names, and only those two exist."""
    assert [strategy.value for strategy in CallbackStrategy] == ["OnChange", "OnCompletion"]


@pytest.mark.parametrize("value", VALUES)
def test_repr_is_discreet(value: object) -> None:
    """No value shows a full number, a text or the path of a callback."""
    shown = repr(value)

    assert type(value).__name__ in shown
    assert not any(secret in shown for secret in (NUMBER, NUMBER[1:], BODY, "capability", "key=value"))


def test_repr_helps() -> None:
    """What is masked can still be told apart."""
    shown = repr(SMS)

    assert "to=+30…78" in shown
    assert "body=<15 characters>" in shown
    assert "url=https://hooks.example/…" in shown


@pytest.mark.parametrize("value", VALUES)
def test_frozen(value: attrs.AttrsInstance) -> None:
    """No field of a value can be changed."""
    for field in attrs.fields(type(value)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("value", VALUES[:5])
def test_values_can_be_hashed_and_pickled(value: object) -> None:
    """Equal values are equal wherever they have been."""
    twin = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own pickle

    assert twin == value
    assert hash(twin) == hash(value)


@pytest.mark.parametrize("nonsense", [None, 3, b"", [], object()], ids=lambda thing: type(thing).__name__)
def test_building_never_raises(nonsense: object) -> None:
    """A message can be built, compared and shown with anything in it: it is judged when it is sent."""
    fields = dict.fromkeys([field.name for field in attrs.fields(models.Sms)], nonsense)
    sms = build(**fields)

    assert sms == build(**fields)
    assert repr(sms).startswith(f"Sms(to=<{type(nonsense).__name__}>, body=")


def test_defaults_leave_everything_to_the_application() -> None:
    """A message of a recipient, a text and a sender asks for nothing else."""
    sms = models.Sms(to=NUMBER, body=BODY, sender_id="ParcelCo")
    asked = {field.name: getattr(sms, field.name) for field in attrs.fields(models.Sms)[3:]}

    assert asked.pop("flash") is False
    assert set(asked.values()) == {None}
    assert models.Restrictions().india is None
    assert models.UrlShortener().validity == timedelta(days=30)
    assert models.Callback(URL).strategy is CallbackStrategy.ON_CHANGE


@given(strategies.sms())
def test_messages_are_values(sms: models.Sms) -> None:
    """Messages compare, hash and copy by what is in them."""
    assert attrs.evolve(sms) == sms
    assert hash(attrs.evolve(sms)) == hash(sms)
