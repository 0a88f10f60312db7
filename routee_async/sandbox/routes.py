"""From request to answer, without a socket: who may do what, and which act does it.

Order of checks: token (401), address and right (403), then what the act checks. Source: routee-api.md §10.2.

A new endpoint is a `Route` and its act in the module of its family; a new family is a module `api_*.py` and a line in `_FAMILIES`.
"""

from typing import Final

from routee_async.sandbox import (
    api_account,
    api_campaigns,
    api_contacts,
    api_failover,
    api_lookup,
    api_numbers,
    api_pools,
    api_reports,
    api_sms,
    api_token,
    api_two_step,
)
from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Answer, Refusal, dump, oauth, routee, spring
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routing import Call, Request, Route, Table
from routee_async.sandbox.whitelist import Whitelist

__all__ = ["ROUTES", "TOKEN", "UNKNOWN", "Request", "respond", "route_of"]

TOKEN: Final = ("POST", "/oauth/token")
"""The only route without a bearer token."""
UNKNOWN: Final = "unknown"
"""Name of whatever has no route."""
_FAMILIES: Final = (
    api_sms.ROUTES,
    api_campaigns.ROUTES,
    api_account.ROUTES,
    api_lookup.ROUTES,
    api_two_step.ROUTES,
    api_pools.ROUTES,
    api_numbers.ROUTES,
    api_failover.ROUTES,
    api_contacts.ROUTES,
    api_reports.ROUTES,
)
ROUTES: Final = tuple(route for family in _FAMILIES for route in family)
"""All endpoints but the one that gives tokens."""
_TABLE: Final = Table(ROUTES)


def route_of(method: str, path: str) -> str:
    """Name the route, for counting: method and path, ids replaced."""
    found = _TABLE.find(method, path)
    if found is not None:
        return found[0].name
    return " ".join(TOKEN) if (method, path) == TOKEN else UNKNOWN


def respond(carrier: Carrier, request: Request) -> Answer:
    """Answer *request*, whatever it is."""
    try:
        if (request.method, request.path) == TOKEN:
            return Answer(200, dump(api_token.grant(carrier, request)))
        found = _TABLE.find(request.method, request.path)
        if found is None:
            raise spring(404, "Not Found", "No message available", request.path, carrier.now())
        route, ids = found
        application = _authorise(carrier, request, route)
        carrier.run()
        result = route.act(Call(carrier, application, request, ids))
    except Refusal as refusal:
        return Answer(refusal.status, dump(refusal.payload))
    return result if isinstance(result, Answer) else Answer(200, dump(result))


def _authorise(carrier: Carrier, request: Request, route: Route) -> Application:
    kind, _, value = request.authorization.partition(" ")
    if kind.lower() != "bearer":
        raise oauth(401, "unauthorized", "Full authentication is required to access this resource")
    token = carrier.tokens.find(value.strip())
    if carrier.settings.enforce_whitelist:
        carrier.family(Whitelist).check(token.application, request.remote)
    if route.scope not in token.scopes or route.permission not in token.application.permissions:
        raise routee(403, "403000000", "Access Denied")
    return token.application
