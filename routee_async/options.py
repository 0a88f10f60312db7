"""Settings that callers may change, each checked where it is built.

All durations are float seconds.
"""

import math
from collections.abc import Iterable
from enum import Enum
from typing import Any

import attrs

from routee_async.errors import ConfigurationError

# Validators for attrs fields, here and in other settings.


def check_positive(field: str, value: object) -> float:
    """Return *value* if it is a finite number above 0.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(field, f"must be a number above 0, not {value!r}")
    return value


def positive(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """Demand a finite number above 0."""
    check_positive(field.name, value)


def check_count(field: str, value: object) -> int:
    """Return *value* if it is a whole number of 1 or more.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(field, f"must be a whole number of 1 or more, not {value!r}")
    return value


def count(_: object, field: "attrs.Attribute[Any]", value: object) -> None:
    """Demand a whole number of 1 or more."""
    check_count(field.name, value)


def _tuple(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)


def _ascending(_: object, field: "attrs.Attribute[Any]", value: tuple[float, ...]) -> None:
    for each in value:
        positive(_, field, each)
    if not value or list(value) != sorted(value):
        raise ConfigurationError(field.name, f"must be ascending seconds, at least one, not {value!r}")


class OnUnknown(Enum):
    """What to do about a message that may or may not have been sent."""

    REPORT = "report"
    """At most once: say so, and leave it to the caller. The default."""
    RECONCILE = "reconcile"
    """Look the message up by its reference: adopt it if it is there, send it again only if it is still absent when the look-ups
    of `RetryPolicy.lookup_delays` are over. A small risk of a second message stays, should Routee show the first one later."""
    RESEND = "resend"
    """At least once: send it again. For messages that may come twice but must come."""


@attrs.frozen(kw_only=True)
class Timeout:
    """How long a call may take.

    Attributes:
        total: One call with all its attempts and waits.
        connect: Getting a connection: name look-up, TCP and TLS together.
        sock_connect: One TCP connection attempt.
        sock_read: Silence between two pieces of an answer.
    """

    total: float = attrs.field(default=60.0, validator=positive)
    connect: float = attrs.field(default=10.0, validator=positive)
    sock_connect: float = attrs.field(default=5.0, validator=positive)
    sock_read: float = attrs.field(default=30.0, validator=positive)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often, how soon and how much is repeated. What may be repeated at all is not a setting: see `retry.py`.

    Attributes:
        attempts: The most attempts of one call, the first included.
        min_delay: Full jitter is drawn from 0 to `min_delay` before the first repeat, doubled for each further one.
        max_delay: The longest such wait.
        max_retry_after: The longest `Retry-After` that is waited for. A longer one fails the call that got it at once, and
            holds the others back for this long.
        lookup_delays: Seconds after a doubtful attempt at which the message is looked up, ascending; the last is the window after
            which an absent message counts as never sent. Routee shows a message a second to a few seconds after accepting it.
        budget: Repeats that all calls of a client together may spend at once; each repeat takes 1.
        budget_refill: What each success gives back to the budget.
    """

    attempts: int = attrs.field(default=4, validator=count)
    min_delay: float = attrs.field(default=0.5, validator=positive)
    max_delay: float = attrs.field(default=20.0, validator=positive)
    max_retry_after: float = attrs.field(default=120.0, validator=positive)
    lookup_delays: tuple[float, ...] = attrs.field(default=(5.0, 10.0, 20.0, 40.0), converter=_tuple, validator=_ascending)
    budget: float = attrs.field(default=10.0, validator=positive)
    budget_refill: float = attrs.field(default=0.1, validator=positive)

    def __attrs_post_init__(self) -> None:
        if self.max_delay < self.min_delay:
            raise ConfigurationError("max_delay", f"must not be below min_delay, {self.min_delay}")
