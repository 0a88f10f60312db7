"""Whether a message may go on the wire as it is: every check that needs no network.

The limits are Routee's own, so that a message which Routee would refuse costs no request. No error text holds a number, a text or a
URL.
"""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import attrs

from routee_async.errors import InvalidBodyError, InvalidInputError
from routee_async.models import Callback, CallbackStrategy, IndiaRestrictions, Restrictions, Sms, UrlShortener
from routee_async.phone import check_sender_id, normalize

LONGEST_BODY = 1600
"""Characters in a body. Source: docs.routee.net/reference/send-single-sms."""
LONGEST_LABEL = 350
"""Characters in a label. Source: as above; an older page said 20."""
SHORTEST_TTL = timedelta(minutes=1)
"""Shortest validity period. Source: as above."""
LONGEST_TTL = timedelta(hours=72)
"""Longest validity period. Source: as above."""
SHORTEST_URL_VALIDITY = timedelta(hours=1)
"""Shortest life of a shortened link. Source: as above."""
LONGEST_URL_VALIDITY = timedelta(days=30)
"""Longest life of a shortened link. Source: as above."""

_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f]")


def prepare(sms: Sms, *, default_region: str | None) -> Sms:
    """Check a message, and bring its recipient into E.164.

    Nothing is rounded, cut or corrected except the spelling of the recipient: what is not right is refused.

    Args:
        sms: What a caller handed in. Its fields may hold anything.
        default_region: Country of recipients in national form, as `check_region` returns it.

    Returns:
        The same object where `to` is in E.164 already, otherwise a copy with `to` in E.164.

    Raises:
        InvalidRecipientError: `to`; see `normalize`.
        InvalidSenderIdError: `sender_id`; see `check_sender_id`.
        InvalidBodyError: `body` is no text, is empty, is longer than 1,600 characters (counted in Unicode code points, which is a
            guess: Routee does not say what a character is), or holds half a surrogate pair, which no encoding can write.
        InvalidInputError: Anything else. `field` is `message` for something that is not an `Sms`, otherwise the name of the field,
            with dots where it is inside another: `callback.url`. The first problem found is reported.

    Source: docs.routee.net/reference/send-single-sms.
    """
    if not isinstance(sms, Sms):
        raise InvalidInputError("message", f"must be an Sms, not {type(sms).__name__}")
    # Most messages are right. What can be seen at a glance is not asked of a function: that would take longer than to look.
    to, body, flash = normalize(sms.to, default_region=default_region), sms.body, sms.flash
    check_sender_id(sms.sender_id)
    if not (type(body) is str and 0 < len(body) <= LONGEST_BODY and body.isascii()):
        check_body(body)
    if flash is not False:
        check_flag("flash", flash)
    if sms.label is not None:
        check_label(sms.label)
    if sms.callback is not None:
        check_callback(sms.callback)
    if sms.ttl is not None:
        check_ttl(sms.ttl)
    if sms.transcode is not None:
        check_flag("transcode", sms.transcode)
    if sms.url_shortener is not None:
        check_url_shortener(sms.url_shortener)
    if sms.restrictions is not None:
        check_restrictions(sms.restrictions)
    return sms if to is sms.to else attrs.evolve(sms, to=to)


def check_body(body: object) -> None:
    """Demand a text of 1 to 1,600 characters that can be encoded; raises `InvalidBodyError`."""
    if not isinstance(body, str):
        raise InvalidBodyError("body", f"must be text, not {type(body).__name__}")
    if not body:
        raise InvalidBodyError("body", "is empty: give 1 to 1,600 characters")
    if len(body) > LONGEST_BODY:
        raise InvalidBodyError("body", f"is {len(body):,} characters long; the limit is {LONGEST_BODY:,}")
    if not _is_encodable(body):
        raise InvalidBodyError("body", "holds half a surrogate pair, which cannot be encoded: decode the text properly")


def check_ttl(ttl: object) -> None:
    """Demand a `timedelta` of 1 minute to 72 hours."""
    check_duration("ttl", ttl, SHORTEST_TTL, LONGEST_TTL, _MINUTE, "1 minute to 72 hours in whole minutes")


def check_label(label: object) -> None:
    """Demand a text of 1 to 350 characters; raises `InvalidInputError`, as all of these do."""
    length = len(_text("label", label))
    if not 1 <= length <= LONGEST_LABEL:
        raise InvalidInputError("label", f"is {length} characters long; give 1 to {LONGEST_LABEL}, or None for no label")


def check_callback(callback: object, field: str = "callback") -> None:
    """Demand a `Callback` to a web address."""
    if not isinstance(callback, Callback):
        raise InvalidInputError(field, f"must be a Callback or None, not {type(callback).__name__}")
    if not isinstance(callback.strategy, CallbackStrategy):
        raise InvalidInputError(f"{field}.strategy", f"must be a CallbackStrategy, not {type(callback.strategy).__name__}")
    if not _is_web_url(_text(f"{field}.url", callback.url)):
        raise InvalidInputError(f"{field}.url", "must be an http or https URL with a host and no spaces")


def check_url_shortener(url_shortener: object) -> None:
    """Demand a `UrlShortener` of 1 hour to 30 days."""
    if not isinstance(url_shortener, UrlShortener):
        raise InvalidInputError("url_shortener", f"must be a UrlShortener or None, not {type(url_shortener).__name__}")
    rule = "1 hour to 30 days in whole seconds"
    check_duration("url_shortener.validity", url_shortener.validity, SHORTEST_URL_VALIDITY, LONGEST_URL_VALIDITY, _SECOND, rule)


def check_restrictions(restrictions: object) -> None:
    """Demand `Restrictions` whose ids are not blank."""
    if not isinstance(restrictions, Restrictions):
        raise InvalidInputError("restrictions", f"must be a Restrictions or None, not {type(restrictions).__name__}")
    if restrictions.india is not None:
        _check_india(restrictions.india)


def _check_india(india: object) -> None:
    if not isinstance(india, IndiaRestrictions):
        raise InvalidInputError("restrictions.india", f"must be an IndiaRestrictions or None, not {type(india).__name__}")
    for name in ("template_id", "entity_id"):
        field = f"restrictions.india.{name}"
        if not _text(field, getattr(india, name)).strip():
            raise InvalidInputError(field, "is blank: give the id that was registered")


def check_flag(field: str, value: object) -> None:
    """Demand True or False."""
    if not isinstance(value, bool):
        raise InvalidInputError(field, f"must be True or False, not {type(value).__name__}")


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(field, f"must be text, not {type(value).__name__}")
    if not _is_encodable(value):
        raise InvalidInputError(field, "holds half a surrogate pair, which cannot be encoded: decode the text properly")
    return value


def check_duration(field: str, value: object, shortest: timedelta, longest: timedelta, unit: timedelta, rule: str) -> None:
    """Demand a `timedelta` between two others, in whole units; *rule* says so in words."""
    if not isinstance(value, timedelta):
        raise InvalidInputError(field, f"must be a timedelta of {rule}, not {type(value).__name__}")
    # The wire has whole units. To round would be to choose for the caller: 90 seconds may mean "not after" or "at least".
    if not shortest <= value <= longest or value % unit:
        raise InvalidInputError(field, f"must be {rule}, not {value}")


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    # The exception holds the text: it must not become the context of ours.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_web_url(url: str) -> bool:
    if _NOT_IN_URL.search(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
