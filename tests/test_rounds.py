"""Which messages are read together, and which read is due next."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.references import reference_of
from routee_async.rounds import CLOCK_DOUBT, SEARCHABLE, Agenda, By, Course, Group, Lookup, choose_lookup, is_searchable, window
from routee_async.schedule import Answer, GiveUp, PollPolicy

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REFERENCE = reference_of("k3f9x2ab", 7)
BLOCK, OTHER_BLOCK = Lookup(By.LABEL, "ra.k3f9x2ab.00000"), Lookup(By.LABEL, "ra.k3f9x2ab.00001")
CAMPAIGN = Lookup(By.CAMPAIGN, "campaign")
EVEN = PollPolicy(jitter=0)
"""First read after a second, then at half the age; not found after a minute."""
FOREVER = 1e9
RANDOM = st.floats(0, 1, exclude_max=True)
MOMENT = timedelta(microseconds=1)


# --- what to look up


@pytest.mark.parametrize(
    ("reference", "campaign", "age", "expected"),
    [
        pytest.param(None, None, None, Lookup(By.TRACKING_ID, "m"), id="nothing is known"),
        pytest.param(None, None, timedelta(0), Lookup(By.TRACKING_ID, "m"), id="no reference"),
        pytest.param("", None, None, Lookup(By.TRACKING_ID, "m"), id="empty reference"),
        pytest.param(REFERENCE, None, timedelta(minutes=1), BLOCK, id="reference"),
        pytest.param(REFERENCE, None, None, BLOCK, id="reference of unknown age"),
        pytest.param(REFERENCE, None, SEARCHABLE - MOMENT, BLOCK, id="just young enough"),
        pytest.param(REFERENCE, None, SEARCHABLE, Lookup(By.TRACKING_ID, "m"), id="too old for the search"),
        pytest.param(None, "campaign", timedelta(days=30), CAMPAIGN, id="campaign of any age"),
        pytest.param(REFERENCE, "campaign", None, CAMPAIGN, id="campaign before reference"),
        pytest.param(REFERENCE, "", None, BLOCK, id="empty campaign"),
    ],
)
def test_choose_lookup(reference: str | None, campaign: str | None, age: timedelta | None, expected: Lookup) -> None:
    """A message is looked up by campaign, else by the block of its reference while the search sees it, else alone."""
    sent_at = None if age is None else NOW - age
    assert choose_lookup("m", reference=reference, campaign_tracking_id=campaign, sent_at=sent_at, now=NOW) == expected


def test_search_sees_a_week_less_a_little() -> None:
    """What is asked for at the edge of the seven days must still lie within them when the request arrives."""
    assert timedelta(days=7, minutes=-30) < SEARCHABLE < timedelta(days=7)
    assert is_searchable(None, NOW)
    assert is_searchable(NOW + CLOCK_DOUBT, NOW)
    assert is_searchable(NOW - SEARCHABLE + MOMENT, NOW)
    assert not is_searchable(NOW - SEARCHABLE, NOW)


@pytest.mark.parametrize(
    ("sent_at", "start"),
    [
        pytest.param(None, NOW - SEARCHABLE, id="not known"),
        pytest.param(NOW - timedelta(hours=1), NOW - timedelta(hours=25), id="lately, by a clock that may be wrong"),
        pytest.param(NOW - SEARCHABLE + CLOCK_DOUBT, NOW - SEARCHABLE, id="at the edge"),
        pytest.param(NOW - timedelta(days=30), NOW - SEARCHABLE, id="never more than the search allows"),
    ],
)
def test_window(sent_at: datetime | None, start: datetime) -> None:
    """The window holds what was sent, though the clock may be a day wrong, and is not wider than the search allows."""
    assert window(sent_at, NOW) == (start, NOW + CLOCK_DOUBT)


# --- the agenda


def follow(
    agenda: Agenda[Course],
    tracking_id: str,
    at: float = 0.0,
    *,
    lookup: Lookup | None = BLOCK,
    deadline: float = FOREVER,
    sent_at: datetime | None = None,
) -> Course:
    """Add a message to an agenda; without a look-up, one that is read alone."""
    course = Course(tracking_id, at, deadline)
    agenda.add(course, lookup or Lookup(By.TRACKING_ID, tracking_id), at, sent_at=sent_at, random=0.0)
    return course


def agenda_of(count: int, *, policy: PollPolicy = EVEN, deadline: float = FOREVER) -> tuple[Agenda[Course], list[Course]]:
    """An agenda with so many messages of a group, named by their numbers, all added at 0."""
    agenda = Agenda[Course](policy)
    return agenda, [follow(agenda, str(number), deadline=deadline) for number in range(count)]


def group_of(course: Course) -> Group[Course]:
    """The group that a message belongs to now."""
    return cast("Group[Course]", course.group)


def take(agenda: Agenda[Course], now: float) -> Group[Course]:
    """Take the one group that is due."""
    (group,) = agenda.due(now, 99)
    return group


def ids(group: Group[Course]) -> set[str]:
    """The messages of a group."""
    return {course.tracking_id for course in group.members}


def names(groups: Iterable[Group[Course]]) -> list[str]:
    """What is looked up."""
    return [group.lookup.name for group in groups]


def test_due_in_order() -> None:
    """Reads come up when they are due, the longest overdue first, and no more than asked for."""
    agenda = Agenda[Course](EVEN)
    for at, name in enumerate("zyxw"):
        follow(agenda, name, float(at), lookup=None)
    assert agenda.next_due() == 1
    assert agenda.due(0.9, 10) == []
    assert names(agenda.due(3, 2)) == ["z", "y"]
    assert agenda.due(3, 0) == []
    assert names(agenda.due(3, 2)) == ["x"]
    assert agenda.next_due() == 4


def test_empty_agenda() -> None:
    """Without messages nothing is due."""
    agenda = Agenda[Course](EVEN)
    assert agenda.next_due() is None
    assert agenda.due(FOREVER, 9) == []
    assert not agenda.open


def test_groups_form_by_lookup() -> None:
    """Messages with one look-up are one read; others have their own."""
    agenda = Agenda[Course](EVEN)
    for number, lookup in enumerate([BLOCK, OTHER_BLOCK, CAMPAIGN] * 3):
        follow(agenda, str(number), lookup=lookup)
    follow(agenda, "alone", lookup=None)
    groups = agenda.due(1, 9)
    assert [(group.lookup, ids(group), group.is_single) for group in groups] == [
        (BLOCK, {"0", "3", "6"}, False),
        (OTHER_BLOCK, {"1", "4", "7"}, False),
        (CAMPAIGN, {"2", "5", "8"}, False),
        (Lookup(By.TRACKING_ID, "alone"), {"alone"}, True),
    ]
    assert len(agenda.open) == 10


def test_first_read_comes_after_the_first_delay() -> None:
    """The first of a group sets its first read; those that join meanwhile do not put it off."""
    agenda = Agenda[Course](PollPolicy(jitter=0.5))
    for number in range(10):
        course = Course(str(number), number / 10, FOREVER)
        agenda.add(course, BLOCK, number / 10, random=0.5)
        assert agenda.next_due() == 1.5


@pytest.mark.parametrize("lookup", [None, BLOCK], ids=["alone", "together"])
def test_first_read_is_not_after_the_deadline(lookup: Lookup | None) -> None:
    """A message with less time than the first delay is read at its deadline, one without any time at once."""
    agenda = Agenda[Course](EVEN)
    follow(agenda, "a", 10.0, lookup=lookup, deadline=10.5)
    assert agenda.next_due() == 10.5
    follow(agenda, "b", 10.0, lookup=lookup, deadline=9.0)
    assert agenda.next_due() == 10


def test_group_remembers_its_first_send() -> None:
    """The window of a search has to hold the earliest of the group's messages, as far as that is known."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "unknown")
    assert group_of(course).sent_at is None
    for number, minutes in enumerate([5, 9, 2]):
        follow(agenda, str(number), sent_at=NOW - timedelta(minutes=minutes))
    follow(agenda, "unknown too")
    assert group_of(course).sent_at == NOW - timedelta(minutes=9)


