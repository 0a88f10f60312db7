"""A whole run of `send_many` in one process and no time: the real client over an in-memory network and the sandbox's carrier.

One seed decides everything: the input, every fault, every delay, when the process is killed and what the disk had by then. Time is
virtual (`virtual_time.py`). A run is killed and resumed several times; then the invariants of failure-taxonomy.md are checked.

    uv run python -m tests.simulation 1234        # replay one seed, and tell what happened
    uv run python -m tests.simulation 0 20000     # run many, print what was violated
"""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import attrs

from routee_async import (
    Accepted,
    BulkStoppedError,
    InvalidInputError,
    NotSent,
    OnUnknown,
    Outcome,
    Rejected,
    RouteeClient,
    Sms,
    Timeout,
    Unknown,
    references,
)
from routee_async.exchange import Transport
from tests import virtual_time
from tests.simulated_world import APPLICATION, ORIGIN, PRICE, Disk, Network, Plan, make_plan, wall_clock


class SimulatedClient(RouteeClient):
    """The real client with another network, other dice and another clock."""

    def __init__(self, network: Network, rng: random.Random) -> None:
        super().__init__(*APPLICATION, base_url=ORIGIN, auth_url=ORIGIN, timeout=Timeout(total=20), max_connections=20)
        self._network = network
        self._rng = rng

    def _make_transport(self) -> Transport:
        return self._network.transport()

    def _make_rng(self) -> random.Random:
        return self._rng

    def _now(self) -> datetime:
        return wall_clock()


@attrs.define
class Result:
    """What a simulated run came to.

    Attributes:
        outcomes: Outcomes of the last life, by index.
        lives: How often the run was begun.
        simulated_sends: POSTs written.
        violations: Invariants that do not hold; empty as it should be.
    """

    outcomes: dict[int, Outcome] = attrs.Factory(dict)
    lives: int = 0
    simulated_sends: int = 0
    violations: list[str] = attrs.Factory(list)


def simulate(seed: int, sabotage: Callable[[SimulatedClient, Disk], None] | None = None) -> Result:
    """Run one seed to its end and check the invariants.

    Args:
        seed: Decides everything.
        sabotage: Breaks the client on purpose, to see that this is noticed.
    """
    return virtual_time.run(_simulate(random.Random(seed), sabotage))


async def _simulate(rng: random.Random, sabotage: Callable[[SimulatedClient, Disk], None] | None) -> Result:
    plan = make_plan(rng)
    network, disk, result = Network(rng, plan), Disk(rng), Result()
    for lifetime in [*plan.lifetimes, None]:
        network.calm = lifetime is None and rng.random() < 0.5
        await _live(plan, network, disk, result, rng, lifetime, sabotage)
    for _ in range(3):
        # The operator tops up, the weather clears: the same input with the same ledger ends everything that can be ended.
        network.calm = True
        network.application.account.balance += PRICE * 1000
        await _live(plan, network, disk, result, rng, None, sabotage)
    await asyncio.sleep(100)  # whatever is still under way arrives
    result.simulated_sends = network.posts
    result.violations = list(violations(plan, network, disk, result))
    return result


async def _live(
    plan: Plan,
    network: Network,
    disk: Disk,
    result: Result,
    rng: random.Random,
    lifetime: float | None,
    sabotage: Callable[[SimulatedClient, Disk], None] | None,
) -> None:
    """One life of the process: to the end of the run, or until it is killed."""
    result.lives += 1
    result.outcomes = {}
    client = SimulatedClient(network, rng)
    if sabotage is not None:
        sabotage(client, disk)
    process = asyncio.create_task(_run(client, plan, disk, result))
    await asyncio.wait([process], timeout=lifetime)
    if not process.done():
        # A dead process cleans nothing up; cancelling it here is only how its tasks are made to vanish.
        disk.die()
        process.cancel()
        await asyncio.wait([process])
    elif (error := process.exception()) is not None:
        raise error


async def _run(client: SimulatedClient, plan: Plan, disk: Disk, result: Result) -> None:
    async def messages() -> AsyncIterator[Sms]:
        for sms in plan.messages:
            yield sms

    async with client:
        batch = client.send_many(messages(), concurrency=plan.concurrency, on_unknown=plan.on_unknown, ledger=disk)
        try:
            async for outcome in batch:
                if outcome.index in result.outcomes:
                    result.violations.append(f"two outcomes for {outcome.index}")
                result.outcomes[outcome.index] = outcome
        except BulkStoppedError:
            pass
        finally:
            await batch.aclose()


def violations(plan: Plan, network: Network, disk: Disk, result: Result) -> list[str]:
    """Check the invariants at the end of failure-taxonomy.md."""
    wrong = list(result.violations)
    sent = {message.tracking_id: (message.label or "")[: references.LENGTH] for message in network.carrier.journal.accepted}
    counts = Counter(sent.values())
    wrong += [f"{reference} was sent {count} times" for reference, count in counts.items() if count > 1]
    if set(result.outcomes) != set(range(len(plan.messages))):
        wrong.append(f"outcomes for {sorted(result.outcomes)} of {len(plan.messages)}")
    for index, outcome in result.outcomes.items():
        row = disk.rows.get(index)
        if row is None or row.state.value != _STATES[type(outcome)]:
            wrong.append(f"the ledger has {row.state if row else None} for {type(outcome).__name__} {index}")
        elif complaint := _complaint(outcome, counts[row.reference], plan.on_unknown):
            wrong.append(f"{index} {complaint}")
        elif isinstance(outcome, Accepted) and sent.get(outcome.sent.tracking_id) != row.reference:
            wrong.append(f"{index} has the tracking id of another message")
    allowed = (len(plan.messages) * 1.1 + network.refused + 4) * result.lives
    if network.posts > allowed:
        wrong.append(f"{network.posts} POSTs for {len(plan.messages)} messages in {result.lives} lives")
    return wrong


def _complaint(outcome: Outcome, count: int, on_unknown: OnUnknown) -> str | None:
    """What is wrong with an outcome at the end of all, when the message was really sent *count* times."""
    match outcome:
        case Accepted():
            return None if count == 1 else f"is Accepted, and was sent {count} times"
        case Rejected() | NotSent() if count:
            return f"is {type(outcome).__name__}, and was sent {count} times"
        case NotSent(error=error):
            return f"is NotSent although nothing was in the way: {error}"
        case Rejected(error=error) if not isinstance(error, InvalidInputError):
            return f"is Rejected although nothing is wrong with it: {error}"
        case Unknown(error=error) if on_unknown is OnUnknown.RECONCILE:
            return f"is still Unknown although it could be looked up: {error}"
        case _:
            return None


_STATES: dict[type[Outcome], str] = {Accepted: "accepted", Rejected: "rejected", NotSent: "not_sent", Unknown: "unknown"}


def main() -> None:
    """Replay a seed, or run many."""
    first, *rest = (int(argument) for argument in sys.argv[1:])
    seeds = range(first, rest[0]) if rest else range(first, first + 1)
    sends = 0
    for seed in seeds:
        result = simulate(seed)
        sends += result.simulated_sends
        if result.violations or not rest:
            print(seed, result.lives, "lives", *result.violations, sep="\n  ")  # noqa: T201 - a command
    print(f"{len(seeds)} seeds, {sends} simulated sends")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
