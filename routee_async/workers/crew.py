"""The transport of a client with workers: hands sends to processes that carry the wire, and keeps everything else to itself.

Reads, tokens and whatever finds no worker that has room go over a transport of the client's own. A worker that dies leaves doubt
about what it was handed and had not answered; it is replaced.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from routee_async.errors import ConfigurationError
from routee_async.exchange import ExchangeError, Transport
from routee_async.options import Timeout
from routee_async.protocol import Host, Request, Response
from routee_async.workers.frames import Order
from routee_async.workers.worker import Held, Worker

logger: logging.Logger = logging.getLogger("routee_async")
_LOOK: Final = 1.0
"""Seconds between two looks for what a worker should have answered."""
_MOST_DEATHS: Final = 5
"""Deaths a worker, on average, in `_WINDOW` seconds, after which it is not replaced any more."""
_WINDOW: Final = 60.0


class Crew:
    """The network, through worker processes.

    Args:
        own: The client's own transport, which is closed with this one.
        origins: Origin of each host.
        timeout: Bounds of one exchange.
        max_connections: The most exchanges at a time, of all workers together.
        workers: How many.
    """

    def __init__(
        self,
        own: Transport,
        origins: Mapping[Host, str],
        *,
        timeout: Timeout,
        max_connections: int,
        workers: int,
    ) -> None:
        self._own = own
        self._size = workers
        self._share = -(-max_connections // workers)
        self._order = Order(origins=origins, timeout=timeout, max_connections=self._share, parent=os.getpid())
        self._loop = asyncio.get_running_loop()
        self._workers: list[Worker] = []
        self._dead: set[Worker] = set()  # but not buried
        self._replacing: set[asyncio.Task[None]] = set()
        self._deaths: deque[float] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def start(self) -> None:
        """Start all workers, and wait until they are ready. `aclose` must follow, whatever comes of it.

        Raises:
            ConfigurationError: One of them does not come up.
        """
        starting = [asyncio.create_task(self._start_one(), name="routee-worker-start") for _ in range(self._size)]
        try:
            await asyncio.gather(*starting)
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
        self._sweep()

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write *request*, read the whole answer. See `Transport.exchange`."""
        worker, body = self._choose(request), request.body
        if worker is None or body is None:
            return await self._own.exchange(request, authorization, time_left)
        answered: asyncio.Future[Response | ExchangeError] = self._loop.create_future()
        held = worker.ask(request, body, authorization, time_left, _wake, answered)
        held.is_judged_later = True
        try:
            result = await answered
        finally:
            worker.cut(held)
            worker.judged(held.number)
        if isinstance(result, ExchangeError):
            raise result
        return result

    def begin(
        self,
        request: Request,
        authorization: str,
        now: float,
        time_left: float,
        tell: Callable[[Any, Any], None],
        about: object,
    ) -> Any:  # noqa: ANN401 - as of `Transport`
        """Write *request* through a worker that has room. See `Transport.begin`."""
        worker, body = self._choose(request), request.body
        if worker is None or body is None:
            return self._own.begin(request, authorization, now, time_left, tell, about)
        return worker.ask(request, body, authorization, time_left, tell, about)

    async def finish(self, request: Request, unfinished: Any) -> Response:  # noqa: ANN401 - as of `Transport`
        """What came of an exchange that was begun, where it is no answer. See `Transport.finish`."""
        if isinstance(unfinished, ExchangeError):
            raise unfinished
        return await self._own.finish(request, unfinished)

    def cut(self, begun: Any) -> None:  # noqa: ANN401 - as of `Transport`
        """End an exchange that was begun. See `Transport.cut`."""
        if isinstance(begun, Held):
            begun.worker.cut(begun)
        else:
            self._own.cut(begun)

    async def aclose(self) -> None:
        """End all workers, then close the client's own connections."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        replacing = list(self._replacing)
        for task in replacing:
            task.cancel()
        try:
            await asyncio.gather(*replacing, return_exceptions=True)
        finally:  # even if whoever closes is cancelled
            try:
                ends = [*(worker.stop() for worker in self._workers), *(worker.kill() for worker in self._dead)]
                await asyncio.gather(*ends)
            finally:
                await self._own.aclose()

    def _choose(self, request: Request) -> Worker | None:
        """The worker with the least under way; None for what is not for workers, and when all have their share."""
        if request.whole or not request.endpoint.paid:
            return None
        chosen, least = None, self._share
        for worker in self._workers:
            under_way = len(worker.held)
            if under_way < least:
                chosen, least = worker, under_way
        return chosen

    def _sweep(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            worker.give_up(now)
        self._sweeper = self._loop.call_later(_LOOK, self._sweep)

    # Births and deaths.

    async def _start_one(self) -> None:
        worker = Worker(self._lost)
        try:
            await worker.start(self._order)
        except BaseException:
            await worker.kill()
            raise
        self._workers.append(worker)

    def _lost(self, worker: Worker) -> None:
        """Replace a worker that has died."""
        self._workers.remove(worker)
        self._dead.add(worker)
        logger.warning(
            "worker process %s has died with %d requests in flight, which are now in doubt", worker.pid, len(worker.held)
        )
        task = self._loop.create_task(self._replace(worker), name="routee-worker-start")
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _replace(self, worker: Worker) -> None:
        await worker.kill()
        self._dead.discard(worker)
        while self._may_replace():
            try:
                await self._start_one()
            except ConfigurationError as error:
                logger.warning("%s", error)
            else:
                return
        logger.error("worker processes keep dying (exit status %s); one is not replaced any more", worker.status)

    def _may_replace(self) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - _WINDOW:
            self._deaths.popleft()
        return len(self._deaths) <= _MOST_DEATHS * self._size


def _wake(answered: "asyncio.Future[Response | ExchangeError]", result: Response | ExchangeError) -> None:
    if not answered.done():  # whoever waits may have been cancelled
        answered.set_result(result)
