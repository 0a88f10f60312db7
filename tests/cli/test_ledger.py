"""Tests of `cli/ledger.py`."""

import csv
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from routee_async import Ledger, MessageStatus, RowState
from routee_async.sandbox import Fault, Sandbox, faults
from tests.cli.conftest import NUMBER, Ran, Routee, text

Table = Callable[[str | bytes], Path]
WRITTEN = ("--sender-id", "ParcelCo", "--body", "Hi")
LOST = "+306970000008"
BATCH = f"to\n{NUMBER}\n\n+30\n{LOST}\n+306970000001\n"
"""Accepted, blank, rejected, unknown, accepted: lines 2, 3, 4, 5, 6."""


@pytest.fixture
async def db(routee: Routee, sandbox: Sandbox, table: Table, tmp_path: Path) -> Path:
    """A ledger whose batch has been through."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", to=LOST))
    path = tmp_path / "run.db"
    await routee("bulk", table(BATCH), *WRITTEN, "--ledger", path)
    sandbox.faults.clear()
    return path


def files(db: Path) -> list[Path]:
    """The files of a ledger."""
    return list(db.parent.glob("run.db*"))


def exported(ran: Ran) -> list[dict[str, str]]:
    """Rows on stdout."""
    return list(csv.DictReader(io.StringIO(ran.out)))


@pytest.mark.parametrize("command", ["show", "resume", "export", "purge"])
async def test_missing(routee: Routee, tmp_path: Path, command: str) -> None:
    """A ledger that is not there is not made, and the line says what makes one."""
    ran = await routee("ledger", command, tmp_path / "no.db")
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert "there is no such ledger; `routee bulk FILE --ledger" in line
    assert text(tmp_path / "no.db") is None


@pytest.mark.parametrize("command", [("show",), ("resume",), ("export",), ("purge", "--yes")], ids=lambda command: command[0])
async def test_not_a_ledger(routee: Routee, table: Table, command: tuple[str, ...]) -> None:
    """Another file is refused in one line, and left alone."""
    path = table(BATCH)
    ran = await routee("ledger", *command, path)
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert "is not a ledger" in line
    assert path.read_text() == BATCH


@pytest.mark.parametrize("command", ["show", "resume", "export", "purge"])
async def test_help(routee: Routee, command: str) -> None:
    """Each command has an example in its help, and a wrong call points there."""
    ran = await routee("ledger", command, "--help")
    assert ran.status == 0
    assert f" routee ledger {command} run.db" in ran.out
    wrong = await routee("ledger", command, "--colour")
    assert wrong.status == 2
    assert wrong.err.endswith(f"See: routee ledger {command} --help\n")


async def test_help_of_the_group(routee: Routee) -> None:
    """The help says what a ledger does not hold."""
    ran = await routee("ledger", "--help")
    assert "It holds no numbers" in " ".join(ran.out.split())


async def test_show(routee: Routee, db: Path, tmp_path: Path) -> None:
    """The table tells states, parts, statuses, whether the end was reached, and what to do next."""
    ran = await routee("ledger", "show", db)
    assert (ran.status, ran.err) == (0, "")
    words = " ".join(ran.out.replace("\n", " ").split())
    assert str(tmp_path / "rows.csv") in ran.out.replace("\n", "")
    for figure in ("intended 0", "accepted 2 2 parts", "rejected 1", "not sent 0", "unknown 1 in doubt", "all 4"):
        assert figure in words
    assert "The end of the input was reached: it has 4 messages." in words
    assert "settles the 1 in doubt" in words
    assert NUMBER not in ran.out


async def test_show_to_a_program(routee: Routee, db: Path, tmp_path: Path) -> None:
    """A program reads the same figures, and the commands that are worth giving."""
    ran = await routee("ledger", "show", db, "--json")
    (shown,) = ran.lines
    assert shown["input"] == str(tmp_path / "rows.csv")
    assert shown["states"] == {"intended": 0, "accepted": 2, "rejected": 1, "not_sent": 0, "unknown": 1}
    assert (shown["messages"], shown["parts"], shown["statuses"], shown["finished"]) == (4, 2, {}, True)
    assert shown["next"][0] == f"routee ledger resume {db} --on-unknown reconcile"


async def test_show_while_it_runs(routee: Routee, db: Path) -> None:
    """A ledger can be looked into and written out while it is in use."""
    owner = Ledger(db)
    await owner.open()
    try:
        assert (await routee("ledger", "show", db)).status == 0
        assert (await routee("ledger", "export", db)).status == 0
        for command in (("resume",), ("purge", "--yes")):
            ran = await routee("ledger", command[0], db, *command[1:])
            assert ran.status == 2
            assert "is in use by process" in ran.err
    finally:
        await owner.close()
    assert len(Ledger(db)) == 4


async def test_resume(routee: Routee, sandbox: Sandbox, db: Path, tmp_path: Path) -> None:
    """A batch is gone on with by its ledger alone, with other options where they are given."""
    output = tmp_path / "elsewhere.jsonl"
    options = ("--on-unknown", "report", "--max-unknown", 0, "--track", 20, "--output", output)
    ran = await routee("ledger", "resume", db, *options)
    assert (ran.status, ran.out) == (1, "")
    results = {row["line"]: row for row in map(json.loads, output.read_text().splitlines())}
    assert {line: row["outcome"] for line, row in results.items()} == {2: "accepted", 4: "rejected", 5: "accepted", 6: "accepted"}
    assert Ledger(db).summary().statuses == {MessageStatus.DELIVERED: 3}
    assert sandbox.journal.sends_received == 3


async def test_resume_without_the_input(routee: Routee, sandbox: Sandbox, table: Table, db: Path, tmp_path: Path) -> None:
    """When the input has gone, its name is told, and where it is now can be."""
    path = table(BATCH)
    path.rename(tmp_path / "moved.csv")
    ran = await routee("ledger", "resume", db)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"routee: {path}: has gone; put it back, or say with --input where it is now\n"
    await routee("ledger", "resume", db, "--input", tmp_path / "moved.csv")
    assert Ledger(db).summary().states[RowState.ACCEPTED] == 3
    assert sandbox.journal.sends_received == 3


async def test_export(routee: Routee, sandbox: Sandbox, db: Path) -> None:
    """Every message is written out with its line, its reference and what became of it, and without its number."""
    ran = await routee("ledger", "export", db)
    assert (ran.status, ran.err) == (0, "")
    rows = exported(ran)
    assert [(row["index"], row["line"], row["state"]) for row in rows] == [
        ("0", "2", "accepted"),
        ("1", "4", "rejected"),
        ("2", "5", "unknown"),
        ("3", "6", "accepted"),
    ]
    by_number = {message.to: message.tracking_id for message in sandbox.journal.accepted}
    assert [row["tracking_id"] for row in rows] == [by_number[NUMBER], "", "", by_number["+306970000001"]]
    assert all(str(message.label).startswith(tuple(row["reference"] for row in rows)) for message in sandbox.journal.accepted)
    assert "to: " in rows[1]["error"]
    assert "may have been sent" in rows[2]["error"]
    assert NUMBER not in ran.out


async def test_export_to_a_file(routee: Routee, db: Path, tmp_path: Path) -> None:
    """The name of the output decides on the format, and what exists is not written over."""
    output = tmp_path / "messages.jsonl"
    ran = await routee("ledger", "export", db, "--output", output)
    assert (ran.status, ran.out, ran.err) == (0, "", f"4 messages: {output}\n")
    first = json.loads(output.read_text().splitlines()[0])
    assert (first["line"], first["state"], first["duplicates"]) == (2, "accepted", [])
    again = await routee("ledger", "export", db, "--output", output)
    assert again.status == 2
    assert "give another --output" in again.err


async def test_export_with_a_changed_input(routee: Routee, table: Table, db: Path) -> None:
    """A line is told only where the row still is the message of then, and a missing input is no obstacle."""
    table(f"to\n{NUMBER}\n+31\n")
    assert [row["line"] for row in exported(await routee("ledger", "export", db))] == ["2", "", "", ""]
    table("name\nMaria\n").unlink()
    ran = await routee("ledger", "export", db)
    assert ran.status == 0
    assert [row["line"] for row in exported(ran)] == [""] * 4
    assert "so column 'line' is empty" in ran.err


async def test_export_of_somebody_elses(routee: Routee, tmp_path: Path) -> None:
    """A ledger that a program began is shown and written out, without lines and without a way to go on."""
    path = tmp_path / "own.db"
    ledger = Ledger(path)
    await ledger.open()
    await ledger.intend(1, "ra.00000000.0000001", b"x" * 16)
    await ledger.close()
    (row,) = exported(await routee("ledger", "export", path))
    assert (row["index"], row["line"], row["state"]) == ("1", "", "intended")
    (shown,) = (await routee("ledger", "show", path, "--json")).lines
    assert (shown["input"], shown["finished"], shown["next"]) == (None, False, [])


async def test_purge(routee: Routee, db: Path) -> None:
    """With `--yes` the ledger goes, with every file that belongs to it."""
    ran = await routee("ledger", "purge", db, "--yes")
    assert (ran.status, ran.err) == (0, f"Deleted: {db}\n")
    assert not files(db)


async def test_purge_without_a_terminal(routee: Routee, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, nothing is deleted."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    ran = await routee("ledger", "purge", db)
    assert ran.status == 2
    assert "say --yes if you mean it" in ran.err
    assert len(Ledger(db)) == 4


class Terminal(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        """Tell that it is a terminal."""
        return True


@pytest.mark.parametrize(("answer", "goes"), [("y\n", True), ("Yes\n", True), ("\n", False), ("no\n", False), ("", False)])
async def test_purge_on_a_terminal(routee: Routee, db: Path, monkeypatch: pytest.MonkeyPatch, answer: str, *, goes: bool) -> None:
    """On a terminal the question shows what would be lost, and only a yes deletes."""
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ran = await routee("ledger", "purge", db)
    assert "2 accepted" in ran.err
    assert "[y/N]" in ran.err
    assert bool(files(db)) is not goes
    assert ran.status == (0 if goes else 1)


async def test_purge_interrupted(routee: Routee, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at the question is obeyed at once, and nothing is deleted."""

    class Hesitant:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            os.kill(os.getpid(), signal.SIGINT)
            return "y\n"

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "stdin", Hesitant())
    with pytest.raises(KeyboardInterrupt):
        await routee("ledger", "purge", db)
    assert len(Ledger(db)) == 4
    assert signal.getsignal(signal.SIGINT) is before
