"""`client.reports`: volumes, prices and latencies."""

from datetime import UTC, datetime, timedelta

import pytest

from routee_async import InvalidInputError, NotFoundError, RouteeClient, Sms
from routee_async.sandbox import Sandbox

NOW = datetime.now(UTC)


async def test_volume_by_country(client: RouteeClient) -> None:
    """Each country and network has its row, with counts by status and the price."""
    for to in ("+306970000001", "+4915112345678"):
        await client.send(Sms(to=to, sender_id="P", body="Hi"))
    rows = await client.reports.volume(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert sorted(row.country or "" for row in rows) == ["DE", "GR"]
    assert {row.time_grouping for row in rows} == {"Hour"}
    assert all(row.count == 1 and row.start is not None for row in rows)
    (greek,) = await client.reports.volume_of_country(NOW - timedelta(hours=1), NOW + timedelta(hours=1), mcc="202")
    assert greek.country == "GR"


@pytest.mark.parametrize(
    ("start", "end"),
    [(NOW, NOW), (NOW, NOW - timedelta(1)), (NOW - timedelta(days=1900), NOW), (NOW.replace(tzinfo=None), NOW)],
    ids=["empty", "backwards", "too long", "naive"],
)
async def test_bad_ranges(sandbox: Sandbox, client: RouteeClient, start: datetime, end: datetime) -> None:
    """A range that Routee would refuse costs no request."""
    for report in (client.reports.volume, client.reports.latencies):
        with pytest.raises(InvalidInputError):
            await report(start, end)
    assert sandbox.journal.requests.total() == 0


async def test_unknown_campaign(client: RouteeClient) -> None:
    """There is no such campaign."""
    with pytest.raises(NotFoundError):
        await client.reports.volume_of_campaign("nobody", offset="2026-01-01T00:00:00Z")
