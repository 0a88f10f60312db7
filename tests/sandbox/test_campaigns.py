"""Campaigns in `sandbox.campaigns`, their orders and their audience: taken, scheduled, counted, changed, cancelled."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.settings import Era
from routee_async.sandbox.timeline import Magic, Timeline
from tests.sandbox.conftest import START, Clock

Create = Callable[..., dict[str, Any]]
ONE, TWO, THREE = "+306970000001", "+306970000002", "+306970000003"
SOON = "2026-09-21T15:13:20Z"
"""An hour after `START`, less a bit."""
ZEROS = {"Queued": 0, "Sent": 0, "Unsent": 0, "Failed": 0, "Delivered": 0, "Undelivered": 0}


@pytest.fixture
def create(carrier: Carrier, application: Application) -> Create:
    """Create a campaign to two, with some fields changed; `...` leaves one out."""

    def create(**fields: object) -> dict[str, Any]:
        order = {"from": "ParcelCo", "to": [ONE, TWO], "body": "Your parcel is here"} | fields
        return carrier.campaigns.create(application, {name: value for name, value in order.items() if value is not ...})

    return create


def refused(act: Callable[[], object]) -> tuple[int, str]:
    """Status and code of the refusal that *act* meets."""
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.status, str(caught.value.payload["code"])


def tick(carrier: Carrier, clock: Clock, seconds: float) -> None:
    """Let time pass."""
    clock.advance(seconds)
    carrier.run()


def rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Content of a page."""
    content: list[dict[str, Any]] = page["content"]
    return content


def bodies(carrier: Carrier) -> dict[str, str]:
    """Recipient to text of all messages."""
    return {message.to: message.body for message in carrier.messages.values()}


def test_answer_to_a_plain_campaign(create: Create) -> None:
    """Everything that is always there is there, and nothing has happened yet (§2.4)."""
    made = create()
    assert re.fullmatch("[0-9a-f-]{36}", made.pop("trackingId"))
    assert made == {
        "type": "Sms",
        "state": "Queued",
        "createdAt": "2026-09-21T14:13:20.123Z",
        "from": "ParcelCo",
        "body": "Your parcel is here",
        "to": [ONE, TWO],
        "smsAnalysis": {
            "numberOfRecipients": 2,
            "recipientsPerCountry": {"GR": 2},
            "recipientCountries": {ONE: "GR", TWO: "GR"},
            "contacts": {},
            "recipientsPerGroup": {},
            "totalInGroups": 0,
            "bodyAnalysis": {"parts": 1, "unicode": False, "characters": 19},
        },
        "flash": False,
        "respectQuietHours": False,
        "statuses": ZEROS,
        "cost": 0,
        "totalMessages": 2,
    }


def test_answer_repeats_what_was_asked_for(create: Create) -> None:
    """What was given comes back as it was given (§2.4)."""
    asked: dict[str, object] = {
        "campaignName": "Spring-offer 2026",
        "fallbackValues": {"firstName": "friend"},
        "callback": {"url": "https://x.example/", "strategy": "OnCompletion"},
        "campaignCallback": {"url": "https://y.example/", "strategy": "OnChange"},
        "reminder": {"minutesBefore": "5", "minutesAfter": 5, "to": [THREE]},
        "flash": True,
        "respectQuietHours": True,
        "scheduledDate": SOON,
    }
    made = create(**asked)
    assert {name: made[name] for name in asked} == asked
    assert made["state"] == "Scheduled"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from", ...),
        ("body", ""),
        ("body", "a" * 1601),
        ("to", ONE),
        ("to", [ONE, 7]),
        ("to", [ONE, "call me"]),
        ("to", [ONE, Magic.REFUSED]),
        ("to", [f"+3069{number:08}" for number in range(30_001)]),
        ("contacts", "all"),
        ("groups", [1]),
        ("scheduledDate", "2026-09-21T15:00:00"),
        ("scheduledDate", "soon"),
        ("campaignName", "a"),
        ("campaignName", "a" * 31),
        ("campaignName", "Spring_offer"),
        ("flash", "yes"),
        ("respectQuietHours", 1),
        ("allowInvalid", "true"),
        ("callback", {"url": "https://x.example/"}),
        ("campaignCallback", {"url": "https://x.example/", "strategy": "Never"}),
        ("reminder", {"minutesBefore": 5}),
        ("reminder", {"to": []}),
        ("reminder", {"to": ["x"]}),
        ("reminder", {"to": [ONE], "minutesAfter": "soon"}),
        ("reminder", "yes"),
        ("fallbackValues", {"firstName": 1}),
        ("ttl", 4321),
        ("urlShortener", {"urlValidity": 1}),
        ("restrictions", []),
        ("transcode", 1),
    ],
)
def test_limits(create: Create, field: str, value: object) -> None:
    """A field out of its bounds is refused with 400000000 that names it (§2.4, §7.1)."""
    with pytest.raises(Refusal) as caught:
        create(**{field: value})
    assert (caught.value.status, caught.value.payload["code"]) == (400, "400000000")
    assert list(caught.value.payload["properties"]) == [field]  # type: ignore[call-overload]