def test_a_message_alone_is_read_alone() -> None:
    """A search that would show a single message is no cheaper than a read of it."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a")
    group = take(agenda, 1)
    assert (group.lookup, group.is_single, ids(group)) == (Lookup(By.TRACKING_ID, "a"), True, {"a"})
    assert group_of(course) is group


def test_group_is_not_due_while_it_is_being_read() -> None:
    """What was taken comes up again only after its answer is in, later and later."""
    agenda, _ = agenda_of(3)
    group = take(agenda, 1)
    assert agenda.next_due() is None
    assert agenda.due(FOREVER, 9) == []
    assert len(agenda.open) == 3
    assert agenda.finish(group, 20, Answer.SHOWN, seen=set("012"), random=0.0) == []
    assert agenda.next_due() == 30
    assert take(agenda, 30) is group


def reads(arrivals: list[float], until: float) -> list[float]:
    """Add messages to a block when they arrive, and say when the agenda had something read."""
    agenda, times = Agenda[Course](EVEN), []
    waiting, now = list(arrivals), 0.0
    while (now := min(waiting[:1] + [due for due in (agenda.next_due(),) if due is not None])) <= until:
        if waiting and waiting[0] <= now:
            follow(agenda, f"message {len(waiting)}", waiting.pop(0))
            continue
        for group in agenda.due(now, 9):
            times.append(now)
            agenda.finish(group, now, Answer.SHOWN, seen={course.tracking_id for course in group.members}, random=0.0)
    return times


def test_burst_is_read_like_one_message() -> None:
    """A thousand messages at once take as many reads as one of them would: at 1, 2, 3, 4.5 … seconds."""
    assert reads([0.0] * 1000, 1000.0) == reads([0.0], 1000.0)
    assert reads([0.0] * 1000, 7.0) == [1, 2, 3, 4.5, 6.75]


def test_trickle_is_not_read_each_second() -> None:
    """A thousand messages, one a second, take a read for every 32 of them when the first are old, and sooner at the start."""
    times = reads([float(second) for second in range(1000)], 1000.0)
    late = [time for time in times if time > 100]
    assert 26 <= len(late) <= 30
    assert len(times) - len(late) < 25


def test_fast_stream_is_read_for_every_32_messages() -> None:
    """Ten messages a second are read about every three seconds, not every second."""
    times = reads([number / 10 for number in range(1000)], 100.0)
    late = [time for time in times if time > 50]
    assert 14 <= len(late) <= 17


def test_joining_while_the_group_is_being_read() -> None:
    """A message that joins meanwhile neither starts a second read nor is forgotten: the next one comes soon, for its sake."""
    agenda, _ = agenda_of(3)
    group = take(agenda, 100)
    follow(agenda, "late", 100.0)
    assert agenda.next_due() is None
    agenda.finish(group, 100.5, Answer.SHOWN, seen=set("012"), random=0.0)
    assert ids(group) == {"0", "1", "2", "late"}
    assert agenda.next_due() == 100.5 + 50.25  # four messages in a hundred seconds: as seldom as the oldest would be
    follow(agenda, "later", 101.0)
    assert agenda.next_due() == 100.5 + 50.25


def test_youngest_of_a_group_is_not_kept_waiting() -> None:
    """A message that joined a large group while it was being read is looked for long before the old ones would be."""
    agenda, courses = agenda_of(999)
    group = take(agenda, 100)
    follow(agenda, "late", 100.0)
    agenda.finish(group, 100, Answer.SHOWN, seen={course.tracking_id for course in courses}, random=0.0)
    assert agenda.next_due() == 100 + 32 * 100 / 1000


def test_few_left_are_read_one_by_one() -> None:
    """When no more are left than the look-up has pages, each is read alone, at once."""
    agenda, _ = agenda_of(5)
    group = take(agenda, 1)
    agenda.finish(group, 1, Answer.SHOWN, seen=set("01234"), random=0.0, pages=3)
    agenda.drop("0")
    assert take(agenda, 2) is group
    agenda.drop("1")
    agenda.finish(group, 2, Answer.SHOWN, seen=set("234"), random=0.0, pages=3)
    singles = agenda.due(3, 2)
    assert all(single.is_single for single in singles)
    assert len(singles) == 2
    assert agenda.next_due() == 3
    singles += agenda.due(3, 9)
    assert sorted(names(singles)) == ["2", "3", "4"]
    assert group.due is None


def test_pages_of_a_broken_look_up_do_not_count() -> None:
    """Only a complete look-up says how many pages there are."""
    agenda, _ = agenda_of(3)
    group = take(agenda, 1)
    agenda.finish(group, 1, Answer.FAILED, random=0.0, pages=9)
    assert take(agenda, 2) is group


def test_single_out() -> None:
    """A message that is singled out leaves its group and is read alone at once."""
    agenda, courses = agenda_of(3)
    agenda.single_out(courses[1], 0.5)
    single = take(agenda, 0.5)
    assert (names([single]), single.is_single) == (["1"], True)
    assert ids(take(agenda, 1)) == {"0", "2"}
    assert agenda.finish(single, 0.75, Answer.SHOWN, random=0.0) == []
    assert agenda.next_due() == 1.75


def test_single_out_one_that_is_read_alone() -> None:
    """A message that is read alone already is read at once; when it is being read, once more right after that."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    agenda.single_out(course, 0.25)
    group = take(agenda, 0.25)
    agenda.single_out(course, 0.5)
    assert agenda.next_due() is None
    agenda.finish(group, 0.75, Answer.SHOWN, random=0.0)
    assert agenda.next_due() == 0.75
    assert take(agenda, 0.75) is group
    agenda.finish(group, 0.8, Answer.SHOWN, random=0.0)
    assert agenda.next_due() == 1.8


