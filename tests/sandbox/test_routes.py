"""The way from request to answer in `sandbox.routes`: tokens, rights, error bodies."""

import base64
import json
from typing import Any

import pytest

from routee_async.sandbox import answers
from routee_async.sandbox.accounts import Application
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routes import Request, respond, route_of
from routee_async.sandbox.routing import Call, Route, Table
from tests.sandbox.conftest import Clock

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
GRANT = b"grant_type=client_credentials"
ORDER = {"from": "ParcelCo", "to": "+306970000001", "body": "Your parcel is here"}


def basic(name: str, secret: str) -> str:
    """Value of the Authorization header."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def ask(carrier: Carrier, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    """Status and decoded body of the answer."""
    path, _, query = target.partition("?")
    answer = respond(carrier, Request(method=method, path=path, query=query, body=body, **headers))
    return answer.status, json.loads(answer.body)


def fetch_token(carrier: Carrier, body: bytes = GRANT, target: str = "/oauth/token", **headers: str) -> tuple[int, Any]:
    """Status and decoded body of the token answer."""
    application = next(iter(carrier.applications.values()))
    defaults = {"authorization": basic(application.id, application.secret), "content_type": FORM}
    return ask(carrier, "POST", target, body, **(defaults | headers))


@pytest.fixture
def bearer(carrier: Carrier, application: Application) -> str:
    """Value of the Authorization header of API calls."""
    return f"Bearer {carrier.tokens.grant(application).value}"


def test_token_answer(carrier: Carrier, application: Application) -> None:
    """A token comes with what is left of its life, its scopes as one text and the permissions (§1.3, §8 #17)."""
    status, token = fetch_token(carrier)
    assert status == 200
    assert token == {
        "access_token": carrier.tokens.grant(application).value,
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "contact sms report account lookup 2step number_validator virtual_number number_pool failover",
        "permissions": list(application.permissions),
    }


def test_form_or_query(carrier: Carrier, application: Application) -> None:
    """`grant_type` is taken from the form or from the query, the form being declared as one (§1.2)."""
    assert application.id in carrier.applications
    assert fetch_token(carrier, b"", "/oauth/token?grant_type=client_credentials")[0] == 200
    assert fetch_token(carrier, content_type=f"{FORM};charset=UTF-8")[0] == 200
    assert fetch_token(carrier, content_type=JSON)[1]["error"] == "invalid_request"


@pytest.mark.usefixtures("application")
def test_same_token_until_it_expires(carrier: Carrier, clock: Clock) -> None:
    """Asking again gives the same token with the rest of its life, and a new one when that is over (§1.4, §8 #18)."""
    first = fetch_token(carrier)[1]
    clock.advance(1790.5)
    second = fetch_token(carrier)[1]
    clock.advance(1809.5)
    third = fetch_token(carrier)[1]
    assert (second["access_token"], second["expires_in"]) == (first["access_token"], 1809)
    assert third["access_token"] != first["access_token"]
    assert third["expires_in"] == 3599


@pytest.mark.parametrize(("life", "expires_in"), [(3600, 3599), (86400, 86399), (631139040, 631139039), (2, 1)])
def test_token_life(carrier: Carrier, application: Application, life: float, expires_in: int) -> None:
    """The life of a token is a choice of the application (§1.4)."""
    application.token_life = life
    assert fetch_token(carrier)[1]["expires_in"] == expires_in


@pytest.mark.parametrize("scope", ["account,sms", "account%20sms", "sms,account"])
@pytest.mark.usefixtures("application")
def test_narrow_scope(carrier: Carrier, scope: str) -> None:
    """Scopes may be asked for one by one, with commas or spaces between (§1.2, §8 #19)."""
    assert fetch_token(carrier, GRANT + b"&scope=" + scope.encode())[1]["scope"] == "sms account"


@pytest.mark.parametrize(
    ("body", "error", "description"),
    [
        (b"", "invalid_request", "Missing grant type"),
        (b"grant_type=", "invalid_request", "Missing grant type"),
        (b"grant_type=password", "unsupported_grant_type", "Unsupported grant type: password"),
        (GRANT + b"&scope=telepathy", "invalid_scope", "Invalid scope: telepathy"),
    ],
)
@pytest.mark.usefixtures("application")
def test_bad_token_requests(carrier: Carrier, body: bytes, error: str, description: str) -> None:
    """A bad request for a token is answered 400 in the OAuth shape (§1.5)."""
    assert fetch_token(carrier, body) == (400, {"error": error, "error_description": description})


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("", "Full authentication is required to access this resource"),
        ("Bearer x", "Full authentication is required to access this resource"),
        ("Basic !", "Bad credentials"),
        ("Basic /w==", "Bad credentials"),
        (basic("6400aabbccddeeff00112233", "wrong"), "Bad credentials"),
        (basic("nobody", "S4ndb0xKey"), "Bad credentials"),
    ],
)
@pytest.mark.usefixtures("application")
def test_bad_credentials(carrier: Carrier, authorization: str, message: str) -> None:
    """Wrong or missing credentials are answered 401 in the Spring shape, time in milliseconds (§1.5, §8 #14, #15)."""
    assert fetch_token(carrier, authorization=authorization) == (
        401,
        {"timestamp": 1790000000123, "status": 401, "error": "Unauthorized", "message": message, "path": "/oauth/token"},
    )


