"""What to do after an attempt, and how long to wait before the next. Pure: random numbers and times are arguments.

The rule behind the tables: a paid request is repeated by itself only when it surely was not processed. That is so when no byte of
it was written, when Routee asks for another time (429, which its pages do not list: a guess, marked as such in routee-api.md §3.7),
and once, with a new token, when the token was refused. Whatever else goes wrong with it is either a documented no or unknown.
A read may be repeated after anything that can pass.
"""

from collections.abc import Mapping
from enum import Enum, auto

import attrs

from routee_async.errors import (
    APIError,
    AuthenticationError,
    BatchAbortedError,
    ClientClosedError,
    ConnectError,
    InsufficientBalanceError,
    InvalidInputError,
    NoAnswerError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    TLSError,
)
from routee_async.models import NotSent, Rejected, Unknown
from routee_async.options import RetryPolicy
from routee_async.protocol import UNDECIDED, Failure, Phase, Request, Response, is_documented_error, read_error, retry_after

_LEAST_TIME = 5.0
_LEAST_SHARE = 0.25
_JITTER_ABOVE = 0.1
"""How far above a `Retry-After` the wait may go, as a share of it: never below, and not all callers at once."""


class Action(Enum):
    """What to do after an attempt."""

    READ = auto()
    """Read the answer: it is a success."""
    REPEAT = auto()
    """Attempt again, after a wait."""
    RENEW = auto()
    """Attempt again, with a new token."""
    RAISE = auto()
    """Give up with the error."""


@attrs.frozen
class Decision:
    """What to do after an attempt, and the error to raise if that cannot be done.

    Attributes:
        action: What to do.
        error: What to raise for RAISE, and for REPEAT or RENEW when there is no time, attempt or budget left; None for READ.
        wait: Seconds that the server demands before the next attempt.
        budgeted: True when the repeat is to be paid from the shared budget. A repeat that the server asked for is not: the
            gate and the one new token a call bound those.
    """

    action: Action
    error: RouteeError | None = None
    wait: float | None = None
    budgeted: bool = True


READ = Decision(Action.READ)

# HTTP status of a paid request to action. What is not listed here: a documented 4xx is final, all else is unknown.
_PAID: Mapping[int, Action] = {401: Action.RENEW, 403: Action.RENEW, 429: Action.REPEAT}
# Answers that are a no whatever their body looks like (a 401 may be empty, §8 row 15; a 429 has no documented body).
_PLAIN_NO = frozenset({401, 429})
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = 500
_TOO_MANY = 429
_UNAVAILABLE = 503
_REDIRECTS = range(300, 400)

# HTTP status of a read to action. What is not listed here is final.
_READ: Mapping[int, Action] = {
    401: Action.RENEW,
    403: Action.RENEW,
    408: Action.REPEAT,
    429: Action.REPEAT,
    **dict.fromkeys(range(500, 600), Action.REPEAT),
}


def decide(request: Request, result: Response | Failure, *, renewed: bool) -> Decision:
    """Decide what follows from the *result* of an attempt.

    Args:
        request: What was asked.
        result: What came of it.
        renewed: True when this call has already been given a new token after a refusal.
    """
    if isinstance(result, Failure):
        return _after_failure(request, result)
    if result.is_success:
        return READ
    decision = _after_paid_answer(request, result) if request.endpoint.paid else _after_read_answer(result)
    if decision.action is Action.RENEW and renewed:
        return Decision(Action.RAISE, decision.error)
    return decision


def _after_failure(request: Request, failure: Failure) -> Decision:
    if not failure.written:
        action = Action.RAISE if failure.permanent or failure.phase in {Phase.LOCAL, Phase.CLOSE} else Action.REPEAT
        return Decision(action, not_written(failure))
    if request.endpoint.paid:
        error = OutcomeUnknownError(request.reference, failure.phase, failure.reason, failure.status)
        return Decision(Action.RAISE, error)
    action = Action.RAISE if failure.permanent or failure.phase is Phase.CLOSE else Action.REPEAT
    return Decision(action, NoAnswerError(failure.phase, failure.reason))


def not_written(failure: Failure) -> NotSentError:
    """The error for a request of which no byte was written."""
    text = f"{failure.phase}: {failure.reason}"
    match failure.phase:
        case Phase.POOL:
            return PoolTimeoutError(text)
        case Phase.CLOSE:
            return ClientClosedError(text)
        case Phase.TLS if failure.permanent:
            return TLSError(text)
        case Phase.CONNECT | Phase.TLS | Phase.PROXY:
            return ConnectError(text)
        case _:
            return NotSentError(text)


