"""What the garbage collector does while something is tested."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

no_count_of_containers = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="the collector of Python 3.14 works in small steps, and counts otherwise"
)


@contextmanager
def collector(threshold: int = 700) -> Iterator[list[int]]:
    """Set the collector's threshold, and collect the generations that it looks through inside."""
    looked: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            looked.append(info["generation"])

    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(threshold, *before[1:])
    gc.callbacks.append(note)
    try:
        yield looked
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*before)