def test_no_token(carrier: Carrier) -> None:
    """A call without a token is 401 `unauthorized` (§1.6)."""
    status, body = ask(carrier, "GET", "/accounts/me/balance")
    assert (status, body["error"]) == (401, "unauthorized")
    assert set(body) == {"error", "error_description"}


def test_dead_tokens(carrier: Carrier, application: Application, clock: Clock) -> None:
    """An unknown, expired or revoked token is 401 `invalid_token`, on the API host in the OAuth shape (§1.6, §8 #15)."""
    expired = carrier.tokens.grant(application).value
    clock.advance(3600)
    revoked = carrier.tokens.grant(application).value
    other = carrier.add_application("f" * 24, "x")
    alive = carrier.tokens.grant(other).value
    carrier.tokens.revoke(application)
    for value in ("unknown", expired, revoked):
        status, body = ask(carrier, "GET", "/accounts/me/balance", authorization=f"Bearer {value}")
        assert (status, body) == (401, {"error": "invalid_token", "error_description": f"Invalid access token: {value}"})
    assert ask(carrier, "GET", "/accounts/me/balance", authorization=f"Bearer {alive}")[0] == 200


def test_lower_case_bearer(carrier: Carrier, bearer: str) -> None:
    """`bearer` in lower case works (§1.1)."""
    assert ask(carrier, "GET", "/accounts/me/balance", authorization=bearer.lower())[0] == 200


def test_missing_right(carrier: Carrier, application: Application) -> None:
    """Without the permission, or with a token narrowed to another scope, the answer is 403000000 (§1.6, §8 #16)."""
    narrow = carrier.tokens.grant(application, ("account",)).value
    denied = (403, {"code": "403000000", "developerMessage": "Access Denied"})
    assert ask(carrier, "POST", "/sms", b"{}", authorization=f"Bearer {narrow}") == denied
    application.permissions = ("MT_ROLE_SMS",)
    wide = carrier.tokens.grant(application).value
    assert ask(carrier, "GET", "/accounts/me/balance", authorization=f"Bearer {wide}") == denied


def test_order_of_checks(carrier: Carrier, application: Application, bearer: str) -> None:
    """The token comes before the right, and the right before the shape (§10.2)."""
    application.permissions = ()
    assert ask(carrier, "POST", "/sms", b"{", authorization="Bearer x", content_type=JSON)[0] == 401
    assert ask(carrier, "POST", "/sms", b"{", authorization=bearer, content_type=JSON)[0] == 403
    application.permissions = ("MT_ROLE_SMS",)
    status, body = ask(carrier, "POST", "/sms", b"{", authorization=bearer, content_type=JSON)
    assert (status, body["code"], body["properties"]) == (400, "400000000", {})


