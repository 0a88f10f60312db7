"""Runs with a ledger: begun, stopped, killed, resumed; over the sandbox, with a real file."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from routee_async import (
    Accepted,
    AuthenticationError,
    BatchAbortedError,
    BulkStoppedError,
    InsufficientBalanceError,
    InvalidRecipientError,
    Ledger,
    LedgerError,
    LedgerMismatchError,
    MessageStatus,
    NotSent,
    OnUnknown,
    Outcome,
    OutcomeUnknownError,
    PollPolicy,
    RecipientOptedOutError,
    Rejected,
    RetryPolicy,
    RouteeClient,
    RowState,
    Sms,
    SuppressionList,
    Unknown,
)
from routee_async.checksums import checksum_of
from routee_async.references import reference_of
from routee_async.run import Run
from routee_async.sandbox import Fault, Sandbox, faults

QUICK = RetryPolicy(min_delay=0.01, max_delay=0.02, max_retry_after=0.2, lookup_delays=(0.01, 0.02, 0.05))
MESSAGES = [Sms(to=f"+30697000000{number}", sender_id="P", body="Hello", label=f"mine {number}") for number in range(5)]


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[RouteeClient]:
    """A client that looks up soon."""
    async with sandbox.client(retry=QUICK) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger that has not been begun."""
    return Ledger(tmp_path / "run.db")


async def run(
    client: RouteeClient,
    ledger: Ledger,
    messages: list[Sms] | None = None,
    *,
    on_unknown: OnUnknown = OnUnknown.REPORT,
    into: dict[int, Outcome] | None = None,
) -> dict[int, Outcome]:
    """Run a batch to its end; *into* keeps what came before an error."""
    outcomes = {} if into is None else into
    async for outcome in client.send_many(MESSAGES if messages is None else messages, ledger=ledger, on_unknown=on_unknown):
        assert outcome.index not in outcomes
        outcomes[outcome.index] = outcome
    return outcomes


def kinds(outcomes: dict[int, Outcome]) -> list[str]:
    """Names of the outcomes, in order of index."""
    return [type(outcomes[index]).__name__ for index in sorted(outcomes)]


async def begin(ledger: Ledger, index: int, sms: Sms) -> str:
    """Leave a row as a killed run would: intended, and nothing more. Returns its reference."""
    run_id = await ledger.open()
    reference = reference_of(run_id, index)
    await ledger.intend(index, reference, checksum_of(sms))
    await ledger.close()
    return reference


