"""Keeps the garbage collector from running for nothing while many exchanges are under way.

CPython looks for cyclic garbage when the containers made since the last time outnumber those freed by a threshold, 700 as a rule
(docs.python.org/3/library/gc.html, `set_threshold`). An exchange through aiohttp's session makes some fifty, and frees them at its
end. Where a hundred begin together that is seven collections, which walk through all that is alive and find nothing: a tenth of the
processor's time. What a hundred free together does not make up for it, for the count does not go below 0.

So what is freed too early is made up for: as exchanges end and the count gets low, empty containers are made, and as exchanges
begin and it gets high, those are freed. Garbage that there really is is found all the same, only later: by no more containers than
are kept here.
"""

import asyncio
import gc
from itertools import repeat

_PIECE = 128
"""Containers that are made, and freed, at a time."""
_MOST_PIECES = 256
"""Pieces that are kept at most: enough for 600 exchanges at a time, in less than 2 MB."""
_THRESHOLDS = range(4 * _PIECE, 10_001)
"""Thresholds for which it is of use: below, everything is looked through all the time anyway, and above hardly anything."""
_AT_REST = 1.0
"""Seconds without an exchange after which all is freed."""


class Ballast:
    """The containers that one transport keeps. Goes by the threshold that there is when it is made."""

    def __init__(self) -> None:
        # Where Python is not CPython there is no such count, and nothing to do.
        threshold = gc.get_threshold()[0] if hasattr(gc, "get_count") else 0
        self._is_of_use = threshold in _THRESHOLDS
        self._low = threshold // 4
        self._high = threshold - self._low
        self._pieces: list[list[object]] = []
        self._loop = asyncio.get_running_loop()
        self._is_at_rest = True
        self._next_look: asyncio.TimerHandle | None = None

    def begins(self) -> None:
        """Note that an exchange begins, which will make containers."""
        self._is_at_rest = False
        if self._pieces and gc.get_count()[0] > self._high:
            self._pieces.pop()

    def ends(self) -> None:
        """Note that an exchange has ended, whose containers are about to be freed."""
        if self._is_of_use and len(self._pieces) < _MOST_PIECES and gc.get_count()[0] < self._low:
            if self._next_look is None:
                self._next_look = self._loop.call_later(_AT_REST, self._look)
            # Iterators, because each is made anew: CPython has lists and tuples in store, which it does not count.
            self._pieces.append(list(map(iter, repeat((), _PIECE))))

    def _look(self) -> None:
        """Free all if nothing has begun since the last look."""
        self._next_look = None
        if self._is_at_rest:
            self._pieces.clear()
        else:
            self._is_at_rest = True
            self._next_look = self._loop.call_later(_AT_REST, self._look)
