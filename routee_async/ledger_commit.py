"""What one commit of a ledger does: an entry of the tail, rows, now and then a bundle of what was in the tail. No tasks, no clock.

Most groups are one statement: that is a transaction by itself, and asks for the interpreter's lock once instead of three times.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Sequence

import attrs

from routee_async import sqlite_rows, sqlite_tail, tail
from routee_async.row_forms import Written


@attrs.define(eq=False)
class Call:
    """Something else to be done in the transaction of a group.

    Attributes:
        work: What.
        on_rows: True when all that has been accepted must be rows before.
        result: What came of it.
    """

    work: Callable[[sqlite3.Connection], object]
    on_rows: bool = False
    result: object = None


Step = Written | Call
"""A row to be written, or something else to be done."""


class Changes:
    """What is to be written in one commit, in this order.

    Attributes:
        intents: Notes of messages that are new.
        accepted: Notes of messages that have been accepted, whose intents were noted before.
        steps: What else, in order.
        left: Positions, as notes begin with them, of messages that were noted as on their way, and become rows among the steps.
        unsure: Positions of messages among the steps that may have been accepted before, for all that is known.
        remaining: Notes of all messages that are on their way after this, when it is time for a bundle; None when it is not.
    """

    __slots__ = ("accepted", "intents", "left", "remaining", "steps", "unsure")

    def __init__(self) -> None:
        self.intents: list[bytes] = []
        self.accepted: list[bytes] = []
        self.steps: list[Step] = []
        self.left: list[bytes] = []
        self.unsure: set[int] = set()
        self.remaining: Collection[bytes] | None = None


class Committer:
    """Writes into a ledger that is owned.

    Args:
        connection: To its file.

    Raises:
        sqlite3.Error: The file is damaged, or cannot be written.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._accepted: list[bytes] = []  # notes in the tail, of messages that have been accepted
        self._last = sqlite_tail.last_bundled(connection)
        self.finish()

    def finish(self) -> None:
        """Empty the tail: what was accepted is bundled, what is on its way becomes rows.

        Raises:
            sqlite3.Error: The file cannot be written. Nothing is lost.
        """
        if sqlite_tail.is_empty(self._connection):
            return
        known = sqlite_tail.read_tail(self._connection)
        self._connection.execute("BEGIN IMMEDIATE")
        self._accepted = list(known.accepted.values())
        self._accepted = self._bundle(())
        sqlite_rows.insert(self._connection, map(tail.read_intent, known.intents.values()))
        sqlite_tail.clear(self._connection)
        self._connection.execute("COMMIT")

    def commit(self, changes: Changes) -> Container[int]:
        """Write *changes*.

        Returns:
            Which steps were refused, by their numbers from 0: rows of messages that were accepted before.

        Raises:
            sqlite3.Error: They could not be written. This must not be used any more then.
        """
        self._accepted += changes.accepted
        entry = None
        if changes.intents or changes.accepted or changes.left:
            entry = tail.write_entry(changes.intents, changes.accepted, changes.left)
        if changes.steps or changes.remaining is not None:
            return self._transaction(entry, changes)
        if entry is not None:
            sqlite_tail.append_entry(self._connection, entry)
        return ()

    def _transaction(self, entry: bytes | None, changes: Changes) -> Container[int]:
        if entry is None and changes.remaining is None and self._in_one_statement(changes):
            return ()
        accepted, last = self._accepted, self._last
        refused: set[int] | None = None
        while True:
            self._connection.execute("BEGIN IMMEDIATE")
            if changes.remaining is not None:
                self._accepted = self._bundle(changes.remaining)
                sqlite_tail.clear(self._connection)
                entry = tail.write_entry(changes.remaining, self._accepted)
            if entry is not None:
                sqlite_tail.append_entry(self._connection, entry)
            if self._follow(changes, refused):
                break
            self._connection.execute("ROLLBACK")  # and once more, to find out which were refused
            self._accepted, self._last, refused = accepted, last, set()
        self._connection.execute("COMMIT")
        return refused or ()

    def _in_one_statement(self, changes: Changes) -> bool:
        """Write changes that are a row each of some messages; False when they are not, or when a row was refused.

        Where a row was refused the others have been written, and can be written once more to find out which it was.
        """
        rows = {step[0]: step for step in changes.steps if isinstance(step, tuple)}
        if changes.unsure or not len(rows) == len(changes.steps) <= sqlite_rows.MOST_AT_ONCE:
            return False
        return sqlite_rows.upsert(self._connection, list(rows.values()))

    def _bundle(self, remaining: Collection[bytes]) -> list[bytes]:
        """Make a bundle of what has been accepted.

        Up to the first message that is on its way, so that bundles do not overlap; beyond it where that one takes too long.

        Args:
            remaining: Notes of messages that are on their way.

        Returns:
            What has to stay in the tail.
        """
        notes = sorted(self._accepted)
        start, end = bisect_left(notes, tail.write_position(self._last + 1)), len(notes)
        if remaining and (before := bisect_left(notes, min(remaining))) - start >= end // 2:
            end = before
        sqlite_rows.insert(self._connection, tail.read_accepted(b"".join(notes[:start])))  # they come too late for their bundle
        if start < end:
            sqlite_tail.add_bundle(self._connection, b"".join(notes[start:end]))
            self._last = tail.position_of(notes[end - 1])
        return notes[end:]

    def _follow(self, changes: Changes, refused: set[int] | None) -> bool:
        """Do all steps in their order.

        Args:
            changes: Their steps.
            refused: Where to put the numbers of the rows that are refused; None to write neighbouring rows together.

        Returns:
            False when a row was refused and *refused* is None.
        """
        rows: list[tuple[int, Written]] = []
        for number, step in enumerate(changes.steps):
            if isinstance(step, tuple):
                if step[0] in changes.unsure:
                    self._make_row(step[0])
                rows.append((number, step))
                continue
            if not self._upsert(rows, refused):
                return False
            rows.clear()
            if step.on_rows:
                self._make_rows()
            step.result = step.work(self._connection)
        return self._upsert(rows, refused)

    def _upsert(self, rows: Sequence[tuple[int, Written]], refused: set[int] | None) -> bool:
        if refused is None:
            return sqlite_rows.upsert(self._connection, [row for _, row in rows])
        refused.update(number for number, row in rows if not sqlite_rows.upsert(self._connection, [row]))
        return True

    def _make_row(self, position: int) -> None:
        """Make a row of a message that was accepted, if it has none."""
        if sqlite_rows.has_row(self._connection, position):
            return
        mark = tail.write_position(position)
        note = next((note for note in self._accepted if note.startswith(mark)), b"")
        if note:
            sqlite_tail.append_entry(self._connection, tail.write_entry((), left=[mark]))
            self._accepted = [each for each in self._accepted if each is not note]
        else:
            note = sqlite_tail.take(self._connection, position)
        sqlite_rows.insert(self._connection, tail.read_accepted(note))

    def _make_rows(self) -> None:
        """Make rows of all messages that were accepted."""
        if self._accepted:
            sqlite_rows.insert(self._connection, tail.read_accepted(b"".join(self._accepted)))
            left = [note[: tail.MARK_LENGTH] for note in self._accepted]
            sqlite_tail.append_entry(self._connection, tail.write_entry((), left=left))
            self._accepted = []
        if sqlite_tail.last_bundled(self._connection) >= 0:
            sqlite_rows.insert(self._connection, sqlite_tail.bundled(self._connection, 0))
            sqlite_tail.empty_bundles(self._connection)
