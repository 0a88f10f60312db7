"""Tests of `pace.py`."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.moving_limit import RATES, SERVERS, PhaseTally, Simulation
from routee_async.errors import ConfigurationError
from routee_async.pace import Pace, Pacer, Phase, next_start

# Callers without a type checker can put anything anywhere.
pace: Callable[..., Pace] = Pace

LATENESS = 0.005
SLACK = 1e-6


def use(pacer: Pacer, now: float, seconds: float, *, demand: float = math.inf, delay: float = 0.01) -> float:
    """Send single parts as fast as *pacer* allows and *demand* asks for; each is accepted after *delay*. Returns the time then."""
    until = now + seconds
    while True:
        now += max(pacer.delay(now), 1 / demand)
        if now >= until:
            return until
        pacer.reserve(now, 1)
        pacer.accepted(now + delay, 1, now)


def phase_of(pacer: Pacer) -> Phase:
    """The phase, which a type checker believes to be the same after each call."""
    return pacer.phase


def throttled(limit: float | None = None, observed: int = 80) -> Pacer:
    """A pacer that saw *observed* parts accepted within a second, and then a 429 that asked for a pause of 1 s, at second 1."""
    pacer = Pacer(Pace(parts_per_second=limit))
    for index in range(observed):
        pacer.accepted(0.5 + index / observed / 2, 1, 0.1)
    pacer.refused(1.0, 1.0, 0.9)
    return pacer


def holding() -> Pacer:
    """A pacer that found the ceiling at 80 parts a second and holds just below; it is second 4."""
    pacer = throttled()
    use(pacer, 2.0, 2.0)
    assert pacer.phase is Phase.HOLD
    return pacer


class TestMeter:
    """Parts accepted within the last second tell where the ceiling is when the first 429 comes."""

    @given(st.lists(st.tuples(st.floats(0, 0.3) | st.sampled_from([0.0, 1 / 32, 1.0, 5.0]), st.integers(1, 3))), st.floats(0, 2))
    def test_slices(self, accepted: list[tuple[float, int]], later: float) -> None:
        """What was accepted in this slice of a 32nd of a second and the 32 before it counts, and nothing else."""
        pacer, now, slices = Pacer(), 1000.0, list[tuple[int, int]]()
        meter = pacer._accepted  # noqa: SLF001 - what it counts shows elsewhere only through many other rules
        for pause, parts in accepted:
            now += pause
            slices.append((int(now * 32), parts))
            pacer.accepted(now, parts, now)
            assert meter.rate(now) == sum(parts for index, parts in slices if index >= int(now * 32) - 32)
        now += later
        assert meter.rate(now) == sum(parts for index, parts in slices if index >= int(now * 32) - 32)

    def test_memory(self) -> None:
        """However long it counts, it keeps no more than what it may be asked for."""
        pacer = Pacer()
        for slice_of_time in range(500):
            pacer.accepted(slice_of_time / 32, 1, 0.0)
        assert len(pacer._accepted._before) == 32  # noqa: SLF001 - memory shows nowhere else


@given(st.lists(st.tuples(st.sampled_from("rwx"), st.floats(0, 2)), max_size=40), st.none() | st.floats(0.5, 50))
def test_free_at_says_when_there_is_no_delay(events: list[tuple[str, float]], limit: float | None) -> None:
    """Whoever only wants to know whether a message may start now need not ask for how long it would wait."""
    pacer, now = Pacer(Pace(parts_per_second=limit)), 100.0
    for event, number in events:
        if event == "r":
            pacer.reserve(now, 1)
        elif event == "x":
            pacer.refused(now, number, now)
        else:
            now += number
        assert (pacer.delay(now) > 0) == (now < pacer.free_at)
        assert pacer.delay(pacer.free_at) == 0 or pacer.free_at == -math.inf


class TestSettings:
    """`Pace` is checked where it is built."""

    def test_defaults(self) -> None:
        """Nothing is limited before the first 429, and each 429 leaves seven tenths of the rate."""
        assert Pace() == Pace(parts_per_second=None, cut=0.7, probe_interval=60.0, floor=0.1, pause=0.5, max_pause=20.0)

    @pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5"], ids=repr)
    @pytest.mark.parametrize("field", ["parts_per_second", "probe_interval", "floor", "pause", "max_pause"])
    def test_numbers_are_positive(self, field: str, value: object) -> None:
        """What is not a finite number above 0 fails where it is made."""
        with pytest.raises(ConfigurationError, match=f"^{field}: must be a number above 0, not "):
            pace(**{field: value})

    @pytest.mark.parametrize("value", [0, 1, -0.5, 1.5, float("nan"), True, "0.5", None], ids=repr)
    def test_cut_is_a_share(self, value: object) -> None:
        """A cut that would leave all of the rate, or nothing, fails where it is made."""
        with pytest.raises(ConfigurationError, match=r"^cut: must be a number between 0 and 1, not "):
            pace(cut=value)

    def test_longest_pause_below_the_first(self) -> None:
        """A longest pause that is shorter than the first one fails where it is made."""
        with pytest.raises(ConfigurationError, match=r"^max_pause: must not be below pause, 2\.0$"):
            Pace(pause=2.0, max_pause=1.0)

    def test_floor_above_the_limit(self) -> None:
        """The account's limit outranks the floor."""
        pacer = Pacer(Pace(parts_per_second=0.5, floor=2.0))
        pacer.reserve(0.0, 1)
        assert pacer.delay(0.0) == 2.0


