"""Tests of `workers/crew.py`, with real processes: rate, ledger and verdicts are what they are without workers."""

import asyncio
import logging
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from routee_async import (
    Accepted,
    BatchAbortedError,
    BulkStoppedError,
    ConfigurationError,
    Ledger,
    NotSent,
    OnUnknown,
    Outcome,
    RetryPolicy,
    RouteeClient,
    RowState,
    Sms,
    Timeout,
    TLSError,
    Unknown,
)
from routee_async.sandbox import Fault, Sandbox, faults
from routee_async.sandbox.accounting import SEND
from routee_async.workers import crew as crew_module
from routee_async.workers import worker as worker_module
from tests.misbehaving import refusing_port, until
from tests.test_faults import (
    BATCH_ANSWERS,
    BRISK,
    EFFECTS,
    HURRIED,
    QUICK,
    SLOW,
    UNHURRIED,
    accepted_by_recipient,
    attempt_many,
    check_closed,
    check_invariants,
    meaning_of,
    message,
    name_of,
    to_of,
)
from tests.workers.conftest import crew_of, is_alive, pids_of, workers_of


def client_of(sandbox: Sandbox, **options: Any) -> RouteeClient:  # noqa: ANN401 - handed on as they come
    """Make a client with two workers that wastes no time between attempts."""
    return sandbox.client(**{"timeout": UNHURRIED, "retry": QUICK, "pace": BRISK, "workers": 2, **options})


async def take(client: RouteeClient, count: int, **options: Any) -> list[Outcome]:  # noqa: ANN401 - as above
    """Send a batch; its outcomes in order."""
    batch = client.send_many((message(index) for index in range(count)), **options)
    outcomes = sorted([outcome async for outcome in batch], key=lambda outcome: outcome.index)
    assert [outcome.index for outcome in outcomes] == list(range(count))
    return outcomes


def kinds(outcomes: list[Outcome]) -> set[type]:
    """Which outcomes there are."""
    return {type(outcome) for outcome in outcomes}


# --- All is well -------------------------------------------------------------------------------------------------------------


async def test_each_message_once_over_all_workers(sandbox: Sandbox) -> None:
    """Every message is accepted exactly once, and each worker has had its part; reads go their own way."""
    async with client_of(sandbox) as client:
        outcomes = await take(client, 400, concurrency=40)
        assert kinds(outcomes) == {Accepted}
        assert min(worker._next for worker in workers_of(client)) > 100  # noqa: SLF001 - there is no other view
        first = outcomes[0]
        assert isinstance(first, Accepted)
        assert await client.fetch_tracking(first.sent.tracking_id)
    assert sandbox.journal.requests[SEND] == 400
    assert not sandbox.journal.duplicates()


async def test_send_and_other_paid_calls(sandbox: Sandbox) -> None:
    """What is sent on its own goes through a worker, too, and so does any paid call whose answer is not wanted whole."""
    async with client_of(sandbox, workers=1) as client:
        sent = await client.send(message(0))
        assert sandbox.journal.accepted[0].tracking_id == sent.tracking_id
        assert workers_of(client)[0]._next == 1  # noqa: SLF001 - there is no other view
        whole = await client.request("POST", "/sms", json={"to": to_of(1), "from": "P", "body": "Hi"})
        assert whole.headers["content-type"]
        assert workers_of(client)[0]._next == 1  # noqa: SLF001 - as above


async def test_no_more_connections_than_allowed(sandbox: Sandbox) -> None:
    """However many workers there are, no more is under way than the client may have, and each has its share."""
    async with client_of(sandbox, workers=3, max_connections=4) as client:
        assert kinds(await take(client, 60, concurrency=30)) == {Accepted}
        assert crew_of(client)._share == 2  # noqa: SLF001 - there is no other view
    assert sandbox.journal.peak <= 4


async def test_pace_is_one_for_all(sandbox: Sandbox) -> None:
    """Workers share the pace: together they are no faster than it."""
    async with client_of(sandbox, pace=100.0) as client:
        await client.send(message(1000))
        began = time.monotonic()
        assert kinds(await take(client, 50)) == {Accepted}
        assert time.monotonic() - began > 0.45
    created = sorted(each.created for each in sandbox.journal.accepted)
    windows = [sum(start <= each < start + 0.2 for each in created) for start in created]
    assert max(windows) <= 0.2 * 100 + 10


