"""Callbacks over real sockets, and the passing of time, in `sandbox.dispatcher`."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from routee_async.sandbox import Disorder, Magic, Sandbox, Timeline
from routee_async.sandbox.callbacks import CallbackState
from tests.sandbox.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody who is called back."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose time stands still, and which leaves no task behind."""
    before = asyncio.all_tasks()
    async with Sandbox(clock="manual", visibility_delay=0) as sandbox:
        yield sandbox
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not {name for name in left if name.startswith("sandbox-")}


def send(sandbox: Sandbox, receiver: Receiver, strategy: str = "OnChange", **fields: object) -> str:
    """Send a message that is told of, and give its id."""
    order = {"from": "ParcelCo", "to": "+306970000001", "body": "Your parcel is here", "callback": receiver.hook(strategy)}
    return str(sandbox.carrier.send(sandbox.application, order | fields)["trackingId"])


async def test_real_time(receiver: Receiver) -> None:
    """With the real clock callbacks come by themselves, when they are due."""
    timeline = Timeline(sent_after=0.01, final_after=0.03)
    async with Sandbox(timeline=timeline) as sandbox:
        begun = time.monotonic()
        send(sandbox, receiver)
        await receiver.wait_for(3)
        assert time.monotonic() - begun >= 0.03
        await sandbox.advance()
    assert receiver.statuses_told == ["Queued", "Sent", "Delivered"]
    assert set(receiver.content_types) == {"application/json;charset=UTF-8"}
    assert [record.state for record in sandbox.callbacks] == ["delivered"] * 3
    assert [record.attempts[0].status for record in sandbox.callbacks] == [200] * 3


async def test_fast_time(receiver: Receiver) -> None:
    """With a scale hours pass in moments."""
    async with Sandbox(scale=1e6, timeline=Timeline(sent_after=3600, final_after=7200)) as sandbox:
        send(sandbox, receiver)
        await receiver.wait_for(3)
    assert receiver.statuses_told == ["Queued", "Sent", "Delivered"]


async def test_first_callback_does_not_wait_for_time(sandbox: Sandbox, receiver: Receiver) -> None:
    """What is due now is posted now, even while time stands still; the rest is not."""
    send(sandbox, receiver)
    await receiver.wait_for(1)
    await sandbox.advance()
    assert receiver.statuses_told == ["Queued"]


async def test_three_days_in_no_time(sandbox: Sandbox, receiver: Receiver) -> None:
    """The end of a validity period of 72 hours is reached at once, and everything that is due meanwhile happens in order."""
    sandbox.carrier.settings.timeline = Timeline(sent_after=60, final_after=100 * 3600)
    send(sandbox, receiver)
    begun = sandbox.carrier.now()
    await sandbox.advance(hours=71)
    assert receiver.statuses_told == ["Queued", "Sent"]
    await sandbox.advance(hours=1)
    assert receiver.told[-1]["status"]["reason"]["detailedStatus"] == "Expired"
    assert sandbox.carrier.now() == begun + 72 * 3600


async def test_order_of_several_messages(sandbox: Sandbox, receiver: Receiver) -> None:
    """While time is advanced, callbacks come in the order of their moments, whichever message they tell of."""
    for seconds in (30, 10, 20):
        sandbox.carrier.script(to=f"+3069700000{seconds}", timeline=Timeline(sent_after=seconds, final_after=seconds + 15))
        send(sandbox, receiver, to=f"+3069700000{seconds}")
    await sandbox.advance(minutes=1)
    assert [(told["to"][-2:], told["status"]["name"]) for told in receiver.told[3:]] == [
        ("10", "Sent"),
        ("20", "Sent"),
        ("10", "Delivered"),
        ("30", "Sent"),
        ("20", "Delivered"),
        ("30", "Delivered"),
    ]


async def test_retries(sandbox: Sandbox, receiver: Receiver) -> None:
    """What is not answered with 200 is tried again when the schedule says, and the log has every attempt with its answer."""
    receiver.statuses += [500, 404]
    send(sandbox, receiver, "OnCompletion")
    await sandbox.advance(seconds=2)
    (record,) = sandbox.callbacks
    assert (record.state, len(receiver.told)) == ("waiting", 1)
    await sandbox.advance(hours=1)
    first = record.attempts[0].at
    assert [(attempt.status, attempt.at - first) for attempt in record.attempts] == [(500, 0), (404, 30), (200, 60)]
    assert (record.state, len(receiver.told)) == ("delivered", 3)


