"""What Routee tells of its own accord: the values that `callbacks.parse_callback()` makes of a callback.

Frozen, typed, ignorant of JSON, as those of `models.py`; their `repr` shows neither a full number nor a text.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from routee_async import redact
from routee_async.models import Callback, CampaignState, MessageStatus, TrackedPart


@attrs.frozen(kw_only=True)
class MessageCallback(TrackedPart):
    """News about one part of a message that was sent: the fields of `TrackedPart`, and those of a pool.

    Routee calls back at least once and in any order: the same news may come twice, and `Sent` after `Delivered`.

    Attributes:
        pool_id: Pool of senders that the message was sent through.
        pool_name: Name of that pool.
        pool_strategy: `Numeric` or `Alphanumeric`.

    Source: docs.routee.net/docs/callbacks; docs.routee.net/docs/pools-callback-url-webhook.
    """

    pool_id: str | None = None
    pool_name: str | None = None
    pool_strategy: str | None = None

    def as_part(self) -> TrackedPart:
        """The same news as a tracking read would tell them, to be put together with those of other reads."""
        return TrackedPart(**{name: getattr(self, name) for name in _PART_FIELDS})


_PART_FIELDS = tuple(field.name for field in attrs.fields(TrackedPart))


class _Counts(Mapping[MessageStatus, int]):
    """A mapping that cannot be changed and, unlike a `MappingProxyType`, can be hashed, copied and pickled."""

    __slots__ = ("_counts",)

    def __init__(self, counts: Mapping[MessageStatus, int]) -> None:
        self._counts = dict(counts)

    def __getitem__(self, status: MessageStatus) -> int:
        return self._counts[status]

    def __iter__(self) -> Iterator[MessageStatus]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __hash__(self) -> int:
        return hash(frozenset(self._counts.items()))

    def __repr__(self) -> str:
        return repr({str(status): count for status, count in self._counts.items()})


@attrs.frozen(kw_only=True)
class CampaignCallback:
    """How a campaign stands.

    With `CallbackStrategy.ON_CHANGE` it comes about each time that a fifth of the messages has moved, with `ON_COMPLETION` once.

    Attributes:
        campaign_tracking_id: The campaign.
        campaign_name: Its name.
        total_recipients: How many it goes to.
        state: Where it has got to.
        message_statuses: Messages by status; a status that is not there has none. Cannot be changed.
        callback: What was asked for.

    Source: docs.routee.net/docs/callbacks.
    """

    campaign_tracking_id: str
    campaign_name: str | None = None
    total_recipients: int | None = None
    state: CampaignState
    message_statuses: Mapping[MessageStatus, int] = attrs.field(default=_Counts({}), converter=_Counts)
    callback: Callback | None = None


@attrs.frozen(kw_only=True)
class InboundSms:
    """A message that somebody sent to one of the account's numbers.

    Attributes:
        tracking_id: Its id.
        sender_id: Who sent it; as a rule a number in E.164, the `+` not always there.
        to: The account's number, often without `+`.
        body: Its text.
        received_at: When Routee received it, with time zone.
        parts: Number of parts it came in.
        price: What receiving it costs, in the account's currency.
        originating_service: `Sms`.
        pool_id: Pool that the number belongs to.
        pool_name: Name of that pool.
        pool_strategy: `Numeric` or `Alphanumeric`.

    Source: docs.routee.net/docs/inbound-messages-mo; docs.routee.net/docs/pools-callback-url-webhook.
    """

    tracking_id: str
    sender_id: str = attrs.field(repr=redact.mask_number)
    to: str = attrs.field(repr=redact.mask_number)
    body: str = attrs.field(repr=redact.mask_body)
    received_at: datetime | None = None
    parts: int | None = None
    price: Decimal | None = None
    originating_service: str | None = None
    pool_id: str | None = None
    pool_name: str | None = None
    pool_strategy: str | None = None


CallbackEvent = MessageCallback | CampaignCallback | InboundSms
"""What a callback can be about: a message that was sent, a campaign, or a message that came in."""
