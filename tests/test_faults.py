"""The whole client against everything that can go wrong between it and the carrier: failure-taxonomy.md, "Invariants".

The sandbox counts what it accepted, so that every verdict of the client can be held against the truth.
"""

import asyncio
import base64
import inspect
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import aiohttp
import attrs
import pytest

from routee_async import retry
from routee_async.client import RouteeClient
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BulkStoppedError,
    ConnectError,
    InsufficientBalanceError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RouteeError,
    TLSError,
)
from routee_async.models import Accepted, NotSent, Outcome, Rejected, Sms, Unknown
from routee_async.options import RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.sandbox import Sandbox, Timeline, faults
from routee_async.sandbox.accounting import SEND
from routee_async.sandbox.faults import Body, Effect, Fault, Kind, Shape
from routee_async.transport import AiohttpTransport
from tests.misbehaving import Certificates, in_use, nothing_left, refusing_port, told_by, until

T = TypeVar("T")
TOKEN = "POST /oauth/token"
TEXT = "The code is 4711"
DOUBTFUL_SIZE = 3 << 20
"""Bytes of a body that is more than a send's answer may have."""
UNHURRIED = Timeout(total=30, connect=10, sock_connect=10, sock_read=10)
HURRIED = Timeout(total=0.8, connect=0.8, sock_connect=0.8, sock_read=0.4)
"""For faults that only a limit ends."""
BRISK = Pace(pause=0.01, max_pause=0.05, floor=1000.0)
QUICK = RetryPolicy(attempts=3, min_delay=0.01, max_delay=0.05, budget=100)
MESSAGES = 6
BALANCE = "400001009"


def to_of(index: int) -> str:
    """Recipient of message number *index*, and of no other: what the carrier accepted is counted by it."""
    return f"+30697000{1000 + index}"


def message(index: int) -> Sms:
    """Message number *index*, unlike all others."""
    return Sms(to=to_of(index), sender_id="ParcelCo", body=f"{TEXT}-{index}", label=f"order-{index}")


# --- What each fault means ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Meaning:
    """What has to become of a message whose every attempt is struck.

    Attributes:
        outcome: Which of the four.
        attempts: How many requests are made for it.
        error: Which class of error tells of it.
        stops: Whether a batch ends with it.
    """

    outcome: type[Outcome]
    attempts: int = 1
    error: type[RouteeError] | None = None
    stops: bool = False


DOUBT = Meaning(Unknown, 1, OutcomeUnknownError)
REDIRECTED = Meaning(Unknown, 1, OutcomeUnknownError, stops=True)
REFUSED = Meaning(Rejected, 1, APIError)
NO_TOKEN = Meaning(Rejected, 2, AuthenticationError, stops=True)
NO_RIGHT = Meaning(Rejected, 2, PermissionDeniedError, stops=True)
NO_MONEY = Meaning(Rejected, 1, InsufficientBalanceError, stops=True)
LATER = Meaning(NotSent, QUICK.attempts, RateLimitError)
GOOD = Meaning(Accepted)

OF_KIND = {
    Kind.DELAY: DOUBT,  # longer than the limits
    Kind.CLOSE: DOUBT,
    Kind.RESET: DOUBT,
    Kind.HANG: DOUBT,
    Kind.CUT_HEAD: DOUBT,
    Kind.CUT_BODY: DOUBT,
    Kind.STALL_BODY: DOUBT,
    Kind.GARBAGE: DOUBT,
    Kind.TRICKLE: DOUBT,
    Kind.INTERIM: DOUBT,
    Kind.UNSOLICITED: GOOD,
    Kind.CLOSE_AFTER: GOOD,
}
"""What is not here depends on shape or status."""
OF_SHAPE = {
    Shape.BAD_JSON: DOUBT,
    Shape.EMPTY: DOUBT,
    Shape.NO_CONTENT: DOUBT,
    Shape.NO_ID: DOUBT,
    Shape.LIST: DOUBT,
    Shape.WRONG_TO: DOUBT,
    Shape.WRONG_LABEL: DOUBT,
    Shape.HTML: DOUBT,
    Shape.GIANT: DOUBT,
    Shape.BOMB: DOUBT,
    Shape.BAD_GZIP: DOUBT,
    Shape.BAD_UTF8: DOUBT,
    Shape.DEEP: DOUBT,
    Shape.GIANT_INTEGER: DOUBT,
}
IS_DOCUMENTED = {Body.ROUTEE: True, Body.OAUTH: True, Body.SPRING: True, Body.HTML: False, Body.EMPTY: False}
STATUSES = [*range(300, 309), *range(400, 432), 451, 499, *range(500, 512), 520, 524, 599]
SLOW = {Kind.DELAY, Kind.HANG, Kind.STALL_BODY, Kind.TRICKLE, Kind.INTERIM}


