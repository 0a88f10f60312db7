"""Batches that keep to a `SpendLimit`, against the sandbox."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from routee_async import (
    Accepted,
    BulkStoppedError,
    ConfigurationError,
    Ledger,
    LowBalanceError,
    NotSent,
    Outcome,
    Rejected,
    RouteeClient,
    RouteeError,
    Sms,
    SpendLimit,
    SpendLimitError,
    Unknown,
)
from routee_async.sandbox import Fault, Magic, Sandbox, faults
from routee_async.spending import Meter


def texts(count: int, *, body: str = "Hello", to: str | None = None) -> list[Sms]:
    """So many messages."""
    return [Sms(to=to or f"+3069700{number:05}", sender_id="P", body=body) for number in range(count)]


async def gather(outcomes: AsyncIterator[Outcome]) -> tuple[list[Outcome], RouteeError | None]:
    """All outcomes, and what stopped the batch."""
    gathered: list[Outcome] = []
    while True:
        try:
            gathered.append(await anext(outcomes))
        except StopAsyncIteration:
            return gathered, None
        except BulkStoppedError as stop:
            return gathered, stop.cause


async def test_parts_are_never_exceeded(sandbox: Sandbox, client: RouteeClient) -> None:
    """Ten parts are ten parts, however many messages are under way at once."""
    outcomes, cause = await gather(client.send_many(texts(50), concurrency=20, spend=SpendLimit(max_parts=10)))
    assert isinstance(cause, SpendLimitError)
    assert sandbox.journal.sends_received == 10
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 10
    assert all(isinstance(outcome, Accepted | NotSent) for outcome in outcomes)


async def test_limit_that_is_just_enough(sandbox: Sandbox, client: RouteeClient) -> None:
    """A batch that costs exactly what it may is sent whole."""
    outcomes, cause = await gather(client.send_many(texts(5, body="x" * 161), spend=SpendLimit(max_parts=10)))
    assert cause is None
    assert len(outcomes) == sandbox.journal.sends_accepted == 5


async def test_money_by_the_account_s_prices(sandbox: Sandbox, client: RouteeClient) -> None:
    """Without prices of one's own the price list is read once, before the first message."""
    price = (await client.account.prices(service="Sms")).per_part()["GR"]
    _, cause = await gather(client.send_many(texts(9), spend=SpendLimit(max_cost=price * 4)))
    assert isinstance(cause, SpendLimitError)
    assert sandbox.journal.sends_accepted == 4
    assert sandbox.journal.requests["GET /system/prices"] == 2


async def test_what_was_refused_gives_its_money_back(sandbox: Sandbox, client: RouteeClient) -> None:
    """A message that Routee refuses, or that is invalid, costs nothing, also when it is refused while others wait."""
    messages = [*texts(2), *texts(3, to=Magic.REFUSED), *texts(1, to="call me"), *texts(8)]
    outcomes, cause = await gather(client.send_many(messages, concurrency=14, spend=SpendLimit(max_parts=10)))
    assert cause is None
    assert sandbox.journal.sends_accepted == 10
    assert sum(isinstance(outcome, Rejected) for outcome in outcomes) == 4


async def test_doubt_counts_as_spent(sandbox: Sandbox, client: RouteeClient) -> None:
    """A message that may have been sent may have been paid."""
    sandbox.faults.add(Fault(faults.error(500, accepted=True), path="/sms", times=1))
    outcomes, cause = await gather(client.send_many(texts(3), concurrency=1, spend=SpendLimit(max_parts=2)))
    assert isinstance(cause, SpendLimitError)
    assert [type(outcome) for outcome in outcomes] == [Unknown, Accepted, NotSent]


async def test_unknown_price_stops(sandbox: Sandbox, client: RouteeClient) -> None:
    """Where a price is not known the limit could not be kept."""
    limit = SpendLimit(max_cost=Decimal(100), prices={"GR": Decimal("0.03")})
    outcomes, cause = await gather(client.send_many([*texts(1), *texts(1, to="+4915112345678")], concurrency=1, spend=limit))
    assert isinstance(cause, SpendLimitError)
    assert [type(outcome) for outcome in outcomes] == [Accepted, NotSent]
    assert sandbox.journal.requests["GET /system/prices"] == 0


async def test_low_balance_stops_before_the_first(sandbox: Sandbox, client: RouteeClient) -> None:
    """With a least balance nothing is sent from an account that has less."""
    limit = SpendLimit(min_balance=sandbox.balance + 1)
    with pytest.raises(BulkStoppedError) as caught:
        await anext(client.send_many(texts(1), spend=limit))
    assert isinstance(caught.value.cause, LowBalanceError)
    assert (caught.value.cause.balance, caught.value.attempted) == (sandbox.balance, 0)
    assert sandbox.journal.sends_received == 0
    assert len([outcome async for outcome in client.send_many(texts(1), spend=SpendLimit(min_balance=sandbox.balance))]) == 1


async def test_earlier_runs_count(sandbox: Sandbox, client: RouteeClient, tmp_path: Path) -> None:
    """A resumed run has the limit of the whole batch, not another one of its own; a higher one lets it go on."""
    for allowed in (4, 4, 6):
        ledger = Ledger(tmp_path / "run.db")
        _, cause = await gather(client.send_many(texts(8), ledger=ledger, concurrency=1, spend=SpendLimit(max_parts=allowed)))
        assert isinstance(cause, SpendLimitError)
        assert sandbox.journal.sends_received == allowed


async def test_doubt_of_an_earlier_run_stays_doubt(sandbox: Sandbox, client: RouteeClient, tmp_path: Path) -> None:
    """A message that may have been sent is not called unsent because the limit forbids to send it again."""
    ledger = Ledger(tmp_path / "run.db")
    sandbox.faults.add(Fault(faults.error(500, accepted=True), path="/sms", times=1))
    assert isinstance((await gather(client.send_many(texts(2, body="x" * 200), ledger=ledger, concurrency=1)))[0][0], Unknown)
    outcomes, _ = await gather(
        client.send_many(texts(2, body="x" * 200), ledger=ledger, concurrency=1, spend=SpendLimit(max_parts=1))
    )
    assert isinstance(outcomes[0], Unknown)


@pytest.mark.parametrize(
    "options",
    [{"max_parts": 0}, {"max_cost": 1.5}, {"max_cost": -1}, {"max_cost": "much"}, {"min_balance": True}, {"prices": 3}],
    ids=str,
)
def test_limit_is_checked(options: dict[str, object]) -> None:
    """Whatever is no amount of money or parts is refused where it is written."""
    with pytest.raises(ConfigurationError):
        SpendLimit(**options)  # type: ignore[arg-type] # on purpose


def test_meter() -> None:
    """What is reserved counts until it is given back."""
    meter = Meter(SpendLimit(max_cost=Decimal(2)))
    assert meter.reserve(1, Decimal(1))
    assert meter.reserve(1, Decimal(1))
    assert not meter.reserve(1, Decimal("0.1"))
    meter.settle(1, Decimal(1), spent=False)
    meter.settle(1, Decimal(1), spent=True)
    assert (meter.parts, meter.cost, meter.under_way) == (1, Decimal(1), 0)
