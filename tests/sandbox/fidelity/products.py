"""Rows of routee-api.md §2.13 to §2.16: account, number intelligence, pools, numbers, whitelist."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from routee_async.sandbox import Magic
from tests.sandbox.fidelity.kit import Check, Row
from tests.sandbox.fidelity.shapes import (
    e164,
    false,
    flag,
    moment,
    number,
    object_id,
    one_of,
    shape,
    text,
    texts,
    true,
    uuid,
    whole,
)
from tests.sandbox.fidelity.world import World

Answer = Callable[[World], Awaitable[Any]]
TO = "+306970000000"
GREEK = "306912345670"
PAGE = {
    "totalPages": whole,
    "totalElements": whole,
    "last": flag,
    "numberOfElements": whole,
    "first": flag,
    "size": whole,
    "number": whole,
}


def asks(method: str, target: str, payload: object = None) -> Answer:
    """The JSON of a good answer."""

    async def answer(running: World) -> object:
        return await running.get(method, target, payload)

    return answer


def refuses(code: str, method: str, target: str, payload: object = None) -> Check:
    """A refusal with *code*."""

    async def check(running: World) -> None:
        assert (await running.ask(method, target, payload)).code == code

    return check


def needs(field: str, method: str, target: str, payload: dict[str, Any]) -> Check:
    """Without *field*, or with null, a good request is 400000000 that names it."""

    async def check(running: World) -> None:
        assert (await running.ask(method, target, payload)).status == 200
        for bad in ({name: value for name, value in payload.items() if name != field}, payload | {field: None}):
            reply = await running.ask(method, target, bad)
            assert reply.code == "400000000"
            assert set(reply.json["properties"]) == {field}

    return check


# --- §2.13 Account ----------------------------------------------------------------------------------------------------------


async def _transactions(running: World) -> object:
    running.sandbox.top_up(50)
    return await running.get("GET", "/accounts/me/transactions")


async def _needs_the_account_scope(running: World) -> None:
    narrow = (await running.token("grant_type=client_credentials&scope=sms")).json["access_token"]
    assert (await running.ask("GET", "/accounts/me/balance", Authorization=f"Bearer {narrow}")).code == "403000000"


async def _mnc(running: World) -> None:
    prices = await running.get("GET", "/system/prices?mcc=202&mnc=01")
    assert [network["network"] for network in prices["sms"][0]["networks"]] == ["Cosmote"]


def _service(name: str, key: str) -> Check:
    async def check(running: World) -> None:
        assert set(await running.get("GET", f"/system/prices?service={name}")) == {key, "currency"}

    return check


async def _trial(running: World) -> None:
    running.sandbox.application.account.trial = True
    assert (await running.ask("GET", "/accounts/me/transactions")).code == "400001012"


async def _from_and_to(running: World) -> None:
    running.sandbox.top_up(50)
    for query, found in (("from=2020-01-01T00:00Z", 1), ("to=2020-01-01T00:00Z", 0), ("from=2020-01-01&to=2021-01-01", 0)):
        assert (await running.get("GET", f"/accounts/me/transactions?{query}"))["totalElements"] == found


async def _page_and_size(running: World) -> None:
    for amount in (1, 2, 3):
        running.sandbox.top_up(amount)
    page = await running.get("GET", "/accounts/me/transactions?page=1&size=2")
    assert (page["number"], page["size"], page["totalPages"]) == (1, 2, 2)
    assert [item["amount"] for item in page["content"]] == [3]


async def _top_up(running: World) -> None:
    before = running.sandbox.balance
    assert running.sandbox.top_up("12.5") == running.sandbox.balance == before + Decimal("12.5")


_ACCOUNT = [
    *shape(
        "2.13 balance",
        asks("GET", "/accounts/me/balance"),
        balance=number,
        currency__code=text,
        currency__name=text,
        currency__sign=text,
    ),
    Row("2.13 balance", "needs the account scope", _needs_the_account_scope),
    *shape(
        "2.13 prices",
        asks("GET", "/system/prices?mcc=202"),
        sms__0__mcc=one_of("202"),
        sms__0__country=one_of("Greece"),
        sms__0__iso=one_of("GR"),
        sms__0__networks__0__network=one_of("Cosmote"),
        sms__0__networks__0__mnc=one_of("01"),
        sms__0__networks__0__price=number,
        twoStep__sms=number,
        twoStep__voice=number,
        lookup__perRequest=number,
        numberValidator__withPortedInfo=number,
        numberValidator__withoutPortedInfo=number,
        voice__0__country=text,
        voice__0__iso=text,
        voice__0__landlinePrice=text,
        voice__0__mobilePrice=text,
        viber__0__country=text,
        viber__0__iso=text,
        viber__0__prices__fee=text,
        viber__0__prices__feePeriod=one_of("Monthly"),
        viber__0__prices__promotionalInbound=text,
        viber__0__prices__promotionalOutbound=text,
        viber__0__prices__transactionalInbound=text,
        viber__0__prices__transactionalOutbound=text,
        currency__code=text,
    ),
    Row("2.13 prices", "query mnc", _mnc),
    *(
        Row("2.13 prices", f"service {name}", _service(name, key))
        for name, key in (
            ("Sms", "sms"),
            ("Voice", "voice"),
            ("TwoStep", "twoStep"),
            ("Lookup", "lookup"),
            ("NumberValidator", "numberValidator"),
            ("Viber", "viber"),
        )
    ),
    *shape("2.13 transactions", _transactions, **PAGE),
    *shape(
        "2.13 transactions",
        _transactions,
        content__0__id=object_id,
        content__0__source=one_of("PayPal", "Bank"),
        content__0__transactionType=one_of("TopUp"),
        content__0__amount=number,
        content__0__status=one_of("PendingNotCredited", "Pending", "Completed"),
        content__0__balanceBefore=number,
        content__0__balanceAfter=number,
        content__0__date=moment,
        content__0__actions__0__id=object_id,
        content__0__actions__0__type=one_of("Paid"),
        content__0__actions__0__amount=number,
        content__0__actions__0__date=moment,
        content__0__actions__0__balanceBefore=number,
        content__0__actions__0__balanceAfter=number,
        content__0__actions__0__status=one_of("Completed"),
    ),
    Row("2.13 transactions", "query from and to", _from_and_to),
    Row("2.13 transactions", "query page and size", _page_and_size),
    Row("2.13 transactions", "400001012", _trial),
    Row("2.13 transactions", "a top-up raises the balance", _top_up),
    *shape(
        "2.13 banks",
        asks("GET", "/accounts/me/banks"),
        name=text,
        address=text,
        phone=text,
        vatId=text,
        email=text,
        banks__0__name=text,
        banks__0__address=text,
        banks__0__number=text,
        banks__0__iban=text,
        banks__0__currency=text,
        banks__0__minAmount=number,
        banks__0__country=text,
        banks__0__swiftCode=text,
    ),
]


# --- §2.14 Look-up and number validator -------------------------------------------------------------------------------------


async def _lookup_read(running: World) -> Any:  # noqa: ANN401 - JSON
    made = await running.get("POST", "/lookup", {"to": TO})
    return await running.get("GET", f"/lookup/{made['lookupId']}")


async def _queued_first(running: World) -> None:
    running.sandbox.carrier.settings.lookup_delay = 2
    made = await running.get("POST", "/lookup", {"to": TO})
    assert made["statusInfo"]["status"] == "Queued"
    await running.sandbox.advance(2)
    assert (await running.get("GET", f"/lookup/{made['lookupId']}"))["statusInfo"]["status"] == "Active"


def _lookup_status(to: str, status: str) -> Check:
    async def check(running: World) -> None:
        assert (await running.get("POST", "/lookup", {"to": to}))["statusInfo"]["status"] == status

    return check


def _lookup_filter(name: str, term: str, *, found: bool = True) -> Check:
    async def check(running: World) -> None:
        made = await running.get("POST", "/lookup", {"to": TO, "label": "crm-check"})
        wanted = made["lookupId"] if term == "id" else term
        good = [{"fieldName": name, "searchTerm": wanted}]
        bad = [{"fieldName": name, "searchTerm": "something else"}]
        assert (await running.get("POST", "/lookup/tracking", good))["totalElements"] == int(found)
        assert (await running.get("POST", "/lookup/tracking", bad))["totalElements"] == 0

    return check


async def _unknown_filter(running: World) -> None:
    await running.get("POST", "/lookup", {"to": TO})
    assert (await running.get("POST", "/lookup/tracking", [{"fieldName": "x", "searchTerm": "y"}]))["totalElements"] == 1


async def _lookup_page(running: World) -> None:
    for _ in range(11):
        await running.get("POST", "/lookup", {"to": TO})
    page = await running.get("POST", "/lookup/tracking", [])
    assert (page["number"], page["size"], page["numberOfElements"], page["totalPages"]) == (0, 10, 10, 2)
    assert (await running.get("POST", "/lookup/tracking?page=1&sort=label", []))["numberOfElements"] == 1
    assert (await running.get("POST", "/lookup/tracking?dateEnd=2020-01-01T00:00Z", []))["totalElements"] == 0
    assert (await running.get("POST", "/lookup/tracking?dateStart=2020-01-01T00:00Z", []))["totalElements"] == 11


async def _ported(running: World) -> None:
    details = (await running.get("POST", "/lookup", {"to": Magic.PORTED}))["details"]
    assert details["ported"] is True
    assert set(details["portedNetwork"]) == {"name", "mnc"}


async def _get_ported(running: World) -> None:
    answer = await running.get("POST", "/numbervalidator", {"to": Magic.PORTED, "getPorted": True})
    assert (answer["getPorted"], answer["details"]["ported"]) == (True, True)


_VALIDATION = {"to": TO, "host": "example.org"}
_INTELLIGENCE = [
    Row("2.14 lookup", "to required", needs("to", "POST", "/lookup", {"to": TO})),
    *shape(
        "2.14 lookup",
        asks("POST", "/lookup", {"to": TO, "label": "crm-check"}),
        lookupId=uuid,
        to=e164,
        label=one_of("crm-check"),
        createdAt=moment,
        applicationName=one_of("default"),
        statusInfo__status=one_of("Active"),
        statusInfo__description=text,
        statusInfo__updatedAt=moment,
        details__mcc=one_of("202"),
        details__country__code=one_of("GR"),
        details__country__name=one_of("Greece"),
        details__country__localeName=one_of("Ελλάδα"),
        details__country__isoA3Code=one_of("GRC"),
        details__network__name=text,
        details__network__mnc=text,
        details__imsi=text,
        details__ported=flag,
        details__roamingNetwork__state=one_of("NotRoaming"),
        details__roamingNetwork__country=text,
        details__roamingNetwork__countryIsoCode=text,
        details__roamingNetwork__mmc=text,
        details__roamingNetwork__mnc=text,
        details__roamingNetwork__network=text,
    ),
    Row("2.14 lookup", "portedNetwork", _ported),
    Row("2.14 lookup", "status Queued first", _queued_first),
    Row("2.14 lookup", "status Absent", _lookup_status(Magic.HANDSET, "Absent")),
    Row("2.14 lookup", "status Failed", _lookup_status(Magic.FAILED, "Failed")),
    Row("2.14 lookup", "status Unknown", _lookup_status(Magic.UNKNOWN_NUMBER, "Unknown")),
    *shape("2.14 lookup by id", _lookup_read, lookupId=uuid, statusInfo__status=text, price=number),
    Row("2.14 lookup by id", "not found", refuses("404014001", "GET", "/lookup/0")),
    *shape("2.14 lookup tracking", asks("POST", "/lookup/tracking", []), **PAGE),
    Row("2.14 lookup tracking", "dateStart, dateEnd, page, size, sort", _lookup_page),
    Row("2.14 lookup tracking", "unknown field ignored", _unknown_filter),
    Row("2.14 lookup tracking", "lookupID", _lookup_filter("lookupID", "id")),
    *(
        Row("2.14 lookup tracking", name, _lookup_filter(name, term))
        for name, term in (
            ("network", "Cosmote"),
            ("label", "crm-check"),
            ("country", "GR"),
            ("status", "Active"),
            ("ported", "false"),
            ("imsi", "202016970000000"),
            ("roaming", "NotRoaming"),
        )
    ),
    *(
        Row("2.14 lookup tracking", name, _lookup_filter(name, "vip", found=False))
        for name in ("groups", "campaignName", "campaignID")
    ),
    Row("2.14 numbervalidator", "to required", needs("to", "POST", "/numbervalidator", {"to": TO})),
    Row("2.14 numbervalidator", "getPorted asked for", _get_ported),
    *shape(
        "2.14 numbervalidator",
        asks("POST", "/numbervalidator", _VALIDATION),
        numberValidatorId=uuid,
        to=e164,
        valid=true,
        getPorted=false,
        createdAt=moment,
        applicationName=text,
        details__type=one_of("mobile"),
        details__countryCode=one_of("GR"),
        details__countryPrefix=one_of("30"),
        details__network=text,
        details__networkCode=one_of("20201"),
        details__ported=false,
        formats__international=one_of("+30 697 000 0000"),
        formats__national=one_of("697 000 0000"),
        formats__rfc3966=one_of("tel:+30-697-000-0000"),
        geo__continent=one_of("Europe"),
        geo__country=one_of("Greece"),
        geo__countryISO2Code=one_of("GR"),
        geo__countryISO3Code=one_of("GRC"),
        geo__host=one_of("example.org"),
    ),
]


# --- §2.15 Pools ------------------------------------------------------------------------------------------------------------

_SETTINGS = {
    "defaultCountry": "GR",
    "alphanumericSenderId": "ParcelCo",
    "multipleSender": [{"country": "DE", "senderId": "PaketCo", "keyword": "go", "shortCode": "123"}],
    "inboundSMSCallbackUrl": "http://127.0.0.1/in",
    "callback": {"url": "http://127.0.0.1/dlr", "strategy": "OnChange"},
}
_POOL = {"poolName": "gr-pool", "smsSettings": _SETTINGS}
_TEXT = {"to": TO, "body": "See http://a.example/ now", "poolStrategy": "Numeric", "urlShortener": {"urlValidity": 3600}}


async def _pool(running: World) -> str:
    await running.get("POST", "/numbers/my", {"msisdn": GREEK})
    pool_id: str = (await running.get("POST", "/pools/my", _POOL))["poolId"]
    await running.get("PUT", f"/pools/my/{pool_id}/numbers/{GREEK}")
    return f"/pools/my/{pool_id}"


def _of_pool(method: str, path: str = "", payload: object = None) -> Answer:
    async def answer(running: World) -> object:
        return await running.get(method, await _pool(running) + path, payload)

    return answer


async def _list_of_pools(running: World) -> object:
    await _pool(running)
    return (await running.get("GET", "/pools/my"))[0]


async def _one_pool_only(running: World) -> None:
    await _pool(running)
    other = (await running.get("POST", "/pools/my", _POOL))["poolId"]
    assert (await running.ask("PUT", f"/pools/my/{other}/numbers/{GREEK}")).status == 409


async def _no_more_options(running: World) -> None:
    answer = await _of_pool("POST", "/sms", _TEXT | {"label": "a", "ttl": 5, "flash": True})(running)
    assert not {"label", "ttl", "flash", "callback"} & set(answer)


def _strategy(name: str, sender: str) -> Check:
    async def check(running: World) -> None:
        answer = await _of_pool("POST", "/sms", _TEXT | {"poolStrategy": name})(running)
        assert (answer["poolStrategy"], answer["from"]) == (name, sender)

    return check


def _needs_in_pool_text(field: str) -> Check:
    async def check(running: World) -> None:
        await needs(field, "POST", await _pool(running) + "/sms", _TEXT)(running)

    return check


def _default(name: str, *, value: bool) -> Check:
    async def check(running: World) -> None:
        assert (await running.get("POST", "/pools/my", _POOL))["smsSettings"][name] is value

    return check


async def _pool_callbacks(running: World) -> None:
    await _of_pool("POST", "/sms", _TEXT)(running)
    await running.sandbox.advance(5)
    assert {record.url for record in running.sandbox.callbacks} == {"http://127.0.0.1/dlr"}
    for record in running.sandbox.callbacks:
        assert {"poolId", "poolName", "poolStrategy"} <= set(record.payload)


_OBJECT = {"poolId": uuid, "poolName": text, "totalNumbers": whole, "updatedAt": moment}
_POOLS = [
    Row("2.15 POST /pools/my", "poolName required", needs("poolName", "POST", "/pools/my", _POOL)),
    Row("2.15 POST /pools/my", "smsSettings required", needs("smsSettings", "POST", "/pools/my", _POOL)),
    *shape("2.15 POST /pools/my", asks("POST", "/pools/my", _POOL), **_OBJECT),
    *(
        Row("2.15 smsSettings", name, _default(name, value=value))
        for name, value in (("sticky", True), ("geomatch", True), ("transcode", False))
    ),
    *shape(
        "2.15 smsSettings",
        asks("POST", "/pools/my", _POOL),
        **{f"smsSettings__{name}": one_of(value) for name, value in _SETTINGS.items()},
    ),
    *shape("2.15 GET /pools/my", _list_of_pools, **_OBJECT),
    *shape("2.15 GET /pools/my/{poolId}", _of_pool("GET"), **_OBJECT),
    *shape("2.15 PUT /pools/my/{poolId}", _of_pool("PUT", payload=_POOL | {"poolName": "new"}), poolName=one_of("new")),
    *shape("2.15 DELETE /pools/my/{poolId}", _of_pool("DELETE"), poolId=uuid, deletedAt=moment),
    *shape("2.15 GET numbers", _of_pool("GET", "/numbers"), poolId=uuid, poolName=text, numbers=texts),
    *shape("2.15 PUT number", _of_pool("PUT", f"/numbers/{GREEK}"), numbers=one_of([GREEK])),
    *shape("2.15 DELETE number", _of_pool("DELETE", f"/numbers/{GREEK}"), numbers=one_of([])),
    Row("2.15 PUT number", "in one pool only", _one_pool_only),
    *(Row("2.15 POST sms", f"{name} required", _needs_in_pool_text(name)) for name in ("to", "body", "poolStrategy")),
    Row("2.15 POST sms", "Numeric", _strategy("Numeric", GREEK)),
    Row("2.15 POST sms", "Alphanumeric", _strategy("Alphanumeric", "ParcelCo")),
    Row("2.15 POST sms", "no label, ttl, flash, callback", _no_more_options),
    Row("2.15 POST sms", "callbacks have poolId, poolName, poolStrategy", _pool_callbacks),
    *shape(
        "2.15 POST sms",
        _of_pool("POST", "/sms", _TEXT),
        trackingId=uuid,
        status=one_of("Queued"),
        createdAt=moment,
        poolId=uuid,
        poolName=one_of("gr-pool"),
        smsSettings__sticky=flag,
        smsSettings__callback__url=text,
        body=one_of(_TEXT["body"]),
        bodyAnalysis__parts=one_of(1),
        bodyAnalysis__unicode=false,
        bodyAnalysis__characters=whole,
        urlShortener__urlValidity=one_of(3600),
        urlShortener__urls__0__longUrl=one_of("http://a.example/"),
        urlShortener__urls__0__shortUrl=text,
        **{"to": e164, "from": one_of(GREEK)},
    ),
]


# --- §2.16 Numbers and whitelist --------------------------------------------------------------------------------------------


def _offers(query: str, found: int) -> Check:
    async def check(running: World) -> None:
        assert (await running.get("GET", f"/numbers/available?{query}"))["totalElements"] == found

    return check


def _search(found: int, *more: dict[str, str]) -> Check:
    async def check(running: World) -> None:
        filters = [{"fieldName": "country", "searchTerm": "US"}, *more]
        assert (await running.get("POST", "/numbers/available/search", filters))["totalElements"] == found

    return check


async def _no_negative(running: World) -> None:
    filters = [{"fieldName": "country", "searchTerm": "US", "searchOperator": "is_not"}]
    assert (await running.ask("POST", "/numbers/available/search", filters)).code == "400000000"


def _rented(method: str, payload: dict[str, object] | None = None) -> Answer:
    async def answer(running: World) -> object:
        await running.get("POST", "/numbers/my", {"msisdn": f"+{GREEK}", "inboundSmsCallbackUrl": "http://127.0.0.1/in"})
        await running.get(method, f"/numbers/my/{GREEK}", payload)
        return await running.get("GET", "/numbers/my")

    return answer


async def _pages_of_numbers(running: World) -> None:
    for digit in range(3):
        await running.get("POST", "/numbers/my", {"msisdn": f"30691234567{digit}"})
    page = await running.get("GET", "/numbers/my")
    assert (page["size"], page["totalElements"]) == (20, 3)
    assert (await running.get("GET", "/numbers/my?page=1&size=2"))["numberOfElements"] == 1


async def _inbound(running: World) -> None:
    await running.get("POST", "/numbers/my", {"msisdn": GREEK, "inboundSmsCallbackUrl": "http://127.0.0.1:9/in"})
    running.sandbox.inbound(from_=TO, to=GREEK, body="Hello")
    await running.sandbox.advance()
    assert [record.url for record in running.sandbox.callbacks] == ["http://127.0.0.1:9/in"]


def _whitelist(method: str) -> Check:
    async def check(running: World) -> None:
        ips = {"whitelistedIps": ["203.0.113.7"]}
        assert await running.get("POST", "/security/whitelist", ips) == ips
        answer = await running.get(method, "/security/whitelist", ips if method in {"POST", "PATCH"} else None)
        assert answer == (None if method == "DELETE" else ips)
        left = await running.get("GET", "/security/whitelist")
        assert left == ({"whitelistedIps": []} if method == "DELETE" else ips)

    return check


_STRATEGY = {"dialplanUrl": "http://127.0.0.1/plan", "forwardCallTo": TO, "forwardCallToSip": "a@b.example"}
_RENT = {
    "msisdn": f"+{GREEK}",
    "inboundSmsCallbackUrl": "http://127.0.0.1/in",
    "voiceInboundStrategy": _STRATEGY,
    "inboundVoiceCallbackUrl": "http://127.0.0.1/voice",
}
_NUMBERS = [
    Row("2.16 GET /numbers/my", "page, size", _pages_of_numbers),
    Row("2.16 GET /numbers/available", "country", refuses("400000000", "GET", "/numbers/available")),
    Row("2.16 GET /numbers/available", "service Sms", _offers("country=GR&service=Sms", 4)),
    Row("2.16 GET /numbers/available", "service Voice", _offers("country=GR&service=Voice", 5)),
    Row("2.16 GET /numbers/available", "areaCode", _offers("country=US&areaCode=800", 1)),
    *shape("2.16 GET /numbers/available", asks("GET", "/numbers/available?country=GR&sort=msisdn&page=0&size=2"), **PAGE),
    Row("2.16 search", "country", refuses("400000000", "POST", "/numbers/available/search", [])),
    Row("2.16 search", "msisdn", _search(1, {"fieldName": "msisdn", "searchTerm": "18002345678"})),
    Row("2.16 search", "service", _search(6, {"fieldName": "service", "searchTerm": "Voice"})),
    Row("2.16 search", "areaCode", _search(1, {"fieldName": "areaCode", "searchTerm": "800"})),
    Row("2.16 search", "type VLN", _search(5, {"fieldName": "type", "searchTerm": "VLN"})),
    Row("2.16 search", "type TOLL_FREE", _search(1, {"fieldName": "type", "searchTerm": "TOLL_FREE"})),
    Row("2.16 search", "no is_not", _no_negative),
    *shape("2.16 POST /numbers/my", asks("POST", "/numbers/my", _RENT), msisdn=one_of(GREEK)),
    *shape(
        "2.16 POST /numbers/my",
        asks("POST", "/numbers/my", _RENT),
        inboundSmsCallbackUrl=text,
        inboundVoiceCallbackUrl=text,
        voiceInboundStrategy__dialplanUrl=text,
        voiceInboundStrategy__forwardCallTo=text,
        voiceInboundStrategy__forwardCallToSip=text,
    ),
    Row("2.16 POST /numbers/my", "msisdn required", refuses("400000000", "POST", "/numbers/my", {})),
    Row("2.16 POST /numbers/my", "inboundSmsCallbackUrl is told", _inbound),
    *shape(
        "2.16 PUT /numbers/my/{msisdn}",
        _rented("PUT", {"inboundSmsCallbackUrl": "http://127.0.0.1/new"}),
        content__0__inboundSmsCallbackUrl=one_of("http://127.0.0.1/new"),
    ),
    *shape("2.16 DELETE /numbers/my/{msisdn}", _rented("DELETE"), content=one_of([])),
    *(Row("2.16 whitelist", method, _whitelist(method)) for method in ("POST", "GET", "PATCH", "DELETE")),
    Row("2.16 whitelist", "not empty", refuses("400000000", "POST", "/security/whitelist", {"whitelistedIps": []})),
]

PRODUCTS: list[Row] = [*_ACCOUNT, *_INTELLIGENCE, *_POOLS, *_NUMBERS]
"""One row for each that a server can be held to."""
