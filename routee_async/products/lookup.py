"""`client.lookup`: whether a number exists, and where it is. Source: routee-api.md §2.14."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from decimal import Decimal

import attrs

from routee_async import filters, redact
from routee_async.asker import Asker
from routee_async.camel import wire
from routee_async.filters import Filter, LookupField
from routee_async.models import OpenText
from routee_async.operations import Operation
from routee_async.protocol import Content
from routee_async.validation import check_label


class LookupStatus(OpenText):
    """What a look-up has found; an open value, as `MessageStatus` is."""

    QUEUED = "Queued"
    """Not looked up yet."""
    ACTIVE = "Active"
    ABSENT = "Absent"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


@attrs.frozen(kw_only=True)
class StatusInfo:
    """What a look-up has found.

    Attributes:
        status: In a word.
        description: In words.
        updated_at: When.
    """

    status: LookupStatus
    description: str | None = None
    updated_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Country:
    """A country.

    Attributes:
        code: ISO 3166-1 alpha-2.
        name: In English.
        locale_name: In its own language.
        iso_a3_code: ISO 3166-1 alpha-3.
    """

    code: str | None = None
    name: str | None = None
    locale_name: str | None = None
    iso_a3_code: str | None = attrs.field(default=None, metadata=wire("isoA3Code"))


@attrs.frozen(kw_only=True)
class Network:
    """A mobile network.

    Attributes:
        name: Its name.
        mnc: Mobile network code.
    """

    name: str | None = None
    mnc: str | None = None


@attrs.frozen(kw_only=True)
class RoamingNetwork:
    """Where a handset is.

    Attributes:
        state: `NotRoaming` and others; an open list.
        country: Name of the country.
        country_iso_code: ISO 3166-1 alpha-2.
        mcc: Mobile country code.
        mnc: Mobile network code.
        network: Name of the network.
    """

    state: str | None = None
    country: str | None = None
    country_iso_code: str | None = None
    mcc: str | None = attrs.field(default=None, metadata=wire("mcc", "mmc"))  # `mmc` in the reference: a slip, read as well
    mnc: str | None = None
    network: str | None = None


@attrs.frozen(kw_only=True)
class LookupDetails:
    """What is known of a number.

    Attributes:
        mcc: Mobile country code.
        country: Its country.
        network: The network that it was given out by.
        imsi: International mobile subscriber identity.
        ported: Whether it has changed its network.
        ported_network: The network that it has changed to.
        roaming_network: Where it is.
    """

    mcc: str | None = None
    country: Country | None = None
    network: Network | None = None
    imsi: str | None = attrs.field(default=None, repr=False)
    ported: bool | None = None
    ported_network: Network | None = None
    roaming_network: RoamingNetwork | None = None


@attrs.frozen(kw_only=True)
class NumberLookup:
    """A look-up of a number.

    Attributes:
        lookup_id: Its id.
        to: The number in E.164.
        label: The caller's label.
        created_at: When it was asked for.
        application_name: Application that asked.
        status_info: What was found; its status may be `Queued` at first.
        details: What is known of the number; None where nothing is.
        price: What it cost; None in the first answer.
    """

    lookup_id: str
    to: str | None = attrs.field(default=None, repr=redact.mask_number)
    label: str | None = None
    created_at: datetime | None = None
    application_name: str | None = None
    status_info: StatusInfo | None = None
    details: LookupDetails | None = None
    price: Decimal | None = None


@attrs.frozen(kw_only=True)
class ValidationDetails:
    """What kind of number it is.

    Attributes:
        type: `mobile` and others; an open list.
        country_code: ISO 3166-1 alpha-2.
        country_prefix: Digits after the `+`.
        network: Name of the network.
        network_code: Mobile country code and network code.
        ported: Whether it has changed its network.
    """

    type: str | None = None
    country_code: str | None = None
    country_prefix: str | None = None
    network: str | None = None
    network_code: str | None = None
    ported: bool | None = None


@attrs.frozen(kw_only=True)
class NumberFormats:
    """How a number is written.

    Attributes:
        international: With spaces.
        national: As it is dialled in its country.
        rfc3966: As a `tel:` link.
    """

    international: str | None = attrs.field(default=None, repr=redact.mask_number)
    national: str | None = attrs.field(default=None, repr=redact.mask_number)
    rfc3966: str | None = attrs.field(default=None, repr=redact.mask_number)


@attrs.frozen(kw_only=True)
class NumberPlace:
    """Where a number belongs.

    Attributes:
        continent: Its name.
        country: Its name.
        country_iso2: ISO 3166-1 alpha-2.
        country_iso3: ISO 3166-1 alpha-3.
        host: As asked.
    """

    continent: str | None = None
    country: str | None = None
    country_iso2: str | None = attrs.field(default=None, metadata=wire("countryISO2Code"))
    country_iso3: str | None = attrs.field(default=None, metadata=wire("countryISO3Code"))
    host: str | None = None


@attrs.frozen(kw_only=True)
class NumberValidation:
    """A check of a number.

    Attributes:
        valid: Whether it can exist.
        number_validator_id: Id of the check.
        to: The number.
        get_ported: Whether it was asked if the number was ported.
        created_at: When.
        application_name: Application that asked.
        details: What kind of number it is.
        formats: How it is written.
        geo: Where it belongs.
    """

    valid: bool
    number_validator_id: str | None = None
    to: str | None = attrs.field(default=None, repr=redact.mask_number)
    get_ported: bool | None = None
    created_at: datetime | None = None
    application_name: str | None = None
    details: ValidationDetails | None = None
    formats: NumberFormats | None = None
    geo: NumberPlace | None = None


_SCOPE = "lookup"
_SECTION = "2.14"
START = Operation(
    method="POST",
    path="/lookup",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="lookup.send",
    content=Content.JSON,
    answer=NumberLookup,
)
FETCH = Operation(
    method="GET",
    path="/lookup/{}",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="lookup.fetch",
    answer=NumberLookup,
)
SEARCH = Operation(
    method="POST",
    path="/lookup/tracking",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="lookup.search",
    query=("dateStart", "dateEnd", "page", "size"),
    content=Content.JSON,
    answer=NumberLookup,
)
VALIDATE = Operation(
    method="POST",
    path="/numbervalidator",
    paid=True,
    scope="number_validator",
    section=_SECTION,
    call="lookup.validate",
    content=Content.JSON,
    answer=NumberValidation,
)


class Lookup:
    """Look-ups of numbers, as `client.lookup`. Each costs money, and is asked for at most once."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def send(self, to: str, *, label: str | None = None) -> NumberLookup:
        """Look a number up in its network.

        Args:
            to: The number.
            label: Free text of 1 to 350 characters.

        Returns:
            What was found; where its status is still `Queued`, `fetch` it later.

        Raises:
            InvalidInputError: The number or the label makes no sense; nothing was written.
            OutcomeUnknownError: It may have been made, and charged.
            APIError: Routee said no.
        """
        body = {"to": self._ask.recipient(to)}
        if label is not None:
            check_label(label)
            body["label"] = label
        return await self._ask.one(START, body=body, reference=label)

    async def fetch(self, lookup_id: str) -> NumberLookup:
        """Read a look-up.

        Raises:
            NotFoundError: There is no such look-up.
        """
        return await self._ask.one(FETCH, lookup_id)

    def search(
        self,
        conditions: Iterable[Filter] = (),
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> AsyncIterator[NumberLookup]:
        """Search look-ups, all pages of them, as they are taken.

        Routee ignores conditions on fields that it does not know; those on `LookupField.LABEL`, `LOOKUP_ID` and `STATUS` are
        compared once more here, the others cannot be.

        Args:
            conditions: `Filter`s on `LookupField`s, all of which must be met.
            start: From this moment, with time zone; None for the beginning.
            end: To this moment; None for now.

        Raises:
            InvalidInputError: The conditions make no sense.
        """
        checked = filters.check(conditions, LookupField)
        query = {"dateStart": start, "dateEnd": end}
        rows = self._ask.pages(SEARCH, query=query, body=filters.to_wire(checked), key=lambda row: row.lookup_id)
        return _meeting(rows, checked)

    async def validate(self, to: str, *, ported: bool = False, host: str | None = None) -> NumberValidation:
        """Check whether a number can exist, and what kind of number it is.

        Args:
            to: The number with `+`; it may be one that cannot exist.
            ported: Ask as well whether it was ported, which costs more.
            host: Host name that Routee gives back.

        Raises:
            OutcomeUnknownError: It may have been made, and charged.
            APIError: Routee said no.
        """
        body: dict[str, object] = {"to": to, "getPorted": ported}
        if host is not None:
            body["host"] = host
        return await self._ask.one(VALIDATE, body=body)


async def _meeting(rows: AsyncIterator[NumberLookup], conditions: Iterable[Filter]) -> AsyncIterator[NumberLookup]:
    async for row in rows:
        values = {
            LookupField.LABEL.value: row.label,
            LookupField.LOOKUP_ID.value: row.lookup_id,
            LookupField.STATUS.value: None if row.status_info is None else row.status_info.status.value,
        }
        if all(filters.compare(values[each.field.value], each) for each in conditions if each.field.value in values):
            yield row
