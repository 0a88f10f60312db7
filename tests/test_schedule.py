"""When to poll, and when to give up."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    InvalidInputError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    ServerError,
    TLSError,
)
from routee_async.schedule import Answer, GiveUp, PollPolicy, bounded_by_deadline, group_interval, judge, next_poll

HOUR = 3600.0
RANDOM = st.floats(0, 1, exclude_max=True)
EVEN = PollPolicy(jitter=0)


@pytest.mark.parametrize(
    ("error", "rows", "expected"),
    [
        (None, 1, Answer.SHOWN),
        (None, 0, Answer.NOT_VISIBLE),
        (NotFoundError(404), 0, Answer.NOT_VISIBLE),
        (NoAnswerError("wait", "TimeoutError"), 0, Answer.FAILED),
        (ServerError(503), 0, Answer.FAILED),
        (RateLimitError(429), 0, Answer.FAILED),
        (ConnectError("refused"), 0, Answer.FAILED),
        (PoolTimeoutError("busy"), 0, Answer.FAILED),
        (MalformedResponseError(("not a list @ $",)), 0, Answer.FAILED),
        (APIError(408), 0, Answer.FAILED),
        (BadRequestError(400), 0, Answer.REFUSED),
        (ConflictError(409), 0, Answer.REFUSED),
        (InvalidInputError("tracking_id", "is empty"), 0, Answer.REFUSED),
        (AuthenticationError(401), 0, Answer.FATAL),
        (PermissionDeniedError(403), 0, Answer.FATAL),
        (ClientClosedError("closed"), 0, Answer.FATAL),
        (TLSError("expired"), 0, Answer.FATAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, RouteeError) else None,
)
def test_judge(error: RouteeError | None, rows: int, expected: Answer) -> None:
    """Each error has one meaning for polling, and a kind not listed is a passing failure."""
    assert judge(error, rows) is expected


@pytest.mark.parametrize(
    "setting",
    [
        {"first_delay": 0},
        {"first_delay": -1},
        {"first_delay": math.nan},
        {"first_delay": math.inf},
        {"first_delay": True},
        {"first_delay": "1"},
        {"growth": 1},
        {"max_interval": 0},
        {"jitter": -0.1},
        {"jitter": 1},
        {"not_found_grace": -1},
        {"default_ttl": 0},
        {"slack": -1},
        {"give_up_after": 0},
    ],
    ids=str,
)
def test_nonsense_is_refused_where_the_policy_is_built(setting: dict[str, float]) -> None:
    """A setting that makes no sense is named by the error."""
    with pytest.raises(ConfigurationError) as caught:
        PollPolicy(**setting)
    assert caught.value.field == next(iter(setting))


def test_limits_are_told() -> None:
    """The error says what would be right."""
    with pytest.raises(ConfigurationError, match="jitter: must be a finite number of at least 0 and below 1, not 2"):
        PollPolicy(jitter=2)
    with pytest.raises(ConfigurationError, match="growth: must be a finite number above 1, not 0"):
        PollPolicy(growth=0)
    with pytest.raises(ConfigurationError, match="max_interval: must not be below first_delay, 5"):
        PollPolicy(first_delay=5, max_interval=4)


def test_zero_is_allowed_where_it_makes_sense() -> None:
    """No jitter, no grace and no slack can be asked for."""
    policy = PollPolicy(jitter=0, not_found_grace=0, slack=0)
    assert policy.lifetime(timedelta(minutes=1)) == 60


@pytest.mark.parametrize(
    ("policy", "ttl", "expected"),
    [
        (PollPolicy(), None, 73 * HOUR),
        (PollPolicy(), timedelta(minutes=5), 300 + HOUR),
        (PollPolicy(slack=60, default_ttl=600), None, 660),
        (PollPolicy(give_up_after=10), timedelta(minutes=5), 10),
    ],
)
def test_lifetime(policy: PollPolicy, ttl: timedelta | None, expected: float) -> None:
    """A message is given up some time after its ttl, or when the caller said."""
    assert policy.lifetime(ttl) == expected


@pytest.mark.parametrize(("age", "expected"), [(0, 1), (2, 1), (10, 5), (HOUR, 1800), (12 * HOUR, 6 * HOUR), (73 * HOUR, 6 * HOUR)])
def test_interval_grows_with_age(age: float, expected: float) -> None:
    """The wait is half the age, within its bounds."""
    assert EVEN.interval(age, 0.9) == expected


POLICIES = st.builds(
    PollPolicy,
    first_delay=st.floats(0.001, 10),
    growth=st.floats(1.01, 10),
    max_interval=st.floats(10, 1e5),
    jitter=st.floats(0, 0.99),
)


@given(st.floats(0, 1e7), RANDOM, POLICIES)
def test_interval_stays_within_bounds(age: float, random: float, policy: PollPolicy) -> None:
    """No age and no chance makes a wait shorter than the first or longer than the longest."""
    assert policy.first_delay <= policy.interval(age, random) <= policy.max_interval


@pytest.mark.parametrize("age", [0, 30, 100 * HOUR])
def test_jitter_works_at_every_age(age: float) -> None:
    """Messages watched together are not polled together, neither young nor old."""
    policy = PollPolicy()
    assert policy.interval(age, 0.0) > policy.interval(age, 0.5) > policy.interval(age, 0.99)


@pytest.mark.parametrize(
    ("since", "deadline", "now", "answer", "expected"),
    [
        pytest.param(0, 1000, 10, Answer.SHOWN, 15, id="half its age later"),
        pytest.param(0, 1000, 10, Answer.FAILED, 15, id="a failure changes nothing"),
        pytest.param(100, 1000, 110, Answer.NOT_VISIBLE, 115, id="early 404"),
        pytest.param(100, 1000, 150, Answer.NOT_VISIBLE, 160, id="a last look at the end of grace"),
        pytest.param(100, 1000, 150, Answer.FAILED, 175, id="a failure is no look"),
        pytest.param(100, 1000, 160, Answer.NOT_VISIBLE, GiveUp.NOT_FOUND, id="404 after grace"),
        pytest.param(100, 1000, 160, Answer.FAILED, 190, id="a failure after grace"),
        pytest.param(0, 1000, 900, Answer.SHOWN, 1000, id="a last look at the deadline"),
        pytest.param(0, 1000, 1000, Answer.SHOWN, GiveUp.DEADLINE, id="deadline"),
        pytest.param(0, 1000, 1000, Answer.FAILED, GiveUp.DEADLINE, id="deadline without an answer"),
        pytest.param(0, 30, 30, Answer.NOT_VISIBLE, GiveUp.DEADLINE, id="deadline within grace"),
        pytest.param(0, 60, 60, Answer.NOT_VISIBLE, GiveUp.NOT_FOUND, id="deadline at the end of grace"),
        pytest.param(0, 1000, 10, Answer.REFUSED, GiveUp.REFUSED, id="refused"),
        pytest.param(0, 1000, 2000, Answer.REFUSED, GiveUp.REFUSED, id="refused after the deadline"),
    ],
)
def test_next_poll(since: float, deadline: float, now: float, answer: Answer, expected: float | GiveUp) -> None:
    """How to go on follows from the message's age, its deadline and the answer alone."""
    assert next_poll(EVEN, now, answer, since=since, deadline=deadline, shown=False, random=0.0) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [(50, 75), (100, 150), (900, 1000), (1000, GiveUp.DEADLINE)],
    ids=["within grace", "after grace", "shortly before the deadline", "at the deadline"],
)
def test_what_was_shown_once_is_not_missing(now: float, expected: float | GiveUp) -> None:
    """A 404 for a message that was shown before neither gives it up nor hurries."""
    assert next_poll(EVEN, now, Answer.NOT_VISIBLE, since=0, deadline=1000, shown=True, random=0.0) == expected