class TestSlots:
    """The configured rate holds over any window."""

    def test_no_limit(self) -> None:
        """Nobody waits before the server has asked for it."""
        pacer = Pacer()
        assert [pacer.reserve(1.0, 10) for _ in range(1000)] == [1.0] * 1000
        assert pacer.delay(1.0) == 0
        assert pacer.delay(1.0, ahead=500) == 0

    def test_spacing(self) -> None:
        """A message of three parts takes the time of three."""
        pacer = Pacer(Pace(parts_per_second=10))
        assert pacer.delay(0.0) == 0
        assert pacer.reserve(0.0, 3) == 0
        assert pacer.delay(0.1) == pytest.approx(0.2)
        assert pacer.reserve(0.1, 1) == pytest.approx(0.3)
        assert pacer.delay(0.4) == 0

    def test_estimate(self) -> None:
        """Who stands in line behind 50 parts is told for how long, before waiting for it."""
        pacer = Pacer(Pace(parts_per_second=10))
        pacer.reserve(0.0, 5)
        assert pacer.delay(0.0, ahead=50) == pytest.approx(5.5)
        assert pacer.delay(2.0, ahead=50) == pytest.approx(5.0)

    def test_quiet_times_are_not_saved_up(self) -> None:
        """After an hour without messages the second one waits as ever."""
        pacer = Pacer(Pace(parts_per_second=10))
        pacer.reserve(0.0, 1)
        pacer.reserve(3600.0, 1, 3600.0)
        assert pacer.delay(3600.0) == pytest.approx(0.1)

    @given(
        rate=st.floats(0.1, 1000),
        messages=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 10)), min_size=1, max_size=40),
    )
    def test_any_window(self, rate: float, messages: list[tuple[float, int]]) -> None:
        """Whenever messages come, no window of length T holds more than rate x T and one message."""
        pacer = Pacer(Pace(parts_per_second=rate))
        now, slots = 0.0, []
        for gap, parts in messages:
            now += gap
            slots.append((pacer.reserve(now, parts), parts))
            assert slots[-1][0] >= now
        for first in range(len(slots)):
            total = 0
            for start, parts in slots[first:]:
                assert total <= rate * (start - slots[first][0]) + SLACK
                total += parts

    @given(
        rate=st.floats(0.1, 1000),
        late=st.lists(st.one_of(st.just(0.0), st.floats(0, 0.01), st.floats(0, 3)), min_size=2, max_size=40),
    )
    def test_late_timers(self, rate: float, late: list[float]) -> None:
        """However late timers wake the senders, what they catch up is a few milliseconds' worth."""
        pacer = Pacer(Pace(parts_per_second=rate))
        now, starts = 0.0, []
        for lateness in late:
            waiting_since = now
            if (delay := pacer.delay(now)) > 0:
                now += delay + lateness
            starts.append(pacer.reserve(now, 1, waiting_since))
            assert starts[-1] == now
        for first in range(len(starts)):
            for count, start in enumerate(starts[first:]):
                assert count <= rate * (start - starts[first] + LATENESS) + 1 + SLACK

    def test_a_late_timer_costs_nothing(self) -> None:
        """Timers that are a millisecond late do not lower the rate."""
        pacer, now, starts = Pacer(Pace(parts_per_second=500)), 0.0, 0
        while now < 10:
            waiting_since = now
            if (delay := pacer.delay(now)) > 0:
                now += delay + 0.001
            pacer.reserve(now, 1, waiting_since)
            starts += 1
        assert starts == pytest.approx(5000, rel=0.001)

    def test_next_start(self) -> None:
        """A slot comes when it is free, now, or a little ago for one who waited and was woken late."""
        assert next_start(5.0, 7.0, 4.0) == 7.0
        assert next_start(5.0, 4.998, 4.0) == 4.998
        assert next_start(5.0, 3.0, 4.0) == 5.0 - LATENESS
        assert next_start(5.0, 3.0, 4.999) == 4.999
        assert next_start(5.0, 3.0, 9.0) == 5.0


