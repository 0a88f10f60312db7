"""`routee balance`: what is left on the account."""

from decimal import Decimal

from routee_async.sandbox import Sandbox
from tests.cli.conftest import Routee


async def test_balance(routee: Routee, sandbox: Sandbox) -> None:
    """One line for people, one object for programs."""
    ran = await routee("balance")
    assert (ran.status, ran.out) == (0, f"{sandbox.balance} EUR\n")
    (line,) = (await routee("balance", "--json")).lines
    assert (Decimal(line["balance"]), line["currency"]) == (sandbox.balance, "EUR")


async def test_least(routee: Routee, sandbox: Sandbox) -> None:
    """The exit status tells whether there is enough."""
    assert (await routee("balance", "--least", sandbox.balance)).status == 0
    assert (await routee("balance", "--least", sandbox.balance + 1)).status == 1
