"""Observers of calls, and captured answers."""

import asyncio
import logging

import pytest

from routee_async import (
    Attempt,
    CallInfo,
    CallObserver,
    NotFoundError,
    OutcomeUnknownError,
    RouteeClient,
    Sms,
)
from routee_async.observing import Watch
from routee_async.sandbox import Fault, Sandbox, faults


class Notes:
    """Notes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[CallInfo, list[Attempt], list[BaseException | None]]] = []

    def begin(self, call: CallInfo) -> "CallObserver":
        """A call begins."""
        attempts: list[Attempt] = []
        ends: list[BaseException | None] = []
        self.calls.append((call, attempts, ends))

        class One:
            def attempt(self, attempt: Attempt) -> None:
                attempts.append(attempt)

            def end(self, error: BaseException | None) -> None:
                ends.append(error)

        return One()


async def test_each_call_is_told_with_its_attempts(sandbox: Sandbox, sms: Sms) -> None:
    """A call that was repeated is one call with two attempts; one that failed ends with its error."""
    notes = Notes()
    sandbox.faults.add(Fault(faults.error(429, retry_after="0"), path="/sms", times=1))
    async with sandbox.client(observer=notes) as client:
        await client.send(sms)
        with pytest.raises(NotFoundError):
            await client.fetch_campaign("nobody")
    (send, attempts, ends), (_, (missed,), (error,)) = notes.calls
    assert (send.name, send.method, send.path, send.paid, send.parts) == ("send", "POST", "/sms", True, 1)
    assert [(each.number, each.status, each.next) for each in attempts] == [(1, 429, "repeat"), (2, 200, "read")]
    assert all(each.seconds > 0 for each in attempts)
    assert ends == [None]
    assert (missed.status, missed.failure, missed.next) == (404, None, "raise")
    assert isinstance(error, NotFoundError)
    assert "+30697" not in repr(notes.calls[0][:2])


async def test_exchange_without_an_answer(sandbox: Sandbox, sms: Sms) -> None:
    """Where there was no answer, the phase and the reason are told."""
    notes = Notes()
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/sms", times=1))
    async with sandbox.client(observer=notes) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.send(sms)
    ((_, (attempt,), _),) = notes.calls
    assert attempt.status is None
    assert attempt.failure is not None
    assert attempt.failure.startswith("wait: ")


async def test_repeats_are_logged_for_machines(sandbox: Sandbox, sms: Sms, caplog: pytest.LogCaptureFixture) -> None:
    """A line about a repeat names call and attempt in fields of their own, and nobody who is written to."""
    caplog.set_level(logging.INFO, "routee_async")
    sandbox.faults.add(Fault(faults.error(429, retry_after="0"), path="/sms", times=1))
    async with sandbox.client() as client:
        await client.send(sms)
    (record,) = [record for record in caplog.records if record.message.startswith("attempt")]
    assert (record.__dict__["routee_call"], record.__dict__["routee_attempt"]) == ("send", 2)
    assert sms.to not in caplog.text
    assert sms.body not in caplog.text


class Broken:
    """Fails at the moment it is told to."""

    def __init__(self, moment: str) -> None:
        self.moment = moment

    def begin(self, call: CallInfo) -> "Broken":
        """A call begins."""
        del call
        return self._fail("begin")

    def attempt(self, attempt: Attempt) -> None:
        """An exchange is over."""
        del attempt
        self._fail("attempt")

    def end(self, error: BaseException | None) -> None:
        """The call is over."""
        del error
        self._fail("end")

    def _fail(self, moment: str) -> "Broken":
        if moment == self.moment:
            raise ZeroDivisionError
        return self


@pytest.mark.parametrize("moment", ["begin", "attempt", "end"])
async def test_observer_that_fails_ends_no_call(
    sandbox: Sandbox,
    sms: Sms,
    moment: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever an observer raises is logged, and the message is sent all the same."""
    async with sandbox.client(observer=Broken(moment)) as client:
        assert (await client.send(sms)).tracking_id
    assert [record.levelno for record in caplog.records if record.message == "an observer failed"] == [logging.ERROR]


async def test_captured_answers(sandbox: Sandbox, client: RouteeClient, sms: Sms) -> None:
    """Status, all headers and body of every answer made inside, refusals among them; nothing before or after."""
    await client.account.balance()
    with client.capture() as answers:
        sent = await client.send(sms)
        with pytest.raises(NotFoundError):
            await client.fetch_campaign("nobody")
        await asyncio.create_task(client.fetch_tracking(sent.tracking_id))
    await client.account.balance()
    assert [answer.status for answer in answers] == [200, 404, 200]
    assert answers[0].headers["content-type"].startswith("application/json")
    assert sent.tracking_id.encode() in answers[0].body
    assert sandbox.journal.requests["GET /accounts/me/balance"] == 2


async def test_captures_of_several_tasks(client: RouteeClient) -> None:
    """Each task captures its own, and an observer goes on being told when they are over."""

    async def ask(times: int) -> int:
        with client.capture() as answers:
            for _ in range(times):
                await client.account.balance()
        return len(answers)

    one, three, _ = await asyncio.gather(ask(1), ask(3), client.account.balance())
    assert (one, three) == (1, 3)


def test_nobody_watches() -> None:
    """Without an observer and outside of any capture there is nothing to do."""
    watch = Watch(None)
    needed = [watch.is_needed]
    with watch.capture():
        needed.append(watch.is_needed)
    needed.append(watch.is_needed)
    assert needed == [False, True, False]
    assert Watch(Notes()).is_needed
