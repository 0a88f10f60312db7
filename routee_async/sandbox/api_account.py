"""The endpoints of the account. Source: routee-api.md §2.13."""

from typing import Final

from routee_async.sandbox.routing import Call, Route

SCOPE: Final = "account"
PERMISSION: Final = "MT_ROLE_ACCOUNT_FINANCE"


def _balance(call: Call) -> object:
    return call.carrier.balance(call.application)


ROUTES: Final = (Route("GET", "/accounts/me/balance", _balance, SCOPE, PERMISSION),)
