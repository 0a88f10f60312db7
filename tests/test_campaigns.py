"""Campaigns, against the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from routee_async import (
    NOW,
    BadRequestError,
    Callback,
    CallbackStrategy,
    Campaign,
    CampaignInterruptedError,
    ConflictError,
    InsufficientBalanceError,
    InvalidInputError,
    InvalidRecipientError,
    MessageStatus,
    NotFoundError,
    OnUnknown,
    OutcomeUnknownError,
    Reminder,
    RetryPolicy,
    RouteeClient,
    campaign_models,
    campaign_orders,
)
from routee_async.sandbox import Fault, Sandbox, faults

PATH = "/sms/campaign"
QUICK = RetryPolicy(lookup_delays=(0.01, 0.05))


def numbers(count: int) -> Iterator[str]:
    """So many recipients."""
    return (f"+30697{number:07}" for number in range(count))


def make(**fields: object) -> Campaign:
    """A campaign."""
    return Campaign(**{"sender_id": "ParcelCo", "body": "Hello", "to": ["+306970000001"], **fields})  # type: ignore[arg-type] # of tests


def later() -> datetime:
    """Tomorrow."""
    return datetime.now(UTC) + timedelta(days=1)


async def test_every_option_arrives(sandbox: Sandbox, client: RouteeClient) -> None:
    """What is asked for comes back in the answer, and what was left alone is not on the wire."""
    eleni = sandbox.contacts.add("+306970000003", first_name="Eleni", groups=["vip"])
    when = later().replace(microsecond=0)
    campaign = make(
        to=["00 30 697 000 0001", "+306970000001", "nonsense"],
        contacts=[eleni.id],
        groups=["vip"],
        body="Hi [~firstName]",
        name="Spring offer",
        scheduled_at=when,
        flash=True,
        respect_quiet_hours=True,
        callback=Callback("https://hooks.example/sms", CallbackStrategy.ON_COMPLETION),
        campaign_callback=Callback("https://hooks.example/campaign"),
        reminder=Reminder(to=["+30 697 000 0009"], before=timedelta(minutes=30), after=timedelta(minutes=5)),
        fallback_values={"firstName": "friend"},
        ttl=timedelta(hours=4),
        allow_invalid=True,
    )
    sent = await client.send_campaign(campaign)
    (piece,) = sent.pieces
    assert (sent.recipients, sent.repeated, sent.invalid, sent.tracking_ids) == (1, 1, (2,), (piece.tracking_id,))
    assert (piece.name, piece.state, piece.scheduled_at, piece.flash) == ("Spring offer", "Scheduled", when, True)
    assert (piece.to, piece.contacts, piece.groups) == (("+306970000001",), (eleni.id,), ("vip",))
    assert (piece.callback, piece.campaign_callback) == (campaign.callback, campaign.campaign_callback)
    assert piece.reminder is not None
    assert (piece.reminder.to, piece.reminder.before, piece.reminder.after) == (
        ("+306970000009",),
        timedelta(minutes=30),
        timedelta(minutes=5),
    )
    assert (piece.fallback_values, piece.respect_quiet_hours) == ({"firstName": "friend"}, True)
    assert piece.analysis is not None
    assert piece.analysis.number_of_recipients == 2
    assert "+30697" not in repr(sent)


async def test_personal_texts_are_tracked(sandbox: Sandbox, client: RouteeClient) -> None:
    """Contacts get their own text, plain numbers the fallback; statuses and cost are followed."""
    eleni = sandbox.contacts.add("+306970000003", first_name="Eleni")
    campaign = make(body="Hi [~firstName]", contacts=[eleni.id], fallback_values={"firstName": "friend"})
    sent = await client.send_campaign(campaign)
    rows = [row async for row in client.fetch_campaign_tracking(sent)]
    assert {row.body for row in rows} == {"Hi Eleni", "Hi friend"}
    while not (progress := await client.fetch_campaign_progress(sent)).is_final:
        _ = [row async for row in client.fetch_campaign_tracking(sent.tracking_ids[0])]
    assert progress.statuses[MessageStatus.DELIVERED] == 2
    assert str(progress.cost) == "0.064"


async def test_many_recipients_are_split(
    sandbox: Sandbox,
    client: RouteeClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than one request takes go out in numbered pieces, each number once across all of them, and are followed as one."""
    monkeypatch.setattr(campaign_orders, "MOST_RECIPIENTS", 3)
    eleni = sandbox.contacts.add("+306970009999")
    sent = await client.send_campaign(make(to=[*numbers(5), *numbers(7)], name="Offer", contacts=[eleni.id]))
    assert (sent.recipients, sent.repeated) == (7, 5)
    assert [piece.name for piece in sent.pieces] == ["Offer", "Offer-2", "Offer-3"]
    rows = [row async for row in client.fetch_campaign_tracking(sent)]
    assert sorted(row.to for row in rows) == sorted([*numbers(7), "+306970009999"])
    assert len((await client.fetch_campaign_progress(sent)).pieces) == 3
    analysis = await client.analyze_campaign(make(to=numbers(7), contacts=[eleni.id]))
    assert (analysis.number_of_recipients, analysis.recipients_per_country, len(analysis.recipient_countries)) == (8, {"GR": 8}, 7)
    with pytest.raises(InvalidInputError, match="26 characters"):
        await client.send_campaign(make(to=numbers(4), name="x" * 27))
    with pytest.raises(InvalidInputError, match="cannot be split"):
        await client.update_campaign("id", make(to=numbers(4)), scheduled_at=NOW)


