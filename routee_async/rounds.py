"""Which messages are read together, and which of these reads is due next. Pure.

Reading messages one by one costs a request for each, each time. Routee can also search: messages of a batch have neighbouring
references, so that one search by the beginning of the label shows 1,296 of them, in pages of 2,000 rows; and a campaign shows its
messages in pages of its own. So the messages that are open form *groups*, each with one look-up that shows all of it:

- messages with a reference, by the beginning of their label, if they were sent within the seven days that the search sees;
- messages of a campaign, by the campaign's id;
- everything else alone, by its tracking id. So are those that the look-up of their group has failed to show twice, and those of a
  group of which so few are left that one by one is no dearer.

A group's age is not its own: its next read follows from the ages of the messages in it (`schedule.group_interval`).
"""

import heapq
import math
from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar, cast

import attrs

from routee_async import references, schedule
from routee_async.schedule import Answer, GiveUp, PollPolicy

SEARCHABLE = timedelta(days=7) - timedelta(minutes=10)
"""How far back the search sees: the latest 7 days (routee-api.md §2.11), less what a request takes to arrive."""
CLOCK_DOUBT = timedelta(days=1)
"""How wrong this machine's clock may be. The window only spares the server work; label and tracking id say what is ours."""
_MISSED = 2
"""Complete look-ups without a message after which it is looked for on its own."""
_VISIBLE = 0.25
"""Share of the grace for messages that are not found (`PollPolicy.not_found_grace`) after which a look-up should show them."""
_STALE_ALLOWED = 64
"""Heap entries that may be out of date before it pays to rebuild, on top of one for each group."""


class By(Enum):
    """How messages are looked up."""

    TRACKING_ID = auto()
    LABEL = auto()
    CAMPAIGN = auto()


class Lookup(NamedTuple):
    """What shows the messages of a group.

    Attributes:
        by: How they are looked up.
        name: A tracking id, the beginning of their labels, or the id of their campaign.
    """

    by: By
    name: str


def choose_lookup(
    tracking_id: str,
    *,
    reference: str | None,
    campaign_tracking_id: str | None,
    sent_at: datetime | None,
    now: datetime,
) -> Lookup:
    """Choose how to look a message up.

    Args:
        tracking_id: The message.
        reference: Our mark in its label, if it has one.
        campaign_tracking_id: Its campaign, if it belongs to one.
        sent_at: When it was sent; None if that is not known, which counts as lately.
        now: The wall clock.
    """
    if campaign_tracking_id:
        return Lookup(By.CAMPAIGN, campaign_tracking_id)
    if reference and is_searchable(sent_at, now):
        return Lookup(By.LABEL, references.block_of(reference))
    return Lookup(By.TRACKING_ID, tracking_id)


def is_searchable(sent_at: datetime | None, now: datetime) -> bool:
    """Tell whether the search still sees what was sent at *sent_at*, None for lately."""
    return sent_at is None or now - sent_at < SEARCHABLE


Window = tuple[datetime, datetime]
"""The earliest and the latest moment of a search."""


def window(sent_at: datetime | None, now: datetime) -> Window:
    """The time to search for messages the first of which was sent at *sent_at*; None if that is not known."""
    earliest = now - SEARCHABLE
    return (earliest if sent_at is None else max(earliest, sent_at - CLOCK_DOUBT)), now + CLOCK_DOUBT


@attrs.define(eq=False)
class Course:
    """How the following of one message goes.

    Attributes:
        tracking_id: The message.
        since: When it was first watched.
        deadline: When it is given up.
        shown: True once Routee has shown it.
        missed: How often in a row the look-up of its group was complete and did not show it.
        group: Its `Group`, the agenda's business.
    """

    tracking_id: str
    since: float
    deadline: float
    shown: bool = attrs.field(default=False, init=False)
    missed: int = attrs.field(default=0, init=False)
    group: object = attrs.field(default=None, init=False)


C = TypeVar("C", bound=Course)


