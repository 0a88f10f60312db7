"""Reports on their way to those who wait, and messages on their way in."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Self

import pytest

from routee_async.errors import ClientClosedError, InvalidInputError
from routee_async.lines import Line, in_turns
from routee_async.models import DeliveryReport, MessageStatus

SENT, DELIVERED = MessageStatus.SENT, MessageStatus.DELIVERED


def report(tracking_id: str, status: MessageStatus = DELIVERED) -> DeliveryReport:
    """Build a report."""
    return DeliveryReport(tracking_id=tracking_id, status=status)


async def settle() -> None:
    """Let everything run that is ready."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- Line


async def test_reports_are_taken_in_order() -> None:
    """What became ready first is taken first."""
    line = Line(pending=3, complete=True)
    for name in "cab":
        line.deliver(report(name))
    taken = []
    while await line.arrival():
        taken.append(line.take().tracking_id)
    assert taken == ["c", "a", "b"]


async def test_latest_report_of_a_message_counts() -> None:
    """A message has one report in the line, the latest, in the place of its first."""
    line = Line(every=True, pending=2)
    line.update(report("a", SENT))
    line.update(report("b", SENT))
    line.deliver(report("a"))
    assert [line.take(), line.take()] == [report("a"), report("b", SENT)]
    assert not line.ready
    line.update(report("b", SENT))
    assert line.take() == report("b", SENT)


async def test_news_of_a_message_that_goes_on_leave_it_pending() -> None:
    """Only the last news of a message make it done."""
    line = Line(every=True, pending=1, complete=True)
    line.update(report("a", SENT))
    assert line.pending == 1
    line.deliver(report("a"))
    assert line.pending == 0


async def test_no_more_comes_when_all_is_done() -> None:
    """A line ends when no message will be asked for any more and none is open; not before."""
    line = Line(pending=1)
    arrival = asyncio.create_task(line.arrival())
    await settle()
    assert not arrival.done()
    line.deliver(report("a"))
    assert await arrival
    line.take()
    arrival = asyncio.create_task(line.arrival())
    await settle()
    assert not arrival.done()  # a message may still be asked for
    line.end()
    assert not await arrival


async def test_end_waits_for_what_is_open() -> None:
    """A line that asks for nothing more still brings what was asked for."""
    line = Line(pending=1)
    arrival = asyncio.create_task(line.arrival())
    line.end()
    await settle()
    assert not arrival.done()
    line.deliver(report("a"))
    assert await arrival


async def test_empty_line_ends_at_once() -> None:
    """A line for nothing brings nothing."""
    assert not await Line(complete=True).arrival()


async def test_failure_comes_after_what_is_ready() -> None:
    """What ends a line is raised after the reports that are there, and does not wait for those that are not."""
    line = Line(pending=2)
    line.deliver(report("a"))
    line.end(ClientClosedError("closed"))
    assert await line.arrival()
    assert line.take() == report("a")
    with pytest.raises(ClientClosedError):
        await line.arrival()
    with pytest.raises(ClientClosedError):
        await line.arrival()


async def test_failure_wakes_whoever_waits() -> None:
    """A taker that waits learns at once that nothing will come, also where all that was asked for is done."""
    line = Line(pending=1)
    arrival = asyncio.create_task(line.arrival())
    await settle()
    line.end(ClientClosedError("closed"))
    with pytest.raises(ClientClosedError):
        await arrival
    done = Line(complete=True)
    done.end(ClientClosedError("closed"))
    with pytest.raises(ClientClosedError):
        await done.arrival()


async def test_first_failure_counts() -> None:
    """What ends a line first is what its taker hears, and a plain end takes nothing back."""
    line = Line(pending=1)
    line.end(InvalidInputError("tracking_id", "is empty"))
    line.end(ClientClosedError("closed"))
    line.end()
    with pytest.raises(InvalidInputError):
        await line.arrival()


