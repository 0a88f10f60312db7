"""Accepted messages, and how they look in answers. Source: routee-api.md §2.2, §2.9."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.encoding import Analysis
from routee_async.sandbox.timeline import Outcome, State, Timeline, state

_COUNTRIES: Final = {"1": "US", "30": "GR", "33": "FR", "34": "ES", "39": "IT", "44": "GB", "49": "DE", "91": "IN", "357": "CY"}
_GREEK_NETWORKS: Final = ("Cosmote", "Vodafone", "Nova")


def stamp(seconds: float, timespec: str = "seconds") -> str:
    """Write epoch *seconds* in ISO 8601, UTC, with `Z`; *timespec* as `datetime.isoformat` has it (§8 #11)."""
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec=timespec)}Z"


@attrs.define(kw_only=True, eq=False)
class Message:
    """One accepted message.

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

    def states(self, now: float) -> list[State]:
        """Tell the state of each part at *now*, in epoch seconds."""
        step = self.timeline.step(now - self.created, self.reads)
        return [state(outcome, step) for outcome in self.outcomes]

    def note_read(self, now: float) -> None:
        """Count one tracking read; in the mode by reads, this is what moves the message on."""
        before = self.timeline.step(0.0, self.reads)
        self.reads += 1
        if self.timeline.reads is not None and self.timeline.step(0.0, self.reads) != before:
            self.changed = now

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

    def item(self, index: int, where: State) -> dict[str, object]:
        """Write the tracking item of part *index*, counted from 0, that is at *where* (§2.9)."""
        by_clock = self.timeline.reads is None
        reached = self.created + self.timeline.offset(where.step) if by_clock else max(self.changed, self.created)
        status: dict[str, object] = {"status": where.status, "date": stamp(reached)}
        if where.detail is not None:
            status["reason"] = {"detailedStatus": where.detail, "description": where.description}
        item: dict[str, object] = {
            "smsId": self.sms_ids[index],
            "messageId": self.tracking_id,
            "to": self.to,
            "groups": [],
            **_network(self.to),
            "status": status,
            "body": self.body,
            "applicationName": self.application.name,
            "originatingService": "Sms",
            "latency": round(reached - self.created) if where.status == "Delivered" else 0,
            "parts": len(self.outcomes),
            "part": index + 1,
            "price": self.price,
            "from": self.sender,
            "direction": "Outbound",
        }
        if self.label is not None:
            item["label"] = self.label
        return item


def _network(to: str) -> dict[str, str]:
    for length in (1, 2, 3):
        country = _COUNTRIES.get(to[1 : 1 + length])
        if country == "GR":
            return {"country": country, "operator": _GREEK_NETWORKS[int(to[-1]) % len(_GREEK_NETWORKS)]}
        if country is not None:
            return {"country": country}
    return {}
