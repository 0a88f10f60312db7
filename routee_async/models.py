"""The values that go in and come out: frozen, typed, ignorant of JSON.

Their `repr` shows neither a full number nor a text. Wire names and shapes are `codec.py`'s business.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

import attrs

from routee_async import redact
from routee_async.errors import RouteeError
from routee_async.frozen import builder_of


class CallbackStrategy(StrEnum):
    """When Routee calls back."""

    ON_CHANGE = "OnChange"
    """At every change of status."""
    ON_COMPLETION = "OnCompletion"
    """Once, at the final status."""


class OpenText(StrEnum):
    """Texts of which Routee may invent another tomorrow: one that is not listed is kept as it came, and compares by its text."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


class MessageStatus(OpenText):
    """Where a message, or one part of it, has got to.

    An open value: a name that is not listed here is kept as it came, compares by its text, and is not final.
    Source: docs.routee.net/docs/statuses-callbacks.
    """

    QUEUED = "Queued"
    SENT = "Sent"
    DELIVERED = "Delivered"
    UNDELIVERED = "Undelivered"
    FAILED = "Failed"
    UNSENT = "Unsent"

    @property
    def is_final(self) -> bool:
        """True when the status will not change any more."""
        return self in _FINAL


_FINAL = frozenset(
    {MessageStatus.DELIVERED, MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.UNSENT},
)


class CampaignState(OpenText):
    """Where a campaign has got to.

    An open value, as `MessageStatus` is. Source: docs.routee.net/reference/send-bulk-messages (routee-api.md §4.4).
    """

    SCHEDULED = "Scheduled"
    """Dated in the future: it can still be changed or deleted."""
    QUEUED = "Queued"
    RUNNING = "Running"
    SENT = "Sent"
    """All messages were sent; receipts are missing."""
    FINISHED = "Finished"
    """Every message has a final status."""
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """True when the state will not change any more."""
        return self in {CampaignState.FINISHED, CampaignState.FAILED}


@attrs.frozen
class Callback:
    """Where Routee shall report the status of a message.

    Attributes:
        url: http or https URL that answers 200. Whoever knows it can feign a status: keep it secret.
        strategy: At every change, or once at the end.
    """

    url: str = attrs.field(repr=redact.mask_url)
    strategy: CallbackStrategy = CallbackStrategy.ON_CHANGE


@attrs.frozen(kw_only=True)
class UrlShortener:
    """Replace each link in the body by a short one.

    Attributes:
        validity: How long the short links work: 1 hour to 30 days.
    """

    validity: timedelta = timedelta(days=30)


@attrs.frozen(kw_only=True)
class IndiaRestrictions:
    """Ids that the Indian regulator (TRAI) demands.

    Attributes:
        template_id: Id of the registered template.
        entity_id: Id of the registered sender.
    """

    template_id: str
    entity_id: str


@attrs.frozen(kw_only=True)
class Restrictions:
    """What a country demands of a message.

    Attributes:
        india: Ids for messages to India.
    """

    india: IndiaRestrictions | None = None


@attrs.frozen(kw_only=True)
class Sms:
    """One message to one recipient.

    Building one never raises for its content: `RouteeClient.send()` raises `InvalidInputError` before any I/O, and
    `RouteeClient.send_many()` yields `Rejected`. What is left alone is absent on the wire, so that the application's own
    settings apply.

    Attributes:
        to: Recipient in E.164 (`+306970000001`); spaces, dashes, `00` in front, `tel:` and, with a default region, the
            national form are understood too.
        body: Text, 1 to 1,600 characters.
        sender_id: 1 to 11 letters, digits and spaces, or 1 to 16 digits.
        flash: Show it at once, on the screen (class 0).
        label: Free text of 1 to 350 characters that comes back in answers, tracking and callbacks.
        callback: Where status reports shall go.
        ttl: How long delivery is tried, 1 minute to 72 hours, in whole minutes.
        transcode: Replace characters outside GSM-7 by look-alikes where that is possible.
        url_shortener: Shorten links in the body.
        restrictions: Ids that a country demands.

    Source: docs.routee.net/reference/send-single-sms.
    """

    to: str = attrs.field(repr=redact.mask_number)
    body: str = attrs.field(repr=redact.mask_body)
    sender_id: str
    flash: bool = False
    label: str | None = None
    callback: Callback | None = None
    ttl: timedelta | None = None
    transcode: bool | None = None
    url_shortener: UrlShortener | None = None
    restrictions: Restrictions | None = None


@attrs.frozen(kw_only=True)
class Transcode:
    """What transcoding would make of a text.

    Attributes:
        message: The text with look-alikes.
        parts: How many parts that would take.
    """

    message: str = attrs.field(repr=redact.mask_body)
    parts: int


