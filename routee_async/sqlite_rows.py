"""Rows of a ledger's file: what each looks like there, and the statements that write and read them. No tasks, no clock.

Compact, because a batch may have millions of messages: about 80 bytes a row. A state and a final status are small numbers, a
tracking id in the usual form is 16 bytes, and there is an index on tracking ids only once a final status has been noted.
"""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import cast

from routee_async import errors
from routee_async.errors import RouteeError
from routee_async.models import MessageStatus
from routee_async.store import LedgerRow, LedgerSummary, RowState

SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE message (
    position INTEGER PRIMARY KEY, -- in the input, from 0
    state INTEGER NOT NULL,       -- 0 intended, 1 accepted, 2 rejected, 3 not sent, 4 unknown
    reference TEXT NOT NULL,
    checksum BLOB NOT NULL,
    tracking_id BLOB,             -- 16 bytes for the usual form of a UUID, text for any other
    parts INTEGER,
    error TEXT,                   -- JSON: class name, arguments, text
    duplicates TEXT,              -- JSON: further tracking ids
    intended_at INTEGER,          -- milliseconds since 1970
    status INTEGER                -- 0 delivered, 1 undelivered, 2 failed, 3 unsent
);
"""
_COLUMNS = "position, state, reference, checksum, tracking_id, parts, error, duplicates, intended_at"
_SELECT = f"SELECT {_COLUMNS}, status FROM message"  # noqa: S608 - a constant
# An accepted message stays accepted, whatever comes: to intend it once more would be to send it twice.
_UPSERT = f"""
INSERT INTO message ({_COLUMNS}) VALUES {{}} ON CONFLICT (position) DO UPDATE SET
    state = excluded.state, tracking_id = excluded.tracking_id, parts = excluded.parts, error = excluded.error,
    duplicates = excluded.duplicates, intended_at = COALESCE(intended_at, excluded.intended_at),
    status = CASE WHEN tracking_id IS excluded.tracking_id THEN status END
