"""A sandbox in a thread of its own: `background.py`, and `with Sandbox()`."""

import asyncio
import socket
import threading

import pytest

from routee_async.models import Sms
from routee_async.sandbox import NothingSentError, Sandbox
from routee_async.sandbox.background import LoopThread, Waiting

SMS = Sms(to="+306970000001", sender_id="ParcelCo", body="Your code is 482913")


def threads() -> list[str]:
    """Names of the sandbox's threads."""
    return [thread.name for thread in threading.enumerate() if thread.name == "routee-sandbox"]


async def _send(sandbox: Sandbox) -> None:
    async with sandbox.client() as client:
        await client.send(SMS)


def test_without_event_loop() -> None:
    """All of it can be used where there is no event loop, and nothing is left behind."""
    with Sandbox(clock="manual") as sandbox:
        assert threads() == ["routee-sandbox"]
        asyncio.run(_send(sandbox))
        assert sandbox.wait_for_message(to=SMS.to).result(timeout=30).code() == "482913"
        sandbox.advance(hours=1).result()
        assert sandbox.sent_to(SMS.to).status == "Delivered"
        sandbox.inbound(from_=SMS.to, to="306900000099", body="STOP")
        assert sandbox.application.account.opted_out == {SMS.to}
        sandbox.revoke_token()
        assert sandbox.duplicates() == {}
        sandbox.reset()
        assert sandbox.messages == ()
    assert threads() == []


async def test_from_another_loop() -> None:
    """What takes time can be awaited in a loop that is not the sandbox's, and errors come through."""
    with Sandbox(clock="manual") as sandbox:
        waiting = asyncio.create_task(sandbox.wait_for_message(to=SMS.to, timeout=30))
        await _send(sandbox)
        assert (await waiting).sender == "ParcelCo"
        await sandbox.advance(seconds=10)
        with pytest.raises(NothingSentError):
            await sandbox.wait_for_message(to="+306970000009", timeout=0.01)


async def test_result_would_block_the_loop() -> None:
    """A sandbox in one's own loop cannot be blocked on, and says what to do instead."""
    async with Sandbox() as sandbox:
        with pytest.raises(RuntimeError, match="await it"):
            sandbox.wait_for_message().result()


def test_port_taken() -> None:
    """A sandbox that cannot listen leaves no thread behind."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        Sandbox(port=taken.getsockname()[1]),
    ):
        pass
    assert threads() == []


def test_errors_come_through() -> None:
    """What is called there raises here."""
    with Sandbox() as sandbox, pytest.raises(ValueError, match="an inbound message needs"):
        sandbox.inbound(from_="x", to="y", body="")


async def test_cancelled() -> None:
    """Who gives up waiting leaves nothing behind in the thread."""
    with Sandbox() as sandbox:
        waiting = asyncio.create_task(sandbox.wait_for_message(to=SMS.to, timeout=600))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


def test_call_in_the_thread_itself() -> None:
    """What is called from the thread of the sandbox is called at once, and does not wait for itself."""
    thread = LoopThread()
    thread.start()

    async def ask() -> int:
        return thread.call(lambda: 7)

    assert thread.submit(ask()).result(30) == 7
    thread.stop()
    with pytest.raises(RuntimeError, match="not running"):
        thread.call(lambda: 7)


def test_given_up_before_it_began() -> None:
    """What is closed without being awaited runs nothing."""
    ran = []

    async def run() -> None:
        ran.append(1)

    waiting = Waiting(run(), None)
    waiting.close()
    started = Waiting(asyncio.sleep(10), None)
    with pytest.raises(RuntimeError, match="no running event loop"):
        started.send(None)
    thrown = Waiting(run(), None)
    with pytest.raises(KeyError):
        thrown.throw(KeyError("x"))
    thrown.close()
    assert ran == []
