"""One campaign, and how it looks in answers and callbacks. Source: routee-api.md §2.4, §4.4, §5.2."""

from collections import Counter
from decimal import Decimal
from typing import Final

import attrs

from routee_async.sandbox.accounts import Application, Hook
from routee_async.sandbox.audience import Audience
from routee_async.sandbox.campaign_orders import CampaignOrder
from routee_async.sandbox.encoding import Analysis
from routee_async.sandbox.messages import Message, stamp
from routee_async.sandbox.settings import Era
from routee_async.sandbox.timeline import rolled_up

STATUSES: Final = ("Queued", "Sent", "Unsent", "Failed", "Delivered", "Undelivered")
"""Counters of a campaign."""


@attrs.define(kw_only=True, eq=False)
class Campaign:
    """One campaign.

    Attributes:
        tracking_id: Its id, which is no message id.
        application: Whose it is.
        created: Epoch seconds.
        order: What was asked for last.
        audience: Who gets it.
        analysis: How its text was counted, placeholders and all.
        launched: Epoch seconds at which it went out; None while it is scheduled.
        failed: Epoch seconds at which it failed; None if it did not.
        messages: Its messages, once it has gone out.
        cost: What they have cost.
        told: State and counters that the last callback about it told of; None when there was none.
    """

    tracking_id: str
    application: Application
    created: float
    order: CampaignOrder
    audience: Audience
    analysis: Analysis
    launched: float | None = None
    failed: float | None = None
    messages: list[Message] = attrs.Factory(list)
    cost: Decimal = Decimal(0)
    told: tuple[str, Counter[str]] | None = None

    @property
    def hook(self) -> Hook | None:
        """Whom to call about it."""
        return self.order.campaign_callback or self.application.campaign_callback

    def counts(self, now: float) -> Counter[str]:
        """Count messages by status."""
        return Counter(rolled_up(message.states(now)).status for message in self.messages)

    def state(self, counts: Counter[str]) -> str:
        """Name the state that goes with *counts* (§4.4)."""
        if self.failed is not None:
            return "Failed"
        if self.launched is None:
            return "Scheduled"
        if counts["Queued"] == len(self.messages):
            return "Queued"
        if counts["Queued"]:
            return "Running"
        return "Sent" if counts["Sent"] else "Finished"

    def ended(self, now: float) -> float:
        """Tell when its last message became final, given that all are."""
        return max(message.reached(where.step) for message in self.messages for where in message.states(now))

    def to_wire(self, now: float, shape: Era = Era.TODAY) -> dict[str, object]:
        """Write the campaign object (§2.4)."""
        counts = self.counts(now)
        state = self.state(counts)
        names = [name for name in STATUSES if shape is Era.TODAY or name != "Unsent"]
        wire: dict[str, object] = {
            "trackingId": self.tracking_id,
            "type": "Sms",
            "state": state,
            "createdAt": stamp(self.created, "milliseconds"),
            "from": self.order.sender,
            "body": self.order.body,
            "smsAnalysis": self.audience.to_wire(self.analysis),
            "statuses": {name: counts[name] for name in names},
            "cost": float(self.cost),
            "totalMessages": len(self.audience.recipients),
            **self.order.echo,
        }
        for name, value in (("to", self.order.to), ("contacts", self.order.contacts), ("groups", self.order.groups)):
            if value is not None:
                wire[name] = list(value)
        if self.order.scheduled is not None:
            wire["scheduledDate"] = stamp(self.order.scheduled)
        if state in {"Finished", "Failed"}:
            wire["endedAt"] = stamp(self.ended(now) if self.failed is None else self.failed)
        return wire

    def event(self, state: str, counts: Counter[str], hook: Hook) -> dict[str, object]:
        """Write the callback that it came to *state* with *counts* (§5.2)."""
        event: dict[str, object] = {
            "trackingId": self.tracking_id,
            "totalRecipients": len(self.audience.recipients),
            "campaignStatus": state,
            "messageStatuses": {name: counts[name] for name in STATUSES if counts[name]},
            "callbackInfo": {"url": hook.url, "strategy": hook.strategy},
        }
        if self.order.name is not None:
            event["name"] = self.order.name
        return event