async def test_nobody_listens(sandbox: Sandbox, receiver: Receiver) -> None:
    """A connection that is refused is an attempt without an answer; in the end the callback is not delivered."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        send(sandbox, receiver, callback={"url": url, "strategy": "OnCompletion"})
        await sandbox.advance(days=1)
    (record,) = sandbox.callbacks
    assert (record.state, len(record.attempts)) == ("not delivered", 6)
    assert {attempt.status for attempt in record.attempts} == {None}
    assert all(attempt.error for attempt in record.attempts)


async def test_slow_receiver(sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver that does not answer in time is tried again (§5.0)."""
    sandbox.carrier.settings.callback_timeout = 0.02
    receiver.release.clear()
    send(sandbox, receiver, "OnCompletion")
    await sandbox.advance(seconds=2)
    (record,) = sandbox.callbacks
    assert (record.state, record.attempts[0].status, record.attempts[0].error) == ("waiting", None, "TimeoutError")
    receiver.release.set()
    await sandbox.advance(seconds=30)
    assert record.state == "delivered"


async def test_redirects_are_not_followed(sandbox: Sandbox, receiver: Receiver) -> None:
    """A redirect is an answer that is not 200."""
    receiver.statuses.append(307)
    send(sandbox, receiver, "OnCompletion")
    await sandbox.advance(seconds=2)
    assert [attempt.status for attempt in sandbox.callbacks[0].attempts] == [307]


async def test_other_machines_are_not_called(sandbox: Sandbox, receiver: Receiver) -> None:
    """A callback to another machine never leaves this one."""
    send(sandbox, receiver, callback={"url": "http://hooks.example/sms", "strategy": "OnChange"})
    await sandbox.advance(minutes=1)
    assert [(record.state, record.attempts) for record in sandbox.callbacks] == [(CallbackState.NOT_LOOPBACK, [])] * 3


async def test_address_that_is_none(sandbox: Sandbox, receiver: Receiver) -> None:
    """An address that cannot be called is an attempt without an answer, and stops nothing else."""
    sandbox.carrier.settings.callback_retries = ()
    send(sandbox, receiver, callback={"url": "http://localhost:99999999/", "strategy": "OnCompletion"})
    send(sandbox, receiver, "OnCompletion")
    await sandbox.advance(minutes=1)
    assert sorted(record.state for record in sandbox.callbacks) == ["delivered", "not delivered"]


async def test_text_that_cannot_be_written(sandbox: Sandbox, receiver: Receiver) -> None:
    """A callback that cannot be written stops nothing else."""
    sandbox.application.account.inbound_urls["306900000099"] = receiver.url
    sandbox.inbound(from_="+306970000001", to="306900000099", body="\ud800")
    sandbox.inbound(from_="+306970000001", to="306900000099", body="Hi")
    await sandbox.advance()
    assert receiver.told[-1]["message"] == "Hi"


async def test_disorder_on_the_wire(receiver: Receiver) -> None:
    """Callbacks that come twice and in the wrong order come so over the wire."""
    async with Sandbox(clock="manual") as sandbox:
        sandbox.carrier.settings.disorder = Disorder(duplicate=1)
        send(sandbox, receiver)
        await sandbox.advance(minutes=1)
        sandbox.carrier.settings.disorder = Disorder(reorder=1)
        send(sandbox, receiver)
        await sandbox.advance(minutes=1)
    assert receiver.statuses_told == ["Queued", "Queued", "Sent", "Sent", "Delivered", "Delivered", "Sent", "Queued", "Delivered"]


async def test_callbacks_of_one_message_keep_their_order(receiver: Receiver) -> None:
    """A slow answer to one callback holds back the next ones of the same message, not those of others."""
    async with Sandbox(timeline=Timeline(sent_after=0.001, final_after=0.002)) as sandbox:
        receiver.release.clear()
        for number in range(20):
            send(sandbox, receiver, to=f"+3069700000{number:02}")
        await receiver.wait_for(2)
        assert set(receiver.statuses_told) == {"Queued"}
        receiver.release.set()
        await receiver.wait_for(60)
    for number in range(20):
        told = [payload["status"]["name"] for payload in receiver.told if payload["to"].endswith(f"0{number:02}")]
        assert told == ["Queued", "Sent", "Delivered"]


