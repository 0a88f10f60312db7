"""Tests of `cli/bulk_job.py` and `cli/bulk_run.py`: `routee bulk --ledger`, and what `routee ledger resume` makes of it."""

import asyncio
import csv
import io
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from routee_async import Ledger, MessageStatus, OnUnknown, RowState
from routee_async.cli import bulk_job
from routee_async.cli.bulk_job import BulkLedger, Job
from routee_async.cli.results import FileFormat
from routee_async.sandbox import Fault, Sandbox, Timeline, faults
from tests.cli.conftest import NUMBER, PATIENCE, Ran, Routee, finish, happens, start, text

Table = Callable[[str | bytes], Path]
WRITTEN = ("--sender-id", "ParcelCo", "--body", "Hi")
LOST, BUSY = "+306970000008", "+306970000009"


def rows(count: int) -> str:
    """A file of so many recipients."""
    return "to\n" + "".join(f"+306970{number:06d}\n" for number in range(count))


def read(path: Path) -> dict[int, dict[str, str]]:
    """Results by line number, each line once."""
    results = list(csv.DictReader(path.read_text().splitlines()))
    assert len({row["line"] for row in results}) == len(results)
    return {int(row["line"]): row for row in results}


def states(db: Path) -> dict[RowState, int]:
    """Rows of a ledger by state, without zeros."""
    return {state: count for state, count in Ledger(db).summary().states.items() if count}


def each_once(sandbox: Sandbox, count: int) -> bool:
    """True when the sandbox has so many messages, each to another recipient."""
    return len({message.to for message in sandbox.journal.accepted}) == len(sandbox.journal.accepted) == count


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where a ledger goes."""
    return tmp_path / "run.db"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where results go."""
    return tmp_path / "results.csv"


async def test_new_and_again(routee: Routee, sandbox: Sandbox, table: Table, db: Path, output: Path) -> None:
    """The same command once more sends nothing, and writes the same results again."""
    arguments = ("bulk", table(rows(20)), *WRITTEN, "--ledger", db, "--output", output)
    first = await routee(*arguments)
    assert first.status == 0
    assert states(db) == {RowState.ACCEPTED: 20}
    before = read(output)
    again = await routee(*arguments)
    assert again.status == 0
    assert "Resuming" in again.err
    assert "20 parts; 20 messages by an earlier run" in again.err
    assert read(output) == before
    assert sandbox.journal.sends_received == 20


async def test_what_a_ledger_holds(routee: Routee, environment: dict[str, str], table: Table, db: Path) -> None:
    """No number, no cell and no credential is in the files of a ledger, in whatever state its rows are."""
    path = table(f"to,name,label\n{NUMBER},Marigold,Zinnia\n{LOST},Marigold,\ncall Marigold,Marigold,\n{NUMBER}0000,Marigold,\n")
    ran = await routee("bulk", path, "--sender-id", "ParcelCo", "--body", "Hi {name}", "--ledger", db)
    assert ran.status == 1
    content = b"".join(file.read_bytes() for file in db.parent.glob("run.db*"))
    assert b"Hi {name}" in content
    for hidden in (NUMBER[1:], LOST[1:], "Marigold", "Zinnia", *environment.values()):
        assert hidden.encode() not in content


