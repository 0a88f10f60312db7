"""Rows of the reference about campaigns (§2.4 to §2.8)."""

from collections.abc import Callable
from typing import Any

from tests.sandbox.fidelity import scenes
from tests.sandbox.fidelity.kit import ROWS, fields, limits, refusal, row, unknown
from tests.sandbox.fidelity.world import (
    ABSENT,
    CAMPAIGN,
    LATER,
    MILLISECONDS,
    ONE,
    SECONDS,
    TWO,
    UNKNOWN_ID,
    UUID,
    Reply,
    World,
)

HOOK = {"url": "http://127.0.0.1:1/", "strategy": "OnChange"}
BAD_HOOKS = [{"url": "http://127.0.0.1:1/"}, {"strategy": "OnChange"}, {"url": "ftp://a/", "strategy": "OnChange"}, "http://a/"]

ROWS += limits(
    "2.4",
    "/sms/campaign",
    CAMPAIGN,
    {
        "to": (
            [[ONE], [ONE[1:]], [f"+3069{number:08}" for number in range(30_000)]],
            [ONE, [7], [f"+3069{n:08}" for n in range(30_001)]],
        ),
        "contacts": ([[]], ["a", [7]]),
        "groups": ([[], ["unknown"]], ["a", [7]]),
        "from": (["A"], ["", ...]),
        "body": (["[~firstName]"], ["", ...]),
        "scheduledDate": ([LATER, "2026-09-21T17:13:20+02:00", 1_790_003_600, "1790003600"], ["soon", "2026-09-21T15:13:20", []]),
        "campaignName": (["ab", "Spring-offer 2026-03", "a" * 30], ["a", "a" * 31, "Spring_offer", "Προσφορά"]),
        "flash": ([True], ["yes"]),
        "respectQuietHours": ([True], [1]),
        "callback": ([HOOK], BAD_HOOKS),
        "campaignCallback": ([HOOK], BAD_HOOKS),
        "reminder": (
            [{"to": [ONE]}, {"minutesBefore": 5, "minutesAfter": "5", "to": [ONE]}],
            [{}, {"minutesBefore": 5}, {"to": [ONE], "minutesBefore": "soon"}],
        ),
        "fallbackValues": ([{"firstName": "friend"}], ["friend", ["friend"], {"firstName": 1}]),
        "ttl": ([1, 4320], [0, 4321]),
        "allowInvalid": ([True], ["true"]),
        "urlShortener": ([{}], [{"urlValidity": 1}]),
        "restrictions": ([{}], [1]),
        "transcode": ([True], [1]),
    },
)
ROWS += fields(
    "2.4",
    scenes.campaign,
    {
        "trackingId": UUID,
        "type": "Sms",
        "state": "Scheduled",
        "createdAt": MILLISECONDS,
        "scheduledDate": LATER,
        "endedAt": ABSENT,
        "campaignName": "Spring-offer 2026",
        "from": "ParcelCo",
        "body": "Hi [~firstName]",
        "to": [ONE, TWO],
        "contacts": (str,),
        "groups": ["vip"],
        "flash": False,
        "respectQuietHours": False,
        "fallbackValues": {"firstName": "friend"},
        "statuses": {"Queued": 0, "Sent": 0, "Unsent": 0, "Failed": 0, "Delivered": 0, "Undelivered": 0},
        "callback.strategy": "OnChange",
        "campaignCallback.strategy": "OnChange",
        "reminder": {"minutesBefore": 5, "to": [TWO]},
        "cost": 0.0,
        "totalMessages": 3,
        "smsAnalysis.numberOfRecipients": 3,
        "smsAnalysis.recipientsPerCountry": {"GR": 2, "ES": 1},
        "smsAnalysis.recipientCountries": {ONE: "GR", TWO: "GR"},
        "smsAnalysis.recipientsPerGroup": {"vip": 1},
        "smsAnalysis.totalInGroups": 0,
        "smsAnalysis.bodyAnalysis": {"parts": 1, "unicode": False, "characters": 15},
        "label": ABSENT,
    },
)
ROWS += fields(
    "2.4",
    scenes.plain_campaign,
    {"state": "Queued"}
    | dict.fromkeys(
        ("scheduledDate", "campaignName", "contacts", "groups", "fallbackValues", "callback", "campaignCallback", "reminder"),
        ABSENT,
    ),
)


