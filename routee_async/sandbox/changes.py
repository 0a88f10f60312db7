"""Word that something has changed, for those who wait for it: a test, a long poll, an open inbox page."""

import asyncio
from contextlib import suppress


class Changes:
    """Counts changes and wakes those who wait for the next one. Belongs to one event loop.

    Attributes:
        version: How often something has changed.
    """

    def __init__(self) -> None:
        self.version: int = 0
        self._waiting: set[asyncio.Event] = set()

    def tell(self) -> None:
        """Say that something has changed. Costs next to nothing when nobody waits."""
        self.version += 1
        for event in self._waiting:
            event.set()

    async def wait(self, known: int, timeout: float) -> bool:
        """Wait until there is a later version than *known*; False when *timeout* seconds pass before."""
        if self.version > known:
            return True
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), max(0.0, timeout))
        finally:
            self._waiting.discard(event)
        return self.version > known
