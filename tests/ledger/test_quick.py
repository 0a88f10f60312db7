"""A ledger that calls back instead of being awaited."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from routee_async.errors import (
    LedgerError,
)
from routee_async.ledger import Ledger
from routee_async.store import QuickStore, RowState
from tests.ledger.hands import (
    CHECKSUM,
    intend,
    meddle,
    opened,
    quick,
    send,
    settle,
)


async def test_a_ledger_is_a_quick_store(ledger: Ledger) -> None:
    """A batch can tell that a ledger need not be awaited."""
    assert isinstance(ledger, QuickStore)


async def test_what_is_written_soon_is_told(ledger: Ledger, path: Path) -> None:
    """Those who write without waiting are called when it is on disk, a group in one turn of the loop, and not before."""
    told: list[tuple[int, LedgerError | None]] = []
    turns: list[int] = []
    everybody = asyncio.Event()

    def then(number: int, error: LedgerError | None) -> None:
        if not told:
            asyncio.get_running_loop().call_soon(turns.append, 1)
        assert not turns
        assert len(Ledger(path)) == 3
        told.append((number, error))
        if len(told) == 4:
            everybody.set()

    for index in (0, 1, 2):
        quick(ledger, index, partial(then, index))
    quick(ledger, 1, partial(then, 3), accept=True)
    assert told == []
    await everybody.wait()
    assert told == [(0, None), (1, None), (2, None), (3, None)]
    assert [row.state for row in ledger] == [RowState.INTENDED, RowState.ACCEPTED, RowState.INTENDED]


async def test_a_refusal_is_told_to_whom_it_concerns(ledger: Ledger) -> None:
    """Who wants to forget that a message was accepted is told so, and nobody else."""
    await settle(ledger, 0)
    told: dict[int, LedgerError | None] = {}
    for index in (0, 1):
        quick(ledger, index, partial(told.__setitem__, index))
    await ledger.set_note("", "")
    assert isinstance(told[0], LedgerError)
    assert told[1] is None


async def test_an_exception_of_one_does_not_concern_the_others(ledger: Ledger) -> None:
    """What is raised by one that is called goes to the loop's handler, and everybody else is called."""
    told: list[LedgerError | None] = []
    seen: list[object] = []

    def stumble(_: LedgerError | None) -> None:
        raise KeyError("stumbled")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(repr(context["exception"])))
    try:
        for index in (0, 1, 2):
            quick(ledger, index, stumble if index == 1 else told.append)
        for index in (0, 1, 2):
            quick(ledger, index, stumble if index == 1 else told.append, accept=True)
        await ledger.set_note("", "")
    finally:
        loop.set_exception_handler(None)
    assert told == [None] * 4
    assert seen == ["KeyError('stumbled')"] * 2


async def test_what_cannot_be_written_soon_is_refused_at_once(path: Path) -> None:
    """Where the ledger is closed or broken, writing without waiting raises, and nobody is called later."""
    ledger, told = Ledger(path), list[LedgerError | None]()
    for accept in (False, True):
        with pytest.raises(LedgerError, match="is not open"):
            quick(ledger, 0, told.append, accept=accept)
    await ledger.open()
    meddle(path, "DROP TABLE tail")
    quick(ledger, 0, told.append)
    with pytest.raises(LedgerError, match="no such table"):
        await intend(ledger, 1)
    assert [str(each) for each in told] == [f"ledger {path}: cannot be used: OperationalError: no such table: tail"]
    for accept in (False, True):
        with pytest.raises(LedgerError, match="no such table"):
            quick(ledger, 0, told.append, accept=accept)
    closing_it = asyncio.ensure_future(ledger.close())
    await asyncio.sleep(0)
    with pytest.raises(LedgerError, match="is closed"):
        quick(ledger, 0, told.append)
    await closing_it
    assert len(told) == 1


async def test_a_reference_that_is_no_text_harms_nobody(ledger: Ledger, path: Path) -> None:
    """What cannot be written as it was given raises where it was given, and the ledger goes on."""
    with pytest.raises(UnicodeEncodeError):
        ledger.intend_soon(0, "\ud800", CHECKSUM, lambda _: None)
    await asyncio.sleep(0)
    await intend(ledger, 1)
    assert [row.index for row in Ledger(path)] == [1]


async def test_a_failure_while_closing_is_told(path: Path) -> None:
    """Whoever waits when the ledger is closed is told that the last write failed."""
    ledger, told = Ledger(path), list[LedgerError | None]()
    await ledger.open()
    meddle(path, "DROP TABLE tail")
    quick(ledger, 0, told.append)
    await ledger.close()
    await asyncio.sleep(0)
    (error,) = told
    assert "no such table" in str(error)


def test_a_failure_is_told_in_every_loop(path: Path) -> None:
    """A write that fails after its loop has ended fails what the next loop had asked for."""
    ledger = Ledger(path, group_delay=0.05)

    async def begin() -> None:
        await ledger.open()
        meddle(path, "DROP TABLE tail")
        quick(ledger, 0, lambda _: None)

    async def go_on() -> None:
        with pytest.raises(LedgerError, match="no such table"):
            await intend(ledger, 1)
        await ledger.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(go_on())


async def test_is_new_is_sure(path: Path) -> None:
    """Messages are new when `find` would return None without a look, and never when it would raise."""
    ledger = Ledger(path)
    assert not ledger.is_new_from(0)
    async with opened(path) as ledger:
        assert ledger.is_new_from(0)
        assert ledger.is_new_from(7)
        quick(ledger, 3, lambda _: None)
        assert [ledger.is_new_from(index) for index in (2, 3, 4)] == [False, False, True]
    async with opened(path) as ledger:
        assert [ledger.is_new_from(index) for index in (2, 3, 4, 5)] == [False, False, True, True]
        await ledger.finish(5)
        assert not any(ledger.is_new_from(index) for index in (4, 5, 6))
    async with opened(path) as ledger:
        assert not any(ledger.is_new_from(index) for index in (3, 4, 5))


async def test_nothing_is_new_to_a_broken_ledger(path: Path) -> None:
    """Where nothing can be read or written any more, nothing is known to be new."""
    async with opened(path) as ledger:
        meddle(path, "DROP TABLE tail")
        with pytest.raises(LedgerError, match="no such table"):
            await intend(ledger, 4)
        assert not ledger.is_new_from(5)
    assert not ledger.is_new_from(5)


def test_a_loop_that_ended_at_once_does_not_matter(path: Path) -> None:
    """What was asked for in the last turn of a loop is written all the same, before what the next loop asks for."""
    ledger = Ledger(path)

    async def begin() -> None:
        await ledger.open()
        quick(ledger, 0, lambda _: None)

    async def go_on() -> None:
        await send(ledger, 1)
        await ledger.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(go_on())
    assert [row.state for row in ledger] == [RowState.INTENDED, RowState.ACCEPTED]
