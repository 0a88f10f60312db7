"""What the news about a message add up to: one status for each part, one for the whole.

News come by polling and by callback, twice, late and out of order, and older ones do not name the part they are about. Everything
here is a function of the *set* of rows seen: their order and their repetition change nothing.

Rules of one part:

    Queued, or a name we do not know  <  Sent  <  Delivered, Undelivered, Failed, Unsent

- A higher rank wins, whatever the dates say: `Queued` and `Sent` in the same second are common. In one rank the later date wins.
- A final status stays. Of several final news the earliest date wins, then the worse status; a row without a date comes last. Two
  *different* final statuses are a conflict: the first still counts, and the others are shown in `Combined.conflicts`.
- A status name that is not documented is not final, and says nothing about how far the part has got: it ranks with `Queued`.

Between two news, a message of one part that is not final is remembered by its status alone (`advance()`).

Source: docs.routee.net/docs/statuses-callbacks (statuses, one a part); the order of final news and the roll-up are our choice.
"""

from collections.abc import Iterable
from functools import reduce

import attrs

from routee_async.models import MessageStatus, TrackedPart

_WORST_FIRST = (MessageStatus.FAILED, MessageStatus.UNSENT, MessageStatus.UNDELIVERED, MessageStatus.DELIVERED)
_FINAL_RANK = 2


@attrs.frozen(kw_only=True)
class Combined:
    """Everything known about one message.

    Attributes:
        rows: The news that the rest follows from, at most five for each identity of a part (not final, and one for each final
            status). Give them to `combine()` again together with fresh news.
        parts: The parts, one row each, by part number. Where the row that counts did not name its part, the name is filled in.
        conflicts: Rows with another final status than the one that counts for their part; empty as a rule. Worth a fresh read.
        status: The status of the whole message, see `roll_up()`.
    """

    rows: tuple[TrackedPart, ...]
    parts: tuple[TrackedPart, ...]
    conflicts: tuple[TrackedPart, ...]
    status: MessageStatus


@attrs.frozen
class Progress:
    """What has to be kept of a message that is not final, between one news of it and the next.

    Attributes:
        status: Where it has got to.
        rows: News that the next must be put together with. None for a message of one part, as most are: its status says it all.
        floor: Where it had got to before there were such rows.
    """

    status: MessageStatus
    rows: tuple[TrackedPart, ...] = ()
    floor: MessageStatus = MessageStatus.QUEUED


def advance(progress: Progress | None, news: Iterable[TrackedPart]) -> tuple[Progress, Combined]:
    """Take in news of a message.

    Args:
        progress: What is kept of the news before; None when these are the first.
        news: Rows about the parts of the message; may be none.

    Returns:
        What is to be kept, and what is known now. The status of a message of one part never goes back: an open status of a lower
        rank than one that was seen before does not count.
    """
    combined = combine(news if progress is None else (*progress.rows, *news))
    floor = MessageStatus.QUEUED if progress is None else progress.floor if progress.rows else progress.status
    status = _furthest(floor, combined.status)
    combined = combined if status == combined.status else attrs.evolve(combined, status=status)
    if status.is_final or len(combined.parts) > 1 or any(row.parts != 1 for row in combined.rows):
        return Progress(status, combined.rows, floor), combined
    return _PLAIN.get(status) or Progress(status), combined


_PLAIN = {status: Progress(status) for status in MessageStatus}
"""One for all messages that have nothing else to be kept, of which there may be millions."""


def _furthest(one: MessageStatus, other: MessageStatus) -> MessageStatus:
    """The more advanced of two; of open ones alike, a name that is not documented before one that is, then by the alphabet."""
    return max(one, other, key=lambda status: (rank(status), status not in _PLAIN, status))


def rank(status: MessageStatus) -> int:
    """Say how far a status is from the start: 0 for `Queued` and unknown names, 1 for `Sent`, 2 for final ones."""
    if status.is_final:
        return _FINAL_RANK
    return int(status == MessageStatus.SENT)


def merge(one: TrackedPart, other: TrackedPart) -> TrackedPart:
    """Choose between two news about the same part.

    Returns:
        The row that counts by the rules of this module, announcing the greater number of parts of the two. Of rows that the
        rules do not tell apart, always the same one.
    """
    if one == other:
        return one
    preferred = _preferred(one, other)
    announced = max((parts for parts in (one.parts, other.parts) if parts is not None), default=None)
    return preferred if preferred.parts == announced else attrs.evolve(preferred, parts=announced)


