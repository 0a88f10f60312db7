"""How often to poll, for how long, and what the answer to a poll means.

A message is polled often while it is young and rarely when it is old: the wait is a share of its age, drawn a little shorter so
that messages watched together drift apart, and never below `first_delay` or above `max_interval`:

    longest = min(max(age * (growth - 1), first_delay / (1 - jitter)), max_interval)
    wait    = max(first_delay, longest * (1 - jitter * random))

With the defaults that is a poll at about 1, 2, 3, 5, 7, 10, 15 … seconds, and one every six hours after the first half day: about
forty in the 73 hours after which a message is given up. Messages that are read together (`rounds.py`) have an interval in common,
between those of the youngest and of the oldest. Age counts from the moment a message is watched. Times are float seconds on the
caller's clock, random numbers lie in [0, 1).
"""

import math
from collections.abc import Callable
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import attrs

from routee_async.errors import (
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    RouteeError,
    TLSError,
)

_LONGEST_RETRY_AFTER = 1800.0
"""Seconds: the most that is waited because Routee asked for it."""
_MESSAGES_A_REQUEST = 32
"""How many messages shall have joined a group for each time that it is read, while that does not make the wait longer than its
oldest member's own: a slow trickle of messages is not worth a page of 2,000 rows a second."""
_TOLERANCE = 0.25
"""By what share of the usual wait a message of a group may be given up late: a thousand deadlines shall not be a thousand polls."""


class Answer(Enum):
    """What one poll of a message came to."""

    SHOWN = auto()
    """Routee shows the message."""
    NOT_VISIBLE = auto()
    """Routee does not know the message, or not yet: a 404, or no rows."""
    FAILED = auto()
    """No usable answer this time."""
    REFUSED = auto()
    """Routee will not answer for this message, however often it is asked."""
    FATAL = auto()
    """Routee will not answer for any message."""
    USELESS = auto()
    """A search that found what was not looked for: its filters mean nothing to the service."""


class GiveUp(Enum):
    """Why a message is not polled any more."""

    NOT_FOUND = auto()
    """It did not become visible within `PollPolicy.not_found_grace`."""
    DEADLINE = auto()
    """It had no final status in time."""
    REFUSED = auto()
    """Routee will not answer for it."""


_FATAL = (AuthenticationError, PermissionDeniedError, ClientClosedError, TLSError)
_REFUSED = (BadRequestError, ConflictError, InvalidInputError)


def judge(error: RouteeError | None, rows: int) -> Answer:
    """Say what a poll came to.

    Args:
        error: What it raised, after its own repeats; None for an answer.
        rows: How many rows it answered, 0 or more. A lone message without rows is treated like a 404.
    """
    if error is None:
        return Answer.SHOWN if rows else Answer.NOT_VISIBLE
    if isinstance(error, NotFoundError):
        return Answer.NOT_VISIBLE
    if isinstance(error, _FATAL):
        return Answer.FATAL
    return Answer.REFUSED if isinstance(error, _REFUSED) else Answer.FAILED


