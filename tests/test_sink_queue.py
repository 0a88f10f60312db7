"""Tests of `sink_queue.py`."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from routee_async.callback_models import CallbackEvent, InboundSms
from routee_async.sink_queue import Sink, SinkQueue

NUMBER = "+306912345678"


def event(number: int) -> InboundSms:
    """The callback with this number."""
    return InboundSms(tracking_id=str(number), sender_id=NUMBER, to="306900000099", body="Hello")


def queue_of(sink: Sink, *, limit: int = 100, concurrency: int = 1, timeout: float = 5.0) -> SinkQueue:
    """A queue that tests need not set up."""
    return SinkQueue(sink, limit=limit, concurrency=concurrency, timeout=timeout)


def put(queue: SinkQueue, count: int, *, start: int = 0) -> list[asyncio.Future[bool]]:
    """Put callbacks into a queue that has room for them."""
    put_in = [queue.put(event(number)) for number in range(start, start + count)]
    taken = [done for done in put_in if done is not None]
    assert len(taken) == count
    return taken


def workers() -> set[asyncio.Task[object]]:
    """The tasks that hand something over."""
    return {task for task in asyncio.all_tasks() if task.get_name() == "routee-webhook-sink"}


class Gate:
    """An asynchronous sink that holds everything until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.entered: list[str] = []
        self.passed: list[str] = []

    async def __call__(self, callback: CallbackEvent) -> None:
        """Wait until the gate is open."""
        assert isinstance(callback, InboundSms)
        self.entered.append(callback.tracking_id)
        await self.opened.wait()
        self.passed.append(callback.tracking_id)


def recording(into: list[str], *, is_async: bool) -> Sink:
    """A sink that notes the ids."""

    def note(callback: CallbackEvent) -> None:
        assert isinstance(callback, InboundSms)
        into.append(callback.tracking_id)

    async def note_later(callback: CallbackEvent) -> None:
        await asyncio.sleep(0)
        note(callback)

    return note_later if is_async else note


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_order_is_kept(*, is_async: bool) -> None:
    """A sink gets callbacks one after the other, in the order in which they came."""
    got: list[str] = []
    queue = queue_of(recording(got, is_async=is_async))
    assert await asyncio.gather(*put(queue, 50)) == [True] * 50
    assert got == [str(number) for number in range(50)]
    assert (queue.delivered, queue.failures, queue.depth) == (50, 0, 0)


async def test_no_task_while_there_is_nothing_to_do() -> None:
    """Tasks come with the first callback and go with the last."""
    queue = queue_of(recording([], is_async=False))
    assert not workers()
    done = put(queue, 3)
    assert len(workers()) == 1
    await asyncio.gather(*done)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not workers()


async def test_callback_that_comes_when_the_worker_has_just_looked() -> None:
    """What is put in between the worker's last look and its end is handed over too."""
    got: list[str] = []
    queue = queue_of(recording(got, is_async=False))
    (first,) = put(queue, 1)
    second: list[asyncio.Future[bool]] = []
    first.add_done_callback(lambda _: second.extend(put(queue, 1, start=1)))
    await first
    await asyncio.sleep(0)
    assert await second[0]
    assert got == ["0", "1"]


async def test_quick_sink_lets_others_have_their_turn() -> None:
    """A long queue before a plain function does not keep the loop from anything else."""
    got: list[str] = []
    queue = queue_of(recording(got, is_async=False))
    put(queue, 100)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(got) < 100
    assert await queue.drain(5) == 0
    assert len(got) == 100


def _raise(error: BaseException) -> None:
    raise error


