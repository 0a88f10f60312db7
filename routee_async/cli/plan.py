"""`routee plan`: what `routee bulk` would take, without sending anything."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import routee_async
from routee_async import Plan, RouteeClient, Sms
from routee_async.cli import output
from routee_async.cli.failures import Exit, UsageError
from routee_async.cli.recipients import BadRow, Recipients, open_recipients
from routee_async.cli.writing import Writing
from routee_async.phone import check_sender_id

_MOST_CHARACTERS = 10
"""Characters that are shown; `--json` has them all."""


async def plan(
    file: Path,
    /,
    *,
    sender_id: str | None = None,
    body: str | None = None,
    default_region: str | None = None,
    price: Decimal | None = None,
    account_prices: bool = False,
    duplicates: Annotated[bool, Parameter(negative="--no-duplicates")] = True,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Count what `routee bulk` would take, without sending anything.

    ```shell
    routee plan customers.csv --sender-id ParcelCo --body "Hi {name}, your parcel is here" --price 0.032
    ```

    Reads the same file with the same options. Nothing is asked of Routee, except for the price list with `--account-prices`. The
    exit status is 0 if every row can be sent, 1 if not.

    Args:
        file: CSV file.
        sender_id: Who the messages are from, unless column `sender_id` says otherwise.
        body: Text with placeholders, such as `Hi {name}`. Without it, column `body` is taken as it is.
        default_region: Country of numbers in national form, such as GR.
        price: Price of a part, to any country.
        account_prices: Take the prices of the account; needs the credentials in the environment.
        duplicates: Count rows that have the recipient and the text of an earlier one; `--no-duplicates` saves up to 32 bytes of
            memory a row.
        as_json: Write one JSON object.
    """
    if price is not None and account_prices:
        raise UsageError("give --price or --account-prices, not both")
    if sender_id is not None:
        check_sender_id(sender_id)
    prices = price if not account_prices else await _fetch_prices()
    with open_recipients(file) as recipients:
        rows = _Rows(recipients, Writing(recipients, sender_id=sender_id, body=body))
        made = routee_async.plan(rows, prices=prices, default_region=default_region, duplicates=duplicates)
    if as_json:
        output.emit_json(_describe(made, rows.unreadable))
    else:
        for line in _lines(made, rows.unreadable):
            output.emit(line)
    return Exit.DONE if made.sendable == made.messages and not rows.unreadable else Exit.FAILED


async def _fetch_prices() -> Mapping[str, Decimal]:
    async with RouteeClient.from_env() as client:
        return (await client.account.prices(service="Sms")).per_part()


class _Rows:
    """The messages of a file; counts the rows that cannot be read."""

    def __init__(self, recipients: Recipients, writing: Writing) -> None:
        self.unreadable = 0
        self._recipients = recipients
        self._writing = writing

    def __iter__(self) -> Iterator[Sms]:
        for row in self._recipients:
            if isinstance(row, BadRow):
                self.unreadable += 1
            else:
                yield self._writing.compose(row)


def _describe(made: Plan, unreadable: int) -> dict[str, object]:
    return {
        "messages": made.messages,
        "sendable": made.sendable,
        "unreadable": unreadable,
        "duplicates": made.duplicates,
        "parts": made.parts,
        "respelled_parts": made.respelled_parts,
        "encodings": {str(encoding): count for encoding, count in made.encodings.items()},
        "cost": None if made.cost is None else str(made.cost),
        "unpriced_parts": made.unpriced_parts if made.is_priced else None,
        "countries": {
            code: {
                "messages": country.messages,
                "parts": country.parts,
                "price": None if country.price is None else str(country.price),
                "cost": None if country.cost is None else str(country.cost),
            }
            for code, country in made.countries.items()
        },
        "invalid": dict(made.invalid),
        "characters": [{"character": use.character, "messages": use.messages, "cheaper": use.cheaper} for use in made.characters],
    }


def _lines(made: Plan, unreadable: int) -> Iterator[str]:
    yield f"{made.messages:,} messages, {made.sendable:,} of which can be sent in {made.parts:,} parts"
    if unreadable:
        yield f"{unreadable:,} rows cannot be read"
    if made.duplicates:
        yield f"{made.duplicates:,} have the recipient and the text of an earlier one"
    for reason, count in made.invalid.items():
        yield f"{count:,} cannot be sent: {reason}"
    for code, country in made.countries.items():
        cost = "" if country.cost is None else f", {country.cost}"
        yield f"{code}: {country.messages:,} messages, {country.parts:,} parts{cost}"
    if made.cost is not None:
        missing = f", and {made.unpriced_parts:,} parts whose price is not known" if made.unpriced_parts else ""
        yield f"Cost: {made.cost}{missing}"
    if made.respelled_parts < made.parts:
        yield f"In plain spelling it would be {made.respelled_parts:,} parts; what stands in the way:"
        for use in made.characters[:_MOST_CHARACTERS]:
            yield f"  {use.character} in {use.messages:,} messages{_hint(use.cheaper)}"


def _hint(cheaper: str | None) -> str:
    if cheaper is None:
        return ", nothing looks like it"
    return f", could be {cheaper}" if cheaper else ", could be left out"
