"""The tail of a ledger: entries, and what they add up to."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import tail
from routee_async.row_forms import ACCEPTED, Written
from routee_async.tail import Intent, Tail

NOW = 1_790_000_000_000
OUTCOMES = st.sampled_from(["accepted", "without parts", "left", "on its way"])


def an_intent(position: int) -> Intent:
    """The intent of a message."""
    return (position, NOW + position, f"{position:016}".encode(), f"ra.k3f9x2ab.{position:07}".encode())


def a_row(position: int, *, parts: int | None = 1, error: str | None = None) -> Written:
    """What became of it, as it is written by somebody who does not know its marks."""
    return (position, ACCEPTED, "", b"", b"%016d" % position, parts, None, error, None)


@pytest.mark.parametrize(
    ("reference", "checksum", "good"),
    [
        (b"ra.k3f9x2ab.0000001", bytes(16), True),
        (b"ra.k3f9x2ab.00000011", bytes(16), False),
        (b"", bytes(16), False),
        (b"ra.k3f9x2ab.0000001", bytes(15), False),
        (b"ra.k3f9x2ab.0000001", b"", False),
    ],
)
def test_only_what_has_the_usual_lengths_fits(reference: bytes, checksum: bytes, good: bool) -> None:  # noqa: FBT001
    """An intent is noted when its marks have the lengths that a batch gives them: the entry has no room for others."""
    assert tail.fits(reference, checksum) == good


def test_an_acceptance_completes_the_row() -> None:
    """What was intended tells what marks the message; the outcome tells the rest."""
    known = Tail()
    known.intend([an_intent(7)])
    assert list(known.rows()) == [(7, 0, "ra.k3f9x2ab.0000007", b"0000000000000007", None, None, NOW + 7, None, None)]
    part, row = known.settle(a_row(7, parts=3))
    whole = (7, ACCEPTED, "ra.k3f9x2ab.0000007", b"0000000000000007", b"0000000000000007", 3, NOW + 7, None, None)
    assert (row, list(known.rows()), len(known), known.noted) == (None, [whole], 1, 2)
    assert part == struct.pack("<qi16s", 7, 3, b"0000000000000007")


@pytest.mark.parametrize(
    "row",
    [
        a_row(7, error="why"),
        (7, 4, "", b"", b"0000000000000007", None, None, None, None),
        (7, ACCEPTED, "", b"", "an unusual id", 1, None, None, None),
        (7, ACCEPTED, "", b"", None, 1, None, None, None),
        (7, ACCEPTED, "", b"", b"0000000000000007", 1, None, None, '["another"]'),
        (7, 0, "", b"", None, None, NOW + 1000, None, None),
    ],
    ids=["error", "unknown", "other id", "no id", "duplicates", "intended again"],
)
def test_what_is_not_usual_leaves(row: Written) -> None:
    """Of whatever is not a plain acceptance a row has to be made, with what marks the message and its first intent."""
    known = Tail()
    known.intend([an_intent(7)])
    part, whole = known.settle(row)
    assert whole == (7, row[1], "ra.k3f9x2ab.0000007", b"0000000000000007", row[4], row[5], NOW + 7, row[7], row[8])
    assert (len(known), list(known.rows())) == (0, [])
    again = Tail()
    again.replay(tail.write_entry([an_intent(7)], [part]))
    assert (len(again), again.noted) == (0, 2)


@given(messages=st.dictionaries(st.integers(0, 9_999_999), OUTCOMES, max_size=20), cut=st.integers(0, 20))
def test_entries_add_up_to_what_was_written(messages: dict[int, str], cut: int) -> None:
    """Whatever is noted, in one entry or in two, is what the tail is when it is read again."""
    written, read = Tail(), Tail()
    for positions in (list(messages)[:cut], list(messages)[cut:]):
        intents = [an_intent(position) for position in positions]
        written.intend(intents)
        outcomes = [
            written.settle(
                a_row(
                    position,
                    parts=None if messages[position] == "without parts" else 2,
                    error="why" if messages[position] == "left" else None,
                ),
            )[0]
            for position in positions
            if messages[position] != "on its way"
        ]
        read.replay(tail.write_entry(intents, outcomes))
    assert (read.intents, read.accepted, read.noted) == (written.intents, written.accepted, written.noted)


def test_what_has_rows_is_forgotten() -> None:
    """When rows have been made, only what is on its way is left, and counted."""
    known = Tail()
    known.intend([an_intent(1), an_intent(2)])
    known.settle(a_row(1))
    known.forget_accepted()
    assert (list(known.intents), known.accepted, known.noted) == ([2], {}, 1)


@pytest.mark.parametrize("spoil", [lambda entry: entry[:-1], lambda entry: entry + b"\0", lambda _: b"", lambda entry: entry[8:]])
def test_an_entry_of_another_length_is_refused(spoil: "type[bytes]") -> None:
    """An entry that was cut or that grew is no entry."""
    whole = tail.write_entry([an_intent(1)], [])
    with pytest.raises((ValueError, struct.error)):
        Tail().replay(spoil(whole))


def test_an_outcome_of_nothing_is_refused() -> None:
    """An outcome of a message that was never intended is damage."""
    for parts in (1, -2):
        with pytest.raises(KeyError):
            Tail().replay(tail.write_entry([], [struct.pack("<qi16s", 1, parts, bytes(16))]))
