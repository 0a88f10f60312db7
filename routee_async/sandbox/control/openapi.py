"""What can be asked, as an OpenAPI 3.1 document: the control API from its table, the emulated endpoints from theirs."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from routee_async.sandbox.control.calls import ControlRoute
from routee_async.sandbox.control.schemas import SCHEMAS
from routee_async.sandbox.control.switches import SHARES
from routee_async.sandbox.routes import ROUTES as EMULATED
from routee_async.sandbox.routes import TOKEN
from routee_async.sandbox.routing import Route

_PIECE: Final = re.compile(r"\{(\w+)\}")
_ERROR: Final = {
    "description": "What is wrong.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_INTEGERS: Final = frozenset({"page", "size"})


def describe(routes: Iterable[ControlRoute]) -> dict[str, Any]:
    """Describe the control API of *routes* and the emulated endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _control(route)
    paths[TOKEN[1]] = {TOKEN[0].lower(): _token()}
    for emulated in EMULATED:
        paths.setdefault(emulated.path, {})[emulated.method.lower()] = _emulated(emulated)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "routee_async sandbox",
            "version": version("routee-async"),
            "description": "The control API of the sandbox under /_sandbox, and the endpoints of Routee that it emulates. "
            f"A switch strikes {', '.join(f'{name} ({share:g})' for name, share in SHARES.items())}.",
        },
        "tags": [{"name": "control"}, {"name": "emulated"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "credentials": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _pieces(path: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _PIECE.findall(path)]


def _control(route: ControlRoute) -> dict[str, Any]:
    query = [
        {
            "name": name,
            "in": "query",
            "description": meaning,
            "schema": {"type": "integer" if name in _INTEGERS else "number" if name == "timeout" else "string"},
        }
        for name, meaning in route.query.items()
    ]
    operation: dict[str, Any] = {
        "tags": ["control"],
        "operationId": route.act.__name__.removeprefix("_"),
        "summary": route.summary,
        "parameters": [*_pieces(route.path), *query],
        "responses": {"200": {"description": "Done.", "content": _content(route.answer)}, "4XX": _ERROR},
    }
    if route.body:
        operation["requestBody"] = {"required": route.method != "PUT", "content": _content(route.body)}
    return operation


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _emulated(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": ["emulated"],
        "summary": f"As at Routee; needs the scope {route.scope} and the permission {route.permission}.",
        "security": [{"token": []}],
        "parameters": _pieces(route.path),
        "responses": {
            "200": {"description": "As documented.", "content": _content("Anything")},
            "4XX": {"description": "As documented.", "content": _content("Anything")},
        },
    }
    if route.method in {"POST", "PUT", "PATCH"}:
        operation["requestBody"] = {"content": _content("Sms" if route.name == "POST /sms" else "Anything")}
    return operation


def _token() -> dict[str, Any]:
    form = {"type": "object", "required": ["grant_type"], "properties": {"grant_type": {"const": "client_credentials"}}}
    return {
        "tags": ["emulated"],
        "summary": "Credentials for a token, as at Routee.",
        "security": [{"credentials": []}],
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {"200": {"description": "The token.", "content": _content("Token")}},
    }