@pytest.mark.parametrize("payload", [None, [], "text"])
def test_body_that_is_no_object(carrier: Carrier, application: Application, payload: object) -> None:
    """JSON that is no object is refused."""
    assert refused(lambda: carrier.campaigns.create(application, payload)) == (400, "400000000")


def test_no_recipients(create: Create) -> None:
    """Without recipients the body has the recorded shape, with inner code 004 (§3.3)."""
    nobody: list[dict[str, object]] = [{"to": ...}, {"to": []}, {"to": ..., "contacts": [], "groups": []}]
    for fields in nobody:
        with pytest.raises(Refusal) as caught:
            create(**fields)
        assert caught.value.payload == {
            "code": "400005000",
            "developerMessage": "SMS contains invalid data",
            "errors": [{"errorCode": "004", "developerMessage": "No recipients are set for the sms"}],
        }


def test_order_of_checks(carrier: Carrier, application: Application, create: Create) -> None:
    """Shape, sender, name, contacts, recipients, balance: the first that is wrong is told (§10.2)."""
    create(campaignName="taken")
    blocked = application.account.contacts.add(THREE, blacklisted=["Sms"])
    application.account.balance = Decimal(0)
    wrong: dict[str, object] = {
        "ttl": 0,
        "from": "Παρσελ",
        "campaignName": "taken",
        "contacts": ["f" * 24],
        "to": ...,
    }
    seen = []
    for name, right in (("ttl", 1), ("from", "ParcelCo"), ("campaignName", "free"), ("contacts", [blocked.id]), ("to", [ONE])):
        seen.append(refused(lambda: create(**wrong)))
        wrong[name] = right
    seen.append(refused(lambda: create(**wrong)))
    assert seen == [
        (400, "400000000"),
        (400, "400005000"),
        (409, "409009003"),
        (404, "404002001"),
        (400, "400009004"),
        (400, "400001009"),
    ]
    assert len(carrier.campaigns) == 1


def test_name_is_unique_in_its_account(carrier: Carrier, application: Application, create: Create) -> None:
    """Another account may use the name, and a cancelled campaign gives it back (§2.4)."""
    first = create(campaignName="offer", scheduledDate=SOON)
    stranger = carrier.add_application("f" * 24, "x")
    carrier.campaigns.create(stranger, {"from": "A", "to": [ONE], "body": "b", "campaignName": "offer"})
    assert refused(lambda: create(campaignName="offer")) == (409, "409009003")
    carrier.campaigns.delete(application, first["trackingId"])
    create(campaignName="offer")


def test_invalid_numbers_dropped(create: Create) -> None:
    """With `allowInvalid` invalid numbers are dropped; if nobody is left, that is 400009004 (§2.4)."""
    assert create(to=[ONE, "call me"], allowInvalid=True)["to"] == [ONE]
    assert refused(lambda: create(to=["call me"], allowInvalid=True)) == (400, "400009004")


def test_duplicates(carrier: Carrier, create: Create) -> None:
    """A number that is given twice, with and without `+`, gets one message, unless settings say otherwise (§8)."""
    assert create(to=[ONE, ONE[1:], TWO])["totalMessages"] == 2
    carrier.settings.merge_duplicates = False
    assert create(to=[ONE, ONE])["totalMessages"] == 2


