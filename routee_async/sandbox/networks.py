"""Mobile networks by country: what a number belongs to. Source: ITU-T E.212 codes, which are public; the sharing out is invented.

Which network serves a number is not for a fake to know: the last digit decides, so that tests can choose.
"""

from typing import Final

import attrs


@attrs.frozen
class Network:
    """A mobile network.

    Attributes:
        name: Its name.
        mnc: Its code within the country.
    """

    name: str
    mnc: str


@attrs.frozen
class Land:
    """The mobile side of a country.

    Attributes:
        mcc: Mobile country code.
        continent: Where it is.
        networks: Its networks.
    """

    mcc: str
    continent: str
    networks: tuple[Network, ...]


def _land(mcc: str, continent: str, *networks: tuple[str, str]) -> Land:
    return Land(mcc, continent, tuple(Network(name, mnc) for name, mnc in networks))


LANDS: Final = {
    "AT": _land("232", "Europe", ("A1", "01"), ("Magenta", "03"), ("Drei", "10")),
    "BE": _land("206", "Europe", ("Proximus", "01"), ("Orange", "10"), ("Base", "20")),
    "BG": _land("284", "Europe", ("A1", "01"), ("Vivacom", "03"), ("Yettel", "05")),
    "CY": _land("280", "Europe", ("Cyta", "01"), ("Epic", "10")),
    "DE": _land("262", "Europe", ("Telekom", "01"), ("Vodafone", "02"), ("O2", "03")),
    "ES": _land("214", "Europe", ("Vodafone", "01"), ("Orange", "03"), ("Movistar", "07")),
    "FR": _land("208", "Europe", ("Orange", "01"), ("SFR", "10"), ("Bouygues", "20")),
    "GB": _land("234", "Europe", ("O2", "10"), ("Vodafone", "15"), ("EE", "30")),
    "GR": _land("202", "Europe", ("Cosmote", "01"), ("Vodafone", "05"), ("Nova", "10")),
    "IT": _land("222", "Europe", ("TIM", "01"), ("Vodafone", "10"), ("WindTre", "88")),
    "NL": _land("204", "Europe", ("Vodafone", "04"), ("KPN", "08"), ("Odido", "16")),
    "PT": _land("268", "Europe", ("Vodafone", "01"), ("NOS", "03"), ("MEO", "06")),
    "RO": _land("226", "Europe", ("Vodafone", "01"), ("Telekom", "03"), ("Orange", "10")),
    "US": _land("310", "North America", ("Verizon", "004"), ("T-Mobile", "260"), ("AT&T", "410")),
}
"""By country, ISO 3166-1 alpha-2: those of `countries.QUIET_COUNTRIES`, whose names stand there."""


def serving(country: str | None, number: str, *, step: int = 0) -> Network | None:
    """Tell which network serves a number of *country*, or the one that is *step* further in the list; None where none is known."""
    land = LANDS.get(country or "")
    if land is None:
        return None
    return land.networks[(int(number[-1]) + step) % len(land.networks)]
