"""Pools of senders in `sandbox.pools`."""

from typing import Any

import pytest

from routee_async.sandbox import pools
from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.timeline import Magic
from tests.sandbox.conftest import Api, Clock

GREEK, GREEK_TOO, GERMAN, BRITISH = "306912345670", "306912345671", "4915123456780", "447400123450"
SMS = {"to": "+306970000001", "body": "Hello", "poolStrategy": "Numeric"}


def make(api: Api, *numbers: str, **settings: object) -> dict[str, Any]:
    """Make a pool of rented numbers."""
    pool: dict[str, Any] = api("POST", "/pools/my", {"poolName": "gr-pool", "smsSettings": settings})
    for number in numbers:
        api("POST", "/numbers/my", {"msisdn": number})
        api("PUT", f"/pools/my/{pool['poolId']}/numbers/{number}")
    return pool


def senders(api: Api, pool: dict[str, Any], *recipients: str, **fields: object) -> list[str]:
    """Who writes to each recipient in turn."""
    return [api("POST", f"/pools/my/{pool['poolId']}/sms", SMS | {"to": to} | fields)["from"] for to in recipients]


def test_a_pool_is_made_changed_and_deleted(api: Api, clock: Clock) -> None:
    """A pool has its settings with the defaults filled in, can be replaced, and is gone after DELETE (§2.15)."""
    made = make(api, defaultCountry="GR")
    assert made | {"poolId": ""} == {
        "poolId": "",
        "poolName": "gr-pool",
        "smsSettings": {"sticky": True, "geomatch": True, "transcode": False, "defaultCountry": "GR"},
        "totalNumbers": 0,
        "updatedAt": "2026-09-21T14:13:20Z",
    }
    path = f"/pools/my/{made['poolId']}"
    assert api("GET", "/pools/my") == [made]
    assert api("GET", path) == made
    clock.advance(60)
    changed = api("PUT", path, {"poolName": "other", "smsSettings": {"sticky": False}})
    assert (changed["poolName"], changed["smsSettings"]["sticky"], changed["updatedAt"]) == ("other", False, "2026-09-21T14:14:20Z")
    assert "defaultCountry" not in changed["smsSettings"]
    assert api("DELETE", path) == {"poolId": made["poolId"], "deletedAt": "2026-09-21T14:14:20Z"}
    assert api("GET", "/pools/my") == []
    assert api.refused("GET", path) == "404021010"


def test_numbers_of_a_pool(api: Api) -> None:
    """A number is put in without `+`, once, taken out, and leaves with the number that is given back (§2.15)."""
    pool = make(api, GREEK, GERMAN)
    path = f"/pools/my/{pool['poolId']}/numbers"
    assert api("GET", path) == {"poolId": pool["poolId"], "poolName": "gr-pool", "numbers": [GREEK, GERMAN]}
    assert api("PUT", f"{path}/{GREEK}")["numbers"] == [GREEK, GERMAN]
    assert api("GET", "/pools/my")[0]["totalNumbers"] == 2
    assert api("DELETE", f"{path}/{GREEK}")["numbers"] == [GERMAN]
    assert api.refused("DELETE", f"{path}/{GREEK}") == "404021001"
    api("DELETE", f"/numbers/my/{GREEK}")
    api("DELETE", f"/numbers/my/{GERMAN}")
    assert api("GET", path)["numbers"] == []


def test_which_numbers_a_pool_takes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number is the account's own, in one pool only, and a pool has a bound (§2.15)."""
    first, second = make(api, GREEK), make(api)
    path = f"/pools/my/{second['poolId']}/numbers"
    assert api.refused("PUT", f"{path}/{GREEK}") == "409021011"
    assert api.refused("PUT", f"{path}/{GREEK_TOO}") == "404021001"
    api("POST", "/numbers/my", {"msisdn": GREEK_TOO})
    monkeypatch.setattr(pools, "MAX_NUMBERS", 1)
    assert api.refused("PUT", f"/pools/my/{first['poolId']}/numbers/{GREEK_TOO}") == "400021012"


