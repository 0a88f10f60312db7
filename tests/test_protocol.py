"""Requests as they are built, and answers as they are understood."""

import json
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async import codec, protocol
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InsufficientBalanceError,
    MalformedResponseError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from routee_async.models import Callback, CallbackStrategy, MessageStatus, SentSms, Sms
from routee_async.protocol import Host, Response
from tests import strategies

SMS = Sms(to="+306970000001", sender_id="ParcelCo", body="Γειά", label="a-1")
ID = "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01"


def answer(payload: object, status: int = 200, **headers: str) -> Response:
    """Make an answer with a JSON body."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def sent(**payload: object) -> SentSms:
    """Read an answer to `SMS`."""
    return protocol.read_sent(answer({"trackingId": ID, **payload}), SMS, SMS.label)


def test_token_request_is_a_form_without_scope() -> None:
    """§8 #19: the separator of scopes is not known, so none are asked for."""
    request = protocol.build_token_request()
    assert (request.endpoint.host, request.path) == (Host.AUTH, "/oauth/token")
    assert (request.body, request.content_type) == (b"grant_type=client_credentials", "application/x-www-form-urlencoded")


def test_send_is_paid_and_names_its_reference() -> None:
    """A send costs money, and errors about it name its label."""
    request = protocol.build_send(SMS, SMS.label)
    assert request.endpoint.paid
    assert (request.endpoint.method, request.path, request.reference) == ("POST", "/sms", "a-1")


def test_reads_are_not_paid_whatever_their_method() -> None:
    """Repeatability is a property of the operation, not of the HTTP method."""
    assert not protocol.FETCH_TOKEN.paid
    assert not protocol.FETCH_TRACKING.paid


@pytest.mark.parametrize("tracking_id", ["../../oauth/token", "a/b", "a?b=c", "a#b", "a b", "ά"])
def test_tracking_id_cannot_leave_its_place_in_the_path(tracking_id: str) -> None:
    """Whatever an id holds, it stays one segment of the path."""
    path = protocol.build_fetch_tracking(tracking_id).path
    assert path.startswith("/sms/tracking/single/")
    assert not set("/?# ") & set(path.removeprefix("/sms/tracking/single/"))


def test_answer_to_a_send_needs_only_an_id() -> None:
    """Whatever else is missing is filled with what was sent, and with our own count of parts."""
    read = sent()
    assert (read.tracking_id, read.status, read.created_at) == (ID, MessageStatus.QUEUED, None)
    assert (read.to, read.sender_id, read.body, read.label) == (SMS.to, SMS.sender_id, SMS.body, SMS.label)
    assert (read.body_analysis.parts, read.body_analysis.unicode, read.body_analysis.characters) == (1, True, 4)


def test_kept_answer_holds_no_second_text() -> None:
    """Where the answer repeats what was sent, the outcome shares the texts of the message: many may be kept."""
    told = sent(body=SMS.body, **{"from": SMS.sender_id})
    assert told.body is SMS.body
    assert told.sender_id is SMS.sender_id


def test_answer_outranks_what_was_sent() -> None:
    """What Routee says about the message is what counts."""
    read = sent(status="Sent", flash=True, bodyAnalysis={"parts": 3, "unicode": False, "characters": 400})
    assert (read.status, read.flash, read.body_analysis.parts) == ("Sent", True, 3)


