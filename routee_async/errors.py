"""Every error that the library raises: one class for each reaction that a caller can have.

    RouteeError
    ├─ InvalidInputError (also ValueError)      before any I/O: correct the value
    │  ├─ InvalidRecipientError, InvalidSenderIdError, InvalidBodyError
    │  ├─ RecipientOptedOutError                the recipient wants no more messages
    │  └─ ConfigurationError                    a setting, an environment variable, credentials left out
    ├─ NotSentError                             provably never written: try again later
    │  ├─ ConnectError                          no connection: name not found, refused, unreachable, too slow
    │  │  └─ TLSError                           a certificate or a plain-text port: trying again will not help
    │  ├─ PoolTimeoutError                      no free connection slot in time
    │  ├─ ServiceDownError                      a batch is paused: sends failed in a row, and the service does not answer
    │  ├─ BatchAbortedError                     the batch had stopped before this message had its turn
    │  ├─ LowBalanceError                       the account has less than the caller demands
    │  ├─ SpendLimitError                       the batch has reached the caller's limit
    │  └─ ClientClosedError                     the client was closed, or not yet entered
    ├─ OutcomeUnknownError                      written, no believable answer: may have been sent
    ├─ NoAnswerError                            a read got no answer in spite of repeats: read again later
    ├─ APIError                                 a complete error answer
    │  ├─ BadRequestError                       ─ InsufficientBalanceError
    │  ├─ AuthenticationError, PermissionDeniedError, NotFoundError, ConflictError
    │  └─ RateLimitError, ServerError
    ├─ MalformedResponseError                   a read answered with an undocumented body
    ├─ InvalidCallbackError (also ValueError)   what came to the webhook is no callback of Routee's
    ├─ LedgerError                              the ledger cannot be opened, read or written
    │  └─ LedgerMismatchError                   it belongs to another list of messages
    ├─ BulkStoppedError                         going on was pointless; the rest was not attempted
    ├─ CampaignInterruptedError                 some of its recipients were handed over, the rest was not
    └─ TrackingTimeoutError                     no final status in time

Every error says with `safe_to_resend` whether sending the same message again could make a second one. No text of an error holds a
token, a secret, a message body or a full number, and none is chained to an aiohttp exception, whose `repr` would show the token.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routee_async.campaign_models import SentCampaign


class RouteeError(Exception):
    """Anything that went wrong in this library."""

    safe_to_resend: bool = False
    """True when sending the same message again cannot make a second one."""


class InvalidInputError(RouteeError, ValueError):
    """A value was refused before any I/O.

    Attributes:
        field: Name of the value, as in `Sms` or as the argument is called.
        problem: What is wrong with it, and what would be right.
    """

    safe_to_resend = True

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class InvalidRecipientError(InvalidInputError):
    """`to` is no telephone number that can be written in E.164."""


class InvalidSenderIdError(InvalidInputError):
    """`sender_id` is neither 1 to 11 letters, digits and spaces nor 1 to 16 digits."""


class InvalidBodyError(InvalidInputError):
    """`body` is empty or longer than 1,600 characters."""


class RecipientOptedOutError(InvalidInputError):
    """The recipient is among those whom the caller wants suppressed: nothing is sent to them."""


class ConfigurationError(InvalidInputError):
    """A setting is missing or makes no sense."""


class NotSentError(RouteeError):
    """Provably no byte of the request was written: it may be sent again at any time.

    Attributes:
        reason: Why, in words, with the class name of the underlying exception where there was one.
    """

    safe_to_resend = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"not sent: {self.reason}"


class ConnectError(NotSentError):
    """No connection could be made."""


class TLSError(ConnectError):
    """The connection could not be trusted. Look at the certificate, the port, and this machine's clock."""


class PoolTimeoutError(NotSentError):
    """All connections were busy until the time for this call was over."""


class ServiceDownError(NotSentError):
    """A batch is paused because sends failed in a row, and the service did not recover until the time for this message was over."""


class BatchAbortedError(NotSentError):
    """The batch had been stopped before this message had its turn."""


class LowBalanceError(NotSentError):
    """The account has less money than the caller demands: nothing was begun.

    Attributes:
        balance: What it has, in its own currency.
        wanted: What it should have.
    """

    def __init__(self, balance: Decimal, wanted: Decimal) -> None:
        super().__init__(f"the balance is {balance}, and {wanted} is wanted")
        self.balance = balance
        self.wanted = wanted

    def __reduce__(self) -> tuple[type["LowBalanceError"], tuple[Decimal, Decimal]]:
        return type(self), (self.balance, self.wanted)


class SpendLimitError(NotSentError):
    """The next message of a batch would go beyond the caller's `SpendLimit`."""


class ClientClosedError(NotSentError):
    """The client is not open: use it inside `async with RouteeClient(...)`."""


class OutcomeUnknownError(RouteeError):
    """The request was written and no believable answer came: the message may have been sent.

    Look for it (by `reference`, or by recipient and time) before sending again.

    Attributes:
        reference: Label of the message on the wire, if it had one.
        phase: Where it went wrong: `write`, `wait`, `head`, `body`, `status` or `close`.
        reason: What went wrong, in words or as the class name of the underlying exception.
        status: HTTP status seen, if any.
    """

    def __init__(self, reference: str | None, phase: str, reason: str, status: int | None = None) -> None:
        super().__init__(reference, phase, reason, status)
        self.reference = reference
        self.phase = phase
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        seen = f", HTTP {self.status}" if self.status is not None else ""
        return f"outcome unknown ({self.phase}{seen}: {self.reason}); the message may have been sent"