WHERE state <> 1 OR excluded.state = 1
"""  # noqa: S608 - a constant
MOST_AT_ONCE = 100
"""Rows of one statement: older SQLite takes 999 values."""

Written = tuple[int, int, str, bytes, str | bytes | None, int | None, str | None, str | None, int | None]
"""A row as it is written, in the order of the columns."""
Stored = tuple[int, int, str, bytes, str | bytes | None, int | None, str | None, str | None, int | None, int | None]
"""A row as it is read: with the final status."""

_STATES = (RowState.INTENDED, RowState.ACCEPTED, RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN)
_STATE_NUMBERS = {state: number for number, state in enumerate(_STATES)}
_FINALS = (MessageStatus.DELIVERED, MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.UNSENT)
_FINAL_NUMBERS = {status: number for number, status in enumerate(_FINALS)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_PARTS = 2**31
_LONGEST_TEXT = 500
"""Characters of each text in an error that are kept: a server may answer with a page."""


def write_row(
    index: int,
    state: RowState,
    reference: str,
    checksum: bytes,
    *,
    tracking_id: str | None = None,
    parts: int | None = None,
    error: RouteeError | None = None,
    duplicates: tuple[str, ...] = (),
    intended_at: int | None = None,
) -> Written:
    """Put a row into the form of the file; *intended_at* in milliseconds since 1970.

    Whatever a server made up as an id, a count or a text finds a place or is cut.
    """
    return (
        index,
        _STATE_NUMBERS[state],
        reference,
        checksum,
        None if tracking_id is None else _write_id(tracking_id),
        parts if parts is not None and 0 <= parts < _MOST_PARTS else None,
        None if error is None else _write_error(error),
        json.dumps(duplicates) if duplicates else None,
        intended_at,
    )


def read_row(stored: Stored) -> LedgerRow:
    """Make a row of what the file says."""
    index, state, reference, checksum, tracking_id, parts, error, duplicates, intended_at, status = stored
    return LedgerRow(
        index=index,
        state=_STATES[state],
        reference=reference,
        checksum=checksum,
        tracking_id=_read_id(tracking_id) if isinstance(tracking_id, bytes) else tracking_id,
        parts=parts,
        error=None if error is None else _read_error(error),
        status=None if status is None else _FINALS[status],
        intended_at=None if intended_at is None else _EPOCH + intended_at * _MILLISECOND,
        duplicates=() if duplicates is None else tuple(json.loads(duplicates)),
    )


def _write_id(tracking_id: str) -> str | bytes:
    if _UUID.fullmatch(tracking_id):
        return bytes.fromhex(tracking_id.replace("-", ""))
    return tracking_id.encode("utf-8", "backslashreplace").decode()


def _read_id(short: bytes) -> str:
    digits = short.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _write_error(error: RouteeError) -> str:
    text = _shortened(str(error))
    try:
        return json.dumps([type(error).__name__, _shortened(error.args), text])
    except (TypeError, ValueError):
        return json.dumps([type(error).__name__, None, text])


def _read_error(stored: str) -> RouteeError:
    name, arguments, text = json.loads(stored)
    known = getattr(errors, name, None)
    if arguments is not None and isinstance(known, type) and issubclass(known, RouteeError):
        with suppress(TypeError, ValueError):
            return known(*map(_as_tuples, arguments))
    return RouteeError(text)


def _shortened(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}…"
    return tuple(map(_shortened, value)) if isinstance(value, tuple) else value


def _as_tuples(value: object) -> object:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def upsert(connection: sqlite3.Connection, rows: Sequence[Written]) -> int:
    """Write rows, in order; returns how many were written. The others are of messages that were accepted before.

    One statement takes many rows, because each costs a turn at the interpreter's lock. Up to `MOST_AT_ONCE` are one statement.
    """
    written = 0
    for start in range(0, len(rows), MOST_AT_ONCE):
        some = rows[start : start + MOST_AT_ONCE]
        written += connection.execute(_upsert_of(len(some)), tuple(chain.from_iterable(some))).rowcount
    return written


@cache
def _upsert_of(rows: int) -> str:
    return _UPSERT.format(", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows))


def select(connection: sqlite3.Connection, start: int, end: int) -> dict[int, Stored]:
    """Rows from *start* to before *end*, by position."""
    rows = connection.execute(f"{_SELECT} WHERE position >= ? AND position < ?", (start, end))
    return {row[0]: row for row in rows}


def select_page(
    connection: sqlite3.Connection,
    after: int,
    states: Sequence[RowState] | None,
    most: int,
) -> list[Stored]:
    """At most *most* rows in one of the *states* (None: in any), in order, that come after position *after*."""
    wanted = "" if states is None else f"AND state IN ({', '.join(str(_STATE_NUMBERS[state]) for state in states)})"
    query = f"{_SELECT} WHERE position > ? {wanted} ORDER BY position LIMIT ?"
    return connection.execute(query, (after, most)).fetchall()


def note_final(connection: sqlite3.Connection, tracking_id: str, status: MessageStatus) -> None:
    """Write a final status where the id is known. The index that this takes is made on first use."""
    connection.execute(
        "CREATE INDEX IF NOT EXISTS message_by_tracking_id ON message (tracking_id) WHERE tracking_id IS NOT NULL",
    )
    values = (_FINAL_NUMBERS[status], _write_id(tracking_id))
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
    """Number of rows."""
    return cast("int", connection.execute("SELECT COUNT(*) FROM message").fetchone()[0])


def end(connection: sqlite3.Connection) -> int:
    """Position after the last row; 0 when there is none."""
    return cast("int", connection.execute("SELECT COALESCE(MAX(position) + 1, 0) FROM message").fetchone()[0])


def summarize(connection: sqlite3.Connection) -> LedgerSummary:
    """Count everything."""
    about = read_about(connection)
    states = Counter(dict.fromkeys(_STATES, 0))
    statuses: Counter[MessageStatus] = Counter()
    all_parts = 0
    query = "SELECT state, status, COUNT(*), TOTAL(parts) FROM message GROUP BY state, status ORDER BY state, status"
    for state, status, number, parts in connection.execute(query):
        states[_STATES[state]] += number
        if _STATES[state] is RowState.ACCEPTED:
            all_parts += int(parts)
        if status is not None:
            statuses[_FINALS[status]] += number
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
