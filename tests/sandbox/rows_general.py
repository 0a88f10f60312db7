"""Rows of routee-api.md §1 (hosts, tokens) and §3 (error bodies), as far as a server can be held to them."""

from routee_async.sandbox import Fault, faults
from routee_async.sandbox.accounts import PERMISSIONS, SCOPES
from routee_async.sandbox.routes import ROUTES
from routee_async.sandbox.routing import Route
from tests.sandbox.wire import Check, Reply, Row, World, fields, one_of, text, texts, uuid, whole, world

SMS = {"from": "ParcelCo", "to": "+306970000001", "body": "Hello"}
GRANT = "grant_type=client_credentials"


# --- §1.1, §1.2: hosts, and what a request for a token looks like ----------------------------------------------------------


async def _only_the_token_path(running: World) -> None:
    assert (await running.fetch_token()).status == 200
    assert (await running.ask("POST", "/oauth/authorize", form=GRANT)).status == 404


async def _no_version_prefix(running: World) -> None:
    assert (await running.ask("GET", "/v1/accounts/me/balance")).status == 404
    assert (await running.ask("GET", "/accounts/me/balance")).status == 200


async def _bodies_are_json_in_utf_8(running: World) -> None:
    reply = await running.ask("GET", "/accounts/me/balance")
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert reply.json["currency"]["sign"] == "€"


async def _every_call_carries_a_token(running: World) -> None:
    running.token = ""
    assert (await running.ask("GET", "/accounts/me/balance")).status == 401


async def _lower_case_bearer(running: World) -> None:
    reply = await running.ask("GET", "/accounts/me/balance", Authorization=f"bearer {running.token}")
    assert reply.status == 200


async def _gzip(_: World) -> None:
    async with world(gzip=True) as packed:
        reply = await packed.ask("GET", "/system/prices", Accept_Encoding="gzip,deflate")
        assert reply.headers["Content-Encoding"] == "gzip"
        assert reply.json["sms"]
        plain = await packed.ask("GET", "/system/prices", Accept_Encoding="identity")
        assert "Content-Encoding" not in plain.headers


async def _dates_are_utc(running: World) -> None:
    assert (await running.get("POST", "/sms", SMS))["createdAt"].endswith("Z")


async def _numbers_have_a_plus(running: World) -> None:
    assert (await running.get("POST", "/sms", SMS | {"to": "306970000001"}))["to"] == "+306970000001"
    assert (await running.ask("POST", "/sms", SMS | {"to": "+3069700000011234"})).status == 400


async def _countries_and_currencies(running: World) -> None:
    prices = await running.get("GET", "/system/prices?mcc=202")
    assert (prices["sms"][0]["iso"], prices["currency"]["code"]) == ("GR", "EUR")


async def _whitelist(running: World) -> None:
    running.sandbox.carrier.settings.enforce_whitelist = True
    await running.get("POST", "/security/whitelist", {"whitelistedIps": ["203.0.113.7", "127.0.0.1"]})
    assert (await running.ask("GET", "/accounts/me/balance")).status == 200
    await running.get("PATCH", "/security/whitelist", {"whitelistedIps": ["203.0.113.7"]})
    assert (await running.ask("GET", "/accounts/me/balance")).status == 403


async def _basic(running: World) -> None:
    assert (await running.fetch_token(Authorization="Basic bm9ib2R5Ong=")).status == 401


async def _form(running: World) -> None:
    assert (await running.fetch_token(Content_Type="application/json")).status == 400


async def _grant_type(running: World) -> None:
    assert (await running.fetch_token("")).status == 400


async def _scope(running: World) -> None:
    assert (await running.fetch_token(f"{GRANT}&scope=sms")).json["scope"] == "sms"
    assert (await running.fetch_token()).json["scope"] == " ".join(SCOPES)


async def _query(running: World) -> None:
    assert (await running.fetch_token("", query=f"?{GRANT}&scope=sms")).json["scope"] == "sms"


async def _separator(running: World) -> None:
    for separator in (",", "%20"):
        assert (await running.fetch_token(f"{GRANT}&scope=sms{separator}report")).json["scope"] == "sms report"


async def _several_applications(running: World) -> None:
    account = running.sandbox.application.account
    other = running.sandbox.carrier.add_application("a" * 24, "other", account=account, scopes=("sms",), token_life=60)
    running.sandbox.application_id, running.sandbox.application_secret = other.id, other.secret
    token = (await running.fetch_token()).json
    assert (token["scope"], token["expires_in"]) == ("sms", 59)
    assert token["access_token"] != running.token


# --- §1.3, §1.4: tokens -----------------------------------------------------------------------------------------------------


async def _token(running: World) -> object:
    return (await running.fetch_token()).json


def _life(seconds: float) -> Check:
    async def check(_: World) -> None:
        async with world(token_life=seconds) as running:
            assert (await running.fetch_token()).json["expires_in"] == seconds - 1

    return check


