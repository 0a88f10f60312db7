"""Endpoints as data: what a family of them declares, what an act is given, and how a path finds its route.

A family is a module `api_*.py` with acts and a tuple `ROUTES`; `routes.py` puts the families together and does the checks.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

import attrs

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import invalid, load, spring
from routee_async.sandbox.carrier import Carrier

_FORM: Final = "application/x-www-form-urlencoded"


@attrs.define(kw_only=True)  # frozen would cost a microsecond a request
class Request:
    """One HTTP request.

    Attributes:
        method: Upper case.
        path: Without the query.
        query: The raw query, without `?`.
        authorization: Value of that header; empty for none.
        content_type: Value of that header; empty for none.
        body: Bytes of the body.
        remote: Address of the caller; empty where nobody asks for it.
    """

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    content_type: str = ""
    body: bytes = b""
    remote: str = ""

    def parameters(self) -> Mapping[str, str]:
        """Decode the query; the first of several values counts."""
        return _decode(self.query) if self.query else MappingProxyType({})

    def form(self) -> Mapping[str, str]:
        """Decode the body, if it is declared as a form; otherwise there is nothing in it."""
        if self.content_type.partition(";")[0].strip().lower() != _FORM:
            return MappingProxyType({})
        return _decode(self.body.decode("utf-8", "replace"))


def _decode(encoded: str) -> dict[str, str]:
    return dict(reversed(parse_qsl(encoded, keep_blank_values=True)))


@attrs.define
class Call:
    """What an act is given: a request whose token and right are checked.

    Attributes:
        carrier: The state.
        application: Who asks.
        request: The request.
        ids: What stands for the pieces in braces of the route's path, in order, decoded, never empty.
    """

    carrier: Carrier
    application: Application
    request: Request
    ids: tuple[str, ...]

    def json(self) -> object:
        """Read the body as JSON.

        Raises:
            Refusal: 415: not declared as JSON; 400000000: it is not JSON.
        """
        request = self.request
        if self.carrier.settings.needs_content_type and "json" not in request.content_type.lower():
            message = f"Content type '{request.content_type}' not supported"
            raise spring(415, "Unsupported Media Type", message, request.path, self.carrier.now())
        try:
            return load(request.body)
        except ValueError:
            raise invalid({}) from None


Act = Callable[[Call], object]
"""Answers a call with a JSON value, or with a whole `Answer` where that is not 200 with JSON.

Raises:
    Refusal: The documented error.
"""


@attrs.frozen
class Route:
    """One endpoint.

    Attributes:
        method: Upper case.
        path: Such as `/sms/tracking/single/{id}`; a piece in braces stands for one piece of any text.
        act: What answers.
        scope: What the token must have been granted.
        permission: What the application must be allowed.
        name: Method and path, for counting.
    """

    method: str
    path: str
    act: Act
    scope: str
    permission: str
    name: str = attrs.field(init=False)

    @name.default
    def _name(self) -> str:
        return f"{self.method} {self.path}"


class Addressed(Protocol):
    """What a table of routes must know of each."""

    @property
    def method(self) -> str:
        """Upper case."""

    @property
    def path(self) -> str:
        """As `Route.path`."""

    @property
    def name(self) -> str:
        """Method and path."""


R = TypeVar("R", bound=Addressed)


class Table(Generic[R]):
    """All routes, found by method and path. A path without braces outranks one with, and so does the one that comes first.

    Args:
        routes: The routes.

    Raises:
        ValueError: Two are the same.
    """

    def __init__(self, routes: Iterable[R]) -> None:
        self._fixed: dict[tuple[str, str], tuple[R, tuple[str, ...]]] = {}
        self._open: dict[tuple[str, int], list[tuple[list[str], R]]] = {}
        seen = set()
        for route in routes:
            if route.name in seen:
                raise ValueError(f"two routes are {route.name}")
            seen.add(route.name)
            if "{" in route.path:
                pieces = route.path.split("/")
                self._open.setdefault((route.method, len(pieces)), []).append((pieces, route))
            else:
                self._fixed[route.method, route.path] = (route, ())

    def find(self, method: str, path: str) -> tuple[R, tuple[str, ...]] | None:
        """Find the route of a request, and what stands for its pieces in braces; None where there is no route."""
        found = self._fixed.get((method, path))
        if found is not None:
            return found
        given = path.split("/")
        for pieces, route in self._open.get((method, len(given)), ()):
            ids = _match(pieces, given)
            if ids is not None:
                return route, ids
        return None


def _match(pieces: list[str], given: list[str]) -> tuple[str, ...] | None:
    ids = []
    for piece, text in zip(pieces, given, strict=True):
        if piece.startswith("{"):
            if not text:
                return None
            ids.append(unquote(text))
        elif piece != text:
            return None
    return tuple(ids)
