"""The endpoints of rented numbers and of the IP whitelist. Source: routee-api.md §2.16."""

from typing import Final

from routee_async.sandbox.answers import Answer
from routee_async.sandbox.numbers import Numbers
from routee_async.sandbox.routing import Call, Route
from routee_async.sandbox.whitelist import Whitelist

SCOPE: Final = "virtual_number"
PERMISSION: Final = "MT_ROLE_VIRTUAL_NUMBER"
# What the whitelist needs is not documented: the right to the account is the nearest.
SECURITY_SCOPE: Final = "account"
SECURITY_PERMISSION: Final = "MT_ROLE_ACCOUNT_FINANCE"
# What a successful DELETE tells is not documented either; that of a campaign tells nothing (§2.8).
_NOTHING: Final = Answer(200, content_type="")


def _mine(call: Call) -> object:
    return call.carrier.family(Numbers).mine(call.application, call.request.parameters())


def _available(call: Call) -> object:
    return call.carrier.family(Numbers).available(call.application, call.request.parameters())


def _search(call: Call) -> object:
    return call.carrier.family(Numbers).search(call.application, call.request.parameters(), call.json())


def _rent(call: Call) -> object:
    return call.carrier.family(Numbers).rent(call.application, call.json())


def _update(call: Call) -> object:
    return call.carrier.family(Numbers).update(call.application, call.ids[0], call.json())


def _release(call: Call) -> object:
    call.carrier.family(Numbers).release(call.application, call.ids[0])
    return _NOTHING


def _put_whitelist(call: Call) -> object:
    return call.carrier.family(Whitelist).put(call.application, call.json())


def _show_whitelist(call: Call) -> object:
    return call.carrier.family(Whitelist).show(call.application)


def _clear_whitelist(call: Call) -> object:
    call.carrier.family(Whitelist).clear(call.application)
    return _NOTHING


ROUTES: Final = (
    Route("GET", "/numbers/my", _mine, SCOPE, PERMISSION),
    Route("GET", "/numbers/available", _available, SCOPE, PERMISSION),
    Route("POST", "/numbers/available/search", _search, SCOPE, PERMISSION),
    Route("POST", "/numbers/my", _rent, SCOPE, PERMISSION),
    Route("PUT", "/numbers/my/{msisdn}", _update, SCOPE, PERMISSION),
    Route("DELETE", "/numbers/my/{msisdn}", _release, SCOPE, PERMISSION),
    Route("POST", "/security/whitelist", _put_whitelist, SECURITY_SCOPE, SECURITY_PERMISSION),
    Route("GET", "/security/whitelist", _show_whitelist, SECURITY_SCOPE, SECURITY_PERMISSION),
    Route("PATCH", "/security/whitelist", _put_whitelist, SECURITY_SCOPE, SECURITY_PERMISSION),
    Route("DELETE", "/security/whitelist", _clear_whitelist, SECURITY_SCOPE, SECURITY_PERMISSION),
)
