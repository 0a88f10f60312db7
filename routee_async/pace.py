"""When the next message may start. Pure: the time is an argument, in seconds of any one clock.

Messages have slots, each `parts / rate` seconds behind the one before, and start at most 5 ms after theirs. No bucket fills up in
quiet times to be emptied at once, so the rate holds over any window: in `w` seconds no more start than it allows in `w + 0.005`.
The rate is the account's, where it is known, and follows the server's refusals (429): each cuts it, and it grows again while
messages are accepted.

It grows in steps, each only after a message that started under the step before has been accepted: never faster than answers come.
It climbs quickly to just below the *ceiling*, the rate that was refused, and holds. After an interval it *probes* above the ceiling
for a moment. Refused: back to where it held. Accepted: the ceiling has moved, and it climbs on towards the *peak*, the best rate
known from before. A refused probe costs a pause at the present rate, and a probe that is not made may cost the difference to the
peak; so the further the rate is below the peak, the shorter is the interval.
"""

import math
from collections import deque
from enum import Enum, auto
from typing import Any

import attrs

from routee_async.errors import ConfigurationError
from routee_async.options import positive

_START = 1.0
"""Parts per second while nothing has been accepted from which to tell a rate."""
_STEP = 1.5
"""By how much the rate grows at a time while it climbs."""
_STEP_TIME = 0.25
"""Seconds for which a step must have been in force when the message starts whose acceptance proves it."""
_HEADROOM = 0.985
"""Where the rate holds, as a share of the ceiling: messages do not travel equally fast."""
_PROBE = 1.08
"""How high a probe goes, as a share of the ceiling."""
_PROBE_TIME = 1.0
"""As `_STEP_TIME`, for a probe: the second over which servers usually count."""
_GUESSED = 1 / 16
"""How much sooner the first probe comes when the ceiling was only guessed from what was accepted lately."""
_UNCHANGED = 30.0
"""Seconds for which the ceiling is expected to stay where it is, at least."""
_SHORTEST_INTERVAL = 1.0
"""The shortest time between probes, in seconds."""
_HELD = 2.0
"""Seconds for which a rate must have held for its refusal to be a surprise."""
_USED = 0.7
"""The share of a rate that must have been used for an acceptance to prove anything."""
_WINDOW = 1.0
"""Seconds over which accepted parts are counted."""
_SLICES = 32
"""Into how many slices that time is cut."""
_LATENESS = 0.005
"""Seconds by which a waiting sender may be late for its slot without loss: timers are. More would allow a burst."""
_UNLIMITED = math.inf
"""The rate while nothing limits it."""
_MOST_DOUBLINGS = 64
"""Of a pause: enough for any, and small enough for a float."""


