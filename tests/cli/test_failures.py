"""Tests of `cli/failures.py`."""

import pytest

from routee_async import (
    AuthenticationError,
    BadRequestError,
    BulkStoppedError,
    ConfigurationError,
    ConnectError,
    InsufficientBalanceError,
    InvalidRecipientError,
    LedgerError,
    LedgerMismatchError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    TLSError,
    TrackingTimeoutError,
)
from routee_async.cli import failures
from routee_async.cli.failures import Exit, UsageError


@pytest.mark.parametrize(
    ("error", "status", "advice"),
    [
        pytest.param(ConfigurationError("X", "is not set"), Exit.USAGE, "X: is not set", id="configuration"),
        pytest.param(InvalidRecipientError("to", "is empty"), Exit.USAGE, "to: is empty", id="input"),
        pytest.param(UsageError("there is no text"), Exit.USAGE, "there is no text", id="usage"),
        pytest.param(AuthenticationError(401), Exit.FAILED, "check ROUTEE_APPLICATION_ID and", id="credentials"),
        pytest.param(PermissionDeniedError(403), Exit.FAILED, "Routee's portal", id="rights"),
        pytest.param(InsufficientBalanceError(400), Exit.FAILED, "top the account up", id="balance"),
        pytest.param(BadRequestError(400, "400000000", "no"), Exit.FAILED, "HTTP 400 (code 400000000): no", id="refused"),
        pytest.param(TLSError("tls: expired"), Exit.FAILED, "this machine's clock: it says 20", id="certificate"),
        pytest.param(ConnectError("refused"), Exit.FAILED, "check the network", id="unreachable"),
        pytest.param(PoolTimeoutError("busy"), Exit.FAILED, "; try again", id="not sent"),
        pytest.param(RateLimitError(429), Exit.FAILED, "wait, then try again", id="too many"),
        pytest.param(OutcomeUnknownError(None, "wait", "reset"), Exit.FAILED, "before you send it again", id="unknown"),
        pytest.param(NoAnswerError("wait", "reset"), Exit.FAILED, "try again later", id="no answer"),
        pytest.param(NotFoundError(404), Exit.FAILED, "check the tracking id", id="not found"),
        pytest.param(TrackingTimeoutError("id", "Sent"), Exit.FAILED, "look again later", id="not final"),
        pytest.param(MalformedResponseError(("no",)), Exit.FAILED, "check that ROUTEE_BASE_URL", id="malformed"),
        pytest.param(LedgerError("run.db", "is not a ledger"), Exit.USAGE, "ledger run.db: is not a ledger", id="ledger"),
        pytest.param(LedgerMismatchError("run.db", "another list"), Exit.USAGE, "another list", id="another list"),
        pytest.param(BulkStoppedError(AuthenticationError(401), 3), Exit.FAILED, "check ROUTEE_APPLICATION_ID", id="stopped"),
    ],
)
def test_errors(error: RouteeError | UsageError, status: Exit, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is one line that says what is wrong and what to do, with the exit status that belongs to it."""
    assert failures.report(error) is status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("routee: ")
    assert advice in line


def test_a_place_for_a_ledger() -> None:
    """When the system refuses to make a ledger, the advice is another place."""
    error = LedgerError("/run.db", "cannot be opened: Permission denied")
    error.__cause__ = PermissionError(13, "Permission denied")
    assert failures.explain(error).endswith("Permission denied; put it into a folder where you may write")


def test_errors_for_programs() -> None:
    """A program reads class, text, and whether it may send again."""
    described = failures.describe(RateLimitError(429))
    assert described == {"error": "RateLimitError", "message": "HTTP 429", "safe_to_resend": True}
