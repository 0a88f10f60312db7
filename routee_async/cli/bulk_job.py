"""What `routee bulk` was asked to do, and how a ledger remembers it, so that `routee ledger resume` can do it again."""

import json
import shlex
from pathlib import Path

import attrs

from routee_async import Ledger, LedgerRow, OnUnknown
from routee_async.cli.failures import UsageError
from routee_async.cli.recipients import ALL, Shard
from routee_async.cli.results import STDOUT, FileFormat

_NOTE = "routee bulk"
_SAME = {"sender_id": "--sender-id", "body": "--body", "default_region": "--default-region", "shard": "--shard"}
"""What makes other messages of the same rows."""


def _read_shard(value: Shard | str) -> Shard:
    return Shard.parse(value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class Job:
    """The file and the options of `routee bulk`: no credentials, which come from the environment each time.

    Attributes:
        file: CSV file.
        sender_id: For rows that have none of their own.
        body: Text with placeholders; None for column `body` as it is.
        default_region: Country of numbers in national form.
        concurrency: The most messages under way.
        workers: Processes that carry the wire.
        parts_per_second: The most message parts a second.
        on_unknown: What to do about doubt.
        max_unknown: Unknown rows that are borne.
        output: Where results go; None to choose.
        file_format: How they are written; None to choose.
        summary: Write none.
        shard: The share of the rows that is sent.
        track: Seconds for which each message is followed; None for not at all.
    """

    file: Path = attrs.field(converter=Path)
    sender_id: str | None = None
    body: str | None = attrs.field(default=None, repr=False)
    default_region: str | None = None
    concurrency: int = 100
    workers: int = 0
    parts_per_second: float | None = None
    on_unknown: OnUnknown = attrs.field(default=OnUnknown.REPORT, converter=OnUnknown)
    max_unknown: int | None = None
    output: str | None = None
    file_format: FileFormat | None = attrs.field(default=None, converter=attrs.converters.optional(FileFormat))
    summary: bool = False
    shard: Shard = attrs.field(default=ALL, converter=_read_shard)
    track: float | None = None

    def to_note(self) -> str:
        """Write it down, with paths that are good in any folder."""
        output = self.output if self.output in {None, STDOUT} else str(Path(str(self.output)).absolute())
        lasting = attrs.evolve(self, file=self.file.absolute(), output=output)
        texts = {"file": str(lasting.file), "on_unknown": self.on_unknown.value, "shard": str(self.shard)}
        return json.dumps(attrs.asdict(lasting) | texts)


def recall(ledger: Ledger) -> Job | None:
    """Tell what the ledger's batch was begun with; None if it was not begun by this command.

    Raises:
        UsageError: It was, but by another version.
        LedgerError: There is no such ledger, or it cannot be read.
    """
    note = ledger.get_note(_NOTE)
    if note is None:
        return None
    try:
        return Job(**json.loads(note))
    except (TypeError, ValueError, UsageError):
        raise UsageError(f"{ledger}: was begun by another version of routee; go on with that one") from None


class BulkLedger(Ledger):
    """A ledger that remembers what an earlier run had left, and the batch that it belongs to.

    Attributes:
        before: Rows as an earlier run left them, by index. Whoever takes an outcome takes its row away.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.before: dict[int, LedgerRow] = {}

    async def find(self, index: int) -> LedgerRow | None:
        """Look a row up, and keep what is found."""
        row = await super().find(index)
        if row is not None:
            self.before[index] = row
        return row

    def knows(self, job: Job) -> bool:
        """Tell whether this is to go on with a batch.

        Raises:
            UsageError: It is, but the batch was begun with options that make other messages.
        """
        begun = recall(self)
        if begun is None:
            return False
        for name, option in _SAME.items():
            if getattr(begun, name) != getattr(job, name):
                raise UsageError(f"{self}: was begun with another {option}; take the first one again, or begin a new ledger")
        return True

    async def remember(self, job: Job) -> None:
        """Note what the batch is begun with.

        Raises:
            LedgerError: It could not be written.
        """
        await self.set_note(_NOTE, job.to_note())


def resuming(ledger: Ledger, *options: str) -> str:
    """Make the command that goes on with the batch of a ledger."""
    return shlex.join(("routee", "ledger", "resume", str(ledger), *options))
