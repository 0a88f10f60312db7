"""Contacts, labels and blacklists in `sandbox.address_book`."""

import json
from typing import Any

import pytest

from tests.sandbox.conftest import Api

ELENI: dict[str, Any] = {"mobile": "+306970000003", "firstName": "Eleni", "lastName": "P", "email": "e@x.example", "vip": True}


def add(api: Api, mobile: str = "+306970000003", **fields: object) -> str:
    """Store a contact."""
    contact_id: str = api("POST", "/contacts/my", {"mobile": mobile, **fields})["id"]
    return contact_id


def test_a_contact_is_stored_read_changed_and_deleted(api: Api) -> None:
    """A contact has the recorded keys, can be replaced, and is gone after DELETE, which shows it once more (§2.19)."""
    made = api("POST", "/contacts/my", ELENI)
    assert made | {"id": ""} == {
        "id": "",
        "firstName": "Eleni",
        "lastName": "P",
        "email": "e@x.example",
        "mobile": "+306970000003",
        "country": "GR",
        "vip": True,
        "groups": ["All", "NotListed"],
        "blacklistedServices": [],
        "labels": [],
    }
    path = f"/contacts/my/{made['id']}"
    assert api("GET", path) == made
    changed = api("PUT", path, {"mobile": "306970000003", "firstName": "Maria"})
    assert (changed["firstName"], changed["mobile"], changed["vip"]) == ("Maria", "+306970000003", False)
    assert "lastName" not in changed
    assert api("DELETE", path) == changed
    for method in ("GET", "PUT", "DELETE"):
        assert api.refused(method, path, ELENI) == "404002001"


def test_pages_of_contacts(api: Api) -> None:
    """Contacts come in pages of 20, or of what is asked for, sorted if asked for (§2.19)."""
    for digit in range(3):
        add(api, f"+30697000000{digit}", firstName="CBA"[digit])
    page = api("GET", "/contacts/my")
    assert (page["size"], page["totalElements"]) == (20, 3)
    assert [one["firstName"] for one in api("GET", "/contacts/my?page=1&size=2")["content"]] == ["A"]
    assert [one["firstName"] for one in api("GET", "/contacts/my?sort=firstName")["content"]] == ["A", "B", "C"]
    assert api("GET", "/contacts/my?size=5000")["size"] == 2000


def test_contacts_are_deleted_together(api: Api) -> None:
    """An array of ids is deleted, all or none (§2.19)."""
    first, second = add(api, "+306970000001"), add(api, "+306970000002")
    assert api.refused("DELETE", "/contacts/my", [first, "0"]) == "404002001"
    assert api("DELETE", "/contacts/my", [first, second, first]) == [first, second]
    assert api("GET", "/contacts/my")["totalElements"] == 0
    assert api.problems("DELETE", "/contacts/my", {"contacts": [first]}) == {"contacts"}


@pytest.mark.parametrize(("value", "status"), [("%2B306970000003", 200), ("+306970000003", 200), ("306970000003", 200), ("1", 404)])
def test_whether_a_mobile_is_known(api: Api, value: str, status: int) -> None:
    """HEAD tells by its status whether there is a contact of that number, however the plus is written (§2.19)."""
    add(api)
    assert api.raw("HEAD", f"/contacts/my/mobile?value={value}").status == status


def test_a_mobile_is_there_once(api: Api) -> None:
    """A second contact of the same number is 409002005, and so is changing one to it; changing one's own is not (§2.19)."""
    contact_id = add(api)
    other = add(api, "+306970000004")
    assert api.refused("POST", "/contacts/my", ELENI) == "409002005"
    assert api.refused("PUT", f"/contacts/my/{other}", ELENI) == "409002005"
    assert api("PUT", f"/contacts/my/{contact_id}", ELENI)["firstName"] == "Eleni"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"mobile": None}, "mobile"),
        ({"mobile": "friend"}, "mobile"),
        ({"firstName": ""}, "firstName"),
        ({"lastName": "a" * 61}, "lastName"),
        ({"email": "eleni"}, "email"),
        ({"vip": "yes"}, "vip"),
        ({"labels": {"age": "7"}}, "labels"),
        ({"labels": [{"name": "age"}]}, "labels"),
    ],
)
def test_bad_contacts(api: Api, fields: dict[str, object], problem: str) -> None:
    """A field that is missing or out of bounds is 400000000 that names it."""
    assert api.problems("POST", "/contacts/my", ELENI | fields) == {problem}


def test_no_object(api: Api) -> None:
    """JSON that is no object is refused."""
    assert api.problems("POST", "/contacts/my", []) == set()


