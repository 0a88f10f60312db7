"""What one commit of a ledger does: an entry of the tail, rows, and now and then rows of what was in the tail. No tasks, no clock.

Most groups are one statement: that is a transaction by itself, and asks for the interpreter's lock once instead of three times.
"""

import sqlite3
from collections.abc import Callable, Container, Sequence

import attrs

from routee_async import sqlite_rows
from routee_async.row_forms import Written
from routee_async.tail import Intent, Tail, write_entry

_MOST_NOTED = 1000
"""Intents and outcomes that the tail may have, of messages that are settled. More would be cheaper by little, and make those who
read work for longer, and those who wait when rows are made."""


@attrs.define(eq=False)
class Call:
    """Something else to be done in the transaction of a group.

    Attributes:
        work: What.
        on_rows: True when all that is in the tail must be rows before.
        result: What came of it.
    """

    work: Callable[[sqlite3.Connection], object]
    on_rows: bool = False
    result: object = None


Step = Written | Call
"""A row to be written, or something else to be done."""


class Committer:
    """Writes groups into a ledger that is owned.

    Args:
        connection: To its file.

    Raises:
        sqlite3.Error: The file is damaged, or cannot be written.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tail = sqlite_rows.read_tail(connection)
        self.finish()

    def finish(self) -> None:
        """Make rows of all that is in the tail.

        Raises:
            sqlite3.Error: The file cannot be written. Nothing is lost.
        """
        if self._tail.noted:
            self._connection.execute("BEGIN IMMEDIATE")
            sqlite_rows.fold(self._connection, self._tail.rows(), ())
            self._connection.execute("COMMIT")
            self._tail = Tail()

    def commit(self, intents: Sequence[Intent], steps: Sequence[Step]) -> Container[int]:
        """Write a group: first *intents*, of messages that have no row, then *steps*, in order.

        Returns:
            Which steps were refused, by their numbers from 0: rows of messages that were accepted before.

        Raises:
            sqlite3.Error: It could not be written. This must not be used any more then.
        """
        tail = self._tail
        tail.intend(intents)
        outcomes: list[bytes] = []
        others: list[tuple[int, Step]] = []
        fold = False
        for number, step in enumerate(steps):
            if not isinstance(step, tuple):
                fold = fold or (step.on_rows and bool(tail.accepted))
            elif step[0] in tail.intents:
                outcome, row = tail.settle(step)
                outcomes.append(outcome)
                if row is None:
                    continue
                step = row  # noqa: PLW2901 - it is whole now
            else:
                fold = fold or step[0] in tail.accepted
            others.append((number, step))
        fold = fold or tail.noted >= _MOST_NOTED + 2 * len(tail.intents)
        entry = write_entry(intents, outcomes) if outcomes or intents else None
        if fold or others:
            return self._transaction(None if fold else entry, others, fold=fold)
        if entry is not None:
            sqlite_rows.append_entry(self._connection, entry)
        return ()

    def _transaction(self, entry: bytes | None, steps: Sequence[tuple[int, Step]], *, fold: bool) -> Container[int]:
        if entry is None and not fold and self._in_one_statement(steps):
            return ()
        refused: set[int] | None = None
        while True:
            self._connection.execute("BEGIN IMMEDIATE")
            if fold:
                sqlite_rows.fold(self._connection, self._tail.accepted.values(), self._tail.intents.values())
            elif entry is not None:
                sqlite_rows.append_entry(self._connection, entry)
            if self._follow(steps, refused):
                break
            self._connection.execute("ROLLBACK")  # and once more, to find out which were refused
            refused = set()
        self._connection.execute("COMMIT")
        if fold:
            self._tail.forget_accepted()
        return refused or ()

    def _in_one_statement(self, steps: Sequence[tuple[int, Step]]) -> bool:
        """Write a group that is a row each of some messages; False when it is not, or when a row was refused.

        Where a row was refused the others have been written, and can be written once more to find out which it was.
        """
        rows = {step[0]: step for _, step in steps if isinstance(step, tuple)}
        if not len(rows) == len(steps) <= sqlite_rows.MOST_AT_ONCE:
            return False
        return sqlite_rows.upsert(self._connection, list(rows.values()))

    def _follow(self, steps: Sequence[tuple[int, Step]], refused: set[int] | None) -> bool:
        """Do all steps in their order.

        Args:
            steps: What to do, numbered.
            refused: Where to put the numbers of the rows that are refused; None to write neighbouring rows together.

        Returns:
            False when a row was refused and *refused* is None.
        """
        rows: list[tuple[int, Written]] = []
        for number, step in steps:
            if isinstance(step, tuple):
                rows.append((number, step))
                continue
            if not self._upsert(rows, refused):
                return False
            rows.clear()
            step.result = step.work(self._connection)
        return self._upsert(rows, refused)

    def _upsert(self, rows: Sequence[tuple[int, Written]], refused: set[int] | None) -> bool:
        if refused is None:
            return sqlite_rows.upsert(self._connection, [row for _, row in rows])
        refused.update(number for number, row in rows if not sqlite_rows.upsert(self._connection, [row]))
        return True
