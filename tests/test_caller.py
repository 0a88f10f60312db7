"""One logical call and its attempts, over a scripted transport in virtual time."""

import asyncio
import logging
import random
from collections.abc import Callable

import pytest

from routee_async import protocol
from routee_async.caller import Caller
from routee_async.errors import (
    AuthenticationError,
    ClientClosedError,
    ConnectError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    ServerError,
)
from routee_async.exchange import ExchangeError, Transport
from routee_async.models import SentSms, Sms, TrackedPart
from routee_async.options import RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.protocol import Failure, Phase, Request, Response
from tests.virtual_time import in_virtual_time

SMS = Sms(to="+306970000001", sender_id="P", body="Hello", label="a-1")
TOKEN = Response(200, {}, b'{"access_token":"t-1","expires_in":3600}')
OK = Response(200, {}, b'{"trackingId":"id-1"}')
ROWS = Response(200, {}, b'[{"messageId":"id-1","to":"+306970000001","status":{"status":"Sent"}}]')
REFUSED = Failure(phase=Phase.CONNECT, reason="ClientConnectorError", written=False)
NO_ANSWER = Failure(phase=Phase.WAIT, reason="TimeoutError", written=True)
Step = Response | Failure | Callable[[], "asyncio.Future[Response]"]


def busy(retry_after: str | None = None) -> Response:
    """Make a 429."""
    return Response(429, {} if retry_after is None else {"retry-after": retry_after}, b"")


