"""A Routee of one's own: a local server that behaves as Routee's SMS API is documented, for development and tests.

It sends nothing and costs nothing. Whatever the documentation leaves open is a setting; what becomes of a message can be laid down
by recipient (`Magic`), by label or by shares; every way in which a network or a server can fail can be called for (`faults`); and
time can be real, fast, or move when it is told to.

Where to read on:

    carrier.py    the state as a whole           server.py      it on a socket; havoc.py does what faults say
    desk.py       messages accepted and paid     dispatcher.py  time passes, callbacks are posted
    campaigns.py  campaigns                      clock.py       which time
    inbound.py    messages that come in          faults.py      which requests are struck, effects.py by what
    callbacks.py  whom is told what              settings.py    what the documentation leaves open
    agenda.py     what is still to happen        timeline.py    when messages move on; fates.py how they end
    contacts.py   contacts and groups            accounts.py    who pays, and the tokens

    lookups.py, validator.py  who a number is     numbers.py, pools.py  numbers to rent, and pools of them
    two_step.py   one-time codes                 failover.py    flows of messages; legs.py their steps
    reports.py    volumes, prices, latencies     address_book.py, groups.py  what endpoints do with contacts
    tariff.py, finance.py  prices, top-ups       networks.py    networks by country; whitelist.py who may call

    routes.py     from request to answer: the families of endpoints, `api_*.py`; routing.py says what an endpoint is

    control/      what a developer or a test asks of it, as JSON under `/_sandbox/`; inbox/ the page that shows it
    outbox.py     what was sent, in Python       exchanges.py   the latest requests, byte by byte
    background.py a thread with a loop           changes.py     word of changes, for those who wait

All but the server, the dispatcher, the clock and what waits is plain state, without sockets, tasks or a time of its own.
"""

import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from routee_async.sandbox import faults
from routee_async.sandbox.accounting import Journal
from routee_async.sandbox.accounts import Account, Application, Hook
from routee_async.sandbox.background import LoopThread, Waiting
from routee_async.sandbox.callbacks import Attempt, CallbackKind, CallbackRecord, CallbackState
from routee_async.sandbox.campaign import Campaign
from routee_async.sandbox.campaigns import Campaigns
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.changes import Changes
from routee_async.sandbox.clock import Clock, ForeignClock
from routee_async.sandbox.contacts import Contact, Contacts
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.queries import Query
from routee_async.sandbox.dispatcher import Dispatcher
from routee_async.sandbox.effects import Body, Effect, Kind, Shape
from routee_async.sandbox.exchanges import Exchanges
from routee_async.sandbox.faults import Fault, FaultPlan
from routee_async.sandbox.finance import Finance
from routee_async.sandbox.messages import Message
from routee_async.sandbox.outbox import NothingSentError, SentMessage, nothing_sent
from routee_async.sandbox.server import SandboxServer
from routee_async.sandbox.settings import FIVE_RETRIES, TWELVE_RETRIES, Disorder, Era, Settings
from routee_async.sandbox.tariff import Tariff
from routee_async.sandbox.timeline import Magic, Outcome, Timeline
from routee_async.sandbox.two_step import pin_of

if TYPE_CHECKING:
    from routee_async.client import RouteeClient

__all__ = [
    "FIVE_RETRIES",
    "TWELVE_RETRIES",
    "Account",
    "Application",
    "Attempt",
    "Body",
    "CallbackKind",
    "CallbackRecord",
    "CallbackState",
    "Campaign",
    "Campaigns",
    "Carrier",
    "Clock",
    "Contact",
    "Contacts",
    "Disorder",
    "Effect",
    "Era",
    "Fault",
    "FaultPlan",
    "Hook",
    "Journal",
    "Kind",
    "Magic",
    "Message",
    "NothingSentError",
    "Outcome",
    "Sandbox",
    "SentMessage",
    "Settings",
    "Shape",
    "Tariff",
    "Timeline",
    "Waiting",
    "faults",
]

