"""What becomes of a message, and when: outcomes, timelines and the numbers that ask for them."""

import re
from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs


class Outcome(StrEnum):
    """How a part ends. The value is its `detailedStatus`.

    Source: docs.routee.net/docs/statuses-callbacks (routee-api.md §4.2). The last two never end, which the service itself
    does not promise: they are there for tests of patience.
    """

    DELIVERED = "Delivered"
    UNDELIVERED = "Undelivered"
    FAILED = "Failed"
    HANDSET = "Undelivered on Handset"
    UNKNOWN_NUMBER = "Unknown Number"
    ROAMING = "Roaming"
    CALL_BARRED = "Call Barred"
    UNKNOWN_STATUS = "Unknown Status"
    CARRIER_VIOLATION = "Carrier Violation"
    EXPIRED = "Expired"
    OPTED_OUT = "Opted-out"
    DND = "DND Error Code"
    NEVER_FINAL = "Sent for ever"
    NEVER_SENT = "Queued for ever"


DESCRIPTIONS: Final = MappingProxyType(
    {
        Outcome.DELIVERED: "Delivered to the handset",
        Outcome.UNDELIVERED: "Not delivered",
        Outcome.FAILED: "The message could not be processed",
        Outcome.HANDSET: "The handset is off or out of reach",
        Outcome.UNKNOWN_NUMBER: "The number is unknown or no longer in use",
        Outcome.ROAMING: "The recipient is roaming and cannot take the message",
        Outcome.CALL_BARRED: "The number is barred from receiving messages",
        Outcome.UNKNOWN_STATUS: "The reason is not known",
        Outcome.CARRIER_VIOLATION: "Stopped by a filter of the carrier",
        Outcome.EXPIRED: "The validity period has passed",
        Outcome.OPTED_OUT: "The recipient has opted out",
        Outcome.DND: "The recipient is in a do-not-disturb register",
    },
)
"""Invented English texts: the documentation shows none."""


class Magic(StrEnum):
    """Recipients whose fate is known. Valid numbers, so that no check of a client stops them.

    They end as the outcome of the same name does. `LAST_PART_UNDELIVERED` delivers all parts but the last; `REFUSED` is refused
    as an invalid number (400000000); `NO_BALANCE` is refused for lack of money (400001009), or `Unsent` in a campaign; `PORTED` has
    changed its network. Look-ups find what would become of a text: the handset that is off is `Absent`.
    """

    DELIVERED = "+306999000000"
    UNDELIVERED = "+306999000001"
    FAILED = "+306999000002"
    HANDSET = "+306999000003"
    UNKNOWN_NUMBER = "+306999000004"
    ROAMING = "+306999000005"
    CALL_BARRED = "+306999000006"
    UNKNOWN_STATUS = "+306999000007"
    CARRIER_VIOLATION = "+306999000008"
    EXPIRED = "+306999000009"
    OPTED_OUT = "+306999000010"
    DND = "+306999000011"
    NEVER_FINAL = "+306999000012"
    NEVER_SENT = "+306999000013"
    LAST_PART_UNDELIVERED = "+306999000020"
    PORTED = "+306999000021"
    REFUSED = "+306999000030"
    NO_BALANCE = "+306999000031"

    @property
    def text(self) -> str:
        """What has the same effect as the number, anywhere in the text of a message: `sandbox:EXPIRED`.

        For those that say how a message ends, which are all above `PORTED`. For tests in which the recipient is given.
        """
        return f"{_MARK}{self.name}"


_MARK: Final = "sandbox:"
_MAGIC_TEXT: Final = re.compile(rf"\b{_MARK}([A-Z_]+)\b")


def magic_of(to: str, body: str) -> str:
    """Give the number that decides what becomes of a message: the one that its text names, or else its recipient."""
    named = _MAGIC_TEXT.search(body) if _MARK in body else None
    return Magic[named[1]].value if named and named[1] in Magic.__members__ else to


MAGIC_OUTCOMES: Final = MappingProxyType(
    {Magic[outcome.name].value: outcome for outcome in Outcome},
)
"""Outcome of each number of `Magic` that has one for all parts."""

STEPS = 3
"""Queued, sent, final."""


@attrs.frozen(kw_only=True)
class Timeline:
    """When a part moves on.

    Attributes:
        sent_after: Seconds from acceptance to `Sent`.
        final_after: Seconds from acceptance to the final status.
        reads: Not by the clock but by reading: each status that is not final is shown by this many tracking reads (0: the first
            read shows the final one). None: by the clock. A search counts as one read of each message on the page it returns.
    """

    sent_after: float = 0.5
    final_after: float = 2.0
    reads: int | None = None

    def step_after(self, reads: int) -> int:
        """Tell how far a part is after so many tracking reads, in the mode by reads: 0 queued, 1 sent, 2 final."""
        return min(STEPS - 1, reads // self.reads) if self.reads else STEPS - 1

    def offset(self, step: int) -> float:
        """Tell how many seconds after acceptance a part reaches *step* by the clock."""
        return (0.0, min(self.sent_after, self.final_after), self.final_after)[step]


@attrs.frozen
class State:
    """Where a part is.

    Attributes:
        status: `Queued`, `Sent` or a final status.
        detail: `detailedStatus`; None while queued, and for `Unsent`.
        description: That in words; None where there is no detail.
        step: The step of the timeline at which this status began.
    """

    status: str
    detail: str | None
    description: str | None
    step: int

    @property
    def is_final(self) -> bool:
        """True for a status that stays."""
        return self.status not in {"Queued", "Sent"}


_QUEUED = State("Queued", None, None, 0)
_SENT = State("Sent", "Sent", "Sent to the network", 1)


def _final(outcome: Outcome, step: int = 2) -> State:
    status = outcome.value if outcome in {Outcome.DELIVERED, Outcome.FAILED} else "Undelivered"
    return State(status, outcome.value, DESCRIPTIONS[outcome], step)


_PATHS: Final = {outcome: (_QUEUED, _SENT, _final(outcome)) for outcome in DESCRIPTIONS}
# What Routee could not process never reaches the network: Queued -> Failed (§4.1).
_PATHS[Outcome.FAILED] = (_QUEUED, _final(Outcome.FAILED, 1), _final(Outcome.FAILED, 1))
_PATHS[Outcome.NEVER_FINAL] = (_QUEUED, _SENT, _SENT)
_PATHS[Outcome.NEVER_SENT] = (_QUEUED, _QUEUED, _QUEUED)


_RANKS: Final = ("Delivered", "Undelivered", "Unsent", "Failed", "Sent", "Queued")


def rolled_up(states: Sequence[State]) -> State:
    """Tell the state of a message from those of its parts: the least advanced, else the worst. Source: routee-api.md §4.1."""
    if len(states) == 1:
        return states[0]
    return max(states, key=lambda where: _RANKS.index(where.status))


def state(outcome: Outcome, step: int) -> State:
    """Tell the state at *step* (0 to 2) of a part that ends as *outcome*. Source: routee-api.md §4.1."""
    return _PATHS[outcome][step]


_UNSENT: Final = State("Unsent", None, None, 1)


def unsent_state(step: int) -> State:
    """Tell the state at *step* of a part that finds no money. No reason is documented for it. Source: routee-api.md §4.1, §4.2."""
    return _UNSENT if step else _QUEUED
