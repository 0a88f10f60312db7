"""What a row of a ledger looks like in its file, and back. Pure.

Compact, because a batch may have millions of messages: about 80 bytes a row. A state and a final status are small numbers, a
tracking id in the usual form is 16 bytes.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from routee_async import errors
from routee_async.errors import RouteeError
from routee_async.models import MessageStatus
from routee_async.store import LedgerRow, RowState

Written = tuple[int, int, str, bytes, str | bytes | None, int | None, int | None, str | None, str | None]
"""A row as it is written, in the order of the columns."""
Stored = tuple[int, int, str, bytes, str | bytes | None, int | None, int | None, str | None, str | None, int | None]
"""A row as it is read: with the final status."""

STATES = (RowState.INTENDED, RowState.ACCEPTED, RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN)
INTENDED, ACCEPTED = 0, 1
"""Numbers of two states."""
STATE_NUMBERS = {state: number for number, state in enumerate(STATES)}
FINALS = (MessageStatus.DELIVERED, MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.UNSENT)
FINAL_NUMBERS = {status: number for number, status in enumerate(FINALS)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UUID_LENGTH, _ID_LENGTH = 36, 16
MOST_PARTS = 2**31
_LONGEST_TEXT = 500
"""Characters of each text in an error that are kept: a server may answer with a page."""


def write_row(
    index: int,
    state: RowState,
    reference: str,
    checksum: bytes,
    tracking_id: str | None = None,
    parts: int | None = None,
    error: RouteeError | None = None,
    duplicates: tuple[str, ...] = (),
    *,
    intended_at: int | None = None,
) -> Written:
    """Put a row into the form of the file; *intended_at* in milliseconds since 1970.

    Whatever a server made up as an id, a count or a text finds a place or is cut.
    """
    return (
        index,
        STATE_NUMBERS[state],
        reference,
        checksum,
        None if tracking_id is None else write_id(tracking_id),
        parts if parts is not None and 0 <= parts < MOST_PARTS else None,
        intended_at,
        None if error is None else _write_error(error),
        json.dumps(duplicates) if duplicates else None,
    )


def read_row(stored: Stored) -> LedgerRow:
    """Make a row of what the file says."""
    index, state, reference, checksum, tracking_id, parts, intended_at, error, duplicates, status = stored
    return LedgerRow(
        index=index,
        state=STATES[state],
        reference=reference,
        checksum=checksum,
        tracking_id=_read_id(tracking_id) if isinstance(tracking_id, bytes) else tracking_id,
        parts=parts,
        error=None if error is None else _read_error(error),
        status=None if status is None else FINALS[status],
        intended_at=None if intended_at is None else _EPOCH + intended_at * _MILLISECOND,
        duplicates=() if duplicates is None else tuple(json.loads(duplicates)),
    )


def write_id(tracking_id: str) -> str | bytes:
    """A tracking id in the form of the file: 16 bytes where it has the usual form, text otherwise."""
    digits = tracking_id.replace("-", "")
    if len(tracking_id) == _UUID_LENGTH and tracking_id[8:24:5] == "----" and digits == digits.lower():
        try:
            short = bytes.fromhex(digits)
        except ValueError:
            short = b""
        if len(short) == _ID_LENGTH:  # blanks among the digits are passed over
            return short
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
