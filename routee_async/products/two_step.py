"""`client.two_step`: one-time codes that Routee makes, sends and checks. Source: routee-api.md §2.18."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from routee_async import camel
from routee_async.asker import Asker
from routee_async.camel import WHOLE, wire
from routee_async.errors import InvalidInputError, TrackingTimeoutError
from routee_async.models import OpenText, Restrictions
from routee_async.operations import Operation
from routee_async.options import check_positive
from routee_async.phone import check_sender_id
from routee_async.protocol import Content

WRONG_ANSWER = "400011005"
"""Code of the `BadRequestError` for a wrong code."""
_PIN = "@@pin"


class CodeMethod(StrEnum):
    """How a code reaches its recipient."""

    SMS = "sms"
    VOICE = "voice"


class VerificationStatus(OpenText):
    """Where a verification has got to; an open value, as `MessageStatus` is."""

    PENDING = "Pending"
    VERIFIED = "Verified"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """True when the status will not change any more."""
        return self in {
            VerificationStatus.VERIFIED,
            VerificationStatus.CANCELLED,
            VerificationStatus.EXPIRED,
            VerificationStatus.FAILED,
        }


@attrs.frozen(kw_only=True)
class Verification:
    """A code that somebody has to give back.

    Attributes:
        tracking_id: Its id.
        status: Where it has got to.
        updated_at: When it got there.
        max_retries: Wrong answers that it survives.
        times_tried: Answers so far.
        expires_at: Until when it can be confirmed.
    """

    tracking_id: str
    status: VerificationStatus
    updated_at: datetime | None = None
    max_retries: int | None = None
    times_tried: int | None = None
    expires_at: datetime | None = None


@attrs.frozen(kw_only=True)
class VerificationReport:
    """How many verifications came to what. Its shape is not documented.

    Attributes:
        raw: The whole answer.
    """

    raw: Mapping[str, object] = attrs.field(factory=dict, metadata=WHOLE)


def _seconds(value: timedelta) -> int:
    return int(value.total_seconds())


@attrs.frozen(kw_only=True)
class _Order:
    method: CodeMethod
    type: str
    recipient: str
    template: str
    arguments: Mapping[str, str] | None = None
    template_country: str | None = None
    originator: str | None = None
    lifetime: timedelta | None = attrs.field(default=None, metadata=wire("lifetimeInSeconds", write=_seconds))
    max_retries: int | None = None
    digits: int | None = None
    restrictions: Restrictions | None = None


_SCOPE = "2step"
_SECTION = "2.18"
START = Operation(
    method="POST",
    path="/2step",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.send",
    content=Content.JSON,
    answer=Verification,
)
FETCH = Operation(
    method="GET",
    path="/2step/{}",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.fetch",
    answer=Verification,
)
CONFIRM = Operation(
    method="POST",
    path="/2step/{}",
    paid=True,  # a wrong answer costs one of few tries
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.confirm",
    content=Content.FORM,
    answer=Verification,
)
CANCEL = Operation(
    method="DELETE",
    path="/2step/{}",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.cancel",
    answer=Verification,
)
REPORT = Operation(
    method="GET",
    path="/2step/reports",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.fetch_report",
    answer=VerificationReport,
)
REPORT_OF_APPLICATION = Operation(
    method="GET",
    path="/2step/reports/applications/{}",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="two_step.fetch_application_report",
    answer=VerificationReport,
)


class TwoStep:
    """One-time codes, as `client.two_step`.

    sent = await client.two_step.send("+306970000001", template="Your code is @@pin")
    await client.two_step.confirm(sent.tracking_id, code_that_was_typed)
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        method: CodeMethod = CodeMethod.SMS,
        arguments: Mapping[str, str] | None = None,
        template_country: str | None = None,
        sender_id: str | None = None,
        lifetime: timedelta | None = None,
        max_retries: int | None = None,
        digits: int | None = None,
        restrictions: Restrictions | None = None,
    ) -> Verification:
        """Send a code, at most once.

        Args:
            recipient: Who gets it.
            template: The text, with `@@pin` where the code goes and `@@name` where arguments go.
            method: By SMS or by a call.
            arguments: What stands for the other placeholders.
            template_country: ISO 3166-1 alpha-2 of the language of a template.
            sender_id: Who it comes from; None for the application's own.
            lifetime: How long it can be confirmed, in whole seconds; None for the application's own.
            max_retries: Wrong answers that it survives; None for the application's own.
            digits: Digits of the code; None for the application's own.
            restrictions: Ids that a country demands.

        Raises:
            InvalidInputError: Something makes no sense; nothing was written.
            OutcomeUnknownError: It may have been sent.
            APIError: Routee said no.
        """
        if _PIN not in str(template):
            raise InvalidInputError("template", f"must be a text with {_PIN} where the code goes")
        if sender_id is not None:
            check_sender_id(sender_id)
        if lifetime is not None and (lifetime < timedelta(seconds=1) or lifetime % timedelta(seconds=1)):
            raise InvalidInputError("lifetime", "must be a timedelta of 1 second or more, in whole seconds")
        order = _Order(
            method=method,
            type="code",
            recipient=self._ask.recipient(recipient),
            template=template,
            arguments=arguments,
            template_country=template_country,
            originator=sender_id,
            lifetime=lifetime,
            max_retries=max_retries,
            digits=digits,
            restrictions=restrictions,
        )
        return await self._ask.one(START, body=camel.write(order), parts=1 if method is CodeMethod.SMS else 0)

    async def confirm(self, tracking_id: str, answer: str) -> Verification:
        """Give the code back that somebody typed, at most once: a wrong one costs one of its few tries.

        Args:
            tracking_id: `Verification.tracking_id`.
            answer: What was typed.

        Raises:
            BadRequestError: It was wrong (code `WRONG_ANSWER`), or the verification is over: 400011002 not pending, 400011003
                expired, 400011004 too many tries.
            NotFoundError: There is no such verification.
            OutcomeUnknownError: The answer was lost: `fetch` tells what became of it.
        """
        if not str(answer).strip():
            raise InvalidInputError("answer", "must be a text that is not empty")
        return await self._ask.one(CONFIRM, tracking_id, body={"answer": str(answer).strip()})

    async def fetch(self, tracking_id: str) -> Verification:
        """Read where a verification has got to.

        Raises:
            NotFoundError: There is no such verification.
        """
        return await self._ask.one(FETCH, tracking_id)

    async def cancel(self, tracking_id: str) -> None:
        """Call a verification off.

        Raises:
            BadRequestError: It is over already.
            NotFoundError: There is no such verification.
        """
        await self._ask.nothing(CANCEL, tracking_id)

    async def wait_verified(self, tracking_id: str, *, timeout: float, interval: float = 2.0) -> Verification:
        """Wait until a verification is over, when somebody else confirms it.

        Args:
            tracking_id: `Verification.tracking_id`.
            timeout: Seconds to wait at most.
            interval: Seconds between two looks.

        Returns:
            The verification at its end: look at `status`, which is `Verified` only if the right code was given.

        Raises:
            TrackingTimeoutError: It was not over in time.
            NotFoundError: There is no such verification.
        """
        check_positive("timeout", timeout)
        check_positive("interval", interval)
        last: VerificationStatus | None = None
        try:
            async with asyncio.timeout(timeout):
                while True:
                    found = await self.fetch(tracking_id)
                    if found.status.is_final:
                        return found
                    last = found.status
                    await asyncio.sleep(interval)
        except TimeoutError:
            raise TrackingTimeoutError(tracking_id, last) from None

    async def fetch_report(self) -> VerificationReport:
        """Read how many verifications of the account came to what."""
        return await self._ask.one(REPORT)

    async def fetch_application_report(self, application_id: str) -> VerificationReport:
        """Read how many verifications of one application came to what."""
        return await self._ask.one(REPORT_OF_APPLICATION, application_id)
