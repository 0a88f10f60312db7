"""Routee's HTTP API as data, and what its answers mean. No I/O: a request goes out as a `Request`, a `Response` comes back.

Source: routee-api.md, which names the pages of docs.routee.net.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from routee_async import codec, redact, references, segments
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
from routee_async.models import BodyAnalysis, MessageStatus, SentSms, Sms, TrackedPart, build_sent_sms
from routee_async.status import roll_up

BALANCE_TOO_LOW = "400001009"
_MIB = 1024 * 1024
_JSON = "application/json"
_CLIENT_ERRORS = range(400, 500)
_SUCCESS = frozenset(range(200, 300))
UNDECIDED = frozenset({408, 425, 499})
"""4xx that say nothing about whether the request was processed."""
_MOST_DIGITS = 12
"""A `Retry-After` of more digits is no number of seconds that anybody means."""


class Host(StrEnum):
    """Which of Routee's two hosts."""

    API = "api"
    AUTH = "auth"


class Content(StrEnum):
    """What a request carries."""

    NOTHING = "nothing"
    JSON = "JSON"
    FORM = "form"


@attrs.frozen(kw_only=True, eq=False)
class Endpoint:
    """One operation of the API.

    Attributes:
        method: HTTP method.
        path: Path with `{}` for each variable piece.
        paid: True when processing it twice does more than processing it once: costs money, sends twice, makes two of a thing. Then
            it is repeated only when it surely was not processed. That is a property of the operation, not of the HTTP method.
        host: Where it lives.
        cap: The most bytes of an answer that are read.
        scope: What the token must have been granted; empty where that is not asked.
        section: Where routee-api.md describes it.
        call: Our name for it, as it is called on a client; empty for what no caller asks for.
        query: Names that may stand in the query.
        content: What the request carries.
    """

    method: str
    path: str
    paid: bool
    host: Host = Host.API
    cap: int = 16 * _MIB
    scope: str = ""
    section: str = ""
    call: str = ""
    query: tuple[str, ...] = ()
    content: Content = Content.NOTHING


FETCH_TOKEN = Endpoint(
    method="POST",
    path="/oauth/token",
    paid=False,
    host=Host.AUTH,
    cap=_MIB,
    section="1.2",
    content=Content.FORM,
)
SEND_SMS = Endpoint(
    method="POST",
    path="/sms",
    paid=True,
    cap=_MIB,
    scope="sms",
    section="2.2",
    call="send",
    content=Content.JSON,
)
FETCH_TRACKING = Endpoint(
    method="GET",
    path="/sms/tracking/single/{}",
    paid=False,
    scope="sms",
    section="2.9",
    call="fetch_tracking",
)
SEARCH_TRACKING = Endpoint(
    method="POST",
    path="/sms/tracking",
    paid=False,
    scope="sms",
    section="2.11",
    call="search_tracking",
    query=("dateStart", "dateEnd", "trackingId", "campaign", "page", "size"),
    content=Content.JSON,
)
CAMPAIGN_TRACKING = Endpoint(
    method="GET",
    path="/sms/tracking/campaign/{}",
    paid=False,
    scope="sms",
    section="2.10",
    call="fetch_campaign_tracking",
    query=("page", "size"),
)
FETCH_BALANCE = Endpoint(
    method="GET",
    path="/accounts/me/balance",
    paid=False,
    cap=_MIB,
    scope="account",
    section="2.13",
    call="account.balance",
)
PAGE_SIZE = 2000
"""Rows of a page at most (§7.1)."""


@attrs.define  # not frozen, nor is the answer: they are made for each message, and that would be half of what it costs
class Request:
    """One request, ready to be written.

    Attributes:
        endpoint: What is asked.
        path: Path and query, percent-encoded.
        body: Bytes of the body; None for no body.
        content_type: Its type.
        reference: Label of the message, to name it in errors.
        parts: Parts that it takes to send the message: what paces are counted in.
        whole: True when all headers of the answer are wanted.
    """

    endpoint: Endpoint
    path: str
    body: bytes | None = attrs.field(default=None, repr=False)
    content_type: str = _JSON
    reference: str | None = None
    parts: int = 0
    whole: bool = False