@pytest.mark.parametrize(("retry_after", "expected"), [(2, 15), (60, 70), (1e9, 1810)])
def test_retry_after(retry_after: float, expected: float) -> None:
    """What Routee asks to wait is waited, up to half an hour, and never shortens a wait."""
    due = next_poll(EVEN, 10, Answer.FAILED, since=0, deadline=1e6, shown=False, random=0.0, retry_after=retry_after)
    assert due == expected


def test_retry_after_ends_at_the_deadline() -> None:
    """However long Routee asks to wait, the last look is not later than the deadline."""
    assert next_poll(EVEN, 10, Answer.FAILED, since=0, deadline=100, shown=False, random=0.0, retry_after=600) == 100


@given(
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    RANDOM,
    st.sampled_from([Answer.SHOWN, Answer.NOT_VISIBLE, Answer.FAILED]),
    st.booleans(),
    st.floats(0, 1e9),
)
def test_time_goes_on(since: float, age: float, random: float, answer: Answer, shown: bool, asked: float) -> None:  # noqa: FBT001
    """The next poll lies in the future and not past the deadline, or the message is given up."""
    policy, now = PollPolicy(), since + age
    deadline = since + policy.lifetime(None)
    verdict = next_poll(policy, now, answer, since=since, deadline=deadline, shown=shown, random=random, retry_after=asked)
    assert isinstance(verdict, GiveUp) or now < verdict <= deadline


