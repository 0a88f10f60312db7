"""Filters, ranges and pages in `sandbox.listing`."""

import pytest

from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.listing import page, read_filters, read_range

FIELDS = {
    "name": lambda item: (item,) if item else (),
    "letters": tuple,
}
ITEMS = ["Anna", "Bert", ""]


def found(*filters: dict[str, str], fold: bool = False) -> list[str]:
    """What meets all *filters*."""
    meets = read_filters(list(filters), FIELDS, fold=fold)
    return [item for item in ITEMS if meets(item)]


def one(name: str, term: str, operator: str | None = None) -> dict[str, str]:
    """One filter."""
    return {"fieldName": name, "searchTerm": term} | ({} if operator is None else {"searchOperator": operator})


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        (one("name", "Anna"), ["Anna"]),
        (one("name", "n", "contains"), ["Anna"]),
        (one("name", "anna", "is"), []),
        (one("name", "Anna", "is_not"), ["Bert", ""]),
        (one("letters", "e"), ["Bert"]),
        (one("letters", "e", "is_not"), ["Anna", ""]),
        (one("age", "7"), ITEMS),
    ],
)
def test_filters(entry: dict[str, str], names: list[str]) -> None:
    """One value of a list is enough to fit, and enough to be unwanted; an unknown field is ignored (§2.14)."""
    assert found(entry) == names


def test_all_filters_must_be_met() -> None:
    """Several filters are combined with AND, and without any everything is found."""
    assert found(one("letters", "n"), one("name", "B", "starts_with")) == []
    assert found() == ITEMS


def test_without_regard_to_case() -> None:
    """Where a search is documented so, case does not matter."""
    assert found(one("name", "ANNA"), fold=True) == ["Anna"]
    assert found(one("name", "aNNa", "is_not"), fold=True) == ["Bert", ""]


@pytest.mark.parametrize(
    "payload", [{}, ["name"], [{"fieldName": "name"}], [one("name", "x", "like")], [one("name", "x", "is_not")]]
)
@pytest.mark.parametrize("fold", [False, True])
def test_bad_filters(payload: object, *, fold: bool) -> None:
    """Anything but an array of well-formed filters is refused, an operator that the search does not have included."""
    with pytest.raises(Refusal) as caught:
        read_filters(payload, FIELDS, fold=fold, refused=frozenset({"is_not"}))
    assert caught.value.payload["code"] == "400000000"


def test_an_open_range() -> None:
    """An end that is left out is open."""
    window = read_range({"dateStart": "1970-01-01T00:01Z"})
    assert (window.start, window.end) == (60.0, float("inf"))
    assert read_range({"dateEnd": "1970-01-01T00:01:30+00:00"}).end == 90.0


def test_pages_and_their_order() -> None:
    """A page is sorted by a known field, `desc` after a comma turns that round, and an unknown field changes nothing."""

    def names(sort: str) -> object:
        return page(ITEMS, {"sort": sort, "size": "2"}, lambda item: {"name": item}, fields=FIELDS)["content"]

    assert names("name") == [{"name": ""}, {"name": "Anna"}]
    assert names("name,desc") == [{"name": "Bert"}, {"name": "Anna"}]
    assert names("age") == [{"name": "Anna"}, {"name": "Bert"}]
    assert page(ITEMS, {}, lambda item: {"name": item}, default=10)["size"] == 10
