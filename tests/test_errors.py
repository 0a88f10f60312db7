"""Tests of `errors.py`."""

import copy
import inspect
import pickle
import re
from decimal import Decimal

import pytest

from routee_async import errors
from routee_async.campaign_models import SentCampaign

PARENTS = {
    errors.RouteeError: Exception,
    errors.InvalidInputError: errors.RouteeError,
    errors.InvalidRecipientError: errors.InvalidInputError,
    errors.InvalidSenderIdError: errors.InvalidInputError,
    errors.InvalidBodyError: errors.InvalidInputError,
    errors.RecipientOptedOutError: errors.InvalidInputError,
    errors.ConfigurationError: errors.InvalidInputError,
    errors.NotSentError: errors.RouteeError,
    errors.ConnectError: errors.NotSentError,
    errors.TLSError: errors.ConnectError,
    errors.PoolTimeoutError: errors.NotSentError,
    errors.ServiceDownError: errors.NotSentError,
    errors.BatchAbortedError: errors.NotSentError,
    errors.ClientClosedError: errors.NotSentError,
    errors.LowBalanceError: errors.NotSentError,
    errors.SpendLimitError: errors.NotSentError,
    errors.OutcomeUnknownError: errors.RouteeError,
    errors.NoAnswerError: errors.RouteeError,
    errors.APIError: errors.RouteeError,
    errors.BadRequestError: errors.APIError,
    errors.InsufficientBalanceError: errors.BadRequestError,
    errors.AuthenticationError: errors.APIError,
    errors.PermissionDeniedError: errors.APIError,
    errors.NotFoundError: errors.APIError,
    errors.ConflictError: errors.APIError,
    errors.RateLimitError: errors.APIError,
    errors.ServerError: errors.APIError,
    errors.MalformedResponseError: errors.RouteeError,
    errors.InvalidCallbackError: errors.RouteeError,
    errors.LedgerError: errors.RouteeError,
    errors.LedgerMismatchError: errors.LedgerError,
    errors.BulkStoppedError: errors.RouteeError,
    errors.CampaignInterruptedError: errors.RouteeError,
    errors.TrackingTimeoutError: errors.RouteeError,
}

UNSAFE = {
    errors.RouteeError,
    errors.OutcomeUnknownError,
    errors.NoAnswerError,
    errors.APIError,
    errors.ServerError,
    errors.MalformedResponseError,
    errors.InvalidCallbackError,
    errors.LedgerError,
    errors.LedgerMismatchError,
    errors.BulkStoppedError,
    errors.CampaignInterruptedError,
    errors.TrackingTimeoutError,
}

SAMPLES = [
    (errors.RouteeError("something"), "something"),
    (errors.InvalidInputError("label", "is too long"), "label: is too long"),
    (errors.InvalidRecipientError("to", "is empty"), "to: is empty"),
    (errors.InvalidSenderIdError("sender_id", "is blank"), "sender_id: is blank"),
    (errors.InvalidBodyError("body", "is empty"), "body: is empty"),
    (errors.RecipientOptedOutError("to", "is suppressed"), "to: is suppressed"),
    (errors.ConfigurationError("attempts", "must be 1 or more"), "attempts: must be 1 or more"),
    (errors.NotSentError("no reason"), "not sent: no reason"),
    (errors.ConnectError("ClientConnectorError"), "not sent: ClientConnectorError"),
    (errors.TLSError("certificate expired"), "not sent: certificate expired"),
    (errors.PoolTimeoutError("all busy"), "not sent: all busy"),
    (errors.ServiceDownError("paused"), "not sent: paused"),
    (errors.BatchAbortedError("stopped"), "not sent: stopped"),
    (errors.ClientClosedError("closed"), "not sent: closed"),
    (errors.LowBalanceError(Decimal("1.5"), Decimal(10)), "not sent: the balance is 1.5, and 10 is wanted"),
    (errors.SpendLimitError("enough"), "not sent: enough"),
    (
        errors.CampaignInterruptedError(errors.AuthenticationError(401), SentCampaign(recipients=30_000), 30_010),
        "campaign interrupted after 30010 recipients: HTTP 401",
    ),
    (
        errors.OutcomeUnknownError("job-1", "wait", "TimeoutError"),
        "outcome unknown (wait: TimeoutError); the message may have been sent",
    ),
    (
        errors.OutcomeUnknownError(None, "status", "no id", 502),
        "outcome unknown (status, HTTP 502: no id); the message may have been sent",
    ),
    (errors.NoAnswerError("head", "ServerDisconnectedError"), "no answer (head: ServerDisconnectedError)"),
    (errors.APIError(418), "HTTP 418"),
    (
        errors.BadRequestError(400, "400000000", "Validation", None, (("to", "is bad"), ("body", "is long"))),
        "HTTP 400 (code 400000000): Validation [to: is bad; body: is long]",
    ),
    (errors.InsufficientBalanceError(400, "400001009", "Low balance"), "HTTP 400 (code 400001009): Low balance"),
    (errors.AuthenticationError(401, None, "Bad token"), "HTTP 401: Bad token"),
    (errors.PermissionDeniedError(403, "403000000"), "HTTP 403 (code 403000000)"),
    (errors.NotFoundError(404), "HTTP 404"),
    (errors.ConflictError(409, "409009003", "Taken"), "HTTP 409 (code 409009003): Taken"),
    (errors.RateLimitError(429, None, "", 2.5), "HTTP 429"),
    (errors.ServerError(503, None, "", None, (("x", "y"),)), "HTTP 503 [x: y]"),
    (errors.MalformedResponseError(("a @ $", "b @ $[0]")), "undocumented answer: a @ $; b @ $[0]"),
    (errors.InvalidCallbackError(("a @ $", "b @ $.to")), "no callback: a @ $; b @ $.to"),
    (errors.LedgerError("run.db", "is in use"), "ledger run.db: is in use"),
    (errors.LedgerMismatchError("run.db", "was begun with another list"), "ledger run.db: was begun with another list"),
    (
        errors.BulkStoppedError(errors.AuthenticationError(401), 7),
        "batch stopped after 7 attempted: HTTP 401",
    ),
    (
        errors.TrackingTimeoutError("5b0a", "Sent"),
        "message 5b0a has no final status in time; the last was Sent",
    ),
    (
        errors.TrackingTimeoutError("5b0a", None),
        "message 5b0a has no final status in time; it never became visible",
    ),
]
IDS = [f"{type(error).__name__} {number}" for number, (error, _) in enumerate(SAMPLES)]