def test_contacts_and_groups(carrier: Carrier, application: Application, create: Create) -> None:
    """Three sources make one audience: each number once, without the blacklisted, and told apart in the analysis (§2.4)."""
    contacts = application.account.contacts
    eleni = contacts.add(THREE, first_name="Eleni", groups=["vip"])
    blocked = contacts.add("+447700900001", blacklisted=["Sms"], groups=["vip"])
    contacts.add("+34600000002", groups=["vip"], labels={"city": "Palma"})
    contacts.add(ONE, first_name="Nikos", groups=["vip"])
    made = create(
        contacts=[eleni.id, blocked.id],
        groups=["vip", "nobody"],
        body="Hi [~firstName] of [~city][~planet]",
        fallbackValues={"firstName": "friend", "city": "Athens"},
    )
    assert made["smsAnalysis"] == {
        "numberOfRecipients": 4,
        "recipientsPerCountry": {"GR": 3, "ES": 1},
        "recipientCountries": {ONE: "GR", TWO: "GR"},
        "contacts": {
            eleni.id: {"recipient": THREE, "recipientCountry": "GR", "blacklisted": False},
            blocked.id: {"recipient": "+447700900001", "recipientCountry": "GB", "blacklisted": True},
        },
        "recipientsPerGroup": {"vip": 3, "nobody": 0},
        "totalInGroups": 1,
        "bodyAnalysis": {"parts": 1, "unicode": False, "characters": 35},
    }
    assert (made["contacts"], made["groups"], made["totalMessages"]) == ([eleni.id, blocked.id], ["vip", "nobody"], 4)
    assert bodies(carrier) == {
        ONE: "Hi Nikos of Athens",
        TWO: "Hi friend of Athens",
        THREE: "Hi Eleni of Athens",
        "+34600000002": "Hi friend of Palma",
    }
    (message,) = [message for message in carrier.messages.values() if message.to == THREE]
    assert message.groups == ("All", "vip")


def test_contact_of_no_country(application: Application, create: Create) -> None:
    """A contact whose number has no country is told without one."""
    contact = application.account.contacts.add("+881600000001")
    assert create(contacts=[contact.id])["smsAnalysis"]["contacts"][contact.id] == {
        "recipient": "+881600000001",
        "blacklisted": False,
    }


def test_unknown_contact(carrier: Carrier, application: Application, create: Create) -> None:
    """A contact id that does not exist is named in the answer, to a campaign and to its analysis (§2.4, §2.5)."""
    with pytest.raises(Refusal) as caught:
        create(contacts=["f" * 24])
    assert caught.value.payload["value"] == "f" * 24
    payload = {"from": "A", "body": "b", "contacts": ["f" * 24]}
    assert refused(lambda: carrier.campaigns.analyze(application, payload)) == (404, "404002001")


def test_analysis(carrier: Carrier, application: Application) -> None:
    """The analysis counts and lists without sending, and does not look at further fields (§2.5)."""
    payload = {"from": "ParcelCo", "to": [ONE, "34600000002"], "groups": ["vip"], "body": "Καλημέρα " * 10, "ttl": "never"}
    analysis = carrier.campaigns.analyze(application, payload)
    assert analysis["recipientsPerCountry"] == {"GR": 1, "ES": 1}
    assert analysis["bodyAnalysis"]["transcode"]["parts"] == 1  # type: ignore[index]
    assert (len(carrier.messages), len(carrier.campaigns)) == (0, 0)
    assert refused(lambda: carrier.campaigns.analyze(application, {"from": "A", "body": "b"})) == (400, "400005000")


