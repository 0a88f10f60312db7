"""The tail of a ledger: what its owner has written lately, before it is made rows of. Pure.

A row of a table for each intent and each outcome costs several times what all the rest of a ledger does. So what is usual, the
intent of a message that has no row, and then its acceptance, is only noted: what a group has of that is one entry.
Now and then what has been accepted is made rows of, all together; what is on its way is noted once more, and the old entries go.

A message is in the tail or has a row, never both. Whatever is not usual about one makes a row of it at once, and lets it leave the
tail. Whoever reads a ledger reads rows and tail in one consistent state.

One entry: how many intents and outcomes it has, as two numbers of 4 bytes; for each intent its position and when it was intended
(8 bytes each, milliseconds since 1970), checksum (16) and reference (19); for each outcome its position (8), number of parts
(4; -1 for not known, -2 for a message that has left), and tracking id (16). Least significant byte first.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, starmap
from operator import itemgetter

from routee_async.references import LENGTH
from routee_async.row_forms import ACCEPTED, INTENDED, Written

Intent = tuple[int, int, bytes, bytes]
"""Position, when it was intended (milliseconds since 1970), checksum, reference."""

_CHECKSUM_LENGTH = 16
_COUNTS = struct.Struct("<II")
_INTENT = struct.Struct(f"<qq{_CHECKSUM_LENGTH}s{LENGTH}s")
_OUTCOME = struct.Struct("<qi16s")
_NO_PARTS = -1
_LEFT = -2
_NO_ID = bytes(16)


def fits(reference: bytes, checksum: bytes) -> bool:
    """True when an intent can be noted, as each that a batch writes can."""
    return len(checksum) == _CHECKSUM_LENGTH and len(reference) == LENGTH


class Tail:
    """What entries add up to.

    Attributes:
        intents: Messages on their way, by position.
        accepted: Rows of those that have been accepted since, by position.
        noted: How many intents and outcomes the entries have.
    """

    def __init__(self) -> None:
        self.intents: dict[int, Intent] = {}
        self.accepted: dict[int, Written] = {}
        self.noted: int = 0

    def __len__(self) -> int:
        return len(self.intents) + len(self.accepted)

    def rows(self) -> Iterator[Written]:
        """All messages, as rows, in no order."""
        return chain(self.accepted.values(), (_row_of(intent) for intent in self.intents.values()))

    def intend(self, intents: Sequence[Intent]) -> None:
        """Take intents of messages that are new."""
        self.noted += len(intents)
        self.intents.update(zip(map(itemgetter(0), intents), intents, strict=True))

    def settle(self, row: Written) -> tuple[bytes, Written | None]:
        """Take what became of a message on its way.

        Args:
            row: As it is to be written. What marks the message, and when it was intended, is better known here.

        Returns:
            Its part of an entry; and the whole row if the message has left, so that it has to be written as a row.
        """
        self.noted += 1
        position, state, _, _, tracking_id, parts, _, error, duplicates = row
        _, intended_at, checksum, reference = self.intents.pop(position)
        whole = (position, state, reference.decode(), checksum, tracking_id, parts, intended_at, error, duplicates)
        if state == ACCEPTED and type(tracking_id) is bytes and error is None and duplicates is None:
            self.accepted[position] = whole
            return _OUTCOME.pack(position, _NO_PARTS if parts is None else parts, tracking_id), None
        return _OUTCOME.pack(position, _LEFT, _NO_ID), whole

    def forget_accepted(self) -> None:
        """Take into account that those are rows now, and that the intents are in one entry."""
        self.accepted.clear()
        self.noted = len(self.intents)

    def replay(self, entry: bytes) -> None:
        """Take what was noted.

        Raises:
            ValueError, KeyError, struct.error: It was not written by us.
        """
        intents, outcomes = _COUNTS.unpack_from(entry)
        middle = _COUNTS.size + intents * _INTENT.size
        if len(entry) != middle + outcomes * _OUTCOME.size:
            raise ValueError("an entry has another length than it says")
        self.intend(list(_INTENT.iter_unpack(entry[_COUNTS.size : middle])))
        for position, parts, tracking_id in _OUTCOME.iter_unpack(entry[middle:]):
            if parts == _LEFT:
                del self.intents[position]
                self.noted += 1
            else:
                known = None if parts == _NO_PARTS else parts
                self.settle((position, ACCEPTED, "", b"", tracking_id, known, None, None, None))


def write_entry(intents: Iterable[Intent], outcomes: Sequence[bytes]) -> bytes:
    """Make an entry of the intents of messages that are new, and what became of those on their way (see `Tail.settle`)."""
    written = b"".join(starmap(_INTENT.pack, intents))
    return b"".join((_COUNTS.pack(len(written) // _INTENT.size, len(outcomes)), written, *outcomes))


def _row_of(intent: Intent) -> Written:
    position, intended_at, checksum, reference = intent
    return (position, INTENDED, reference.decode(), checksum, None, None, intended_at, None, None)
