"""Cancellation, loops and threads; and what a commit costs."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from routee_async import group_commit
from routee_async.errors import LedgerError
from routee_async.ledger import Ledger
from routee_async.store import LedgerRow, RowState
from tests.ledger.hands import (
    CHECKSUM,
    UUID,
    Spy,
    found,
    intend,
    make,
    mark,
    opened,
    quick,
    run_child,
    settle,
)

# Cancellation, loops, threads


async def test_a_cancelled_caller_harms_nobody(path: Path, spy: Spy) -> None:
    """Cancelling some that wait for the disk leaves no gap and no hang: the others get their answers, and rows are whole."""
    async with opened(path) as ledger:
        with closing(sqlite3.connect(path.as_uri(), uri=True, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # the disk is slow
            tasks = [asyncio.create_task(ledger.intend(index, mark(index), CHECKSUM)) for index in range(20)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            results = asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
            other.execute("ROLLBACK")
        assert [type(each) for each in await results] == [asyncio.CancelledError, type(None)] * 10
        assert [row.index for row in ledger] == list(range(20))
        assert spy.count("COMMIT") <= 3


async def test_a_cancelled_look_up_harms_nobody(path: Path) -> None:
    """Of several that wait for the same rows, one may be cancelled."""
    await make(path)
    async with opened(path) as ledger:
        tasks = [asyncio.create_task(ledger.find(index)) for index in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [row.index for row in results[1:] if isinstance(row, LedgerRow)] == [1, 2]


async def test_a_cancelled_opening_holds_nothing(path: Path) -> None:
    """Who is cancelled while opening owns nothing afterwards."""
    for _ in range(3):
        task = asyncio.create_task(Ledger(path).open())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with opened(path):
        pass


async def test_a_cancelled_task_closes_all_the_same(path: Path) -> None:
    """Closing from a task that is cancelled, over and over, writes what waits and gives the file up; then it is cancelled."""
    ledger = Ledger(path)
    await ledger.open()
    writing = asyncio.ensure_future(ledger.intend(0, mark(0), CHECKSUM))
    await asyncio.sleep(0)
    task = asyncio.create_task(ledger.close())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writing
    assert "routee-ledger" not in {thread.name for thread in threading.enumerate()}
    async with opened(path) as again:
        assert (await found(again, 0)).state is RowState.INTENDED


def test_each_loop_may_open_it(path: Path) -> None:
    """One ledger object serves several event loops, one after the other."""
    ledger = Ledger(path)

    async def run(index: int) -> str:
        run_id = await ledger.open()
        await intend(ledger, index)
        assert await ledger.find(0) is not None
        await ledger.close()
        return run_id

    assert asyncio.run(run(0)) == asyncio.run(run(1))
    assert len(ledger) == 2


def test_a_loop_that_ended_early_does_not_matter(path: Path) -> None:
    """A loop that ended while operations were under way loses none of them, and another one can go on with the ledger."""
    ledger = Ledger(path)

    async def begin(other: sqlite3.Connection) -> None:
        await ledger.open()
        other.execute("BEGIN IMMEDIATE")  # the disk is slow
        tasks = [asyncio.create_task(intend(ledger, index)) for index in range(3)]
        await asyncio.wait(tasks, timeout=0.01)

    asyncio.run(make(path))
    with closing(sqlite3.connect(path.as_uri(), uri=True, isolation_level=None)) as other:
        asyncio.run(begin(other))
        other.execute("ROLLBACK")
    asyncio.run(intend(ledger, 1000))
    asyncio.run(ledger.close())
    assert len(ledger) == 501


def test_a_program_that_forgets_to_close_ends(path: Path) -> None:
    """A program that ends with its ledger open ends at once, and what it was told is on disk."""
    child = run_child(
        """
        async def main():
            ledger = Ledger(sys.argv[1])
            await ledger.open()
            await asyncio.gather(*(ledger.intend(i, str(i), b"") for i in range(50)))
            sys.ledger = ledger
        asyncio.run(main())
        """,
        path,
    )
    output, _ = child.communicate(timeout=30)
    assert (child.returncode, output) == (0, "")
    assert len(Ledger(path)) == 50


# Speed


async def test_many_share_a_commit(path: Path, spy: Spy) -> None:
    """What many workers write at the same time is committed together, in few statements."""
    async with opened(path) as ledger:
        spy.statements.clear()
        await intend(ledger, *range(300))
        assert len(ledger) == 300
        assert spy.count("INSERT INTO tail") < 10
        assert spy.count("COMMIT") == spy.count("INSERT INTO message") == 0


async def test_a_delay_makes_company(path: Path, spy: Spy) -> None:
    """With a delay, operations that come one after the other share a commit."""
    async with opened(path, group_delay=0.02) as ledger:
        first = asyncio.ensure_future(ledger.intend(0, mark(0), CHECKSUM))
        await asyncio.sleep(0.001)
        await asyncio.gather(first, ledger.intend(1, mark(1), CHECKSUM))
        assert len(ledger) == 2
        assert spy.count("INSERT INTO tail") == 1


async def test_answers_wait_for_company(path: Path, spy: Spy, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many are on the wire an outcome waits for others; when nobody is left, all are written at once, together."""
    monkeypatch.setattr(group_commit, "_COMPANY", 30.0)
    told: list[int] = []

    def note(index: int, _: LedgerError | None) -> None:
        told.append(index)

    async with asyncio.timeout(10), opened(path) as ledger:
        await intend(ledger, *range(20))
        spy.statements.clear()
        for index in range(19):
            quick(ledger, index, partial(note, index), accept=True)
            await asyncio.sleep(0)
        assert (told, spy.count("INSERT INTO tail")) == ([], 0)
        await settle(ledger, 19, tracking_id=UUID)
        assert (told, spy.count("INSERT INTO tail")) == (list(range(19)), 1)