def _after_paid_answer(request: Request, answer: Response) -> Decision:
    status = answer.status
    is_no = status in _PLAIN_NO or (status in _CLIENT_ERRORS and status not in UNDECIDED and is_documented_error(answer))
    if not is_no:
        error = OutcomeUnknownError(request.reference, Phase.STATUS, _unknown_because(status), status)
        return Decision(Action.RAISE, error)
    api_error = read_error(answer)
    return Decision(_PAID.get(status, Action.RAISE), api_error, api_error.retry_after, budgeted=False)


def _after_read_answer(answer: Response) -> Decision:
    error = read_error(answer)
    action = _READ.get(answer.status, Action.RAISE)
    return Decision(action, error, error.retry_after, budgeted=action is not Action.RENEW)


def _unknown_because(status: int) -> str:
    if status in _REDIRECTS:
        return "a redirect, which is not followed; check the base URL"
    if status in _CLIENT_ERRORS:
        return "not an answer of Routee's API"
    return "the server failed"


def is_well(result: Response | Failure) -> bool | None:
    """What a result says about the service: True for a complete answer below 500, None for what happened on our side."""
    if isinstance(result, Response):
        return result.status < _SERVER_ERRORS
    return None if result.phase in {Phase.LOCAL, Phase.CLOSE} else False


def asks_for_less(result: Response | Failure) -> bool:
    """True when the server says that it is asked too often: 429, or 503 with `Retry-After`."""
    if isinstance(result, Failure):
        return False
    return result.status == _TOO_MANY or (result.status == _UNAVAILABLE and retry_after(result.headers) is not None)


def delay_before(attempt: int, decision: Decision, policy: RetryPolicy, random: float) -> float:
    """Seconds to wait before attempt number *attempt* (2 for the first repeat).

    Full jitter: uniform between 0 and `min_delay` doubled for each repeat, at most `max_delay`. What the server demands is
    waited for in full, with up to a tenth more; but a send that was told to come later goes to the end of the line at once, for the
    gate in front of the line keeps everybody back for that long, and the pace spreads them.

    Args:
        attempt: Number of the attempt to come.
        decision: What asked for it.
        policy: Bounds.
        random: Uniform in [0, 1).
    """
    if not decision.budgeted:
        return 0.0
    if decision.wait is not None:
        return decision.wait * (1 + _JITTER_ABOVE * random)
    return random * min(policy.max_delay, policy.min_delay * 2.0 ** (attempt - 2))


def least_time(total: float) -> float:
    """Seconds that must be left of a call for an attempt to start: a quarter of the *total*, but no more than 5 s.

    An attempt that has no time for a normal answer would only make one more unknown.
    """
    return min(_LEAST_TIME, total * _LEAST_SHARE)


def may_repeat(attempt: int, time_left: float, decision: Decision, policy: RetryPolicy, total: float) -> bool:
    """Whether attempt number *attempt* may still be made.

    Args:
        attempt: Number of the attempt to come.
        time_left: Seconds that the call has left once the wait before this attempt is over.
        decision: What asked for it.
        policy: Bounds.
        total: Seconds that the whole call may take.
    """
    too_long = decision.wait is not None and decision.wait > policy.max_retry_after
    return attempt <= policy.attempts and not too_long and time_left >= least_time(total)


@attrs.define
class Budget:
    """Repeats that all calls of a client share, so that an outage is not multiplied by everybody's patience.

    Attributes:
        most: The fullest it gets.
        refill: What each success gives back.
        left: What is there now.
    """

    most: float
    refill: float
    left: float = attrs.field(default=attrs.Factory(lambda self: self.most, takes_self=True))

    def succeed(self) -> None:
        """Give something back after a success."""
        if self.left < self.most:  # as it is not, as a rule
            self.left = min(self.most, self.left + self.refill)

    def spend(self) -> bool:
        """Take one repeat; False when there is none left."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


def outcome_class(error: RouteeError) -> type[Rejected | NotSent | Unknown]:
    """Which outcome of a message an error means.

    A 429 is `NotSent`, not `Rejected`: nothing is wrong with the message, only with the time.
    """
    if isinstance(error, NotSentError | RateLimitError):
        return NotSent
    if isinstance(error, InvalidInputError | APIError):
        return Rejected
    return Unknown


def stops_batch(error: RouteeError) -> bool:
    """True when the next message would meet the same fate: no money, no rights, no credentials, no trust, the wrong host."""
    if isinstance(error, OutcomeUnknownError):
        return error.status in _REDIRECTS
    fatal = AuthenticationError | PermissionDeniedError | InsufficientBalanceError | TLSError | ClientClosedError
    return isinstance(error, fatal) and not isinstance(error, BatchAbortedError)