@row("2.4", "smsAnalysis: contacts")
async def _(world: World) -> None:
    contact = world.sandbox.contacts.add("+34600000002", blacklisted=["Sms"])
    analysis = (await world.create(contacts=[contact.id])).json["smsAnalysis"]
    assert analysis["contacts"] == {contact.id: {"recipient": "+34600000002", "recipientCountry": "ES", "blacklisted": True}}
    assert analysis["numberOfRecipients"] == 2


@row("2.4", "placeholders are filled from labels, else from fallback values")
async def _(world: World) -> None:
    contact = world.sandbox.contacts.add("+34600000002", labels={"city": "Palma"})
    await world.create(contacts=[contact.id], body="In [~city]", fallbackValues={"city": "Athens"})
    bodies = {one["to"]: one["body"] for one in (await world.search())["content"]}
    assert bodies == {ONE: "In Athens", TWO: "In Athens", "+34600000002": "In Palma"}


@row("2.4", "allowInvalid drops invalid numbers")
async def _(world: World) -> None:
    assert (await world.create(to=[ONE, "x"], allowInvalid=True)).json["to"] == [ONE]


@row("2.4", "smsCallback is ignored")
async def _(world: World) -> None:
    await world.create(smsCallback=world.receiver.hook())
    await world.sandbox.advance(10)
    assert world.receiver.told == []


@row("2.4", "quiet hours hold messages")
async def _(world: World) -> None:
    await world.sandbox.advance(hours=7)  # 21:13 UTC, past midnight in Athens
    made = (await world.create(respectQuietHours=True, to=[ONE, "+12025550100"])).json["trackingId"]
    await world.sandbox.advance(60)
    statuses = (await world.ask("GET", f"/campaigns/{made}")).json["statuses"]
    assert (statuses["Queued"], statuses["Delivered"]) == (1, 1)
    await world.sandbox.advance(hours=9)
    assert (await world.ask("GET", f"/campaigns/{made}")).json["state"] == "Finished"


@row("2.4", "a test message before and after")
async def _(world: World) -> None:
    await world.create(scheduledDate=LATER, reminder={"minutesBefore": 10, "minutesAfter": 10, "to": ["+306970000009"]})
    await world.sandbox.advance(hours=2)
    assert [one["to"][-1] for one in (await world.search())["content"]] == ["9", "1", "2", "9"]


async def _no_recipients(world: World) -> Reply:
    return await world.create(to=[])


async def _name_taken(world: World) -> Reply:
    await world.create(campaignName="offer")
    return await world.create(campaignName="offer")


async def _all_blacklisted(world: World) -> Reply:
    contact = world.sandbox.contacts.add("+34600000002", blacklisted=["Sms"])
    return await world.create(to=..., contacts=[contact.id])


async def _no_money(world: World) -> Reply:
    world.sandbox.application.account.balance *= 0
    return await world.create()


async def _campaign_without_right(world: World) -> Reply:
    world.sandbox.application.permissions = ()
    return await world.create()


ROWS += [
    refusal("2.4", "balance too low", _no_money, 400, "400001009"),
    refusal("2.4", "no recipients", _no_recipients, 400, "400005000"),
    refusal("2.4", "bad sender", lambda world: world.create(**{"from": "Παρσελ"}), 400, "400005000"),
    refusal("2.4", "name taken", _name_taken, 409, "409009003"),
    refusal("2.4", "recipients empty", _all_blacklisted, 400, "400009004"),
    refusal("2.4", "unknown contact", lambda world: world.create(contacts=["f" * 24]), 404, "404002001"),
    refusal("2.4", "invalid number", lambda world: world.create(to=[ONE, "x"]), 400, "400000000"),
    refusal("2.4", "no right", _campaign_without_right, 403, "403000000"),
]


@row("2.5", "the smsAnalysis object at top level, no cost; further fields are ignored")
async def _(world: World) -> None:
    payload = {**CAMPAIGN, "groups": ["vip"], "ttl": "x", "campaignName": "_"}
    reply = await world.ask("POST", "/sms/analyze/campaign", payload)
    keys = {"numberOfRecipients", "recipientsPerCountry", "recipientCountries", "contacts", "recipientsPerGroup", "totalInGroups"}
    assert (reply.status, set(reply.json)) == (200, keys | {"bodyAnalysis"})
    assert reply.json["recipientsPerGroup"] == {"vip": 0}


def _analyze_campaign(**payload: object) -> Callable[[World], Any]:
    return lambda world: world.ask("POST", "/sms/analyze/campaign", {"from": "A", "body": "b", **payload})