class TestGate:
    """A pause is a point in time, for everybody."""

    def test_closed_until_its_time(self) -> None:
        """It opens at the moment that was named, not earlier."""
        pacer = Pacer()
        pacer.close_until(10.0)
        assert (pacer.delay(4.0), pacer.delay(10.0), pacer.delay(11.0)) == (6.0, 0.0, 0.0)
        assert pacer.reserve(4.0, 1) == 10.0

    @given(
        limit=st.none() | st.floats(0.1, 100),
        steps=st.lists(
            st.tuples(st.sampled_from(["close", "accepted", "refused"]), st.floats(0, 2), st.floats(-5, 20)),
            min_size=1,
            max_size=40,
        ),
    )
    def test_nothing_opens_it_early(self, limit: float | None, steps: list[tuple[str, float, float]]) -> None:
        """No shorter pause, success or further refusal shortens a pause."""
        pacer, now, closed_until = Pacer(Pace(parts_per_second=limit)), 0.0, -math.inf
        for what, gap, value in steps:
            now += gap
            if what == "close":
                pacer.close_until(now + value)
                closed_until = max(closed_until, now + value)
            elif what == "accepted":
                pacer.accepted(now, 1, now - 0.05)
            else:
                pacer.refused(now, value, now - 0.05)
                closed_until = max(closed_until, now + max(value, 0))
            assert pacer.closed_until >= closed_until
            assert pacer.delay(now) >= closed_until - now
            assert pacer.reserve(now, 1) >= closed_until

    @pytest.mark.parametrize("seconds", [0.0, 0.2, 1.0, 3600.0])
    def test_retry_after(self, seconds: float) -> None:
        """What the server asks for is kept in full, be it short or long."""
        pacer = Pacer()
        pacer.refused(5.0, seconds, 4.9)
        assert pacer.closed_until == 5.0 + seconds

    @pytest.mark.parametrize("nonsense", [None, -1.0, float("nan"), float("inf")], ids=repr)
    def test_own_pause(self, nonsense: float | None) -> None:
        """Without a usable `Retry-After` the pause is half a second, doubled up to 20 s while nothing is accepted."""
        pacer, now, pauses = Pacer(), 0.0, []
        for _ in range(100):
            pacer.refused(now, nonsense, now)
            pauses.append(pacer.delay(now))
            now = pacer.closed_until
        assert pauses[:7] == [0.5, 1, 2, 4, 8, 16, 20]
        assert set(pauses[7:]) == {20}
        pacer.accepted(now + 0.1, 1, now + 0.05)
        pacer.refused(now + 0.2, nonsense, now + 0.15)
        assert pacer.delay(now + 0.2) == pytest.approx(0.5)

    def test_late_success_does_not_shorten_the_next_pause(self) -> None:
        """An acceptance of what had started before the refusal does not count as recovery."""
        pacer = Pacer()
        pacer.refused(1.0, None, 0.9)
        pacer.accepted(1.1, 1, 0.95)
        pacer.refused(2.0, None, 1.9)
        assert pacer.delay(2.0) == 1.0

    def test_senders_do_not_all_start_when_it_opens(self) -> None:
        """After a pause the messages that waited start one after the other, at the lowered rate."""
        pacer = throttled()
        now, starts = 2.0, []
        for _ in range(10):
            now += pacer.delay(now)
            starts.append(pacer.reserve(now, 1))
        assert starts == pytest.approx([2.0 + index / 56 for index in range(10)])


