"""Reports on their way to those who wait for them, and messages on their way in."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

import attrs

from routee_async.errors import RouteeError
from routee_async.models import DeliveryReport

T = TypeVar("T")
_MOST_READY = 1000
"""Reports that may wait for their taker before the input is pulled further."""
_PULLED_AT_ONCE = 100
"""Items taken from a plain iterable before other tasks get their turn."""


@attrs.define(eq=False)
class Line:
    """Reports on their way to one taker.

    Attributes:
        every: True when each change of a message's status is wanted, not only its end.
        asked: The messages that were ever asked for.
        pending: How many of them are not done.
        ready: Reports to be taken, the latest of each message, in the order in which the messages came to have one.
        complete: True once no message will be asked for any more.
        failure: What ends the line, after the reports that are ready.
        changed: Set when any of these changes for the better.
        taken: Set when a report was taken.
        alone: The tuple of this line, which all messages share that nobody else waits for.
    """

    every: bool = False
    asked: set[str] = attrs.field(factory=set)
    pending: int = 0
    ready: dict[str, DeliveryReport] = attrs.field(factory=dict)
    complete: bool = False
    failure: RouteeError | None = None
    changed: asyncio.Event = attrs.field(factory=asyncio.Event)
    taken: asyncio.Event = attrs.field(factory=asyncio.Event)
    alone: "tuple[Line, ...]" = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.alone = (self,)

    def update(self, report: DeliveryReport) -> None:
        """Bring news of a message that goes on."""
        self.ready[report.tracking_id] = report
        self.changed.set()

    def deliver(self, report: DeliveryReport) -> None:
        """Bring the last news of a message."""
        self.pending -= 1
        self.update(report)

    def take(self) -> DeliveryReport:
        """Take the report that has been ready for longest."""
        self.taken.set()
        return self.ready.pop(next(iter(self.ready)))

    async def arrival(self) -> bool:
        """Wait until a report is ready. False when none will come; raises what ended the line."""
        while not self.ready:
            if self.failure is not None:
                raise self.failure
            if self.complete and not self.pending:
                return False
            self.changed.clear()
            await self.changed.wait()
        return True

    def end(self, failure: RouteeError | None = None) -> None:
        """Ask for nothing more; with a *failure*, expect nothing more either. The first failure counts."""
        self.complete = True
        self.failure = self.failure or failure
        self.changed.set()

    async def wait_for_room(self) -> None:
        """Wait while too many reports wait to be taken."""
        while len(self.ready) >= _MOST_READY:
            self.taken.clear()
            await self.taken.wait()


async def in_turns(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Go through an iterable of either kind; a plain one does not keep other tasks from their turn, and an async one is closed."""
    if not isinstance(items, AsyncIterable):
        for number, item in enumerate(items, start=1):
            yield item
            if number % _PULLED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return
    source = aiter(items)
    try:
        async for item in source:
            yield item
    finally:
        close: Callable[[], Awaitable[object]] | None = getattr(source, "aclose", None)
        if close is not None:
            await close()