async def test_gate_is_closed_for_all_workers(sandbox: Sandbox) -> None:
    """A 429 that one worker meets holds back what would go through the others."""
    fault = Fault(faults.error(429, retry_after="1"), method="POST", path="/sms", times=1)
    async with client_of(sandbox) as client:
        await take(client, 4, concurrency=2)
        sandbox.faults.add(fault)
        began = time.monotonic()
        assert kinds(await take(client, 10, concurrency=1)) == {Accepted}
        assert time.monotonic() - began >= 1.0
    assert sandbox.journal.requests[SEND] == 4 + 10 + 1


async def test_ledger_is_one_for_all(sandbox: Sandbox, tmp_path: Path) -> None:
    """Workers share the ledger: one run, every row accepted, nothing sent again when it is resumed."""
    async with client_of(sandbox) as client:
        for _ in range(2):
            assert kinds(await take(client, 100, ledger=Ledger(tmp_path / "run.db"))) == {Accepted}
    assert {row.state for row in Ledger(tmp_path / "run.db")} == {RowState.ACCEPTED}
    assert sandbox.journal.requests[SEND] == 100


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that workers trust, because the environment says so."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


@asynccontextmanager
async def over_tls(authority: trustme.CA, name: str, sandbox: Sandbox) -> AsyncIterator[tuple[Sandbox, RouteeClient]]:
    """A sandbox with a certificate for *name*, and a client of it, which gets its tokens from another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    async with Sandbox(visibility_delay=0, ssl=context) as secure:
        # The token is not asked for over TLS: this process has read its trusted authorities long ago.
        secure.carrier.tokens = sandbox.carrier.tokens
        secure.carrier.applications = sandbox.carrier.applications
        client = RouteeClient(
            sandbox.application_id,
            sandbox.application_secret,
            base_url=secure.base_url,
            auth_url=sandbox.auth_url,
            timeout=UNHURRIED,
            retry=QUICK,
            pace=BRISK,
            workers=2,
        )
        async with client:
            yield secure, client


async def test_tls(authority: trustme.CA, sandbox: Sandbox) -> None:
    """Workers trust whom the environment names, as the client's own process does."""
    async with over_tls(authority, "127.0.0.1", sandbox) as (secure, client):
        assert kinds(await take(client, 30, concurrency=10)) == {Accepted}
        assert secure.journal.requests[SEND] == 30


async def test_certificate_that_cannot_be_trusted(authority: trustme.CA, sandbox: Sandbox) -> None:
    """What a worker says of a certificate stops the batch, with nothing written."""
    async with over_tls(authority, "elsewhere.invalid", sandbox) as (secure, client):
        outcomes, stopped = await attempt_many(client, 1000)
        assert stopped is not None
        assert type(stopped.cause) is TLSError
        assert kinds(outcomes) == {NotSent}
        assert not secure.journal.requests[SEND]


# --- Verdicts ----------------------------------------------------------------------------------------------------------------

EVERY = 4
"""One message of so many is struck."""


