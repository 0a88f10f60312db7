"""From request to answer, without a socket: who may do what, and which method of the carrier does it.

Order of checks: token (401), right (403), then what the carrier checks. Source: routee-api.md §10.2.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

import attrs

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Answer, Refusal, dump, invalid, load, oauth, routee, spring
from routee_async.sandbox.carrier import Carrier

TOKEN: Final = "POST /oauth/token"  # noqa: S105 - a route
SINGLE: Final = "GET /sms/tracking/single/{id}"
UNKNOWN: Final = "unknown"
_SINGLE_PREFIX: Final = "/sms/tracking/single/"
_FORM: Final = "application/x-www-form-urlencoded"


@attrs.frozen(kw_only=True)
class Request:
    """One HTTP request.

    Attributes:
        method: Upper case.
        path: Without the query.
        query: The raw query, without `?`.
        authorization: Value of that header; empty for none.
        content_type: Value of that header; empty for none.
        body: Bytes of the body.
    """

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    content_type: str = ""
    body: bytes = b""

    def parameters(self) -> Mapping[str, str]:
        """Decode the query; the first of several values counts."""
        return _decode(self.query) if self.query else MappingProxyType({})


def _decode(encoded: str) -> dict[str, str]:
    return dict(reversed(parse_qsl(encoded, keep_blank_values=True)))


def route_of(method: str, path: str) -> str:
    """Name the route, for counting: method and path, ids replaced."""
    route = f"{method} {path}"
    if route in _ROUTES or route == TOKEN:
        return route
    return SINGLE if method == "GET" and len(path) > len(_SINGLE_PREFIX) and path.startswith(_SINGLE_PREFIX) else UNKNOWN


def respond(carrier: Carrier, request: Request) -> Answer:
    """Answer *request*, whatever it is."""
    try:
        route = route_of(request.method, request.path)
        if route == TOKEN:
            return Answer(200, dump(_token(carrier, request)))
        if route == UNKNOWN:
            raise spring(404, "Not Found", "No message available", request.path, carrier.now())
        act, scope, permission = _ROUTES[route]
        application = _authorise(carrier, request.authorization, scope, permission)
        return Answer(200, dump(act(carrier, application, request)))
    except Refusal as refusal:
        return Answer(refusal.status, dump(refusal.payload))


def _authorise(carrier: Carrier, authorization: str, scope: str, permission: str) -> Application:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "bearer":
        raise oauth(401, "unauthorized", "Full authentication is required to access this resource")
    token = carrier.tokens.find(value.strip())
    if scope not in token.scopes or permission not in token.application.permissions:
        raise routee(403, "403000000", "Access Denied")
    return token.application


def _token(carrier: Carrier, request: Request) -> dict[str, object]:
    application = _identify(carrier, request)
    parameters = dict(request.parameters())
    if request.content_type.partition(";")[0].strip().lower() == _FORM:
        parameters |= _decode(request.body.decode("utf-8", "replace"))
    grant = parameters.get("grant_type")
    if not grant:
        raise oauth(400, "invalid_request", "Missing grant type")
    if grant != "client_credentials":
        raise oauth(400, "unsupported_grant_type", f"Unsupported grant type: {grant}")
    scopes = tuple(parameters.get("scope", "").replace(",", " ").split())
    return carrier.tokens.to_wire(carrier.tokens.grant(application, scopes))


def _identify(carrier: Carrier, request: Request) -> Application:
    kind, _, encoded = request.authorization.partition(" ")
    if kind.lower() != "basic":
        message = "Full authentication is required to access this resource"
        raise spring(401, "Unauthorized", message, request.path, carrier.now())
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = secret = ""
    application = carrier.applications.get(name)
    if application is None or application.secret != secret:
        raise spring(401, "Unauthorized", "Bad credentials", request.path, carrier.now())
    return application


def _json(carrier: Carrier, request: Request) -> object:
    if carrier.settings.needs_content_type and "json" not in request.content_type.lower():
        message = f"Content type '{request.content_type}' not supported"
        raise spring(415, "Unsupported Media Type", message, request.path, carrier.now())
    try:
        return load(request.body)
    except ValueError:
        raise invalid({}) from None


def _send(carrier: Carrier, application: Application, request: Request) -> object:
    return carrier.send(application, _json(carrier, request))


def _analyze(carrier: Carrier, application: Application, request: Request) -> object:
    return carrier.analyze(application, _json(carrier, request))


def _search(carrier: Carrier, application: Application, request: Request) -> object:
    return carrier.search(application, request.parameters(), _json(carrier, request))


def _track(carrier: Carrier, application: Application, request: Request) -> object:
    return carrier.track(application, request.path.removeprefix(_SINGLE_PREFIX))


def _balance(carrier: Carrier, application: Application, _: Request) -> object:
    return carrier.balance(application)


Act = Callable[[Carrier, Application, Request], object]

# What reading needs is not documented, but for the balance; tracking goes with the service that it tracks.
_ROUTES: Final[Mapping[str, tuple[Act, str, str]]] = {
    "POST /sms": (_send, "sms", "MT_ROLE_SMS"),
    "POST /sms/analyze": (_analyze, "sms", "MT_ROLE_SMS"),
    "POST /sms/tracking": (_search, "sms", "MT_ROLE_SMS"),
    SINGLE: (_track, "sms", "MT_ROLE_SMS"),
    "GET /accounts/me/balance": (_balance, "account", "MT_ROLE_ACCOUNT_FINANCE"),
}