async def test_interrupted_campaign_tells_what_went_out(
    sandbox: Sandbox,
    client: RouteeClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When a later piece fails, the earlier ones are not lost, and it is known where to go on."""
    monkeypatch.setattr(campaign_orders, "MOST_RECIPIENTS", 3)
    with pytest.raises(CampaignInterruptedError) as caught:
        await client.send_campaign(make(to=iter([*numbers(4), "nonsense", *numbers(9)])))
    assert isinstance(caught.value.cause, InvalidRecipientError)
    assert "number 4" in str(caught.value.cause)
    assert (caught.value.taken, caught.value.sent.recipients) == (3, 3)
    assert len(sandbox.journal.accepted) == 3


async def test_list_is_checked_before_the_first_piece(
    sandbox: Sandbox,
    client: RouteeClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a list, which can be gone through twice, nothing goes out while any of it is wrong."""
    monkeypatch.setattr(campaign_orders, "MOST_RECIPIENTS", 3)
    with pytest.raises(InvalidRecipientError):
        await client.send_campaign(make(to=[*numbers(4), "nonsense"]))
    assert sandbox.journal.requests[f"POST {PATH}"] == 0


async def test_thirty_thousand_in_one_request(sandbox: Sandbox, client: RouteeClient) -> None:
    """The limit of a request is 30,000 numbers, and the next one begins another."""
    sent = await client.send_campaign(make(to=numbers(30_001)))
    assert [len(piece.to) for piece in sent.pieces] == [30_000, 1]
    assert sandbox.journal.requests[f"POST {PATH}"] == 2
    assert sum([1 async for _ in client.fetch_campaign_tracking(sent)]) == 30_001


@pytest.mark.parametrize("on_unknown", [OnUnknown.REPORT, OnUnknown.RECONCILE])
async def test_lost_answer_is_settled_by_the_name(sandbox: Sandbox, on_unknown: OnUnknown) -> None:
    """A campaign that Routee took without our hearing of it is found by its name, and not sent again."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path=PATH, times=1))
    async with sandbox.client(retry=QUICK) as client:
        sent = await client.send_campaign(make(name="Lost one"), on_unknown=on_unknown)
    assert sent.pieces[0].name == "Lost one"
    assert len(sandbox.journal.accepted) == sandbox.journal.requests[f"POST {PATH}"] == 1


async def test_earlier_campaign_of_that_name_is_not_taken_for_ours(sandbox: Sandbox) -> None:
    """What is found by the name must be what was asked for: another text, or other recipients, are another campaign."""
    async with sandbox.client(retry=QUICK) as client:
        await client.send_campaign(make(name="Taken", to=["+306970000007"]))
        for on_unknown in (OnUnknown.REPORT, OnUnknown.RECONCILE):
            sandbox.faults.add(Fault(faults.error(500), path=PATH, times=1))
            with pytest.raises(OutcomeUnknownError):
                await client.send_campaign(make(name="Taken"), on_unknown=on_unknown)
    assert len(sandbox.journal.accepted) == 1


async def test_lost_request_is_reported(sandbox: Sandbox) -> None:
    """One that Routee did not take stays in doubt, unless it may be asked for again under the same name."""
    async with sandbox.client(retry=QUICK) as client:
        for name, on_unknown in (("One", OnUnknown.REPORT), (None, OnUnknown.REPORT)):
            sandbox.faults.add(Fault(faults.error(500), path=PATH, times=1))
            with pytest.raises(OutcomeUnknownError):
                await client.send_campaign(make(name=name), on_unknown=on_unknown)
        sandbox.faults.add(Fault(faults.error(500), path=PATH, times=1))
        sent = await client.send_campaign(make(name="Two"), on_unknown=OnUnknown.RECONCILE)
    assert sent.pieces[0].name == "Two"
    assert len(sandbox.journal.accepted) == 1


async def test_scheduled_campaign_is_not_sent_twice(sandbox: Sandbox) -> None:
    """One that waits for its date has no message to be found by: only its name keeps it from being taken twice, as is said."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path=PATH, times=1))
    async with sandbox.client(retry=QUICK) as client:
        with pytest.raises(OutcomeUnknownError, match="was accepted"):
            await client.send_campaign(make(name="Dated", scheduled_at=later()), on_unknown=OnUnknown.RECONCILE)
        with pytest.raises(ConflictError):
            await client.send_campaign(make(name="Dated", scheduled_at=later()))


async def test_name_that_became_visible_late(sandbox: Sandbox) -> None:
    """Refused under the same name, it is looked for once more, and found by then."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path=PATH, times=1))
    sandbox.faults.add(Fault(faults.error(404), path="/sms/tracking", times=2))
    async with sandbox.client(retry=QUICK) as client:
        sent = await client.send_campaign(make(name="Late"), on_unknown=OnUnknown.RECONCILE)
    assert sent.pieces[0].name == "Late"
    assert len(sandbox.journal.accepted) == 1


async def test_dates(sandbox: Sandbox, client: RouteeClient) -> None:
    """A campaign is moved, sent at once by `NOW`, and never by a date that was forgotten."""
    (piece,) = (await client.send_campaign(make(scheduled_at=later()))).pieces
    when = later().replace(microsecond=0) + timedelta(days=1)
    assert (await client.update_campaign(piece.tracking_id, make(), scheduled_at=when)).scheduled_at == when
    with pytest.raises(TypeError):
        await client.update_campaign(piece.tracking_id, make())  # type: ignore[call-arg] # on purpose
    with pytest.raises(InvalidInputError, match="differs"):
        await client.update_campaign(piece.tracking_id, make(scheduled_at=later()), scheduled_at=NOW)
    assert not sandbox.journal.accepted
    assert (await client.update_campaign(piece.tracking_id, make(), scheduled_at=NOW)).state == "Queued"
    assert len(sandbox.journal.accepted) == 1
    with pytest.raises(BadRequestError) as caught:
        await client.update_campaign(piece.tracking_id, make(), scheduled_at=later())
    assert caught.value.code == "400009002"
    with pytest.raises(BadRequestError):
        await client.delete_campaign(piece.tracking_id)


async def test_cancelled_campaign_is_gone(client: RouteeClient) -> None:
    """After cancelling there is no such campaign, and an empty id never reaches Routee."""
    (piece,) = (await client.send_campaign(make(scheduled_at=later()))).pieces
    await client.delete_campaign(piece.tracking_id)
    with pytest.raises(NotFoundError):
        await client.fetch_campaign(piece.tracking_id)
    with pytest.raises(NotFoundError):
        await anext(client.fetch_campaign_tracking(piece.tracking_id))
    for call in (client.delete_campaign, client.fetch_campaign):
        with pytest.raises(InvalidInputError):
            await call(" ")


async def test_refusals(sandbox: Sandbox, client: RouteeClient) -> None:
    """Routee's no is an error with its code: unknown contact, empty group, no balance."""
    with pytest.raises(NotFoundError) as caught:
        await client.send_campaign(make(contacts=["64a0c2d1e4b0f5a1b2c3d4e5"]))
    assert caught.value.code == "404002001"
    eleni = sandbox.contacts.add("+306970000003")
    assert (await client.analyze_campaign(make(to=(), contacts=[eleni.id]))).number_of_recipients == 1
    sandbox.contacts.add_group("empty")
    with pytest.raises(BadRequestError) as refused:
        await client.send_campaign(make(to=(), groups=["empty"]))
    assert refused.value.code == "400009004"
    sandbox.application.account.balance *= 0
    with pytest.raises(InsufficientBalanceError):
        await client.send_campaign(make())


@pytest.mark.parametrize(
    "fields",
    [
        {"to": []},
        {"to": "+306970000001"},
        {"to": 3},
        {"to": ["nonsense"]},
        {"sender_id": "TwelveLetter"},
        {"body": ""},
        {"name": "x"},
        {"name": "Ελλάδα"},
        {"name": 3},
        {"scheduled_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"scheduled_at": datetime(2040, 1, 1)},  # noqa: DTZ001 - on purpose
        {"flash": 1},
        {"transcode": "yes"},
        {"ttl": timedelta(seconds=5)},
        {"callback": Callback("nowhere")},
        {"campaign_callback": Callback("nowhere")},
        {"url_shortener": 3},
        {"restrictions": 3},
        {"reminder": Reminder(to=[])},
        {"reminder": Reminder(to=["+306970000001"], before=timedelta(seconds=5))},
        {"reminder": Reminder(to=["nonsense"])},
        {"contacts": [""]},
        {"groups": [3]},
        {"fallback_values": {"a": 1}},
        {"fallback_values": 3},
    ],
    ids=str,
)
async def test_bad_input_never_leaves(sandbox: Sandbox, client: RouteeClient, fields: dict[str, object]) -> None:
    """What cannot be sent is refused before any I/O."""
    with pytest.raises(InvalidInputError):
        await client.send_campaign(make(**fields))
    assert sandbox.journal.requests[f"POST {PATH}"] == 0


async def test_bad_ways_to_ask(client: RouteeClient) -> None:
    """A campaign is never sent again blindly, needs a name to be settled, and is a `Campaign`."""
    with pytest.raises(InvalidInputError, match="blindly"):
        await client.send_campaign(make(name="Offer"), on_unknown=OnUnknown.RESEND)
    with pytest.raises(InvalidInputError, match="needed"):
        await client.send_campaign(make(), on_unknown=OnUnknown.RECONCILE)
    with pytest.raises(InvalidInputError):
        await client.send_campaign("Hello")  # type: ignore[arg-type] # on purpose


def test_plain_campaign_has_three_keys() -> None:
    """What was left alone is absent on the wire."""
    written = campaign_orders.write(make(), ["+306970000001"], normalize=str, name=None)
    assert written == {"from": "ParcelCo", "body": "Hello", "to": ("+306970000001",)}


def test_limit_is_the_documented_one() -> None:
    """§7.1: 30,000 recipients."""
    assert campaign_models.MOST_RECIPIENTS == 30_000
