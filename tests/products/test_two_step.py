"""`client.two_step`: one-time codes."""

import asyncio
from datetime import timedelta

import pytest

from routee_async import (
    BadRequestError,
    ConfigurationError,
    InvalidInputError,
    InvalidSenderIdError,
    NotFoundError,
    OutcomeUnknownError,
    RouteeClient,
    TrackingTimeoutError,
)
from routee_async.products.two_step import WRONG_ANSWER, CodeMethod, VerificationStatus
from routee_async.sandbox import Fault, Sandbox, faults
from routee_async.sandbox.two_step import pin_of

TO = "+306970000001"


async def test_every_option_arrives(sandbox: Sandbox, client: RouteeClient) -> None:
    """Placeholders are filled, and life, tries and digits are as asked for."""
    sent = await client.two_step.send(
        TO,
        template="Hi @@name, @@pin",
        arguments={"name": "Eleni"},
        sender_id="ParcelCo",
        template_country="GR",
        lifetime=timedelta(minutes=2),
        max_retries=1,
        digits=8,
    )
    assert sent.status is VerificationStatus.PENDING
    assert (sent.max_retries, sent.times_tried) == (1, 0)
    assert sent.expires_at is not None
    assert sent.updated_at is not None
    assert sent.expires_at - sent.updated_at == timedelta(minutes=2)
    pin = pin_of(sandbox.carrier, sent.tracking_id)
    assert (len(pin), sandbox.journal.accepted[0].body) == (8, f"Hi Eleni, {pin}")


async def test_wrong_code_costs_a_try(sandbox: Sandbox, client: RouteeClient) -> None:
    """A wrong code has its own code; with the last try the verification has failed."""
    sent = await client.two_step.send(TO, template="@@pin", max_retries=0, digits=4)
    wrong = "1" if pin_of(sandbox.carrier, sent.tracking_id) != "1" else "2"
    with pytest.raises(BadRequestError) as caught:
        await client.two_step.confirm(sent.tracking_id, wrong)
    assert caught.value.code == WRONG_ANSWER
    assert (await client.two_step.fetch(sent.tracking_id)).status is VerificationStatus.FAILED
    with pytest.raises(BadRequestError):
        await client.two_step.cancel(sent.tracking_id)


async def test_confirmation_is_not_repeated(sandbox: Sandbox, client: RouteeClient) -> None:
    """A lost answer is unknown and told by a look: repeated, a wrong code would cost another try."""
    sent = await client.two_step.send(TO, template="@@pin")
    sandbox.faults.add(Fault(faults.close(accepted=True), path=f"/2step/{sent.tracking_id}", times=1))
    with pytest.raises(OutcomeUnknownError):
        await client.two_step.confirm(sent.tracking_id, f" {pin_of(sandbox.carrier, sent.tracking_id)} ")
    assert (await client.two_step.fetch(sent.tracking_id)).status is VerificationStatus.VERIFIED


async def test_wait_for_somebody_else(sandbox: Sandbox, client: RouteeClient) -> None:
    """Who waits is told when another confirms, and that time is over when nobody does."""
    sent = await client.two_step.send(TO, template="@@pin")
    with pytest.raises(TrackingTimeoutError) as caught:
        await client.two_step.wait_verified(sent.tracking_id, timeout=0.05, interval=0.01)
    assert caught.value.last_status == "Pending"
    waiting = asyncio.create_task(client.two_step.wait_verified(sent.tracking_id, timeout=30, interval=0.01))
    await client.two_step.confirm(sent.tracking_id, pin_of(sandbox.carrier, sent.tracking_id))
    assert (await waiting).status is VerificationStatus.VERIFIED
    with pytest.raises(NotFoundError):
        await client.two_step.wait_verified("nobody", timeout=1)
    for seconds in (0, -1):
        with pytest.raises(ConfigurationError):
            await client.two_step.wait_verified(sent.tracking_id, timeout=seconds)


async def test_code_by_a_call(sandbox: Sandbox, client: RouteeClient) -> None:
    """A call is no message."""
    sent = await client.two_step.send(TO, template="@@pin", method=CodeMethod.VOICE)
    assert sent.status == "Pending"
    assert not sandbox.journal.accepted


@pytest.mark.parametrize(
    "options", [{"template": "no code"}, {"lifetime": timedelta(0)}, {"lifetime": timedelta(seconds=1.5)}], ids=str
)
async def test_bad_input_never_leaves(sandbox: Sandbox, client: RouteeClient, options: dict[str, timedelta]) -> None:
    """What cannot be sent is refused before any request."""
    with pytest.raises(InvalidInputError):
        await client.two_step.send(TO, **{"template": "@@pin", **options})  # type: ignore[arg-type] # on purpose
    with pytest.raises(InvalidSenderIdError):
        await client.two_step.send(TO, template="@@pin", sender_id="TwelveLetter")
    with pytest.raises(InvalidInputError):
        await client.two_step.confirm("id", " ")
    assert sandbox.journal.requests["POST /2step"] == 0


def test_final() -> None:
    """Only a pending verification can still change; a status that nobody knows is not final."""
    finals = {status for status in VerificationStatus if status.is_final}
    assert finals == set(VerificationStatus) - {VerificationStatus.PENDING}
    assert not VerificationStatus("Odd").is_final
