"""Rows of the reference about text, limits and choices (§6 to §10)."""

from collections.abc import Callable
from typing import Any

from routee_async.sandbox import Era
from tests.sandbox.fidelity import scenes
from tests.sandbox.fidelity.kit import row
from tests.sandbox.fidelity.world import (
    ABSENT,
    CAMPAIGN,
    ONE,
    SMS,
    TWO,
    World,
)


def _text(section: str, name: str, body: str, expected: dict[str, object]) -> None:
    @row(section, name)
    async def _(world: World) -> None:
        analysis = (await world.send(body=body)).json["bodyAnalysis"]
        assert {key: analysis.get(key, ABSENT) for key in expected} == expected


for _label, _body, _parts, _unicode in (
    ("GSM: 160 in one part", "a" * 160, 1, False),
    ("GSM: 153 in each of several", "a" * 161, 2, False),
    ("GSM: 306 in two", "a" * 306, 2, False),
    ("GSM: 307 in three", "a" * 307, 3, False),
    ("extension characters take two", "€" * 80, 1, False),
    ("extension characters take two, several parts", "€" * 81, 2, False),
    ("an extension pair is not cut at the border", "a" * 152 + "€" + "a" * 153, 3, False),
    ("unicode: 70 in one part", "ж" * 70, 1, True),
    ("unicode: 67 in each of several", "ж" * 71, 2, True),
    ("unicode: 135 in three", "ж" * 135, 3, True),
    ("an emoji takes two units", "😀" * 35, 1, True),
    ("an emoji is not cut at the border", "ж" * 66 + "😀" + "ж" * 66, 3, True),
):
    _text("6.1", _label, _body, {"parts": _parts, "unicode": _unicode, "characters": len(_body)})
_BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡AZÄÖÑÜ§¿azäöñüà"
_text("6.2", "the basic set", _BASIC, {"unicode": False, "unsupportedGSMCharacters": ABSENT, "transcode": ABSENT})
_text("6.2", "the extension", "\f^{}\\[~]|€", {"unicode": False, "parts": 1})
for _outside in "`ç“…–\t\u00a0αΑ":
    _text("6.2", f"not in it: U+{ord(_outside):04X}", f"a{_outside}", {"unicode": True, "unsupportedGSMCharacters": [_outside]})
_text("6.3", "Greek becomes look-alikes", "καλημέρα Έλλη", {"transcode": {"message": "KAΛHMEPA EΛΛH", "parts": 1}})
_text("6.4", "no transcode where it is not complete", "αж", {"transcode": ABSENT, "unsupportedGSMCharacters": ["α", "ж"]})


@row("7.2", "no endpoint takes many messages")
async def _(world: World) -> None:
    assert (await world.ask("POST", "/sms", [SMS, SMS])).code == "400000000"


@row("7.3", "the same body twice sends and charges twice; labels need not be unique")
async def _(world: World) -> None:
    ids = {(await world.send(label="a")).json["trackingId"] for _ in range(2)}
    assert (len(ids), (await world.search())["totalElements"]) == (2, 2)
    assert (await world.ask("GET", "/accounts/me/balance")).json["balance"] == 99999.936


@row("7.3", "a campaign that was named is found by its name")
async def _(world: World) -> None:
    made = (await world.create(campaignName="offer")).json["trackingId"]
    page = await world.search({"fieldName": "campaign", "searchTerm": "offer"})
    assert {one["campaignTrackingId"] for one in page["content"]} == {made}


@row("8 #1", "an empty array for what is not visible yet, if so set")
async def _(world: World) -> None:
    world.settings.visibility_delay, world.settings.unseen_as_empty = 1.0, True
    assert await world.track((await world.send()).json["trackingId"]) == []


@row("8 #8", "labels of 20 characters, if so set")
async def _(world: World) -> None:
    world.settings.max_label = 20
    assert [(await world.send(label="a" * length)).status for length in (20, 21)] == [200, 400]


@row("8", "duplicates in `to` are merged")
async def _(world: World) -> None:
    made = (await world.create(to=[ONE, ONE[1:], TWO])).json
    assert (made["totalMessages"], made["smsAnalysis"]["numberOfRecipients"]) == (2, 2)


@row("10.2", "token, right, shape, sender and recipients, name, balance: the first that is wrong is told")
async def _(world: World) -> None:
    await world.create(campaignName="taken")
    world.sandbox.application.permissions = ()
    world.sandbox.application.account.balance *= 0
    wrong: dict[str, object] = {"ttl": 0, "from": "Παρσελ", "campaignName": "taken"}
    seen = [str((await world.ask("POST", "/sms/campaign", {**CAMPAIGN, **wrong}, Authorization="Bearer x")).status)]
    seen.append((await world.create(**wrong)).code)
    world.sandbox.application.permissions = ("MT_ROLE_SMS",)
    for name, right in (("ttl", 1), ("from", "A"), ("campaignName", "free"), ("ttl", 1)):
        seen.append((await world.create(**wrong)).code)
        wrong[name] = right
    assert seen == ["401", "403000000", "400000000", "400005000", "409009003", "400001009"]


@row("10.3", "the balance falls by price and parts at acceptance; campaign messages without money are Unsent")
async def _(world: World) -> None:
    account = world.sandbox.application.account
    await world.send(body="a" * 161)
    assert float(account.balance) == 99999.936
    account.balance = account.price
    made = (await world.create()).json["trackingId"]
    await world.sandbox.advance(10)
    statuses = (await world.ask("GET", f"/campaigns/{made}")).json["statuses"]
    assert (statuses["Delivered"], statuses["Unsent"], float(account.balance)) == (1, 1, 0.0)


def _old(name: str, check: Callable[[World], Any]) -> None:
    @row("10.10", f"2016: {name}")
    async def _(world: World) -> None:
        world.settings.shape = Era("2016")
        assert await check(world)


async def _old_item(world: World) -> bool:
    item = await scenes.item(world)
    return "part" not in item and set(item["status"]) == {"status", "date"} and "smsId" in item


async def _old_callback(world: World) -> bool:
    told = await scenes.message_callback(world)
    return not {"smsId", "part"} & set(told) and set(told["status"]) == {"name", "updatedDate"}


async def _old_campaign(world: World) -> bool:
    return "Unsent" not in (await scenes.plain_campaign(world))["statuses"]


async def _old_campaign_item(world: World) -> bool:
    item = await scenes.campaign_item(world)
    return item["campaignName"] == "offer" and "campaignTrackingId" not in item


_old("no part and no reason in tracking", _old_item)
_old("no smsId, part or reason in callbacks", _old_callback)
_old("no counter of the unsent", _old_campaign)
_old("no id of the campaign in tracking", _old_campaign_item)
