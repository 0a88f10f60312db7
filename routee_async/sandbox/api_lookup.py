"""The endpoints of number intelligence. Source: routee-api.md §2.14."""

from typing import Final

from routee_async.sandbox.lookups import Lookups
from routee_async.sandbox.routing import Call, Route
from routee_async.sandbox.validator import Validator

SCOPE: Final = "lookup"
PERMISSION: Final = "MT_ROLE_LOOKUP"
VALIDATOR_SCOPE: Final = "number_validator"
VALIDATOR_PERMISSION: Final = "MT_ROLE_NUMBER_VALIDATOR"


def _start(call: Call) -> object:
    return call.carrier.family(Lookups).start(call.application, call.json())


def _fetch(call: Call) -> object:
    return call.carrier.family(Lookups).fetch(call.application, call.ids[0])


def _search(call: Call) -> object:
    return call.carrier.family(Lookups).search(call.application, call.request.parameters(), call.json())


def _validate(call: Call) -> object:
    return call.carrier.family(Validator).validate(call.application, call.json())


ROUTES: Final = (
    Route("POST", "/lookup", _start, SCOPE, PERMISSION),
    Route("GET", "/lookup/{lookupId}", _fetch, SCOPE, PERMISSION),
    Route("POST", "/lookup/tracking", _search, SCOPE, PERMISSION),
    Route("POST", "/numbervalidator", _validate, VALIDATOR_SCOPE, VALIDATOR_PERMISSION),
)
