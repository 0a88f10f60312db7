"""`routee ledger`: look into the ledger of a batch, go on with it, write it out, delete it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter, validators

from routee_async import Ledger, OnUnknown
from routee_async.checksums import checksum_of
from routee_async.cli import bulk_job, bulk_run, ledger_table, output
from routee_async.cli.failures import Exit, UsageError
from routee_async.cli.recipients import Row, open_recipients
from routee_async.cli.results import STDOUT, FileFormat, choose_format, open_table
from routee_async.cli.writing import Writing

HELP = """Look into the ledger of a batch, go on with it, write it out, delete it.

```shell
routee ledger show run.db
```

`routee bulk FILE --ledger run.db` makes it. It holds no numbers, and of the texts nothing but `--body` with its placeholders. While
a batch is running, and after a kill, `run.db-wal` belongs to it: never move one without the other.
"""
_YES = {"y", "yes"}


async def show(
    ledger: Path,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Show how a batch stands, and what to do next.

    ```shell
    routee ledger show run.db
    ```

    The batch may be running at the same time. Rows of the file that cannot be read do not count as messages.

    The exit status is 0, or 2 if there is no such ledger.

    Args:
        ledger: File of the ledger.
        as_json: Write one JSON object.
    """
    opened = _existing(ledger)
    report = ledger_table.Report(opened, opened.summary(), bulk_job.recall(opened))
    if as_json:
        output.emit_json(report.to_json())
    else:
        output.results().print(report.show())
    return Exit.DONE


async def resume(
    ledger: Path,
    /,
    *,
    on_unknown: OnUnknown | None = None,
    max_unknown: Annotated[int | None, Parameter(validator=validators.Number(gte=0))] = None,
    track: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    file: Annotated[Path | None, Parameter(name="--input")] = None,
    results: Annotated[str | None, Parameter(name="--output")] = None,
) -> int:
    """Go on with a batch that was killed, interrupted or stopped, or whose rows were not all sent.

    ```shell
    routee ledger resume run.db --on-unknown reconcile
    ```

    It reads the file of `routee bulk` again, with the same options but for those given here, and sends nothing twice: what was
    accepted or rejected is not sent again, what was in flight is looked up, and the rest is sent. The results are written anew, all
    of them. It is refused if the file is not what it was.

    The exit status is that of `routee bulk`.

    Args:
        ledger: File of the ledger.
        on_unknown: What to do about a message that may have been sent: `report`, `reconcile` or `resend`, as with `routee bulk`.
        max_unknown: Stop when more rows than this are unknown.
        track: Follow each accepted message for so many seconds, and note its final status. What has one is not followed again.
        file: Where the CSV file is now, if it was moved.
        results: Where results go instead.
    """
    job = bulk_job.recall(_existing(ledger))
    if job is None:
        raise UsageError(f"{ledger}: was not begun by `routee bulk`; go on with the program that began it")
    job = attrs.evolve(
        job,
        file=file or job.file,
        output=results or job.output,
        summary=job.summary and results is None,
        on_unknown=on_unknown or job.on_unknown,
        max_unknown=job.max_unknown if max_unknown is None else max_unknown,
        track=track or job.track,
    )
    if not job.file.exists():
        raise UsageError(f"{job.file}: has gone; put it back, or say with --input where it is now")
    return await bulk_run.carry_out(job, ledger)


