"""The notes of a ledger: entries of the tail, what they add up to, and bundles."""

import struct
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import tail
from routee_async.row_forms import ACCEPTED, Written
from routee_async.tail import Tail

NOW = 1_790_000_000_000
POSITIONS = st.integers(0, 2**40)
FATES = st.sampled_from(["accepted", "left", "on its way"])


def intent_of(position: int) -> bytes:
    """The note of an intent."""
    return tail.write_intent(position, NOW + position, f"{position:016}".encode(), f"ra.k3f9x2ab.{position:07}"[-19:].encode())


def accepted(position: int, parts: int = 1) -> bytes:
    """The note of an accepted message."""
    return intent_of(position) + tail.write_outcome(parts, f"{position:036}".encode())


def row_of(position: int, parts: int | None = 1) -> Written:
    """The row that this stands for."""
    reference = f"ra.k3f9x2ab.{position:07}"[-19:]
    return (position, ACCEPTED, reference, f"{position:016}".encode(), f"{position:036}", parts, NOW + position, None, None)


@pytest.mark.parametrize(("parts", "known"), [(1, 1), (0, 0), (2**31 - 1, 2**31 - 1), (tail.NO_PARTS, None)])
def test_notes_are_read_as_they_were_written(parts: int, known: int | None) -> None:
    """A note has all that the row of a usual message has."""
    assert tail.read_intent(intent_of(7)) == (7, 0, "ra.k3f9x2ab.0000007", b"0000000000000007", None, None, NOW + 7, None, None)
    assert list(tail.read_accepted(accepted(7, parts))) == [row_of(7, known)]
    assert (tail.position_of(intent_of(7)), tail.position_of(accepted(7))) == (7, 7)


@given(positions=st.lists(POSITIONS, unique=True, min_size=2))
def test_notes_in_order_are_messages_in_order(positions: list[int]) -> None:
    """To sort notes is to sort messages, and a position stands where its note does."""
    notes = sorted(map(accepted, positions))
    assert [tail.position_of(note) for note in notes] == sorted(positions)
    assert all(first < tail.write_position(tail.position_of(second)) < second for first, second in pairwise(notes))


def test_an_intent_knows_best_what_marks_its_message() -> None:
    """A row that is made of a message on its way has the marks and the time of its intent, and the rest as it is given."""
    given_row: Written = (7, 4, "other", b"", "id", 3, NOW + 1000, "why", '["another"]')
    completed = (7, 4, "ra.k3f9x2ab.0000007", b"0000000000000007", "id", 3, NOW + 7, "why", '["another"]')
    assert tail.complete(intent_of(7), given_row) == completed


@given(messages=st.dictionaries(POSITIONS, FATES, max_size=20), cut=st.integers(0, 20), apart=st.booleans())
def test_entries_add_up_to_what_was_written(messages: dict[int, str], cut: int, apart: bool) -> None:  # noqa: FBT001
    """Whatever is noted, in one entry or in several, is what the tail is when it is read again."""
    read = Tail()
    for positions in (list(messages)[:cut], list(messages)[cut:]):
        intents = [intent_of(position) for position in positions]
        settled = [accepted(position) for position in positions if messages[position] == "accepted"]
        left = [tail.write_position(position) for position in positions if messages[position] == "left"]
        if apart:
            read.replay(tail.write_entry(intents))
            read.replay(tail.write_entry((), settled, left))
        else:
            read.replay(tail.write_entry(intents, settled, left))
    expected = {fate: {position for position in messages if messages[position] == fate} for fate in messages.values()}
    assert set(read.accepted) == expected.get("accepted", set())
    assert set(read.intents) == expected.get("on its way", set())
    assert len(read) == len(read.accepted) + len(read.intents) == len(list(read.rows()))
    assert all(row == row_of(row[0]) for row in read.rows() if row[1] == ACCEPTED)


def test_an_accepted_message_can_leave() -> None:
    """A message of the tail of which a row is made after all is gone from it."""
    known = Tail()
    known.replay(tail.write_entry([intent_of(1)], [accepted(2)]))
    known.replay(tail.write_entry((), left=[tail.write_position(2)]))
    assert (list(known.intents), known.accepted) == ([1], {})


@pytest.mark.parametrize(
    "spoil",
    [lambda entry: entry[:-1], lambda entry: entry + b"\0", lambda _: b"", lambda entry: entry[8:], lambda entry: entry[:8]],
)
def test_an_entry_of_another_length_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """An entry that was cut or that grew is no entry."""
    whole = tail.write_entry([intent_of(1)], [accepted(2)])
    with pytest.raises((ValueError, struct.error)):
        Tail().replay(spoil(whole))


def test_nothing_cannot_leave() -> None:
    """A message that leaves without having been there is damage."""
    with pytest.raises(KeyError):
        Tail().replay(tail.write_entry((), left=[tail.write_position(1)]))


@given(parts=st.lists(st.sampled_from([tail.NO_PARTS, 0, 1, 2, 255]), min_size=1))
def test_a_bundle_is_counted(parts: list[int]) -> None:
    """A bundle knows its ends, how many messages it has, and how many parts, of those that have a number."""
    notes = b"".join(accepted(10 + 3 * number, each) for number, each in enumerate(parts))
    assert tail.count(notes) == (len(parts), sum(each for each in parts if each > 0))
    assert tail.ends(notes) == (10, 10 + 3 * (len(parts) - 1))


@given(positions=st.sets(st.integers(0, 30), max_size=12), wanted=st.integers(0, 31))
def test_a_message_is_taken_out_of_a_bundle(positions: set[int], wanted: int) -> None:
    """The note of a message is found wherever it is, and the bundle goes on without it; what is not there is not found."""
    note, rest = tail.take(b"".join(map(accepted, sorted(positions))), wanted)
    assert note == (accepted(wanted) if wanted in positions else b"")
    assert rest == b"".join(map(accepted, sorted(positions - {wanted})))
