"""From a campaign to its requests: what is refused before any I/O, and how recipients are split. Pure.

Source: routee-api.md §2.4, §2.7, §7.1.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from routee_async import camel, filters, validation
from routee_async.campaign_models import (
    MOST_RECIPIENTS,
    Campaign,
    CampaignAnalysis,
    CampaignDetails,
    QuietHoursCountry,
    Reminder,
    SmsAnalysis,
)
from routee_async.errors import InvalidInputError, InvalidRecipientError
from routee_async.filters import Field, Filter
from routee_async.operations import Operation
from routee_async.phone import check_sender_id
from routee_async.protocol import SEARCH_TRACKING, Content

_NAME = re.compile(r"[A-Za-z0-9 -]{2,30}")
_LONGEST_NAME = 30
_LONGEST_SUFFIX = len("-999")
_MINUTE = timedelta(minutes=1)

_SCOPE = "sms"
ANALYZE = Operation(
    method="POST",
    path="/sms/analyze",
    paid=False,
    scope=_SCOPE,
    section="2.3",
    call="analyze",
    content=Content.JSON,
    answer=SmsAnalysis,
)
SEND = Operation(
    method="POST",
    path="/sms/campaign",
    paid=True,
    scope=_SCOPE,
    section="2.4",
    call="send_campaign",
    content=Content.JSON,
    answer=CampaignDetails,
)
ANALYZE_CAMPAIGN = Operation(
    method="POST",
    path="/sms/analyze/campaign",
    paid=False,
    scope=_SCOPE,
    section="2.5",
    call="analyze_campaign",
    content=Content.JSON,
    answer=CampaignAnalysis,
)
FETCH = Operation(
    method="GET",
    path="/campaigns/{}",
    paid=False,
    scope=_SCOPE,
    section="2.6",
    call="fetch_campaign",
    answer=CampaignDetails,
)
UPDATE = Operation(
    method="PUT",
    path="/sms/{}",
    paid=True,  # without a date it sends
    scope=_SCOPE,
    section="2.7",
    call="update_campaign",
    content=Content.JSON,
    answer=CampaignDetails,
)
DELETE = Operation(
    method="DELETE",
    path="/sms/{}",
    paid=False,
    scope=_SCOPE,
    section="2.8",
    call="delete_campaign",
    answer=object,
)
QUIET_HOURS = Operation(
    method="GET",
    path="/sms/quietHours/countries/{}",
    paid=False,
    scope=_SCOPE,
    section="2.12",
    call="fetch_quiet_hours_countries",
    answer=QuietHoursCountry,
)
SEARCH = SEARCH_TRACKING
"""Where the id of a campaign is found by its name."""


@attrs.frozen
class Piece:
    """Recipients that go into one request.

    Attributes:
        numbers: In E.164, each once.
        taken: How many entries of the caller's iterable have been used up to its end.
        repeated: How many so far had come before.
        invalid: Positions so far of those that make no sense.
        is_last: True when nothing follows.
    """

    numbers: tuple[str, ...]
    taken: int
    repeated: int
    invalid: tuple[int, ...]
    is_last: bool


def check(campaign: Campaign, now: datetime) -> None:
    """Check everything of a campaign but its recipients.

    Raises:
        InvalidInputError: What makes no sense; `field` says where.
    """
    if not isinstance(campaign, Campaign):
        raise InvalidInputError("campaign", f"must be a Campaign, not {type(campaign).__name__}")
    check_sender_id(campaign.sender_id)
    validation.check_body(campaign.body)
    for field in ("flash", "respect_quiet_hours", "allow_invalid"):
        validation.check_flag(field, getattr(campaign, field))
    for field, check_option in _OPTIONS.items():
        value = getattr(campaign, field)
        if value is not None:
            check_option(value)
    if campaign.scheduled_at is not None:
        check_date(campaign.scheduled_at, now)
    if isinstance(campaign.to, str) or not _is_iterable(campaign.to):
        raise InvalidInputError("to", "must be an iterable of numbers")


def _is_iterable(value: object) -> bool:
    return isinstance(value, Iterable)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError("name", "must be 2 to 30 latin letters, digits, spaces and dashes, or None")


def _check_ids(field: str, values: Iterable[object]) -> None:
    if not all(isinstance(value, str) and value for value in values):
        raise InvalidInputError(field, "must be texts that are not empty")


def _check_fallback(values: object) -> None:
    if not isinstance(values, Mapping) or not all(isinstance(text, str) for pair in values.items() for text in pair):
        raise InvalidInputError("fallback_values", "must be a mapping of texts to texts")


def _check_reminder(reminder: Reminder) -> None:
    if not reminder.to:
        raise InvalidInputError("reminder.to", "must have one number or more")
    for field in ("before", "after"):
        value = getattr(reminder, field)
        if value is not None and (not isinstance(value, timedelta) or value < timedelta(0) or value % _MINUTE):
            raise InvalidInputError(f"reminder.{field}", "must be a timedelta of whole minutes, or None")


_OPTIONS: Mapping[str, Callable[[Any], None]] = {
    "name": _check_name,
    "callback": validation.check_callback,
    "campaign_callback": lambda value: validation.check_callback(value, "campaign_callback"),
    "transcode": lambda value: validation.check_flag("transcode", value),
    "ttl": validation.check_ttl,
    "url_shortener": validation.check_url_shortener,
    "restrictions": validation.check_restrictions,
    "reminder": _check_reminder,
    "contacts": lambda value: _check_ids("contacts", value),
    "groups": lambda value: _check_ids("groups", value),
    "fallback_values": _check_fallback,
}


def check_date(moment: object, now: datetime) -> datetime:
    """Check when a campaign shall go out.

    Raises:
        InvalidInputError: It is no moment with a time zone, or it is over.
    """
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInputError("scheduled_at", "must be a datetime with a time zone: datetime(..., tzinfo=UTC)")
    if moment <= now:
        raise InvalidInputError("scheduled_at", "is in the past: the campaign would go out at once")
    return moment


def split(campaign: Campaign, normalize: Callable[[str], str]) -> Iterator[Piece]:
    """Split the recipients of a campaign: each number once, 30,000 in a piece.

    A piece is given out only when it is known whether another follows. There is at least one, which may be empty.

    Args:
        campaign: Whose recipients.
        normalize: Brings a number into E.164, or raises `InvalidRecipientError`.

    Raises:
        InvalidRecipientError: While iterating: one makes no sense, and the campaign does not allow that.
    """
    seen: set[int] = set()  # E.164 as whole numbers: exact, and half of what texts take
    numbers: list[str] = []
    invalid: list[int] = []
    taken = repeated = 0
    for position, given in enumerate(campaign.to):
        try:
            number = normalize(given)
        except InvalidRecipientError as error:
            if not campaign.allow_invalid:
                raise InvalidRecipientError("to", f"number {position}, from 0: {error.problem}") from None
            invalid.append(position)
            continue
        digits = int(number[1:])
        if digits in seen:
            repeated += 1
            continue
        seen.add(digits)
        if len(numbers) == MOST_RECIPIENTS:
            yield Piece(tuple(numbers), taken, repeated, tuple(invalid), is_last=False)
            numbers = []
        numbers.append(number)
        taken = position + 1
    yield Piece(tuple(numbers), taken, repeated, tuple(invalid), is_last=True)


def check_all(campaign: Campaign, normalize: Callable[[str], str]) -> None:
    """Check recipients before the first of them is sent to, if they can be gone through twice.

    Raises:
        InvalidRecipientError: One makes no sense.
    """
    if isinstance(campaign.to, Sequence) and not campaign.allow_invalid:
        for _ in split(campaign, normalize):
            pass


def name_of(name: str | None, number: int) -> str | None:
    """Name piece *number*, from 1, of a campaign."""
    return name if name is None or number == 1 else f"{name}-{number}"


def check_name_for_pieces(name: str | None) -> None:
    """Check that the pieces of a campaign can be numbered.

    Raises:
        InvalidInputError: The name is too long for that.
    """
    if name is not None and len(name) > _LONGEST_NAME - _LONGEST_SUFFIX:
        problem = f"must have at most {_LONGEST_NAME - _LONGEST_SUFFIX} characters for more than {MOST_RECIPIENTS:,} recipients"
        raise InvalidInputError("name", f"{problem}: the pieces are numbered")


def write(
    campaign: Campaign,
    numbers: Sequence[str],
    *,
    normalize: Callable[[str], str],
    name: str | None,
    first: bool = True,
    scheduled_at: datetime | None = None,
) -> Mapping[str, object]:
    """Write one request.

    Args:
        campaign: What is asked for.
        numbers: Recipients of this piece.
        normalize: For the recipients of reminders.
        name: Name of this piece.
        first: True when contacts, groups and test messages belong to it.
        scheduled_at: When; None for at once.
    """
    reminder = campaign.reminder
    if reminder is not None:
        reminder = attrs.evolve(reminder, to=tuple(map(normalize, reminder.to)))
    piece = attrs.evolve(campaign, to=tuple(numbers), name=name, scheduled_at=scheduled_at, reminder=reminder)
    if not first:
        piece = attrs.evolve(piece, contacts=(), groups=(), reminder=None)
    return camel.write(piece)


def lookup(name: str) -> list[dict[str, str]]:
    """Write the body of the search for the messages of a campaign by its name."""
    return filters.to_wire([Filter(Field.CAMPAIGN, name)])


def is_answer_to(details: CampaignDetails, body: Mapping[str, object]) -> bool:
    """Tell whether a campaign that was found by its name is the one that was asked for, and not an earlier one of that name.

    Args:
        details: What was found.
        body: The request whose answer was lost.
    """
    asked = camel.read({"trackingId": "-", "state": "-", **body}, CampaignDetails)
    # What Routee does not repeat cannot be compared.
    pairs = ((details.body, asked.body), (details.sender_id, asked.sender_id), (frozenset(details.to), frozenset(asked.to)))
    return all(not found or found == wanted for found, wanted in pairs)


def merge(analyses: Sequence[CampaignAnalysis]) -> CampaignAnalysis:
    """Put the analyses of all pieces together; contacts and groups are in the first."""
    first, *others = analyses
    per_country = dict(first.recipients_per_country)
    countries = dict(first.recipient_countries)
    total = first.number_of_recipients
    for other in others:
        total += other.number_of_recipients
        countries |= other.recipient_countries
        for country, count in other.recipients_per_country.items():
            per_country[country] = per_country.get(country, 0) + count
    return attrs.evolve(first, number_of_recipients=total, recipients_per_country=per_country, recipient_countries=countries)
