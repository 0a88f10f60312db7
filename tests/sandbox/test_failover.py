"""Flows in `sandbox.failover` and their steps in `sandbox.legs`."""

from decimal import Decimal
from typing import Any

import pytest

from routee_async.sandbox.callbacks import CallbackKind
from routee_async.sandbox.timeline import Magic, Outcome, Timeline
from tests.sandbox.conftest import Api, Clock

TO = "+306970000001"
SMS: dict[str, Any] = {"type": "Sms", "from": "ParcelCo", "to": TO, "message": {"body": "Hello", "label": "job-1"}}
VIBER: dict[str, Any] = {"type": "Viber", "senderInfoTrackingId": "abc", "to": TO, "message": {"text": "Hello"}}
VOICE: dict[str, Any] = {"type": "Voice", "from": "306900000099", "to": TO, "dialPlan": {"verbs": []}}


def start(api: Api, *steps: dict[str, Any]) -> str:
    """Start a flow."""
    tracking_id: str = api("POST", "/failover", {"flow": list(steps)})["trackingId"]
    return tracking_id


def track(api: Api, tracking_id: str) -> dict[str, Any]:
    """Read a flow."""
    flow: dict[str, Any] = api("GET", f"/failover/tracking/{tracking_id}")
    return flow


def story(flow: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Its status, and channel and status of each of its messages."""
    return flow["status"], [(message["type"], message["status"]["name"]) for message in flow["messages"]]


def test_the_answer(api: Api) -> None:
    """The answer gives the id and what was asked for."""
    hook = {"url": "http://127.0.0.1/", "strategy": "OnStep"}
    made = api("POST", "/failover", {"flow": [VIBER, SMS], "callback": hook})
    assert len(made.pop("trackingId")) == 36
    assert made == {"flow": [VIBER, SMS], "callback": hook}


def test_a_text_arrives(api: Api, clock: Clock) -> None:
    """A flow whose first step arrives has succeeded there; its keys are the documented ones (§2.17)."""
    tracking_id = start(api, SMS, VIBER)
    assert story(track(api, tracking_id)) == ("Queued", [("Sms", "Queued")])
    clock.advance(0.6)
    assert story(track(api, tracking_id)) == ("InProgress", [("Sms", "Sent")])
    clock.advance(2)
    flow = track(api, tracking_id)
    (message,) = flow.pop("messages")
    assert flow == {
        "trackingId": tracking_id,
        "applicationId": api.application.id,
        "originatingService": "Failover",
        "status": "Succeeded",
        "statusCode": None,
        "terminationChannel": "Sms",
        "totalPrice": 0.032,
        "createdAt": "2026-09-21T14:13:20.123Z",
        "updatedAt": "2026-09-21T14:13:22.123Z",
    }
    assert len(message.pop("smsId")) == 36
    assert message.pop("trackingId") == message["messageId"]
    (item,) = api("GET", f"/sms/tracking/single/{message.pop('messageId')}")
    assert item["originatingService"] == "Failover"
    assert message == {
        "type": "Sms",
        "order": 1,
        "to": TO,
        "from": "ParcelCo",
        "country": "GR",
        "operator": "Vodafone",
        "ttl": 1200.0,
        "body": "Hello",
        "label": "job-1",
        "part": 1,
        "parts": 1,
        "latency": 2,
        "price": 0.032,
        "status": {
            "name": "Delivered",
            "updatedDate": "2026-09-21T14:13:22Z",
            "reason": {"detailedStatus": "Delivered", "description": "Delivered to the handset"},
        },
        "failoverOnStatuses": ["Undelivered", "Failed"],
        "createdAt": "2026-09-21T14:13:20.123Z",
    }


def test_the_next_step_stands_in(api: Api, clock: Clock) -> None:
    """When a step does not arrive, the next begins at that moment, however late anybody looks (§2.17)."""
    tracking_id = start(api, VIBER | {"to": Magic.UNDELIVERED, "inboundUrl": "http://x"}, SMS)
    clock.advance(3600)
    flow = track(api, tracking_id)
    assert story(flow) == ("Succeeded", [("Viber", "Undelivered"), ("Sms", "Delivered")])
    viber, sms = flow["messages"]
    assert (viber["createdAt"], sms["createdAt"]) == ("2026-09-21T14:13:20.123Z", "2026-09-21T14:13:22.123Z")
    assert flow["updatedAt"] == "2026-09-21T14:13:24.123Z"
    assert (flow["totalPrice"], flow["terminationChannel"]) == (0.042, "Sms")
    del viber["trackingId"]
    assert viber == {
        "type": "Viber",
        "order": 1,
        "to": Magic.UNDELIVERED,
        "from": "abc",
        "country": "GR",
        "ttl": 10.0,
        "body": {"text": "Hello"},
        "inboundUrl": "http://x",
        "price": 0.01,
        "status": {
            "name": "Undelivered",
            "updatedDate": "2026-09-21T14:13:22Z",
            "reason": {"detailedStatus": "Undelivered", "description": "Not delivered"},
        },
        "failoverOnStatuses": ["Expired", "Failed", "Undelivered"],
        "createdAt": "2026-09-21T14:13:20.123Z",
    }


@pytest.mark.parametrize(
    ("steps", "end", "code"),
    [
        ([SMS | {"to": Magic.UNDELIVERED}], ("Failed", [("Sms", "Undelivered")]), 2),
        ([SMS | {"to": Magic.FAILED, "failoverOnStatuses": ["Undelivered"]}, VIBER], ("Failed", [("Sms", "Failed")]), 3),
        ([VIBER | {"to": Magic.EXPIRED}, SMS | {"to": Magic.NO_BALANCE}], ("Failed", [("Viber", "Expired")]), 1),
        ([SMS | {"to": Magic.FAILED}, VIBER | {"to": Magic.NO_BALANCE}], ("Failed", [("Sms", "Failed")]), 1),
        ([VOICE | {"to": Magic.CALL_BARRED}, SMS], ("Succeeded", [("Voice", "Busy"), ("Sms", "Delivered")]), None),
        ([VOICE | {"to": Magic.HANDSET}, SMS], ("Succeeded", [("Voice", "NoAnswer"), ("Sms", "Delivered")]), None),
        ([VOICE, SMS], ("Succeeded", [("Voice", "Completed")]), None),
        ([VOICE | {"failoverOnStatuses": ["completed"]}, SMS], ("Succeeded", [("Voice", "Completed"), ("Sms", "Delivered")]), None),
        ([VIBER | {"to": "+881600000001"}], ("Succeeded", [("Viber", "Delivered")]), None),
    ],
    ids=["no next step", "not triggered", "no balance", "no balance for another", "busy", "no answer", "call", "after", "nowhere"],
)
def test_how_a_flow_ends(
    api: Api, clock: Clock, steps: list[dict[str, Any]], end: tuple[str, list[tuple[str, str]]], code: int | None
) -> None:
    """Statuses lead to the next step or to the end, with the documented reason (§2.17)."""
    tracking_id = start(api, *steps)
    clock.advance(60)
    flow = track(api, tracking_id)
    assert (story(flow), flow["statusCode"]) == (end, code)


@pytest.mark.parametrize(
    ("step", "status"), [(SMS, "Undelivered"), (VIBER, "Expired"), (VOICE | {"failoverOnStatuses": "NoAnswer"}, "NoAnswer")]
)
def test_a_step_has_its_time(api: Api, clock: Clock, step: dict[str, Any], status: str) -> None:
    """A step that has not ended when its time is over counts as expired, and the next has its turn (§2.17)."""
    tracking_id = start(api, step | {"to": Magic.NEVER_FINAL, "ttl": 1.5}, SMS | {"to": Magic.NEVER_FINAL})
    clock.advance(89)
    assert track(api, tracking_id)["status"] == "InProgress"
    assert len(track(api, tracking_id)["messages"]) == 1
    clock.advance(1)
    flow = track(api, tracking_id)
    assert [message["status"]["name"] for message in flow["messages"]] == [status, "Queued"]
    assert flow["messages"][0]["status"]["reason"]["detailedStatus"] == "Expired"
    assert flow["status"] == "InProgress"


@pytest.mark.parametrize("first", [SMS, VIBER])
def test_a_flow_moves_by_reading(api: Api, first: dict[str, Any]) -> None:
    """Where texts move on by reading, so do flows: each read of a flow reads its running step."""
    api.carrier.settings.timeline = Timeline(reads=1)
    tracking_id = start(api, first | {"to": Magic.UNDELIVERED}, SMS)
    statuses = [[message["status"]["name"] for message in track(api, tracking_id)["messages"]] for _ in range(5)]
    assert statuses == [
        ["Queued"],
        ["Sent"],
        ["Undelivered", "Queued"],
        ["Undelivered", "Sent"],
        ["Undelivered", "Delivered"],
    ]
    assert track(api, tracking_id)["status"] == "Succeeded"


def test_parts_of_a_text(api: Api, clock: Clock) -> None:
    """A text of several parts has an object for each, and all are paid (§2.17)."""
    tracking_id = start(api, SMS | {"message": {"body": "a" * 200}, "urlShortener": {}})
    clock.advance(5)
    flow = track(api, tracking_id)
    assert [(message["part"], message["parts"]) for message in flow["messages"]] == [(1, 2), (2, 2)]
    assert flow["totalPrice"] == 0.064


def test_money(api: Api) -> None:
    """A first step that cannot be paid is refused at once, and no flow comes to be; others are paid when they have their turn."""
    for step in (SMS, VIBER):
        assert api.refused("POST", "/failover", {"flow": [step | {"to": Magic.NO_BALANCE}]}) == "400001009"
    assert api("POST", "/failover/tracking", [])["totalElements"] == 0
    before = api.application.account.balance
    start(api, VOICE, SMS)
    assert before - api.application.account.balance == Decimal("0.05")


def test_scripts_of_a_label(api: Api, clock: Clock) -> None:
    """What is laid down for a label goes for every channel."""
    api.carrier.script(Outcome.FAILED, label="job-1")
    tracking_id = start(api, VIBER | {"label": "job-1"}, SMS)
    clock.advance(60)
    assert story(track(api, tracking_id)) == ("Failed", [("Viber", "Failed"), ("Sms", "Failed")])


def test_search(api: Api, clock: Clock) -> None:
    """Flows are searched by type, recipient, status and channel of the end, case aside, ten to a page (§2.17)."""
    first = start(api, SMS)
    clock.advance(60)
    second = start(api, VIBER | {"to": Magic.UNDELIVERED}, SMS)
    clock.advance(60)
    third = start(api, VOICE)

    def found(name: str, term: str, operator: str = "is", query: str = "") -> list[str]:
        filters = [{"fieldName": name, "searchTerm": term, "searchOperator": operator}]
        page = api("POST", f"/failover/tracking{query}", filters)
        assert page["size"] == 10
        return [flow["trackingId"] for flow in page["content"]]

    assert found("type", "sms") == [first, second]
    assert found("type", "Viber", "is_not") == [first, third]
    assert found("to", TO) == [first, second, third]
    assert found("to", "+306999", "starts_with") == [second]
    assert found("status", "SUCCEEDED") == [first, second]
    assert found("status", "queued") == [third]
    assert found("terminationChannel", "Sms") == [first, second]
    assert found("terminationChannel", "Sms", "is_not") == [third]
    assert found("to", TO, query="?dateStart=2026-09-21T14:14Z&dateEnd=2026-09-21T14:15Z") == [second]
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other("POST", "/failover/tracking", [])["content"] == []


def test_unknown_flow(api: Api) -> None:
    """An id that nobody was given, or somebody else was, is not found."""
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    for who, tracking_id in ((api, "0"), (other, start(api, SMS))):
        assert who.refused("GET", f"/failover/tracking/{tracking_id}") == "404005000"


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (
            "OnStep",
            [
                ("InProgress", [("Viber", "Sent")]),
                ("InProgress", [("Viber", "Undelivered"), ("Sms", "Queued")]),
                ("InProgress", [("Viber", "Undelivered"), ("Sms", "Sent")]),
                ("Succeeded", [("Viber", "Undelivered"), ("Sms", "Delivered")]),
            ],
        ),
        ("OnCompletion", [("Succeeded", [("Viber", "Undelivered"), ("Sms", "Delivered")])]),
    ],
)
def test_callbacks(api: Api, clock: Clock, strategy: str, told: list[object]) -> None:
    """By `OnStep` every change of status is told when it comes, by `OnCompletion` the end, as reading tells it (§2.17)."""
    hook = {"url": "http://127.0.0.1/flow", "strategy": strategy}
    flow = [VIBER | {"to": Magic.UNDELIVERED}, SMS]
    tracking_id = api("POST", "/failover", {"flow": flow, "callback": hook})["trackingId"]
    clock.advance(3600)
    api.carrier.run()
    log: list[Any] = [record for record in api.carrier.callbacks.log if record.kind is CallbackKind.FAILOVER]
    assert [story(record.payload) for record in log] == told
    assert {(record.url, record.subject) for record in log} == {("http://127.0.0.1/flow", tracking_id)}
    assert log[-1].payload == track(api, tracking_id)
    assert log[-1].due == clock.now - 3600 + 4


def test_callbacks_by_reading(api: Api) -> None:
    """Where flows move on by reading, each read that moves one is told."""
    api.carrier.settings.timeline = Timeline(reads=1)
    hook = {"url": "http://127.0.0.1/flow", "strategy": "OnStep"}
    tracking_id = api("POST", "/failover", {"flow": [VIBER], "callback": hook})["trackingId"]
    track(api, tracking_id)
    track(api, tracking_id)
    api.carrier.run()
    assert [record.payload["status"] for record in api.carrier.callbacks.log] == ["InProgress", "Succeeded"]
