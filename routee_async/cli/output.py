"""Where text goes, and how it is made harmless: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Mapping

from rich.console import Console


def printable(text: str) -> str:
    r"""Escape what could steer a terminal or feign another line: control characters, marks of direction, undecodable bytes.

    A newline becomes `\n`, an escape `\x1b`. Letters of any script stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def say(text: str) -> None:
    """Write one line to stderr."""
    messages().print(printable(text), soft_wrap=True)


def emit(text: str) -> None:
    """Write one line to stdout, at once."""
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()


def emit_json(values: Mapping[str, object]) -> None:
    """Write one JSON object on one line to stdout, at once; ASCII only, so that nothing in it can steer a terminal."""
    emit(json.dumps(values, default=str))


def results() -> Console:
    """Make a console on stdout."""
    return Console(highlight=False, markup=False, emoji=False)


def messages() -> Console:
    """Make a console on stderr."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)
