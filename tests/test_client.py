"""`RouteeClient` against the sandbox, over real sockets."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from routee_async import (
    Accepted,
    AuthenticationError,
    BulkStoppedError,
    Callback,
    ClientClosedError,
    ConfigurationError,
    InvalidBodyError,
    InvalidInputError,
    InvalidRecipientError,
    InvalidSenderIdError,
    MessageStatus,
    NotFoundError,
    OutcomeUnknownError,
    PollPolicy,
    Rejected,
    RouteeClient,
    Sms,
    Timeout,
)
from routee_async.sandbox import Fault, Magic, Sandbox, faults

SEND = "/sms"
QUICK = PollPolicy(first_delay=0.01, max_interval=0.01)


async def test_message_is_sent_and_followed_to_its_end(sandbox: Sandbox, client: RouteeClient, sms: Sms) -> None:
    """The example of the README: send one, wait for its final status."""
    sent = await client.send(sms)
    assert sent.status is MessageStatus.QUEUED
    assert sent.body_analysis.parts == 1
    async with client.tracker(policy=QUICK) as tracker:
        report = await tracker.wait(sent, timeout=30)
    assert report.status is MessageStatus.DELIVERED
    assert sandbox.journal.sends_accepted == 1


async def test_every_option_arrives(sandbox: Sandbox, client: RouteeClient) -> None:
    """What is asked for reaches the carrier and comes back."""
    callback = Callback("https://hooks.example/sms")
    sms = Sms(
        to="00 30 697 000 0001",
        sender_id="ParcelCo",
        body="Γειά σου",
        flash=True,
        label="a-1",
        ttl=timedelta(hours=4),
        callback=callback,
    )
    sent = await client.send(sms)
    assert (sent.to, sent.flash, sent.label, sent.ttl, sent.callback) == (
        "+306970000001",
        True,
        "a-1",
        timedelta(hours=4),
        callback,
    )
    assert sent.created_at is not None
    assert sent.created_at.tzinfo is not None
    assert sent.body_analysis.unicode
    assert [message.label for message in sandbox.journal.accepted] == ["a-1"]


async def test_thousands_are_sent_each_once(sandbox: Sandbox, client: RouteeClient) -> None:
    """Two thousand messages, two thousand acceptances, each id with the label it belongs to."""
    messages = (Sms(to=f"+3069700{number:05d}", sender_id="P", body="Hello", label=f"m-{number}") for number in range(2000))
    ids = {}
    async for outcome in client.send_many(messages, concurrency=50):
        assert isinstance(outcome, Accepted)
        assert outcome.sent.label == f"m-{outcome.index}"
        ids[outcome.sent.tracking_id] = f"{outcome.sent.reference} {outcome.sent.label}"
    assert {message.tracking_id: message.label for message in sandbox.journal.accepted} == ids
    assert len(ids) == 2000
    assert not sandbox.journal.duplicates()
    assert sandbox.journal.sends_received == 2000
    assert sandbox.journal.peak <= 50


async def test_batch_never_uses_more_connections_than_allowed(sandbox: Sandbox) -> None:
    """`max_connections` bounds what is on the wire, whatever `concurrency` says."""
    async with sandbox.client(max_connections=3) as client:
        messages = (Sms(to="+306970000001", sender_id="P", body="Hello") for _ in range(50))
        outcomes = [outcome async for outcome in client.send_many(messages, concurrency=40)]
    assert len(outcomes) == 50
    assert sandbox.journal.peak <= 3


@pytest.mark.parametrize(
    ("sms", "error"),
    [
        (Sms(to="call me", sender_id="P", body="B"), InvalidRecipientError),
        (Sms(to="+306970000001", sender_id="TwelveLetter", body="B"), InvalidSenderIdError),
        (Sms(to="+306970000001", sender_id="P", body="x" * 1601), InvalidBodyError),
        (Sms(to="+306970000001", sender_id="P", body=""), InvalidBodyError),
        (Sms(to="+306970000001", sender_id="P", body="B", ttl=timedelta(seconds=5)), InvalidInputError),
        ("+306970000001", InvalidInputError),
    ],
    ids=["words", "12 letters", "1601 characters", "empty", "ttl", "no Sms"],
)
async def test_bad_input_never_leaves(sandbox: Sandbox, client: RouteeClient, sms: Sms, error: type[InvalidInputError]) -> None:
    """What cannot be sent is refused before any I/O, and in a batch the others go on."""
    with pytest.raises(error):
        await client.send(sms)
    good = Sms(to="+306970000001", sender_id="P", body="B")
    outcomes = {outcome.index: outcome async for outcome in client.send_many([good, sms, good])}
    assert isinstance(outcomes[1], Rejected)
    assert isinstance(outcomes[1].error, error)
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[2], Accepted)
    assert sandbox.journal.sends_received == 2


async def test_national_numbers_need_a_region(sandbox: Sandbox) -> None:
    """With `default_region` a number may be written as it is dialled there."""
    async with sandbox.client(default_region="gr") as client:
        assert (await client.send(Sms(to="697 000 0001", sender_id="P", body="B"))).to == "+306970000001"


async def test_wrong_credentials_stop_a_batch(sandbox: Sandbox) -> None:
    """Refused credentials are one clear error, and nothing is sent."""
    wrong = RouteeClient("nobody", "nothing", base_url=sandbox.base_url, auth_url=sandbox.auth_url)
    async with wrong as client:
        with pytest.raises(AuthenticationError):
            await client.send(Sms(to="+306970000001", sender_id="P", body="B"))
        with pytest.raises(BulkStoppedError) as caught:
            [outcome async for outcome in client.send_many(Sms(to="+306970000001", sender_id="P", body="B") for _ in range(100))]
    assert isinstance(caught.value.cause, AuthenticationError)
    assert "nothing" not in str(caught.value)
    assert sandbox.journal.sends_received == 0


async def test_revoked_token_in_a_batch_loses_nothing(sandbox: Sandbox, client: RouteeClient) -> None:
    """A token that is revoked in the middle costs a refresh and no message."""
    outcomes = []
    async for outcome in client.send_many((Sms(to="+306970000001", sender_id="P", body="B") for _ in range(300)), concurrency=20):
        outcomes.append(outcome)
        if len(outcomes) == 100:
            sandbox.revoke_token()
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sandbox.journal.sends_accepted == 300
    assert sandbox.journal.requests["POST /oauth/token"] == 2


async def test_tracking_of_an_unknown_message(client: RouteeClient) -> None:
    """An id that Routee does not know is `NotFoundError`, with its documented code."""
    with pytest.raises(NotFoundError) as caught:
        await client.fetch_tracking("5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01")
    assert caught.value.code == "404005000"


async def test_parts_are_tracked(client: RouteeClient) -> None:
    """A long message has one row for each part, and one status for all."""
    sent = await client.send(Sms(to=Magic.DELIVERED, sender_id="P", body="x" * 400))
    async with client.tracker(policy=QUICK) as tracker:
        report = await tracker.wait(sent, timeout=30)
    assert [part.part for part in report.parts] == [1, 2, 3]
    assert len({part.sms_id for part in report.parts}) == 3
    assert report.status is MessageStatus.DELIVERED


@pytest.mark.parametrize("tracking_id", ["", "  ", None], ids=repr)
async def test_tracking_needs_an_id(client: RouteeClient, tracking_id: str) -> None:
    """An empty id is refused before any I/O."""
    with pytest.raises(InvalidInputError, match="tracking_id"):
        await client.fetch_tracking(tracking_id)


async def test_leaving_lets_sends_finish(sandbox: Sandbox, sms: Sms) -> None:
    """A send that is in flight when the client is left gets its answer."""
    sandbox.faults.add(Fault(faults.delay(0.05), path=SEND))
    async with sandbox.client() as client:
        under_way = asyncio.create_task(client.send(sms))
        while not sandbox.journal.sends_received:
            await asyncio.sleep(0.001)
    assert (await under_way).tracking_id


async def test_leaving_does_not_wait_for_ever(sandbox: Sandbox, sms: Sms) -> None:
    """A send that never ends is unknown when the client is left, and says so."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path=SEND))
    async with sandbox.client(timeout=Timeout(total=0.2)) as client:
        under_way = asyncio.create_task(client.send(sms))
        while not sandbox.journal.sends_received:
            await asyncio.sleep(0.001)
    with pytest.raises(OutcomeUnknownError):
        await under_way
    assert sandbox.journal.sends_received == 1


