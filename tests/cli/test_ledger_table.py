"""Tests of `cli/ledger_table.py`."""

from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from routee_async import Ledger, LedgerSummary, MessageStatus, RowState
from routee_async.cli.bulk_job import Job
from routee_async.cli.ledger_table import Report

JOB = Job(file=Path("/data/rows.csv"))
NOTHING = dict.fromkeys(RowState, 0)
SUMMARY = LedgerSummary(
    run_id="0123abcd",
    total=9,
    states=NOTHING | {RowState.ACCEPTED: 9},
    parts=1200,
    statuses={MessageStatus.DELIVERED: 9},
    finished=9,
    created_at=datetime(2025, 1, 1, tzinfo=UTC),
)
RESUME = "routee ledger resume 'my run.db'"


def lines(report: Report) -> str:
    """What is shown."""
    console = Console(width=120, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(report.show())
    return capture.get()


@pytest.mark.parametrize(
    ("finished", "states", "following"),
    [
        pytest.param(None, {}, (RESUME,), id="in the middle"),
        pytest.param(None, {RowState.INTENDED: 3}, (RESUME,), id="killed"),
        pytest.param(9, {RowState.INTENDED: 1, RowState.UNKNOWN: 2}, (f"{RESUME} --on-unknown reconcile",), id="in doubt"),
        pytest.param(9, {RowState.NOT_SENT: 3}, (RESUME,), id="not sent"),
        pytest.param(9, {RowState.ACCEPTED: 10}, (f"{RESUME} --track 600", "routee ledger purge 'my run.db'"), id="not followed"),
        pytest.param(
            9,
            {RowState.REJECTED: 3},
            ("routee ledger export 'my run.db'", "routee ledger purge 'my run.db'"),
            id="rejected",
        ),
        pytest.param(9, {}, ("routee ledger purge 'my run.db'",), id="all done"),
    ],
)
def test_next(finished: int | None, states: dict[RowState, int], following: tuple[str, ...]) -> None:
    """Each state of a batch has its next command, which stands in the table with a reason and can be pasted."""
    summary = attrs.evolve(SUMMARY, finished=finished, states={**SUMMARY.states, **states})
    report = Report(Ledger("my run.db"), summary, JOB)
    assert report.next == following
    for command in following:
        assert f"  {command}  " in lines(report)


def test_table() -> None:
    """What is there is counted, and what is not needs no explanation."""
    states = NOTHING | {RowState.INTENDED: 2, RowState.ACCEPTED: 1000}
    shown = lines(Report(Ledger("run.db"), attrs.evolve(SUMMARY, states=states, finished=None), JOB))
    assert "Run 0123abcd of /data/rows.csv, begun 202" in shown
    assert "1,200 parts" in shown
    assert "in doubt since a run was killed" in shown
    assert "wrong as they are" not in shown
    assert "none yet              991   accepted, and not followed to the end" in shown
    assert "The end of the input was not reached" in shown
    assert "--on-unknown reconcile settles the 2 in doubt" in shown


def test_a_strange_path() -> None:
    """The name of a file cannot steer the terminal."""
    report = Report(Ledger("\x1b[2J.db"), SUMMARY, Job(file=Path("\x1b[2J")))
    assert "\x1b" not in lines(report)
