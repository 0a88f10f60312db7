"""When to poll which message next, and when to give it up.

A message is polled often while it is young and rarely when it is old: the wait is a share of its age, drawn a little shorter so
that messages watched together drift apart, and never below `first_delay` or above `max_interval`:

    longest = min(max(age * (growth - 1), first_delay / (1 - jitter)), max_interval)
    wait    = max(first_delay, longest * (1 - jitter * random))

With the defaults that is a poll at about 1, 2, 3, 5, 7, 10, 15 … seconds, and one every half hour after the first hour. Age counts
from the moment the message is watched. Times are float seconds on the caller's clock, random numbers lie in [0, 1).
"""

import heapq
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

_STALE_ALLOWED = 64
"""Heap entries that may be out of date before it pays to rebuild, on top of one for each message."""


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


class GiveUp(Enum):
    """Why a message is not polled any more."""

    NOT_FOUND = auto()
    """It did not become visible within `PollPolicy.not_found_grace`."""
    DEADLINE = auto()
    """It had no final status in time."""


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
        max_interval: The longest wait between two polls; also the longest `Retry-After` that is honoured.
        jitter: Share of a wait that is left to chance, 0 up to but not including 1.
        not_found_grace: How long a message may be unknown to Routee before it counts as not found. Routee shows a message about
            a second after it was sent.
        default_ttl: How long delivery is tried for a message that has no `ttl` of its own. Routee's default is 72 hours.
        slack: How much later than the `ttl` a delivery receipt may come.
        give_up_after: Give every message up at this age, whatever its `ttl`; None for `ttl` plus `slack`.
    """

    first_delay: float = attrs.field(default=1.0, validator=_number(0, excluded=True))
    growth: float = attrs.field(default=1.5, validator=_number(1, excluded=True))
    max_interval: float = attrs.field(default=1800.0, validator=_number(0, excluded=True))
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


@attrs.define
class Course:
    """How the tracking of one message goes.

    Attributes:
        since: When it was first watched.
        deadline: When it is given up.
        due: When it is polled next; None while a poll is on its way.
        shown: True once Routee has shown it.
    """

    since: float
    deadline: float
    due: float | None = None
    shown: bool = False


def next_poll(
    policy: PollPolicy,
    course: Course,
    now: float,
    answer: Answer,
    *,
    random: float,
    retry_after: float = 0.0,
) -> float | GiveUp:
    """Decide how to go on with a message that is not final.

    Args:
        policy: The settings.
        course: Where the message stands, the latest answer included.
        now: The time of the answer.
        answer: `SHOWN`, `NOT_VISIBLE` or `FAILED`.
        random: A number in [0, 1).
        retry_after: Seconds that Routee asked to wait; capped at `max_interval`.

    Returns:
        When to poll again, after *now*, or why not to. The last poll falls on the deadline. A message that was shown once is
        not given up for a later 404, and one that only failed to be read is not taken for missing.
    """
    grace_ends = course.since + policy.not_found_grace
    if answer is Answer.NOT_VISIBLE and not course.shown and now >= grace_ends:
        return GiveUp.NOT_FOUND
    if now >= course.deadline:
        return GiveUp.DEADLINE
    wait = max(policy.interval(now - course.since, random), min(retry_after, policy.max_interval))
    due = min(now + wait, course.deadline)
    return min(due, grace_ends) if answer is Answer.NOT_VISIBLE and not course.shown else due


class Schedule:
    """The messages that are watched, in the order in which they are to be polled.

    A heap of due times with lazy deletion: adding, taking and moving a message cost O(log n); memory is one `Course` and at most
    two heap entries a message. It has no clock: each method that needs the time takes it.
    """

    def __init__(self, policy: PollPolicy) -> None:
        self._policy = policy
        self._courses: dict[str, Course] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._courses)

    def __contains__(self, tracking_id: str) -> bool:
        return tracking_id in self._courses

    def add(self, tracking_id: str, now: float, *, ttl: timedelta | None = None, random: float) -> None:
        """Begin to poll a message that is not in the schedule; its first poll is due after `first_delay` or a little more."""
        course = Course(since=now, deadline=now + self._policy.lifetime(ttl))
        self._courses[tracking_id] = course
        self._put(tracking_id, course, min(now + self._policy.interval(0.0, random), course.deadline))

    def due(self, now: float, limit: int) -> list[str]:
        """Take the messages to be polled now, longest overdue first, at most *limit*.

        What is taken stays in the schedule but comes up again only after `reschedule()`.
        """
        taken: list[str] = []
        while len(taken) < limit and (first := self.next_due()) is not None and first <= now:
            _, tracking_id = heapq.heappop(self._heap)
            self._courses[tracking_id].due = None
            taken.append(tracking_id)
        return taken

    def reschedule(
        self,
        tracking_id: str,
        now: float,
        answer: Answer,
        *,
        random: float,
        retry_after: float = 0.0,
    ) -> GiveUp | None:
        """Set the next poll of a message, see `next_poll()`.

        Returns:
            None, or why it is to be given up: then nothing is set, and the caller drops it.

        Raises:
            KeyError: The message is not in the schedule.
        """
        course = self._courses[tracking_id]
        course.shown = course.shown or answer is Answer.SHOWN
        verdict = next_poll(self._policy, course, now, answer, random=random, retry_after=retry_after)
        if isinstance(verdict, GiveUp):
            return verdict
        self._put(tracking_id, course, verdict)
        return None

    def drop(self, tracking_id: str) -> None:
        """Forget a message; one that is not in the schedule is fine."""
        self._courses.pop(tracking_id, None)
        self._tidy()

    def next_due(self) -> float | None:
        """Return when the next poll is due, which may be in the past; None when there is none."""
        while self._heap and self._is_stale(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _put(self, tracking_id: str, course: Course, due: float) -> None:
        course.due = due
        heapq.heappush(self._heap, (due, tracking_id))
        self._tidy()

    def _is_stale(self, due: float, tracking_id: str) -> bool:
        course = self._courses.get(tracking_id)
        return course is None or course.due != due

    def _tidy(self) -> None:
        if len(self._heap) > 2 * len(self._courses) + _STALE_ALLOWED:
            self._heap = [(course.due, tracking_id) for tracking_id, course in self._courses.items() if course.due is not None]
            heapq.heapify(self._heap)
