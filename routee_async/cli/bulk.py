"""`routee bulk`: send a message to each row of a CSV file."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from rich.table import Table

from routee_async import (
    Accepted,
    BulkStoppedError,
    DeliveryReport,
    Outcome,
    PollPolicy,
    RouteeClient,
    RouteeError,
    Sms,
)
from routee_async.cli import failures, following, interrupts, template
from routee_async.cli.failures import Exit, UsageError
from routee_async.cli.output import messages, say
from routee_async.cli.progress import Progress
from routee_async.cli.recipients import BODY, LABEL, RECIPIENT, SENDER_ID, BadRow, Recipients, Row, open_recipients
from routee_async.cli.results import FATES, STDOUT, Fate, FileFormat, Result, Write, choose_format, open_results
from routee_async.cli.template import Template
from routee_async.phone import check_sender_id

_NEXT = {
    Fate.ACCEPTED: "",
    Fate.REJECTED: "nothing was sent: correct these rows, then send them again",
    Fate.NOT_SENT: "nothing was sent: these rows may be sent again as they are",
    Fate.UNKNOWN: "may have been sent: look in Routee's portal before you send these rows again",
}
_HOW_TO_GO_ON = "to go on, make a file of the header, the rows that were not sent, and the lines after that one"
_MOST_LINES = 20
"""Rows that are reported on stderr; the results have them all."""
_ROWS_A_TURN = 100
"""Rows read before other tasks get their turn."""


async def bulk(
    file: Path,
    /,
    *,
    sender_id: str | None = None,
    body: str | None = None,
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 100,
    default_region: str | None = None,
    output: str | None = None,
    file_format: Annotated[FileFormat | None, Parameter(name="--format")] = None,
    track: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
) -> int:
    """Send a message to each row of a CSV file.

    ```shell
    routee bulk customers.csv --sender-id ParcelCo --body "Hi {name}, your parcel is here" --output results.csv
    ```

    The first line names the columns: `to`, and if you like `body`, `sender_id`, `label` and any others, each of which can stand in
    `--body` as `{column}`. The file is UTF-8, divided by comma, semicolon or tab, and may be of any length.

    A row that is wrong is reported with its line number and not sent; all others are. Each row ends as one of four: accepted,
    rejected (correct it), not sent (send it again), or unknown (it may have been sent: look first). Press Ctrl-C once to stop in
    order, twice to stop at once.

    The exit status is 0 if every row was accepted (and delivered, with `--track`), 1 if not, 2 if nothing was begun.

    Args:
        file: CSV file.
        sender_id: Who the messages are from, unless column `sender_id` says otherwise: 1 to 11 letters, digits and spaces, or 1 to
            16 digits.
        body: Text with placeholders, such as `Hi {name}`; `{{` and `}}` stand for braces. Without it, column `body` is sent as it
            is.
        concurrency: The most messages under way at a time.
        default_region: Country of numbers in national form, such as GR.
        output: Where results go: a new file, or `-` for stdout. Without it to stdout, unless that is a terminal: then to a new file
            beside the input.
        file_format: `csv` or `jsonl`; without it as the name of the output ends, else `csv`.
        track: Follow each accepted message for so many seconds, and write down its last status.
    """
    if sender_id is not None:
        check_sender_id(sender_id)
    policy = None if track is None else PollPolicy(give_up_after=track)
    client = RouteeClient.from_env(
        max_connections=concurrency + (following.POLLS if policy else 0),
        default_region=default_region,
    )
    goal = output or _default_output(file)
    with open_recipients(file) as recipients:
        writing = Writing(recipients, sender_id=sender_id, body=body)
        with open_results(goal, choose_format(goal, file_format), followed=policy is not None) as write:
            run = _Run(recipients, writing, write, followed=policy is not None)
            failure = await run.carry_out(client, concurrency, policy)
    return run.conclude(failure, goal)


def _default_output(file: Path) -> str:
    return f"{file.with_suffix('')}.results.csv" if sys.stdout.isatty() else STDOUT


class Writing:
    """Makes messages of rows.

    Args:
        recipients: The file, whose columns are checked.
        sender_id: For rows that have none of their own.
        body: Text with placeholders; None for column `body` as it is.

    Raises:
        UsageError: A column is missing that the text needs.
    """

    def __init__(self, recipients: Recipients, *, sender_id: str | None, body: str | None) -> None:
        columns = recipients.columns
        if body is None and BODY not in columns:
            raise UsageError(f'there is no text: give --body "...", or a column {BODY} in the file')
        if sender_id is None and SENDER_ID not in columns:
            raise UsageError(f"there is no sender: give --sender-id, or a column {SENDER_ID} in the file")
        self._template = Template(("", ""), (BODY,)) if body is None else template.parse(body)
        for column in self._template.columns:
            if column not in columns:
                raise UsageError(f"--body: there is no column '{column}'; the columns are: {', '.join(filter(None, columns))}")
        self._sender_id = sender_id or ""

    def compose(self, row: Row) -> Sms:
        """Make the message of a row. What is wrong with it shows when it is sent."""
        cells = row.cells
        return Sms(
            to=cells[RECIPIENT],
            body=self._template.render(cells),
            sender_id=cells.get(SENDER_ID) or self._sender_id,
            label=cells.get(LABEL) or None,
        )


class _Run:
    """One run through a file: counts, and writes a result for each row."""

    def __init__(self, recipients: Recipients, writing: Writing, write: Write, *, followed: bool) -> None:
        self._recipients = recipients
        self._writing = writing
        self._write = write
        self._followed = followed
        self._began = time.monotonic()
        self._counts: Counter[Fate] = Counter()
        self._statuses: Counter[str] = Counter()
        self._parts = 0
        self._delivered = 0
        self._pulled = 0
        self._in_flight: dict[int, Row] = {}
        self._open: dict[str, Result] = {}
        self._stop = asyncio.Event()
        self._unwritten: OSError | None = None
        self._progress = Progress("sent", "final") if followed else Progress("sent")

    async def carry_out(self, client: RouteeClient, concurrency: int, policy: PollPolicy | None) -> RouteeError | None:
        """Send all rows, and tell what brought that to an early end."""
        failure: RouteeError | None = None
        with self._progress, interrupts.in_order(self._interrupt):
            try:
                async with client:
                    await following.send_and_follow(
                        client,
                        self._messages(),
                        concurrency=concurrency,
                        policy=policy,
                        on_outcome=self._take_outcome,
                        on_report=self._take_report,
                        stop=self._stop,
                    )
            except RouteeError as error:
                failure = error
            except asyncio.CancelledError:
                self._stop.set()
            self._close_open_rows()
        return failure

    def conclude(self, failure: RouteeError | None, goal: str) -> Exit:
        """Write the summary, and tell the exit status."""
        rows, accepted = self._counts.total(), self._counts[Fate.ACCEPTED]
        self._summarize(rows)
        if goal != STDOUT:
            say(f"Results: {goal}")
        if failure is not None:
            say(f"routee: {failures.explain(failure)}")
        if self._unwritten is not None:
            place = "stdout" if goal == STDOUT else goal
            say(f"routee: {place}: cannot be written: {self._unwritten.strerror}; the last rows are missing there")
        if isinstance(failure, BulkStoppedError) or self._stop.is_set():
            say(f"routee: stopped at line {self._recipients.line}; {_HOW_TO_GO_ON}")
        elif accepted < rows:
            say(f"routee: {rows - accepted:,} of {rows:,} rows were not accepted; the results say why")
        elif failure is None and not (self._followed and self._delivered < rows):
            return Exit.DONE
        return Exit.FAILED

    async def _messages(self) -> AsyncGenerator[Sms, None]:
        turn = 0
        while not self._stop.is_set() and (row := next(self._recipients, None)) is not None:
            turn += 1
            if turn % _ROWS_A_TURN == 0:
                await asyncio.sleep(0)
            if isinstance(row, BadRow):
                self._close(Result(line=row.line, to="", outcome=Fate.REJECTED, error=row.problem))
                continue
            self._in_flight[self._pulled] = row
            self._pulled += 1
            yield self._writing.compose(row)

    def _take_outcome(self, outcome: Outcome) -> None:
        row = self._in_flight.pop(outcome.index)
        result = Result(line=row.line, to=outcome.sms.to, outcome=FATES[type(outcome)])
        if not isinstance(outcome, Accepted):
            result.error = str(outcome.error)
            self._close(result)
            return
        sent = outcome.sent
        result.to, result.tracking_id, result.parts = sent.to, sent.tracking_id, sent.body_analysis.parts
        self._parts += sent.body_analysis.parts
        if self._followed:
            result.status = sent.status
            self._open[sent.tracking_id] = result
            self._count(result)
        else:
            self._close(result)

    def _take_report(self, report: DeliveryReport) -> None:
        result = self._open.pop(report.tracking_id)
        result.status, result.detailed_status = report.status, following.detail(report)
        if report.error is not None:
            result.error = str(report.error)
        self._delivered += following.is_delivered(report)
        self._statuses[report.status if report.status.is_final else "no final status"] += 1
        self._record(result)
        self._show()

    def _close(self, result: Result) -> None:
        self._count(result)
        self._record(result)

    def _count(self, result: Result) -> None:
        self._counts[result.outcome] += 1
        failed = self._counts.total() - self._counts[Fate.ACCEPTED]
        if result.outcome is not Fate.ACCEPTED and failed <= _MOST_LINES:
            self._progress.say(f"line {result.line}: {result.outcome.words}: {result.error}")
            if failed == _MOST_LINES:
                self._progress.say("further rows that are not accepted stand in the results only")
        self._show()

    def _record(self, result: Result) -> None:
        if self._unwritten is None:
            try:
                self._write(result)
            except OSError as error:  # a full disk, a reader who has gone: nothing more is sent that cannot be written down
                self._unwritten = error
                self._stop.set()

    def _close_open_rows(self) -> None:
        """Write down what is known of rows that were left in the middle."""
        for row in self._in_flight.values():
            problem = "interrupted before there was an answer; it may have been sent"
            self._close(Result(line=row.line, to=row.cells[RECIPIENT], outcome=Fate.UNKNOWN, error=problem))
        for result in self._open.values():
            result.error = "not followed to its end; look again with `routee track`"
            self._statuses["no final status"] += 1
            self._record(result)

    def _interrupt(self) -> None:
        self._stop.set()
        self._progress.say(f"stopping: waiting for {len(self._in_flight)} messages under way; press Ctrl-C again to stop at once")

    def _show(self) -> None:
        size, rows = self._recipients.size, self._counts.total()
        # The file is read a little ahead of the rows.
        self._progress.show("sent", min(self._recipients.position, size), size, f"{rows:,} rows")
        if self._followed:
            accepted, final = self._counts[Fate.ACCEPTED], self._statuses.total()
            self._progress.show("final", final, accepted, f"{final:,} of {accepted:,}")

    def _summarize(self, rows: int) -> None:
        seconds = time.monotonic() - self._began
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_column()
        for fate in Fate:
            note = f"{self._parts:,} parts" if fate is Fate.ACCEPTED else _NEXT[fate] if self._counts[fate] else ""
            table.add_row(fate.words, f"{self._counts[fate]:,}", note)
        table.add_row("rows", f"{rows:,}", f"in {seconds:.1f} s, {rows / seconds:,.0f} a second" if seconds else "")
        for status, count in self._statuses.most_common():
            table.add_row(f"  {status}", f"{count:,}", "")
        messages().print(table)
