"""How far it is: live bars on a terminal, an occasional line elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich import progress

from routee_async.cli import output

_INTERVAL = 10.0
"""Seconds between two plain lines."""


class Progress:
    """Bars on stderr; use it in a `with`.

    Args:
        *names: One bar each.
        clock: Gives seconds.
    """

    def __init__(self, *names: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = output.messages()
        self._live = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[note]}"),
            progress.TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bars = {name: self._live.add_task(name, total=None, note="") for name in names}
        self._notes = dict.fromkeys(names, "")
        self._clock = clock
        self._due = clock() + _INTERVAL

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, name: str, done: float, total: float, note: str) -> None:
        """Note how far a bar is.

        Args:
            name: Its name.
            done: How much is done, in any unit.
            total: How much there is, as far as known.
            note: The same in words.
        """
        self._live.update(self._bars[name], completed=done, total=total, note=note)
        self._notes[name] = note
        if not self._console.is_terminal and self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL
            output.say("  ".join(f"{shown}: {words}" for shown, words in self._notes.items() if words))

    def say(self, text: str) -> None:
        """Write one line above the bars."""
        self._live.console.print(output.printable(text), soft_wrap=True)
