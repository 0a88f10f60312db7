"""Tests of `callbacks.py`."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import codec
from routee_async.callback_models import CampaignCallback, InboundSms, MessageCallback
from routee_async.callbacks import MAX_BODY, is_secret, new_secret, parse_callback
from routee_async.errors import InvalidCallbackError
from routee_async.models import Callback, CallbackStrategy, CampaignState, MessageStatus, Sms
from routee_async.options import OnUnknown
from routee_async.sandbox import Magic, Sandbox, Settings

REFERENCE = "ra.k3f9x2ab.00001z7"
MESSAGE: dict[str, Any] = {
    "messageId": "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01",
    "smsId": "1d0be2d7-7d0e-4ab9-93a4-2f0d7d1f6a10",
    "part": 1,
    "parts": 2,
    "label": "job-17",
    "to": "+306970000001",
    "from": "ParcelCo",
    "country": "GR",
    "operator": "Cosmote",
    "groups": ["vip"],
    "status": {
        "name": "Undelivered",
        "updatedDate": "2026-01-14T12:15:02Z",
        "reason": {"detailedStatus": "Expired", "description": "The validity period passed before delivery"},
    },
    "message": "Your parcel 8812 arrives today.",
    "applicationName": "default",
    "latency": 14400,
    "price": 0.032,
    "direction": "Outbound",
    "originatingService": "Sms",
}
OLD_MESSAGE: dict[str, Any] = {
    "messageId": "e7a9b2ce-6a1f-4b92-a7c7-0f5b8f9d2c33",
    "id": "a2b1f0e0",
    "campaignTrackingId": "9c1f9f38-0a4e-4f0c-8f6e-6f4f0c9b7e02",
    "to": "+306970000002",
    "from": "306900000099",
    "groups": [],
    "campaign": "Spring-offer 2026-03",
    "status": {"name": "Sent", "updatedDate": "2026-03-01T09:00:04Z"},
    "message": "Hi friend",
    "applicationName": "default",
    "latency": 0,
    "parts": 1,
    "price": "0.00600000",
    "direction": "Outbound",
    "originatingService": "Sms",
}
CAMPAIGN: dict[str, Any] = {
    "trackingId": "9c1f9f38-0a4e-4f0c-8f6e-6f4f0c9b7e02",
    "name": "Spring-offer 2026-03",
    "totalRecipients": 3,
    "campaignStatus": "Finished",
    "messageStatuses": {"Delivered": 2, "Undelivered": 1},
    "callbackInfo": {"url": "https://hooks.example/campaign", "strategy": "OnCompletion"},
}
INBOUND: dict[str, Any] = {
    "messageId": "c0ffee00-1111-4222-8333-944455566677",
    "from": "+306970000001",
    "to": "306900000099",
    "message": "STOP",
    "parts": 1,
    "originatingService": "Sms",
    "direction": "Inbound",
    "receivedDate": "2026-01-14T09:00:00Z",
    "price": 0.006,
}
POOL = {"poolId": "b1f9a8c7", "poolName": "gr-pool", "poolStrategy": "Numeric"}
SHAPES = {"message": MESSAGE, "old message": OLD_MESSAGE, "campaign": CAMPAIGN, "inbound": INBOUND}


def message(**changes: object) -> MessageCallback:
    """Read a message callback with some keys changed."""
    read = parse_callback(MESSAGE | changes)
    assert isinstance(read, MessageCallback)
    return read


def campaign(**changes: object) -> CampaignCallback:
    """Read a campaign callback with some keys changed."""
    read = parse_callback(CAMPAIGN | changes)
    assert isinstance(read, CampaignCallback)
    return read


def test_message_of_today() -> None:
    """Every documented key of a message callback arrives in its field."""
    assert message() == MessageCallback(
        tracking_id=MESSAGE["messageId"],
        sms_id=MESSAGE["smsId"],
        part=1,
        parts=2,
        to="+306970000001",
        sender_id="ParcelCo",
        status=MessageStatus.UNDELIVERED,
        detailed_status="Expired",
        description="The validity period passed before delivery",
        updated_at=datetime(2026, 1, 14, 12, 15, 2, tzinfo=UTC),
        country="GR",
        operator="Cosmote",
        body=MESSAGE["message"],
        label="job-17",
        price=Decimal("0.032"),
        latency=14400.0,
        direction="Outbound",
        groups=("vip",),
        application_name="default",
        originating_service="Sms",
    )


def test_message_of_2016() -> None:
    """The old shape, with `id` and `campaign` and without part and reason, is read; amounts keep every digit."""
    assert parse_callback(OLD_MESSAGE) == MessageCallback(
        tracking_id=OLD_MESSAGE["messageId"],
        sms_id="a2b1f0e0",
        parts=1,
        to="+306970000002",
        sender_id="306900000099",
        status=MessageStatus.SENT,
        updated_at=datetime(2026, 3, 1, 9, 0, 4, tzinfo=UTC),
        body="Hi friend",
        price=Decimal("0.00600000"),
        latency=0.0,
        direction="Outbound",
        campaign_name="Spring-offer 2026-03",
        campaign_tracking_id=OLD_MESSAGE["campaignTrackingId"],
        application_name="default",
        originating_service="Sms",
    )


def test_campaign() -> None:
    """Every documented key of a campaign callback arrives in its field."""
    assert campaign() == CampaignCallback(
        campaign_tracking_id=CAMPAIGN["trackingId"],
        campaign_name="Spring-offer 2026-03",
        total_recipients=3,
        state=CampaignState.FINISHED,
        message_statuses={MessageStatus.DELIVERED: 2, MessageStatus.UNDELIVERED: 1},
        callback=Callback("https://hooks.example/campaign", CallbackStrategy.ON_COMPLETION),
    )


def test_inbound() -> None:
    """Every documented key of an inbound message arrives in its field."""
    assert parse_callback(INBOUND) == InboundSms(
        tracking_id=INBOUND["messageId"],
        sender_id="+306970000001",
        to="306900000099",
        body="STOP",
        received_at=datetime(2026, 1, 14, 9, tzinfo=UTC),
        parts=1,
        price=Decimal("0.006"),
        originating_service="Sms",
    )


@pytest.mark.parametrize("payload", [MESSAGE, INBOUND], ids=["message", "inbound"])
def test_pool(payload: dict[str, Any]) -> None:
    """What came through a pool names it."""
    read = parse_callback(payload | POOL)
    assert isinstance(read, MessageCallback | InboundSms)
    assert (read.pool_id, read.pool_name, read.pool_strategy) == ("b1f9a8c7", "gr-pool", "Numeric")


@pytest.mark.parametrize("payload", SHAPES.values(), ids=SHAPES)
def test_any_form_of_the_payload(payload: dict[str, Any]) -> None:
    """Bytes, a byte array, a text and a decoded mapping give the same."""
    text = json.dumps(payload, ensure_ascii=False)
    assert (
        parse_callback(payload) == parse_callback(text) == parse_callback(text.encode()) == parse_callback(bytearray(text.encode()))
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, MessageCallback),
        ({"direction": "Inbound"}, InboundSms),
        ({"direction": None}, MessageCallback),
        ({"campaignStatus": None}, MessageCallback),
        ({"campaignStatus": "Sent", "trackingId": "9c1f", "direction": "Inbound"}, CampaignCallback),
        ({"trackingId": "9c1f", "messageStatuses": {}}, MessageCallback),
    ],
    ids=["plain", "inbound", "no direction", "no campaign status", "campaign first", "campaign-like"],
)
def test_kinds_are_told_apart(changes: dict[str, object], kind: type) -> None:
    """`campaignStatus` makes a campaign, `direction` an inbound message, anything else is a message that was sent."""
    assert type(parse_callback(MESSAGE | changes)) is kind


def test_label_is_the_callers_own() -> None:
    """The reference that a batch puts in front of a label is taken off again, as in tracking."""
    marked = message(label=f"{REFERENCE} job-17")
    bare = message(label=REFERENCE)
    assert (marked.label, marked.reference) == ("job-17", REFERENCE)
    assert (bare.label, bare.reference) == (None, REFERENCE)
    assert (message().label, message().reference) == ("job-17", None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"name": "Sent"}, (MessageStatus.SENT, None)),
        ({"status": "Sent", "date": "2026-01-14T12:15Z"}, (MessageStatus.SENT, datetime(2026, 1, 14, 12, 15, tzinfo=UTC))),
        ("Sent", (MessageStatus.SENT, None)),
        ({"name": "Teleported", "updatedDate": 5}, (MessageStatus("Teleported"), None)),
    ],
    ids=["bare", "as in tracking", "text", "unknown name"],
)
def test_shapes_of_a_status(status: object, expected: tuple[MessageStatus, datetime | None]) -> None:
    """A status is read in the shape of a callback, of tracking and of a send; an unknown name is kept."""
    read = message(status=status)
    assert (read.status, read.updated_at) == expected


@pytest.mark.parametrize("name", ["Scheduled", "Queued", "Running", "Sent", "Finished", "Failed", "Invented"])
def test_campaign_state_is_open(name: str) -> None:
    """Documented states are found, others kept; only `Finished` and `Failed` are final."""
    state = campaign(campaignStatus=name).state
    assert state == name
    assert state.is_final is (name in {"Finished", "Failed"})


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        ({"Delivered": "2", "Sent": 1.0}, {"Delivered": 2, "Sent": 1}),
        ({"Delivered": 2, "Sent": None, "callbackInfo": {"url": "x"}, "Failed": "many"}, {"Delivered": 2}),
        (None, {}),
        ([], {}),
        ("Delivered", {}),
    ],
    ids=["texts", "braces misplaced", "null", "list", "text"],
)
def test_counters_of_a_campaign(counters: object, expected: dict[str, int]) -> None:
    """Counters are read where they are counters; whatever else stands there spoils nothing."""
    assert campaign(messageStatuses=counters).message_statuses == expected


REQUIRED = {
    "message": ("messageId", "to", "status"),
    "campaign": ("trackingId", "campaignStatus"),
    "inbound": ("messageId", "from", "to", "message"),
}
BROKEN = [None, 5, [], {}, True, {"parts": "many"}, float("nan"), [None], 10**400, {"url": 5}]


SECONDARY = [
    (shape, key)
    for shape, payload in SHAPES.items()
    for key in payload
    if key not in {*REQUIRED[shape.removeprefix("old ")], "direction"}
]


@pytest.mark.parametrize(("shape", "key"), SECONDARY)
def test_no_secondary_key_can_spoil_a_callback(shape: str, key: str) -> None:
    """Whatever stands in a key that is not needed, and where it is missing, the rest is read."""
    payload = SHAPES[shape]
    without = parse_callback({name: value for name, value in payload.items() if name != key})
    assert type(without) is type(parse_callback(payload))
    for broken in BROKEN:
        assert type(parse_callback(payload | {key: broken})) is type(without)


@pytest.mark.parametrize(("shape", "key"), [(shape, key) for shape, keys in REQUIRED.items() for key in keys])
@pytest.mark.parametrize("broken", [5, [], True], ids=str)
def test_problem_is_named_as_on_the_wire(shape: str, key: str, broken: object) -> None:
    """What cannot be done without is refused when it is unreadable, by the name that it has in the payload."""
    with pytest.raises(InvalidCallbackError) as caught:
        parse_callback(SHAPES[shape] | {key: broken})
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].endswith(f"@ $.{key}")


def test_missing_keys_are_named() -> None:
    """An empty object tells all that a message callback needs."""
    with pytest.raises(InvalidCallbackError, match=r"@ \$\.messageId; .*@ \$\.to; .*@ \$\.status"):
        parse_callback({})


GARBAGE: dict[str, Any] = {
    "nothing": b"",
    "text": b"hello",
    "null": b"null",
    "number": b"5",
    "list": b"[]",
    "list of callbacks": json.dumps([MESSAGE]),
    "cut short": json.dumps(MESSAGE)[:-5],
    "form": b"messageId=1&to=2",
    "latin-1": json.dumps(MESSAGE, ensure_ascii=False).replace("ParcelCo", "Café").encode("latin-1"),
    "half a surrogate": '{"messageId": "\ud800"}',
    "deep lists": "[" * 100_000,
    "deep objects": '{"status":' * 100_000,
    "huge number": "9" * 100_000,
    "two objects": "{}{}",
    "None": None,
    "a number": 5,
    "a list": [],
}


@pytest.mark.parametrize("fast", [True, False], ids=["orjson", "standard library"])
@pytest.mark.parametrize("payload", GARBAGE.values(), ids=GARBAGE)
def test_garbage(payload: Any, *, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - garbage
    """What is no callback is refused with one error, which has no cause that would hold pieces of it."""
    if not fast:
        monkeypatch.setattr(codec, "orjson", None)
    with pytest.raises(InvalidCallbackError) as caught:
        parse_callback(payload)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert isinstance(caught.value, ValueError)
    assert not caught.value.safe_to_resend


@pytest.mark.parametrize("fast", [True, False], ids=["orjson", "standard library"])
def test_key_that_stands_twice(*, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a key that stands twice, as in one of Routee's samples, the last counts, whichever parser reads it."""
    if not fast:
        monkeypatch.setattr(codec, "orjson", None)
    read = parse_callback('{"messageId": "a", "to": "+306970000001", "parts": 1, "parts": 2, "status": "Sent"}')
    assert isinstance(read, MessageCallback)
    assert read.parts == 2


