"""Requests for a flow, as `sandbox.failover_orders` reads them."""

from typing import Any

import pytest

from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.failover_orders import Channel, read_flow

TO = "+306970000001"
SMS: dict[str, Any] = {"type": "Sms", "from": "ParcelCo", "to": TO, "message": {"body": "Hello"}}
VIBER: dict[str, Any] = {"type": "Viber", "senderInfoTrackingId": "abc", "to": TO, "message": {"text": "Hello"}}
VOICE: dict[str, Any] = {"type": "Voice", "from": "306900000099", "to": {"phone": TO}, "dialPlan": {"verbs": []}}


def refused(payload: object) -> tuple[str, set[str]]:
    """Code and complaints of the refusal."""
    with pytest.raises(Refusal) as caught:
        read_flow(payload)
    properties = caught.value.payload.get("properties", {})
    assert isinstance(properties, dict)
    return str(caught.value.payload["code"]), set(properties)


def test_defaults() -> None:
    """Left to themselves, steps go in the order given, with the documented times and triggers (§2.17)."""
    order = read_flow({"flow": [VIBER, SMS, VOICE]})
    assert [(step.channel, step.order, step.ttl) for step in order.steps] == [
        (Channel.VIBER, 1, 10.0),
        (Channel.SMS, 2, 1200.0),
        (Channel.VOICE, 3, 10.0),
    ]
    assert [step.triggers for step in order.steps] == [
        ("Expired", "Failed", "Undelivered"),
        ("Undelivered", "Failed"),
        ("Busy", "NoAnswer"),
    ]
    assert [step.to for step in order.steps] == [TO] * 3
    assert [step.sender for step in order.steps] == ["abc", "ParcelCo", "306900000099"]
    assert [step.body for step in order.steps] == ["Hello", "Hello", ""]
    assert order.callback is None


def test_what_is_asked_for() -> None:
    """The order, the time, the label and the triggers are those of the request; triggers may be one text with commas (§2.17)."""
    late = SMS | {"order": 2, "ttl": 0.5, "message": {"body": "Hi", "label": "a", "transcode": True}}
    early = VIBER | {"order": 1, "label": "b", "failoverOnStatuses": "EXPIRED, failed"}
    order = read_flow({"flow": [late, early], "callback": {"url": "http://127.0.0.1/", "strategy": "OnStep"}})
    first, second = order.steps
    assert (first.label, first.triggers) == ("b", ("EXPIRED", "failed"))
    assert first.is_triggered_by("Expired")
    assert not first.is_triggered_by("Undelivered")
    assert (second.ttl, second.label, second.transcode) == (0.5, "a", True)
    assert order.callback == Hook("http://127.0.0.1/", "OnStep")
    listed = read_flow({"flow": [SMS | {"failoverOnStatuses": ["Failed"]}, VOICE | {"to": {"viber": TO}}]})
    assert listed.steps[0].triggers == ("Failed",)
    assert listed.steps[1].to == TO


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("Sms", ""),
        ({"type": "Telepathy"}, "type"),
        ({"type": ["Sms"]}, "type"),
        (SMS | {"to": "friend"}, "to"),
        (SMS | {"to": None}, "to"),
        (SMS | {"from": ""}, "from"),
        (SMS | {"message": None}, "message"),
        (SMS | {"message": {}}, "message.body"),
        (SMS | {"message": {"body": "a" * 1601}}, "message.body"),
        (SMS | {"message": {"body": "a", "label": "a" * 351}}, "message.label"),
        (SMS | {"message": {"body": "a", "flash": 1}}, "message.flash"),
        (SMS | {"ttl": 0.4}, "ttl"),
        (SMS | {"ttl": 1441}, "ttl"),
        (SMS | {"ttl": True}, "ttl"),
        (SMS | {"ttl": "10"}, "ttl"),
        (SMS | {"order": "first"}, "order"),
        (SMS | {"failoverOnStatuses": 7}, "failoverOnStatuses"),
        (SMS | {"urlShortener": {"urlValidity": 1}}, "urlShortener"),
        (VIBER | {"senderInfoTrackingId": None}, "senderInfoTrackingId"),
        (VIBER | {"message": {}}, "message"),
        (VIBER | {"label": 7}, "label"),
        (VOICE | {"from": None}, "from"),
        (VOICE | {"dialPlan": None}, "dialPlan"),
        (VOICE | {"to": {"sip": "a@b.example"}}, "to"),
    ],
)
def test_bad_steps(step: object, problem: str) -> None:
    """A complaint names the step and the field."""
    assert refused({"flow": [SMS, step]}) == ("400000000", {f"flow[1].{problem}".rstrip(".")})


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        ([], set()),
        ({}, {"flow"}),
        ({"flow": []}, {"flow"}),
        ({"flow": "Sms"}, {"flow"}),
        ({"flow": [SMS], "callback": "http://x"}, {"callback"}),
        ({"flow": [SMS], "callback": {"url": "http://x", "strategy": "OnChange"}}, {"callback"}),
        ({"flow": [SMS], "callback": {"url": "x", "strategy": "OnStep"}}, {"callback"}),
    ],
)
def test_bad_flows(payload: object, problems: set[str]) -> None:
    """A flow is not empty, and its callback has strategies of its own (§2.17)."""
    assert refused(payload) == ("400000000", problems)


def test_bad_sender() -> None:
    """The sender of a text is checked as that of any text, once the shape is good."""
    assert refused({"flow": [SMS | {"from": "a sender far too long"}]}) == ("400005000", set())
