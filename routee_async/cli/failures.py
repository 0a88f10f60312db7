"""Errors as one clear line: what is wrong, and what to do next. Never a traceback for what can happen to anybody."""

from datetime import UTC, datetime
from enum import IntEnum

from cyclopts import CycloptsError

from routee_async import (
    AuthenticationError,
    BulkStoppedError,
    ConnectError,
    InsufficientBalanceError,
    InvalidInputError,
    LedgerError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RouteeError,
    TLSError,
    TrackingTimeoutError,
    redact,
)
from routee_async.cli.output import say


class Exit(IntEnum):
    """Exit status of the command."""

    DONE = 0
    FAILED = 1
    USAGE = 2


class UsageError(Exception):
    """The command was called wrongly: the text says how to call it."""


# The first class that fits counts.
_ADVICE: tuple[tuple[type[RouteeError], str], ...] = (
    (AuthenticationError, "check ROUTEE_APPLICATION_ID and ROUTEE_APPLICATION_SECRET"),
    (PermissionDeniedError, "let the application use this service, from this address, in Routee's portal"),
    (InsufficientBalanceError, "top the account up"),
    (TLSError, "check ROUTEE_BASE_URL and ROUTEE_AUTH_URL, the certificate's dates, and this machine's clock: it says {now}"),
    (ConnectError, "check the network, ROUTEE_BASE_URL and ROUTEE_AUTH_URL, then try again"),
    (NotSentError, "try again"),
    (RateLimitError, "wait, then try again"),
    (OutcomeUnknownError, "look for it in Routee's portal before you send it again"),
    (NoAnswerError, "try again later"),
    (NotFoundError, "check the tracking id; a new message can be tracked after a second or so"),
    (TrackingTimeoutError, "it may still get one: look again later with `routee track`"),
    (MalformedResponseError, "check that ROUTEE_BASE_URL and ROUTEE_AUTH_URL are Routee's"),
)


def advise(error: RouteeError) -> str:
    """Say what to do about *error*; empty where its text says that already."""
    if isinstance(error, BulkStoppedError):
        return advise(error.cause)
    if isinstance(error, LedgerError) and isinstance(error.__cause__, OSError):
        return "put it into a folder where you may write"
    advice = next((advice for kind, advice in _ADVICE if isinstance(error, kind)), "")
    return advice.format(now=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))


def explain(error: RouteeError) -> str:
    """Say in one line what is wrong and what to do next."""
    advice = advise(error)
    return f"{error}; {advice}" if advice else str(error)


def describe(error: RouteeError) -> dict[str, object]:
    """Describe *error* to a program."""
    return {"error": type(error).__name__, "message": str(error), "safe_to_resend": error.safe_to_resend}


def report(error: RouteeError | UsageError) -> Exit:
    """Write *error* to stderr, and tell the exit status."""
    say(f"routee: {explain(error) if isinstance(error, RouteeError) else error}")
    # A ledger that fails later, in the middle of a batch, ends that in order and does not come here.
    return Exit.USAGE if isinstance(error, InvalidInputError | LedgerError | UsageError) else Exit.FAILED


def report_misuse(error: CycloptsError) -> Exit:
    """Write to stderr what is wrong with the arguments, and tell the exit status."""
    say(f"routee: {redact.scrub(str(error))} See: {' '.join(('routee', *(error.command_chain or ()), '--help'))}")
    return Exit.USAGE
