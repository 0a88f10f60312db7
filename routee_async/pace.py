"""When the next message may start. Pure: the time is an argument, in seconds of any one clock.

Messages start one after the other, each `parts / rate` seconds after the one before. No bucket fills up in quiet times to be emptied
at once, so the rate holds over any window. The rate is the account's, where it is known, and follows the server's refusals (429):
each cuts it, and it grows again while messages are accepted.

It grows in steps, each only after a message that started under the step before has been accepted: never faster than answers come.
It climbs quickly to just below the *ceiling*, the rate that was refused, and holds. After an interval it *probes* above the ceiling
for a moment. Refused: back to where it held. Accepted: the ceiling has moved, and it climbs on towards the *peak*, the best rate
that is known from before. A refused probe costs a pause at the present rate, and a probe that is not made may cost the difference
to the peak; so the lower the rate is below the peak, the shorter is the interval.
"""

import math
from collections import deque
from enum import Enum, auto
from typing import Any

import attrs

from routee_async.errors import ConfigurationError

_STEP = 1.25
"""By how much the rate grows at a time while it climbs."""
_STEP_TIME = 0.25
"""Seconds for which a step must have been in force when the message starts whose acceptance proves it."""
_HEADROOM = 0.98
"""Where the rate holds, as a share of the ceiling."""
_PROBE = 1.08
"""How high a probe goes, as a share of the ceiling."""
_PROBE_TIME = 1.25
"""As `_STEP_TIME`, for a probe: longer than the second over which servers usually count."""
_SHORTEST_INTERVAL = 0.1
"""The shortest time between probes, as a share of `Pace.probe_interval`."""
_PATIENCE = 1.05
"""By how much the time to the next probe grows with each that is refused."""
_HELD = 2.0
"""Seconds for which a rate must have held for a refusal not to say what the rate should have been."""
_USED = 0.7
"""The share of a rate that must have been used for an acceptance to prove anything."""
_WINDOW = 1.0
"""Seconds over which accepted parts are counted."""
_SLICES = 32
"""Into how many slices that time is cut."""
_LATENESS = 0.005
"""Seconds by which a waiting sender may be late for its slot without loss: timers are. More would allow a burst."""


@attrs.define
class Gate:
    """A pause that the server asked for, and that everybody keeps.

    It is a point in time, only ever moved later: no answer that comes in meanwhile opens it early.

    Attributes:
        closed_until: When it opens.
    """

    closed_until: float = float("-inf")

    def close_until(self, moment: float) -> None:
        """Keep the gate closed until *moment*, or for longer if it already is."""
        self.closed_until = max(self.closed_until, moment)

    def delay(self, now: float) -> float:
        """Seconds until the gate opens; 0 when it is open."""
        return max(0.0, self.closed_until - now)