class TestCut:
    """A refusal lowers the rate, once for all that were in flight."""

    def test_observed(self) -> None:
        """Without a known rate, seven tenths of what was accepted within the last second are left."""
        pacer = throttled(observed=80)
        assert pacer.rate == pytest.approx(56)
        assert pacer.ceiling == 80

    def test_one_event(self) -> None:
        """A hundred refusals of what was in flight together cut once."""
        pacer = throttled()
        for _ in range(100):
            pacer.refused(1.05, 1.0, 0.95)
        assert pacer.rate == pytest.approx(56)
        assert pacer.closed_until == pytest.approx(2.05)

    def test_next_event(self) -> None:
        """A refusal of what started after a cut cuts again."""
        pacer = throttled()
        pacer.accepted(2.1, 20, 2.05)
        pacer.refused(2.2, 1.0, 2.15)
        assert pacer.ceiling == 20
        assert pacer.rate == pytest.approx(14)

    def test_answers_of_the_first_volley(self) -> None:
        """What was accepted of the first messages counts for the ceiling even when a refusal overtook it; later, it does not."""
        pacer = throttled(observed=60)
        pacer.accepted(1.01, 20, 0.95)
        assert pacer.ceiling == 80
        pacer.accepted(2.1, 20, 2.05)
        pacer.refused(2.2, 1.0, 2.15)
        pacer.accepted(2.21, 5, 2.15)
        assert pacer.ceiling == 20

    def test_old_acceptances_are_no_measure(self) -> None:
        """What was accepted long ago does not tell today's rate."""
        pacer = Pacer()
        for second in range(10):
            pacer.accepted(float(second), 50, second - 0.1)
        pacer.refused(9.5, 1.0, 9.4)
        assert pacer.ceiling == 50

    def test_nothing_known(self) -> None:
        """When the very first message is refused, sending starts again with one part a second and grows from there."""
        pacer = Pacer()
        pacer.refused(0.1, 1.0, 0.0)
        assert pacer.rate == 1
        use(pacer, 1.1, 10)
        assert pacer.rate > 50

    def test_nothing_accepted(self) -> None:
        """While everything is refused the rate goes down to one part a second, and the ceiling stays in mind."""
        pacer = Pacer(Pace(parts_per_second=100))
        now = use(pacer, 0.0, 5.0)
        rates = []
        for _ in range(30):
            pacer.refused(now, 1.0, now)
            rates.append(pacer.rate)
            now += 1.0
        assert rates[:2] == pytest.approx([70, 49])
        assert rates[-1] == 1
        use(pacer, now, 10)
        assert pacer.rate == pytest.approx(98.5)

    def test_a_rate_below_one_is_not_raised_by_refusals(self) -> None:
        """While everything is refused a rate of less than one part a second stays what it is."""
        pacer = Pacer(Pace(parts_per_second=0.5))
        pacer.refused(0.1, 1.0, 0.0)
        assert pacer.rate == 0.5

    def test_a_rate_that_held(self) -> None:
        """A refusal out of the blue cuts the rate, and the ceiling comes down to where it held."""
        pacer = holding()
        held = pacer.rate
        use(pacer, 4.0, 1.0)
        pacer.refused(5.0, 1.0, 4.9)
        assert pacer.ceiling == held
        assert pacer.rate == pytest.approx(held * 0.7)

    def test_a_minute(self) -> None:
        """The rate of a server that counts over a minute is what it let through, over the time for which it asked to wait."""
        pacer = throttled(observed=600)
        pacer.refused(1.1, 58.0, 1.05)
        for index in range(600):
            pacer.accepted(59.2 + index / 600, 1, 59.15)
        pacer.refused(60.5, 59.0, 60.4)
        assert pacer.ceiling == pytest.approx(600 / 58)

    def test_floor(self) -> None:
        """The rate never falls below the floor."""
        pacer, now = Pacer(Pace(floor=3.0)), 0.0
        for _ in range(20):
            pacer.accepted(now, 1, now)
            pacer.refused(now, 1.0, now)
            now += 2.0
        assert pacer.rate == 3


