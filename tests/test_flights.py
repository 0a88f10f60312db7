"""Messages of a batch that travel without a task of their own: nothing is lost, doubled or left behind, whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from routee_async import (
    Accepted,
    InvalidBodyError,
    Ledger,
    LedgerStore,
    NotSent,
    OnUnknown,
    Outcome,
    Rejected,
    RetryPolicy,
    RouteeClient,
    RowState,
    Sms,
    Timeout,
    Unknown,
    bulk,
    protocol,
)
from routee_async.pace import Pace
from routee_async.protocol import Response
from routee_async.sandbox import Fault, Sandbox, faults
from routee_async.transport import AiohttpTransport
from tests.misbehaving import in_use, nothing_left, until

SIZE = 40
CONCURRENCY = 5
STRUCK = 20
"""A message in the middle, when all connections are there and the token is at hand."""
QUICK = RetryPolicy(min_delay=0.01, max_delay=0.02, lookup_delays=(0.01, 0.02, 0.05))


# Over a session somebody has to wait for the exchange, and for nothing else.
pytestmark = pytest.mark.usefixtures("lane")


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@pytest.fixture(params=["without a ledger", "with a ledger"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger | None:
    """A ledger or none."""
    return Ledger(tmp_path / "run.db") if request.param == "with a ledger" else None


def to_of(index: int) -> str:
    """Recipient of message number *index*."""
    return f"+30697000{1000 + index}"


def messages(size: int = SIZE) -> list[Sms]:
    """Make a batch."""
    return [Sms(to=to_of(index), sender_id="P", body="Hello") for index in range(size)]


def client_of(sandbox: Sandbox, *, seconds: float = 10.0) -> RouteeClient:
    """Make a client that wastes no time."""
    timeout = Timeout(total=seconds, connect=seconds, sock_connect=seconds, sock_read=seconds)
    return sandbox.client(timeout=timeout, retry=QUICK, pace=Pace(pause=0.01, max_pause=0.05, floor=1000.0))


def tasks() -> list[str]:
    """Messages that have a task."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "routee-bulk-message"]


def in_order(outcomes: list[Outcome]) -> list[Outcome]:
    """Sort by index; there is exactly one of each."""
    assert sorted(outcome.index for outcome in outcomes) == list(range(len(outcomes)))
    return sorted(outcomes, key=lambda outcome: outcome.index)


async def run(
    client: RouteeClient,
    ledger: LedgerStore | None,
    batch: list[Sms] | None = None,
    *,
    on_unknown: OnUnknown = OnUnknown.REPORT,
) -> list[Outcome]:
    """Run a batch to its end."""
    sending = client.send_many(batch or messages(), concurrency=CONCURRENCY, ledger=ledger, on_unknown=on_unknown)
    return in_order([outcome async for outcome in sending])


async def take_all(batch: AsyncIterator[Outcome], into: list[Outcome]) -> None:
    """Take outcomes; *into* keeps what came before an error."""
    async for outcome in batch:
        into.append(outcome)  # noqa: PERF401 - as it says


def states(ledger: Ledger | None) -> set[RowState]:
    """States of the rows of a ledger, if there is one."""
    return set() if ledger is None else {row.state for row in ledger}


