"""Rows of the reference about tokens and single messages (§1, §2.2, §2.3)."""

from routee_async.sandbox import Magic, Timeline
from tests.sandbox.fidelity import scenes
from tests.sandbox.fidelity.kit import ROWS, fields, limits, refusal, row
from tests.sandbox.fidelity.world import (
    ABSENT,
    MILLISECONDS,
    ONE,
    SMS,
    UUID,
    Reply,
    World,
)

HOOK = {"url": "http://127.0.0.1:1/", "strategy": "OnChange"}
BAD_HOOKS = [{"url": "http://127.0.0.1:1/"}, {"strategy": "OnChange"}, {"url": "ftp://a/", "strategy": "OnChange"}, "http://a/"]

ROWS += fields(
    "1.3",
    scenes.token,
    {
        "access_token": UUID,
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "contact sms report account lookup 2step number_validator virtual_number number_pool failover",
        "permissions": (str,),
    },
)


@row("1.1", "answers are JSON in UTF-8")
async def _(world: World) -> None:
    reply = await world.send(body="Γειά")
    assert reply.headers["Content-Type"].lower() == "application/json;charset=utf-8"
    assert "Γειά".encode() in reply.body


@row("1.1", "gzip for those who take it")
async def _(world: World) -> None:
    world.sandbox._server._gzip = True  # noqa: SLF001 - an argument of the constructor
    reply = await world.ask("POST", "/sms", SMS, Accept_Encoding="gzip,deflate")
    assert reply.headers["Content-Encoding"] == "gzip"


@row("1.1", "lower-case bearer works")
async def _(world: World) -> None:
    value = world.sandbox.carrier.tokens.grant(world.sandbox.application).value
    assert (await world.ask("POST", "/sms", SMS, Authorization=f"bearer {value}")).status == 200


@row("1.2", "grant_type and scope in the query as well")
async def _(world: World) -> None:
    reply = await world.token("", "/oauth/token?grant_type=client_credentials&scope=sms")
    assert (reply.status, reply.json["scope"]) == (200, "sms")


@row("1.2", "scopes separated by comma or white space")
async def _(world: World) -> None:
    for scope in ("sms,account", "sms+account"):
        assert (await world.token(f"grant_type=client_credentials&scope={scope}")).json["scope"] == "sms account"


@row("1.4", "the same token with what is left, then a new one")
async def _(world: World) -> None:
    world.sandbox.application.token_life = 3600
    first = (await world.token()).json
    await world.sandbox.advance(1790)
    second = (await world.token()).json
    await world.sandbox.advance(1810)
    third = (await world.token()).json
    assert (second["access_token"], second["expires_in"]) == (first["access_token"], 1809)
    assert third["access_token"] != first["access_token"]


@row("1.4", "lives of an hour, a day, 20 years")
async def _(world: World) -> None:
    for life in (3600, 86400, 631139040):
        world.sandbox.revoke_token()
        world.sandbox.application.token_life = life
        assert (await world.token()).json["expires_in"] == life - 1


@row("1.5", "wrong id or secret: 401 in the Spring shape")
async def _(world: World) -> None:
    reply = await world.token(Authorization="Basic eDp5")
    assert (reply.status, set(reply.json)) == (401, {"timestamp", "status", "error", "message", "path"})
    assert (reply.json["timestamp"], reply.json["message"]) == (1_790_000_000_000, "Bad credentials")


@row("1.5", "missing Authorization: 401, another message")
async def _(world: World) -> None:
    reply = await world.token(Authorization="")
    assert (reply.status, reply.json["status"]) == (401, 401)
    assert reply.json["message"] != "Bad credentials"


@row("1.5", "bad request: 400 in the OAuth shape")
async def _(world: World) -> None:
    for form, error in (
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=telepathy", "invalid_scope"),
    ):
        reply = await world.token(form)
        assert (reply.status, reply.json["error"], set(reply.json)) == (400, error, {"error", "error_description"})


@row("1.6", "unknown, expired or revoked token: 401 invalid_token")
async def _(world: World) -> None:
    world.sandbox.application.token_life = 60
    value = (await world.token()).json["access_token"]
    await world.sandbox.advance(60)
    expired = await world.ask("POST", "/sms", SMS, Authorization=f"Bearer {value}")
    unknown = await world.ask("POST", "/sms", SMS, Authorization="Bearer x")
    value = (await world.token()).json["access_token"]
    world.sandbox.revoke_token()
    revoked = await world.ask("POST", "/sms", SMS, Authorization=f"Bearer {value}")
    assert [(one.status, one.json["error"]) for one in (expired, unknown, revoked)] == [(401, "invalid_token")] * 3


