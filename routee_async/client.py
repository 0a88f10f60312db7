"""`RouteeClient`: the public methods."""

import itertools
import os
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from routee_async import bulk, phone, protocol, raw, references, validation
from routee_async.asker import Asker
from routee_async.campaigns import CampaignMethods
from routee_async.delivery import Delivery
from routee_async.errors import ClientClosedError, ConfigurationError
from routee_async.exchange import Transport, check_origin
from routee_async.flights import FlyingRun
from routee_async.history import HistoryMethods
from routee_async.launcher import Launcher
from routee_async.models import Outcome, SentSms, Sms, TrackedPart
from routee_async.observing import Observer, Watch
from routee_async.operations import Scalar
from routee_async.options import OnUnknown, RetryPolicy, Timeout, check_count
from routee_async.pace import Pace
from routee_async.products import Products
from routee_async.protocol import Host, Page, Response
from routee_async.raw import RawResponse
from routee_async.reconcile import Reconciler
from routee_async.rounds import By, Lookup, Window
from routee_async.schedule import PollPolicy
from routee_async.spending import SpendLimit
from routee_async.store import LedgerStore, new_run_id
from routee_async.tracker import Tracker

if TYPE_CHECKING:
    import aiohttp

    from routee_async.capped import CappedRun

API_ORIGIN = "https://connect.routee.net"
AUTH_ORIGIN = "https://auth.routee.net"


