"""What the tests of the ledger have in common."""

import asyncio
import inspect
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from routee_async.errors import (
    LedgerError,
    RouteeError,
)
from routee_async.ledger import Ledger
from routee_async.store import LedgerRow, LedgerStore, RowState

ROOT = Path(__file__).parent.parent.parent
CHECKSUM = bytes(range(16))
UUID = "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01"
OUTCOMES = (RowState.ACCEPTED, RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN)


def mark(index: int) -> str:
    """The reference of a message."""
    return f"ra.k3f9x2ab.{index:07}"


def uuid_of(index: int) -> str:
    """A tracking id in the usual form."""
    return f"{UUID[:24]}{index:012x}"


@asynccontextmanager
async def opened(path: Path, *, group_delay: float = 0.0) -> AsyncIterator[Ledger]:
    """A ledger that is open, and leaves no thread behind."""
    ledger = Ledger(path, group_delay=group_delay)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()
        assert "routee-ledger" not in {thread.name for thread in threading.enumerate()}


async def intend(ledger: LedgerStore, *indices: int) -> None:
    """Intend messages, all at once."""
    await asyncio.gather(*(ledger.intend(index, mark(index), CHECKSUM) for index in indices))


async def settle(
    ledger: LedgerStore,
    index: int,
    state: RowState = RowState.ACCEPTED,
    *,
    tracking_id: str | None = None,
    parts: int | None = None,
    error: RouteeError | None = None,
    duplicates: tuple[str, ...] = (),
) -> None:
    """Settle a message."""
    await ledger.settle(
        index,
        reference=mark(index),
        checksum=CHECKSUM,
        state=state,
        tracking_id=tracking_id,
        parts=parts,
        error=error,
        duplicates=duplicates,
    )


async def found(ledger: LedgerStore, index: int) -> LedgerRow:
    """The row of a message, which is there."""
    row = await ledger.find(index)
    assert row is not None
    return row


class Spy:
    """Sees every connection that is made, and every statement on it."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []
        self.statements: list[str] = []
        self.meanwhile: Callable[[str], None] = lambda _: None
        self.factory: type[sqlite3.Connection] = sqlite3.Connection
        self._connect = sqlite3.connect

    def __call__(self, database: str, *, uri: bool, isolation_level: None, timeout: float = 5.0) -> sqlite3.Connection:
        """As `sqlite3.connect`, but other threads may meddle."""
        connection = self._connect(
            database,
            uri=uri,
            timeout=timeout,
            isolation_level=isolation_level,
            check_same_thread=False,
            factory=self.factory,
        )
        self.connections.append(connection)
        connection.set_trace_callback(self.statements.append)
        self.meanwhile(database)
        return connection

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that the ledger writes with, while nobody has read yet."""
        return self.connections[-1]

    def count(self, beginning: str) -> int:
        """How many statements began so."""
        return sum(statement.lstrip().startswith(beginning) for statement in self.statements)


def meddle(path: Path, statement: str) -> None:
    """Do something to a ledger's file that the ledger does not know of."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(statement)


def files(path: Path) -> set[str]:
    """Names of all files in the directory of a ledger."""
    return {file.name for file in path.parent.iterdir()}


def run_child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a process that runs *code* with a ledger at hand."""
    script = (
        "import asyncio, sys\nfrom routee_async.ledger import Ledger\nfrom routee_async.store import RowState\n"
        + inspect.cleandoc(code)
    )
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


async def make(path: Path) -> None:
    """Make a ledger of 500 messages on their way."""
    async with opened(path) as ledger:
        await intend(ledger, *range(500))


async def send(ledger: Ledger, *indices: int) -> None:
    """Intend messages and have them accepted, as most are."""
    await intend(ledger, *indices)
    await asyncio.gather(*(settle(ledger, index, tracking_id=uuid_of(index), parts=index % 3 or None) for index in indices))


def in_tail(path: Path) -> int:
    """How many entries the tail has."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM tail").fetchone()
    assert isinstance(count, int)
    return count


def quick(ledger: Ledger, index: int, then: Callable[[LedgerError | None], None], *, accept: bool = False) -> None:
    """Intend a message, or have it accepted, without waiting."""
    if accept:
        ledger.accept_soon(index, mark(index), CHECKSUM, UUID, None, then)
    else:
        ledger.intend_soon(index, mark(index), CHECKSUM, then)