@row("1.6", "no token: 401 unauthorized")
async def _(world: World) -> None:
    reply = await world.ask("POST", "/sms", SMS, Authorization="")
    assert (reply.status, reply.json["error"]) == (401, "unauthorized")


ROWS += limits(
    "2.2",
    "/sms",
    SMS,
    {
        "from": (["A", "Parcel Co 1", "1" * 16, "12345678901"], ["", ..., 7]),
        "body": (["a", "a\nb", "a" * 1600], ["", "a" * 1601, ..., None]),
        "to": ([ONE, ONE[1:]], ["", ..., "x", "+30697", "+3069700000010000", [ONE]]),
        "flash": ([True, False, None], ["yes", 1]),
        "label": (["a" * 350], ["a" * 351, 7]),
        "callback": ([HOOK, HOOK | {"strategy": "OnCompletion"}], BAD_HOOKS),
        "ttl": ([1, 4320], [0, 4321, "60", True]),
        "transcode": ([True, False], ["yes"]),
        "urlShortener": (
            [{}, {"urlValidity": 3600}, {"urlValidity": 2592000}],
            [True, {"urlValidity": 3599}, {"urlValidity": 2592001}],
        ),
        "restrictions": ([{"india": {"templateId": "1", "entityId": "2"}}], ["india"]),
    },
)
ROWS += fields(
    "2.2",
    scenes.sent,
    {
        "trackingId": UUID,
        "status": "Queued",
        "createdAt": MILLISECONDS,
        "from": "ParcelCo",
        "to": ONE,
        "body": "See https://a.example/1 now",
        "bodyAnalysis": dict,
        "flash": True,
        "callback.strategy": "OnChange",
        "label": "job-1",
        "ttl": 240,
        "urlShortener.urlValidity": 3600,
        "urlShortener.urls": (dict,),
    },
)
ROWS += fields("2.2", scenes.plain, dict.fromkeys(("callback", "label", "ttl", "urlShortener"), ABSENT) | {"flash": False})


async def _send_without_money(world: World) -> Reply:
    return await world.send(to=Magic.NO_BALANCE)


async def _send_without_right(world: World) -> Reply:
    world.sandbox.application.permissions = ()
    return await world.send()


ROWS += [
    refusal("2.2", "balance too low", _send_without_money, 400, "400001009"),
    refusal("2.2", "bad sender", lambda world: world.send(**{"from": "Παρσελ"}), 400, "400005000"),
    refusal("2.2", "validation", lambda world: world.send(to="x"), 400, "400000000"),
    refusal("2.2", "no right", _send_without_right, 403, "403000000"),
]


@row("2.2", "when the ttl passes: Undelivered, Expired")
async def _(world: World) -> None:
    world.settings.timeline = Timeline(sent_after=1, final_after=90)
    made = (await world.send(ttl=1)).json["trackingId"]
    await world.sandbox.advance(60)
    (part,) = await world.track(made)
    assert (part["status"]["status"], part["status"]["reason"]["detailedStatus"]) == ("Undelivered", "Expired")


@row("2.2", "links that end at a space are replaced in what goes out")
async def _(world: World) -> None:
    made = (await world.send(body="See https://a.example/1 or https://b.example/2", urlShortener={})).json
    (link,) = made["urlShortener"]["urls"]
    assert (link["longUrl"], set(link)) == ("https://a.example/1", {"longUrl", "shortUrl"})
    assert (await world.track(made["trackingId"]))[0]["body"] == f"See {link['shortUrl']} or https://b.example/2"


@row("2.2", "transcode: not done if the text fits in one unicode part")
async def _(world: World) -> None:
    short, long = "α" * 70, "α" * 71
    assert (await world.send(body=short, transcode=True)).json["body"] == short
    assert (await world.send(body=long, transcode=True)).json["bodyAnalysis"] == {"parts": 1, "unicode": False, "characters": 71}


@row("2.2", "a transcode setting of the application")
async def _(world: World) -> None:
    world.sandbox.application.transcode = True
    assert (await world.send(body="α" * 71)).json["body"] == "A" * 71


@row("2.2", "a single message never becomes Unsent")
async def _(world: World) -> None:
    await world.send(to=Magic.NO_BALANCE)
    assert (await world.search())["totalElements"] == 0


@row("2.3", "bodyAnalysis and cost of one part; further fields are ignored")
async def _(world: World) -> None:
    reply = await world.ask("POST", "/sms/analyze", SMS | {"body": "a" * 161, "label": 7, "flash": "yes", "callback": 1})
    expected = {"bodyAnalysis": {"parts": 2, "unicode": False, "characters": 161}, "cost": 0.032}
    assert (reply.status, reply.json) == (200, expected)


@row("2.3", "400000000 bad number")
async def _(world: World) -> None:
    assert (await world.ask("POST", "/sms/analyze", SMS | {"to": "x"})).code == "400000000"