class NoAnswerError(RouteeError):
    """A read that costs nothing got no answer, in spite of repeats. Read again later.

    Attributes:
        phase: Where the last attempt went wrong.
        reason: What went wrong, as the class name of the underlying exception or in words.
    """

    def __init__(self, phase: str, reason: str) -> None:
        super().__init__(phase, reason)
        self.phase = phase
        self.reason = reason

    def __str__(self) -> str:
        return f"no answer ({self.phase}: {self.reason})"


class APIError(RouteeError):
    """Routee answered with an error.

    Attributes:
        status: HTTP status.
        code: Routee's own code as text, usually nine digits (HTTP status, module, error); None where the answer had none.
        developer_message: What Routee says to developers, numbers masked; may be empty.
        retry_after: Seconds to wait before trying again; None where the server did not say.
        properties: Field name to complaint, for validation errors.
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        developer_message: str = "",
        retry_after: float | None = None,
        properties: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(status, code, developer_message, retry_after, properties)
        self.status = status
        self.code = code
        self.developer_message = developer_message
        self.retry_after = retry_after
        self.properties: dict[str, str] = dict(properties)

    def __str__(self) -> str:
        code = f" (code {self.code})" if self.code else ""
        message = f": {self.developer_message}" if self.developer_message else ""
        details = "; ".join(f"{field}: {complaint}" for field, complaint in self.properties.items())
        return f"HTTP {self.status}{code}{message}{f' [{details}]' if details else ''}"


class BadRequestError(APIError):
    """Routee refused the request as it is (400, 405, 413, 415, 422 and any other 4xx without a class of its own)."""

    safe_to_resend = True


class InsufficientBalanceError(BadRequestError):
    """The account has not enough money to send (code 400001009): top it up."""


class AuthenticationError(APIError):
    """The credentials, or a token fresh from them, were refused (401)."""

    safe_to_resend = True


class PermissionDeniedError(APIError):
    """The application may not use this service, or not from this address (403)."""

    safe_to_resend = True


class NotFoundError(APIError):
    """There is no such thing, or not yet: what was just created becomes readable after about a second (404)."""

    safe_to_resend = True


class ConflictError(APIError):
    """The name is taken (409)."""

    safe_to_resend = True


class RateLimitError(APIError):
    """Too many requests, and not processed (429). `retry_after` says how long to wait, if the server said so."""

    safe_to_resend = True


class ServerError(APIError):
    """Routee failed to answer a read (5xx)."""


class MalformedResponseError(RouteeError):
    """A read was answered with a body that is not documented.

    Attributes:
        problems: Where in the payload, and what: `required field missing @ $[0].messageId`.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return f"undocumented answer: {'; '.join(self.problems)}"


class InvalidCallbackError(RouteeError, ValueError):
    """A payload is no callback that Routee documents. It says nothing about any message.

    Attributes:
        problems: Where in the payload, and what: `required field missing @ $.messageId`. Never what stood there.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return f"no callback: {'; '.join(self.problems)}"


class LedgerError(RouteeError):
    """A ledger cannot be opened, read or written. Without it nothing is sent.

    Attributes:
        path: The ledger's file.
        problem: What is wrong, and what to do about it.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"ledger {self.path}: {self.problem}"


class LedgerMismatchError(LedgerError):
    """The input is not the list of messages that this ledger was begun with."""


class BulkStoppedError(RouteeError):
    """A batch was stopped because going on was pointless; the rest of it was not attempted.

    Attributes:
        cause: The error that stopped it.
        attempted: How many messages were attempted, whatever became of them. Each has its outcome.
    """

    def __init__(self, cause: RouteeError, attempted: int) -> None:
        super().__init__(cause, attempted)
        self.cause = cause
        self.attempted = attempted

    def __str__(self) -> str:
        return f"batch stopped after {self.attempted} attempted: {self.cause}"


class CampaignInterruptedError(RouteeError):
    """A campaign of more recipients than one request takes could not be handed over whole.

    Attributes:
        cause: What went wrong with the next piece. If that is an `OutcomeUnknownError`, the piece may have been taken as well.
        sent: What was handed over.
        taken: How many recipients were taken from the caller's iterable for that: go on behind them.
    """

    def __init__(self, cause: RouteeError, sent: "SentCampaign", taken: int) -> None:
        super().__init__(cause, sent, taken)
        self.cause = cause
        self.sent = sent
        self.taken = taken

    def __str__(self) -> str:
        return f"campaign interrupted after {self.taken} recipients: {self.cause}"


class TrackingTimeoutError(RouteeError):
    """A message had no final status when the time was over. It may still get one.

    Attributes:
        tracking_id: The message.
        last_status: Its last known status; None while Routee did not show it at all.
    """

    def __init__(self, tracking_id: str, last_status: str | None) -> None:
        super().__init__(tracking_id, last_status)
        self.tracking_id = tracking_id
        self.last_status = last_status

    def __str__(self) -> str:
        last = f"the last was {self.last_status}" if self.last_status else "it never became visible"
        return f"message {self.tracking_id} has no final status in time; {last}"
