"""`client.numbers`: rented numbers, and the addresses that an application may be used from. Source: routee-api.md §2.16.

The page tells what these calls take, and hardly what they answer: what is not known here is in `raw`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from enum import StrEnum

import attrs

from routee_async import filters, redact
from routee_async.asker import Asker
from routee_async.camel import WHOLE
from routee_async.errors import InvalidInputError
from routee_async.filters import Filter, NumberField, Operator
from routee_async.operations import Operation
from routee_async.protocol import Content


class NumberService(StrEnum):
    """What a number is for."""

    SMS = "Sms"
    VOICE = "Voice"


@attrs.frozen(kw_only=True)
class VoiceInboundStrategy:
    """What happens when somebody calls a number.

    Attributes:
        dialplan_url: Where Routee asks what to do.
        forward_call_to: Number that calls go on to.
        forward_call_to_sip: SIP address that calls go on to.
    """

    dialplan_url: str | None = attrs.field(default=None, repr=redact.mask_url)
    forward_call_to: str | None = attrs.field(default=None, repr=redact.mask_number)
    forward_call_to_sip: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class NumberCallbacks:
    """Where to what comes in on a number is told. What is None is left out.

    Attributes:
        inbound_sms_callback_url: Messages.
        voice_inbound_strategy: Calls.
        inbound_voice_callback_url: News about calls.
    """

    inbound_sms_callback_url: str | None = attrs.field(default=None, repr=redact.mask_url)
    voice_inbound_strategy: VoiceInboundStrategy | None = None
    inbound_voice_callback_url: str | None = attrs.field(default=None, repr=redact.mask_url)


@attrs.frozen(kw_only=True)
class Number:
    """A number that is rented or can be.

    Attributes:
        msisdn: Its digits, without `+`.
        country: ISO 3166-1 alpha-2.
        services: What it is for, such as `Sms`; an open list.
        inbound_sms_callback_url: Where messages that come in are told.
        raw: All that Routee said of it.
    """

    msisdn: str = attrs.field(repr=redact.mask_number)
    country: str | None = None
    services: tuple[str, ...] = ()
    inbound_sms_callback_url: str | None = attrs.field(default=None, repr=redact.mask_url)
    raw: Mapping[str, object] = attrs.field(factory=dict, repr=False, metadata=WHOLE)


@attrs.frozen(kw_only=True)
class Whitelist:
    """Addresses that the application may be used from.

    Attributes:
        whitelisted_ips: The addresses; none for any.
    """

    whitelisted_ips: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Rent(NumberCallbacks):
    msisdn: str


_SCOPE = "virtual_number"
_SECURITY = "account"
_SECTION = "2.16"
_MINE = "/numbers/my"
_ONE = f"{_MINE}/{{}}"
_WHITELIST = "/security/whitelist"
MINE = Operation(
    method="GET",
    path=_MINE,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="numbers.fetch_all",
    query=("page", "size"),
    answer=Number,
)
AVAILABLE = Operation(
    method="GET",
    path="/numbers/available",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="numbers.fetch_available",
    query=("country", "service", "areaCode", "page", "size"),
    answer=Number,
)
SEARCH = Operation(
    method="POST",
    path="/numbers/available/search",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="numbers.search_available",
    query=("page", "size"),
    content=Content.JSON,
    answer=Number,
)
RENT = Operation(
    method="POST",
    path=_MINE,
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="numbers.rent",
    content=Content.JSON,
    answer=Number,
)
UPDATE = Operation(
    method="PUT",
    path=_ONE,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="numbers.update",
    content=Content.JSON,
    answer=object,
)
RELEASE = Operation(method="DELETE", path=_ONE, paid=False, scope=_SCOPE, section=_SECTION, call="numbers.release", answer=object)
SET_WHITELIST = Operation(
    method="POST",
    path=_WHITELIST,
    paid=False,
    scope=_SECURITY,
    section=_SECTION,
    call="numbers.set_whitelist",
    content=Content.JSON,
    answer=object,
)
FETCH_WHITELIST = Operation(
    method="GET",
    path=_WHITELIST,
    paid=False,
    scope=_SECURITY,
    section=_SECTION,
    call="numbers.fetch_whitelist",
    answer=Whitelist,
)
CHANGE_WHITELIST = Operation(
    method="PATCH",
    path=_WHITELIST,
    paid=False,
    scope=_SECURITY,
    section=_SECTION,
    call="numbers.change_whitelist",
    content=Content.JSON,
    answer=object,
)
CLEAR_WHITELIST = Operation(
    method="DELETE",
    path=_WHITELIST,
    paid=False,
    scope=_SECURITY,
    section=_SECTION,
    call="numbers.clear_whitelist",
    answer=object,
)


class Numbers:
    """Rented numbers and the whitelist of addresses, as `client.numbers`."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def fetch_all(self) -> AsyncIterator[Number]:
        """Read the rented numbers of the account, all pages of them, as they are taken."""
        return self._ask.pages(MINE, key=_name)

    def fetch_available(
        self,
        country: str,
        *,
        service: NumberService | None = None,
        area_code: str | None = None,
    ) -> AsyncIterator[Number]:
        """Read the numbers that can be rented, all pages of them, as they are taken.

        Args:
            country: ISO 3166-1 alpha-2.
            service: Only those for messages, or for calls.
            area_code: Only those of an area of the United States.
        """
        query = {"country": country, "service": service, "areaCode": area_code}
        return self._ask.pages(AVAILABLE, query=query, key=_name)

    def search_available(self, conditions: Iterable[Filter]) -> AsyncIterator[Number]:
        """Search the numbers that can be rented, all pages of them, as they are taken.

        Args:
            conditions: `Filter`s on `NumberField`s, one of them on `COUNTRY`; all must be met. `IS_NOT` is not known here.

        Raises:
            InvalidInputError: The conditions make no sense.
        """
        checked = filters.check(conditions, NumberField)
        if not any(each.field is NumberField.COUNTRY for each in checked):
            raise InvalidInputError("conditions", "need a Filter(NumberField.COUNTRY, ...)")
        if any(each.operator is Operator.IS_NOT for each in checked):
            raise InvalidInputError("conditions", "IS_NOT is not known in this search")
        return self._ask.pages(SEARCH, body=filters.to_wire(checked), key=_name)

    async def rent(self, number: str, callbacks: NumberCallbacks = NumberCallbacks()) -> Number:
        """Rent a number, at most once: it costs money each month.

        Args:
            number: With or without `+`.
            callbacks: Where to what comes in is told.

        Raises:
            OutcomeUnknownError: It may have been rented: look with `fetch_all`.
            APIError: Routee said no.
        """
        order = _Rent(msisdn=number.removeprefix("+"), **attrs.asdict(callbacks, recurse=False))
        return await self._ask.one(RENT, body=order)

    async def update(self, number: str, callbacks: NumberCallbacks) -> None:
        """Change where to what comes in is told.

        Args:
            number: With or without `+`.
            callbacks: Where to.

        Raises:
            NotFoundError: It is not rented.
        """
        await self._ask.nothing(UPDATE, number.removeprefix("+"), body=callbacks)

    async def release(self, number: str) -> None:
        """Give a number, with or without `+`, back.

        Raises:
            NotFoundError: It is not rented.
        """
        await self._ask.nothing(RELEASE, number.removeprefix("+"))

    async def set_whitelist(self, addresses: Iterable[str]) -> None:
        """Let the application be used from these addresses alone. Mind to include your own.

        Raises:
            InvalidInputError: There is none; `clear_whitelist` lets every address in.
        """
        await self._ask.nothing(SET_WHITELIST, body=_whitelist(addresses))

    async def change_whitelist(self, addresses: Iterable[str]) -> None:
        """Change the addresses with PATCH. Routee does not say whether this adds to them or replaces them.

        Raises:
            InvalidInputError: There is none.
        """
        await self._ask.nothing(CHANGE_WHITELIST, body=_whitelist(addresses))

    async def fetch_whitelist(self) -> tuple[str, ...]:
        """Read the addresses that the application may be used from; none for any."""
        return (await self._ask.one(FETCH_WHITELIST)).whitelisted_ips

    async def clear_whitelist(self) -> None:
        """Let the application be used from any address."""
        await self._ask.nothing(CLEAR_WHITELIST)


def _name(number: Number) -> str:
    return number.msisdn


def _whitelist(addresses: Iterable[str]) -> Whitelist:
    given = () if isinstance(addresses, str) else tuple(addresses)
    if not given or not all(given):
        raise InvalidInputError("addresses", "must be addresses, at least one")
    return Whitelist(whitelisted_ips=given)
