"""One timer for many deadlines: each ends what it should, at its time, and nothing else."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from routee_async.deadlines import Deadlines
from tests.virtual_time import in_virtual_time


async def wait_under(deadlines: Deadlines, time_left: float, listen: Callable[[], bool] = lambda: True) -> float:
    """Wait for ever, but for a deadline; tell the loop time at which it ended."""
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError), deadlines.start(time_left, listen):
        await loop.create_future()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    return loop.time()


@in_virtual_time
async def test_each_ends_at_its_time() -> None:
    """Whatever the order in which they begin, each is over when it is over."""
    deadlines = Deadlines(1.0)
    times = [3.0, 0.5, 1.0, 2.0, 0.25, 60.0, 2.0]
    assert await asyncio.gather(*(wait_under(deadlines, each) for each in times)) == pytest.approx(times)


@in_virtual_time
async def test_what_ends_in_time_is_left_alone() -> None:
    """A block that was left is not cancelled, and when nothing is under way, no timer is set."""
    deadlines = Deadlines(1.0)
    for _ in range(3):
        with deadlines.start(1.0):
            await asyncio.sleep(0.9)
    await asyncio.sleep(10)
    assert deadlines._sweeper is None  # noqa: SLF001 - there is no other view


@in_virtual_time
async def test_an_error_stays_what_it_is() -> None:
    """What is raised in time is passed on."""
    with pytest.raises(ValueError, match="in time"), Deadlines(1.0).start(1.0):
        raise ValueError("in time")


@pytest.mark.parametrize("moment", [0.5, 1.0], ids=["before", "at the same time"])
@pytest.mark.parametrize("first", ["caller", "deadline"])
def test_a_cancellation_from_outside_wins(moment: float, first: str) -> None:
    """Who cancels the task is obeyed, even if the time is over at the same turn of the loop."""

    @in_virtual_time
    async def check() -> None:
        deadlines = Deadlines(1.0)
        loop = asyncio.get_running_loop()

        async def wait() -> None:
            if first == "caller":
                loop.call_at(moment, task.cancel)
            with deadlines.start(1.0):
                if first == "deadline":
                    loop.call_at(moment, task.cancel)
                await loop.create_future()

        task = asyncio.create_task(wait())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert task.cancelling() == 1

    check()


@in_virtual_time
async def test_a_cancellation_of_before_is_not_taken_for_one_of_now() -> None:
    """Who sends while being cancelled gets a timeout like anybody else."""
    timed_out: list[bool] = []

    async def tidy_up() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            try:
                with Deadlines(1.0).start(1.0):
                    await asyncio.get_running_loop().create_future()
            except TimeoutError:
                timed_out.append(True)

    task = asyncio.create_task(tidy_up())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert timed_out == [True]
    assert task.cancelling() == 1


@in_virtual_time
async def test_a_result_that_came_all_the_same_counts() -> None:
    """Where the cancellation was caught inside, the task does not stay cancelled."""
    with Deadlines(1.0).start(2.5), suppress(asyncio.CancelledError):
        await asyncio.get_running_loop().create_future()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@in_virtual_time
async def test_silence_is_counted_once_it_can_be() -> None:
    """An exchange that takes long is looked after until its silence is counted, then no more; its time ends as before."""
    looks: list[float] = []

    def listen() -> bool:
        looks.append(asyncio.get_running_loop().time())
        return len(looks) == 3

    assert await wait_under(Deadlines(1.0), 10.5, listen) == pytest.approx(10.5)
    assert looks == pytest.approx([1, 2, 3])


@in_virtual_time
async def test_silence_that_cannot_be_counted_takes_no_time_away() -> None:
    """The end is on time, though it lies between two looks; where there is less time than until the first, nobody looks."""
    looks: list[bool] = []

    def never() -> bool:
        looks.append(True)
        return False

    assert await wait_under(Deadlines(1.0), 2.5, never) == pytest.approx(2.5)
    assert len(looks) == 2
    assert await wait_under(Deadlines(1.0), 0.5, never) == pytest.approx(3.0)
    assert len(looks) == 2