def test_problems_hold_nothing_of_the_payload() -> None:
    """No number and no text of a payload is in the error that refuses it."""
    with pytest.raises(InvalidCallbackError) as caught:
        parse_callback({"messageId": ["+306970000001"], "to": {"306970000001": "Meet me"}, "status": ["Meet me"]})
    assert not any(secret in f"{caught.value!r} {caught.value}" for secret in ("306970000001", "Meet me"))


KEYS = sorted({key for payload in SHAPES.values() for key in payload} | POOL.keys())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["Inbound", "Sent", "1"])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "updatedDate", "reason", "url", "strategy", "status"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), ANYTHING, max_size=12), st.sampled_from([{}, *SHAPES.values()]))
def test_any_mapping_is_read_or_refused(changes: dict[str, object], payload: dict[str, object]) -> None:
    """Whatever a mapping holds, it is a callback or it is refused with the one error for that."""
    try:
        read = parse_callback(payload | changes)
    except InvalidCallbackError as error:
        assert error.problems  # noqa: PT017 - that it is refused is as right as that it is read
    else:
        assert repr(read)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(payload: bytes) -> None:
    """Random bytes are no callback."""
    with pytest.raises(InvalidCallbackError):
        parse_callback(payload)


@pytest.mark.parametrize("shape", ["today", "2016"])
@pytest.mark.parametrize("outcome", [Magic.DELIVERED, Magic.EXPIRED, Magic.FAILED, Magic.LAST_PART_UNDELIVERED], ids=str)
async def test_callback_says_what_tracking_says(outcome: Magic, shape: str) -> None:
    """The last callbacks about a message, as the sandbox writes them in either year, are read as the parts that tracking shows."""
    settings = Settings(shape=shape)
    hook = Callback("http://127.0.0.1:9/nobody")
    sms = Sms(to=outcome, sender_id="ParcelCo", body="Γειά σου! " * 10, label="job-17", callback=hook)
    async with Sandbox(visibility_delay=0, settings=settings, clock="manual") as sandbox, sandbox.client() as client:
        sent = await client.send(sms, on_unknown=OnUnknown.RECONCILE)
        await sandbox.advance(seconds=10)
        parts = await client.fetch_tracking(sent.tracking_id)
        told = [parse_callback(json.dumps(dict(record.payload), default=str)) for record in sandbox.callbacks]
    assert all(isinstance(each, MessageCallback) for each in told)
    assert {each.status for each in told if isinstance(each, MessageCallback)} >= {"Queued"}
    ends = [each for each in told if isinstance(each, MessageCallback) and each.status.is_final]
    assert {(each.label, each.reference) for each in ends} == {("job-17", sent.reference)}
    as_told = {each.as_part() for each in ends}
    if shape == "2016":  # neither named its part then, nor gave a reason
        parts = tuple(attrs.evolve(part, sms_id=None, part=None, detailed_status=None, description=None) for part in parts)
        as_told = {attrs.evolve(each, sms_id=None, part=None) for each in as_told}
    assert as_told == set(parts)


