"""Asyncio client for Routee's SMS API: never sends twice by its own doing, never loses track of one.

    from routee_async import RouteeClient, Sms

    async with RouteeClient.from_env() as client:
        sent = await client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"))
        async with client.tracker() as tracker:
            report = await tracker.wait(sent, timeout=60)

Where to read on:

    client.py       the public methods                  bulk.py      send_many: workers on one iterator
    models.py       the values that go in and come out   tracker.py   the poller: rounds.py, schedule.py and status.py decide,
    errors.py       the tree of errors                   caller.py    one logical call and its attempts; retry.py decides for it
    options.py      timeouts, retries                    protocol.py  Routee's API as data; codec.py its JSON
    validation.py   what is refused before any I/O       transport.py aiohttp: one request in, one answer or failure out;
    phone.py        E.164                                failures.py  what aiohttp's exceptions mean
    segments.py     GSM-7 and UCS-2 parts                auth.py      the access token
    references.py   the mark of each message             admission.py turns, pace and breaker; pace.py, breaker.py decide
    run.py          a batch with its ledger              delivery.py  what is done about doubt; reconcile.py looks messages up
    ledger.py       what was intended, on disk           store.py     the interface behind which it is kept
    callbacks.py    what Routee posts to a webhook       webhook.py   its aiohttp handler; sink_queue.py in front of the sink
    callback_models.py  the values of callbacks          opt_out.py   who wants no more messages
    sandbox/        a carrier on this machine            cli/         the command `routee`
    pytest_plugin.py  that carrier as pytest fixtures

Decisions are pure functions; coroutines only carry them out.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routee_async import opt_out, segments
    from routee_async.callback_models import CallbackEvent, CampaignCallback, InboundSms, MessageCallback
    from routee_async.callbacks import parse_callback
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
        InvalidCallbackError,
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
        RecipientOptedOutError,
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
        CampaignState,
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
    from routee_async.opt_out import SuppressionList
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
    "CallbackEvent",
    "CallbackStrategy",
    "CampaignCallback",
    "CampaignState",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "DeliveryReport",
    "Encoding",
    "InboundSms",
    "IndiaRestrictions",
    "InsufficientBalanceError",
    "InvalidBodyError",
    "InvalidCallbackError",
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
    "MessageCallback",
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
    "RecipientOptedOutError",
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
    "SuppressionList",
    "TLSError",
    "Timeout",
    "TrackedPart",
    "Tracker",
    "TrackingTimeoutError",
    "Transcode",
    "Unknown",
    "UrlShortener",
    "opt_out",
    "parse_callback",
    "segments",
]

_MODULES = ("opt_out", "segments")
_HOMES = (
    *("errors", "models", "callback_models", "callbacks", "opt_out", "options", "pace", "schedule", "segments"),
    *("store", "ledger", "tracker", "client"),
)
"""Where all other names live or are imported to; the cheapest to import first."""


def __getattr__(name: str) -> object:
    # Nothing is imported before it is asked for: the pytest plugin lives in this package, too, and must not make every test run
    # wait for aiohttp.
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                value = globals()[name] = getattr(module, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