@pytest.mark.parametrize("to", ["+306970000001", "306970000001"])
def test_echo_of_the_recipient_may_lack_its_plus(to: str) -> None:
    """§8 #24: numbers come with and without `+`."""
    assert sent(to=to).tracking_id == ID


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"trackingId": ID, "to": "+306970000002"}, id="another recipient"),
        pytest.param({"trackingId": ID, "label": "a-2"}, id="another label"),
        pytest.param({"trackingId": ""}, id="empty id"),
        pytest.param({"trackingId": 7}, id="id is a number"),
        pytest.param({}, id="no id"),
        pytest.param([{"trackingId": ID}], id="list"),
        pytest.param(None, id="null"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>OK</html>", id="HTML"),
        pytest.param(b'{"trackingId": "' + ID.encode(), id="cut"),
        pytest.param(b"\xff\xfe{}", id="bad UTF-8"),
        pytest.param(b"[" * 200_000, id="nested"),
    ],
)
def test_answer_that_cannot_be_believed_leaves_the_outcome_unknown(payload: object) -> None:
    """A 2xx that does not name our message is never taken for a success, nor for a failure."""
    with pytest.raises(OutcomeUnknownError) as caught:
        protocol.read_sent(answer(payload), SMS, SMS.label)
    assert (caught.value.reference, caught.value.status, caught.value.safe_to_resend) == ("a-1", 200, False)
    assert "+30697" not in str(caught.value)


def test_label_that_we_did_not_send_is_not_ours() -> None:
    """An answer with a label to a message without one is about another message."""
    with pytest.raises(OutcomeUnknownError):
        protocol.read_sent(answer({"trackingId": ID, "label": "x"}), Sms(to="+306970000001", sender_id="P", body="B"), None)


PLAIN = Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel 8812 arrives today between 10 and 12.")
REFERENCE = "ra.k3f9x2ab.0000001"
ANALYSIS = {"parts": 1, "unicode": False, "characters": 49}
ECHO = {
    "trackingId": ID,
    "status": "Queued",
    "createdAt": "2026-01-14T08:15:02.314Z",
    "from": PLAIN.sender_id,
    "to": PLAIN.to,
    "body": PLAIN.body,
    "bodyAnalysis": ANALYSIS,
    "flash": False,
    "label": REFERENCE,
}
CALLBACK = Callback("https://hooks.example/sms", CallbackStrategy.ON_COMPLETION)


def echo_of(sms: Sms, label: str | None) -> dict[str, object]:
    """What Routee answers when it takes a message as it is."""
    echo: dict[str, object] = ECHO | {"from": sms.sender_id, "to": sms.to, "body": sms.body, "flash": sms.flash}
    echo["label"] = label
    echo["ttl"] = None if sms.ttl is None else sms.ttl // timedelta(minutes=1)
    echo["callback"] = None if sms.callback is None else {"url": sms.callback.url, "strategy": sms.callback.strategy.value}
    return {key: value for key, value in echo.items() if value is not None}


