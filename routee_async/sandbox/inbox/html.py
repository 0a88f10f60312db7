"""The one way in which HTML is written here: templates are literals, and whatever is put into them is escaped."""

from collections.abc import Iterable
from html import escape
from typing import LiteralString


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


EMPTY = Html("")


def markup(template: LiteralString, /, **values: object) -> Html:
    """Fill *template*, in which `{name}` stands for a value.

    A value that is `Html` is put in as it is, an iterable of `Html` is joined, None is nothing; anything else is escaped, quotes
    included, so that it can stand in attributes.
    """
    return Html(template.format_map({name: _safe(value) for name, value in values.items()}))


def join(pieces: Iterable[Html]) -> Html:
    """Put pieces one after another."""
    return Html("".join(pieces))


def _safe(value: object) -> str:
    if isinstance(value, Html):
        return value
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "".join(map(_safe, value))
    return escape(str(value), quote=True)
