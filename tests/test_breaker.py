"""Tests of `breaker.py`."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.breaker import Breaker, BreakerPolicy, BreakerState
from routee_async.errors import ConfigurationError

# Callers without a type checker can put anything anywhere.
policy: Callable[..., BreakerPolicy] = BreakerPolicy

WELL, BAD = True, False


def fed(results: str, breaker: Breaker | None = None) -> Breaker:
    """A breaker after *results*: `+` well, `-` bad, `.` neither; each started and ended at second 0."""
    breaker = breaker or Breaker()
    for result in results:
        breaker.record({"+": WELL, "-": BAD, ".": None}[result], 0.0, 0.0)
    return breaker


def state_of(breaker: Breaker) -> BreakerState:
    """The state, which a type checker believes to be the same after each call."""
    return breaker.state


def on_trial() -> Breaker:
    """A breaker that opened at second 0 and whose probe went well at second 1."""
    breaker = fed("-----")
    breaker.begin_probe()
    breaker.probe_result(WELL, 1.0, 0.0)
    return breaker


class TestSettings:
    """`BreakerPolicy` is checked where it is built."""

    def test_defaults(self) -> None:
        """Five in a row or half of the last twenty; probes after 1 s, up to 30 s apart; three sends on trial."""
        assert BreakerPolicy() == BreakerPolicy(in_a_row=5, window=20, bad_share=0.5, first_probe=1.0, max_probe=30.0, trial=3)

    @pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None], ids=repr)
    @pytest.mark.parametrize("field", ["in_a_row", "window", "trial"])
    def test_counts(self, field: str, value: object) -> None:
        """A number of results or sends that is not whole, or below 1, fails where it is made."""
        with pytest.raises(ConfigurationError, match=f"^{field}: must be a whole number of 1 or more, not "):
            policy(**{field: value})

    @pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5", None], ids=repr)
    @pytest.mark.parametrize("field", ["bad_share", "first_probe", "max_probe"])
    def test_numbers(self, field: str, value: object) -> None:
        """A share or duration that is not a finite number above 0 fails where it is made."""
        with pytest.raises(ConfigurationError, match=f"^{field}: must be a number above 0, not "):
            policy(**{field: value})

    def test_longest_interval_below_the_first(self) -> None:
        """A longest interval that is shorter than the first one fails where it is made."""
        with pytest.raises(ConfigurationError, match=r"^max_probe: must not be below first_probe, 2\.0$"):
            BreakerPolicy(first_probe=2.0, max_probe=1.0)

    def test_more_than_all(self) -> None:
        """A share above 1, which could never be reached, fails where it is made."""
        with pytest.raises(ConfigurationError, match=r"^bad_share: must not be above 1, not 1\.5$"):
            BreakerPolicy(bad_share=1.5)


class TestOpening:
    """It opens when sends go wrong in a row or in number."""

    @pytest.mark.parametrize(
        ("results", "opens"),
        [
            ("", False),
            ("----", False),
            ("-----", True),
            ("----+----", False),
            ("----.-", True),
            ("-----+", True),
            ("+" * 100 + "-----", True),
            ("+-" * 9 + "++", False),
            ("+-" * 9 + "+", False),
            ("+-" * 10, True),
            ("-+" * 10, False),
            ("-+" * 10 + "-", True),
            ("-" + "+" * 20 + "-+" * 9, False),
            ("++---" * 4, True),
            ("." * 100, False),
        ],
    )
    def test_rules(self, results: str, opens: bool) -> None:  # noqa: FBT001 - a table
        """Five bad results in a row, or half of a full window of twenty, counted when a bad one comes; nothing else."""
        breaker = fed(results)
        assert (state_of(breaker) is BreakerState.OPEN) == opens
        assert breaker.admit() != opens

    @given(st.text("+-.", max_size=200))
    def test_against_the_rule_as_written(self, results: str) -> None:
        """For any sequence it opens at the first moment that the rule names, not before and not after."""
        breaker, seen = Breaker(), ""
        for result in results:
            fed(result, breaker)
            seen += result.replace(".", "")
            if result == "-" and (seen.endswith("-----") or (len(seen) >= 20 and seen[-20:].count("-") >= 10)):
                assert state_of(breaker) is BreakerState.OPEN
                return
            assert state_of(breaker) is BreakerState.CLOSED
            assert breaker.admit()

    def test_stays_open(self) -> None:
        """Nothing but a probe closes it: not the late success of a send that had started before, and not time."""
        breaker = fed("-----")
        breaker.record(WELL, 500.0, -1.0)
        breaker.record(WELL, 500.0, 400.0)
        assert state_of(breaker) is BreakerState.OPEN
        assert not breaker.admit()


class TestProbing:
    """While it is open a free read tests the service now and then."""

    def test_closed(self) -> None:
        """Nothing is probed while sends go well, and a probe's result then changes nothing."""
        breaker = Breaker()
        assert breaker.next_probe() is None
        breaker.probe_result(BAD, 1.0, 0.0)
        assert state_of(breaker) is BreakerState.CLOSED

    def test_one_at_a_time(self) -> None:
        """The first probe is due after a second, and none while it is under way."""
        breaker = fed("-----")
        assert breaker.next_probe() == 1.0
        breaker.begin_probe()
        assert breaker.next_probe() is None
        assert not breaker.admit()

    @given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=12))
    def test_intervals(self, dice: list[float]) -> None:
        """Each failed probe doubles the interval, up to half a minute; the wait is between half of it and all."""
        breaker, now, interval = fed("-----"), 1.0, 1.0
        for random in dice:
            breaker.begin_probe()
            breaker.probe_result(BAD, now, random)
            interval = min(30.0, interval * 2)
            probe_at = breaker.next_probe()
            assert probe_at is not None
            assert interval / 2 <= probe_at - now + 1e-9
            assert probe_at - now <= interval + 1e-9
            assert not breaker.admit()
            now = probe_at


