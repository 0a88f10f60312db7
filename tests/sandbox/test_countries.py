"""Countries and quiet hours in `sandbox.countries`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from routee_async.sandbox.countries import QUIET_COUNTRIES, country_of, network_of, quiet_for

ZONES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "IT": "Europe/Rome",
    "NL": "Europe/Amsterdam",
    "PT": "Europe/Lisbon",
    "RO": "Europe/Bucharest",
}


@pytest.mark.parametrize("region", ["GR", "CY", "US", "GB", "IN", "FI", "BR", "ZA"])
def test_country_of_a_number(region: str) -> None:
    """The country is that of the calling code."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    assert country_of(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)) == region


@pytest.mark.parametrize("number", ["+881600000001", "+9990000000", "+"])
def test_number_of_no_country(number: str) -> None:
    """A number of a satellite, or of no known code, has neither country nor network."""
    assert country_of(number) is None
    assert network_of(number) == {}


def test_network() -> None:
    """Greek numbers have a network, others a country only (§2.9)."""
    assert network_of("+306970000001") == {"country": "GR", "operator": "Vodafone"}
    assert network_of("+447700900001") == {"country": "GB"}


def at(text: str) -> float:
    """Epoch seconds of a moment."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("country", "moment", "hours"),
    [
        ("GR", "2026-01-14T21:00:00Z", 9),  # 23:00 in Athens
        ("GR", "2026-01-14T20:59:59Z", 0),
        ("GR", "2026-01-15T05:30:00Z", 0.5),
        ("GR", "2026-01-15T06:00:00Z", 0),
        ("GR", "2026-01-14T12:00:00Z", 3),  # 14:00
        ("GR", "2026-01-14T15:00:00Z", 0),
        ("GR", "2026-07-14T20:00:00Z", 9),  # summer
        ("PT", "2026-07-14T20:00:00Z", 0),
        ("US", "2026-01-14T08:00:00Z", 0),  # on the list, not supported
        ("JP", "2026-01-14T17:00:00Z", 0),
        (None, "2026-01-14T00:00:00Z", 0),
    ],
)
def test_quiet_hours(country: str | None, moment: str, hours: float) -> None:
    """Quiet are 23:00 to 08:00 and 14:00 to 17:00 of local time, in supported countries (§2.4)."""
    assert quiet_for(country, at(moment)) == hours * 3600


@pytest.mark.parametrize("code", ZONES)
def test_local_time_is_that_of_the_zone(code: str) -> None:
    """At every hour of a year, the quiet hours end at the local hour that is documented, summer time included."""
    assert set(ZONES) == {country.code for country in QUIET_COUNTRIES if country.supported}
    start = int(at("2026-01-01T00:30:00Z"))
    for moment in range(start, start + 366 * 86400, 3600):
        local = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(ZONES[code]))
        is_quiet = local.hour in {23, *range(8), 14, 15, 16}
        assert (quiet_for(code, moment) > 0) == is_quiet
