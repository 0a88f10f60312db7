"""The endpoints of campaigns. Source: routee-api.md §2.4 to §2.8, §2.10, §2.12."""

from typing import Final

from routee_async.sandbox.answers import Answer, Refusal, invalid
from routee_async.sandbox.api_sms import PERMISSION, SCOPE
from routee_async.sandbox.countries import QUIET_COUNTRIES
from routee_async.sandbox.routing import Call, Route


def _create(call: Call) -> object:
    return call.carrier.campaigns.create(call.application, call.json())


def _analyze(call: Call) -> object:
    return call.carrier.campaigns.analyze(call.application, call.json())


def _fetch(call: Call) -> object:
    return call.carrier.campaigns.fetch(call.application, call.ids[0])


def _update(call: Call) -> object:
    return call.carrier.campaigns.update(call.application, call.ids[0], call.json())


def _delete(call: Call) -> object:
    call.carrier.campaigns.delete(call.application, call.ids[0])
    return Answer(200, content_type="")


def _delete_nothing(_: Call) -> object:
    # Recorded like this, whatever the reason (§2.8).
    raise Refusal(500, {"code": "500", "developerMessage": "Internal Server Error"})


def _track(call: Call) -> object:
    return call.carrier.campaigns.track(call.application, call.ids[0], call.request.parameters())


def _quiet_countries(call: Call) -> object:
    language = call.ids[0]
    if language not in {"el", "en"}:
        raise invalid({"language": "must be el or en"})
    return [country.to_wire(language) for country in QUIET_COUNTRIES]


ROUTES: Final = (
    Route("POST", "/sms/campaign", _create, SCOPE, PERMISSION),
    Route("POST", "/sms/analyze/campaign", _analyze, SCOPE, PERMISSION),
    Route("GET", "/campaigns/{trackingId}", _fetch, SCOPE, PERMISSION),
    Route("PUT", "/sms/{trackingId}", _update, SCOPE, PERMISSION),
    Route("DELETE", "/sms/{trackingId}", _delete, SCOPE, PERMISSION),
    Route("DELETE", "/sms/", _delete_nothing, SCOPE, PERMISSION),
    Route("GET", "/sms/tracking/campaign/{campaignTrackingId}", _track, SCOPE, PERMISSION),
    Route("GET", "/sms/quietHours/countries/{language}", _quiet_countries, SCOPE, PERMISSION),
)
