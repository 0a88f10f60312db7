"""Rows for the fields of an answer: what their values must be like."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from tests.sandbox.fidelity.kit import Row
from tests.sandbox.fidelity.world import World

Fits = Callable[[Any], bool]


def dig(value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """Follow *path*, such as `content.0.id`, into JSON."""
    for piece in path.split("."):
        value = value[int(piece)] if isinstance(value, list) else value[piece]
    return value


def text(value: object) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


def number(value: object) -> bool:
    """A number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: object) -> bool:
    """A whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def flag(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def uuid(value: object) -> bool:
    """A UUID."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def object_id(value: object) -> bool:
    """24 hexadecimal digits."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{24}", value) is not None


def true(value: object) -> bool:
    """True."""
    return value is True


def false(value: object) -> bool:
    """False."""
    return value is False


def moment(value: object) -> bool:
    """ISO 8601, UTC."""
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


def e164(value: object) -> bool:
    """A number with `+`."""
    return isinstance(value, str) and re.fullmatch(r"\+[1-9][0-9]{6,14}", value) is not None


def texts(value: object) -> bool:
    """An array of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def one_of(*values: object) -> Fits:
    """One of *values*."""
    return lambda value: value in values


def shape(section: str, answer: Callable[[World], Awaitable[Any]], **wanted: Fits) -> list[Row]:
    """Make a row for each field of an answer: its path, with `__` for dots, and what its value must be."""

    def row(path: str, fits: Fits) -> Row:
        async def check(running: World) -> None:
            value = dig(await answer(running), path)
            assert fits(value), value

        return Row(section, path, check)

    return [row(name.replace("__", "."), fits) for name, fits in wanted.items()]
