"""Tests of `changes.py`."""

import asyncio

from routee_async.sandbox.changes import Changes


async def test_who_waits_is_woken() -> None:
    """A change wakes everybody who waits, at once."""
    changes = Changes()
    waiting = [asyncio.create_task(changes.wait(0, 30)) for _ in range(3)]
    await asyncio.sleep(0)
    changes.tell()
    assert await asyncio.gather(*waiting) == [True] * 3
    assert changes.version == 1


async def test_a_change_in_the_past_is_not_waited_for() -> None:
    """Who knows an older version does not wait."""
    changes = Changes()
    changes.tell()
    assert await changes.wait(0, 0)


async def test_patience_ends() -> None:
    """When nothing happens, that is said in time, and nobody stays in the list."""
    changes = Changes()
    assert not await changes.wait(0, 0.001)
    changes.tell()
    assert not changes._waiting  # noqa: SLF001 - nothing else shows that it is forgotten