def _share(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigurationError(field.name, f"must be a number between 0 and 1, not {value!r}")


@attrs.frozen(kw_only=True)
class Pace:
    """How fast to send, in message parts: a message of three parts costs three, and counts three.

    Attributes:
        parts_per_second: The account's limit: in any *w* seconds no more start than it allows in *w* + 0.005. None where it is not
            known: then nothing is slowed down before the first 429.
        cut: What is left of the rate after a 429, as a share.
        probe_interval: The longest time, in seconds, that the rate holds before a higher one is tried; shorter while it is below
            what it once was. A limit raised beyond that is found after so long. Each try that is refused costs the pause that the
            server then asks for.
        floor: The least rate, in parts per second, however many 429s come.
        pause: Seconds without any start after a 429 that does not say how long to wait; doubled while nothing is accepted.
        max_pause: The longest such pause. What the server asks for is not shortened.
    """

    parts_per_second: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    cut: float = attrs.field(default=0.7, validator=_share)
    probe_interval: float = attrs.field(default=60.0, validator=positive)
    floor: float = attrs.field(default=0.1, validator=positive)
    pause: float = attrs.field(default=0.5, validator=positive)
    max_pause: float = attrs.field(default=20.0, validator=positive)

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


def next_start(now: float, free_at: float, waiting_since: float) -> float:
    """The slot of the next message.

    Args:
        now: The present.
        free_at: When the message before has had its time and the gate is open.
        waiting_since: Since when the message has been ready to start.

    Returns:
        A moment that is not before *free_at*. It is in the past, by no more than a few milliseconds, when a timer woke the waiting
        sender late: then those behind it need not be late too. Quiet times give no such credit.
    """
    return max(free_at, min(now, max(waiting_since, now - _LATENESS)))


@attrs.define(eq=False)
class _Meter:
    """Parts accepted lately, counted in slices of time, so that a high rate takes no more memory than a low one.

    Attributes:
        ends_at: When the last slice ends. What comes before that is counted by adding to `last`.
        last: Parts in the last slice.
    """

    ends_at: float = attrs.field(default=-math.inf, init=False)
    last: int = attrs.field(default=0, init=False)
    _index: int = attrs.field(default=0, init=False)  # of the last slice
    _before: deque[tuple[int, int]] = attrs.field(factory=deque, init=False)  # the slices before it

    def add(self, now: float, parts: int) -> None:
        """Count *parts* accepted now, in a new slice."""
        if self.last:
            self._before.append((self._index, self.last))
        self._index = int(now * _SLICES)
        self.ends_at = (self._index + 1) / _SLICES
        self.last = parts
        while self._before and self._before[0][0] < self._index - _SLICES:
            self._before.popleft()

    def rate(self, now: float) -> float:
        """Parts accepted within the last second."""
        first = int(now * _SLICES) - _SLICES
        last = self.last if self._index >= first else 0
        return (last + sum(parts for index, parts in self._before if index >= first)) / _WINDOW


@attrs.define(eq=False)
class Pacer:
    """The one gate and the one rate for all sends of a client.

    Senders stand in line in order of arrival, and the first one does this:

        while (delay := pacer.delay(now)) > 0: sleep(delay)
        pacer.reserve(now, parts, waiting_since)

    Those behind it hold no slots. So a change concerns everybody at once, and who leaves the line has nothing to give back.

    Attributes:
        pace: Settings.
        rate: Parts per second at present; infinite when nothing limits it.
        closed_until: When the gate opens. Only ever moved later.
        phase: What the rate is doing.
        ceiling: The rate that is believed to be refused; infinite when there is none.
        peak: The best ceiling below which the rate has held, or the account's limit; 0 while neither is known.
        free_at: When the gate is open and the last message has had its time: from then on `delay` is 0.
    """

    pace: Pace = attrs.field(factory=Pace)
    rate: float = attrs.field(init=False)
    closed_until: float = attrs.field(default=-math.inf, init=False)
    phase: Phase = attrs.field(default=Phase.HOLD, init=False)
    ceiling: float = attrs.field(init=False)
    peak: float = attrs.field(init=False)
    free_at: float = attrs.field(default=-math.inf, init=False)
    _limit: float = attrs.field(init=False)
    _floor: float = attrs.field(init=False)
    _accepted: _Meter = attrs.field(factory=_Meter, init=False)
    _cut_at: float = attrs.field(default=-math.inf, init=False)
    _closed_for: float = attrs.field(default=0.0, init=False)  # how long the gate was closed after that
    _refusals: int = attrs.field(default=0, init=False)  # cuts in a row with nothing accepted between them
    _let_through: int = attrs.field(default=0, init=False)  # parts that started after the last cut and were accepted
    _is_guess: bool = attrs.field(default=False, init=False)  # the ceiling is
    _is_volley: bool = attrs.field(default=False, init=False)  # what was refused last had started without any limit
    _ceiling_since: float = attrs.field(default=-math.inf, init=False)  # when the ceiling was last found to have moved
    _since: float = attrs.field(default=-math.inf, init=False)  # when the rate came into force
    _proof_at: float = attrs.field(default=math.inf, init=False)  # what starts from then on and is accepted proves the rate
    _used: int = attrs.field(default=0, init=False)  # parts started at this rate

    def __attrs_post_init__(self) -> None:
        limit = self.pace.parts_per_second
        self._limit = self.rate = self.ceiling = math.inf if limit is None else float(limit)
        self.peak = 0.0 if limit is None else self._limit
        self._floor = min(self.pace.floor, self._limit)

    def delay(self, now: float, ahead: int = 0) -> float:
        """Seconds until a message may start; 0 when it may now.

        Args:
            now: The present.
            ahead: Parts that stand in line before it. With them the result is an estimate: the rate may change.
        """
        if now >= self.free_at and not ahead:
            return 0.0
        return max(0.0, self.free_at - now) + ahead / self.rate

    def reserve(self, now: float, parts: int, waiting_since: float | None = None) -> float:
        """Take the next slot.

        Args:
            now: The present.
            parts: Parts of the message, 1 or more.
            waiting_since: Since when the message has been waiting, so that a late timer does not slow down all who come after; None
                if it did not wait.

        Returns:
            When the message may start: *now* if `delay` is 0, later otherwise.
        """
        if self.rate == _UNLIMITED:
            if now >= self.free_at:
                return now
            return self.free_at
        slot = next_start(now, self.free_at, now if waiting_since is None else waiting_since)
        self.free_at = slot + parts / self.rate
        self._used += parts
        return max(now, slot)

    def close_until(self, moment: float) -> None:
        """Keep the gate closed until *moment*, or for longer if it already is. Nothing opens it early."""
        self.closed_until = max(self.closed_until, moment)
        self.free_at = max(self.free_at, moment)

    def accepted(self, now: float, parts: int, started_at: float) -> None:
        """Note that a message was accepted.

        Args:
            now: The present.
            parts: Parts of the message.
            started_at: When it started, which is not before what `reserve` said.
        """
        meter = self._accepted
        if now < meter.ends_at:
            meter.last += parts
        else:
            meter.add(now, parts)
        if started_at > self._cut_at:
            self._refusals = 0
            self._let_through += parts
        elif self._is_volley:
            # The ceiling was guessed when the first answers had come; this is another one.
            self.ceiling += parts / max(_WINDOW, self._closed_for)
        if started_at >= self._proof_at:
            self._take_step(now)

    def refused(self, now: float, retry_after: float | None, started_at: float) -> None:
        """Close the gate and cut the rate, because the server asked for less: a 429, or a 503 with `Retry-After`.

        What started before the last cut says nothing about the rate since then: refusals of one moment are one event, and cut once.

        Args:
            now: The present.
            retry_after: Seconds the server asked to wait; None, or anything that is no duration, when it did not.
            started_at: When the refused message started.
        """
        is_news = started_at > self._cut_at
        if is_news:
            self._refusals += 1
            self._cut(now)
        self.close_until(now + self._pause(retry_after))
        if is_news:
            self._closed_for = self.closed_until - now
        self._begin(self.closed_until)

    def _pause(self, retry_after: float | None) -> float:
        if retry_after is not None and 0 <= retry_after < math.inf:
            return retry_after
        doublings = max(0, min(self._refusals - 1, _MOST_DOUBLINGS))
        return min(self.pace.max_pause, self.pace.pause * 2.0**doublings)

    def _cut(self, now: float) -> None:
        """Lower the rate, and judge anew where the ceiling is."""
        was_unlimited = self.rate == math.inf
        self._is_volley = False
        observed = min(self._accepted.rate(now), self._let_through / max(_WINDOW, self._closed_for))
        if self.phase is Phase.PROBE:
            # As was to be expected, and what held before is known.
            self._is_guess = False
            self._set_rate(Phase.HOLD, self.ceiling * _HEADROOM)
        elif not observed:
            # Nothing is accepted at all, which does not tell how much would be.
            self._set_rate(Phase.CLIMB, _START if was_unlimited else min(self.rate, max(_START, self.rate * self.pace.cut)))
        elif self.phase is Phase.HOLD and now - self._since > _HELD and not was_unlimited:
            # Good until now: is it a little too much, or far? The next refusal will tell.
            self._remember()
            self.ceiling = self.rate
            self._set_rate(Phase.CLIMB, self.rate * self.pace.cut)
        else:
            self.ceiling = max(self._floor, min(self.rate, observed))
            self._is_guess = True
            self._is_volley = was_unlimited
            self._ceiling_since = now
            self._set_rate(Phase.CLIMB, self.ceiling * self.pace.cut)
        self._cut_at = now
        self._let_through = 0

    def _take_step(self, now: float) -> None:
        """The rate has been in force for long enough and was accepted: raise it, unless it was hardly used."""
        if self._used >= _USED * self.rate * (now - self._since):
            if self.phase is Phase.HOLD:
                self._remember()
                self._set_rate(Phase.PROBE, self.ceiling * _PROBE)
            else:
                self._climb(now)
        self._begin(now)

    def _climb(self, now: float) -> None:
        if self.phase is Phase.PROBE:
            # The ceiling has moved: at least to here, perhaps back to the peak, perhaps beyond.
            self.ceiling = self.peak if self.peak > self.rate else math.inf
            self._is_guess = False
            self._ceiling_since = now
        goal = min(self._limit, self.ceiling * _HEADROOM)
        if self.rate * _STEP < goal:
            self._set_rate(Phase.CLIMB, self.rate * _STEP)
        else:
            self._set_rate(Phase.HOLD, goal)

    def _remember(self) -> None:
        """Keep the best ceiling in mind below which the rate has held."""
        self.peak = max(self.peak, min(self._limit, self.ceiling))

    def _set_rate(self, phase: Phase, rate: float) -> None:
        self.phase = phase
        self.rate = min(self._limit, max(self._floor, rate))

    def _begin(self, moment: float) -> None:
        """Let the rate be in force from *moment* on, and say what will prove it."""
        self._since = moment
        self._used = 0
        self._proof_at = moment + self._time_to_prove()

    def _time_to_prove(self) -> float:
        if self.phase is Phase.CLIMB:
            return _STEP_TIME
        if self.phase is Phase.PROBE:
            return _PROBE_TIME
        return math.inf if self.rate == self._limit else self._probe_interval()

    def _probe_interval(self) -> float:
        """Seconds to hold before the next probe.

        A refused probe costs a pause at the present rate *r*, once in an interval *I*. Not knowing that the ceiling has moved back
        to the peak *p* costs *(p - r) I / 2* on the average, once in the time *T* for which a ceiling stays. The sum is least at

            I = sqrt(2 T * pause * r / (p - r))

        where the best guess for *T* is the time for which it has stayed already.
        """
        longest = self.pace.probe_interval * (_GUESSED if self._is_guess else 1)
        if self.ceiling >= self.peak:
            return longest
        stayed = max(_UNCHANGED, self._since - self._ceiling_since)
        best = math.sqrt(2 * stayed * self._closed_for * self.ceiling / (self.peak - self.ceiling))
        return min(longest, max(_SHORTEST_INTERVAL, best))