async def test_campaign(sandbox: Sandbox, receiver: Receiver) -> None:
    """A scheduled campaign goes out when its time has come, and is told of until it is finished."""
    order = {
        "from": "ParcelCo",
        "to": ["+306970000001", Magic.EXPIRED],
        "body": "Hi",
        "scheduledDate": int(sandbox.carrier.now()) + 3600,
        "campaignCallback": receiver.hook(),
    }
    made = sandbox.campaigns.create(sandbox.application, order)
    await sandbox.advance(minutes=59)
    assert sandbox.campaigns[str(made["trackingId"])].launched is None
    await sandbox.advance(minutes=2)
    states = list(dict.fromkeys(payload["campaignStatus"] for payload in receiver.told))
    assert states == ["Scheduled", "Queued", "Running", "Sent", "Finished"]


async def test_stop_and_start_again(receiver: Receiver) -> None:
    """What was not answered when the sandbox stopped is posted when it starts again."""
    sandbox = Sandbox(clock="manual")
    receiver.release.clear()
    async with sandbox:
        send(sandbox, receiver)
        send(sandbox, receiver, to="+306970000002")
        await receiver.wait_for(2)
        for _ in range(40):
            send(sandbox, receiver, to="+306970000003")
        await receiver.wait_for(3)
    assert {record.state for record in sandbox.callbacks} == {CallbackState.WAITING}
    receiver.release.set()
    async with sandbox:
        await sandbox.advance()
    assert [record.state for record in sandbox.callbacks] == ["delivered"] * 42


async def test_advance_cancelled(sandbox: Sandbox, receiver: Receiver) -> None:
    """Whoever gives up waiting for `advance` loses no callback."""
    receiver.release.clear()
    send(sandbox, receiver, "OnCompletion")
    task = asyncio.create_task(sandbox.advance(minutes=1))
    await receiver.wait_for(1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    receiver.release.set()
    await sandbox.advance(minutes=1)
    assert sandbox.callbacks[0].state == "delivered"


async def test_requests_meanwhile(sandbox: Sandbox, receiver: Receiver) -> None:
    """A request that comes while a callback is on its way finds the world as it is at that moment."""
    sent = send(sandbox, receiver, "OnCompletion")
    receiver.release.clear()
    task = asyncio.create_task(sandbox.advance(days=1))
    await receiver.wait_for(1)
    async with sandbox.client() as client:
        (part,) = await client.fetch_tracking(sent)
    assert part.status == "Delivered"
    receiver.release.set()
    await task


async def test_clock_of_somebody_else(receiver: Receiver) -> None:
    """With a clock of the caller's own, that is moved, and `advance` does what is due by then."""
    now = 1_790_000_000.0
    async with Sandbox(clock=lambda: now) as sandbox:
        send(sandbox, receiver)
        now += 10
        await sandbox.advance()
        assert receiver.statuses_told == ["Queued", "Sent", "Delivered"]
        with pytest.raises(RuntimeError, match="clock of yours"):
            await sandbox.advance(seconds=1)


async def test_bad_settings_of_time() -> None:
    """Time neither runs backwards nor passes in a sandbox that is not running, and a scale is for the real clock."""
    with pytest.raises(RuntimeError, match="not running"):
        await Sandbox(clock="manual").advance(1)
    async with Sandbox(clock="manual") as sandbox:
        with pytest.raises(ValueError, match="backwards"):
            await sandbox.advance(seconds=1, minutes=-1)
    with pytest.raises(ValueError, match="more than 0"):
        Sandbox(scale=0)
    with pytest.raises(ValueError, match="real clock alone"):
        Sandbox(clock="manual", scale=2)


async def test_tokens_expire(sandbox: Sandbox) -> None:
    """The life of a token is told by the same clock."""
    token = sandbox.carrier.tokens.grant(sandbox.application)
    await sandbox.advance(minutes=59)
    assert sandbox.carrier.tokens.grant(sandbox.application) is token
    await sandbox.advance(minutes=1)
    assert sandbox.carrier.tokens.grant(sandbox.application) is not token


async def test_inbound(sandbox: Sandbox, receiver: Receiver) -> None:
    """A message that comes in is told to the address of its number."""
    sandbox.application.account.inbound_urls["306900000099"] = receiver.url
    sandbox.inbound(from_="+306970000001", to="+306900000099", body="STOP")
    await receiver.wait_for(1)
    assert (receiver.told[0]["direction"], receiver.told[0]["message"]) == ("Inbound", "STOP")
    sent = send(sandbox, receiver, "OnCompletion")
    await sandbox.advance(minutes=1)
    assert receiver.told[1]["messageId"] == sent
    assert receiver.told[1]["status"]["reason"]["detailedStatus"] == "Opted-out"
