"""Bulk send: input pulled as it is needed, outcomes as they come, one failure never stops the rest.

Workers share one iterator instead of a task a message. A message holds one of `concurrency` places, and a few, from the moment it
is pulled until its outcome is taken by the caller, so that neither slow sends nor a slow caller lets anything pile up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Protocol

from routee_async.errors import BulkStoppedError, ConfigurationError, RouteeError
from routee_async.models import Outcome, Sms
from routee_async.options import check_count
from routee_async.places import Places

logger: logging.Logger = logging.getLogger("routee_async")

_SHARE_AHEAD = 8
"""A message for each so many under way may be pulled before an outcome was taken: a caller who is quick enough to take it in the
next turn of the loop shall not hold a worker up."""

Messages = Iterable[Sms] | AsyncIterable[Sms]


class Handler(Protocol):
    """What is done with each message of a batch; `run.Run` is the one that sends.

    Attributes:
        attempted: Messages that were attempted so far.
        stopped_by: Why going on is pointless; None while it is not.
    """

    attempted: int
    stopped_by: RouteeError | None

    async def open(self) -> None:
        """Begin."""
        ...

    async def outcome(self, index: int, sms: Sms) -> Outcome:
        """Bring one message to its outcome."""
        ...

    async def finish(self, count: int) -> None:
        """Note that all *count* messages of the input have their outcome."""
        ...

    async def close(self) -> None:
        """End, whether finished or not."""
        ...


async def send_many(messages: Messages, handler: Handler, *, concurrency: int) -> AsyncGenerator[Outcome, None]:
    """Hand *messages* to *handler*, yielding one outcome for each as it completes.

    Args:
        messages: Anything that can be iterated, synchronously or not; pulled lazily.
        handler: Brings each to its outcome.
        concurrency: The most messages under way. No more than that and an eighth are pulled whose outcome has not been taken.

    Yields:
        Exactly one outcome for each message that was pulled, in order of completion.

    Raises:
        BulkStoppedError: An error showed that going on is pointless; raised after the outcomes of what was in flight.
        ConfigurationError: *concurrency* is not a whole number above 0.
        Exception: What *messages* itself raised, or *handler*, after the outcomes of what had been pulled.
    """
    batch = _Batch(_Source(messages), handler, check_count("concurrency", concurrency))
    await handler.open()
    try:
        while batch.ready or await batch.has_more():
            yield batch.take()
    finally:
        try:
            await batch.abandon()
        finally:
            await handler.close()


class _Source:
    """The input, synchronous or not, behind one `pull`; numbers what it gives out.

    Attributes:
        pulled: How many messages were given out.
    """

    def __init__(self, messages: Messages) -> None:
        self.pulled = 0
        self._now: Iterator[Sms] | None = None
        self._later: AsyncIterator[Sms] | None = None
        if isinstance(messages, AsyncIterable):
            self._later = aiter(messages)
        else:
            self._now = _iterate(messages)
        self._one_at_a_time = asyncio.Lock()

    def pull_at_once(self) -> tuple[int, Sms] | None:
        """The next message of a synchronous input with its index; None at its end, and for an asynchronous one."""
        if self._now is None:
            return None
        try:
            sms = next(self._now)
        except StopIteration:
            return None
        index = self.pulled
        self.pulled = index + 1
        return index, sms

    async def pull(self) -> tuple[int, Sms] | None:
        """The next message of an asynchronous input with its index; None at its end."""
        if self._later is None:
            return None
        # It must not be asked again before it has answered.
        async with self._one_at_a_time:
            try:
                sms = await anext(self._later)
            except StopAsyncIteration:
                return None
            index = self.pulled
            self.pulled = index + 1
            return index, sms


def _iterate(messages: object) -> Iterator[Sms]:
    if not isinstance(messages, Iterable) or isinstance(messages, Sms | str | bytes):
        problem = f"must be an iterable or async iterable of Sms, not {type(messages).__name__}"
        raise ConfigurationError("messages", problem)
    return iter(messages)


class _Batch:
    """One run of `send_many`: workers on one side, the caller's iterator on the other.

    Attributes:
        ready: Outcomes that have not been taken yet.
    """

    def __init__(self, source: _Source, handler: Handler, concurrency: int) -> None:
        self._source = source
        self._handler = handler
        self._concurrency = concurrency
        self._places = Places(concurrency + concurrency // _SHARE_AHEAD)
        self._workers: set[asyncio.Task[None]] = set()
        self.ready: deque[Outcome] = deque()
        self._news = asyncio.Event()
        self._begun = False
        self._exhausted = False
        self._broken_by: BaseException | None = None

    async def has_more(self) -> bool:
        """Wait until there is an outcome to take; False when every worker has ended well, otherwise raises what stopped them."""
        if not self._begun:
            self._begun = True
            self._start_worker()
        while not self.ready and self._workers:
            self._news.clear()
            await self._news.wait()
        if self.ready:
            return True
        if self._broken_by is not None:
            raise self._broken_by
        if self._handler.stopped_by is not None:
            raise BulkStoppedError(self._handler.stopped_by, self._handler.attempted)
        await self._handler.finish(self._source.pulled)
        return False

    def take(self) -> Outcome:
        """Take an outcome, and let a worker go on."""
        self._places.give_back()
        return self.ready.popleft()

    async def abandon(self) -> None:
        """End what is still running. Its outcomes go unreported: whoever leaves early has said that they do not matter."""
        if not self._workers:
            return
        logger.warning("a batch was left with %d messages in flight; their outcomes are not known", len(self._workers))
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _start_worker(self) -> None:
        worker = asyncio.create_task(self._work(), name="routee-bulk-worker")
        self._workers.add(worker)
        worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: "asyncio.Task[None]") -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            if self._broken_by is None:
                self._broken_by = worker.exception()
            self._exhausted = True
        self._news.set()

    @property
    def _over(self) -> bool:
        return self._exhausted or self._handler.stopped_by is not None

    async def _work(self) -> None:
        """Pull, handle and report until there is nothing more to do."""
        places, source, handler, ready, news = self._places, self._source, self._handler, self.ready, self._news
        while True:
            if not places.take_at_once():
                await places.join()  # cancelled only when it is all over
            if self._exhausted or handler.stopped_by is not None:
                item = None
            elif (item := source.pull_at_once()) is None:
                item = await source.pull()
            if item is None:
                self._exhausted = True
                places.give_back()
                return
            if len(self._workers) < self._concurrency and not self._over:
                # The one that found work starts the next: a batch of three does not need a hundred workers.
                self._start_worker()
            ready.append(await handler.outcome(*item))
            news.set()
