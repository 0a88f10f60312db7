"""The one cattrs converter: wire JSON on one side, the values of `models.py` on the other.

Writing: `encode_sms` leaves out what was left alone. Reading: names, types and shapes differ between places and years of Routee's
API (routee-api.md §8), so a secondary field that cannot be read is taken as absent, and only what the caller cannot do without
is demanded. JSON is read and written by orjson where it is installed, by the standard library otherwise.
"""

import json
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from types import ModuleType
from typing import Any, TypeVar, cast, get_args

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from routee_async.callback_models import CampaignCallback, InboundSms, MessageCallback
from routee_async.errors import MalformedResponseError
from routee_async.models import (
    BodyAnalysis,
    Callback,
    CampaignState,
    IndiaRestrictions,
    MessageStatus,
    Restrictions,
    Sms,
    TrackedPart,
    Transcode,
    UrlShortener,
)

orjson: ModuleType | None
try:
    import orjson
except ImportError:  # the extra `speed` is not installed
    orjson = None

T = TypeVar("T")
_MINUTE = timedelta(minutes=1)
_MOST_PROBLEMS = 5
_PLAIN_KEYS = 3
"""How many keys the analysis of a text in GSM-7 has (routee-api.md §6.4)."""
_wire_names: dict[object, Mapping[str, str]] = {}
"""Class to our names of its fields that cannot be done without, and theirs on the wire."""


@attrs.frozen(kw_only=True)
class Token:
    """An access token as the token endpoint gives it.

    Attributes:
        access_token: Opaque.
        expires_in: Seconds left; None where the answer does not say.
    """

    access_token: str = attrs.field(repr=False)
    expires_in: int | None = None


@attrs.define(kw_only=True)  # not frozen: it is made for each message and lives for a moment
class SendAnswer:
    """What `POST /sms` answered: None for whatever was absent or unreadable."""

    tracking_id: str
    created_at: datetime | None = None
    status: MessageStatus | None = None
    to: str | None = attrs.field(default=None, repr=False)
    sender_id: str | None = None
    body: str | None = attrs.field(default=None, repr=False)
    label: str | None = None
    flash: bool | None = None
    ttl: timedelta | None = None
    callback: Callback | None = None
    body_analysis: BodyAnalysis | None = None


def decode_json(body: bytes | bytearray | str) -> object:
    """Parse *body* as JSON, in UTF-8 if it is bytes.

    Raises:
        MalformedResponseError: It is not JSON, or nested or numbered beyond reason.
    """
    try:
        return orjson.loads(body) if orjson else json.loads(body)
    except (ValueError, RecursionError) as error:
        problem = f"no JSON @ $ ({type(error).__name__})"
    # Out here, so that the parser's exception, which holds the whole text, does not hang on ours.
    raise MalformedResponseError((problem,))


def encode_json(value: object) -> bytes:
    """Write *value* (dicts, lists, strings, numbers) as compact JSON in UTF-8."""
    if orjson:
        written: bytes = orjson.dumps(value)
        return written
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def encode_sms(sms: Sms, label: str | None) -> bytes:
    """Write *sms* as the body of `POST /sms`. It must have passed `validation.prepare`.

    Args:
        sms: The message.
        label: What takes the place of its label on the wire; None leaves it.
    """
    wire = _unstructure_sms(sms)
    if label is not None:
        wire["label"] = label
    return encode_json(wire)


def structure(payload: object, cls: type[T]) -> T:
    """Build a *cls* from a decoded payload.

    Raises:
        MalformedResponseError: Something that cannot be done without is missing or of the wrong type; says where.
    """
    try:
        return cast("T", _hook_of(cls)(payload, cls))  # type: ignore[arg-type] # a type can be hashed
    except Exception:  # noqa: BLE001, S110 - as below
        pass
    # Once more, and more slowly, to be told where the problem is.
    try:
        return _detailed_converter().structure(payload, cls)
    except Exception as error:  # noqa: BLE001 - cattrs raises whatever its hooks raise; each is a problem of the payload
        names = _wire_names.get(next(iter(get_args(cls)), cls), {})
        problems = tuple(_in_wire_names(problem, names) for problem in cattrs.transform_error(error)[:_MOST_PROBLEMS])
    # Out here, so that what cattrs raised, which holds pieces of the payload, does not hang on ours.
    raise MalformedResponseError(problems)


