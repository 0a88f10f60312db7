"""Any sequence, killed at any instant."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Self

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async import group_commit
from routee_async.errors import (
    ConnectError,
    LedgerError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from routee_async.store import LedgerRow, RowState
from tests.ledger.hands import (
    CHECKSUM,
    OUTCOMES,
    found,
    intend,
    mark,
    opened,
    run_child,
    settle,
    uuid_of,
)


@attrs.frozen
class Step:
    """One operation of a sequence; settles when it has a state."""

    index: int
    state: RowState | None
    tracking_id: str | None
    parts: int | None
    duplicates: tuple[str, ...]
    reopen: bool


STEPS = st.lists(
    st.builds(
        Step,
        index=st.integers(0, 9) | st.integers(0, 2**62),
        state=st.none() | st.sampled_from(OUTCOMES),
        tracking_id=st.none() | st.uuids().map(str) | st.text(max_size=5).filter(lambda text: text.isprintable()),
        parts=st.none() | st.integers(0, 20),
        duplicates=st.lists(st.text(max_size=3), max_size=2).map(tuple),
        reopen=st.booleans(),
    ),
    max_size=20,
)


class Model:
    """What a ledger should hold, in a dict."""

    def __init__(self) -> None:
        self.rows: dict[int, LedgerRow] = {}

    def take(self, step: Step) -> bool:
        """Follow a step; False when it is to be refused."""
        new = LedgerRow(
            index=step.index,
            state=step.state or RowState.INTENDED,
            reference=mark(step.index),
            checksum=CHECKSUM,
            tracking_id=step.tracking_id if step.state else None,
            parts=step.parts if step.state else None,
            duplicates=step.duplicates if step.state else (),
        )
        old = self.rows.get(step.index, new)
        if old.state is RowState.ACCEPTED is not new.state:
            return False
        self.rows[step.index] = new
        return True

    @classmethod
    def without_times(cls, rows: list[LedgerRow]) -> list[LedgerRow]:
        """Rows as the model has them."""
        return [attrs.evolve(row, intended_at=None) for row in rows]


async def _follow(path: Path, steps: list[Step], *, together: bool) -> Model:
    model = Model()
    ledger = Ledger(path)
    await ledger.open()
    waiting: list[asyncio.Future[None]] = []
    expected: list[bool] = []
    for step in steps:
        expected.append(model.take(step))
        operation = (
            ledger.intend(step.index, mark(step.index), CHECKSUM)
            if step.state is None
            else settle(
                ledger,
                step.index,
                step.state,
                tracking_id=step.tracking_id,
                parts=step.parts,
                duplicates=step.duplicates,
            )
        )
        waiting.append(asyncio.ensure_future(operation))
        if not together:
            await asyncio.wait(waiting)
            row = await found(ledger, step.index)
            assert Model.without_times([row]) == [model.rows[step.index]]
            if step.reopen:
                await ledger.close()
                await ledger.open()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each is None for each in results] == expected
    await ledger.close()
    return model


@settings(max_examples=60)
@given(steps=STEPS, together=st.booleans(), most_settled=st.sampled_from([1, 3, 1000]))
def test_any_sequence_is_found_again(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[Step],
    together: bool,  # noqa: FBT001
    most_settled: int,
) -> None:
    """Whatever is written, in whatever order, one by one or all at once, is what the file says when it is opened again."""
    path = tmp_path_factory.mktemp("ledger") / "run.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_commit, "_MOST_SETTLED", most_settled)
        model = asyncio.run(_follow(path, steps, together=together))
    ledger = Ledger(path)
    assert Model.without_times(list(ledger)) == [model.rows[index] for index in sorted(model.rows)]

    async def look() -> list[LedgerRow]:
        async with opened(path) as again:
            return [await found(again, index) for index in sorted(model.rows)]

    assert asyncio.run(look()) == list(ledger)


CHILD = """
async def work(ledger, indices):
    for index in indices:
        # Every third is unusual, so that it cannot be noted in the tail.
        reference = f"ref {index}" if index % 3 == 2 else f"ra.k3f9x2ab.{index:07}"
        await ledger.intend(index, reference, b"0123456789abcdef")
        print("i", index, flush=True)
        tracking_id = f"id {index}" if index % 3 else f"5b0a4c0e-7c54-4bb1-8a53-{index:012x}"
        await ledger.settle(index, reference="", checksum=b"", state=RowState.ACCEPTED, tracking_id=tracking_id)
        print("s", index, flush=True)

