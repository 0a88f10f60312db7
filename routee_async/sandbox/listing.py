"""Lists of anything: filtered, sorted, cut into pages, as the searches and lists of all products but SMS have them.

Source: routee-api.md §2.10, §2.11, §2.14, §2.17.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from routee_async.sandbox.answers import invalid
from routee_async.sandbox.search import Window, page_to_wire, read_date, read_filter, read_paging

T = TypeVar("T")
Values = Callable[[T], tuple[str, ...]]
"""Reads a field: none where it is absent, several where it is a list. One that fits is enough; one that is unwanted is too many."""
Fields = Mapping[str, Values[T]]


def read_filters(
    payload: object, fields: Fields[T], *, fold: bool = False, refused: frozenset[str] = frozenset()
) -> Callable[[T], bool]:
    """Read the JSON array of filters, all of which must be met. A field that is not searchable is ignored (§2.14).

    Args:
        payload: What the body held.
        fields: What can be searched.
        fold: Compare without regard to case.
        refused: Operators that this search does not have.

    Raises:
        Refusal: 400000000: not an array of well-formed filters.
    """
    if not isinstance(payload, list):
        raise invalid({"filters": "must be an array"})
    conditions = [_read_condition(entry, fields, fold=fold, refused=refused) for entry in payload]
    return lambda item: all(condition(item) for condition in conditions)


def _read_condition(entry: object, fields: Fields[T], *, fold: bool, refused: frozenset[str]) -> Callable[[T], bool]:
    given = dict(entry) if isinstance(entry, dict) else entry
    if fold and isinstance(given, dict) and isinstance(given.get("searchTerm"), str):
        given["searchTerm"] = given["searchTerm"].lower()
    name, match = read_filter(given)
    operator = given.get("searchOperator") if isinstance(given, dict) else None
    if operator in refused:
        raise invalid({"searchOperator": f"unknown: {operator}"})
    values = fields.get(name)
    if values is None:
        return lambda _: True
    quantifier = all if operator == "is_not" else any
    return lambda item: quantifier(match(value.lower() if fold else value) for value in values(item))


def read_range(query: Mapping[str, str]) -> Window:
    """Read `dateStart` and `dateEnd`, each open when it is left out.

    Raises:
        Refusal: 400000000: not a date.
    """
    return Window(read_date(query, "dateStart", -math.inf), read_date(query, "dateEnd", math.inf))


def page(
    items: Iterable[T],
    query: Mapping[str, str],
    to_wire: Callable[[T], dict[str, object]],
    *,
    fields: Fields[T] | None = None,
    default: int = 20,
) -> dict[str, object]:
    """Write the page of *items* that the query asks for.

    Args:
        items: All of them, in the order of their making.
        query: `page`, `size` and `sort`.
        to_wire: Writes one.
        fields: What they can be sorted by; an unknown one is ignored.
        default: Size of a page that names none.
    """
    paging = read_paging(query, default=default)
    found = list(items)
    name, _, direction = paging.sort.partition(",")
    values = (fields or {}).get(name)
    if values is not None:
        found.sort(key=values, reverse=direction == "desc")
    start = paging.number * paging.size
    return page_to_wire([to_wire(item) for item in found[start : start + paging.size]], len(found), paging)
