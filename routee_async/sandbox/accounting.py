"""What the carrier saw: the proof that nothing was sent twice and nothing was lost."""

from collections import Counter
from collections.abc import Mapping

import attrs

from routee_async.sandbox.messages import Message

SEND = "POST /sms"
"""The route that costs money."""


@attrs.define
class Journal:
    """Counts and records.

    Attributes:
        accepted: Accepted messages in order; each has `label`, `to`, `body`, `created` and `tracking_id`.
        requests: Requests by route, those struck by a fault included; whatever has no route is `unknown`.
        busy: Requests under way.
        peak: The most requests that were under way at once.
        forgotten: Accepted messages that are no longer among *accepted*, because only so many are kept.
    """

    accepted: list[Message] = attrs.Factory(list)
    requests: Counter[str] = attrs.Factory(Counter)
    busy: int = 0
    peak: int = 0
    forgotten: int = 0

    def enter(self, route: str) -> None:
        """Note that a request came."""
        self.requests[route] += 1
        self.busy += 1
        self.peak = max(self.peak, self.busy)

    def leave(self) -> None:
        """Note that a request is over, with or without an answer."""
        self.busy -= 1

    @property
    def sends_received(self) -> int:
        """How many POST /sms came, whatever became of them."""
        return self.requests[SEND]

    @property
    def sends_accepted(self) -> int:
        """How many messages were accepted."""
        return self.forgotten + len(self.accepted)

    def forget(self, count: int) -> None:
        """Let go of the oldest *count* accepted messages; labels are then counted without them."""
        del self.accepted[:count]
        self.forgotten += count

    def count_by_label(self) -> Counter[str | None]:
        """Count accepted messages by label; None stands for those without one."""
        return Counter(message.label for message in self.accepted)

    def duplicates(self) -> Mapping[str, int]:
        """Tell the labels that were accepted more than once, and how often."""
        return {label: count for label, count in self.count_by_label().items() if count > 1 and label is not None}

    def reset(self) -> None:
        """Forget all but the requests under way."""
        self.accepted.clear()
        self.forgotten = 0
        self.requests.clear()
        self.peak = self.busy
