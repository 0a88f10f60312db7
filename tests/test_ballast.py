"""Ballast keeps the garbage collector quiet, lets it find what there is to find, and takes no more than it must."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable

import pytest

from routee_async import ballast
from routee_async.ballast import Ballast
from tests.collecting import collector, no_count_of_containers
from tests.virtual_time import in_virtual_time

TOGETHER = 100
"""Exchanges that begin and end together."""
CONTAINERS = 50
"""Containers of one exchange."""
ROUNDS = 50

pytestmark = no_count_of_containers


def exchange_in_rounds(kept: Ballast | None, make: Callable[[], object], rounds: int = ROUNDS) -> None:
    """Do what a batch does: many exchanges begin together, then they end together."""
    for _ in range(rounds):
        under_way: list[list[object]] = []
        for _ in range(TOGETHER):
            if kept is not None:
                kept.begins()
            under_way.append([make() for _ in range(CONTAINERS)])
        while under_way:
            if kept is not None:
                kept.ends()
            under_way.pop()


async def test_the_collector_is_not_called_for_nothing() -> None:
    """Without ballast it runs several times in each round; with it hardly at all."""
    with collector() as looked:
        exchange_in_rounds(None, set)
    assert len(looked) >= 5 * ROUNDS
    with collector() as looked:
        exchange_in_rounds(Ballast(), set)
    assert len(looked) <= 10


async def test_garbage_is_found_all_the_same() -> None:
    """Cyclic garbage does not pile up behind the ballast: no more of it is alive than there are containers kept."""

    class Cyclic:
        def __init__(self) -> None:
            self.me = self

    alive = weakref.WeakSet[Cyclic]()

    def make_garbage() -> object:
        alive.add(Cyclic())
        return set()

    with collector() as looked:
        exchange_in_rounds(Ballast(), make_garbage)
        assert looked
        assert len(alive) <= 2 * TOGETHER * CONTAINERS


async def test_what_is_kept_is_bounded() -> None:
    """Where far more is freed than our exchanges took, not everything is made up for."""
    with collector():
        kept = Ballast()
        for _ in range(2 * ballast._MOST_PIECES):  # noqa: SLF001 - there is no other view
            gc.collect(0)  # then the count is 0, whatever there was
            kept.ends()
        assert len(kept._pieces) == ballast._MOST_PIECES  # noqa: SLF001 - as above
        assert sum(map(sys.getsizeof, [each for piece in kept._pieces for each in (piece, *piece)])) < 2_000_000  # noqa: SLF001 - as above


@pytest.mark.parametrize("threshold", [0, 100, 100_000])
async def test_nothing_is_kept_where_it_is_of_no_use(threshold: int) -> None:
    """Who has turned the collector off, or up or down by far, is left alone."""
    with collector(threshold):
        kept = Ballast()
        exchange_in_rounds(kept, set, rounds=2)
        assert not kept._pieces  # noqa: SLF001 - as above


async def test_nothing_is_kept_where_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose collector works otherwise is no reason to fail."""
    monkeypatch.delattr(gc, "get_count")
    monkeypatch.delattr(gc, "get_threshold")
    kept = Ballast()
    exchange_in_rounds(kept, set, rounds=2)
    assert not kept._pieces  # noqa: SLF001 - as above


@in_virtual_time
async def test_all_is_freed_when_nothing_is_under_way() -> None:
    """As long as an exchange begins within a second nothing is freed; after the last all is, and no timer is left."""
    with collector():
        kept = Ballast()
        exchange_in_rounds(kept, set, rounds=2)
        pieces = len(kept._pieces)  # noqa: SLF001 - as above
        assert pieces
        for _ in range(3):
            await asyncio.sleep(0.9)
            assert len(kept._pieces) == pieces  # noqa: SLF001 - as above
            kept.begins()
            pieces = len(kept._pieces)  # noqa: SLF001 - as above
        await asyncio.sleep(2.1)
        assert not kept._pieces  # noqa: SLF001 - as above
        assert kept._next_look is None  # noqa: SLF001 - as above
        exchange_in_rounds(kept, set, rounds=2)
        assert kept._pieces  # noqa: SLF001 - as above
