"""A batch that keeps to a `SpendLimit`. What is reserved and refused is `spending.py`'s."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from routee_async import segments, validation
from routee_async.bulk import Desk
from routee_async.countries import country_of
from routee_async.errors import BulkStoppedError, InvalidInputError, RouteeError, SpendLimitError
from routee_async.models import Accepted, Outcome, Sms, Unknown
from routee_async.planning import PriceSource, price_of
from routee_async.run import Run
from routee_async.spending import Meter, SpendLimit


class CappedRun(Run):
    """One run of `send_many` that stops before it would spend too much.

    Args:
        limit: What it may spend.
        fetch_prices: Reads the account's price list.
        require_balance: Reads the balance, and raises `LowBalanceError` if it is below what it is given.
        default_region: Country of recipients in national form.
        options: Those of `Run`.
    """

    def __init__(
        self,
        *,
        limit: SpendLimit,
        fetch_prices: Callable[[], Awaitable[PriceSource]],
        require_balance: Callable[[Decimal], Awaitable[object]],
        default_region: str | None,
        **options: Any,  # noqa: ANN401 - handed on as they come
    ) -> None:
        super().__init__(**options)
        self._limit = limit
        self._meter = Meter(limit)
        self._fetch_prices = fetch_prices
        self._require_balance = require_balance
        self._region = default_region
        self._prices = limit.prices
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()

    async def open(self, desk: Desk | None = None) -> None:
        """Look at the balance and the prices, if that is wanted, then begin.

        Raises:
            BulkStoppedError: The balance is too low, or they cannot be read.
            LedgerError: The ledger cannot be used.
        """
        try:
            if self._limit.min_balance is not None:
                await self._require_balance(Decimal(self._limit.min_balance))
            if self._limit.max_cost is not None and self._prices is None:
                self._prices = await self._fetch_prices()
        except RouteeError as error:
            raise BulkStoppedError(error, 0) from None
        await super().open(desk)

    async def outcome(self, index: int, sms: Sms) -> Outcome:
        """Bring one message to its outcome, if there is money left for it. Called in order of index."""
        needs = self._needs(sms)
        if needs is None:
            return await super().outcome(index, sms)
        parts, cost = needs
        async with self._turn:
            has_reserved = await self._reserve(parts, cost)
        # When nothing was reserved the run has been stopped: a message that an earlier run left in doubt stays in doubt.
        outcome = await super().outcome(index, sms)
        if has_reserved:
            self._meter.settle(parts, cost or Decimal(0), spent=isinstance(outcome, Accepted | Unknown))
            self._settled.set()
        return outcome

    def _needs(self, sms: Sms) -> tuple[int, Decimal | None] | None:
        """Parts and cost of a message, None for an unknown price; None for one that cannot be sent anyway."""
        try:
            prepared = validation.prepare(sms, default_region=self._region)
        except InvalidInputError:
            return None
        parts = segments.analyze(prepared.body).parts
        if self._limit.max_cost is None or self._prices is None:
            return parts, Decimal(0)
        price = price_of(self._prices, country_of(prepared.to))
        return parts, None if price is None else price * parts

    async def _reserve(self, parts: int, cost: Decimal | None) -> bool:
        """Reserve what a message takes; stop the run if it cannot be had, whatever becomes of those under way."""
        if cost is None:
            self.stop(SpendLimitError("the price of a message is not known, so the limit could not be kept"))
            return False
        while self.stopped_by is None:
            if self._meter.reserve(parts, cost):
                return True
            if not self._meter.under_way:
                spent = f"{self._meter.parts} parts, {self._meter.cost} in money"
                self.stop(SpendLimitError(f"the next message would go beyond the limit; so far {spent}"))
                return False
            # What is under way may yet be refused, and give back what it reserved.
            self._settled.clear()
            await self._settled.wait()
        return False
