"""Bulk send: input pulled as it is needed, outcomes as they come, one failure never stops the rest.

One task pulls and begins messages; most of them then travel without a task of their own, those that have to wait for something get
one. A message holds one of `concurrency` places from the moment it is pulled until its outcome is taken by the caller, so that
neither slow sends nor a slow caller lets anything pile up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Protocol

from routee_async.errors import BulkStoppedError, ConfigurationError, RouteeError
from routee_async.models import Outcome, Sms
from routee_async.options import check_count

logger: logging.Logger = logging.getLogger("routee_async")

Messages = Iterable[Sms] | AsyncIterable[Sms]


class Desk(Protocol):
    """Where outcomes of messages go that have no task of their own."""

    def put(self, outcome: Outcome) -> None:
        """Hand an outcome over."""
        ...

    def run(self, rest: Callable[[], Awaitable[Outcome]]) -> None:
        """Let a task do what is left to be done for an outcome, after all."""
        ...


class Handler(Protocol):
    """What is done with each message of a batch; `run.Run` is the one that sends.

    Attributes:
        attempted: Messages that were attempted so far.
        stopped_by: Why going on is pointless; None while it is not.
    """

    attempted: int
    stopped_by: RouteeError | None

    async def open(self, desk: Desk) -> None:
        """Begin."""
        ...

    def is_held_back(self) -> bool:
        """True when the next message had better `wait` before it is begun."""
        ...

    async def wait(self) -> None:
        """Wait for what holds messages back."""
        ...

    def begin(self, index: int, sms: Sms) -> Callable[[], Awaitable[Outcome]] | None:
        """Begin to bring one message to its outcome.

        Returns:
            None when it is on its way, and its outcome will be put on the desk; otherwise what a task has to do for it.
        """
        ...

    def abandon(self) -> None:
        """End what was begun and has no task."""
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
        concurrency: The most messages that are pulled and whose outcome has not been taken.

    Yields:
        Exactly one outcome for each message that was pulled, in order of completion.

    Raises:
        BulkStoppedError: An error showed that going on is pointless; raised after the outcomes of what was in flight.
        ConfigurationError: *concurrency* is not a whole number above 0.
        Exception: What *messages* itself raised, or *handler*, after the outcomes of what had been pulled.
    """
    batch = _Batch(_Source(messages), handler, check_count("concurrency", concurrency))
    await handler.open(batch)
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
    """One run of `send_many`: what begins messages on one side, the caller's iterator on the other.

    Attributes:
        ready: Outcomes that have not been taken yet.
    """

    def __init__(self, source: _Source, handler: Handler, concurrency: int) -> None:
        self._source = source
        self._handler = handler
        self._places = concurrency
        self._under_way = 0
        self.ready: deque[Outcome] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._broken_by: BaseException | None = None

    # The caller's side.

    async def has_more(self) -> bool:
        """Wait until there is an outcome to take; False when all is well and over, otherwise raises what stopped it."""
        if self._feeder is None:
            self._feeder = self._start(self._feed(), "routee-bulk-feeder")
        while not self.ready and (self._under_way or self._tasks):
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
        """Take an outcome, and let another message begin."""
        self._places += 1
        self._room.set()
        return self.ready.popleft()

    async def abandon(self) -> None:
        """End what is still running. Its outcomes go unreported: whoever leaves early has said that they do not matter."""
        if self._under_way:
            logger.warning("a batch was left with %d messages in flight; their outcomes are not known", self._under_way)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        self._handler.abandon()
        await asyncio.gather(*tasks, return_exceptions=True)

    # The handler's side.

    def put(self, outcome: Outcome) -> None:
        """Hand an outcome over."""
        self._under_way -= 1
        self.ready.append(outcome)
        self._news.set()

    def run(self, rest: Callable[[], Awaitable[Outcome]]) -> None:
        """Let a task do the rest for a message that was begun."""
        self._start(self._run(rest), "routee-bulk-message")

    async def _run(self, rest: Callable[[], Awaitable[Outcome]]) -> None:
        self.put(await rest())

    async def _feed(self) -> None:
        """Pull and begin as long as there is a place, something to pull, and a reason to."""
        source, handler = self._source, self._handler
        while True:
            while not self._places and self._broken_by is None:
                self._room.clear()
                await self._room.wait()
            if self._broken_by is not None or handler.stopped_by is not None:
                return
            if (item := source.pull_at_once()) is None and (item := await source.pull()) is None:
                return
            self._places -= 1
            self._under_way += 1
            try:
                if handler.is_held_back():
                    await handler.wait()
                rest = handler.begin(*item)
            except BaseException:
                self._under_way -= 1
                raise
            if rest is not None:
                self.run(rest)

    def _start(self, work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            if task is not self._feeder:
                self._under_way -= 1
            if self._broken_by is None:
                self._broken_by = error
            self._room.set()
        self._news.set()
