"""What names a message that is to be followed."""

from datetime import UTC, datetime, timedelta

import pytest

from routee_async.errors import InvalidInputError
from routee_async.followed import Named, identify
from routee_async.models import BodyAnalysis, MessageStatus, SentSms, TrackedPart
from routee_async.store import LedgerRow, RowState

MOMENT = datetime(2026, 1, 14, 8, tzinfo=UTC)
SENT = SentSms(
    tracking_id="m",
    created_at=MOMENT,
    status=MessageStatus.QUEUED,
    to="+306970000001",
    sender_id="ParcelCo",
    body="Hello",
    label=None,
    flash=False,
    ttl=timedelta(hours=1),
    callback=None,
    body_analysis=BodyAnalysis(parts=1, unicode=False, characters=5),
    reference="ra.k3f9x2ab.0000001",
)
ROW = LedgerRow(
    index=7, state=RowState.ACCEPTED, reference="ra.k3f9x2ab.0000007", checksum=b"", tracking_id="m", intended_at=MOMENT
)
PART = TrackedPart(tracking_id="m", to="+306970000001", status=MessageStatus.SENT, campaign_tracking_id="c", reference=None)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SENT, Named(tracking_id="m", ttl=timedelta(hours=1), reference="ra.k3f9x2ab.0000001", sent_at=MOMENT)),
        (ROW, Named(tracking_id="m", reference="ra.k3f9x2ab.0000007", sent_at=MOMENT)),
        (PART, Named(tracking_id="m", campaign_tracking_id="c")),
        ("m", Named(tracking_id="m")),
    ],
    ids=["sent", "row of a ledger", "part", "id"],
)
def test_each_tells_what_it_knows(message: object, expected: Named) -> None:
    """Whatever names a message also tells how it can be looked up with others, as far as it knows."""
    assert identify(message) == expected


@pytest.mark.parametrize("wrong", [None, "", 7, b"m", object()], ids=["None", "empty", "number", "bytes", "object"])
def test_everything_else_is_refused(wrong: object) -> None:
    """What names no message is refused, and the error says what would."""
    with pytest.raises(InvalidInputError, match="must be a SentSms, a row or a tracking id"):
        identify(wrong)


def test_row_that_was_never_accepted() -> None:
    """A ledger's row without a tracking id is named by its position and its state."""
    row = LedgerRow(index=7, state=RowState.REJECTED, reference="ra.k3f9x2ab.0000007", checksum=b"")
    with pytest.raises(InvalidInputError, match="row 7 of the ledger is rejected"):
        identify(row)