async def test_killed(
    routee: Routee,
    sandbox: Sandbox,
    environment: dict[str, str],
    table: Table,
    db: Path,
    output: Path,
) -> None:
    """A run that is killed in the middle is gone on with: nothing goes out twice, and the results are complete."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms", skip=5))
    options = ("--ledger", db, "--output", output, "--concurrency", 3)
    process = await start("bulk", table(rows(40)), *WRITTEN, *options, environment=environment)
    await happens(lambda: sandbox.journal.sends_accepted == 8)
    await happens(lambda: states(db) == {RowState.ACCEPTED: 5, RowState.INTENDED: 3})
    process.kill()
    await process.communicate()
    sandbox.faults.clear()
    assert "not reached" in (await routee("ledger", "show", db)).out
    ran = await routee("ledger", "resume", db)
    assert ran.status == 0
    assert "Asking Routee about 3 that may have been sent" in ran.err
    assert each_once(sandbox, 40)
    assert sandbox.journal.sends_received == 40
    assert states(db) == {RowState.ACCEPTED: 40}
    results = read(output)
    assert sorted(results) == list(range(2, 42))
    assert {row["tracking_id"] for row in results.values()} == {message.tracking_id for message in sandbox.journal.accepted}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_drained(
    routee: Routee,
    sandbox: Sandbox,
    environment: dict[str, str],
    table: Table,
    db: Path,
    output: Path,
    number: signal.Signals,
) -> None:
    """At the first signal what is under way gets its outcome, the last line says how to go on, and that is true."""
    sandbox.faults.add(Fault(faults.delay(0.05), path="/sms"))
    options = ("--ledger", db, "--output", output, "--concurrency", 5)
    process = await start("bulk", table(rows(300)), *WRITTEN, *options, environment=environment)
    await happens(lambda: sandbox.journal.sends_accepted >= 5)
    process.send_signal(number)
    ran = await finish(process)
    accepted = sandbox.journal.sends_accepted
    assert ran.status == 1
    assert accepted < 300
    assert ran.err.splitlines()[-1] == f"routee: stopped at line {accepted + 1}; to go on: routee ledger resume {db}"
    assert len(read(output)) == accepted
    assert states(db) == {RowState.ACCEPTED: accepted}
    sandbox.faults.clear()
    assert (await routee("ledger", "resume", db)).status == 0
    assert each_once(sandbox, 300)
    assert len(read(output)) == 300


async def test_interrupted_twice(routee: Routee, sandbox: Sandbox, table: Table, db: Path, output: Path) -> None:
    """At the second signal it ends at once; what was under way is found on resuming, and rows not come to keep their results."""
    arguments = ("bulk", table(rows(30)), *WRITTEN, "--ledger", db, "--output", output, "--concurrency", 1)
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", to="+306970000010"))
    assert (await routee(*arguments)).status == 1
    before = read(output)
    assert states(db) == {RowState.ACCEPTED: 29, RowState.UNKNOWN: 1}

    sandbox.carrier.settings.visibility_delay = 1000
    run = asyncio.create_task(routee(*arguments))
    await happens(lambda: sandbox.journal.requests["POST /sms/tracking"] == 1)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await asyncio.wait_for(run, PATIENCE)
    assert ran.status == 1
    assert ran.err.splitlines()[-1] == f"routee: stopped at line 12; to go on: routee ledger resume {db}"
    assert states(db) == {RowState.ACCEPTED: 29, RowState.UNKNOWN: 1}
    after = read(output)
    assert after[12]["error"].startswith("interrupted")
    assert {line: row for line, row in after.items() if line != 12} == {line: row for line, row in before.items() if line != 12}

    sandbox.carrier.settings.visibility_delay = 0
    assert (await routee("ledger", "resume", db)).status == 0
    assert each_once(sandbox, 30)
    assert Counter(row["outcome"] for row in read(output).values()) == {"accepted": 30}


def shard(db: Path, number: int) -> tuple[object, ...]:
    """Options of one of three processes."""
    folder = db.parent
    return ("--shard", f"{number}/3", "--ledger", folder / f"{number}.db", "--output", folder / f"{number}.csv")


async def test_shares_in_processes_of_their_own(
    sandbox: Sandbox,
    environment: dict[str, str],
    table: Table,
    db: Path,
    routee: Routee,
) -> None:
    """Three processes share a file; one is killed and resumed; every row is sent once, and stands in the results of its share."""
    path = table(rows(600))
    sandbox.faults.add(Fault(faults.delay(0.05, accepted=True), path="/sms"))
    command = ("bulk", path, *WRITTEN, "--concurrency", 10, "--on-unknown", "reconcile")
    running = [await start(*command, *shard(db, number), environment=environment) for number in (1, 2, 3)]
    await happens(lambda: (db.parent / "2.csv").exists() and len((db.parent / "2.csv").read_bytes()) > 500)
    running[1].kill()
    first, killed, third = [await finish(process) for process in running]
    assert (first.status, killed.status, third.status) == (0, -signal.SIGKILL, 0)
    assert not each_once(sandbox, 600)

    sandbox.faults.clear()
    assert (await routee("ledger", "resume", db.parent / "2.db")).status == 0
    assert each_once(sandbox, 600)
    shares = [read(db.parent / f"{number}.csv") for number in (1, 2, 3)]
    assert [set(share) for share in shares] == [set(range(2 + number, 602, 3)) for number in (0, 1, 2)]
    assert {row["outcome"] for share in shares for row in share.values()} == {"accepted"}


async def test_ledger_belongs_to_its_share(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """A ledger goes on with its own share only, and what it exports has the lines of that."""
    path = table(rows(6))
    assert (await routee("bulk", path, *WRITTEN, "--ledger", db, "--shard", "2/3")).status == 0
    ran = await routee("bulk", path, *WRITTEN, "--ledger", db, "--shard", "1/3")
    assert ran.status == 2
    assert "was begun with another --shard" in ran.err
    assert each_once(sandbox, 2)
    exported = csv.DictReader(io.StringIO((await routee("ledger", "export", db)).out))
    assert [row["line"] for row in exported] == ["3", "6"]


async def test_nonsense_share(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """A share that cannot be meant is a usage error, and nothing is sent."""
    ran = await routee("bulk", table(rows(1)), *WRITTEN, "--shard", "3/2")
    assert ran.status == 2
    assert "--shard: must be like 2/4" in ran.err
    assert not sandbox.journal.requests


async def test_summary_then_results(routee: Routee, sandbox: Sandbox, table: Table, db: Path, tmp_path: Path) -> None:
    """A run with `--summary` remembers it; on resuming, `--output` writes the results of all rows after all."""
    assert (await routee("bulk", table("to\n+306970000001\n"), *WRITTEN, "--ledger", db, "--summary")).status == 0
    assert (await routee("ledger", "resume", db)).out == ""
    output = tmp_path / "late.csv"
    assert (await routee("ledger", "resume", db, "--output", output)).status == 0
    assert [row["outcome"] for row in read(output).values()] == ["accepted"]
    assert each_once(sandbox, 1)


async def test_rows_not_sent(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """Rows that were not sent come with the command that sends them."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="1000"), path="/sms", to=BUSY))
    ran = await routee("bulk", table(f"to\n+306970000001\n{BUSY}\n"), *WRITTEN, "--ledger", db, "--concurrency", 1)
    assert ran.status == 1
    assert "these rows are sent on resuming" in ran.err
    assert ran.err.splitlines()[-1].endswith(
        f"1 of 2 rows were not accepted; the results say why; to go on: routee ledger resume {db}"
    )
    sandbox.faults.clear()
    assert (await routee("ledger", "resume", db)).status == 0
    assert each_once(sandbox, 2)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param(rows(9) + "+306970999999\n", ", line 11: ledger ", id="another row"),
        pytest.param(rows(11), ", line 12: ledger ", id="more rows"),
        pytest.param(rows(9), ": ledger ", id="fewer rows"),
    ],
)
async def test_another_input(
    routee: Routee,
    sandbox: Sandbox,
    table: Table,
    db: Path,
    output: Path,
    changed: str,
    problem: str,
) -> None:
    """A file that is not what it was is refused with its row, nothing is sent, and the earlier results stay."""
    arguments = ("bulk", table(rows(10)), *WRITTEN, "--ledger", db, "--output", output)
    await routee(*arguments)
    before = text(output)
    ran = await routee(*arguments[:1], table(changed), *arguments[2:])
    assert ran.status == 2
    assert f"rows.csv{problem}" in ran.err.splitlines()[-1]
    assert ran.err.splitlines()[-1].endswith("begin a new ledger")
    assert f"Results: {output}, as an earlier run left them" in ran.err
    assert text(output) == before
    assert sandbox.journal.sends_received == 10


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        pytest.param(("--sender-id", "Bank", "--body", "Hi"), "--sender-id", id="sender"),
        pytest.param(("--sender-id", "ParcelCo", "--body", "Ho"), "--body", id="body"),
        pytest.param((*WRITTEN, "--default-region", "GR"), "--default-region", id="region"),
    ],
)
async def test_other_options(
    routee: Routee,
    sandbox: Sandbox,
    table: Table,
    db: Path,
    changed: tuple[str, ...],
    option: str,
) -> None:
    """Options that make other messages of the same rows are refused by name, before anything is sent."""
    path = table(rows(3))
    await routee("bulk", path, *WRITTEN, "--ledger", db)
    ran = await routee("bulk", path, *changed, "--ledger", db)
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert f"was begun with another {option};" in line
    assert sandbox.journal.sends_received == 3