def test_single_out_while_the_group_is_being_read() -> None:
    """The message is read alone without waiting for the others, and their read says nothing about it any more."""
    agenda, courses = agenda_of(3)
    group = take(agenda, 30)
    agenda.single_out(courses[0], 30)
    assert names(agenda.due(30, 9)) == ["0"]
    agenda.finish(group, 31, Answer.SHOWN, seen=set("12"), random=0.0)
    assert ids(group) == {"1", "2"}
    assert courses[0].missed == 0


def test_hasten_one_that_is_read_alone() -> None:
    """A message in a hurry is read at once, and never later than without."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    agenda.hasten(course, 0.5)
    assert agenda.next_due() == 0.5
    agenda.hasten(course, 0.75)
    assert agenda.next_due() == 0.5


def test_hasten_a_group() -> None:
    """A group in a hurry waits for the first delay, so that others can join, and never longer than without."""
    agenda, courses = agenda_of(3)
    agenda.finish(take(agenda, 100), 100, Answer.SHOWN, seen=set("012"), random=0.0)
    assert agenda.next_due() == 150
    agenda.hasten(courses[0], 110)
    assert agenda.next_due() == 111
    agenda.hasten(courses[1], 110.5)
    assert agenda.next_due() == 111


def test_hasten_a_group_while_it_is_being_read() -> None:
    """The read that goes on may be too early: another one follows soon, once."""
    agenda, courses = agenda_of(3)
    group = take(agenda, 100)
    agenda.hasten(courses[0], 100.5)
    assert agenda.next_due() is None
    agenda.finish(group, 101, Answer.FAILED, random=0.0)
    assert agenda.next_due() == 102
    agenda.finish(take(agenda, 102), 102, Answer.SHOWN, seen=set("012"), random=0.0)
    assert agenda.next_due() == 153


def test_hurry_puts_nothing_off() -> None:
    """A group that is to be read very soon anyway is."""
    agenda, courses = agenda_of(3, deadline=100.5)
    group = take(agenda, 100)
    agenda.hasten(courses[0], 100)
    follow(agenda, "old", 100.0)
    agenda.finish(group, 100, Answer.SHOWN, seen=set("012"), random=0.0)
    assert agenda.next_due() == 101
    agenda.hasten(courses[0], 100)
    assert agenda.next_due() == 101


def test_postpone() -> None:
    """News from elsewhere put the next read of a message off, up to its deadline and never sooner."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None, deadline=100.0)
    agenda.finish(take(agenda, 60), 60, Answer.SHOWN, random=0.0)
    assert agenda.next_due() == 90
    agenda.postpone(course, 62, 0.0)
    assert agenda.next_due() == 93
    agenda.postpone(course, 61, 0.0)
    assert agenda.next_due() == 93
    agenda.postpone(course, 92, 0.0)
    assert agenda.next_due() == 100


