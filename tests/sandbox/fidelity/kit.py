"""What rows of the reference are made of, and all of them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from tests.sandbox.fidelity.world import (
    ABSENT,
    UNKNOWN_ID,
    Reply,
    World,
    changed,
)

Scene = Callable[[World], Awaitable[Any]]
Check = Callable[[World], Awaitable[None]]


@attrs.frozen
class Row:
    """One row of the reference.

    Attributes:
        section: Where it stands.
        name: What it says.
        check: What must hold.
    """

    section: str
    name: str
    check: Check


def matches(value: object, expected: object) -> bool:
    """Tell whether *value* is of an expected type, matches an expected pattern, or is what is expected."""
    if isinstance(expected, re.Pattern):
        return isinstance(value, str) and expected.fullmatch(value) is not None
    if isinstance(expected, type):
        return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
    if isinstance(expected, tuple):
        return isinstance(value, list) and all(matches(one, expected[0]) for one in value)
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


def fields(section: str, scene: Scene, expected: Mapping[str, object]) -> list[Row]:
    """One row for each field of what *scene* shows; a dot leads into an object."""

    def row(path: str, wanted: object) -> Row:
        async def check(world: World) -> None:
            value = await scene(world)
            for piece in path.split("."):
                value = value.get(piece, ABSENT)
            assert matches(value, wanted) if wanted is not ABSENT else value is ABSENT, (path, value)

        return Row(section, f"{scene.__name__}: {path}", check)

    return [row(path, wanted) for path, wanted in expected.items()]


def limits(section: str, target: str, payload: Mapping[str, object], table: Mapping[str, tuple[list[Any], list[Any]]]) -> list[Row]:
    """One row for each field of a request: values that pass, and values that are refused as 400000000 with its name."""

    def row(name: str, good: list[Any], bad: list[Any]) -> Row:
        async def check(world: World) -> None:
            for value in good:
                reply = await world.ask("POST", target, changed(payload, {name: value}))
                assert reply.status == 200, (value, reply.body)
            for value in bad:
                reply = await world.ask("POST", target, changed(payload, {name: value}))
                assert (reply.status, reply.code, list(reply.json["properties"])) == (400, "400000000", [name]), value

        return Row(section, f"request: {name}", check)

    return [row(name, *values) for name, values in table.items()]


def refusal(section: str, name: str, scene: Callable[[World], Awaitable[Reply]], status: int, code: str) -> Row:
    """A row for a documented error."""

    async def check(world: World) -> None:
        reply = await scene(world)
        assert (reply.status, reply.code) == (status, code), reply.body

    return Row(section, f"{code} {name}", check)


ROWS: list[Row] = []
"""All rows that are checked."""
GAPS = (
    ("1.1", "IP whitelist refuses other addresses", "belongs to the endpoints of the whitelist"),
    ("2.4", "quietHoursReport", "seen in one client model only; what it counts is not known"),
    ("5.1", "price with trailing zeros", "the same number; JSON libraries do not write them"),
    ("5.1", "poolId, poolName, poolStrategy", "belongs to the endpoints of pools"),
)
"""Rows that are not checked, and why."""


def row(section: str, name: str) -> Callable[[Check], Check]:
    """Add a row whose check is the decorated function."""

    def add(check: Check) -> Check:
        ROWS.append(Row(section, name, check))
        return check

    return add


def unknown(path: str) -> Callable[[World], Awaitable[Reply]]:
    """Ask for an id that nobody was given, behind *path*."""
    return lambda world: world.ask("GET", path + UNKNOWN_ID)
