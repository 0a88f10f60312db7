"""Places are counted, given out in order, and never lost."""

import asyncio
import random

import pytest

from routee_async.places import Places


async def test_places_are_given_out_in_order() -> None:
    """Who waits longest is next, and nobody passes those who wait."""
    places = Places(2)
    assert places.take_at_once()
    await places.take()
    assert not places.take_at_once()
    order: list[int] = []

    async def wait(number: int) -> None:
        await places.take()
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    places.give_back()
    assert not places.take_at_once(), "it is the first one's who waits"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order == [0]
    places.give_back()
    places.give_back()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    places.give_back()
    assert places.take_at_once()
    assert not places.take_at_once()


@pytest.mark.parametrize("when", ["waiting", "just handed on", "handed on after that"])
async def test_cancelled_waiter_takes_no_place(when: str) -> None:
    """Whoever is cancelled while waiting, or when a place has just been handed on, leaves it to the next."""
    places = Places(1)
    await places.take()
    first, second = (asyncio.create_task(places.take()) for _ in range(2))
    await asyncio.sleep(0)
    if when == "just handed on":
        places.give_back()
    first.cancel()
    if when == "handed on after that":
        places.give_back()
    await asyncio.wait([first])
    assert first.cancelled()
    if when == "waiting":
        assert not second.done()
        places.give_back()
    await second
    places.give_back()
    assert places.take_at_once()


async def test_no_place_is_lost() -> None:
    """However many come, wait, are cancelled and leave, there are as many places in the end as in the beginning."""
    rng = random.Random(1)
    places = Places(3)
    held = most = 0

    async def come_and_go() -> None:
        nonlocal held, most
        if not places.take_at_once():
            await places.take()
        held += 1
        most = max(most, held)
        try:
            for _ in range(rng.randrange(3)):
                await asyncio.sleep(0)
        finally:
            held -= 1
            places.give_back()

    tasks = [asyncio.create_task(come_and_go()) for _ in range(300)]
    for _ in range(200):
        await asyncio.sleep(0)
        rng.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 3
    assert [places.take_at_once() for _ in range(4)] == [True, True, True, False]
