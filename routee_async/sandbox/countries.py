"""Countries of numbers, and the hours at which these want to be left alone. Source: routee-api.md §2.4, §2.9, §2.12."""

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

_GREEK_NETWORKS: Final = ("Cosmote", "Vodafone", "Nova")
_LONGEST_CODE: Final = 3
_NOWHERE: Final = "001"
_COUNTRIES: Final = {str(code): regions[0] for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if regions[0] != _NOWHERE}


def country_of(number: str) -> str | None:
    """Tell the country (ISO 3166-1 alpha-2) of a number with `+`; None for one that has none.

    Of countries that share a calling code, the largest is told.
    """
    for length in range(1, _LONGEST_CODE + 1):
        country = _COUNTRIES.get(number[1 : 1 + length])
        if country is not None:
            return country
    return None


def network_of(number: str) -> dict[str, str]:
    """Write `country` and `operator` of a number, as far as they are known here; only Greek networks are."""
    country = country_of(number)
    if country is None:
        return {}
    if country == "GR":
        return {"country": country, "operator": _GREEK_NETWORKS[int(number[-1]) % len(_GREEK_NETWORKS)]}
    return {"country": country}


@attrs.frozen
class QuietCountry:
    """A country on the list of quiet hours.

    Attributes:
        code: ISO 3166-1 alpha-2.
        alpha3: ISO 3166-1 alpha-3.
        english: Name in English.
        greek: Name in Greek.
        local: Name in its own language.
        hours: Hours ahead of UTC in winter; in summer one more, from the last Sunday of March to that of October at 01:00 UTC.
        supported: False for one that is on the list although its quiet hours are not respected.
    """

    code: str
    alpha3: str
    english: str
    greek: str
    local: str
    hours: int
    supported: bool = True

    def to_wire(self, language: str) -> dict[str, object]:
        """Write the row, with the name in *language*, `el` or `en` (§2.12)."""
        name = self.greek if language == "el" else self.english
        return {
            "code": self.code,
            "name": name,
            "localeName": self.local,
            "isoA3Code": self.alpha3,
            "supported": self.supported,
        }


# Which countries are on the list is not documented. Those that keep the time of the European Union are enough to try it out.
QUIET_COUNTRIES: Final = (
    QuietCountry("AT", "AUT", "Austria", "Αυστρία", "Österreich", 1),
    QuietCountry("BE", "BEL", "Belgium", "Βέλγιο", "België", 1),
    QuietCountry("BG", "BGR", "Bulgaria", "Βουλγαρία", "България", 2),
    QuietCountry("CY", "CYP", "Cyprus", "Κύπρος", "Κύπρος", 2),
    QuietCountry("DE", "DEU", "Germany", "Γερμανία", "Deutschland", 1),
    QuietCountry("ES", "ESP", "Spain", "Ισπανία", "España", 1),
    QuietCountry("FR", "FRA", "France", "Γαλλία", "France", 1),
    QuietCountry("GB", "GBR", "United Kingdom", "Ηνωμένο Βασίλειο", "United Kingdom", 0),
    QuietCountry("GR", "GRC", "Greece", "Ελλάδα", "Ελλάδα", 2),
    QuietCountry("IT", "ITA", "Italy", "Ιταλία", "Italia", 1),
    QuietCountry("NL", "NLD", "Netherlands", "Ολλανδία", "Nederland", 1),
    QuietCountry("PT", "PRT", "Portugal", "Πορτογαλία", "Portugal", 0),
    QuietCountry("RO", "ROU", "Romania", "Ρουμανία", "România", 2),
    QuietCountry("US", "USA", "United States", "Ηνωμένες Πολιτείες", "United States", -5, supported=False),
)
_QUIET: Final = {country.code: country for country in QUIET_COUNTRIES if country.supported}
_NIGHT_BEGINS, _NIGHT_ENDS, _NOON_BEGINS, _NOON_ENDS = 23, 8, 14, 17
"""Hours of local time (§2.4)."""


def quiet_for(country: str | None, now: float) -> float:
    """Tell how many seconds the quiet hours of *country* still last at *now*, in epoch seconds; 0 outside of them."""
    if country not in _QUIET:
        return 0.0
    utc = datetime.fromtimestamp(now, UTC)
    local = utc + timedelta(hours=_QUIET[country].hours + _is_summer(utc))
    if local.hour >= _NIGHT_BEGINS or local.hour < _NIGHT_ENDS:
        days, hour = (1 if local.hour >= _NIGHT_BEGINS else 0), _NIGHT_ENDS
    elif _NOON_BEGINS <= local.hour < _NOON_ENDS:
        days, hour = 0, _NOON_ENDS
    else:
        return 0.0
    end = local.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return (end - local).total_seconds()


def _is_summer(utc: datetime) -> bool:
    """Tell whether the clocks of the European Union are put forward. Source: directive 2000/84/EC."""
    return _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)


def _last_sunday(year: int, month: int) -> datetime:
    """One o'clock, UTC, of the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
