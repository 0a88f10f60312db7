"""Money that comes in, in `sandbox.finance`."""

from decimal import Decimal

import pytest

from routee_async.sandbox.finance import Finance
from tests.sandbox.conftest import Api, Clock


def test_a_top_up_is_a_transaction_with_its_payment(api: Api) -> None:
    """A top-up raises the balance and is shown with the balance before and after it, as is its one action (§2.13)."""
    api.application.account.balance = Decimal("75.4375")
    api.carrier.family(Finance).top_up(api.application.account, Decimal(50), source="PayPal")
    assert api("GET", "/accounts/me/balance")["balance"] == 125.4375
    page = api("GET", "/accounts/me/transactions")
    (item,) = page.pop("content")
    (action,) = item.pop("actions")
    assert page == {
        "totalPages": 1,
        "totalElements": 1,
        "last": True,
        "numberOfElements": 1,
        "first": True,
        "size": 20,
        "number": 0,
    }
    common = {
        "amount": 50.0,
        "status": "Completed",
        "balanceBefore": 75.4375,
        "balanceAfter": 125.4375,
        "date": "2026-09-21T14:13:20Z",
    }
    assert action.pop("id") != item["id"]
    assert len(item.pop("id")) == 24
    assert item == {"source": "PayPal", "transactionType": "TopUp", **common}
    assert action == {"type": "Paid", **common}


def test_transactions_by_date_and_page(api: Api, clock: Clock) -> None:
    """`from` and `to` cut the list, both ends included, and each may be left out; it comes in pages."""
    finance = api.carrier.family(Finance)
    for amount in (1, 2, 3):
        finance.top_up(api.application.account, Decimal(amount))
        clock.advance(3600)

    def amounts(query: str) -> list[float]:
        return [item["amount"] for item in api("GET", f"/accounts/me/transactions{query}")["content"]]

    assert amounts("?from=2026-09-21T15:00:00Z") == [2, 3]
    assert amounts("?to=2026-09-21T15:30:00Z") == [1, 2]
    assert amounts("?from=2026-09-21T15:00Z&to=2026-09-21T16:00Z") == [2]
    assert amounts("?page=1&size=2") == [3]
    assert api.problems("GET", "/accounts/me/transactions?from=yesterday") == {"from"}


def test_transactions_of_a_trial_account(api: Api) -> None:
    """A trial account is refused with 400001012, and nobody sees the transactions of another account."""
    api.carrier.family(Finance).top_up(api.application.account, Decimal(50))
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other("GET", "/accounts/me/transactions")["content"] == []
    other.application.account.trial = True
    assert other.refused("GET", "/accounts/me/transactions") == "400001012"


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_top_up_is_above_zero(api: Api, amount: str) -> None:
    """Whatever is not above zero is no top-up."""
    with pytest.raises(ValueError, match="above zero"):
        api.carrier.family(Finance).top_up(api.application.account, Decimal(amount))


def test_banks(api: Api) -> None:
    """Whom to pay comes with every documented key (§2.13)."""
    banks = api("GET", "/accounts/me/banks")
    assert set(banks) == {"name", "address", "phone", "vatId", "email", "banks"}
    assert set(banks["banks"][0]) == {"name", "address", "number", "iban", "currency", "minAmount", "country", "swiftCode"}
