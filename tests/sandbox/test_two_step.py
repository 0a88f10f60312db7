"""One-time codes in `sandbox.two_step`."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from routee_async.sandbox.callbacks import CallbackKind
from routee_async.sandbox.timeline import Magic
from routee_async.sandbox.two_step import TwoStep, pin_of
from tests.sandbox.conftest import Api, Clock

WISH = {"method": "sms", "type": "code", "recipient": "+306970000001", "template": "Your code is @@pin"}
FORM = "application/x-www-form-urlencoded"


def start(api: Api, **fields: object) -> dict[str, Any]:
    """Ask for a code, with some fields changed."""
    made: dict[str, Any] = api("POST", "/2step", WISH | fields)
    return made


def confirm(api: Api, tracking_id: str, answer: str) -> tuple[int, dict[str, Any]]:
    """Give an answer."""
    answered = api.raw("POST", f"/2step/{tracking_id}", f"answer={answer}".encode(), content_type=FORM)
    return answered.status, json.loads(answered.body)


def wrong(api: Api, tracking_id: str) -> str:
    """Give a wrong answer, and tell the code of the refusal."""
    status, body = confirm(api, tracking_id, "x")
    assert status == 400
    return str(body["code"])


def test_a_code_is_sent_and_confirmed(api: Api, clock: Clock) -> None:
    """The code goes out as a text, and giving it back verifies; all answers have the documented keys (§2.18)."""
    made = start(api)
    assert made | {"trackingId": ""} == {
        "trackingId": "",
        "status": "Pending",
        "updatedAt": "2026-09-21T14:13:20Z",
        "maxRetries": 3,
        "timesTried": 0,
        "expiresAt": "2026-09-21T14:18:20Z",
    }
    (message,) = api.carrier.messages.values()
    pin = pin_of(api.carrier, made["trackingId"])
    assert message.body == f"Your code is {pin}"
    assert re.fullmatch("[0-9]{4}", pin)
    clock.advance(10)
    assert confirm(api, made["trackingId"], pin) == (
        200,
        made | {"status": "Verified", "timesTried": 1, "updatedAt": "2026-09-21T14:13:30Z"},
    )
    assert api("GET", f"/2step/{made['trackingId']}")["status"] == "Verified"


def test_the_text_is_tracked_and_paid_as_two_step(api: Api) -> None:
    """Its text shows `TwoStep` as the service it came through, and costs what a code costs (§2.9, §2.13)."""
    before = api.application.account.balance
    start(api, originator="ParcelCo")
    (page,) = api("POST", "/sms/tracking", [])["content"]
    assert (page["originatingService"], page["price"], page["from"]) == ("TwoStep", 0.05, "ParcelCo")
    assert before - api.application.account.balance == Decimal("0.05")


def test_a_call_sends_no_text(api: Api) -> None:
    """By voice nothing is sent, but the call is paid, and the code is known to the sandbox."""
    before = api.application.account.balance
    made = start(api, method="voice")
    assert not api.carrier.messages
    assert before - api.application.account.balance == Decimal("0.08")
    assert confirm(api, made["trackingId"], pin_of(api.carrier, made["trackingId"]))[0] == 200


def test_blanks_of_the_template(api: Api) -> None:
    """Arguments fill their blanks, and a blank without a value stays as it is."""
    made = start(api, template="@@name, @@pin is for @@shop", arguments={"name": "Nick"}, digits=6)
    text = api.carrier.family(TwoStep)[made["trackingId"]].text
    assert re.fullmatch("Nick, [0-9]{6} is for @@shop", text)


@pytest.mark.parametrize("template", ["Your code", "Your code is @@pincode", "Your code is pin"])
def test_bad_template(api: Api, template: str) -> None:
    """A template without `@@pin` is 400011001 (§2.18)."""
    assert api.refused("POST", "/2step", WISH | {"template": template}) == "400011001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "telepathy"),
        ("method", None),
        ("type", "link"),
        ("recipient", "friend"),
        ("recipient", ""),
        ("template", 7),
        ("arguments", "name"),
        ("templateCountry", "Greece"),
        ("originator", 7),
        ("lifetimeInSeconds", 0),
        ("maxRetries", -1),
        ("digits", 11),
        ("digits", "4"),
        ("restrictions", "india"),
    ],
)
def test_limits(api: Api, field: str, value: object) -> None:
    """A field that is missing or out of bounds is 400000000 that names it."""
    assert api.problems("POST", "/2step", WISH | {field: value}) == {field}


def test_refusals_of_the_desk(api: Api) -> None:
    """A bad sender is 400005000 and no money 400001009, by text and by call; nothing is left behind."""
    assert api.problems("POST", "/2step", []) == set()
    assert api.refused("POST", "/2step", WISH | {"originator": "a sender far too long"}) == "400005000"
    for method in ("sms", "voice"):
        assert api.refused("POST", "/2step", WISH | {"method": method, "recipient": Magic.NO_BALANCE}) == "400001009"
    assert api("GET", "/2step/reports")["total"] == 0


def test_wrong_answers(api: Api) -> None:
    """The first answer and the retries may be wrong; then it has failed, and even the right answer is 400011004 (§2.18)."""
    made = start(api, maxRetries=2)
    assert [wrong(api, made["trackingId"]) for _ in range(3)] == ["400011005"] * 3
    assert wrong(api, made["trackingId"]) == "400011004"
    assert confirm(api, made["trackingId"], pin_of(api.carrier, made["trackingId"]))[1]["code"] == "400011004"
    failed = api("GET", f"/2step/{made['trackingId']}")
    assert (failed["status"], failed["timesTried"], failed["maxRetries"]) == ("Failed", 3, 2)


def test_a_code_expires(api: Api, clock: Clock) -> None:
    """After its life it is `Expired`, and neither confirmed nor cancelled: 400011003 (§2.18)."""
    made = start(api, lifetimeInSeconds=60)
    clock.advance(59.9)
    assert api("GET", f"/2step/{made['trackingId']}")["status"] == "Pending"
    clock.advance(0.1)
    expired = api("GET", f"/2step/{made['trackingId']}")
    assert (expired["status"], expired["updatedAt"]) == ("Expired", "2026-09-21T14:14:20Z")
    assert wrong(api, made["trackingId"]) == "400011003"
    assert api.refused("DELETE", f"/2step/{made['trackingId']}") == "400011003"


def test_a_code_is_cancelled(api: Api, clock: Clock) -> None:
    """What is called off is `Cancelled`, whatever time passes; confirming it or calling it off again is 400011002 (§2.18)."""
    made = start(api)
    assert api("DELETE", f"/2step/{made['trackingId']}")["status"] == "Cancelled"
    clock.advance(3600)
    assert wrong(api, made["trackingId"]) == "400011002"
    assert api.refused("DELETE", f"/2step/{made['trackingId']}") == "400011002"
    assert api("GET", f"/2step/{made['trackingId']}")["status"] == "Cancelled"


def test_an_answer_is_a_form(api: Api) -> None:
    """An answer that is missing, empty or not in a form is 400000000, and no try is counted (§2.18)."""
    made = start(api)
    assert api.problems("POST", f"/2step/{made['trackingId']}", {"answer": "1234"}) == {"answer"}
    assert confirm(api, made["trackingId"], "")[1]["properties"] == {"answer": "may not be empty"}
    assert api("GET", f"/2step/{made['trackingId']}")["timesTried"] == 0


def test_unknown_verification(api: Api) -> None:
    """An id that nobody was given, or somebody else was, is 404011006 (§2.18)."""
    made = start(api)
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other.refused("GET", f"/2step/{made['trackingId']}") == "404011006"
    for method in ("GET", "DELETE"):
        assert api.refused(method, "/2step/0") == "404011006"
    assert confirm(api, "0", "1")[1]["code"] == "404011006"


def test_reports(api: Api, clock: Clock) -> None:
    """Reports count by status and country, of the account or of one of its applications; expiry is noticed (§2.18)."""
    account = api.application.account
    second = Api(api.carrier, api.carrier.add_application("a" * 24, "x", account=account))
    api.carrier.add_application("b" * 24, "x")
    start(api, lifetimeInSeconds=10)
    confirm(api, (made := start(api))["trackingId"], pin_of(api.carrier, made["trackingId"]))
    start(second, recipient="+447700900001")
    start(second, recipient="+881600000001")
    clock.advance(10)
    zeros = {"Pending": 0, "Verified": 0, "Cancelled": 0, "Expired": 0, "Failed": 0}
    assert api("GET", "/2step/reports") == {
        "total": 4,
        "totals": zeros | {"Pending": 2, "Verified": 1, "Expired": 1},
        "perCountry": {"GR": zeros | {"Verified": 1, "Expired": 1}, "GB": zeros | {"Pending": 1}},
    }
    assert api("GET", f"/2step/reports/applications/{'a' * 24}")["totals"] == zeros | {"Pending": 2}
    assert api.refused("GET", f"/2step/reports/applications/{'b' * 24}") == "404010002"
    assert api.refused("GET", f"/2step/reports/applications/{'c' * 24}") == "404010002"


def test_codes_are_drawn(api: Api) -> None:
    """Two codes are not the same, and have as many digits as asked for."""
    pins = {pin_of(api.carrier, start(api, digits=8)["trackingId"]) for _ in range(5)}
    assert len(pins) == 5
    assert {len(pin) for pin in pins} == {8}


def test_changes_are_told(api: Api, clock: Clock) -> None:
    """Every change of status is told to the address of the application, expiry at its very moment; wrong answers are none."""
    api.application.verification_url = "http://127.0.0.1/2step"
    verified, cancelled, expired = start(api), start(api), start(api, lifetimeInSeconds=60)
    wrong(api, verified["trackingId"])
    confirm(api, verified["trackingId"], pin_of(api.carrier, verified["trackingId"]))
    api("DELETE", f"/2step/{cancelled['trackingId']}")
    clock.advance(3600)
    api.carrier.run()
    told = [record for record in api.carrier.callbacks.log if record.kind is CallbackKind.VERIFICATION]
    assert [record.payload["status"] for record in told] == ["Verified", "Cancelled", "Expired"]
    assert told[2].url == "http://127.0.0.1/2step"
    assert told[2].payload == {
        "applicationId": api.application.id,
        "trackingId": expired["trackingId"],
        "recipient": "+306970000001",
        "status": "Expired",
        "updatedAt": "2026-09-21T14:14:20Z",
    }
