"""The state of `sandbox.carrier`: sending, charging, delivering, tracking."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import phonenumbers
import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.timeline import MAGIC_OUTCOMES, Magic, Outcome, Timeline, state
from tests.sandbox.conftest import Clock

Send = Callable[..., dict[str, Any]]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def refused(act: Callable[[], object]) -> tuple[int, str, object]:
    """Status, code and properties of the refusal that *act* meets."""
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.status, str(caught.value.payload["code"]), caught.value.payload.get("properties")


def statuses(carrier: Carrier, application: Application, sent: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Status and detail of each part, by one tracking read."""
    items: list[Any] = carrier.track(application, sent["trackingId"])
    return [(item["status"]["status"], item["status"].get("reason", {}).get("detailedStatus")) for item in items]


def test_answer_to_a_plain_message(send: Send) -> None:
    """Keys that have no value are left out, `createdAt` has milliseconds (§2.2, §8 #11)."""
    sent = send()
    assert UUID.fullmatch(sent.pop("trackingId"))
    assert sent == {
        "status": "Queued",
        "createdAt": "2026-09-21T14:13:20.123Z",
        "from": "ParcelCo",
        "to": "+306970000001",
        "body": "Your parcel is here",
        "bodyAnalysis": {"parts": 1, "unicode": False, "characters": 19},
        "flash": False,
    }


def test_answer_repeats_what_was_asked_for(send: Send) -> None:
    """`flash`, `label`, `ttl`, `callback` and the short links come back (§2.2)."""
    asked = {"flash": True, "label": "a", "ttl": 60, "callback": {"url": "https://x.example/", "strategy": "OnChange"}}
    sent = send(
        **asked, urlShortener={"urlValidity": 7200}, body="See https://a.example/1 and http://b.example/2 now", transcode=None
    )
    assert {name: sent[name] for name in asked} == asked
    assert sent["urlShortener"]["urlValidity"] == 7200
    assert [link["longUrl"] for link in sent["urlShortener"]["urls"]] == ["https://a.example/1", "http://b.example/2"]


def test_recipient_is_normalised(send: Send) -> None:
    """A recipient without `+` is accepted and given back with it (§8 #24)."""
    assert send(to="306970000001")["to"] == "+306970000001"


@pytest.mark.parametrize("payload", [None, [], "text", 7])
def test_body_that_is_no_object(carrier: Carrier, application: Application, payload: object) -> None:
    """JSON that is no object is refused with 400000000 (§10.2)."""
    assert refused(lambda: carrier.send(application, payload)) == (400, "400000000", {})


@pytest.mark.parametrize("name", ["from", "to", "body"])
@pytest.mark.parametrize("value", [..., "", None, 7])
def test_required_fields(send: Send, name: str, value: object) -> None:
    """What is required must be there and be a text, else 400000000 names it (§3.2; for `from` §8 #35)."""
    status, code, properties = refused(lambda: send(**{name: value}))
    assert (status, code, properties) == (400, "400000000", {name: "may not be empty"})


@pytest.mark.parametrize("to", ["+0306970000001", "+30697", "+3069700000010000", "30 697 000 0001", "friend", Magic.REFUSED.value])
def test_bad_recipient(send: Send, to: str) -> None:
    """A recipient that is no number is refused with the recorded body (§3.2)."""
    with pytest.raises(Refusal) as caught:
        send(to=to)
    assert caught.value.payload == {
        "code": "400000000",
        "developerMessage": "Validation Error!",
        "entity": "SmsTracking",
        "properties": {"to": "Invalid mobile number"},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body", "a" * 1601),
        ("flash", "yes"),
        ("transcode", 1),
        ("label", "a" * 351),
        ("label", 7),
        ("ttl", 0),
        ("ttl", 4321),
        ("ttl", True),
        ("ttl", "60"),
        ("callback", "https://x.example/"),
        ("callback", {"url": "ftp://x.example/", "strategy": "OnChange"}),
        ("callback", {"url": "https://x.example/", "strategy": "Never"}),
        ("callback", {"strategy": "OnChange"}),
        ("urlShortener", True),
        ("urlShortener", {"urlValidity": 3599}),
        ("restrictions", "india"),
    ],
)
def test_limits(send: Send, name: str, value: object) -> None:
    """A field out of its bounds is refused with 400000000 that names it (§2.2, §7.1)."""
    status, code, properties = refused(lambda: send(**{name: value}))
    assert (status, code, list(properties) if isinstance(properties, dict) else None) == (400, "400000000", [name])