@attrs.frozen(kw_only=True)
class BodyAnalysis:
    """How Routee counts a text.

    Attributes:
        parts: SMS to be sent and paid.
        unicode: True for UCS-2, False for GSM-7.
        characters: Length of the text as Routee counts it.
        transcode: What transcoding would give; None where it is not needed or not possible.
        unsupported_gsm_characters: The characters that forced UCS-2.
    """

    parts: int
    unicode: bool
    characters: int
    transcode: Transcode | None = None
    unsupported_gsm_characters: tuple[str, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class SentSms:
    """Routee's answer to a message that it accepted.

    Only `tracking_id` is certain to come from Routee. Where another field of the answer is missing or unreadable, it holds what
    was sent (for `body_analysis`, our own count) or None: a slip in a secondary field does not turn a good send into a failure.

    Attributes:
        tracking_id: Id of the message in tracking and callbacks.
        created_at: When Routee accepted it, with time zone.
        status: `Queued`, as a rule.
        to: Recipient in E.164.
        sender_id: Sender that was used.
        body: Text as accepted.
        label: The caller's label.
        flash: As asked for.
        ttl: As asked for.
        callback: As asked for.
        body_analysis: How the text was counted.
        reference: Our own mark of the message on the wire, in front of the label; None when it had none.
        duplicates: Tracking ids of further copies that a look-up found under the same reference; empty as it should be.
    """

    tracking_id: str
    created_at: datetime | None
    status: MessageStatus
    to: str = attrs.field(repr=redact.mask_number)
    sender_id: str
    body: str = attrs.field(repr=redact.mask_body)
    label: str | None
    flash: bool
    ttl: timedelta | None
    callback: Callback | None
    body_analysis: BodyAnalysis
    reference: str | None = None
    duplicates: tuple[str, ...] = ()


build_sent_sms = builder_of(SentSms)
"""As `SentSms`, for whoever builds one for each message."""


@attrs.frozen(kw_only=True)
class TrackedPart:
    """What Routee knows of one part of a message.

    Only `tracking_id`, `to` and `status` are always there; the rest is None where Routee left it out.

    Attributes:
        tracking_id: Id of the whole message, the same for all its parts.
        sms_id: Id of this part.
        part: Number of this part, from 1.
        parts: Number of parts of the message.
        to: Recipient in E.164.
        sender_id: Sender that was used.
        status: Where this part has got to.
        detailed_status: The network's reason, such as `Expired` or `Unknown Number`; an open list.
        description: That reason in words.
        updated_at: When the status was reached, with time zone.
        country: ISO 3166-1 alpha-2, as a rule.
        operator: Name of the network.
        body: Text as sent.
        label: The caller's label.
        price: Price of this part in the account's currency.
        latency: Time to delivery as Routee gives it; the unit is not documented and looks like seconds.
        direction: `Outbound` or `Inbound`.
        campaign_name: Campaign that the message belongs to.
        campaign_tracking_id: Id of that campaign.
        groups: Contact groups of the recipient.
        application_name: Application that sent it.
        originating_service: `Sms`, `TwoStep` and others; an open list.
        reference: Our own mark of a message that was sent in a batch.

    Source: docs.routee.net/reference/smstrackingsingle.
    """

    tracking_id: str
    sms_id: str | None = None
    part: int | None = None
    parts: int | None = None
    to: str = attrs.field(repr=redact.mask_number)
    sender_id: str | None = None
    status: MessageStatus
    detailed_status: str | None = None
    description: str | None = None
    updated_at: datetime | None = None
    country: str | None = None
    operator: str | None = None
    body: str | None = attrs.field(default=None, repr=redact.mask_body)
    label: str | None = None
    price: Decimal | None = None
    latency: float | None = None
    direction: str | None = None
    campaign_name: str | None = None
    campaign_tracking_id: str | None = None
    groups: tuple[str, ...] = ()
    application_name: str | None = None
    originating_service: str | None = None
    reference: str | None = None


@attrs.frozen(kw_only=True)
class DeliveryReport:
    """What became of a message.

    Attributes:
        tracking_id: The message.
        status: One status for all its parts: not final while one is not; `Delivered` when all are; otherwise the worst of
            `Failed`, `Unsent`, `Undelivered`, in this order.
        parts: What is known of each part, by part number; empty while Routee does not show the message.
        error: Why the tracker gave the message up without a final status; None otherwise.
    """

    tracking_id: str
    status: MessageStatus
    parts: tuple[TrackedPart, ...] = ()
    error: RouteeError | None = None


@attrs.frozen(kw_only=True)
class Accepted:
    """Routee took the message.

    Attributes:
        index: Position in the input, from 0.
        sms: The message as given.
        sent: Routee's answer.
    """

    index: int
    sms: Sms
    sent: SentSms


build_accepted = builder_of(Accepted)
"""As `Accepted`, for whoever builds one for each message."""


@attrs.frozen(kw_only=True)
class Rejected:
    """Routee said no, or the input was invalid: correct it. Nothing was sent.

    Attributes:
        index: Position in the input, from 0.
        sms: The message as given.
        error: Why.
    """

    index: int
    sms: Sms
    error: RouteeError


@attrs.frozen(kw_only=True)
class NotSent:
    """The message was provably not processed: send it again later.

    Attributes:
        index: Position in the input, from 0.
        sms: The message as given.
        error: Why.
    """

    index: int
    sms: Sms
    error: RouteeError


@attrs.frozen(kw_only=True)
class Unknown:
    """The message may have been sent: look before sending it again.

    Attributes:
        index: Position in the input, from 0.
        sms: The message as given.
        error: What is known.
    """

    index: int
    sms: Sms
    error: RouteeError


Outcome = Accepted | Rejected | NotSent | Unknown
"""What became of one message of a batch: exactly one of these four."""
