"""What is written on the wire, and what is made of what comes back."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async import codec
from routee_async.codec import SendAnswer, Token
from routee_async.errors import MalformedResponseError
from routee_async.models import (
    BodyAnalysis,
    Callback,
    CallbackStrategy,
    IndiaRestrictions,
    MessageStatus,
    Restrictions,
    Sms,
    TrackedPart,
    UrlShortener,
)

ANSWER: dict[str, Any] = {
    "trackingId": "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01",
    "status": "Queued",
    "createdAt": "2026-01-14T08:15:02.314Z",
    "from": "ParcelCo",
    "to": "+306970000001",
    "body": "Hello",
    "bodyAnalysis": {"parts": 1, "unicode": False, "characters": 5},
    "flash": False,
    "label": "a-1",
    "ttl": 240,
    "callback": {"url": "https://hooks.example/sms", "strategy": "OnCompletion"},
}
ROW: dict[str, Any] = {
    "smsId": "1d0be2d7-7d0e-4ab9-93a4-2f0d7d1f6a10",
    "messageId": "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01",
    "to": "+306970000001",
    "groups": ["vip"],
    "country": "GR",
    "operator": "Cosmote",
    "status": {
        "status": "Delivered",
        "date": "2026-01-14T08:15:07Z",
        "reason": {"detailedStatus": "Delivered", "description": "Delivered to the handset"},
    },
    "body": "Hello",
    "applicationName": "default",
    "originatingService": "Sms",
    "latency": 4,
    "parts": 2,
    "part": 1,
    "price": 0.032,
    "label": "a-1",
    "campaignName": "Spring",
    "campaignTrackingId": "9c1f9f38-0a4e-4f0c-8f6e-6f4f0c9b7e02",
    "from": "ParcelCo",
    "direction": "Outbound",
}


def part(**changes: object) -> TrackedPart:
    """Read a tracking row with some keys changed; None takes a key away."""
    row = {key: value for key, value in (ROW | changes).items() if value is not None}
    return codec.structure(codec.flatten_part(row), TrackedPart)


def answer(**changes: object) -> SendAnswer:
    """Read an answer to a send with some keys changed."""
    return codec.structure(ANSWER | changes, SendAnswer)


def test_what_was_left_alone_is_absent_on_the_wire() -> None:
    """A plain message has three keys: no null, no default."""
    written = json.loads(codec.encode_sms(Sms(to="+306970000001", body="Hi", sender_id="P"), None))
    assert written == {"to": "+306970000001", "body": "Hi", "from": "P"}


def test_every_option_has_its_documented_name_and_unit() -> None:
    """All fields of routee-api.md §2.2 are written as documented: ttl in minutes, urlValidity in seconds."""
    sms = Sms(
        to="+306970000001",
        body="Γειά",
        sender_id="P",
        flash=True,
        label="x",
        callback=Callback("https://hooks.example/sms", CallbackStrategy.ON_CHANGE),
        ttl=timedelta(hours=4),
        transcode=False,
        url_shortener=UrlShortener(validity=timedelta(days=1)),
        restrictions=Restrictions(india=IndiaRestrictions(template_id="t", entity_id="e")),
    )
    assert json.loads(codec.encode_sms(sms, None)) == {
        "to": "+306970000001",
        "body": "Γειά",
        "from": "P",
        "flash": True,
        "label": "x",
        "callback": {"url": "https://hooks.example/sms", "strategy": "OnChange"},
        "ttl": 240,
        "transcode": False,
        "urlShortener": {"urlValidity": 86400},
        "restrictions": {"india": {"templateId": "t", "entityId": "e"}},
    }


def test_json_is_written_alike_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library writes and reads the same as orjson."""
    sms = Sms(to="+306970000001", body='Γειά "σου"\n😀', sender_id="P", label="x")
    fast = codec.encode_sms(sms, None)
    monkeypatch.setattr(codec, "orjson", None)
    assert codec.encode_sms(sms, None) == fast
    assert codec.decode_json(fast) == json.loads(fast)