def test_limits_are_reached(send: Send) -> None:
    """The largest values that are documented pass (§7.1, §8 #8)."""
    sent = send(body="a" * 1600, label="b" * 350, ttl=4320, **{"from": "9" * 16})
    assert (sent["bodyAnalysis"]["parts"], len(sent["label"]), sent["ttl"]) == (11, 350, 4320)


@pytest.mark.parametrize("sender", ["a" * 12, "9" * 17, "+306970000001", "Parcel-Co", "Παρσελ"])
def test_bad_sender(send: Send, sender: str) -> None:
    """A sender id that is neither 11 letters and digits nor 16 digits is refused with 400005000 (§2.2)."""
    assert refused(lambda: send(**{"from": sender})) == (400, "400005000", None)


def test_order_of_refusals(carrier: Carrier, application: Application, send: Send) -> None:
    """Shape comes before sender, and sender before balance (§10.2)."""
    application.account.balance = Decimal(0)
    assert refused(lambda: send(to="nobody", **{"from": "Parcel-Co"}))[1] == "400000000"
    assert refused(lambda: send(**{"from": "Parcel-Co"}))[1] == "400005000"
    assert refused(send)[1] == "400001009"
    assert carrier.journal.sends_accepted == 0


def test_balance_falls_by_price_and_parts(carrier: Carrier, application: Application, send: Send) -> None:
    """Every part is charged (§6.1, §10.3), and the balance answer shows what is left (§2.13)."""
    application.account.balance = Decimal("0.127")
    send(body="a" * 307)
    assert application.account.balance == Decimal("0.031")
    assert carrier.balance(application) == {"balance": 0.031, "currency": {"code": "EUR", "name": "Euro", "sign": "€"}}


def test_a_send_without_money_is_refused(application: Application, send: Send) -> None:
    """A single send that costs more than is left is refused at once, and nothing is taken (§2.2, §10.3)."""
    application.account.balance = Decimal("0.031")
    assert refused(send) == (400, "400001009", None)
    assert application.account.balance == Decimal("0.031")


def test_magic_recipient_without_money(send: Send) -> None:
    """`Magic.NO_BALANCE` is refused however rich the account is."""
    assert refused(lambda: send(to=Magic.NO_BALANCE.value))[1] == "400001009"


def test_transcoding_is_done_on_demand(carrier: Carrier, application: Application, send: Send) -> None:
    """With `transcode`, a text of several unicode parts goes out in look-alikes, and one of a single part does not (§6.3)."""
    assert send(body="ναι" * 30, transcode=True)["bodyAnalysis"] == {"parts": 1, "unicode": False, "characters": 90}
    assert send(body="ναι", transcode=True)["bodyAnalysis"]["unicode"]
    assert send(body="😀" * 40, transcode=True)["bodyAnalysis"]["unicode"]
    assert carrier.analyze(application, {"from": "a", "to": "306970000001", "body": "α"})["cost"] == 0.032


def test_analysis_ignores_the_options_of_a_send(carrier: Carrier, application: Application) -> None:
    """POST /sms/analyze counts a text, gives the price of one part and does not look at further fields (§2.3)."""
    payload = {"from": "ParcelCo", "to": "+306970000001", "body": "a" * 161, "label": 7, "flash": "yes"}
    expected = {"bodyAnalysis": {"parts": 2, "unicode": False, "characters": 161}, "cost": 0.032}
    assert carrier.analyze(application, payload) == expected
    assert carrier.journal.sends_accepted == 0