async def test_failure_may_come_after_the_end() -> None:
    """A line that asks for nothing more can still fail."""
    line = Line(pending=1)
    line.end()
    line.end(ClientClosedError("closed"))
    with pytest.raises(ClientClosedError):
        await line.arrival()


async def test_input_rests_while_a_thousand_reports_wait() -> None:
    """There is room below a thousand reports, and a taken one makes room."""
    line = Line(pending=2000)
    for number in range(999):
        line.deliver(report(str(number)))
    await asyncio.wait_for(line.wait_for_room(), 1)
    line.deliver(report("one more"))
    resting = asyncio.create_task(line.wait_for_room())
    await settle()
    assert not resting.done()
    line.deliver(report("and one more"))
    line.take()
    await settle()
    assert not resting.done()
    line.take()
    await asyncio.wait_for(resting, 1)


def test_messages_share_one_tuple() -> None:
    """All messages that only this line waits for point to the same tuple: there may be millions."""
    line = Line()
    assert line.alone == (line,)
    assert line.alone is line.alone
    assert line != Line()


# --- in_turns


class Source:
    """An input that counts what was taken of it, and knows whether it was closed."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.closed = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        if self.left == 0:
            raise StopAsyncIteration
        self.left -= 1
        await asyncio.sleep(0)
        return self.left

    async def aclose(self) -> None:
        """Close it."""
        self.closed += 1


class Bare:
    """An async input that is neither its own iterator nor a generator, and cannot be closed."""

    def __aiter__(self) -> AsyncIterator[int]:
        return BareIterator()


class BareIterator:
    """Yields 1, 0."""

    def __init__(self) -> None:
        self.left = 2

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        if self.left == 0:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


@pytest.mark.parametrize("items", [[], [1, 2, 3], range(250)], ids=["empty", "list", "range"])
async def test_plain_input(items: list[int]) -> None:
    """A plain iterable is gone through in order."""
    assert [item async for item in in_turns(items)] == list(items)


async def test_async_input() -> None:
    """An async iterable of any kind is gone through in order, and closed where that can be done."""
    source = Source(3)
    assert [item async for item in in_turns(source)] == [2, 1, 0]
    assert source.closed == 1
    assert [item async for item in in_turns(Bare())] == [1, 0]


async def test_async_input_is_closed_on_early_exit() -> None:
    """Whoever stops in the middle closes the source, and takes no more of it."""
    source = Source(10)
    async with aclosing(in_turns(source)) as items:
        async for item in items:
            if item == 7:
                break
    assert (source.closed, source.left) == (1, 7)
    async with aclosing(in_turns(Bare())) as items:
        assert await anext(items) == 1


async def test_async_generator_is_closed_on_early_exit() -> None:
    """What an async generator holds open is released when its reader stops."""
    released = False

    async def generate() -> AsyncGenerator[int, None]:
        nonlocal released
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            released = True

    async with aclosing(in_turns(generate())) as items:
        assert await anext(items) == 1
        assert not released
    assert released


async def test_async_input_is_closed_when_it_raises() -> None:
    """An error of the source passes, and the source is closed."""

    class Broken(Source):
        async def __anext__(self) -> int:
            raise ZeroDivisionError

    source = Broken(1)
    with pytest.raises(ZeroDivisionError):
        [item async for item in in_turns(source)]
    assert source.closed == 1


async def test_error_of_a_plain_input_passes() -> None:
    """What a plain iterable raises comes after what it gave."""

    def generate() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    items = in_turns(generate())
    assert await anext(items) == 1
    with pytest.raises(ZeroDivisionError):
        await anext(items)


async def test_plain_input_lets_other_tasks_run() -> None:
    """A long iterable does not keep others from their turn: each hundred items they have one."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    seen = [turns async for item in in_turns(range(1000)) if item % 100 == 0]
    task.cancel()
    assert seen == list(range(10))
