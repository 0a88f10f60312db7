"""Filters of searches, and the rows that meet them."""

from datetime import UTC, datetime, timedelta

import pytest

from routee_async import Field, Filter, InvalidInputError, LookupField, MessageStatus, Operator, TrackedPart, filters

NOW = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
PART = TrackedPart(
    tracking_id="m",
    sms_id="s",
    to="+306970000001",
    status=MessageStatus.DELIVERED,
    label="job-1",
    direction="Outbound",
)


@pytest.mark.parametrize(
    ("each", "met"),
    [
        (Filter(Field.SMS_ID, "s"), True),
        (Filter(Field.TO, "306970000001"), True),
        (Filter(Field.TO, "+30697", Operator.STARTS_WITH), True),
        (Filter(Field.STATUS, "Delivered"), True),
        (Filter(Field.STATUS, "Delivered", Operator.IS_NOT), False),
        (Filter(Field.DIRECTION, "Inbound"), False),
        (Filter(Field.LABEL, "job-", Operator.STARTS_WITH), True),
        (Filter(Field.LABEL, "-1", Operator.ENDS_WITH), True),
        (Filter(Field.LABEL, "ob", Operator.CONTAINS), True),
        (Filter(Field.LABEL, "job"), False),
        (Filter(Field.CAMPAIGN, "Spring"), False),
        (Filter(Field.CAMPAIGN, "Spring", Operator.IS_NOT), True),
    ],
    ids=repr,
)
def test_meets(each: Filter, *, met: bool) -> None:
    """Each field and each operator means here what it means at Routee; only `IS_NOT` is met by what is absent."""
    assert filters.meets(PART, [each]) is met
    assert filters.meets(PART, [Filter(Field.SMS_ID, "s"), each]) is met


@pytest.mark.parametrize(
    ("operator", "asked"),
    [
        (Operator.IS, ["contains"]),
        (Operator.STARTS_WITH, ["contains"]),
        (Operator.CONTAINS, ["contains"]),
        (Operator.ENDS_WITH, ["ends_with"]),
        (Operator.IS_NOT, []),
    ],
)
def test_label_is_asked_for_behind_a_reference(operator: Operator, asked: list[str]) -> None:
    """Routee is asked for at least every message whose own label meets the filter, whatever stands in front of it."""
    written = filters.to_wire_of_messages([Filter(Field.LABEL, "job", operator)])
    assert [each["searchOperator"] for each in written] == asked


def test_other_fields_are_asked_for_as_they_are() -> None:
    """The body of the search is that of the documentation."""
    assert filters.to_wire_of_messages([Filter(Field.STATUS, "Sent", Operator.IS_NOT)]) == [
        {"fieldName": "status.status", "searchTerm": "Sent", "searchOperator": "is_not"},
    ]


@pytest.mark.parametrize(
    "bad",
    [
        3,
        ["label"],
        [Filter(LookupField.LABEL, "x")],
        [Filter(Field.LABEL, "")],
        [Filter(Field.LABEL, 3)],  # type: ignore[arg-type] # on purpose
        [Filter(Field.LABEL, "x", "like")],  # type: ignore[arg-type] # on purpose
    ],
    ids=repr,
)
def test_bad_filters(bad: object) -> None:
    """What is no filter of this search is refused before any request."""
    with pytest.raises(InvalidInputError):
        filters.check(bad, Field)


def test_one_filter_or_many() -> None:
    """A single filter need not stand in a list."""
    one = Filter(Field.LABEL, "x")
    assert filters.check(one, Field) == filters.check([one], Field) == (one,)
    assert filters.check([], Field) == ()


def test_value_is_not_shown() -> None:
    """A value may be a number or a name."""
    assert "30697" not in repr(Filter(Field.TO, "+306970000001"))


def test_window() -> None:
    """Seven days are seen, and what was seven days ago a moment ago is brought within them."""
    week = timedelta(days=7)
    assert filters.check_window(NOW - timedelta(days=1), NOW, NOW) == (NOW - timedelta(days=1), NOW)
    start, _ = filters.check_window(NOW - week - timedelta(seconds=3), NOW, NOW)
    assert NOW - week < start < NOW - week + timedelta(minutes=1)
    with pytest.raises(InvalidInputError, match="7 days"):
        filters.check_window(NOW - week - timedelta(minutes=2), NOW, NOW)


@pytest.mark.parametrize(
    ("start", "end"),
    [(NOW, NOW), (NOW, NOW - timedelta(1)), (NOW.replace(tzinfo=None), NOW), ("yesterday", NOW), (NOW, None)],
    ids=["empty", "backwards", "naive", "text", "none"],
)
def test_bad_ranges(start: object, end: object) -> None:
    """A range needs two moments with a time zone, in their order."""
    with pytest.raises(InvalidInputError):
        filters.check_range(start, end)
