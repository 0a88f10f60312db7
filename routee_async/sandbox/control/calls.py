"""What an act of the control API is given, and what a route of it declares."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from routee_async.sandbox.answers import load
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.problems import ControlError

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class ControlCall:
    """A request that the gate has let in.

    Attributes:
        backstage: What there is to look at and to change.
        origin: Origin under which the sandbox was addressed, such as `http://127.0.0.1:8080`.
        ids: What stands for the pieces in braces of the route's path.
        query: The decoded query.
        body: Bytes of the body.
        form: The decoded body, where it is a form.
    """

    backstage: Backstage
    origin: str = ""
    ids: tuple[str, ...] = ()
    query: Mapping[str, str] = _NOTHING
    body: bytes = b""
    form: Mapping[str, str] = _NOTHING

    def json(self) -> object:
        """Read the body as JSON.

        Raises:
            ControlError: 400: it is not.
        """
        try:
            return load(self.body)
        except ValueError:
            raise ControlError(400, "the body is not JSON") from None

    def json_object(self, *fields: str) -> dict[str, object]:
        """Read the body as a JSON object that has no other than these *fields*; no body is an empty object.

        Raises:
            ControlError: 400: it is not.
        """
        value = self.json() if self.body.strip() else {}
        if not isinstance(value, dict):
            raise ControlError(400, "the body must be a JSON object")
        unknown = {name: f"unknown; known are {', '.join(fields)}" for name in value if name not in fields}
        if unknown:
            raise ControlError(400, "; ".join(f"{name}: {problem}" for name, problem in unknown.items()), unknown)
        return value


ControlAct = Callable[[ControlCall], object | Awaitable[object]]
"""Answers with a JSON value, or with a whole `Answer`; may have to be awaited.

Raises:
    ControlError: What is wrong.
"""


@attrs.frozen
class ControlRoute:
    """One route of the control API.

    Attributes:
        method: Upper case.
        path: As in `routing.Route`.
        act: What answers.
        summary: What it does, in a line.
        query: Names of its query parameters and what they mean.
        body: Name of the schema of its body; empty for none.
        answer: Name of the schema of its answer.
        name: Method and path.
    """

    method: str
    path: str
    act: ControlAct
    summary: str
    query: Mapping[str, str] = _NOTHING
    body: str = ""
    answer: str = "Anything"
    name: str = attrs.field(init=False)

    @name.default
    def _name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        """True when something may be different afterwards, so that whoever waits is told."""
        return self.method != "GET"
