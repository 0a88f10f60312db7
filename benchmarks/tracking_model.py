"""Messages followed in virtual time, each way, block by block: the model behind `tracking_scale.py`.

There is no network, no event loop and no clock. Messages are accepted at a steady rate, each has a moment at which its final status
is there, drawn from `CURVES`, and four ways of following look for it. When to read, what to read together, when to read alone and
when to give up is decided by what decides for the tracker: `rounds.Agenda`, `schedule.next_poll` and `PollPolicy`, with their
defaults. `tests/test_tracking_scale.py` holds the model to the real `Tracker`.

A block of 1,296 neighbouring messages has nothing to do with the next, so one block after the other is followed from its first
message to its last status, and only counters are kept: memory does not grow with the messages.

What the model leaves out:

- Reads take no time, and there is no bound on how many go on at once. With `concurrency` reads at a time that take `s` seconds
  each, a tracker makes at most `concurrency / s` requests a second; when more than that are due it is behind, and lag grows.
- No read fails, nothing is refused, and no pace or breaker holds reads back.
- Callbacks come once, and only for final statuses; whether a lost one had further attempts makes no difference.
- Answers to sends come in the order of the input. With many sends in flight neighbours come a little apart.

The delivery curves are assumptions, not measurements of Routee.
"""

import bisect
import math
import random
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, count
from typing import NamedTuple

import attrs

from routee_async import PollPolicy, references, schedule
from routee_async.protocol import PAGE_SIZE
from routee_async.rounds import Agenda, By, Course, Group, Lookup
from routee_async.schedule import Answer, GiveUp

HOUR = 3600.0
EXPIRY = 72 * HOUR
VISIBLE_AFTER = 1.0
"""Seconds from the acceptance of a message until searches and reads show it."""
ROWS_A_MESSAGE = 1.25
"""A row is a part, and a search shows them all: as if one message in four had two parts."""
CALLBACK_DELAY = 1.0
"""Seconds from a final status to its callback: the median of a log-normal with sigma 1, so one in a hundred takes ten."""
RUN_ID = "simulate"
BLOCK = next(
    number
    for number in count(1)
    if references.block_of(references.reference_of(RUN_ID, number)) != references.block_of(references.reference_of(RUN_ID, 0))
)
"""How many neighbouring messages one search shows."""
STEP = 10.0
"""Seconds: how finely requests and open messages are counted."""
FINENESS = 100
"""Classes of lag for each power of ten: quantiles are right to about 1 %."""
LEAST_LAG = 0.001
DECADES = 9
POLICY = PollPolicy()

Draw = Callable[[random.Random], float]
"""Draws the seconds from acceptance to the final status."""


def log_normal(median: float, sigma: float) -> Draw:
    """Most near the median, some a few times as long."""
    return partial(_log_normal, math.log(median), sigma)


def log_uniform(shortest: float, longest: float) -> Draw:
    """As likely between one and two minutes as between one and two hours."""
    return partial(_log_uniform, math.log(shortest), math.log(longest))


def at(seconds: float) -> Draw:
    """Always the same."""
    return lambda _: seconds


def _log_normal(mu: float, sigma: float, dice: random.Random) -> float:
    return dice.lognormvariate(mu, sigma)


def _log_uniform(low: float, high: float, dice: random.Random) -> float:
    return math.exp(dice.uniform(low, high))


@attrs.frozen
class Curve:
    """How a share of the messages goes.

    Attributes:
        share: Of all messages.
        draw: Seconds until their final status.
        status: That status.
        why: The story.
    """

    share: float
    draw: Draw
    status: str
    why: str


CURVES = (
    Curve(0.90, log_normal(4.0, 0.8), "Delivered", "the handset is on: 4 s in the middle, nine of ten within 11 s"),
    Curve(0.06, log_uniform(30.0, 600.0), "Delivered", "out of reach for a moment: the network tries again within minutes"),
    Curve(0.02, log_uniform(300.0, 24 * HOUR), "Delivered", "switched off: delivered when it is switched on again, within a day"),
    Curve(0.015, at(EXPIRY), "Undelivered", "never on: expired when the validity period ends"),
    Curve(0.005, at(0.2), "Failed", "refused at once: no such number"),
)


class Fate(NamedTuple):
    """What becomes of a message. Seconds since the first message was accepted.

    Attributes:
        accepted_at: When it was accepted, and is followed from.
        final_at: When its final status is there.
        called_at: When the callback comes; infinite where it is lost.
    """

    accepted_at: float
    final_at: float
    called_at: float


