"""The endpoints of single messages and of the search. Source: routee-api.md §2.2, §2.3, §2.9, §2.11."""

from typing import Final

from routee_async.sandbox.routing import Call, Route

# What reading needs is not documented; tracking goes with the service that it tracks.
SCOPE: Final = "sms"
PERMISSION: Final = "MT_ROLE_SMS"


def _send(call: Call) -> object:
    return call.carrier.send(call.application, call.json())


def _analyze(call: Call) -> object:
    return call.carrier.analyze(call.application, call.json())


def _search(call: Call) -> object:
    return call.carrier.search(call.application, call.request.parameters(), call.json())


def _track(call: Call) -> object:
    return call.carrier.track(call.application, call.ids[0])


ROUTES: Final = (
    Route("POST", "/sms", _send, SCOPE, PERMISSION),
    Route("POST", "/sms/analyze", _analyze, SCOPE, PERMISSION),
    Route("POST", "/sms/tracking", _search, SCOPE, PERMISSION),
    Route("GET", "/sms/tracking/single/{id}", _track, SCOPE, PERMISSION),
)
