"""Flows of messages that stand in for one another: the next step has its turn when the one before did not arrive.

Source: routee-api.md §2.17; docs.routee.net/docs/failover-statuses and failover-callbacks.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import attrs

from routee_async.sandbox.accounts import Application, new_uuid
from routee_async.sandbox.answers import Refusal, not_found
from routee_async.sandbox.callbacks import CallbackKind
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.failover_orders import ON_STEP, FlowOrder, read_flow
from routee_async.sandbox.legs import GOOD, SERVICE, Leg, begin
from routee_async.sandbox.listing import Fields, page, read_filters, read_range
from routee_async.sandbox.messages import stamp

# Failover has no module of its own in the list (§3.1): this code is a guess within that of texts.
_NOT_FOUND: Final = "404005000"
SUCCEEDED, FAILED = "Succeeded", "Failed"


class Reason(IntEnum):
    """Why a flow failed: `statusCode`."""

    SERVER_ERROR = 0
    NO_BALANCE = 1
    NO_NEXT_STEP = 2
    NOT_TRIGGERED = 3


@attrs.define(kw_only=True, eq=False)
class Flow:
    """One flow.

    Attributes:
        id: Its tracking id.
        application: Who sent it.
        order: What was asked for.
        created: Epoch seconds.
        updated: Epoch seconds of the last change.
        legs: The steps that have had their turn.
        ended: `Succeeded` or `Failed`; None while it goes on.
        reason: Why it failed; None if it did not.
        told: The statuses that callbacks have told of, or that there was no need to tell.
    """

    id: str
    application: Application
    order: FlowOrder
    created: float
    updated: float
    legs: list[Leg] = attrs.Factory(list)
    ended: str | None = None
    reason: Reason | None = None
    told: tuple[str, ...] = ()

    def statuses(self, now: float) -> tuple[str, ...]:
        """Name its status and those of its steps at *now*, in epoch seconds."""
        return (self.status(now), *(leg.status(now) for leg in self.legs))

    def status(self, now: float) -> str:
        """Name its status at *now*, in epoch seconds."""
        if self.ended is not None:
            return self.ended
        return "Queued" if len(self.legs) == 1 and self.legs[0].status(now) == "Queued" else "InProgress"

    @property
    def channel(self) -> str | None:
        """The channel that ended it; None while it goes on."""
        return None if self.ended is None else self.legs[-1].step.channel.value

    def accepted(self) -> dict[str, object]:
        """Write the answer to POST /failover: the id and what was asked for."""
        wire: dict[str, object] = {"trackingId": self.id, "flow": [step.echo for step in self.order.steps]}
        hook = self.order.callback
        return wire if hook is None else wire | {"callback": {"url": hook.url, "strategy": hook.strategy}}

    def to_wire(self, now: float) -> dict[str, object]:
        """Write the tracking object, which is also what callbacks tell."""
        wire: dict[str, object] = {
            "trackingId": self.id,
            "applicationId": self.application.id,
            "originatingService": SERVICE,
            "status": self.status(now),
            "statusCode": None if self.reason is None else self.reason.value,
            "totalPrice": float(sum(leg.price for leg in self.legs)),
            "createdAt": stamp(self.created, "milliseconds"),
            "updatedAt": stamp(self.updated, "milliseconds"),
            "messages": [message for leg in self.legs for message in leg.to_wire(now)],
        }
        return wire if self.channel is None else wire | {"terminationChannel": self.channel}


class Failover:
    """All flows, by id.

    Args:
        carrier: Whose desk sends the texts, and whose agenda gives steps their turn.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._by_id: dict[str, Flow] = {}

    def start(self, application: Application, payload: object) -> dict[str, object]:
        """Start a flow: POST /failover. Its first step has its turn at once.

        Raises:
            Refusal: 400000000, 400005000, 400001009.
        """
        order, now = read_flow(payload), self._carrier.now()
        flow = Flow(id=new_uuid(self._carrier.rng), application=application, order=order, created=now, updated=now)
        self._next_step(flow, now)
        self._by_id[flow.id] = flow
        flow.told = flow.statuses(now)
        return flow.accepted()

    def fetch(self, application: Application, tracking_id: str) -> dict[str, object]:
        """Show a flow, which counts as one read of its running step: GET /failover/tracking/{trackingId}.

        Raises:
            Refusal: 404005000.
        """
        flow = self._by_id.get(tracking_id)
        if flow is None or flow.application.account is not application.account:
            raise not_found(_NOT_FOUND, "failover", "trackingId", tracking_id)
        return self._show(flow)

    def search(self, application: Application, query: Mapping[str, str], payload: object) -> dict[str, object]:
        """Show a page of flows that meet all filters, case aside: POST /failover/tracking.

        Raises:
            Refusal: 400000000.
        """
        now, account = self._carrier.now(), application.account
        fields = _fields(now)
        meets, window = read_filters(payload, fields, fold=True), read_range(query)
        mine = (flow for flow in self._by_id.values() if flow.application.account is account)
        found = [flow for flow in mine if window.start <= flow.created <= window.end and meets(flow)]
        return page(found, query, self._show, fields=fields, default=10)

    def _show(self, flow: Flow) -> dict[str, object]:
        now = self._carrier.now()
        self._settle(flow, now)
        wire = flow.to_wire(now)
        if flow.ended is None:
            flow.legs[-1].note_read(now)
            self._settle(flow, now)
        return wire

    def _settle(self, flow: Flow, now: float) -> None:
        """Draw the conclusions of what has happened by *now*, in epoch seconds."""
        while flow.ended is None and (verdict := flow.legs[-1].verdict(now)) is not None:
            step = flow.legs[-1].step
            if step.is_triggered_by(verdict.status):
                self._stand_in(flow, verdict.when)
            elif verdict.status in GOOD:
                self._end(flow, SUCCEEDED, None, verdict.when)
            else:
                self._end(flow, FAILED, Reason.NOT_TRIGGERED, verdict.when)
        self._tell(flow, now)

    def _tell(self, flow: Flow, now: float) -> None:
        """Call back, if there is news: `OnStep` of every change of status, `OnCompletion` of the end."""
        hook, statuses = flow.order.callback, flow.statuses(now)
        if statuses == flow.told:
            return
        flow.told = statuses
        if hook is not None and (hook.strategy == ON_STEP or flow.ended is not None):
            callbacks = self._carrier.callbacks
            callbacks.emit(
                CallbackKind.FAILOVER, hook.url, flow.to_wire(now), flow.id, now, line=flow.id, last=flow.ended is not None
            )

    def _stand_in(self, flow: Flow, when: float) -> None:
        if len(flow.legs) == len(flow.order.steps):
            self._end(flow, FAILED, Reason.NO_NEXT_STEP, when)
            return
        try:
            self._next_step(flow, when)
        except Refusal:
            self._end(flow, FAILED, Reason.NO_BALANCE, when)

    def _next_step(self, flow: Flow, when: float) -> None:
        leg = begin(self._carrier.desk, flow.application, flow.order.steps[len(flow.legs)], when)
        flow.legs.append(leg)
        flow.updated = when
        for moment in leg.moments:
            self._carrier.agenda.add(moment, lambda due: self._settle(flow, due))

    @staticmethod
    def _end(flow: Flow, status: str, reason: Reason | None, when: float) -> None:
        flow.ended, flow.reason, flow.updated = status, reason, when


def _fields(now: float) -> Fields[Flow]:
    return {
        "type": lambda flow: tuple(step.channel.value for step in flow.order.steps),
        "to": lambda flow: tuple(dict.fromkeys(step.to for step in flow.order.steps)),
        "status": lambda flow: (flow.status(now),),
        "terminationChannel": lambda flow: () if flow.channel is None else (flow.channel,),
    }
