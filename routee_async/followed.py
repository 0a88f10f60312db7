"""What names a message that is to be followed, and what that tells of it. Pure."""

from datetime import datetime, timedelta

import attrs

from routee_async.errors import InvalidInputError
from routee_async.models import SentSms, TrackedPart
from routee_async.store import LedgerRow

Followed = SentSms | TrackedPart | LedgerRow | str
"""What names a message: Routee's answer to its send, a row of a search or of a campaign, a ledger's row, or its tracking id alone.
All but the last also tell how to look it up together with others."""


@attrs.frozen(kw_only=True)
class Named:
    """What the caller tells of a message.

    Attributes:
        tracking_id: Its id.
        ttl: How long delivery is tried, where that is known.
        reference: Our mark in its label, where it has one.
        campaign_tracking_id: Its campaign, where it belongs to one.
        sent_at: When it was sent, where that is known.
    """

    tracking_id: str
    ttl: timedelta | None = None
    reference: str | None = None
    campaign_tracking_id: str | None = None
    sent_at: datetime | None = None


def identify(message: object) -> Named:
    """Read what names a message; `InvalidInputError` for anything else."""
    match message:
        case SentSms():
            sent_at, ttl = message.created_at, message.ttl
            return Named(tracking_id=message.tracking_id, ttl=ttl, reference=message.reference, sent_at=sent_at)
        case TrackedPart():
            campaign = message.campaign_tracking_id
            return Named(tracking_id=message.tracking_id, reference=message.reference, campaign_tracking_id=campaign)
        case LedgerRow(tracking_id=str() as tracking_id):
            return Named(tracking_id=tracking_id, reference=message.reference, sent_at=message.intended_at)
        case str() if message:
            return Named(tracking_id=message)
        case LedgerRow():
            raise InvalidInputError("tracking_id", f"is missing: row {message.index} of the ledger is {message.state}")
    raise InvalidInputError("tracking_id", f"must be a SentSms, a row or a tracking id, not {type(message).__name__}")
