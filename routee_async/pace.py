"""When the next message may start. Pure: the time is an argument, in seconds of any one clock."""

import attrs


@attrs.define
class Gate:
    """A pause that the server asked for, and that everybody keeps.

    It is a point in time, only ever moved later: no answer that comes in meanwhile opens it early.

    Attributes:
        closed_until: When it opens.
    """

    closed_until: float = float("-inf")

    def close_until(self, moment: float) -> None:
        """Keep the gate closed until *moment*, or for longer if it already is."""
        self.closed_until = max(self.closed_until, moment)

    def delay(self, now: float) -> float:
        """Seconds until the gate opens; 0 when it is open."""
        return max(0.0, self.closed_until - now)
