"""Reading and writing classes as they are declared."""

import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import MalformedResponseError, camel
from routee_async.camel import MINUTES, WHOLE, wire
from routee_async.models import Callback, OpenText, UrlShortener


class Colour(OpenText):
    """An open value."""

    RED = "Red"


@attrs.frozen(kw_only=True)
class Inner:
    """A part of it."""

    the_name: str
    count: int = 0


@attrs.frozen(kw_only=True)
class Outer:
    """One field of each kind."""

    the_id: str
    amount: Decimal | None = None
    flag: bool = False
    colour: Colour | None = None
    moment: datetime | None = None
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    counts: Mapping[str, int] = attrs.field(factory=dict)
    ratio: float | None = None
    moved: str | None = attrs.field(default=None, metadata=wire("new", "old"))
    ttl: timedelta | None = attrs.field(default=None, metadata=MINUTES)
    raw: Mapping[str, object] = attrs.field(factory=dict, metadata=WHOLE)


FULL: dict[str, object] = {
    "theId": "a",
    "amount": "1.50",
    "flag": "true",
    "colour": "Blue",
    "moment": "2026-01-14T08:15:02.3Z",
    "inner": {"theName": "x", "count": "3"},
    "many": [{"theName": "y"}],
    "counts": {"GR": 2},
    "ratio": 0.5,
    "old": "o",
    "ttl": 1.5,
    "more": [1],
}


def test_everything_is_read() -> None:
    """Names, numbers in texts, open values, moments, nested classes, an older name, and the whole object."""
    read = camel.read(FULL, Outer)
    assert (read.the_id, read.amount, read.flag, read.colour) == ("a", Decimal("1.50"), True, "Blue")
    assert read.moment == datetime(2026, 1, 14, 8, 15, 2, 300_000, tzinfo=UTC)
    assert (read.inner, read.many, read.counts) == (Inner(the_name="x", count=3), (Inner(the_name="y"),), {"GR": 2})
    assert (read.ratio, read.moved, read.ttl) == (0.5, "o", timedelta(seconds=90))
    assert read.raw == FULL
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - our own pickle


@pytest.mark.parametrize("bad", [None, [], {}, "nonsense", -1, True], ids=repr)
@pytest.mark.parametrize("name", ["amount", "moment", "inner", "many", "counts", "ttl"])
def test_secondary_fields_are_read_leniently(name: str, bad: object) -> None:
    """Whatever stands in a field that can be done without, the rest is read."""
    assert camel.read({"theId": "a", name: bad}, Outer).the_id == "a"


def test_missing_or_unreadable_is_the_default() -> None:
    """Null, nothing and nonsense are the same."""
    for payload in ({"theId": "a"}, {"theId": "a", "many": None, "counts": 3, "flag": "maybe"}):
        assert attrs.evolve(camel.read(payload, Outer), raw={}) == Outer(the_id="a")


def test_first_of_two_names_counts() -> None:
    """Where both names are there, today's is read."""
    assert camel.read({"theId": "a", "new": "n", "old": "o"}, Outer).moved == "n"


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({}, "required field missing @ $.theId"),
        ({"theId": 7}, "expected str @ $.theId"),
        ([], "expected an object, not list @ $"),
    ],
)
def test_what_cannot_be_done_without(payload: object, problem: str) -> None:
    """A payload that means nothing is refused, with the place in the names of the payload."""
    with pytest.raises(MalformedResponseError) as caught:
        camel.read(payload, Outer)
    assert problem.split(" @ ", maxsplit=1)[0] in str(caught.value)
    assert problem.split(" @ ")[1] in str(caught.value)


def test_writing_leaves_out_what_was_left_alone() -> None:
    """Only what differs from its default is written, and moments in UTC."""
    assert camel.write(Outer(the_id="a")) == {"theId": "a"}
    athens = timezone(timedelta(hours=2))
    full = Outer(
        the_id="a",
        moment=datetime(2026, 1, 14, 10, 0, tzinfo=athens),
        ttl=timedelta(minutes=90),
        moved="n",
        inner=Inner(the_name="x"),
        amount=Decimal("1.5"),
        raw={"not": "written"},
    )
    assert camel.write(full) == {
        "theId": "a",
        "moment": "2026-01-14T08:00:00Z",
        "ttl": 90,
        "new": "n",
        "inner": {"theName": "x"},
        "amount": "1.5",
    }


def test_strategy_is_always_said() -> None:
    """An application may have another default strategy than we have."""
    assert camel.write(Callback("https://x.example/")) == {"url": "https://x.example/", "strategy": "OnChange"}
    assert camel.write_url_shortener(UrlShortener(validity=timedelta(hours=1))) == {"urlValidity": 3600}
    assert camel.write_minutes(timedelta(seconds=30)) == 0.5


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*FULL, "new"), ANY_JSON)))
def test_no_payload_raises_anything_else(payload: dict[str, object]) -> None:
    """Whatever comes, it is read or called malformed."""
    try:
        read = camel.read(payload, Outer)
    except MalformedResponseError:
        assert not isinstance(payload.get("theId"), str)
    else:
        assert read.the_id == payload["theId"]
