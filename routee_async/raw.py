"""Requests to any path of Routee's, for what has no method yet, and answers as they came. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from routee_async import codec, operations
from routee_async.errors import InvalidInputError
from routee_async.operations import Scalar
from routee_async.protocol import Content, Endpoint, Request, Response

_FREE = frozenset({"GET", "HEAD"})
_METHODS = frozenset({*_FREE, "POST", "PUT", "PATCH", "DELETE"})
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f\\?#]")
_KEPT_IN_PATH = "/%:@!$&'()*+,;=-._~"


@attrs.frozen
class RawResponse:
    """An answer as it came.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: The whole body.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    def json(self) -> object:
        """Decode the body.

        Raises:
            MalformedResponseError: It is no JSON.
        """
        return codec.decode_json(self.body)


@lru_cache
def _endpoint(method: str, paid: bool, content: Content) -> Endpoint:  # noqa: FBT001 - a key of the cache
    # Its path is none that can be asked for, so that no transport keeps what it makes of it.
    return Endpoint(method=method, path="*", paid=paid, content=content)


def build(
    method: Any,  # noqa: ANN401 - whatever a caller hands in
    path: Any,  # noqa: ANN401 - as above
    *,
    query: Mapping[str, Scalar | None] | None = None,
    json: object = None,
    form: Mapping[str, Scalar] | None = None,
    paid: bool | None = None,
) -> Request:
    """Build a request to any path.

    Raises:
        InvalidInputError: The method is unknown, the path is not one on Routee's host, or there are two bodies.
    """
    verb = method.upper() if isinstance(method, str) else ""
    if verb not in _METHODS:
        raise InvalidInputError("method", f"must be one of {', '.join(sorted(_METHODS))}")
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or _NOT_IN_PATH.search(path):
        raise InvalidInputError("path", "must be a path such as /sms/analyze, without host, query or spaces")
    if json is not None and form is not None:
        raise InvalidInputError("form", "cannot go with json: a request has one body")
    content = Content.FORM if form is not None else Content.NOTHING if json is None else Content.JSON
    is_paid = verb not in _FREE if paid is None else bool(paid)
    target = quote(path, safe=_KEPT_IN_PATH)
    given = {name: operations.to_text(value) for name, value in (query or {}).items() if value is not None}
    if given:
        target = f"{target}?{urlencode(given)}"
    body, content_type = operations.encode(content, json if form is None else form)
    return Request(_endpoint(verb, is_paid, content), target, body, content_type, whole=True)


def read(response: Response) -> RawResponse:
    """Take an answer as it came."""
    return RawResponse(response.status, dict(response.headers), response.body)
