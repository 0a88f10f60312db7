"""What tests ask of a `Sandbox`, and how it answers when nothing is there: `outbox.py` and the methods above it."""

import asyncio
from datetime import UTC, datetime

import pytest

from routee_async.client import RouteeClient
from routee_async.models import Sms
from routee_async.sandbox import NothingSentError, Sandbox, Timeline

START = 1_790_000_000.0


def sms(to: str = "+306970000001", body: str = "Your code is 482913, see https://x.example/y.", label: str | None = None) -> Sms:
    """A message."""
    return Sms(to=to, sender_id="ParcelCo", body=body, label=label)


async def test_latest_message(sandbox: Sandbox, client: RouteeClient) -> None:
    """`sent_to` gives the latest message to a number, however that is written, and all there is to know of it."""
    await client.send(sms(body="Old"))
    sent = await client.send(sms(label="login"))
    message = sandbox.sent_to("+306970000001")
    assert message.tracking_id == sent.tracking_id
    assert message == sandbox.sent_to("306970000001") == sandbox.sent_to("+30 697 000 0001")
    assert (message.to, message.sender, message.body) == ("+306970000001", "ParcelCo", sent.body)
    assert (message.label, message.parts, message.direction) == ("login", 1, "Outbound")
    assert message.code() == "482913"
    assert message.link() == "https://x.example/y"
    assert message == sandbox.messages[-1]
    assert message != sandbox.messages[0]
    assert len({message, *sandbox.messages}) == 2
    assert repr(message).startswith("<SentMessage ParcelCo to +306970000001, Queued: 'Your code")


async def test_status_moves_on() -> None:
    """The status is that of the moment at which it is asked for."""
    async with Sandbox(clock=lambda: START) as sandbox, sandbox.client() as client:
        await client.send(sms())
        message = sandbox.sent_to("+306970000001")
        assert message.status == "Queued"
        assert message.created_at == datetime.fromtimestamp(START, UTC)
    async with Sandbox(clock="manual") as sandbox, sandbox.client() as client:
        await client.send(sms())
        message = sandbox.sent_to("+306970000001")
        await sandbox.advance(hours=1)
        assert message.status == "Delivered"


async def test_nothing_sent_says_what_was(sandbox: Sandbox, client: RouteeClient) -> None:
    """An error names the recipients that there are, the latest first, and not too many."""
    with pytest.raises(NothingSentError, match=r"^no message to \+306970000009; none was sent at all$"):
        sandbox.sent_to("+306970000009")
    await client.send(sms())
    with pytest.raises(NothingSentError, match=r"; 1 was sent to: \+306970000001$"):
        sandbox.sent_to("+306970000009")
    for number in range(2, 8):
        await client.send(sms(f"+30697000000{number}"))
    with pytest.raises(NothingSentError, match=r"; 7 were sent to: \+306970000007, .*\+306970000003 and 2 more$"):
        sandbox.sent_to("+306970000009")


async def test_nothing_in_the_text(sandbox: Sandbox, client: RouteeClient) -> None:
    """A text without code or link says so, and what it is."""
    await client.send(sms(body="Hello"))
    message = sandbox.sent_to("+306970000001")
    with pytest.raises(NothingSentError, match=r"no code of 4 to 8 digits in the message to \+306970000001: 'Hello'"):
        message.code()
    with pytest.raises(NothingSentError, match="no link in the message"):
        message.link()


async def test_waiting(sandbox: Sandbox, client: RouteeClient) -> None:
    """Waiting ends when the message comes, or is there already."""
    waiting = asyncio.create_task(sandbox.wait_for_message(to="+306970000001", label="login", text="CODE", timeout=30))
    await client.send(sms(body="Something else"))
    await client.send(sms(label="login"))
    assert (await waiting).label == "login"
    assert (await sandbox.wait_for_message()).label == "login"


async def test_waiting_in_vain(sandbox: Sandbox, client: RouteeClient) -> None:
    """When it does not come, the error says what was waited for and what came."""
    await client.send(sms())
    expected = r"no message to \+306970000009 with the text hi within 0\.01 s; 1 was sent to: \+306970000001"
    with pytest.raises(NothingSentError, match=expected):
        await sandbox.wait_for_message(to="+306970000009", text="hi", timeout=0.01)


async def test_what_came_in_was_not_sent(client: RouteeClient, sandbox: Sandbox) -> None:
    """A message that came in is not among those that were sent."""
    sandbox.inbound(from_="+306970000001", to="306900000099", body="Hello")
    await client.send(sms())
    assert [message.direction for message in sandbox.messages] == ["Outbound"]


async def test_duplicates_and_reset(sandbox: Sandbox, client: RouteeClient) -> None:
    """A label that was accepted twice is a duplicate, until all is forgotten."""
    for _ in range(2):
        await client.send(sms(label="job-1"))
    await client.send(sms(label="job-2"))
    assert sandbox.duplicates() == {"job-1": 2}
    sandbox.reset()
    assert sandbox.duplicates() == {}
    assert sandbox.messages == ()
    assert sandbox.journal.sends_received == 0


async def test_only_so_many_are_kept() -> None:
    """With a bound the oldest messages go, and are still counted."""
    async with Sandbox(keep_messages=10, timeline=Timeline(reads=0)) as sandbox, sandbox.client() as client:
        for number in range(25):
            await client.send(sms(label=f"job-{number}"))
        assert 10 <= len(sandbox.messages) <= 11
        assert sandbox.messages[-1].label == "job-24"
        assert len(sandbox.journal.accepted) == len(sandbox.messages)
        assert sandbox.journal.sends_accepted == 25
        assert sandbox.inbox_url == f"{sandbox.base_url}/_sandbox/"