class TestTrial:
    """After a good probe sends are let through one by one, until three went well."""

    def test_one_by_one(self) -> None:
        """The next send is admitted when the one before has ended, and after three all are."""
        breaker = on_trial()
        for second in (1.0, 2.0, 3.0):
            assert state_of(breaker) is BreakerState.TRIAL
            assert breaker.next_probe() is None
            assert breaker.admit()
            assert not breaker.admit()
            breaker.record(WELL, second + 0.5, second)
        assert state_of(breaker) is BreakerState.CLOSED
        assert [breaker.admit() for _ in range(10)] == [True] * 10

    def test_starts_afresh(self) -> None:
        """Once closed, it takes as much as ever to open it, and the first probe comes as soon as ever."""
        breaker = fed("-----")
        breaker.begin_probe()
        breaker.probe_result(BAD, 1.0, 0.0)
        breaker.begin_probe()
        breaker.probe_result(WELL, 3.0, 0.0)
        for _ in range(3):
            breaker.admit()
            breaker.record(WELL, 4.0, 4.0)
        for _ in range(4):
            breaker.record(BAD, 5.0, 5.0)
        assert state_of(breaker) is BreakerState.CLOSED
        breaker.record(BAD, 5.0, 5.0)
        assert breaker.next_probe() == 6.0

    def test_first_failure_opens_it_again(self) -> None:
        """A service that reads well and writes badly costs one send a try, and tries become rarer."""
        breaker = on_trial()
        breaker.admit()
        breaker.record(WELL, 1.5, 1.0)
        breaker.admit()
        breaker.record(BAD, 2.0, 1.5)
        assert state_of(breaker) is BreakerState.OPEN
        assert breaker.next_probe() == 4.0
        breaker.begin_probe()
        breaker.probe_result(WELL, 4.0, 0.0)
        for second in (5.0, 6.0):
            breaker.admit()
            breaker.record(WELL, second, second)
        assert state_of(breaker) is BreakerState.TRIAL

    def test_no_verdict(self) -> None:
        """A send on trial that says nothing about the service gives its place to another."""
        breaker = on_trial()
        assert breaker.admit()
        breaker.record(None, 2.0, 1.5)
        assert state_of(breaker) is BreakerState.TRIAL
        assert breaker.admit()

    def test_failures_of_old(self) -> None:
        """Sends that hung in the outage and fail after it do not open it again, on trial or later."""
        breaker = on_trial()
        breaker.admit()
        breaker.record(BAD, 1.2, -0.5)
        assert state_of(breaker) is BreakerState.TRIAL
        assert not breaker.admit()
        breaker.record(WELL, 1.5, 1.0)
        for _ in range(2):
            breaker.admit()
            breaker.record(WELL, 2.0, 2.0)
        for _ in range(20):
            breaker.record(BAD, 30.0, -0.5)
        assert state_of(breaker) is BreakerState.CLOSED
