"""`RouteeClient`: the public methods."""

import os
import random
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Self

import aiohttp

from routee_async import bulk, phone, protocol, validation
from routee_async.caller import Caller
from routee_async.errors import ClientClosedError, ConfigurationError
from routee_async.models import Outcome, SentSms, Sms, TrackedPart
from routee_async.options import OnUnknown, RetryPolicy, Timeout, check_count
from routee_async.protocol import Host
from routee_async.schedule import PollPolicy
from routee_async.tracker import Tracker
from routee_async.transport import AiohttpTransport, check_origin

API_ORIGIN = "https://connect.routee.net"
AUTH_ORIGIN = "https://auth.routee.net"


class RouteeClient:
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
        default_region: ISO 3166-1 alpha-2 country for recipients in national form; None demands E.164.
        session: An aiohttp session of your own, with your proxy or traces. It is not closed here.

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
        default_region: str | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._application_id = _check_credential("application_id", application_id)
        self._application_secret = _check_credential("application_secret", application_secret)
        self._origins = {Host.API: check_origin("base_url", base_url), Host.AUTH: check_origin("auth_url", auth_url)}
        self._max_connections = check_count("max_connections", max_connections)
        self._timeout = timeout
        self._retry = retry
        self._default_region = phone.check_region(default_region)
        self._session = session
        self._caller: Caller | None = None

    @classmethod
    def from_env(
        cls,
        *,
        max_connections: int = 100,
        timeout: Timeout = Timeout(),  # noqa: B008 - frozen
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        default_region: str | None = None,
        session: aiohttp.ClientSession | None = None,
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
            default_region=default_region,
            session=session,
        )

    def __repr__(self) -> str:
        state = "open" if self._caller is not None else "closed"
        return f"<RouteeClient {self._origins[Host.API]} {state}>"

    async def __aenter__(self) -> Self:
        if self._caller is not None:
            raise ClientClosedError("the client is already open: enter it once in each event loop")
        transport = AiohttpTransport(
            self._origins,
            timeout=self._timeout,
            max_connections=self._max_connections,
            session=self._session,
        )
        self._caller = Caller(
            transport,
            application_id=self._application_id,
            application_secret=self._application_secret,
            timeout=self._timeout,
            policy=self._retry,
            max_connections=self._max_connections,
            rng=random.Random(),  # noqa: S311 - jitter
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.aclose()

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
        del on_unknown  # one policy so far
        return await self._deliver(sms, patient=False)

    def send_many(
        self,
        messages: bulk.Messages,
        *,
        concurrency: int = 100,
        on_unknown: OnUnknown = OnUnknown.REPORT,
    ) -> AsyncGenerator[Outcome, None]:
        """Send many messages, each at most once, in memory that does not grow with their number.

        Args:
            messages: Any iterable or async iterable of `Sms`, pulled as it is needed.
            concurrency: The most messages under way; no more than `max_connections` of them are on the wire at a time.
            on_unknown: What to do when it cannot be told whether a message was sent.

        Returns:
            An async iterator of outcomes: `Accepted`, `Rejected`, `NotSent` or `Unknown`, exactly one for each message, as they
            complete; `index` tells which. Close it (`aclose`) if you leave it early.

        Raises:
            BulkStoppedError: While iterating, after the outcomes of what was in flight: going on is pointless.
        """
        del on_unknown  # one policy so far

        async def deliver(sms: Sms) -> SentSms:
            return await self._deliver(sms, patient=True)

        return bulk.send_many(messages, deliver, concurrency=concurrency)

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
        tracking_id = _check_credential("tracking_id", tracking_id)
        request = protocol.build_fetch_tracking(tracking_id)
        return await self._open_caller().call(request, lambda response: protocol.read_tracking(response, tracking_id))

    def tracker(self, *, policy: PollPolicy = PollPolicy(), concurrency: int = 10) -> Tracker:  # noqa: B008 - frozen
        """A poller that follows messages to their final status. Use it in an `async with` inside the client's.

        Args:
            policy: When to poll, and when to give up.
            concurrency: The most polls at a time.
        """
        return Tracker(self.fetch_tracking, policy=policy, concurrency=concurrency)

    async def _deliver(self, sms: Sms, *, patient: bool) -> SentSms:
        caller = self._open_caller()
        prepared = validation.prepare(sms, default_region=self._default_region)
        request = protocol.build_send(prepared)
        return await caller.call(request, lambda response: protocol.read_sent(response, prepared), patient=patient)

    def _open_caller(self) -> Caller:
        if self._caller is None:
            raise ClientClosedError("the client is not open: use it inside `async with RouteeClient(...) as client:`")
        return self._caller


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