def _number(least: float, *, excluded: bool = False, most: float = math.inf) -> Callable[..., None]:
    """Build a check for a number of at least (or above) *least* and below *most*."""

    def check(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            good = least <= value < most and not (excluded and value == least)
        else:
            good = False
        if not good:
            limits = f"{'above' if excluded else 'of at least'} {least:g}{f' and below {most:g}' if most < math.inf else ''}"
            raise ConfigurationError(field.name, f"must be a finite number {limits}, not {value!r}")

    return check


@attrs.frozen(kw_only=True)
class PollPolicy:
    """How often messages are polled, and for how long. All durations are float seconds; `ConfigurationError` for nonsense.

    Attributes:
        first_delay: From watching a message to its first poll, and the shortest wait between two.
        growth: The next poll is due when the message is `growth` times as old as now; above 1.
        max_interval: The longest wait between two polls.
        jitter: Share of a wait that is left to chance, 0 up to but not including 1.
        not_found_grace: How long a message may be unknown to Routee before it counts as not found. Routee shows a message about
            a second after it was sent.
        default_ttl: How long delivery is tried for a message that has no `ttl` of its own. Routee's default is 72 hours.
        slack: How much later than the `ttl` a delivery receipt may come.
        give_up_after: Give every message up at this age, whatever its `ttl`; None for `ttl` plus `slack`.
    """

    first_delay: float = attrs.field(default=1.0, validator=_number(0, excluded=True))
    growth: float = attrs.field(default=1.5, validator=_number(1, excluded=True))
    max_interval: float = attrs.field(default=6 * 3600.0, validator=_number(0, excluded=True))
    jitter: float = attrs.field(default=0.2, validator=_number(0, most=1))
    not_found_grace: float = attrs.field(default=60.0, validator=_number(0))
    default_ttl: float = attrs.field(default=72 * 3600.0, validator=_number(0, excluded=True))
    slack: float = attrs.field(default=3600.0, validator=_number(0))
    give_up_after: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(_number(0, excluded=True)),
    )

    def __attrs_post_init__(self) -> None:
        if self.max_interval < self.first_delay:
            raise ConfigurationError("max_interval", f"must not be below first_delay, {self.first_delay:g}")

    def lifetime(self, ttl: timedelta | None) -> float:
        """Return the age in seconds at which a message with this *ttl* is given up."""
        if self.give_up_after is not None:
            return self.give_up_after
        return (self.default_ttl if ttl is None else ttl.total_seconds()) + self.slack

    def interval(self, age: float, random: float) -> float:
        """Return how many seconds to wait before the next poll of a message.

        Args:
            age: Seconds since it is watched.
            random: A number in [0, 1).

        Returns:
            `first_delay` to `max_interval`, by the formula of this module.
        """
        longest = min(max(age * (self.growth - 1), self.first_delay / (1 - self.jitter)), self.max_interval)
        return max(self.first_delay, longest * (1 - self.jitter * random))


def group_interval(
    policy: PollPolicy,
    *,
    youngest: float,
    oldest: float,
    joined: int,
    joined_within: float,
    random: float,
) -> float:
    """Return how many seconds to wait before messages that are read together are read again.

    Args:
        policy: The settings.
        youngest: Age of the youngest of them in seconds.
        oldest: Age of the oldest.
        joined: How many have ever belonged to them.
        joined_within: In how many seconds they came together.
        random: A number in [0, 1).

    Returns:
        At least what the youngest would wait for on its own, at most what the oldest would; between the two, the time in which 32
        more messages are to be expected.
    """
    low, high = policy.interval(youngest, random), policy.interval(oldest, random)
    return min(max(low, _MESSAGES_A_REQUEST * joined_within / joined), high)


def asked_for(retry_after: float) -> float:
    """Return how many seconds to wait because Routee asked for *retry_after*: half an hour at the most."""
    return min(retry_after, _LONGEST_RETRY_AFTER)


def bounded_by_deadline(now: float, wait: float, deadline: float) -> float:
    """Return when to read a group again that has a wait of *wait* seconds, and whose first member is given up at *deadline*."""
    return now + min(wait, max(deadline - now, wait * _TOLERANCE))


def next_poll(
    policy: PollPolicy,
    now: float,
    answer: Answer,
    *,
    since: float,
    deadline: float,
    shown: bool,
    random: float,
    retry_after: float = 0.0,
) -> float | GiveUp:
    """Decide how to go on with a message that is read on its own and is not final.

    Args:
        policy: The settings.
        now: The time of the answer.
        answer: `SHOWN`, `NOT_VISIBLE`, `FAILED` or `REFUSED`.
        since: When it was first watched.
        deadline: When it is given up.
        shown: True if Routee has ever shown it.
        random: A number in [0, 1).
        retry_after: Seconds that Routee asked to wait; capped at half an hour.

    Returns:
        When to poll again, after *now*, or why not to. The last poll falls on the deadline. A message that was shown once is
        not given up for a later 404, and one that only failed to be read is not taken for missing.
    """
    if answer is Answer.REFUSED:
        return GiveUp.REFUSED
    grace_ends = since + policy.not_found_grace
    if answer is Answer.NOT_VISIBLE and not shown and now >= grace_ends:
        return GiveUp.NOT_FOUND
    if now >= deadline:
        return GiveUp.DEADLINE
    wait = max(policy.interval(now - since, random), asked_for(retry_after))
    due = min(now + wait, deadline)
    return min(due, grace_ends) if answer is Answer.NOT_VISIBLE and not shown else due