@pytest.mark.parametrize(
    ("sms", "label", "without"),
    [
        pytest.param(PLAIN, REFERENCE, (), id="reference"),
        pytest.param(PLAIN, None, (), id="no label"),
        pytest.param(attrs.evolve(PLAIN, label="job"), f"{REFERENCE} job", (), id="both"),
        pytest.param(PLAIN, REFERENCE, ("to", "label"), id="no echo of who and which"),
        pytest.param(attrs.evolve(PLAIN, flash=True, ttl=timedelta(hours=4), callback=CALLBACK), REFERENCE, (), id="options"),
        pytest.param(attrs.evolve(PLAIN, ttl=timedelta(hours=4), callback=CALLBACK), REFERENCE, ("ttl", "callback"), id="untold"),
    ],
)
def test_common_answer_is_read_in_the_quick_way(
    sms: Sms, label: str | None, without: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer with every field as documented is read without the converter, and comes to the same."""
    response = answer({key: value for key, value in echo_of(sms, label).items() if key not in without})
    with monkeypatch.context() as patch:
        patch.setattr(codec, "structure", None)
        read = protocol.read_sent(response, sms, label)
    monkeypatch.setattr(protocol, "_read_plain", lambda *_: None)
    assert read == protocol.read_sent(response, sms, label)
    assert read.body is sms.body
    assert (read.to, read.label) == (sms.to, sms.label)
    assert (read.ttl, read.callback, read.flash) == (sms.ttl, sms.callback, sms.flash)


def test_texts_that_were_changed_are_read_in_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text with shortened links, or another sender, is no reason to take longer."""
    monkeypatch.setattr(codec, "structure", None)
    read = protocol.read_sent(answer(ECHO | {"body": "Shorter", "from": "Other", "flash": True}), PLAIN, REFERENCE)
    assert (read.body, read.sender_id, read.flash) == ("Shorter", "Other", True)


ANYTHING: tuple[object, ...] = (None, True, False, 0, 1, 7.5, 10**30, "", " ", "x", "true", "soon", [], {}, ["x"], {"x": 1})
ODD: dict[str, tuple[object, ...]] = {
    "trackingId": ANYTHING,
    "status": ("Sent", "Novel", *ANYTHING),
    "createdAt": ("2026-01-14", "2026-01-14T08:15:02", "2026-01-14T10:15:02+02:00", *ANYTHING),
    "from": ANYTHING,
    "to": ("306970000001", "+306970000001", "++306970000001", "+306970000002", *ANYTHING),
    "body": ANYTHING,
    "bodyAnalysis": (ANALYSIS | {"parts": True}, ANALYSIS | {"transcode": None}, {"parts": 1}, *ANYTHING),
    "flash": ANYTHING,
    "label": (REFERENCE, "job", *ANYTHING),
    "ttl": (240, 240.0, "240", True, *ANYTHING),
    "callback": (*({"url": CALLBACK.url, "strategy": each} for each in ("OnChange", "OnCompletion", "Never")), *ANYTHING),
}
MESSAGES = (PLAIN, attrs.evolve(PLAIN, flash=True, ttl=timedelta(minutes=1), callback=CALLBACK, label="job"))


def outcome_of(response: Response, sms: Sms, label: str | None) -> object:
    """What is read; of what cannot be believed, what is said about it."""
    try:
        return protocol.read_sent(response, sms, label)
    except OutcomeUnknownError as error:
        return str(error)


def assert_read_alike(payload: object, sms: Sms, label: str | None) -> None:
    """See that the quick way and the converter agree."""
    read = outcome_of(answer(payload), sms, label)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "_read_plain", lambda *_: None)
        expected = outcome_of(answer(payload), sms, label)
    assert read == expected
    assert repr(read) == repr(expected)


@pytest.mark.parametrize("sms", MESSAGES, ids=["plain", "options"])
@pytest.mark.parametrize("key", ODD)
def test_odd_answer_is_read_alike_in_the_quick_way(sms: Sms, key: str) -> None:
    """With one key of an answer odd, different or missing, it is what the converter makes of it, to the word of each complaint."""
    whole = echo_of(sms, REFERENCE)
    assert_read_alike({name: value for name, value in whole.items() if name != key}, sms, REFERENCE)
    for odd in ODD[key]:
        assert_read_alike(whole | {key: odd}, sms, REFERENCE)


@given(
    strategies.sms() | st.sampled_from(MESSAGES),
    st.sampled_from([REFERENCE, None, "job", f"{REFERENCE} job", f"{REFERENCE}x"]),
    st.lists(st.sampled_from([(key, value) for key, values in ODD.items() for value in values]), max_size=3),
    st.sets(st.sampled_from(sorted(ODD)), max_size=1),
)
@settings(max_examples=500)
def test_any_answer_is_read_alike_in_the_quick_way(
    sms: Sms, label: str | None, changes: list[tuple[str, object]], without: set[str]
) -> None:
    """So it is for any message, and for several such keys at once."""
    payload = {key: value for key, value in (echo_of(sms, label) | dict(changes)).items() if key not in without}
    assert_read_alike(payload, sms, label)


ROW = {"messageId": ID, "to": "+306970000001", "status": {"status": "Sent"}}


