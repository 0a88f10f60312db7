"""One logical call: a token, a turn, an attempt, and what `retry.py` says should follow. The only retry loop of the library.

The first attempt goes straight through; tenacity takes over with the first failure.
"""

import asyncio
import base64
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from routee_async import protocol, retry
from routee_async.auth import HeldToken, TokenSource
from routee_async.codec import Token
from routee_async.errors import (
    APIError,
    AuthenticationError,
    ClientClosedError,
    NotSentError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
)
from routee_async.options import RetryPolicy, Timeout
from routee_async.pace import Gate
from routee_async.protocol import Phase, Request, Response
from routee_async.transport import ExchangeError, Transport

T = TypeVar("T")
logger = logging.getLogger("routee_async")
_CREDENTIALS_REFUSED = frozenset({400, 401, 403})


class _AgainError(Exception):
    """An attempt failed in a way that allows another one: what tenacity sees."""

    def __init__(self, decision: retry.Decision) -> None:
        super().__init__(decision)
        self.decision = decision


@attrs.define(eq=False)
class _Call:
    """One logical call on its way through its attempts.

    Attributes:
        request: What is asked.
        deadline: Loop time by which all must be over.
        patient: True when the time for which the server asks us to wait does not count (a message of a batch can wait).
        token: The token of the last attempt; None before the first.
        refused: The token that the server refused, when another one has to be fetched.
        renewed: True once that has been done.
    """

    request: Request
    deadline: float
    patient: bool = False
    token: HeldToken | None = None
    refused: HeldToken | None = None
    renewed: bool = False


