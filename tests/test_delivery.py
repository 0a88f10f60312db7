"""One message, and what is done about doubt, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from routee_async import protocol
from routee_async.delivery import Delivery
from routee_async.errors import BadRequestError, NoAnswerError, OutcomeUnknownError
from routee_async.exchange import ExchangeError, Transport
from routee_async.launcher import Launcher
from routee_async.models import MessageStatus, Sms, TrackedPart
from routee_async.options import OnUnknown, RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.protocol import Failure, Phase, Request, Response
from routee_async.reconcile import Reconciler
from routee_async.references import reference_of, wire_label
from tests.virtual_time import in_virtual_time

SMS = Sms(to="+306970000001", sender_id="P", body="Hello", label="mine")
LABEL = wire_label(SMS.label, reference_of("k3f9x2ab", 7))
SILENCE = Failure(phase=Phase.WAIT, reason="TimeoutError", written=True)
UNTRUSTED = Failure(phase=Phase.TLS, reason="ClientConnectorCertificateError", written=False, permanent=True)
OK = Response(200, {}, b'{"trackingId":"id-2"}')
REDIRECT = Response(302, {}, b"")
NO = Response(400, {}, b'{"code":"400005000"}')


def now() -> datetime:
    """The wall clock."""
    return datetime(2026, 1, 14, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())


def row(tracking_id: str = "id-1") -> TrackedPart:
    """What a look-up finds."""
    return TrackedPart(tracking_id=tracking_id, to=SMS.to, label=LABEL, status=MessageStatus.SENT)


class Service(Transport):
    """Answers sends step by step, and shows rows to look-ups."""

    def __init__(self, *steps: Response | Failure, rows: tuple[TrackedPart, ...] = (), is_blind: bool = False) -> None:
        self.steps = list(steps)
        self.rows = rows
        self.is_blind = is_blind
        self.sends = 0
        self.searches = 0

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Play the next step."""
        del authorization, time_left
        if request.endpoint is protocol.FETCH_TOKEN:
            return Response(200, {}, b'{"access_token":"t"}')
        self.sends += 1
        step = self.steps.pop(0)
        if isinstance(step, Failure):
            raise ExchangeError(step)
        return step

    async def search(self, prefix: str, start: datetime, end: datetime) -> AsyncIterator[TrackedPart]:
        """Show what there is."""
        assert LABEL.startswith(prefix)
        assert start < now() < end
        self.searches += 1
        if self.is_blind:
            raise NoAnswerError("wait", "TimeoutError")
        for each in self.rows:
            yield each

    async def aclose(self) -> None:
        """Nothing to close."""


def delivery(service: Service) -> Delivery:
    """Make a delivery over *service*."""
    policy, rng = RetryPolicy(), random.Random(1)
    caller = Launcher(
        service,
        application_id="app",
        application_secret="secret",
        timeout=Timeout(),
        policy=policy,
        pace=Pace(),
        max_connections=1,
        rng=rng,
    )
    return Delivery(caller, Reconciler(service.search, now), policy=policy, rng=rng, now=now)


@in_virtual_time
async def test_reported_doubt_ends_the_matter() -> None:
    """By default a doubtful send is one POST, no look-up, and said to be unknown."""
    service = Service(SILENCE)
    with pytest.raises(OutcomeUnknownError):
        await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.REPORT, patient=False)
    assert (service.sends, service.searches) == (1, 0)


@in_virtual_time
async def test_found_message_is_adopted() -> None:
    """A doubtful message that the look-up finds is accepted, under the id that Routee gave it, and not sent again."""
    service = Service(SILENCE, rows=(row(),))
    sent = await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RECONCILE, patient=False)
    assert (sent.tracking_id, sent.status, sent.label) == ("id-1", MessageStatus.SENT, "mine")
    assert sent.reference == reference_of("k3f9x2ab", 7)
    assert not sent.duplicates
    assert (service.sends, service.searches) == (1, 1)


@in_virtual_time
async def test_message_found_twice_is_reported() -> None:
    """When Routee has the message twice, the second id is told."""
    service = Service(SILENCE, rows=(row(), row("id-9"), row()))
    sent = await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RECONCILE, patient=False)
    assert (sent.tracking_id, sent.duplicates) == ("id-1", ("id-9",))


@in_virtual_time
async def test_absent_message_is_sent_again_after_the_window() -> None:
    """Only when the look-ups are over is an absent message sent again, and never at once."""
    service = Service(SILENCE, OK)
    sent = await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RECONCILE, patient=False)
    assert sent.tracking_id == "id-2"
    assert (service.sends, service.searches) == (2, 4)
    assert asyncio.get_running_loop().time() >= 40


@in_virtual_time
async def test_blind_look_up_sends_nothing() -> None:
    """When the look-ups fail, nothing is known, and nothing is sent again."""
    service = Service(SILENCE, is_blind=True)
    with pytest.raises(OutcomeUnknownError):
        await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RECONCILE, patient=False)
    assert service.sends == 1


@in_virtual_time
async def test_reconciling_has_an_end() -> None:
    """A message that falls into doubt each time it is sent ends as unknown after the attempts of the policy."""
    service = Service(*[SILENCE] * 4)
    with pytest.raises(OutcomeUnknownError):
        await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RECONCILE, patient=False)
    assert (service.sends, service.searches) == (4, 16)


@in_virtual_time
async def test_resend_is_at_least_once() -> None:
    """`RESEND` sends again without looking, after a while."""
    service = Service(SILENCE, SILENCE, OK)
    sent = await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RESEND, patient=False)
    assert sent.tracking_id == "id-2"
    assert (service.sends, service.searches) == (3, 0)
    assert asyncio.get_running_loop().time() > 0


@pytest.mark.parametrize(
    "second", [NO, Failure(phase=Phase.TLS, reason="x", written=False, permanent=True)], ids=["refused", "not written"]
)
def test_failed_resend_does_not_deny_the_first_send(second: Response | Failure) -> None:
    """When a message that may have been sent is sent again and surely fails, it may still have been sent the first time."""

    @in_virtual_time
    async def check() -> None:
        service = Service(SILENCE, second)
        with pytest.raises(OutcomeUnknownError) as caught:
            await delivery(service).deliver(SMS, LABEL, on_unknown=OnUnknown.RESEND, patient=False)
        assert caught.value.phase == Phase.WAIT
        assert service.sends == 2

    check()


@pytest.mark.parametrize("on_unknown", list(OnUnknown))
@pytest.mark.parametrize("step", [REDIRECT, NO], ids=["redirect", "refusal"])
def test_what_cannot_get_better_is_raised_at_once(on_unknown: OnUnknown, step: Response) -> None:
    """A redirect (a wrong address) and a plain no are neither looked up nor repeated."""

    @in_virtual_time
    async def check() -> None:
        service = Service(step)
        with pytest.raises((OutcomeUnknownError, BadRequestError)):
            await delivery(service).deliver(SMS, LABEL, on_unknown=on_unknown, patient=False)
        assert (service.sends, service.searches) == (1, 0)

    check()