def _in_wire_names(problem: str, names: Mapping[str, str]) -> str:
    """Name the field at the end of a path as the payload does: cattrs says how we call it."""
    path, dot, name = problem.rpartition(".")
    return f"{path}{dot}{names.get(name, name)}"


@lru_cache
def _hook_of(cls: type) -> Callable[[object, type], object]:
    return _quick_converter.get_structure_hook(cls)


@lru_cache(maxsize=256)  # the texts of a batch are much alike, and frozen values can be shared
def _plain_analysis(parts: int, unicode: bool, characters: int) -> BodyAnalysis:  # noqa: FBT001 - as it comes
    return BodyAnalysis(parts=parts, unicode=unicode, characters=characters)


def read_analysis(value: object) -> BodyAnalysis | None:
    """Read a text's analysis, None if it is none; the common one, of a text in GSM-7, at once."""
    if type(value) is dict and len(value) == _PLAIN_KEYS:
        get = value.get
        parts, unicode, characters = get("parts"), get("unicode"), get("characters")
        if type(parts) is int and type(unicode) is bool and type(characters) is int:
            return _plain_analysis(parts, unicode, characters)
    return cast("BodyAnalysis | None", _lenient_analysis(value, BodyAnalysis))


def flatten_part(row: object) -> object:
    """Bring a tracking row or a message callback of any age to one flat shape, with the names of today's tracking rows.

    Source: routee-api.md §8 rows 3, 4 and 5.
    """
    if not isinstance(row, dict):
        return row
    flat = dict(row)
    status = row.get("status")
    if isinstance(status, dict):
        flat["status"] = status.get("status", status.get("name"))
        flat["date"] = status.get("date", status.get("updatedDate"))
        reason = status.get("reason")
        if isinstance(reason, dict):
            flat["detailedStatus"] = reason.get("detailedStatus")
            flat["description"] = reason.get("description")
    for today, before in (("smsId", "id"), ("campaignName", "campaign"), ("body", "message")):
        if flat.get(today) is None:
            flat[today] = row.get(before)
    return flat


def read_str(value: object, _: object) -> str:
    """Read a text; `TypeError` for anything else. So do those below for what they read."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {type(value).__name__}")
    return value


def read_id(value: object, _: object) -> str:
    """Read a text that is not empty."""
    text = read_str(value, str)
    if not text.strip():
        raise ValueError("expected an id, not an empty text")
    return text


def read_bool(value: object, _: object) -> bool:
    """Read true or false, also as a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise TypeError(f"expected true or false, not {type(value).__name__}")


def read_int(value: object, _: object) -> int:
    """Read a whole number, also as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected a whole number, not {type(value).__name__}")
    return int(value)


def read_float(value: object, _: object) -> float:
    """Read a number, also as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected a number, not {type(value).__name__}")
    return float(value)