def test_a_text_through_a_pool(api: Api) -> None:
    """The answer is that of a text with the pool's name and settings, and the text goes its way (§2.15)."""
    pool = make(api, GREEK, callback={"url": "http://127.0.0.1/dlr", "strategy": "OnChange"})
    sent = api("POST", f"/pools/my/{pool['poolId']}/sms", SMS | {"body": "See http://a.example/ now", "urlShortener": {}})
    assert sent.pop("urlShortener")["urls"][0]["longUrl"] == "http://a.example/"
    tracking_id = sent.pop("trackingId")
    assert sent == {
        "status": "Queued",
        "createdAt": "2026-09-21T14:13:20.123Z",
        "poolId": pool["poolId"],
        "poolName": "gr-pool",
        "poolStrategy": "Numeric",
        "smsSettings": pool["smsSettings"],
        "to": "+306970000001",
        "from": GREEK,
        "body": "See http://a.example/ now",
        "bodyAnalysis": {"parts": 1, "unicode": False, "characters": 30},
    }
    assert api("GET", f"/sms/tracking/single/{tracking_id}")[0]["from"] == GREEK
    message = api.carrier.messages[tracking_id]
    assert message.callback == Hook("http://127.0.0.1/dlr", "OnChange")
    event = message.event(0, message.states(0.0)[0], 0.0)
    assert {name: event[name] for name in ("poolId", "poolName", "poolStrategy")} == {
        "poolId": pool["poolId"],
        "poolName": "gr-pool",
        "poolStrategy": "Numeric",
    }


def test_a_sticky_pool_keeps_its_number(api: Api) -> None:
    """A sticky pool writes to one recipient from one number, as long as it has that (§2.15)."""
    pool = make(api, GREEK, GREEK_TOO)
    one, two = "+306970000001", "+306970000002"
    assert senders(api, pool, one, two, one, one) == [GREEK, GREEK_TOO, GREEK, GREEK]
    api("DELETE", f"/pools/my/{pool['poolId']}/numbers/{GREEK}")
    assert senders(api, pool, one) == [GREEK_TOO]


def test_a_pool_that_is_not_sticky_takes_turns(api: Api) -> None:
    """Without it, numbers take turns."""
    assert senders(api, make(api, GREEK, GREEK_TOO, sticky=False), *["+306970000001"] * 3) == [GREEK, GREEK_TOO, GREEK]


def test_a_pool_matches_countries(api: Api) -> None:
    """Matching geographically, the recipient's country comes first, then the default country, then any number (§2.15)."""
    pool = make(api, GREEK, GERMAN, defaultCountry="DE")
    assert senders(api, pool, "+306970000001", "+491701234567", "+447700900001") == [GREEK, GERMAN, GERMAN]
    anywhere = make(api, BRITISH)
    assert senders(api, anywhere, "+306970000001") == [BRITISH]
    indifferent = make(api, GREEK_TOO, "4915123456781", geomatch=False, sticky=False)
    assert senders(api, indifferent, *["+491701234567"] * 2) == [GREEK_TOO, "4915123456781"]


def test_alphanumeric_senders(api: Api) -> None:
    """By name, the sender is that of the recipient's country, else that of the pool (§2.15)."""
    per_country = [{"country": "DE", "senderId": "PaketCo"}, {"country": "GR"}]
    pool = make(api, alphanumericSenderId="ParcelCo", multipleSender=per_country)
    recipients = ("+491701234567", "+306970000001")
    assert senders(api, pool, *recipients, poolStrategy="Alphanumeric") == ["PaketCo", "ParcelCo"]


def test_a_pool_transcodes(api: Api) -> None:
    """Whether texts are transcoded is a setting of the pool (§2.15)."""
    pool = make(api, GREEK, transcode=True)
    assert api("POST", f"/pools/my/{pool['poolId']}/sms", SMS | {"body": "α" * 71})["bodyAnalysis"]["unicode"] is False