@pytest.mark.parametrize("random", [0.0, 0.5, 0.99])
def test_a_long_life_takes_few_polls(random: float) -> None:
    """A message that is never delivered costs under 60 polls in 73 hours, by the settings that nobody has touched."""
    policy = PollPolicy()
    deadline = policy.lifetime(None)
    now, polls = 1.0, 1
    while not isinstance(
        verdict := next_poll(policy, now, Answer.SHOWN, since=0, deadline=deadline, shown=True, random=random), GiveUp
    ):
        now, polls = verdict, polls + 1
    assert now == deadline == 73 * HOUR
    assert 30 < polls < 60


@pytest.mark.parametrize(
    ("youngest", "oldest", "joined", "within", "expected"),
    [
        pytest.param(100, 100, 1000, 0, 50, id="all at once: like one message"),
        pytest.param(0, 0, 1, 0, 1, id="the first message"),
        pytest.param(0, 1000, 1000, 1000, 32, id="one a second: every 32 seconds"),
        pytest.param(0, 1000, 10_000, 1000, 3.2, id="ten a second: every 32 messages"),
        pytest.param(0, 1000, 1_000_000, 1000, 1, id="a flood: as often as the youngest would be"),
        pytest.param(0, 1000, 10, 1000, 500, id="a rare one: as seldom as the oldest would be"),
        pytest.param(40, 1000, 1000, 1000, 32, id="the youngest is older than that"),
        pytest.param(80, 1000, 1000, 1000, 40, id="nobody joins any more"),
    ],
)
def test_group_interval(youngest: float, oldest: float, joined: int, within: float, expected: float) -> None:
    """A group is read once for every 32 messages that join it, between what its youngest and its oldest would wait for."""
    wait = group_interval(EVEN, youngest=youngest, oldest=oldest, joined=joined, joined_within=within, random=0.9)
    assert wait == pytest.approx(expected)


@given(POLICIES, st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 10**6), st.floats(0, 1e7), RANDOM)
def test_group_interval_stays_within_bounds(
    policy: PollPolicy, youngest: float, more: float, joined: int, within: float, random: float
) -> None:
    """No group waits less than its youngest member would, or more than its oldest."""
    oldest = youngest + more
    wait = group_interval(policy, youngest=youngest, oldest=oldest, joined=joined, joined_within=within, random=random)
    assert policy.interval(youngest, random) <= wait <= policy.interval(oldest, random)


def test_jitter_of_groups() -> None:
    """Groups that were formed together are not read together."""
    waits = {group_interval(PollPolicy(), youngest=9, oldest=9, joined=1, joined_within=0, random=each) for each in (0, 0.5, 0.9)}
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("wait", "deadline", "expected"),
    [
        pytest.param(100, 1000, 200, id="far away"),
        pytest.param(100, 200, 200, id="just then"),
        pytest.param(100, 150, 150, id="in the middle of the wait"),
        pytest.param(100, 110, 125, id="soon: a little late, with others"),
        pytest.param(100, 50, 125, id="gone by"),
    ],
)
def test_deadlines_of_a_group(wait: float, deadline: float, expected: float) -> None:
    """A group is read when its first member is given up, or at most a quarter of its usual wait later."""
    assert bounded_by_deadline(100, wait, deadline) == expected


def test_many_deadlines_are_few_reads() -> None:
    """A thousand messages that are given up one after the other within 100 seconds do not take a read each."""
    deadlines, now, reads = [1000 + number / 10 for number in range(1000)], 999.0, 0
    while deadlines:
        now, reads = bounded_by_deadline(now, 100.0, deadlines[0]), reads + 1
        deadlines = [deadline for deadline in deadlines if deadline > now]
    assert now < 1125
    assert reads < 8


@given(st.floats(0, 1e6), st.floats(0.001, 1e5), st.floats(-1e6, 1e6))
def test_time_of_a_group_goes_on(now: float, wait: float, until_deadline: float) -> None:
    """The next read of a group lies in the future, and no further away than usual."""
    assert now < bounded_by_deadline(now, wait, now + until_deadline) <= now + wait