class RouteeClient(Products, CampaignMethods, HistoryMethods):
    """A client of Routee's SMS API: owns a pool of connections and an access token.

        async with RouteeClient.from_env() as client:
            sent = await client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"))

    It may be built outside a running loop, and entered once in each `asyncio.run`. Leaving the `async with` lets sends that are in
    flight finish; those that do not within `timeout.total` seconds end as `OutcomeUnknownError`.

    Args:
        application_id: Id of the Routee application.
        application_secret: Its secret.
        base_url: Origin of the API; plain http only on loopback.
        auth_url: Origin of the token endpoint.
        max_connections: The most requests at a time, sends and reads together.
        timeout: Bounds in seconds.
        retry: How often and how soon to repeat what may be repeated.
        pace: How fast to send: message parts per second, or a `Pace`. None sends as fast as connections allow until Routee asks for
            less (429), and then finds out how much it takes.
        default_region: ISO 3166-1 alpha-2 country for recipients in national form; None demands E.164.
        session: An aiohttp session of your own, with your proxy or traces. It is not closed here.
        observer: Told of every call and its attempts, such as `routee_async.otel.OpenTelemetryObserver()`.
        workers: Processes that carry the wire of sends, for batches that one processor is too slow for; 0 for none. Pace, ledger
            and outcomes stay here, so there is one of each. They run while the client is open. POSIX only; not with *session*.

    Raises:
        ConfigurationError: One of these is missing or makes no sense.
    """

    def __init__(
        self,
        application_id: str,
        application_secret: str,
        *,
        base_url: str = API_ORIGIN,
        auth_url: str = AUTH_ORIGIN,
        max_connections: int = 100,
        timeout: Timeout = Timeout(),  # noqa: B008 - frozen
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        pace: Pace | float | None = None,
        default_region: str | None = None,
        session: "aiohttp.ClientSession | None" = None,
        observer: Observer | None = None,
        workers: int = 0,
    ) -> None:
        self._application_id = _check_credential("application_id", application_id)
        self._application_secret = _check_credential("application_secret", application_secret)
        self._origins = {Host.API: check_origin("base_url", base_url), Host.AUTH: check_origin("auth_url", auth_url)}
        self._max_connections = check_count("max_connections", max_connections)
        self._timeout = timeout
        self._retry = retry
        self._pace = pace if isinstance(pace, Pace) else Pace(parts_per_second=pace)
        self._default_region = phone.check_region(default_region)
        self._session = session
        self._workers = _check_workers(workers, session)
        self._watch = Watch(observer)
        self._open: _Open | None = None
        self._is_opening = False
        super().__init__(Asker(lambda: self._require_open().caller, self._default_region))
        # Loaded here and not with the package, because aiohttp takes longer than all the rest; and not when the client is entered,
        # because that would hold up the loop.
        from routee_async.transport import AiohttpTransport  # noqa: PLC0415

        self._open_transport = AiohttpTransport

    @classmethod
    def from_env(
        cls,
        *,
        max_connections: int = 100,
        timeout: Timeout = Timeout(),  # noqa: B008 - frozen
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        pace: Pace | float | None = None,
        default_region: str | None = None,
        session: "aiohttp.ClientSession | None" = None,
        observer: Observer | None = None,
        workers: int = 0,
    ) -> Self:
        """Build a client from the environment.

        `ROUTEE_APPLICATION_ID` and `ROUTEE_APPLICATION_SECRET` are needed; `ROUTEE_BASE_URL` and `ROUTEE_AUTH_URL` point somewhere
        else than to Routee itself (to a sandbox, say).

        Raises:
            ConfigurationError: One of them is missing or makes no sense.
        """
        environment: Mapping[str, str] = os.environ
        return cls(
            _from_environment(environment, "ROUTEE_APPLICATION_ID"),
            _from_environment(environment, "ROUTEE_APPLICATION_SECRET"),
            base_url=environment.get("ROUTEE_BASE_URL") or API_ORIGIN,
            auth_url=environment.get("ROUTEE_AUTH_URL") or AUTH_ORIGIN,
            max_connections=max_connections,
            timeout=timeout,
            retry=retry,
            pace=pace,
            default_region=default_region,
            session=session,
            observer=observer,
            workers=workers,
        )

    def __repr__(self) -> str:
        state = "open" if self._open is not None else "closed"
        return f"<RouteeClient {self._origins[Host.API]} {state}>"

    async def __aenter__(self) -> Self:
        if self._open is not None or self._is_opening:
            raise ClientClosedError("the client is already open: enter it once in each event loop")
        transport = self._make_transport()
        if self._workers:
            transport = await self._hire(transport)
        rng = self._make_rng()
        caller = Launcher(
            transport,
            application_id=self._application_id,
            application_secret=self._application_secret,
            timeout=self._timeout,
            policy=self._retry,
            pace=self._pace,
            max_connections=self._max_connections,
            rng=rng,
        )
        caller.watch = self._watch if self._watch.is_needed else None
        self._open = _Open(caller, self._retry, rng, self._now)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            await opened.aclose()

    async def _hire(self, own: Transport) -> Transport:
        """Put workers in front of a transport."""
        from routee_async.workers.crew import Crew  # noqa: PLC0415 - few clients have workers

        crew = Crew(
            own,
            self._origins,
            timeout=self._timeout,
            max_connections=self._max_connections,
            workers=self._workers,
        )
        try:
            self._is_opening = True
            await crew.start()
        except BaseException:
            await crew.aclose()
            raise
        finally:
            self._is_opening = False
        return crew

    async def send(self, sms: Sms, *, on_unknown: OnUnknown = OnUnknown.REPORT) -> SentSms:
        """Send one message, at most once.

        Args:
            sms: The message.
            on_unknown: What to do when it cannot be told whether it was sent.

        Returns:
            Routee's answer, with the `tracking_id` under which the message can be followed.

        Raises:
            InvalidInputError: The message cannot be sent as it is; nothing was written.
            NotSentError: Provably nothing was written; try again later.
            RateLimitError: Refused for now, and there was no time to wait any longer.
            APIError: Routee said no; the class says what kind of no.
            OutcomeUnknownError: It may have been sent.
        """
        opened = self._require_open()
        prepared = validation.prepare(sms, default_region=self._default_region)
        label = prepared.label
        if on_unknown is OnUnknown.RECONCILE:
            label = references.wire_label(label, opened.next_reference())
        return await opened.delivery.deliver(prepared, label, on_unknown=on_unknown, patient=False)

    def send_many(
        self,
        messages: bulk.Messages,
        *,
        concurrency: int = 100,
        on_unknown: OnUnknown = OnUnknown.REPORT,
        ledger: LedgerStore | None = None,
        max_unknown: int | None = None,
        suppressed: Container[str] = (),
        spend: SpendLimit | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """Send many messages, each at most once, in memory that does not grow with their number.

        Args:
            messages: Any iterable or async iterable of `Sms`, pulled as it is needed.
            concurrency: The most messages under way; no more than `max_connections` of them are on the wire at a time.
            on_unknown: What to do when it cannot be told whether a message was sent.
            ledger: Where intents and outcomes are kept, so that a run that was killed at any instant can be resumed with the same
                input: `Ledger("run.db")`. What an earlier run settled is not sent again, and its outcomes come first-hand.
            max_unknown: Stop when more outcomes than this are unknown; None for never.
            suppressed: Recipients in E.164 to whom nothing shall be sent, such as a `SuppressionList`; may grow meanwhile. They
                come out as `Rejected` with `RecipientOptedOutError`. `send()` has no such argument: a one-time password is wanted
                even by those who want nothing else.
            spend: How much the batch may spend, in money or parts, and what the account must have before it begins.

        Returns:
            An async iterator of outcomes: `Accepted`, `Rejected`, `NotSent` or `Unknown`, exactly one for each message, as they
            complete; `index` tells which. Close it (`aclose`) if you leave it early.

        Raises:
            BulkStoppedError: While iterating, after the outcomes of what was in flight: going on is pointless.
            LedgerError: While iterating: the ledger is in use, or cannot be read.
            LedgerMismatchError: While iterating: it was begun with another list.
            ConfigurationError: *suppressed* cannot be asked for a number.
        """
        make_run = FlyingRun if spend is None else self._cap(spend)
        run = make_run(
            delivery=self._require_open().delivery,
            prepare=lambda sms: validation.prepare(sms, default_region=self._default_region),
            on_unknown=on_unknown,
            ledger=ledger,
            max_unknown=max_unknown,
            suppressed=_check_container("suppressed", suppressed),
        )
        return bulk.send_many(messages, run, concurrency=concurrency)

    def _cap(self, spend: SpendLimit) -> "partial[CappedRun]":
        from routee_async.capped import CappedRun  # noqa: PLC0415 - few batches have a limit

        return partial(
            CappedRun,
            limit=spend,
            fetch_prices=lambda: self.account.prices(service="Sms"),
            require_balance=self.account.require_balance,
            default_region=self._default_region,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Scalar | None] | None = None,
        json: object = None,
        form: Mapping[str, Scalar] | None = None,
        paid: bool | None = None,
    ) -> RawResponse:
        """Make a request to any path of the API, with the same token, repeats and errors as every other.

        For what has no method yet, or for status and headers of what has one.

        Args:
            method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
            path: Path on the API's host, such as `/sms/analyze`. The token goes nowhere else.
            query: Parameters; those that are None are left out.
            json: Body as JSON: dicts, lists, texts and numbers.
            form: Body as a form.
            paid: True when carrying it out twice does more than once: then it is made at most once. None for True with everything
                but `GET` and `HEAD`. (A `PUT` or `DELETE`, which HTTP defines as repeatable, aiohttp itself writes once more when a
                kept connection turns out to be closed.)

        Returns:
            Status, headers and body of a 2xx answer.

        Raises:
            InvalidInputError: The request makes no sense; nothing was written.
            OutcomeUnknownError: It was paid, and may have been carried out.
            NoAnswerError: It was not paid, and nothing was to be had in spite of repeats.
            APIError: Routee said no.
        """
        request = raw.build(method, path, query=query, json=json, form=form, paid=paid)
        return await self._require_open().caller.call(request, raw.read)

    @contextmanager
    def capture(self) -> Iterator[list[RawResponse]]:
        """Collect the answers of all calls that are made inside, with status, all headers and body, refusals among them.

            with client.capture() as answers:
                await client.account.balance()
            answers[-1].headers["date"]

        Calls of other tasks are not collected, unless these were started inside.
        """
        caller = self._require_open().caller
        try:
            with self._watch.capture() as answers:
                caller.watch = self._watch
                yield answers
        finally:
            caller.watch = self._watch if self._watch.is_needed else None

    async def fetch_tracking(self, tracking_id: str) -> tuple[TrackedPart, ...]:
        """Read what Routee knows of one message.

        Args:
            tracking_id: `SentSms.tracking_id`.

        Returns:
            Its parts, in order.

        Raises:
            NotFoundError: Unknown, or not yet visible: that takes a second or so after sending.
            NoAnswerError: Nothing was to be had, in spite of repeats.
            MalformedResponseError: The answer makes no sense.
            APIError: Any other no.
        """
        return await self._fetch_parts(_check_credential("tracking_id", tracking_id), patient=False)

    async def _fetch_parts(self, tracking_id: str, *, patient: bool) -> tuple[TrackedPart, ...]:
        request = protocol.build_fetch_tracking(tracking_id)
        caller = self._require_open().caller
        return await caller.call(request, lambda response: protocol.read_tracking(response, tracking_id), patient=patient)

    def tracker(
        self,
        *,
        policy: PollPolicy = PollPolicy(),  # noqa: B008 - frozen
        concurrency: int = 10,
        confirm_callbacks: bool = False,
        ledger: LedgerStore | None = None,
    ) -> Tracker:
        """A poller that follows messages to their final status. Use it in an `async with` inside the client's.

        Messages of a batch and of a campaign are read together, by searches of up to 2,000 rows a request. Polls keep out of the
        way of sends: they stop while Routee asks for less, and take at most a tenth of the pace that you gave.

        Args:
            policy: When to poll, and when to give up.
            concurrency: The most polls at a time.
            confirm_callbacks: Do not believe a final status that a callback brings (`Tracker.feed()`) before a poll confirms it.
            ledger: Where final statuses are written, too; it has to be open meanwhile: `async with Ledger("run.db") as ledger:`.
        """
        return Tracker(
            self._poll_one,
            self._poll_page,
            policy=policy,
            concurrency=concurrency,
            confirm_callbacks=confirm_callbacks,
            rng=self._make_rng(),
            now=self._now,
            ledger=ledger,
        )

    async def _poll_one(self, tracking_id: str) -> tuple[TrackedPart, ...]:
        return await self._fetch_parts(tracking_id, patient=True)

    async def _poll_page(self, lookup: Lookup, window: Window, number: int, wanted: Callable[[str], bool]) -> Page:
        if lookup.by is By.CAMPAIGN:
            request, prefix = protocol.build_campaign_page(lookup.name, number), ""
        else:
            request, prefix = protocol.build_search(lookup.name, *window, number), lookup.name

        def read(response: Response) -> Page:
            page = protocol.read_page(response, label_prefix=prefix, wanted=wanted)
            return attrs.evolve(page, rows=tuple(map(protocol.with_own_label, page.rows)))

        return await self._require_open().caller.call(request, read, patient=True)

    # What a simulation puts something else for: the network, the dice and the wall clock.

    def _make_transport(self) -> Transport:
        return self._open_transport(
            self._origins,
            timeout=self._timeout,
            max_connections=self._max_connections,
            session=self._session,
        )

    def _make_rng(self) -> random.Random:
        return random.Random()  # noqa: S311 - jitter

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _require_open(self) -> "_Open":
        if self._open is None:
            raise ClientClosedError("the client is not open: use it inside `async with RouteeClient(...) as client:`")
        return self._open


