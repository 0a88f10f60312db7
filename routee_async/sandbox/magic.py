"""The table of magic numbers, for documents, the control API and the inbox page."""

from typing import Final

import attrs

from routee_async.sandbox.timeline import DESCRIPTIONS, MAGIC_OUTCOMES, Magic, Outcome, state

_LAST: Final = 2
_SPECIAL: Final = {
    Magic.LAST_PART_UNDELIVERED: "All parts are `Delivered` but the last, which ends as `Undelivered`",
    Magic.PORTED: "Ends as `Delivered`; a look-up tells that the number has changed its network",
    Magic.REFUSED: "The send is refused as if the number were invalid: 400 with `400000000`",
    Magic.NO_BALANCE: "The send is refused for lack of money: 400 with `400001009`; in a campaign it ends as `Unsent`",
}
_ENDLESS: Final = {
    Outcome.NEVER_FINAL: "Stays `Sent` for ever",
    Outcome.NEVER_SENT: "Stays `Queued` for ever",
}


@attrs.frozen
class MagicRow:
    """A number whose fate is known.

    Attributes:
        number: In E.164.
        name: Its name in `Magic`.
        meaning: What becomes of a message to it.
    """

    number: str
    name: str
    meaning: str


def _meaning(number: Magic) -> str:
    if number in _SPECIAL:
        return _SPECIAL[number]
    outcome = MAGIC_OUTCOMES[number.value]
    if outcome in _ENDLESS:
        return _ENDLESS[outcome]
    where = state(outcome, _LAST)
    what = where.status if where.detail in {None, where.status} else f"{where.status}` / `{where.detail}"
    return f"Ends as `{what}`: {DESCRIPTIONS[outcome][0].lower()}{DESCRIPTIONS[outcome][1:]}"


MAGIC_ROWS: Final = tuple(MagicRow(number.value, number.name, _meaning(number)) for number in Magic)
"""All of them."""


def markdown() -> str:
    """Write them as a table for documents."""
    rows = [f"| `{row.number}` | `Magic.{row.name}` | {row.meaning} |" for row in MAGIC_ROWS]
    return "\n".join(["| Number | In Python | What becomes of a message to it |", "| --- | --- | --- |", *rows, ""])