def test_answer_is_read_whole() -> None:
    """Every documented key of an answer to a send arrives in its field."""
    read = answer()
    assert read.created_at == datetime(2026, 1, 14, 8, 15, 2, 314000, tzinfo=UTC)
    assert read.status is MessageStatus.QUEUED
    assert (read.sender_id, read.to, read.label, read.flash) == ("ParcelCo", "+306970000001", "a-1", False)
    assert read.ttl == timedelta(hours=4)
    assert read.callback == Callback("https://hooks.example/sms", CallbackStrategy.ON_COMPLETION)
    assert read.body_analysis is not None
    assert read.body_analysis.parts == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-01-14T08:15:02Z", datetime(2026, 1, 14, 8, 15, 2, tzinfo=UTC), id="no fraction"),
        pytest.param("2026-01-14T08:15:02.3Z", datetime(2026, 1, 14, 8, 15, 2, 300000, tzinfo=UTC), id="1 digit"),
        pytest.param("2026-01-14T08:15:02.123456789Z", datetime(2026, 1, 14, 8, 15, 2, 123456, tzinfo=UTC), id="9 digits"),
        pytest.param("2026-01-14T08:15Z", datetime(2026, 1, 14, 8, 15, tzinfo=UTC), id="no seconds"),
        pytest.param("2026-01-14T10:15:02+02:00", datetime(2026, 1, 14, 8, 15, 2, tzinfo=UTC), id="offset"),
        pytest.param("2026-01-14T08:15:02", datetime(2026, 1, 14, 8, 15, 2, tzinfo=UTC), id="no zone is UTC"),
    ],
)
def test_dates_of_every_documented_form_are_read(text: str, expected: datetime) -> None:
    """§8 #11: fractions of 0 to 9 digits, `Z` or offset, missing seconds."""
    assert answer(createdAt=text).created_at == expected
    assert part(status={"status": "Sent", "date": text}).updated_at == expected


@pytest.mark.parametrize("broken", ["soon", 1790000000123, None, [], ""], ids=str)
def test_unreadable_date_costs_only_the_date(broken: object) -> None:
    """A secondary field that cannot be read is absent, and the rest of the answer stands."""
    read = answer(createdAt=broken)
    assert read.created_at is None
    assert read.tracking_id == ANSWER["trackingId"]


@pytest.mark.parametrize("key", [key for key in ANSWER if key != "trackingId"])
@pytest.mark.parametrize("broken", [None, 5, [], {}, True, {"parts": "many"}], ids=str)
def test_no_secondary_key_can_spoil_an_answer(key: str, broken: object) -> None:
    """Whatever stands in a secondary key, the tracking id is read."""
    assert answer(**{key: broken}).tracking_id == ANSWER["trackingId"]


@pytest.mark.parametrize("broken", [None, 5, "", "  ", [], {}], ids=str)
def test_answer_without_a_tracking_id_is_no_answer(broken: object) -> None:
    """An id that is missing, empty or no text is a problem of the payload."""
    with pytest.raises(MalformedResponseError, match="trackingId"):
        answer(trackingId=broken)


