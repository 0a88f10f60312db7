"""The status machine of parts and messages."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.models import MessageStatus, TrackedPart
from routee_async.status import Progress, advance, combine, merge, rank, roll_up

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


# --- between two news


def feed(*news: list[TrackedPart]) -> tuple[Progress, MessageStatus]:
    """Take in news piece by piece; return what is kept and what is known in the end."""
    progress, known = advance(None, news[0])
    for piece in news[1:]:
        progress, known = advance(progress, piece)
    return progress, known.status


@pytest.mark.parametrize("status", [QUEUED, SENT])
def test_message_of_one_part_keeps_only_its_status(status: MessageStatus) -> None:
    """What is kept of such messages is one object for all of them: there may be millions."""
    first, _ = advance(None, [row(status, sms_id="a")])
    second, _ = advance(None, [row(status, sms_id="b", at=1, detail="Expired")])
    assert first == Progress(status)
    assert first is second
    assert advance(first, [row(status)])[0] is first
    assert advance(None, [])[0] is advance(Progress(QUEUED), [])[0]


def test_unknown_name_is_kept_by_itself() -> None:
    """A status that is not documented is kept like any other, but for the sharing."""
    assert feed([row(STRANGE)]) == (Progress(STRANGE), STRANGE)


@pytest.mark.parametrize(
    "news",
    [
        pytest.param([row(SENT, parts=2)], id="one of two"),
        pytest.param([row(SENT, parts=None)], id="one of an unknown number"),
        pytest.param([row(SENT), row(SENT, sms_id="b")], id="two, whatever they say"),
        pytest.param([row(DELIVERED)], id="final"),
        pytest.param([row(DELIVERED, at=1), row(FAILED, at=2)], id="a conflict"),
    ],
)
def test_other_messages_keep_their_rows(news: list[TrackedPart]) -> None:
    """Where a status does not say it all, the rows are kept, and what is known is that they add up to."""
    progress, known = advance(None, news)
    assert known == combine(news)
    assert progress == Progress(known.status, known.rows)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([[], []], QUEUED, id="nothing"),
        pytest.param([[row(SENT)], []], SENT, id="no news"),
        pytest.param([[row(SENT, at=1)], [row(QUEUED, at=9)]], SENT, id="an older status does not count"),
        pytest.param([[row(SENT)], [row(STRANGE)]], SENT, id="an unknown name is no progress"),
        pytest.param([[row(STRANGE)], [row(QUEUED)]], STRANGE, id="Queued after an unknown name is old"),
        pytest.param([[row(QUEUED)], [row(STRANGE)]], STRANGE, id="an unknown name after Queued is news"),
        pytest.param([[row(STRANGE)], [row(SENT)], [row(QUEUED)]], SENT, id="Sent after an unknown name"),
        pytest.param([[row(SENT)], [row(DELIVERED)]], DELIVERED, id="final"),
        pytest.param([[row(DELIVERED)], [row(SENT)]], DELIVERED, id="final stays"),
        pytest.param([[row(DELIVERED, at=2)], [row(FAILED, at=1)]], FAILED, id="the first final status, though it comes late"),
        pytest.param([[row(QUEUED)], [row(DELIVERED, part=None, parts=None)]], DELIVERED, id="an old form of the last news"),
        pytest.param([[row(SENT, parts=2)], [row(SENT, sms_id="b", part=2, parts=2)]], SENT, id="two parts on their way"),
        pytest.param([[row(DELIVERED, parts=2)], [row(SENT, sms_id="b", part=2, parts=2)]], SENT, id="one of two final"),
        pytest.param([[row(DELIVERED, parts=2)], [row(UNSENT, sms_id="b", part=2)]], UNSENT, id="two of two final"),
        pytest.param([[row(QUEUED)], [row(DELIVERED, parts=2)]], QUEUED, id="more parts than was said at first"),
    ],
)
def test_news_add_up(pieces: list[list[TrackedPart]], expected: MessageStatus) -> None:
    """The status after some news is kept and known alike."""
    progress, known = feed(*pieces)
    assert (progress.status, known) == (expected, expected)


def test_status_that_is_known_is_the_one_that_is_kept() -> None:
    """An older status does not come back in what is known, though its row is the latest."""
    progress, _ = advance(None, [row(SENT, at=1)])
    progress, known = advance(progress, [row(QUEUED, at=9)])
    assert known.status is SENT
    assert progress is advance(None, [row(SENT)])[0]


def test_conflict_is_seen_later() -> None:
    """A second, different final status is a conflict also when it comes in other news."""
    progress, known = advance(None, [row(SENT)])
    assert not known.conflicts
    progress, known = advance(progress, [row(DELIVERED, at=1)])
    assert not known.conflicts
    _, known = advance(progress, [row(FAILED, at=2)])
    assert (known.status, [item.status for item in known.conflicts]) == (DELIVERED, [FAILED])


def test_input_is_read_once() -> None:
    """News may come as any iterable."""
    assert advance(None, iter([row(SENT)])) == advance(None, [row(SENT)])


@pytest.mark.parametrize("late", [row(QUEUED, parts=None), row(QUEUED, part=2, parts=2, sms_id="b")], ids=["no number", "more"])
def test_status_never_goes_back(late: TrackedPart) -> None:
    """A lower status than one that was seen does not count, however often it is told."""
    assert feed([row(SENT)], [late])[1] == SENT
    assert feed([row(SENT)], [late], [late])[1] == SENT


ONLY_PART = st.builds(
    row,
    status=st.sampled_from([QUEUED, SENT, DELIVERED, UNDELIVERED, FAILED, UNSENT, STRANGE, MessageStatus("Buffered")]),
    at=st.none() | st.integers(0, 3),
    detail=st.sampled_from([None, "Expired"]),
)
ONE_OF_SEVERAL = NEWS.filter(lambda item: item.parts == 2)


def pieces_of(news: list[TrackedPart], cuts: set[int]) -> list[list[TrackedPart]]:
    """Cut a list."""
    edges = [0, *sorted(cuts), len(news)]
    return [news[start:end] for start, end in pairwise(edges)]


@given(st.lists(ONLY_PART, max_size=8), st.sets(st.integers(0, 8)))
def test_one_part_in_pieces_ends_like_all_at_once(news: list[TrackedPart], cuts: set[int]) -> None:
    """News of the only part end in the status that they have together, up to the first piece with a final one."""
    progress, seen = None, []
    ranks = [0]
    for piece in pieces_of(news, {min(cut, len(news)) for cut in cuts}):
        progress, known = advance(progress, piece)
        seen += piece
        assert progress.status == known.status
        assert (progress.rows == ()) is not known.status.is_final
        assert rank(known.status) == rank(combine(seen).status)
        ranks.append(rank(known.status))
        if known.status.is_final:
            assert known.status == combine(seen).status
            assert {item.status for item in known.conflicts} == {item.status for item in combine(seen).conflicts}
            break
    assert ranks == sorted(ranks)


@given(st.lists(ONE_OF_SEVERAL, max_size=8), st.sets(st.integers(0, 8)))
def test_several_parts_in_pieces_are_like_all_at_once(news: list[TrackedPart], cuts: set[int]) -> None:
    """News of several parts add up to the same, in whatever pieces they come."""
    progress, seen = None, []
    for piece in filter(None, pieces_of(news, {min(cut, len(news)) for cut in cuts})):
        progress, known = advance(progress, piece)
        seen += piece
        assert known == combine(seen)
        assert progress == Progress(known.status, known.rows)


@given(st.lists(NEWS, max_size=8), st.sets(st.integers(0, 8)))
def test_what_is_kept_of_an_end_is_the_end(news: list[TrackedPart], cuts: set[int]) -> None:
    """Nothing that made a message final is lost by what is kept: neither no news nor the same once more change it."""
    progress = None
    for piece in pieces_of(news, {min(cut, len(news)) for cut in cuts}):
        progress, known = advance(progress, piece)
        assert progress.status == known.status
        if known.status.is_final:
            again, after = advance(progress, [])
            assert (again, after) == (progress, known)
            repeated, _ = advance(progress, piece)
            assert repeated == progress
