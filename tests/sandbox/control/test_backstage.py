"""Tests of `control/backstage.py`, as far as those of the API do not show it."""

import random

import pytest

from routee_async.sandbox import Carrier, FaultPlan
from routee_async.sandbox.changes import Changes
from routee_async.sandbox.clock import Clock
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.exchanges import Exchanges


@pytest.fixture
def backstage() -> Backstage:
    """What is behind a sandbox that does not run."""

    async def advance(_: float) -> None:
        raise RuntimeError("the sandbox is not running")

    clock, rng = Clock(speed=0), random.Random(1)
    return Backstage(
        carrier=Carrier(now=clock, rng=rng),
        faults=FaultPlan(rng),
        exchanges=Exchanges(10),
        changes=Changes(),
        clock=clock,
        advance=advance,
    )


async def test_time_of_a_sandbox_that_does_not_run(backstage: Backstage) -> None:
    """How fast time will pass can be set before anybody waits for anything; letting it pass cannot be done."""
    backstage.run_at(60)
    assert backstage.clock.speed == 60
    with pytest.raises(RuntimeError, match="not running"):
        await backstage.let_pass(1)


def test_everything_is_kept_unless_told_otherwise(backstage: Backstage) -> None:
    """Without a bound nothing is let go of, and nobody is told that anything changed."""
    backstage.trim()
    assert backstage.changes.version == 0
