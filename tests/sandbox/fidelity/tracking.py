"""Rows of the reference about tracking and search (§2.9 to §2.12)."""

from tests.sandbox.fidelity import scenes
from tests.sandbox.fidelity.kit import ROWS, fields, refusal, row, unknown
from tests.sandbox.fidelity.world import ABSENT, LATER, ONE, SECONDS, TWO, UUID, Reply, World

ROWS += fields(
    "2.9",
    scenes.item,
    {
        "smsId": UUID,
        "messageId": UUID,
        "to": ONE,
        "from": "ParcelCo",
        "groups": [],
        "country": "GR",
        "operator": str,
        "status.status": "Delivered",
        "status.date": SECONDS,
        "status.reason": {"detailedStatus": "Delivered", "description": "Delivered to the handset"},
        "body": "a" * 161,
        "applicationName": "default",
        "originatingService": "Sms",
        "latency": 2,
        "parts": 2,
        "part": 2,
        "price": 0.032,
        "label": "job-1",
        "campaignName": ABSENT,
        "campaignTrackingId": ABSENT,
        "direction": "Outbound",
    },
)
ROWS += fields("2.9", scenes.queued_item, {"label": ABSENT, "status.reason": ABSENT, "status.status": "Queued"})
ROWS += fields("2.9", scenes.campaign_item, {"campaignName": "offer", "campaignTrackingId": UUID, "label": ABSENT})


@row("2.9", "groups of the recipient")
async def _(world: World) -> None:
    contact = world.sandbox.contacts.add("+34600000002", groups=["vip"])
    await world.create(to=..., contacts=[contact.id])
    assert (await world.search())["content"][0]["groups"] == ["All", "vip"]


@row("2.9", "an array with an object for each part, ids as documented")
async def _(world: World) -> None:
    made = (await world.send(body="a" * 307)).json["trackingId"]
    items = await world.track(made)
    assert [one["part"] for one in items] == [1, 2, 3]
    assert {one["messageId"] for one in items} == {made}
    assert len({one["smsId"] for one in items} | {made}) == 4


async def _fresh(world: World) -> Reply:
    world.settings.visibility_delay = 1.0
    made = (await world.send()).json["trackingId"]
    return await world.ask("GET", f"/sms/tracking/single/{made}")


ROWS += [
    refusal("2.9", "tracking not found", unknown("/sms/tracking/single/"), 404, "404005000"),
    refusal("2.9", "not visible yet", _fresh, 404, "404005000"),
    refusal("2.10", "unknown campaign", unknown("/sms/tracking/campaign/"), 404, "404009001"),
]
ROWS += fields(
    "2.10",
    scenes.page,
    {
        "content": (dict,),
        "totalPages": 2,
        "totalElements": 3,
        "numberOfElements": 1,
        "first": False,
        "last": True,
        "size": 2,
        "number": 1,
    },
)


@row("2.10", "page 0 and size 20 unless told, size at most 2000")
async def _(world: World) -> None:
    made = (await world.create(to=[f"+30697000{number:04}" for number in range(21)])).json["trackingId"]
    seen = [
        (await world.ask("GET", f"/sms/tracking/campaign/{made}{query}")).json
        for query in ("", "?size=2001", "?size=2000", "?page=1", "?size=0&page=x")
    ]
    assert [(one["number"], one["size"], one["numberOfElements"]) for one in seen] == [
        (0, 20, 20),
        (0, 2000, 21),
        (0, 2000, 21),
        (1, 20, 1),
        (0, 20, 20),
    ]
    world.settings.refuse_large_pages = True
    assert (await world.ask("GET", f"/sms/tracking/campaign/{made}?size=2001")).code == "400000000"


@row("2.10", "sort by a field, with a direction")
async def _(world: World) -> None:
    made = (await world.create()).json["trackingId"]
    reply = await world.ask("GET", f"/sms/tracking/campaign/{made}?sort=to,desc")
    assert [one["to"] for one in reply.json["content"]] == [TWO, ONE]


@row("2.10", "messages that are not written yet give an empty page")
async def _(world: World) -> None:
    made = (await world.create(scheduledDate=LATER)).json["trackingId"]
    page = (await world.ask("GET", f"/sms/tracking/campaign/{made}")).json
    assert (page["content"], page["totalElements"], page["last"]) == ([], 0, True)


