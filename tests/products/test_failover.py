"""`client.failover`: messages that stand in for one another."""

from datetime import timedelta

import pytest

from routee_async import (
    InsufficientBalanceError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    RouteeClient,
    UrlShortener,
    camel,
)
from routee_async.models import Restrictions
from routee_async.products.failover import (
    Channel,
    Flow,
    FlowCallback,
    FlowStatus,
    FlowStrategy,
    OtherStep,
    SmsStep,
    Step,
)
from routee_async.sandbox import Fault, Magic, Sandbox, faults

TO = "+306970000001"


def sms(**fields: object) -> SmsStep:
    """A step by SMS."""
    return SmsStep(**{"to": TO, "sender_id": "ParcelCo", "body": "Hello", **fields})  # type: ignore[arg-type] # of tests


async def test_next_step_stands_in(sandbox: Sandbox, client: RouteeClient) -> None:
    """When the first step fails, the second has its turn; the flow tells which channel ended it, and what it has cost."""
    del sandbox
    steps: list[Step] = [
        sms(
            to=Magic.UNDELIVERED.value,
            label="f-1",
            flash=True,
            transcode=True,
            ttl=timedelta(minutes=0.5),
            failover_on_statuses=("Undelivered",),
            url_shortener=UrlShortener(validity=timedelta(hours=1)),
        ),
        OtherStep(
            channel=Channel.VIBER,
            to=TO,
            fields={"senderInfoTrackingId": "x", "message": {"text": "Hello"}},
            ttl=timedelta(minutes=5),
        ),
    ]
    callback = FlowCallback(url="https://127.0.0.1:1/secret", strategy=FlowStrategy.ON_STEP)
    sent = await client.failover.send(steps, callback=callback, restrictions=Restrictions())
    assert sent.raw["trackingId"] == sent.tracking_id
    while not (flow := await client.failover.fetch(sent.tracking_id)).status.is_final:
        pass
    assert (flow.status, flow.termination_channel, flow.status_code) == (FlowStatus.SUCCEEDED, Channel.VIBER, None)
    assert [message.type for message in flow.messages] == [Channel.SMS, Channel.VIBER]
    assert flow.messages[0].status is not None
    assert flow.messages[0].status.name == "Undelivered"
    assert flow.messages[0].raw["label"] == "f-1"
    assert flow.total_price == sum(message.price or 0 for message in flow.messages)
    assert "secret" not in repr(callback)


async def test_flow_is_sent_once(sandbox: Sandbox, client: RouteeClient) -> None:
    """A lost answer is unknown, under the label of the first step, and nothing is repeated."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/failover", times=1))
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.failover.send([sms(label="f-1")])
    assert caught.value.reference == "f-1"
    assert sandbox.journal.requests["POST /failover"] == 1
    with pytest.raises(InsufficientBalanceError):
        await client.failover.send([sms(to=Magic.NO_BALANCE.value)])
    with pytest.raises(NotFoundError):
        await client.failover.fetch("nobody")


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [sms(to="nonsense")],
        [sms(sender_id="TwelveLetter")],
        [sms(body="")],
        [sms(label="")],
        [sms(ttl=timedelta(seconds=5))],
        [sms(ttl=timedelta(days=2))],
        [sms(url_shortener=3)],
        [OtherStep(channel=Channel.SMS, to=TO)],
    ],
    ids=str,
)
async def test_bad_input_never_leaves(sandbox: Sandbox, client: RouteeClient, steps: list[Step]) -> None:
    """What cannot be sent is refused before any request."""
    with pytest.raises(InvalidInputError):
        await client.failover.send(steps)
    assert sandbox.journal.requests["POST /failover"] == 0


def test_odd_shapes() -> None:
    """§8 #5: a status with either pair of names; statuses and channels that nobody knows are kept."""
    row = {"type": "Fax", "ttl": "nonsense", "status": {"status": "Sent", "date": "2026-01-14T08:15:07Z"}}
    flow = camel.read({"trackingId": "a", "status": "Odd", "statusCode": "2", "messages": [row]}, Flow)
    assert (flow.status.is_final, flow.status_code) == (False, 2)
    (message,) = flow.messages
    assert message.status is not None
    assert (message.type, message.ttl, message.status.name) == (Channel("Fax"), None, "Sent")
    assert message.status.updated_at is not None
