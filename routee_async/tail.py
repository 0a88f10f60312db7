"""How a ledger keeps what is usual: the intent of a message that has no row, and then its acceptance. Pure.

A row of a table for each intent and each outcome costs several times what all the rest of a ledger does. So both are *notes* of a
fixed length. What a group has of them is one entry of the *tail*. When enough has been accepted, those up to the first message that
is still on its way become a *bundle*: neighbours, in order, in one blob, for good. What is left of the tail is noted once more, and
the old entries go.

A message is in the tail, in a bundle, or has a row: one of the three. Bundles do not overlap. Whatever is not usual about a message
makes a row of it at once. Whoever reads a ledger reads all three in one consistent state.

A note of an intent: position and when it was intended (8 bytes each, milliseconds since 1970), checksum (16), reference (19). The
note of an accepted message goes on with the number of parts (4; -1 for not known) and the tracking id (36 characters). The most
significant byte comes first, so that notes in order are messages in order.

One entry: how many intents and how many accepted messages it has (4 bytes each), their notes, and the positions of messages that
have left the tail for a row.
"""

import struct
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from operator import itemgetter

from routee_async.references import LENGTH
from routee_async.row_forms import ACCEPTED, INTENDED, Written

CHECKSUM_LENGTH = 16
ID_LENGTH = 36
NO_PARTS = -1
_COUNTS = struct.Struct(">II")
_POSITION = struct.Struct(">q")
_INTENT = struct.Struct(f">qq{CHECKSUM_LENGTH}s{LENGTH}s")
_OUTCOME = struct.Struct(f">i{ID_LENGTH}s")
_ACCEPTED = struct.Struct(f"{_INTENT.format}{_OUTCOME.format[1:]}")
_PARTS = struct.Struct(f">{_INTENT.size}xi{ID_LENGTH}x")

write_intent = _INTENT.pack
"""The note of an intent: of its position, when it was intended (milliseconds since 1970), checksum and reference."""
write_outcome = _OUTCOME.pack
"""What is added to that when its message is accepted: number of parts, or `NO_PARTS`, and tracking id, 36 characters of ASCII."""
write_position = _POSITION.pack
"""A position, as notes begin with it."""
MARK_LENGTH = _POSITION.size
"""Bytes of that."""


def complete(intent: bytes, row: Written) -> Written:
    """The row of a message that was under way: its intent knows better what marks it, and when it was intended."""
    _, intended_at, checksum, reference = _INTENT.unpack(intent)
    return (*row[:2], reference.decode(), checksum, *row[4:6], intended_at, *row[7:])


def write_entry(intents: Collection[bytes], accepted: Collection[bytes] = (), left: Collection[bytes] = ()) -> bytes:
    """Make an entry of the notes of messages that are new, of those accepted since, and of positions that have left."""
    return b"".join((_COUNTS.pack(len(intents), len(accepted)), *intents, *accepted, *left))


class Tail:
    """What entries add up to.

    Attributes:
        intents: Notes of messages on their way, by position.
        accepted: Notes of those that have been accepted since, by position.
    """

    def __init__(self) -> None:
        self.intents: dict[int, bytes] = {}
        self.accepted: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.intents) + len(self.accepted)

    def rows(self) -> Iterator[Written]:
        """All messages, as rows, in no order."""
        return chain(map(read_intent, self.intents.values()), read_accepted(b"".join(self.accepted.values())))

    def replay(self, entry: bytes) -> None:
        """Take what was noted.

        Raises:
            ValueError, KeyError, TypeError, struct.error: It was not written by us.
        """
        intents, accepted = _COUNTS.unpack_from(entry)
        middle = _COUNTS.size + intents * _INTENT.size
        end = middle + accepted * _ACCEPTED.size
        if len(entry) < end:
            raise ValueError("an entry is shorter than it says")
        self.intents.update((position_of(note), note) for note in _cut(entry[_COUNTS.size : middle], _INTENT.size))
        for note in _cut(entry[middle:end], _ACCEPTED.size):
            position = position_of(note)
            self.intents.pop(position, None)
            self.accepted[position] = note
        for (position,) in _POSITION.iter_unpack(entry[end:]):
            del (self.accepted if position in self.accepted else self.intents)[position]


def position_of(notes: bytes, start: int = 0) -> int:
    """The position of the message that a note is of, which begins at *start*."""
    position: int = _POSITION.unpack_from(notes, start)[0]
    return position


def read_intent(note: bytes) -> Written:
    """The row of a message on its way."""
    position, intended_at, checksum, reference = _INTENT.unpack(note)
    return (position, INTENDED, reference.decode(), checksum, None, None, intended_at, None, None)


def read_accepted(notes: bytes) -> Iterator[Written]:
    """The rows of accepted messages, of their notes one after the other.

    Raises:
        ValueError, struct.error: They were not written by us.
    """
    for position, intended_at, checksum, reference, parts, tracking_id in _ACCEPTED.iter_unpack(notes):
        known = None if parts == NO_PARTS else parts
        yield (position, ACCEPTED, reference.decode(), checksum, tracking_id.decode(), known, intended_at, None, None)


def count(notes: bytes) -> tuple[int, int]:
    """How many accepted messages there are in a bundle, and how many parts they have together, as far as known."""
    parts = list(map(itemgetter(0), _PARTS.iter_unpack(notes)))
    return len(parts), sum(parts) - NO_PARTS * parts.count(NO_PARTS)


def ends(notes: bytes) -> tuple[int, int]:
    """Positions of the first and the last message in a bundle."""
    return position_of(notes), position_of(notes, len(notes) - _ACCEPTED.size)


def take(notes: bytes, position: int) -> tuple[bytes, bytes]:
    """The note of a message in a bundle, empty when it is not there, and the bundle without it."""
    starts = range(0, len(notes), _ACCEPTED.size)
    number = bisect_left(starts, position, key=lambda start: position_of(notes, start))
    start = number * _ACCEPTED.size
    end = start + _ACCEPTED.size
    if start == len(notes) or position_of(notes, start) != position:
        return b"", notes
    return notes[start:end], notes[:start] + notes[end:]


def _cut(notes: bytes, size: int) -> Sequence[bytes]:
    return [notes[start : start + size] for start in range(0, len(notes), size)]
