"""One run of `routee bulk` through its file, new or resumed."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from pathlib import Path

from routee_async import (
    Accepted,
    BulkStoppedError,
    DeliveryReport,
    LedgerMismatchError,
    LedgerSummary,
    OnUnknown,
    Outcome,
    PollPolicy,
    RetryPolicy,
    RouteeClient,
    RouteeError,
    RowState,
    SentSms,
    Sms,
)
from routee_async.cli import failures, following, interrupts
from routee_async.cli.bulk_job import BulkLedger, Job, resuming
from routee_async.cli.bulk_tally import NO_FINAL_STATUS, Tally
from routee_async.cli.failures import Exit
from routee_async.cli.following import LeftEarlyError
from routee_async.cli.output import messages, say
from routee_async.cli.progress import Progress
from routee_async.cli.recipients import RECIPIENT, BadRow, Recipients, Row, open_recipients
from routee_async.cli.results import FATES, STDOUT, Fate, Result, Results, choose_format, open_results
from routee_async.cli.writing import Writing

_HOW_WITHOUT_LEDGER = "to go on, make a file of the header, the rows that were not sent, and the lines after that one"
_MOST_LINES = 20
"""Rows that are reported on stderr; the results have them all."""
_ROWS_A_TURN = 100
"""Rows read before other tasks get their turn."""


async def carry_out(job: Job, ledger: Path | None) -> Exit:
    """Send a message to each row of the job's file, and tell the exit status.

    Args:
        job: What to do.
        ledger: File of the ledger: a new one, or that of the same job.

    Raises:
        UsageError: This cannot be meant; nothing was begun.
        LedgerError: The ledger cannot be used; nothing was begun.
        ConfigurationError: Credentials or settings are missing or make no sense.
    """
    policy = None if job.track is None else PollPolicy(give_up_after=job.track)
    client = RouteeClient.from_env(
        max_connections=job.concurrency + (following.POLLS if policy else 0),
        pace=job.parts_per_second,
        default_region=job.default_region,
        workers=job.workers,
    )
    goal = None if job.summary else job.output or _default_output(job.file)
    with open_recipients(job.file, job.shard) as recipients:
        writing = Writing(recipients, sender_id=job.sender_id, body=job.body)
        async with BulkLedger(ledger) if ledger else nullcontext() as held:
            resumed = held is not None and held.knows(job)
            # With a ledger there may be statuses from another run.
            followed = policy is not None or held is not None
            with open_results(goal, choose_format(goal, job.file_format), followed=followed, resumed=resumed) as results:
                if held is not None and not resumed:
                    await held.remember(job)
                elif held is not None:
                    _tell_resumption(held, held.summary())
                run = _Run(job, recipients, writing, results, held)
                await run.carry_out(client, policy)
    return run.conclude(goal)


def _default_output(file: Path) -> str:
    return f"{file.with_suffix('')}.results.csv" if sys.stdout.isatty() else STDOUT


def _tell_resumption(ledger: BulkLedger, summary: LedgerSummary) -> None:
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in summary.states.items() if count)
    say(f"Resuming {ledger}: {states or 'nothing was sent yet'}")
    doubtful = summary.states[RowState.INTENDED] + summary.states[RowState.UNKNOWN]
    if doubtful:
        longest = RetryPolicy().lookup_delays[-1]
        say(f"Asking Routee about {doubtful:,} that may have been sent; where it does not know them this takes {longest:.0f} s")


class _Run:
    """One run through a file: counts, and writes a result for each row."""

    def __init__(self, job: Job, recipients: Recipients, writing: Writing, results: Results, ledger: BulkLedger | None) -> None:
        self._job = job
        self._recipients = recipients
        self._writing = writing
        self._results = results
        self._ledger = ledger
        self._followed = job.track is not None
        self._tally = Tally(with_ledger=ledger is not None)
        self._pulled = 0
        self._complete = False
        self._in_flight: dict[int, Row] = {}
        self._open: dict[str, Result] = {}
        self._stop = asyncio.Event()
        self._failure: RouteeError | None = None
        self._misfit: str | None = None
        self._unwritten: OSError | None = None
        self._progress = Progress("sent", "final") if self._followed else Progress("sent")

    async def carry_out(self, client: RouteeClient, policy: PollPolicy | None) -> None:
        """Send all rows, or as many as possible."""
        with self._progress, interrupts.in_order(self._interrupt):
            try:
                async with client, aclosing(self._messages()) as source:
                    await following.send_and_follow(
                        client,
                        client.send_many(
                            source,
                            concurrency=self._job.concurrency,
                            on_unknown=self._job.on_unknown,
                            ledger=self._ledger,
                            max_unknown=self._job.max_unknown,
                        ),
                        policy=policy,
                        on_outcome=self._take_outcome,
                        on_report=self._take_report,
                        stop=self._stop,
                        ledger=self._ledger,
                    )
            except LedgerMismatchError as error:
                self._failure = error
                self._misfit = self._find_misfit()
            except RouteeError as error:
                self._failure = error
            except (LeftEarlyError, asyncio.CancelledError):
                self._stop.set()
            self._close_open_rows()
        if self._misfit is None and self._unwritten is None:
            try:
                self._results.conclude(self._recipients.line)
            except OSError as error:
                self._unwritten = error

    def conclude(self, goal: str | None) -> Exit:
        """Write the summary, and tell the exit status."""
        messages().print(self._tally.show())
        if goal not in {None, STDOUT}:
            say(f"Results: {goal}{', as an earlier run left them' if self._results.pending else ''}")
        if self._failure is not None:
            say(f"routee: {self._misfit or ''}{failures.explain(self._failure)}")
        if self._unwritten is not None:
            place = "stdout" if goal == STDOUT else goal
            say(f"routee: {place}: cannot be written: {self._unwritten.strerror}; the last rows are missing there")
        if self._misfit is not None:
            return Exit.USAGE
        open_end = self._describe_open_end()
        if open_end:
            say(f"routee: {open_end}")
        undelivered = self._followed and not self._tally.all_delivered
        return Exit.FAILED if open_end or self._failure or self._unwritten or undelivered else Exit.DONE

    def _describe_open_end(self) -> str:
        """Say what is left to do, and how to go on; empty if nothing is."""
        tally, how = self._tally, self._say_how()
        if not self._complete:
            return f"stopped at line {self._recipients.line}; {how or _HOW_WITHOUT_LEDGER}"
        if tally.failed:
            words = f"{tally.failed:,} of {tally.rows:,} rows were not accepted"
            words += "" if self._job.summary else "; the results say why"
            again = tally.fates[Fate.NOT_SENT] + tally.fates[Fate.UNKNOWN] or isinstance(self._failure, BulkStoppedError)
            return f"{words}; {how}" if how and again else words
        return how if self._failure or self._unwritten or tally.statuses[NO_FINAL_STATUS] else ""

    def _say_how(self) -> str:
        if self._ledger is None:
            return ""
        doubtful = self._complete and self._tally.fates[Fate.UNKNOWN] and self._job.on_unknown is OnUnknown.REPORT
        return f"to go on: {resuming(self._ledger, *(('--on-unknown', 'reconcile') if doubtful else ()))}"

    async def _messages(self) -> AsyncGenerator[Sms, None]:
        turn = 0
        while not self._stop.is_set():
            row = next(self._recipients, None)
            if row is None:
                self._complete = True
                return
            turn += 1
            if turn % _ROWS_A_TURN == 0:
                await asyncio.sleep(0)
            if isinstance(row, BadRow):
                self._close(Result(line=row.line, to="", outcome=Fate.REJECTED, error=row.problem))
                continue
            self._in_flight[self._pulled] = row
            self._pulled += 1
            yield self._writing.compose(row)
        raise LeftEarlyError

    def _take_outcome(self, outcome: Outcome) -> SentSms | None:
        """Note an outcome, and return the message if it is to be followed."""
        row = self._in_flight.pop(outcome.index)
        before = self._ledger.before.pop(outcome.index, None) if self._ledger is not None else None
        result = Result(line=row.line, to=outcome.sms.to, outcome=FATES[type(outcome)])
        if not isinstance(outcome, Accepted):
            result.error = str(outcome.error)
            self._close(result)
            return None
        sent = outcome.sent
        result.to, result.tracking_id, result.parts = sent.to, sent.tracking_id, sent.body_analysis.parts
        if sent.duplicates:
            result.error = f"was sent more than once: also as {', '.join(sent.duplicates)}"
        if before is not None:
            self._tally.earlier += before.state is RowState.ACCEPTED
            result.status = before.status
        if self._followed and result.status is None:
            result.status = sent.status
            self._open[sent.tracking_id] = result
            self._count(result)
            return sent
        if self._followed and before is not None:
            self._tally.take_status(before.status)
        self._close(result)
        return None

    def _take_report(self, report: DeliveryReport) -> None:
        result = self._open.pop(report.tracking_id)
        result.status, result.detailed_status = report.status, following.detail(report)
        if report.error is not None:
            result.error = str(report.error)
        self._tally.take_status(report.status)
        self._record(result)
        self._show()

    def _close(self, result: Result) -> None:
        self._count(result)
        self._record(result)

    def _count(self, result: Result) -> None:
        self._tally.take(result)
        failed = self._tally.failed
        if result.outcome is not Fate.ACCEPTED and failed <= _MOST_LINES:
            self._progress.say(f"line {result.line}: {result.outcome.words}: {result.error}")
            if failed == _MOST_LINES:
                place = "are only counted" if self._job.summary else "stand in the results only"
                self._progress.say(f"further rows that are not accepted {place}")
        self._show()

    def _record(self, result: Result) -> None:
        if self._unwritten is None:
            try:
                self._results.write(result)
            except OSError as error:  # a full disk, a reader who has gone: nothing more is sent that cannot be written down
                self._unwritten = error
                self._stop.set()

    def _find_misfit(self) -> str:
        """Say which row is not the one that the ledger knows: the first that was pulled and came to nothing."""
        first = min(self._in_flight, default=None)
        line = f", line {self._in_flight[first].line}" if first is not None else ""
        self._in_flight.clear()
        return f"{self._job.file}{line}: "

    def _close_open_rows(self) -> None:
        """Write down what is known of rows that were left in the middle."""
        for row in self._in_flight.values():
            problem = "interrupted before there was an answer; it may have been sent"
            self._close(Result(line=row.line, to=row.cells[RECIPIENT], outcome=Fate.UNKNOWN, error=problem))
        for result in self._open.values():
            result.error = "not followed to its end; look again with `routee track`"
            self._tally.take_status(None)
            self._record(result)

    def _interrupt(self) -> None:
        self._stop.set()
        self._progress.say(f"stopping: waiting for {len(self._in_flight)} messages under way; press Ctrl-C again to stop at once")

    def _show(self) -> None:
        size, rows = self._recipients.size, self._tally.rows
        # The file is read a little ahead of the rows.
        self._progress.show("sent", min(self._recipients.position, size), size, f"{rows:,} rows")
        if self._followed:
            accepted, final = self._tally.fates[Fate.ACCEPTED], self._tally.statuses.total()
            self._progress.show("final", final, accepted, f"{final:,} of {accepted:,}")