def test_every_class_is_in_the_table() -> None:
    """No class of error is left out of these tests."""
    classes = {thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, Exception)}

    assert classes == PARENTS.keys()
    assert {type(error) for error, _ in SAMPLES} == classes


def test_tree_is_drawn() -> None:
    """The picture in the documentation shows every class, and no other."""
    assert set(re.findall(r"\w+Error\b", errors.__doc__ or "")) - {"ValueError"} == {each.__name__ for each in PARENTS}


@pytest.mark.parametrize(("error", "parent"), PARENTS.items(), ids=lambda each: each.__name__)
def test_tree(error: type[Exception], parent: type[Exception]) -> None:
    """Every class stands where the picture shows it."""
    assert error.__bases__[0] is parent


def test_invalid_input_is_a_value_error() -> None:
    """Wrong values can be caught by those who know only the standard library."""
    assert issubclass(errors.InvalidInputError, ValueError)
    assert issubclass(errors.InvalidCallbackError, ValueError)


@pytest.mark.parametrize("error", PARENTS, ids=lambda each: each.__name__)
def test_safe_to_resend(error: type[errors.RouteeError]) -> None:
    """Sending again is called safe only where nothing can have been sent."""
    assert error.safe_to_resend is (error not in UNSAFE)


@pytest.mark.parametrize(("error", "text"), SAMPLES, ids=IDS)
def test_text(error: errors.RouteeError, text: str) -> None:
    """Every error says in one line what happened."""
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in SAMPLES], ids=IDS)
def test_copies(error: errors.RouteeError) -> None:
    """Every error survives pickling and copying with its type, its text and its data."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own pickle
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(twin.__dict__) == repr(error.__dict__)


def test_attributes() -> None:
    """What a program needs to know of an error is in typed attributes."""
    refused = errors.RateLimitError(429, "429000000", "Slow down", 2.5, (("to", "is bad"),))
    unknown = errors.OutcomeUnknownError("job-1", "status", "no id", 502)
    invalid = errors.InvalidBodyError("body", "is empty")
    late = errors.TrackingTimeoutError("5b0a", "Sent")
    stopped = errors.BulkStoppedError(refused, 7)

    assert (refused.status, refused.code, refused.developer_message) == (429, "429000000", "Slow down")
    assert (refused.retry_after, refused.properties) == (2.5, {"to": "is bad"})
    assert (unknown.reference, unknown.phase, unknown.reason, unknown.status) == ("job-1", "status", "no id", 502)
    assert (invalid.field, invalid.problem) == ("body", "is empty")
    assert (late.tracking_id, late.last_status) == ("5b0a", "Sent")
    assert (stopped.cause, stopped.attempted) == (refused, 7)
    assert errors.NotSentError("why").reason == "why"
    assert errors.MalformedResponseError(("a @ $",)).problems == ("a @ $",)
    assert errors.InvalidCallbackError(("a @ $",)).problems == ("a @ $",)


def test_reference_is_not_told() -> None:
    """A label, which is the caller's own text, is data of the error and not part of what it says."""
    assert "+306912345678" not in str(errors.OutcomeUnknownError("for +306912345678", "wait", "TimeoutError"))
