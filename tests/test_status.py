"""The status machine of parts and messages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.models import MessageStatus, TrackedPart
from routee_async.status import combine, merge, rank, roll_up

START = datetime(2026, 1, 14, 8, 0, tzinfo=UTC)
QUEUED, SENT = MessageStatus.QUEUED, MessageStatus.SENT
DELIVERED, UNDELIVERED = MessageStatus.DELIVERED, MessageStatus.UNDELIVERED
FAILED, UNSENT = MessageStatus.FAILED, MessageStatus.UNSENT
STRANGE = MessageStatus("Network Error")


def row(
    status: MessageStatus,
    *,
    at: int | None = None,
    sms_id: str | None = "a",
    part: int | None = 1,
    parts: int | None = 1,
    detail: str | None = None,
) -> TrackedPart:
    """Build news about a part; *at* in seconds after eight."""
    return TrackedPart(
        tracking_id="m",
        sms_id=sms_id,
        part=part,
        parts=parts,
        to="+306970000001",
        status=status,
        detailed_status=detail,
        updated_at=None if at is None else START + timedelta(seconds=at),
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [(QUEUED, 0), (STRANGE, 0), (SENT, 1), (DELIVERED, 2), (UNDELIVERED, 2), (FAILED, 2), (UNSENT, 2)],
)
def test_rank(status: MessageStatus, expected: int) -> None:
    """Queued and unknown names come before Sent, and Sent before everything final."""
    assert rank(status) == expected


@pytest.mark.parametrize(
    ("counts", "not_this"),
    [
        pytest.param(row(SENT, at=0), row(QUEUED, at=9), id="rank outranks the date"),
        pytest.param(row(SENT, at=0), row(QUEUED, at=0), id="rank decides in the same second"),
        pytest.param(row(DELIVERED, at=0), row(SENT, at=9), id="a final status never goes back"),
        pytest.param(row(DELIVERED), row(SENT, at=9), id="a final status without a date is final"),
        pytest.param(row(SENT, at=0), row(STRANGE, at=9), id="an unknown name is no progress"),
        pytest.param(row(STRANGE, at=9), row(QUEUED, at=0), id="an unknown name after Queued is news"),
        pytest.param(row(SENT, at=2), row(SENT, at=1), id="the later date"),
        pytest.param(row(SENT, at=2), row(SENT), id="a date rather than none"),
        pytest.param(row(DELIVERED, at=1), row(FAILED, at=2), id="the first final status"),
        pytest.param(row(FAILED, at=1), row(DELIVERED, at=2), id="the first final status, the other way"),
        pytest.param(row(FAILED, at=1), row(UNDELIVERED, at=1), id="the worse of two at once"),
        pytest.param(row(DELIVERED, at=1), row(FAILED), id="a dated final status"),
        pytest.param(row(DELIVERED, at=1), row(DELIVERED, at=2), id="the first of two alike"),
        pytest.param(row(UNDELIVERED, at=1, detail="Expired"), row(UNDELIVERED, at=1), id="details"),
    ],
)
def test_merge(counts: TrackedPart, not_this: TrackedPart) -> None:
    """Of two news about a part the same one counts, whichever came first."""
    assert merge(counts, not_this) == counts
    assert merge(not_this, counts) == counts


def test_merge_keeps_the_greater_number_of_parts() -> None:
    """An announcement of more parts is not lost with the row that made it."""
    assert merge(row(SENT, parts=3), row(DELIVERED, parts=None)) == row(DELIVERED, parts=3)
    assert merge(row(SENT, parts=None), row(DELIVERED, parts=None)).parts is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], QUEUED, id="nothing known"),
        pytest.param([row(STRANGE)], STRANGE, id="an unknown name is kept"),
        pytest.param([row(DELIVERED, part=None, parts=None)], DELIVERED, id="2016 data without part numbers"),
        pytest.param([row(DELIVERED, sms_id=None, part=None)], DELIVERED, id="no identity at all, one part"),
        pytest.param([row(DELIVERED, parts=2)], QUEUED, id="a part is not shown"),
        pytest.param([row(DELIVERED, parts=2), row(DELIVERED, parts=2)], QUEUED, id="twice the same part are not two"),
        pytest.param([row(DELIVERED, parts=2), row(SENT, sms_id="b", part=2, parts=2)], SENT, id="one on its way"),
        pytest.param([row(QUEUED, parts=2), row(SENT, sms_id="b", part=2, parts=2)], QUEUED, id="the least advanced"),
        pytest.param([row(DELIVERED, parts=2), row(DELIVERED, sms_id="b", part=2)], DELIVERED, id="all delivered"),
        pytest.param([row(DELIVERED), row(UNDELIVERED, sms_id="b")], UNDELIVERED, id="one undelivered"),
        pytest.param([row(UNDELIVERED), row(UNSENT, sms_id="b")], UNSENT, id="unsent is worse than undelivered"),
        pytest.param([row(FAILED), row(UNSENT, sms_id="b")], FAILED, id="failed is worse than unsent"),
        pytest.param([row(DELIVERED), row(QUEUED), row(SENT)], DELIVERED, id="disorder"),
    ],
)
def test_roll_up(rows: list[TrackedPart], expected: MessageStatus) -> None:
    """A message is as far as its least advanced part, and then as good as its worst."""
    assert roll_up(rows) == expected
    assert roll_up(reversed(rows)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [row(SENT, sms_id="b", part=2, parts=2), row(SENT, sms_id="a", part=1, parts=2)],
            [("a", 1, SENT), ("b", 2, SENT)],
            id="by part number",
        ),
        pytest.param(
            [row(SENT, parts=2), row(DELIVERED, sms_id=None, parts=2)],
            [("a", 1, DELIVERED)],
            id="a number stands for the id seen with it",
        ),
        pytest.param(
            [row(SENT, part=None), row(DELIVERED, part=1)],
            [("a", 1, DELIVERED)],
            id="a number learnt later",
        ),
        pytest.param(
            [row(SENT, part=1), row(DELIVERED, part=None)],
            [("a", 1, DELIVERED)],
            id="a number not repeated",
        ),
        pytest.param(
            [row(SENT, sms_id=None, part=1, parts=2), row(SENT, sms_id=None, part=2, parts=2)],
            [(None, 1, SENT), (None, 2, SENT)],
            id="numbers alone",
        ),
        pytest.param(
            [row(SENT), row(DELIVERED, sms_id=None, part=None)],
            [("a", 1, DELIVERED)],
            id="news of the only part need no name",
        ),
        pytest.param(
            [row(SENT, part=None), row(DELIVERED, sms_id=None, part=1)],
            [("a", 1, DELIVERED)],
            id="an id without a number in a message of one part",
        ),
        pytest.param(
            [row(SENT, parts=2), row(DELIVERED, sms_id=None, part=None, parts=2)],
            [("a", 1, SENT)],
            id="news of nobody knows which part are left out",
        ),
        pytest.param(
            [row(SENT, part=None, parts=2), row(DELIVERED, sms_id=None, part=1, parts=2)],
            [("a", None, SENT)],
            id="a number that may belong to any id is left out",
        ),
        pytest.param(
            [row(SENT, sms_id="a"), row(SENT, sms_id="b"), row(DELIVERED, sms_id=None)],
            [("a", 1, DELIVERED), ("b", 1, SENT)],
            id="two ids with one number are two parts",
        ),
    ],
)
def test_parts(rows: list[TrackedPart], expected: list[tuple[str | None, int | None, MessageStatus]]) -> None:
    """Rows are told apart by `sms_id`, else by part number, and no part is counted twice."""
    assert [(part.sms_id, part.part, part.status) for part in combine(rows).parts] == expected


def test_conflict_is_visible() -> None:
    """A second, different final status does not count, but is shown."""
    combined = combine([row(DELIVERED, at=1), row(DELIVERED, at=3), row(FAILED, at=2)])
    assert combined.status == DELIVERED
    assert [part.status for part in combined.parts] == [DELIVERED]
    assert [part.status for part in combined.conflicts] == [FAILED]
    assert not combine([row(DELIVERED, at=1), row(DELIVERED, at=3)]).conflicts


NEWS = st.builds(
    row,
    status=st.sampled_from([QUEUED, SENT, DELIVERED, UNDELIVERED, FAILED, UNSENT, STRANGE]),
    at=st.none() | st.integers(0, 3),
    sms_id=st.sampled_from([None, "a", "b"]),
    part=st.sampled_from([None, 1, 2]),
    parts=st.sampled_from([None, 0, 1, 2]),
    detail=st.sampled_from([None, "Expired"]),
)


@given(st.data(), st.lists(NEWS, max_size=8))
def test_order_and_repetition_change_nothing(data: st.DataObject, news: list[TrackedPart]) -> None:
    """Any order and any repetition of the same news end in the same parts, conflicts and status."""
    again = data.draw(st.permutations(news + data.draw(st.lists(st.sampled_from(news), max_size=4) if news else st.just([]))))
    assert combine(again) == combine(news)
    assert roll_up(again) == roll_up(news)


@given(st.lists(NEWS, max_size=8), st.integers(0, 8))
def test_news_may_come_in_pieces(news: list[TrackedPart], cut: int) -> None:
    """Putting news together piece by piece gives the same as all at once."""
    assert combine((*combine(news[:cut]).rows, *news[cut:])) == combine(news)


NAMED = NEWS.filter(lambda item: item.sms_id is not None)


@given(st.lists(NAMED, max_size=8), NAMED)
def test_a_final_part_stays_final(news: list[TrackedPart], late: TrackedPart) -> None:
    """No news takes a part back from a final status, and none that is not final changes it at all."""
    after = {part.sms_id: part.status for part in combine([*news, late]).parts}
    for part in combine(news).parts:
        if part.status.is_final:
            assert after[part.sms_id].is_final
            assert late.status.is_final or after[part.sms_id] == part.status


@given(st.lists(NEWS, max_size=30))
def test_memory_for_one_part_is_bounded(news: list[TrackedPart]) -> None:
    """However many news come, five rows for each identity of a part are kept at the most."""
    rows = combine(news).rows
    identities = {(item.sms_id, item.part) for item in rows}
    assert len(rows) <= 5 * len(identities)
    assert combine(rows) == combine(news)