def test_new_secrets_differ() -> None:
    """A secret is long, fits into a URL as it is, and never comes twice."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 43 and secret.replace("-", "").replace("_", "").isalnum() for secret in made)


@pytest.mark.parametrize(
    ("given_secret", "secret", "opens"),
    [
        ("s3cret", "s3cret", True),
        ("s3creT", "s3cret", False),
        ("s3cre", "s3cret", False),
        ("new", ("new", "old"), True),
        ("old", ("new", "old"), True),
        ("other", ("new", "old"), False),
        ("", "", False),
        ("", ("",), False),
        ("", "s3cret", False),
        ("κλειδί", "κλειδί", True),
        ("\ud800", "?", False),
    ],
)
def test_is_secret(given_secret: str, secret: str | tuple[str, ...], *, opens: bool) -> None:
    """Only the whole secret opens, or one of several; an empty one never does."""
    assert is_secret(given_secret, secret) is opens


def test_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret is compared by `hmac.compare_digest`, also after one that was right."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert is_secret("new", ("new", "old"))
    assert compared == [(b"new", b"new"), (b"new", b"old")]


def test_largest_callback_fits() -> None:
    """The longest message with the longest label, every character escaped, is within the bound."""
    largest = MESSAGE | {"message": "😀" * 1600, "label": "😀" * 350}
    assert len(json.dumps(largest)) < MAX_BODY
