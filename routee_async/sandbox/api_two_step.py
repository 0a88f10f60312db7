"""The endpoints of one-time codes. Source: routee-api.md §2.18."""

from typing import Final

from routee_async.sandbox.routing import Call, Route
from routee_async.sandbox.two_step import TwoStep

SCOPE: Final = "2step"
PERMISSION: Final = "MT_ROLE_2STEP"


def _start(call: Call) -> object:
    return call.carrier.family(TwoStep).start(call.application, call.json())


def _fetch(call: Call) -> object:
    return call.carrier.family(TwoStep).fetch(call.application, call.ids[0])


def _confirm(call: Call) -> object:
    return call.carrier.family(TwoStep).confirm(call.application, call.ids[0], call.request.form())


def _cancel(call: Call) -> object:
    return call.carrier.family(TwoStep).cancel(call.application, call.ids[0])


def _report(call: Call) -> object:
    return call.carrier.family(TwoStep).report(call.application)


def _report_of(call: Call) -> object:
    return call.carrier.family(TwoStep).report_of(call.application, call.ids[0])


ROUTES: Final = (
    Route("POST", "/2step", _start, SCOPE, PERMISSION),
    Route("GET", "/2step/{trackingId}", _fetch, SCOPE, PERMISSION),
    Route("POST", "/2step/{trackingId}", _confirm, SCOPE, PERMISSION),
    Route("DELETE", "/2step/{trackingId}", _cancel, SCOPE, PERMISSION),
    Route("GET", "/2step/reports", _report, SCOPE, PERMISSION),
    Route("GET", "/2step/reports/applications/{applicationId}", _report_of, SCOPE, PERMISSION),
)
