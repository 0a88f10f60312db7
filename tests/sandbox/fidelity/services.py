"""Rows of routee-api.md §2.17 to §2.20: failover, one-time codes, contacts, reports; and of §3.8: codes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from routee_async.sandbox import Magic
from tests.sandbox.fidelity.kit import Check, Row
from tests.sandbox.fidelity.products import PAGE, TO, Answer, asks, needs, refuses
from tests.sandbox.fidelity.shapes import e164, flag, moment, number, one_of, shape, text, texts, true, uuid, whole
from tests.sandbox.fidelity.world import World

FORM = "application/x-www-form-urlencoded"

# --- §2.17 Failover ---------------------------------------------------------------------------------------------------------

_SMS: dict[str, Any] = {
    "type": "Sms",
    "from": "ParcelCo",
    "to": TO,
    "ttl": 10,
    "message": {"body": "Hello", "flash": False, "label": "job-1", "transcode": False},
    "order": 2,
    "failoverOnStatuses": ["Undelivered", "Failed"],
    "urlShortener": {"urlValidity": 3600},
}
_VIBER: dict[str, Any] = {
    "type": "Viber",
    "senderInfoTrackingId": "abc",
    "to": Magic.UNDELIVERED,
    "message": {"text": "Hello"},
    "order": 1,
}
_VOICE: dict[str, Any] = {"type": "Voice", "from": "306900000099", "to": TO, "dialPlan": {"verbs": []}, "order": 3}
_HOOK = {"url": "http://127.0.0.1:9/flow", "strategy": "OnStep"}


async def _start(running: World, *steps: dict[str, Any], strategy: str = "OnStep") -> str:
    order = {"flow": list(steps), "callback": _HOOK | {"strategy": strategy}, "restrictions": {"india": {}}}
    tracking_id: str = (await running.get("POST", "/failover", order))["trackingId"]
    return tracking_id


def _flow(*steps: dict[str, Any], seconds: float = 60) -> Answer:
    """Read a flow some time after its start."""

    async def answer(running: World) -> object:
        tracking_id = await _start(running, *steps)
        await running.sandbox.advance(seconds)
        return await running.get("GET", f"/failover/tracking/{tracking_id}")

    return answer


def _ends(status: str, code: int | None, *steps: dict[str, Any], seconds: float = 60) -> Check:
    async def check(running: World) -> None:
        flow = await _flow(*steps, seconds=seconds)(running)
        assert (flow["status"], flow["statusCode"]) == (status, code)

    return check


def _refuses_step(step: dict[str, Any], field: str, *bad: object) -> Check:
    async def check(running: World) -> None:
        for value in bad:
            reply = await running.ask("POST", "/failover", {"flow": [step | {field: value}]})
            assert reply.code == "400000000"
            assert {name.split(".")[1] for name in reply.json["properties"]} == {field}

    return check


def _waits(step: dict[str, Any], minutes: float) -> Check:
    """A step that never ends gives up its turn after *minutes*."""

    async def check(running: World) -> None:
        tracking_id = await _start(running, step | {"to": Magic.NEVER_FINAL, "order": 1}, _SMS | {"order": 2})
        await running.sandbox.advance(minutes * 60 - 1)
        assert len((await running.get("GET", f"/failover/tracking/{tracking_id}"))["messages"]) == 1
        await running.sandbox.advance(1)
        assert len((await running.get("GET", f"/failover/tracking/{tracking_id}"))["messages"]) == 2

    return check


def _tells(strategy: str, statuses: list[str]) -> Check:
    async def check(running: World) -> None:
        await _start(running, _VIBER, _SMS, strategy=strategy)
        await running.sandbox.advance(4)
        assert [record.payload["status"] for record in running.sandbox.callbacks] == statuses

    return check


def _finds_flow(name: str, term: str) -> Check:
    async def check(running: World) -> None:
        await _flow(_SMS)(running)
        for value, found in ((term, 1), (term.upper(), 1), ("something else", 0)):
            page = await running.get("POST", "/failover/tracking", [{"fieldName": name, "searchTerm": value}])
            assert (page["totalElements"], page["size"]) == (found, 10)

    return check


def _without(step: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name not in names}


_BOTH = _flow(_VIBER, _SMS)
_FAILOVER = [
    *shape("2.17 POST", asks("POST", "/failover", {"flow": [_SMS]}), trackingId=uuid),
    Row("2.17 POST", "flow", refuses("400000000", "POST", "/failover", {"flow": []})),
    Row("2.17 POST", "type", _refuses_step(_SMS, "type", "Telepathy", None)),
    Row("2.17 POST", "from", _refuses_step(_SMS, "from", None, "")),
    Row("2.17 POST", "to", _refuses_step(_SMS, "to", None, "friend")),
    Row("2.17 POST", "ttl 0.5 to 1440", _refuses_step(_SMS, "ttl", 0.4, 1441)),
    Row("2.17 POST", "ttl of its own", _waits(_SMS, 10)),
    Row("2.17 POST", "ttl 1200 for SMS", _waits(_without(_SMS, "ttl"), 1200)),
    Row("2.17 POST", "ttl 10 for Viber", _waits(_VIBER, 10)),
    Row("2.17 POST", "message.body", _refuses_step(_SMS, "message", {}, None)),
    Row("2.17 POST", "message.flash", _refuses_step(_SMS, "message", {"body": "a", "flash": 1})),
    Row("2.17 POST", "message.label", _refuses_step(_SMS, "message", {"body": "a", "label": "a" * 351})),
    Row("2.17 POST", "message.transcode", _refuses_step(_SMS, "message", {"body": "a", "transcode": 1})),
    Row("2.17 POST", "Viber fields", _refuses_step(_VIBER, "message", {}, None)),
    Row("2.17 POST", "order", _ends("Succeeded", None, _VOICE, _SMS, _VIBER)),
    Row("2.17 POST", "failoverOnStatuses", _ends("Failed", 3, _VIBER | {"failoverOnStatuses": ["Expired"]}, _SMS)),
    Row("2.17 POST", "urlShortener", _refuses_step(_SMS, "urlShortener", {"urlValidity": 1})),
    Row(
        "2.17 POST",
        "callback.strategy",
        refuses("400000000", "POST", "/failover", {"flow": [_SMS], "callback": {"url": "http://x"}}),
    ),
    Row("2.17 POST", "OnStep", _tells("OnStep", ["InProgress", "InProgress", "InProgress", "Succeeded"])),
    Row("2.17 POST", "OnCompletion", _tells("OnCompletion", ["Succeeded"])),
    *shape(
        "2.17 tracking",
        _BOTH,
        trackingId=uuid,
        applicationId=text,
        originatingService=one_of("Failover"),
        status=one_of("Succeeded"),
        terminationChannel=one_of("Sms"),
        totalPrice=number,
        createdAt=moment,
        updatedAt=moment,
        messages__0__type=one_of("Viber"),
        messages__1__type=one_of("Sms"),
        messages__1__order=one_of(2),
        messages__1__trackingId=uuid,
        messages__1__from=text,
        messages__1__to=e164,
        messages__1__ttl=one_of(10),
        messages__1__body=text,
        messages__1__status__name=one_of("Delivered"),
        messages__1__status__updatedDate=moment,
        messages__1__status__reason__detailedStatus=one_of("Delivered"),
        messages__1__price=number,
        messages__1__failoverOnStatuses=texts,
        messages__1__smsId=uuid,
        messages__1__messageId=uuid,
        messages__1__part=one_of(1),
        messages__1__parts=one_of(1),
        messages__1__latency=number,
        messages__1__label=text,
    ),
    *shape("2.17 search", asks("POST", "/failover/tracking", []), **PAGE),
    Row("2.17 search", "type", _finds_flow("type", "Sms")),
    Row("2.17 search", "to", _finds_flow("to", TO)),
    Row("2.17 search", "status", _finds_flow("status", "Succeeded")),
    Row("2.17 search", "terminationChannel", _finds_flow("terminationChannel", "Sms")),
    Row("2.17 status", "Queued", _ends("Queued", None, _SMS, seconds=0)),
    Row("2.17 status", "InProgress", _ends("InProgress", None, _SMS, seconds=1)),
    Row("2.17 status", "Succeeded", _ends("Succeeded", None, _SMS)),
    Row("2.17 status", "Failed", _ends("Failed", 2, _SMS | {"to": Magic.UNDELIVERED})),
    Row("2.17 statusCode", "1 no balance", _ends("Failed", 1, _VIBER, _SMS | {"to": Magic.NO_BALANCE})),
    Row("2.17 statusCode", "2 no next step", _ends("Failed", 2, _VIBER)),
    Row(
        "2.17 statusCode",
        "3 step not triggered",
        _ends("Failed", 3, _SMS | {"to": Magic.FAILED, "failoverOnStatuses": "Undelivered"}),
    ),
]


# --- §2.18 Two-step ---------------------------------------------------------------------------------------------------------

_CODE: dict[str, Any] = {"method": "sms", "type": "code", "recipient": TO, "template": "@@name, your code is @@pin"}


async def _code(running: World, **more: object) -> str:
    tracking_id: str = (await running.get("POST", "/2step", _CODE | more))["trackingId"]
    return tracking_id


async def _answer(running: World, tracking_id: str, answer: str) -> Any:  # noqa: ANN401 - a reply
    return await running.ask("POST", f"/2step/{tracking_id}", f"answer={answer}".encode(), Content_Type=FORM)


def _text_is(expected: str, **more: object) -> Check:
    async def check(running: World) -> None:
        tracking_id = await _code(running, **more)
        (item,) = (await running.get("POST", "/sms/tracking", []))["content"]
        assert item["body"] == expected.format(pin=running.sandbox.pin(tracking_id))

    return check


async def _originator(running: World) -> None:
    await _code(running, originator="ParcelCo")
    (item,) = (await running.get("POST", "/sms/tracking", []))["content"]
    assert (item["from"], item["originatingService"]) == ("ParcelCo", "TwoStep")


async def _lifetime(running: World) -> None:
    tracking_id = await _code(running, lifetimeInSeconds=60)
    await running.sandbox.advance(59)
    assert (await running.get("GET", f"/2step/{tracking_id}"))["status"] == "Pending"
    await running.sandbox.advance(1)
    assert (await running.get("GET", f"/2step/{tracking_id}"))["status"] == "Expired"


async def _digits(running: World) -> None:
    assert len(running.sandbox.pin(await _code(running, digits=8))) == 8


async def _voice(running: World) -> None:
    before = running.sandbox.balance
    tracking_id = await _code(running, method="voice")
    assert (await running.get("POST", "/sms/tracking", []))["content"] == []
    assert running.sandbox.balance < before
    assert (await _answer(running, tracking_id, running.sandbox.pin(tracking_id))).status == 200


async def _verified(running: World) -> None:
    tracking_id = await _code(running)
    reply = await _answer(running, tracking_id, running.sandbox.pin(tracking_id))
    assert (reply.status, reply.json["status"]) == (200, "Verified")


async def _cancelled(running: World) -> None:
    assert (await running.get("DELETE", f"/2step/{await _code(running)}"))["status"] == "Cancelled"


async def _failed(running: World) -> None:
    tracking_id = await _code(running, maxRetries=1)
    assert (await _answer(running, tracking_id, "x")).code == "400011005"
    assert (await running.get("GET", f"/2step/{tracking_id}"))["status"] == "Pending"
    assert (await _answer(running, tracking_id, "x")).code == "400011005"
    found = await running.get("GET", f"/2step/{tracking_id}")
    assert (found["status"], found["timesTried"]) == ("Failed", 2)


async def _only_a_form(running: World) -> None:
    tracking_id = await _code(running)
    reply = await running.ask("POST", f"/2step/{tracking_id}", {"answer": running.sandbox.pin(tracking_id)})
    assert reply.code == "400000000"


async def _not_pending(running: World) -> None:
    tracking_id = await _code(running)
    await running.get("DELETE", f"/2step/{tracking_id}")
    assert (await _answer(running, tracking_id, "1")).code == "400011002"


async def _expired(running: World) -> None:
    tracking_id = await _code(running, lifetimeInSeconds=1)
    await running.sandbox.advance(1)
    assert (await _answer(running, tracking_id, running.sandbox.pin(tracking_id))).code == "400011003"


async def _no_retries_left(running: World) -> None:
    tracking_id = await _code(running, maxRetries=0)
    await _answer(running, tracking_id, "x")
    assert (await _answer(running, tracking_id, running.sandbox.pin(tracking_id))).code == "400011004"


async def _wrong_answer(running: World) -> None:
    assert (await _answer(running, await _code(running), "x")).code == "400011005"


async def _code_read(running: World) -> object:
    return await running.get("GET", f"/2step/{await _code(running)}")


async def _report(running: World) -> Any:  # noqa: ANN401 - JSON
    await _code(running)
    return await running.get("GET", "/2step/reports")


async def _report_of(running: World) -> Any:  # noqa: ANN401 - JSON
    await _code(running)
    return await running.get("GET", f"/2step/reports/applications/{running.sandbox.application_id}")


_COUNTS = {f"totals__{name}": whole for name in ("Pending", "Verified", "Cancelled", "Expired", "Failed")}
_TWO_STEP = [
    *(Row("2.18 POST", name, needs(name, "POST", "/2step", _CODE)) for name in ("method", "type", "recipient", "template")),
    Row("2.18 POST", "method sms", _text_is("@@name, your code is {pin}")),
    Row("2.18 POST", "method voice", _voice),
    Row("2.18 POST", "arguments", _text_is("Nick, your code is {pin}", arguments={"name": "Nick"})),
    Row("2.18 POST", "templateCountry", _text_is("@@name, your code is {pin}", templateCountry="GR")),
    Row("2.18 POST", "originator", _originator),
    Row("2.18 POST", "lifetimeInSeconds", _lifetime),
    Row("2.18 POST", "maxRetries", _failed),
    Row("2.18 POST", "digits", _digits),
    Row("2.18 POST", "restrictions", _text_is("@@name, your code is {pin}", restrictions={"india": {"templateId": "1"}})),
    *shape("2.18 POST", asks("POST", "/2step", _CODE), trackingId=uuid, status=one_of("Pending"), updatedAt=moment),
    *shape(
        "2.18 GET",
        _code_read,
        trackingId=uuid,
        status=one_of("Pending"),
        updatedAt=moment,
        maxRetries=one_of(3),
        timesTried=one_of(0),
        expiresAt=moment,
    ),
    Row("2.18 POST {id}", "answer in a form", _only_a_form),
    Row("2.18 status", "Verified", _verified),
    Row("2.18 status", "Cancelled by DELETE", _cancelled),
    Row("2.18 status", "Expired", _lifetime),
    Row("2.18 status", "Failed", _failed),
    *shape("2.18 reports", _report, total=one_of(1), perCountry__GR__Pending=one_of(1), **_COUNTS),
    *shape("2.18 reports of an application", _report_of, total=one_of(1), **_COUNTS),
    Row("3.8", "400011001", refuses("400011001", "POST", "/2step", _CODE | {"template": "no blank"})),
    Row("3.8", "400011002", _not_pending),
    Row("3.8", "400011003", _expired),
    Row("3.8", "400011004", _no_retries_left),
    Row("3.8", "400011005", _wrong_answer),
    Row("3.8", "404011006", refuses("404011006", "GET", "/2step/0")),
    Row("3.8", "404010002", refuses("404010002", "GET", "/2step/reports/applications/0")),
]


# --- §2.19 Contacts ---------------------------------------------------------------------------------------------------------

_CONTACT: dict[str, Any] = {"mobile": "+306970000003", "firstName": "Eleni", "lastName": "P", "email": "e@x.example", "vip": True}


async def _contact(running: World, **more: object) -> str:
    contact_id: str = (await running.get("POST", "/contacts/my", _CONTACT | more))["id"]
    return contact_id


def _of_contact(method: str, payload: object = None) -> Answer:
    async def answer(running: World) -> object:
        return await running.get(method, f"/contacts/my/{await _contact(running)}", payload)

    return answer


async def _contacts_page(running: World) -> object:
    await _contact(running)
    return await running.get("GET", "/contacts/my")


async def _size_of_contacts(running: World) -> None:
    assert (await running.get("GET", "/contacts/my"))["size"] == 20
    assert (await running.get("GET", "/contacts/my?size=9999"))["size"] == 2000
    assert (await running.get("GET", "/contacts/my?page=3&size=5"))["number"] == 3


async def _delete_contacts(running: World) -> None:
    await running.get("DELETE", "/contacts/my", [await _contact(running)])
    assert (await running.get("GET", "/contacts/my"))["totalElements"] == 0


async def _head(running: World) -> None:
    await _contact(running)
    known = await running.ask("HEAD", "/contacts/my/mobile?value=%2B306970000003")
    unknown = await running.ask("HEAD", "/contacts/my/mobile?value=%2B306970000004")
    assert (known.status, known.body, unknown.status, unknown.body) == (200, b"", 404, b"")


def _name_length(name: str) -> Check:
    async def check(running: World) -> None:
        for value, status in (("a" * 60, 200), ("a" * 61, 400), ("", 400)):
            mobile = f"+3069700000{len(value):02}"
            assert (await running.ask("POST", "/contacts/my", {"mobile": mobile, name: value})).status == status

    return check


async def _labels(running: World) -> None:
    await running.get("POST", "/contacts/labels/my", [{"name": "town", "type": "Text"}])
    assert (await running.get("GET", "/contacts/labels/my"))["town"] == "Text"
    contact_id = await _contact(running, labels=[{"name": "town", "value": "Athens"}])
    assert (await running.get("GET", f"/contacts/my/{contact_id}"))["labels"] == [{"name": "town", "value": "Athens"}]


def _blacklist(service: str) -> Check:
    async def check(running: World) -> None:
        contact_id, path = await _contact(running), f"/contacts/my/blacklist/{service}"
        assert await running.get("POST", path, [contact_id]) == {"updated": 1}
        (listed,) = await running.get("GET", path)
        assert listed["blacklistedServices"] == [service]
        assert await running.get("DELETE", path, [contact_id]) == {"updated": 1}
        assert await running.get("POST", f"{path}/groups", ["All"]) == {"updated": 1}
        assert await running.get("DELETE", f"{path}/groups", ["All"]) == {"updated": 1}
        assert await running.get("GET", path) == []

    return check


async def _two_groups(running: World) -> str:
    contact_id = await _contact(running)
    for name in ("vip", "new"):
        await running.get("POST", "/groups/my", {"name": name})
    await running.get("POST", "/groups/my/vip/contacts", [contact_id])
    return contact_id


def _of_groups(method: str, path: str, payload: object = None) -> Answer:
    async def answer(running: World) -> object:
        await _two_groups(running)
        return await running.get(method, f"/groups/my{path}", payload)

    return answer


async def _remove_member(running: World) -> None:
    contact_id = await _two_groups(running)
    assert await running.get("DELETE", "/groups/my/vip/contacts", [contact_id]) == {"name": "vip", "size": 0}


async def _custom_fields(running: World) -> None:
    await running.get("POST", "/contacts/labels/my", [{"name": "age", "type": "Number"}])
    for labels, code in (
        ([{"name": "age", "value": "old"}], "400002006"),
        ([{"name": "town", "value": "Athens"}], "404002012"),
        ([{"name": "age", "value": "1"}, {"name": "age", "value": "2"}], "409002013"),
    ):
        assert (await running.ask("POST", "/contacts/my", _CONTACT | {"labels": labels})).code == code


async def _duplicate(running: World) -> None:
    await _contact(running)
    assert (await running.ask("POST", "/contacts/my", _CONTACT)).code == "409002005"


_CONTACT_FIELDS: dict[str, Any] = {
    "id": text,
    "firstName": one_of("Eleni"),
    "lastName": one_of("P"),
    "mobile": e164,
    "country": one_of("GR"),
    "vip": flag,
    "groups": one_of(["All", "NotListed"]),
    "blacklistedServices": one_of([]),
    "labels": one_of([]),
}
_CONTACTS = [
    Row("2.19 /contacts/my", "GET page, size 20, max 2000", _size_of_contacts),
    *shape("2.19 /contacts/my", _contacts_page, **PAGE),
    Row("2.19 /contacts/my", "POST mobile", refuses("400000000", "POST", "/contacts/my", {"firstName": "Eleni"})),
    Row("2.19 /contacts/my", "POST firstName 1 to 60", _name_length("firstName")),
    Row("2.19 /contacts/my", "POST lastName 1 to 60", _name_length("lastName")),
    *shape("2.19 /contacts/my", asks("POST", "/contacts/my", _CONTACT), email=text, vip=true),
    Row("2.19 /contacts/my", "POST labels", _labels),
    Row("2.19 /contacts/my", "DELETE", _delete_contacts),
    *shape("2.19 /contacts/my/{id} GET", _of_contact("GET"), **_CONTACT_FIELDS),
    *shape("2.19 /contacts/my/{id} PUT", _of_contact("PUT", _CONTACT | {"firstName": "Maria"}), firstName=one_of("Maria")),
    *shape("2.19 /contacts/my/{id} DELETE", _of_contact("DELETE"), id=text),
    Row("2.19 /contacts/my/mobile", "HEAD", _head),
    *(
        Row("2.19 blacklist", service, _blacklist(service))
        for service in ("Sms", "Voice", "Viber", "TwoStep", "Lookup", "NumberValidator")
    ),
    *shape("2.19 /groups/my GET", _of_groups("GET", ""), **{"2__name": one_of("vip"), "2__size": one_of(1)}),
    *shape("2.19 /groups/my POST", asks("POST", "/groups/my", {"name": "vip"}), name=one_of("vip"), size=one_of(0)),
    *shape("2.19 /groups/my DELETE", _of_groups("DELETE", "", ["vip"]), **{"0__name": text, "0__deletedContacts": flag}),
    *shape("2.19 /groups/my/page", _of_groups("GET", "/page"), **PAGE),
    *shape(
        "2.19 /groups/my/merge", _of_groups("POST", "/merge", {"name": "both", "groups": ["vip", "new"]}), name=text, size=one_of(1)
    ),
    *shape(
        "2.19 /groups/my/difference",
        _of_groups("POST", "/difference", {"name": "old", "groups": ["vip", "new"]}),
        name=text,
        size=one_of(1),
    ),
    *shape("2.19 /groups/my/{name}", _of_groups("GET", "/vip"), name=one_of("vip"), size=one_of(1)),
    *shape("2.19 /groups/my/{name}/contacts", _of_groups("GET", "/vip/contacts"), content__0__mobile=e164, **PAGE),
    Row("2.19 /groups/my/{name}/contacts", "DELETE", _remove_member),
    Row("3.8", "404002001", refuses("404002001", "GET", "/contacts/my/0")),
    Row("3.8", "409002005", _duplicate),
    Row("3.8", "400002006, 404002012, 409002013", _custom_fields),
    Row("2.19 groups", "404002003", refuses("404002003", "GET", "/groups/my/vip")),
]


# --- §2.20 Reports ----------------------------------------------------------------------------------------------------------


def _query(running: World, days: float = 1) -> str:
    now = datetime.fromtimestamp(running.sandbox.carrier.now(), UTC)
    start, end = now - timedelta(hours=1), now + timedelta(days=days)
    return f"startDate={start:%Y-%m-%dT%H:%M:%SZ}&endDate={end:%Y-%m-%dT%H:%M:%SZ}"


def _reports(path: str, more: str = "", days: float = 0.5) -> Answer:
    async def answer(running: World) -> object:
        query = _query(running, days)
        await running.get("POST", "/sms", {"from": "ParcelCo", "to": TO, "body": "Hello"})
        await running.get("POST", "/lookup", {"to": TO})
        await running.get("POST", "/numbervalidator", {"to": TO})
        await running.sandbox.advance(3)
        return await running.get("GET", f"/reports/my/{path}?{query}{more}")

    return answer


async def _per_campaign(running: World) -> Any:  # noqa: ANN401 - JSON
    campaign = (await running.get("POST", "/sms/campaign", {"from": "ParcelCo", "to": [TO], "body": "Hello"}))["trackingId"]
    await running.sandbox.advance(3)
    return await running.get("GET", f"/reports/my/volPrice/perCampaign?campaignId={campaign}&offset=2020-01-01T00:00:00Z")


def _bad_range(start: str, end: str) -> Check:
    return refuses("400007001", "GET", f"/reports/my/volPrice?startDate={start}&endDate={end}")


def _latency_of(path: str, more: str) -> Check:
    async def check(running: World) -> None:
        counts = (await _reports(path, more)(running))["smsLatencyCount"]
        assert (len(counts), counts[1], sum(counts)) == (46, 1, 1)

    return check


_ROW = {
    "0__startDateTime": moment,
    "0__timeGrouping": one_of("Hour"),
    "0__country": one_of("GR"),
    "0__operator": one_of("Cosmote"),
    "0__mcc": one_of("202"),
    "0__mnc": one_of("01"),
    "0__count": one_of(1),
    "0__queuedCount": one_of(0),
    "0__sentCount": one_of(0),
    "0__unsentCount": one_of(0),
    "0__failedCount": one_of(0),
    "0__deliveredCount": one_of(1),
    "0__undeliveredCount": one_of(0),
    "0__price": one_of(0.032),
}
_REPORTS = [
    *shape("2.20 volPrice", _reports("volPrice"), **_ROW),
    *(
        row
        for days, unit in ((10, "Day"), (100, "Month"), (1000, "Year"))
        for row in shape(f"2.20 timeGrouping {unit}", _reports("volPrice", days=days), **{"0__timeGrouping": one_of(unit)})
    ),
    *shape("2.20 volPrice/perMcc", _reports("volPrice/perMcc", "&mcc=202"), **_ROW),
    *shape("2.20 volPrice/perMccMnc", _reports("volPrice/perMccMnc", "&mcc=202&mnc=01"), **_ROW),
    *shape("2.20 volPrice/perCampaign", _per_campaign, **_ROW, **{"0__smsCampaignId": uuid}),
    Row("2.20 perCampaign", "campaignId, offset", refuses("400000000", "GET", "/reports/my/volPrice/perCampaign")),
    Row("2.20 breakdown", "range", _latency_of("breakdown", "")),
    Row("2.20 breakdown", "perCountry", _latency_of("breakdown/perCountry", "&countryCode=GR")),
    Row("2.20 breakdown", "perMccMnc", _latency_of("breakdown/perMccMnc", "&mcc=202&mnc=01")),
    Row("2.20 breakdown", "older path latency", _latency_of("latency", "")),
    *shape("2.20 lookup", _reports("lookup/volPrice"), totals__totalActive=one_of(1), details__0__activeCount=one_of(1)),
    *shape("2.20 numberValidator", _reports("numberValidator/volPrice"), totals__totalValid=one_of(1), details__0__price=number),
    Row("3.8", "400007001 start after end", _bad_range("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")),
    Row("3.8", "400007001 more than 5 years", _bad_range("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z")),
]


# --- §3.8 Codes of the rest -------------------------------------------------------------------------------------------------


async def _no_money(running: World) -> None:
    running.sandbox.application.account.balance = Decimal(0)
    for target, payload in (
        ("/lookup", {"to": TO}),
        ("/numbervalidator", {"to": TO}),
        ("/2step", _CODE),
        ("/failover", {"flow": [_SMS]}),
        ("/numbers/my", {"msisdn": "306912345670"}),
    ):
        assert (await running.ask("POST", target, payload)).code == "400001009"


SERVICES: list[Row] = [
    *_FAILOVER,
    *_TWO_STEP,
    *_CONTACTS,
    *_REPORTS,
    Row("3.8", "400000000", refuses("400000000", "POST", "/lookup", {})),
    Row("3.8", "400001009", _no_money),
    Row("3.8", "404005000", refuses("404005000", "GET", "/failover/tracking/0")),
]
"""One row for each that a server can be held to."""
