"""Asyncio client for Routee's SMS API: never sends twice by its own doing, never loses track of one.

    from routee_async import RouteeClient, Sms

    async with RouteeClient.from_env() as client:
        sent = await client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"))
        async with client.tracker() as tracker:
            report = await tracker.wait(sent, timeout=60)

Where to read on:

    client.py       the public methods                  bulk.py      send_many: workers on one iterator
    models.py       the values that go in and come out   tracker.py   the poller; schedule.py and status.py decide for it
    errors.py       the tree of errors                   caller.py    one logical call and its attempts; retry.py decides for it
    options.py      timeouts, retries                    protocol.py  Routee's API as data; codec.py its JSON
    validation.py   what is refused before any I/O       transport.py aiohttp: one request in, one answer or failure out, which
    phone.py        E.164                                             exchange.py defines; failures.py explains exceptions
    segments.py     GSM-7 and UCS-2 parts                lane.py      the way past aiohttp's session that sends take: lease.py is
    references.py   the mark of each message                          one connection of pool.py, wire.py what is read from it
    auth.py         the access token                     admission.py turns, pace and breaker; pace.py, breaker.py decide
    run.py          a batch with its ledger              delivery.py  what is done about doubt; reconcile.py looks messages up
    ledger.py       what was intended, on disk           store.py     the interface behind which it is kept
    sandbox/        a carrier on this machine            cli/         the command `routee`

Decisions are pure functions; coroutines only carry them out.
"""

from routee_async import segments
from routee_async.client import RouteeClient
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    BatchAbortedError,
    BulkStoppedError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    InsufficientBalanceError,
    InvalidBodyError,
    InvalidInputError,
    InvalidRecipientError,
    InvalidSenderIdError,
    LedgerError,
    LedgerMismatchError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoolTimeoutError,
    RateLimitError,
    RouteeError,
    ServerError,
    ServiceDownError,
    TLSError,
    TrackingTimeoutError,
)
from routee_async.ledger import Ledger
from routee_async.models import (
    Accepted,
    BodyAnalysis,
    Callback,
    CallbackStrategy,
    DeliveryReport,
    IndiaRestrictions,
    MessageStatus,
    NotSent,
    Outcome,
    Rejected,
    Restrictions,
    SentSms,
    Sms,
    TrackedPart,
    Transcode,
    Unknown,
    UrlShortener,
)
from routee_async.options import OnUnknown, RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.schedule import PollPolicy
from routee_async.segments import Encoding
from routee_async.store import LedgerRow, LedgerStore, LedgerSummary, RowState
from routee_async.tracker import Tracker

__all__ = [
    "APIError",
    "Accepted",
    "AuthenticationError",
    "BadRequestError",
    "BatchAbortedError",
    "BodyAnalysis",
    "BulkStoppedError",
    "Callback",
    "CallbackStrategy",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "DeliveryReport",
    "Encoding",
    "IndiaRestrictions",
    "InsufficientBalanceError",
    "InvalidBodyError",
    "InvalidInputError",
    "InvalidRecipientError",
    "InvalidSenderIdError",
    "Ledger",
    "LedgerError",
    "LedgerMismatchError",
    "LedgerRow",
    "LedgerStore",
    "LedgerSummary",
    "MalformedResponseError",
    "MessageStatus",
    "NoAnswerError",
    "NotFoundError",
    "NotSent",
    "NotSentError",
    "OnUnknown",
    "Outcome",
    "OutcomeUnknownError",
    "Pace",
    "PermissionDeniedError",
    "PollPolicy",
    "PoolTimeoutError",
    "RateLimitError",
    "Rejected",
    "Restrictions",
    "RetryPolicy",
    "RouteeClient",
    "RouteeError",
    "RowState",
    "SentSms",
    "ServerError",
    "ServiceDownError",
    "Sms",
    "TLSError",
    "Timeout",
    "TrackedPart",
    "Tracker",
    "TrackingTimeoutError",
    "Transcode",
    "Unknown",
    "UrlShortener",
    "segments",
]
