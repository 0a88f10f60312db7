"""How a batch stands by its ledger, and what to do next: as a table, or for a program."""

import shlex
from collections.abc import Iterator

import attrs
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from routee_async import Ledger, LedgerSummary, RowState
from routee_async.cli.bulk_job import Job, resuming
from routee_async.cli.output import printable

_NOTES = {
    RowState.INTENDED: "on the way now, or in doubt since a run was killed",
    RowState.REJECTED: "nothing was sent: they are wrong as they are",
    RowState.NOT_SENT: "nothing was sent: they may be sent again",
    RowState.UNKNOWN: "in doubt: they may have been sent",
}


@attrs.frozen
class Report:
    """How a batch stands.

    Attributes:
        ledger: Its ledger.
        summary: What stands there.
        job: What it was begun with; None if it was not begun by `routee bulk`.
    """

    ledger: Ledger
    summary: LedgerSummary
    job: Job | None

    @property
    def next(self) -> tuple[str, ...]:
        """Commands that are worth giving now, the most important one first."""
        return tuple(command for command, _ in self._advise())

    def to_json(self) -> dict[str, object]:
        """Name all figures."""
        summary = self.summary
        return {
            "run_id": summary.run_id,
            "input": None if self.job is None else str(self.job.file),
            "created_at": summary.created_at.isoformat(),
            "messages": summary.total,
            "states": dict(summary.states),
            "parts": summary.parts,
            "statuses": dict(summary.statuses),
            "finished": summary.finished is not None,
            "next": self.next,
        }

    def show(self) -> RenderableType:
        """Make the tables, and say what to do next."""
        summary = self.summary
        source = "" if self.job is None else f" of {printable(str(self.job.file))}"
        begun = f"{summary.created_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"
        parts: list[RenderableType] = [Text(f"Run {summary.run_id}{source}, begun {begun}"), "", self._states()]
        if summary.statuses:
            parts += ["", self._statuses()]
        if summary.finished is None:
            end = "The end of the input was not reached: the batch is running, or was left."
        else:
            end = f"The end of the input was reached: it has {summary.finished:,} messages."
        parts += ["", Text(end)]
        for command, why in self._advise():
            parts.append(Text.assemble("  ", (printable(command), "bold"), f"  {why}"))
        return Group(*parts)

    def _advise(self) -> Iterator[tuple[str, str]]:
        """What to do next, and why."""
        summary, states, ledger = self.summary, self.summary.states, str(self.ledger)
        doubtful = states[RowState.INTENDED] + states[RowState.UNKNOWN]
        unfollowed = states[RowState.ACCEPTED] - sum(summary.statuses.values())
        if self.job is not None:
            if summary.finished is None:
                doubt = f", and --on-unknown reconcile settles the {doubtful:,} in doubt" if doubtful else ""
                yield resuming(self.ledger), f"goes on{doubt}"
            elif doubtful:
                yield resuming(self.ledger, "--on-unknown", "reconcile"), f"settles the {doubtful:,} in doubt"
            elif states[RowState.NOT_SENT]:
                yield resuming(self.ledger), f"sends the {states[RowState.NOT_SENT]:,} that were not sent"
            elif unfollowed:
                yield resuming(self.ledger, "--track", "600"), f"follows the {unfollowed:,} without a final status"
        if states[RowState.REJECTED]:
            yield shlex.join(("routee", "ledger", "export", ledger)), f"says why {states[RowState.REJECTED]:,} were rejected"
        if summary.finished is not None and not doubtful and not states[RowState.NOT_SENT]:
            yield shlex.join(("routee", "ledger", "purge", ledger)), "deletes it, once nobody will ask"

    def _states(self) -> Table:
        summary = self.summary
        table = _table("State", "Messages", "")
        for state, count in summary.states.items():
            note = f"{summary.parts:,} parts" if state is RowState.ACCEPTED else _NOTES[state]
            table.add_row(state.replace("_", " "), f"{count:,}", note if count else "")
        table.add_row("all", f"{summary.total:,}", "", style="bold")
        return table

    def _statuses(self) -> Table:
        summary = self.summary
        table = _table("Final status", "Messages", "")
        for status, count in summary.statuses.items():
            table.add_row(status, f"{count:,}", "")
        missing = summary.states[RowState.ACCEPTED] - sum(summary.statuses.values())
        table.add_row("none yet", f"{missing:,}", "accepted, and not followed to the end" if missing else "")
        return table


def _table(words: str, number: str, note: str) -> Table:
    """Make an empty table with these headers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(words, min_width=12)
    table.add_column(number, justify="right", min_width=10)
    table.add_column(note)
    return table
