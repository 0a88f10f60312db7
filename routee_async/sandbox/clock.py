"""The sandbox's time: real, faster, or standing still until it is told to move."""

import time
from collections.abc import Callable


class Clock:
    """Epoch seconds that pass at any speed, and can be put forward.

    Args:
        speed: How many of its seconds pass in a real one; 0 to stand still.
        start: Epoch seconds at which it begins; None for now.

    Raises:
        ValueError: The speed is negative.
    """

    def __init__(self, *, speed: float = 1.0, start: float | None = None) -> None:
        if speed < 0:
            raise ValueError("time does not run backwards: the speed must be 0 or more")
        self._speed = speed
        self._begun = time.monotonic()
        self._start = time.time() if start is None else start

    def __call__(self) -> float:
        """Tell the time in epoch seconds."""
        return self._start + (time.monotonic() - self._begun) * self._speed if self._speed else self._start

    @property
    def speed(self) -> float:
        """How many of its seconds pass in a real one; 0 when it stands still."""
        return self._speed

    def run_at(self, speed: float) -> None:
        """Let it go on at that *speed*, 0 or more; 0 to stand still. Whoever waits for a moment must be told."""
        self._start, self._begun, self._speed = self(), time.monotonic(), speed

    def put_to(self, moment: float) -> None:
        """Put it forward to *moment*, in epoch seconds; it is never put back."""
        if moment > self():
            self._begun, self._start = time.monotonic(), moment

    def real_seconds_until(self, moment: float) -> float | None:
        """Tell how many real seconds there are until it shows *moment*; None when it stands still before that."""
        left = moment - self()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else None


class ForeignClock(Clock):
    """A clock of somebody else, taken to run at real speed. It cannot be put forward.

    Args:
        now: Gives epoch seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now

    def __call__(self) -> float:
        """Tell the time in epoch seconds."""
        return self._now()

    def run_at(self, speed: float) -> None:
        """Refuse.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"this sandbox runs by a clock of yours, which cannot be set to run {speed:g} times as fast")

    def put_to(self, moment: float) -> None:
        """Refuse.

        Raises:
            RuntimeError: Always, unless it is that late already.
        """
        if moment > self():
            raise RuntimeError("this sandbox runs by a clock of yours: move that, then await sandbox.advance(0)")
