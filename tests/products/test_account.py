"""`client.account`: money and prices."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from routee_async import ConfigurationError, InvalidInputError, LowBalanceError, PermissionDeniedError, RouteeClient, camel
from routee_async.products.account import Balance, LookupPrices, Prices, Transaction, TransactionStatus, TwoStepPrices
from routee_async.sandbox import Sandbox
from routee_async.sandbox.finance import Finance


async def test_balance_is_exact(sandbox: Sandbox, client: RouteeClient) -> None:
    """Money is a Decimal of what stands on the wire, not of what a float makes of it."""
    sandbox.application.account.balance = Decimal("0.1") + Decimal("0.2")
    assert (await client.account.balance()).amount == Decimal("0.3")


@pytest.mark.parametrize("least", [Decimal(100000), 100_000, "100000.00", 0], ids=repr)
async def test_enough_money(client: RouteeClient, least: Decimal | int | str) -> None:
    """With enough money the guard lets pass, and tells how much there is."""
    assert (await client.account.require_balance(least)).amount == 100_000


async def test_too_little_money(client: RouteeClient) -> None:
    """With too little it says what there is and what is wanted."""
    with pytest.raises(LowBalanceError) as caught:
        await client.account.require_balance(Decimal("100000.01"))
    assert (caught.value.balance, caught.value.wanted) == (Decimal(100_000), Decimal("100000.01"))
    assert caught.value.safe_to_resend


@pytest.mark.parametrize("least", [1.5, True, "much", "NaN", -1, None], ids=repr)
async def test_no_amount(client: RouteeClient, least: Decimal) -> None:
    """What is no amount of money is refused before any request."""
    with pytest.raises(ConfigurationError):
        await client.account.require_balance(least)


async def test_no_right(sandbox: Sandbox, client: RouteeClient) -> None:
    """Without the right to see money the application is told so."""
    sandbox.application.permissions = ("MT_ROLE_SMS",)
    with pytest.raises(PermissionDeniedError):
        await client.account.balance()


async def test_transactions_of_all_pages(sandbox: Sandbox, client: RouteeClient) -> None:
    """More payments than a page has come one after the other."""
    for _ in range(103):
        sandbox.carrier.family(Finance).top_up(sandbox.application.account, Decimal("1.10"))
    now = datetime.now(UTC)
    rows = [row async for row in client.account.transactions(now - timedelta(days=1), now + timedelta(days=1))]
    assert len({row.id for row in rows}) == len(rows) == 103
    assert sum(row.amount for row in rows) == Decimal("113.30")
    assert sandbox.journal.requests["GET /accounts/me/transactions"] == 2
    with pytest.raises(InvalidInputError):
        client.account.transactions(now, now - timedelta(days=1))


def test_odd_shapes() -> None:
    """§8: amounts as texts or numbers, older names of prices, what is missing."""
    assert camel.read({"balance": "125.4375"}, Balance) == Balance(amount=Decimal("125.4375"))
    prices = camel.read(
        {"twoStep": {"SmsVerification": 0.05, "VoiceVerification": "0.08"}, "lookup": {"PerRequest": 0.006}}, Prices
    )
    assert prices.two_step == TwoStepPrices(sms=Decimal("0.05"), voice=Decimal("0.08"))
    assert prices.lookup == LookupPrices(per_request=Decimal("0.006"))
    assert prices.per_part() == {}
    row = camel.read({"id": "a", "amount": "50", "status": "Odd", "actions": None}, Transaction)
    assert (row.amount, row.status, row.actions) == (Decimal(50), TransactionStatus("Odd"), ())
