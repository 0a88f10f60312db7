"""The endpoints of campaigns, from request to answer."""

import json
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routes import Request, respond, route_of
from tests.sandbox.conftest import Clock

ORDER = {
    "from": "ParcelCo",
    "to": ["+306970000001"],
    "body": "Hi",
    "scheduledDate": "2026-09-21T15:13:20Z",
    "campaignName": "offer",
}


class Wire:
    """Asks with a token."""

    def __init__(self, carrier: Carrier, application: Application) -> None:
        self.carrier = carrier
        application.token_life = 86400
        self.bearer = f"Bearer {carrier.tokens.grant(application).value}"

    def raw(self, method: str, target: str, payload: object = None) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer."""
        path, _, query = target.partition("?")
        body = json.dumps(payload).encode()
        request = Request(
            method=method, path=path, query=query, authorization=self.bearer, content_type="application/json", body=body
        )
        answer = respond(self.carrier, request)
        return answer.status, answer.content_type, answer.body

    def ask(self, method: str, target: str, payload: object = None) -> tuple[int, Any]:
        """Status and decoded body of the answer."""
        status, _, body = self.raw(method, target, payload)
        return status, json.loads(body)


@pytest.fixture
def wire(carrier: Carrier, application: Application) -> Wire:
    """The endpoints."""
    return Wire(carrier, application)


def test_life_of_a_campaign(wire: Wire, clock: Clock) -> None:
    """A campaign is created, shown, changed, goes out when its time has come, and is tracked and searched (§2.4 to §2.11)."""
    status, made = wire.ask("POST", "/sms/campaign", ORDER)
    path = made["trackingId"]
    assert (status, wire.ask("GET", f"/campaigns/{path}")) == (200, (200, made))
    status, changed = wire.ask("PUT", f"/sms/{path}", ORDER | {"to": ["+306970000001", "+306970000002"]})
    assert (status, changed["totalMessages"]) == (200, 2)
    clock.advance(3700)
    assert wire.ask("GET", f"/campaigns/{path}")[1]["state"] == "Finished"
    wire.ask("POST", "/sms", {"from": "ParcelCo", "to": "+306970000003", "body": "Alone"})
    status, page = wire.ask("GET", f"/sms/tracking/campaign/{path}?size=1&sort=to,desc")
    assert (status, page["totalElements"], page["content"][0]["to"]) == (200, 2, "+306970000002")

    def found(query: str, *filters: dict[str, str]) -> list[str]:
        rows = wire.ask("POST", f"/sms/tracking{query}", list(filters))[1]["content"]
        return [row["to"][-1] for row in rows]

    assert found("") == ["1", "2", "3"]
    assert found("?campaign=true") == found(f"?trackingId={path}") == ["1", "2"]
    assert found("", {"fieldName": "campaign", "searchTerm": "offer"}) == ["1", "2"]
    assert found("", {"fieldName": "campaign", "searchTerm": "offer", "searchOperator": "is_not"}) == ["3"]
    assert found("?trackingId=unknown") == []


def test_cancelling(wire: Wire) -> None:
    """A cancelled campaign is answered with an empty body; without an id the answer has code 500 (§2.8)."""
    made = wire.ask("POST", "/sms/campaign", ORDER)[1]["trackingId"]
    assert wire.raw("DELETE", f"/sms/{made}") == (200, "", b"")
    assert wire.ask("GET", f"/campaigns/{made}")[0] == 404
    assert wire.ask("DELETE", "/sms/") == (500, {"code": "500", "developerMessage": "Internal Server Error"})


def test_analysis(wire: Wire) -> None:
    """The analysis is the object at top level, without a cost (§2.5)."""
    status, analysis = wire.ask("POST", "/sms/analyze/campaign", ORDER)
    assert (status, analysis["numberOfRecipients"], "cost" in analysis) == (200, 1, False)


def test_countries_with_quiet_hours(wire: Wire) -> None:
    """The list is in the language asked for; another language is refused, a missing one is an unknown path (§2.12)."""
    names = {}
    for language in ("en", "el"):
        status, rows = wire.ask("GET", f"/sms/quietHours/countries/{language}")
        assert status == 200
        (names[language],) = [row for row in rows if row["code"] == "GR"]
    assert names["en"] == {"code": "GR", "name": "Greece", "localeName": "Ελλάδα", "isoA3Code": "GRC", "supported": True}
    assert names["el"]["name"] == "Ελλάδα"
    assert wire.ask("GET", "/sms/quietHours/countries/fr")[1]["code"] == "400000000"
    assert wire.ask("GET", "/sms/quietHours/countries/")[1]["error"] == "Not Found"


def test_names_of_routes() -> None:
    """Requests are counted by the path with its id replaced."""
    assert route_of("PUT", "/sms/1") == "PUT /sms/{trackingId}"
    assert route_of("DELETE", "/sms/") == "DELETE /sms/"
    assert route_of("GET", "/sms/tracking/campaign/1") == "GET /sms/tracking/campaign/{campaignTrackingId}"