def test_every_endpoint(carrier: Carrier, bearer: str) -> None:
    """Send, track, search, analyse and balance answer 200 (§8 #32)."""
    status, sent = ask(carrier, "POST", "/sms", json.dumps(ORDER).encode(), authorization=bearer, content_type=JSON)
    assert status == 200
    (item,) = ask(carrier, "GET", f"/sms/tracking/single/{sent['trackingId']}", authorization=bearer)[1]
    body = json.dumps([{"fieldName": "to", "searchTerm": "+306970000001"}]).encode()
    page = ask(carrier, "POST", "/sms/tracking?page=0&size=5&size=7", body, authorization=bearer, content_type=JSON)[1]
    assert (page["size"], page["content"]) == (5, [item])
    analysis = ask(carrier, "POST", "/sms/analyze", json.dumps(ORDER).encode(), authorization=bearer, content_type=JSON)
    assert analysis == (200, {"bodyAnalysis": sent["bodyAnalysis"], "cost": 0.032})
    assert ask(carrier, "GET", "/accounts/me/balance", authorization=bearer)[1]["balance"] == 99999.968


def test_undeclared_body(carrier: Carrier, bearer: str) -> None:
    """A body that is not declared as JSON is refused with 415 in the Spring shape, unless that is switched off (§1.1)."""
    status, body = ask(carrier, "POST", "/sms", json.dumps(ORDER).encode(), authorization=bearer, content_type="text/plain")
    assert (status, body["status"], body["error"]) == (415, 415, "Unsupported Media Type")
    carrier.settings.needs_content_type = False
    assert ask(carrier, "POST", "/sms", json.dumps(ORDER).encode(), authorization=bearer)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sms/tracking"),
        ("POST", "/sms/analyse"),
        ("GET", "/sms/tracking/single/"),
        ("POST", "/sms/tracking/single/1"),
        ("GET", "/sms/quietHours/countries/"),
        ("GET", "/oauth/token"),
        ("GET", "/"),
    ],
)
def test_unknown_paths(carrier: Carrier, method: str, path: str) -> None:
    """Whatever has no route is the Spring 404 (§3.6, §8 #30, §10.9)."""
    expected = {"timestamp": 1790000000123, "status": 404, "error": "Not Found", "message": "No message available", "path": path}
    assert ask(carrier, method, path) == (404, expected)
    assert route_of(method, path) == "unknown"


def test_every_piece_in_braces_is_one_piece_of_the_path() -> None:
    """A path without braces outranks one with, ids are decoded and never empty, and no two routes may be the same."""

    def act(call: Call) -> object:
        return call.ids

    def route(path: str) -> Route:
        return Route("GET", path, act, "sms", "MT_ROLE_SMS")

    table = Table([route("/groups/{name}"), route("/groups/page"), route("/groups/{name}/contacts/{id}")])

    def find(path: str) -> tuple[str, tuple[str, ...]] | None:
        found = table.find("GET", path)
        return None if found is None else (found[0].name, found[1])

    assert find("/groups/page") == ("GET /groups/page", ())
    assert find("/groups/a%20b%2Fc") == ("GET /groups/{name}", ("a b/c",))
    assert find("/groups/vip/contacts/7") == ("GET /groups/{name}/contacts/{id}", ("vip", "7"))
    assert find("/groups/") == find("/groups/vip/contacts/") == find("/groups/vip/members/7") == find("/groups") is None
    assert table.find("PUT", "/groups/page") is None
    with pytest.raises(ValueError, match="two routes are GET /groups/page"):
        Table([route("/groups/page"), route("/groups/page")])


def test_routes_are_counted_by_their_template() -> None:
    """Whatever the id is, the name of the route is the same."""
    assert route_of("GET", "/sms/tracking/single/1") == route_of("GET", "/sms/tracking/single/2") == "GET /sms/tracking/single/{id}"
    assert route_of("POST", "/oauth/token") == "POST /oauth/token"


@pytest.mark.parametrize("fast", [False, True])
def test_both_ways_to_write_json(*, fast: bool) -> None:
    """With and without the optional accelerator, the same value makes the same bytes, and bad JSON is a ValueError."""
    dump, load = answers.choose(fast=fast)
    value = {"body": "ναι €", "price": 0.032, "parts": 1, "list": [True, None]}
    assert dump(value) == '{"body":"ναι €","price":0.032,"parts":1,"list":[true,null]}'.encode()
    assert load(dump(value)) == value
    with pytest.raises(ValueError, match=r"."):
        load(b"{")
