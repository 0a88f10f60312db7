"""Reports in `sandbox.reports`."""

from datetime import datetime
from typing import Any

import pytest

from routee_async.sandbox.reports import bucket
from routee_async.sandbox.timeline import Magic, Timeline
from tests.sandbox.conftest import Api, Clock

DAY = "startDate=2026-09-21T00:00:00Z&endDate=2026-09-22T00:00:00Z"
ZEROS = {
    "queuedCount": 0,
    "sentCount": 0,
    "unsentCount": 0,
    "failedCount": 0,
    "deliveredCount": 0,
    "undeliveredCount": 0,
}
GREEK = {"country": "GR", "operator": "Cosmote", "mcc": "202", "mnc": "01"}


def send(api: Api, to: str = "+306970000000", body: str = "Hello") -> None:
    """Send a text."""
    api("POST", "/sms", {"from": "ParcelCo", "to": to, "body": body})


def counts(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Begin and count of each row."""
    return [(row["startDateTime"], row["count"]) for row in rows]


def test_volumes_and_prices(api: Api, clock: Clock) -> None:
    """A row counts the parts of one hour, country and network by status, with their price (§2.20)."""
    send(api, body="a" * 161)
    send(api, Magic.EXPIRED)
    clock.advance(60)
    send(api)
    assert api("GET", f"/reports/my/volPrice?{DAY}") == [
        {
            "startDateTime": "2026-09-21T14:00:00Z",
            "timeGrouping": "Hour",
            **GREEK,
            "count": 4,
            **ZEROS,
            "deliveredCount": 2,
            "undeliveredCount": 1,
            "queuedCount": 1,
            "price": 0.128,
        },
    ]


def test_a_row_for_each_network(api: Api) -> None:
    """Countries and networks have rows of their own; what is not known of them is left out (§2.20)."""
    for to in ("+306970000000", "+306970000001", "+447700900000", "+61412000001", "+881600000001"):
        send(api, to)
    rows = api("GET", f"/reports/my/volPrice?{DAY}")
    assert [(row.get("country"), row.get("operator")) for row in rows] == [
        (None, None),
        ("AU", None),
        ("GB", "O2"),
        ("GR", "Cosmote"),
        ("GR", "Vodafone"),
    ]
    assert [row["operator"] for row in api("GET", f"/reports/my/volPrice/perMcc?{DAY}&mcc=202")] == ["Cosmote", "Vodafone"]
    assert [row["operator"] for row in api("GET", f"/reports/my/volPrice/perMccMnc?{DAY}&mcc=202&mnc=05")] == ["Vodafone"]
    assert api("GET", f"/reports/my/volPrice/perMccMnc?{DAY}&mcc=234&mnc=05") == []
    assert len(api("GET", f"/reports/my/volPrice?{DAY}&mcc=202")) == 5


@pytest.mark.parametrize(
    ("end", "unit", "starts"),
    [
        ("2026-09-22T00:00:00Z", "Hour", ["2026-09-21T14:00:00Z", "2026-09-21T15:00:00Z"]),
        ("2026-09-22T00:00:01Z", "Day", ["2026-09-21T00:00:00Z"]),
        ("2026-10-22T00:00:00Z", "Day", ["2026-09-21T00:00:00Z"]),
        ("2026-10-22T00:00:01Z", "Month", ["2026-09-01T00:00:00Z"]),
        ("2027-09-22T00:00:00Z", "Month", ["2026-09-01T00:00:00Z"]),
        ("2027-09-23T00:00:00Z", "Year", ["2026-01-01T00:00:00Z"]),
        ("2031-09-21T00:00:00Z", "Year", ["2026-01-01T00:00:00Z"]),
    ],
)
def test_grouping(api: Api, clock: Clock, end: str, unit: str, starts: list[str]) -> None:
    """The time of a row grows with the range (§2.20)."""
    send(api)
    clock.advance(3600)
    send(api)
    rows = api("GET", f"/reports/my/volPrice?startDate=2026-09-21T00:00:00Z&endDate={end}")
    assert {row["timeGrouping"] for row in rows} == {unit}
    assert [row["startDateTime"] for row in rows] == starts


@pytest.mark.parametrize("path", ["volPrice", "breakdown", "latency", "lookup/volPrice", "numberValidator/volPrice"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("startDate=2026-09-21T00:00Z&endDate=2026-09-21T00:00Z", "400007001"),
        ("startDate=2026-09-22T00:00Z&endDate=2026-09-21T00:00Z", "400007001"),
        ("startDate=2021-09-01T00:00Z&endDate=2026-09-21T00:00Z", "400007001"),
        ("startDate=2026-09-21T00:00Z", "400000000"),
        ("endDate=2026-09-21T00:00Z", "400000000"),
        ("startDate=yesterday&endDate=2026-09-21T00:00Z", "400000000"),
    ],
)
def test_bad_ranges(api: Api, path: str, query: str, code: str) -> None:
    """The start is before the end, and not by more than five years (§2.20)."""
    assert api.refused("GET", f"/reports/my/{path}?{query}") == code


@pytest.mark.parametrize(
    ("path", "problems"),
    [
        ("volPrice/perMcc", {"mcc"}),
        ("volPrice/perMccMnc", {"mcc", "mnc"}),
        ("volPrice/perCampaign", {"campaignId", "offset"}),
        ("breakdown/perCountry", {"countryCode"}),
        ("breakdown/perMccMnc", {"mcc", "mnc"}),
        ("latency/perCampaign", {"campaignId"}),
    ],
)
def test_required_parameters(api: Api, path: str, problems: set[str]) -> None:
    """What a report is narrowed to must be there (§2.20)."""
    assert api.problems("GET", f"/reports/my/{path}?{DAY}") == problems


def test_only_what_is_in_the_range_and_the_account(api: Api, clock: Clock) -> None:
    """What is outside of the range, came in, or is somebody else's is not counted; both ends are included."""
    send(api)
    clock.advance(86400)
    send(api)
    api.carrier.receive(api.application, sender="+306970000000", to="54000", body="Hi")
    send(Api(api.carrier, api.carrier.add_application("f" * 24, "x")))
    assert counts(api("GET", f"/reports/my/volPrice?{DAY}")) == [("2026-09-21T14:00:00Z", 1)]
    exact = "startDate=2026-09-21T14:13:20.123Z&endDate=2026-09-22T14:13:20.123Z"
    assert counts(api("GET", f"/reports/my/volPrice?{exact}")) == [("2026-09-21T14:00:00Z", 1), ("2026-09-22T14:00:00Z", 1)]


def test_a_campaign(api: Api, clock: Clock) -> None:
    """A campaign is reported by its id, from the offset on, and an unknown one is 404009001 (§2.20)."""
    order = {"from": "ParcelCo", "to": ["+306970000000", "+306970000003"], "body": "Hello"}
    campaign = api("POST", "/sms/campaign", order)["trackingId"]
    clock.advance(3)
    path = f"/reports/my/volPrice/perCampaign?campaignId={campaign}"
    assert api("GET", f"{path}&offset=2026-09-21T00:00Z") == [
        {
            "startDateTime": "2026-09-21T14:00:00Z",
            "timeGrouping": "Hour",
            **GREEK,
            "smsCampaignId": campaign,
            "count": 2,
            **ZEROS,
            "deliveredCount": 2,
            "price": 0.064,
        },
    ]
    assert api("GET", f"{path}&offset=2026-09-22T00:00Z") == []
    assert api("GET", f"/reports/my/volPrice?{DAY}")[0]["smsCampaignId"] == campaign
    assert sum(api("GET", f"/reports/my/breakdown/perCampaign?campaignId={campaign}")["smsLatencyCount"]) == 2
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    for who, unknown in ((api, "0"), (other, campaign)):
        for report in ("volPrice", "breakdown"):
            code = who.refused("GET", f"/reports/my/{report}/perCampaign?campaignId={unknown}&offset=2026-09-21")
            assert code == "404009001"


@pytest.mark.parametrize(("seconds", "group"), [(0.0, 0), (1.0, 0), (1.5, 1), (2.0, 1), (45.0, 44), (45.5, 45), (3600.0, 45)])
def test_latency(api: Api, clock: Clock, seconds: float, group: int) -> None:
    """Delivered parts are counted in 46 groups: up to 1 second, up to 2, …, more than 45 (§2.20)."""
    api.carrier.settings.timeline = Timeline(sent_after=0, final_after=seconds)
    send(api)
    send(api, Magic.UNDELIVERED)
    clock.advance(seconds)
    expected = [0] * 46
    expected[group] = 1
    for path in ("breakdown", "latency"):
        assert api("GET", f"/reports/my/{path}?{DAY}") == {"smsLatencyCount": expected}


def test_latency_of_a_country_and_a_network(api: Api, clock: Clock) -> None:
    """Latency is told of a country by its ISO code, and of a network by its codes."""
    send(api)
    send(api, "+447700900000")
    clock.advance(5)
    for query, found in (("perCountry?countryCode=GB", 1), ("perCountry?countryCode=FR", 0), ("perMccMnc?mcc=202&mnc=01", 1)):
        assert sum(api("GET", f"/reports/my/breakdown/{query}&{DAY}")["smsLatencyCount"]) == found


def test_reports_read_nothing(api: Api) -> None:
    """A report moves no message on, not even where reading does."""
    api.carrier.settings.timeline = Timeline(reads=1)
    send(api)
    for _ in range(3):
        assert api("GET", f"/reports/my/volPrice?{DAY}")[0]["queuedCount"] == 1


def test_look_ups(api: Api, clock: Clock) -> None:
    """Look-ups are counted by status and priced, in all and by hour (§2.20)."""
    for to in ("+306970000000", Magic.HANDSET, Magic.FAILED):
        api("POST", "/lookup", {"to": to})
    clock.advance(3600)
    api("POST", "/lookup", {"to": Magic.UNKNOWN_NUMBER})
    report = api("GET", f"/reports/my/lookup/volPrice?{DAY}")
    assert report["totals"] == {
        "timeGrouping": "Hour",
        "totalCount": 4,
        "totalPrice": 0.024,
        "totalQueued": 0,
        "totalActive": 1,
        "totalAbsent": 1,
        "totalFailed": 1,
        "totalUnknown": 1,
    }
    assert report["details"][1] == {
        "startDateTime": "2026-09-21T15:00:00Z",
        "count": 1,
        "price": 0.006,
        "queuedCount": 0,
        "activeCount": 0,
        "absentCount": 0,
        "failedCount": 0,
        "unknownCount": 1,
    }


def test_checks_of_numbers(api: Api) -> None:
    """Checks are counted by what came out, and priced (§2.20)."""
    api("POST", "/numbervalidator", {"to": "+306970000000"})
    api("POST", "/numbervalidator", {"to": "+30697", "getPorted": True})
    assert api("GET", f"/reports/my/numberValidator/volPrice?{DAY}") == {
        "totals": {"timeGrouping": "Hour", "totalCount": 2, "totalPrice": 0.008, "totalValid": 1, "totalInvalid": 1},
        "details": [{"startDateTime": "2026-09-21T14:00:00Z", "count": 2, "price": 0.008, "validCount": 1, "invalidCount": 1}],
    }


@pytest.mark.parametrize(
    ("unit", "start"),
    [("Hour", "2026-09-21T14:00Z"), ("Day", "2026-09-21T00:00Z"), ("Month", "2026-09-01T00:00Z"), ("Year", "2026-01-01T00:00Z")],
)
def test_buckets(unit: str, start: str) -> None:
    """A moment belongs to the hour, day, month and year that it is in."""
    assert bucket(1_790_000_000.123, unit) == datetime.fromisoformat(start).timestamp()
