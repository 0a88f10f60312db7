"""The notes in a ledger's file: entries of the tail, and bundles. What they mean is `tail.py`'s. No tasks, no clock."""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from routee_async import tail
from routee_async.row_forms import Written
from routee_async.tail import Tail

SCHEMA = """
CREATE TABLE tail (id INTEGER PRIMARY KEY, entry BLOB NOT NULL); -- of messages that have no row: see tail.py
CREATE TABLE bundle (              -- of accepted messages that have no row: see tail.py
    first INTEGER PRIMARY KEY,     -- no position in it is smaller
    last INTEGER NOT NULL,         -- none is greater
    messages INTEGER NOT NULL,
    parts INTEGER NOT NULL,        -- of all of them, as far as known
    notes BLOB NOT NULL
);
"""


def append_entry(connection: sqlite3.Connection, entry: bytes) -> None:
    """Add an entry to the tail."""
    connection.execute("INSERT INTO tail (entry) VALUES (?)", (entry,))


def clear(connection: sqlite3.Connection) -> None:
    """Remove all entries."""
    connection.execute("DELETE FROM tail")


def is_empty(connection: sqlite3.Connection) -> bool:
    """True when the tail has no entry."""
    return connection.execute("SELECT 1 FROM tail").fetchone() is None


def read_tail(connection: sqlite3.Connection) -> Tail:
    """What is in the tail.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    known = Tail()
    with _damaged("an entry makes no sense"):
        for (entry,) in connection.execute("SELECT entry FROM tail ORDER BY id"):
            known.replay(entry)
    return known


def add_bundle(connection: sqlite3.Connection, notes: bytes) -> None:
    """Keep notes of accepted messages, which are in order, and come after those of all bundles that are there."""
    messages, parts = tail.count(notes)
    values = (*tail.ends(notes), messages, parts, notes)
    connection.execute("INSERT INTO bundle VALUES (?, ?, ?, ?, ?)", values)


def bundled(connection: sqlite3.Connection, start: int, end: int | None = None) -> Iterator[Written]:
    """Messages in bundles whose position is *start* or more, in order; up to the bundle of *end* at least, if given."""
    query = """
    SELECT notes FROM bundle WHERE first >= (SELECT COALESCE(MAX(first), 0) FROM bundle WHERE first <= ?)
    AND (? IS NULL OR first < ?) ORDER BY first
    """
    with _damaged("a bundle makes no sense"):
        for (notes,) in connection.execute(query, (start, end, end)):
            yield from (row for row in tail.read_accepted(notes) if row[0] >= start)


def take(connection: sqlite3.Connection, position: int) -> bytes:
    """Take the note of a message out of its bundle; empty when it is in none."""
    query = "SELECT first, notes FROM bundle WHERE first <= ? ORDER BY first DESC LIMIT 1"
    first, notes = connection.execute(query, (position,)).fetchone() or (0, b"")
    note, rest = tail.take(notes, position)
    if note:
        connection.execute("UPDATE bundle SET messages = ?, parts = ?, notes = ? WHERE first = ?", (*tail.count(rest), rest, first))
    return note


def empty_bundles(connection: sqlite3.Connection) -> None:
    """Remove all bundles."""
    connection.execute("DELETE FROM bundle")


def count_bundled(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many messages are in bundles, and how many parts they have."""
    messages, parts = connection.execute("SELECT TOTAL(messages), TOTAL(parts) FROM bundle").fetchone()
    return int(messages), int(parts)


def last_bundled(connection: sqlite3.Connection) -> int:
    """Position of the last message in a bundle; -1 where there is none."""
    return cast("int", connection.execute("SELECT COALESCE(MAX(last), -1) FROM bundle").fetchone()[0])


@contextmanager
def _damaged(what: str) -> Iterator[None]:
    """Say so where bytes are none that were written by us."""
    try:
        yield
    except (LookupError, TypeError, ValueError, struct.error) as error:
        damage = sqlite3.DatabaseError(what)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage from error
