"""The file of a ledger: how it is made, opened, owned and removed. No tasks, no clock.

An owner holds an exclusive SQLite lock on a file of its own beside the ledger. That works on every platform with the same
lines, within a process as between processes, ends with the process however it ends, and is not inherited by forked children
as `flock` would be. It is not the ledger's own lock, because that would keep readers out. The file stays behind, empty: to remove
the file of a lock while others may be opening it is to invite two owners.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from routee_async import sqlite_rows
from routee_async.errors import LedgerError

_APPLICATION_ID = 0x524F5545
"""`ROUE`, in the header of the file."""
_VERSION = 3
"""Of the schema. Before 1.0 another one is refused; after that, a new one needs a migration from each older one."""

_PRIVATE = 0o600
_SCHEMA = f"""
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = FULL;
BEGIN;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
{sqlite_rows.SCHEMA}
"""


def explain(path: Path, error: Exception) -> LedgerError:
    """The error to raise when the file or the database refused."""
    if isinstance(error, LedgerError):
        return error
    if isinstance(error, OSError):
        return LedgerError(str(path), f"cannot be opened: {error.strerror}")
    code: int = getattr(error, "sqlite_errorcode", 0)
    return LedgerError(str(path), _EXPLANATIONS.get(code & 0xFF, f"cannot be used: {type(error).__name__}: {error}"))


_EXPLANATIONS: Mapping[int, str] = {
    sqlite3.SQLITE_NOTADB: "is not a ledger; take another path, or move that file away",
    sqlite3.SQLITE_CORRUPT: "is damaged; put a copy of it in its place, but do not begin with a new one: it would send again",
    sqlite3.SQLITE_FULL: "could not be written, because the disk is full; make room and resume",
    sqlite3.SQLITE_READONLY: "is read-only, or its directory is; change that, or read a copy of it elsewhere",
    sqlite3.SQLITE_BUSY: "is locked by another program; close that and resume",
}


def own(path: Path) -> sqlite3.Connection:
    """Become the owner of the ledger at *path* until the connection is closed.

    Raises:
        LedgerError: Somebody else is, or the file of the lock cannot be made.
    """
    lock = beside(path, "-owner")
    connection = None
    try:
        with _making_a_lock:
            with suppress(FileExistsError):
                lock.touch(mode=_PRIVATE, exist_ok=False)
            made = lock.stat().st_ino
            connection = _connect(lock, "rw", patience=0)
            connection.execute("PRAGMA journal_mode = OFF")  # nothing is ever written
            connection.execute("BEGIN EXCLUSIVE")
            if lock.stat().st_ino == made:
                return connection
        # It was removed, with the ledger, between the two looks.
        connection.close()
        raise LedgerError(str(path), "is being removed; try again")
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise LedgerError(str(path), f"is in use by {_owner(path)}; wait for it or stop it") from None
        raise explain(path, error) from error


_making_a_lock = threading.Lock()
"""Closing a file takes the locks away that this process has on it: nobody may have one while the file is made."""


def _owner(path: Path) -> str:
    with suppress(LedgerError), reading(path) as connection:
        return sqlite_rows.read_about(connection).get("owner", "another process")
    return "another process"


def open_owned(path: Path, about: Mapping[str, str]) -> sqlite3.Connection:
    """Open the ledger at *path*, which the caller owns, for writing; make it when there is none.

    Args:
        path: Its file.
        about: What to note of a new one: `run_id`, `created_at`.

    Raises:
        LedgerError: It is no ledger, or cannot be used.
    """
    try:
        if not path.exists():
            wal = beside(path, "-wal")
            if wal.exists() and wal.stat().st_size:
                problem = "is missing, but its -wal file is there; put it back, or remove that one too to begin anew"
                raise LedgerError(str(path), problem)
            _create(path, about)
        connection = _connect(path, "rw")
        try:
            check(path, connection)
            _be_durable(path, connection)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain(path, error) from error
    return connection


def _be_durable(path: Path, connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise LedgerError(str(path), "cannot be shared with readers on this file system; take a local disk")
    connection.execute("PRAGMA synchronous = FULL")


def _create(path: Path, about: Mapping[str, str]) -> None:
    """Make a ledger under another name and rename it: whatever is found at *path* is whole, or is none."""
    draft = beside(path, "-new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=_PRIVATE, exist_ok=False)
    with closing(_connect(draft, "rw")) as connection:
        connection.executescript(_SCHEMA)
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        connection.execute("COMMIT")
    draft.rename(path)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for reading one consistent state, whoever may be writing.

    Raises:
        LedgerError: There is no ledger at *path*, or it cannot be read.
    """
    try:
        if not path.is_file():
            raise LedgerError(str(path), "there is no such file")
        with closing(_connect(path, "ro")) as connection:
            check(path, connection)
            connection.execute("BEGIN")
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise explain(path, error) from error


def remove(path: Path) -> None:
    """Remove the ledger at *path*, which the caller owns, with all that belongs to it.

    Raises:
        LedgerError: There is none, it is none, or it cannot be removed.
    """
    files = [path, *(beside(path, suffix) for suffix in ("-wal", "-shm", "-new"))]
    try:
        there = any(file.exists() for file in files)
        if path.exists():
            with reading(path):
                pass
        # In this order: rows that are only in the -wal file must not go while the rest stays.
        for file in files:
            file.unlink(missing_ok=True)
        with suppress(PermissionError):  # where an open file cannot be removed, an empty one stays
            beside(path, "-owner").unlink()
    except OSError as error:
        raise explain(path, error) from error
    if not there:
        raise LedgerError(str(path), "there is no such file")


def beside(path: Path, suffix: str) -> Path:
    """The file that belongs to the ledger at *path* under this suffix."""
    return path.with_name(path.name + suffix)


def check(path: Path, connection: sqlite3.Connection) -> None:
    """Make sure that a database is a ledger of a version that is understood.

    Raises:
        LedgerError: It is not.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise LedgerError(str(path), "is not a ledger but empty or another program's; take another path, or move that file away")
    if version != _VERSION:
        remedy = "upgrade routee-async" if version > _VERSION else "go on with it in the version of routee-async that began it"
        raise LedgerError(str(path), f"has schema {version}, and only {_VERSION} is understood here; {remedy}")


def _connect(path: Path, mode: str, *, patience: float = 5.0) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=patience)