async def test_run_that_ended_well_is_not_sent_again(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """The same input with the same ledger gives the same outcomes, and no request to send."""
    first = await run(client, ledger)
    second = await run(client, ledger)
    assert kinds(first) == kinds(second) == ["Accepted"] * 5
    for index in range(5):
        before, after = first[index], second[index]
        assert isinstance(before, Accepted)
        assert isinstance(after, Accepted)
        assert attrs.evolve(before.sent, created_at=None) == after.sent
        assert after.sent.label == f"mine {index}"
    assert sandbox.journal.sends_received == 5
    assert ledger.summary().states[RowState.ACCEPTED] == 5
    assert ledger.summary().finished == 5


async def test_ledger_holds_what_the_server_holds(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """Each row has the reference that is on the wire and the id that Routee gave."""
    await run(client, ledger)
    rows = {row.reference: row.tracking_id for row in ledger}
    assert rows == {(message.label or "").split()[0]: message.tracking_id for message in sandbox.journal.accepted}
    assert all(row.parts == 1 for row in ledger)


async def test_another_list_is_refused(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """A resumed run sends nothing from a list that is not its own."""
    await run(client, ledger)
    others = [attrs.evolve(sms, body="Other") for sms in MESSAGES]
    with pytest.raises(LedgerMismatchError, match="same input"):
        await run(client, ledger, others)
    assert sandbox.journal.sends_received == 5


async def test_list_that_has_shifted_is_refused_whole(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """A message put in front of a list makes it another one, and nothing of it is sent, however many go at a time."""
    batch = client.send_many(
        (attrs.evolve(MESSAGES[0], body=f"No. {number}") for number in range(300)), concurrency=2, ledger=ledger
    )
    for _ in range(5):
        await anext(batch)
    await batch.aclose()
    rows = len(ledger)
    shifted = [MESSAGES[1], *(attrs.evolve(MESSAGES[0], body=f"No. {number}") for number in range(300))]
    with pytest.raises(LedgerMismatchError):
        await run(client, ledger, shifted)
    assert len(ledger) == rows
    bodies = Counter(message.body for message in sandbox.journal.accepted)
    assert MESSAGES[1].body not in bodies
    assert set(bodies.values()) == {1}


async def test_ledger_that_cannot_be_read_sends_nothing(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When it cannot be told what an earlier run did with a message, the message is in doubt, and the run stops."""

    async def fail(*_: object) -> None:
        raise LedgerError("run.db", "cannot be read")

    await run(client, ledger)
    monkeypatch.setattr(Ledger, "find", fail)
    outcomes: dict[int, Outcome] = {}
    with pytest.raises(BulkStoppedError):
        await run(client, ledger, into=outcomes)
    assert set(kinds(outcomes)) == {"Unknown"}
    assert sandbox.journal.sends_received == 5


async def test_doubt_stays_doubt_when_the_run_stops(client: RouteeClient, ledger: Ledger) -> None:
    """When the batch stops before its turn, a message in doubt is still in doubt, and only a new one is said to be unsent."""
    await begin(ledger, 0, MESSAGES[0])
    stopped = Run(
        client._require_open().delivery,  # noqa: SLF001 - what the client makes a run of
        prepare=lambda sms: sms,
        on_unknown=OnUnknown.RECONCILE,
        ledger=ledger,
        max_unknown=None,
    )
    await stopped.open()
    stopped.stop(AuthenticationError(401))
    doubtful, new = [await stopped.outcome(index, MESSAGES[index]) for index in (0, 1)]
    await stopped.close()
    assert isinstance(doubtful, Unknown)
    assert not doubtful.error.safe_to_resend
    assert isinstance(new, NotSent)
    assert isinstance(new.error, BatchAbortedError)
    assert stopped.attempted == 0
    assert [row.index for row in ledger] == [0]


async def test_intent_that_cannot_be_renewed_leaves_the_doubt(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message in doubt whose intent cannot be written again is still in doubt, and not said to be unsent."""

    async def fail(*_: object) -> None:
        raise LedgerError("run.db", "disk full")

    await begin(ledger, 0, MESSAGES[0])
    monkeypatch.setattr(Ledger, "intend", fail)
    outcomes: dict[int, Outcome] = {}
    with pytest.raises(BulkStoppedError):
        await run(client, ledger, MESSAGES[:1], on_unknown=OnUnknown.RECONCILE, into=outcomes)
    assert kinds(outcomes) == ["Unknown"]
    assert sandbox.journal.sends_received == 0


@pytest.mark.parametrize(("on_unknown", "kind"), [(OnUnknown.RECONCILE, "Rejected"), (OnUnknown.RESEND, "Unknown")])
async def test_failed_resend_of_a_killed_run_keeps_its_doubt(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    on_unknown: OnUnknown,
    kind: str,
) -> None:
    """A refusal of the second send says nothing about the first, unless the first was found to be absent."""
    await begin(ledger, 0, MESSAGES[0])
    sandbox.faults.add(Fault(faults.error(400, code="400005000"), path="/sms"))
    assert kinds(await run(client, ledger, MESSAGES[:1], on_unknown=on_unknown)) == [kind]


async def test_only_what_is_on_the_wire_is_in_doubt(sandbox: Sandbox, ledger: Ledger) -> None:
    """A message that waits for its turn, or for the pace, has no intent yet: a crash would leave no doubt about it."""
    async with sandbox.client(pace=1000, max_connections=2) as client:
        sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms"))
        batch = client.send_many(MESSAGES, ledger=ledger)
        first = asyncio.ensure_future(anext(batch))
        while sandbox.journal.sends_received < 2:
            await asyncio.sleep(0.001)
        assert len(list(ledger.unfinished())) == 2
        first.cancel()
        await asyncio.wait([first])
        await batch.aclose()


async def test_final_statuses_are_written(client: RouteeClient, ledger: Ledger) -> None:
    """What the tracker learns is in the ledger, and comes back with a resumed run."""
    async with ledger, client.tracker(policy=PollPolicy(first_delay=0.01, max_interval=0.01), ledger=ledger) as tracker:
        outcomes = await run(client, ledger)
        sent = [outcome.sent for outcome in outcomes.values() if isinstance(outcome, Accepted)]
        assert len([report async for report in tracker.until_final(sent)]) == 5
    assert ledger.summary().statuses == {MessageStatus.DELIVERED: 5}
    replayed = await run(client, ledger)
    assert all(isinstance(each, Accepted) and each.sent.status is MessageStatus.DELIVERED for each in replayed.values())


async def test_tracker_whose_ledger_fails_says_so(client: RouteeClient, ledger: Ledger) -> None:
    """A final status that cannot be written ends the tracking with the reason."""
    sent = await client.send(MESSAGES[0])
    async with client.tracker(policy=PollPolicy(first_delay=0.01, max_interval=0.01), ledger=ledger) as tracker:
        await tracker.wait(sent)
        with pytest.raises(LedgerError):
            await tracker.wait("5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01")


@pytest.mark.parametrize("messages", [MESSAGES[:4], [*MESSAGES, MESSAGES[0]]], ids=["shorter", "longer"])
async def test_list_of_another_length_is_refused(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    messages: list[Sms],
) -> None:
    """When the input was read to its end, a shorter or longer one is another list."""
    await run(client, ledger)
    with pytest.raises(LedgerMismatchError):
        await run(client, ledger, messages)
    assert sandbox.journal.sends_received == 5


async def test_invalid_message_is_settled_without_an_intent(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """What was refused before any I/O is in the ledger, with its error, and stays refused."""
    messages = [attrs.evolve(MESSAGES[0], to="call me"), MESSAGES[1]]
    for _ in range(2):
        outcomes = await run(client, ledger, messages)
        assert kinds(outcomes) == ["Rejected", "Accepted"]
        rejected = outcomes[0]
        assert isinstance(rejected, Rejected)
        assert isinstance(rejected.error, InvalidRecipientError)
    assert sandbox.journal.sends_received == 1
    assert next(iter(ledger)).intended_at is None


async def test_message_that_was_not_sent_is_sent_on_resume(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """What provably never left goes out when the run is resumed."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="3600"), path="/sms"))
    assert kinds(await run(client, ledger)) == ["NotSent"] * 5
    sandbox.faults.clear()
    async with sandbox.client(retry=QUICK) as fresh:
        assert kinds(await run(fresh, ledger)) == ["Accepted"] * 5
    assert sandbox.journal.sends_accepted == 5


async def test_refusals_of_a_stop_are_sent_on_resume(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """When the money runs out the run stops; topped up and resumed, every message is sent exactly once."""
    sandbox.application.account.balance = sandbox.application.account.price * 2
    outcomes: dict[int, Outcome] = {}
    with pytest.raises(BulkStoppedError) as caught:
        await run(client, ledger, into=outcomes)
    assert isinstance(caught.value.cause, InsufficientBalanceError)
    assert kinds(outcomes).count("Accepted") == 2
    sandbox.application.account.balance = sandbox.application.account.price * 100
    assert kinds(await run(client, ledger)) == ["Accepted"] * 5
    assert sandbox.journal.sends_accepted == 5
    assert not sandbox.journal.duplicates()


async def test_doubt_is_settled_within_the_run(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """With `RECONCILE` a message whose answer was lost is looked up and adopted, and one that never arrived is sent again."""
    sandbox.faults.add(
        Fault(faults.close(accepted=True), path="/sms", to=MESSAGES[1].to, times=1),
        Fault(faults.error(500), path="/sms", to=MESSAGES[3].to, times=1),
    )
    assert kinds(await run(client, ledger, on_unknown=OnUnknown.RECONCILE)) == ["Accepted"] * 5
    assert sandbox.journal.sends_accepted == 5
    assert sandbox.journal.sends_received == 6
    assert not sandbox.journal.duplicates()


async def test_reported_doubt_is_looked_up_on_resume(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """A message left unknown costs a free look-up when the run is resumed: found it is accepted, absent it stays unknown."""
    sandbox.faults.add(
        Fault(faults.close(accepted=True), path="/sms", to=MESSAGES[1].to, times=1),
        Fault(faults.error(500), path="/sms", to=MESSAGES[3].to, times=1),
    )
    assert kinds(await run(client, ledger)) == ["Accepted", "Unknown", "Accepted", "Unknown", "Accepted"]
    outcomes = await run(client, ledger)
    assert kinds(outcomes) == ["Accepted", "Accepted", "Accepted", "Unknown", "Accepted"]
    unknown = outcomes[3]
    assert isinstance(unknown, Unknown)
    assert isinstance(unknown.error, OutcomeUnknownError)
    assert unknown.error.status == 500
    assert sandbox.journal.sends_received == 5


@pytest.mark.parametrize(
    ("on_unknown", "kind", "sends"),
    [(OnUnknown.REPORT, "Unknown", 0), (OnUnknown.RECONCILE, "Accepted", 1), (OnUnknown.RESEND, "Accepted", 1)],
)
async def test_message_of_a_killed_run_that_never_left(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    on_unknown: OnUnknown,
    kind: str,
    sends: int,
) -> None:
    """An intent without a message at Routee is sent only by a caller who wants doubt settled."""
    await begin(ledger, 0, MESSAGES[0])
    outcomes = await run(client, ledger, MESSAGES[:1], on_unknown=on_unknown)
    assert kinds(outcomes) == [kind]
    assert sandbox.journal.sends_received == sends
    if isinstance(unknown := outcomes[0], Unknown):
        assert isinstance(unknown.error, OutcomeUnknownError)
        assert unknown.error.phase == "crash"


@pytest.mark.parametrize("on_unknown", list(OnUnknown))
async def test_message_of_a_killed_run_that_was_sent(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    on_unknown: OnUnknown,
) -> None:
    """An intent whose message is at Routee is adopted, whatever the policy, and not sent again."""
    reference = await begin(ledger, 0, MESSAGES[0])
    sent = await client.send(attrs.evolve(MESSAGES[0], label=f"{reference} {MESSAGES[0].label}"))
    outcomes = await run(client, ledger, MESSAGES[:1], on_unknown=on_unknown)
    accepted = outcomes[0]
    assert isinstance(accepted, Accepted)
    assert accepted.sent.tracking_id == sent.tracking_id
    assert sandbox.journal.sends_received == 1


async def test_message_that_is_there_twice_is_told(
    client: RouteeClient,
    ledger: Ledger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When Routee has a message twice, outcome, ledger and log say so."""
    reference = await begin(ledger, 0, MESSAGES[0])
    copies = [await client.send(attrs.evolve(MESSAGES[0], label=f"{reference} {MESSAGES[0].label}")) for _ in range(2)]
    caplog.set_level(logging.WARNING, "routee_async")
    outcomes = await run(client, ledger, MESSAGES[:1])
    accepted = outcomes[0]
    assert isinstance(accepted, Accepted)
    assert {accepted.sent.tracking_id, *accepted.sent.duplicates} == {copy.tracking_id for copy in copies}
    assert next(iter(ledger)).duplicates == accepted.sent.duplicates
    assert "found 2 times" in caplog.text


async def test_ledger_that_cannot_be_written_stops_before_the_bytes(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No intent on disk, nothing on the wire."""

    async def fail(*_: object, **__: object) -> None:
        raise LedgerError("run.db", "disk full")

    monkeypatch.setattr(Ledger, "intend", fail)
    outcomes: dict[int, Outcome] = {}
    with pytest.raises(BulkStoppedError) as caught:
        await run(client, ledger, into=outcomes)
    assert isinstance(caught.value.cause, LedgerError)
    assert all(isinstance(outcome, NotSent) for outcome in outcomes.values())
    assert sandbox.journal.sends_received == 0


async def test_outcome_that_cannot_be_written_stops_the_run(
    sandbox: Sandbox,
    client: RouteeClient,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An outcome that does not get to the disk is still told, and nothing more is begun."""

    async def fail(*_: object, **__: object) -> None:
        raise LedgerError("run.db", "disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "settle", fail)
        outcomes: dict[int, Outcome] = {}
        with pytest.raises(BulkStoppedError):
            await run(client, ledger, into=outcomes)
    sent = sandbox.journal.sends_received
    assert sent == len(outcomes) > 0
    assert set(kinds(outcomes)) == {"Accepted"}
    assert kinds(await run(client, ledger)) == ["Accepted"] * 5
    assert sandbox.journal.sends_accepted == 5


async def test_ledger_in_use_is_refused(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """Two runs never share a ledger."""
    await ledger.open()
    with pytest.raises(LedgerError):
        await run(client, Ledger(str(ledger)))
    await ledger.close()
    assert sandbox.journal.sends_received == 0


async def test_too_many_unknowns_stop_the_batch(sandbox: Sandbox, client: RouteeClient) -> None:
    """Past `max_unknown` the caller is asked instead of the account being spent on doubt."""
    sandbox.faults.add(Fault(faults.error(500), path="/sms"))
    outcomes = []
    with pytest.raises(BulkStoppedError) as caught:  # noqa: PT012 - what came before the error is counted
        async for outcome in client.send_many(MESSAGES, concurrency=1, max_unknown=2):
            outcomes.append(outcome)  # noqa: PERF401 - as above
    assert [type(outcome) for outcome in outcomes] == [Unknown] * 3
    assert isinstance(caught.value.cause, OutcomeUnknownError)
    assert caught.value.attempted == 3


async def test_long_label_leaves_no_room_for_a_reference(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """Where nobody will look for the reference a long label goes out as it is; where somebody will, it is refused."""
    long = [attrs.evolve(MESSAGES[0], label="x" * 350)]
    outcomes = [outcome async for outcome in client.send_many(long)]
    assert isinstance(outcomes[0], Accepted)
    assert outcomes[0].sent.label == "x" * 350
    refused = await run(client, ledger, long)
    assert isinstance(refused[0], Rejected)
    assert "label" in str(refused[0].error)
    assert sandbox.journal.sends_received == 1


async def test_single_send_can_be_reconciled(sandbox: Sandbox, client: RouteeClient) -> None:
    """`send` with `RECONCILE` carries a reference too, and is adopted when its answer is lost."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", times=1))
    sent = await client.send(MESSAGES[0], on_unknown=OnUnknown.RECONCILE)
    assert sent.label == MESSAGES[0].label
    assert sent.reference is not None
    assert sandbox.journal.sends_received == 1


async def test_tracked_parts_have_the_callers_label(client: RouteeClient) -> None:
    """Reference and label come back apart."""
    (accepted,) = [outcome async for outcome in client.send_many(MESSAGES[:1])]
    assert isinstance(accepted, Accepted)
    (part,) = await client.fetch_tracking(accepted.sent.tracking_id)
    assert (part.label, part.reference) == (MESSAGES[0].label, accepted.sent.reference)


async def test_suppressed_recipient_is_refused(sandbox: Sandbox, client: RouteeClient) -> None:
    """Whoever has opted out gets nothing, not even a request: the message is rejected, and the others are sent."""
    suppressed = SuppressionList([MESSAGES[1].to])
    spelt_otherwise = attrs.evolve(MESSAGES[1], to=f"00{MESSAGES[1].to[1:]}")
    outcomes = [outcome async for outcome in client.send_many([*MESSAGES, spelt_otherwise], suppressed=suppressed)]
    refused = {outcome.index: outcome.error for outcome in outcomes if isinstance(outcome, Rejected)}
    assert refused.keys() == {1, 5}
    assert all(isinstance(error, RecipientOptedOutError) and error.safe_to_resend for error in refused.values())
    assert sandbox.journal.sends_received == 4


async def test_nothing_is_asked_for_suppressed_recipients_alone(sandbox: Sandbox, client: RouteeClient) -> None:
    """Before any I/O: when everybody has opted out, not even a token is fetched."""
    everybody = {sms.to for sms in MESSAGES}
    outcomes = [outcome async for outcome in client.send_many(MESSAGES, suppressed=everybody)]
    assert {type(outcome) for outcome in outcomes} == {Rejected}
    assert not sandbox.journal.requests


async def test_opt_out_while_a_message_waits_for_its_turn(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """Whoever opts out while a message to them waits for its turn does not get it, and nothing is intended."""

    class Meanwhile(set[str]):
        """Holds a recipient from the second time that it is asked."""

        def __contains__(self, number: object) -> bool:
            held = super().__contains__(number)
            if number == MESSAGES[1].to:
                self.add(MESSAGES[1].to)
            return held

    outcomes = {each.index: each async for each in client.send_many(MESSAGES[:2], ledger=ledger, suppressed=Meanwhile())}
    assert kinds(outcomes) == ["Accepted", "Rejected"]
    assert [row.intended_at is None for row in ledger] == [False, True]
    assert sandbox.journal.sends_received == 1


async def test_refusal_of_a_suppressed_recipient_is_settled(sandbox: Sandbox, client: RouteeClient, ledger: Ledger) -> None:
    """A resumed run does not send what was refused because of an opt-out, even if it is not told of it again."""
    first = [outcome async for outcome in client.send_many(MESSAGES, ledger=ledger, suppressed={MESSAGES[0].to})]
    again = await run(client, ledger)
    assert sorted(type(outcome).__name__ for outcome in first) == ["Accepted"] * 4 + ["Rejected"]
    replayed = again[0]
    assert isinstance(replayed, Rejected)
    assert isinstance(replayed.error, RecipientOptedOutError)
    assert sandbox.journal.sends_received == 4


@pytest.mark.parametrize(
    ("on_unknown", "kind"),
    [(OnUnknown.REPORT, "Unknown"), (OnUnknown.RECONCILE, "Rejected"), (OnUnknown.RESEND, "Unknown")],
)
async def test_opt_out_denies_no_doubt(
    sandbox: Sandbox,
    ledger: Ledger,
    on_unknown: OnUnknown,
    kind: str,
) -> None:
    """What a killed run may have sent is not sent again after an opt-out, and rejected only where a look-up found nothing."""
    await begin(ledger, 0, MESSAGES[0])
    async with sandbox.client(retry=QUICK) as client:
        batch = client.send_many(MESSAGES[:1], ledger=ledger, on_unknown=on_unknown, suppressed={MESSAGES[0].to})
        (outcome,) = [outcome async for outcome in batch]
    assert type(outcome).__name__ == kind
    assert sandbox.journal.sends_received == 0


async def test_message_that_arrived_is_adopted_although_its_recipient_opted_out(sandbox: Sandbox, ledger: Ledger) -> None:
    """What a killed run has sent is accepted, whatever its recipient wrote since."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", times=1))
    async with sandbox.client(retry=QUICK) as client:
        assert kinds(await run(client, ledger, MESSAGES[:1])) == ["Unknown"]
        batch = client.send_many(MESSAGES[:1], ledger=ledger, on_unknown=OnUnknown.RECONCILE, suppressed={MESSAGES[0].to})
        (outcome,) = [outcome async for outcome in batch]
    assert isinstance(outcome, Accepted)
    assert sandbox.journal.sends_received == 1


async def test_refusal_at_the_turn_gives_the_place_back(sandbox: Sandbox) -> None:
    """A message that is refused when it has its turn holds up nobody behind it, not even where there is one connection."""

    class AtTheTurn(set[str]):
        """Says no and yes in turn, as if each recipient opted out while the message waited."""

        asked = 0

        def __contains__(self, number: object) -> bool:
            self.asked += 1
            return self.asked % 2 == 0

    async with sandbox.client(max_connections=1) as narrow:
        assert {type(each) async for each in narrow.send_many(MESSAGES, concurrency=1, suppressed=AtTheTurn())} == {Rejected}
        assert {type(each) async for each in narrow.send_many(MESSAGES)} == {Accepted}
