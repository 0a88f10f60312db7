"""What is in a ledger's file: its tables, and the statements that write and read them. No tasks, no clock.

A message has a row, or it is noted in the tail or in a bundle (`sqlite_tail.py`); whoever reads here is given all of them as rows.
There is an index on tracking ids only once a final status has been noted.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import cast

from routee_async import row_forms, sqlite_tail
from routee_async.models import MessageStatus
from routee_async.row_forms import FINAL_NUMBERS, FINALS, STATE_NUMBERS, STATES, Stored, Written
from routee_async.store import LedgerSummary, RowState

SCHEMA = f"""
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE message (
    position INTEGER PRIMARY KEY, -- in the input, from 0
    state INTEGER NOT NULL,       -- 0 intended, 1 accepted, 2 rejected, 3 not sent, 4 unknown
    reference TEXT NOT NULL,
    checksum BLOB NOT NULL,
    tracking_id BLOB,             -- 16 bytes for the usual form of a UUID, text for any other
    parts INTEGER,
    intended_at INTEGER,          -- milliseconds since 1970
    error TEXT,                   -- JSON: class name, arguments, text
    duplicates TEXT,              -- JSON: further tracking ids
    status INTEGER                -- 0 delivered, 1 undelivered, 2 failed, 3 unsent
);
{sqlite_tail.SCHEMA}
"""
_USUAL = "position, state, reference, checksum, tracking_id, parts, intended_at"
_COLUMNS = f"{_USUAL}, error, duplicates"
_SELECT = f"SELECT {_COLUMNS}, status FROM message"  # noqa: S608 - a constant
# An accepted message stays accepted, whatever comes: to intend it once more would be to send it twice.
_UPSERT = """
INSERT INTO message ({columns}) VALUES {values} ON CONFLICT (position) DO UPDATE SET
    state = excluded.state, tracking_id = excluded.tracking_id, parts = excluded.parts, error = excluded.error,
    duplicates = excluded.duplicates, intended_at = COALESCE(intended_at, excluded.intended_at),
    status = CASE WHEN tracking_id IS excluded.tracking_id THEN status END
