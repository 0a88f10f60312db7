"""Endpoints whose requests and answers follow from how they are declared. Pure.

An `Operation` is an endpoint and the class of its answer. `build` makes its request, `read_one`, `read_list` and `read_page` its
answer, so that another endpoint of Routee's takes a class, a line and a method.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import attrs

from routee_async import camel, codec
from routee_async.errors import InvalidInputError, MalformedResponseError, OutcomeUnknownError
from routee_async.protocol import Content, Endpoint, Phase, Request, Response

T = TypeVar("T")
Scalar = str | int | float | bool | datetime | Enum
"""What may stand in a query or a form."""


@attrs.frozen(kw_only=True, eq=False)
class Operation(Endpoint, Generic[T]):
    """An endpoint and what it answers.

    Attributes:
        answer: Class of the answer, or of each row of a list or page; `object` where its shape is not documented.
    """

    answer: type[T]


@attrs.frozen
class Rows(Generic[T]):
    """A page of rows.

    Attributes:
        rows: What is on it.
        is_last: True when there is no page after it.
    """

    rows: tuple[T, ...]
    is_last: bool


def build(
    endpoint: Endpoint,
    *ids: str,
    query: Mapping[str, Scalar | None] | None = None,
    body: object = None,
    reference: str | None = None,
    parts: int = 0,
) -> Request:
    """Build a request.

    Args:
        endpoint: What is asked.
        *ids: What stands for the variable pieces of its path.
        query: Parameters; those that are None are left out.
        body: What it carries: for JSON an attrs object, or what JSON can hold; for a form a mapping. None for nothing.
        reference: What to call it in errors.
        parts: Message parts that it sends: what paces are counted in.

    Raises:
        InvalidInputError: An id is empty, or would lead to another endpoint.
    """
    path = endpoint.path.format(*map(_segment, ids))
    given = {name: to_text(value) for name, value in (query or {}).items() if value is not None}
    unknown = given.keys() - set(endpoint.query)
    if unknown:
        raise InvalidInputError("query", f"{endpoint.method} {endpoint.path} knows no {', '.join(sorted(unknown))}")
    if given:
        path = f"{path}?{urlencode(given)}"
    return Request(endpoint, path, *encode(endpoint.content, body), reference=reference, parts=parts)


def encode(content: Content, body: object) -> tuple[bytes | None, str]:
    """Make the bytes of a body, and name their type."""
    if content is Content.FORM:
        form = body if isinstance(body, Mapping) else {}
        return urlencode({str(name): to_text(value) for name, value in form.items()}).encode(), "application/x-www-form-urlencoded"
    return None if body is None else codec.encode_json(_to_json(body)), "application/json"


def to_text(value: Scalar) -> str:
    """Write a value as it stands in a query or a form.

    Raises:
        InvalidInputError: A moment has no time zone.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidInputError("query", "a moment needs a time zone: datetime(..., tzinfo=UTC)")
        return camel.write_moment(value)
    return str(value.value) if isinstance(value, Enum) else str(value)


def _to_json(body: object) -> object:
    if attrs.has(type(body)):
        return camel.write(body)
    if isinstance(body, Mapping):
        return {name: _to_json(value) for name, value in body.items()}
    if isinstance(body, Sequence) and not isinstance(body, str):
        return [_to_json(each) for each in body]
    return body.value if isinstance(body, Enum) else body


def _segment(text: object) -> str:
    if not isinstance(text, str) or not text.strip() or text.strip(".") == "":
        raise InvalidInputError("id", "must be a text that is not empty: it stands in the path of the request")
    return quote(text, safe="")


def read_one(response: Response, operation: Operation[T], reference: str | None = None) -> T:
    """Read an answer that is one object.

    Raises:
        OutcomeUnknownError: It makes no sense, and the request was paid: it may have been carried out.
        MalformedResponseError: It makes no sense.
    """
    try:
        return camel.read(codec.decode_json(response.body), operation.answer)
    except MalformedResponseError as error:
        if not operation.paid:
            raise
        problem = "; ".join(error.problems)
    raise OutcomeUnknownError(reference, Phase.BODY, problem, response.status)


def read_list(response: Response, operation: Operation[T]) -> tuple[T, ...]:
    """Read an answer that is a list; a page of rows is taken for the list of its rows.

    Raises:
        MalformedResponseError: It is none.
    """
    payload = codec.decode_json(response.body)
    rows = payload.get("content") if isinstance(payload, dict) else payload
    if not isinstance(rows, list):
        raise MalformedResponseError(("expected a list @ $",))
    return _read_rows(rows, operation)


def read_page(response: Response, operation: Operation[T], size: int) -> Rows[T]:
    """Read a page. Without a word on whether it is the last, a page that is not full is; a bare list has no page after it.

    Args:
        response: A complete 2xx answer.
        operation: What was asked.
        size: Rows that were asked for.

    Raises:
        MalformedResponseError: It is no page.
    """
    payload = codec.decode_json(response.body)
    if isinstance(payload, list):
        return Rows(_read_rows(payload, operation), is_last=True)
    content = payload.get("content") if isinstance(payload, dict) else None
    if not isinstance(content, list):
        raise MalformedResponseError(("expected a page with a list @ $.content",))
    last = payload.get("last") if isinstance(payload, dict) else None
    is_last = (last if isinstance(last, bool) else len(content) < size) or not content
    return Rows(_read_rows(content, operation), is_last=is_last)


def read_nothing(response: Response) -> None:
    """Read an answer that says nothing but that it went well."""
    del response


def _read_rows(rows: list[object], operation: Operation[T]) -> tuple[T, ...]:
    return tuple(camel.read(row, operation.answer) for row in rows)