async def test_in_use(routee: Routee, sandbox: Sandbox, table: Table, db: Path, output: Path) -> None:
    """A ledger that another run is using is refused in one line, before there is a result or a request."""
    owner = Ledger(db)
    await owner.open()
    try:
        ran = await routee("bulk", table(rows(3)), *WRITTEN, "--ledger", db, "--output", output)
    finally:
        await owner.close()
    assert ran.status == 2
    (line,) = ran.err.splitlines()
    assert "is in use by process" in line
    assert "wait for it or stop it" in line
    assert text(output) is None
    assert not sandbox.journal.requests


async def test_a_newer_version(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """A ledger of a newer version is refused with the way out."""
    path = table(rows(3))
    await routee("bulk", path, *WRITTEN, "--ledger", db)
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for command in (("bulk", path, *WRITTEN, "--ledger", db), ("ledger", "resume", db)):
        ran = await routee(*command)
        assert (ran.status, ran.out) == (2, "")
        (line,) = ran.err.splitlines()
        assert "upgrade routee-async" in line
    assert sandbox.journal.sends_received == 3


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        pytest.param("rows.csv", "is not a ledger; take another path", id="another file"),
        pytest.param("missing/run.db", "put it into a folder where you may write", id="no such folder"),
        pytest.param("rows.csv/run.db", "put it into a folder where you may write", id="no folder"),
    ],
)
async def test_impossible_places(
    routee: Routee,
    sandbox: Sandbox,
    table: Table,
    tmp_path: Path,
    place: str,
    advice: str,
) -> None:
    """A ledger that cannot be made is told in one line with what to do, and nothing is sent."""
    ran = await routee("bulk", table(rows(3)), *WRITTEN, "--ledger", tmp_path / place)
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert advice in line
    assert not sandbox.journal.requests


