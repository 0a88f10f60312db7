"""`client.pools`: senders from which Routee chooses."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from routee_async import (
    BadRequestError,
    Callback,
    CallbackStrategy,
    ClientClosedError,
    InvalidBodyError,
    InvalidInputError,
    InvalidRecipientError,
    NotFoundError,
    OutcomeUnknownError,
    RouteeClient,
    UrlShortener,
)
from routee_async.asker import Asker
from routee_async.caller import Caller
from routee_async.products.pools import Pools, PoolSender, PoolSettings, PoolStrategy
from routee_async.protocol import Request, Response
from routee_async.sandbox import Fault, Sandbox, faults

T = TypeVar("T")
TO = "+306970000001"
SETTINGS = PoolSettings(
    sticky=False,
    geomatch=True,
    transcode=True,
    default_country="GR",
    alphanumeric_sender_id="ParcelCo",
    multiple_sender=(PoolSender(country="GR", sender_id="ParcelGR"),),
    inbound_sms_callback_url="https://hooks.example/in",
    callback=Callback("https://hooks.example/pool", CallbackStrategy.ON_COMPLETION),
)


async def test_settings_come_back(client: RouteeClient) -> None:
    """Every setting that was given is kept, with its own spelling on the wire."""
    pool = await client.pools.create("gr-pool", SETTINGS)
    assert pool.sms_settings == SETTINGS
    assert (await client.pools.fetch(pool.pool_id)).sms_settings == SETTINGS
    assert "hooks.example/in" not in repr(pool)


async def test_sender_of_the_country(client: RouteeClient) -> None:
    """A message through a pool has the sender that the pool chose, and can be tracked."""
    pool = await client.pools.create("gr-pool", SETTINGS)
    shortener = UrlShortener(validity=timedelta(hours=1))
    sent = await client.pools.send(
        pool.pool_id,
        to=TO,
        body="Look: https://parcel.example/1",
        strategy=PoolStrategy.ALPHANUMERIC,
        url_shortener=shortener,
    )
    assert (sent.sender_id, sent.pool_strategy, sent.status) == ("ParcelGR", "Alphanumeric", "Queued")
    assert sent.body_analysis is not None
    (part,) = await client.fetch_tracking(sent.tracking_id)
    assert part.to == TO
    with pytest.raises(BadRequestError):
        await client.pools.send(pool.pool_id, to=TO, body="Hello")


async def test_message_is_sent_once(sandbox: Sandbox, client: RouteeClient) -> None:
    """A lost answer is unknown, and nothing is repeated; an answer about somebody else is not believed."""
    pool = await client.pools.create("gr-pool", SETTINGS)
    path = f"/pools/my/{pool.pool_id}/sms"
    sandbox.faults.add(Fault(faults.close(accepted=True), path=path, times=1))
    with pytest.raises(OutcomeUnknownError):
        await client.pools.send(pool.pool_id, to=TO, body="Hello", strategy=PoolStrategy.ALPHANUMERIC)
    assert len(sandbox.journal.accepted) == sandbox.journal.requests["POST /pools/my/{poolId}/sms"] == 1


async def test_answer_about_somebody_else() -> None:
    """An answer that names another recipient is not taken for ours."""

    class Other(Asker):
        async def call(self, request: Request, read: Callable[[Response], T]) -> T:
            del request
            return read(Response(200, {}, b'{"trackingId": "a", "to": "+306970000002"}'))

    def closed() -> Caller:
        raise ClientClosedError("not needed")

    with pytest.raises(OutcomeUnknownError, match="another recipient"):
        await Pools(Other(closed, None)).send("pool", to=TO, body="Hello")


@pytest.mark.parametrize(
    ("to", "body", "error"),
    [("nonsense", "Hello", InvalidRecipientError), (TO, "", InvalidBodyError), (TO, "x" * 1601, InvalidBodyError)],
)
async def test_bad_input_never_leaves(
    sandbox: Sandbox,
    client: RouteeClient,
    to: str,
    body: str,
    error: type[InvalidInputError],
) -> None:
    """What cannot be sent is refused before any request."""
    with pytest.raises(error):
        await client.pools.send("pool", to=to, body=body)
    with pytest.raises(InvalidInputError):
        await client.pools.send("", to=TO, body="Hello")
    assert sandbox.journal.requests["POST /pools/my/{poolId}/sms"] == 0


async def test_unknown_pool(client: RouteeClient) -> None:
    """There is no such pool."""
    with pytest.raises(NotFoundError):
        await client.pools.fetch("nobody")
