"""What follows from each result of an attempt: the rows of failure-taxonomy.md, as one table."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import retry
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    BatchAbortedError,
    ClientClosedError,
    ConnectError,
    InsufficientBalanceError,
    InvalidBodyError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    ServerError,
    TLSError,
)
from routee_async.models import NotSent, Rejected, Sms, Unknown
from routee_async.options import RetryPolicy
from routee_async.protocol import Failure, Phase, Request, Response, build_fetch_tracking, build_send
from routee_async.retry import Action, Budget, Decision

SEND = build_send(Sms(to="+306970000001", sender_id="P", body="B"), "a-1")
READ = build_fetch_tracking("id")
ROUTEE = json.dumps({"code": "400000000", "developerMessage": "Validation Error!"}).encode()
HTML = b"<html>no</html>"
POLICY = RetryPolicy()
AGAIN = Decision(Action.REPEAT)


def failure(phase: Phase, *, written: bool, permanent: bool = False) -> Failure:
    """Make a failure."""
    return Failure(phase=phase, reason="SomeError", written=written, permanent=permanent)


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    """Make an answer."""
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


PAID = [
    ("pool", failure(Phase.POOL, written=False), Action.REPEAT, PoolTimeoutError),
    ("no connection", failure(Phase.CONNECT, written=False), Action.REPEAT, ConnectError),
    ("TLS handshake", failure(Phase.TLS, written=False), Action.REPEAT, ConnectError),
    ("certificate", failure(Phase.TLS, written=False, permanent=True), Action.RAISE, TLSError),
    ("proxy 502", failure(Phase.PROXY, written=False), Action.REPEAT, ConnectError),
    ("proxy 407", failure(Phase.PROXY, written=False, permanent=True), Action.RAISE, ConnectError),
    ("connection gone before writing", failure(Phase.WRITE, written=False), Action.REPEAT, NotSentError),
    ("closed while waiting", failure(Phase.CLOSE, written=False), Action.RAISE, ClientClosedError),
    ("bad URL", failure(Phase.LOCAL, written=False), Action.RAISE, NotSentError),
    ("reset while writing", failure(Phase.WRITE, written=True), Action.RAISE, OutcomeUnknownError),
    ("no answer", failure(Phase.WAIT, written=True), Action.RAISE, OutcomeUnknownError),
    ("head cut", failure(Phase.HEAD, written=True), Action.RAISE, OutcomeUnknownError),
    ("body cut", failure(Phase.BODY, written=True), Action.RAISE, OutcomeUnknownError),
    ("closed in flight", failure(Phase.CLOSE, written=True), Action.RAISE, OutcomeUnknownError),
    ("200", answer(200), Action.READ, None),
    ("204", answer(204), Action.READ, None),
    *((f"redirect {status}", answer(status), Action.RAISE, OutcomeUnknownError) for status in (301, 302, 303, 307, 308)),
    *((f"{status} of Routee", answer(status, ROUTEE), Action.RAISE, BadRequestError) for status in (400, 405, 413, 415, 422)),
    ("404 of Routee", answer(404, ROUTEE), Action.RAISE, NotFoundError),
    *((f"{status} of a gateway", answer(status, HTML), Action.RAISE, OutcomeUnknownError) for status in (400, 403, 404, 405, 418)),
    ("no money", answer(400, b'{"code":"400001009"}'), Action.RAISE, InsufficientBalanceError),
    ("401", answer(401), Action.RENEW, AuthenticationError),
    ("403 of Routee", answer(403, b'{"code":"403000000"}'), Action.RENEW, PermissionDeniedError),
    ("429", answer(429, HTML), Action.REPEAT, RateLimitError),
    *((f"{status}", answer(status, ROUTEE), Action.RAISE, OutcomeUnknownError) for status in (408, 425, 499)),
    *((f"{status}", answer(status, ROUTEE), Action.RAISE, OutcomeUnknownError) for status in (500, 502, 503, 504, 599)),
]
READS = [
    ("no connection", failure(Phase.CONNECT, written=False), Action.REPEAT, ConnectError),
    ("certificate", failure(Phase.TLS, written=False, permanent=True), Action.RAISE, TLSError),
    ("no answer", failure(Phase.WAIT, written=True), Action.REPEAT, NoAnswerError),
    ("body cut", failure(Phase.BODY, written=True), Action.REPEAT, NoAnswerError),
    ("closed in flight", failure(Phase.CLOSE, written=True), Action.RAISE, NoAnswerError),
    ("200", answer(200), Action.READ, None),
    ("401", answer(401), Action.RENEW, AuthenticationError),
    ("403", answer(403, HTML), Action.RENEW, PermissionDeniedError),
    ("404", answer(404), Action.RAISE, NotFoundError),
    ("400", answer(400), Action.RAISE, BadRequestError),
    ("302", answer(302), Action.RAISE, APIError),
    ("408", answer(408), Action.REPEAT, APIError),
    ("429", answer(429), Action.REPEAT, RateLimitError),
    *((f"{status}", answer(status), Action.REPEAT, ServerError) for status in (500, 502, 503, 504)),
]


@pytest.mark.parametrize(("result", "action", "error"), [pytest.param(*row, id=name) for name, *row in PAID])
def test_paid_request(result: Response | Failure, action: Action, error: type[RouteeError] | None) -> None:
    """A paid request is repeated only when it surely was not processed, and otherwise ends as what it is."""
    decision = retry.decide(SEND, result, renewed=False)
    assert decision.action is action
    assert type(decision.error) is (error or type(None))


@pytest.mark.parametrize(("result", "action", "error"), [pytest.param(*row, id=name) for name, *row in READS])
def test_read(result: Response | Failure, action: Action, error: type[RouteeError] | None) -> None:
    """A read is repeated after anything that can pass."""
    decision = retry.decide(READ, result, renewed=False)
    assert decision.action is action
    assert type(decision.error) is (error or type(None))


@pytest.mark.parametrize("request_", [SEND, READ], ids=["send", "read"])
@pytest.mark.parametrize("status", [401, 403])
def test_token_is_renewed_once(request_: Request, status: int) -> None:
    """A second refusal with a new token is final."""
    assert retry.decide(request_, answer(status, ROUTEE), renewed=True).action is Action.RAISE


@given(st.integers(100, 999), st.sampled_from([b"", HTML, ROUTEE, b'{"code":"400001009"}']), st.booleans())
def test_no_answer_but_the_three_has_a_send_repeated(status: int, body: bytes, renewed: bool) -> None:  # noqa: FBT001
    """Whatever a server answers to a paid request, only 401, 403 and 429 lead to another one."""
    action = retry.decide(SEND, answer(status, body), renewed=renewed).action
    assert action in {Action.READ, Action.RAISE} or status in {401, 403, 429}


@given(st.sampled_from(Phase), st.booleans())
def test_no_written_send_is_repeated_after_a_failure(phase: Phase, permanent: bool) -> None:  # noqa: FBT001
    """Once a byte may have been written, no failure of any kind leads to another attempt."""
    decision = retry.decide(SEND, failure(phase, written=True, permanent=permanent), renewed=False)
    assert decision.action is Action.RAISE
    assert isinstance(decision.error, OutcomeUnknownError)
    assert not decision.error.safe_to_resend


def test_unknown_outcome_names_the_message() -> None:
    """Whoever gets the error can look for the message."""
    error = retry.decide(SEND, answer(502), renewed=False).error
    assert isinstance(error, OutcomeUnknownError)
    assert (error.reference, error.status) == ("a-1", 502)


def test_wait_of_the_server_is_passed_on() -> None:
    """What `Retry-After` says reaches the one who waits."""
    assert retry.decide(SEND, answer(429, retry_after="7"), renewed=False).wait == 7.0
    assert retry.decide(READ, answer(503, retry_after="7"), renewed=False).wait == 7.0


def test_repeats_that_the_server_asked_for_are_free() -> None:
    """A send that was told to come later does not spend from the shared budget; one without a connection does."""
    assert not retry.decide(SEND, answer(429), renewed=False).budgeted
    assert retry.decide(SEND, failure(Phase.CONNECT, written=False), renewed=False).budgeted


@pytest.mark.parametrize("request_", [SEND, READ], ids=["send", "read"])
def test_renewed_token_is_free(request_: Request) -> None:
    """A token that is revoked under a hundred requests, sends or reads, does not exhaust what repeats are left."""
    decision = retry.decide(request_, answer(401), renewed=False)
    assert not decision.budgeted
    assert retry.delay_before(2, decision, POLICY, 0.9) == 0


@given(st.integers(2, 50), st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded(attempt: int, random: float) -> None:
    """Without a word from the server the wait is between 0 and the bound, whatever the dice say."""
    assert 0 <= retry.delay_before(attempt, AGAIN, POLICY, random) <= POLICY.max_delay


@pytest.mark.parametrize(("attempt", "most"), [(2, 0.5), (3, 1.0), (4, 2.0), (20, 20.0)])
def test_backoff_doubles(attempt: int, most: float) -> None:
    """Full jitter: the upper end doubles with each repeat, up to the bound."""
    assert retry.delay_before(attempt, AGAIN, POLICY, 1.0) == most
    assert retry.delay_before(attempt, AGAIN, POLICY, 0.5) == most / 2


@given(st.floats(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_wait_is_never_below_what_the_server_asked(wait: float, random: float) -> None:
    """Jitter goes above `Retry-After`, never below."""
    assert wait <= retry.delay_before(2, attrs.evolve(AGAIN, wait=wait), POLICY, random) <= wait * 1.1 + 1e-9


@pytest.mark.parametrize(
    ("attempt", "time_left", "wait", "may"),
    [
        pytest.param(4, 60.0, None, True, id="last attempt"),
        pytest.param(5, 60.0, None, False, id="one too many"),
        pytest.param(2, 5.0, None, True, id="just time enough"),
        pytest.param(2, 4.9, None, False, id="no time for an answer"),
        pytest.param(2, 60.0, 120.0, True, id="long wait"),
        pytest.param(2, 60.0, 121.0, False, id="too long a wait"),
    ],
)
def test_repeats_are_bounded(attempt: int, time_left: float, wait: float | None, may: bool) -> None:  # noqa: FBT001
    """Attempts, time and the server's wait each have a bound."""
    assert retry.may_repeat(attempt, time_left, Decision(Action.REPEAT, wait=wait), POLICY, 60.0) is may


