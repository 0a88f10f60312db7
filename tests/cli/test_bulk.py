"""Tests of `cli/bulk.py`."""

import asyncio
import csv
import errno
import io
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from routee_async import Ledger, cli
from routee_async.cli import bulk_job
from routee_async.sandbox import Fault, Magic, Outcome, Sandbox, Timeline, faults
from tests.cli.conftest import NUMBER, PATIENCE, Ran, Routee, finish, happens, start

Table = Callable[[str | bytes], Path]
SENDER = ("--sender-id", "ParcelCo")
LOST, BUSY = "+306970000008", "+306970000009"


def results(ran: Ran) -> dict[int, dict[str, str]]:
    """Results on stdout by line number."""
    return {int(row["line"]): row for row in csv.DictReader(io.StringIO(ran.out))}


def summary(ran: Ran) -> dict[str, int]:
    """Figures of the summary, after checking that they add up to the rows, and that each row has its result."""
    found = re.findall(r"^(accepted|rejected|not sent|unknown|rows) +([\d,]+)", ran.err, re.MULTILINE)
    figures = {name: int(number.replace(",", "")) for name, number in found}
    rows = figures.pop("rows")
    assert sum(figures.values()) == rows
    return figures


async def test_all_accepted(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """Each row becomes a message made of its cells, and the status is 0."""
    path = table("to,name,sender_id,label\n+306970000001,Μαρία,,\n+306970000002,{name},Bank,order 7\n")
    ran = await routee("bulk", path, *SENDER, "--body", "Hi {name} {{1}}")
    assert ran.status == 0
    assert summary(ran) == {"accepted": 2, "rejected": 0, "not sent": 0, "unknown": 0}
    sent = {message.to: (message.body, message.sender) for message in sandbox.journal.accepted}
    assert sent == {"+306970000001": ("Hi Μαρία {1}", "ParcelCo"), "+306970000002": ("Hi {name} {1}", "Bank")}
    assert [message.to for message in sandbox.journal.accepted if str(message.label).endswith("order 7")] == ["+306970000002"]
    by_number = {message.to: message.tracking_id for message in sandbox.journal.accepted}
    assert {row["to"]: row["tracking_id"] for row in results(ran).values()} == by_number


async def test_body_column(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """Without `--body` the column is sent as it is, braces and all; with it the column is one to be filled in."""
    path = table("to;body\n+306970000001;Hi {name}\n")
    assert (await routee("bulk", path, *SENDER)).status == 0
    assert (await routee("bulk", path, *SENDER, "--body", "P.S. {body}")).status == 0
    assert [message.body for message in sandbox.journal.accepted] == ["Hi {name}", "P.S. Hi {name}"]


async def test_bad_rows(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """Every bad row is reported with its line number and not sent, and every other row is sent."""
    path = table(
        b"\xef\xbb\xbfto;body\r\n"
        b"+306970000001;one\r\n"
        b"call me;words\r\n"
        b";no recipient\r\n"
        b"+306970000002\r\n"
        b"+306970000003;\r\n"
        b"+306970000004;\xff\r\n"
        b"\r\n"
        b'+306970000005;"unclosed\r\n'
        b"+306970000006;" + b"x" * 1601 + b"\r\n"
        b'6970000007;"two\r\nlines"\r\n',
    )
    ran = await routee("bulk", path, *SENDER, "--default-region", "GR")
    assert ran.status == 1
    assert summary(ran) == {"accepted": 2, "rejected": 7, "not sent": 0, "unknown": 0}
    assert sorted(results(ran)) == [2, 3, 4, 5, 6, 7, 9, 10, 11]
    assert {line for line, row in results(ran).items() if row["outcome"] == "accepted"} == {2, 11}
    for line, problem in {3: "to: is not", 4: "no recipient", 5: "1 cells", 6: "is empty", 7: "not UTF-8", 9: "quotation"}.items():
        assert problem in results(ran)[line]["error"]
        assert re.search(rf"^line {line}: rejected: .*{problem}", ran.err, re.MULTILINE)
    assert {message.to: message.body for message in sandbox.journal.accepted} == {
        "+306970000001": "one",
        "+306970000007": "two\r\nlines",
    }


async def test_four_outcomes(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """The four outcomes are told apart, add up, and say what to do next."""
    sandbox.faults.add(
        Fault(faults.close(accepted=True), path="/sms", to=LOST),
        Fault(faults.error(429, retry_after="1000"), path="/sms", to=BUSY),
    )
    path = table(f"to,body\n{NUMBER},Hi\n{Magic.REFUSED},Hi\n{LOST},Hi\n{BUSY},Hi\n")
    ran = await routee("bulk", path, *SENDER, "--format", "jsonl", "--concurrency", 1)
    assert ran.status == 1
    assert summary(ran) == {"accepted": 1, "rejected": 1, "not sent": 1, "unknown": 1}
    assert {row["line"]: row["outcome"] for row in ran.lines} == {2: "accepted", 3: "rejected", 4: "unknown", 5: "not_sent"}
    assert {row["to"] for row in ran.lines} == {NUMBER, Magic.REFUSED, LOST, BUSY}
    for advice in ("correct these rows", "sent again as they are", "look in Routee's portal", "3 of 4 rows were not accepted"):
        assert advice in ran.err


async def test_output_file(routee: Routee, table: Table, tmp_path: Path) -> None:
    """Results go to the file that is named, in the format of its name, and a second run does not write over them."""
    output = tmp_path / "results.jsonl"
    path = table(f"to\n{NUMBER}\n")
    arguments = ("bulk", path, *SENDER, "--body", "Hi", "--output", output)
    ran = await routee(*arguments)
    assert (ran.status, ran.out) == (0, "")
    assert f"Results: {output}" in ran.err
    (row,) = map(json.loads, output.read_text().splitlines())
    assert (row["line"], row["outcome"], row["to"]) == (2, "accepted", NUMBER)
    again = await routee(*arguments)
    assert again.status == 2
    assert "earlier run" in again.err


async def test_on_a_terminal(routee: Routee, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the results go to a file beside the input, so that no full number is shown."""
    path = table(f"to\n{NUMBER}\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ran = await routee("bulk", path, *SENDER, "--body", "Hi")
    assert (ran.status, ran.out) == (0, "")
    assert NUMBER in path.with_name("rows.results.csv").read_text()


async def test_following(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """With `--track` each accepted row is written with its last status, and what is not delivered makes the status 1."""
    sandbox.carrier.script(Outcome.DELIVERED, Outcome.EXPIRED, to="+306970000002")
    path = table(f"to,body\n+306970000001,Hi\n+306970000002,{'x' * 161}\nwords,Hi\n")
    ran = await routee("bulk", path, *SENDER, "--track", 20)
    assert ran.status == 1
    rows = results(ran)
    assert [(rows[line]["outcome"], rows[line]["status"], rows[line]["detailed_status"]) for line in (2, 3, 4)] == [
        ("accepted", "Delivered", "Delivered"),
        ("accepted", "Undelivered", "Expired"),
        ("rejected", "", ""),
    ]
    assert summary(ran) == {"accepted": 2, "rejected": 1, "not sent": 0, "unknown": 0}
    assert re.search(r"^  Delivered +1", ran.err, re.MULTILINE)


async def test_following_in_vain(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """A message that has no final status in time is written down all the same, and the status is 1."""
    sandbox.carrier.settings.timeline = Timeline(sent_after=0, final_after=1000)
    ran = await routee("bulk", table(f"to\n{NUMBER}\n"), *SENDER, "--body", "Hi", "--track", 0.05)
    assert ran.status == 1
    (row,) = results(ran).values()
    assert (row["outcome"], row["status"]) == ("accepted", "Sent")
    assert row["tracking_id"] == sandbox.journal.accepted[0].tracking_id
    assert "no final status in time" in row["error"]
    assert re.search(r"^  no final status +1", ran.err, re.MULTILINE)


async def test_following_breaks_down(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """When Routee refuses to let messages be followed, the accepted ones are written down with their tracking ids."""
    sandbox.faults.add(Fault(faults.error(403), method="GET"))
    ran = await routee("bulk", table(f"to\n{NUMBER}\n"), *SENDER, "--body", "Hi", "--track", 20)
    assert ran.status == 1
    (row,) = results(ran).values()
    assert row["tracking_id"] == sandbox.journal.accepted[0].tracking_id
    assert "routee: HTTP 403" in ran.err


@pytest.mark.parametrize("follow", [(), ("--track", 20)], ids=["plain", "followed"])
async def test_stop(routee: Routee, sandbox: Sandbox, table: Table, follow: tuple[object, ...]) -> None:
    """When going on is pointless, the reason, the line and the next step are told, and what was accepted is not lost."""
    sandbox.application.account.balance = 3 * sandbox.application.account.price
    path = table("to\n" + "".join(f"+3069700000{number}\n" for number in range(10, 60)))
    ran = await routee("bulk", path, *SENDER, "--body", "Hi", "--concurrency", 1, *follow)
    assert ran.status == 1
    assert summary(ran) == {"accepted": 3, "rejected": 1, "not sent": 0, "unknown": 0}
    assert "batch stopped after 4 attempted: HTTP 400 (code 400001009)" in ran.err
    assert "top the account up" in ran.err
    assert "stopped at line 5" in ran.err
    assert len(results(ran)) == 4


@pytest.mark.parametrize(
    ("content", "arguments", "problem"),
    [
        pytest.param("name\nMaria\n", (*SENDER, "--body", "Hi"), "one of them 'to'", id="no column to"),
        pytest.param("to\n+1\n", SENDER, "there is no text", id="no text"),
        pytest.param("to,body\n+1,Hi\n", (), "there is no sender", id="no sender"),
        pytest.param("to,name\n+1,M\n", (*SENDER, "--body", "{nam}"), "no column 'nam'; the columns are: to, name", id="column"),
        pytest.param("to\n+1\n", (*SENDER, "--body", "{to"), "stands alone", id="lone brace"),
        pytest.param("to\n+1\n", ("--sender-id", "ParcelCenter", "--body", "Hi"), "sender_id: is 12 characters", id="long sender"),
        pytest.param("to\n+1\n", (*SENDER, "--body", "Hi", "--default-region", "UK"), "default_region", id="region"),
        pytest.param("to\n+1\n", (*SENDER, "--body", "Hi", "--concurrency", "0"), "--concurrency", id="concurrency"),
        pytest.param("to\n+1\n", (*SENDER, "--body", "Hi", "--format", "xml"), "--format", id="format"),
        pytest.param("to\n+1\n", (*SENDER, "--body", "Hi", "--output", "/dev/null/x"), "cannot be written", id="output"),
    ],
)
async def test_called_wrongly(
    routee: Routee,
    sandbox: Sandbox,
    table: Table,
    content: str,
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    """A call that cannot be meant gives one line that says what is wrong, the status 2, and not one request."""
    ran = await routee("bulk", table(content), *arguments)
    assert ran.status == 2
    (line,) = ran.err.splitlines()
    assert problem in line
    assert not sandbox.journal.requests


async def test_missing_file(routee: Routee, tmp_path: Path) -> None:
    """A file that is not there gives the status 2."""
    ran = await routee("bulk", tmp_path / "missing.csv", *SENDER, "--body", "Hi")
    assert ran.status == 2
    assert "No such file" in ran.err


async def test_no_rows(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """A file of nothing but a header is done at once, without a request."""
    ran = await routee("bulk", table("to,body\n"), *SENDER)
    assert ran.status == 0
    assert ran.out == "line,to,outcome,tracking_id,parts,error\n"
    assert not sandbox.journal.requests


async def test_summary_only(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """With `--summary` no result is written; the figures and the first bad rows stand on stderr."""
    ran = await routee("bulk", table("to,body\n+306970000001,Hi\n" + ",Hi\n" * 30), *SENDER, "--summary")
    assert ran.status == 1
    assert ran.out == ""
    assert summary(ran) == {"accepted": 1, "rejected": 30, "not sent": 0, "unknown": 0}
    assert "further rows that are not accepted are only counted" in ran.err
    assert ran.err.splitlines()[-1] == "routee: 30 of 31 rows were not accepted"
    assert sandbox.journal.sends_accepted == 1


@pytest.mark.parametrize("contrary", [("--output", "r.csv"), ("--format", "csv")], ids=lambda pair: pair[0])
async def test_summary_writes_no_results(routee: Routee, sandbox: Sandbox, table: Table, contrary: tuple[str, str]) -> None:
    """`--summary` together with what says where or how to write results is refused before anything is sent."""
    ran = await routee("bulk", table("to,body\n+306970000001,Hi\n"), *SENDER, "--summary", *contrary)
    assert ran.status == 2
    assert "--summary: writes no results" in ran.err
    assert not sandbox.journal.requests


async def test_many_bad_rows(routee: Routee, table: Table) -> None:
    """However many rows are bad, stderr shows the first few, and the results show all."""
    ran = await routee("bulk", table("to,body\n" + ",Hi\n" * 500), *SENDER)
    assert ran.status == 1
    assert len(results(ran)) == 500
    assert len(ran.err.splitlines()) < 30
    assert "stand in the results only" in ran.err


async def test_a_reader_who_leaves(environment: dict[str, str], table: Table, sandbox: Sandbox) -> None:
    """When the results cannot be written any more, nothing more is sent, and the status is 1."""
    path = table("to\n" + "".join(f"+306970{number:06d}\n" for number in range(3000)))
    process = await start("bulk", path, *SENDER, "--body", "Hi", "--concurrency", 5, environment=environment)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way to stop reading
    ran = await finish(process)
    assert ran.status == 1
    assert "cannot be written" in ran.err
    assert sandbox.journal.sends_accepted < 3000


async def test_a_full_disk(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, table: Table, sandbox: Sandbox) -> None:
    """When the disk is full, nothing more is sent than what was under way, and what follows is not attempted."""

    class Disk(io.StringIO):
        def flush(self) -> None:
            if len(self.getvalue().splitlines()) > 3:
                raise OSError(errno.ENOSPC, "No space left on device")

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Disk())
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    path = table("to\n" + "".join(f"+306970{number:06d}\n" for number in range(500)))
    status = await cli.run(["bulk", str(path), *SENDER, "--body", "Hi", "--concurrency", "5"])
    assert status == 1
    assert "stdout: cannot be written: No space left on device" in errors.getvalue()
    assert sandbox.journal.sends_accepted < 20


async def test_interrupted_once(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """At the first Ctrl-C nothing more is pulled, what is under way is waited for, and the summary adds up."""
    sandbox.faults.add(Fault(faults.delay(0.05), path="/sms"))
    path = table("to\n" + "".join(f"+306970{number:06d}\n" for number in range(5000)))
    run = asyncio.create_task(routee("bulk", path, *SENDER, "--body", "Hi", "--concurrency", 5))
    await happens(lambda: sandbox.journal.sends_accepted >= 5)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await asyncio.wait_for(run, PATIENCE)
    assert ran.status == 1
    figures = summary(ran)
    assert figures["accepted"] == sandbox.journal.sends_accepted == len(results(ran)) < 5000
    assert "press Ctrl-C again" in ran.err
    assert f"stopped at line {figures['accepted'] + 1};" in ran.err


@pytest.mark.parametrize("follow", [(), ("--track", 20)], ids=["plain", "followed"])
async def test_interrupted_twice(routee: Routee, sandbox: Sandbox, table: Table, follow: tuple[object, ...]) -> None:
    """At the second Ctrl-C it ends at once, and what was under way is unknown, never lost."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms", skip=2))
    sandbox.carrier.settings.timeline = Timeline(final_after=1000)
    path = table("to\n" + "".join(f"+306970{number:06d}\n" for number in range(50)))
    run = asyncio.create_task(routee("bulk", path, *SENDER, "--body", "Hi", "--concurrency", 3, *follow))
    await happens(lambda: sandbox.journal.sends_accepted >= 5)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await asyncio.wait_for(run, PATIENCE)
    assert ran.status == 1
    assert summary(ran) == {"accepted": 2, "rejected": 0, "not sent": 0, "unknown": 3}
    outcomes = Counter(row["outcome"] for row in results(ran).values())
    assert outcomes == {"accepted": 2, "unknown": 3}


async def test_interrupted_while_following(routee: Routee, sandbox: Sandbox, table: Table) -> None:
    """A Ctrl-C while messages are followed ends that at once, and writes down what was accepted."""
    sandbox.carrier.settings.timeline = Timeline(final_after=1000)
    run = asyncio.create_task(routee("bulk", table(f"to\n{NUMBER}\n"), *SENDER, "--body", "Hi", "--track", 1000))
    await happens(lambda: sandbox.journal.sends_accepted == 1)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await asyncio.wait_for(run, PATIENCE)
    assert ran.status == 1
    (row,) = results(ran).values()
    assert row["tracking_id"] == sandbox.journal.accepted[0].tracking_id
    assert "not followed to its end" in row["error"]


async def test_workers(routee: Routee, sandbox: Sandbox, table: Table, tmp_path: Path) -> None:
    """With workers a file is sent as without, into one ledger, and the ledger remembers them for going on."""
    path = table("to\n" + "".join(f"+306970{number:06d}\n" for number in range(50)))
    command = ("bulk", path, *SENDER, "--body", "Hi", "--workers", 2, "--ledger", tmp_path / "run.db")
    ran = await routee(*command)
    assert ran.status == 0
    assert summary(ran) == {"accepted": 50, "rejected": 0, "not sent": 0, "unknown": 0}
    assert len({message.to for message in sandbox.journal.accepted}) == len(sandbox.journal.accepted) == 50
    recalled = bulk_job.recall(Ledger(tmp_path / "run.db"))
    assert recalled is not None
    assert recalled.workers == 2


async def test_workers_that_do_not_come_up(
    routee: Routee,
    sandbox: Sandbox,
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without its workers a run sends nothing, and says why."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    ran = await routee("bulk", table("to\n+306970000001\n"), *SENDER, "--body", "Hi", "--workers", 2)
    assert ran.status != 0
    assert "workers: no process could be started: No such file or directory" in ran.err
    assert not sandbox.journal.requests