def test_tracking_item(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """A tracking item has the documented keys, dates in whole seconds, and an id of its own for the part (§2.9, §8 #3, #11)."""
    sent = send(label="job-1")
    clock.advance(5)
    (item,) = carrier.track(application, sent["trackingId"])
    assert UUID.fullmatch(str(item.pop("smsId")))
    assert item == {
        "messageId": sent["trackingId"],
        "to": "+306970000001",
        "groups": [],
        "country": "GR",
        "operator": "Vodafone",
        "status": {
            "status": "Delivered",
            "date": "2026-09-21T14:13:22Z",
            "reason": {"detailedStatus": "Delivered", "description": "Delivered to the handset"},
        },
        "body": "Your parcel is here",
        "applicationName": "default",
        "originatingService": "Sms",
        "latency": 2,
        "parts": 1,
        "part": 1,
        "price": 0.032,
        "label": "job-1",
        "from": "ParcelCo",
        "direction": "Outbound",
    }


@pytest.mark.parametrize(
    ("to", "country"),
    [("+447700900001", "GB"), ("+35799000001", "CY"), ("+12025550100", "US"), ("+881600000001", None)],
)
def test_country_of_the_recipient(carrier: Carrier, application: Application, send: Send, to: str, country: str | None) -> None:
    """`country` is ISO 3166-1 alpha-2 where the prefix is known; `operator` may be absent (§2.9, §8 #25)."""
    (item,) = carrier.track(application, send(to=to)["trackingId"])
    assert (item.get("country"), "operator" in item) == (country, False)


def test_parts_of_one_message(carrier: Carrier, application: Application, send: Send) -> None:
    """Parts share `messageId`, are numbered from 1 and have different `smsId` (§2.9)."""
    sent = send(body="a" * 307)
    items = carrier.track(application, sent["trackingId"])
    assert [(item["messageId"], item["part"], item["parts"]) for item in items] == [(sent["trackingId"], n, 3) for n in (1, 2, 3)]
    assert len({item["smsId"] for item in items}) == 3


def test_unknown_message(carrier: Carrier, application: Application) -> None:
    """An id that nobody was given is 404005000 (§2.9)."""
    unknown = "00000000-0000-4000-8000-000000000000"
    assert refused(lambda: carrier.track(application, unknown)) == (404, "404005000", None)


def test_message_of_another_account(carrier: Carrier, send: Send) -> None:
    """Another account does not see the message, another application of the same account does."""
    sent = send()
    own = next(iter(carrier.applications.values()))
    stranger = carrier.add_application("f" * 24, "x")
    colleague = carrier.add_application("e" * 24, "x", account=own.account)
    assert refused(lambda: carrier.track(stranger, sent["trackingId"]))[0] == 404
    assert len(carrier.track(colleague, sent["trackingId"])) == 1


def test_visibility_delay(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """A message cannot be tracked before the visibility delay is over: 404, or an empty array if so set (§2.9, §8 #1, §10.4)."""
    carrier.settings.visibility_delay = 1.0
    sent = send()
    clock.advance(0.99)
    assert refused(lambda: carrier.track(application, sent["trackingId"]))[:2] == (404, "404005000")
    carrier.settings.unseen_as_empty = True
    assert carrier.track(application, sent["trackingId"]) == []
    clock.advance(0.02)
    assert len(carrier.track(application, sent["trackingId"])) == 1


def test_timeline_by_the_clock(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """By the clock: Queued without a reason, then Sent, then the final status, which stays (§4.1)."""
    carrier.settings.timeline = Timeline(sent_after=10, final_after=20)
    sent = send()
    seen = []
    for seconds in (9, 2, 8, 2, 999):
        clock.advance(seconds)
        seen += statuses(carrier, application, sent)
    assert seen == [("Queued", None), ("Sent", "Sent"), ("Sent", "Sent"), ("Delivered", "Delivered"), ("Delivered", "Delivered")]


@pytest.mark.parametrize(
    ("reads", "expected"),
    [(0, ["Delivered"] * 5), (1, ["Queued", "Sent"] + ["Delivered"] * 3), (2, ["Queued", "Queued", "Sent", "Sent", "Delivered"])],
)
def test_timeline_by_reads(carrier: Carrier, application: Application, send: Send, reads: int, expected: list[str]) -> None:
    """By reads: each status that is not final is shown so many times, whatever the clock says."""
    carrier.settings.timeline = Timeline(reads=reads)
    sent = send()
    assert [statuses(carrier, application, sent)[0][0] for _ in range(5)] == expected


def test_date_of_a_status_reached_by_reading(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """By reads, the date is the moment of the read that moved the message on."""
    carrier.settings.timeline = Timeline(reads=1)
    sent = send()
    clock.advance(10)
    carrier.track(application, sent["trackingId"])
    clock.advance(10)
    (item,) = carrier.track(application, sent["trackingId"])
    assert item["status"] == {
        "status": "Sent",
        "date": "2026-09-21T14:13:30Z",
        "reason": {"detailedStatus": "Sent", "description": "Sent to the network"},
    }


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if not outcome.name.startswith("NEVER")])
def test_magic_recipients(carrier: Carrier, application: Application, send: Send, clock: Clock, outcome: Outcome) -> None:
    """Each detailedStatus has a recipient that ends so, with the status that the table gives it (§4.2, §10.5)."""
    sent = send(to=Magic[outcome.name].value)
    clock.advance(100)
    status = outcome.value if outcome in {Outcome.DELIVERED, Outcome.FAILED} else "Undelivered"
    assert statuses(carrier, application, sent) == [(status, outcome.value)]


@pytest.mark.parametrize(("magic", "status"), [(Magic.NEVER_FINAL, "Sent"), (Magic.NEVER_SENT, "Queued")])
def test_messages_that_never_end(
    carrier: Carrier,
    application: Application,
    send: Send,
    clock: Clock,
    magic: Magic,
    status: str,
) -> None:
    """Two recipients never get a final status, for tests of patience; not even when their validity period is over."""
    sent = send(to=magic.value, ttl=1)
    clock.advance(86400)
    assert statuses(carrier, application, sent)[0][0] == status


def test_failed_messages_are_never_sent(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """What Routee cannot process goes from Queued to Failed without being Sent (§4.1)."""
    sent = send(to=Magic.FAILED.value)
    clock.advance(0.5)
    assert statuses(carrier, application, sent) == [("Failed", "Failed")]


def test_magic_numbers_are_valid() -> None:
    """Every magic recipient is a valid mobile number, so that a client's own check lets it pass."""
    for magic in Magic:
        number = phonenumbers.parse(magic.value)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    assert len(set(MAGIC_OUTCOMES.values())) == len(Outcome)


def test_parts_may_end_differently(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """A message of several parts has one status a part, and they need not agree (§4.1)."""
    magic = send(to=Magic.LAST_PART_UNDELIVERED.value, body="a" * 307)
    carrier.script(Outcome.ROAMING, Outcome.DELIVERED, label="mixed")
    scripted = send(label="mixed", body="a" * 307)
    clock.advance(100)
    assert [status for status, _ in statuses(carrier, application, magic)] == ["Delivered", "Delivered", "Undelivered"]
    assert [detail for _, detail in statuses(carrier, application, scripted)] == ["Roaming", "Delivered", "Delivered"]


def test_scripts(carrier: Carrier, application: Application, send: Send) -> None:
    """A script by label outranks one by recipient, which outranks the magic of the number; each may have its own timeline."""
    carrier.script(Outcome.EXPIRED, to=Magic.DELIVERED.value, timeline=Timeline(reads=0))
    carrier.script(Outcome.DND, label="a", timeline=Timeline(reads=0))
    carrier.script(label="b", timeline=Timeline(reads=0))
    assert statuses(carrier, application, send(to=Magic.DELIVERED.value)) == [("Undelivered", "Expired")]
    assert statuses(carrier, application, send(to=Magic.DELIVERED.value, label="a")) == [("Undelivered", "DND Error Code")]
    assert statuses(carrier, application, send(to=Magic.ROAMING.value, label="b")) == [("Undelivered", "Roaming")]


def test_validity_period(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """A validity period that is shorter than the delay ends as Undelivered, Expired, when it is over (§2.2, §10.5)."""
    carrier.settings.timeline = Timeline(sent_after=90, final_after=180)
    short, long, failed = send(ttl=1), send(ttl=4), send(ttl=1, to=Magic.FAILED.value)
    clock.advance(61)
    assert statuses(carrier, application, short) == [("Undelivered", "Expired")]
    assert statuses(carrier, application, failed) == [("Failed", "Failed")]
    clock.advance(120)
    assert statuses(carrier, application, long) == [("Delivered", "Delivered")]


def test_shares(carrier: Carrier, application: Application, send: Send, clock: Clock) -> None:
    """Outcomes are drawn by their shares, the same for the same seed (§10.5)."""
    carrier.settings.shares = {Outcome.DELIVERED: 3, Outcome.EXPIRED: 0, Outcome.UNKNOWN_NUMBER: 1}
    messages = [send() for _ in range(400)]
    clock.advance(100)
    details = [statuses(carrier, application, sent)[0][1] for sent in messages]
    assert set(details) == {"Delivered", "Unknown Number"}
    assert 60 < details.count("Unknown Number") < 140


def test_every_state_has_a_description() -> None:
    """Whatever has a detailedStatus has a description, and only Queued has neither (§2.9)."""
    states = [state(outcome, step) for outcome in Outcome for step in range(3)]
    assert all((one.detail is None) == (one.status == "Queued") == (one.description is None) for one in states)


def test_accounting(carrier: Carrier, send: Send) -> None:
    """What was accepted is recorded with label, recipient, text, time and id, and double labels stand out."""
    for label in ("a", "b", "a", ..., ...):
        send(label=label)
    journal = carrier.journal
    assert journal.count_by_label() == {"a": 2, "b": 1, None: 2}
    assert journal.duplicates() == {"a": 2}
    first = journal.accepted[0]
    assert (first.label, first.to, first.body, first.created) == ("a", "+306970000001", "Your parcel is here", carrier.now())
    assert carrier.messages[first.tracking_id] is first
    carrier.reset()
    assert (journal.sends_accepted, len(carrier.messages)) == (0, 0)


def test_state_of_a_family_of_endpoints(carrier: Carrier) -> None:
    """A family gets its state from the carrier, made once with the carrier at hand, and forgotten with a reset."""

    class Lookups:
        def __init__(self, carrier: Carrier) -> None:
            self.carrier = carrier

    lookups = carrier.family(Lookups)
    assert lookups.carrier is carrier
    assert carrier.family(Lookups) is lookups
    carrier.reset()
    assert carrier.family(Lookups) is not lookups


def test_application_transcodes(application: Application, send: Send) -> None:
    """What the application says about transcoding goes for requests that say nothing (§6.3)."""
    body = "α" * 71
    application.transcode = True
    assert (send(body=body)["body"], send(body=body, transcode=False)["body"]) == ("A" * 71, body)


def test_price_by_country(carrier: Carrier, application: Application, send: Send) -> None:
    """A part costs what the country of its recipient costs; where that is not laid down, the price of the account."""
    application.account.prices = {"GB": Decimal("0.05")}
    (british, greek) = (send(to=to)["trackingId"] for to in ("+447700900001", "+306970000001"))
    assert [carrier.track(application, one)[0]["price"] for one in (british, greek)] == [0.05, 0.032]
    assert application.account.balance == Decimal("99999.918")
    payload = {"from": "ParcelCo", "to": "+447700900001", "body": "Hi"}
    assert carrier.analyze(application, payload)["cost"] == 0.05


def test_shortened_links_go_out(carrier: Carrier, application: Application, send: Send) -> None:
    """The answer repeats the text, and what goes out and is tracked has the short links."""
    sent = send(body="See https://a.example/a-long-path now", urlShortener={})
    assert sent["body"] == "See https://a.example/a-long-path now"
    assert carrier.track(application, sent["trackingId"])[0]["body"] == "See https://rtee.example/1 now"
