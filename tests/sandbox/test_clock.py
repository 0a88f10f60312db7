"""The sandbox's time in `sandbox.clock`."""

import time

import pytest

from routee_async.sandbox.clock import Clock, ForeignClock


def test_real_time() -> None:
    """By default it is the time of the machine."""
    assert Clock()() == pytest.approx(time.time(), abs=5)
    clock = Clock(start=100.0)
    assert 100.0 <= clock() < 105.0
    assert clock.real_seconds_until(clock() + 50) == pytest.approx(50, abs=5)
    assert clock.real_seconds_until(0) == 0


def test_fast_time() -> None:
    """A speed makes seconds shorter."""
    clock = Clock(speed=1e6, start=0.0)
    begun = time.monotonic()
    while time.monotonic() - begun < 0.002:
        pass
    assert clock() >= 2000
    assert clock.real_seconds_until(clock() + 1e9) == pytest.approx(1000, abs=5)


def test_time_that_stands_still() -> None:
    """At speed 0 it moves when it is put forward, exactly, and never back."""
    clock = Clock(speed=0, start=100.0)
    assert (clock(), clock.real_seconds_until(100.5), clock.real_seconds_until(100.0)) == (100.0, None, 0.0)
    clock.put_to(100.3)
    clock.put_to(50.0)
    assert clock() == 100.3


def test_running_clock_put_forward() -> None:
    """A clock that runs goes on from where it was put."""
    clock = Clock(start=0.0)
    clock.put_to(1000.0)
    assert 1000.0 <= clock() < 1005.0


def test_backwards() -> None:
    """Time does not run backwards."""
    with pytest.raises(ValueError, match="backwards"):
        Clock(speed=-1)


def test_clock_of_somebody_else() -> None:
    """A clock of somebody else is read, waited for at real speed, and not moved."""
    clock = ForeignClock(lambda: 100.0)
    assert (clock(), clock.real_seconds_until(101.0)) == (100.0, 1.0)
    clock.put_to(100.0)
    with pytest.raises(RuntimeError, match="clock of yours"):
        clock.put_to(101.0)