@pytest.mark.parametrize("payload", [None, [], "text", 5, [ANSWER]], ids=str)
def test_payload_of_another_shape_is_refused(payload: object) -> None:
    """An answer is an object and nothing else."""
    with pytest.raises(MalformedResponseError):
        codec.structure(payload, SendAnswer)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"<html>", b'{"a":', b'{"a":' + b"9" * 5000 + b"e}"],
    ids=["empty", "cut", "no UTF-8", "deep", "HTML", "cut value", "number"],
)
@pytest.mark.parametrize("with_orjson", [True, False])
def test_what_is_not_json_is_refused(body: bytes, with_orjson: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """Whatever a server sends instead of JSON is one kind of error."""
    if not with_orjson:
        monkeypatch.setattr(codec, "orjson", None)
    with pytest.raises(MalformedResponseError):
        codec.decode_json(body)


def test_giant_integer_is_refused_by_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of thousands of digits is an error and not minutes of work."""
    monkeypatch.setattr(codec, "orjson", None)
    with pytest.raises(MalformedResponseError):
        codec.decode_json(b'{"a":' + b"9" * 10_000 + b"}")


def test_tracking_row_is_read_whole() -> None:
    """Every documented key of a tracking row arrives in its field."""
    assert part() == TrackedPart(
        tracking_id=ROW["messageId"],
        sms_id=ROW["smsId"],
        part=1,
        parts=2,
        to="+306970000001",
        sender_id="ParcelCo",
        status=MessageStatus.DELIVERED,
        detailed_status="Delivered",
        description="Delivered to the handset",
        updated_at=datetime(2026, 1, 14, 8, 15, 7, tzinfo=UTC),
        country="GR",
        operator="Cosmote",
        body="Hello",
        label="a-1",
        price=Decimal("0.032"),
        latency=4.0,
        direction="Outbound",
        campaign_name="Spring",
        campaign_tracking_id=ROW["campaignTrackingId"],
        groups=("vip",),
        application_name="default",
        originating_service="Sms",
    )


def test_part_id_of_old_rows_is_read() -> None:
    """§8 #3: `id` where there is no `smsId`."""
    assert part(smsId=None, id="old").sms_id == "old"


def test_campaign_of_old_rows_is_read() -> None:
    """§8 #4: `campaign` where there is no `campaignName`."""
    assert part(campaignName=None, campaign="Old").campaign_name == "Old"


@pytest.mark.parametrize(
    "status",
    [
        pytest.param("Sent", id="plain text"),
        pytest.param({"status": "Sent", "date": "2026-01-14T08:15:07Z"}, id="tracking"),
        pytest.param({"name": "Sent", "updatedDate": "2026-01-14T08:15:07Z"}, id="callback"),
    ],
)
def test_status_of_every_shape_is_read(status: object) -> None:
    """§8 #5: a text, `{status, date}` or `{name, updatedDate}`."""
    read = part(status=status)
    assert read.status is MessageStatus.SENT
    assert (read.updated_at is None) == isinstance(status, str)


def test_row_of_2016_is_read() -> None:
    """§8 #6: no `reason`, no `part`, no `smsId`."""
    read = part(status={"status": "Sent", "date": "2016-01-14T08:15:07Z"}, part=None, smsId=None)
    assert (read.detailed_status, read.part, read.sms_id) == (None, None, None)


def test_unknown_status_never_raises() -> None:
    """A status that Routee invents tomorrow is kept as it came, and is not final."""
    read = part(status={"status": "Teleported"})
    assert read.status == "Teleported"
    assert not read.status.is_final


def test_unknown_reason_never_raises() -> None:
    """The list of detailed statuses is open (§4.2), and so is its shape."""
    assert (
        part(status={"status": "Undelivered", "reason": {"detailedStatus": "DND Error Code"}}).detailed_status == "DND Error Code"
    )
    assert part(status={"status": "Undelivered", "reason": "because"}).detailed_status is None


@pytest.mark.parametrize(("value", "price"), [(0.032, "0.032"), ("0.03200000", "0.03200000"), (1, "1"), ("x", None), (True, None)])
def test_price_is_a_decimal_from_number_or_text(value: object, price: str | None) -> None:
    """§8 #27: amounts come as numbers and as texts, and binary fractions do not show."""
    assert part(price=value).price == (None if price is None else Decimal(price))


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_price_that_is_no_amount_is_absent(value: str) -> None:
    """What is not a finite number is no price."""
    assert part(price=value).price is None


def test_latency_is_kept_raw() -> None:
    """§8 #26: the unit is not documented, so the number stays as it came; a flag is no number."""
    assert part(latency=3.5).latency == 3.5
    assert part(latency=True).latency is None


def test_country_is_free_text() -> None:
    """§8 #25: an ISO code as a rule, a name once."""
    assert part(country="Greece").country == "Greece"


@pytest.mark.parametrize("value", [["ά", "έ"], "ά"], ids=["list", "one text"])
def test_unsupported_characters_come_as_list_or_text(value: object) -> None:
    """§6.4: one old model declares a plain string."""
    analysis = answer(bodyAnalysis={"parts": 1, "unicode": True, "characters": 2, "unsupportedGSMCharacters": value}).body_analysis
    assert analysis is not None
    assert analysis.unsupported_gsm_characters[0] == "ά"


def test_transcode_is_read() -> None:
    """What transcoding would give arrives with the analysis."""
    raw = {"parts": 2, "unicode": True, "characters": 80, "transcode": {"message": "H", "parts": 1}}
    analysis = answer(bodyAnalysis=raw).body_analysis
    assert analysis is not None
    assert analysis.transcode is not None
    assert (analysis.transcode.message, analysis.transcode.parts) == ("H", 1)


@pytest.mark.parametrize(("value", "read"), [("true", True), ("False", False), (True, True), ("maybe", None), (1, None)])
def test_flags_come_as_true_or_text(value: object, read: bool | None) -> None:  # noqa: FBT001
    """A flag is a flag also as text; anything else is absent, not true."""
    assert answer(flash=value).flash is read


@pytest.mark.parametrize(("value", "seconds"), [(3599, 3599), ("3599", 3599), (None, None), ("soon", None), (-5, -5)])
def test_token_life_comes_as_number_or_text(value: object, seconds: int | None) -> None:
    """§8 #18: `expires_in` is a number, in one client a text; without it only a refusal tells."""
    assert codec.structure({"access_token": "t", "expires_in": value}, Token).expires_in == seconds


def test_problems_name_the_place() -> None:
    """A payload that cannot be read says where, and what is missing."""
    with pytest.raises(MalformedResponseError) as caught:
        codec.structure([ROW | {"to": None}], tuple[TrackedPart, ...])
    assert any("$[0].to" in problem for problem in caught.value.problems)


@pytest.mark.parametrize("row", ["text", 5, None, []], ids=str)
def test_row_that_is_no_object_is_refused(row: object) -> None:
    """A row is an object."""
    with pytest.raises(MalformedResponseError):
        codec.structure([codec.flatten_part(row)], tuple[TrackedPart, ...])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ANALYSES = st.fixed_dictionaries(
    {},
    optional={
        "parts": st.integers(1, 9) | JSON_VALUES,
        "unicode": st.booleans() | JSON_VALUES,
        "characters": st.integers(1, 9) | JSON_VALUES,
        "transcode": st.none() | st.just({"message": "a", "parts": 1}) | JSON_VALUES,
        "unsupportedGSMCharacters": st.none() | st.just([]) | st.just(["ж"]) | JSON_VALUES,
    },
)
SEND_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "trackingId": st.text(max_size=3) | JSON_VALUES,
        "createdAt": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "soon"]) | JSON_VALUES,
        "status": st.sampled_from(["Queued", "Novel", ""]) | JSON_VALUES,
        "to": st.text(max_size=3) | JSON_VALUES,
        "from": st.text(max_size=3) | JSON_VALUES,
        "body": st.text(max_size=3) | JSON_VALUES,
        "label": st.text(max_size=3) | JSON_VALUES,
        "flash": st.sampled_from([True, False, "true", "FALSE", "maybe"]) | JSON_VALUES,
        "ttl": st.sampled_from([5, "5", "soon"]) | JSON_VALUES,
        "callback": st.sampled_from([{"url": "https://a", "strategy": "OnChange"}, {"url": 1}]) | JSON_VALUES,
        "bodyAnalysis": ANALYSES | JSON_VALUES,
    },
)


