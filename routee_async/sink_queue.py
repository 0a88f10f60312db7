"""A bounded queue between the webhook and whoever wants its callbacks.

Tasks exist only while there is something to hand over, so that nobody has to start or stop anything.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import cast

from routee_async.callback_models import CallbackEvent

Sink = Callable[[CallbackEvent], object]
"""Takes one callback; if it returns an awaitable, that is awaited. What it returns in the end does not matter."""

_log = logging.getLogger("routee_async")
_GRACE = 1.0
"""Seconds that a sink has to clean up when it is cancelled for good; one that refuses to end is left behind."""


class SinkQueue:
    """Hands callbacks to *sink*, by default one after the other in the order in which they came.

    Args:
        sink: Who wants them. A plain function runs in the event loop and must be quick.
        limit: The most callbacks that wait for the sink or are in it.
        concurrency: The most that are in the sink at a time; with more than one their order is not kept.
        timeout: Seconds after which an asynchronous sink is cancelled, so that one that hangs does not hold up the rest for ever.

    Attributes:
        delivered: Callbacks that the sink took.
        failures: Callbacks at which it failed or took too long.
    """

    def __init__(self, sink: Sink, *, limit: int, concurrency: int, timeout: float) -> None:
        self.delivered: int = 0
        self.failures: int = 0
        self._sink = sink
        self._limit = limit
        self._concurrency = concurrency
        self._timeout = timeout
        self._waiting: deque[tuple[CallbackEvent, asyncio.Future[bool]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._running = 0
        self._closed = 0

    @property
    def depth(self) -> int:
        """Callbacks that wait for the sink or are in it."""
        return len(self._waiting) + self._running

    def put(self, event: CallbackEvent) -> asyncio.Future[bool] | None:
        """Put a callback at the end of the queue.

        Returns:
            Done when the sink has had it (True, even if it failed) or when it was dropped by `drain()` (False). None when there
            is no room, and while the queue is drained: then it was not taken.
        """
        if self._closed or self.depth >= self._limit:
            return None
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((event, done))
        self._hire()
        return done

    async def drain(self, timeout: float) -> int:
        """Let the sink have what is in the queue, and take nothing more meanwhile.

        Args:
            timeout: Seconds after which the sink is cancelled and the rest is dropped.

        Returns:
            How many callbacks were dropped.
        """
        self._closed += 1
        self._hire()
        try:
            try:
                async with asyncio.timeout(timeout):
                    while self._workers:
                        await asyncio.wait(self._workers)
                        await asyncio.sleep(0)
            except TimeoutError:
                return await self._drop()
            return 0
        finally:
            self._closed -= 1

    async def _drop(self) -> int:
        dropped = self.depth
        for _, done in self._waiting:
            done.set_result(False)
        self._waiting.clear()
        for worker in self._workers:
            worker.cancel()
        await asyncio.wait(self._workers, timeout=_GRACE)
        _log.warning("%d callbacks were dropped before the sink of the webhook had taken them", dropped)
        return dropped

    def _hire(self) -> None:
        if self._waiting and len(self._workers) < self._concurrency:
            worker = asyncio.create_task(self._work(), name="routee-webhook-sink")
            self._workers.add(worker)
            worker.add_done_callback(self._dismiss)

    def _dismiss(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        # Something may have come after a worker that was cancelled or broke down was counted out.
        if not worker.cancelled():
            self._hire()

    async def _work(self) -> None:
        while self._waiting:
            event, done = self._waiting.popleft()
            self._running += 1
            taken = False
            try:
                await self._deliver(event)
                taken = True
            finally:
                self._running -= 1
                done.set_result(taken)
            if self._waiting:
                await asyncio.sleep(0)  # others get their turn between two callbacks
        # At once, and not when the loop gets to `_dismiss`: the next callback need not wait for that.
        self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _deliver(self, event: CallbackEvent) -> None:
        """Let the sink have one callback, whatever comes of it. No text of an error is logged: it may hold a number."""
        try:
            result = self._sink(event)
            if inspect.isawaitable(result):
                async with asyncio.timeout(self._timeout):
                    await result
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            self._fail(error)  # not ours: something that the sink awaited was cancelled
        except Exception as error:  # noqa: BLE001 - a sink may raise anything; the next callback must not suffer from it
            self._fail(error)
        else:
            self.delivered += 1

    def _fail(self, error: BaseException) -> None:
        self.failures += 1
        _log.warning("the sink of the webhook failed at a callback: %s", type(error).__name__)
