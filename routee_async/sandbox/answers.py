"""Answers as the wire has them: JSON in and out, and every documented error body.

Field names are written by hand from the documentation, apart from the client's, so that a wrong name there cannot cancel out here.
"""

import importlib.util
import json
from collections.abc import Callable, Mapping

import attrs

JSON = "application/json;charset=UTF-8"
"""Content type of every answer of the service."""


@attrs.frozen
class Answer:
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        body: Bytes of the body, before any compression.
        content_type: Content type of the body; empty for none.
        headers: Further headers.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """A request was refused.

    Attributes:
        status: HTTP status.
        payload: JSON body.
    """

    def __init__(self, status: int, payload: Mapping[str, object]) -> None:
        super().__init__(status, payload)
        self.status = status
        self.payload = payload


def dump_slowly(value: object) -> bytes:
    """Write *value* as JSON in UTF-8, characters outside ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def load_slowly(body: bytes) -> object:
    """Read JSON in UTF-8.

    Raises:
        ValueError: *body* is not that.
    """
    return json.loads(body)


def choose(*, fast: bool) -> tuple[Callable[[object], bytes], Callable[[bytes], object]]:
    """Choose the functions that write and read JSON: orjson's if *fast*, otherwise those of the standard library."""
    if not fast:
        return dump_slowly, load_slowly
    orjson = importlib.import_module("orjson")
    return orjson.dumps, orjson.loads


dump: Callable[[object], bytes]
load: Callable[[bytes], object]
dump, load = choose(fast=importlib.util.find_spec("orjson") is not None)


def routee(status: int, code: str, message: str) -> Refusal:
    """Make the basic error of Routee. Source: routee-api.md §3.1."""
    return Refusal(status, {"code": code, "developerMessage": message})


def invalid(properties: Mapping[str, str], entity: str = "SmsTracking") -> Refusal:
    """Make the validation error, *properties* being field name to complaint. Source: routee-api.md §3.2.

    Only `SmsTracking` is recorded; what other products call themselves is a guess.
    """
    return Refusal(
        400,
        {"code": "400000000", "developerMessage": "Validation Error!", "entity": entity, "properties": dict(properties)},
    )


def not_found(code: str, entity: str, name: str, value: str) -> Refusal:
    """Make the error of an *entity* whose property *name* has no such *value*. Source: routee-api.md §3.4."""
    message = f"{entity} with {name} '{value}' was not found!"
    return Refusal(404, {"code": code, "developerMessage": message, "entity": entity, "property": name, "value": value})


def oauth(status: int, error: str, description: str) -> Refusal:
    """Make the error of the token machinery. Source: routee-api.md §1.5, §1.6, §3.5."""
    return Refusal(status, {"error": error, "error_description": description})


def spring(status: int, error: str, message: str, path: str, now: float) -> Refusal:
    """Make the error of the framework, *now* in epoch seconds. Source: routee-api.md §3.6, §8 #14."""
    return Refusal(
        status,
        {"timestamp": int(now * 1000), "status": status, "error": error, "message": message, "path": path},
    )
