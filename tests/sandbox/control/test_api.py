"""The control API as a test in any language meets it: every route, over a real socket, with the answers as they are described."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from routee_async.client import RouteeClient
from routee_async.errors import OutcomeUnknownError
from routee_async.models import Callback, CallbackStrategy, Sms
from routee_async.sandbox import Era, Fault, Sandbox, Timeline, faults
from tests.sandbox.control.conftest import Control

TO = "+306970000001"


def sms(to: str = TO, body: str = "Your code is 482913", label: str | None = None) -> Sms:
    """A message."""
    return Sms(to=to, sender_id="ParcelCo", body=body, label=label)


async def test_list_and_search(control: Control, client: RouteeClient) -> None:
    """Messages are listed, the newest first, page by page, and every filter narrows the list down."""
    for number in range(3):
        await client.send(sms(f"+30697000000{number}", body=f"Text {number}", label=f"batch job-{number}"))
    await client.send(Sms(to="+491711234567", sender_id="Bank", body="Grüße ✓"))
    everything = await control("GET", "/messages")
    assert [row["body"] for row in everything["messages"]] == ["Grüße ✓", "Text 2", "Text 1", "Text 0"]
    assert everything["total"] == 4
    page = await control("GET", "/messages", page="1", size="3")
    assert [row["body"] for row in page["messages"]] == ["Text 0"]
    for query, count in (
        ({"to": "306970000001"}, 1),
        ({"sender_id": "Bank"}, 1),
        ({"label": "batch"}, 3),
        ({"label": "job-2"}, 1),
        ({"text": "TEXT"}, 3),
        ({"search": "bank"}, 1),
        ({"search": "job-1"}, 1),
        ({"status": "queued"}, 4),
        ({"status": "Delivered"}, 0),
        ({"direction": "inbound"}, 0),
        ({"campaign": "x"}, 0),
        ({"since": "2020-01-01T00:00:00Z"}, 4),
        ({"until": "1000"}, 0),
    ):
        assert (await control("GET", "/messages", **query))["total"] == count, query
    unicode = everything["messages"][0]
    assert (unicode["encoding"], unicode["unsupported"], unicode["parts"]) == ("UCS-2", ["✓"], 1)


async def test_one_message(control: Control, client: RouteeClient, sandbox: Sandbox) -> None:
    """A message is shown with the timeline of each part, and with the request and the answer, byte by byte but for the token."""
    sent = await client.send(sms(body="x" * 200, label="job-1"))
    shown = await control("GET", f"/messages/{sent.tracking_id}")
    assert [part["status"] for part in shown["timeline"]] == ["Queued", "Queued"]
    assert shown["timeline"][0]["next"] == {
        "status": "Sent",
        "at": None,
        "detailed_status": "Sent",
        "description": "Sent to the network",
    }
    request, answer = shown["exchange"]["request"], shown["exchange"]["response"]
    assert request["method"] == "POST"
    assert '"label":"job-1"' in request["body"]
    assert ["Authorization", "Bearer ****"] in request["headers"]
    assert sent.tracking_id in answer["body"]
    for _ in range(2):
        await client.fetch_tracking(sent.tracking_id)
    part = (await control("GET", f"/messages/{sent.tracking_id}"))["timeline"][0]
    assert [moment["status"] for moment in part["history"]] == ["Queued", "Sent", "Delivered"]
    assert [moment["at"] is None for moment in part["history"]] == [False, True, False]
    assert part["next"] is None
    assert part["final"]
    await control("GET", "/messages/nobody", status=404)
    assert sandbox.journal.sends_accepted == 1


async def test_timeline_by_the_clock() -> None:
    """By the clock each status has its moment, and the next one its time to come."""
    async with Sandbox(clock="manual") as sandbox, aiohttp.ClientSession() as session, sandbox.client() as client:
        control = Control(sandbox, session)
        sent = await client.send(sms("+306999000002"))
        shown = (await control("GET", f"/messages/{sent.tracking_id}"))["timeline"][0]
        assert (shown["next"]["status"], shown["next"]["at"] is None) == ("Failed", False)
        clock = await control("POST", "/clock", json={"advance": 3600})
        shown = (await control("GET", f"/messages/{sent.tracking_id}"))["timeline"][0]
        assert [moment["status"] for moment in shown["history"]] == ["Queued", "Failed"]
        assert clock["scale"] == 0
        assert clock["now"] > shown["history"][1]["at"]


async def test_waiting(control: Control, client: RouteeClient) -> None:
    """A long poll is answered as soon as the message is there, and not at once with an older one that does not fit."""
    await client.send(sms(body="Old"))
    waiting = asyncio.create_task(control("GET", "/messages/latest", to=TO, text="code", timeout="30"))
    await asyncio.sleep(0.01)
    sent = await client.send(sms())
    assert (await waiting)["tracking_id"] == sent.tracking_id
    assert (await control("GET", "/messages/latest"))["tracking_id"] == sent.tracking_id


async def test_waiting_in_vain(control: Control) -> None:
    """When it does not come, the answer is 404 and says how much there is."""
    answer = await control("GET", "/messages/latest", to=TO, timeout="0.01", status=404)
    assert answer["error"] == "no message meets that within 0.01 s; there are 0 in all"
    answer = await control("GET", "/messages/latest", status=404)
    assert answer["error"] == "no message meets that; there are 0 in all"
    await control("GET", "/messages/latest", timeout="61", status=400)


async def test_extract(control: Control, client: RouteeClient) -> None:
    """The code and the link of the newest message are given, or it is said that there are none."""
    await client.send(sms(body="Use 1234 or https://x.example/y."))
    found = await control("GET", "/extract", to=TO)
    assert (found["code"], found["link"]) == ("1234", "https://x.example/y")
    await client.send(sms(body="Hello"))
    assert "neither a code" in (await control("GET", "/extract", to=TO, status=404))["error"]


async def test_seed(control: Control, sandbox: Sandbox) -> None:
    """Messages can be there without having been sent, in the past, too; wrong ones are refused with their place."""
    row = {"to": TO, "sender_id": "ParcelCo", "body": "Seeded"}
    await control("POST", "/messages", json=row)
    seeded = await control("POST", "/messages", json=[{**row, "label": "a", "created_at": "2026-01-14T09:00:00Z"}, row])
    assert seeded["messages"][0]["created_at"].startswith("2026-01-14T09:00:00")
    assert len(sandbox.messages) == 3
    for wrong, said in (
        ([row, 7], "[1]: must be an object"),
        ({**row, "colour": "red"}, "[0].colour: unknown"),
        ({**row, "created_at": "then"}, "[0].created_at: is neither"),
        ({**row, "to": "x"}, "the carrier refuses it"),
    ):
        assert said in (await control("POST", "/messages", json=wrong, status=400))["error"]
    assert len(sandbox.messages) == 3


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[str, list[dict[str, object]]]]:
    """Somebody who is called back: the address, and what was told."""
    told: list[dict[str, object]] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/hook")), told


async def test_inbound(control: Control, receiver: tuple[str, list[dict[str, object]]], sandbox: Sandbox) -> None:
    """A message comes in, is in the list, and is told to the address of its number."""
    url, told = receiver
    row = {"from": TO, "to": "306900000099", "body": "STOP", "callback_url": url}
    shown = await control("POST", "/inbound", json=row)
    assert (shown["direction"], shown["sender_id"], shown["status"]) == ("inbound", TO, "Delivered")
    assert (await control("GET", "/messages", to=TO, direction="inbound"))["total"] == 1
    await sandbox.advance()
    assert [event["message"] for event in told] == ["STOP"]
    (callback,) = (await control("GET", "/callbacks"))["callbacks"]
    assert (callback["kind"], callback["state"]) == ("inbound", "delivered")
    assert callback["attempts"][0]["status"] == 200
    wrongs: list[object] = [{"from": TO}, {"from": TO, "to": "ParcelCo", "body": "x"}, {"from": 7}, {"sender": TO}, [1]]
    for wrong in wrongs:
        await control("POST", "/inbound", json=wrong, status=400)


async def test_callbacks_of_a_message(receiver: tuple[str, list[dict[str, object]]]) -> None:
    """A message shows its callbacks with their answers, and clock time brings them."""
    url, told = receiver
    async with Sandbox(clock="manual") as sandbox, aiohttp.ClientSession() as session, sandbox.client() as client:
        control = Control(sandbox, session)
        callback = Callback(url=url, strategy=CallbackStrategy.ON_CHANGE)
        sent = await client.send(Sms(to=TO, sender_id="ParcelCo", body="Hi", callback=callback))
        await control("POST", "/clock", json={"advance": 10})
        shown = await control("GET", f"/messages/{sent.tracking_id}")
        assert [row["payload"]["status"]["name"] for row in shown["callbacks"]] == ["Queued", "Sent", "Delivered"]
        assert len(told) == 3


async def test_faults(control: Control, client: RouteeClient, sandbox: Sandbox) -> None:
    """A fault can be added, strikes, is counted, and can be ended alone or with all others."""
    form = {"effect": {"kind": "answer", "accepted": True, "status": 500}, "path": "/sms", "label": "job-1", "times": 2}
    added = await control("POST", "/faults", json=form)
    assert (added["number"], added["struck"]) == (1, 0)
    with pytest.raises(OutcomeUnknownError):
        await client.send(sms(label="job-1"))
    await client.send(sms(label="job-2"))
    sandbox.faults.add(Fault(faults.hang(accepted=False), to="+306970000009"))
    rows = (await control("GET", "/faults"))["faults"]
    assert [(row["seen"], row["struck"], row["switch"]) for row in rows] == [(1, 1, None), (0, 0, None)]
    assert sandbox.journal.sends_accepted == 2
    (request, *_) = [row for row in (await control("GET", "/requests"))["requests"] if row["fault"]]
    assert (request["fault"], request["response"]["status"]) == ("answer", 500)
    assert len((await control("DELETE", "/faults/1"))["faults"]) == 1
    await control("DELETE", "/faults/1", status=404)
    assert (await control("DELETE", "/faults"))["faults"] == []
    await control("POST", "/faults", json={"effect": {"kind": "close"}}, status=400)
    async with control.session.post(f"{sandbox.base_url}/_sandbox/faults", data=b"{") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"] == "the body is not JSON"


async def test_switches(control: Control, sandbox: Sandbox) -> None:
    """A switch is turned on by name, with how often it strikes, and off again."""
    listed = (await control("GET", "/switches"))["switches"]
    assert all(row["share"] is None for row in listed)
    assert (await control("PUT", "/switches/no-balance"))["share"] == "always"
    assert (await control("PUT", "/switches/no-balance", json={"share": "often"}))["share"] == "often"
    assert (await control("GET", "/faults"))["faults"][0]["switch"] == "no-balance"
    assert (await control("DELETE", "/switches/no-balance"))["share"] is None
    assert not sandbox.faults
    await control("PUT", "/switches/nothing", status=404)
    await control("PUT", "/switches/no-balance", json={"share": "never"}, status=400)


async def test_clock(control: Control) -> None:
    """Time can be put forward, and made to pass faster or not at all."""
    before = await control("GET", "/clock")
    assert before["scale"] == 1
    after = await control("POST", "/clock", json={"advance": 86_400, "scale": 0})
    assert after["scale"] == 0
    assert after["now"][:10] > before["now"][:10]
    assert (await control("POST", "/clock", json={}))["now"] == (await control("GET", "/clock"))["now"]
    for wrong in ({"advance": -1}, {"scale": "x"}, {"advance": True}, {"hours": 1}):
        await control("POST", "/clock", json=wrong, status=400)


async def test_foreign_clock() -> None:
    """A clock of somebody else cannot be moved, which is said."""
    async with Sandbox(clock=lambda: 1_790_000_000.0) as sandbox, aiohttp.ClientSession() as session:
        control = Control(sandbox, session)
        for wanted in ({"advance": 1}, {"scale": 2}):
            assert "a clock of yours" in (await control("POST", "/clock", json=wanted, status=409))["error"]


async def test_faster_time_wakes_what_waits() -> None:
    """When time begins to pass faster, what is due soon happens soon."""
    async with Sandbox(scale=0.001) as sandbox, aiohttp.ClientSession() as session, sandbox.client() as client:
        control = Control(sandbox, session)
        sent = await client.send(sms())
        await control("POST", "/clock", json={"scale": 1_000_000})
        found = await control("GET", "/messages/latest", status="Delivered", timeout="30")
        assert found["tracking_id"] == sent.tracking_id


async def test_counters(control: Control, client: RouteeClient) -> None:
    """The truth: what was accepted how often, with a label or without."""
    for _ in range(2):
        await client.send(sms(label="job-1"))
        await client.send(sms(body="Unlabelled"))
    counted = await control("GET", "/counters")
    assert counted["sends_accepted"] == counted["sends_received"] == 4
    assert counted["labels"] == counted["duplicates"] == {"job-1": 2}
    assert counted["unlabelled_duplicates"] == [{"to": TO, "sender_id": "ParcelCo", "body": "Unlabelled", "count": 2}]
    assert counted["requests"]["POST /sms"] == 4
    assert "GET /_sandbox/counters" not in counted["requests"]


async def test_settings(control: Control, sandbox: Sandbox) -> None:
    """How the carrier behaves can be seen and changed."""
    assert (await control("GET", "/settings"))["timeline"]["reads"] == 1
    changed = await control("PATCH", "/settings", json={"shape": "2016", "timeline": {"reads": 3}})
    assert changed["shape"] == "2016"
    assert sandbox.carrier.settings.shape is Era.OLD
    assert sandbox.carrier.settings.timeline == Timeline(reads=3)
    await control("PATCH", "/settings", json={"shape": 7}, status=400)


async def test_magic_and_reset(control: Control, client: RouteeClient, sandbox: Sandbox) -> None:
    """The magic numbers are listed; a reset forgets messages, requests and faults."""
    assert (await control("GET", "/magic"))["numbers"][0]["number"] == "+306999000000"
    await client.send(sms())
    sandbox.faults.add(Fault(faults.error(500)))
    assert await control("POST", "/reset") == {}
    assert (await control("GET", "/messages"))["total"] == 0
    assert (await control("GET", "/requests"))["total"] == 0
    assert not sandbox.faults


async def test_wrong_addresses(control: Control, sandbox: Sandbox) -> None:
    """What is not there is 404, a method that does not go is 405 and tells those that do; neither counts as a request to Routee."""
    assert "openapi.json" in (await control("GET", "/nothing", status=404))["error"]
    answer = await control("DELETE", "/messages", status=405)
    assert answer["error"] == "/_sandbox/messages takes GET, POST"
    async with control.session.head(f"{sandbox.base_url}/_sandbox/messages") as head:
        assert head.status == 200
    assert sandbox.journal.requests.total() == 0


async def test_nothing_is_kept_if_lean() -> None:
    """With no copies of requests, messages are there all the same."""
    async with Sandbox(keep_requests=0) as sandbox, aiohttp.ClientSession() as session, sandbox.client() as client:
        sent = await client.send(sms())
        assert (await Control(sandbox, session)("GET", f"/messages/{sent.tracking_id}"))["exchange"] is None
