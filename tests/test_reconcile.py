"""Look-ups of doubtful messages, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from routee_async.errors import NoAnswerError
from routee_async.models import MessageStatus, TrackedPart
from routee_async.reconcile import Reconciler, Undecided
from routee_async.references import reference_of
from tests.virtual_time import in_virtual_time

START = datetime(2026, 1, 14, 8, 0, tzinfo=UTC)
DELAYS = (5.0, 10.0, 20.0, 40.0)
TO = "+306970000001"


def now() -> datetime:
    """The wall clock, as far from the loop's as it likes."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def row(index: int, tracking_id: str = "id") -> TrackedPart:
    """Make a row of a search."""
    return TrackedPart(tracking_id=tracking_id, to=TO, label=reference_of("k3f9x2ab", index), status=MessageStatus.SENT)


class Records:
    """What Routee shows: rows from a moment on, and failures until a moment."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, TrackedPart]] = []
        self.failing: Callable[[float], bool] = lambda _: False
        self.searches: list[tuple[float, str, datetime, datetime]] = []

    async def search(self, prefix: str, start: datetime, end: datetime) -> AsyncIterator[TrackedPart]:
        """Find what is visible by now."""
        moment = asyncio.get_running_loop().time()
        self.searches.append((moment, prefix, start, end))
        if self.failing(moment):
            raise NoAnswerError("wait", "TimeoutError")
        for visible_from, part in self.rows:
            if visible_from <= moment and (part.label or "").startswith(prefix):
                yield part


async def settle(reconciler: Reconciler, index: int, delays: tuple[float, ...] = DELAYS) -> object:
    """Look for a row."""
    return await reconciler.settle(reference_of("k3f9x2ab", index), TO, now(), delays)


@in_virtual_time
async def test_message_is_found_when_it_becomes_visible() -> None:
    """It is looked for with growing gaps, and adopted at the first look-up that shows it."""
    records = Records()
    records.rows.append((12.0, row(1)))
    reconciler = Reconciler(records.search, now)
    assert await settle(reconciler, 1) == [row(1)]
    assert [moment for moment, *_ in records.searches] == [5, 10, 20]
    await reconciler.aclose()


@in_virtual_time
async def test_absence_takes_the_whole_window() -> None:
    """A message is absent only when it was still not there at the end of the window."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    assert await settle(reconciler, 1) is Undecided.ABSENT
    assert [moment for moment, *_ in records.searches] == [5, 10, 20, 40]
    await reconciler.aclose()


@in_virtual_time
async def test_failed_last_look_decides_nothing() -> None:
    """A search that failed at the end of the window has not shown that the message is absent."""
    records = Records()
    records.failing = lambda moment: moment >= 40
    reconciler = Reconciler(records.search, now)
    assert await settle(reconciler, 1) is Undecided.BLIND
    await reconciler.aclose()


@in_virtual_time
async def test_failed_look_in_between_is_made_up_for() -> None:
    """A search that fails once does not spoil the ones after it."""
    records = Records()
    records.rows.append((0.0, row(1)))
    records.failing = lambda moment: moment < 10
    reconciler = Reconciler(records.search, now)
    assert await settle(reconciler, 1) == [row(1)]
    await reconciler.aclose()


@in_virtual_time
async def test_doubts_are_settled_together() -> None:
    """Two hundred neighbours that fell into doubt together cost one search a round."""
    records = Records()
    records.rows += [(0.0, row(index, f"id-{index}")) for index in range(0, 200, 2)]
    reconciler = Reconciler(records.search, now)
    found = await asyncio.gather(*(settle(reconciler, index) for index in range(200)))
    assert [parts is not Undecided.ABSENT for parts in found] == [index % 2 == 0 for index in range(200)]
    assert len(records.searches) == 4
    await reconciler.aclose()


@in_virtual_time
async def test_latecomers_have_their_own_schedule() -> None:
    """A doubt that arrives during a wait is looked up after its own delays, not earlier and not later."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    first = asyncio.create_task(settle(reconciler, 1, (30.0,)))
    await asyncio.sleep(3)
    second = asyncio.create_task(settle(reconciler, 50_000, (5.0,)))
    assert await second is Undecided.ABSENT
    assert asyncio.get_running_loop().time() == 8
    assert await first is Undecided.ABSENT
    assert [moment for moment, *_ in records.searches] == [8, 30]
    await reconciler.aclose()


@in_virtual_time
async def test_window_of_the_search_covers_a_wrong_clock() -> None:
    """The search reaches a day before and after, and never further back than the service can see."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    await reconciler.settle(reference_of("k3f9x2ab", 1), TO, START - timedelta(days=6, hours=12), (1.0,))
    ((_, _, start, end),) = records.searches
    assert timedelta(days=6, hours=23) < START - start < timedelta(days=7)
    assert end - START > timedelta(hours=23)
    await reconciler.aclose()


@in_virtual_time
async def test_message_of_last_week_cannot_be_settled() -> None:
    """What is older than the search sees is not declared absent; it is not even asked for."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    assert await reconciler.settle(reference_of("k3f9x2ab", 1), TO, START - timedelta(days=8), DELAYS) is Undecided.BLIND
    assert not records.searches
    await reconciler.aclose()


@in_virtual_time
async def test_cancelled_caller_is_forgotten() -> None:
    """Whoever leaves is not looked for any more, and the others are."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    leaver = asyncio.create_task(settle(reconciler, 1))
    stayer = asyncio.create_task(settle(reconciler, 50_000))
    await asyncio.sleep(1)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert await stayer is Undecided.ABSENT
    assert {prefix for _, prefix, *_ in records.searches} == {reference_of("k3f9x2ab", 50_000)}
    await reconciler.aclose()


@in_virtual_time
async def test_closing_tells_those_who_wait() -> None:
    """When the client is closed, doubt stays doubt, at once."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    waiting = asyncio.create_task(settle(reconciler, 1))
    await asyncio.sleep(1)
    await reconciler.aclose()
    assert await waiting is Undecided.BLIND


@in_virtual_time
async def test_it_can_be_asked_again() -> None:
    """After a quiet time the next doubt is settled as the first was."""
    records = Records()
    reconciler = Reconciler(records.search, now)
    for _ in range(2):
        assert await settle(reconciler, 1, (1.0,)) is Undecided.ABSENT
        await asyncio.sleep(100)
    await reconciler.aclose()