def test_postpone_does_not_undo_a_hurry() -> None:
    """A read that somebody wants at once is made, whatever other news come before it starts: `Sent` after `Delivered`, say."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    agenda.finish(take(agenda, 1000), 1000, Answer.SHOWN, random=0.0)
    agenda.hasten(course, 1010)
    agenda.postpone(course, 1010, 0.0)
    assert agenda.next_due() == 1010


def test_postpone_draws_lots() -> None:
    """Messages that have news at one moment are not read at one moment."""
    agenda = Agenda[Course](PollPolicy(jitter=0.5))
    course = follow(agenda, "a", lookup=None)
    agenda.finish(take(agenda, 90), 90, Answer.SHOWN, random=0.99)
    agenda.postpone(course, 100, 0.5)
    assert agenda.next_due() == 100 + 50 * 0.75


def test_postpone_concerns_only_what_is_read_alone_and_waits() -> None:
    """Others of a group have no news, and a read that goes on is not taken back."""
    agenda, courses = agenda_of(3)
    agenda.postpone(courses[0], 0.5, 0.0)
    assert agenda.next_due() == 1
    agenda.single_out(courses[0], 0.5)
    group = take(agenda, 0.5)
    agenda.postpone(courses[0], 0.6, 0.0)
    assert group.due is None
    assert agenda.next_due() == 1


def test_dropped_messages_never_come_up() -> None:
    """A dropped message is gone, dropping it again is fine, and adding it again starts anew."""
    agenda, _ = agenda_of(4)
    agenda.drop("0")
    agenda.drop("0")
    agenda.drop("unknown")
    assert set(agenda.open) == {"1", "2", "3"}
    assert ids(take(agenda, 1)) == {"1", "2", "3"}
    follow(agenda, "0", 7.0, lookup=None)
    assert agenda.next_due() == 8


def test_group_without_messages_is_over() -> None:
    """When the last message of a group is dropped, its read is not made, and the next message forms a new one."""
    agenda, _ = agenda_of(2)
    agenda.drop("0")
    agenda.drop("1")
    assert agenda.next_due() is None
    assert not agenda.open
    follow(agenda, "2", 50.0)
    assert agenda.next_due() == 51


@pytest.mark.parametrize("answer", [Answer.SHOWN, Answer.FAILED, Answer.REFUSED])
@pytest.mark.parametrize("lookup", [None, BLOCK], ids=["alone", "together"])
def test_dropped_while_being_read(lookup: Lookup | None, answer: Answer) -> None:
    """What became final while it was read is not given up, not read again, and not missed."""
    agenda = Agenda[Course](EVEN)
    for name in "ab":
        follow(agenda, name, lookup=lookup, deadline=0.5)
    for group in agenda.due(1, 9):
        for course in tuple(group.members):
            agenda.drop(course.tracking_id)
        assert agenda.finish(group, 2, answer, random=0.0) == []
    assert agenda.next_due() is None
    assert not agenda.open


def test_new_group_while_the_old_one_is_being_read() -> None:
    """A message that joins when all others have gone is read by itself, and the answer that is on its way is not about it."""
    agenda, _ = agenda_of(2)
    old = take(agenda, 30)
    agenda.drop("0")
    agenda.drop("1")
    late = [follow(agenda, name, 0.0) for name in "ab"]
    new = group_of(late[0])
    assert new is not old
    assert agenda.finish(old, 31, Answer.USELESS, random=0.0) == []
    assert [course.missed for course in late] == [0, 0]
    assert agenda.next_due() == 1
    assert take(agenda, 31) is new


# --- what a read says


def test_missed_twice_is_read_alone() -> None:
    """A message that two complete look-ups in a row did not show is looked for on its own; the others stay together."""
    agenda, courses = agenda_of(4)
    agenda.finish(take(agenda, 20), 20, Answer.SHOWN, seen=set("012"), random=0.0)
    assert not group_of(courses[3]).is_single
    group = take(agenda, 30)
    agenda.finish(group, 30, Answer.SHOWN, seen=set("012"), random=0.0)
    assert ids(group) == {"0", "1", "2"}
    assert take(agenda, 30) is group_of(courses[3])
    assert [course.shown for course in courses] == [True, True, True, False]


def test_shown_between_is_not_missed() -> None:
    """What slipped through once counts anew after it was shown."""
    agenda, courses = agenda_of(3)
    now = 20.0
    for seen in ("01", "012", "01", "012"):
        agenda.finish(take(agenda, now), now, Answer.SHOWN, seen=set(seen), random=0.0)
        now *= 2
    assert [course.missed for course in courses] == [0, 0, 0]
    assert not any(group_of(course).is_single for course in courses)


@pytest.mark.parametrize(("age", "missed"), [(14.9, 0), (15, 1), (16, 1)])
def test_young_messages_are_not_missed(age: float, missed: int) -> None:
    """Routee shows a message only after a while: one younger than a quarter of the grace cannot be missed."""
    agenda, _ = agenda_of(3)
    young = follow(agenda, "young", 100.0)
    agenda.finish(take(agenda, 100 + age), 100 + age, Answer.SHOWN, seen=set("012"), random=0.0)
    assert young.missed == missed


def test_failure_counts_nothing() -> None:
    """A look-up that broke off says nothing about what it did not show, and that much about what it did."""
    agenda, courses = agenda_of(3)
    now = 20.0
    for _ in range(5):
        assert agenda.finish(take(agenda, now), now, Answer.FAILED, seen={"0"}, random=0.0) == []
        assert agenda.next_due() == now * 1.5
        now *= 1.5
    assert [course.missed for course in courses] == [0, 0, 0]
    assert [course.shown for course in courses] == [True, False, False]


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.USELESS])
def test_useless_look_up_is_not_made_again(answer: Answer) -> None:
    """When the look-up is refused or means nothing to the service, each message is read alone, and nobody is given up for it."""
    agenda, courses = agenda_of(5)
    group = take(agenda, 1)
    assert agenda.finish(group, 2, answer, seen={"0"}, random=0.0) == []
    singles = agenda.due(2, 99)
    assert sorted(names(singles)) == ["0", "1", "2", "3", "4"]
    assert all(single.is_single for single in singles)
    assert courses[0].shown
    assert agenda.next_due() is None
    assert len(agenda.open) == 5


@pytest.mark.parametrize("answer", [Answer.SHOWN, Answer.FAILED, Answer.REFUSED, Answer.USELESS])
def test_deadlines_within_a_group(answer: Answer) -> None:
    """Messages whose time is over are given up, whatever the read came to; the others go on."""
    agenda = Agenda[Course](EVEN)
    courses = [follow(agenda, name, deadline=deadline) for name, deadline in (("a", 50.0), ("b", 60.0), ("c", 60.5), ("d", 99.0))]
    given_up = agenda.finish(take(agenda, 60), 60, answer, seen=set("abcd"), random=0.0)
    assert sorted((course.tracking_id, reason) for course, reason in given_up) == [
        ("a", GiveUp.DEADLINE),
        ("b", GiveUp.DEADLINE),
    ]
    assert set(agenda.open) == {"c", "d"}
    assert courses[3] in group_of(courses[3]).members


def test_group_is_read_at_a_deadline() -> None:
    """A look-up comes when the first message is given up, or a quarter of its wait later."""
    agenda = Agenda[Course](EVEN)
    for name, deadline in (("a", 130.0), ("b", 131.0), ("c", FOREVER)):
        follow(agenda, name, deadline=deadline)
    agenda.finish(take(agenda, 100), 100, Answer.SHOWN, seen=set("abc"), random=0.0)
    assert agenda.next_due() == 130
    agenda.finish(take(agenda, 130), 130, Answer.SHOWN, seen=set("abc"), random=0.0)
    assert agenda.next_due() == 130 + 65 / 4


def test_last_of_a_group_given_up() -> None:
    """A group all of which is given up is over."""
    agenda, _ = agenda_of(3, deadline=10.0)
    given_up = agenda.finish(take(agenda, 10), 10, Answer.SHOWN, seen=set("012"), random=0.0)
    assert len(given_up) == 3
    assert agenda.next_due() is None
    assert not agenda.open


def test_group_waits_as_long_as_it_is_asked_to() -> None:
    """What Routee asks to wait is waited, also by those in a hurry, and never shortens a wait."""
    agenda, courses = agenda_of(3)
    group = take(agenda, 100)
    agenda.finish(group, 100, Answer.FAILED, random=0.0, retry_after=10)
    assert agenda.next_due() == 150
    take(agenda, 150)
    agenda.hasten(courses[0], 150)
    agenda.finish(group, 150, Answer.FAILED, random=0.0, retry_after=600)
    assert agenda.next_due() == 750


def test_group_does_not_wait_for_ever() -> None:
    """However long Routee asks to wait, a group is read after half an hour, and its messages are given up."""
    agenda, _ = agenda_of(3, deadline=1000.0)
    agenda.finish(take(agenda, 10), 10, Answer.FAILED, random=0.0, retry_after=1e9)
    assert (agenda.next_due() or 0) <= 10 + 1800


def test_joining_does_not_shorten_what_was_asked_for() -> None:
    """A message that joins a group which was asked to wait waits with it."""
    agenda, _ = agenda_of(3)
    agenda.finish(take(agenda, 10), 10, Answer.FAILED, random=0.0, retry_after=600)
    follow(agenda, "late", 11.0)
    assert agenda.next_due() == 610


def test_hurry_does_not_shorten_what_was_asked_for() -> None:
    """A message that is wanted at once while Routee asks to wait is read when that is over, like a group."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    group = take(agenda, 10)
    agenda.hasten(course, 10)
    agenda.finish(group, 10, Answer.FAILED, random=0.0, retry_after=600)
    assert agenda.next_due() == 610