def test_states(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """Scheduled, Queued, Running, Sent, Finished: each state with the counters that go with it, and the end told (§4.4)."""
    carrier.settings.timeline = Timeline(sent_after=10, final_after=20)
    carrier.settings.campaign_rate = 0.5
    made = create(scheduledDate=SOON, to=[ONE, Magic.ROAMING])
    seen = []
    for seconds in (0, 3600, 10, 2, 8.5, 2):
        tick(carrier, clock, seconds)
        shown = carrier.campaigns.fetch(application, made["trackingId"])
        counts = {name: count for name, count in shown["statuses"].items() if count}  # type: ignore[attr-defined]
        seen.append((shown["state"], counts, shown["cost"], shown.get("endedAt")))
    assert seen == [
        ("Scheduled", {}, 0.0, None),
        ("Queued", {"Queued": 2}, 0.064, None),
        ("Running", {"Queued": 1, "Sent": 1}, 0.064, None),
        ("Sent", {"Sent": 2}, 0.064, None),
        ("Sent", {"Sent": 1, "Delivered": 1}, 0.064, None),
        ("Finished", {"Delivered": 1, "Undelivered": 1}, 0.064, "2026-09-21T15:13:42Z"),
    ]


def test_states_by_reads(carrier: Carrier, application: Application, create: Create) -> None:
    """In the mode by reads, looking at a campaign moves its messages on."""
    carrier.settings.timeline = Timeline(reads=1)
    made = create()
    states = [carrier.campaigns.fetch(application, made["trackingId"])["state"] for _ in range(4)]
    assert states == ["Queued", "Sent", "Finished", "Finished"]


def test_parts_that_end_differently_count_as_the_worst(
    carrier: Carrier, application: Application, clock: Clock, create: Create
) -> None:
    """A counter counts messages, each with the status that its parts make together (§4.1)."""
    made = create(to=[Magic.LAST_PART_UNDELIVERED, Magic.FAILED], body="a" * 200)
    tick(carrier, clock, 1.0)
    assert carrier.campaigns.fetch(application, made["trackingId"])["statuses"] == ZEROS | {"Sent": 1, "Failed": 1}
    tick(carrier, clock, 10)
    assert carrier.campaigns.fetch(application, made["trackingId"])["statuses"] == ZEROS | {"Undelivered": 1, "Failed": 1}


def test_visibility(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """A campaign does not exist before the visibility delay is over, nor do its messages after it went out (§2.6, §2.10)."""
    carrier.settings.visibility_delay = 1.0
    made = create(scheduledDate="2026-09-21T14:13:22Z")["trackingId"]
    assert refused(lambda: carrier.campaigns.fetch(application, made)) == (404, "404009001")
    assert refused(lambda: carrier.campaigns.track(application, made, {})) == (404, "404009001")
    totals = []
    for _ in range(3):
        tick(carrier, clock, 1.0)
        totals.append(carrier.campaigns.track(application, made, {})["totalElements"])
    assert totals == [0, 0, 2]


def test_unknown_campaign(carrier: Carrier, application: Application, create: Create) -> None:
    """An id that is unknown or of another account is the recorded 404 (§3.4)."""
    made = create(scheduledDate=SOON)["trackingId"]
    stranger = carrier.add_application("f" * 24, "x")
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(Refusal) as caught:
        carrier.campaigns.fetch(application, unknown)
    assert caught.value.payload == {
        "code": "404009001",
        "developerMessage": f"campaign with trackingId '{unknown}' was not found!",
        "entity": "campaign",
        "property": "trackingId",
        "value": unknown,
    }
    assert refused(lambda: carrier.campaigns.delete(stranger, made)) == (404, "404009001")
    assert carrier.campaigns.messages_of(stranger.account, made) == []


def test_tracking_pages(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """The messages of a campaign come in pages, each part with the name and id of the campaign (§2.10)."""
    made = create(campaignName="offer", body="a" * 161)
    tick(carrier, clock, 5)
    page = carrier.campaigns.track(application, made["trackingId"], {"size": "3", "page": "1"})
    assert (page["totalElements"], page["totalPages"], page["numberOfElements"]) == (4, 2, 1)
    (item,) = rows(page)
    assert (item["to"], item["part"], item["parts"]) == (TWO, 2, 2)
    assert (item["campaignName"], item["campaignTrackingId"]) == ("offer", made["trackingId"])
    assert "label" not in item
    alone = carrier.track(application, item["messageId"])
    assert alone[1] == item


def test_update(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """A scheduled campaign is replaced as a whole, and only what was asked for last goes out (§2.7)."""
    made = create(scheduledDate=SOON, campaignName="offer", ttl=60)
    changed = carrier.campaigns.update(
        application,
        made["trackingId"],
        {"from": "Other", "to": [THREE], "body": "New", "scheduledDate": "2026-09-21T16:13:20Z", "campaignName": "offer"},
    )
    assert (changed["trackingId"], changed["createdAt"]) == (made["trackingId"], made["createdAt"])
    assert (changed["state"], changed["to"], changed["scheduledDate"]) == ("Scheduled", [THREE], "2026-09-21T16:13:20Z")
    tick(carrier, clock, 3600)
    assert bodies(carrier) == {}
    tick(carrier, clock, 3600)
    assert bodies(carrier) == {THREE: "New"}


def test_update_without_a_date_sends_at_once(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """A change without a date lets the campaign go out at once, and once only (§2.7)."""
    made = create(scheduledDate=SOON)
    changed = carrier.campaigns.update(application, made["trackingId"], {"from": "A", "to": [ONE], "body": "b"})
    assert (changed["state"], changed["statuses"]) == ("Queued", ZEROS)
    assert "scheduledDate" not in changed
    tick(carrier, clock, 7200)
    assert len(carrier.messages) == 1


def test_only_a_scheduled_campaign_can_be_changed(carrier: Carrier, application: Application, create: Create) -> None:
    """What has gone out, or does not exist, can be neither changed nor cancelled; the shape is checked before that (§2.7, §2.8)."""
    sent, payload = create()["trackingId"], {"from": "A", "to": [ONE], "body": "b"}
    assert refused(lambda: carrier.campaigns.update(application, sent, payload)) == (400, "400009002")
    assert refused(lambda: carrier.campaigns.delete(application, sent)) == (400, "400009002")
    assert refused(lambda: carrier.campaigns.update(application, "x", payload)) == (404, "404009001")
    assert refused(lambda: carrier.campaigns.delete(application, "x")) == (404, "404009001")
    assert refused(lambda: carrier.campaigns.update(application, "x", {})) == (400, "400000000")


def test_update_refused_changes_nothing(carrier: Carrier, application: Application, create: Create) -> None:
    """A change that is refused leaves the campaign as it was."""
    create(campaignName="taken")
    made = create(campaignName="offer", scheduledDate=SOON)["trackingId"]
    payload = {"from": "A", "to": [ONE], "body": "b", "campaignName": "taken"}
    assert refused(lambda: carrier.campaigns.update(application, made, payload)) == (409, "409009003")
    assert carrier.campaigns.fetch(application, made)["campaignName"] == "offer"


def test_delete(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """A cancelled campaign is gone and never goes out (§2.8)."""
    made = create(scheduledDate=SOON, reminder={"minutesBefore": 1, "to": [THREE]})["trackingId"]
    carrier.campaigns.delete(application, made)
    assert refused(lambda: carrier.campaigns.fetch(application, made)) == (404, "404009001")
    assert refused(lambda: carrier.campaigns.track(application, made, {})) == (404, "404009001")
    tick(carrier, clock, 7200)
    assert len(carrier.messages) == 0


def test_date_in_the_past(create: Create) -> None:
    """A date that has passed sends at once; epoch seconds are taken as well (§8 #12)."""
    assert create(scheduledDate=str(int(START) - 60))["state"] == "Queued"
    assert create(scheduledDate=int(START) + 60)["scheduledDate"] == "2026-09-21T14:14:20Z"


def test_money(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """Each message pays by its own text and country; what finds no money is Unsent and costs nothing (§10.3)."""
    application.account.prices = {"ES": Decimal("0.05")}
    application.account.balance = Decimal("0.1")
    made = create(to=[ONE, "+34600000002", TWO], body="Hi")
    tick(carrier, clock, 10)
    shown = carrier.campaigns.fetch(application, made["trackingId"])
    assert (shown["statuses"], shown["cost"], shown["state"]) == (ZEROS | {"Delivered": 2, "Unsent": 1}, 0.082, "Finished")
    assert application.account.balance == Decimal("0.018")
    items = rows(carrier.campaigns.track(application, made["trackingId"], {}))
    assert [(item["status"]["status"], item["price"]) for item in items] == [
        ("Delivered", 0.032),
        ("Delivered", 0.05),
        ("Unsent", 0.0),
    ]
    assert "reason" not in items[2]["status"]


def test_campaign_that_must_be_paid_in_full(carrier: Carrier, application: Application, create: Create) -> None:
    """If so set, a campaign that the balance cannot pay completely is refused; nothing is charged."""
    carrier.settings.pays_in_full = True
    application.account.balance = Decimal("0.063")
    assert refused(create) == (400, "400001009")
    assert application.account.balance == Decimal("0.063")


def test_recipient_without_money(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """The number that finds no money is Unsent in a campaign."""
    made = create(to=[ONE, Magic.NO_BALANCE])
    tick(carrier, clock, 10)
    assert carrier.campaigns.fetch(application, made["trackingId"])["statuses"] == ZEROS | {"Delivered": 1, "Unsent": 1}


def test_quiet_hours(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """In quiet hours messages wait for the end of them, those to other countries do not (§2.4)."""
    clock.now = 1790024400.0  # 2026-09-21T21:00Z: midnight in Athens, 22:00 in London
    made = create(to=[ONE, "+447700900001"], respectQuietHours=True)
    tick(carrier, clock, 60)
    assert carrier.campaigns.fetch(application, made["trackingId"])["statuses"] == ZEROS | {"Queued": 1, "Delivered": 1}
    tick(carrier, clock, 8 * 3600)
    assert carrier.campaigns.fetch(application, made["trackingId"])["state"] == "Finished"
    (held,) = [message for message in carrier.messages.values() if message.to == ONE]
    assert held.item(0, held.states(clock())[0])["latency"] == 2


def test_test_messages(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """Test messages go out around the sending, filled with the fallback values, and are not counted (§2.4)."""
    reminder = {"minutesBefore": 10, "minutesAfter": "10", "to": [THREE]}
    made = create(scheduledDate=SOON, reminder=reminder, body="Hi [~firstName]", fallbackValues={"firstName": "friend"})
    seen = []
    for _ in range(4):
        tick(carrier, clock, 20 * 60)
        seen.append([message.to for message in carrier.messages.values()])
    assert seen == [[], [], [THREE, ONE, TWO], [THREE, ONE, TWO, THREE]]
    assert {message.body for message in carrier.messages.values()} == {"Hi friend"}
    assert carrier.campaigns.fetch(application, made["trackingId"])["totalMessages"] == 2
    assert carrier.campaigns.track(application, made["trackingId"], {})["totalElements"] == 2


def test_test_messages_of_a_campaign_that_goes_out_at_once(carrier: Carrier, clock: Clock, create: Create) -> None:
    """What would have gone out before now does not; without money a test message is left out."""
    create(reminder={"minutesBefore": 5, "minutesAfter": 5, "to": [THREE, Magic.NO_BALANCE, TWO]})
    tick(carrier, clock, 600)
    assert [message.to for message in carrier.messages.values()] == [ONE, TWO, THREE]


def test_failure_on_demand(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """A campaign can be made to fail: what is still queued is Failed, a scheduled one never goes out (§4.4)."""
    carrier.settings.campaign_rate = 0.1
    running, scheduled = create()["trackingId"], create(scheduledDate=SOON)["trackingId"]
    tick(carrier, clock, 5)
    for made in (running, scheduled):
        carrier.campaigns.fail(made)
    shown = carrier.campaigns.fetch(application, running)
    assert (shown["state"], shown["statuses"]) == ("Failed", ZEROS | {"Delivered": 1, "Failed": 1})
    assert shown["endedAt"] == "2026-09-21T14:13:25Z"
    tick(carrier, clock, 7200)
    assert carrier.campaigns.fetch(application, scheduled)["state"] == "Failed"
    assert len(carrier.campaigns[running].messages) == len(carrier.messages) == 2
    assert refused(lambda: carrier.campaigns.delete(application, scheduled)) == (400, "400009002")


def test_2016(carrier: Carrier, application: Application, clock: Clock, create: Create) -> None:
    """In the old shape there is no counter of the unsent, no part, no reason and no id of the campaign in tracking (§10.10)."""
    carrier.settings.shape = Era("2016")
    made = create(campaignName="offer")
    assert "Unsent" not in made["statuses"]
    tick(carrier, clock, 5)
    item = rows(carrier.campaigns.track(application, made["trackingId"], {}))[0]
    assert not {"part", "campaignTrackingId"} & set(item)
    assert set(item["status"]) == {"status", "date"}
    assert (item["campaignName"], "smsId" in item) == ("offer", True)


def test_reset(carrier: Carrier, create: Create) -> None:
    """A reset forgets campaigns and what they still had to do; contacts stay."""
    create(scheduledDate=SOON)
    next(iter(carrier.applications.values())).account.contacts.add(ONE)
    carrier.reset()
    assert (len(carrier.campaigns), carrier.agenda.next_due) == (0, None)
    assert len(next(iter(carrier.applications.values())).account.contacts) == 1