@attrs.define(eq=False)
class Group(Generic[C]):
    """Messages that are read together.

    Attributes:
        lookup: What shows them.
        since: When the first of them joined.
        members: Those that are open; of a message that is read alone, just that.
        sent_at: When the first of them was sent; None if that is not known of any.
        joined: How many have ever belonged to it.
        pages: How many requests the last complete look-up took.
        due: When it is to be read next; None while it is being read, and once it is over.
        not_before: When it may be read next, because Routee asked to wait.
        is_reading: True while it is being read.
        hurry: True when it is to be read once more soon after that.
    """

    lookup: Lookup
    since: float
    members: set[C] | tuple[C, ...] = ()
    sent_at: datetime | None = None
    joined: int = 0
    pages: int = 1
    due: float | None = None
    not_before: float = -math.inf
    is_reading: bool = False
    hurry: bool = False

    @property
    def is_single(self) -> bool:
        """True when it is one message, read by its tracking id."""
        return self.lookup.by is By.TRACKING_ID

    def join(self, course: C) -> None:
        """Take a message in."""
        course.group = self
        self.joined += 1
        if isinstance(self.members, set):
            self.members.add(course)
        else:  # a set takes four times the memory, and most that are read alone stay alone
            self.members = (course,) if self.is_single else {course}

    def leave(self, course: C) -> None:
        """Let a message go."""
        if isinstance(self.members, set):
            self.members.discard(course)
        else:
            self.members = ()