@pytest.mark.parametrize("payload", [[ROW], ROW], ids=["array", "lone object"])
def test_tracking_answers_as_array_or_object(payload: object) -> None:
    """§8 #1: three clients read an array, the page shows an object."""
    (part,) = protocol.read_tracking(answer(payload), ID)
    assert part.status is MessageStatus.SENT


def test_parts_come_in_order() -> None:
    """Whatever order the rows have, part 1 is first."""
    rows = [ROW | {"part": number, "smsId": str(number)} for number in (3, 1, 2)]
    assert [part.part for part in protocol.read_tracking(answer(rows), ID.upper())] == [1, 2, 3]


def test_empty_array_is_not_yet_found() -> None:
    """§8 #1: `[]` means the same as 404."""
    with pytest.raises(NotFoundError):
        protocol.read_tracking(answer([]), ID)


def test_rows_of_another_message_are_refused() -> None:
    """What is read is checked: rows that belong to another message are no answer."""
    with pytest.raises(MalformedResponseError):
        protocol.read_tracking(answer([ROW | {"messageId": "other"}]), ID)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, BadRequestError),
        (408, APIError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, BadRequestError),
        (409, ConflictError),
        (413, BadRequestError),
        (415, BadRequestError),
        (422, BadRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (503, ServerError),
        (302, APIError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":"1"}'], ids=["empty", "HTML", "list", "Routee"])
def test_status_chooses_the_error(status: int, expected: type[APIError], body: bytes) -> None:
    """§8 #15: the class of an error comes from the status, whatever the body looks like."""
    assert type(protocol.read_error(answer(body, status))) is expected


def test_routee_error_is_read() -> None:
    """§3.1: code and message."""
    error = protocol.read_error(answer({"code": "400001009", "developerMessage": "Insufficient Balance"}, 400))
    assert isinstance(error, InsufficientBalanceError)
    assert (error.code, error.developer_message) == ("400001009", "Insufficient Balance")


@pytest.mark.parametrize("code", [400000000, "400000000"])
def test_code_is_always_text(code: object) -> None:
    """§8 #13: a code comes as a number too, and is kept as text."""
    assert protocol.read_error(answer({"code": code}, 400)).code == "400000000"


def test_code_need_not_have_nine_digits() -> None:
    """§8 #13: `500`, `02` and other forms are codes as well."""
    assert protocol.read_error(answer({"code": "02"}, 400)).code == "02"


def test_validation_error_names_the_fields() -> None:
    """§3.2: `properties` says which field and why."""
    body = {"code": "400000000", "developerMessage": "Validation Error!", "properties": {"to": "Invalid mobile number"}}
    error = protocol.read_error(answer(body, 400))
    assert error.properties == {"to": "Invalid mobile number"}
    assert "Invalid mobile number" in str(error)


def test_inner_errors_are_told() -> None:
    """§3.3: the reasons stand in a list of their own."""
    inner = [{"errorCode": "004", "developerMessage": "No recipients are set for the sms"}, "odd"]
    error = protocol.read_error(
        answer({"code": "400005000", "developerMessage": "SMS contains invalid data", "errors": inner}, 400)
    )
    assert "No recipients are set" in error.developer_message


@pytest.mark.parametrize("timestamp", [1790000000456, "2026-01-14T08:15:02Z"])
def test_spring_error_is_read(timestamp: object) -> None:
    """§8 #14: the timestamp is a number or a text."""
    body = {"timestamp": timestamp, "status": 404, "error": "Not Found", "message": "No message available", "path": "/x"}
    response = answer(body, 404)
    assert protocol.is_documented_error(response)
    assert "No message available" in protocol.read_error(response).developer_message


def test_token_in_an_oauth_error_is_hidden() -> None:
    """§1.6: the description quotes the access token; our error does not."""
    body = {"error": "invalid_token", "error_description": f"Invalid access token: {ID}"}
    error = protocol.read_error(answer(body, 401))
    assert error.developer_message.startswith("invalid_token")
    assert ID not in str(error)


def test_numbers_in_a_server_text_are_masked() -> None:
    """Routee may quote the recipient; our error does not."""
    error = protocol.read_error(answer({"code": "400000000", "developerMessage": "Bad number +306970000001!"}, 400))
    assert "6970000001" not in str(error)


@pytest.mark.parametrize(
    ("body", "documented"),
    [
        (b'{"code":"400000000","developerMessage":"x"}', True),
        (b'{"code":400000000}', True),
        (b'{"error":"invalid_token","error_description":"x"}', True),
        (b'{"timestamp":1,"status":404,"error":"x","message":"x","path":"/"}', True),
        (b'{"error":"Bad Gateway"}', False),
        (b"{}", False),
        (b"[]", False),
        (b"", False),
        (b"<html>", False),
    ],
)
def test_only_the_documented_shapes_are_routees_word(body: bytes, documented: bool) -> None:  # noqa: FBT001
    """§3: three shapes; whatever else a gateway writes is not Routee speaking."""
    assert protocol.is_documented_error(answer(body, 400)) is documented


DATE = "Sun, 22 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        pytest.param("7", DATE, 7.0, id="seconds"),
        pytest.param("0", DATE, 0.0, id="zero"),
        pytest.param("999999", DATE, 999999.0, id="huge"),
        pytest.param("9" * 30, DATE, None, id="absurd"),
        pytest.param("Sun, 22 Nov 2026 10:00:30 GMT", DATE, 30.0, id="date"),
        pytest.param("Sun, 22 Nov 2026 09:00:00 GMT", DATE, 0.0, id="date gone by"),
        pytest.param("Sun, 22 Nov 2026 10:00:30 GMT", None, None, id="date without Date"),
        pytest.param("-5", DATE, None, id="negative"),
        pytest.param("1.5", DATE, None, id="fraction"),
        pytest.param("٣", DATE, None, id="other digits"),
        pytest.param("soon", DATE, None, id="malformed"),
        pytest.param("", DATE, None, id="empty"),
        pytest.param(None, DATE, None, id="missing"),
    ],
)
def test_retry_after_is_read_or_ignored(value: str | None, date: str | None, seconds: float | None) -> None:
    """RFC 9110 §10.2.3: ASCII digits, or a date measured against the answer's own clock; anything else is as if it were absent."""
    headers = {name: text for name, text in (("retry-after", value), ("date", date)) if text is not None}
    assert protocol.retry_after(headers) == seconds