def _put_unknown(world: World) -> Any:  # noqa: ANN401 - awaited by the row
    return world.ask("PUT", f"/sms/{UNKNOWN_ID}", CAMPAIGN)


def _delete_unknown(world: World) -> Any:  # noqa: ANN401 - awaited by the row
    return world.ask("DELETE", f"/sms/{UNKNOWN_ID}")


def _change(method: str, *, first: dict[str, object], then: dict[str, object]) -> Callable[[World], Any]:
    async def scene(world: World) -> Reply:
        await world.create(campaignName="taken")
        made = (await world.create(**first)).json["trackingId"]
        if then.pop("broke", False):
            world.sandbox.application.account.balance *= 0
        return await world.ask(method, f"/sms/{made}", CAMPAIGN | then)

    return scene


_DATED: dict[str, object] = {"scheduledDate": LATER, "campaignName": "mine"}
ROWS += [
    refusal("2.5", "no recipients", _analyze_campaign(), 400, "400005000"),
    refusal("2.5", "unknown contact", _analyze_campaign(contacts=["f" * 24]), 404, "404002001"),
    refusal("2.6", "unknown id", unknown("/campaigns/"), 404, "404009001"),
    refusal("2.7", "no such campaign", _put_unknown, 404, "404009001"),
    refusal("2.7", "not Scheduled", _change("PUT", first={}, then={}), 400, "400009002"),
    refusal("2.7", "balance too low", _change("PUT", first=_DATED, then={"broke": True}), 400, "400001009"),
    refusal("2.7", "bad sender", _change("PUT", first=_DATED, then={"from": "Παρσελ"}), 400, "400005000"),
    refusal("2.7", "recipients empty", _change("PUT", first=_DATED, then={"to": [], "groups": ["nobody"]}), 400, "400009004"),
    refusal("2.7", "name of another", _change("PUT", first=_DATED, then={"campaignName": "taken"}), 409, "409009003"),
    refusal("2.7", "unknown contact", _change("PUT", first=_DATED, then={"contacts": ["f" * 24]}), 404, "404002001"),
    refusal("2.8", "unknown id", _delete_unknown, 404, "404009001"),
    refusal("2.8", "not Scheduled", _change("DELETE", first={}, then={}), 400, "400009002"),
    refusal("2.8", "without an id", lambda world: world.ask("DELETE", "/sms/"), 500, "500"),
]
ROWS += fields(
    "2.6",
    scenes.finished_campaign,
    {
        "state": "Finished",
        "statuses": {"Queued": 0, "Sent": 0, "Unsent": 0, "Failed": 0, "Delivered": 1, "Undelivered": 1},
        "endedAt": SECONDS,
        "cost": 0.064,
    },
)


@row("2.6", "not visible at once")
async def _(world: World) -> None:
    world.settings.visibility_delay = 1.0
    path = f"/campaigns/{(await world.create()).json['trackingId']}"
    early = (await world.ask("GET", path)).status
    await world.sandbox.advance(1)
    assert (early, (await world.ask("GET", path)).status) == (404, 200)


@row("2.7", "full replacement")
async def _(world: World) -> None:
    made = (await world.create(scheduledDate=LATER, campaignName="mine", fallbackValues={"a": "b"})).json["trackingId"]
    reply = await world.ask("PUT", f"/sms/{made}", CAMPAIGN | {"scheduledDate": LATER, "body": "New"})
    assert (reply.status, reply.json["trackingId"], reply.json["body"]) == (200, made, "New")
    assert not {"campaignName", "fallbackValues"} & set(reply.json)


@row("2.7", "without scheduledDate it goes out at once")
async def _(world: World) -> None:
    made = (await world.create(scheduledDate=LATER)).json["trackingId"]
    assert (await world.ask("PUT", f"/sms/{made}", CAMPAIGN)).json["state"] == "Queued"
    assert (await world.search())["totalElements"] == 2


@row("2.8", "200 with an empty body, and then it was never there")
async def _(world: World) -> None:
    made = (await world.create(scheduledDate=LATER)).json["trackingId"]
    reply = await world.ask("DELETE", f"/sms/{made}")
    assert (reply.status, reply.body) == (200, b"")
    for path in (f"/campaigns/{made}", f"/sms/tracking/campaign/{made}"):
        assert (await world.ask("GET", path)).code == "404009001"