class TestRecovery:
    """The rate grows again, as far as it is used and as answers come."""

    def test_climb(self) -> None:
        """A cut rate is just below the ceiling again within a second."""
        pacer = throttled()
        use(pacer, 2.0, 1.0)
        assert phase_of(pacer) is Phase.HOLD
        assert pacer.rate == pytest.approx(80 * 0.985)

    def test_not_faster_than_answers_come(self) -> None:
        """While answers take ten seconds the rate takes no second step."""
        pacer = throttled()
        now = 2.0
        for _ in range(400):
            now += pacer.delay(now)
            pacer.reserve(now, 1)
        assert pacer.rate == pytest.approx(56)

    def test_unused(self) -> None:
        """A rate that is hardly used is not raised: nothing shows that it would be accepted."""
        pacer = throttled()
        use(pacer, 2.0, 300.0, demand=5)
        assert pacer.rate == pytest.approx(56)
        use(pacer, 302.0, 2.0)
        assert phase_of(pacer) is Phase.HOLD

    def test_refused_probe(self) -> None:
        """A refused probe leads back to the rate that held, not to less."""
        pacer = holding()
        held, now = pacer.rate, 4.0
        while phase_of(pacer) is not Phase.PROBE:
            now = use(pacer, now, 0.1)
        assert now < 7
        assert pacer.rate == pytest.approx(80 * 1.08)
        pacer.refused(now, 1.0, now)
        assert (pacer.phase, pacer.rate, pacer.ceiling) == (Phase.HOLD, held, 80)

    def test_confirmed_ceiling(self) -> None:
        """Once a probe has confirmed the ceiling, the next one comes after the whole interval."""
        pacer = holding()
        now = 4.0
        while phase_of(pacer) is not Phase.PROBE:
            now = use(pacer, now, 0.1)
        pacer.refused(now, 1.0, now)
        now = use(pacer, now + 1.0, 59.0)
        assert phase_of(pacer) is Phase.HOLD
        use(pacer, now, 2.0)
        assert phase_of(pacer) is Phase.PROBE

    def test_beyond_anything_known(self) -> None:
        """An accepted probe leads on for as long as nothing is refused."""
        pacer = holding()
        use(pacer, 4.0, 5.0)
        assert pacer.rate > 200

    def test_back_to_the_peak(self) -> None:
        """After a drop the rate is back where it once held, and no further, within seconds of the limit's return."""
        pacer = holding()
        now = use(pacer, 4.0, 2.5)
        pacer.refused(now, 1.0, now)  # from 80 to about 10
        pacer.accepted(now + 1.1, 10, now + 1.05)
        pacer.refused(now + 1.2, 1.0, now + 1.15)
        assert pacer.ceiling == 10
        now = use(pacer, now + 2.2, 9.0)
        assert phase_of(pacer) is Phase.HOLD
        assert pacer.rate == pytest.approx(80 * 0.985)

    def test_probes_are_more_frequent_below_the_peak(self) -> None:
        """The further the rate is below what it once was, the sooner a higher one is tried; rarer when nothing changes for long."""
        pacer = holding()
        now = use(pacer, 4.0, 2.5)
        pacer.refused(now, 1.0, now)
        pacer.accepted(now + 1.1, 10, now + 1.05)
        pacer.refused(now + 1.2, 1.0, now + 1.15)
        now += 2.2
        intervals = []
        for _ in range(200):
            began = now
            while phase_of(pacer) is not Phase.PROBE:
                now = use(pacer, now, 0.1)
            intervals.append(now - began)
            pacer.refused(now, 1.0, now)
            now = pacer.closed_until
        assert intervals[1] == pytest.approx(2.9, abs=0.3)
        assert intervals == pytest.approx(sorted(intervals), abs=0.3)
        assert 10 < intervals[-1] < 60

    def test_interval_is_bounded(self) -> None:
        """When a refusal costs next to nothing, probes are still a second apart."""
        pacer = holding()
        now = use(pacer, 4.0, 2.5)
        pacer.refused(now, 0.0, now)
        pacer.accepted(now + 0.1, 10, now + 0.05)
        pacer.refused(now + 0.2, 0.0, now + 0.15)
        now = use(pacer, now + 0.2, 1.2)
        assert phase_of(pacer) is Phase.HOLD
        use(pacer, now, 0.8)
        assert phase_of(pacer) is not Phase.HOLD

    def test_back_to_the_limit(self) -> None:
        """A configured rate is reached again in full, and stays."""
        pacer = throttled(limit=50.0)
        assert pacer.rate == pytest.approx(35)
        use(pacer, 2.0, 3.0)
        assert pacer.rate == pytest.approx(50 * 0.985)
        use(pacer, 5.0, 70.0)
        assert pacer.rate == 50
        use(pacer, 75.0, 1000.0)
        assert pacer.rate == 50

    @given(
        limit=st.none() | st.floats(0.05, 200),
        steps=st.lists(
            st.tuples(
                st.sampled_from(["use", "refused", "late refused", "accepted"]), st.floats(0, 5), st.none() | st.floats(0, 3)
            ),
            max_size=30,
        ),
    )
    def test_bounds(self, limit: float | None, steps: list[tuple[str, float, float | None]]) -> None:
        """Whatever happens, the rate stays between floor and limit, and no refusal raises it."""
        pacer, now = Pacer(Pace(parts_per_second=limit)), 0.0
        for what, seconds, retry_after in steps:
            before = pacer.rate
            if what == "use":
                use(pacer, now, seconds, demand=100)
            elif what == "accepted":
                pacer.accepted(now, 3, now - seconds)
            else:
                pacer.refused(now, retry_after, now if what == "refused" else now - seconds)
                assert pacer.rate <= before
                assert pacer.rate < math.inf
            now += seconds
            assert min(0.1, limit or 0.1) <= pacer.rate <= (limit or math.inf)


class GateOnly(Pacer):
    """What a pacer must not be: it keeps the pause, and then goes on as before."""

    def _cut(self, now: float) -> None:
        self._cut_at = now


def follow(pacer: Pacer, server: str, phase: float) -> PhaseTally:
    """All phases together of a run of *pacer* against a *server* whose rate goes from 100 to 20 and back to 100."""
    return Simulation(pacer, SERVERS[server](), rates=RATES, phase=phase, senders=100, seed=7).run().total


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("limit", [None, 100.0], ids=["unknown", "configured"])
def test_moving_limit(server: str, limit: float | None) -> None:
    """Nine tenths of an allowance that moves are used, for one refused attempt in twenty messages."""
    tally = follow(Pacer(Pace(parts_per_second=limit)), server, phase=60)
    assert tally.share >= 0.9
    assert tally.waste <= 0.05


@pytest.mark.parametrize("server", SERVERS)
def test_a_throttle_reply_lowers_the_rate(server: str) -> None:
    """Waiting alone is not enough: without lowering the rate, every pause ends in as many refusals as there are senders."""
    assert follow(GateOnly(), server, phase=10).waste > 5 * follow(Pacer(), server, phase=10).waste
