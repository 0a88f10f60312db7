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
    asker.py        whatever is declared as an operation  operations.py  its requests and answers; camel.py its JSON
    products/       Routee's other products, a file each  raw.py         requests to any path
    campaigns.py    one text to many; campaign_orders.py decides      history.py     the search; filters.py compares
    plan.py         what a batch would take; spelling.py, countries.py and seen.py help it to tell
    spending.py     what a batch may spend        capped.py      keeps to it
    observing.py    who is told of every call     otel.py        spans and metrics, in the extra `otel`
    sandbox/        a carrier on this machine            cli/         the command `routee`

Decisions are pure functions; coroutines only carry them out.
"""

from routee_async import opt_out, segments
from routee_async.callback_models import CallbackEvent, CampaignCallback, InboundSms, MessageCallback
from routee_async.callbacks import parse_callback
from routee_async.campaign_models import (
    NOW,
    Campaign,
    CampaignAnalysis,
    CampaignContact,
    CampaignDetails,
    CampaignProgress,
    QuietHoursCountry,
    Reminder,
    SendNow,
    SentCampaign,
    SmsAnalysis,
)
from routee_async.client import RouteeClient
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    BatchAbortedError,
    BulkStoppedError,
    CampaignInterruptedError,
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
    LowBalanceError,
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
    SpendLimitError,
    TLSError,
    TrackingTimeoutError,
)
from routee_async.filters import FailoverField, Field, Filter, LookupField, NumberField, Operator
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
from routee_async.observing import Attempt, CallInfo, CallObserver, Observer
from routee_async.opt_out import SuppressionList
from routee_async.options import OnUnknown, RetryPolicy, Timeout
from routee_async.pace import Pace
from routee_async.plan import CharacterUse, CountryPlan, Plan, plan
from routee_async.raw import RawResponse
from routee_async.schedule import PollPolicy
from routee_async.segments import Encoding
from routee_async.spending import SpendLimit
from routee_async.store import LedgerRow, LedgerStore, LedgerSummary, RowState
from routee_async.tracker import Tracker

__all__ = [
    "NOW",
    "APIError",
    "Accepted",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "BatchAbortedError",
    "BodyAnalysis",
    "BulkStoppedError",
    "CallInfo",
    "CallObserver",
    "Callback",
    "CallbackEvent",
    "CallbackStrategy",
    "Campaign",
    "CampaignAnalysis",
    "CampaignCallback",
    "CampaignContact",
    "CampaignDetails",
    "CampaignInterruptedError",
    "CampaignProgress",
    "CampaignState",
    "CharacterUse",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "CountryPlan",
    "DeliveryReport",
    "Encoding",
    "FailoverField",
    "Field",
    "Filter",
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
    "LookupField",
    "LowBalanceError",
    "MalformedResponseError",
    "MessageCallback",
    "MessageStatus",
    "NoAnswerError",
    "NotFoundError",
    "NotSent",
    "NotSentError",
    "NumberField",
    "Observer",
    "OnUnknown",
    "Operator",
    "Outcome",
    "OutcomeUnknownError",
    "Pace",
    "PermissionDeniedError",
    "Plan",
    "PollPolicy",
    "PoolTimeoutError",
    "QuietHoursCountry",
    "RateLimitError",
    "RawResponse",
    "RecipientOptedOutError",
    "Rejected",
    "Reminder",
    "Restrictions",
    "RetryPolicy",
    "RouteeClient",
    "RouteeError",
    "RowState",
    "SendNow",
    "SentCampaign",
    "SentSms",
    "ServerError",
    "ServiceDownError",
    "Sms",
    "SmsAnalysis",
    "SpendLimit",
    "SpendLimitError",
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
    "plan",
    "segments",
]
