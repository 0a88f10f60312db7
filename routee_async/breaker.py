"""When to stop sending because the service is down, and when to go on. Pure: times and random numbers are arguments.

A failing service must not be fed paid requests whose outcome nobody will know. So the breaker opens when sends go wrong in a row or
in number, and then nothing is sent. A free `GET` now and then tests whether the service answers; never a paid `POST`. When the
`GET` is answered, sends are let through one by one on trial, for a service may read well and write badly: the first that goes
wrong opens the breaker again, a few that go well close it.

What is wrong is a connection that fails, a 5xx, and an outcome that is not known. Any complete answer below 500 is well: a refusal
shows a service at work.
"""

import math
from collections import deque
from enum import Enum, auto

import attrs

from routee_async.errors import ConfigurationError
from routee_async.options import count, positive


@attrs.frozen(kw_only=True)
class BreakerPolicy:
    """When to pause sending, and how to find out that it may go on.

    Attributes:
        in_a_row: Bad results one after the other that open the breaker.
        window: How many results are looked back at.
        bad_share: The share of bad ones among a full window that opens it.
        first_probe: Seconds from opening to the first probe; doubled with each that fails.
        max_probe: The longest time between probes.
        trial: Sends that must go well, one by one, before it closes.
    """

    in_a_row: int = attrs.field(default=5, validator=count)
    window: int = attrs.field(default=20, validator=count)
    bad_share: float = attrs.field(default=0.5, validator=positive)
    first_probe: float = attrs.field(default=1.0, validator=positive)
    max_probe: float = attrs.field(default=30.0, validator=positive)
    trial: int = attrs.field(default=3, validator=count)

    def __attrs_post_init__(self) -> None:
        if self.max_probe < self.first_probe:
            raise ConfigurationError("max_probe", f"must not be below first_probe, {self.first_probe}")
        if self.bad_share > 1:
            raise ConfigurationError("bad_share", f"must not be above 1, not {self.bad_share}")


class BreakerState(Enum):
    """Whether sends are let through."""

    CLOSED = auto()
    """All are."""
    OPEN = auto()
    """None is; a probe is due or under way."""
    TRIAL = auto()
    """One at a time is."""


_CLOSED = BreakerState.CLOSED
"""Looked at for each message; to fetch a member from its enum takes longer than the rest of a look."""


@attrs.define(eq=False)
class Breaker:
    """Watches how sends end, and pauses them while the service is down.

    Attributes:
        policy: Settings.
        state: Whether sends are let through.
    """

    policy: BreakerPolicy = attrs.field(factory=BreakerPolicy)
    state: BreakerState = attrs.field(default=BreakerState.CLOSED, init=False)
    _results: deque[bool] = attrs.field(init=False)  # up to and with the last bad one, True for good
    _good_since: int = attrs.field(default=0, init=False)  # good ones after those
    _bad_in_a_row: int = attrs.field(default=0, init=False)  # at the end of those
    _counts_from: float = attrs.field(default=-math.inf, init=False)  # what started before says nothing new
    _interval: float = attrs.field(init=False)  # before the next probe
    _probe_at: float | None = attrs.field(default=None, init=False)  # None while one is under way, and when not open
    _on_trial: bool = attrs.field(default=False, init=False)  # a send is under way on trial
    _passed: int = attrs.field(default=0, init=False)  # sends that went well on trial

    def __attrs_post_init__(self) -> None:
        self._results = deque(maxlen=self.policy.window)
        self._interval = self.policy.first_probe

    def admit(self) -> bool:
        """Whether a send may start now. If so, its end must be told to `record`, whatever it is."""
        if self.state is _CLOSED:
            return True
        if self.state is BreakerState.OPEN or self._on_trial:
            return False
        self._on_trial = True
        return True

    def record(self, ok: bool | None, now: float, started_at: float) -> None:  # noqa: FBT001 - three values, and one meaning
        """Note how a send ended.

        Args:
            ok: True for a complete answer below 500; False for a failed connection, a 5xx or an unknown outcome; None for what says
                nothing about the service, such as a send that was cancelled before it was written.
            now: The present.
            started_at: When it was admitted. What started before the breaker last opened is not counted: an outage makes sends
                hang that fail long after it is over.
        """
        if started_at < self._counts_from:
            return
        if self.state is _CLOSED:
            if ok:  # as it is as a rule
                self._good_since += 1
            elif ok is False and self._has_had_enough():
                self._open(now)
        else:
            # On trial: while it is open, nothing that is recorded can have started late enough.
            self._on_trial = False
            if ok:
                self._pass()
            elif ok is False:
                self._open(now)

    def next_probe(self) -> float | None:
        """When the next probe is due; None when none is: the breaker is not open, or a probe is under way."""
        return self._probe_at

    def begin_probe(self) -> None:
        """Note that a probe is under way. Its end must be told to `probe_result`, whatever it is."""
        self._probe_at = None

    def probe_result(self, ok: bool, now: float, random: float) -> None:  # noqa: FBT001 - it is the result
        """Let sends through on trial, or wait for longer than before.

        Args:
            ok: True when the free `GET` got a complete answer below 500.
            now: The present.
            random: Uniform in [0, 1): the wait is drawn between half the interval and all of it, so that clients do not come
                together.
        """
        if self.state is not BreakerState.OPEN:
            return
        if ok:
            self.state = BreakerState.TRIAL
            self._probe_at = None
            self._counts_from = now
            self._on_trial = False
            self._passed = 0
        else:
            self._probe_at = now + self._lengthen() * (1 + random) / 2

    def _has_had_enough(self) -> bool:
        window = self.policy.window
        if self._good_since:
            self._results.extend([True] * min(window, self._good_since))
            self._good_since = self._bad_in_a_row = 0
        self._results.append(False)
        self._bad_in_a_row += 1
        too_many = len(self._results) == window and self._results.count(False) >= window * self.policy.bad_share
        return too_many or self._bad_in_a_row >= self.policy.in_a_row

    def _open(self, now: float) -> None:
        after_trial = self.state is BreakerState.TRIAL
        self.state = BreakerState.OPEN
        self._counts_from = math.inf
        self._probe_at = now + (self._lengthen() if after_trial else self._interval)

    def _lengthen(self) -> float:
        self._interval = min(self.policy.max_probe, self._interval * 2)
        return self._interval

    def _pass(self) -> None:
        self._passed += 1
        if self._passed == self.policy.trial:
            self.state = BreakerState.CLOSED
            self._interval = self.policy.first_probe
            self._bad_in_a_row = 0
            self._results.clear()
