"""Bulk send: input pulled as it is needed, outcomes as they come, one failure never stops the rest.

Workers share one iterator instead of a task a message. A message holds one of `concurrency` places from the moment it is pulled
until its outcome is taken by the caller, so that neither slow sends nor a slow caller lets anything pile up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator

from routee_async import retry
from routee_async.errors import BatchAbortedError, BulkStoppedError, ConfigurationError, RouteeError
from routee_async.models import Accepted, Outcome, SentSms, Sms
from routee_async.options import check_count

logger = logging.getLogger("routee_async")

Messages = Iterable[Sms] | AsyncIterable[Sms]
Send = Callable[[Sms], Awaitable[SentSms]]


async def send_many(messages: Messages, send: Send, *, concurrency: int) -> AsyncGenerator[Outcome, None]:
    """Send *messages*, yielding one outcome for each as it completes.

    Args:
        messages: Anything that can be iterated, synchronously or not; pulled lazily.
        send: Sends one message or raises a `RouteeError`.
        concurrency: The most messages that are pulled and whose outcome has not been taken.

    Yields:
        Exactly one outcome for each message that was pulled, in order of completion.

    Raises:
        BulkStoppedError: An error showed that going on is pointless; raised after the outcomes of what was in flight.
        ConfigurationError: *concurrency* is not a whole number above 0.
        Exception: What *messages* itself raised, after the outcomes of what had been pulled.
    """
    batch = _Batch(_Source(messages), send, check_count("concurrency", concurrency))
    try:
        while (outcome := await batch.take()) is not None:
            yield outcome
    finally:
        await batch.abandon()


class _Source:
    """The input, synchronous or not, behind one `pull`; numbers what it gives out."""

    def __init__(self, messages: Messages) -> None:
        self._messages = aiter(messages) if isinstance(messages, AsyncIterable) else _iterate(messages)
        self._one_at_a_time = asyncio.Lock()
        self._pulled = 0

    async def pull(self) -> tuple[int, Sms] | None:
        """The next message with its index; None at the end."""
        try:
            if isinstance(self._messages, AsyncIterator):
                # An asynchronous iterator must not be asked again before it has answered.
                async with self._one_at_a_time:
                    sms = await anext(self._messages)
                    self._pulled += 1
                    return self._pulled - 1, sms
            sms = next(self._messages)
        except (StopIteration, StopAsyncIteration):
            return None
        self._pulled += 1
        return self._pulled - 1, sms


def _iterate(messages: object) -> Iterator[Sms]:
    if not isinstance(messages, Iterable) or isinstance(messages, Sms | str | bytes):
        problem = f"must be an iterable or async iterable of Sms, not {type(messages).__name__}"
        raise ConfigurationError("messages", problem)
    return iter(messages)


class _Batch:
    """One run of `send_many`: workers on one side, the caller's iterator on the other."""

    def __init__(self, source: _Source, send: Send, concurrency: int) -> None:
        self._source = source
        self._send = send
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._workers: set[asyncio.Task[None]] = set()
        self._ready: deque[Outcome] = deque()
        self._news = asyncio.Event()
        self._begun = False
        self._exhausted = False
        self._attempted = 0
        self._stopped_by: RouteeError | None = None
        self._broken_by: BaseException | None = None

    async def take(self) -> Outcome | None:
        """The next outcome; None when every worker has ended well, otherwise raises what stopped them."""
        if not self._begun:
            self._begun = True
            self._start_worker()
        while not self._ready and self._workers:
            self._news.clear()
            await self._news.wait()
        if self._ready:
            self._places.release()
            return self._ready.popleft()
        if self._broken_by is not None:
            raise self._broken_by
        if self._stopped_by is not None:
            raise BulkStoppedError(self._stopped_by, self._attempted)
        return None

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
        return self._exhausted or self._stopped_by is not None

    async def _work(self) -> None:
        """Pull, send and report until there is nothing more to do."""
        while True:
            await self._places.acquire()
            item = None if self._over else await self._source.pull()
            if item is None:
                self._exhausted = True
                self._places.release()
                return
            if len(self._workers) < self._concurrency and not self._over:
                # The one that found work starts the next: a batch of three does not need a hundred workers.
                self._start_worker()
            self._report(await self._outcome(*item))

    async def _outcome(self, index: int, sms: Sms) -> Outcome:
        if self._stopped_by is not None:
            # The stop came while this one was being pulled.
            error: RouteeError = BatchAbortedError(f"the batch had stopped: {self._stopped_by}")
            return retry.outcome_class(error)(index=index, sms=sms, error=error)
        self._attempted += 1
        try:
            return Accepted(index=index, sms=sms, sent=await self._send(sms))
        except RouteeError as error:
            if retry.stops_batch(error):
                self._stop(error)
            return retry.outcome_class(error)(index=index, sms=sms, error=error)

    def _stop(self, error: RouteeError) -> None:
        """Close the latch: nothing more is pulled, what is in flight finishes, the first reason counts."""
        if self._stopped_by is None:
            self._stopped_by = error

    def _report(self, outcome: Outcome) -> None:
        self._ready.append(outcome)
        self._news.set()
