"""What `routee bulk` counts, and what it says in the end."""

import time
from collections import Counter

import attrs
from rich.table import Table

from routee_async import MessageStatus
from routee_async.cli.results import Fate, Result

NO_FINAL_STATUS = "no final status"
_NEXT = {
    Fate.ACCEPTED: "",
    Fate.REJECTED: "nothing was sent: correct these rows, then send them again",
    Fate.NOT_SENT: "nothing was sent: these rows may be sent again as they are",
    Fate.UNKNOWN: "may have been sent: look in Routee's portal before you send these rows again",
}
_NEXT_WITH_LEDGER = {
    Fate.ACCEPTED: "",
    Fate.REJECTED: "nothing was sent: correct these rows in a file of their own",
    Fate.NOT_SENT: "nothing was sent: these rows are sent on resuming",
    Fate.UNKNOWN: "may have been sent: resume with --on-unknown reconcile",
}


@attrs.define
class Tally:
    """The figures.

    Attributes:
        with_ledger: There is one to resume from.
        fates: Rows by outcome.
        statuses: Followed messages by last status.
        parts: Parts of the accepted messages.
        earlier: Accepted messages that an earlier run sent.
        began: When this one began, in seconds of the monotonic clock.
    """

    with_ledger: bool
    fates: Counter[Fate] = attrs.Factory(Counter)
    statuses: Counter[str] = attrs.Factory(Counter)
    parts: int = 0
    earlier: int = 0
    began: float = attrs.Factory(time.monotonic)

    @property
    def rows(self) -> int:
        """How many rows have their outcome."""
        return self.fates.total()

    @property
    def failed(self) -> int:
        """How many of these were not accepted."""
        return self.rows - self.fates[Fate.ACCEPTED]

    @property
    def all_delivered(self) -> bool:
        """True when every row has arrived."""
        return self.statuses[MessageStatus.DELIVERED] == self.rows

    def take(self, result: Result) -> None:
        """Count an outcome."""
        self.fates[result.outcome] += 1
        self.parts += result.parts or 0

    def take_status(self, status: MessageStatus | None) -> None:
        """Count the last status of a followed message."""
        self.statuses[status if status is not None and status.is_final else NO_FINAL_STATUS] += 1

    def show(self) -> Table:
        """Make the summary."""
        seconds = time.monotonic() - self.began
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_column()
        for fate in Fate:
            table.add_row(fate.words, f"{self.fates[fate]:,}", self._note(fate))
        speed = f", {self.rows / seconds:,.0f} a second" if seconds and not self.earlier else ""
        table.add_row("rows", f"{self.rows:,}", f"in {seconds:.1f} s{speed}")
        for status, count in self.statuses.most_common():
            table.add_row(f"  {status}", f"{count:,}", "")
        return table

    def _note(self, fate: Fate) -> str:
        if fate is Fate.ACCEPTED:
            earlier = f"; {self.earlier:,} messages by an earlier run" if self.earlier else ""
            return f"{self.parts:,} parts{earlier}"
        notes = _NEXT_WITH_LEDGER if self.with_ledger else _NEXT
        return notes[fate] if self.fates[fate] else ""
