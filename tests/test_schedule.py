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
from routee_async.schedule import Answer, Course, GiveUp, PollPolicy, Schedule, judge, next_poll

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


@pytest.mark.parametrize(("age", "expected"), [(0, 1), (2, 1), (10, 5), (HOUR, 1800), (100 * HOUR, 1800)])
def test_interval_grows_with_age(age: float, expected: float) -> None:
    """The wait is half the age, within its bounds."""
    assert EVEN.interval(age, 0.9) == expected


@given(
    st.floats(0, 1e7),
    RANDOM,
    st.builds(
        PollPolicy,
        first_delay=st.floats(0.001, 10),
        growth=st.floats(1.01, 10),
        max_interval=st.floats(10, 1e5),
        jitter=st.floats(0, 0.99),
    ),
)
def test_interval_stays_within_bounds(age: float, random: float, policy: PollPolicy) -> None:
    """No age and no chance makes a wait shorter than the first or longer than the longest."""
    assert policy.first_delay <= policy.interval(age, random) <= policy.max_interval


@pytest.mark.parametrize("age", [0, 30, 100 * HOUR])
def test_jitter_works_at_every_age(age: float) -> None:
    """Messages watched together are not polled together, neither young nor old."""
    policy = PollPolicy()
    assert policy.interval(age, 0.0) > policy.interval(age, 0.5) > policy.interval(age, 0.99)


@pytest.mark.parametrize(
    ("course", "now", "answer", "expected"),
    [
        pytest.param(Course(since=0, deadline=1000), 10, Answer.SHOWN, 15, id="half its age later"),
        pytest.param(Course(since=0, deadline=1000), 10, Answer.FAILED, 15, id="a failure changes nothing"),
        pytest.param(Course(since=100, deadline=1000), 110, Answer.NOT_VISIBLE, 115, id="early 404"),
        pytest.param(Course(since=100, deadline=1000), 150, Answer.NOT_VISIBLE, 160, id="a last look at the end of grace"),
        pytest.param(Course(since=100, deadline=1000), 150, Answer.FAILED, 175, id="a failure is no look"),
        pytest.param(Course(since=100, deadline=1000), 160, Answer.NOT_VISIBLE, GiveUp.NOT_FOUND, id="404 after grace"),
        pytest.param(Course(since=0, deadline=1000, shown=True), 100, Answer.NOT_VISIBLE, 150, id="404 after it was shown"),
        pytest.param(Course(since=0, deadline=1000), 900, Answer.SHOWN, 1000, id="a last look at the deadline"),
        pytest.param(Course(since=0, deadline=1000), 1000, Answer.SHOWN, GiveUp.DEADLINE, id="deadline"),
        pytest.param(Course(since=0, deadline=1000), 1000, Answer.FAILED, GiveUp.DEADLINE, id="deadline without an answer"),
        pytest.param(Course(since=0, deadline=30), 30, Answer.NOT_VISIBLE, GiveUp.DEADLINE, id="deadline within grace"),
    ],
)
def test_next_poll(course: Course, now: float, answer: Answer, expected: float | GiveUp) -> None:
    """How to go on follows from the message's age, its deadline and the answer alone."""
    assert next_poll(EVEN, course, now, answer, random=0.0) == expected


@pytest.mark.parametrize(("retry_after", "expected"), [(2, 15), (60, 70), (1e9, 1810)])
def test_retry_after(retry_after: float, expected: float) -> None:
    """What Routee asks to wait is waited, up to the longest interval, and never shortens a wait."""
    course = Course(since=0, deadline=1e6)
    assert next_poll(EVEN, course, 10, Answer.FAILED, random=0.0, retry_after=retry_after) == expected


@given(st.floats(0, 1e6), st.floats(0, 1e6), RANDOM, st.sampled_from([Answer.SHOWN, Answer.NOT_VISIBLE, Answer.FAILED]))
def test_time_goes_on(since: float, age: float, random: float, answer: Answer) -> None:
    """The next poll lies in the future and not past the deadline, or the message is given up."""
    policy, now = PollPolicy(), since + age
    course = Course(since=since, deadline=since + policy.lifetime(None))
    verdict = next_poll(policy, course, now, answer, random=random)
    assert isinstance(verdict, GiveUp) or now < verdict <= course.deadline


def test_a_long_life_takes_few_polls() -> None:
    """A message that is never delivered costs under 200 polls in 73 hours, most of them half an hour apart."""
    course, now, polls = Course(since=0, deadline=EVEN.lifetime(None), shown=True), 1.0, 1
    while not isinstance(verdict := next_poll(EVEN, course, now, Answer.SHOWN, random=0.5), GiveUp):
        now, polls = verdict, polls + 1
    assert now == course.deadline
    assert polls < 200