def test_labels(api: Api) -> None:
    """Labels are made with a type, are listed beside those that everybody has, and fill the blanks of campaigns (§2.19)."""
    assert api("POST", "/contacts/labels/my", [{"name": "age", "type": "Number"}, {"name": "town"}]) == [
        {"name": "age", "type": "Number"},
        {"name": "town", "type": "Text"},
    ]
    assert api("POST", "/contacts/labels/my", {"name": "shop"}) == [{"name": "shop", "type": "Text"}]
    listed = api("GET", "/contacts/labels/my")
    assert listed["age"] == "Number"
    assert {"firstName", "lastName", "mobile", "email", "country", "town", "shop"} < set(listed)
    contact_id = add(api, labels=[{"name": "town", "value": "Athens"}])
    assert api("GET", f"/contacts/my/{contact_id}")["labels"] == [{"name": "town", "value": "Athens"}]
    api("POST", "/sms/campaign", {"from": "ParcelCo", "contacts": [contact_id], "body": "Hello [~town]"})
    assert [message.body for message in api.carrier.messages.values()] == ["Hello Athens"]


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([{"name": "town", "value": "Athens"}], "404002012"),
        ([{"name": "age", "value": "7"}, {"name": "age", "value": "8"}], "409002013"),
        ([{"name": "age", "value": "seven"}], "400002006"),
        ([{"name": "age", "value": "7.5"}], None),
    ],
)
def test_labels_of_a_contact(api: Api, labels: list[dict[str, str]], code: str | None) -> None:
    """A label of a contact is known, there once and of its type (§2.19)."""
    api("POST", "/contacts/labels/my", [{"name": "age", "type": "Number"}])
    answer = api.raw("POST", "/contacts/my", json.dumps(ELENI | {"labels": labels}).encode())
    assert json.loads(answer.body).get("code") == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ([{"name": "age"}], "409002011"),
        ([{"name": "firstName"}], "409002011"),
        ([{"name": "a"}, {"name": "a"}], "400002014"),
        ([{"name": "home town"}], "400000000"),
        ([{"name": "a", "type": "Date"}], "400000000"),
        ([{}], "400000000"),
        ("age", "400000000"),
    ],
)
def test_bad_labels(api: Api, payload: object, code: str) -> None:
    """A label is new, made once, of letters and digits and of a known type; if one is not, none is made (§2.19)."""
    api("POST", "/contacts/labels/my", [{"name": "age"}])
    before = api("GET", "/contacts/labels/my")
    assert api.refused("POST", "/contacts/labels/my", payload) == code
    assert api("GET", "/contacts/labels/my") == before


def test_blacklists(api: Api) -> None:
    """Each service has a blacklist; the answer counts what changed, and a campaign leaves the blacklisted out (§2.19)."""
    first, second = add(api, "+306970000001"), add(api, "+306970000002")
    path = "/contacts/my/blacklist/Sms"
    assert api("POST", path, [first]) == {"updated": 1}
    assert api("POST", path, [first, second]) == {"updated": 1}
    assert [one["id"] for one in api("GET", path)] == [first, second]
    assert api("GET", "/contacts/my/blacklist/Voice") == []
    assert api("GET", f"/contacts/my/{first}")["blacklistedServices"] == ["Sms"]
    assert api("DELETE", path, [first, first]) == {"updated": 1}
    api("POST", "/sms/campaign", {"from": "ParcelCo", "contacts": [first, second], "body": "Hello"})
    assert [message.to for message in api.carrier.messages.values()] == ["+306970000001"]


@pytest.mark.parametrize("service", ["Sms", "Voice", "Viber", "TwoStep", "Lookup", "NumberValidator"])
def test_services(api: Api, service: str) -> None:
    """These services have one (§2.19)."""
    assert api("GET", f"/contacts/my/blacklist/{service}") == []


def test_refusals_of_a_blacklist(api: Api) -> None:
    """An unknown service, an unknown contact and anything but an array are refused."""
    for method in ("GET", "POST", "DELETE"):
        assert api.problems(method, "/contacts/my/blacklist/Telepathy", []) == {"service"}
    assert api.refused("POST", "/contacts/my/blacklist/Sms", ["0"]) == "404002001"
    assert api.problems("POST", "/contacts/my/blacklist/Sms", {}) == {"contacts"}


def test_contacts_of_another_account(api: Api) -> None:
    """Nobody sees the contacts of another account."""
    contact_id = add(api)
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other.refused("GET", f"/contacts/my/{contact_id}") == "404002001"
    assert other("GET", "/contacts/my")["content"] == []
