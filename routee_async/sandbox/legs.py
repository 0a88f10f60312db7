"""The steps of a flow that have had their turn: a text on its way, or a Viber message or call as it would fare.

Source: routee-api.md §2.17; the keys of each kind are those of docs.routee.net/docs/failover-callbacks. Viber and calls are no part
of this sandbox: what becomes of them follows the same scripts, numbers and timeline as a text, under the names of their statuses.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from routee_async.sandbox.accounts import Application, new_uuid
from routee_async.sandbox.answers import routee
from routee_async.sandbox.checks import shorten
from routee_async.sandbox.countries import country_of
from routee_async.sandbox.desk import Desk
from routee_async.sandbox.failover_orders import Channel, Step
from routee_async.sandbox.messages import Message, stamp
from routee_async.sandbox.orders import Order
from routee_async.sandbox.timeline import DESCRIPTIONS, Magic, Outcome, State, Timeline, rolled_up, state

SERVICE: Final = "Failover"
GOOD: Final = frozenset({"Delivered", "Completed"})
"""Final statuses with which a flow has succeeded, unless they are to trigger the next step."""


@attrs.frozen
class Verdict:
    """How a step has ended.

    Attributes:
        status: Name of the status.
        when: Epoch seconds.
    """

    status: str
    when: float


@attrs.define(kw_only=True, eq=False)
class TextLeg:
    """A step by SMS.

    Attributes:
        step: What was asked for.
        message: The text at the desk.
        desk: Where it is read.
    """

    step: Step
    message: Message
    desk: Desk

    @property
    def price(self) -> Decimal:
        """What it cost, all parts together."""
        return Decimal(str(self.message.price)) * len(self.message.outcomes)

    @property
    def moments(self) -> tuple[float, ...]:
        """Epoch seconds at which something changes by the clock."""
        return _moments(self.message.timeline, self.message.start, self.step.ttl)

    def status(self, now: float) -> str:
        """Name its status at *now*, in epoch seconds."""
        verdict = self.verdict(now)
        return rolled_up(self.message.states(now)).status if verdict is None else verdict.status

    def verdict(self, now: float) -> Verdict | None:
        """Tell how it ended; None while it has not."""
        where = rolled_up(self.message.states(now))
        if where.is_final:
            return Verdict(where.status, self.message.reached(where.step))
        return _late("Undelivered", self.message.created, self.step.ttl, now)

    def note_read(self, now: float) -> None:
        """Count one read."""
        self.desk.note_reads((self.message,), now)

    def to_wire(self, now: float) -> list[dict[str, object]]:
        """Write one object for each part."""
        return [self._part(index, where, now) for index, where in enumerate(self.message.states(now))]

    def _part(self, index: int, where: State, now: float) -> dict[str, object]:
        message, verdict = self.message, self.verdict(now)
        event = message.event(index, where, message.reached(where.step))
        names = ("smsId", "to", "from", "country", "operator", "status", "part", "parts", "latency", "price", "label")
        wire = _frame(self.step, message.tracking_id, message.created) | {name: event[name] for name in names if name in event}
        if verdict is not None and not where.is_final:
            wire["status"] = _status(verdict.status, verdict.when, Outcome.EXPIRED)
        return wire | {"messageId": message.tracking_id, "body": message.body}


@attrs.define(kw_only=True, eq=False)
class OtherLeg:
    """A step by Viber or by voice.

    Attributes:
        step: What was asked for.
        id: Its tracking id.
        created: Epoch seconds.
        price: What it cost.
        timeline: When it moves on.
        outcome: How it ends.
        reads: Reads that have shown it.
        changed: Epoch seconds of the last read.
    """

    step: Step
    id: str
    created: float
    price: Decimal
    timeline: Timeline
    outcome: Outcome
    reads: int = 0
    changed: float = 0.0

    @property
    def moments(self) -> tuple[float, ...]:
        """Epoch seconds at which something changes by the clock."""
        return _moments(self.timeline, self.created, self.step.ttl)

    def status(self, now: float) -> str:
        """Name its status at *now*, in epoch seconds."""
        verdict = self.verdict(now)
        return self._where(now).status if verdict is None else verdict.status

    def verdict(self, now: float) -> Verdict | None:
        """Tell how it ended; None while it has not."""
        where = self._where(now)
        if not where.is_final:
            return _late(_EXPIRED[self.step.channel], self.created, self.step.ttl, now)
        names = _NAMES[self.step.channel]
        return Verdict(names.get(self.outcome, names[Outcome.UNDELIVERED]), self._reached(where))

    def note_read(self, now: float) -> None:
        """Count one read."""
        self.reads, self.changed = self.reads + 1, now

    def to_wire(self, now: float) -> list[dict[str, object]]:
        """Write its one object."""
        verdict, where = self.verdict(now), self._where(now)
        name, when = (where.status, self._reached(where)) if verdict is None else (verdict.status, verdict.when)
        outcome = self.outcome if where.is_final else Outcome.EXPIRED
        country = country_of(self.step.to)
        wire = _frame(self.step, self.id, self.created) | {
            "to": self.step.to,
            "from": self.step.sender,
            "status": _status(name, when, None if verdict is None else outcome),
            "price": float(self.price),
        }
        if country is not None:
            wire["country"] = country
        kept = ("message", "label", "inboundUrl", "expireOnDelivery") if self.step.channel is Channel.VIBER else ("dialPlan",)
        return [wire | {"body" if kind == "message" else kind: self.step.echo[kind] for kind in kept if kind in self.step.echo}]

    def _where(self, now: float) -> State:
        if self.timeline.reads is not None:
            return state(self.outcome, self.timeline.step_after(self.reads))
        return state(self.outcome, sum(now >= self.created + self.timeline.offset(step) for step in (1, 2)))

    def _reached(self, where: State) -> float:
        if self.timeline.reads is not None:
            return max(self.changed, self.created)
        return self.created + self.timeline.offset(where.step)


Leg = TextLeg | OtherLeg

_VIBER: Final = {
    Outcome.DELIVERED: "Delivered",
    Outcome.UNDELIVERED: "Undelivered",
    Outcome.FAILED: "Failed",
    Outcome.EXPIRED: "Expired",
}
_VOICE: Final = {
    Outcome.DELIVERED: "Completed",
    Outcome.UNDELIVERED: "NoAnswer",
    Outcome.FAILED: "Failed",
    Outcome.CALL_BARRED: "Busy",
}
_NAMES: Final[Mapping[Channel, Mapping[Outcome, str]]] = MappingProxyType({Channel.VIBER: _VIBER, Channel.VOICE: _VOICE})
"""Final statuses by outcome; all other outcomes are named as `UNDELIVERED` is."""
_EXPIRED: Final = MappingProxyType({Channel.VIBER: "Expired", Channel.VOICE: "NoAnswer"})


def begin(desk: Desk, application: Application, step: Step, when: float) -> Leg:
    """Give a step its turn.

    Raises:
        Refusal: 400001009.
    """
    if step.channel is Channel.SMS:
        body, shortened = shorten(step.body, step.shortener)
        order = Order(
            to=step.to,
            sender=step.sender,
            body=body,
            label=step.label,
            ttl=math.ceil(step.ttl),
            transcode=step.transcode,
            echo=shortened,
        )
        return TextLeg(step=step, message=desk.accept(application, order, when, service=SERVICE), desk=desk)
    account = application.account
    price = account.tariff.viber if step.channel is Channel.VIBER else account.tariff.mobile
    if step.to == Magic.NO_BALANCE:
        raise routee(400, "400001009", "Insufficient Balance")
    account.pay(price)
    timeline, outcomes = desk.fates.choose(account, step.to, step.label, None, 1)
    return OtherLeg(step=step, id=new_uuid(desk.rng), created=when, price=price, timeline=timeline, outcome=outcomes[0])


def _late(status: str, created: float, ttl: float, now: float) -> Verdict | None:
    deadline = created + 60 * ttl
    return Verdict(status, deadline) if now >= deadline else None


def _moments(timeline: Timeline, start: float, ttl: float) -> tuple[float, ...]:
    deadline = start + 60 * ttl
    if timeline.reads is not None:
        return (deadline,)
    return tuple(sorted({min(start + timeline.offset(step), deadline) for step in (1, 2)} | {deadline}))


def _frame(step: Step, tracking_id: str, created: float) -> dict[str, object]:
    """Write what every kind of step has."""
    return {
        "type": step.channel.value,
        "trackingId": tracking_id,
        "order": step.order,
        "ttl": step.ttl,
        "failoverOnStatuses": list(step.triggers),
        "createdAt": stamp(created, "milliseconds"),
    }


def _status(name: str, when: float, outcome: Outcome | None) -> dict[str, object]:
    status: dict[str, object] = {"name": name, "updatedDate": stamp(when)}
    if outcome is not None:
        status["reason"] = {"detailedStatus": outcome.value, "description": DESCRIPTIONS[outcome]}
    return status