async def _raise_later(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


@pytest.mark.parametrize("fail", [_raise, _raise_later], ids=["sync", "async"])
@pytest.mark.parametrize("error", [ValueError(NUMBER), TimeoutError(NUMBER), asyncio.CancelledError(NUMBER)], ids=repr)
async def test_sink_that_fails(
    fail: Callable[[BaseException], object],
    error: BaseException,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure is counted and logged by its class alone, and the next callback is handed over."""
    got: list[str] = []

    def sink(callback: CallbackEvent) -> object:
        assert isinstance(callback, InboundSms)
        got.append(callback.tracking_id)
        return fail(error) if callback.tracking_id == "0" else None

    queue = queue_of(sink)
    assert await asyncio.gather(*put(queue, 2)) == [True, True]
    assert got == ["0", "1"]
    assert (queue.delivered, queue.failures) == (1, 1)
    (record,) = caplog.records
    assert type(error).__name__ in record.getMessage()
    assert NUMBER not in caplog.text


async def test_sink_that_hangs_is_cancelled() -> None:
    """A sink that never ends costs its callback, and no other."""
    cancelled: list[str] = []

    async def sink(callback: CallbackEvent) -> None:
        assert isinstance(callback, InboundSms)
        if callback.tracking_id == "0":
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(callback.tracking_id)

    queue = queue_of(sink, timeout=0.01)
    assert await asyncio.gather(*put(queue, 2)) == [True, True]
    assert cancelled == ["0"]
    assert (queue.delivered, queue.failures) == (1, 1)


async def test_bound() -> None:
    """What waits and what is in the sink never exceed the limit, and there is room again when the sink was through."""
    gate = Gate()
    queue = queue_of(gate, limit=3)
    done = put(queue, 3)
    assert queue.put(event(3)) is None
    await asyncio.sleep(0)
    assert gate.entered == ["0"]
    assert queue.depth == 3
    assert queue.put(event(3)) is None
    gate.opened.set()
    await asyncio.gather(*done)
    assert queue.put(event(3)) is not None
    assert await queue.drain(5) == 0
    assert gate.passed == ["0", "1", "2", "3"]


async def test_concurrency() -> None:
    """No more callbacks than that are in the sink at a time."""
    gate = Gate()
    queue = queue_of(gate, concurrency=3)
    done = put(queue, 10)
    await asyncio.sleep(0)
    assert len(gate.entered) == len(workers()) == 3
    gate.opened.set()
    await asyncio.gather(*done)
    assert sorted(gate.passed) == sorted(map(str, range(10)))


async def test_drain_waits_for_the_sink() -> None:
    """Draining lets everything through, and takes nothing more meanwhile; afterwards the queue works as before."""
    gate = Gate()
    queue = queue_of(gate)
    put(queue, 3)
    draining = asyncio.create_task(queue.drain(5))
    await asyncio.sleep(0)
    assert queue.put(event(9)) is None
    gate.opened.set()
    assert await draining == 0
    assert gate.passed == ["0", "1", "2"]
    assert await asyncio.gather(*put(queue, 1, start=4)) == [True]


async def test_drain_of_an_idle_queue() -> None:
    """There is nothing to wait for."""
    assert await queue_of(recording([], is_async=False)).drain(0.001) == 0


async def test_drain_drops_what_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """What the sink does not take in time is dropped and counted, and leaves no task behind."""
    caplog.set_level(logging.WARNING, "routee_async")
    gate = Gate()
    queue = queue_of(gate, concurrency=2)
    done = put(queue, 5)
    assert await queue.drain(0.01) == 5
    assert await asyncio.gather(*done) == [False] * 5
    assert (queue.depth, queue.delivered, queue.failures) == (0, 0, 0)
    assert not workers()
    assert "5 callbacks" in caplog.text


async def test_drain_that_is_cancelled() -> None:
    """Whoever stops waiting for the end of the queue takes nothing out of it, and opens it again."""
    gate = Gate()
    queue = queue_of(gate)
    done = put(queue, 2)
    draining = asyncio.create_task(queue.drain(5))
    await asyncio.sleep(0)
    draining.cancel()
    await asyncio.wait([draining])
    gate.opened.set()
    assert await asyncio.gather(*done, *put(queue, 1, start=2)) == [True] * 3


async def test_worker_that_is_cancelled_from_outside() -> None:
    """When the loop is brought down, what was in the sink is not said to be taken, and no new task is begun."""
    gate = Gate()
    queue = queue_of(gate)
    first, second = put(queue, 2)
    await asyncio.sleep(0)
    (worker,) = workers()
    worker.cancel()
    await asyncio.wait([worker])
    assert await first is False
    assert not second.done()
    assert not workers()
    gate.opened.set()
    assert await queue.drain(5) == 0
    assert await second
    assert gate.passed == ["1"]


async def test_sink_that_refuses_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that does not let itself be cancelled cannot hold up the end of the application."""
    monkeypatch.setattr("routee_async.sink_queue._GRACE", 0.01)
    over = asyncio.Event()

    async def sink(_: CallbackEvent) -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    queue = queue_of(sink)
    (done,) = put(queue, 1)
    assert await queue.drain(0.01) == 1
    over.set()
    assert await done