def _positive(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(field.name, f"must be a number above 0, not {value!r}")


def _share(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigurationError(field.name, f"must be a number between 0 and 1, not {value!r}")


@attrs.frozen(kw_only=True)
class Pace:
    """How fast to send, in message parts: a message of three parts counts, and costs, three.

    Attributes:
        parts_per_second: The account's limit, never exceeded; None where it is not known: then nothing is slowed down before the
            first 429.
        cut: What is left of the rate after a 429, as a share.
        probe_interval: Seconds at a rate that holds before a higher one is tried; less while the rate is below what it once was.
        floor: The least rate, however many 429s come.
        pause: Seconds without any start after a 429 that does not say how long to wait; doubled while nothing is accepted.
        max_pause: The longest such pause. What the server asks for is not shortened.
    """

    parts_per_second: float | None = attrs.field(default=None, validator=attrs.validators.optional(_positive))
    cut: float = attrs.field(default=0.7, validator=_share)
    probe_interval: float = attrs.field(default=30.0, validator=_positive)
    floor: float = attrs.field(default=1.0, validator=_positive)
    pause: float = attrs.field(default=0.5, validator=_positive)
    max_pause: float = attrs.field(default=20.0, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.max_pause < self.pause:
            raise ConfigurationError("max_pause", f"must not be below pause, {self.pause}")


class Phase(Enum):
    """What the rate is doing."""

    CLIMB = auto()
    """Growing step by step, to just below the ceiling."""
    HOLD = auto()
    """Staying there."""
    PROBE = auto()
    """Above the ceiling for a moment, to see whether it has moved."""


@attrs.define(eq=False)
class _Meter:
    """Parts accepted lately, counted in slices of time so that the memory does not grow with the rate."""

    _slices: deque[tuple[int, int]] = attrs.field(factory=deque, init=False)

    def add(self, now: float, parts: int) -> None:
        """Count *parts* accepted now."""
        current = int(now * _SLICES)
        slices = self._slices
        if slices and slices[-1][0] >= current:
            last, counted = slices[-1]
            slices[-1] = (last, counted + parts)
            return
        slices.append((current, parts))
        while slices[0][0] < current - _SLICES:
            slices.popleft()

    def rate(self, now: float) -> float:
        """Parts accepted within the last second."""
        first = int(now * _SLICES) - _SLICES
        return sum(parts for index, parts in self._slices if index >= first) / _WINDOW


def next_start(now: float, free_at: float, waiting_since: float) -> float:
    """The slot of the next message.

    Args:
        now: The present.
        free_at: When the message before has had its time and the gate is open.
        waiting_since: Since when the message could have started if it had been free.

    Returns:
        A moment that is not before *free_at*. It is in the past, by no more than a few milliseconds, when a timer woke the waiting
        sender late: then the messages after it need not be late too. Quiet times give no such credit.
    """
    return max(free_at, min(now, max(waiting_since, now - _LATENESS)))


@attrs.define(eq=False)
class Pacer:
    """The one gate and rate for all sends of a client.

    Senders stand in line, in order of arrival, and the first one does this:

        while (delay := pacer.delay(now)) > 0: sleep(delay)
        pacer.reserve(now, parts, waiting_since)

    Nobody else holds a slot, so a change of the rate or of the gate concerns everybody at once, and who leaves the line loses nothing.

    Attributes:
        pace: Settings.
        rate: Parts per second at present; infinite when nothing limits it.
        closed_until: When the gate opens. Only ever moved later.
        phase: What the rate is doing.
        ceiling: The rate that was refused last; infinite before the first refusal.
        peak: The best rate known from before.
    """

    pace: Pace = attrs.field(factory=Pace)
    rate: float = attrs.field(init=False)
    closed_until: float = attrs.field(default=-math.inf, init=False)
    phase: Phase = attrs.field(default=Phase.HOLD, init=False)
    ceiling: float = attrs.field(init=False)
    peak: float = attrs.field(init=False)
    _limit: float = attrs.field(init=False)
    _floor: float = attrs.field(init=False)
    _free_at: float = attrs.field(default=-math.inf, init=False)  # when the gate is open and the last message has had its time
    _accepted: _Meter = attrs.field(factory=_Meter, init=False)
    _cut_at: float = attrs.field(default=-math.inf, init=False)
    _refusals: int = attrs.field(default=0, init=False)  # cuts in a row with nothing accepted between them
    _closed_for: float = attrs.field(default=0.0, init=False)  # length of the last closing
    _since_opened: int = attrs.field(default=0, init=False)  # parts accepted of what started after it
    _failed_probes: int = attrs.field(default=0, init=False)  # in a row
    _since: float = attrs.field(default=-math.inf, init=False)  # when the rate came into force
    _proof_at: float = attrs.field(default=math.inf, init=False)  # what starts from then on and is accepted proves the rate
    _used: int = attrs.field(default=0, init=False)  # parts started at this rate

    def __attrs_post_init__(self) -> None:
        limit = self.pace.parts_per_second
        self._limit = self.rate = self.ceiling = self.peak = math.inf if limit is None else float(limit)
        self._floor = min(self.pace.floor, self._limit)

    def delay(self, now: float, ahead: int = 0) -> float:
        """Seconds until a message may start; 0 when it may now.

        Args:
            now: The present.
            ahead: Parts that stand in line before it. With them the result is an estimate: the rate may change.
        """
        if now >= self._free_at and not ahead:
            return 0.0
        return max(0.0, self._free_at - now) + ahead / self.rate

    def reserve(self, now: float, parts: int, waiting_since: float | None = None) -> float:
        """Take the next slot for a message.

        Args:
            now: The present.
            parts: Parts of the message, 1 or more.
            waiting_since: When the message came first in line, so that a late timer does not slow down all who come after; None
                if it did not wait.

        Returns:
            When it may start: *now*, if `delay` was 0; later otherwise.
        """
        if self.rate == math.inf:
            return max(now, self._free_at)
        slot = next_start(now, self._free_at, now if waiting_since is None else waiting_since)
        self._free_at = slot + parts / self.rate
        self._used += parts
        return max(now, slot)

    def close_until(self, moment: float) -> None:
        """Keep the gate closed until *moment*, or for longer if it already is. Nothing opens it early."""
        self.closed_until = max(self.closed_until, moment)
        self._free_at = max(self._free_at, moment)

    def accepted(self, now: float, parts: int, started_at: float) -> None:
        """Note that a message of *parts*, which started at *started_at*, was accepted."""
        self._accepted.add(now, parts)
        if started_at > self._cut_at:
            self._refusals = 0
            self._since_opened += parts
        if started_at >= self._proof_at:
            self._proven(now)

    def refused(self, now: float, retry_after: float | None, started_at: float) -> None:
        """Close the gate and cut the rate, because the server asked for less: 429, or 503 with `Retry-After`.

        What started before the last cut says nothing about the rate since: all refusals of one moment are one event.

        Args:
            now: The present.
            retry_after: Seconds the server asked to wait; None, or what is not a duration, if it did not.
            started_at: When the refused message started.
        """
        is_news = started_at > self._cut_at
        if is_news:
            self._refusals += 1
        self.close_until(now + self._pause(retry_after))
        if is_news:
            self._cut(now)

    def _pause(self, retry_after: float | None) -> float:
        if retry_after is not None and 0 <= retry_after < math.inf:
            return retry_after
        return min(self.pace.max_pause, self.pace.pause * 2.0 ** min(self._refusals - 1, 64))

    def _cut(self, now: float) -> None:
        """Lower the rate, and judge anew where the ceiling is."""
        if self.phase is Phase.PROBE:
            # As was to be expected, and what held before is known.
            self._failed_probes += 1
            self._set_rate(Phase.HOLD, self._hold_rate)
        else:
            self.ceiling = max(self._floor, self._ceiling_after_refusal(now))
            self.peak = self.ceiling if self.peak == math.inf else max(self.peak, self.ceiling)
            self._set_rate(Phase.CLIMB, self.ceiling * self.pace.cut)
        self._cut_at = now
        self._closed_for = self.closed_until - now
        self._since_opened = 0
        self._begin(self.closed_until)

    def _ceiling_after_refusal(self, now: float) -> float:
        observed = self._accepted.rate(now)
        if self.rate == math.inf:
            return observed
        held = self.phase is Phase.HOLD and now - self._since > _HELD
        if held or not self._since_opened:
            # It held until now: a little too high, or much; the next refusal will tell.
            return self.rate
        if self._closed_for > _WINDOW:
            # A server that counts over longer times: what it let through since it last refused, over that time.
            observed = self._since_opened / self._closed_for
        return min(self.rate, observed)

    @property
    def _hold_rate(self) -> float:
        return self.ceiling * _HEADROOM

    def _proven(self, now: float) -> None:
        """The rate has been in force for long enough, and was accepted: take the next step, unless it was hardly used."""
        if self._used < _USED * self.rate * (now - self._since):
            self._begin(now)
            return
        if self.phase is Phase.HOLD:
            self._set_rate(Phase.PROBE, self.ceiling * _PROBE)
        else:
            if self.phase is Phase.PROBE:
                # The ceiling has moved: at least to here, perhaps back to the peak, perhaps beyond.
                self._failed_probes = 0
                self.ceiling = self.peak if self.peak > self.rate else math.inf
            grown = self.rate * _STEP
            if grown < min(self._limit, self._hold_rate):
                self._set_rate(Phase.CLIMB, grown)
            else:
                self._set_rate(Phase.HOLD, self._hold_rate)
        self._begin(now)

    def _set_rate(self, phase: Phase, rate: float) -> None:
        self.phase = phase
        self.rate = min(self._limit, max(self._floor, rate))

    def _begin(self, moment: float) -> None:
        """Let the rate be in force from *moment* on."""
        self._since = moment
        self._used = 0
        self._proof_at = moment + self._time_to_prove()

    def _time_to_prove(self) -> float:
        if self.phase is Phase.CLIMB:
            return _STEP_TIME
        if self.phase is Phase.PROBE:
            return _PROBE_TIME
        if self.rate == self._limit:
            return math.inf
        share = max(_SHORTEST_INTERVAL, self.ceiling / self.peak) * _PATIENCE ** min(self._failed_probes, 100)
        return self.pace.probe_interval * min(1.0, share)
