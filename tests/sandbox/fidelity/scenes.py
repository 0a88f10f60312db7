"""What rows of the reference are checked on: one function makes one answer or callback."""

from typing import Any

from routee_async.sandbox import Magic
from tests.sandbox.fidelity.world import (
    ONE,
    TWO,
    World,
)


async def sent(world: World) -> Any:  # noqa: ANN401 - JSON
    """The answer to a message with every option."""
    options = {"flash": True, "label": "job-1", "ttl": 240, "urlShortener": {"urlValidity": 3600}}
    return (await world.send(**options, callback=world.receiver.hook(), to=ONE[1:], body="See https://a.example/1 now")).json


async def plain(world: World) -> Any:  # noqa: ANN401 - JSON
    """The answer to a message without options."""
    return (await world.send()).json


async def item(world: World) -> Any:  # noqa: ANN401 - JSON
    """The second part of a delivered message of two parts."""
    answer = (await world.send(label="job-1", body="a" * 161)).json
    await world.sandbox.advance(10)
    return (await world.track(answer["trackingId"]))[1]


async def queued_item(world: World) -> Any:  # noqa: ANN401 - JSON
    """A message that is still queued."""
    return (await world.track((await world.send()).json["trackingId"]))[0]


async def campaign(world: World) -> Any:  # noqa: ANN401 - JSON
    """The answer to a campaign with every option."""
    contact = world.sandbox.contacts.add("+34600000002", first_name="Ana", groups=["vip"])
    world.sandbox.contacts.add("+34600000003", groups=["vip"], blacklisted=["Sms"])
    reply = await world.create(
        campaignName="Spring-offer 2026",
        contacts=[contact.id],
        groups=["vip"],
        scheduledDate="2026-09-21T17:13:20+02:00",
        body="Hi [~firstName]",
        fallbackValues={"firstName": "friend"},
        callback=world.receiver.hook(),
        campaignCallback=world.receiver.hook(),
        reminder={"minutesBefore": 5, "to": [TWO]},
        ttl=60,
    )
    return reply.json


async def plain_campaign(world: World) -> Any:  # noqa: ANN401 - JSON
    """The answer to a campaign without options."""
    return (await world.create()).json


async def finished_campaign(world: World) -> Any:  # noqa: ANN401 - JSON
    """A campaign that is over."""
    made = (await world.create(to=[ONE, Magic.ROAMING])).json
    await world.sandbox.advance(10)
    return (await world.ask("GET", f"/campaigns/{made['trackingId']}")).json


async def campaign_item(world: World) -> Any:  # noqa: ANN401 - JSON
    """A message of a campaign."""
    made = (await world.create(campaignName="offer")).json
    await world.sandbox.advance(10)
    return (await world.ask("GET", f"/sms/tracking/campaign/{made['trackingId']}")).json["content"][0]


async def page(world: World) -> Any:  # noqa: ANN401 - JSON
    """The second page of three messages of a campaign, two on each."""
    made = (await world.create(to=[ONE, TWO, "+306970000003"])).json
    return (await world.ask("GET", f"/sms/tracking/campaign/{made['trackingId']}?page=1&size=2")).json


async def message_callback(world: World) -> Any:  # noqa: ANN401 - JSON
    """The last callback about a message."""
    await world.send(label="job-1", callback=world.receiver.hook(), to=Magic.EXPIRED)
    await world.sandbox.advance(10)
    return world.receiver.told[-1]


async def campaign_message_callback(world: World) -> Any:  # noqa: ANN401 - JSON
    """The last callback about a message of a campaign."""
    await world.create(campaignName="offer", callback=world.receiver.hook())
    await world.sandbox.advance(10)
    return world.receiver.told[-1]


async def campaign_callback(world: World) -> Any:  # noqa: ANN401 - JSON
    """The last callback about a campaign."""
    await world.create(campaignName="offer", campaignCallback=world.receiver.hook(), to=[ONE, Magic.ROAMING])
    await world.sandbox.advance(10)
    return world.receiver.told[-1]


async def inbound_callback(world: World) -> Any:  # noqa: ANN401 - JSON
    """The callback about a message that came in."""
    world.sandbox.application.account.inbound_urls["306900000099"] = world.receiver.url
    world.sandbox.inbound(from_=ONE, to="306900000099", body="Where is it?")
    await world.sandbox.advance()
    return world.receiver.told[-1]


async def token(world: World) -> Any:  # noqa: ANN401 - JSON
    """The answer of the token endpoint."""
    world.sandbox.application.token_life = 3600
    return (await world.token()).json
