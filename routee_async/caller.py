"""One logical call: a token, a turn, an attempt, and what `retry.py` says should follow. The only retry loop of the library.

The first attempt goes straight through; tenacity takes over with the first failure.
"""

import asyncio
import base64
import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from routee_async import protocol, retry
from routee_async.admission import Admission
from routee_async.auth import HeldToken, TokenSource
from routee_async.calls import AwaitedCall, Call
from routee_async.codec import Token
from routee_async.errors import (
    APIError,
    AuthenticationError,
    ClientClosedError,
    NotSentError,
    OutcomeUnknownError,
    RouteeError,
)
from routee_async.exchange import ExchangeError, Transport
from routee_async.options import RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.protocol import Failure, Request, Response

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from routee_async.observing import Watch

T = TypeVar("T")
logger: logging.Logger = logging.getLogger("routee_async")
_CREDENTIALS_REFUSED = frozenset({400, 401, 403})


class AgainError(Exception):
    """An attempt failed in a way that allows another one: what tenacity sees."""

    def __init__(self, decision: retry.Decision) -> None:
        super().__init__(decision)
        self.decision = decision


class Caller:
    """Makes calls over a transport: authenticated, paced, bounded in number, repeated where that is safe.

    Args:
        transport: The network.
        application_id: Credentials for the token endpoint.
        application_secret: Credentials for the token endpoint.
        timeout: `total` bounds a call with all its attempts.
        policy: How to repeat.
        pace: How fast to send.
        max_connections: The most exchanges at a time.
        rng: Source of jitter.

    Attributes:
        watch: Told of every call; None while nobody observes.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: str,
        application_secret: str,
        timeout: Timeout,
        policy: RetryPolicy,
        pace: Pace,
        max_connections: int,
        rng: random.Random,
    ) -> None:
        self.watch: Watch | None = None
        self._transport = transport
        credentials = base64.b64encode(f"{application_id}:{application_secret}".encode()).decode("ascii")
        self._basic = f"Basic {credentials}"
        self._total = timeout.total
        self._least_time = retry.least_time(timeout.total)
        self._policy = policy
        self._budget = retry.Budget(policy.budget, policy.budget_refill)
        self._admission = Admission(
            pace,
            max_connections,
            self._is_answering,
            longest_pause=timeout.total,
            longest_wait=policy.max_retry_after,
            rng=rng,
        )
        self._tokens = TokenSource(self._fetch_token)
        self._random = rng.random
        self._loop = asyncio.get_running_loop()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._closing = False

    async def call(
        self,
        request: Request,
        read: Callable[[Response], T],
        *,
        patient: bool = False,
        intend: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """Make one call within `timeout.total` seconds, and read its answer.

        Args:
            request: What is asked.
            read: Turns a 2xx answer into the result; may raise `OutcomeUnknownError` or `MalformedResponseError`.
            patient: Do not count the time for which the call is held back.
            intend: Awaited once, when the call has its turn and before anything is written; what it raises is raised.

        Raises:
            RouteeError: It came to nothing, or to nothing certain; the class says which.
        """
        if self._closing:
            raise ClientClosedError("the client is closed")
        call = AwaitedCall(request, read)
        call.patient, call.intend = patient, intend
        now = self._begin(call)
        if self.watch is not None:
            call.watched = self.watch.begin(request)
        try:
            try:
                if not self._may_start(call, now):
                    await self._wait_for_turn(call)
                result = await self._attempt(call)
            except AgainError as first:
                result = await self._repeat(call, partial(self._attempt_in_turn, call), first)
        except BaseException as error:
            if call.watched is not None:
                call.watched.end(error)
            raise
        finally:
            self._end(call)
        self._budget.succeed()
        if call.watched is not None:
            call.watched.end(None)
        return result

    def _begin(self, call: Call[T]) -> float:
        """Let a call begin; returns loop time."""
        now = call.started_at = self._loop.time()
        call.deadline = now + self._total
        call.is_open = True
        self._under_way += 1
        return now

    def _end(self, call: Call[T]) -> None:
        """Let it end, once."""
        if call.is_open:
            call.is_open = False
            self._under_way -= 1
            if self._under_way == 0:
                self._idle.set()

    async def aclose(self) -> None:
        """Stop admitting calls, let those under way finish within `timeout.total` seconds, then close the connections.

        What is still under way after that ends as `OutcomeUnknownError` or `NotSentError`.
        """
        self._closing = True
        self._admission.close()
        try:
            if self._under_way:
                self._idle.clear()
                async with asyncio.timeout(self._total):
                    await self._idle.wait()
        except TimeoutError:
            logger.warning("closing with %d calls under way", self._under_way)
        finally:
            await self._tokens.aclose()
            await self._transport.aclose()

    async def _repeat(self, call: Call[T], attempt: Callable[[], Awaitable[T]], first: AgainError) -> T:
        """Let tenacity see to the rest, after a first attempt that allows another."""
        from tenacity import AsyncRetrying, retry_if_exception_type  # noqa: PLC0415 - slow to load, and most never need it

        pending: AgainError | None = first

        async def replay_then_attempt() -> T:
            nonlocal pending
            if pending is not None:  # the attempt that brought us here counts as the first
                again, pending = pending, None
                raise again
            return await attempt()

        def wait(state: "RetryCallState") -> float:
            return retry.delay_before(state.attempt_number + 1, _decision(state), self._policy, self._random())

        def stop(state: "RetryCallState") -> bool:
            decision, next_attempt = _decision(state), state.attempt_number + 1
            if call.patient and decision.wait is not None:
                call.deadline = max(call.deadline, self._loop.time() + state.upcoming_sleep + self._total)
            time_left = self._time_left(call) - state.upcoming_sleep
            may = retry.may_repeat(next_attempt, time_left, decision, self._policy, self._total)
            if self._closing or not may or (decision.budgeted and not self._budget.spend()):
                return True
            about = {"routee_call": call.request.endpoint.call, "routee_attempt": next_attempt}
            logger.info("attempt %d in %.1f s, after %s", next_attempt, state.upcoming_sleep, decision.error, extra=about)
            return False

        retrying = AsyncRetrying(retry=retry_if_exception_type(AgainError), wait=wait, stop=stop, reraise=True)
        try:
            return await retrying(replay_then_attempt)
        except AgainError as last:
            # The cause is our own exception, but tenacity's frames in between help nobody.
            raise _error_of(last.decision) from None

    def _may_start(self, call: Call[T], now: float) -> bool:
        """Give a call its token and its turn if it need not wait for them, as is the rule for a first attempt."""
        call.token = self._tokens.peek(now)
        if call.token is None or call.intend is not None or not call.request.endpoint.paid:
            return False
        call.has_turn = self._admission.enter_at_once(call.request.parts, now, patient=call.patient)
        return call.has_turn

    async def _wait_for_turn(self, call: Call[T]) -> None:
        """Wait for a token, for the right time and for a turn."""
        now = self._loop.time()
        call.token = self._tokens.peek(now) if call.refused is None else None
        if call.token is None:
            call.token = await self._token_for(call)
            now = self._loop.time()
        latest = call.deadline - self._least_time
        if now > latest:
            raise NotSentError("no time was left for an answer")
        if not call.request.endpoint.paid and call.patient:
            await self._admission.enter_poll()
        elif not call.request.endpoint.paid:
            await self._admission.enter(latest)
        elif not self._admission.enter_at_once(call.request.parts, now, patient=call.patient):
            await self._admission.enter_paid(call.request.parts, latest, patient=call.patient)
        call.has_turn = True
        if call.intend is not None:
            await self._intend(call)
        now = call.started_at = self._loop.time()
        if call.patient:
            call.deadline = now + self._total

    async def _attempt_in_turn(self, call: Call[T]) -> T:
        """One more attempt."""
        await self._wait_for_turn(call)
        return await self._attempt(call)

    async def _intend(self, call: Call[T]) -> None:
        """Let the intent be written, now that the turn is taken: only what is on the wire is in doubt after a crash."""
        intend, call.intend = call.intend, None
        assert intend is not None  # noqa: S101 - for the type checker; it is looked at before
        try:
            await intend()
        except BaseException:
            self._give_up(call)
            raise

    async def _attempt(self, call: Call[T], exchange: Callable[[], Awaitable[Response]] | None = None) -> T:
        """One exchange, and what follows from it. Ends the turn, if the call has one.

        Args:
            call: The call, with the loop time at which this attempt starts.
            exchange: The exchange; None for a new one.
        """
        result: Response | Failure
        try:
            if exchange is not None:
                result = await exchange()
            else:
                authorization = self._basic if call.token is None else call.token.authorization
                result = await self._transport.exchange(call.request, authorization, call.deadline - call.started_at)
        except ExchangeError as error:
            result = error.failure
        except BaseException:
            self._give_up(call)
            raise
        return self._conclude(call, result)

    def _conclude(self, call: Call[T], result: Response | Failure) -> T:
        """What follows from what came of an exchange. Ends the turn, if the call has one.

        Raises:
            AgainError: Another attempt.
            RouteeError: The end of the call.
        """
        decision = self._decide(call, result)
        if decision.action is retry.Action.READ and isinstance(result, Response):
            return self._read(call, result)
        if retry.asks_for_less(result):
            if call.request.endpoint.paid:
                self._admission.refused(decision.wait, call.started_at)
            else:
                self._admission.poll_refused(decision.wait)
        self._leave(call, retry.is_well(result), 0)
        if decision.action is retry.Action.RAISE:
            raise _error_of(decision)
        if decision.action is retry.Action.RENEW:
            call.refused = call.token
        raise AgainError(decision)

    def _read(self, call: Call[T], answer: Response) -> T:
        """Read an answer that is a success. Ends the turn, if the call has one."""
        well, accepted = True, 0
        try:
            value = call.read(answer)
            accepted = call.request.parts
        except OutcomeUnknownError:
            well = False
            answer.drop_connection()
            raise
        finally:
            self._leave(call, well, accepted)
        return value

    def _give_up(self, call: Call[T]) -> None:
        """End an attempt of which nothing was learnt, if one is under way."""
        if call.has_turn:
            self._leave(call, None, 0)

    def _leave(self, call: Call[T], well: bool | None, accepted: int) -> None:  # noqa: FBT001 - as of `Admission.record`
        """Note how an attempt ended, and give its turn back."""
        if call.request.endpoint.paid:
            self._admission.record(well, call.started_at, accepted=accepted)
        if call.has_turn:
            call.has_turn = False
            self._admission.leave()

    def _decide(self, call: Call[T], result: Response | Failure) -> retry.Decision:
        decision = retry.decide(call.request, result, renewed=call.renewed)
        if call.watched is not None:
            call.watched.attempt(result, decision.action.name.lower(), self._loop.time() - call.started_at)
        return decision

    def _time_left(self, call: Call[T]) -> float:
        return call.deadline - self._loop.time()

    async def _is_answering(self) -> bool:
        """Ask the service something free, once: whether it answers tells whether a paused batch may go on."""
        try:
            held = self._tokens.peek(self._loop.time()) or await self._tokens.get()
            response = await self._transport.exchange(protocol.build_fetch_balance(), held.authorization, self._total)
        except (ExchangeError, RouteeError):
            return False
        return retry.is_well(response) is True

    async def _fetch_token(self) -> Token:
        """Ask the token endpoint, as a read. Takes no turn: every turn may be waiting for this."""
        call = AwaitedCall(protocol.build_token_request(), protocol.read_token)
        call.renewed = True
        call.started_at = self._loop.time()
        call.deadline = call.started_at + self._total

        async def attempt_now() -> Token:
            call.started_at = self._loop.time()
            return await self._attempt(call)

        try:
            return await self._attempt(call)
        except AgainError as first:
            return await self._repeat(call, attempt_now, first)

    async def _token_for(self, call: Call[T]) -> HeldToken:
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


def _decision(state: "RetryCallState") -> retry.Decision:
    again = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(again, AgainError)  # noqa: S101 - for the type checker; tenacity asks about nothing else
    return again.decision


def _error_of(decision: retry.Decision) -> RouteeError:
    assert decision.error is not None  # noqa: S101 - for the type checker; only READ has none
    return decision.error
