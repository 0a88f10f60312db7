"""Checks of numbers: whether they can exist, what they are and how they are written. Source: routee-api.md §2.14.

The numbering plans are those of the library phonenumbers; whether Routee's are the same is not known.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import attrs
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Account, Application, new_uuid
from routee_async.sandbox.answers import invalid
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.lookups import country_to_wire, is_ported
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.networks import LANDS, serving

_TYPES: Final = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.TOLL_FREE: "toll free",
}
"""Only `mobile` is shown in the documentation."""
_FORMATS: Final = {
    "international": PhoneNumberFormat.INTERNATIONAL,
    "national": PhoneNumberFormat.NATIONAL,
    "rfc3966": PhoneNumberFormat.RFC3966,
}


@attrs.frozen(kw_only=True)
class Validation:
    """One check that was made, for the reports.

    Attributes:
        account: Who paid.
        created: Epoch seconds.
        valid: What came out.
        price: What it cost.
    """

    account: Account
    created: float
    valid: bool
    price: Decimal


class Validator:
    """Checks numbers.

    Args:
        carrier: Whose clock and dice count.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._made: list[Validation] = []

    def validate(self, application: Application, payload: object) -> dict[str, object]:
        """Check a number: POST /numbervalidator. What a number that cannot exist is told of is a guess: that it is not valid.

        Raises:
            Refusal: 400000000, then 400001009, of which the documentation tells nothing here.
        """
        if not isinstance(payload, dict):
            raise invalid({}, "NumberValidator")
        problems = checks.text_faults(payload, "to")
        problems |= checks.faults(payload, {"getPorted": checks.is_flag, "host": lambda value: isinstance(value, str)})
        if problems:
            raise invalid(problems, "NumberValidator")
        to, ported = f"+{payload['to'].removeprefix('+')}", bool(payload.get("getPorted"))
        account = application.account
        price = account.tariff.validator_ported if ported else account.tariff.validator
        account.pay(price)
        now = self._carrier.now()
        found = examine(to, ported=ported, host=payload.get("host"))
        self._made.append(Validation(account=account, created=now, valid=bool(found), price=price))
        return {
            "numberValidatorId": new_uuid(self._carrier.rng),
            "to": to,
            "valid": bool(found),
            "getPorted": ported,
            "createdAt": stamp(now),
            "applicationName": application.name,
            **found,
        }

    def of(self, account: Account) -> Iterator[Validation]:
        """Go through the checks of an account, oldest first."""
        return (one for one in self._made if one.account is account)


def examine(to: str, *, ported: bool = False, host: str | None = None) -> dict[str, object]:
    """Write `details`, `formats` and `geo` of a number with `+`; nothing for one that cannot exist.

    Args:
        to: The number.
        ported: Tell the network that it has changed to, if it has.
        host: Given back.
    """
    try:
        number = phonenumbers.parse(to, None)
    except phonenumbers.NumberParseException:
        return {}
    if not phonenumbers.is_valid_number(number):
        return {}
    country = phonenumbers.region_code_for_number(number) or ""
    moved = ported and is_ported(to)
    network = serving(country, to, step=int(moved))
    details: dict[str, object] = {
        "type": _TYPES.get(phonenumbers.number_type(number), "other"),
        "countryCode": country,
        "countryPrefix": str(number.country_code),
        "ported": moved,
    }
    names = country_to_wire(country)
    geo = {"country": names.get("name"), "countryISO2Code": country, "countryISO3Code": names.get("isoA3Code"), "host": host}
    if network is not None:
        details |= {"network": network.name, "networkCode": f"{LANDS[country].mcc}{network.mnc}"}
        geo["continent"] = LANDS[country].continent
    return {
        "details": details,
        "formats": {name: phonenumbers.format_number(number, style) for name, style in _FORMATS.items()},
        "geo": {name: value for name, value in geo.items() if value is not None},
    }