@pytest.mark.parametrize("strategy", ["Numeric", "Alphanumeric"])
def test_a_pool_without_a_sender(api: Api, strategy: str) -> None:
    """A pool that has nobody to write is refused like a bad sender."""
    pool = make(api)
    assert api.refused("POST", f"/pools/my/{pool['poolId']}/sms", SMS | {"poolStrategy": strategy}) == "400005000"


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"to": None}, {"to"}),
        ({"to": "friend"}, {"to"}),
        ({"body": ""}, {"body"}),
        ({"body": "a" * 1601}, {"body"}),
        ({"poolStrategy": None}, {"poolStrategy"}),
        ({"poolStrategy": "Any"}, {"poolStrategy"}),
        ({"urlShortener": {"urlValidity": 1}}, {"urlShortener"}),
    ],
)
def test_bad_texts(api: Api, fields: dict[str, object], problems: set[str]) -> None:
    """A field of a text that is missing or out of bounds is 400000000 that names it."""
    assert api.problems("POST", "/pools/my/0/sms", SMS | fields) == problems


def test_other_refusals_of_a_text(api: Api) -> None:
    """An unknown pool and one of another account are not found; no money is 400001009."""
    pool = make(api, GREEK)
    assert api.problems("POST", f"/pools/my/{pool['poolId']}/sms", []) == set()
    assert api.refused("POST", "/pools/my/0/sms", SMS) == "404021010"
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other.refused("POST", f"/pools/my/{pool['poolId']}/sms", SMS) == "404021010"
    assert api.refused("POST", f"/pools/my/{pool['poolId']}/sms", SMS | {"to": Magic.NO_BALANCE}) == "400001009"


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        ([], set()),
        ({}, {"poolName", "smsSettings"}),
        ({"poolName": "a", "smsSettings": {"sticky": 1}}, {"smsSettings.sticky"}),
        ({"poolName": "", "smsSettings": {"callback": {}}}, {"poolName", "smsSettings.callback"}),
        ({"poolName": "a", "smsSettings": {"callback": {"url": "http://x", "strategy": []}}}, {"smsSettings.callback"}),
        ({"poolName": "a", "smsSettings": {"defaultCountry": 1}}, {"smsSettings.defaultCountry"}),
        ({"poolName": "a", "smsSettings": {"alphanumericSenderId": "far too long a name"}}, {"smsSettings.alphanumericSenderId"}),
        ({"poolName": "a", "smsSettings": {"multipleSender": ["GR"]}}, {"smsSettings.multipleSender"}),
        ({"poolName": "a", "smsSettings": {"inboundSMSCallbackUrl": "here"}}, {"smsSettings.inboundSMSCallbackUrl"}),
    ],
)
def test_bad_pools(api: Api, payload: object, problems: set[str]) -> None:
    """A pool without name or settings, or with bad ones, is 400000000."""
    assert api.problems("POST", "/pools/my", payload) == problems


def test_what_comes_in_is_told_to_the_pool(api: Api) -> None:
    """A number of a pool without an address of its own has that of the pool, as long as it is in it (§5.3)."""
    urls = api.application.account.inbound_urls
    pool = make(api, GREEK, inboundSMSCallbackUrl="http://127.0.0.1/pool")
    path = f"/pools/my/{pool['poolId']}"
    assert urls == {GREEK: "http://127.0.0.1/pool"}
    api("PUT", f"/numbers/my/{GREEK}", {"inboundSmsCallbackUrl": "http://127.0.0.1/own"})
    assert urls == {GREEK: "http://127.0.0.1/own"}
    api("PUT", f"/numbers/my/{GREEK}", {})
    api("PUT", path, {"poolName": "gr-pool", "smsSettings": {"inboundSMSCallbackUrl": "http://127.0.0.1/new"}})
    assert urls == {GREEK: "http://127.0.0.1/new"}
    api("DELETE", f"{path}/numbers/{GREEK}")
    assert urls == {}
    api("PUT", f"{path}/numbers/{GREEK}")
    assert urls == {GREEK: "http://127.0.0.1/new"}
    api("DELETE", path)
    assert urls == {}
    other = make(api, inboundSMSCallbackUrl="http://127.0.0.1/pool")
    api("PUT", f"/pools/my/{other['poolId']}/numbers/{GREEK}")
    api("DELETE", f"/numbers/my/{GREEK}")
    api("POST", "/numbers/my", {"msisdn": GREEK})
    assert urls == {}