def of_answer(status: int, form: Body, code: str = "") -> Meaning:
    """What an answer of that *status* means, with a body of that *form*."""
    if status < 400:
        return REDIRECTED
    if status in {401, 429}:
        return NO_TOKEN if status == 401 else LATER
    if status >= 500 or status in {408, 425, 499} or not IS_DOCUMENTED[form]:
        return DOUBT
    if status == 403:
        return NO_RIGHT
    return NO_MONEY if code == BALANCE and form is Body.ROUTEE else REFUSED


def meaning_of(effect: Effect) -> Meaning:
    """What an effect means."""
    if effect.kind is Kind.ANSWER:
        return of_answer(effect.status, effect.form, effect.code)
    return OF_SHAPE[effect.shape] if effect.kind is Kind.MANGLED else OF_KIND[effect.kind]


def _each_way(make: Callable[..., Effect], *arguments: object) -> Iterable[Effect]:
    """Effects of one function of `faults`: with the message accepted and without, if it knows both."""
    if "accepted" not in inspect.signature(make).parameters:
        return [make(*arguments)]
    return [make(*arguments, accepted=accepted) for accepted in (False, True)]


ARGUMENTS: dict[str, list[tuple[object, ...]]] = {
    "delay": [(30.0,)],
    "trickle": [(0.05,)],
    "interim": [(0.05,)],
    "error": [],  # below, status by status
    "mangled": [(shape,) for shape in Shape],
}
"""What the functions of `faults` are called with; nothing for those that are not here."""
MAKERS = {
    name: made
    for name, made in inspect.getmembers(faults, inspect.isfunction)
    if not name.startswith("_") and made.__module__ == faults.__name__ and inspect.signature(made).return_annotation is Effect
}
EFFECTS = [
    attrs.evolve(effect, size=DOUBTFUL_SIZE if effect.shape in {Shape.GIANT, Shape.BOMB} else 0)
    for name, make in MAKERS.items()
    for arguments in ARGUMENTS.get(name, [()])
    for effect in _each_way(make, *arguments)
]


def name_of(effect: Effect) -> str:
    """Name an effect in the list of tests."""
    what = effect.shape if effect.kind is Kind.MANGLED else effect.kind
    return f"{what}, {'accepted' if effect.accepted else 'not accepted'}"


def test_every_fault_is_classified() -> None:
    """Whatever the sandbox learns to do must be given a meaning here, and is then tested."""
    assert set(OF_SHAPE) == set(Shape)
    assert set(OF_KIND) | {Kind.ANSWER, Kind.MANGLED} == set(Kind)
    assert set(IS_DOCUMENTED) == set(Body)
    assert {effect.kind for effect in EFFECTS} | {Kind.ANSWER} == set(Kind)
    assert {effect.shape for effect in EFFECTS if effect.kind is Kind.MANGLED} == set(Shape)
    assert set(ARGUMENTS) <= set(MAKERS)
    both = {kind for kind in Kind if {effect.accepted for effect in EFFECTS if effect.kind is kind} == {False, True}}
    assert both == set(Kind) - {Kind.ANSWER, Kind.UNSOLICITED, Kind.CLOSE_AFTER}


# --- Worlds and invariants ---------------------------------------------------------------------------------------------------


