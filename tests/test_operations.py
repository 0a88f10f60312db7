"""Requests and answers that follow from how an endpoint is declared."""

import json
from collections.abc import Mapping  # noqa: TC003 - for the type of a local
from datetime import UTC, datetime
from enum import Enum

import attrs
import pytest

from routee_async import InvalidInputError, MalformedResponseError, OutcomeUnknownError, operations
from routee_async.operations import Operation, Rows
from routee_async.protocol import Content, Response


@attrs.frozen(kw_only=True)
class Thing:
    """An answer."""

    the_id: str
    size: int | None = None


class Colour(Enum):
    """A closed value."""

    RED = "Red"


READ = Operation(method="GET", path="/things/{}/{}", paid=False, query=("from", "on"), answer=Thing)
MAKE = Operation(method="POST", path="/things", paid=True, content=Content.JSON, answer=Thing)
FORM = Operation(method="POST", path="/things", paid=True, content=Content.FORM, answer=Thing)


def answer(payload: object) -> Response:
    """A good answer."""
    return Response(200, {}, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def test_path_and_query() -> None:
    """Ids are quoted, parameters written as Routee writes them, and those that are None left out."""
    query: Mapping[str, operations.Scalar] = {"from": datetime(2026, 1, 14, tzinfo=UTC), "on": True}
    assert operations.build(READ, "a/b", "ä", query=query).path == "/things/a%2Fb/%C3%A4?from=2026-01-14T00%3A00%3A00Z&on=true"
    assert operations.build(READ, "a", "b", query={"from": None}).path == "/things/a/b"
    assert operations.build(READ, "a", "b", query={"from": Colour.RED, "on": 3}).path == "/things/a/b?from=Red&on=3"


@pytest.mark.parametrize("text", ["", " ", ".", "..", None, 7])
def test_ids_that_lead_elsewhere(text: str) -> None:
    """An id that is empty would delete, or read, something else."""
    with pytest.raises(InvalidInputError):
        operations.build(READ, "a", text)


def test_unknown_parameters_and_naive_moments() -> None:
    """A slip in a name does not go unnoticed, nor does a moment whose zone nobody knows."""
    with pytest.raises(InvalidInputError, match="knows no to"):
        operations.build(READ, "a", "b", query={"to": 1})
    with pytest.raises(InvalidInputError, match="time zone"):
        operations.build(READ, "a", "b", query={"from": datetime(2026, 1, 14)})  # noqa: DTZ001 - on purpose


def test_bodies() -> None:
    """Objects, lists and values of ours become JSON; a mapping becomes a form; nothing stays nothing."""
    made = operations.build(MAKE, body={"things": (Thing(the_id="a"),), "colour": Colour.RED, "n": 1})
    assert json.loads(made.body or b"") == {"things": [{"theId": "a"}], "colour": "Red", "n": 1}
    assert made.content_type == "application/json"
    assert json.loads(operations.build(MAKE, body=Thing(the_id="a", size=1)).body or b"") == {"theId": "a", "size": 1}
    form = operations.build(FORM, body={"answer": "1 2", "on": False})
    assert (form.body, form.content_type) == (b"answer=1+2&on=false", "application/x-www-form-urlencoded")
    assert operations.build(MAKE).body is None


@pytest.mark.parametrize("payload", [{}, [], b"", b"<html>", {"theId": 1}], ids=repr)
def test_unbelievable_answer(payload: object) -> None:
    """To a read it is malformed; to what is paid the outcome is unknown: it may have been carried out."""
    with pytest.raises(MalformedResponseError):
        operations.read_one(answer(payload), READ)
    with pytest.raises(OutcomeUnknownError) as caught:
        operations.read_one(answer(payload), MAKE, "ref")
    assert (caught.value.reference, caught.value.status) == ("ref", 200)


def test_lists() -> None:
    """A list, or a page that is taken for one."""
    things = (Thing(the_id="a"),)
    assert operations.read_list(answer([{"theId": "a"}]), READ) == things
    assert operations.read_list(answer({"content": [{"theId": "a"}]}), READ) == things
    for payload in ({}, "x", {"content": 3}):
        with pytest.raises(MalformedResponseError):
            operations.read_list(answer(payload), READ)


@pytest.mark.parametrize(
    ("payload", "is_last"),
    [
        ({"content": [{"theId": "a"}, {"theId": "b"}], "last": False}, False),
        ({"content": [{"theId": "a"}, {"theId": "b"}], "last": True}, True),
        ({"content": [{"theId": "a"}, {"theId": "b"}]}, False),
        ({"content": [{"theId": "a"}]}, True),
        ({"content": [], "last": False}, True),
        ([{"theId": "a"}, {"theId": "b"}], True),
    ],
    ids=["more", "last", "full", "not full", "empty", "bare list"],
)
def test_pages(payload: object, is_last: bool) -> None:  # noqa: FBT001 - what is expected
    """The page says whether it is the last, or its length does; one that is empty always is."""
    page = operations.read_page(answer(payload), READ, 2)
    assert isinstance(page, Rows)
    assert page.is_last is is_last


def test_no_page() -> None:
    """Anything else is malformed."""
    for payload in ({}, "x", {"content": 3}, {"content": [3]}):
        with pytest.raises(MalformedResponseError):
            operations.read_page(answer(payload), READ, 2)


def test_answer_of_any_shape() -> None:
    """What is not documented is given as it came."""
    anything = Operation(method="GET", path="/x", paid=False, answer=object)
    assert operations.read_one(answer([1]), anything) == [1]
