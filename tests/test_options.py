"""Tests of `options.py`."""

from collections.abc import Callable

import attrs
import pytest

from routee_async.errors import ConfigurationError
from routee_async.options import OnUnknown, RetryPolicy, Timeout

# Callers without a type checker can put anything anywhere.
timeout: Callable[..., Timeout] = Timeout
retry_policy: Callable[..., RetryPolicy] = RetryPolicy

NOT_POSITIVE = [0, -1, -0.5, float("nan"), float("inf"), True, "5", None]


def test_timeout_defaults() -> None:
    """A call takes 60 seconds at most, with 10 for a connection and 30 of silence."""
    assert Timeout() == Timeout(total=60.0, connect=10.0, sock_connect=5.0, sock_read=30.0)


def test_retry_defaults() -> None:
    """Four attempts, waits of up to half a second doubled up to 20, and a budget of 10 repeats."""
    assert RetryPolicy() == RetryPolicy(
        attempts=4, min_delay=0.5, max_delay=20.0, max_retry_after=120.0, budget=10.0, budget_refill=0.1
    )


def test_on_unknown() -> None:
    """A message that may have been sent is reported, looked up, or sent again: nothing else."""
    assert [choice.value for choice in OnUnknown] == ["report", "reconcile", "resend"]


@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Timeout)])
def test_timeouts_are_positive(field: str, value: object) -> None:
    """A timeout that is not a finite number above 0 fails where it is made."""
    with pytest.raises(ConfigurationError, match=f"^{field}: must be a number above 0, not "):
        timeout(**{field: value})


@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
@pytest.mark.parametrize(
    "field", [field.name for field in attrs.fields(RetryPolicy) if field.name not in {"attempts", "lookup_delays"}]
)
def test_delays_are_positive(field: str, value: object) -> None:
    """A delay or budget that is not a finite number above 0 fails where it is made."""
    with pytest.raises(ConfigurationError, match=f"^{field}: must be a number above 0, not "):
        retry_policy(**{field: value})


@pytest.mark.parametrize("value", [(), (0,), (-1, 2), (5, 3), (1, float("inf")), (True,)], ids=repr)
def test_look_ups_are_ascending(value: tuple[float, ...]) -> None:
    """Look-ups that are missing, not after the attempt or out of order fail where they are made."""
    with pytest.raises(ConfigurationError, match=r"^lookup_delays: "):
        RetryPolicy(lookup_delays=value)


def test_look_ups_may_come_in_any_series() -> None:
    """A list is as good as a tuple."""
    assert RetryPolicy(lookup_delays=[1, 2.5]).lookup_delays == (1, 2.5)


@pytest.mark.parametrize("value", [0, -1, 1.5, 2.0, True, "3", None], ids=repr)
def test_attempts_are_counted(value: object) -> None:
    """A number of attempts that is not whole, or below 1, fails where it is made."""
    with pytest.raises(ConfigurationError, match=r"^attempts: must be a whole number of 1 or more, not "):
        retry_policy(attempts=value)


def test_whole_numbers_are_durations_too() -> None:
    """Whole seconds need no decimal point, and one attempt is enough."""
    assert Timeout(total=5).total == 5
    assert RetryPolicy(attempts=1, min_delay=1, max_delay=1).attempts == 1


def test_longest_delay_below_the_first() -> None:
    """A longest delay that is shorter than the first one fails where it is made."""
    with pytest.raises(ConfigurationError, match=r"^max_delay: must not be below min_delay, 2\.0$"):
        RetryPolicy(min_delay=2.0, max_delay=1.0)


@pytest.mark.parametrize(("options", "field"), [(Timeout(), "total"), (RetryPolicy(), "attempts")], ids=["Timeout", "RetryPolicy"])
def test_frozen(options: Timeout | RetryPolicy, field: str) -> None:
    """Options cannot be changed behind a client's back."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(options, field, 1)
