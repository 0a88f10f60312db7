"""Reading a request for a campaign: shape, limits, what of it is echoed. Source: routee-api.md §2.4, §2.5, §2.7, §3.3."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.answers import Refusal, invalid, routee
from routee_async.sandbox.settings import Settings

_NAME: Final = re.compile(r"[A-Za-z0-9 -]{2,30}")
_PLACEHOLDER: Final = re.compile(r"\[~(\w+)\]")


@attrs.frozen(kw_only=True)
class Reminder:
    """A test message around the sending.

    Attributes:
        before: Minutes before it; None for none.
        after: Minutes after it; None for none.
        to: Numbers with `+`.
    """

    before: int | None
    after: int | None
    to: tuple[str, ...]


@attrs.frozen(kw_only=True)
class CampaignOrder:
    """A well-formed request for a campaign.

    Attributes:
        sender: Sender id.
        body: Text with placeholders, as asked for.
        text: The same with links shortened: what goes out, once it is filled in.
        to: Numbers with `+`; None when left out.
        contacts: Ids; None when left out.
        groups: Names; None when left out.
        name: Its name; None for none.
        scheduled: Epoch seconds; None to send now.
        quiet: Whether quiet hours are respected.
        fallback: Name of a placeholder to the text for those who have none of their own.
        ttl: Minutes; None when left out.
        transcode: As asked for; None when left out.
        callback: Whom to call about each message.
        campaign_callback: Whom to call about the campaign.
        reminder: Test messages.
        echo: The optional wire fields that the answer repeats.
    """

    sender: str
    body: str
    text: str
    to: tuple[str, ...] | None
    contacts: tuple[str, ...] | None
    groups: tuple[str, ...] | None
    name: str | None = None
    scheduled: float | None = None
    quiet: bool = False
    fallback: Mapping[str, str] = attrs.Factory(dict)
    ttl: int | None = None
    transcode: bool | None = None
    callback: Hook | None = None
    campaign_callback: Hook | None = None
    reminder: Reminder | None = None
    echo: Mapping[str, object] = attrs.Factory(dict)

    def fill(self, labels: Mapping[str, str]) -> str:
        """Fill the placeholders: from *labels*, else from the fallback values, else with nothing, which is a guess."""
        return _PLACEHOLDER.sub(lambda match: labels.get(match[1], self.fallback.get(match[1], "")), self.text)


def read_campaign(payload: object, settings: Settings, *, needs_options: bool = True) -> CampaignOrder:
    """Read the JSON value *payload*.

    Args:
        payload: What the body held.
        settings: Choices.
        needs_options: False to ignore everything but `from`, `body` and the recipients, as the analysis does (§2.5).

    Raises:
        Refusal: 400000000 for what is missing or out of bounds, numbers included unless `allowInvalid`.
    """
    if not isinstance(payload, dict):
        raise invalid({})
    options: Mapping[str, object] = payload if needs_options else {}
    problems = checks.text_faults(payload, "from", "body") | checks.faults(payload, _LISTS) | checks.faults(options, _OPTIONS)
    numbers = _read_numbers(payload, allow_invalid=options.get("allowInvalid") is True, settings=settings, problems=problems)
    if problems:
        raise invalid(problems)
    text, _ = checks.shorten(payload["body"], options.get("urlShortener"))
    name = options.get("campaignName")
    fallback = options.get("fallbackValues")
    return CampaignOrder(
        sender=payload["from"],
        body=payload["body"],
        text=text,
        to=numbers,
        contacts=_read_names(payload, "contacts"),
        groups=_read_names(payload, "groups"),
        name=name if isinstance(name, str) else None,
        scheduled=None if options.get("scheduledDate") is None else checks.read_moment(options["scheduledDate"]),
        quiet=options.get("respectQuietHours") is True,
        fallback=fallback if isinstance(fallback, dict) else {},
        ttl=checks.read_whole(options.get("ttl")),
        transcode=None if options.get("transcode") is None else options["transcode"] is True,
        callback=checks.read_hook(options.get("callback")),
        campaign_callback=checks.read_hook(options.get("campaignCallback")),
        reminder=_read_reminder(options.get("reminder")),
        echo=_echo(options),
    )


def check_sender_and_recipients(order: CampaignOrder) -> None:
    """Check what comes after the shape.

    Raises:
        Refusal: 400005000: the sender is not valid; or, with inner code 004, there are no recipients (§3.3).
    """
    if not checks.is_sender(order.sender):
        raise routee(400, "400005000", "Sender id is not valid")
    if order.to is None and not order.contacts and not order.groups:
        inner = {"errorCode": "004", "developerMessage": "No recipients are set for the sms"}
        raise Refusal(400, {"code": "400005000", "developerMessage": "SMS contains invalid data", "errors": [inner]})


def _read_numbers(
    payload: Mapping[str, object], *, allow_invalid: bool, settings: Settings, problems: dict[str, str]
) -> tuple[str, ...] | None:
    given = payload.get("to")
    if not isinstance(given, list) or not given or "to" in problems:
        return None
    if len(given) > settings.max_recipients:
        problems["to"] = f"may not have more than {settings.max_recipients} entries"
    numbers = [number for text in given if (number := checks.normalise(text)) is not None]
    if len(numbers) < len(given) and not allow_invalid:
        problems.setdefault("to", checks.BAD_NUMBER)
    return _merged(numbers) if settings.merge_duplicates else tuple(numbers)


def _merged(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _read_names(payload: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    given = payload.get(name)
    return _merged(map(str, given)) if isinstance(given, list) else None


def _read_reminder(value: object) -> Reminder | None:
    if not isinstance(value, dict):
        return None
    numbers = [number for text in value["to"] if (number := checks.normalise(text)) is not None]
    return Reminder(
        before=checks.read_whole(value.get("minutesBefore")),
        after=checks.read_whole(value.get("minutesAfter")),
        to=_merged(numbers),
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_moment(value: object) -> bool:
    return checks.read_moment(value) is not None


def _is_reminder(value: object) -> bool:
    """Tell whether *value* has numbers in `to`, and minutes, if any, that are whole; texts of digits were accepted (§2.4)."""
    if not isinstance(value, dict) or not value.get("to") or not checks.is_texts(value["to"]):
        return False
    minutes = [value[name] for name in ("minutesBefore", "minutesAfter") if value.get(name) is not None]
    numbers = [checks.normalise(text) for text in value["to"]]
    return None not in numbers and all(checks.read_whole(text) is not None for text in minutes)


_LISTS: Final = {"to": checks.is_texts, "contacts": checks.is_texts, "groups": checks.is_texts}
_OPTIONS: Final[Mapping[str, checks.Fits]] = {
    "scheduledDate": _is_moment,
    "campaignName": _is_name,
    "flash": checks.is_flag,
    "respectQuietHours": checks.is_flag,
    "callback": checks.is_callback,
    "campaignCallback": checks.is_callback,
    "reminder": _is_reminder,
    "fallbackValues": checks.is_text_map,
    "ttl": checks.is_ttl,
    "allowInvalid": checks.is_flag,
    "urlShortener": checks.is_shortener,
    "restrictions": checks.is_object,
    "transcode": checks.is_flag,
}


def _echo(options: Mapping[str, object]) -> dict[str, object]:
    echo: dict[str, object] = {name: bool(options.get(name)) for name in ("flash", "respectQuietHours")}
    names = ("campaignName", "fallbackValues", "callback", "campaignCallback", "reminder")
    return echo | {name: options[name] for name in names if options.get(name) is not None}