T = TypeVar("T")


class Sandbox:
    """A running fake Routee.

        async with Sandbox() as sandbox, sandbox.client() as client:
            await client.send(Sms(to=Magic.EXPIRED, sender_id="ParcelCo", body="Too late"))

    `async with` runs it in the event loop at hand; `with` gives it a thread of its own, so that it serves code of any kind. Its
    methods may be called from any thread then, and what has to be awaited can be waited for: `sandbox.wait_for_message().result()`.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        application_id: 24 hexadecimal digits.
        application_secret: Its secret.
        balance: Money of the account.
        price: Price of one part.
        token_life: Seconds that a token lives.
        visibility_delay: Seconds until a message can be tracked; None for the documented second or so.
        timeline: When messages move on; None for half a second to `Sent` and two to the end.
        shares: Outcome to its weight; None for all delivered.
        settings: Further choices.
        seed: Of the dice, and so of all ids.
        clock: `"real"`; `"manual"` for time that stands still until `advance`; or something that gives epoch seconds.
        scale: How many seconds of the sandbox pass in a real one, with the real clock: 3600 for an hour a second.
        prices: Price of one part in countries (ISO 3166-1 alpha-2) where it is another.
        gzip: Compress answers for those who take that.
        ssl: Serve https with this context.
        keep_requests: How many of the latest requests are kept, byte by byte, to be looked at; 0 is the quickest.
        keep_messages: How many messages and callbacks are kept; None for all, which is what counting duplicates needs.
        allowed_hosts: Names of this machine under which the inbox and the control API may be addressed, besides `localhost` and
            addresses: whatever else a Host header names may be a foreign page that had its name pointed here.

    Attributes:
        application_id: As given.
        application_secret: As given.
        carrier: The state behind the server, to look at and to meddle with.
        faults: The faults in force: add and clear them at any time.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and all have defaults
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        application_id: str = "6400aabbccddeeff00112233",
        application_secret: str = "S4ndb0xKey",  # noqa: S107 - invented, and opens nothing
        balance: Decimal | float | str = 100_000,
        price: Decimal | float | str = "0.032",
        token_life: float = 3600,
        visibility_delay: float | None = None,
        timeline: Timeline | None = None,
        shares: Mapping[Outcome, float] | None = None,
        settings: Settings | None = None,
        seed: int = 0,
        clock: Callable[[], float] | Literal["real", "manual"] = "real",
        scale: float = 1.0,
        prices: Mapping[str, Decimal | float | str] | None = None,
        gzip: bool = False,
        ssl: SSLContext | None = None,
        keep_requests: int = 1000,
        keep_messages: int | None = None,
        allowed_hosts: tuple[str, ...] = (),
    ) -> None:
        self.application_id = application_id
        self.application_secret = application_secret
        rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._clock = _choose_clock(clock, scale)
        self.carrier: Carrier = Carrier(now=self._clock, rng=rng, settings=settings)
        self._application = self.carrier.add_application(
            application_id,
            application_secret,
            balance=Decimal(str(balance)),
            price=Decimal(str(price)),
            token_life=token_life,
        )
        self._application.account.prices = {country: Decimal(str(one)) for country, one in (prices or {}).items()}
        chosen = self.carrier.settings
        chosen.visibility_delay = chosen.visibility_delay if visibility_delay is None else visibility_delay
        chosen.timeline = timeline or chosen.timeline
        chosen.shares = shares or chosen.shares
        self.faults: FaultPlan = FaultPlan(rng)
        self._dispatcher = Dispatcher(self.carrier, self._clock)
        self._backstage = Backstage(
            carrier=self.carrier,
            faults=self.faults,
            exchanges=Exchanges(keep_requests),
            changes=Changes(),
            clock=self._clock,
            advance=self._dispatcher.advance,
            keep_messages=keep_messages,
            allowed_hosts=allowed_hosts,
        )
        self._server = SandboxServer(self._backstage, gzip=gzip)
        self._thread: LoopThread | None = None
        self._leave = ExitStack()
        self._address = (host, port)
        self._ssl = ssl
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            thread = LoopThread()
            thread.start()
            stack.callback(self._end, thread)
            self._thread = thread
            thread.submit(self.start()).result()
            stack.callback(lambda: thread.submit(self.stop()).result())
            self._leave = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave.close()

    def _end(self, thread: LoopThread) -> None:
        self._thread = None
        thread.stop()

    def _call(self, function: Callable[[], T]) -> T:
        """Call *function* where the sandbox runs."""
        return function() if self._thread is None else self._thread.call(function)

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> Waiting[T]:
        return Waiting(coroutine, self._thread)

    async def start(self) -> None:
        """Listen, and let time pass.

        Raises:
            OSError: The port is taken.
        """
        self._port = await self._server.start(*self._address, self._ssl)
        await self._dispatcher.start()

    async def stop(self) -> None:
        """Stop at once, whatever hangs. The carrier keeps its state."""
        await self._dispatcher.stop()
        await self._server.stop()

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> Waiting[None]:
        """Let time pass in no time. Everything that is due meanwhile happens in order, as if by itself.

            sent = await client.send(sms)
            await sandbox.advance(hours=72)

        Messages move on, campaigns go out, tokens expire, and each callback is posted, and tried at least once, before the next
        thing happens. With nothing to add, what is due by now happens before this returns.

        Args:
            seconds: So many seconds,
            minutes: and minutes,
            hours: and hours,
            days: and days.

        Raises:
            ValueError: Together they are less than nothing.
            RuntimeError: The sandbox is not running, or it runs by a clock that is not its own.
        """
        total = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if total < 0:
            raise ValueError("time does not run backwards")
        return self._wait(self._backstage.let_pass(total))

    def inbound(self, *, from_: str, to: str, body: str) -> Message:
        """Let a message come in, as if somebody had written to one of the application's numbers.

        It is found by a search with `direction` `Inbound`, and told to the address that `application.account.inbound_urls` has for
        the number. `STOP` and the like opt the sender out.

        Args:
            from_: Who writes, in E.164.
            to: The number that is written to.
            body: The text.

        Raises:
            ValueError: One of these is missing, or no number.
        """
        return self._call(lambda: self._backstage.receive(self._application, sender=from_, to=to, body=body))

    def top_up(self, amount: Decimal | float | str) -> Decimal:
        """Let money come in, which the list of transactions shows, and tell the new balance.

        Raises:
            ValueError: *amount* is not above zero.
        """
        account = self._application.account
        self.carrier.family(Finance).top_up(account, Decimal(str(amount)))
        return account.balance

    def pin(self, tracking_id: str) -> str:
        """Tell the one-time code of a verification, as its recipient would read it.

        Raises:
            KeyError: There is no such verification.
        """
        return pin_of(self.carrier, tracking_id)

    async def serve_forever(self) -> None:
        """Serve until cancelled; call it inside `async with`."""
        await self._server.serve_forever()

    @property
    def base_url(self) -> str:
        """Origin of the API, such as `http://127.0.0.1:12345`."""
        host = self._address[0]
        return f"{'https' if self._ssl else 'http'}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def auth_url(self) -> str:
        """Origin of the token endpoint: the same."""
        return self.base_url

    @property
    def application(self) -> Application:
        """The application, with its account and permissions."""
        return self._application

    @property
    def balance(self) -> Decimal:
        """Money left."""
        return self._application.account.balance

    @property
    def campaigns(self) -> Campaigns:
        """All campaigns, by tracking id."""
        return self.carrier.campaigns

    @property
    def contacts(self) -> Contacts:
        """The contacts of the account: add those that campaigns shall go to."""
        return self._application.account.contacts

    @property
    def callbacks(self) -> list[CallbackRecord]:
        """Every callback in the order in which they came due, with each attempt and the status of its answer."""
        return self.carrier.callbacks.log

    @property
    def journal(self) -> Journal:
        """What the carrier saw: accepted messages, counts by label, requests by route, the peak of simultaneous requests."""
        return self.carrier.journal

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._server.connections

    def environment(self) -> dict[str, str]:
        """Give the variables that lead `RouteeClient.from_env()` here."""
        return {
            "ROUTEE_BASE_URL": self.base_url,
            "ROUTEE_AUTH_URL": self.auth_url,
            "ROUTEE_APPLICATION_ID": self.application_id,
            "ROUTEE_APPLICATION_SECRET": self.application_secret,
        }

    @property
    def inbox_url(self) -> str:
        """Address of the inbox page."""
        return f"{self.base_url}/_sandbox/"

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """All accepted messages, the oldest first; what came in is not among them."""
        found = tuple(self.carrier.messages.values())
        return tuple(SentMessage(message, self.carrier.now) for message in found if message.direction == "Outbound")

    def sent_to(self, to: str) -> SentMessage:
        """Give the latest message to a recipient.

        Args:
            to: Its number, with or without `+`.

        Raises:
            NothingSentError: There is none; the error says what there is.
        """
        found = self._call(lambda: next(self._backstage.find(Query(to=to, direction="outbound")), None))
        if found is None:
            raise nothing_sent(f"to {to}", self.messages)
        return SentMessage(found, self.carrier.now)

    def wait_for_message(
        self, *, to: str | None = None, label: str | None = None, text: str | None = None, timeout: float = 5.0
    ) -> Waiting[SentMessage]:
        """Give the latest message that meets all conditions, waiting for it if there is none yet.

        Args:
            to: Its recipient, with or without `+`.
            label: What its label, or what stands behind the first space of it, starts with.
            text: What stands somewhere in its body, in any case of letters.
            timeout: Real seconds to wait at most.

        Raises:
            NothingSentError: None came; the error says what did.
        """
        return self._wait(self._wait_for(Query(to=to or "", label=label or "", text=text or "", direction="outbound"), timeout))

    async def _wait_for(self, query: Query, timeout: float) -> SentMessage:
        found = await self._backstage.wait_for(query, timeout)
        if found is None:
            wanted = {"to": query.to, "with the label": query.label, "with the text": query.text}
            what = " ".join(f"{name} {value}" for name, value in wanted.items() if value)
            raise nothing_sent(f"{what} within {timeout:g} s".strip(), self.messages)
        return SentMessage(found, self.carrier.now)

    def duplicates(self) -> Mapping[str, int]:
        """Tell which labels were accepted more than once, and how often: nothing, if the sender never sends twice."""
        return self._call(lambda: dict(self.journal.duplicates()))

    def reset(self) -> None:
        """Forget messages, requests and counts, and end all faults. Applications, their money and the settings stay."""
        self._call(self._backstage.reset)

    def revoke_token(self) -> None:
        """End the live token, as the portal can."""
        self._call(lambda: self.carrier.tokens.revoke(self._application))

    def client(self, **options: Any) -> "RouteeClient":  # noqa: ANN401 - handed on as they come
        """Make a client of this sandbox; *options* are those of `RouteeClient`."""
        from routee_async.client import RouteeClient  # noqa: PLC0415 - the sandbox stands without the client

        return RouteeClient(
            self.application_id,
            self.application_secret,
            base_url=self.base_url,
            auth_url=self.auth_url,
            **options,
        )


def _choose_clock(clock: Callable[[], float] | Literal["real", "manual"], scale: float) -> Clock:
    if clock == "real":
        if scale <= 0:
            raise ValueError('the scale must be more than 0; clock="manual" is for time that stands still')
        return Clock(speed=scale)
    if scale != 1:
        raise ValueError("a scale goes with the real clock alone")
    if isinstance(clock, str):
        return Clock(speed=0)
    return clock if isinstance(clock, Clock) else ForeignClock(clock)