@pytest.mark.parametrize(("total", "least"), [(60.0, 5.0), (20.0, 5.0), (4.0, 1.0)])
def test_time_that_an_attempt_needs_shrinks_with_the_total(total: float, least: float) -> None:
    """A short total leaves room for a first attempt."""
    assert retry.least_time(total) == least


def test_refused_send_goes_to_the_end_of_the_line_at_once() -> None:
    """A send that was told to come later does not wait by itself: the gate in front of the line keeps everybody back."""
    decision = retry.decide(SEND, answer(429, retry_after="7"), renewed=False)
    assert retry.delay_before(2, decision, POLICY, 0.9) == 0


def test_budget_runs_out_and_refills() -> None:
    """Ten repeats at once, then one for every ten successes."""
    budget = Budget(10.0, 0.1)
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(11):
        budget.succeed()
    assert budget.spend()
    assert not budget.spend()


def test_budget_is_never_more_than_full() -> None:
    """Quiet times do not pile up repeats."""
    budget = Budget(2.0, 1.0)
    for _ in range(100):
        budget.succeed()
    assert budget.left == 2.0
    assert budget.spend()
    budget.succeed()
    assert budget.left == 2.0


@pytest.mark.parametrize(
    ("error", "outcome", "stops"),
    [
        (InvalidBodyError("body", "is empty"), Rejected, False),
        (BadRequestError(400), Rejected, False),
        (NotFoundError(404), Rejected, False),
        (InsufficientBalanceError(400), Rejected, True),
        (AuthenticationError(401), Rejected, True),
        (PermissionDeniedError(403), Rejected, True),
        (RateLimitError(429), NotSent, False),
        (ConnectError("refused"), NotSent, False),
        (TLSError("certificate"), NotSent, True),
        (ClientClosedError("closed"), NotSent, True),
        (BatchAbortedError("stopped"), NotSent, False),
        (OutcomeUnknownError(None, "wait", "TimeoutError"), Unknown, False),
        (OutcomeUnknownError(None, "status", "redirect", 302), Unknown, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_error_means_one_outcome(error: RouteeError, outcome: type, stops: bool) -> None:  # noqa: FBT001
    """Each error is one of the outcomes, and says whether going on makes sense."""
    assert retry.outcome_class(error) is outcome
    assert retry.stops_batch(error) is stops


def test_only_unknown_is_unsafe() -> None:
    """An error that says it is safe to send again never means `Unknown`, and the other way round."""
    for error in (BadRequestError(400), RateLimitError(429), ConnectError("x"), OutcomeUnknownError(None, "wait", "x")):
        assert error.safe_to_resend is (retry.outcome_class(error) is not Unknown)
