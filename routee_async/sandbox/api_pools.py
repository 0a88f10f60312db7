"""The endpoints of sender pools. Source: routee-api.md §2.15."""

from typing import Final

from routee_async.sandbox.pools import Pools
from routee_async.sandbox.routing import Call, Route

SCOPE: Final = "number_pool"
PERMISSION: Final = "MT_ROLE_NUMBER_POOL"


def _create(call: Call) -> object:
    return call.carrier.family(Pools).create(call.application, call.json())


def _list(call: Call) -> object:
    return call.carrier.family(Pools).all(call.application)


def _fetch(call: Call) -> object:
    return call.carrier.family(Pools).find(call.application, call.ids[0]).to_wire()


def _update(call: Call) -> object:
    return call.carrier.family(Pools).update(call.application, call.ids[0], call.json())


def _delete(call: Call) -> object:
    return call.carrier.family(Pools).delete(call.application, call.ids[0])


def _numbers(call: Call) -> object:
    return call.carrier.family(Pools).find(call.application, call.ids[0]).numbers_to_wire()


def _add_number(call: Call) -> object:
    return call.carrier.family(Pools).add_number(call.application, *call.ids)


def _remove_number(call: Call) -> object:
    return call.carrier.family(Pools).remove_number(call.application, *call.ids)


def _send(call: Call) -> object:
    return call.carrier.family(Pools).send(call.application, call.ids[0], call.json())


ROUTES: Final = (
    Route("POST", "/pools/my", _create, SCOPE, PERMISSION),
    Route("GET", "/pools/my", _list, SCOPE, PERMISSION),
    Route("GET", "/pools/my/{poolId}", _fetch, SCOPE, PERMISSION),
    Route("PUT", "/pools/my/{poolId}", _update, SCOPE, PERMISSION),
    Route("DELETE", "/pools/my/{poolId}", _delete, SCOPE, PERMISSION),
    Route("GET", "/pools/my/{poolId}/numbers", _numbers, SCOPE, PERMISSION),
    Route("PUT", "/pools/my/{poolId}/numbers/{msisdn}", _add_number, SCOPE, PERMISSION),
    Route("DELETE", "/pools/my/{poolId}/numbers/{msisdn}", _remove_number, SCOPE, PERMISSION),
    Route("POST", "/pools/my/{poolId}/sms", _send, SCOPE, PERMISSION),
)
