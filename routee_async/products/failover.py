"""`client.failover`: messages that stand in for one another, over SMS, Viber and voice. Source: routee-api.md §2.17."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import attrs

from routee_async import camel, filters, redact, segments
from routee_async.asker import Asker
from routee_async.camel import MINUTES, WHOLE, wire
from routee_async.errors import InvalidInputError
from routee_async.filters import FailoverField, Filter
from routee_async.models import OpenText, Restrictions, UrlShortener
from routee_async.operations import Operation
from routee_async.phone import check_sender_id
from routee_async.protocol import Content
from routee_async.validation import check_body, check_label, check_url_shortener

_SHORTEST_TTL = timedelta(minutes=0.5)
_LONGEST_TTL = timedelta(minutes=1440)


class Channel(OpenText):
    """How a step reaches its recipient."""

    SMS = "Sms"
    VIBER = "Viber"
    VOICE = "Voice"


class FlowStrategy(StrEnum):
    """When Routee calls back about a flow."""

    ON_STEP = "OnStep"
    ON_COMPLETION = "OnCompletion"


class FlowStatus(OpenText):
    """Where a flow has got to; an open value, as `MessageStatus` is."""

    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """True when the status will not change any more."""
        return self in {FlowStatus.SUCCEEDED, FlowStatus.FAILED}


@attrs.frozen(kw_only=True)
class FlowCallback:
    """Where Routee shall report on a flow.

    Attributes:
        url: http or https URL that answers 200. Keep it secret.
        strategy: At every step, or once at the end.
    """

    url: str = attrs.field(repr=redact.mask_url)
    strategy: FlowStrategy = FlowStrategy.ON_COMPLETION


@attrs.frozen(kw_only=True)
class SmsStep:
    """A step by SMS.

    Attributes:
        to: Recipient.
        sender_id: Who it comes from.
        body: Text.
        label: Free text of 1 to 350 characters.
        flash: Show it at once (class 0).
        transcode: Replace characters outside GSM-7 by look-alikes.
        ttl: How long it is tried, half a minute to 24 hours; None for Routee's 20 hours.
        failover_on_statuses: Statuses after which the next step has its turn, `Undelivered` and `Failed` among them; none for
            Routee's own choice.
        url_shortener: Shorten links in the body.
    """

    to: str = attrs.field(repr=redact.mask_number)
    sender_id: str
    body: str = attrs.field(repr=redact.mask_body)
    label: str | None = None
    flash: bool = False
    transcode: bool | None = None
    ttl: timedelta | None = None
    failover_on_statuses: tuple[str, ...] = ()
    url_shortener: UrlShortener | None = None


@attrs.frozen(kw_only=True)
class OtherStep:
    """A step by Viber or by voice, of whose fields Routee documents few: they are written as they are given.

    Attributes:
        channel: `Channel.VIBER` or `Channel.VOICE`.
        to: Recipient.
        fields: Further fields of the step, with their names on the wire, such as `{"message": {"text": "…"}}`.
        ttl: How long it is tried, half a minute to 24 hours; None for Routee's own (10 minutes for Viber).
        failover_on_statuses: Statuses after which the next step has its turn; none for Routee's own choice.
    """

    channel: Channel
    to: str = attrs.field(repr=redact.mask_number)
    fields: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    ttl: timedelta | None = None
    failover_on_statuses: tuple[str, ...] = ()


Step = SmsStep | OtherStep


@attrs.frozen(kw_only=True)
class SentFlow:
    """Routee's answer to a flow that it accepted.

    Attributes:
        tracking_id: Its id.
        raw: All that Routee said.
    """

    tracking_id: str
    raw: Mapping[str, object] = attrs.field(factory=dict, repr=False, metadata=WHOLE)


@attrs.frozen(kw_only=True)
class StepReason:
    """Why a step has its status.

    Attributes:
        detailed_status: In a few words; an open list.
        description: In more words.
    """

    detailed_status: str | None = None
    description: str | None = None


@attrs.frozen(kw_only=True)
class StepStatus:
    """Where a step has got to.

    Attributes:
        name: Its status; an open value.
        updated_at: When it got there.
        reason: Why.
    """

    name: str = attrs.field(metadata=wire("name", "status"))
    updated_at: datetime | None = attrs.field(default=None, metadata=wire("updatedDate", "date"))
    reason: StepReason | None = None


@attrs.frozen(kw_only=True)
class FlowMessage:
    """A message of a flow: of a step that has had its turn, one for each part.

    Attributes:
        type: Its channel.
        order: Place of its step.
        tracking_id: Its id.
        sender_id: Who it comes from.
        to: Recipient.
        ttl: How long it is tried.
        body: Text; None for what is no plain text.
        status: Where it has got to.
        price: What it cost.
        failover_on_statuses: Statuses after which the next step has its turn.
        raw: All that Routee said of it.
    """

    type: Channel | None = None
    order: int | None = None
    tracking_id: str | None = None
    sender_id: str | None = attrs.field(default=None, metadata=wire("from"))
    to: str | None = attrs.field(default=None, repr=redact.mask_number)
    ttl: timedelta | None = attrs.field(default=None, metadata=MINUTES)
    body: str | None = attrs.field(default=None, repr=redact.mask_body)
    status: StepStatus | None = None
    price: Decimal | None = None
    failover_on_statuses: tuple[str, ...] = ()
    raw: Mapping[str, object] = attrs.field(factory=dict, repr=False, metadata=WHOLE)


@attrs.frozen(kw_only=True)
class Flow:
    """Where a flow has got to.

    Attributes:
        tracking_id: Its id.
        status: Where it has got to.
        status_code: Why it failed: 0 server error, 1 no balance, 2 no next step, 3 step not triggered; None if it did not.
        application_id: Application that sent it.
        originating_service: `Failover`, as a rule.
        termination_channel: The channel that ended it.
        total_price: What it has cost.
        created_at: When it was accepted.
        updated_at: When it last changed.
        messages: What was sent.
    """

    tracking_id: str
    status: FlowStatus
    status_code: int | None = None
    application_id: str | None = None
    originating_service: str | None = None
    termination_channel: Channel | None = None
    total_price: Decimal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    messages: tuple[FlowMessage, ...] = ()


_SCOPE = "failover"
_SECTION = "2.17"
SEND = Operation(
    method="POST",
    path="/failover",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="failover.send",
    content=Content.JSON,
    answer=SentFlow,
)
FETCH = Operation(
    method="GET",
    path="/failover/tracking/{}",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="failover.fetch",
    answer=Flow,
)
SEARCH = Operation(
    method="POST",
    path="/failover/tracking",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="failover.search",
    query=("dateStart", "dateEnd", "page", "size"),
    content=Content.JSON,
    answer=Flow,
)


class Failover:
    """Flows of messages, as `client.failover`: the next one goes out when the one before did not arrive."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def send(
        self,
        steps: Sequence[Step],
        *,
        callback: FlowCallback | None = None,
        restrictions: Restrictions | None = None,
    ) -> SentFlow:
        """Send a flow, at most once.

        Args:
            steps: What is tried, in this order.
            callback: Where Routee shall report.
            restrictions: Ids that a country demands.

        Raises:
            InvalidInputError: Something makes no sense; nothing was written.
            OutcomeUnknownError: It may have been sent.
            APIError: Routee said no.
        """
        if not steps:
            raise InvalidInputError("steps", "must be one step or more")
        flow = [self._step(step, place) for place, step in enumerate(steps, start=1)]
        order: dict[str, object] = {"flow": flow}
        if callback is not None:
            order["callback"] = {"url": callback.url, "strategy": callback.strategy}
        if restrictions is not None:
            order["restrictions"] = restrictions
        first = steps[0]
        parts = segments.analyze(first.body).parts if isinstance(first, SmsStep) else 1
        reference = first.label if isinstance(first, SmsStep) else None
        return await self._ask.one(SEND, body=order, reference=reference, parts=parts)

    async def fetch(self, tracking_id: str) -> Flow:
        """Read where a flow has got to.

        Raises:
            NotFoundError: There is no such flow, or not yet.
        """
        return await self._ask.one(FETCH, tracking_id)

    def search(
        self,
        conditions: Iterable[Filter] = (),
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> AsyncIterator[Flow]:
        """Search flows, all pages of them, as they are taken.

        Args:
            conditions: `Filter`s on `FailoverField`s, all of which must be met.
            start: From this moment, with time zone; None for the beginning.
            end: To this moment; None for now.

        Raises:
            InvalidInputError: The conditions make no sense.
        """
        checked = filters.check(conditions, FailoverField)
        query = {"dateStart": start, "dateEnd": end}
        return self._ask.pages(SEARCH, query=query, body=filters.to_wire(checked), key=lambda flow: flow.tracking_id)

    def _step(self, step: Step, place: int) -> dict[str, object]:
        """Write a step."""
        wire_step: dict[str, object] = {"to": self._ask.recipient(step.to), "order": place}
        if isinstance(step, SmsStep):
            wire_step |= {"type": Channel.SMS.value, **_write_sms(step)}
        else:
            if step.channel is Channel.SMS:
                raise InvalidInputError("steps", "a step by SMS is an SmsStep")
            wire_step |= {"type": step.channel.value, **step.fields}
        if step.ttl is not None:
            if not _SHORTEST_TTL <= step.ttl <= _LONGEST_TTL:
                raise InvalidInputError("ttl", "must be half a minute to 24 hours")
            wire_step["ttl"] = camel.write_minutes(step.ttl)
        if step.failover_on_statuses:
            wire_step["failoverOnStatuses"] = list(step.failover_on_statuses)
        return wire_step


def _write_sms(step: SmsStep) -> dict[str, object]:
    check_sender_id(step.sender_id)
    check_body(step.body)
    message: dict[str, object] = {"body": step.body}
    if step.label is not None:
        check_label(step.label)
        message["label"] = step.label
    if step.flash:
        message["flash"] = True
    if step.transcode is not None:
        message["transcode"] = step.transcode
    written: dict[str, object] = {"from": step.sender_id, "message": message}
    if step.url_shortener is not None:
        check_url_shortener(step.url_shortener)
        written["urlShortener"] = {"urlValidity": int(step.url_shortener.validity.total_seconds())}
    return written