def test_token_is_read() -> None:
    """§1.3: whatever the type is called, the token and its life are read."""
    body = {"access_token": "abc", "token_type": "Bearer", "expires_in": "3599", "scope": "sms", "permissions": []}
    token = protocol.read_token(answer(body))
    assert (token.access_token, token.expires_in) == ("abc", 3599)
    assert "abc" not in repr(token)


def test_requests_and_answers_show_no_content() -> None:
    """Neither a body that we write nor one that we read is in a `repr`."""
    assert "6970000001" not in repr(protocol.build_send(SMS, SMS.label))
    assert ID not in repr(answer({"trackingId": ID}))


CAMPAIGN = "a/b?c"


def test_campaign_page_is_a_read_with_a_number_and_the_greatest_size() -> None:
    """§2.11: pages count from 0, and are as large as can be; an id cannot leave its place in the path."""
    request = protocol.build_campaign_page(CAMPAIGN, 3)
    assert not request.endpoint.paid
    assert (request.endpoint.method, request.body) == ("GET", None)
    assert request.path == "/sms/tracking/campaign/a%2Fb%3Fc?page=3&size=2000"


def labelled(label: object, tracking_id: object = ID) -> dict[str, object]:
    """Build a row of a search."""
    return ROW | {"messageId": tracking_id, "label": label}


def page(*rows: object, **more: object) -> Response:
    """Make an answer to a search."""
    return answer({"content": rows, **more})


