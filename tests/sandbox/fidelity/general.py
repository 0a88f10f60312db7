"""Rows of the reference about hosts, tokens and rights (§1) and HTTP statuses (§3.7), beyond those that come with messages."""

from routee_async.sandbox.accounts import PERMISSIONS, SCOPES
from routee_async.sandbox.routes import ROUTES
from routee_async.sandbox.routing import Route
from tests.sandbox.fidelity.kit import Check, Row
from tests.sandbox.fidelity.world import ONE, World

GRANT = "grant_type=client_credentials"


async def _only_the_token_path(running: World) -> None:
    assert (await running.token()).status == 200
    assert (await running.token(target="/oauth/authorize")).status == 404


async def _no_version_prefix(running: World) -> None:
    assert (await running.ask("GET", "/v1/accounts/me/balance")).status == 404
    assert (await running.ask("GET", "/accounts/me/balance")).status == 200


async def _dates_are_utc(running: World) -> None:
    assert (await running.send()).json["createdAt"].endswith("Z")


async def _numbers_have_a_plus(running: World) -> None:
    assert (await running.send(to=ONE[1:])).json["to"] == ONE
    assert (await running.send(to="+3069700000011234")).status == 400


async def _countries_and_currencies(running: World) -> None:
    prices = await running.get("GET", "/system/prices?mcc=202")
    assert (prices["sms"][0]["iso"], prices["currency"]["code"]) == ("GR", "EUR")


async def _whitelist(running: World) -> None:
    running.settings.enforce_whitelist = True
    await running.get("POST", "/security/whitelist", {"whitelistedIps": ["203.0.113.7", "127.0.0.1"]})
    assert (await running.ask("GET", "/accounts/me/balance")).status == 200
    await running.get("PATCH", "/security/whitelist", {"whitelistedIps": ["203.0.113.7"]})
    refused = await running.ask("GET", "/accounts/me/balance")
    assert (refused.status, refused.code) == (403, "403000000")


async def _basic(running: World) -> None:
    assert (await running.token(Authorization=running.basic.removeprefix("Basic "))).status == 401


async def _form(running: World) -> None:
    assert (await running.token(Content_Type="application/json")).status == 400


async def _scope(running: World) -> None:
    assert (await running.token(f"{GRANT}&scope=sms")).json["scope"] == "sms"
    assert (await running.token()).json["scope"] == " ".join(SCOPES)


async def _several_applications(running: World) -> None:
    first = (await running.token()).json["access_token"]
    account = running.sandbox.application.account
    other = running.sandbox.carrier.add_application("a" * 24, "other", account=account, scopes=("sms",), token_life=60)
    running.sandbox.application_id, running.sandbox.application_secret = other.id, other.secret
    token = (await running.token()).json
    assert (token["scope"], token["expires_in"]) == ("sms", 59)
    assert token["access_token"] != first


async def _default_life(running: World) -> None:
    other = running.sandbox.carrier.add_application("a" * 24, "other")
    running.sandbox.application_id, running.sandbox.application_secret = other.id, other.secret
    assert (await running.token()).json["expires_in"] == 3599


async def _no_refresh_token(running: World) -> None:
    assert "refresh_token" not in (await running.token()).json
    assert (await running.token("grant_type=refresh_token")).json["error"] == "unsupported_grant_type"


async def _revoked(running: World) -> None:
    old = (await running.token()).json["access_token"]
    running.sandbox.revoke_token()
    new = (await running.token()).json["access_token"]
    statuses = [(await running.ask("GET", "/accounts/me/balance", Authorization=f"Bearer {one}")).status for one in (old, new)]
    assert statuses == [401, 200]


async def _renewing_does_not_help(running: World) -> None:
    running.sandbox.application.permissions = ()
    for _ in range(2):
        assert (await running.ask("GET", "/accounts/me/balance")).code == "403000000"
        running.sandbox.revoke_token()


async def _forbidden(running: World) -> None:
    running.sandbox.application.permissions = ()
    reply = await running.send()
    assert (reply.status, reply.json) == (403, {"code": "403000000", "developerMessage": "Access Denied"})


async def _oauth_error(running: World) -> None:
    for reply in (await running.token(""), await running.ask("GET", "/accounts/me/balance", Authorization="Bearer x")):
        assert set(reply.json) == {"error", "error_description"}


def _right(route: Route) -> Check:
    """Without a token 401, without the scope or the permission 403, whatever the body, and neither with both (§10.2)."""

    async def check(running: World) -> None:
        target = route.path.replace("{", "").replace("}", "")
        application = running.sandbox.application

        async def status(**headers: str) -> int:
            return (await running.ask(route.method, target, "no object", **headers)).status

        assert await status(Authorization="") == 401
        assert await status() not in {401, 403}
        application.permissions = tuple(one for one in PERMISSIONS if one != route.permission)
        assert await status() == 403
        application.permissions = PERMISSIONS
        other = next(scope for scope in SCOPES if scope != route.scope)
        narrow = (await running.token(f"{GRANT}&scope={other}")).json["access_token"]
        assert await status(Authorization=f"Bearer {narrow}") == 403

    return check


def _status(status: int, method: str, target: str, payload: object = None) -> Check:
    async def check(running: World) -> None:
        assert (await running.ask(method, target, payload)).status == status

    return check


async def _conflict(running: World) -> None:
    assert (await running.create(campaignName="Spring")).status == 200
    again = await running.create(campaignName="Spring")
    assert (again.status, again.code) == (409, "409009003")


GENERAL: list[Row] = [
    Row("1.1", "only /oauth/token on the token host", _only_the_token_path),
    Row("1.1", "no version prefix", _no_version_prefix),
    Row("1.1", "dates in UTC", _dates_are_utc),
    Row("1.1", "numbers in E.164", _numbers_have_a_plus),
    Row("1.1", "countries and currencies", _countries_and_currencies),
    Row("1.1", "IP whitelist", _whitelist),
    Row("1.2", "header Authorization", _basic),
    Row("1.2", "header Content-Type", _form),
    Row("1.2", "form scope", _scope),
    Row("1.2", "several applications of an account", _several_applications),
    Row("1.4", "life of an hour by default", _default_life),
    Row("1.4", "no refresh token", _no_refresh_token),
    Row("1.4", "tokens can be revoked, and new ones asked for", _revoked),
    Row("1.4", "renewing does not help against 403000000", _renewing_does_not_help),
    *(Row("1.6", f"the right to {route.name}", _right(route)) for route in ROUTES),
    Row("3.5", "OAuth error", _oauth_error),
    Row("3.7", "200", _status(200, "GET", "/accounts/me/balance")),
    Row("3.7", "400", _status(400, "POST", "/sms", {})),
    Row("3.7", "403", _forbidden),
    Row("3.7", "404", _status(404, "GET", "/contacts/my/0")),
    Row("3.7", "409", _conflict),
    Row("3.7", "500 for a path without its id", _status(500, "DELETE", "/sms/")),
]
"""One row for each that a server can be held to."""