class Caller:
    """Makes calls over a transport: authenticated, paced, bounded in number, repeated where that is safe.

    Args:
        transport: The network.
        application_id: Credentials for the token endpoint.
        application_secret: Credentials for the token endpoint.
        timeout: `total` bounds a call with all its attempts.
        policy: How to repeat.
        max_connections: The most exchanges at a time.
        rng: Source of jitter.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: str,
        application_secret: str,
        timeout: Timeout,
        policy: RetryPolicy,
        max_connections: int,
        rng: random.Random,
    ) -> None:
        self.gate = Gate()
        self._transport = transport
        credentials = base64.b64encode(f"{application_id}:{application_secret}".encode()).decode("ascii")
        self._basic = f"Basic {credentials}"
        self._timeout = timeout
        self._policy = policy
        self._budget = retry.Budget(policy.budget, policy.budget_refill)
        self._turns = asyncio.Semaphore(max_connections)
        self._tokens = TokenSource(self._fetch_token)
        self._random = rng.random
        self._loop = asyncio.get_running_loop()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._closing = False

    async def call(self, request: Request, read: Callable[[Response], T], *, patient: bool = False) -> T:
        """Make one call within `timeout.total` seconds, and read its answer.

        Args:
            request: What is asked.
            read: Turns a 2xx answer into the result; may raise `OutcomeUnknownError` or `MalformedResponseError`.
            patient: Do not count the time for which the server asks us to wait.

        Raises:
            RouteeError: It came to nothing, or to nothing certain; the class says which.
        """
        if self._closing:
            raise ClientClosedError("the client is closed")
        self._under_way += 1
        try:
            call = _Call(request, self._loop.time() + self._timeout.total, patient)
            response = await self._perform(call, lambda: self._attempt_authenticated(call))
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._idle.set()
        self._budget.succeed()
        try:
            return read(response)
        except OutcomeUnknownError:
            response.drop_connection()
            raise

    async def aclose(self) -> None:
        """Stop admitting calls, let those under way finish within `timeout.total` seconds, then close the connections.

        What is still under way after that ends as `OutcomeUnknownError` or `NotSentError`.
        """
        self._closing = True
        try:
            if self._under_way:
                self._idle.clear()
                async with asyncio.timeout(self._timeout.total):
                    await self._idle.wait()
        except TimeoutError:
            logger.warning("closing with %d calls under way", self._under_way)
        finally:
            await self._tokens.aclose()
            await self._transport.aclose()

    async def _perform(self, call: _Call, attempt: Callable[[], Awaitable[Response]]) -> Response:
        """Attempt once; when that allows another attempt, let tenacity see to the rest."""
        try:
            return await attempt()
        except _AgainError as first:
            return await self._repeat(call, attempt, first)

    async def _repeat(self, call: _Call, attempt: Callable[[], Awaitable[Response]], first: _AgainError) -> Response:
        pending: _AgainError | None = first

        async def replay_then_attempt() -> Response:
            nonlocal pending
            if pending is not None:  # the attempt that brought us here counts as the first
                again, pending = pending, None
                raise again
            return await attempt()

        def wait(state: RetryCallState) -> float:
            return retry.delay_before(state.attempt_number + 1, _decision(state).wait, self._policy, self._random())

        def stop(state: RetryCallState) -> bool:
            decision, next_attempt = _decision(state), state.attempt_number + 1
            if call.patient and decision.wait is not None:
                call.deadline = max(call.deadline, self._loop.time() + state.upcoming_sleep + self._timeout.total)
            time_left = self._time_left(call) - state.upcoming_sleep
            may = retry.may_repeat(next_attempt, time_left, decision, self._policy, self._timeout.total)
            if self._closing or not may or (decision.budgeted and not self._budget.spend()):
                return True
            logger.info("attempt %d in %.1f s, after %s", next_attempt, state.upcoming_sleep, decision.error)
            return False

        retrying = AsyncRetrying(retry=retry_if_exception_type(_AgainError), wait=wait, stop=stop, reraise=True)
        try:
            return await retrying(replay_then_attempt)
        except _AgainError as last:
            # The cause is our own exception, but tenacity's frames in between help nobody.
            raise _error_of(last.decision) from None

    async def _attempt_authenticated(self, call: _Call) -> Response:
        """One attempt with a token, at the right time and in turn."""
        call.token = self._tokens.peek(self._loop.time()) if call.refused is None else None
        if call.token is None:
            call.token = await self._token_for(call)
        if call.request.endpoint.paid:
            await self._pass_gate(call)
        await self._take_turn(call)
        try:
            if self._time_left(call) < retry.least_time(self._timeout.total):
                raise NotSentError("no time was left for an answer")
            return await self._attempt(call, f"Bearer {call.token.value}")
        finally:
            self._turns.release()

    async def _attempt(self, call: _Call, authorization: str) -> Response:
        """One exchange, and what follows from it."""
        try:
            result: Response | protocol.Failure = await self._transport.exchange(call.request, authorization, self._time_left(call))
        except ExchangeError as error:
            result = error.failure
        decision = retry.decide(call.request, result, renewed=call.renewed)
        if decision.action is retry.Action.READ and isinstance(result, Response):
            return result
        if decision.wait is not None and call.request.endpoint.paid:
            self.gate.close_until(self._loop.time() + decision.wait)
        if decision.action is retry.Action.RAISE:
            raise _error_of(decision)
        if decision.action is retry.Action.RENEW:
            call.refused = call.token
        raise _AgainError(decision)

    def _time_left(self, call: _Call) -> float:
        return call.deadline - self._loop.time()

    async def _take_turn(self, call: _Call) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout_at(call.deadline):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError(f"{Phase.POOL}: no connection became free in time") from None

    async def _pass_gate(self, call: _Call) -> None:
        """Wait while the server has asked everybody to, if there is time for that."""
        while (delay := self.gate.delay(self._loop.time())) > 0:
            if call.patient:
                call.deadline = max(call.deadline, self._loop.time() + delay + self._timeout.total)
            elif self._time_left(call) - delay < retry.least_time(self._timeout.total):
                raise RateLimitError(429, None, "the server asked to wait longer than this call may take", delay)
            await asyncio.sleep(delay)

    async def _fetch_token(self) -> Token:
        """Ask the token endpoint, as a read. Takes no turn: every turn may be waiting for this."""
        call = _Call(protocol.build_token_request(), self._loop.time() + self._timeout.total, renewed=True)
        response = await self._perform(call, lambda: self._attempt(call, self._basic))
        return protocol.read_token(response)

    async def _token_for(self, call: _Call) -> HeldToken:
        """A token from the endpoint. Whatever prevents that also proves that the request it was for was never written."""
        try:
            async with asyncio.timeout_at(call.deadline):
                if call.refused is None:
                    return await self._tokens.get()
                refused, call.refused, call.renewed = call.refused, None, True
                return await self._tokens.renew(refused)
        except TimeoutError:
            raise NotSentError("no access token in time") from None
        except NotSentError:
            raise
        except APIError as error:
            if error.status in _CREDENTIALS_REFUSED:
                raise AuthenticationError(error.status, error.code, error.developer_message) from None
            raise NotSentError(f"no access token: {error}") from None
        except RouteeError as error:
            raise NotSentError(f"no access token: {error}") from None


def _decision(state: RetryCallState) -> retry.Decision:
    again = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(again, _AgainError)  # noqa: S101 - for the type checker; tenacity asks about nothing else
    return again.decision


def _error_of(decision: retry.Decision) -> RouteeError:
    assert decision.error is not None  # noqa: S101 - for the type checker; only READ has none
    return decision.error