def draw_fates(dice: random.Random, *, first: int, number: int, rate: float, loss: float) -> list[Fate]:
    """Draw what becomes of *number* messages from the one with index *first* on."""
    bounds = list(accumulate(curve.share for curve in CURVES))
    fates = []
    for index in range(first, first + number):
        chance = dice.random() * bounds[-1]
        curve = next(curve for curve, bound in zip(CURVES, bounds, strict=True) if chance < bound)
        accepted_at = index / rate
        final_at = accepted_at + curve.draw(dice)
        is_lost = dice.random() < loss
        delay = dice.lognormvariate(math.log(CALLBACK_DELAY), 1.0)
        fates.append(Fate(accepted_at, final_at, math.inf if is_lost else final_at + delay))
    return fates


class Tally:
    """What one way of following came to: counters by time and by lag.

    Attributes:
        asked: Requests in each step of time.
        opened: Messages taken on less messages done with, in each step of time.
        lags: Reported messages by lag, in classes of which `FINENESS` make a power of ten.
        never: Messages whose final status was never reported.
    """

    def __init__(self, horizon: float) -> None:
        """Prepare for *horizon* seconds."""
        steps = int(horizon / STEP) + 1
        self.asked = array("q", bytes(8 * steps))
        self.opened = array("q", bytes(8 * steps))
        self.lags = array("q", bytes(8 * (DECADES * FINENESS + 1)))
        self.never = 0

    def open(self, now: float) -> None:
        """Count a message that is followed from now on."""
        self.opened[int(now / STEP)] += 1

    def ask(self, now: float, requests: int = 1) -> None:
        """Count requests."""
        self.asked[int(now / STEP)] += requests

    def report(self, fate: Fate, now: float) -> None:
        """Count a message whose final status is known now."""
        self.opened[int(now / STEP)] -= 1
        lag = max((now - fate.final_at) / LEAST_LAG, 1.0)
        self.lags[min(int(math.log10(lag) * FINENESS), len(self.lags) - 1)] += 1

    def give_up(self, now: float) -> None:
        """Count a message that is given up without a final status."""
        self.opened[int(now / STEP)] -= 1
        self.never += 1

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return sum(self.asked)

    @property
    def requests_at_peak(self) -> float:
        """Requests a second in the busiest step."""
        return max(self.asked) / STEP

    @property
    def open_at_peak(self) -> int:
        """The most messages open at the end of a step."""
        return max(accumulate(self.opened))

    def lag(self, share: float) -> float:
        """Seconds within which *share* of the messages that were reported were reported; NaN when there are none."""
        wanted = share * sum(self.lags)
        if not wanted:
            return math.nan
        return next(longest for longest, reported in self.lags_so_far() if reported >= wanted)

    def lags_so_far(self) -> Iterator[tuple[float, int]]:
        """The upper end of each class of lag in seconds, and how many messages were reported within it."""
        for number, reported in enumerate(accumulate(self.lags), start=1):
            yield LEAST_LAG * 10 ** (number / FINENESS), reported


def follow_alone(fates: Sequence[Fate], tally: Tally, dice: random.Random) -> None:
    """Poll each message by a request of its own."""
    for fate in fates:
        now, deadline = fate.accepted_at, fate.accepted_at + POLICY.lifetime(None)
        shown = False
        tally.open(now)
        verdict: float | GiveUp = now + POLICY.interval(0.0, dice.random())
        while not isinstance(verdict, GiveUp):
            now = verdict
            tally.ask(now)
            shown = now >= fate.accepted_at + VISIBLE_AFTER
            if shown and now >= fate.final_at:
                tally.report(fate, now)
                break
            verdict = schedule.next_poll(
                POLICY,
                now,
                Answer.SHOWN if shown else Answer.NOT_VISIBLE,
                since=fate.accepted_at,
                deadline=deadline,
                shown=shown,
                random=dice.random(),
            )
        else:
            tally.give_up(now)


@attrs.define(eq=False)
class Message(Course):
    """A message on the agenda.

    Attributes:
        fate: What becomes of it.
    """

    fate: Fate

    def __hash__(self) -> int:
        """Make the order of messages in a set the same in each run: it may decide who draws which number."""
        return hash(self.fate.accepted_at)


