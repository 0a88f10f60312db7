"""Numbers to rent: what there is, who has it, what comes in on it.

Source: routee-api.md §2.16; the shape of the answers is that of the reference behind it.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import attrs
import phonenumbers
from phonenumbers import PhoneNumberType

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Account, Application, new_uuid
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.listing import Fields, page, read_filters
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.networks import LANDS

# The module of numbers is 021 (§3.1); these codes of it are guesses.
NOT_FOUND: Final = "404021001"
_TAKEN: Final = "409021002"
_ENTITY: Final = "Number"
_PER_COUNTRY: Final = 5
_MONTH: Final = 30 * 86400
_NORTH_AMERICA: Final = 1
_NO_NOT: Final = frozenset({"is_not"})
_CALLBACKS: Final = ("inboundSmsCallbackUrl", "voiceInboundStrategy", "inboundVoiceCallbackUrl")


@attrs.frozen(kw_only=True)
class Offer:
    """A number that can be rented.

    Attributes:
        msisdn: Its digits, without `+`.
        country: ISO 3166-1 alpha-2.
        services: `Sms`, `Voice` or both.
        toll_free: True for one that callers do not pay.
    """

    msisdn: str
    country: str
    services: tuple[str, ...]
    toll_free: bool = False

    @property
    def area_codes(self) -> tuple[str, ...]:
        """Its area code, which numbers of North America have."""
        return (self.msisdn[1:4],) if self.msisdn.startswith(str(_NORTH_AMERICA)) else ()

    def to_wire(self, account: Account) -> dict[str, object]:
        """Write the offer, at the prices of *account*."""
        tariff = account.tariff

        def cost(price: Decimal) -> dict[str, object]:
            return {"currency": account.currency[0], "price": float(price)}

        return {
            "msisdn": self.msisdn,
            "country": self.country,
            "services": list(self.services),
            "tollFree": self.toll_free,
            "activationCosts": cost(tariff.number_activation),
            "monthlyCosts": cost(tariff.number_monthly),
            "inboundCosts": [{"service": service, **cost(tariff.number_inbound)} for service in self.services],
            "chargeInterval": 1,
        }


@attrs.define(kw_only=True, eq=False)
class Rental:
    """A number that somebody has.

    Attributes:
        offer: What it was.
        id: Its tracking id.
        application: Who rented it, for its whole account.
        since: Epoch seconds.
        callbacks: Where to what comes in is told: the fields of the request.
    """

    offer: Offer
    id: str
    application: Application
    since: float
    callbacks: dict[str, object]

    def to_wire(self) -> dict[str, object]:
        """Write the rented number."""
        wire = {**self.offer.to_wire(self.application.account), "trackingId": self.id, "nextRenewal": stamp(self.since + _MONTH)}
        return wire | self.callbacks


def _stock() -> Iterator[Offer]:
    """Offer five mobiles in each country, the last for calls only, and a toll-free one in North America. All are valid."""
    for country in LANDS:
        example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
        base = "" if example is None else f"{example.country_code}{example.national_number}"[:-1]
        for digit in range(_PER_COUNTRY):
            services = ("Voice",) if digit == _PER_COUNTRY - 1 else ("Sms", "Voice")
            yield Offer(msisdn=f"{base}{digit}", country=country, services=services)
    yield Offer(msisdn="18002345678", country="US", services=("Sms", "Voice"), toll_free=True)


_FIELDS: Final[Fields[Offer]] = {
    "country": lambda offer: (offer.country,),
    "msisdn": lambda offer: (offer.msisdn,),
    "service": lambda offer: offer.services,
    "areaCode": lambda offer: offer.area_codes,
    "type": lambda offer: ("TOLL_FREE" if offer.toll_free else "VLN",),
}


class Numbers:
    """The numbers on offer and those that are rented.

    Args:
        carrier: Whose clock and dice count.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._offers = {offer.msisdn: offer for offer in _stock()}
        self._rented: dict[str, Rental] = {}
        self._pool_urls: dict[str, str | None] = {}
        self._on_release: list[Callable[[str], None]] = []

    def available(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Show a page of what can be rented in a country: GET /numbers/available.

        Raises:
            Refusal: 400000000: no country.
        """
        if not query.get("country"):
            raise invalid({"country": checks.MISSING}, _ENTITY)
        wanted = [{"fieldName": name, "searchTerm": query[name]} for name in ("country", "service", "areaCode") if query.get(name)]
        return self._page(application, query, wanted)

    def search(self, application: Application, query: Mapping[str, str], payload: object) -> dict[str, object]:
        """Show a page of what can be rented and meets all filters: POST /numbers/available/search.

        Raises:
            Refusal: 400000000: not an array of filters, or none of them for the country.
        """
        entries = payload if isinstance(payload, list) else []
        if not any(isinstance(entry, dict) and entry.get("fieldName") == "country" for entry in entries):
            raise invalid({"country": checks.MISSING}, _ENTITY)
        return self._page(application, query, payload)

    def mine(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Show a page of the numbers of the account: GET /numbers/my."""
        return page(self.of(application.account), query, Rental.to_wire)

    def rent(self, application: Application, payload: object) -> dict[str, object]:
        """Rent a number; the activation and the first month are paid at once, which is a guess: POST /numbers/my.

        Raises:
            Refusal: 400000000, 404021001 for what is not on offer, 409021002 for what is taken, 400001009.
        """
        if not isinstance(payload, dict):
            raise invalid({}, _ENTITY)
        problems = checks.text_faults(payload, "msisdn") | _callback_faults(payload)
        if problems:
            raise invalid(problems, _ENTITY)
        msisdn = payload["msisdn"].removeprefix("+")
        offer = self._offers.get(msisdn)
        if offer is None:
            raise not_found(NOT_FOUND, "number", "msisdn", msisdn)
        if msisdn in self._rented:
            raise routee(409, _TAKEN, "The number is already rented")
        tariff = application.account.tariff
        application.account.pay(tariff.number_activation + tariff.number_monthly)
        rental = self._rented[msisdn] = Rental(
            offer=offer,
            id=new_uuid(self._carrier.rng),
            application=application,
            since=self._carrier.now(),
            callbacks=_callbacks(payload),
        )
        self._listen(rental)
        return rental.to_wire()

    def update(self, application: Application, msisdn: str, payload: object) -> dict[str, object]:
        """Change where what comes in is told; what is left out is no more, which is a guess: PUT /numbers/my/{msisdn}.

        Raises:
            Refusal: 400000000, 404021001.
        """
        if not isinstance(payload, dict):
            raise invalid({}, _ENTITY)
        problems = _callback_faults(payload)
        if problems:
            raise invalid(problems, _ENTITY)
        rental = self.find(application.account, msisdn)
        rental.callbacks = _callbacks(payload)
        self._listen(rental)
        return rental.to_wire()

    def release(self, application: Application, msisdn: str) -> None:
        """Give a number back: DELETE /numbers/my/{msisdn}.

        Raises:
            Refusal: 404021001.
        """
        rental = self.find(application.account, msisdn)
        del self._rented[rental.offer.msisdn]
        application.account.inbound_urls.pop(rental.offer.msisdn, None)
        self._pool_urls.pop(rental.offer.msisdn, None)
        for tell in self._on_release:
            tell(rental.offer.msisdn)

    def find(self, account: Account, msisdn: str) -> Rental:
        """Find a rented number of *account*.

        Raises:
            Refusal: 404021001.
        """
        rental = self._rented.get(msisdn.removeprefix("+"))
        if rental is None or rental.application.account is not account:
            raise not_found(NOT_FOUND, "number", "msisdn", msisdn)
        return rental

    def of(self, account: Account) -> Iterator[Rental]:
        """Go through the numbers of an account, oldest first."""
        return (rental for rental in self._rented.values() if rental.application.account is account)

    def on_release(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with each number that is given back."""
        self._on_release.append(tell)

    def listen_for_pool(self, msisdn: str, url: str | None) -> None:
        """Let the pool of a rented number be told what comes in, unless it has an address of its own; None for no longer."""
        self._pool_urls[msisdn] = url
        self._listen(self._rented[msisdn])

    def _listen(self, rental: Rental) -> None:
        """Put down where what comes in is to be told (§5.3)."""
        msisdn, urls = rental.offer.msisdn, rental.application.account.inbound_urls
        url = rental.callbacks.get("inboundSmsCallbackUrl") or self._pool_urls.get(msisdn)
        urls.pop(msisdn, None)
        if isinstance(url, str):
            urls[msisdn] = url

    def _page(self, application: Application, query: Mapping[str, str], payload: object) -> dict[str, object]:
        meets = read_filters(payload, _FIELDS, refused=_NO_NOT)
        found = (offer for offer in self._offers.values() if offer.msisdn not in self._rented and meets(offer))
        return page(found, query, lambda offer: offer.to_wire(application.account), fields=_FIELDS)


def _callback_faults(payload: Mapping[str, object]) -> dict[str, str]:
    return checks.faults(
        payload,
        {
            "inboundSmsCallbackUrl": checks.is_url,
            "inboundVoiceCallbackUrl": checks.is_url,
            "voiceInboundStrategy": checks.is_object,
        },
    )


def _callbacks(payload: Mapping[str, object]) -> dict[str, object]:
    return {name: payload[name] for name in _CALLBACKS if payload.get(name) is not None}