def test_postpone_brings_nothing_forward() -> None:
    """News from elsewhere never make the next read come sooner, least of all when Routee asked to wait."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    agenda.finish(take(agenda, 10), 10, Answer.FAILED, random=0.0, retry_after=600)
    agenda.postpone(course, 11, 0.0)
    assert agenda.next_due() == 610


def test_what_was_asked_for_ends_at_the_deadline() -> None:
    """However long Routee asks to wait, a message that is read alone has its last look at its deadline."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None, deadline=100.0)
    agenda.finish(take(agenda, 10), 10, Answer.FAILED, random=0.0, retry_after=600)
    assert agenda.next_due() == 100
    assert agenda.finish(take(agenda, 100), 100, Answer.FAILED, random=0.0, retry_after=600) == [(course, GiveUp.DEADLINE)]


@pytest.mark.parametrize(
    ("answer", "now", "due"),
    [(Answer.SHOWN, 30, 45), (Answer.FAILED, 30, 45), (Answer.NOT_VISIBLE, 30, 45), (Answer.NOT_VISIBLE, 50, 60)],
)
def test_message_alone_goes_on(answer: Answer, now: float, due: float) -> None:
    """A message that is read alone is read again by its own age."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    assert agenda.finish(take(agenda, now), now, answer, random=0.0) == []
    assert agenda.next_due() == due
    assert course.shown is (answer is Answer.SHOWN)


@pytest.mark.parametrize(
    ("answer", "now", "reason"),
    [
        (Answer.NOT_VISIBLE, 60, GiveUp.NOT_FOUND),
        (Answer.REFUSED, 1, GiveUp.REFUSED),
        (Answer.SHOWN, 500, GiveUp.DEADLINE),
        (Answer.FAILED, 500, GiveUp.DEADLINE),
    ],
)
def test_message_alone_is_given_up(answer: Answer, now: float, reason: GiveUp) -> None:
    """A message that is given up is named with the reason, and open no more."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None, deadline=500.0)
    assert agenda.finish(take(agenda, now), now, answer, random=0.0) == [(course, reason)]
    assert not agenda.open
    assert agenda.next_due() is None