class Block:
    """Neighbouring messages that are polled together, with an agenda of their own, and callbacks where there are any."""

    def __init__(self, tally: Tally, dice: random.Random) -> None:
        self._tally = tally
        self._random = dice.random
        self._agenda: Agenda[Message] = Agenda(POLICY)
        self._accepted: list[float] = []

    def follow(self, fates: Sequence[Fate], lookup: Lookup, *, callbacks: bool) -> None:
        """Follow the messages to their end."""
        events = [(fate.accepted_at, number) for number, fate in enumerate(fates)]
        if callbacks:
            events += [(fate.called_at, number) for number, fate in enumerate(fates) if fate.called_at < math.inf]
            events.sort()
        for moment, number in events:
            self._read_until(moment)
            fate = fates[number]
            if moment == fate.accepted_at:
                self._take_on(str(number), fate, lookup)
            elif str(number) in self._agenda.open:
                self._agenda.drop(str(number))
                self._tally.report(fate, moment)
        self._read_until(math.inf)

    def _take_on(self, tracking_id: str, fate: Fate, lookup: Lookup) -> None:
        now = fate.accepted_at
        self._tally.open(now)
        self._accepted.append(now)
        message = Message(tracking_id, now, now + POLICY.lifetime(None), fate)
        self._agenda.add(message, lookup, now, random=self._random())

    def _read_until(self, moment: float) -> None:
        while (due := self._agenda.next_due()) is not None and due <= moment:
            for group in self._agenda.due(due, 1):
                self._read(group, due)

    def _read(self, group: Group[Message], now: float) -> None:
        seen = set()
        for message in tuple(group.members):
            if now >= message.since + VISIBLE_AFTER:
                seen.add(message.tracking_id)
                if now >= message.fate.final_at:
                    self._agenda.drop(message.tracking_id)
                    self._tally.report(message.fate, now)
        if group.is_single:
            answer, pages = Answer.SHOWN if seen else Answer.NOT_VISIBLE, 1
        else:
            rows = ROWS_A_MESSAGE * bisect.bisect_right(self._accepted, now - VISIBLE_AFTER)
            answer, pages = Answer.SHOWN, max(math.ceil(rows / PAGE_SIZE), 1)
        self._tally.ask(now, pages)
        given_up = self._agenda.finish(group, now, answer, seen=seen, random=self._random(), pages=pages)
        for _ in given_up:
            self._tally.give_up(now)


def follow_together(fates: Sequence[Fate], tally: Tally, dice: random.Random, *, callbacks: bool) -> None:
    """Poll by searches, as long as that is no dearer than one by one."""
    lookup = Lookup(By.LABEL, references.block_of(references.reference_of(RUN_ID, 0)))
    Block(tally, dice).follow(fates, lookup, callbacks=callbacks)


def listen(fates: Sequence[Fate], tally: Tally, _: random.Random) -> None:
    """Ask nothing, and wait for callbacks as long as a tracker would ask."""
    for fate in fates:
        tally.open(fate.accepted_at)
        if fate.called_at < math.inf:
            tally.report(fate, fate.called_at)
        else:
            tally.give_up(fate.accepted_at + POLICY.lifetime(None))


WAYS: Mapping[str, Callable[[Sequence[Fate], Tally, random.Random], None]] = {
    "one by one": follow_alone,
    "together": partial(follow_together, callbacks=False),
    "callbacks alone": listen,
    "callbacks, together": partial(follow_together, callbacks=True),
}


def simulate(*, messages: int, rate: float, seed: int, loss: float, progress: Callable[[float], None]) -> dict[str, Tally]:
    """Follow all messages, each way.

    Args:
        messages: How many.
        rate: How many are accepted a second.
        seed: Of all dice. Each way of following meets the same fates.
        loss: Share of callbacks that never come, 0 to 1.
        progress: Is told the share that is done.

    Returns:
        Way to what it came to.
    """
    horizon = messages / rate + POLICY.lifetime(None) + POLICY.max_interval
    tallies = {name: Tally(horizon) for name in WAYS}
    for first in range(0, messages, BLOCK):
        fates = draw_fates(
            random.Random(f"{seed} {first}"),
            first=first,
            number=min(BLOCK, messages - first),
            rate=rate,
            loss=loss,
        )
        for name, follow in WAYS.items():
            follow(fates, tallies[name], random.Random(f"{seed} {first} {name}"))
        progress((first + len(fates)) / messages)
    return tallies
