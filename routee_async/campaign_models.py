"""The values of campaigns: what is asked for, and what Routee says of it. Frozen, typed, ignorant of requests.

Source: docs.routee.net/reference/send-bulk-messages (routee-api.md §2.4 to §2.7, §2.12).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

from routee_async import redact
from routee_async.camel import MINUTES, wire
from routee_async.codec import read_counts
from routee_async.models import BodyAnalysis, Callback, CampaignState, MessageStatus, Restrictions, UrlShortener

MOST_RECIPIENTS = 30_000
"""Entries in `to` of one request (routee-api.md §7.1)."""


class SendNow(Enum):
    """When a campaign goes out that has no date."""

    NOW = "now"


NOW = SendNow.NOW
"""At once: for `RouteeClient.update_campaign()`, where leaving the date out would do the same by mistake."""


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _mask_many(numbers: object) -> str:
    return f"<{len(numbers)} recipients>" if isinstance(numbers, tuple | list) else f"<{type(numbers).__name__}>"


@attrs.frozen(kw_only=True)
class Reminder:
    """Test messages around the sending of a campaign.

    Attributes:
        to: Who gets them.
        before: How long before the date, in whole minutes; None for not before.
        after: How long after the date, in whole minutes; None for not after.
    """

    to: tuple[str, ...] = attrs.field(repr=_mask_many, converter=_texts)
    before: timedelta | None = attrs.field(default=None, metadata={**MINUTES, "wire": ("minutesBefore",)})
    after: timedelta | None = attrs.field(default=None, metadata={**MINUTES, "wire": ("minutesAfter",)})


@attrs.frozen(kw_only=True, eq=False)
class Campaign:
    """One text to many recipients, in one request for each 30,000 of them.

    Attributes:
        sender_id: 1 to 11 letters, digits and spaces, or 1 to 16 digits.
        body: Text of 1 to 1,600 characters; `[~firstName]` stands for the label of that name of a contact.
        to: Recipients, any iterable: each is sent to once, however often it comes. A generator is used up.
        contacts: Ids of stored contacts.
        groups: Names of stored groups.
        name: 2 to 30 latin letters, digits, spaces and dashes, unique on the account. With a name a lost answer can be settled, and
            the campaign is shown in Routee's portal.
        scheduled_at: When it shall go out, with time zone; None for at once.
        flash: Show it at once, on the screen (class 0).
        respect_quiet_hours: Hold messages back at night and at noon, in countries that have such hours.
        callback: Where the status of each message is reported.
        campaign_callback: Where the progress of the campaign is reported.
        reminder: Test messages around the sending.
        fallback_values: Label to text, for recipients that have no such label, plain numbers among them.
        ttl: How long delivery is tried, 1 minute to 72 hours, in whole minutes.
        allow_invalid: Leave numbers out that make no sense, instead of refusing the campaign.
        url_shortener: Shorten links in the body.
        restrictions: Ids that a country demands.
        transcode: Replace characters outside GSM-7 by look-alikes where that is possible.
    """

    sender_id: str = attrs.field(metadata=wire("from"))
    body: str = attrs.field(repr=redact.mask_body)
    to: Iterable[str] = attrs.field(default=(), repr=_mask_many)
    contacts: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    groups: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    name: str | None = attrs.field(default=None, metadata=wire("campaignName"))
    scheduled_at: datetime | None = attrs.field(default=None, metadata=wire("scheduledDate"))
    flash: bool = False
    respect_quiet_hours: bool = False
    callback: Callback | None = None
    campaign_callback: Callback | None = None
    reminder: Reminder | None = None
    fallback_values: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    ttl: timedelta | None = attrs.field(default=None, metadata=MINUTES)
    allow_invalid: bool = False
    url_shortener: UrlShortener | None = None
    restrictions: Restrictions | None = None
    transcode: bool | None = None


@attrs.frozen(kw_only=True)
class CampaignContact:
    """A stored contact in an analysis.

    Attributes:
        recipient: Its number.
        recipient_country: ISO 3166-1 alpha-2.
        blacklisted: True when it will be left out.
    """

    recipient: str | None = attrs.field(default=None, repr=redact.mask_number)
    recipient_country: str | None = None
    blacklisted: bool = False


@attrs.frozen(kw_only=True)
class CampaignAnalysis:
    """Whom a campaign reaches, and how its text is counted.

    Attributes:
        number_of_recipients: All of them, from all three sources.
        recipients_per_country: ISO 3166-1 alpha-2 to their number.
        recipient_countries: Number to country, of plain numbers.
        contacts: Id to what is known of the contact.
        recipients_per_group: Name of a group to its number, those on the blacklist not counted.
        total_in_groups: Members of groups who are not recipients by themselves.
        body_analysis: How the text is counted, placeholders as they stand.
    """

    number_of_recipients: int = 0
    recipients_per_country: Mapping[str, int] = attrs.field(factory=dict)
    recipient_countries: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    contacts: Mapping[str, CampaignContact] = attrs.field(factory=dict, repr=False)
    recipients_per_group: Mapping[str, int] = attrs.field(factory=dict)
    total_in_groups: int = 0
    body_analysis: BodyAnalysis | None = None


@attrs.frozen(kw_only=True)
class SmsAnalysis:
    """What sending a message would take.

    Attributes:
        body_analysis: How Routee counts the text.
        cost: Price of one part in the account's currency.
    """

    body_analysis: BodyAnalysis
    cost: Decimal | None = None


def _counts(value: Any) -> Mapping[MessageStatus, int]:  # noqa: ANN401 - JSON
    return read_counts(value, dict)


@attrs.frozen(kw_only=True)
class CampaignDetails:
    """What Routee knows of a campaign.

    Only `tracking_id` and `state` are always there.

    Attributes:
        tracking_id: Id of the campaign, which is no id of a message.
        state: Where it has got to.
        type: `Sms`.
        name: Its name.
        created_at: When it was accepted.
        scheduled_at: When it shall go out.
        ended_at: When it was over.
        sender_id: Who it comes from.
        body: Its text, placeholders as they stand.
        to: Plain numbers.
        contacts: Ids of contacts.
        groups: Names of groups.
        analysis: Whom it reaches.
        flash: As asked for.
        respect_quiet_hours: As asked for.
        fallback_values: As asked for.
        statuses: How many messages have which status; all 0 just after it was made.
        callback: As asked for.
        campaign_callback: As asked for.
        reminder: As asked for.
        cost: What it has cost.
        total_messages: How many messages it has.
        quiet_hours_report: Rare, and not documented.
    """

    tracking_id: str
    state: CampaignState
    type: str | None = None
    name: str | None = attrs.field(default=None, metadata=wire("campaignName"))
    created_at: datetime | None = None
    scheduled_at: datetime | None = attrs.field(default=None, metadata=wire("scheduledDate"))
    ended_at: datetime | None = None
    sender_id: str | None = attrs.field(default=None, metadata=wire("from"))
    body: str | None = attrs.field(default=None, repr=redact.mask_body)
    to: tuple[str, ...] = attrs.field(default=(), repr=_mask_many)
    contacts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    analysis: CampaignAnalysis | None = attrs.field(default=None, metadata=wire("smsAnalysis"))
    flash: bool | None = None
    respect_quiet_hours: bool | None = None
    fallback_values: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    statuses: Mapping[MessageStatus, int] = attrs.field(factory=dict, metadata=wire(read=_counts))
    callback: Callback | None = None
    campaign_callback: Callback | None = None
    reminder: Reminder | None = None
    cost: Decimal | None = None
    total_messages: int | None = None
    quiet_hours_report: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class SentCampaign:
    """A campaign that was handed over, in as many pieces as its recipients took: followed as one.

    Attributes:
        pieces: Routee's answers, one for each request.
        recipients: Plain numbers that were handed over, each once.
        repeated: How many came once more and were left out.
        invalid: Positions, from 0, of those that made no sense and were left out (`Campaign.allow_invalid`).
    """

    pieces: tuple[CampaignDetails, ...] = ()
    recipients: int = 0
    repeated: int = 0
    invalid: tuple[int, ...] = ()

    @property
    def tracking_ids(self) -> tuple[str, ...]:
        """Ids of the pieces."""
        return tuple(piece.tracking_id for piece in self.pieces)


@attrs.frozen(kw_only=True)
class CampaignProgress:
    """How far all pieces of a campaign have got.

    Attributes:
        pieces: What Routee knows of each.
    """

    pieces: tuple[CampaignDetails, ...]

    @property
    def is_final(self) -> bool:
        """True when every piece has ended."""
        return all(piece.state.is_final for piece in self.pieces)

    @property
    def statuses(self) -> Mapping[MessageStatus, int]:
        """How many messages have which status."""
        total: Counter[MessageStatus] = Counter()
        for piece in self.pieces:
            total.update(dict(piece.statuses))
        return total

    @property
    def cost(self) -> Decimal:
        """What they have cost together, as far as Routee has said."""
        return sum((piece.cost or Decimal(0) for piece in self.pieces), Decimal(0))


@attrs.frozen(kw_only=True)
class QuietHoursCountry:
    """A country, and whether its quiet hours are known.

    Attributes:
        code: ISO 3166-1 alpha-2.
        name: In the language that was asked for.
        locale_name: In its own language.
        iso_a3_code: ISO 3166-1 alpha-3.
        supported: True when its quiet hours can be respected.
    """

    code: str
    name: str | None = None
    locale_name: str | None = None
    iso_a3_code: str | None = attrs.field(default=None, metadata=wire("isoA3Code"))
    supported: bool | None = None