async def test_cancelled_send_leaves_nothing_behind(sandbox: Sandbox, client: RouteeClient, sms: Sms) -> None:
    """Cancelling a send ends it at once, and the client works on."""
    hanging = Fault(faults.hang(accepted=True), path=SEND, times=1)
    sandbox.faults.add(hanging)
    under_way = asyncio.create_task(client.send(sms))
    while not sandbox.journal.sends_received:
        await asyncio.sleep(0.001)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert (await client.send(sms)).tracking_id


async def test_closed_client_says_so(sandbox: Sandbox, sms: Sms) -> None:
    """Outside `async with` a client sends nothing and says what to do."""
    client = sandbox.client()
    for _ in range(2):
        with pytest.raises(ClientClosedError, match="async with"):
            await client.send(sms)
        async with client:
            await client.send(sms)
    assert sandbox.journal.sends_accepted == 2


async def test_client_is_entered_once(sandbox: Sandbox) -> None:
    """Entering an open client is a mistake that is named."""
    async with sandbox.client() as client:
        with pytest.raises(ClientClosedError, match="already open"):
            await client.__aenter__()


def test_one_client_serves_several_runs(sms: Sms) -> None:
    """A client is built outside a loop and entered once in each `asyncio.run`."""
    client: RouteeClient | None = None

    async def main(sandbox: Sandbox) -> str:
        nonlocal client
        async with sandbox:
            client = sandbox.client()
            async with client:
                return (await client.send(sms)).tracking_id

    assert asyncio.run(main(Sandbox())) == asyncio.run(main(Sandbox()))


