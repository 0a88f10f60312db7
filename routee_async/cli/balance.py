"""`routee balance`: what is left on the account."""

from decimal import Decimal
from typing import Annotated

from cyclopts import Parameter

from routee_async import RouteeClient
from routee_async.cli import output
from routee_async.cli.failures import Exit


async def balance(
    *,
    least: Decimal | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Show what is left on the account.

    ```shell
    routee balance --least 50
    ```

    The exit status is 0, or 1 if there is less than `--least`.

    Args:
        least: What should be there, in the account's currency.
        as_json: Write one JSON object.
    """
    async with RouteeClient.from_env() as client:
        found = await client.account.balance()
    currency = None if found.currency is None else found.currency.code
    if as_json:
        output.emit_json({"balance": str(found.amount), "currency": currency})
    else:
        output.emit(f"{found.amount.normalize():f} {currency or ''}".rstrip())
    return Exit.DONE if least is None or found.amount >= least else Exit.FAILED
