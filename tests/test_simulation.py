"""Never twice, never lost: thousands of simulated runs, each killed and resumed, each checked; and proof that the checks bite."""

import logging
import os
from collections.abc import Callable

import pytest

from routee_async import retry, run
from routee_async.errors import OutcomeUnknownError
from routee_async.options import RetryPolicy
from routee_async.protocol import Failure, Request, Response
from routee_async.retry import Action, Decision
from routee_async.store import RowState
from tests.simulated_world import Disk
from tests.simulation import SimulatedClient, simulate

SEEDS = int(os.environ.get("ROUTEE_SIMULATED_SEEDS", "2000"))
BLOCKS = 8
ENOUGH_TO_NOTICE = 300


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble is what is simulated: nobody needs to read about each."""
    monkeypatch.setattr(logging.getLogger("routee_async"), "disabled", True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_invariants_hold_in_every_run(block: int) -> None:
    """Whatever goes wrong and whenever the process dies, nothing is sent twice, nothing is lost, and every word is true."""
    size = SEEDS // BLOCKS
    for seed in range(block * size, (block + 1) * size):
        found = simulate(seed).violations
        assert not found, f"replay with: uv run python -m tests.simulation {seed}"


def test_seed_decides_everything() -> None:
    """The same seed gives the same run, so that what was found can be found again."""
    for seed in (3, 17, 99):
        first, second = simulate(seed), simulate(seed)
        assert first.simulated_sends == second.simulated_sends
        assert {index: type(each) for index, each in first.outcomes.items()} == {
            index: type(each) for index, each in second.outcomes.items()
        }


def is_noticed(sabotage: Callable[[SimulatedClient, Disk], None] | None = None) -> bool:
    """Tell whether any of some hundred runs breaks an invariant."""
    return any(simulate(seed, sabotage).violations for seed in range(ENOUGH_TO_NOTICE))


def test_repeat_after_a_timeout_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that repeats a send whose answer did not come, as most do, is caught."""
    honest = retry.decide

    def repeat(request: Request, result: Response | Failure, *, renewed: bool) -> Decision:
        decision = honest(request, result, renewed=renewed)
        if isinstance(result, Failure) and isinstance(decision.error, OutcomeUnknownError):
            return Decision(Action.REPEAT, decision.error)
        return decision

    monkeypatch.setattr(retry, "decide", repeat)
    assert is_noticed()


def test_repeat_after_a_server_error_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that repeats a send after a 5xx is caught."""
    honest = retry.decide

    def repeat(request: Request, result: Response | Failure, *, renewed: bool) -> Decision:
        decision = honest(request, result, renewed=renewed)
        if isinstance(result, Response) and result.status >= 500 and request.endpoint.paid:
            return Decision(Action.REPEAT, decision.error)
        return decision

    monkeypatch.setattr(retry, "decide", repeat)
    assert is_noticed()


def test_intent_after_the_send_is_noticed() -> None:
    """A ledger that is written only after the bytes is caught."""

    def forget(_: SimulatedClient, disk: Disk) -> None:
        async def intend(index: int, reference: str, checksum: bytes) -> None:
            pass

        disk.intend = intend  # type: ignore[method-assign]  # the point is to break it

    assert is_noticed(forget)


def test_resend_at_the_first_absence_is_noticed() -> None:
    """A client that sends again as soon as a look-up does not show the message is caught."""

    def hurry(client: SimulatedClient, _: Disk) -> None:
        client._retry = RetryPolicy(lookup_delays=(0.001,))  # noqa: SLF001 - the point is to break it

    assert is_noticed(hurry)


def test_resume_without_a_look_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed run that sends again what was in flight when it was killed is caught."""
    monkeypatch.setattr(run, "_DOUBTFUL", frozenset[RowState]())
    assert is_noticed()


def test_doubt_reported_as_failure_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says of a doubtful send that it was not sent is caught."""
    honest = retry.decide

    def deny(request: Request, result: Response | Failure, *, renewed: bool) -> Decision:
        if isinstance(result, Failure) and request.endpoint.paid:
            return Decision(Action.RAISE, retry.not_written(result))
        return honest(request, result, renewed=renewed)

    monkeypatch.setattr(retry, "decide", deny)
    assert is_noticed()
