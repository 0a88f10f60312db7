"""`client.pools`: senders from which Routee chooses for each message. Source: routee-api.md §2.15."""

from datetime import datetime
from enum import StrEnum

import attrs

from routee_async import redact, segments
from routee_async.asker import Asker
from routee_async.camel import wire
from routee_async.errors import OutcomeUnknownError
from routee_async.models import BodyAnalysis, Callback, MessageStatus, UrlShortener
from routee_async.operations import Operation
from routee_async.protocol import Content, Phase
from routee_async.validation import check_body, check_url_shortener


class PoolStrategy(StrEnum):
    """Which kind of sender a message shall have."""

    NUMERIC = "Numeric"
    ALPHANUMERIC = "Alphanumeric"


@attrs.frozen(kw_only=True)
class PoolSender:
    """The sender of a pool in one country.

    Attributes:
        country: ISO 3166-1 alpha-2.
        sender_id: Alphanumeric sender.
        keyword: Keyword of a short code.
        short_code: Short code.
    """

    country: str | None = None
    sender_id: str | None = None
    keyword: str | None = None
    short_code: str | None = None


@attrs.frozen(kw_only=True)
class PoolSettings:
    """How a pool chooses. What is None is left to Routee.

    Attributes:
        sticky: A recipient always gets the same sender; Routee's default is yes.
        geomatch: The sender is of the recipient's country where there is one; Routee's default is yes.
        transcode: Replace characters outside GSM-7 by look-alikes; Routee's default is no.
        default_country: ISO 3166-1 alpha-2 whose senders are taken where the recipient's country has none.
        alphanumeric_sender_id: Sender for `PoolStrategy.ALPHANUMERIC`.
        multiple_sender: The same by country.
        inbound_sms_callback_url: Where messages that come in on its numbers are told.
        callback: Where the status of what is sent through it is told.
    """

    sticky: bool | None = None
    geomatch: bool | None = None
    transcode: bool | None = None
    default_country: str | None = None
    alphanumeric_sender_id: str | None = None
    multiple_sender: tuple[PoolSender, ...] = ()
    inbound_sms_callback_url: str | None = attrs.field(
        default=None,
        repr=redact.mask_url,
        metadata=wire("inboundSMSCallbackUrl"),
    )
    callback: Callback | None = None


@attrs.frozen(kw_only=True)
class Pool:
    """A pool.

    Attributes:
        pool_id: Its id.
        pool_name: Its name.
        sms_settings: How it chooses.
        total_numbers: How many numbers it has, 1,000 at most.
        updated_at: When it was last changed.
    """

    pool_id: str
    pool_name: str | None = None
    sms_settings: PoolSettings | None = None
    total_numbers: int | None = None
    updated_at: datetime | None = None


@attrs.frozen(kw_only=True)
class PoolNumbers:
    """The numbers of a pool.

    Attributes:
        pool_id: The pool.
        pool_name: Its name.
        numbers: Its numbers, as Routee writes them.
    """

    pool_id: str | None = None
    pool_name: str | None = None
    numbers: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SentPoolSms:
    """Routee's answer to a message that it accepted through a pool.

    Attributes:
        tracking_id: Id of the message in tracking and callbacks.
        status: `Queued`, as a rule.
        created_at: When.
        pool_id: The pool.
        pool_name: Its name.
        pool_strategy: As asked for.
        sms_settings: How the pool chose.
        to: Recipient in E.164.
        sender_id: Sender that was chosen.
        body: Text as accepted.
        body_analysis: How the text was counted.
    """

    tracking_id: str
    status: MessageStatus = MessageStatus.QUEUED
    created_at: datetime | None = None
    pool_id: str | None = None
    pool_name: str | None = None
    pool_strategy: str | None = None
    sms_settings: PoolSettings | None = None
    to: str | None = attrs.field(default=None, repr=redact.mask_number)
    sender_id: str | None = attrs.field(default=None, metadata=wire("from"))
    body: str | None = attrs.field(default=None, repr=redact.mask_body)
    body_analysis: BodyAnalysis | None = None


@attrs.frozen(kw_only=True)
class _Order:
    pool_name: str
    sms_settings: PoolSettings = attrs.field()


