"""`routee bulk`: send a message to each row of a CSV file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from routee_async import OnUnknown
from routee_async.cli import bulk_run
from routee_async.cli.bulk_job import Job
from routee_async.cli.failures import UsageError
from routee_async.cli.recipients import ALL
from routee_async.cli.results import FileFormat
from routee_async.phone import check_sender_id


async def bulk(  # noqa: PLR0913 - an argument for each option of the command
    file: Path,
    /,
    *,
    sender_id: str | None = None,
    body: str | None = None,
    ledger: Path | None = None,
    on_unknown: OnUnknown = OnUnknown.REPORT,
    max_unknown: Annotated[int | None, Parameter(validator=validators.Number(gte=0))] = None,
    parts_per_second: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 100,
    workers: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    default_region: str | None = None,
    output: str | None = None,
    file_format: Annotated[FileFormat | None, Parameter(name="--format")] = None,
    summary: bool = False,
    shard: str | None = None,
    track: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
) -> int:
    """Send a message to each row of a CSV file.

    ```shell
    routee bulk customers.csv --sender-id ParcelCo --body "Hi {name}, your parcel is here" --output results.csv --ledger run.db
    ```

    The first line names the columns: `to`, and if you like `body`, `sender_id`, `label` and any others, each of which can stand in
    `--body` as `{column}`. The file is UTF-8, divided by comma, semicolon or tab, and may be of any length.

    A row that is wrong is reported with its line number and not sent; all others are. Each row ends as one of four: accepted,
    rejected (correct it), not sent (send it again), or unknown (it may have been sent: look first). Press Ctrl-C once to stop in
    order, twice to stop at once.

    With `--ledger` a run may be killed at any instant: the same command again, or `routee ledger resume run.db`, goes on where it
    was, sends nothing twice, and writes the results anew. The ledger holds neither the numbers nor the texts of the rows: of each
    it keeps a checksum, a reference and Routee's tracking id. For resuming it remembers the path of the file and these options,
    `--body` with its placeholders among them, but no credentials.

    The exit status is 0 if every row was accepted (and delivered, with `--track`), 1 if not, 2 if nothing was begun or the file is
    not the one that the ledger was begun with.

    Args:
        file: CSV file.
        sender_id: Who the messages are from, unless column `sender_id` says otherwise: 1 to 11 letters, digits and spaces, or 1 to
            16 digits.
        body: Text with placeholders, such as `Hi {name}`; `{{` and `}}` stand for braces. Without it, column `body` is sent as it
            is.
        ledger: File that keeps what was intended and what became of it: a new one, or the one to go on with. On a local disk.
        on_unknown: What to do about a message that may have been sent. `report` says so. `reconcile` asks Routee for up to 40 s,
            and sends it again only if it is not there. `resend` sends it again: it may come twice.
        max_unknown: Stop when more rows than this are unknown.
        parts_per_second: Send no faster than this; a message of three parts counts three. Without it, as fast as Routee takes them.
        concurrency: The most messages under way at a time.
        workers: Processes that write and read the wire, where one processor is too slow for it; 0 for none. Rate, ledger and
            results are shared.
        default_region: Country of numbers in national form, such as GR.
        output: Where results go: a new file, or `-` for stdout. Without it to stdout, unless that is a terminal: then to a new file
            beside the input. When a run is resumed, its earlier results are replaced in the end.
        file_format: `csv` or `jsonl`; without it as the name of the output ends, else `csv`.
        summary: Write no results, only the figures in the end. Then tracking ids are nowhere but in the ledger, if there is one.
        shard: Send only a share of the rows: `2/4` is the second of four, rows 2, 6, 10 and so on. To use more machines, start one
            process for each share, with a ledger, an output and a part of the rate of its own.
        track: Follow each accepted message for so many seconds, and write down its last status.
    """
    if sender_id is not None:
        check_sender_id(sender_id)
    if summary and (output is not None or file_format is not None):
        raise UsageError("--summary: writes no results; leave --output and --format out")
    job = Job(
        file=file,
        sender_id=sender_id,
        body=body,
        default_region=default_region,
        concurrency=concurrency,
        workers=workers,
        parts_per_second=parts_per_second,
        on_unknown=on_unknown,
        max_unknown=max_unknown,
        output=output,
        file_format=file_format,
        summary=summary,
        shard=shard or ALL,
        track=track,
    )
    return await bulk_run.carry_out(job, ledger)