async def test_most_messages_have_no_task(sandbox: Sandbox, ledger: Ledger | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once connections and token are there, messages travel without a task of their own."""
    with_task = 0
    run_in_task = bulk._Batch.run  # noqa: SLF001 - there is no other view

    def count(batch: bulk._Batch, rest: Callable[[], Awaitable[Outcome]]) -> None:
        nonlocal with_task
        with_task += 1
        run_in_task(batch, rest)

    monkeypatch.setattr(bulk._Batch, "run", count)  # noqa: SLF001 - as above
    async with client_of(sandbox) as client:
        await run(client, ledger)
    assert with_task == CONCURRENCY
    assert len({each.to for each in sandbox.journal.accepted}) == sandbox.journal.sends_accepted == SIZE


@pytest.mark.parametrize("accepted", [False, True])
async def test_doubt_is_settled(sandbox: Sandbox, ledger: Ledger | None, *, accepted: bool) -> None:
    """A message that was struck on the way is looked up: found it is adopted, absent it is sent again."""
    sandbox.faults.add(Fault(faults.close(accepted=accepted), path="/sms", to=to_of(STRUCK), times=1))
    async with client_of(sandbox) as client:
        outcomes = await run(client, ledger, on_unknown=OnUnknown.RECONCILE)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sandbox.journal.sends_accepted == SIZE
    assert sandbox.journal.sends_received == SIZE + (not accepted)
    assert not sandbox.journal.duplicates()


async def test_resend_is_told_from_the_first_send(sandbox: Sandbox, ledger: Ledger | None) -> None:
    """With `RESEND` a struck message is sent again, and counts as accepted."""
    sandbox.faults.add(Fault(faults.close(accepted=False), path="/sms", to=to_of(STRUCK), times=1))
    async with client_of(sandbox) as client:
        outcomes = await run(client, ledger, on_unknown=OnUnknown.RESEND)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sandbox.journal.sends_received == SIZE + 1


@pytest.mark.parametrize(
    ("fault", "kind", "state"),
    [
        (faults.error(500), Unknown, RowState.UNKNOWN),
        (faults.error(400), Rejected, RowState.REJECTED),
        (faults.error(429), NotSent, RowState.NOT_SENT),
        (faults.hang(accepted=True), Unknown, RowState.UNKNOWN),
    ],
    ids=str,
)
async def test_bad_end_is_noted(
    sandbox: Sandbox,
    ledger: Ledger | None,
    fault: faults.Effect,
    kind: type[Outcome],
    state: RowState,
) -> None:
    """Whatever a message ends as, the ledger says the same."""
    sandbox.faults.add(Fault(fault, path="/sms", to=to_of(STRUCK)))
    async with client_of(sandbox, seconds=0.5 if fault.kind is faults.Kind.HANG else 10.0) as client:
        outcomes = await run(client, ledger)
    assert isinstance(outcomes[STRUCK], kind)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes if outcome.index != STRUCK)
    assert states(ledger) in (set(), {RowState.ACCEPTED, state})


async def test_invalid_message_among_others(sandbox: Sandbox, ledger: Ledger | None) -> None:
    """A message that cannot be sent as it is costs no request, and those around it go on."""
    batch = messages()
    batch[STRUCK] = Sms(to=to_of(STRUCK), sender_id="P", body="")
    async with client_of(sandbox) as client:
        outcomes = await run(client, ledger, batch)
    struck = outcomes[STRUCK]
    assert isinstance(struck, Rejected)
    assert isinstance(struck.error, InvalidBodyError)
    assert sandbox.journal.sends_received == SIZE - 1


async def test_batch_that_is_left(sandbox: Sandbox, ledger: Ledger | None, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever leaves a batch early leaves no connection in use and no turn taken behind; the client can go on at once."""
    async with client_of(sandbox) as client:
        batch = client.send_many(messages(), concurrency=CONCURRENCY, ledger=ledger)
        async for outcome in batch:
            if outcome.index == STRUCK:
                break
        sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms"))
        under_way = asyncio.ensure_future(take_all(batch, []))
        await until(lambda: sandbox.journal.busy == CONCURRENCY)
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        await batch.aclose()
        assert f"left with {CONCURRENCY} messages in flight" in caplog.text
        assert not tasks()
        sandbox.faults.clear()
        await until(lambda: sandbox.journal.busy == 0)
        assert all(isinstance(outcome, Accepted) for outcome in await run(client, None))


async def test_client_that_is_closed(sandbox: Sandbox, ledger: Ledger | None) -> None:
    """When a client is closed under a batch, what is on the wire ends as unknown after its time, and the rest as not sent."""
    outcomes: list[Outcome] = []

    async def consume(batch: AsyncIterator[Outcome]) -> None:
        async for outcome in batch:
            outcomes.append(outcome)
            if outcome.index == STRUCK:
                sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms"))

    async with client_of(sandbox, seconds=0.5) as client:
        consumer = asyncio.ensure_future(consume(client.send_many(messages(), concurrency=CONCURRENCY, ledger=ledger)))
        await until(lambda: sandbox.journal.busy == CONCURRENCY)
    await asyncio.wait([consumer])
    assert not isinstance(consumer.exception(), asyncio.CancelledError)
    kinds = [type(outcome) for outcome in in_order(outcomes)]
    assert 0 < kinds.count(Unknown) <= CONCURRENCY
    assert set(kinds) <= {Accepted, Unknown, NotSent}
    assert sandbox.journal.sends_accepted == kinds.count(Accepted) + kinds.count(Unknown)


async def test_error_that_is_not_ours(sandbox: Sandbox, ledger: Ledger | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A programming error while an answer is read ends the batch as itself, after the outcomes of what was under way."""
    read_sent = protocol.read_sent

    def read(response: Response, sms: Sms, label: str | None, reference: str | None = None) -> object:
        if sms.to == to_of(STRUCK):
            raise ZeroDivisionError
        return read_sent(response, sms, label, reference)

    monkeypatch.setattr(protocol, "read_sent", read)
    outcomes: list[Outcome] = []
    async with client_of(sandbox) as client:
        with pytest.raises(ZeroDivisionError):
            await take_all(client.send_many(messages(), concurrency=CONCURRENCY, ledger=ledger), outcomes)
    assert {outcome.index for outcome in outcomes} >= set(range(STRUCK - CONCURRENCY))
    assert sandbox.journal.sends_received == len(outcomes) + 1


async def test_end_of_the_input_is_seen_while_everybody_is_held_back(sandbox: Sandbox, ledger: Ledger | None) -> None:
    """A batch whose messages all have their outcome ends, although a next one would have to wait for a minute."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="3600"), path="/sms", to=to_of(1)))
    async with asyncio.timeout(20), client_of(sandbox) as client:
        outcomes = [outcome async for outcome in client.send_many(messages(2), concurrency=1, ledger=ledger)]
    assert [type(outcome) for outcome in outcomes] == [Accepted, NotSent]


@pytest.mark.parametrize("method", ["intend_soon", "accept_soon"])
async def test_store_that_raises_what_it_should_not(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    """A store with an error of its own ends the batch with that error, and leaves neither turn nor connection taken."""
    ledger = Ledger(tmp_path / "run.db")
    honest = getattr(ledger, method)

    def fail(index: int, *arguments: object, **options: object) -> None:
        if index == STRUCK:
            raise ZeroDivisionError
        honest(index, *arguments, **options)

    monkeypatch.setattr(ledger, method, fail)
    outcomes: list[Outcome] = []
    async with asyncio.timeout(20), client_of(sandbox) as client:
        await run(client, None, messages(1))
        assert client._open is not None  # noqa: SLF001 - to see what the breaker is told
        admission = client._open.caller._admission  # noqa: SLF001 - as above
        told: list[float] = []
        record = admission.record

        def note(well: bool | None, started_at: float, *, accepted: int) -> None:  # noqa: FBT001 - as it is called
            told.append(started_at)
            record(well, started_at, accepted=accepted)

        monkeypatch.setattr(admission, "record", note)
        before = sandbox.journal.sends_received
        with pytest.raises(ZeroDivisionError):
            await take_all(client.send_many(messages(), concurrency=CONCURRENCY, ledger=ledger), outcomes)
        assert {outcome.index for outcome in outcomes} >= set(range(STRUCK - CONCURRENCY))
        never_sent = method == "intend_soon"
        assert len(told) == sandbox.journal.sends_received - before + never_sent  # once for each
        assert all(isinstance(outcome, Accepted) for outcome in await run(client, None))


async def test_connection_whose_answer_nobody_sees_to(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is left just when an odd answer has come does not keep its connection."""
    batches: list[AsyncGenerator[Outcome, None]] = []
    told = asyncio.Event()

    def leave(_: bulk._Batch, rest: Callable[[], Awaitable[Outcome]]) -> None:
        del rest  # the task that would see to it never has its first turn
        told.set()

    async with client_of(sandbox) as client:
        await run(client, None)
        sandbox.faults.add(Fault(faults.cut_body(accepted=True), path="/sms", to=to_of(0)))
        batches.append(client.send_many(messages(1), concurrency=1))
        monkeypatch.setattr(bulk._Batch, "run", leave)  # noqa: SLF001 - there is no other view
        consumer = asyncio.ensure_future(anext(batches[0]))
        await told.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        await batches[0].aclose()
        opened = client._open  # noqa: SLF001 - to look into its pool
        assert opened is not None
        assert isinstance(opened.caller._transport, AiohttpTransport)  # noqa: SLF001 - as above
        assert not in_use(opened.caller._transport._session)  # noqa: SLF001 - as above


@pytest.mark.parametrize("lane", ["session"], indirect=True)  # the direct lane has no such task
async def test_exchange_that_a_stranger_cancels(sandbox: Sandbox, ledger: Ledger | None) -> None:
    """Whoever cancels all tasks that he finds leaves doubt, and no batch that waits for ever."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms", to=to_of(STRUCK)))
    outcomes: list[Outcome] = []
    async with asyncio.timeout(20), client_of(sandbox) as client:
        consumer = asyncio.ensure_future(take_all(client.send_many(messages(), concurrency=1, ledger=ledger), outcomes))
        await until(lambda: sandbox.journal.busy == 1 and len(outcomes) == STRUCK)
        for task in asyncio.all_tasks():
            if task.get_name() == "routee-exchange":
                task.cancel()
        await consumer
    assert [type(outcome) for outcome in in_order(outcomes)] == [*[Accepted] * STRUCK, Unknown, *[Accepted] * (SIZE - STRUCK - 1)]


@pytest.mark.parametrize("lane", ["session"], indirect=True)  # the direct lane has no such task
async def test_exchange_over_a_session_is_forgotten(sandbox: Sandbox) -> None:
    """An exchange that has ended is not kept, nor one that is cut before its task has had a turn."""
    loop = asyncio.get_running_loop()
    async with client_of(sandbox) as client:
        await run(client, None)
        assert client._open is not None  # noqa: SLF001 - to look at its exchanges
        transport = client._open.caller._transport  # noqa: SLF001 - as above
        assert isinstance(transport, AiohttpTransport)
        assert not transport._carried  # noqa: SLF001 - as above
        request = protocol.build_send(messages(1)[0], None)
        begun = transport.begin(request, "Bearer x", loop.time(), 1.0, lambda *_: None, None)
        assert isinstance(begun, asyncio.Task)
        transport.cut(begun)
        await asyncio.wait([begun])
        await until(lambda: not transport._carried)  # noqa: SLF001 - as above
    assert sandbox.journal.sends_received == SIZE