async def test_unknown_rows(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """Rows in doubt come with the command that settles them, which finds them and sends nothing."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", to=LOST))
    path = table(f"to\n+306970000001\n{LOST}\n")
    ran = await routee("bulk", path, *WRITTEN, "--ledger", db)
    assert ran.status == 1
    assert "may have been sent: resume with --on-unknown reconcile" in ran.err
    settle = f"routee ledger resume {db} --on-unknown reconcile"
    assert ran.err.splitlines()[-1] == f"routee: 1 of 2 rows were not accepted; the results say why; to go on: {settle}"
    sandbox.faults.clear()
    assert (await routee(*settle.split()[1:])).status == 0
    assert each_once(sandbox, 2)


async def test_found_twice(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """A message that Routee has twice is accepted once, and the other id is told."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms"))
    await routee("bulk", table(rows(1)), *WRITTEN, "--ledger", db)
    sandbox.faults.clear()
    (message,) = sandbox.journal.accepted
    again = {"from": "ParcelCo", "to": message.to, "body": "Hi", "label": message.label}
    second = sandbox.carrier.send(sandbox.application, again)["trackingId"]
    ran = await routee("ledger", "resume", db)
    assert ran.status == 0
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert {row["tracking_id"], row["error"].rpartition(" ")[2]} == {message.tracking_id, second}
    assert "sent more than once" in row["error"]


