"""Ctrl-C: once to stop in order, twice to stop at once."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def in_order(stop: Callable[[], None]) -> Iterator[None]:
    """Call *stop* at the first Ctrl-C (or SIGTERM), and cancel the current task at every further one.

    Where the event loop cannot watch signals (Windows), the first Ctrl-C cancels.
    """
    loop = asyncio.get_running_loop()
    task = cast("asyncio.Task[object]", asyncio.current_task())
    stopping = False

    def heard() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            stop()
        else:
            task.cancel()

    with suppress(NotImplementedError):
        for number in _SIGNALS:
            loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