# Whatever goes wrong, both ways that sends can take come to the same.
pytestmark = pytest.mark.usefixtures("lane")


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with nothing_left():
        yield


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """Right and wrong certificates."""
    return Certificates()


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def client_of(sandbox: Sandbox, **options: Any) -> RouteeClient:  # noqa: ANN401 - handed on as they come
    """Make a client that wastes no time between attempts."""
    return sandbox.client(**{"timeout": UNHURRIED, "retry": QUICK, "pace": BRISK, **options})


@asynccontextmanager
async def opened(client: RouteeClient) -> AsyncIterator[RouteeClient]:
    """Open *client*, and check at the end that no request holds a connection."""
    with pytest.MonkeyPatch.context() as patch:
        transports: list[AiohttpTransport] = []
        make = AiohttpTransport.__init__

        def note(self: AiohttpTransport, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
            make(self, *arguments, **options)
            transports.append(self)

        patch.setattr(AiohttpTransport, "__init__", note)
        async with client:
            yield client
            assert transports
            assert not [each for each in transports if in_use(each._session)]  # noqa: SLF001 - to look into the pool


async def attempt(client: RouteeClient, index: int) -> Outcome:
    """Send message number *index* by itself."""
    sms = message(index)
    try:
        return Accepted(index=index, sms=sms, sent=await client.send(sms))
    except RouteeError as error:
        return retry.outcome_class(error)(index=index, sms=sms, error=error)


async def attempt_many(client: RouteeClient, count: int, concurrency: int = 3) -> tuple[list[Outcome], BulkStoppedError | None]:
    """Send a batch; give the outcomes, and what stopped it."""
    outcomes: list[Outcome] = []
    try:
        async for outcome in client.send_many((message(index) for index in range(count)), concurrency=concurrency):
            outcomes.append(outcome)  # noqa: PERF401 - what came before an error counts
    except BulkStoppedError as stopped:
        return outcomes, stopped
    return outcomes, None


def accepted_by_recipient(sandbox: Sandbox) -> Counter[str]:
    """Count what the carrier accepted."""
    return Counter(each.to for each in sandbox.journal.accepted)


def check_invariants(sandbox: Sandbox, outcomes: list[Outcome], caplog: pytest.LogCaptureFixture) -> None:
    """Hold *outcomes* against what the carrier did, and look for secrets in all that was told."""
    journal = sandbox.journal
    accepted = {each.to: each for each in journal.accepted}
    counts = accepted_by_recipient(sandbox)
    assert not journal.duplicates()
    assert set(counts.values()) <= {1}
    assert len({outcome.index for outcome in outcomes}) == len(outcomes)
    told = caplog.text
    for outcome in outcomes:
        sms = message(outcome.index)
        assert outcome.sms == sms
        if isinstance(outcome, Accepted):
            assert counts[sms.to] == 1
            assert outcome.sent.tracking_id == accepted[sms.to].tracking_id
            assert (outcome.sent.to, outcome.sent.label) == (sms.to, sms.label)
            continue
        assert counts[sms.to] == 0 or isinstance(outcome, Unknown)
        assert not (outcome.error.safe_to_resend and isinstance(outcome, Unknown))
        if isinstance(outcome.error, OutcomeUnknownError):
            assert outcome.error.reference
            assert sms.to not in accepted or outcome.error.reference == accepted[sms.to].label
        told += told_by(outcome.error)
    check_secrets(sandbox, told)


def check_secrets(sandbox: Sandbox, told: str) -> None:
    """See that *told* holds neither credentials nor what is the recipients' business."""
    credentials = f"{sandbox.application_id}:{sandbox.application_secret}".encode()
    secrets = [
        sandbox.application_secret,
        base64.b64encode(credentials).decode(),
        sandbox.carrier.tokens.grant(sandbox.application).value,
        TEXT,
        *(to_of(index).lstrip("+") for index in range(MESSAGES)),
    ]
    assert not [secret for secret in secrets if secret in told]


async def check_closed(sandbox: Sandbox) -> None:
    """See that the server has neither connections nor requests of a client that is gone."""
    await until(lambda: sandbox._server.connections == 0)  # noqa: SLF001 - there is no other view
    await until(lambda: sandbox.journal.busy == 0)


def safe(meaning: Meaning, error: RouteeError) -> bool:
    """Whether *error* says of sending again what its meaning demands."""
    return error.safe_to_resend is (meaning.outcome is not Unknown)


# --- The matrix --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", EFFECTS, ids=name_of)
async def test_struck_send(effect: Effect, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A send that is struck makes one request, ends as what the fault means, and is never told wrong."""
    meaning = meaning_of(effect)
    sandbox.faults.add(Fault(effect, method="POST", path="/sms", to=to_of(0)))
    async with opened(client_of(sandbox, timeout=HURRIED if effect.kind in SLOW else UNHURRIED)) as client:
        struck = await attempt(client, 0)
        sandbox.faults.clear()
        after = await attempt(client, 1)
    assert isinstance(struck, meaning.outcome), struck
    assert accepted_by_recipient(sandbox)[to_of(0)] == int(effect.accepted)
    assert sandbox.journal.requests[SEND] == meaning.attempts + 1
    if not isinstance(struck, Accepted):
        assert type(struck.error) is meaning.error
        assert safe(meaning, struck.error)
    assert isinstance(after, Accepted) or effect.kind in SLOW
    check_invariants(sandbox, [struck, after], caplog)
    await check_closed(sandbox)


@pytest.mark.parametrize("struck", [1, 4], ids=["early", "late"])
@pytest.mark.parametrize("effect", EFFECTS, ids=name_of)
async def test_struck_message_of_a_batch(
    effect: Effect,
    struck: int,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One struck message neither stops nor taints the others of its batch, and each has exactly one outcome.

    An early one has a task, because it has to wait for a connection; a late one has none, on the direct lane.
    """
    meaning = meaning_of(effect)
    sandbox.faults.add(Fault(effect, method="POST", path="/sms", to=to_of(struck)))
    async with opened(client_of(sandbox, timeout=HURRIED if effect.kind in SLOW else UNHURRIED)) as client:
        outcomes, stopped = await attempt_many(client, MESSAGES)
    assert stopped is None
    assert sorted(outcome.index for outcome in outcomes) == list(range(MESSAGES))
    assert sandbox.journal.requests[SEND] == MESSAGES or effect.kind in SLOW
    for outcome in outcomes:
        expected = meaning.outcome if outcome.index == struck else Accepted
        assert isinstance(outcome, expected) or (outcome.index != struck and effect.kind in SLOW), outcome
    check_invariants(sandbox, outcomes, caplog)
    await check_closed(sandbox)


async def test_big_answer_within_bounds(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """An answer that is only padded is believed as long as it keeps to the cap."""
    sandbox.faults.add(Fault(faults.mangled(Shape.GIANT, size=1 << 20), method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        outcome = await attempt(client, 0)
    assert isinstance(outcome, Accepted)
    check_invariants(sandbox, [outcome], caplog)


def answers(status: int) -> list[Effect]:
    """Every answer of that *status*: all forms, and accepted too, unless that would make the carrier a liar."""
    return [
        faults.error(status, accepted=accepted, form=form, code=code, location="http://127.0.0.1:1/")
        for form in Body
        for code in (["", BALANCE] if (status, form) == (400, Body.ROUTEE) else [""])
        for accepted in (False, True)
        if not accepted or of_answer(status, form, code).outcome is Unknown
    ]


@pytest.mark.parametrize("status", STATUSES)
async def test_answer_to_a_send(status: int, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Every status, in every form, is what its meaning says, after as many requests as that allows."""
    outcomes = []
    async with opened(client_of(sandbox)) as client:
        for index, effect in enumerate(answers(status)):
            meaning = meaning_of(effect)
            sandbox.faults.clear()
            sandbox.faults.add(Fault(effect, method="POST", path="/sms"))
            before = sandbox.journal.requests[SEND]
            outcome = await attempt(client, index)
            outcomes.append(outcome)
            assert isinstance(outcome, meaning.outcome), (effect, outcome)
            assert not isinstance(outcome, Accepted)
            assert meaning.error is not None
            assert isinstance(outcome.error, meaning.error)
            assert retry.stops_batch(outcome.error) is meaning.stops
            assert sandbox.journal.requests[SEND] - before == meaning.attempts
            assert accepted_by_recipient(sandbox)[to_of(index)] == int(effect.accepted)
            assert safe(meaning, outcome.error), outcome.error
    check_invariants(sandbox, outcomes, caplog)
    await check_closed(sandbox)


BATCH_ANSWERS = [
    *(faults.error(status, accepted=accepted) for status in (302, 307, 500, 503) for accepted in (False, True)),
    *(faults.error(status) for status in (400, 401, 403, 404, 422, 429)),
    faults.error(400, code=BALANCE),
    faults.error(404, form=Body.HTML),
]


@pytest.mark.parametrize("effect", BATCH_ANSWERS, ids=lambda effect: f"{effect.status}{effect.code}, {name_of(effect)}")
@pytest.mark.parametrize("index", [1, 10], ids=["early", "late"])
async def test_answer_to_a_message_of_a_batch(
    effect: Effect,
    index: int,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A batch ends with what the next message would meet too, after the outcomes of what is in flight, and only with that."""
    meaning = meaning_of(effect)
    count = 500 if meaning.stops else 20
    sandbox.faults.add(Fault(effect, method="POST", path="/sms", to=to_of(index)))
    async with opened(client_of(sandbox)) as client:
        outcomes, stopped = await attempt_many(client, count)
    assert (stopped is not None) is meaning.stops
    assert stopped is None or type(stopped.cause) is meaning.error
    # Whatever was attempted has its outcome, in one piece from the first: nothing in between is lost.
    assert sorted(outcome.index for outcome in outcomes) == list(range(stopped.attempted if stopped else count))
    assert (len(outcomes) < count) is meaning.stops
    struck = next(outcome for outcome in outcomes if outcome.index == index)
    assert isinstance(struck, meaning.outcome)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes if outcome is not struck)
    assert sandbox.journal.requests[SEND] == len(outcomes) - 1 + meaning.attempts
    check_invariants(sandbox, outcomes, caplog)
    await check_closed(sandbox)


# --- The token ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_once(status: int, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A token that is refused is replaced once, and the request made once more."""
    sandbox.faults.add(Fault(faults.error(status), method="POST", path="/sms", times=1))
    async with opened(client_of(sandbox)) as client:
        outcome = await attempt(client, 0)
    assert isinstance(outcome, Accepted)
    assert (sandbox.journal.requests[SEND], sandbox.journal.requests[TOKEN]) == (2, 2)
    check_invariants(sandbox, [outcome], caplog)


async def test_token_revoked_under_a_batch(sandbox: Sandbox) -> None:
    """However many messages a revoked token hits, one new token serves them all."""
    async with opened(client_of(sandbox)) as client:
        await client.send(attrs.evolve(message(0), label=None))
        sandbox.revoke_token()
        outcomes, stopped = await attempt_many(client, MESSAGES, concurrency=MESSAGES)
    assert stopped is None
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sandbox.journal.requests[TOKEN] == 2


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError)])
async def test_refused_for_ever(
    status: int,
    error: type[RouteeError],
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refusal of the new token too is final, for a message and for its batch, and sending it again later is safe."""
    sandbox.faults.add(Fault(faults.error(status), method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        alone = await attempt(client, 0)
        assert isinstance(alone, Rejected)
        assert type(alone.error) is error
        assert (sandbox.journal.requests[SEND], sandbox.journal.requests[TOKEN]) == (2, 2)
        outcomes, stopped = await attempt_many(client, 1000)
    assert stopped is not None
    assert type(stopped.cause) is error
    assert stopped.attempted == len(outcomes) < 20
    assert all(isinstance(outcome, Rejected) and outcome.error.safe_to_resend for outcome in outcomes)
    assert sandbox.journal.requests[SEND] <= 2 + 2 * len(outcomes)
    check_invariants(sandbox, outcomes, caplog)


TOKEN_FAULTS = {
    "500": (faults.error(500), NotSent, 3),
    "429": (faults.error(429), NotSent, 3),
    "401": (faults.error(401), Rejected, 1),
    "reset": (faults.reset(accepted=False), NotSent, 3),
    "bad json": (faults.mangled(Shape.BAD_JSON), NotSent, 1),
    "empty": (faults.mangled(Shape.EMPTY), NotSent, 1),
    "redirect": (faults.error(302, location="http://127.0.0.1:1/"), NotSent, 1),
    "cut body": (faults.cut_body(), NotSent, 3),
    "garbage": (faults.garbage(), NotSent, 3),
}


@pytest.mark.parametrize(("effect", "outcome", "requests"), TOKEN_FAULTS.values(), ids=TOKEN_FAULTS)
async def test_no_token_to_be_had(
    effect: Effect,
    outcome: type[Outcome],
    requests: int,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever is wrong with the token endpoint, no message was sent, and it is safe to say so."""
    sandbox.faults.add(Fault(effect, path="/oauth/token"))
    async with opened(client_of(sandbox)) as client:
        result = await attempt(client, 0)
    assert isinstance(result, outcome)
    assert not isinstance(result, Accepted)
    assert result.error.safe_to_resend
    assert (sandbox.journal.requests[SEND], sandbox.journal.requests[TOKEN]) == (0, requests)
    check_invariants(sandbox, [result], caplog)


# --- Money -------------------------------------------------------------------------------------------------------------------


async def test_balance_runs_out(caplog: pytest.LogCaptureFixture) -> None:
    """With the money the batch ends: what it paid for is accepted, what was in flight has its outcome, the rest is not tried."""
    async with Sandbox(balance="0.320", price="0.032") as sandbox:
        async with opened(client_of(sandbox)) as client:
            outcomes, stopped = await attempt_many(client, 1000, concurrency=4)
            alone = await attempt(client, 1001)
        assert stopped is not None
        assert isinstance(stopped.cause, InsufficientBalanceError)
        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 10
        refused = [outcome.error for outcome in outcomes if isinstance(outcome, Rejected)]
        assert 10 + len(refused) == len(outcomes) == stopped.attempted < 30
        assert all(type(error) is InsufficientBalanceError and error.safe_to_resend for error in refused)
        assert isinstance(alone, Rejected)
        check_invariants(sandbox, [*outcomes, alone], caplog)


# --- No connection -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def counting_session(attempts: list[object], **options: object) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that notes each connection it begins to make."""

    async def note(*_: object) -> None:
        attempts.append(None)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(note)
    connector = aiohttp.TCPConnector(**options)  # type: ignore[arg-type] # handed on as they come
    async with aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as session:
        yield session


@pytest.mark.parametrize("token_too", [False, True], ids=["API", "token endpoint too"])
async def test_nobody_listens(
    token_too: bool,  # noqa: FBT001
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refused connection is tried again a few times and then told as not sent."""
    attempts: list[object] = []
    with refusing_port() as port:
        nowhere = f"http://127.0.0.1:{port}"
        async with counting_session(attempts) as session:
            client = RouteeClient(
                sandbox.application_id,
                sandbox.application_secret,
                base_url=nowhere,
                auth_url=nowhere if token_too else sandbox.auth_url,
                timeout=UNHURRIED,
                retry=QUICK,
                pace=BRISK,
                session=session,
            )
            async with opened(client):
                outcome = await attempt(client, 0)
                assert len(attempts) == QUICK.attempts + (0 if token_too else 1)
                outcomes, stopped = await attempt_many(client, MESSAGES)
    assert stopped is None
    assert len(outcomes) == MESSAGES
    for each in (outcome, *outcomes):
        assert isinstance(each, NotSent)
        assert type(each.error) is ConnectError
        assert each.error.safe_to_resend
    check_invariants(sandbox, outcomes, caplog)


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "untrusted"])
@pytest.mark.parametrize("token_too", [False, True], ids=["API", "token endpoint too"])
async def test_certificate_that_cannot_be_trusted(
    kind: str,
    token_too: bool,  # noqa: FBT001
    certificates: Certificates,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A certificate does not get better by asking again: one connection, `TLSError`, and the batch ends."""
    attempts: list[object] = []
    async with (
        Sandbox(ssl=getattr(certificates, kind)()) as dubious,
        counting_session(attempts, ssl=certificates.trusting()) as session,
    ):
        client = RouteeClient(
            sandbox.application_id,
            sandbox.application_secret,
            base_url=dubious.base_url,
            auth_url=dubious.base_url if token_too else sandbox.auth_url,
            timeout=UNHURRIED,
            retry=QUICK,
            pace=BRISK,
            session=session,
        )
        async with opened(client):
            outcome = await attempt(client, 0)
            assert isinstance(outcome, NotSent)
            assert type(outcome.error) is TLSError
            assert outcome.error.safe_to_resend
            assert len(attempts) == (1 if token_too else 2)
            outcomes, stopped = await attempt_many(client, 1000)
        assert stopped is not None
        assert type(stopped.cause) is TLSError
        assert len(outcomes) < 20
        assert not dubious.journal.requests
        check_invariants(dubious, [outcome], caplog)
        check_invariants(dubious, outcomes, caplog)


async def test_good_certificate(certificates: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    """Over TLS all goes as it does without."""
    async with (
        Sandbox(ssl=certificates.good()) as sandbox,
        counting_session([], ssl=certificates.trusting()) as session,
        opened(client_of(sandbox, session=session)) as client,
    ):
        outcomes, stopped = await attempt_many(client, MESSAGES)
        assert stopped is None
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        check_invariants(sandbox, outcomes, caplog)


# --- "Come later" ------------------------------------------------------------------------------------------------------------


class Clock:
    """The clock of the loop, which can be put forward: what waits for a time then has it at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._ahead = 0.0
        time = loop.time
        monkeypatch.setattr(loop, "time", lambda: time() + self._ahead)

    async def advance(self, seconds: float) -> None:
        """Put the clock forward, and let everybody act on it."""
        self._ahead += seconds
        await asyncio.sleep(0.005)

    async def wait_for(self, done: Callable[[], object], longest: float) -> float:
        """Put the clock forward bit by bit until something is *done*; tell how long that took by the clock."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not done() and loop.time() < began + longest:
            await self.advance(longest / 100)
        assert done()
        return loop.time() - began


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the loop, in our hands."""
    return Clock(monkeypatch)


@asynccontextmanager
async def under_way(*each: Coroutine[Any, Any, T]) -> AsyncIterator[list["asyncio.Task[T]"]]:
    """Run *each* as a task, and end those that hang."""
    tasks = [asyncio.create_task(one) for one in each]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def in_seconds(seconds: float) -> str:
    """A date so many seconds from now, as a header has it."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


ASKED = {
    "seconds": (lambda: "7", 6.5),
    "more than a minute": (lambda: "40", 39.5),
    "date": (lambda: in_seconds(30), 20.0),
    "zero": (lambda: "0", 0.0),
    "past": (lambda: in_seconds(-100), 0.0),
    "malformed": (lambda: "soon", 0.0),
    "negative": (lambda: "-7", 0.0),
    "broken number": (lambda: "1.5", 0.0),
    "missing": (lambda: None, 0.0),
}


@pytest.mark.parametrize(("value", "least"), ASKED.values(), ids=ASKED)
async def test_wait_that_the_server_asks_for(
    value: Callable[[], str | None],
    least: float,
    sandbox: Sandbox,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 429 is followed by another attempt, no sooner than the server asks; a value that makes no sense does not count."""
    sandbox.faults.add(Fault(faults.error(429, retry_after=value()), method="POST", path="/sms", times=1))
    async with opened(client_of(sandbox, timeout=Timeout())) as client, under_way(attempt(client, 0)) as tasks:
        await until(lambda: sandbox.journal.requests[SEND])
        waited = await clock.wait_for(tasks[0].done, 50.0) if least else 0.0
        outcome = await tasks[0]
    assert isinstance(outcome, Accepted)
    assert sandbox.journal.requests[SEND] == 2
    assert waited >= least
    check_invariants(sandbox, [outcome], caplog)


async def test_wait_that_is_too_long(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for hours: the send is given up at once, and told how long it would have been."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="999999"), method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        outcome = await attempt(client, 0)
    assert isinstance(outcome, NotSent)
    assert isinstance(outcome.error, RateLimitError)
    assert outcome.error.retry_after == 999999
    assert sandbox.journal.requests[SEND] == 1
    check_invariants(sandbox, [outcome], caplog)


async def test_wait_that_is_too_long_does_not_hold_a_batch(sandbox: Sandbox, clock: Clock) -> None:
    """One absurd `Retry-After` does not close the gate for days: nothing waits much longer than the policy says."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="999999"), method="POST", path="/sms", times=1))
    async with opened(client_of(sandbox)) as client, under_way(attempt_many(client, MESSAGES, concurrency=1)) as tasks:
        await until(lambda: sandbox.journal.requests[SEND])
        await clock.wait_for(tasks[0].done, 10 * QUICK.max_retry_after)


async def test_gate_is_closed_for_all(sandbox: Sandbox, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """While one message waits as the server asked, no other is sent either, alone or in a batch."""
    fault = Fault(faults.error(429, retry_after="20"), method="POST", path="/sms", times=1)
    sandbox.faults.add(fault)
    async with opened(client_of(sandbox, timeout=Timeout())) as client, under_way(attempt(client, MESSAGES)) as first:
        await until(lambda: sandbox.faults.struck(fault))
        await clock.advance(0.1)
        async with under_way(attempt(client, MESSAGES + 1)) as second, under_way(attempt_many(client, MESSAGES)) as batch:
            for _ in range(19):
                await clock.advance(1.0)
            assert sandbox.journal.requests[SEND] == 1
            await clock.wait_for(lambda: first[0].done() and second[0].done() and batch[0].done(), 30.0)
            outcomes, stopped = await batch[0]
            outcomes += [await first[0], await second[0]]
    assert stopped is None
    assert len(outcomes) == MESSAGES + 2
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sandbox.journal.requests[SEND] == MESSAGES + 3
    check_invariants(sandbox, outcomes, caplog)


async def test_gate_that_opens_too_late(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A send that has no time to wait for the gate is not sent, and says so, without a request."""
    sandbox.faults.add(Fault(faults.error(429, retry_after="100"), method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        outcomes = [await attempt(client, index) for index in range(2)]
    assert all(isinstance(outcome, NotSent) and type(outcome.error) is RateLimitError for outcome in outcomes)
    assert sandbox.journal.requests[SEND] == 1
    check_invariants(sandbox, outcomes, caplog)


# --- Leaving -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [faults.hang(accepted=True), faults.hang(accepted=False), faults.stall_body()], ids=name_of)
async def test_cancelled_send(effect: Effect, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled send is cancelled: nothing is repeated, and nothing of it stays."""
    sandbox.faults.add(Fault(effect, method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        task = asyncio.create_task(client.send(message(0)))
        await until(lambda: sandbox.journal.requests[SEND])
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        sandbox.faults.clear()
        after = await attempt(client, 1)
    assert isinstance(after, Accepted)
    assert sandbox.journal.requests[SEND] == 2
    check_secrets(sandbox, told_by(caught.value) + caplog.text)
    await check_closed(sandbox)


async def test_server_goes_away(caplog: pytest.LogCaptureFixture) -> None:
    """When the carrier dies under a batch, what it accepted is doubtful, what came too late was not sent, and all have outcomes."""
    sandbox = Sandbox(timeline=Timeline(reads=1))
    await sandbox.start()
    sandbox.faults.add(Fault(faults.hang(accepted=True), method="POST", path="/sms"))
    async with opened(client_of(sandbox)) as client:
        batch = asyncio.create_task(attempt_many(client, MESSAGES, concurrency=3))
        await until(lambda: sandbox.journal.sends_accepted == 3)
        await sandbox.stop()
        outcomes, stopped = await batch
    assert stopped is None
    assert [type(outcome) for outcome in sorted(outcomes, key=lambda each: each.index)] == [Unknown] * 3 + [NotSent] * 3
    check_invariants(sandbox, outcomes, caplog)