def test_shown_with_others_is_not_missing_alone() -> None:
    """A message that a look-up has shown is not given up for a later 404, nor is one that its own read has shown."""
    agenda, courses = agenda_of(3)
    agenda.finish(take(agenda, 100), 100, Answer.SHOWN, seen=set("012"), random=0.0)
    agenda.single_out(courses[0], 100)
    single = take(agenda, 100)
    for now in (100, 200):
        assert agenda.finish(single, now, Answer.NOT_VISIBLE, random=0.0) == []
        agenda.hasten(courses[0], now)
        assert group_of(courses[0]) in agenda.due(now, 9)


def test_message_alone_waits_as_long_as_it_is_asked_to() -> None:
    """A message that is read alone keeps to what Routee asks for, up to half an hour."""
    agenda = Agenda[Course](EVEN)
    follow(agenda, "a", lookup=None)
    agenda.finish(take(agenda, 10), 10, Answer.FAILED, random=0.0, retry_after=600)
    assert agenda.next_due() == 610
    agenda.finish(take(agenda, 610), 610, Answer.FAILED, random=0.0, retry_after=1e9)
    assert agenda.next_due() == 610 + 1800


# --- memory


def heap_of(agenda: Agenda[Course]) -> int:
    """How many entries the agenda keeps, live or not."""
    return len(agenda._heap)  # noqa: SLF001 - the promise is about memory