def test_page_shows_rows_as_they_came() -> None:
    """Without more being said, every row is read, in order, labels as on the wire, and none is a stranger."""
    read = protocol.read_page(page(labelled("b job", "2"), labelled(None, "1"), last=True))
    assert [(part.tracking_id, part.label) for part in read.rows] == [("2", "b job"), ("1", None)]
    assert (read.is_last, read.has_strangers) == (True, False)


@pytest.mark.parametrize(
    ("label", "is_stranger"),
    [("ra.x", False), ("ra.x.1 job", False), ("ra.", True), ("RA.X", True), (" ra.x", True), ("", True), (None, True), (7, True)],
)
@pytest.mark.parametrize("wanted", [None, lambda _: False], ids=["all", "none wanted"])
def test_row_with_another_label_is_a_stranger(
    label: object,
    is_stranger: bool,  # noqa: FBT001
    wanted: Callable[[str], bool] | None,
) -> None:
    """One row that the search cannot have meant shows that its filter was not understood, whether or not the row is wanted."""
    if wanted is None and label == 7:
        wanted = lambda tracking_id: tracking_id != "odd"  # noqa: E731 - a row that cannot be read
    response = page(labelled("ra.x.0"), labelled(label, "odd"), labelled("ra.x.2"))
    assert protocol.read_page(response, label_prefix="ra.x", wanted=wanted).has_strangers is is_stranger


def test_row_without_a_label_is_a_stranger() -> None:
    """A row that has no label at all was not searched for."""
    assert protocol.read_page(page(ROW), label_prefix="ra.x").has_strangers
    assert not protocol.read_page(page(), label_prefix="ra.x").has_strangers


def test_only_what_is_wanted_is_read() -> None:
    """Rows of other messages are passed over: not even their mistakes matter."""
    rows = [labelled("x", "a"), {"messageId": "b", "status": 7}, labelled("x", "c"), labelled("y", "a")]
    asked: list[str] = []

    def wanted(tracking_id: str) -> bool:
        asked.append(tracking_id)
        return tracking_id == "a"

    read = protocol.read_page(page(*rows), wanted=wanted)
    assert [(part.tracking_id, part.label) for part in read.rows] == [("a", "x"), ("a", "y")]
    assert asked == ["a", "b", "c", "a"]
    with pytest.raises(MalformedResponseError):
        protocol.read_page(page(*rows))


@pytest.mark.parametrize("row", [{"to": "+306970000001"}, {"messageId": None}, {"messageId": 7}, "row", None, []], ids=str)
def test_row_that_names_no_message_is_complained_about(row: object) -> None:
    """A row that might be about any message is not passed over in silence."""
    with pytest.raises(MalformedResponseError):
        protocol.read_page(page(row), wanted=lambda _: False)


@pytest.mark.parametrize(
    ("count", "more", "is_last"),
    [
        (2000, {}, False),
        (1999, {}, True),
        (1, {"last": False}, False),
        (2000, {"last": True}, True),
        (0, {"last": False}, True),
        (0, {}, True),
        (2000, {"last": "yes"}, False),
    ],
)
def test_end_of_pages_does_not_depend_on_what_is_wanted(count: int, more: dict[str, object], is_last: bool) -> None:  # noqa: FBT001
    """A full page is not the last one unless it says so, though nothing on it is of interest; one without rows always is."""
    response = page(*[ROW] * count, **more)
    assert protocol.read_page(response, wanted=lambda _: False) == protocol.Page((), is_last)
    assert protocol.read_page(response).is_last is is_last


@pytest.mark.parametrize("payload", [[], {}, {"content": {}}, {"content": None}, None, b"<html>"], ids=str)
def test_what_is_no_page(payload: object) -> None:
    """An answer without a list of rows is no empty page."""
    with pytest.raises(MalformedResponseError):
        protocol.read_page(answer(payload), wanted=lambda _: False)
