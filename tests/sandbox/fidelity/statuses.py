"""Rows of the reference about errors and statuses (§3, §4)."""

from routee_async.sandbox import Fault, Magic, Outcome, Timeline, faults
from tests.sandbox.fidelity.kit import row
from tests.sandbox.fidelity.world import LATER, ONE, UNKNOWN_ID, World


@row("3.1", "code of nine digits as a string, and developerMessage")
async def _(world: World) -> None:
    assert (await world.send(to=Magic.NO_BALANCE)).json == {"code": "400001009", "developerMessage": "Insufficient Balance"}


@row("3.2", "entity and properties")
async def _(world: World) -> None:
    assert (await world.send(to="x")).json == {
        "code": "400000000",
        "developerMessage": "Validation Error!",
        "entity": "SmsTracking",
        "properties": {"to": "Invalid mobile number"},
    }


@row("3.3", "errors with inner code 004")
async def _(world: World) -> None:
    assert (await world.create(to=...)).json == {
        "code": "400005000",
        "developerMessage": "SMS contains invalid data",
        "errors": [{"errorCode": "004", "developerMessage": "No recipients are set for the sms"}],
    }


@row("3.4", "entity, property and value")
async def _(world: World) -> None:
    assert (await world.ask("GET", f"/campaigns/{UNKNOWN_ID}")).json == {
        "code": "404009001",
        "developerMessage": f"campaign with trackingId '{UNKNOWN_ID}' was not found!",
        "entity": "campaign",
        "property": "trackingId",
        "value": UNKNOWN_ID,
    }


@row("3.6", "unknown paths")
async def _(world: World) -> None:
    for method, path in (("GET", "/sms/tracking"), ("GET", "/health"), ("POST", "/sms/analyse"), ("GET", "/campaigns")):
        reply = await world.ask(method, path)
        assert (reply.status, reply.json["path"]) == (404, path)


def _status(status: int) -> None:
    @row("3.7", f"HTTP {status} on demand")
    async def _(world: World) -> None:
        world.sandbox.faults.add(Fault(faults.error(status, retry_after="2"), times=1))
        reply = await world.send()
        assert (reply.status, reply.headers["Retry-After"]) == (status, "2")


for _code in (408, 429, 500, 502, 503, 504):
    _status(_code)


def _path(outcome: Outcome, statuses: list[str], detail: str) -> None:
    @row("4.2", f"detailedStatus {detail}")
    async def _(world: World) -> None:
        made = (await world.send(to=Magic[outcome.name])).json["trackingId"]
        seen = []
        for _ in range(4):
            (part,) = await world.track(made)
            seen.append(part["status"]["status"])
            await world.sandbox.advance(1)
        assert list(dict.fromkeys(seen)) == statuses
        assert (await world.track(made))[0]["status"]["reason"]["detailedStatus"] == detail


for _outcome in Outcome:
    if _outcome not in {Outcome.NEVER_FINAL, Outcome.NEVER_SENT}:
        _end = _outcome.value if _outcome in {Outcome.DELIVERED, Outcome.FAILED} else "Undelivered"
        _path(_outcome, ["Queued", _end] if _outcome is Outcome.FAILED else ["Queued", "Sent", _end], _outcome.value)


@row("4.1", "Unsent: not sent for lack of balance; only with campaigns")
async def _(world: World) -> None:
    made = (await world.create(to=[ONE, Magic.NO_BALANCE])).json["trackingId"]
    await world.sandbox.advance(10)
    assert (await world.ask("GET", f"/campaigns/{made}")).json["statuses"]["Unsent"] == 1


@row("4.1", "a final status does not change")
async def _(world: World) -> None:
    made = (await world.send()).json["trackingId"]
    await world.sandbox.advance(10)
    before = await world.track(made)
    await world.sandbox.advance(days=1)
    assert await world.track(made) == before


@row("4.1", "one status a part")
async def _(world: World) -> None:
    made = (await world.send(to=Magic.LAST_PART_UNDELIVERED, body="a" * 161)).json["trackingId"]
    await world.sandbox.advance(10)
    assert [part["status"]["status"] for part in await world.track(made)] == ["Delivered", "Undelivered"]


def _word(word: str, *, stops: bool, first: str = "") -> None:
    @row("4.3", f"the word {word}")
    async def _(world: World) -> None:
        for text in filter(None, (first, word)):
            world.sandbox.inbound(from_=ONE, to="306900000099", body=text)
        made = (await world.send()).json["trackingId"]
        await world.sandbox.advance(10)
        reason = (await world.track(made))[0]["status"]["reason"]["detailedStatus"]
        assert reason == ("Opted-out" if stops else "Delivered")


for _stop in ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"):
    _word(_stop, stops=True)
for _start in ("START", "YES", "UNSTOP"):
    _word(_start, stops=False, first="STOP")
for _help in ("HELP", "INFO"):
    _word(_help, stops=True, first="STOP")


@row("4.4", "Scheduled, Queued, Running, Sent, Finished")
async def _(world: World) -> None:
    world.settings.campaign_rate = 1.0
    world.settings.timeline = Timeline(sent_after=10, final_after=20)
    made = (await world.create(scheduledDate=LATER)).json["trackingId"]
    seen = []
    for seconds in (0, 3600, 10, 1, 10):
        await world.sandbox.advance(seconds)
        seen.append((await world.ask("GET", f"/campaigns/{made}")).json["state"])
    assert seen == ["Scheduled", "Queued", "Running", "Sent", "Finished"]


@row("4.4", "Failed")
async def _(world: World) -> None:
    made = (await world.create(scheduledDate=LATER)).json["trackingId"]
    world.sandbox.campaigns.fail(made)
    assert (await world.ask("GET", f"/campaigns/{made}")).json["state"] == "Failed"
