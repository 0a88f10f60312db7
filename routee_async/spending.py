"""How much a batch may spend. Pure: what is reserved, given back and refused."""

from decimal import Decimal

import attrs

from routee_async.errors import ConfigurationError
from routee_async.options import check_count
from routee_async.planning import PriceList, PriceSource


def check_amount(field: str, value: object) -> Decimal:
    """Return *value* as an amount of money, 0 or more.

    Raises:
        ConfigurationError: It is none. A float is none either: what it shows is not what it holds.
    """
    if isinstance(value, Decimal | int | str) and not isinstance(value, bool):
        try:
            amount = Decimal(value)
        except ArithmeticError:
            amount = Decimal("NaN")
        if amount.is_finite() and amount >= 0:
            return amount
    raise ConfigurationError(field, "must be an amount of 0 or more, as a Decimal, a whole number or a text")


def _amount(_: object, field: "attrs.Attribute[Decimal | None]", value: object) -> None:
    if value is not None:
        check_amount(field.name, value)


def _parts(_: object, field: "attrs.Attribute[int | None]", value: object) -> None:
    if value is not None:
        check_count(field.name, value)


@attrs.frozen(kw_only=True)
class SpendLimit:
    """How much a batch may spend: `send_many(messages, spend=SpendLimit(max_cost=Decimal("50")))`.

    What is sent, or may have been sent, counts; with a ledger, what earlier runs sent counts too. The batch stops with
    `BulkStoppedError` before the first message that would go beyond the limit.

    Attributes:
        max_cost: Money, in the account's currency: parts times the price of the dearest network of their country. A message to a
            country whose price is not known is not sent, and comes out as `NotSent`.
        max_parts: Message parts.
        min_balance: What the account must have before the batch begins.
        prices: Prices of a part for `max_cost`; None to read the account's price list before the batch begins.
    """

    max_cost: Decimal | None = attrs.field(default=None, validator=_amount)
    max_parts: int | None = attrs.field(default=None, validator=_parts)
    min_balance: Decimal | None = attrs.field(default=None, validator=_amount)
    prices: PriceSource | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.prices is not None and not isinstance(self.prices, PriceList | Decimal) and not hasattr(self.prices, "get"):
            raise ConfigurationError("prices", "must be a mapping of countries to Decimals, a price list or a Decimal")


@attrs.define
class Meter:
    """What a batch has spent and reserved.

    Attributes:
        limit: What it may.
        parts: Parts that were sent, may have been sent, or are under way.
        cost: What these cost.
        under_way: Messages of which it is not known yet.
    """

    limit: SpendLimit
    parts: int = 0
    cost: Decimal = Decimal(0)
    under_way: int = 0

    def reserve(self, parts: int, cost: Decimal) -> bool:
        """Reserve what a message takes; False if that would go beyond the limit."""
        max_parts, max_cost = self.limit.max_parts, self.limit.max_cost
        if max_parts is not None and self.parts + parts > max_parts:
            return False
        if max_cost is not None and self.cost + cost > max_cost:
            return False
        self.parts += parts
        self.cost += cost
        self.under_way += 1
        return True

    def settle(self, parts: int, cost: Decimal, *, spent: bool) -> None:
        """Note what became of a message; what was surely not sent is given back."""
        self.under_way -= 1
        if not spent:
            self.parts -= parts
            self.cost -= cost