async def test_few_do_not_wait_for_company(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few are on the wire, and for an intent when nobody is, nothing waits."""
    monkeypatch.setattr(group_commit, "_COMPANY", 3600.0)
    async with asyncio.timeout(10), opened(path) as ledger:
        await intend(ledger, *range(10))
        await settle(ledger, 3, tracking_id=UUID)
        await intend(ledger, *range(10, 15))
        await settle(ledger, 12, RowState.UNKNOWN)


async def test_closing_does_not_wait_for_company(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for company when the ledger is closed is written then."""
    monkeypatch.setattr(group_commit, "_COMPANY", 3600.0)
    async with asyncio.timeout(10), opened(path) as ledger:
        await intend(ledger, *range(30))
        quick(ledger, 0, lambda _: None, accept=True)
    assert next(iter(ledger)).state is RowState.ACCEPTED


async def test_a_batch_takes_over_from_another_loop(path: Path) -> None:
    """A ledger that is kept open serves a batch in another loop, also when one was left with something to write."""
    ledger, told = Ledger(path, group_delay=0.05), list[LedgerError | None]()

    def in_another_loop() -> None:
        async def leave() -> None:
            await ledger.__aenter__()
            quick(ledger, 0, lambda _: None)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave())
        loop.close()

    await asyncio.to_thread(in_another_loop)
    await ledger.open()
    quick(ledger, 1, told.append)
    await ledger.set_note("", "")
    assert told == [None]
    await ledger.close()
    await ledger.__aexit__(None, None, None)
    assert [row.index for row in ledger] == [0, 1]


async def test_a_new_ledger_is_not_read(path: Path, spy: Spy) -> None:
    """Where no row can be, none is looked for: a new batch reads nothing from the disk."""
    async with opened(path) as ledger:
        for index in range(100):
            assert await ledger.find(index) is None
            await intend(ledger, index)
            assert await ledger.find(index + 1) is None
        assert spy.count("SELECT position") == 0


async def test_rows_are_read_ahead(path: Path, spy: Spy) -> None:
    """A resumed batch of 20,000 messages, looked up by 100 workers, reads the disk some twenty times and finds each row."""
    async with opened(path) as ledger:
        for start in range(0, 20_000, 1000):
            await intend(ledger, *range(start, start + 1000, 2))
    async with opened(path) as ledger:
        indices = iter(range(20_000))
        missing = []

        async def work() -> None:
            for index in indices:
                row = await ledger.find(index)
                if row is None:
                    missing.append(index)
                else:
                    assert (row.index, row.reference) == (index, mark(index))

        spy.statements.clear()
        await asyncio.gather(*(work() for _ in range(100)))
        assert sorted(missing) == list(range(1, 20_000, 2))
        assert spy.count("SELECT position") <= 25


async def test_what_was_read_ahead_is_not_out_of_date(path: Path) -> None:
    """A row that is written after it was read ahead is found as it was written, also while the reading is under way."""
    await make(path)
    async with opened(path) as ledger:
        early = asyncio.ensure_future(ledger.find(1))
        await asyncio.sleep(0)
        await settle(ledger, 0, tracking_id="x")
        assert (await found(ledger, 0)).tracking_id == "x"
        assert (await early) is not None
        await settle(ledger, 2, tracking_id="y")
        assert (await found(ledger, 2)).tracking_id == "y"
        assert (await found(ledger, 3)).state is RowState.INTENDED


async def test_an_acceptance_is_found_though_its_intent_was_read_ahead(path: Path) -> None:
    """A message whose intent was read ahead, with its neighbours, is found as accepted once it is."""
    await make(path)
    async with opened(path) as ledger:
        await intend(ledger, 600)
        assert (await found(ledger, 3)).state is RowState.INTENDED
        await settle(ledger, 600, tracking_id=UUID)
        assert (await found(ledger, 600)).state is RowState.ACCEPTED


async def test_reading_ahead_has_bounds(path: Path, spy: Spy) -> None:
    """What was read ahead is forgotten in the end, so that memory does not grow with the number of messages."""
    async with opened(path) as ledger:
        await intend(ledger, *range(0, 10_000, 500))
    async with opened(path) as ledger:
        for _ in range(2):
            for index in range(0, 10_000, 500):
                await found(ledger, index)
        assert spy.count("SELECT position") == 20