@pytest.mark.parametrize("slow", [False, True], ids=["quick", "slow"])
async def test_every_fault_means_what_it_means_alone(slow: bool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """Each fault of the sandbox gives the verdict that it gives without workers, and taints no other message of the batch."""
    effects = [effect for effect in EFFECTS if (effect.kind in SLOW) is slow]
    assert effects
    count = EVERY * len(effects) + EVERY
    struck = {EVERY * number + 2: effect for number, effect in enumerate(effects)}
    for index, effect in struck.items():
        sandbox.faults.add(Fault(effect, method="POST", path="/sms", to=to_of(index)))
    async with client_of(sandbox, timeout=HURRIED if slow else UNHURRIED) as client:
        # No more slow ones at a time than may end together without looking like an outage.
        outcomes, stopped = await attempt_many(client, count, concurrency=3 if slow else 8)
        assert not any(worker.held for worker in workers_of(client))
    assert stopped is None
    assert sorted(outcome.index for outcome in outcomes) == list(range(count))
    for outcome in outcomes:
        if outcome.index in struck:
            meaning = meaning_of(struck[outcome.index])
            assert isinstance(outcome, meaning.outcome), (name_of(struck[outcome.index]), outcome)
            assert isinstance(outcome, Accepted) or type(outcome.error) is meaning.error
            assert accepted_by_recipient(sandbox)[to_of(outcome.index)] == int(struck[outcome.index].accepted)
        else:
            assert isinstance(outcome, Accepted) or slow, outcome
    check_invariants(sandbox, outcomes, caplog)
    await check_closed(sandbox)


async def test_every_answer_means_what_it_means_alone(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Each answer gives the verdict that it gives without workers, stops the batch or not, and loses nothing in between."""
    begun = 0
    async with client_of(sandbox) as client:
        for effect in BATCH_ANSWERS:
            meaning = meaning_of(effect)
            count = 300 if meaning.stops else 20
            sandbox.faults.clear()
            sandbox.faults.add(Fault(effect, method="POST", path="/sms", to=to_of(begun + 10)))
            outcomes, stopped = await self_contained(client, begun, count)
            assert (stopped is not None) is meaning.stops, name_of(effect)
            assert sorted(outcome.index for outcome in outcomes) == list(range(len(outcomes)))
            # What was pulled when the batch stopped, and waited for the pace that an earlier 429 left, was not attempted.
            attempted = [each for each in outcomes if not isinstance(getattr(each, "error", None), BatchAbortedError)]
            assert len(attempted) == (stopped.attempted if stopped else count)
            for outcome in attempted:
                expected = meaning.outcome if outcome.index == 10 else Accepted
                assert isinstance(outcome, expected), (name_of(effect), outcome)
            begun += count
    assert set(accepted_by_recipient(sandbox).values()) == {1}
    assert sandbox.application_secret not in caplog.text
    await check_closed(sandbox)


async def self_contained(client: RouteeClient, begun: int, count: int) -> tuple[list[Outcome], BulkStoppedError | None]:
    """Send *count* messages that no other batch has sent."""
    outcomes: list[Outcome] = []
    try:
        async for outcome in client.send_many((message(begun + index) for index in range(count)), concurrency=3):
            outcomes.append(outcome)  # noqa: PERF401 - what came before an error counts
    except BulkStoppedError as stopped:
        return outcomes, stopped
    return outcomes, None


async def test_nobody_listens(sandbox: Sandbox) -> None:
    """A refused connection is what a worker says it is: not sent."""
    with refusing_port() as port:
        client = RouteeClient(
            sandbox.application_id,
            sandbox.application_secret,
            base_url=f"http://127.0.0.1:{port}",
            auth_url=sandbox.auth_url,
            retry=QUICK,
            pace=BRISK,
            workers=2,
        )
        async with client:
            assert kinds(await take(client, 6)) == {NotSent}


async def test_cancelled_in_the_turn_of_the_answer(sandbox: Sandbox) -> None:
    """Whoever is cancelled just when the answer comes is cancelled, and its connection is used again."""
    async with client_of(sandbox, workers=1) as client:
        sandbox.faults.add(Fault(faults.delay(0.1, accepted=True), method="POST", path="/sms", to=to_of(1), times=1))
        await client.send(message(0))
        task = asyncio.ensure_future(client.send(message(1)))
        (worker,) = workers_of(client)
        await until(lambda: worker.held)
        (held,) = worker.held.values()
        tell = held.tell

        def cancel_first(about: Any, result: Any) -> None:  # noqa: ANN401 - as it is called
            about.cancel()
            tell(about, result)

        held.tell = cancel_first
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not worker.held
        assert kinds(await take(client, 20)) == {Accepted}


async def test_no_worker_has_room(sandbox: Sandbox) -> None:
    """What no worker has room for, the client does itself: what goes well, what fails, and what is cut off."""
    sandbox.faults.add(Fault(faults.reset(accepted=True), method="POST", path="/sms", to=to_of(20)))
    async with client_of(sandbox, workers=1) as client:
        crew_of(client)._share = 0  # noqa: SLF001 - nothing else brings this about
        outcomes = await take(client, 40, concurrency=4)
        assert [outcome.index for outcome in outcomes if not isinstance(outcome, Accepted)] == [20]
        assert isinstance(outcomes[20], Unknown)
        assert workers_of(client)[0]._next == 0  # noqa: SLF001 - there is no other view
        sandbox.faults.add(Fault(faults.hang(accepted=True), method="POST", path="/sms"))
        batch = asyncio.ensure_future(attempt_many(client, 10))
        await until(lambda: sandbox.journal.busy == 3)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        await until(lambda: sandbox.journal.busy == 0)


# --- Workers die -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_unknown", [OnUnknown.REPORT, OnUnknown.RECONCILE])
async def test_killed_worker(
    on_unknown: OnUnknown,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """What a killed worker held is in doubt, or looked up; all else is accepted, nothing twice; and the worker is replaced."""
    policy = RetryPolicy(min_delay=0.01, max_delay=0.02, lookup_delays=(0.01, 0.02, 0.05))
    for index in range(20, 30):
        sandbox.faults.add(Fault(faults.delay(1.0, accepted=True), method="POST", path="/sms", to=to_of(index), times=1))
    async with client_of(sandbox, retry=policy, pace=None) as client:
        batch = asyncio.ensure_future(take(client, 80, concurrency=10, on_unknown=on_unknown, ledger=Ledger(tmp_path / "run.db")))
        await until(lambda: sandbox.journal.busy == 10)
        struck, other = workers_of(client)
        assert len(struck.held) == len(other.held) == 5
        os.kill(struck.pid or 0, signal.SIGKILL)
        outcomes = await batch
        await until(lambda: len(workers_of(client)) == 2)
        assert struck not in workers_of(client)
        assert other in workers_of(client)
        assert kinds([outcome async for outcome in client.send_many(message(100 + index) for index in range(9))]) == {Accepted}
    doubtful = {outcome.index for outcome in outcomes if isinstance(outcome, Unknown)}
    assert doubtful < set(range(20, 30))
    assert len(doubtful) == (5 if on_unknown is OnUnknown.REPORT else 0)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes if outcome.index not in doubtful)
    assert not sandbox.journal.duplicates()
    assert set(accepted_by_recipient(sandbox).values()) == {1}
    assert caplog.text.count("has died with 5 requests") == 1
    assert "the service fails" not in caplog.text


async def test_worker_that_dies_again_and_again(
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker is not replaced for ever; without any, the client does the work itself."""
    monkeypatch.setattr(crew_module, "_MOST_DEATHS", 0)
    async with client_of(sandbox) as client:
        for pid in pids_of(client):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: caplog.text.count("not replaced any more") == 2)
        assert not workers_of(client)
        assert kinds(await take(client, 30)) == {Accepted}


async def test_replacement_that_does_not_come_up(
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A replacement that fails is tried again a few times, and said so."""
    async with client_of(sandbox, workers=1) as client:
        monkeypatch.setattr(sys, "executable", "/nonexistent/python")
        os.kill(pids_of(client)[0], signal.SIGKILL)
        await until(lambda: "not replaced any more" in caplog.text)
        assert caplog.text.count("no process could be started") == 5
        assert kinds(await take(client, 3)) == {Accepted}


async def test_deaths_of_long_ago(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only deaths in quick succession count against a replacement."""
    monkeypatch.setattr(crew_module, "_MOST_DEATHS", 1)
    monkeypatch.setattr(crew_module, "_WINDOW", 0.0)
    async with client_of(sandbox, workers=1) as client:
        for _ in range(2):
            (dead,) = workers_of(client)
            os.kill(dead.pid or 0, signal.SIGKILL)
            await until(lambda: dead.status is not None)  # noqa: B023 - it is awaited here
            await until(lambda: workers_of(client))
        assert kinds(await take(client, 3)) == {Accepted}


async def test_closing_while_a_worker_is_replaced(sandbox: Sandbox) -> None:
    """Leaving the client ends a worker that is just being started."""
    async with client_of(sandbox, workers=1) as client:
        os.kill(pids_of(client)[0], signal.SIGKILL)
        await until(lambda: crew_of(client)._replacing)  # noqa: SLF001 - there is no other view


async def test_worker_that_hangs(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stopped worker was handed is in doubt when its time is over; when it wakes up, it writes nothing of that."""
    monkeypatch.setattr(worker_module, "_GRACE", 0.1)
    monkeypatch.setattr(crew_module, "_LOOK", 0.1)
    timeout = Timeout(total=0.6, connect=0.6, sock_connect=0.6, sock_read=0.6)
    async with client_of(sandbox, workers=1, timeout=timeout) as client:
        await client.send(message(0))
        (pid,) = pids_of(client)
        os.kill(pid, signal.SIGSTOP)
        try:
            outcomes = await take(client, 3)
            assert kinds(outcomes) == {Unknown}
            assert len(workers_of(client)[0].held) == 3
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: not workers_of(client)[0].held)
        assert kinds(await take(client, 3)) == {Accepted}
    assert accepted_by_recipient(sandbox)[to_of(0)] == 2
    assert sandbox.journal.requests[SEND] == 1 + 3


async def test_signals_for_a_whole_group(sandbox: Sandbox) -> None:
    """Ctrl-C, and what stops a service, are for the client: its workers go on until it ends them."""
    async with client_of(sandbox) as client:
        before = pids_of(client)
        for pid in before:
            assert os.getpgid(pid) != os.getpgid(0)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
        assert kinds(await take(client, 20)) == {Accepted}
        assert pids_of(client) == before


_LONELY = """
import asyncio, sys
from routee_async import RouteeClient, Sms
async def main():
    async with RouteeClient.from_env(workers=2) as client:
        transport = client._open.caller._transport
        print(*[worker.pid for worker in transport._workers], flush=True)
        await client.send(Sms(to=sys.argv[1], sender_id="P", body="Hi"))
asyncio.run(main())
"""


async def test_killed_client_leaves_no_orphan(sandbox: Sandbox) -> None:
    """When the client's process is killed, its workers end by themselves, with a request on the wire."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), method="POST", path="/sms"))
    environment = os.environ | {
        "ROUTEE_APPLICATION_ID": sandbox.application_id,
        "ROUTEE_APPLICATION_SECRET": sandbox.application_secret,
        "ROUTEE_BASE_URL": sandbox.base_url,
        "ROUTEE_AUTH_URL": sandbox.auth_url,
    }
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LONELY, to_of(0)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert parent.stdout is not None
        pids = [int(each) for each in (await parent.stdout.readline()).split()]
        assert len(pids) == 2
        await until(lambda: sandbox.journal.busy == 1)
        assert all(map(is_alive, pids))
    finally:
        parent.kill()
        await parent.wait()
    await until(lambda: not any(map(is_running, pids)))


def is_running(pid: int) -> bool:
    """Whether a process lives that is not ours, and is not dead and unburied."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


# --- Coming and going --------------------------------------------------------------------------------------------------------


async def test_closing_in_the_turn_of_a_death(sandbox: Sandbox) -> None:
    """Leaving the client buries a worker that has just died, and whose replacement has not been begun."""
    async with client_of(sandbox, workers=1) as client:
        (worker,) = workers_of(client)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.connection_lost(None)
        assert not workers_of(client)


@pytest.mark.parametrize("program", ["/nonexistent/python", "/bin/false"])
async def test_worker_that_does_not_come_up(program: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its workers a client does not open, and says why; it can be opened later."""
    client = client_of(sandbox)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", program)
        with pytest.raises(ConfigurationError, match="process"):
            await client.__aenter__()
    async with client:
        assert kinds(await take(client, 2)) == {Accepted}


async def test_worker_that_takes_for_ever(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not say that it is ready is given up, and ended."""
    monkeypatch.setattr(worker_module, "_START", 0.05)
    monkeypatch.setattr(worker_module, "_PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(ConfigurationError, match="did not come up within"):
        await client_of(sandbox).__aenter__()


async def test_worker_that_does_not_end(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not end when it is told to is killed."""
    monkeypatch.setattr(worker_module, "_STOP", 0.05)
    async with client_of(sandbox, workers=1) as client:
        os.kill(pids_of(client)[0], signal.SIGSTOP)


async def test_cancelled_opening(sandbox: Sandbox) -> None:
    """Whoever stops waiting for workers has none; and nobody else opens the client meanwhile."""
    client = client_of(sandbox)
    opening = asyncio.ensure_future(client.__aenter__())
    await asyncio.sleep(0)
    with pytest.raises(Exception, match="already open"):
        await client.__aenter__()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with client:
        assert kinds(await take(client, 2)) == {Accepted}


async def test_client_that_is_closed_under_a_batch(sandbox: Sandbox) -> None:
    """What is on the wire when the client is closed ends as unknown after its time, and the rest as not sent."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), method="POST", path="/sms"))
    timeout = Timeout(total=0.5, connect=0.5, sock_connect=0.5, sock_read=0.5)
    async with client_of(sandbox, timeout=timeout) as client:
        consumer = asyncio.ensure_future(attempt_many(client, 40, concurrency=5))
        await until(lambda: sandbox.journal.busy == 5)
    outcomes, _ = await consumer
    assert [type(outcome) for outcome in outcomes].count(Unknown) == 5
    assert kinds(outcomes) <= {Unknown, NotSent}
    assert sandbox.journal.sends_accepted == 5


@pytest.mark.parametrize("alone", [False, True], ids=["batch", "send"])
async def test_cancelled(alone: bool, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """What is cancelled is cut off in the worker, too: its connection is closed, and its place is free."""
    caplog.set_level(logging.ERROR)
    async with client_of(sandbox, max_connections=4) as client:
        await take(client, 20)
        fault = Fault(faults.hang(accepted=True), method="POST", path="/sms")
        sandbox.faults.add(fault)
        under_way = 1 if alone else 4
        task = asyncio.ensure_future(client.send(message(100)) if alone else take(client, 20))
        await until(lambda: sandbox.journal.busy == under_way)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sandbox.faults.clear()
        await until(lambda: sandbox.journal.busy == 0)
        await until(lambda: not any(worker.held for worker in workers_of(client)))
        assert kinds([outcome async for outcome in client.send_many(message(200 + index) for index in range(20))]) == {Accepted}
    assert not caplog.text


# --- Settings ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [-1, 1.5, 0.0, True, False, "2", None])
def test_number_that_makes_no_sense(workers: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """The number of workers is a whole number, 0 or more."""
    with pytest.raises(ConfigurationError, match="workers: must be a whole number of 0 or more"):
        RouteeClient("id", "secret", workers=workers)


def test_not_with_a_session_of_your_own() -> None:
    """A session lives in one process."""
    with pytest.raises(ConfigurationError, match="session"):
        RouteeClient("id", "secret", workers=2, session=object())  # type: ignore[arg-type]  # it is not looked at


def test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no such processes, that is said at once."""
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(ConfigurationError, match="POSIX"):
        RouteeClient("id", "secret", workers=2)


async def test_from_env(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of the environment may have workers, too, and they do not inherit its credentials."""
    for name in ("application_id", "application_secret", "base_url", "auth_url"):
        monkeypatch.setenv(f"ROUTEE_{name.upper()}", getattr(sandbox, name))
    async with RouteeClient.from_env(workers=1) as client:
        assert kinds(await take(client, 2)) == {Accepted}
        (pid,) = pids_of(client)
        assert sandbox.application_secret.encode() not in shown_of(pid)
        assert b"ROUTEE_" not in shown_of(pid)


async def test_nothing_secret_is_shown_to_other_users(sandbox: Sandbox) -> None:
    """Neither the arguments nor the environment of a worker hold what belongs to the account."""
    async with client_of(sandbox, workers=1) as client:
        await client.send(Sms(to=to_of(0), sender_id="P", body="Hi"))
        (pid,) = pids_of(client)
        for secret in (sandbox.application_id, sandbox.application_secret):
            assert secret.encode() not in shown_of(pid)


def shown_of(pid: int) -> bytes:
    """What others see of a process."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
