"""Tests of `validation.py`."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given

from routee_async.errors import InvalidBodyError, InvalidInputError, InvalidRecipientError, InvalidSenderIdError
from routee_async.models import Callback, CallbackStrategy, IndiaRestrictions, Restrictions, Sms, UrlShortener
from routee_async.validation import prepare
from tests import strategies

SECRET_URL = "https://hooks.example/capability"

# Callers without a type checker can put anything anywhere.
build: Callable[..., Sms] = Sms
callback: Callable[..., Callback] = Callback
url_shortener: Callable[..., UrlShortener] = UrlShortener
restrictions: Callable[..., Restrictions] = Restrictions
india: Callable[..., IndiaRestrictions] = IndiaRestrictions
check: Callable[..., Sms] = prepare


def message(**changes: object) -> Sms:
    """Build a message that is right but for the changes."""
    return build(**{"to": "+306970000001", "body": "Your parcel is here.", "sender_id": "ParcelCo", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"body": "a"}, id="shortest body"),
        pytest.param({"body": "λ" * 1600}, id="longest body"),
        pytest.param({"flash": True}, id="flash"),
        pytest.param({"label": "x"}, id="shortest label"),
        pytest.param({"label": "é" * 350}, id="longest label"),
        pytest.param({"ttl": timedelta(minutes=1)}, id="shortest ttl"),
        pytest.param({"ttl": timedelta(hours=72)}, id="longest ttl"),
        pytest.param({"transcode": True}, id="transcode"),
        pytest.param({"transcode": False}, id="no transcode"),
        pytest.param({"callback": Callback("http://10.0.0.1:8080")}, id="http callback"),
        pytest.param({"callback": Callback("HTTPS://[::1]/a?b=c", CallbackStrategy.ON_COMPLETION)}, id="https callback"),
        pytest.param({"url_shortener": UrlShortener()}, id="url shortener"),
        pytest.param({"url_shortener": UrlShortener(validity=timedelta(seconds=3600))}, id="shortest link"),
        pytest.param({"restrictions": Restrictions()}, id="no restrictions"),
        pytest.param({"restrictions": Restrictions(india=IndiaRestrictions(template_id="1", entity_id="2"))}, id="India"),
    ],
)
def test_right_messages(changes: dict[str, object]) -> None:
    """A message within the limits is returned as the same object."""
    sms = message(**changes)

    assert prepare(sms, default_region=None) is sms


def test_recipient_is_normalised() -> None:
    """A recipient in another spelling is replaced in a copy, and the rest of the message is kept."""
    sms = message(to="697 000 0001", label="job-1", ttl=timedelta(hours=1))

    assert prepare(sms, default_region="GR") == message(label="job-1", ttl=timedelta(hours=1))
    assert sms.to == "697 000 0001"


@pytest.mark.parametrize("thing", [None, "+306912345678", {"to": "+306912345678"}, 3], ids=["None", "str", "dict", "int"])
def test_not_a_message(thing: object) -> None:
    """Something that is not an `Sms` is refused with its type, and without what is in it."""
    with pytest.raises(InvalidInputError, match=f"^message: must be an Sms, not {type(thing).__name__}$"):
        check(thing, default_region=None)


@pytest.mark.parametrize(
    ("changes", "error", "field", "complaint"),
    [
        pytest.param({"to": "691234567"}, InvalidRecipientError, "to", "country code", id="recipient"),
        pytest.param({"sender_id": "ParcelCoShop"}, InvalidSenderIdError, "sender_id", "limit is 11", id="sender id"),
        pytest.param({"body": None}, InvalidBodyError, "body", "must be text, not NoneType", id="no body"),
        pytest.param({"body": b"hi"}, InvalidBodyError, "body", "must be text, not bytes", id="body in bytes"),
        pytest.param({"body": ""}, InvalidBodyError, "body", "is empty", id="empty body"),
        pytest.param(
            {"body": "a" * 1601}, InvalidBodyError, "body", "is 1,601 characters long; the limit is 1,600", id="long body"
        ),
        pytest.param({"body": "Secret \ud83d"}, InvalidBodyError, "body", "half a surrogate pair", id="body with half a pair"),
        pytest.param({"flash": 1}, InvalidInputError, "flash", "must be True or False, not int", id="flash"),
        pytest.param({"flash": None}, InvalidInputError, "flash", "must be True or False, not NoneType", id="flash None"),
        pytest.param({"label": ""}, InvalidInputError, "label", "is 0 characters long; give 1 to 350", id="empty label"),
        pytest.param({"label": "x" * 351}, InvalidInputError, "label", "is 351 characters long", id="long label"),
        pytest.param({"label": 17}, InvalidInputError, "label", "must be text, not int", id="label of another type"),
        pytest.param({"label": "Secret \udc00"}, InvalidInputError, "label", "half a surrogate pair", id="label with half a pair"),
        pytest.param({"ttl": 60}, InvalidInputError, "ttl", "must be a timedelta of 1 minute to 72 hours .* not int", id="ttl int"),
        pytest.param({"ttl": timedelta(0)}, InvalidInputError, "ttl", "must be 1 minute to 72 hours", id="no ttl"),
        pytest.param({"ttl": timedelta(minutes=-5)}, InvalidInputError, "ttl", "must be 1 minute to 72 hours", id="negative ttl"),
        pytest.param({"ttl": timedelta(seconds=59)}, InvalidInputError, "ttl", "not 0:00:59", id="short ttl"),
        pytest.param({"ttl": timedelta(minutes=4321)}, InvalidInputError, "ttl", "1 minute to 72 hours", id="long ttl"),
        pytest.param(
            {"ttl": timedelta(seconds=90)}, InvalidInputError, "ttl", "in whole minutes, not 0:01:30", id="ttl of 90 seconds"
        ),
        pytest.param({"transcode": "yes"}, InvalidInputError, "transcode", "must be True or False, not str", id="transcode"),
        pytest.param({"callback": SECRET_URL}, InvalidInputError, "callback", "must be a Callback or None, not str", id="callback"),
        pytest.param({"callback": callback(None)}, InvalidInputError, "callback.url", "must be text", id="URL of another type"),
        pytest.param({"callback": Callback("")}, InvalidInputError, "callback.url", "http or https", id="empty URL"),
        pytest.param({"callback": Callback("ftp://secret.example/")}, InvalidInputError, "callback.url", "http or https", id="ftp"),
        pytest.param(
            {"callback": Callback("secret.example/x")}, InvalidInputError, "callback.url", "http or https", id="no scheme"
        ),
        pytest.param({"callback": Callback("https:///x")}, InvalidInputError, "callback.url", "with a host", id="no host"),
        pytest.param(
            {"callback": Callback("https://[::1/x")}, InvalidInputError, "callback.url", "http or https", id="open bracket"
        ),
        pytest.param(
            {"callback": Callback("https://a.example:x/")}, InvalidInputError, "callback.url", "http or https", id="bad port"
        ),
        pytest.param(
            {"callback": Callback("https://a.example/ x")}, InvalidInputError, "callback.url", "no spaces", id="space in URL"
        ),
        pytest.param({"callback": Callback("https://a.example/\n")}, InvalidInputError, "callback.url", "no spaces", id="line end"),
        pytest.param(
            {"callback": Callback("https://a.example/\ud83d")}, InvalidInputError, "callback.url", "surrogate", id="half URL"
        ),
        pytest.param(
            {"callback": callback(SECRET_URL, "OnChange")},
            InvalidInputError,
            "callback.strategy",
            "must be a CallbackStrategy, not str",
            id="strategy as text",
        ),
        pytest.param({"url_shortener": True}, InvalidInputError, "url_shortener", "must be a UrlShortener or None", id="shortener"),
        pytest.param(
            {"url_shortener": url_shortener(validity=3600)},
            InvalidInputError,
            "url_shortener.validity",
            "must be a timedelta of 1 hour to 30 days in whole seconds, not int",
            id="validity as int",
        ),
        pytest.param(
            {"url_shortener": UrlShortener(validity=timedelta(seconds=3599))},
            InvalidInputError,
            "url_shortener.validity",
            "must be 1 hour to 30 days",
            id="short validity",
        ),
        pytest.param(
            {"url_shortener": UrlShortener(validity=timedelta(days=30, seconds=1))},
            InvalidInputError,
            "url_shortener.validity",
            "must be 1 hour to 30 days",
            id="long validity",
        ),
        pytest.param(
            {"url_shortener": UrlShortener(validity=timedelta(hours=2, microseconds=1))},
            InvalidInputError,
            "url_shortener.validity",
            "in whole seconds",
            id="validity with a fraction",
        ),
        pytest.param({"restrictions": {}}, InvalidInputError, "restrictions", "must be a Restrictions or None", id="restrictions"),
        pytest.param(
            {"restrictions": restrictions(india="691234567")},
            InvalidInputError,
            "restrictions.india",
            "must be an IndiaRestrictions or None, not str",
            id="India of another type",
        ),
        pytest.param(
            {"restrictions": restrictions(india=india(template_id=691234567, entity_id="2"))},
            InvalidInputError,
            "restrictions.india.template_id",
            "must be text, not int",
            id="template id of another type",
        ),
        pytest.param(
            {"restrictions": Restrictions(india=IndiaRestrictions(template_id="1", entity_id=" "))},
            InvalidInputError,
            "restrictions.india.entity_id",
            "is blank",
            id="blank entity id",
        ),
    ],
)
def test_refused(changes: dict[str, object], error: type[InvalidInputError], field: str, complaint: str) -> None:
    """Each field outside its limits is named, with what would be right and without its content."""
    with pytest.raises(InvalidInputError, match=complaint) as caught:
        prepare(message(**changes), default_region=None)

    assert type(caught.value) is error
    assert caught.value.field == field
    assert not any(secret in str(caught.value) for secret in ("Secret", "secret", "capability", "691234"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_first_problem_is_reported() -> None:
    """Of several problems the one nearest to the top of the message is told."""
    with pytest.raises(InvalidRecipientError):
        prepare(message(to="", sender_id="", body=""), default_region=None)


@given(strategies.sms())
def test_any_right_message(sms: Sms) -> None:
    """Whatever is within the limits in every field passes unchanged."""
    assert prepare(sms, default_region=None) is sms
