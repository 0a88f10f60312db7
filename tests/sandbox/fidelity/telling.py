"""Rows of the reference about callbacks (§5)."""

from routee_async.sandbox import FIVE_RETRIES, TWELVE_RETRIES, Disorder, Hook, Magic
from tests.sandbox.fidelity import scenes
from tests.sandbox.fidelity.kit import ROWS, fields, row
from tests.sandbox.fidelity.world import ABSENT, ONE, SECONDS, UUID, World

ROWS += fields(
    "5.1",
    scenes.message_callback,
    {
        "messageId": UUID,
        "smsId": UUID,
        "campaignTrackingId": ABSENT,
        "campaignName": ABSENT,
        "part": 1,
        "parts": 1,
        "label": "job-1",
        "to": Magic.EXPIRED.value,
        "from": "ParcelCo",
        "country": "GR",
        "operator": str,
        "groups": [],
        "status.name": "Undelivered",
        "status.updatedDate": SECONDS,
        "status.reason.detailedStatus": "Expired",
        "status.reason.description": str,
        "status.status": ABSENT,
        "message": "Your parcel is here",
        "body": ABSENT,
        "applicationName": "default",
        "latency": 2,
        "price": 0.032,
        "direction": "Outbound",
        "originatingService": "Sms",
    },
)
ROWS += fields("5.1", scenes.campaign_message_callback, {"campaignTrackingId": UUID, "campaignName": "offer", "label": ABSENT})
ROWS += fields(
    "5.2",
    scenes.campaign_callback,
    {
        "trackingId": UUID,
        "name": "offer",
        "totalRecipients": 2,
        "campaignStatus": "Finished",
        "messageStatuses": {"Delivered": 1, "Undelivered": 1},
        "callbackInfo.strategy": "OnChange",
        "callbackInfo.url": str,
    },
)
ROWS += fields(
    "5.3",
    scenes.inbound_callback,
    {
        "messageId": UUID,
        "from": ONE,
        "to": "306900000099",
        "message": "Where is it?",
        "parts": 1,
        "originatingService": "Sms",
        "direction": "Inbound",
        "receivedDate": SECONDS,
        "price": float,
    },
)


@row("5.0", "POST with a JSON body, one event a request")
async def _(world: World) -> None:
    await world.send(callback=world.receiver.hook(), body="a" * 161)
    await world.sandbox.advance(10)
    assert (len(world.receiver.told), set(world.receiver.content_types)) == (6, {"application/json;charset=UTF-8"})


def _retries(name: str, schedule: tuple[float, ...]) -> None:
    @row("5.0", f"retries: {name}")
    async def _(world: World) -> None:
        world.settings.callback_retries = schedule
        world.receiver.statuses += [500] * 99
        await world.send(callback=world.receiver.hook("OnCompletion"))
        await world.sandbox.advance(days=2)
        (record,) = world.sandbox.callbacks
        assert [one.at - record.attempts[0].at for one in record.attempts] == [0.0, *schedule]


_retries("up to 5 more attempts", FIVE_RETRIES)
_retries("up to 12 more over 24 hours", TWELVE_RETRIES)


@row("5.0", "an answer within 2 seconds, otherwise a retry")
async def _(world: World) -> None:
    assert world.settings.callback_timeout == 2.0
    world.settings.callback_timeout = 0.02
    world.receiver.release.clear()
    await world.send(callback=world.receiver.hook("OnCompletion"))
    await world.sandbox.advance(2)
    assert world.sandbox.callbacks[0].attempts[0].status is None


@row("5.0", "OnChange: every status; OnCompletion: once, at the end")
async def _(world: World) -> None:
    for strategy in ("OnChange", "OnCompletion"):
        await world.send(callback=world.receiver.hook(strategy))
        await world.sandbox.advance(10)
    assert world.receiver.statuses_told == ["Queued", "Sent", "Delivered", "Delivered"]


@row("5.0", "campaign OnChange: states and about every 20 %; OnCompletion: once")
async def _(world: World) -> None:
    numbers = [f"+30697000{number:04}" for number in range(100)]
    world.settings.campaign_rate = 1.0
    await world.create(campaignCallback=world.receiver.hook(), to=numbers)
    await world.sandbox.advance(hours=1)
    changes = len(world.receiver.told)
    states = list(dict.fromkeys(told["campaignStatus"] for told in world.receiver.told))
    assert (states, 6 <= changes <= 14) == (["Queued", "Running", "Sent", "Finished"], True)
    await world.create(campaignCallback=world.receiver.hook("OnCompletion"), to=numbers)
    await world.sandbox.advance(hours=1)
    assert [told["campaignStatus"] for told in world.receiver.told[changes:]] == ["Finished"]


@row("5.0", "defaults of the application, unless the request says otherwise")
async def _(world: World) -> None:

    world.sandbox.application.callback = Hook(world.receiver.url, "OnCompletion")
    await world.send()
    await world.sandbox.advance(10)
    await world.send(callback=world.receiver.hook())
    await world.sandbox.advance(10)
    assert world.receiver.statuses_told == ["Delivered", "Queued", "Sent", "Delivered"]


@row("5.0", "the same event twice, and out of order, on demand")
async def _(world: World) -> None:
    world.settings.disorder = Disorder(duplicate=1)
    await world.send(callback=world.receiver.hook("OnCompletion"))
    await world.sandbox.advance(10)
    world.settings.disorder = Disorder(reorder=1)
    await world.send(callback=world.receiver.hook())
    await world.sandbox.advance(10)
    assert world.receiver.statuses_told == ["Delivered", "Delivered", "Sent", "Queued", "Delivered"]