WHERE state <> 1 OR excluded.state = 1
"""
_SIZES = (1, 4, 16, 50, 100)
"""Rows of one statement. Few sizes, because to compile one costs as much as to run it a hundred times; and older SQLite takes no
more than 999 values."""
MOST_AT_ONCE = _SIZES[-1]


def upsert(connection: sqlite3.Connection, rows: Sequence[Written]) -> bool:
    """Write rows, in order; False when a row was refused, because its message was accepted before. The others are written then.

    One statement takes many rows, because each costs a turn at the interpreter's lock. Up to `MOST_AT_ONCE` are one statement.
    """
    return _upsert(connection, rows, _COLUMNS)


def _upsert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]], columns: str) -> bool:
    complete = True
    for start in range(0, len(rows), MOST_AT_ONCE):
        some = rows[start : start + MOST_AT_ONCE]
        size = next(size for size in _SIZES if size >= len(some))
        # To write the last row twice is to write it once.
        filled = chain(some, repeat(some[-1], size - len(some)))
        written = connection.execute(_upsert_of(size, columns), tuple(chain.from_iterable(filled))).rowcount
        complete = complete and written == size
    return complete


@cache
def _upsert_of(rows: int, columns: str) -> str:
    marks = f"({', '.join('?' * (columns.count(',') + 1))})"
    return _UPSERT.format(columns=columns, values=", ".join([marks] * rows))


def insert(connection: sqlite3.Connection, rows: Iterable[Written]) -> None:
    """Write rows of messages that have none, and neither an error nor duplicates: two columns less are a third of the cost."""
    for some in _in_lots(rows):
        _upsert(connection, [_bound(row) for row in some], _USUAL)


def _in_lots(rows: Iterable[Written]) -> Iterator[list[Written]]:
    following = iter(rows)
    while some := list(islice(following, MOST_AT_ONCE)):
        yield some


def _bound(row: Written) -> tuple[object, ...]:
    """The usual columns of a row: sqlite3 looks for an adapter for each `bytes`, in vain, and for no `bytearray`."""
    position, state, reference, checksum, tracking_id, parts, intended_at, _, _ = row
    known = row_forms.write_id(tracking_id) if isinstance(tracking_id, str) else tracking_id
    short = bytearray(known) if isinstance(known, bytes) else known
    return (position, state, reference, bytearray(checksum), short, parts, intended_at)


def has_row(connection: sqlite3.Connection, position: int) -> bool:
    """True when a message has a row: then it is neither in the tail nor in a bundle."""
    return connection.execute("SELECT 1 FROM message WHERE position = ?", (position,)).fetchone() is not None


def select(connection: sqlite3.Connection, start: int, end: int) -> dict[int, Stored]:
    """Rows from *start* to before *end*, by position."""
    rows = connection.execute(f"{_SELECT} WHERE position >= ? AND position < ?", (start, end))
    noted = chain(sqlite_tail.read_tail(connection).rows(), sqlite_tail.bundled(connection, start, end))
    return {row[0]: row for row in chain(rows, ((*row, None) for row in noted if start <= row[0] < end))}


def select_page(
    connection: sqlite3.Connection,
    after: int,
    states: Sequence[RowState] | None,
    most: int,
) -> list[Stored]:
    """At most *most* rows in one of the *states* (None: in any), in order, that come after position *after*."""
    numbers = [STATE_NUMBERS[state] for state in states or RowState]
    wanted = "" if states is None else f"AND state IN ({', '.join(map(str, numbers))})"
    query = f"{_SELECT} WHERE position > ? {wanted} ORDER BY position LIMIT ?"
    rows: list[Stored] = connection.execute(query, (after, most)).fetchall()
    noted = sqlite_tail.read_tail(connection).rows()
    if row_forms.ACCEPTED in numbers:
        noted = chain(noted, islice(sqlite_tail.bundled(connection, after + 1), most))
    found = ((*row, None) for row in noted if row[0] > after and row[1] in numbers)
    return sorted(chain(rows, found), key=itemgetter(0))[:most]


def note_final(connection: sqlite3.Connection, tracking_id: str, status: MessageStatus) -> None:
    """Write a final status where the id is known among the rows. The index that this takes is made on first use."""
    connection.execute(
        "CREATE INDEX IF NOT EXISTS message_by_tracking_id ON message (tracking_id) WHERE tracking_id IS NOT NULL",
    )
    values = (FINAL_NUMBERS[status], row_forms.write_id(tracking_id))
    connection.execute("UPDATE message SET status = ? WHERE tracking_id = ?", values)


def read_about(connection: sqlite3.Connection) -> dict[str, str]:
    """What is noted of the ledger as a whole: `run_id`, `created_at`, `owner`, and `finished` once it is."""
    return dict(connection.execute("SELECT key, value FROM about"))


def write_about(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Note something of the ledger as a whole."""
    connection.execute("REPLACE INTO about VALUES (?, ?)", (key, value))


def read_note(connection: sqlite3.Connection, key: str) -> str | None:
    """What the user noted under *key*."""
    found = connection.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
    return None if found is None else cast("str", found[0])


def write_note(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a note of the user's."""
    connection.execute("REPLACE INTO note VALUES (?, ?)", (key, value))


def count(connection: sqlite3.Connection) -> int:
    """Number of messages."""
    (rows,) = connection.execute("SELECT COUNT(*) FROM message").fetchone()
    messages, _ = sqlite_tail.count_bundled(connection)
    return cast("int", rows) + messages + len(sqlite_tail.read_tail(connection))


def end(connection: sqlite3.Connection) -> int:
    """Position after the last message, when the tail is empty; 0 when there is none."""
    (last,) = connection.execute("SELECT COALESCE(MAX(position), -1) FROM message").fetchone()
    return cast("int", max(last, sqlite_tail.last_bundled(connection))) + 1


def summarize(connection: sqlite3.Connection) -> LedgerSummary:
    """Count everything."""
    about = read_about(connection)
    states = Counter(dict.fromkeys(STATES, 0))
    statuses: Counter[MessageStatus] = Counter()
    all_parts = 0
    query = "SELECT state, status, COUNT(*), TOTAL(parts) FROM message GROUP BY state, status ORDER BY state, status"
    noted = ((row[1], None, 1, row[5] or 0) for row in sqlite_tail.read_tail(connection).rows())
    bundled = (row_forms.ACCEPTED, None, *sqlite_tail.count_bundled(connection))
    for state, status, number, parts in chain(connection.execute(query), noted, [bundled]):
        states[STATES[state]] += number
        if STATES[state] is RowState.ACCEPTED:
            all_parts += int(parts)
        if status is not None:
            statuses[FINALS[status]] += number
    finished = about.get("finished")
    return LedgerSummary(
        run_id=about["run_id"],
        total=states.total(),
        states=states,
        parts=all_parts,
        statuses=statuses,
        finished=None if finished is None else int(finished),
        created_at=datetime.fromisoformat(about["created_at"]),
    )
