"""The search of POST /sms/tracking: filters, window and pages. Source: routee-api.md §2.11, §2.10."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from routee_async.sandbox.answers import invalid
from routee_async.sandbox.messages import Message
from routee_async.sandbox.timeline import State

WEEK: Final = 7 * 86400
"""Seconds that can be searched."""
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_SLACK: Final = 60.0
# The border moves while a request travels: without this, a client that asks for exactly seven days would be refused.

Match = Callable[[str | None], bool]

OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "is": lambda value, term: value == term,
    "contains": lambda value, term: term in value,
    "starts_with": lambda value, term: value.startswith(term),
    "ends_with": lambda value, term: value.endswith(term),
}
"""All but `is_not`, which is the only one that an absent value meets."""

_MESSAGE_FIELDS: Final[Mapping[str, Callable[[Message], str | None]]] = {
    "to": lambda message: message.to,
    "label": lambda message: message.label,
    "direction": lambda message: message.direction,
    "campaign": lambda message: None if message.campaign is None else message.campaign.name,
}
_PART_FIELDS: Final[Mapping[str, Callable[[Message, int, State], str | None]]] = {
    "smsId": lambda message, index, _: message.sms_ids[index],
    "status.status": lambda _, __, where: where.status,
}


@attrs.frozen
class Filters:
    """What rows must meet, all of it.

    Attributes:
        message: Conditions on fields that all parts share.
        part: Conditions on fields of one part.
    """

    message: tuple[tuple[Callable[[Message], str | None], Match], ...]
    part: tuple[tuple[Callable[[Message, int, State], str | None], Match], ...]

    def meets(self, message: Message) -> bool:
        """Tell whether the fields that all parts share fit."""
        return all(match(read(message)) for read, match in self.message)

    def meets_part(self, message: Message, index: int, where: State) -> bool:
        """Tell whether the fields of part *index*, counted from 0, fit."""
        return all(match(read(message, index, where)) for read, match in self.part)


def read_filters(payload: object) -> Filters:
    """Read the JSON array of filters. A field that is not searchable is ignored, as on the sister endpoint (§8 #34).

    Raises:
        Refusal: 400000000: not an array of well-formed filters. The documentation tells nothing of this.
    """
    if not isinstance(payload, list):
        raise invalid({"filters": "must be an array"})
    whole, part = [], []
    for entry in payload:
        name, match = _read_filter(entry)
        if name in _MESSAGE_FIELDS:
            whole.append((_MESSAGE_FIELDS[name], match))
        elif name in _PART_FIELDS:
            part.append((_PART_FIELDS[name], match))
    return Filters(tuple(whole), tuple(part))


def _read_filter(entry: object) -> tuple[str, Match]:
    if not isinstance(entry, dict):
        raise invalid({"filters": "must hold objects"})
    name, term, operator = entry.get("fieldName"), entry.get("searchTerm"), entry.get("searchOperator") or "is"
    if not isinstance(name, str) or not isinstance(term, str):
        raise invalid({"fieldName" if not isinstance(name, str) else "searchTerm": "may not be empty"})
    if operator == "is_not":
        return name, lambda value: value != term
    if operator not in OPERATORS:
        raise invalid({"searchOperator": f"unknown: {operator}"})
    compare = OPERATORS[operator]
    return name, lambda value: value is not None and compare(value, term)


@attrs.frozen
class Window:
    """The time that is searched, both ends included.

    Attributes:
        start: Epoch seconds.
        end: Epoch seconds.
    """

    start: float
    end: float


def read_window(query: Mapping[str, str], now: float, *, refuse_outside: bool = True) -> Window:
    """Read `dateStart` and `dateEnd`; what is missing is the last seven days (§8 #10).

    Args:
        query: Query parameters.
        now: Epoch seconds.
        refuse_outside: Refuse a start before the last seven days; otherwise cut it. The documentation tells neither.

    Raises:
        Refusal: 400000000: not a date, the end before the start, or a start too old.
    """
    start = _read_date(query, "dateStart", now - WEEK)
    end = _read_date(query, "dateEnd", now)
    if end < start:
        raise invalid({"dateEnd": "is before dateStart"})
    if start < now - WEEK - _SLACK and refuse_outside:
        raise invalid({"dateStart": "is more than 7 days ago"})
    return Window(max(start, now - WEEK - _SLACK), end)


def _read_date(query: Mapping[str, str], name: str, default: float) -> float:
    text = query.get(name)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid({name: "is not a date"}) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@attrs.frozen
class Paging:
    """Which page is asked for.

    Attributes:
        number: Counted from 0.
        size: Rows of a page.
        sort: Name of a field, and `desc` after a comma; empty for the order of acceptance. The syntax is Spring's usual one.
    """

    number: int
    size: int
    sort: str = ""


def read_paging(query: Mapping[str, str], *, default: int = 20, most: int = 2000, refuse_larger: bool = False) -> Paging:
    """Read `page`, `size` and `sort`; what is no number counts as left out, as Spring usually has it.

    Raises:
        Refusal: 400000000: larger than *most* and *refuse_larger*; otherwise it is cut.
    """
    size = _whole(query.get("size"), 1, default)
    if size > most and refuse_larger:
        raise invalid({"size": f"may not be more than {most}"})
    return Paging(_whole(query.get("page"), 0, 0), min(size, most), query.get("sort", ""))


def _whole(text: str | None, least: int, default: int) -> int:
    if text is None or not _WHOLE.fullmatch(text):
        return default
    return int(text) if int(text) >= least else default


Row = tuple[Message, int, State]


def arrange(rows: Iterable[Row], sort: str) -> Sequence[Row]:
    """Sort *rows* by a searchable field; an unknown one is ignored."""
    name, _, direction = sort.partition(",")
    found = list(rows)
    if name in _MESSAGE_FIELDS:
        read = _MESSAGE_FIELDS[name]
        found.sort(key=lambda row: read(row[0]) or "", reverse=direction == "desc")
    elif name in _PART_FIELDS:
        read_part = _PART_FIELDS[name]
        found.sort(key=lambda row: read_part(*row) or "", reverse=direction == "desc")
    return found


def page_to_wire(content: list[dict[str, object]], total: int, paging: Paging) -> dict[str, object]:
    """Write the page object with its eight keys (§2.10)."""
    pages = -(-total // paging.size)
    return {
        "content": content,
        "totalPages": pages,
        "totalElements": total,
        "last": paging.number + 1 >= pages,
        "numberOfElements": len(content),
        "first": paging.number == 0,
        "size": paging.size,
        "number": paging.number,
    }