def _nothing() -> None:
    pass


@attrs.define
class Response:
    """One complete answer.

    Attributes:
        status: HTTP status.
        headers: Names in lower case; only those that mean something to us, unless all were asked for.
        body: The whole body.
        drop_connection: Called when the answer cannot be believed, so that the next one does not come over the same connection.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    drop_connection: Callable[[], None] = attrs.field(default=_nothing, repr=False, eq=False)

    @property
    def is_success(self) -> bool:
        """True for any 2xx."""
        return self.status in _SUCCESS


class Phase(StrEnum):
    """Where in an exchange something went wrong."""

    LOCAL = "local"
    POOL = "pool"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    WRITE = "write"
    WAIT = "wait"
    HEAD = "head"
    BODY = "body"
    STATUS = "status"
    CLOSE = "close"


@attrs.frozen(kw_only=True)
class Failure:
    """An exchange that ended without a complete answer.

    Attributes:
        phase: Where it went wrong.
        reason: Class name of the underlying exception, or a few words. Never its text, which may hold secrets.
        written: False only when provably no byte of the request was written.
        permanent: True when repeating cannot help (a certificate, a plain-text port, a proxy's refusal).
        status: HTTP status seen before it went wrong.
    """

    phase: Phase
    reason: str
    written: bool
    permanent: bool = False
    status: int | None = None


def build_token_request() -> Request:
    """Ask for a token with every right that the application has (no `scope`: §8 row 19)."""
    body = urlencode({"grant_type": "client_credentials"}).encode()
    return Request(FETCH_TOKEN, FETCH_TOKEN.path, body, "application/x-www-form-urlencoded")


def build_send(sms: Sms, label: str | None) -> Request:
    """Build the request that sends a message.

    Args:
        sms: The message, which has passed `validation.prepare`.
        label: Its label on the wire.
    """
    body = codec.encode_sms(sms, label)
    # By position: keywords would travel in a dict, which costs as much again.
    return Request(SEND_SMS, SEND_SMS.path, body, _JSON, label, segments.count_parts(sms.body))


def build_fetch_tracking(tracking_id: str) -> Request:
    """Build the request for the parts of one message."""
    return Request(FETCH_TRACKING, FETCH_TRACKING.path.format(quote(tracking_id, safe="")))


def build_search(label_prefix: str, start: datetime, end: datetime, page: int) -> Request:
    """Build the search for messages whose label starts with *label_prefix*.

    Args:
        label_prefix: Beginning of their labels on the wire.
        start: Earliest moment, at most 7 days ago.
        end: Latest moment. Both are always sent (§8 row 10).
        page: Number of the page, from 0.
    """
    moments = {"dateStart": _iso(start), "dateEnd": _iso(end)}
    query = urlencode({**moments, "page": page, "size": PAGE_SIZE})
    filters = [{"fieldName": "label", "searchTerm": label_prefix, "searchOperator": "starts_with"}]
    return Request(SEARCH_TRACKING, f"{SEARCH_TRACKING.path}?{query}", codec.encode_json(filters))


def build_campaign_page(campaign_tracking_id: str, page: int) -> Request:
    """Build the request for a page, counted from 0, of a campaign's messages."""
    path = CAMPAIGN_TRACKING.path.format(quote(campaign_tracking_id, safe=""))
    return Request(CAMPAIGN_TRACKING, f"{path}?{urlencode({'page': page, 'size': PAGE_SIZE})}")


def build_fetch_balance() -> Request:
    """Build the request for the account's balance: free, quick, and needing all that a send needs."""
    return Request(FETCH_BALANCE, FETCH_BALANCE.path)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_token(response: Response) -> codec.Token:
    """Read the answer of the token endpoint.

    Raises:
        MalformedResponseError: There is no token in it.
    """
    return codec.structure(codec.decode_json(response.body), codec.Token)


def read_sent(response: Response, sms: Sms, label: str | None, reference: str | None = None) -> SentSms:
    """Read the answer to a send, and believe it only if it is about *sms*.

    Args:
        response: A complete 2xx answer.
        sms: The message.
        label: Its label as it was written on the wire, with the reference in front if it has one.
        reference: That reference, if it is known; None to look for one.

    Raises:
        OutcomeUnknownError: No JSON object, no tracking id, or the echo of `to` or `label` is not what was sent.
    """
    try:
        payload = codec.decode_json(response.body)
        if (sent := _read_plain(payload, sms, label, reference)) is not None:
            return sent
        answer = codec.structure(payload, codec.SendAnswer)
    except MalformedResponseError as error:
        raise _unbelievable(label, response, "; ".join(error.problems)) from None
    if answer.to is not None and answer.to.lstrip("+") != sms.to.lstrip("+"):
        raise _unbelievable(label, response, "the answer is about another recipient")
    if answer.label is not None and answer.label != label:
        raise _unbelievable(label, response, "the answer is about another label")
    return _sent(answer, sms, label)


def sent_before(sms: Sms, tracking_id: str, reference: str, parts: int | None) -> SentSms:
    """Make of a ledger's row what Routee answered when *sms* was accepted in an earlier run.

    Args:
        sms: The message as given.
        tracking_id: What Routee called it.
        reference: What we called it.
        parts: Parts that Routee counted, if it was noted.
    """
    sent = _sent(codec.SendAnswer(tracking_id=tracking_id), sms, None)
    counted = attrs.evolve(sent.body_analysis, parts=parts or sent.body_analysis.parts)
    return attrs.evolve(sent, reference=reference, label=sms.label, body_analysis=counted)


def read_tracking(response: Response, tracking_id: str) -> tuple[TrackedPart, ...]:
    """Read the parts of one message: an array, or a lone object (§8 row 1), in order of part number.

    Raises:
        NotFoundError: The array is empty: not (yet) visible.
        MalformedResponseError: The answer is neither, or about another message.
    """
    payload = codec.decode_json(response.body)
    rows = payload if isinstance(payload, list) else [payload]
    if not rows:
        raise NotFoundError(response.status, None, "no part is visible yet")
    parts = codec.structure([codec.flatten_part(row) for row in rows], tuple[TrackedPart, ...])
    ours = [part for part in parts if part.tracking_id.lower() == tracking_id.lower()]
    if not ours:
        raise MalformedResponseError(("rows of another message @ $",))
    return tuple(sorted(map(with_own_label, ours), key=lambda part: part.part or 0))


def with_own_label(part: TrackedPart) -> TrackedPart:
    """Give the caller's label back as it was, and the reference that stood before it a field of its own."""
    reference, label = references.split_label(part.label)
    return part if reference is None else attrs.evolve(part, label=label, reference=reference)


def adopt(sms: Sms, label: str, rows: Sequence[TrackedPart]) -> SentSms:
    """Make of tracking rows what the lost answer to a send would have said.

    Args:
        sms: The message.
        label: Its label as it was written on the wire.
        rows: Its parts, at least one. With several tracking ids it was sent several times: the first is taken, the others are
            reported as duplicates.
    """
    tracking_ids = list(dict.fromkeys(row.tracking_id for row in rows))
    ours = [row for row in rows if row.tracking_id == tracking_ids[0]]
    answer = codec.SendAnswer(tracking_id=tracking_ids[0], status=roll_up(ours), sender_id=rows[0].sender_id)
    return attrs.evolve(_sent(answer, sms, label), duplicates=tuple(tracking_ids[1:]))


@attrs.frozen
class Page:
    """A page of a search.

    Attributes:
        rows: Its parts, labels as on the wire: all, or those that were wanted.
        is_last: True when there is no page after it.
        has_strangers: True when there are rows that the search cannot have meant: the service does not know its filter.
    """

    rows: tuple[TrackedPart, ...]
    is_last: bool
    has_strangers: bool = False


def read_page(
    response: Response,
    *,
    label_prefix: str = "",
    wanted: Callable[[str], bool] | None = None,
) -> Page:
    """Read a page of tracking rows. Without a word on whether it is the last, a page that is not full is.

    Args:
        response: A complete 2xx answer.
        label_prefix: What the label of each row should start with.
        wanted: Tells, by its tracking id, whether a message is of interest: rows of others are not read any further. None for all.

    Raises:
        MalformedResponseError: It is no page, or a row cannot be read.
    """
    payload = codec.decode_json(response.body)
    if not isinstance(payload, dict) or not isinstance(payload.get("content"), list):
        raise MalformedResponseError(("expected a page with a list @ $.content",))
    content = payload["content"]
    rows = content if wanted is None else [row for row in content if _is_wanted(row, wanted)]
    last = payload.get("last")
    return Page(
        codec.structure([codec.flatten_part(row) for row in rows], tuple[TrackedPart, ...]),
        is_last=(last if isinstance(last, bool) else len(content) < PAGE_SIZE) or not content,
        has_strangers=bool(label_prefix) and any(not _has_label(row, label_prefix) for row in content),
    )


def _is_wanted(row: object, wanted: Callable[[str], bool]) -> bool:
    """Tell whether to read a row; one that names no message is read, to complain about it."""
    tracking_id = row.get("messageId") if isinstance(row, dict) else None
    return not isinstance(tracking_id, str) or wanted(tracking_id)


def _has_label(row: object, prefix: str) -> bool:
    label = row.get("label") if isinstance(row, dict) else None
    return isinstance(label, str) and label.startswith(prefix)


def is_documented_error(response: Response) -> bool:
    """True when a body has one of the shapes in which Routee's API says no (routee-api.md §3); a gateway's page has none."""
    return _error_shape(response.body) is not None


def read_error(response: Response) -> APIError:
    """Turn an error answer into the exception that fits its status, whatever its body looks like."""
    payload = _error_shape(response.body) or {}
    status = response.status
    code, message = _code_and_message(payload)
    properties = payload.get("properties")
    details = properties.items() if isinstance(properties, dict) else ()
    error = InsufficientBalanceError if code == BALANCE_TOO_LOW else _error_class(status)
    return error(
        status,
        code,
        message,
        retry_after(response.headers),
        tuple((redact.scrub(str(field)), redact.scrub(str(complaint))) for field, complaint in details),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks us to wait; None where it does not say or says nonsense.

    ASCII digits, or an HTTP date measured against the answer's own `Date`, so that our clock does not matter. A date gone by is 0.

    Source: RFC 9110 §10.2.3.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _MOST_DIGITS else None
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _read_plain(
    payload: Any,  # noqa: ANN401 - whatever a server says
    sms: Sms,
    wire_label: str | None,
    reference: str | None,
) -> SentSms | None:
    """Read an answer in which every field is as documented, as nearly all are; None for any other, of which nothing is said.

    It comes to what the converter and `_sent` make of such an answer, in half the time. Whatever is missing, odd or not about what
    was sent is theirs to judge.
    """
    try:
        tracking_id, sender_id, body, flash = payload["trackingId"], payload["from"], payload["body"], payload["flash"]
        status, analysis = codec.STATUSES[payload["status"]], codec.read_analysis(payload["bodyAnalysis"])
        created_at = datetime.fromisoformat(payload["createdAt"])
        get = payload.get
        to, label, ttl, callback = get("to"), get("label"), get("ttl"), get("callback")
        is_ours = (to is None or to == sms.to) and (label is None or label == wire_label)
        is_as_asked = (ttl is None and callback is None) or _repeats_options(ttl, callback, sms)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        return None
    has_texts = type(tracking_id) is type(sender_id) is type(body) is str and sender_id and body and tracking_id.strip()
    if analysis is None or created_at.tzinfo is None or not (has_texts and type(flash) is bool and is_ours and is_as_asked):
        return None
    if reference is None:
        reference, label = references.split_label(wire_label)
    else:
        label = sms.label
    return build_sent_sms(
        tracking_id=tracking_id,
        created_at=created_at,
        status=status,
        to=sms.to,
        sender_id=sms.sender_id if sender_id == sms.sender_id else sender_id,
        body=sms.body if body == sms.body else body,
        label=label,
        flash=flash,
        ttl=sms.ttl,
        callback=sms.callback,
        body_analysis=analysis,
        reference=reference,
    )


def _repeats_options(ttl: Any, callback: object, sms: Sms) -> bool:  # noqa: ANN401 - as above
    """Whether what an answer says of these two, if it does, is what was asked for; raises for some that is no number."""
    asked = sms.callback
    is_ttl = ttl is None or timedelta(minutes=ttl) == sms.ttl
    return is_ttl and (callback is None or (asked is not None and callback == {"url": asked.url, "strategy": asked.strategy}))


def _sent(answer: codec.SendAnswer, sms: Sms, wire_label: str | None) -> SentSms:
    """Fill what *answer* does not say with what was sent."""
    reference, label = references.split_label(wire_label)
    return build_sent_sms(
        tracking_id=answer.tracking_id,
        reference=reference,
        created_at=answer.created_at,
        status=answer.status or MessageStatus.QUEUED,
        to=sms.to,
        sender_id=_same(answer.sender_id, sms.sender_id),
        body=_same(answer.body, sms.body),
        label=label,
        flash=sms.flash if answer.flash is None else answer.flash,
        ttl=answer.ttl or sms.ttl,
        callback=answer.callback or sms.callback,
        body_analysis=answer.body_analysis or _count(sms.body),
    )


def _same(answered: str | None, sent: str) -> str:
    """What was answered; where it equals what was *sent*, that one object, of which a kept outcome then holds no second copy."""
    return sent if not answered or answered == sent else answered


def _unbelievable(label: str | None, response: Response, reason: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(label, Phase.BODY, reason, response.status)


def _count(body: str) -> BodyAnalysis:
    count = segments.analyze(body)
    return BodyAnalysis(
        parts=count.parts,
        unicode=count.encoding is segments.Encoding.UCS2,
        characters=count.characters,
        unsupported_gsm_characters=count.unsupported,
    )


def _error_shape(body: bytes) -> dict[str, object] | None:
    """The error object, if *body* has one of the documented shapes: Routee's, OAuth's or Spring's (routee-api.md §3)."""
    try:
        payload = codec.decode_json(body)
    except MalformedResponseError:
        return None
    if not isinstance(payload, dict):
        return None
    is_routee = isinstance(payload.get("code"), str | int)
    is_oauth = isinstance(payload.get("error"), str) and "error_description" in payload
    is_spring = "timestamp" in payload and "status" in payload
    return payload if is_routee or is_oauth or is_spring else None


def _code_and_message(payload: Mapping[str, object]) -> tuple[str | None, str]:
    code = payload.get("code")
    if code is not None:
        inner = payload.get("errors")
        reasons = [str(each["developerMessage"]) for each in inner if _has_message(each)] if isinstance(inner, list) else []
        return str(code), redact.scrub("; ".join([str(payload.get("developerMessage", "")), *reasons]))
    said = payload.get("error_description") or payload.get("message") or ""
    return None, redact.scrub(f"{payload.get('error', '')}: {said}".strip(": "), hide_ids=True)


def _has_message(inner: object) -> bool:
    return isinstance(inner, dict) and "developerMessage" in inner


# Any other 4xx is a `BadRequestError`.
_ERROR_CLASSES: Mapping[int, type[APIError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def _error_class(status: int) -> type[APIError]:
    if status in _CLIENT_ERRORS:
        return APIError if status in UNDECIDED else _ERROR_CLASSES.get(status, BadRequestError)
    return ServerError if status >= _CLIENT_ERRORS.stop else APIError