def combine(rows: Iterable[TrackedPart]) -> Combined:
    """Put all news about one message together.

    Args:
        rows: News about the parts of *one* message, in any order, with repetitions, from any source.

    Returns:
        The parts and the status. `combine((*combine(a).rows, *b))` equals `combine((*a, *b))`.
    """
    kept: dict[tuple[str | None, int | None, MessageStatus | None], TrackedPart] = {}
    for row in rows:
        key = (row.sms_id, row.part, row.status if row.status.is_final else None)
        kept[key] = merge(kept[key], row) if key in kept else row
    ordered = tuple(sorted(kept.values(), key=_place))
    groups = _groups(ordered)
    parts = tuple(sorted(map(_as_part, groups), key=_place))
    return Combined(
        rows=ordered,
        parts=parts,
        conflicts=tuple(row for group in groups for row in _contradictions(group)),
        status=_status(parts, announced=_announced(ordered)),
    )


def roll_up(rows: Iterable[TrackedPart]) -> MessageStatus:
    """Give one status for a message of one or more parts.

    Args:
        rows: What is known of its parts, in any order, with repetitions.

    Returns:
        The least advanced status while any part is not final, where a part that is announced but not shown counts as `Queued`;
        `Delivered` when every part is; otherwise the worst of `Failed`, `Unsent`, `Undelivered`, in this order. `Queued` for no
        rows at all.
    """
    return combine(rows).status


def _preferred(one: TrackedPart, other: TrackedPart) -> TrackedPart:
    mine, its = _weight(one), _weight(other)
    if mine == its:
        return max(one, other, key=_tie_break)
    return one if mine > its else other


def _weight(row: TrackedPart) -> tuple[int, bool, float, int]:
    """Rank, having a date, the date (late is heavy for open statuses, early for final ones), how bad it is."""
    seconds = row.updated_at.timestamp() if row.updated_at is not None else 0.0
    if row.status.is_final:
        return _FINAL_RANK, row.updated_at is not None, -seconds, -_WORST_FIRST.index(row.status)
    return rank(row.status), row.updated_at is not None, seconds, 0


def _tie_break(row: TrackedPart) -> tuple[bool, str]:
    """Details first, then anything that does not depend on who came first; the number of parts is merged, not chosen."""
    return row.detailed_status is not None, str(attrs.astuple(attrs.evolve(row, parts=None), recurse=False))


def _place(row: TrackedPart) -> tuple[bool, int, str, str]:
    return row.part is None, row.part or 0, row.sms_id or "", row.status


def _announced(rows: Iterable[TrackedPart]) -> int:
    return max((row.parts or 1 for row in rows), default=1)


def _groups(rows: tuple[TrackedPart, ...]) -> list[list[TrackedPart]]:
    """Gather the rows that are about the same part.

    A part is known by `sms_id`, else by its number. A row that has only a number joins the `sms_id` seen with that number. A row
    that cannot be placed joins the only part of a message of one part; with more parts it is left out, so that it neither
    counts as a part of its own nor holds the message back.
    """
    by_id: dict[str, list[TrackedPart]] = {}
    for row in rows:
        if row.sms_id is not None:
            by_id.setdefault(row.sms_id, []).append(row)
    by_number: dict[int, list[TrackedPart]] = {}
    for _, group in sorted(by_id.items()):
        for row in group:
            if row.part is not None:
                by_number.setdefault(row.part, group)
    unnumbered = any(all(row.part is None for row in group) for group in by_id.values())
    groups, strays = list(by_id.values()), []
    for row in rows:
        if row.sms_id is not None:
            continue
        if row.part in by_number:
            by_number[row.part].append(row)
        elif row.part is None or unnumbered:
            strays.append(row)
        else:
            by_number[row.part] = [row]
            groups.append(by_number[row.part])
    return _with_strays(groups, strays, announced=_announced(rows))


def _with_strays(groups: list[list[TrackedPart]], strays: list[TrackedPart], *, announced: int) -> list[list[TrackedPart]]:
    if not strays:
        return groups
    if not groups:
        return [strays]
    if len(groups) == 1 and announced == 1:
        return [groups[0] + strays]
    return groups


def _as_part(group: list[TrackedPart]) -> TrackedPart:
    winner = reduce(merge, group)
    sms_id = next((row.sms_id for row in group if row.sms_id is not None), None)
    number = min((row.part for row in group if row.part is not None), default=None) if winner.part is None else winner.part
    if (winner.sms_id, winner.part) == (sms_id, number):
        return winner
    return attrs.evolve(winner, sms_id=sms_id, part=number)


def _contradictions(group: list[TrackedPart]) -> list[TrackedPart]:
    counts = reduce(merge, group).status
    return [row for row in group if row.status.is_final and row.status != counts]


def _status(parts: tuple[TrackedPart, ...], *, announced: int) -> MessageStatus:
    statuses = [part.status for part in parts]
    if len(parts) < announced:
        statuses.append(MessageStatus.QUEUED)
    least = min(statuses, key=lambda status: (rank(status), status))
    return min(statuses, key=_WORST_FIRST.index) if least.is_final else least