class Script(Transport):
    """A transport that plays steps: a list for the API, a list for the token endpoint; the last step repeats."""

    def __init__(self, *api: Step, tokens: tuple[Step, ...] = (TOKEN,)) -> None:
        self.api = list(api)
        self.tokens = list(tokens)
        self.seen: list[tuple[float, str, str]] = []
        self.closed = False

    @property
    def sends(self) -> list[float]:
        """When each request that is not for a token was made."""
        return [moment for moment, path, _ in self.seen if path != "/oauth/token"]

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Play the next step."""
        assert time_left > 0
        self.seen.append((asyncio.get_running_loop().time(), request.path, authorization))
        steps = self.tokens if request.path == "/oauth/token" else self.api
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, Failure):
            raise ExchangeError(step)
        return step if isinstance(step, Response) else await step()

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True


def never() -> "asyncio.Future[Response]":
    """Answer never."""
    return asyncio.get_running_loop().create_future()


def make(script: Script, *, max_connections: int = 10, timeout: Timeout | None = None, policy: RetryPolicy | None = None) -> Caller:
    """Make a caller over *script*."""
    return Caller(
        script,
        application_id="app",
        application_secret="secret",
        timeout=timeout or Timeout(),
        policy=policy or RetryPolicy(),
        pace=Pace(),
        max_connections=max_connections,
        rng=random.Random(7),
    )


async def send(caller: Caller, *, patient: bool = False) -> SentSms:
    """Send `SMS`."""
    return await caller.call(
        protocol.build_send(SMS, SMS.label), lambda response: protocol.read_sent(response, SMS, SMS.label), patient=patient
    )


async def track(caller: Caller) -> tuple[TrackedPart, ...]:
    """Read the parts of a message."""
    return await caller.call(protocol.build_fetch_tracking("id-1"), lambda response: protocol.read_tracking(response, "id-1"))


@in_virtual_time
async def test_call_is_authenticated() -> None:
    """A token is fetched with the credentials, once, and every request carries it."""
    script = Script(OK)
    caller = make(script)
    assert (await send(caller)).tracking_id == "id-1"
    await send(caller)
    assert [(path, authorization) for _, path, authorization in script.seen] == [
        ("/oauth/token", "Basic YXBwOnNlY3JldA=="),
        ("/sms", "Bearer t-1"),
        ("/sms", "Bearer t-1"),
    ]
    await caller.aclose()
    assert script.closed


@in_virtual_time
async def test_send_without_a_connection_is_repeated() -> None:
    """What was provably not written is attempted again, after a while."""
    script = Script(REFUSED, REFUSED, OK)
    caller = make(script)
    assert (await send(caller)).tracking_id == "id-1"
    assert len(script.sends) == 3
    assert script.sends == sorted(script.sends)
    await caller.aclose()


@in_virtual_time
async def test_attempts_are_bounded() -> None:
    """Four attempts by default, then the error itself, without the machinery behind it."""
    script = Script(REFUSED)
    caller = make(script)
    with pytest.raises(ConnectError) as caught:
        await send(caller)
    assert len(script.sends) == 4
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    await caller.aclose()


@pytest.mark.parametrize(
    "step",
    [NO_ANSWER, Response(500, {}, b""), Response(503, {"retry-after": "1"}, b""), Response(302, {}, b""), Response(200, {}, b"[]")],
    ids=["no answer", "500", "503", "302", "unbelievable"],
)
def test_doubtful_send_is_never_repeated(step: Step) -> None:
    """One POST, one `OutcomeUnknownError` that names the message."""

    @in_virtual_time
    async def check() -> None:
        script = Script(step)
        caller = make(script)
        with pytest.raises(OutcomeUnknownError) as caught:
            await send(caller)
        assert caught.value.reference == "a-1"
        assert len(script.sends) == 1
        await caller.aclose()

    check()


@in_virtual_time
async def test_unbelievable_answer_costs_its_connection() -> None:
    """The next answer does not come over a connection that has lied."""
    dropped = []
    script = Script(Response(200, {}, b"{}", lambda: dropped.append(1)))
    caller = make(script)
    with pytest.raises(OutcomeUnknownError):
        await send(caller)
    assert dropped
    await caller.aclose()


@in_virtual_time
async def test_read_is_repeated_after_what_can_pass() -> None:
    """A read survives silence, a server error and a 429."""
    script = Script(NO_ANSWER, Response(500, {}, b""), busy("3"), ROWS)
    caller = make(script)
    assert len(await track(caller)) == 1
    assert len(script.sends) == 4
    assert script.sends[3] - script.sends[2] >= 3
    await caller.aclose()


@pytest.mark.parametrize(
    ("step", "error", "attempts"),
    [
        (NO_ANSWER, NoAnswerError, 4),
        (Response(500, {}, b""), ServerError, 4),
        (Response(404, {}, b""), NotFoundError, 1),
        (Response(200, {}, b"<html>"), MalformedResponseError, 1),
    ],
)
def test_read_that_stays_bad_ends_as_what_it_is(step: Step, error: type[RouteeError], attempts: int) -> None:
    """When repeats do not help, the last error is raised; what repeats cannot help is raised at once."""

    @in_virtual_time
    async def check() -> None:
        script = Script(step)
        caller = make(script)
        with pytest.raises(error):
            await track(caller)
        assert len(script.sends) == attempts
        await caller.aclose()

    check()


@in_virtual_time
async def test_retry_after_is_kept_by_everybody() -> None:
    """After a 429 no send of the client starts before the time that the server named; reads go on."""
    script = Script(busy("30"), ROWS, OK)
    caller = make(script)
    first = asyncio.create_task(send(caller))
    await asyncio.sleep(1)
    await track(caller)
    second = asyncio.create_task(send(caller))
    await first
    await second
    assert script.sends[1] == 1.0
    assert min(script.sends[2:]) >= 30
    await caller.aclose()


@in_virtual_time
async def test_retry_after_beyond_the_bound_fails_at_once() -> None:
    """A server that wants to be left alone for an hour gets its wish, and the caller an answer."""
    script = Script(busy("3600"))
    caller = make(script)
    with pytest.raises(RateLimitError) as caught:
        await send(caller)
    assert caught.value.retry_after == 3600
    with pytest.raises(RateLimitError):
        await send(caller)
    assert len(script.sends) == 1
    assert asyncio.get_running_loop().time() == 0
    await caller.aclose()


@in_virtual_time
async def test_message_of_a_batch_waits_as_long_as_the_server_asks() -> None:
    """A patient call does not count the time for which it was asked to wait, neither its own nor what others were told."""
    script = Script(busy("100"), OK)
    caller = make(script)
    first = asyncio.create_task(send(caller, patient=True))
    await asyncio.sleep(1)
    await send(caller, patient=True)
    await first
    assert min(script.sends[1:]) >= 100
    await caller.aclose()


@in_virtual_time
async def test_patience_has_a_bound_too() -> None:
    """A batch does not sit out an hour for one message either."""
    script = Script(busy("3600"))
    caller = make(script)
    with pytest.raises(RateLimitError):
        await send(caller, patient=True)
    assert len(script.sends) == 1
    await caller.aclose()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_is_renewed_once(status: int) -> None:
    """One repeat with one new token."""

    @in_virtual_time
    async def check() -> None:
        second = Response(200, {}, b'{"access_token":"t-2","expires_in":3600}')
        script = Script(Response(status, {}, b'{"code":"403000000"}'), OK, tokens=(TOKEN, second))
        caller = make(script)
        await send(caller)
        assert [authorization for _, path, authorization in script.seen if path == "/sms"] == ["Bearer t-1", "Bearer t-2"]
        assert len(script.seen) == 4
        await caller.aclose()

    check()


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError)])
def test_second_refusal_is_final(status: int, error: type[RouteeError]) -> None:
    """A new token that is refused as well is no reason to go on."""

    @in_virtual_time
    async def check() -> None:
        script = Script(Response(status, {}, b'{"code":"403000000"}'))
        caller = make(script)
        with pytest.raises(error):
            await send(caller)
        assert len(script.sends) == 2
        await caller.aclose()

    check()


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Response(401, {}, b""), AuthenticationError),
        (Response(400, {}, b'{"error":"invalid_scope","error_description":"x"}'), AuthenticationError),
        (REFUSED, ConnectError),
        (NO_ANSWER, NotSentError),
        (Response(500, {}, b""), NotSentError),
        (Response(200, {}, b"{}"), NotSentError),
    ],
    ids=["401", "400", "refused", "no answer", "500", "no token"],
)
def test_send_without_a_token_was_not_sent(step: Step, error: type[RouteeError]) -> None:
    """Whatever keeps the token away, the message surely did not leave, and the error says so."""

    @in_virtual_time
    async def check() -> None:
        script = Script(OK, tokens=(step,))
        caller = make(script)
        with pytest.raises(error) as caught:
            await send(caller)
        assert caught.value.safe_to_resend
        assert not script.sends
        await caller.aclose()

    check()


@in_virtual_time
async def test_token_that_does_not_come_in_time() -> None:
    """The deadline of a call covers its wait for a token."""
    script = Script(OK, tokens=(never,))
    caller = make(script)
    with pytest.raises(NotSentError, match="token"):
        await send(caller)
    assert asyncio.get_running_loop().time() == 60
    await caller.aclose()


@in_virtual_time
async def test_call_that_gets_no_turn_in_time_was_not_sent() -> None:
    """When every connection is busy until the deadline, the message was not sent."""
    script = Script(never)
    caller = make(script, max_connections=1)
    first = asyncio.create_task(send(caller))
    await asyncio.sleep(0.1)
    with pytest.raises(PoolTimeoutError):
        await send(caller)
    assert len(script.sends) == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await caller.aclose()


@in_virtual_time
async def test_no_send_starts_without_time_for_its_answer() -> None:
    """A turn that comes in the last seconds of a call is not used."""
    script = Script(lambda: asyncio.ensure_future(asyncio.sleep(58, OK)), OK)
    caller = make(script, max_connections=1)
    first = asyncio.create_task(send(caller))
    await asyncio.sleep(0)
    with pytest.raises(PoolTimeoutError):
        await send(caller)
    assert asyncio.get_running_loop().time() == 55
    await first
    assert len(script.sends) == 1
    await caller.aclose()


@in_virtual_time
async def test_late_token_leaves_no_time_to_send() -> None:
    """A token that comes in the last seconds of a call is kept for the next one; this message is not sent."""
    script = Script(OK, tokens=(lambda: asyncio.ensure_future(asyncio.sleep(58, TOKEN)),))
    caller = make(script, timeout=Timeout(sock_read=60))
    with pytest.raises(NotSentError, match="no time"):
        await send(caller)
    assert not script.sends
    await caller.aclose()


@in_virtual_time
async def test_turns_bound_what_is_on_the_wire() -> None:
    """No more exchanges at a time than there are connections, and none is lost to a failure or a cancellation."""
    running = peak = 0

    async def answer() -> Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        try:
            return await asyncio.sleep(1, OK)
        finally:
            running -= 1

    script = Script(REFUSED, lambda: asyncio.ensure_future(answer()))
    caller = make(script, max_connections=3)
    calls = [asyncio.create_task(send(caller)) for _ in range(12)]
    await asyncio.sleep(0.5)
    calls[2].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, SentSms) for result in results) == 11
    assert peak == 3
    await caller.aclose()


@in_virtual_time
async def test_outage_is_not_multiplied() -> None:
    """All calls together repeat no more than the shared budget allows."""
    script = Script(REFUSED)
    caller = make(script, max_connections=100)
    await asyncio.gather(*(send(caller) for _ in range(100)), return_exceptions=True)
    assert len(script.sends) == 110
    await caller.aclose()


@in_virtual_time
async def test_closing_lets_calls_finish() -> None:
    """What is under way when the client is left gets its answer."""
    script = Script(lambda: asyncio.ensure_future(asyncio.sleep(5, OK)))
    caller = make(script)
    under_way = asyncio.create_task(send(caller))
    await asyncio.sleep(1)
    await caller.aclose()
    assert under_way.done()
    assert (await under_way).tracking_id == "id-1"


@in_virtual_time
async def test_closing_admits_nothing_new() -> None:
    """A call after the end is refused before anything is written."""
    script = Script(OK)
    caller = make(script)
    await caller.aclose()
    with pytest.raises(ClientClosedError):
        await send(caller)
    assert not script.seen


@in_virtual_time
async def test_closing_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """What does not end in time is left to the transport, which closes under it."""
    script = Script(never)
    caller = make(script)
    under_way = asyncio.create_task(send(caller))
    await asyncio.sleep(1)
    await caller.aclose()
    assert asyncio.get_running_loop().time() == 61
    assert script.closed
    assert "1 calls under way" in caplog.text
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way


@in_virtual_time
async def test_closing_stops_repeats() -> None:
    """A call that would be attempted again is not, once the client is being closed."""
    script = Script(lambda: asyncio.ensure_future(asyncio.sleep(2, busy("1"))))
    caller = make(script)
    under_way = asyncio.create_task(send(caller))
    await asyncio.sleep(1)
    await caller.aclose()
    with pytest.raises(RateLimitError):
        await under_way
    assert len(script.sends) == 1


@in_virtual_time
async def test_repeats_are_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """A repeat is one line at INFO, in which nothing private stands."""
    caplog.set_level(logging.DEBUG, "routee_async")
    script = Script(REFUSED, OK)
    caller = make(script)
    await send(caller)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "attempt 2" in caplog.text
    for secret in ("secret", "t-1", "6970000001", "Hello"):
        assert secret not in caplog.text
    await caller.aclose()
