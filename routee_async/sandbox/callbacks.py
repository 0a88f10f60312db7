"""Callbacks as data: what is to be told, to whom, when, how often it was tried, and what came of it. `dispatcher.py` posts them.

Source: routee-api.md §5.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import attrs

from routee_async.sandbox.accounts import Hook, Rng
from routee_async.sandbox.agenda import Agenda
from routee_async.sandbox.messages import Message
from routee_async.sandbox.settings import Settings
from routee_async.sandbox.timeline import STEPS

ON_COMPLETION: Final = "OnCompletion"
_OK: Final = 200


class CallbackKind(StrEnum):
    """What a callback tells of."""

    MESSAGE = "message"
    """A part of a message came to a status (§5.1)."""
    CAMPAIGN = "campaign"
    """A campaign moved on (§5.2)."""
    INBOUND = "inbound"
    """A message came in (§5.3)."""


class CallbackState(StrEnum):
    """What has become of a callback."""

    WAITING = "waiting"
    """It is still to be posted, for the first time or again."""
    DELIVERED = "delivered"
    """It was answered with 200."""
    FAILED = "not delivered"
    """It was posted as often as settings say, and never answered with 200."""
    NOT_LOOPBACK = "not delivered: not loopback"
    """It was to go to another machine, which is not allowed."""
    DROPPED = "dropped"
    """It was lost on purpose."""


@attrs.frozen
class Attempt:
    """One POST of a callback.

    Attributes:
        at: Epoch seconds, by the clock of the carrier.
        status: HTTP status of the answer; None when there was none.
        error: Why there was no answer; empty when there was one.
    """

    at: float
    status: int | None
    error: str = ""


@attrs.define(kw_only=True, eq=False)
class CallbackRecord:
    """One callback, on its way or done.

    Attributes:
        kind: What it tells of.
        url: Where to.
        payload: The JSON object.
        subject: Tracking id of what it tells of; callbacks of one subject are posted one after another.
        due: Epoch seconds at which it was to be posted first.
        is_copy: True for one that repeats another on purpose.
        state: What has become of it.
        attempts: What was tried.
    """

    kind: CallbackKind
    url: str
    payload: Mapping[str, object]
    subject: str
    due: float
    is_copy: bool = False
    state: CallbackState = CallbackState.WAITING
    attempts: list[Attempt] = attrs.Factory(list)


def is_loopback(url: str) -> bool:
    """Tell whether *url* leads to this machine: its host is `localhost` or a literal loopback address."""
    host = host_of(url)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """Tell the host of *url* in lower case; empty when it has none, or is no address at all."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class Callbacks:
    """All callbacks.

    Args:
        agenda: Where what is to come is put down.
        settings: Choices.
        rng: Dice for disorder; not used without it.

    Attributes:
        log: All callbacks in the order in which they came due.
        ready: Those that are to be posted now.
        on_ready: Called when there is one.
    """

    def __init__(self, agenda: Agenda, settings: Settings, rng: Rng) -> None:
        self._agenda = agenda
        self._settings = settings
        self._rng = rng
        self._held: dict[str, CallbackRecord] = {}
        self.log: list[CallbackRecord] = []
        self.ready: deque[CallbackRecord] = deque()
        self.on_ready: Callable[[], None] | None = None

    def follow(self, message: Message, now: float) -> None:
        """Tell about *message*, which has a callback, from now on."""
        self.tell(message, message.step(now), now)
        if message.timeline.reads is None:
            self._plan(message)

    def tell(self, message: Message, step: int, now: float) -> None:
        """Tell what parts of *message* came to, up to *step*, as far as it was not told before.

        Args:
            message: The message.
            step: 0 to 2.
            now: Epoch seconds.
        """
        hook = message.callback
        for reached in range(message.told + 1, step + 1):
            message.told = reached
            moment = message.reached(reached)
            for index, where in enumerate(message.states_at(reached)):
                if hook is None or where.step != reached or not self._wants(hook, reached, is_final=where.is_final):
                    continue
                payload = message.event(index, where, moment, self._settings.shape)
                is_last = where.is_final or message.states_at(STEPS - 1)[index] == where
                self.emit(
                    CallbackKind.MESSAGE, hook.url, payload, message.tracking_id, now, line=message.sms_ids[index], last=is_last
                )

    def emit(
        self,
        kind: CallbackKind,
        url: str,
        payload: Mapping[str, object],
        subject: str,
        now: float,
        *,
        line: str = "",
        last: bool = True,
    ) -> None:
        """Let a callback be posted, with such disorder as settings ask for.

        Args:
            kind: What it tells of.
            url: Where to.
            payload: The JSON object.
            subject: Tracking id of what it tells of.
            now: Epoch seconds.
            line: What it may change places within: the id of a part, or of a campaign.
            last: Nothing more will come on that line, so that it has nothing to change places with.
        """
        record = CallbackRecord(kind=kind, url=url, payload=payload, subject=subject, due=now)
        disorder = self._settings.disorder
        held = self._held.pop(line, None)
        if self._happens(disorder.drop):
            record.state = CallbackState.DROPPED
            self.log.append(record)
        elif not last and held is None and self._happens(disorder.reorder):
            self._held[line] = record
        else:
            late = self._rng.random() * disorder.delay_by if self._happens(disorder.delay) else 0.0
            self._release(record, now + late)
            if self._happens(disorder.duplicate):
                self._release(attrs.evolve(record, is_copy=True, attempts=[]), now + late)
        if held is not None:
            self._release(held, now)

    def note(self, record: CallbackRecord, attempt: Attempt) -> None:
        """Put down what an attempt came to, and plan the next one if there is to be one.

        The pauses of the schedule are counted from the first attempt (§5.0).
        """
        record.attempts.append(attempt)
        tries = len(record.attempts)
        if attempt.status == _OK:
            record.state = CallbackState.DELIVERED
        elif tries > len(self._settings.callback_retries):
            record.state = CallbackState.FAILED
        else:
            due = record.attempts[0].at + self._settings.callback_retries[tries - 1]
            self._agenda.add(max(due, attempt.at), lambda _: self.put_back(record))

    def put_back(self, record: CallbackRecord) -> None:
        """Let a callback that is in the log be posted now."""
        self.ready.append(record)
        if self.on_ready is not None:
            self.on_ready()

    def may_post(self, record: CallbackRecord) -> bool:
        """Tell whether a callback may be posted; if not, that is put down (§5.0 says nothing of it: this is for safety)."""
        if is_loopback(record.url) or host_of(record.url) in self._settings.callback_hosts:
            return True
        record.state = CallbackState.NOT_LOOPBACK
        return False

    def clear(self) -> None:
        """Forget all."""
        self.log.clear()
        self.ready.clear()
        self._held.clear()

    def _wants(self, hook: Hook, step: int, *, is_final: bool) -> bool:
        if hook.strategy == ON_COMPLETION:
            return is_final
        return step > 0 or self._settings.queued_callback

    def _plan(self, message: Message) -> None:
        step = message.told + 1
        if step == STEPS:
            return

        def come(due: float) -> None:
            # It may have come further by other means, when its campaign failed for instance.
            if message.told < step:
                self.tell(message, step, due)
                self._plan(message)

        self._agenda.add(message.reached(step), come)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._rng.random() < chance

    def _release(self, record: CallbackRecord, due: float) -> None:
        def go(moment: float) -> None:
            record.due = moment
            self.log.append(record)
            self.put_back(record)

        # What is due is put down in the agenda as well, so that one order goes for all.
        self._agenda.add(due, go)
