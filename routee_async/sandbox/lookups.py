"""Look-ups of numbers: who is there, on which network, and where. Source: routee-api.md §2.14.

What is found follows the numbers of `Magic`: the handset that a text cannot reach is the one that a look-up does not find.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Account, Application, new_uuid
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.countries import QUIET_COUNTRIES, country_of
from routee_async.sandbox.listing import Fields, page, read_filters, read_range
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.networks import LANDS, Network, serving
from routee_async.sandbox.timeline import Magic

# The module of look-ups is 014 (§3.1); this code of it is a guess.
_NOT_FOUND: Final = "404014001"
_ABROAD: Final = "DE"
_DIGITS_OF_IMSI: Final = 15
_STATUSES: Final = MappingProxyType(
    {
        Magic.HANDSET.value: "Absent",
        Magic.FAILED.value: "Failed",
        Magic.UNKNOWN_NUMBER.value: "Unknown",
        Magic.UNKNOWN_STATUS.value: "Unknown",
        Magic.NEVER_FINAL.value: "Queued",
        Magic.NEVER_SENT.value: "Queued",
    },
)
"""How the look-up of a number ends that is not active. The statuses are those of the reports."""
_DESCRIPTIONS: Final = {
    "Queued": "The look-up has not ended yet",
    "Active": "Subscriber is active",
    "Absent": "Subscriber is switched off or out of reach",
    "Failed": "The look-up could not be made",
    "Unknown": "Nothing is known of the subscriber",
}
"""Invented, apart from that of `Active`."""


@attrs.frozen(kw_only=True)
class Lookup:
    """One look-up.

    Attributes:
        id: Its id.
        application: Who asked.
        to: The number, with `+`.
        label: The caller's label.
        created: Epoch seconds.
        due: Epoch seconds at which it ends.
        price: What it cost.
    """

    id: str
    application: Application
    to: str
    label: str | None
    created: float
    due: float
    price: Decimal

    def status(self, now: float) -> str:
        """Tell its status at *now*, in epoch seconds."""
        return "Queued" if now < self.due else _STATUSES.get(self.to, "Active")

    def to_wire(self, now: float, *, priced: bool = True) -> dict[str, object]:
        """Write the look-up; details are there for a subscriber who was found, which is a guess."""
        status = self.status(now)
        updated = self.created if status == "Queued" else self.due
        wire: dict[str, object] = {
            "lookupId": self.id,
            "to": self.to,
            "createdAt": stamp(self.created, "milliseconds"),
            "applicationName": self.application.name,
            "statusInfo": {"status": status, "description": _DESCRIPTIONS[status], "updatedAt": stamp(updated)},
        }
        if self.label is not None:
            wire["label"] = self.label
        if status in {"Active", "Absent"}:
            wire["details"] = _details(self.to)
        if priced:
            wire["price"] = float(self.price)
        return wire


def _details(to: str) -> dict[str, object]:
    country = country_of(to)
    home, current = serving(country, to), serving(country, to, step=int(is_ported(to)))
    details: dict[str, object] = {"country": country_to_wire(country), "ported": is_ported(to)}
    if home is None or current is None or country is None:
        return details
    mcc = LANDS[country].mcc
    operator = f"{mcc}{current.mnc}"
    rest = _DIGITS_OF_IMSI - len(operator)
    details |= {"mcc": mcc, "network": _network_to_wire(home), "imsi": operator + to[1:][-rest:].zfill(rest)}
    if is_ported(to):
        details["portedNetwork"] = _network_to_wire(current)
    details["roamingNetwork"] = _whereabouts(to, country, current)
    return details


def _whereabouts(to: str, country: str, current: Network) -> dict[str, object]:
    roams = to == Magic.ROAMING
    where = _ABROAD if roams else country
    network = LANDS[_ABROAD].networks[0] if roams else current
    names = country_to_wire(where)
    return {
        "state": "Roaming" if roams else "NotRoaming",
        "country": names["name"],
        "countryIsoCode": where,
        "mmc": LANDS[where].mcc,  # spelled so in the reference
        "mnc": network.mnc,
        "network": network.name,
    }


def _network_to_wire(network: Network) -> dict[str, object]:
    return {"name": network.name, "mnc": network.mnc}


def is_ported(to: str) -> bool:
    """Tell whether a number has changed its network."""
    return to == Magic.PORTED


def country_to_wire(code: str | None) -> dict[str, object]:
    """Write a country with its names, as far as they are known; nothing for None."""
    for country in QUIET_COUNTRIES:
        if country.code == code:
            names = {"name": country.english, "localeName": country.local, "isoA3Code": country.alpha3}
            return {"code": code, **names}
    return {} if code is None else {"code": code}


class Lookups:
    """All look-ups, by id.

    Args:
        carrier: Whose clock, dice and settings count.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._by_id: dict[str, Lookup] = {}

    def start(self, application: Application, payload: object) -> dict[str, object]:
        """Look a number up: POST /lookup.

        Raises:
            Refusal: 400000000, then 400001009, of which the documentation tells nothing here.
        """
        if not isinstance(payload, dict):
            raise invalid({}, "Lookup")
        problems = checks.text_faults(payload, "to") | checks.label_faults(payload)
        to = checks.normalise(payload.get("to"))
        if to is None and "to" not in problems:
            problems["to"] = checks.BAD_NUMBER
        if to is None or problems:
            raise invalid(problems, "Lookup")
        if to == Magic.NO_BALANCE:
            raise routee(400, "400001009", "Insufficient Balance")
        price = application.account.tariff.lookup
        application.account.pay(price)
        now = self._carrier.now()
        made = Lookup(
            id=new_uuid(self._carrier.rng),
            application=application,
            to=to,
            label=payload.get("label"),
            created=now,
            due=now + self._carrier.settings.lookup_delay,
            price=price,
        )
        self._by_id[made.id] = made
        return made.to_wire(now, priced=False)

    def fetch(self, application: Application, lookup_id: str) -> dict[str, object]:
        """Show a look-up: GET /lookup/{lookupId}.

        Raises:
            Refusal: 404014001: unknown, or of another account.
        """
        found = self._by_id.get(lookup_id)
        if found is None or found.application.account is not application.account:
            raise not_found(_NOT_FOUND, "lookup", "lookupId", lookup_id)
        return found.to_wire(self._carrier.now())

    def search(self, application: Application, query: Mapping[str, str], payload: object) -> dict[str, object]:
        """Show a page of look-ups that meet all filters: POST /lookup/tracking.

        Raises:
            Refusal: 400000000.
        """
        now = self._carrier.now()
        fields = _fields(now)
        meets, window = read_filters(payload, fields), read_range(query)
        found = (one for one in self.of(application.account) if window.start <= one.created <= window.end and meets(one))
        return page(found, query, lambda one: one.to_wire(now), fields=fields, default=10)

    def of(self, account: Account) -> Iterator[Lookup]:
        """Go through the look-ups of an account, oldest first."""
        return (one for one in self._by_id.values() if one.application.account is account)


def _fields(now: float) -> Fields[Lookup]:
    def detail(one: Lookup, *path: str) -> tuple[str, ...]:
        value: object = one.to_wire(now).get("details")
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return ("true" if value else "false",)
        return () if value is None else (str(value),)

    return {
        "lookupID": lambda one: (one.id,),
        "label": lambda one: () if one.label is None else (one.label,),
        "status": lambda one: (one.status(now),),
        # What these are compared with is a guess: the name of the network, the code of the country, `true` or `false`, the state.
        "network": lambda one: detail(one, "network", "name"),
        "country": lambda one: detail(one, "country", "code"),
        "ported": lambda one: detail(one, "ported"),
        "imsi": lambda one: detail(one, "imsi"),
        "roaming": lambda one: detail(one, "roamingNetwork", "state"),
        "groups": lambda _: (),
        "campaignName": lambda _: (),
        "campaignID": lambda _: (),
    }
