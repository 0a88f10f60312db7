"""Tests of `benchmarks/with_ledger.py`: that it runs and works figures out rightly, not how fast."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import with_ledger
from benchmarks.with_ledger import Burst, Task

PATIENCE = 120.0


@pytest.mark.timeout(PATIENCE)
def test_short_run(tmp_path: Path) -> None:
    """The short run measures with and without a ledger at every place."""
    command = [sys.executable, with_ledger.__file__, "--short"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path)  # noqa: S603
    assert len(re.findall(r"^[|] (HTTP|TLS), [15]00 in flight [|]", done.stdout, re.MULTILINE)) == 4


def test_ratios_are_of_neighbours() -> None:
    """What is left is the median of what neighbours give, and not the ratio of medians."""
    pairs = [(Burst(10, 10), Burst(20, 40)), (Burst(40, 80), Burst(50, 100)), (Burst(30, 30), Burst(40, 30))]
    assert with_ledger.to_line(("http", 100), pairs) == "| HTTP, 100 in flight | 30.0 µs | 40.0 µs | 0.75 | 0.80 |"


async def test_only_success_is_timed() -> None:
    """Where nobody listens there is no figure."""
    with pytest.raises(RuntimeError, match="0 of 5 messages were accepted"):
        await with_ledger.measure(Task("http://127.0.0.1:1", 5, 5, 1, None))