@given(SEND_ANSWERS | JSON_VALUES)
@settings(max_examples=500)
def test_converter_without_details_reads_the_same(payload: object) -> None:
    """The converter that does not say where a problem is comes to what the one comes to that does."""
    try:
        expected = codec._detailed_converter().structure(payload, SendAnswer)  # noqa: SLF001 - the yardstick
    except Exception:  # noqa: BLE001 - whatever it raises
        with pytest.raises(MalformedResponseError):
            codec.structure(payload, SendAnswer)
    else:
        assert codec.structure(payload, SendAnswer) == expected


@given(ANALYSES | JSON_VALUES)
def test_quick_reading_of_an_analysis_is_the_same(value: object) -> None:
    """The quick way to read the analysis of a text comes to what the converter comes to."""
    assert codec.read_analysis(value) == codec._lenient_analysis(value, BodyAnalysis)  # noqa: SLF001 - the yardstick


@pytest.mark.parametrize("key", ["parts", "unicode", "characters", "transcode", "unsupportedGSMCharacters", "new"])
@pytest.mark.parametrize("value", [None, 1, True, 1.0, "1", "ж", [], ["ж"], {"message": "a", "parts": 1}], ids=str)
def test_odd_analysis_is_left_to_the_converter(key: str, value: object) -> None:
    """One key that is not as documented, or one more, is read as the converter reads it."""
    analysis = {"parts": 1, "unicode": False, "characters": 49, key: value}
    expected = codec._lenient_analysis(analysis, BodyAnalysis)  # noqa: SLF001 - the yardstick
    assert repr(codec.read_analysis(analysis)) == repr(expected)
    assert codec.read_analysis(analysis) == expected


def test_common_analysis_is_shared() -> None:
    """The texts of a batch are much alike: many kept outcomes hold one analysis."""
    plain = {"parts": 1, "unicode": False, "characters": 49}
    assert codec.read_analysis(plain) is codec.read_analysis(dict(plain))
