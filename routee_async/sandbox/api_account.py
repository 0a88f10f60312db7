"""The endpoints of the account. Source: routee-api.md §2.13."""

from typing import Final

from routee_async.sandbox.finance import BANKS, Finance
from routee_async.sandbox.routing import Call, Route
from routee_async.sandbox.tariff import prices_to_wire

# That the price list needs the same right as the balance is a guess.
SCOPE: Final = "account"
PERMISSION: Final = "MT_ROLE_ACCOUNT_FINANCE"


def _balance(call: Call) -> object:
    return call.carrier.balance(call.application)


def _prices(call: Call) -> object:
    return prices_to_wire(call.application.account, call.request.parameters())


def _transactions(call: Call) -> object:
    return call.carrier.family(Finance).transactions(call.application, call.request.parameters())


def _banks(_: Call) -> object:
    return BANKS


ROUTES: Final = (
    Route("GET", "/accounts/me/balance", _balance, SCOPE, PERMISSION),
    Route("GET", "/system/prices", _prices, SCOPE, PERMISSION),
    Route("GET", "/accounts/me/transactions", _transactions, SCOPE, PERMISSION),
    Route("GET", "/accounts/me/banks", _banks, SCOPE, PERMISSION),
)
