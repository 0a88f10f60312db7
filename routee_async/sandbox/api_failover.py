"""The endpoints of failover. Source: routee-api.md §2.17."""

from typing import Final

from routee_async.sandbox.failover import Failover
from routee_async.sandbox.routing import Call, Route

SCOPE: Final = "failover"
PERMISSION: Final = "MT_ROLE_FAILOVER"


def _start(call: Call) -> object:
    return call.carrier.family(Failover).start(call.application, call.json())


def _fetch(call: Call) -> object:
    return call.carrier.family(Failover).fetch(call.application, call.ids[0])


def _search(call: Call) -> object:
    return call.carrier.family(Failover).search(call.application, call.request.parameters(), call.json())


ROUTES: Final = (
    Route("POST", "/failover", _start, SCOPE, PERMISSION),
    Route("GET", "/failover/tracking/{trackingId}", _fetch, SCOPE, PERMISSION),
    Route("POST", "/failover/tracking", _search, SCOPE, PERMISSION),
)
