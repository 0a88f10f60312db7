"""The mark of each message, and the searches that find messages by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import references
from routee_async.errors import InvalidInputError
from routee_async.models import MessageStatus, TrackedPart
from routee_async.references import Lookup
from routee_async.validation import LONGEST_LABEL

RUN = "k3f9x2ab"


def row(label: str | None, to: str = "+306970000001", tracking_id: str = "id") -> TrackedPart:
    """Make a row of a search."""
    return TrackedPart(tracking_id=tracking_id, to=to, label=label, status=MessageStatus.SENT)


@given(st.integers(0, 36**7 - 1))
def test_reference_is_short_plain_and_begins_with_its_run(index: int) -> None:
    """At most 20 ASCII characters, the run first, whatever the row."""
    reference = references.reference_of(RUN, index)
    assert len(reference) == references.LENGTH <= 20
    assert reference.isascii()
    assert reference.startswith(f"ra.{RUN}.")


@given(st.integers(0, 36**7 - 1), st.integers(0, 36**7 - 1))
def test_reference_is_unique_in_its_run(one: int, other: int) -> None:
    """Two rows never share a reference, and order is kept."""
    first, second = (references.reference_of(RUN, index) for index in (one, other))
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@given(st.none() | st.text(min_size=1, max_size=LONGEST_LABEL - references.LENGTH - 1))
def test_own_label_comes_back_unchanged(label: str | None) -> None:
    """Whatever the caller's label is, it survives the wire."""
    reference = references.reference_of(RUN, 7)
    on_the_wire = references.wire_label(label, reference)
    assert len(on_the_wire) <= LONGEST_LABEL
    assert references.split_label(on_the_wire) == (reference, label)


def test_label_without_room_for_the_reference_is_refused() -> None:
    """A label that leaves no room is said to be too long, with the length that is left."""
    with pytest.raises(InvalidInputError, match="330 characters"):
        references.wire_label("x" * 331, references.reference_of(RUN, 0))


@pytest.mark.parametrize(
    "label", [None, "job-1", "ra.K3F9X2AB.0000001", "ra.k3f9x2ab.00001", "20260114-0000017", "ra.k3f9x2ab.0000001x", ""]
)
def test_foreign_label_is_left_alone(label: str | None) -> None:
    """A label that we did not make is the caller's own, whole."""
    assert references.split_label(label) == (None, label)


def reference(index: int) -> str:
    """The reference of a row of the run."""
    return references.reference_of(RUN, index)


def test_lone_message_is_looked_up_by_itself() -> None:
    """One search for one message, as narrow as can be, also when a label of the caller's stands behind the reference."""
    assert references.plan_lookups([f"{reference(5)} job"]) == [Lookup(reference(5), frozenset({f"{reference(5)} job"}))]


def test_neighbours_share_a_search() -> None:
    """A hundred neighbours in doubt cost one search, over no more rows than fit a page."""
    (lookup,) = references.plan_lookups([reference(index) for index in range(100, 200)])
    assert len(lookup.wire_labels) == 100
    assert sum(reference(index).startswith(lookup.prefix) for index in range(10_000)) == 1296


@given(st.integers(0, 36**7 - 1), st.none() | st.text(min_size=1, max_size=9))
def test_block_is_what_a_search_for_neighbours_starts_with(index: int, label: str | None) -> None:
    """The block of a row begins its label and those of its 1,296 neighbours, and no other row's, whatever stands behind it."""
    wire = references.wire_label(label, reference(index))
    block, first = references.block_of(wire), index // 1296 * 1296
    assert wire.startswith(block)
    assert all(reference(near).startswith(block) for near in (first, first + 1295))
    others = [near for near in (first - 1, first + 1296) if 0 <= near < 36**7]
    assert not any(reference(near).startswith(block) for near in others)


@given(st.sets(st.integers(0, 100_000), max_size=300))
def test_every_message_is_in_exactly_one_search_that_finds_it(indexes: set[int]) -> None:
    """No message is left out or searched twice, and each search's prefix fits its messages."""
    lookups = references.plan_lookups([reference(index) for index in indexes])
    labels = [label for lookup in lookups for label in lookup.wire_labels]
    assert sorted(labels) == sorted(reference(index) for index in indexes)
    assert all(label.startswith(lookup.prefix) for lookup in lookups for label in lookup.wire_labels)


def test_rows_of_others_do_not_count() -> None:
    """A row counts only if both its label and its recipient are ours: an ignored filter returns everything."""
    wanted = {reference(1): "+306970000001"}
    rows = [
        row(None),
        row("job"),
        row(reference(2)),
        row(reference(1), to="+306970000002"),
        row(f"{reference(1)} more"),
        row(reference(1), to="306970000001", tracking_id="ours"),
    ]
    assert [part.tracking_id for part in references.pick(rows, wanted)[reference(1)]] == ["ours"]


def test_copies_are_all_found() -> None:
    """A message that was sent twice has two tracking ids, and both are told."""
    rows = [row(reference(1), tracking_id=each) for each in ("a", "b", "a")]
    found = references.pick(rows, {reference(1): "+306970000001"})
    assert [part.tracking_id for part in found[reference(1)]] == ["a", "b", "a"]
