"""Tests of `cli/send.py`."""

import asyncio

import pytest

from routee_async.sandbox import Fault, Magic, Sandbox, Timeline, faults
from tests.cli.conftest import NUMBER, Routee, happens


async def test_accepted(routee: Routee, sandbox: Sandbox) -> None:
    """A message that is accepted is told with its tracking id and a masked number, and the status is 0."""
    ran = await routee("send", NUMBER, "Γεια σου", "--sender-id", "ParcelCo")
    (message,) = sandbox.journal.accepted
    assert ran.status == 0
    assert ran.out == f"Queued  {message.tracking_id}  to +30…67  1 part in UCS-2\n"
    assert ran.err == ""
    assert (message.to, message.body, message.sender) == (NUMBER, "Γεια σου", "ParcelCo")


async def test_options(routee: Routee, sandbox: Sandbox) -> None:
    """Every option reaches the wire, and the JSON shows what a program needs."""
    options = ("--label", "order 7", "--ttl", 90, "--flash", "--callback-url", "https://hooks.example/x")
    ran = await routee("send", NUMBER, "a" * 161, "--sender-id", "ParcelCo", *options, "--json")
    (message,) = sandbox.journal.accepted
    assert ran.status == 0
    assert message.label == "order 7"
    assert message.echo["ttl"] == 90
    assert message.echo["flash"] is True
    assert message.echo["callback"] == {"url": "https://hooks.example/x", "strategy": "OnChange"}
    (shown,) = ran.lines
    assert shown["tracking_id"] == message.tracking_id
    assert (shown["to"], shown["parts"], shown["status"], shown["label"]) == (NUMBER, 2, "Queued", "order 7")


@pytest.mark.parametrize(
    ("to", "status", "shown"),
    [
        pytest.param(NUMBER, 0, "Delivered  ", id="delivered"),
        pytest.param(Magic.EXPIRED, 1, "Undelivered (Expired)  ", id="expired"),
    ],
)
async def test_waiting(routee: Routee, to: str, status: int, shown: str) -> None:
    """With `--wait` the final status is shown with its reason, and only a delivery gives the status 0."""
    ran = await routee("send", to, "Hi", "--sender-id", "ParcelCo", "--wait", 20)
    assert ran.status == status
    assert ran.out.startswith(shown)


async def test_waiting_in_vain(routee: Routee, sandbox: Sandbox) -> None:
    """When the wait is over, the last status is shown, the tracking id is not lost, and the status is 1."""
    sandbox.carrier.settings.timeline = Timeline(sent_after=0, final_after=1000)
    ran = await routee("send", NUMBER, "Hi", "--sender-id", "ParcelCo", "--wait", 0.05, "--json")
    assert ran.status == 1
    assert "look again later" in ran.err
    (shown,) = ran.lines
    assert shown["tracking_id"] == sandbox.journal.accepted[0].tracking_id
    assert shown["status"] == "Sent"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("the number on the parcel", "Hi", "--sender-id", "ParcelCo"), "to: is not one telephone number", id="words"),
        pytest.param((NUMBER, "x" * 1601, "--sender-id", "ParcelCo"), "body: is 1,601 characters long", id="long body"),
        pytest.param((NUMBER, "", "--sender-id", "ParcelCo"), "body: is empty", id="empty body"),
        pytest.param((NUMBER, "Hi", "--sender-id", "ParcelCenter"), "sender_id: is 12 characters long", id="long sender"),
        pytest.param((NUMBER, "Hi", "--sender-id", "ParcelCo", "--ttl", 0), "ttl: must be 1 minute to 72 hours", id="ttl"),
        pytest.param((NUMBER, "Hi"), "--sender-id", id="no sender"),
        pytest.param((NUMBER, "Hi", "--sender-id", "ParcelCo", "--wait", "long"), "--wait", id="no number"),
        pytest.param((NUMBER, "Hi", "--sender-id", "ParcelCo", "--wait", "nan"), "--wait", id="nan"),
        pytest.param((NUMBER, "Hi", "--sender-id", "ParcelCo", "--wait", "-1"), "--wait", id="below 0"),
        pytest.param((NUMBER, "Hi", NUMBER, "--sender-id", "ParcelCo"), "routee send --help", id="one word too many"),
    ],
)
async def test_bad_input(routee: Routee, sandbox: Sandbox, arguments: tuple[object, ...], problem: str) -> None:
    """What cannot be sent as it is gives one line that says why, the status 2, and not one request."""
    ran = await routee("send", *arguments)
    assert ran.status == 2
    assert ran.out == ""
    (line,) = ran.err.splitlines()
    assert line.startswith("routee: ")
    assert problem in line
    assert not sandbox.journal.requests


async def test_refused_by_routee(routee: Routee) -> None:
    """What Routee refuses is told with its code, as JSON too, and the status is 1."""
    ran = await routee("send", Magic.REFUSED, "Hi", "--sender-id", "ParcelCo", "--json")
    assert ran.status == 1
    assert "HTTP 400 (code 400000000)" in ran.err
    (shown,) = ran.lines
    assert shown["error"] == "BadRequestError"
    assert shown["safe_to_resend"] is True


async def test_unknown(routee: Routee, sandbox: Sandbox) -> None:
    """A message that may have been sent is told as such, and is not sent again."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms"))
    ran = await routee("send", NUMBER, "Hi", "--sender-id", "ParcelCo", "--json")
    assert ran.status == 1
    assert "may have been sent; look for it" in ran.err
    assert ran.lines[0]["safe_to_resend"] is False
    assert sandbox.journal.sends_received == 1


async def test_interrupted_while_sending(routee: Routee, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """A message that is interrupted before the answer may have been sent, and that is said."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms"))
    run = asyncio.create_task(routee("send", NUMBER, "Hi", "--sender-id", "ParcelCo"))
    await happens(lambda: sandbox.journal.sends_accepted == 1)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert "may have been sent" in capsys.readouterr().err


async def test_interrupted_while_waiting(routee: Routee, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted wait still tells the tracking id, which cannot be had again."""
    sandbox.carrier.settings.timeline = Timeline(final_after=1000)
    run = asyncio.create_task(routee("send", NUMBER, "Hi", "--sender-id", "ParcelCo", "--wait", 1000))
    await happens(lambda: sandbox.journal.requests["GET /sms/tracking/single/{id}"] > 0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert sandbox.journal.accepted[0].tracking_id in capsys.readouterr().out