async def _default_life(running: World) -> None:
    assert (await running.fetch_token()).json["expires_in"] == 3599


async def _same_token(running: World) -> None:
    await running.sandbox.advance(600)
    token = (await running.fetch_token()).json
    assert (token["access_token"], token["expires_in"]) == (running.token, 2999)
    await running.sandbox.advance(3000)
    assert (await running.fetch_token()).json["access_token"] != running.token


async def _no_refresh_token(running: World) -> None:
    assert "refresh_token" not in (await running.fetch_token()).json
    assert (await running.fetch_token("grant_type=refresh_token")).json["error"] == "unsupported_grant_type"


async def _revoked(running: World) -> None:
    running.sandbox.revoke_token()
    assert (await running.ask("GET", "/accounts/me/balance")).status == 401
    await running.renew()
    assert (await running.ask("GET", "/accounts/me/balance")).status == 200


async def _renewing_does_not_help(running: World) -> None:
    running.sandbox.application.permissions = ()
    running.sandbox.revoke_token()
    await running.renew()
    assert (await running.ask("GET", "/accounts/me/balance")).code == "403000000"


# --- §1.5, §1.6: what goes wrong with tokens --------------------------------------------------------------------------------


def _is_spring(reply: Reply, status: int, path: str) -> None:
    assert reply.status == status
    assert set(reply.json) == {"timestamp", "status", "error", "message", "path"}
    assert (reply.json["status"], reply.json["path"]) == (status, path)
    assert whole(reply.json["timestamp"])


def _is_oauth(reply: Reply, status: int, error: str) -> None:
    assert (reply.status, reply.json["error"]) == (status, error)
    assert text(reply.json["error_description"])


async def _wrong_secret(running: World) -> None:
    running.sandbox.application_secret = "wrong"
    reply = await running.fetch_token()
    _is_spring(reply, 401, "/oauth/token")
    assert reply.json["message"] == "Bad credentials"


async def _no_credentials(running: World) -> None:
    reply = await running.fetch_token(Authorization="")
    _is_spring(reply, 401, "/oauth/token")
    assert reply.json["message"] != "Bad credentials"


def _bad_grant(form: str, error: str) -> Check:
    async def check(running: World) -> None:
        _is_oauth(await running.fetch_token(form), 400, error)

    return check


async def _expired_token(running: World) -> None:
    await running.sandbox.advance(3600)
    _is_oauth(await running.ask("GET", "/accounts/me/balance"), 401, "invalid_token")


async def _unknown_token(running: World) -> None:
    running.token = "0c1d7f0e-52a3-4a0e-9a53-0d6a5a3c2b11"
    reply = await running.ask("GET", "/accounts/me/balance")
    _is_oauth(reply, 401, "invalid_token")
    assert running.token in reply.json["error_description"]


async def _revoked_token(running: World) -> None:
    running.sandbox.revoke_token()
    _is_oauth(await running.ask("GET", "/accounts/me/balance"), 401, "invalid_token")


async def _no_token(running: World) -> None:
    running.token = ""
    _is_oauth(await running.ask("GET", "/accounts/me/balance"), 401, "unauthorized")


def _right(route: Route) -> Check:
    """Without a token 401, without the scope or the permission 403000000, whatever the body, and never so with both (§10.2)."""

    async def check(running: World) -> None:
        target = route.path.replace("{", "").replace("}", "")
        application, token = running.sandbox.application, running.token

        async def status() -> int:
            return (await running.ask(route.method, target, "no object")).status

        running.token = ""
        assert await status() == 401
        running.token = token
        assert await status() not in {401, 403}
        application.permissions = tuple(one for one in PERMISSIONS if one != route.permission)
        assert await status() == 403
        application.permissions = PERMISSIONS
        other = next(scope for scope in SCOPES if scope != route.scope)
        running.token = (await running.fetch_token(f"{GRANT}&scope={other}")).json["access_token"]
        assert await status() == 403

    return check


# --- §3: error bodies -------------------------------------------------------------------------------------------------------


async def _basic_error(running: World) -> None:
    reply = await running.ask("POST", "/sms", SMS | {"from": "a sender far too long"})
    assert set(reply.json) == {"code", "developerMessage"}
    assert (reply.code, len(reply.code)) == ("400005000", 9)


async def _validation_error(running: World) -> None:
    reply = await running.ask("POST", "/sms", SMS | {"to": "friend"})
    assert reply.json == {
        "code": "400000000",
        "developerMessage": "Validation Error!",
        "entity": "SmsTracking",
        "properties": {"to": "Invalid mobile number"},
    }


async def _data_error(running: World) -> None:
    reply = await running.ask("POST", "/sms/campaign", {"from": "ParcelCo", "body": "Hello"})
    assert reply.json == {
        "code": "400005000",
        "developerMessage": "SMS contains invalid data",
        "errors": [{"errorCode": "004", "developerMessage": "No recipients are set for the sms"}],
    }


