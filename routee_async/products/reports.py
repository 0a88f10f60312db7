"""`client.reports`: volumes, prices and latencies. Source: routee-api.md §2.20.

Days and counts are Routee's. The page documents the rows of volumes; what the breakdown by latency answers is in `raw`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import attrs

from routee_async.asker import Asker, Query
from routee_async.camel import WHOLE
from routee_async.errors import InvalidInputError
from routee_async.filters import check_range
from routee_async.operations import Operation

_LONGEST = timedelta(days=5 * 366)


@attrs.frozen(kw_only=True)
class VolumeRow:
    """What was sent in an hour, a day, a month or a year.

    Attributes:
        start: When that began.
        time_grouping: `Hour`, `Day`, `Month` or `Year`.
        country: Where to.
        operator: Name of the network.
        mcc: Mobile country code.
        mnc: Mobile network code.
        sms_campaign_id: Campaign.
        count: How many.
        queued_count: Of these, `Queued`,
        sent_count: `Sent`,
        unsent_count: `Unsent`,
        failed_count: `Failed`,
        delivered_count: `Delivered`,
        undelivered_count: `Undelivered`.
        price: What they cost.
    """

    start: datetime | None = attrs.field(default=None, metadata={"wire": ("startDateTime",)})
    time_grouping: str | None = None
    country: str | None = None
    operator: str | None = None
    mcc: str | None = None
    mnc: str | None = None
    sms_campaign_id: str | None = None
    count: int = 0
    queued_count: int = 0
    sent_count: int = 0
    unsent_count: int = 0
    failed_count: int = 0
    delivered_count: int = 0
    undelivered_count: int = 0
    price: Decimal | None = None


@attrs.frozen(kw_only=True)
class LatencyReport:
    """How long messages took. Its shape is not documented.

    Attributes:
        raw: The whole answer.
    """

    raw: Mapping[str, object] = attrs.field(factory=dict, metadata=WHOLE)


_SCOPE = "report"
_SECTION = "2.20"
_VOLUME = "/reports/my/volPrice"
_BREAKDOWN = "/reports/my/breakdown"
_RANGE = ("startDate", "endDate")
VOLUME = Operation(
    method="GET",
    path=_VOLUME,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="reports.volume",
    query=_RANGE,
    answer=VolumeRow,
)
VOLUME_OF_COUNTRY = Operation(
    method="GET",
    path=f"{_VOLUME}/perMcc",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="reports.volume_of_country",
    query=(*_RANGE, "mcc"),
    answer=VolumeRow,
)
VOLUME_OF_NETWORK = Operation(
    method="GET",
    path=f"{_VOLUME}/perMccMnc",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="reports.volume_of_network",
    query=(*_RANGE, "mcc", "mnc"),
    answer=VolumeRow,
)
VOLUME_OF_CAMPAIGN = Operation(
    method="GET",
    path=f"{_VOLUME}/perCampaign",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="reports.volume_of_campaign",
    query=("campaignId", "offset"),
    answer=VolumeRow,
)
BREAKDOWN = Operation(
    method="GET",
    path=_BREAKDOWN,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="reports.latencies",
    query=_RANGE,
    answer=LatencyReport,
)


class Reports:
    """Reports on what was sent, as `client.reports`. Volumes are grouped by Routee: by the hour for a day, by the day for a month.

    Every method raises `InvalidInputError` for a range that makes no sense or is longer than five years.
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def volume(self, start: datetime, end: datetime) -> tuple[VolumeRow, ...]:
        """Read volumes and prices of a time."""
        return await self._ask.many(VOLUME, query=_range(start, end))

    async def volume_of_country(self, start: datetime, end: datetime, *, mcc: str) -> tuple[VolumeRow, ...]:
        """Read volumes and prices of a time to one mobile country code."""
        return await self._ask.many(VOLUME_OF_COUNTRY, query={**_range(start, end), "mcc": mcc})

    async def volume_of_network(self, start: datetime, end: datetime, *, mcc: str, mnc: str) -> tuple[VolumeRow, ...]:
        """Read volumes and prices of a time to one network."""
        return await self._ask.many(VOLUME_OF_NETWORK, query={**_range(start, end), "mcc": mcc, "mnc": mnc})

    async def volume_of_campaign(self, campaign_tracking_id: str, *, offset: str | datetime) -> tuple[VolumeRow, ...]:
        """Read volumes and prices of a campaign.

        Args:
            campaign_tracking_id: The campaign.
            offset: Routee requires it and does not say what it means; it is written as given.

        Raises:
            NotFoundError: There is no such campaign.
        """
        return await self._ask.many(VOLUME_OF_CAMPAIGN, query={"campaignId": campaign_tracking_id, "offset": offset})

    async def latencies(self, start: datetime, end: datetime) -> LatencyReport:
        """Read how long messages of a time took to arrive."""
        return await self._ask.one(BREAKDOWN, query=_range(start, end))


def _range(start: datetime, end: datetime) -> Query:
    begin, finish = check_range(start, end)
    if finish - begin > _LONGEST:
        raise InvalidInputError("end", "must be at most 5 years after start")
    return {"startDate": begin, "endDate": finish}
