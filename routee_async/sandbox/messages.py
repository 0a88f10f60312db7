"""Accepted messages, and how they look in answers. Source: routee-api.md §2.2, §2.9."""

from collections.abc import Mapping
from datetime import UTC, datetime

import attrs

from routee_async.sandbox.accounts import Application, Hook
from routee_async.sandbox.countries import network_of
from routee_async.sandbox.encoding import Analysis
from routee_async.sandbox.settings import Era
from routee_async.sandbox.timeline import Outcome, State, Timeline, state, unsent_state


def stamp(seconds: float, timespec: str = "seconds") -> str:
    """Write epoch *seconds* in ISO 8601, UTC, with `Z`; *timespec* as `datetime.isoformat` has it (§8 #11)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


@attrs.frozen
class Tag:
    """The campaign that a message belongs to.

    Attributes:
        tracking_id: Its id.
        name: Its name; None for one without.
    """

    tracking_id: str
    name: str | None


@attrs.define(kw_only=True, eq=False)
class Message:
    """One accepted message, or one that came in.

    Attributes:
        tracking_id: Its id everywhere.
        application: Who sent it.
        to: Recipient with `+`.
        sender: Sender id.
        body: Text.
        label: The caller's label.
        created: Epoch seconds of its acceptance.
        analysis: How its text was counted.
        echo: The optional wire fields that the answer repeats.
        price: Price of one part, as a wire number.
        timeline: When it moves on.
        outcomes: How each part ends.
        sms_ids: Id of each part.
        reads: Tracking reads that have shown it.
        changed: Epoch seconds of the last change of status that reading brought about.
        start: Epoch seconds from which its timeline counts: later than *created* while it has to wait for its turn.
        callback: Whom to call about it.
        campaign: The campaign that it belongs to.
        groups: Groups of the contact that it goes to.
        direction: `Outbound` or `Inbound`.
        told: The last step that callbacks have told of; -1 for none.
        unsent: True for one that found no money; then its outcomes do not matter.
    """

    tracking_id: str
    application: Application
    to: str
    sender: str
    body: str
    label: str | None
    created: float
    analysis: Analysis
    echo: Mapping[str, object]
    price: float
    timeline: Timeline
    outcomes: tuple[Outcome, ...]
    sms_ids: tuple[str, ...]
    reads: int = 0
    changed: float = 0.0
    start: float = attrs.field()
    callback: Hook | None = None
    campaign: Tag | None = None
    groups: tuple[str, ...] = ()
    direction: str = "Outbound"
    unsent: bool = False
    told: int = -1

    @start.default
    def _start(self) -> float:
        return self.created

    def step(self, now: float) -> int:
        """Tell how far it is at *now*, in epoch seconds: 0 queued, 1 sent, 2 final."""
        timeline = self.timeline
        if timeline.reads is not None:
            return timeline.step_after(self.reads)
        # The very sums that `reached` gives: at the moment at which a status is due, it is there.
        if now >= self.start + timeline.final_after:
            return 2
        return 1 if now >= self.start + timeline.sent_after else 0

    def states(self, now: float) -> list[State]:
        """Tell the state of each part at *now*, in epoch seconds."""
        return self.states_at(self.step(now))

    def states_at(self, step: int) -> list[State]:
        """Tell the state of each part at *step*."""
        if self.unsent:
            return [unsent_state(step)] * len(self.outcomes)
        return [state(outcome, step) for outcome in self.outcomes]

    def reached(self, step: int) -> float:
        """Tell when it came, or will come by the clock, to *step*, in epoch seconds."""
        if self.timeline.reads is not None:
            return max(self.changed, self.created)
        return self.start + self.timeline.offset(step) if step else self.created

    def note_read(self, now: float) -> bool:
        """Count one tracking read, and tell whether that moved it on, as it does in the mode by reads once its turn has come."""
        if self.timeline.reads is None or now < self.start:
            return False
        before = self.timeline.step_after(self.reads)
        self.reads += 1
        if self.timeline.step_after(self.reads) == before:
            return False
        self.changed = now
        return True

    def accepted(self) -> dict[str, object]:
        """Write the answer to POST /sms (§2.2)."""
        return {
            "trackingId": self.tracking_id,
            "status": "Queued",
            "createdAt": stamp(self.created, "milliseconds"),
            "from": self.sender,
            "to": self.to,
            "body": self.body,
            "bodyAnalysis": self.analysis.to_wire(),
            **self.echo,
        }

    def item(self, index: int, where: State, shape: Era = Era.TODAY) -> dict[str, object]:
        """Write the tracking item of part *index*, counted from 0, that is at *where* (§2.9)."""
        reached = self.reached(where.step)
        item: dict[str, object] = {
            "smsId": self.sms_ids[index],
            "messageId": self.tracking_id,
            "status": {"status": where.status, "date": stamp(reached)} | _reason(where, shape),
            "body": self.body,
            **self._common(index, where, reached, shape),
        }
        if self.campaign is not None and shape is Era.TODAY:
            item["campaignTrackingId"] = self.campaign.tracking_id
        return item

    def event(self, index: int, where: State, reached: float, shape: Era = Era.TODAY) -> dict[str, object]:
        """Write the callback about part *index*, counted from 0, that came to *where* at *reached*, in epoch seconds (§5.1)."""
        event: dict[str, object] = {
            "messageId": self.tracking_id,
            "status": {"name": where.status, "updatedDate": stamp(reached)} | _reason(where, shape),
            "message": self.body,
            **self._common(index, where, reached, shape),
        }
        if shape is Era.TODAY:
            event["smsId"] = self.sms_ids[index]
        if self.campaign is not None:
            event["campaignTrackingId"] = self.campaign.tracking_id
        return event

    def _common(self, index: int, where: State, reached: float, shape: Era) -> dict[str, object]:
        common: dict[str, object] = {
            "to": self.to,
            "from": self.sender,
            "groups": list(self.groups),
            **network_of(self.to if self.direction == "Outbound" else self.sender),
            "applicationName": self.application.name,
            "originatingService": "Sms",
            "latency": round(reached - self.start) if where.is_final else 0,
            "parts": len(self.outcomes),
            "price": self.price,
            "direction": self.direction,
        }
        if shape is Era.TODAY:
            common["part"] = index + 1
        if self.label is not None:
            common["label"] = self.label
        if self.campaign is not None and self.campaign.name is not None:
            common["campaignName"] = self.campaign.name
        return common


def _reason(where: State, shape: Era) -> dict[str, object]:
    if where.detail is None or shape is Era.OLD:
        return {}
    return {"reason": {"detailedStatus": where.detail, "description": where.description}}
