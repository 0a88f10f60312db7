"""The endpoints of reports. Source: routee-api.md §2.20."""

from typing import Final

from routee_async.sandbox.reports import Reports
from routee_async.sandbox.routing import Act, Call, Route

SCOPE: Final = "report"
PERMISSION: Final = "MT_ROLE_REPORT"


def _volume(*required: str) -> Act:
    return lambda call: call.carrier.family(Reports).volume(call.application, call.request.parameters(), *required)


def _latency(*required: str) -> Act:
    return lambda call: call.carrier.family(Reports).latency(call.application, call.request.parameters(), *required)


def _campaign_volume(call: Call) -> object:
    return call.carrier.family(Reports).campaign_volume(call.application, call.request.parameters())


def _campaign_latency(call: Call) -> object:
    return call.carrier.family(Reports).campaign_latency(call.application, call.request.parameters())


def _lookups(call: Call) -> object:
    return call.carrier.family(Reports).lookups(call.application, call.request.parameters())


def _validations(call: Call) -> object:
    return call.carrier.family(Reports).validations(call.application, call.request.parameters())


def _latency_routes(base: str) -> tuple[Route, ...]:
    return (
        Route("GET", base, _latency(), SCOPE, PERMISSION),
        Route("GET", f"{base}/perCountry", _latency("countryCode"), SCOPE, PERMISSION),
        Route("GET", f"{base}/perMccMnc", _latency("mcc", "mnc"), SCOPE, PERMISSION),
        Route("GET", f"{base}/perCampaign", _campaign_latency, SCOPE, PERMISSION),
    )


ROUTES: Final = (
    Route("GET", "/reports/my/volPrice", _volume(), SCOPE, PERMISSION),
    Route("GET", "/reports/my/volPrice/perMcc", _volume("mcc"), SCOPE, PERMISSION),
    Route("GET", "/reports/my/volPrice/perMccMnc", _volume("mcc", "mnc"), SCOPE, PERMISSION),
    Route("GET", "/reports/my/volPrice/perCampaign", _campaign_volume, SCOPE, PERMISSION),
    *_latency_routes("/reports/my/breakdown"),
    *_latency_routes("/reports/my/latency"),
    Route("GET", "/reports/my/lookup/volPrice", _lookups, SCOPE, PERMISSION),
    Route("GET", "/reports/my/numberValidator/volPrice", _validations, SCOPE, PERMISSION),
)
"""`latency` is the older path of `breakdown`."""
