"""Money that comes in: top-ups and their record, and the banks to pay at. Source: routee-api.md §2.13."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs

from routee_async.sandbox.accounts import Account, Application, new_object_id
from routee_async.sandbox.answers import routee
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.listing import page
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.search import read_date

BANKS: Final[Mapping[str, object]] = {
    "name": "Sandbox Telecom",
    "address": "1 Loopback Street, 10000 Nowhere",
    "phone": "+302100000000",
    "vatId": "EL000000000",
    "email": "banks@sandbox.example",
    "banks": [
        {
            "name": "Bank of Nowhere",
            "address": "2 Loopback Street, 10000 Nowhere",
            "number": "00000000001",
            "iban": "GR0000000000000000000000001",
            "currency": "EUR",
            "minAmount": 50,
            "country": "GR",
            "swiftCode": "NOWHGRAA",
        },
    ],
}
"""Whom to pay: GET /accounts/me/banks. Invented."""


@attrs.frozen(kw_only=True)
class TopUp:
    """Money that came in.

    Attributes:
        id: 24 hexadecimal digits.
        action_id: Id of its only action, the payment.
        account: Whose it is.
        source: `PayPal` or `Bank`.
        amount: How much.
        before: Balance before it.
        date: Epoch seconds.
    """

    id: str
    action_id: str
    account: Account
    source: str
    amount: Decimal
    before: Decimal
    date: float

    def to_wire(self) -> dict[str, object]:
        """Write the item of the list of transactions."""
        common: dict[str, object] = {
            "amount": float(self.amount),
            "status": "Completed",
            "balanceBefore": float(self.before),
            "balanceAfter": float(self.before + self.amount),
            "date": stamp(self.date),
        }
        action = {"id": self.action_id, "type": "Paid", **common}
        return {"id": self.id, "source": self.source, "transactionType": "TopUp", **common, "actions": [action]}


class Finance:
    """The record of top-ups.

    Args:
        carrier: Whose money it is.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._top_ups: list[TopUp] = []

    def top_up(self, account: Account, amount: Decimal, source: str = "Bank") -> TopUp:
        """Let money come in.

        Raises:
            ValueError: *amount* is not above zero.
        """
        if not (amount.is_finite() and amount > 0):
            raise ValueError("an amount is above zero")
        rng = self._carrier.rng
        made = TopUp(
            id=new_object_id(rng),
            action_id=new_object_id(rng),
            account=account,
            source=source,
            amount=amount,
            before=account.balance,
            date=self._carrier.now(),
        )
        account.balance += amount
        self._top_ups.append(made)
        return made

    def transactions(self, application: Application, query: Mapping[str, str]) -> dict[str, object]:
        """Show a page of top-ups, oldest first: GET /accounts/me/transactions.

        Both ends of the range are included and may be left out, as older documents have it; the order is a guess.

        Raises:
            Refusal: 400001012: the account is a trial; 400000000: not a date.
        """
        account = application.account
        if account.trial:
            raise routee(400, "400001012", "Account is in trial mode")
        start, end = read_date(query, "from", -math.inf), read_date(query, "to", math.inf)
        found = (one for one in self._top_ups if one.account is account and start <= one.date <= end)
        return page(found, query, TopUp.to_wire)
