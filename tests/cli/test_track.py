"""Tests of `cli/track.py`."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from routee_async import Ledger, RouteeClient, Sms
from routee_async.sandbox import Magic, Outcome, Sandbox, Timeline
from routee_async.sandbox.networks import LANDS, Land, Network
from tests.cli.conftest import NUMBER, Routee


async def accept(sandbox: Sandbox, *recipients: str, body: str = "Hi") -> Sequence[str]:
    """Have messages accepted, and return their tracking ids."""
    for to in recipients:
        sandbox.carrier.send(sandbox.application, {"from": "ParcelCo", "to": to, "body": body})
    return [message.tracking_id for message in sandbox.journal.accepted]


async def test_delivered(routee: Routee, sandbox: Sandbox) -> None:
    """A delivered message is one line with a masked number, and the status is 0."""
    (tracking_id,) = await accept(sandbox, NUMBER, body="x" * 161)
    ran = await routee("track", tracking_id)
    assert ran.status == 0
    assert ran.out == f"Delivered  {tracking_id}  to +30…67  2 parts  Vodafone GR\n"
    assert ran.err == ""


async def test_json(routee: Routee, sandbox: Sandbox) -> None:
    """Each message is one JSON object, and one that was not delivered makes the status 1."""
    ids = await accept(sandbox, NUMBER, Magic.UNKNOWN_NUMBER)
    ran = await routee("track", *ids, "--json")
    assert ran.status == 1
    shown = {line["tracking_id"]: line for line in ran.lines}
    assert [(shown[tracking_id]["status"], shown[tracking_id]["detailed_status"]) for tracking_id in ids] == [
        ("Delivered", "Delivered"),
        ("Undelivered", "Unknown Number"),
    ]
    (part,) = shown[ids[0]]["parts"]
    assert part["to"] == NUMBER
    assert part["price"] == "0.032"


async def test_time_is_over(routee: Routee, sandbox: Sandbox) -> None:
    """A message that is not final in time is shown as it is, with what to do, and the status is 1."""
    sandbox.carrier.settings.timeline = Timeline(sent_after=0, final_after=1000)
    (tracking_id,) = await accept(sandbox, NUMBER)
    ran = await routee("track", tracking_id, "--timeout", 0.05)
    assert ran.status == 1
    assert ran.out.startswith(f"Sent  {tracking_id}")
    assert "look again later" in ran.err


async def test_not_found(routee: Routee, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that Routee does not know is told with what to do, and the status is 1."""
    monkeypatch.setattr("routee_async.cli.track._NOT_FOUND_AFTER", 0.05)
    ran = await routee("track", "no-such-id")
    assert ran.status == 1
    assert ran.out == ""
    assert "no-such-id" in ran.err
    assert "check the tracking id" in ran.err


async def test_received_text_is_escaped(routee: Routee, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from outside cannot steer the terminal."""
    monkeypatch.setitem(LANDS, "GR", Land("202", "Europe", (Network("\x1b[2J[red]", "01"),)))
    (tracking_id,) = await accept(sandbox, NUMBER)
    ran = await routee("track", tracking_id)
    assert "\\x1b[2J[red] GR" in ran.out
    assert "\x1b" not in ran.out


async def test_nothing_to_track(routee: Routee) -> None:
    """Without an id the status is 2."""
    ran = await routee("track")
    assert ran.status == 2
    assert "routee track --help" in ran.err


async def test_parts_that_end_differently(routee: Routee, sandbox: Sandbox) -> None:
    """The reason that is shown is that of a part which decides the status of the whole."""
    sandbox.carrier.script(Outcome.DELIVERED, Outcome.ROAMING, to=NUMBER)
    (tracking_id,) = await accept(sandbox, NUMBER, body="x" * 161)
    ran = await routee("track", tracking_id)
    assert ran.out.startswith("Undelivered (Roaming)  ")


async def test_a_ledger(routee: Routee, client: RouteeClient, tmp_path: Path) -> None:
    """Following the messages of a ledger notes what became of them, so that the next time nothing is left to follow."""
    ledger = tmp_path / "run.db"
    messages = [Sms(to=to, sender_id="ParcelCo", body="Hi") for to in (NUMBER, NUMBER, Magic.UNKNOWN_NUMBER, Magic.REFUSED)]
    async for _ in client.send_many(messages, ledger=Ledger(ledger)):
        pass
    ran = await routee("track", "--ledger", ledger, "--json")
    assert ran.status == 1
    assert sorted(line["status"] for line in ran.lines) == ["Delivered", "Delivered", "Undelivered"]
    assert Ledger(ledger).summary().statuses == {"Delivered": 2, "Undelivered": 1}
    again = await routee("track", "--ledger", ledger)
    assert (again.status, again.out) == (0, "")
    assert "on its way" in again.err


@pytest.mark.parametrize("arguments", [("--ledger", "no-such.db"), ("some-id", "--ledger", "run.db")], ids=["no file", "both"])
async def test_a_wrong_ledger(routee: Routee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    """A ledger that is not there is not made, and one beside ids is refused."""
    monkeypatch.chdir(tmp_path)
    ran = await routee("track", *arguments)
    assert ran.status != 0
    assert "db" in ran.err
    assert not os.listdir(tmp_path)  # noqa: PTH208 - without blocking
