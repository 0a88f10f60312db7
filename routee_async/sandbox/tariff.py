"""What things cost, as data, and how the price list looks. Source: routee-api.md §2.13.

What a text costs stands at the account, by country: the same table charges sends and is shown here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from routee_async.sandbox.answers import invalid
from routee_async.sandbox.countries import QUIET_COUNTRIES
from routee_async.sandbox.networks import LANDS

if TYPE_CHECKING:
    from routee_async.sandbox.accounts import Account


@attrs.define(kw_only=True)
class Tariff:
    """Prices of all that is no plain text, in the currency of the account. The figures are those of the documented example.

    Attributes:
        two_step_sms: One part of a text with a one-time code.
        two_step_voice: A call with one.
        lookup: One look-up of a number.
        validator: One check of a number.
        validator_ported: One that tells whether the number was ported.
        landline: A minute to a fixed line.
        mobile: A minute to a mobile.
        viber: A transactional Viber message.
        viber_promotional: A promotional one.
        viber_fee: Monthly fee of Viber.
        number_activation: Renting a number, once.
        number_monthly: Renting it, a month.
        number_inbound: A text that comes in on it.
    """

    two_step_sms: Decimal = Decimal("0.05")
    two_step_voice: Decimal = Decimal("0.08")
    lookup: Decimal = Decimal("0.006")
    validator: Decimal = Decimal("0.002")
    validator_ported: Decimal = Decimal("0.006")
    landline: Decimal = Decimal("0.02")
    mobile: Decimal = Decimal("0.05")
    viber: Decimal = Decimal("0.01")
    viber_promotional: Decimal = Decimal("0.02")
    viber_fee: Decimal = Decimal(100)
    number_activation: Decimal = Decimal(1)
    number_monthly: Decimal = Decimal(5)
    number_inbound: Decimal = Decimal("0.006")


_NAMES: Final = {country.code: country.english for country in QUIET_COUNTRIES}
_SERVICES: Final = {
    "Sms": "sms",
    "Voice": "voice",
    "TwoStep": "twoStep",
    "Lookup": "lookup",
    "NumberValidator": "numberValidator",
    "Viber": "viber",
}
"""Values of `service`, and the keys that they ask for."""


def prices_to_wire(account: "Account", query: Mapping[str, str]) -> dict[str, object]:
    """Write the price list, filtered by `mcc`, `mnc` and `service`: GET /system/prices.

    What else than texts a filter by network leaves is not documented: here it leaves what has no network, and the same countries.

    Raises:
        Refusal: 400000000: an unknown service.
    """
    service = query.get("service")
    if service is not None and service not in _SERVICES:
        raise invalid({"service": f"unknown: {service}"}, "Price")
    mcc = query.get("mcc")
    countries = [code for code, land in LANDS.items() if mcc in {None, land.mcc}]
    tariff = account.tariff
    wire: dict[str, object] = {
        "sms": [_texts(account, code, query.get("mnc")) for code in countries],
        "twoStep": {"sms": float(tariff.two_step_sms), "voice": float(tariff.two_step_voice)},
        "lookup": {"perRequest": float(tariff.lookup)},
        "numberValidator": {"withPortedInfo": float(tariff.validator_ported), "withoutPortedInfo": float(tariff.validator)},
        "voice": [_calls(tariff, code) for code in countries],
        "viber": [_viber(tariff, code) for code in countries],
    }
    shown = wire if service is None else {_SERVICES[service]: wire[_SERVICES[service]]}
    return shown | {"currency": account.currency_to_wire()}


def _texts(account: "Account", country: str, mnc: str | None) -> dict[str, object]:
    land = LANDS[country]
    price = float(account.prices.get(country, account.price))
    networks = [
        {"network": network.name, "mnc": network.mnc, "price": price} for network in land.networks if mnc in {None, network.mnc}
    ]
    return {"mcc": land.mcc, "country": _NAMES[country], "iso": country, "networks": networks}


def _calls(tariff: Tariff, country: str) -> dict[str, object]:
    # Texts, not numbers, in the documented example.
    prices = {"landlinePrice": str(tariff.landline), "mobilePrice": str(tariff.mobile)}
    return {"country": _NAMES[country], "iso": country, **prices}


def _viber(tariff: Tariff, country: str) -> dict[str, object]:
    prices = {
        "fee": str(tariff.viber_fee),
        "feePeriod": "Monthly",
        "promotionalInbound": "0",
        "promotionalOutbound": str(tariff.viber_promotional),
        "transactionalInbound": "0",
        "transactionalOutbound": str(tariff.viber),
    }
    return {"country": _NAMES[country], "iso": country, "prices": prices}