async def test_rejected_rows_stay_rejected(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """What is wrong with a row does not change by resuming, and no way to go on is pretended."""
    path = table("to\n+306970000001\nwords\n\nx,y\n")
    await routee("bulk", path, *WRITTEN, "--ledger", db)
    ran = await routee("ledger", "resume", db)
    assert ran.status == 1
    assert "correct these rows in a file of their own" in ran.err
    assert ran.err.splitlines()[-1] == "routee: 2 of 3 rows were not accepted; the results say why"
    assert sandbox.journal.sends_received == 1


async def test_too_many_unknown(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """With `--max-unknown` a run stops when too many are in doubt, and can be gone on with."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms"))
    arguments = ("--ledger", db, "--max-unknown", 1, "--concurrency", 1)
    ran = await routee("bulk", table(rows(50)), *WRITTEN, *arguments)
    assert ran.status == 1
    assert states(db) == {RowState.UNKNOWN: 2}
    assert ran.err.splitlines()[-1] == f"routee: stopped at line 3; to go on: routee ledger resume {db}"
    sandbox.faults.clear()
    assert (await routee("ledger", "resume", db)).status == 0
    assert each_once(sandbox, 50)


async def test_balance(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """A run that the balance has stopped at its last row is gone on with when the account has been topped up."""
    account = sandbox.application.account
    account.balance = 3 * account.price
    ran = await routee("bulk", table(rows(4)), *WRITTEN, "--ledger", db, "--concurrency", 1)
    assert ran.status == 1
    assert "top the account up" in ran.err
    assert ran.err.splitlines()[-1].endswith(f"to go on: routee ledger resume {db}")
    account.balance = 100 * account.price
    assert (await routee("ledger", "resume", db)).status == 0
    assert each_once(sandbox, 4)


async def test_pace(routee: Routee, table: Table) -> None:
    """With `--parts-per-second` the messages take the time that their parts need."""
    began = time.monotonic()
    ran = await routee("bulk", table(rows(6)), "--sender-id", "ParcelCo", "--body", "x" * 161, "--parts-per-second", 100)
    assert ran.status == 0
    assert time.monotonic() - began >= 0.09


async def test_followed(routee: Routee, sandbox: Sandbox, table: Table, db: Path, output: Path) -> None:
    """Final statuses are noted in the ledger, and what has one is not followed again."""
    arguments = ("bulk", table(rows(5)), *WRITTEN, "--ledger", db, "--output", output, "--track", 20)
    assert (await routee(*arguments)).status == 0
    assert Ledger(db).summary().statuses == {MessageStatus.DELIVERED: 5}
    asked = sandbox.journal.requests.total()
    assert sandbox.journal.requests["POST /sms/tracking"]
    ran = await routee(*arguments)
    assert ran.status == 0
    assert "  Delivered" in ran.err
    assert {row["status"] for row in read(output).values()} == {"Delivered"}
    assert sandbox.journal.requests.total() == asked


async def test_followed_later(routee: Routee, sandbox: Sandbox, table: Table, db: Path, output: Path) -> None:
    """A batch can be followed when it has long been sent, and statuses that are known stay in the results."""
    sandbox.carrier.settings.timeline = Timeline(final_after=1000)
    ran = await routee("bulk", table(rows(3)), *WRITTEN, "--ledger", db, "--output", output, "--track", 0.05)
    assert ran.status == 1
    assert ran.err.splitlines()[-1] == f"routee: to go on: routee ledger resume {db}"
    for message in sandbox.journal.accepted:
        message.timeline = Timeline(reads=0)
    assert (await routee("ledger", "resume", db, "--track", 20)).status == 0
    await routee("bulk", table(rows(3)), *WRITTEN, "--ledger", db, "--output", output)
    assert {row["status"] for row in read(output).values()} == {"Delivered"}


async def test_interrupted_while_following(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """A signal while messages are followed ends that, and says how to go on."""
    sandbox.carrier.settings.timeline = Timeline(final_after=1000)
    run = asyncio.create_task(routee("bulk", table(rows(1)), *WRITTEN, "--track", 1000, "--ledger", db))
    await happens(lambda: db.exists() and Ledger(db).summary().finished == 1)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await asyncio.wait_for(run, PATIENCE)
    assert ran.status == 1
    assert ran.err.splitlines()[-1] == f"routee: to go on: routee ledger resume {db}"


async def test_a_disk_that_fails_in_the_end(
    routee: Routee,
    table: Table,
    db: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the results cannot be replaced, that is told, the earlier ones stay, and the ledger has it all."""
    arguments = ("bulk", table(rows(3)), *WRITTEN, "--ledger", db, "--output", output)
    await routee(*arguments)
    before = text(output)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    ran = await routee(*arguments)
    assert ran.status == 1
    assert f"{output}: cannot be written: No space left on device" in ran.err
    assert ran.err.splitlines()[-1] == f"routee: to go on: routee ledger resume {db}"
    assert text(output) == before


async def test_results_of_something_else(routee: Routee, sandbox: Sandbox, table: Table, db: Path) -> None:
    """On resuming, too, a file that holds anything but results is not written over."""
    path = table(rows(3))
    await routee("bulk", path, *WRITTEN, "--ledger", db)
    ran = await routee("bulk", path, *WRITTEN, "--ledger", db, "--output", path)
    assert ran.status == 2
    assert path.read_text() == rows(3)
    assert sandbox.journal.sends_received == 3


def test_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is what was asked, with paths that are good in any folder."""
    monkeypatch.chdir(tmp_path)
    job = Job(
        file="rows.csv",
        sender_id="ParcelCo",
        body="Γεια {name}",
        default_region="GR",
        concurrency=7,
        parts_per_second=1.5,
        on_unknown=OnUnknown.RESEND,
        max_unknown=0,
        output="results.jsonl",
        file_format=FileFormat.JSONL,
        track=60.0,
    )
    noted = json.loads(job.to_note())
    assert (noted["file"], noted["output"]) == (str(tmp_path / "rows.csv"), str(tmp_path / "results.jsonl"))
    assert Job(**noted) == Job(**noted | {"on_unknown": OnUnknown.RESEND, "file_format": FileFormat.JSONL})
    assert json.loads(Job(file="rows.csv", output="-").to_note())["output"] == "-"
    assert json.loads(Job(file="rows.csv").to_note())["output"] is None


@pytest.mark.parametrize("note", ['{"file": "rows.csv", "colour": "red"}', "nonsense", '{"file": "x", "on_unknown": "pray"}', "[]"])
async def test_a_note_that_makes_no_sense(routee: Routee, db: Path, note: str) -> None:
    """What another version noted is not guessed at."""
    async with BulkLedger(db) as held:
        await held.set_note(bulk_job._NOTE, note)  # noqa: SLF001 - written by a version that is to come
    ran = await routee("ledger", "resume", db)
    assert ran.status == 2
    assert "was begun by another version of routee" in ran.err


async def test_somebody_elses_ledger(routee: Routee, table: Table, db: Path) -> None:
    """A ledger that a program began is not gone on with by the command."""
    async with BulkLedger(db):
        pass
    ran = await routee("ledger", "resume", db)
    assert (ran.status, ran.out) == (2, "")
    assert "go on with the program that began it" in ran.err
    # An empty one can be begun with.
    assert (await routee("bulk", table(rows(1)), *WRITTEN, "--ledger", db)).status == 0


async def test_help(routee: Routee) -> None:
    """The help tells what the ledger holds, and how to go on."""
    ran: Ran = await routee("bulk", "--help")
    words = " ".join(ran.out.split())
    assert "holds neither the numbers nor the texts of the rows" in words
    assert "routee ledger resume run.db" in words