async def _not_found_error(running: World) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    reply = await running.ask("GET", f"/campaigns/{unknown}")
    assert reply.json == {
        "code": "404009001",
        "developerMessage": f"campaign with trackingId '{unknown}' was not found!",
        "entity": "campaign",
        "property": "trackingId",
        "value": unknown,
    }


async def _spring_error(running: World) -> None:
    _is_spring(await running.ask("GET", "/sms/quietHours/countries/"), 404, "/sms/quietHours/countries/")


def _status(status: int, method: str, target: str, payload: object = None) -> Check:
    async def check(running: World) -> None:
        assert (await running.ask(method, target, payload)).status == status

    return check


def _fault(status: int) -> Check:
    async def check(running: World) -> None:
        running.sandbox.faults.add(Fault(faults.error(status)))
        assert (await running.ask("POST", "/sms", SMS)).status == status

    return check


async def _conflict(running: World) -> None:
    campaign = SMS | {"to": ["+306970000001"], "campaignName": "Spring"}
    assert (await running.ask("POST", "/sms/campaign", campaign)).status == 200
    assert (await running.ask("POST", "/sms/campaign", campaign)).code == "409009003"


async def _forbidden(running: World) -> None:
    running.sandbox.application.permissions = ()
    reply = await running.ask("POST", "/sms", SMS)
    assert reply.code == "403000000"
    assert set(reply.json) == {"code", "developerMessage"}


GENERAL: list[Row] = [
    Row("1.1", "only /oauth/token on the token host", _only_the_token_path),
    Row("1.1", "no version prefix", _no_version_prefix),
    Row("1.1", "JSON in UTF-8", _bodies_are_json_in_utf_8),
    Row("1.1", "every call carries a token", _every_call_carries_a_token),
    Row("1.1", "lower-case bearer", _lower_case_bearer),
    Row("1.1", "gzip", _gzip),
    Row("1.1", "dates in UTC", _dates_are_utc),
    Row("1.1", "numbers in E.164", _numbers_have_a_plus),
    Row("1.1", "countries and currencies", _countries_and_currencies),
    Row("1.1", "IP whitelist", _whitelist),
    Row("1.2", "header Authorization", _basic),
    Row("1.2", "header Content-Type", _form),
    Row("1.2", "form grant_type", _grant_type),
    Row("1.2", "form scope", _scope),
    Row("1.2", "grant_type and scope in the query", _query),
    Row("1.2", "separator of scopes", _separator),
    Row("1.2", "several applications of an account", _several_applications),
    *fields("1.3", _token, access_token=uuid, token_type=one_of("bearer"), expires_in=whole, scope=text, permissions=texts),
    Row("1.4", "life of 1 hour", _default_life),
    Row("1.4", "life of 1 day", _life(86400)),
    Row("1.4", "life of 20 years", _life(631139040)),
    Row("1.4", "the same token with the rest of its life", _same_token),
    Row("1.4", "no refresh token", _no_refresh_token),
    Row("1.4", "tokens can be revoked", _revoked),
    Row("1.4", "renewing does not help against 403000000", _renewing_does_not_help),
    Row("1.5", "wrong id or secret", _wrong_secret),
    Row("1.5", "no Authorization header", _no_credentials),
    Row("1.5", "unknown scope", _bad_grant(f"{GRANT}&scope=telepathy", "invalid_scope")),
    Row("1.5", "missing grant_type", _bad_grant("", "invalid_request")),
    Row("1.5", "unsupported grant_type", _bad_grant("grant_type=password", "unsupported_grant_type")),
    Row("1.6", "expired token", _expired_token),
    Row("1.6", "unknown token", _unknown_token),
    Row("1.6", "revoked token", _revoked_token),
    Row("1.6", "no token", _no_token),
    *(Row("1.6", f"the right to {route.name}", _right(route)) for route in ROUTES),
    Row("3.1", "basic error", _basic_error),
    Row("3.2", "validation error", _validation_error),
    Row("3.3", "SMS data error", _data_error),
    Row("3.4", "not-found error", _not_found_error),
    Row("3.5", "OAuth error", _unknown_token),
    Row("3.6", "Spring error", _spring_error),
    Row("3.7", "200", _status(200, "GET", "/accounts/me/balance")),
    Row("3.7", "400", _status(400, "POST", "/sms", {})),
    Row("3.7", "401", _no_token),
    Row("3.7", "403", _forbidden),
    Row("3.7", "404", _status(404, "GET", "/contacts/my/0")),
    Row("3.7", "409", _conflict),
    Row("3.7", "500", _status(500, "DELETE", "/sms/")),
    *(Row("3.7", str(status), _fault(status)) for status in (408, 429, 502, 503, 504)),
]
"""One row for each that a server can be held to."""