@row("2.11", "dateStart and dateEnd, with minutes only, with zones, or left out")
async def _(world: World) -> None:
    await world.send()
    for query, found in (
        ("", 1),
        ("?dateStart=2026-09-21T14:13Z&dateEnd=2026-09-21T14:14Z", 1),
        ("?dateStart=2026-09-21T17:13%2B03:00&dateEnd=2026-09-21T14:14Z", 1),
        ("?dateStart=2026-09-21T14:14Z&dateEnd=2026-09-21T14:15Z", 0),
    ):
        assert (await world.search(query=query))["totalElements"] == found, query


@row("2.11", "the latest seven days only")
async def _(world: World) -> None:
    await world.send()
    await world.sandbox.advance(days=7, minutes=2)
    assert (await world.search())["totalElements"] == 0
    assert (await world.search(query="?dateStart=2026-09-21T14:13Z&dateEnd=2026-09-28T14:13Z"))["code"] == "400000000"


@row("2.11", "trackingId and campaign in the query")
async def _(world: World) -> None:
    await world.send(to="+306970000009")
    made = (await world.create()).json["trackingId"]
    totals = [
        (await world.search(query=query))["totalElements"]
        for query in ("", f"?trackingId={made}", "?campaign=true", "?trackingId=x")
    ]
    assert totals == [3, 2, 2, 0]


def _searchable(name: str, term: str, found: list[str]) -> None:
    @row("2.11", f"fieldName {name}")
    async def _(world: World) -> None:
        await world.send(label="job-1")
        await world.create(campaignName="offer", to=[TWO])
        world.sandbox.inbound(from_="+306970000003", to="306900000099", body="Hi")
        wanted = term or (await world.search())["content"][0]["smsId"]
        await world.sandbox.advance(1)
        page = await world.search({"fieldName": name, "searchTerm": wanted})
        assert [one["to"] for one in page["content"]] == found


for _name, _term, _found in (
    ("smsId", "", [ONE]),
    ("to", TWO, [TWO]),
    ("status.status", "Sent", [ONE, TWO]),
    ("direction", "Inbound", ["306900000099"]),
    ("label", "job-1", [ONE]),
    ("campaign", "offer", [TWO]),
    ("telepathy", "x", [ONE, TWO, "306900000099"]),
):
    _searchable(_name, _term, _found)


def _operator(name: str | None, term: str, found: list[str]) -> None:
    @row("2.11", f"searchOperator {name}")
    async def _(world: World) -> None:
        for label in ("job-1", "job-2", "mob-1"):
            await world.send(label=label)
        entry = {"fieldName": "label", "searchTerm": term}
        page = await world.search(entry if name is None else entry | {"searchOperator": name})
        assert [one["label"] for one in page["content"]] == found


for _operation, _term, _found in (
    (None, "job-1", ["job-1"]),
    ("is", "job-1", ["job-1"]),
    ("is_not", "job-1", ["job-2", "mob-1"]),
    ("contains", "ob-", ["job-1", "job-2", "mob-1"]),
    ("starts_with", "job", ["job-1", "job-2"]),
    ("ends_with", "-1", ["job-1", "mob-1"]),
):
    _operator(_operation, _term, _found)


@row("2.11", "several filters must all be met")
async def _(world: World) -> None:
    await world.send(label="a")
    await world.send(label="a", to=TWO)
    page = await world.search({"fieldName": "label", "searchTerm": "a"}, {"fieldName": "to", "searchTerm": TWO})
    assert [one["to"] for one in page["content"]] == [TWO]


@row("2.11", "an empty result")
async def _(world: World) -> None:
    assert await world.search() == {
        "content": [],
        "totalPages": 0,
        "totalElements": 0,
        "last": True,
        "numberOfElements": 0,
        "first": True,
        "size": 20,
        "number": 0,
    }


@row("2.12", "countries with their names in the language asked for")
async def _(world: World) -> None:
    greece = [
        next(one for one in (await world.ask("GET", f"/sms/quietHours/countries/{language}")).json if one["code"] == "GR")
        for language in ("en", "el")
    ]
    assert greece[0] == {"code": "GR", "name": "Greece", "localeName": "Ελλάδα", "isoA3Code": "GRC", "supported": True}
    assert greece[1]["name"] == "Ελλάδα"


@row("2.12", "missing language: 404 in the Spring shape")
async def _(world: World) -> None:
    reply = await world.ask("GET", "/sms/quietHours/countries/")
    expected = {"status": 404, "error": "Not Found", "message": "No message available", "path": "/sms/quietHours/countries/"}
    assert (reply.status, reply.json) == (404, expected | {"timestamp": 1_790_000_000_000})
