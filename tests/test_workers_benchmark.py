"""Tests of `benchmarks/workers.py`: that it runs and works figures out rightly, not how fast."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import workers
from benchmarks.workers import Measure, Row, Task

PATIENCE = 120.0


@pytest.mark.timeout(PATIENCE)
@pytest.mark.skipif(sys.platform != "linux", reason="processor times of other processes are read from /proc")
def test_short_run(tmp_path: Path) -> None:
    """The short run measures every number of workers over HTTP and TLS, and writes the same as data."""
    file = tmp_path / "figures.json"
    command = [sys.executable, workers.__file__, "--short", "--json", str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path)  # noqa: S603
    assert len(re.findall(r"^[|] (HTTP|TLS), (alone|1 worker|2 workers|4 workers) [|]", done.stdout, re.MULTILINE)) == 8
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert all(row["measure"]["rate"] > 0 and row["measure"]["own"] > 0 for row in rows)


def test_ratios_are_of_one_round() -> None:
    """A ratio is the median over the rounds of what one round gives, above 1 where workers are better."""
    found = {
        ("http", 0): [Measure(100, 10, 10), Measure(50, 20, 20), Measure(100, 10, 10)],
        ("http", 2): [Measure(200, 5, 20), Measure(100, 10, 40), Measure(10, 1, 1)],
    }
    row = workers.summarize(("http", 2), found)
    assert row == Row("http", 2, Measure(100, 5, 20), Measure(2, 2, 0.5))
    assert "| HTTP, 2 workers | 0.1k/s | 2.00 | 5.0 µs | 2.00 | 20.0 µs | 0.50 |" in workers.to_markdown([row])


async def test_only_success_is_timed() -> None:
    """Where nobody listens there is no figure."""
    with pytest.raises(RuntimeError, match="0 of 5 messages were accepted"):
        await workers.measure(Task("http://127.0.0.1:1", 0, 5, 5))