class Agenda(Generic[C]):
    """The messages that are open, and the reads that are to be made, in order.

    A heap of due times with lazy deletion: adding and moving cost O(log n), finishing the read of a group is linear in its open
    messages. It has no clock: each method that needs the time takes it.
    """

    def __init__(self, policy: PollPolicy) -> None:
        self._policy = policy
        self._open: dict[str, C] = {}
        self._groups: dict[Lookup, Group[C]] = {}
        self._heap: list[tuple[float, int, Group[C]]] = []
        self._serial = 0

    @property
    def open(self) -> Mapping[str, C]:
        """The messages, by tracking id."""
        return self._open

    def add(self, course: C, lookup: Lookup, now: float, *, sent_at: datetime | None = None, random: float) -> None:
        """Begin to follow a message that is not open yet. It is first read after `first_delay` or a little more.

        Args:
            course: The message.
            lookup: What shows it.
            now: The present.
            sent_at: When it was sent, as far as known.
            random: A number in [0, 1).
        """
        self._open[course.tracking_id] = course
        group = self._join(course, lookup, now)
        if sent_at is not None:
            group.sent_at = sent_at if group.sent_at is None else min(group.sent_at, sent_at)
        if not group.is_reading:
            wait = self._interval(group, now, youngest=0.0, oldest=now - group.since, random=random)
            self._hasten(group, min(now + wait, max(course.deadline, now)))

    def due(self, now: float, limit: int) -> list[Group[C]]:
        """Take the groups to be read now, the longest overdue first, at most *limit*.

        What is taken comes up again only after `finish()`.
        """
        taken: list[Group[C]] = []
        while len(taken) < limit and (first := self.next_due()) is not None and first <= now:
            group = heapq.heappop(self._heap)[-1]
            if len(group.members) <= group.pages and not group.is_single:
                for course in tuple(group.members):
                    self.single_out(course, now)
                continue
            group.due, group.is_reading = None, True
            taken.append(group)
        return taken

    def next_due(self) -> float | None:
        """Return when the next read is due, which may be in the past; None when there is none."""
        while self._heap and self._heap[0][0] != self._heap[0][-1].due:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def finish(
        self,
        group: Group[C],
        now: float,
        answer: Answer,
        *,
        seen: Container[str] = (),
        random: float,
        pages: int = 1,
        retry_after: float = 0.0,
    ) -> list[tuple[C, GiveUp]]:
        """Say what the read of a group came to, and set its next; to be called once all that it showed has been taken in.

        Args:
            group: What was taken from `due()`.
            now: The present.
            answer: What it came to; `SHOWN` for a look-up that was complete.
            seen: Tracking ids of the messages that a look-up of many showed, whether complete or not.
            random: A number in [0, 1).
            pages: How many requests it took.
            retry_after: Seconds that Routee asked to wait.

        Returns:
            The messages that are to be given up, and why. They are not open any more.
        """
        # What was settled by what the read showed has left the group before.
        hurry, group.is_reading, group.hurry = group.hurry, False, False
        if group.is_single:
            return self._finish_single(group, now, answer, hurry=hurry, random=random, retry_after=retry_after)
        if answer is Answer.SHOWN:
            group.pages = pages
        self._mark(group, now, answer, seen)
        given_up = [(course, GiveUp.DEADLINE) for course in group.members if now >= course.deadline]
        for course, _ in given_up:
            self.drop(course.tracking_id)
        is_over = answer in {Answer.REFUSED, Answer.USELESS}
        for course in tuple(group.members):
            if is_over or course.missed >= _MISSED:
                self.single_out(course, now)
        if group.members:
            ages = [now - course.since for course in group.members]
            wait = self._interval(group, now, youngest=min(ages), oldest=max(ages), random=random)
            due = schedule.bounded_by_deadline(now, wait, min(course.deadline for course in group.members))
            group.not_before = now + schedule.asked_for(retry_after)
            self._put(group, min(due, now + self._policy.first_delay) if hurry else due)
        return given_up

    def single_out(self, course: C, now: float) -> None:
        """Read a message alone from now on, and first of all at once."""
        if not self._group_of(course).is_single:
            self._leave(course)
            self._join(course, Lookup(By.TRACKING_ID, course.tracking_id), now)
        self.hasten(course, now)

    def hasten(self, course: C, now: float) -> None:
        """Read a message at once if it is read alone, otherwise in so short a while that others in a hurry can join."""
        group = self._group_of(course)
        if group.is_reading:
            group.hurry = True
        else:
            self._hasten(group, now if group.is_single else now + self._policy.first_delay)

    def postpone(self, course: C, now: float, random: float) -> None:
        """Put off the next read of a message that is read alone, unless it is due: there are news of it from elsewhere."""
        group = self._group_of(course)
        if group.is_single and group.due is not None and group.due > now:
            self._put(group, max(group.due, min(now + self._policy.interval(now - course.since, random), course.deadline)))

    def drop(self, tracking_id: str) -> None:
        """Forget a message; one that is not open is fine."""
        course = self._open.pop(tracking_id, None)
        if course is not None:
            self._leave(course)

    def _finish_single(
        self,
        group: Group[C],
        now: float,
        answer: Answer,
        *,
        hurry: bool,
        random: float,
        retry_after: float,
    ) -> list[tuple[C, GiveUp]]:
        given_up = []
        for course in group.members:  # one, or none when it was dropped meanwhile
            course.shown = course.shown or answer is Answer.SHOWN
            verdict = schedule.next_poll(
                self._policy,
                now,
                answer,
                since=course.since,
                deadline=course.deadline,
                shown=course.shown,
                random=random,
                retry_after=retry_after,
            )
            if isinstance(verdict, GiveUp):
                self.drop(course.tracking_id)
                given_up.append((course, verdict))
            else:
                group.not_before = min(now + schedule.asked_for(retry_after), course.deadline)
                self._put(group, now if hurry else verdict)
        return given_up

    def _mark(self, group: Group[C], now: float, answer: Answer, seen: Container[str]) -> None:
        """Note which messages a look-up has shown, and which it should have."""
        visible_since = now - self._policy.not_found_grace * _VISIBLE
        for course in group.members:
            if course.tracking_id in seen:
                course.shown, course.missed = True, 0
            elif answer is Answer.SHOWN and course.since <= visible_since:
                course.missed += 1

    def _interval(self, group: Group[C], now: float, *, youngest: float, oldest: float, random: float) -> float:
        if group.is_single:
            return self._policy.interval(youngest, random)
        return schedule.group_interval(
            self._policy,
            youngest=youngest,
            oldest=oldest,
            joined=group.joined,
            joined_within=now - group.since,
            random=random,
        )

    def _group_of(self, course: C) -> Group[C]:
        return cast("Group[C]", course.group)

    def _join(self, course: C, lookup: Lookup, now: float) -> Group[C]:
        group = self._groups.get(lookup)
        if group is None:
            group = self._groups[lookup] = Group(lookup, now)
        group.join(course)
        return group

    def _leave(self, course: C) -> None:
        group = self._group_of(course)
        group.leave(course)
        if not group.members:
            del self._groups[group.lookup]
            group.due = None
            self._tidy()

    def _hasten(self, group: Group[C], due: float) -> None:
        if group.due is None or due < group.due:
            self._put(group, due)

    def _put(self, group: Group[C], due: float) -> None:
        due = max(due, group.not_before)
        if due == group.due:
            return
        group.due = due
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, group))
        self._tidy()

    def _tidy(self) -> None:
        if len(self._heap) > 2 * len(self._groups) + _STALE_ALLOWED:
            self._heap = [entry for entry in self._heap if entry[0] == entry[-1].due]
            heapq.heapify(self._heap)