def schedule_of(*tracking_ids: str, policy: PollPolicy = EVEN) -> Schedule:
    """Build a schedule to which messages were added one second apart, from 0."""
    schedule = Schedule(policy)
    for number, tracking_id in enumerate(tracking_ids):
        schedule.add(tracking_id, float(number), random=0.0)
    return schedule


def test_due_in_order() -> None:
    """Messages come up when they are due, the longest overdue first, and no more than asked for."""
    schedule = schedule_of("z", "y", "x", "w")
    assert schedule.next_due() == 1
    assert schedule.due(0.9, 10) == []
    assert schedule.due(3, 2) == ["z", "y"]
    assert schedule.due(3, 0) == []
    assert schedule.due(3, 2) == ["x"]
    assert schedule.next_due() == 4


def test_taken_messages_come_back_when_rescheduled() -> None:
    """A message on its way is not due again until its answer is in."""
    schedule = schedule_of("a")
    assert schedule.due(1, 1) == ["a"]
    assert schedule.next_due() is None
    assert "a" in schedule
    assert schedule.reschedule("a", 10, Answer.SHOWN, random=0.0) is None
    assert schedule.next_due() == 15
    assert schedule.reschedule("a", 2, Answer.SHOWN, random=0.0) is None
    assert schedule.next_due() == 3
    assert schedule.due(100, 5) == ["a"]


def test_schedule_remembers_what_was_shown() -> None:
    """A 404 for a message that was shown before does not make it a missing one."""
    schedule = schedule_of("shown", "missing")
    assert schedule.reschedule("shown", 10, Answer.SHOWN, random=0.0) is None
    assert schedule.reschedule("shown", 100, Answer.NOT_VISIBLE, random=0.0) is None
    assert schedule.reschedule("missing", 100, Answer.NOT_VISIBLE, random=0.0) is GiveUp.NOT_FOUND


def test_first_poll_is_not_after_the_deadline() -> None:
    """A message with less time than the first delay is polled once, at its deadline."""
    assert schedule_of("a", policy=PollPolicy(give_up_after=0.5)).next_due() == 0.5


def test_dropped_messages_never_come_up() -> None:
    """A dropped message is gone, dropping it again is fine, and adding it again starts anew."""
    schedule = schedule_of("a", "b")
    schedule.drop("a")
    schedule.drop("a")
    assert len(schedule) == 1
    assert "a" not in schedule
    assert schedule.next_due() == 2
    schedule.add("a", 7.0, random=0.0)
    assert schedule.due(100, 5) == ["b", "a"]


def test_unknown_message() -> None:
    """Rescheduling a message that is not there is a mistake of the caller."""
    with pytest.raises(KeyError):
        schedule_of().reschedule("a", 0, Answer.SHOWN, random=0.0)


def test_memory_is_bounded() -> None:
    """Moving one message about for ever, or dropping many, leaves no heap of old entries."""
    schedule = schedule_of("a", *map(str, range(1000)))
    for now in range(10_000):
        schedule.reschedule("a", 1 + now / 1000, Answer.FAILED, random=0.0)
    assert len(schedule._heap) <= 2 * 1001 + 64  # noqa: SLF001 - the promise is about memory
    assert schedule.due(500, 5) == ["0", "1", "2", "3", "4"]
    for number in range(1000):
        schedule.drop(str(number))
    assert len(schedule._heap) <= 2 + 64  # noqa: SLF001 - the promise is about memory
    assert schedule.due(math.inf, 5) == ["a"]


@given(st.lists(st.tuples(st.sampled_from(["add", "due", "move", "drop"]), st.sampled_from("abc"), RANDOM), max_size=60))
def test_schedule_agrees_with_a_plain_table(steps: list[tuple[str, str, float]]) -> None:
    """Whatever is done to it, the schedule gives what a plain search through a table would."""
    schedule, table, now = Schedule(PollPolicy()), dict[str, Course](), 0.0
    for step, name, random in steps:
        now += random
        if step == "due":
            expected = sorted((c.due, n) for n, c in table.items() if c.due is not None and c.due <= now)
            assert schedule.due(now, 9) == [n for _, n in expected]
            for _, taken in expected:
                table[taken].due = None
        elif step == "drop":
            schedule.drop(name)
            table.pop(name, None)
        elif name in table:
            schedule.reschedule(name, now, Answer.SHOWN, random=random)
            table[name].due = now + PollPolicy().interval(now - table[name].since, random)
        else:
            schedule.add(name, now, random=random)
            table[name] = Course(since=now, deadline=math.inf, due=now + PollPolicy().interval(0, random))
        waiting = [course.due for course in table.values() if course.due is not None]
        assert schedule.next_due() == min(waiting, default=None)
        assert len(schedule) == len(table)
