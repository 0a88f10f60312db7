"""Tests of `cli/sandbox.py`."""

import asyncio
import json
import os
import re
import signal
import socket

import pytest

from routee_async import RouteeClient, Sms
from routee_async.sandbox import Sandbox
from routee_async.sandbox.control.fault_form import to_form
from tests.cli.conftest import PATIENCE, Ran, Routee, finish, happens, start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_until_it_is_stopped(number: signal.Signals) -> None:
    """The lines that are printed are shell commands that lead to a working sandbox, and Ctrl-C ends it with the status 0."""
    process = await start("sandbox", "--token-life", 60, "--final-after", 0.1)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        lines = [(await process.stdout.readline()).decode() for _ in range(4)]
    values = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
    async with RouteeClient(
        values["ROUTEE_APPLICATION_ID"],
        values["ROUTEE_APPLICATION_SECRET"],
        base_url=values["ROUTEE_BASE_URL"],
        auth_url=values["ROUTEE_AUTH_URL"],
    ) as client:
        sent = await client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Hi"))
        assert sent.tracking_id
    process.send_signal(number)
    ran = await finish(process)
    assert ran.status == 0
    assert "had accepted 1 message." in ran.err


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["shell", "JSON"])
async def test_address(routee: Routee, options: tuple[str, ...]) -> None:
    """The variables are four commands or one JSON object; and a sandbox for the whole network is reached at the loopback."""
    everywhere = ("--host", "0.0.0.0")  # noqa: S104 - it is tested
    run = asyncio.create_task(routee("sandbox", *options, *everywhere, hides_secret=False))
    unwatched = signal.getsignal(signal.SIGINT)
    await happens(lambda: signal.getsignal(signal.SIGINT) is not unwatched)
    os.kill(os.getpid(), signal.SIGINT)
    ran = await run
    assert ran.status == 0
    assert len(ran.out.splitlines()) == (1 if options else 4)
    assert re.search(r'^export ROUTEE_BASE_URL=http://127\.0\.0\.1:|^{"ROUTEE_BASE_URL": "http://127\.0\.0\.1:', ran.out)
    assert "had accepted 0 messages." in ran.err


async def test_port_taken(routee: Routee) -> None:
    """A port that is taken is told as such, with the status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = await routee("sandbox", "--port", taken.getsockname()[1])
    assert ran.status == 1
    assert "choose another --port" in ran.err


async def test_called_wrongly(routee: Routee) -> None:
    """A port that is none gives the status 2."""
    assert (await routee("sandbox", "--port", 70_000)).status == 2


async def stopped(routee: Routee, *options: str) -> Ran:
    """Start a sandbox in this process, stop it, and give what it wrote."""
    unwatched = signal.getsignal(signal.SIGINT)
    run = asyncio.create_task(routee("sandbox", *options, hides_secret=False))
    await happens(lambda: signal.getsignal(signal.SIGINT) is not unwatched)
    os.kill(os.getpid(), signal.SIGINT)
    return await run


async def test_inbox_is_opened(routee: Routee, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--open` the browser is opened at the address that is also printed; without a browser that is said."""
    opened: list[str] = []
    answers = [True, False]

    def open_browser(url: str) -> bool:
        opened.append(url)
        return answers.pop(0)

    monkeypatch.setattr("webbrowser.open", open_browser)
    ran = await stopped(routee, "--open")
    assert f"Inbox: {opened[0]}" in ran.err
    assert opened[0].endswith("/_sandbox/")
    assert "no browser" not in ran.err
    assert "there is no browser that could be opened" in (await stopped(routee, "--open")).err


async def test_options_reach_the_sandbox(routee: Routee, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options mean what they say."""
    given: dict[str, object] = {}
    made: list[Sandbox] = []

    def make(**options: object) -> Sandbox:
        given.update(options)
        made.append(Sandbox(**options))  # type: ignore[arg-type]  # as the command gives them
        return made[0]

    monkeypatch.setattr("routee_async.cli.sandbox.Sandbox", make)
    fault = '{"effect": {"kind": "reset", "accepted": true}, "path": "/sms", "times": 1}'
    hosts = ("--allow-host", "routee", "--allow-host", "sandbox")
    await stopped(routee, "--lean", "--keep", "7", "--scale", "60", *hosts, "--fault", fault)
    assert given["keep_requests"] == 0
    assert given["keep_messages"] == 7
    assert given["scale"] == 60
    assert given["allowed_hosts"] == ("routee", "sandbox")
    assert "open_inbox" not in given
    assert [to_form(entry.fault) for entry in made[0].faults.entries] == [json.loads(fault)]


@pytest.mark.parametrize("fault", ["{", '{"effect": {"kind": "reset"}}', '{"effect": {"kind": "rain"}, "accepted": true}'])
async def test_fault_that_makes_no_sense(routee: Routee, fault: str) -> None:
    """A fault that cannot be read is told with an example, and the status is 2."""
    ran = await routee("sandbox", "--fault", fault)
    assert ran.status == 2
    assert "--fault" in ran.err
    assert '"kind": "reset", "accepted": true' in ran.err