async def main():
    ledger = Ledger(sys.argv[1])
    await ledger.open()
    indices = iter(range(int(sys.argv[2]), 10**9))
    await asyncio.gather(*(work(ledger, indices) for _ in range(50)))

asyncio.run(main())
"""


class Killed:
    """A process that writes as fast as it can, and was killed after so many lines."""

    def __init__(self, path: Path, start: int, lines: int) -> None:
        self.intended: set[int] = set()
        self.settled: set[int] = set()
        with run_child(CHILD, path, start) as child:
            assert child.stdout is not None
            for number, line in enumerate(child.stdout):
                if number == lines:
                    os.kill(child.pid, signal.SIGKILL)
                self._note(line)
        assert child.returncode == -signal.SIGKILL

    def _note(self, line: str) -> None:
        kind, _, index = line.partition(" ")
        if line.endswith("\n"):  # the last one may be cut
            (self.intended if kind == "i" else self.settled).add(int(index))

    def check(self, rows: dict[int, LedgerRow]) -> Self:
        """Make sure that everything that was reported is there."""
        assert self.intended
        assert all(rows[index].reference == (f"ref {index}" if index % 3 == 2 else mark(index)) for index in self.intended)
        assert all(rows[index].state is RowState.ACCEPTED for index in self.settled)
        assert all(rows[index].tracking_id == (f"id {index}" if index % 3 else uuid_of(index)) for index in self.settled)
        return self


async def test_a_kill_loses_nothing_that_was_reported(path: Path) -> None:
    """Killed in the middle of thousands of writes, time and again, a ledger has every one that had returned, and no lock."""
    start = 0
    kills = []
    for lines in (0, 1, 137, 1000, 3000):
        kills.append(Killed(path, start, lines))
        async with opened(path) as ledger:
            rows = {row.index: row for row in ledger}
            for kill in kills:
                kill.check(rows)
            for index in kills[-1].intended:
                assert await found(ledger, index) == rows[index]
            start = max(rows) + 1


async def test_a_kill_while_it_is_made_leaves_a_ledger_or_none(path: Path) -> None:
    """Killed at any instant of the first opening, a ledger can be opened by the next, and has one run id from then on."""
    for lines in range(3):
        child = run_child(
            """
            async def main():
                print("begin", flush=True)
                print(await Ledger(sys.argv[1]).open(), flush=True)
                print("open", flush=True)
                sys.stdin.read()
            asyncio.run(main())
            """,
            path,
        )
        with child:
            assert child.stdout is not None
            said = [child.stdout.readline() for _ in range(lines + 1)]
            child.kill()
        async with opened(path) as ledger:
            assert lines == 0 or said[1].strip() == ledger.summary().run_id


async def test_connect_error_is_an_error_too(ledger: Ledger) -> None:
    """A subclass of a subclass keeps what it says about sending again."""
    await settle(ledger, 0, RowState.NOT_SENT, error=ConnectError("refused"))
    stored = (await found(ledger, 0)).error
    assert stored is not None
    assert stored.safe_to_resend


async def test_open_ledger_serves_a_batch_and_what_follows(tmp_path: Path) -> None:
    """Inside `async with` a ledger stays open when a batch has done with it, and is closed at the end of the block."""
    ledger = Ledger(tmp_path / "held.db")
    async with ledger:
        run_id = await ledger.open()
        await intend(ledger, 0)
        with pytest.raises(LedgerError, match="one batch at a time"):
            await ledger.open()
        await ledger.close()
        await ledger.note_final("x", MessageStatus.DELIVERED)
        assert await ledger.open() == run_id
        await ledger.close()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.note_final("x", MessageStatus.DELIVERED)


async def test_batch_may_outlast_the_block(tmp_path: Path) -> None:
    """A batch that is still running when the block ends keeps the ledger until it is done."""
    ledger = Ledger(tmp_path / "held.db")
    async with ledger:
        await ledger.open()
    await intend(ledger, 0)
    await ledger.close()
    assert len(ledger) == 1
