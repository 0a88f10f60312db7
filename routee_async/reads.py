"""Read what Routee knows of a group of messages: one read of one message, or all pages of a search.

Pages are not one moment: while they are read, rows come, and may move from one page to another. So each row counts by its ids
alone: one that comes twice counts once, and one that slipped through is only missed until the next time.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence

import attrs

from routee_async.errors import MalformedResponseError, NoAnswerError, RouteeError
from routee_async.models import TrackedPart
from routee_async.protocol import Page
from routee_async.rounds import By, Lookup, Window
from routee_async.schedule import Answer, judge

Wanted = Callable[[str], bool]
"""Tells whether a message, given its tracking id, is of interest."""
Fetch = Callable[[str], Awaitable[Sequence[TrackedPart]]]
"""Reads the parts of one message, given its tracking id. Repeats what may be repeated, and raises a `RouteeError` after that."""
FetchPage = Callable[[Lookup, Window, int, Wanted], Awaitable[Page]]
"""Reads a page, counted from 0, of what a look-up shows: of its rows, those that are wanted. Raises a `RouteeError` if need be."""

_MOST_PAGES = {By.LABEL: 32, By.CAMPAIGN: 1000}
"""Pages after which a look-up is broken off: twice what 1,296 messages of 24 parts, or 30,000 of as many, can fill."""


@attrs.frozen(kw_only=True)
class Finding:
    """What a read came to.

    Attributes:
        answer: The meaning.
        error: What went wrong, if anything; without its traceback, which would keep the frames of the read alive.
        pages: Requests that a complete read took.
    """

    answer: Answer
    error: RouteeError | None = None
    pages: int = 1


async def read_one(tracking_id: str, fetch: Fetch, take: Callable[[Sequence[TrackedPart]], object]) -> Finding:
    """Read one message; *take* gets its parts."""
    parts: Sequence[TrackedPart] = ()
    error: RouteeError | None = None
    try:
        parts = await fetch(tracking_id)
    except (RouteeError, asyncio.CancelledError) as caught:
        error = _own_error(caught)
    take(parts)
    return Finding(answer=judge(error, len(parts)), error=error)


async def read_many(
    by: By,
    fetch_page: Callable[[int], Awaitable[Page]],
    take: Callable[[Sequence[TrackedPart]], object],
) -> Finding:
    """Read all pages of a look-up; *take* gets what is wanted of each, as they come.

    Returns:
        `SHOWN` when every page was read; `USELESS` when there were rows that the look-up cannot have meant, or no end of pages.
    """
    for number in range(_MOST_PAGES[by]):
        try:
            page = await fetch_page(number)
        except (RouteeError, asyncio.CancelledError) as caught:
            error = _own_error(caught)
            answer = judge(error, 0)
            # A search or a campaign that is not there shows nothing, which is no word on any of the messages.
            return Finding(answer=Answer.USELESS if answer is Answer.NOT_VISIBLE else answer, error=error, pages=number + 1)
        take(page.rows)
        if page.has_strangers:
            return Finding(answer=Answer.USELESS, error=MalformedResponseError(("rows that were not searched for @ $.content",)))
        if page.is_last:
            return Finding(answer=Answer.SHOWN, pages=number + 1)
    return Finding(answer=Answer.USELESS, error=MalformedResponseError(("no last page @ $.last",)))


def _own_error(caught: BaseException) -> RouteeError:
    """The error to go on with; raises a cancellation that is meant for us."""
    if isinstance(caught, RouteeError):
        return copy.copy(caught)
    if (task := asyncio.current_task()) is None or task.cancelling():
        raise caught
    return NoAnswerError("wait", "CancelledError")  # not ours: something that the read shares was cancelled