async def test_session_of_the_caller_is_used_and_left_open(sandbox: Sandbox, sms: Sms) -> None:
    """A session that is handed in is not closed, and the token is not left in it."""
    async with aiohttp.ClientSession() as session:
        async with sandbox.client(session=session) as client:
            await client.send(sms)
        assert not session.closed
        assert "Authorization" not in session.headers


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"base_url": "http://connect.routee.net"}, "base_url"),
        ({"auth_url": "https://auth.routee.net/oauth"}, "auth_url"),
        ({"max_connections": 0}, "max_connections"),
        ({"default_region": "Greece"}, "default_region"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(options: dict[str, object], field: str) -> None:
    """A wrong setting fails where it is made."""
    with pytest.raises(ConfigurationError) as caught:
        RouteeClient("id", "secret", **options)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(("application_id", "secret"), [("", "s"), ("i", ""), (" ", "s"), (None, "s"), ("i", 5)], ids=repr)
def test_missing_credentials_are_refused(application_id: str, secret: str) -> None:
    """Credentials that are missing fail before anything is opened, and are not quoted."""
    with pytest.raises(ConfigurationError, match="application_"):
        RouteeClient(application_id, secret)


async def test_environment_points_anywhere(sandbox: Sandbox, sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_env` needs two variables, and two more lead to a sandbox."""
    monkeypatch.setenv("ROUTEE_APPLICATION_ID", sandbox.application_id)
    monkeypatch.setenv("ROUTEE_APPLICATION_SECRET", f"{sandbox.application_secret}\n")
    monkeypatch.setenv("ROUTEE_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("ROUTEE_AUTH_URL", sandbox.auth_url)
    async with RouteeClient.from_env() as client:
        assert (await client.send(sms)).tracking_id
    monkeypatch.delenv("ROUTEE_BASE_URL")
    monkeypatch.delenv("ROUTEE_AUTH_URL")
    assert "https://connect.routee.net" in repr(RouteeClient.from_env())


@pytest.mark.parametrize("name", ["ROUTEE_APPLICATION_ID", "ROUTEE_APPLICATION_SECRET"])
def test_missing_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgot a variable learns which, and where to get it."""
    for each in ("ROUTEE_APPLICATION_ID", "ROUTEE_APPLICATION_SECRET"):
        monkeypatch.setenv(each, "x")
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=f"{name}.*portal"):
        RouteeClient.from_env()


def test_client_shows_no_secret() -> None:
    """A `repr` says where a client points and whether it is open."""
    assert repr(RouteeClient("app-id", "app-secret")) == "<RouteeClient https://connect.routee.net closed>"


NO_CONTAINERS = {"str": "+306970000001", "bytes": b"+306970000001", "int": 5, "iterator": iter(["+306970000001"])}


@pytest.mark.parametrize("suppressed", NO_CONTAINERS.values(), ids=NO_CONTAINERS)
async def test_suppressed_has_to_be_a_container(client: RouteeClient, sms: Sms, suppressed: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """What is no set of numbers, or can be asked only once, is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="suppressed"):
        client.send_many([sms], suppressed=suppressed)
