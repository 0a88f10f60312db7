"""Networks by country in `sandbox.networks`."""

from routee_async.sandbox.countries import QUIET_COUNTRIES
from routee_async.sandbox.networks import LANDS, serving


def test_every_country_with_a_name_has_networks() -> None:
    """The list of networks and the list of names are of the same countries, and no code stands for two."""
    assert set(LANDS) == {country.code for country in QUIET_COUNTRIES}
    codes = [(land.mcc, network.mnc) for land in LANDS.values() for network in land.networks]
    assert len(set(codes)) == len(codes)


def test_the_last_digit_chooses_the_network() -> None:
    """Numbers of one country belong to its networks in turn; of a country without a list, to none."""
    names = [network and network.name for network in (serving("GR", f"+30697000000{digit}") for digit in range(4))]
    assert names == ["Cosmote", "Vodafone", "Nova", "Cosmote"]
    ported = serving("GR", "+306970000002", step=1)
    assert ported is not None
    assert ported.mnc == "01"
    assert serving("AU", "+61412000001") is serving(None, "+881600000001") is None