def test_moving_leaves_no_heap() -> None:
    """Putting one message off for ever leaves no heap of old entries, and disturbs nobody."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None)
    for number in range(1000):
        follow(agenda, str(number), lookup=None)
    for step in range(10_000):
        agenda.postpone(course, 0.5 + step / 1000, 0.0)
        assert heap_of(agenda) <= 2 * 1001 + 64
    assert names(agenda.due(500, 5)) == ["0", "1", "2", "3", "4"]


def test_moving_to_the_same_time_leaves_no_heap() -> None:
    """A message near its deadline, which is put off to the same moment by each callback, takes no memory for that."""
    agenda = Agenda[Course](EVEN)
    course = follow(agenda, "a", lookup=None, deadline=100.0)
    for _ in range(1000):
        agenda.postpone(course, 90, 0.0)
    assert heap_of(agenda) <= 2 + 64


def test_order_is_kept_when_old_entries_go() -> None:
    """However many messages are dropped, and in whatever order, those that are left come up in theirs."""
    agenda = Agenda[Course](EVEN)
    for step in range(500):
        follow(agenda, str(step * 211 % 500), float(step * 211 % 500), lookup=None)
    for step in range(500):
        if step * 37 % 500 % 5:
            agenda.drop(str(step * 37 % 500))
    assert heap_of(agenda) < 500
    assert names(agenda.due(FOREVER, 999)) == [str(number) for number in range(0, 500, 5)]


def test_groups_leave_nothing_behind() -> None:
    """When messages are final, neither their groups nor their reads are kept."""
    agenda = Agenda[Course](EVEN)
    for number in range(3000):
        follow(agenda, str(number), lookup=Lookup(By.LABEL, str(number // 3)) if number < 1500 else None)
    agenda.due(1, 500)
    for number in range(3000):
        agenda.drop(str(number))
    assert heap_of(agenda) <= 64
    assert not agenda._groups  # noqa: SLF001 - the promise is about memory
    assert not agenda.open


# --- whatever is done


NAMES = "abcdefgh"
GRACE, LIFETIME = 12.0, 40.0
POLICY = PollPolicy(not_found_grace=GRACE)
ANSWERS = [Answer.SHOWN, Answer.NOT_VISIBLE, Answer.FAILED, Answer.REFUSED, Answer.USELESS]


class World:
    """An agenda, what is open, and what is being read; each step is checked against what may come of it."""

    def __init__(self) -> None:
        self.agenda = Agenda[Course](POLICY)
        self.open: dict[str, Course] = {}
        self.reading: list[Group[Course]] = []
        self.now = 0.0

    def add(self, name: str, random: float) -> None:
        """Follow a message, with others or alone."""
        lookup = {"a": CAMPAIGN, "b": CAMPAIGN, "h": Lookup(By.TRACKING_ID, "h")}.get(name, BLOCK)
        self.open[name] = Course(name, self.now, self.now + LIFETIME * random)
        self.agenda.add(self.open[name], lookup, self.now, random=random)

    def due(self, limit: int) -> None:
        """Take what is due."""
        first = self.agenda.next_due()
        taken = self.agenda.due(self.now, limit)
        assert len(taken) <= limit
        assert bool(taken) == (first is not None and first <= self.now)
        for group in taken:
            assert group not in self.reading
            assert group.is_single or len(group.members) > group.pages
            self.reading.append(group)
        assert len(taken) == limit or self.agenda.next_due() is None or (self.agenda.next_due() or 0) > self.now

    def finish(self, answer: Answer, seen: frozenset[str], pages: int, random: float) -> None:
        """End the read that has gone on for longest."""
        group = self.reading.pop(0)
        if answer is (Answer.USELESS if group.is_single else Answer.NOT_VISIBLE):  # these do not happen
            answer = Answer.FAILED
        members = set(group.members)
        expected = {course: GiveUp.DEADLINE for course in members if self.now >= course.deadline}
        if group.is_single:
            for course in members:
                if answer is Answer.REFUSED:
                    expected[course] = GiveUp.REFUSED
                elif answer is Answer.NOT_VISIBLE and not course.shown and self.now >= course.since + GRACE:
                    expected[course] = GiveUp.NOT_FOUND
        given_up = self.agenda.finish(
            group, self.now, answer, seen=seen, random=random, pages=pages, retry_after=random * 3 if answer is Answer.FAILED else 0
        )
        assert dict(given_up) == expected
        assert len(given_up) == len(expected)
        for course, _ in given_up:
            del self.open[course.tracking_id]
        if answer in {Answer.REFUSED, Answer.USELESS}:
            assert all(cast("Group[Course]", course.group).is_single for course in members - expected.keys())

    def check(self) -> None:
        """Each open message belongs to one group, which is being read or will come up."""
        assert dict(self.agenda.open) == self.open
        groups: list[Group[Course]] = []
        for course in self.open.values():
            if group_of(course) not in groups:
                groups.append(group_of(course))
        members = [course for group in groups for course in group.members]
        assert len(members) == len(self.open)
        assert set(members) == set(self.open.values())
        assert all(group.is_reading == (group in self.reading) == (group.due is None) for group in groups)
        assert self.agenda.next_due() == min((group.due for group in groups if group.due is not None), default=None)

    def run_out(self) -> None:
        """Let every read fail from now on: nothing that is open may be forgotten."""
        for _ in range(1000):
            while self.reading:
                self.finish(Answer.FAILED, frozenset(), 1, 0.0)
            self.check()
            due = self.agenda.next_due()
            if due is None:
                break
            self.now = max(self.now, due)
            self.due(9)
        assert not self.open


STEP = st.tuples(
    st.sampled_from(["add", "add", "due", "due", "finish", "finish", "drop", "single_out", "hasten", "postpone"]),
    st.sampled_from(NAMES),
    RANDOM,
    st.sampled_from(ANSWERS),
    st.frozensets(st.sampled_from(NAMES)),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 1.0, 10.0]),
)


@given(st.lists(STEP, max_size=60))
def test_nothing_is_ever_forgotten(
    steps: list[tuple[str, str, float, Answer, frozenset[str], int, float]],
) -> None:
    """Whatever is done, each open message is being read or due, in one group, and is given up only for a reason."""
    world = World()
    for step, name, random, answer, seen, number, later in steps:
        world.now += later
        course = world.open.get(name)
        if step == "add" and course is None:
            world.add(name, random)
        elif step == "due":
            world.due(number)
        elif step == "finish" and world.reading:
            world.finish(answer, seen, number, random)
        elif step == "drop":
            world.agenda.drop(name)
            world.open.pop(name, None)
        elif step == "single_out" and course is not None:
            world.agenda.single_out(course, world.now)
            assert group_of(course).is_single
        elif step == "hasten" and course is not None:
            world.agenda.hasten(course, world.now)
        elif step == "postpone" and course is not None:
            world.agenda.postpone(course, world.now, random)
        world.check()
    world.run_out()