def read_decimal(value: object, _: object) -> Decimal:
    """Read an amount of money from a number or a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected an amount, not {type(value).__name__}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("expected an amount") from None
    if not amount.is_finite():
        raise ValueError("expected a finite amount")
    return amount


def read_datetime(value: object, _: object) -> datetime:
    """Read a moment in ISO 8601; one without a zone is UTC."""
    moment = datetime.fromisoformat(read_str(value, str))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_status(value: object, _: object) -> MessageStatus:
    known = STATUSES.get(value) if isinstance(value, str) else None
    return known or MessageStatus(read_id(value, str))


def _read_campaign_state(value: object, _: object) -> CampaignState:
    return CampaignState(read_id(value, str))


def read_counts(value: object, _: object) -> dict[MessageStatus, int]:
    """Read counters by message status; what is no counter is left out."""
    if not isinstance(value, Mapping):
        raise TypeError(f"expected counters, not {type(value).__name__}")
    # What is no counter is left out alone: the one printed sample has its braces misplaced (routee-api.md §5.2).
    read = {name: lenient(read_int)(count, int) for name, count in value.items() if isinstance(name, str)}
    return {MessageStatus(name): count for name, count in read.items() if isinstance(count, int)}


def _read_minutes(value: object, _: object) -> timedelta:
    return timedelta(minutes=read_int(value, int))


def _read_texts(value: object, _: object) -> tuple[str, ...]:
    # One old client model declares a plain string here (routee-api.md §6.4).
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        raise TypeError(f"expected a list of texts, not {type(value).__name__}")
    return tuple(read_str(text, str) for text in texts)


STATUSES: Mapping[str, MessageStatus] = {status.value: status for status in MessageStatus}
"""Those that are listed, by name: an enum takes ten times as long to find a member that it has."""
_PLAIN: dict[Callable[[Any, Any], object], type] = {read_str: str, read_bool: bool, read_int: int}


def lenient(hook: Callable[[Any, Any], object], missing: object = None) -> Callable[[Any, Any], Any]:
    """Wrap a structure hook so that null and what it cannot read become *missing*."""
    # What is of this type already is as it should be; most of a message is.
    plain = _PLAIN.get(hook)

    def read(value: object, cls: object) -> object:
        if type(value) is plain:
            return value
        if value is None:
            return missing
        try:
            return hook(value, cls)
        except Exception:  # noqa: BLE001 - whatever is wrong with a secondary field, it is only that field
            return missing

    return read


def _make_converter(*, detailed: bool) -> cattrs.Converter:
    """Set up a converter; each class gets its hooks generated once, here.

    Args:
        detailed: Whether its errors say where in a payload the problem is, which is slower even when there is none.
    """
    new = cattrs.Converter(prefer_attrib_converters=False, forbid_extra_keys=False, detailed_validation=detailed)
    for cls, hook in (
        (str, read_str),
        (bool, read_bool),
        (int, read_int),
        (float, read_float),
        (Decimal, read_decimal),
        (datetime, read_datetime),
    ):
        # By identity: a hook for `str` must not catch the enums, which are texts too.
        new.register_structure_hook_func(partial(operator.is_, cls), cast("Any", hook))

    def reader(cls: type, required: Mapping[str, tuple[str, Any]], optional: Mapping[str, tuple[str, Any]]) -> None:
        """Register a generated hook: python name to (wire name, hook), the optional ones read leniently."""
        defaults = {field.name: None if field.default is attrs.NOTHING else field.default for field in attrs.fields(cls)}
        overrides = {name: override(rename=wire, struct_hook=hook) for name, (wire, hook) in required.items()}
        overrides |= {
            name: override(rename=wire, struct_hook=lenient(hook, defaults[name])) for name, (wire, hook) in optional.items()
        }
        for field in attrs.fields(cls):
            overrides.setdefault(field.name, override(omit=True))  # ours, and not on the wire
        _wire_names[cls] = {name: wire for name, (wire, _) in required.items()}
        new.register_structure_hook(cls, make_dict_structure_fn(cls, new, **cast("Any", overrides)))

    text, number, date = read_str, read_int, read_datetime
    reader(Token, {"access_token": ("access_token", read_id)}, {"expires_in": ("expires_in", number)})
    reader(Transcode, {"message": ("message", text), "parts": ("parts", number)}, {})
    reader(
        BodyAnalysis,
        {"parts": ("parts", number), "unicode": ("unicode", read_bool), "characters": ("characters", number)},
        {
            "transcode": ("transcode", new.get_structure_hook(Transcode)),
            "unsupported_gsm_characters": ("unsupportedGSMCharacters", _read_texts),
        },
    )
    reader(
        SendAnswer,
        {"tracking_id": ("trackingId", read_id)},
        {
            "created_at": ("createdAt", date),
            "status": ("status", _read_status),
            "to": ("to", text),
            "sender_id": ("from", text),
            "body": ("body", text),
            "label": ("label", text),
            "flash": ("flash", read_bool),
            "ttl": ("ttl", _read_minutes),
            "callback": ("callback", new.get_structure_hook(Callback)),
            "body_analysis": ("bodyAnalysis", new.get_structure_hook(BodyAnalysis)),
        },
    )
    part_required: Mapping[str, tuple[str, Any]] = {
        "tracking_id": ("messageId", read_id),
        "to": ("to", text),
        "status": ("status", _read_status),
    }
    part_optional: Mapping[str, tuple[str, Any]] = {
        "sms_id": ("smsId", text),
        "part": ("part", number),
        "parts": ("parts", number),
        "sender_id": ("from", text),
        "detailed_status": ("detailedStatus", text),
        "description": ("description", text),
        "updated_at": ("date", date),
        "country": ("country", text),
        "operator": ("operator", text),
        "body": ("body", text),
        "label": ("label", text),
        "price": ("price", read_decimal),
        "latency": ("latency", read_float),
        "direction": ("direction", text),
        "campaign_name": ("campaignName", text),
        "campaign_tracking_id": ("campaignTrackingId", text),
        "groups": ("groups", _read_texts),
        "application_name": ("applicationName", text),
        "originating_service": ("originatingService", text),
    }
    pool: Mapping[str, tuple[str, Any]] = {
        "pool_id": ("poolId", text),
        "pool_name": ("poolName", text),
        "pool_strategy": ("poolStrategy", text),
    }
    reader(TrackedPart, part_required, part_optional)
    reader(MessageCallback, part_required, {**part_optional, **pool})
    reader(
        CampaignCallback,
        {"campaign_tracking_id": ("trackingId", read_id), "state": ("campaignStatus", _read_campaign_state)},
        {
            "campaign_name": ("name", text),
            "total_recipients": ("totalRecipients", number),
            "message_statuses": ("messageStatuses", read_counts),
            "callback": ("callbackInfo", new.get_structure_hook(Callback)),
        },
    )
    reader(
        InboundSms,
        {"tracking_id": ("messageId", read_id), "sender_id": ("from", text), "to": ("to", text), "body": ("message", text)},
        {
            "received_at": ("receivedDate", date),
            "parts": ("parts", number),
            "price": ("price", read_decimal),
            "originating_service": ("originatingService", text),
            **pool,
        },
    )
    return new


def _make_sms_writer() -> Callable[[Sms], dict[str, object]]:
    """Generate the function that turns an `Sms` into the object of routee-api.md §2.2."""
    writer = cattrs.Converter(omit_if_default=True)
    writer.register_unstructure_hook(
        UrlShortener,
        lambda shortener: {"urlValidity": int(shortener.validity.total_seconds())},
    )
    writer.register_unstructure_hook(
        IndiaRestrictions,
        make_dict_unstructure_fn(
            IndiaRestrictions,
            writer,
            template_id=override(rename="templateId"),
            entity_id=override(rename="entityId"),
        ),
    )
    writer.register_unstructure_hook(Restrictions, make_dict_unstructure_fn(Restrictions, writer, _cattrs_omit_if_default=True))
    # The strategy is said even when it is our default: the application's own default may be another.
    writer.register_unstructure_hook(Callback, make_dict_unstructure_fn(Callback, writer, _cattrs_omit_if_default=False))
    return make_dict_unstructure_fn(
        Sms,
        writer,
        _cattrs_omit_if_default=True,
        sender_id=override(rename="from"),
        ttl=override(unstruct_hook=lambda ttl: ttl // _MINUTE),
        url_shortener=override(rename="urlShortener"),
    )


_quick_converter = _make_converter(detailed=False)


@lru_cache(maxsize=1)
def _detailed_converter() -> cattrs.Converter:
    """The one that says where a problem is: made with the first problem."""
    return _make_converter(detailed=True)


_unstructure_sms = _make_sms_writer()

_lenient_analysis = lenient(_hook_of(BodyAnalysis))