async def export(
    ledger: Path,
    /,
    *,
    goal: Annotated[str, Parameter(name="--output")] = STDOUT,
    file_format: Annotated[FileFormat | None, Parameter(name="--format")] = None,
) -> int:
    """Write out what the ledger knows of each message.

    ```shell
    routee ledger export run.db --output messages.csv
    ```

    Columns: `index` (from 0, rows that cannot be read left out), `line` (in the CSV file, while that is there and unchanged),
    `state`, `reference`, `tracking_id`, `parts`, `error`, `status` (the final one), and `duplicates`, further tracking ids under
    which Routee has the message. The numbers are in the results of `routee bulk` only.

    The exit status is 0, or 2 if there is no such ledger or the output cannot be written.

    Args:
        ledger: File of the ledger.
        goal: A new file, or `-` for stdout.
        file_format: `csv` or `jsonl`; without it as the name of the output ends, else `csv`.
    """
    opened = _existing(ledger)
    known = len(opened)
    columns = [field.name for field in attrs.fields(_Exported)]
    with _lines(opened) as lines, open_table(goal, choose_format(goal, file_format), columns) as write:
        for row in _export(opened, lines):
            write(row)
    if goal != STDOUT:
        output.say(f"{known:,} messages: {goal}")
    return Exit.DONE


async def purge(
    ledger: Path,
    /,
    *,
    yes: Annotated[bool, Parameter(name=("--yes", "-y"))] = False,
) -> int:
    """Delete a ledger, with all files that belong to it.

    ```shell
    routee ledger purge run.db
    ```

    After that nobody can tell what was sent, except by the results. On a terminal it asks first. A ledger in use is not deleted.

    The exit status is 0 if it is deleted, 1 if you said no, 2 if it cannot be deleted.

    Args:
        ledger: File of the ledger.
        yes: Do not ask.
    """
    opened = _existing(ledger)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{ledger}: was not deleted, because nobody can be asked; say --yes if you mean it")
        for line in str(opened.summary()).splitlines():
            output.say(line)
        if not _ask(f"Delete {ledger}? [y/N] "):
            output.say("Nothing was deleted.")
            return Exit.FAILED
    opened.purge()
    output.say(f"Deleted: {ledger}")
    return Exit.DONE


app: App = App(name="ledger", help=HELP, version_flags=())
for _command in (show, resume, export, purge):
    app.command(App(name=_command.__name__, default_command=_command, version_flags=()))


def _existing(path: Path) -> Ledger:
    if not path.exists():
        raise UsageError(f"{path}: there is no such ledger; `routee bulk FILE --ledger {path}` makes one")
    return Ledger(path)


@attrs.frozen(kw_only=True)
class _Exported:
    """What is known of a message, without its number."""

    index: int
    line: int | None
    state: str
    reference: str
    tracking_id: str | None
    parts: int | None
    error: str | None
    status: str | None
    duplicates: tuple[str, ...]


Lines = Iterator[tuple[int, bytes]]
"""Line and checksum of each message of the input."""


def _export(ledger: Ledger, lines: Lines) -> Iterator[_Exported]:
    pulled = 0
    for row in ledger:
        line, checksum = next(islice(lines, row.index - pulled, None), (None, b""))
        pulled = row.index + 1
        yield _Exported(
            index=row.index,
            line=line if checksum == row.checksum else None,
            state=row.state,
            reference=row.reference,
            tracking_id=row.tracking_id,
            parts=row.parts,
            error=None if row.error is None else str(row.error),
            status=row.status,
            duplicates=row.duplicates,
        )


@contextmanager
def _lines(ledger: Ledger) -> Iterator[Lines]:
    """Read the input of a batch once more, if it is to be had."""
    with ExitStack() as stack:
        lines: Lines = iter(())
        job = bulk_job.recall(ledger)
        if job is not None:
            try:
                recipients = stack.enter_context(open_recipients(job.file, job.shard))
                writing = Writing(recipients, sender_id=job.sender_id, body=job.body)
            except UsageError as error:
                output.say(f"routee: {error}; so column 'line' is empty")
            else:
                lines = ((row.line, checksum_of(writing.compose(row))) for row in recipients if isinstance(row, Row))
        yield lines


def _ask(question: str) -> bool:
    """Ask on the terminal. Ctrl-C is heard at once, which the event loop would put off until there is an answer."""
    sys.stderr.write(question)
    sys.stderr.flush()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return sys.stdin.readline().strip().lower() in _YES
    finally:
        signal.signal(signal.SIGINT, before)
