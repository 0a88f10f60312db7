"""What is still to happen, and when: a queue of moments. It has no clock; whoever has one calls `run`."""

import heapq
import itertools
from collections.abc import Callable

Act = Callable[[float], None]
"""What happens; it is given the moment at which it was due, in epoch seconds."""


class Agenda:
    """Acts in order of their moments; those of one moment in the order in which they were added.

    Attributes:
        on_earlier: Called when something becomes the next to happen, so that whoever waits can wait for less.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Act]] = []
        self._numbers = itertools.count()
        self.on_earlier: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, due: float, act: Act) -> None:
        """Let *act* happen at *due*, in epoch seconds."""
        entry = (due, next(self._numbers), act)
        heapq.heappush(self._heap, entry)
        if self.on_earlier is not None and self._heap[0] is entry:
            self.on_earlier()

    @property
    def next_due(self) -> float | None:
        """The moment of what happens next; None when nothing will."""
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Do all that is due at *now*, in order, what comes up meanwhile included."""
        while self._heap and self._heap[0][0] <= now:
            due, _, act = heapq.heappop(self._heap)
            act(due)

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
