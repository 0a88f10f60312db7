"""A bulk send that is killed with SIGKILL, over real sockets and a real file, and started again."""

import pytest

from benchmarks.kill import experiment, holds


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("seed", "workers"), [(1, 0), (2, 0), (3, 2)])
async def test_killed_run_is_resumed_exactly(seed: int, workers: int) -> None:
    """After each kill the same input with the same ledger goes on; in the end the server has every message exactly once."""
    figures = await experiment(kills=4, count=5000, seed=seed, workers=workers)
    assert figures["kills survived"] == 4, "the run ended before it could be killed; give it more messages"
    assert holds(figures), figures
