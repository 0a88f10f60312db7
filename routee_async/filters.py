"""Filters of Routee's searches, and whether a row meets them. Pure.

Routee ignores a filter whose field it does not know and returns everything (routee-api.md §2.14; assumed of messages too, §8
row 34), so what comes back is always compared once more.

The label on the wire of a message that was sent in a batch begins with our own reference (`references.py`). A filter on the label
means the caller's label: Routee is asked for more than that, and the rows are compared with the label as the caller knows it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import attrs

from routee_async import redact
from routee_async.errors import InvalidInputError
from routee_async.models import TrackedPart

_WEEK = timedelta(days=7)
_LATENESS = timedelta(minutes=1)
"""How much older than seven days a start may be that was seven days old when it was written down."""
_TRAVEL = timedelta(seconds=10)
"""What a request may take: a start is cut by that, so that it is within seven days when it arrives."""


class Operator(StrEnum):
    """How a field is compared."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"


class Field(StrEnum):
    """What messages are searched by. Source: routee-api.md §2.11."""

    SMS_ID = "smsId"
    TO = "to"
    STATUS = "status.status"
    DIRECTION = "direction"
    LABEL = "label"
    """The caller's label."""
    CAMPAIGN = "campaign"
    """Name of the campaign."""


class LookupField(StrEnum):
    """What look-ups of numbers are searched by. Source: routee-api.md §2.14."""

    LOOKUP_ID = "lookupID"
    NETWORK = "network"
    LABEL = "label"
    COUNTRY = "country"
    STATUS = "status"
    PORTED = "ported"
    IMSI = "imsi"
    ROAMING = "roaming"
    GROUPS = "groups"
    CAMPAIGN_NAME = "campaignName"
    CAMPAIGN_ID = "campaignID"


class FailoverField(StrEnum):
    """What failover flows are searched by. Source: routee-api.md §2.17."""

    TYPE = "type"
    TO = "to"
    STATUS = "status"
    TERMINATION_CHANNEL = "terminationChannel"


class NumberField(StrEnum):
    """What numbers to rent are searched by; `IS_NOT` is not known there. Source: routee-api.md §2.16."""

    COUNTRY = "country"
    """Required."""
    MSISDN = "msisdn"
    SERVICE = "service"
    AREA_CODE = "areaCode"
    TYPE = "type"
    """`VLN` or `TOLL_FREE`."""


@attrs.frozen
class Filter:
    """One condition of a search; all of several must be met.

        Filter(Field.LABEL, "job-", Operator.STARTS_WITH)

    Attributes:
        field: What is compared: of `search_tracking()` a `Field`, of other searches their own.
        value: What with.
        operator: How.
    """

    field: StrEnum
    value: str = attrs.field(repr=redact.mask_body)
    operator: Operator = Operator.IS


def check(filters: Any, fields: type[StrEnum]) -> tuple[Filter, ...]:  # noqa: ANN401 - whatever a caller hands in
    """Check the filters of a search.

    Args:
        filters: What a caller handed in.
        fields: What this search knows.

    Raises:
        InvalidInputError: They are no filters, or not of this search.
    """
    if isinstance(filters, Filter):
        filters = (filters,)
    if not isinstance(filters, Iterable):
        raise InvalidInputError("filters", f"must be filters, not {type(filters).__name__}")
    checked = []
    for each in filters:
        if not isinstance(each, Filter) or not isinstance(each.field, fields):
            raise InvalidInputError("filters", f"must be of Filter({fields.__name__}.…, value)")
        value: Any = each.value
        if not isinstance(value, str) or not value or each.operator not in set(Operator):
            raise InvalidInputError("filters", "value must be a text that is not empty, operator an Operator")
        checked.append(each)
    return tuple(checked)


def to_wire(filters: Iterable[Filter]) -> list[dict[str, str]]:
    """Write filters as the body of a search."""
    return [{"fieldName": each.field.value, "searchTerm": each.value, "searchOperator": each.operator.value} for each in filters]


_ASKED_FOR: Mapping[Operator, Operator] = {
    Operator.IS: Operator.CONTAINS,
    Operator.STARTS_WITH: Operator.CONTAINS,
    Operator.CONTAINS: Operator.CONTAINS,
    Operator.ENDS_WITH: Operator.ENDS_WITH,
}


def to_wire_of_messages(filters: Iterable[Filter]) -> list[dict[str, str]]:
    """Write filters as the body of a search for messages: those on the label so that a reference may stand in front of it."""
    asked = []
    for each in filters:
        if each.field is Field.LABEL:
            if each.operator is Operator.IS_NOT:
                continue
            asked.append(attrs.evolve(each, operator=_ASKED_FOR[each.operator]))
        else:
            asked.append(each)
    return to_wire(asked)


_READ: Mapping[Field, Callable[[TrackedPart], str | None]] = {
    Field.SMS_ID: lambda part: part.sms_id,
    Field.TO: lambda part: part.to,
    Field.STATUS: lambda part: part.status.value,
    Field.DIRECTION: lambda part: part.direction,
    Field.LABEL: lambda part: part.label,
    Field.CAMPAIGN: lambda part: part.campaign_name,
}
_COMPARE: Mapping[Operator, Callable[[str, str], bool]] = {
    Operator.IS: lambda value, term: value == term,
    Operator.IS_NOT: lambda value, term: value != term,
    Operator.CONTAINS: lambda value, term: term in value,
    Operator.STARTS_WITH: lambda value, term: value.startswith(term),
    Operator.ENDS_WITH: lambda value, term: value.endswith(term),
}


def meets(part: TrackedPart, filters: Iterable[Filter]) -> bool:
    """Tell whether a row, its label as the caller knows it, meets all filters; numbers are compared without their `+`."""
    return all(_meets(part, each) for each in filters)


def _meets(part: TrackedPart, each: Filter) -> bool:
    assert isinstance(each.field, Field)  # noqa: S101 - for the type checker; `check` has seen to it
    value = _READ[each.field](part)
    if each.field is Field.TO and value is not None:
        return compare(value.lstrip("+"), attrs.evolve(each, value=each.value.lstrip("+")))
    return compare(value, each)


def compare(value: str | None, each: Filter) -> bool:
    """Tell whether a value, None where there is none, meets a filter."""
    if value is None:
        return each.operator is Operator.IS_NOT
    return _COMPARE[each.operator](value, each.value)


def check_range(start: object, end: object) -> tuple[datetime, datetime]:
    """Check the two ends of a range.

    Raises:
        InvalidInputError: They are no moments with a time zone, or in the wrong order.
    """
    for name, moment in (("start", start), ("end", end)):
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise InvalidInputError(name, "must be a datetime with a time zone: datetime(..., tzinfo=UTC)")
    assert isinstance(start, datetime)  # noqa: S101 - for the type checker
    assert isinstance(end, datetime)  # noqa: S101 - for the type checker
    if end <= start:
        raise InvalidInputError("end", "must be after start")
    return start, end


def check_window(start: object, end: object, now: datetime) -> tuple[datetime, datetime]:
    """Check the range of a search for messages, and bring its start within what the search still sees when it arrives.

    Raises:
        InvalidInputError: As `check_range`, or the start is more than seven days ago: older messages are not found.

    Source: routee-api.md §2.11.
    """
    begin, finish = check_range(start, end)
    if now - begin > _WEEK + _LATENESS:
        raise InvalidInputError("start", "must be within the last 7 days: Routee's search sees nothing older")
    return max(begin, now - _WEEK + _TRAVEL), finish
