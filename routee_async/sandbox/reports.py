"""Reports on what was accepted: volumes and prices by hour, day, month or year, and how long messages took.

Source: routee-api.md §2.20; the grouping and the 46 groups of latency are those of an older client of the reports.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Account, Application
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.countries import country_of
from routee_async.sandbox.lookups import Lookup, Lookups
from routee_async.sandbox.messages import Message, stamp
from routee_async.sandbox.networks import LANDS, Network, serving
from routee_async.sandbox.search import Window, read_date
from routee_async.sandbox.timeline import State
from routee_async.sandbox.validator import Validation, Validator

T = TypeVar("T")

_STATUSES: Final = ("Queued", "Sent", "Unsent", "Failed", "Delivered", "Undelivered")
_LOOKUP_STATUSES: Final = ("Queued", "Active", "Absent", "Failed", "Unknown")
_DAY: Final = 86400
_LONGEST: Final = (5 * 366) * _DAY
_GROUPINGS: Final = ((1 * _DAY, "Hour"), (31 * _DAY, "Day"), (366 * _DAY, "Month"), (_LONGEST, "Year"))
_LATENCIES: Final = 46
"""Groups of latency: up to 1 second, up to 2, …, up to 45, more."""


def read_window(query: Mapping[str, str]) -> Window:
    """Read `startDate` and `endDate`.

    Raises:
        Refusal: 400000000: one is missing or no date; 400007001: the start is not before the end, or more than 5 years before it.
    """
    missing = {name: checks.MISSING for name in ("startDate", "endDate") if not query.get(name)}
    if missing:
        raise invalid(missing, "Report")
    start, end = read_date(query, "startDate", 0.0), read_date(query, "endDate", 0.0)
    if not 0 < end - start <= _LONGEST:
        raise routee(400, "400007001", "The date range is not valid")
    return Window(start, end)


def grouping(window: Window) -> str:
    """Name the time that a row covers, which grows with the range: `Hour` up to a day, `Day` up to a month, and so on."""
    return next(name for longest, name in _GROUPINGS if window.end - window.start <= longest)


def bucket(moment: float, unit: str) -> float:
    """Tell when the hour, day, month or year began that *moment* is in, both in epoch seconds, UTC."""
    start = datetime.fromtimestamp(moment, UTC).replace(minute=0, second=0, microsecond=0)
    if unit != "Hour":
        start = start.replace(hour=0)
    if unit in {"Month", "Year"}:
        start = start.replace(day=1)
    if unit == "Year":
        start = start.replace(month=1)
    return start.timestamp()


@attrs.frozen
class Part:
    """One part of an outbound message, as reports see it.

    Attributes:
        message: Its message.
        where: Its state.
    """

    message: Message
    where: State

    @property
    def country(self) -> str | None:
        """Country of the recipient."""
        return country_of(self.message.to)

    @property
    def network(self) -> Network | None:
        """Network of the recipient."""
        return serving(self.country, self.message.to)

    @property
    def mcc(self) -> str | None:
        """Its mobile country code."""
        land = LANDS.get(self.country or "")
        return None if land is None else land.mcc

    def belongs_to(self, query: Mapping[str, str]) -> bool:
        """Tell whether it is of the country and network that *query* asks for, as far as it asks."""
        network = self.network
        return (
            query.get("mcc") in {None, self.mcc}
            and query.get("mnc") in {None, network and network.mnc}
            and query.get("countryCode") in {None, self.country}
        )


class Reports:
    """Reports on a carrier. Reading them moves nothing on.

    Args:
        carrier: What is reported on.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def volume(self, application: Application, query: Mapping[str, str], *required: str) -> list[dict[str, object]]:
        """Count and price parts in a range: GET /reports/my/volPrice, …/perMcc, …/perMccMnc.

        Args:
            application: Who asks; it sees its whole account.
            query: `startDate`, `endDate`, `mcc`, `mnc`.
            *required: What of these must be there besides the dates.

        Raises:
            Refusal: 400000000, 400007001.
        """
        window = _read(query, required)
        parts = self._parts(application.account, window, {name: query[name] for name in required})
        return _rows(parts, grouping(window))

    def campaign_volume(self, application: Application, query: Mapping[str, str]) -> list[dict[str, object]]:
        """Count and price the parts of a campaign: GET /reports/my/volPrice/perCampaign.

        They are grouped by the time between its first and its last message. `offset` leaves out what is older, which is a guess.

        Raises:
            Refusal: 400000000, 404009001.
        """
        _require(query, "campaignId", "offset")
        offset = read_date(query, "offset", 0.0)
        parts = [part for part in self._campaign(application, query["campaignId"]) if part.message.created >= offset]
        moments = [part.message.created for part in parts]
        return _rows(parts, grouping(Window(min(moments), max(moments)))) if parts else []

    def latency(self, application: Application, query: Mapping[str, str], *required: str) -> dict[str, object]:
        """Count parts by how long they took to be delivered: GET /reports/my/breakdown, …/perCountry, …/perMccMnc.

        Raises:
            Refusal: 400000000, 400007001.
        """
        window = _read(query, required)
        return self._latencies(self._parts(application.account, window, {name: query[name] for name in required}))

    def campaign_latency(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Do so for a campaign: GET /reports/my/breakdown/perCampaign.

        Raises:
            Refusal: 400000000, 404009001.
        """
        _require(query, "campaignId")
        return self._latencies(self._campaign(application, query["campaignId"]))

    def lookups(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Count and price look-ups: GET /reports/my/lookup/volPrice.

        Raises:
            Refusal: 400000000, 400007001.
        """
        window, now = read_window(query), self._carrier.now()
        found = _within(window, self._carrier.family(Lookups).of(application.account), lambda one: one.created)

        def counts(group: list[Lookup]) -> dict[str, int]:
            by_status = Counter(one.status(now) for one in group)
            return {status: by_status[status] for status in _LOOKUP_STATUSES}

        return _totals(found, grouping(window), lambda one: one.created, lambda one: one.price, counts)

    def validations(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Count and price checks of numbers: GET /reports/my/numberValidator/volPrice.

        Raises:
            Refusal: 400000000, 400007001.
        """
        window = read_window(query)
        found = _within(window, self._carrier.family(Validator).of(application.account), lambda one: one.created)

        def counts(group: list[Validation]) -> dict[str, int]:
            valid = sum(one.valid for one in group)
            return {"Valid": valid, "Invalid": len(group) - valid}

        return _totals(found, grouping(window), lambda one: one.created, lambda one: one.price, counts)

    def _parts(self, account: Account, window: Window, wanted: Mapping[str, str]) -> list[Part]:
        now = self._carrier.now()
        mine = (message for message in self._carrier.messages.values() if message.application.account is account)
        found = _within(window, (one for one in mine if one.direction == "Outbound"), lambda one: one.created)
        parts = (Part(message, where) for message in found for where in message.states(now))
        return [part for part in parts if part.belongs_to(wanted)]

    def _campaign(self, application: Application, campaign_id: str) -> list[Part]:
        campaigns = self._carrier.campaigns
        if not campaigns.is_of(application.account, campaign_id):
            raise not_found("404009001", "campaign", "trackingId", campaign_id)
        now = self._carrier.now()
        return [Part(one, where) for one in campaigns.messages_of(application.account, campaign_id) for where in one.states(now)]

    @staticmethod
    def _latencies(parts: Iterable[Part]) -> dict[str, object]:
        counts = [0] * _LATENCIES
        for part in parts:
            if part.where.status == "Delivered":
                seconds = part.message.reached(part.where.step) - part.message.created
                # Rounded, as a moment less another is not exact.
                counts[min(max(math.ceil(round(seconds, 3)), 1), _LATENCIES) - 1] += 1
        return {"smsLatencyCount": counts}


def _require(query: Mapping[str, str], *names: str) -> None:
    missing = {name: checks.MISSING for name in names if not query.get(name)}
    if missing:
        raise invalid(missing, "Report")


def _read(query: Mapping[str, str], required: tuple[str, ...]) -> Window:
    _require(query, "startDate", "endDate", *required)
    return read_window(query)


def _within(window: Window, items: Iterable[T], moment: Callable[[T], float]) -> Iterator[T]:
    return (item for item in items if window.start <= moment(item) <= window.end)


def _rows(parts: Iterable[Part], unit: str) -> list[dict[str, object]]:
    groups: dict[tuple[float, str, str, str, str, str], list[Part]] = defaultdict(list)
    for part in parts:
        network, campaign = part.network, part.message.campaign
        key = (
            bucket(part.message.created, unit),
            part.country or "",
            "" if network is None else network.name,
            part.mcc or "",
            "" if network is None else network.mnc,
            "" if campaign is None else campaign.tracking_id,
        )
        groups[key].append(part)
    return [_row(key, group, unit) for key, group in sorted(groups.items(), key=lambda entry: entry[0])]


def _row(key: tuple[float, str, str, str, str, str], group: list[Part], unit: str) -> dict[str, object]:
    start, *names = key
    counts = Counter(part.where.status for part in group)
    told = zip(("country", "operator", "mcc", "mnc", "smsCampaignId"), names, strict=True)
    return {
        "startDateTime": stamp(start),
        "timeGrouping": unit,
        **{name: value for name, value in told if value},
        # Parts, since each has a status and a price of its own: a guess.
        "count": len(group),
        **{f"{status.lower()}Count": counts[status] for status in _STATUSES},
        "price": float(sum(Decimal(str(part.message.price)) for part in group)),
    }


def _totals(
    items: Iterable[T],
    unit: str,
    moment: Callable[[T], float],
    price: Callable[[T], Decimal],
    counts: Callable[[list[T]], dict[str, int]],
) -> dict[str, object]:
    groups: dict[float, list[T]] = defaultdict(list)
    everything = list(items)
    for item in everything:
        groups[bucket(moment(item), unit)].append(item)
    return {
        "totals": {
            "timeGrouping": unit,
            "totalCount": len(everything),
            "totalPrice": float(sum(map(price, everything))),
            **{f"total{name}": count for name, count in counts(everything).items()},
        },
        "details": [
            {
                "startDateTime": stamp(start),
                "count": len(group),
                "price": float(sum(map(price, group))),
                **{f"{name.lower()}Count": count for name, count in counts(group).items()},
            }
            for start, group in sorted(groups.items())
        ],
    }