_SCOPE = "number_pool"
_SECTION = "2.15"
_PATH = "/pools/my"
_ONE = f"{_PATH}/{{}}"
_NUMBER = f"{_ONE}/numbers/{{}}"
CREATE = Operation(
    method="POST",
    path=_PATH,
    paid=True,  # twice would make two
    scope=_SCOPE,
    section=_SECTION,
    call="pools.create",
    content=Content.JSON,
    answer=Pool,
)
LIST = Operation(method="GET", path=_PATH, paid=False, scope=_SCOPE, section=_SECTION, call="pools.fetch_all", answer=Pool)
FETCH = Operation(method="GET", path=_ONE, paid=False, scope=_SCOPE, section=_SECTION, call="pools.fetch", answer=Pool)
UPDATE = Operation(
    method="PUT",
    path=_ONE,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="pools.update",
    content=Content.JSON,
    answer=Pool,
)
DELETE = Operation(method="DELETE", path=_ONE, paid=False, scope=_SCOPE, section=_SECTION, call="pools.delete", answer=object)
NUMBERS = Operation(
    method="GET",
    path=f"{_ONE}/numbers",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="pools.fetch_numbers",
    answer=PoolNumbers,
)
ADD = Operation(method="PUT", path=_NUMBER, paid=False, scope=_SCOPE, section=_SECTION, call="pools.add_number", answer=object)
REMOVE = Operation(
    method="DELETE",
    path=_NUMBER,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="pools.remove_number",
    answer=object,
)
SEND = Operation(
    method="POST",
    path=f"{_ONE}/sms",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="pools.send",
    content=Content.JSON,
    answer=SentPoolSms,
)


class Pools:
    """Pools of senders, as `client.pools`."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def create(self, name: str, settings: PoolSettings) -> Pool:
        """Make a pool. It is asked for at most once, since twice would make two.

        Raises:
            OutcomeUnknownError: It may have been made: look with `fetch_all`.
            APIError: Routee said no.
        """
        return await self._ask.one(CREATE, body=_Order(pool_name=name, sms_settings=settings))

    async def fetch_all(self) -> tuple[Pool, ...]:
        """Read all pools of the account."""
        return await self._ask.many(LIST)

    async def fetch(self, pool_id: str) -> Pool:
        """Read a pool.

        Raises:
            NotFoundError: There is no such pool.
        """
        return await self._ask.one(FETCH, pool_id)

    async def update(self, pool_id: str, name: str, settings: PoolSettings) -> Pool:
        """Give a pool another name and other settings.

        Raises:
            NotFoundError: There is no such pool.
        """
        return await self._ask.one(UPDATE, pool_id, body=_Order(pool_name=name, sms_settings=settings))

    async def delete(self, pool_id: str) -> None:
        """Take a pool away. Its numbers stay rented.

        Raises:
            NotFoundError: There is no such pool.
        """
        await self._ask.nothing(DELETE, pool_id)

    async def fetch_numbers(self, pool_id: str) -> PoolNumbers:
        """Read the numbers of a pool.

        Raises:
            NotFoundError: There is no such pool.
        """
        return await self._ask.one(NUMBERS, pool_id)

    async def add_number(self, pool_id: str, number: str) -> None:
        """Put a rented number, with or without `+`, into a pool. It may be in one pool only.

        Raises:
            NotFoundError: There is no such pool, or the number is not rented.
            ConflictError: It is in another pool.
        """
        await self._ask.nothing(ADD, pool_id, number.removeprefix("+"))

    async def remove_number(self, pool_id: str, number: str) -> None:
        """Take a number, with or without `+`, out of a pool.

        Raises:
            NotFoundError: There is no such pool, or the number is not in it.
        """
        await self._ask.nothing(REMOVE, pool_id, number.removeprefix("+"))

    async def send(
        self,
        pool_id: str,
        *,
        to: str,
        body: str,
        strategy: PoolStrategy = PoolStrategy.NUMERIC,
        url_shortener: UrlShortener | None = None,
    ) -> SentPoolSms:
        """Send one message through a pool, at most once.

        Such a message has no label, so what became of a doubtful one cannot be looked up by it: search by recipient and time.

        Args:
            pool_id: The pool.
            to: Recipient.
            body: Text, 1 to 1,600 characters.
            strategy: Which kind of sender it shall have.
            url_shortener: Shorten links in the body.

        Raises:
            InvalidInputError: The message cannot be sent as it is; nothing was written.
            OutcomeUnknownError: It may have been sent.
            NotFoundError: There is no such pool.
            APIError: Routee said no.
        """
        check_body(body)
        order: dict[str, object] = {"to": self._ask.recipient(to), "body": body, "poolStrategy": strategy}
        if url_shortener is not None:
            check_url_shortener(url_shortener)
            order["urlShortener"] = {"urlValidity": int(url_shortener.validity.total_seconds())}
        sent = await self._ask.one(SEND, pool_id, body=order, parts=segments.analyze(body).parts)
        if sent.to is not None and sent.to.lstrip("+") != str(order["to"]).lstrip("+"):
            raise OutcomeUnknownError(None, Phase.BODY, "the answer is about another recipient")
        return sent