class _Open:
    """What a client has while it is open, all of it bound to one event loop."""

    def __init__(self, caller: Launcher, policy: RetryPolicy, rng: random.Random, now: Callable[[], datetime]) -> None:
        self.caller = caller
        self.reconciler = Reconciler(self._search, now)
        self.delivery = Delivery(caller, self.reconciler, policy=policy, rng=rng, now=now)
        self._run_id = new_run_id()
        self._references = itertools.count()

    def next_reference(self) -> str:
        """A reference for a message that is sent on its own."""
        return references.reference_of(self._run_id, next(self._references))

    async def aclose(self) -> None:
        """Let what is on the wire finish, then let go of everything. Doubt that is being settled stays doubt."""
        try:
            await self.reconciler.aclose()
        finally:
            await self.caller.aclose()

    async def _search(self, label_prefix: str, start: datetime, end: datetime) -> AsyncIterator[TrackedPart]:
        for number in itertools.count():
            page = await self.caller.call(protocol.build_search(label_prefix, start, end, number), protocol.read_page)
            for row in page.rows:
                yield row
            if page.is_last:
                return


def _check_container(field: str, value: object) -> Container[str]:
    # A text contains numbers too, but not as members; and a generator can be asked only once.
    if isinstance(value, str | bytes) or not isinstance(value, Container):
        raise ConfigurationError(field, f"must be a set of numbers or the like, not {type(value).__name__}")
    return value


def _check_workers(value: object, session: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError("workers", f"must be a whole number of 0 or more, not {value!r}")
    if value and session is not None:
        raise ConfigurationError("workers", "cannot go together with a session of your own, which lives in this process")
    if value and os.name != "posix":
        raise ConfigurationError("workers", "are to be had on POSIX systems only")
    return value


def _check_credential(field: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(field, "must be a text that is not empty")
    return value.strip()


def _from_environment(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        problem = "is not set; take it from your application's page in Routee's portal, or from `routee sandbox` to try without one"
        raise ConfigurationError(name, problem)
    return value
