"""Asyncio client for Routee's SMS API: never sends twice by its own doing, never loses track of one.

    from routee_async import RouteeClient, Sms

    async with RouteeClient.from_env() as client:
        sent = await client.send(Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here"))
        async with client.tracker() as tracker:
            report = await tracker.wait(sent, timeout=60)

Where to read on, from the caller's side to the wire's:

    Say        client.py the public methods; models.py, callback_models.py the values that go in and come out, frozen.py builds them
               quickly; errors.py the tree of errors; options.py timeouts and retries
    Check      validation.py what is refused before any I/O; phone.py E.164; segments.py GSM-7 and UCS-2 parts; opt_out.py who wants
               no more messages
    Send many  bulk.py input pulled, outcomes handed over; flights.py messages that go well, run.py all others; references.py the
               mark of each, checksums.py its fingerprint; ledger.py what was intended, on disk, behind store.py: group_commit.py
               writes for many together, ledger_commit.py one commit, first as notes (tail.py), then as rows (row_forms.py), in
               SQLite (sqlite_file.py, sqlite_tail.py, sqlite_rows.py)
    Send one   delivery.py what is done about doubt; reconcile.py looks messages up; caller.py one logical call (calls.py) and its
               attempts, launcher.py without a task; retry.py decides for it; admission.py turns, gate and breaker: places.py,
               pace.py, breaker.py
    Plan       planning.py what a batch would take, with spelling.py, countries.py and seen.py; spending.py what it may, capped.py
               keeps to it
    Campaigns  campaigns.py one text to many, campaign_orders.py decides, campaign_models.py its values
    Look back  history.py the search, filters.py compares
    The rest   products/ Routee's other products, a file each; operations.py requests and answers of what is declared, asker.py
               carries them out, camel.py their JSON; raw.py requests to any path
    Watch      observing.py who is told of every call; otel.py spans and metrics, in the extra `otel`
    Wire       protocol.py Routee's API as data; codec.py its JSON; auth.py the access token; exchange.py one request, one answer:
               transport.py chooses between session_lane.py, through aiohttp's session (deadlines.py, answers.py, ballast.py), and
               lane.py, past it (lease.py, wire.py, pool.py); failures.py what aiohttp's exceptions mean; workers/ processes that
               carry it
    Follow     tracker.py the messages that are open; rounds.py what is read together, schedule.py how often, status.py what the
               news add up to; followed.py what names a message, reads.py makes a read, lines.py carries reports to those who wait
    Be told    callbacks.py what Routee posts; webhook.py an aiohttp handler for it, sink_queue.py in front of its sink
    Try        sandbox/ a carrier on this machine; pytest_plugin.py its fixtures; cli/ the command `routee`

Decisions are pure functions; coroutines only carry them out.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from routee_async.planning import CharacterUse, CountryPlan, Plan, plan
    from routee_async.raw import RawResponse
    from routee_async.schedule import PollPolicy
    from routee_async.segments import Encoding
    from routee_async.spending import SpendLimit
    from routee_async.store import LedgerRow, LedgerStore, LedgerSummary, QuickStore, RowState
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
    "QuickStore",
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

_MODULES = ("opt_out", "segments")
_HOMES = (
    *("errors", "models", "callback_models", "callbacks", "opt_out", "options", "pace", "schedule", "segments"),
    *("store", "filters", "raw", "observing", "planning", "spending", "campaign_models", "ledger", "tracker", "client"),
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
