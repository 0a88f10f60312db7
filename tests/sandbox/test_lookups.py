"""Look-ups of numbers in `sandbox.lookups`."""

from decimal import Decimal

import pytest

from routee_async.sandbox.timeline import Magic
from tests.sandbox.conftest import Api, Clock

TO = "+306970000000"


def test_an_active_number(api: Api) -> None:
    """An active subscriber comes with country, network and whereabouts, under the documented keys (§2.14)."""
    found = api("POST", "/lookup", {"to": TO, "label": "crm-check"})
    assert len(found.pop("lookupId")) == 36
    assert found == {
        "to": TO,
        "label": "crm-check",
        "createdAt": "2026-09-21T14:13:20.123Z",
        "applicationName": "default",
        "statusInfo": {"status": "Active", "description": "Subscriber is active", "updatedAt": "2026-09-21T14:13:20Z"},
        "details": {
            "mcc": "202",
            "country": {"code": "GR", "name": "Greece", "localeName": "Ελλάδα", "isoA3Code": "GRC"},
            "network": {"name": "Cosmote", "mnc": "01"},
            "imsi": "202016970000000",
            "ported": False,
            "roamingNetwork": {
                "state": "NotRoaming",
                "country": "Greece",
                "countryIsoCode": "GR",
                "mmc": "202",
                "mnc": "01",
                "network": "Cosmote",
            },
        },
    }


def test_reading_a_look_up_tells_its_price(api: Api) -> None:
    """Reading gives the same and the price, which the balance has paid (§2.14)."""
    before = api.application.account.balance
    made = api("POST", "/lookup", {"to": TO[1:]})
    assert api("GET", f"/lookup/{made['lookupId']}") == made | {"price": 0.006}
    assert before - api.application.account.balance == Decimal("0.006")


@pytest.mark.parametrize(
    ("to", "status", "detailed"),
    [
        (Magic.HANDSET, "Absent", True),
        (Magic.FAILED, "Failed", False),
        (Magic.UNKNOWN_NUMBER, "Unknown", False),
        (Magic.UNKNOWN_STATUS, "Unknown", False),
        (Magic.NEVER_FINAL, "Queued", False),
        (Magic.DELIVERED, "Active", True),
    ],
)
def test_status_of_a_magic_number(api: Api, to: Magic, status: str, *, detailed: bool) -> None:
    """A look-up finds what would become of a text; only who was found has details."""
    found = api("POST", "/lookup", {"to": to})
    assert (found["statusInfo"]["status"], "details" in found) == (status, detailed)


def test_a_ported_and_a_roaming_number(api: Api) -> None:
    """A ported number names both networks, and lives in the new one; one that roams is shown abroad (§2.14)."""
    ported = api("POST", "/lookup", {"to": Magic.PORTED})["details"]
    assert (ported["ported"], ported["network"]["name"], ported["portedNetwork"]) == (
        True,
        "Vodafone",
        {"name": "Nova", "mnc": "10"},
    )
    assert ported["imsi"].startswith("20210")
    assert ported["roamingNetwork"]["network"] == "Nova"
    roaming = api("POST", "/lookup", {"to": Magic.ROAMING})["details"]["roamingNetwork"]
    assert roaming == {
        "state": "Roaming",
        "country": "Germany",
        "countryIsoCode": "DE",
        "mmc": "262",
        "mnc": "01",
        "network": "Telekom",
    }


@pytest.mark.parametrize(("to", "country"), [("+61412000001", {"code": "AU"}), ("+881600000001", {})])
def test_a_number_of_an_unlisted_country(api: Api, to: str, country: dict[str, str]) -> None:
    """Where no network is known, the details say so by leaving it out."""
    assert api("POST", "/lookup", {"to": to})["details"] == {"country": country, "ported": False}


def test_a_look_up_may_take_its_time(api: Api, clock: Clock) -> None:
    """By setting, the first answer is still `Queued`, and reading later tells the end (§2.14)."""
    api.carrier.settings.lookup_delay = 2.0
    first = api("POST", "/lookup", {"to": TO})
    assert first["statusInfo"] == {
        "status": "Queued",
        "description": "The look-up has not ended yet",
        "updatedAt": "2026-09-21T14:13:20Z",
    }
    clock.advance(2)
    later = api("GET", f"/lookup/{first['lookupId']}")["statusInfo"]
    assert (later["status"], later["updatedAt"]) == ("Active", "2026-09-21T14:13:22Z")


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        ([], set()),
        ({}, {"to"}),
        ({"to": "friend"}, {"to"}),
        ({"to": Magic.REFUSED}, {"to"}),
        ({"to": TO, "label": "a" * 351}, {"label"}),
        ({"to": TO, "label": 7}, {"label"}),
    ],
)
def test_bad_requests(api: Api, payload: object, problems: set[str]) -> None:
    """What is missing or out of bounds is 400000000."""
    assert api.problems("POST", "/lookup", payload) == problems


def test_no_money(api: Api) -> None:
    """A look-up that the balance cannot pay is refused, and so is the number that stands for that."""
    assert api.refused("POST", "/lookup", {"to": Magic.NO_BALANCE}) == "400001009"
    api.application.account.balance = Decimal("0.005")
    assert api.refused("POST", "/lookup", {"to": TO}) == "400001009"


def test_unknown_look_up(api: Api) -> None:
    """An id that nobody was given, or somebody else was, is not found, with its entity (§3.4)."""
    made = api("POST", "/lookup", {"to": TO})
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    for who, lookup_id in ((api, "0"), (other, made["lookupId"])):
        assert who.refused("GET", f"/lookup/{lookup_id}") == "404014001"


def test_search(api: Api, clock: Clock) -> None:
    """All documented fields can be searched, in a range of time, ten to a page (§2.14)."""
    for number, label in ((TO, "a"), (Magic.PORTED, "b"), (Magic.ROAMING, "c"), (Magic.HANDSET, None)):
        api("POST", "/lookup", {"to": number, "label": label})
        clock.advance(60)

    def found(name: str, term: str, query: str = "") -> list[str]:
        page = api("POST", f"/lookup/tracking{query}", [{"fieldName": name, "searchTerm": term}])
        assert page["size"] == 10
        return [item.get("label", "-") for item in page["content"]]

    assert found("label", "b") == found("ported", "true") == ["b"]
    assert found("roaming", "Roaming") == ["c"]
    assert found("status", "Absent") == ["-"]
    assert found("network", "Cosmote") == ["a", "-"]
    assert found("country", "GR") == found("something", "else") == ["a", "b", "c", "-"]
    assert found("imsi", "202016970000000") == ["a"]
    assert found("groups", "vip") == found("campaignName", "x") == found("campaignID", "x") == []
    assert found("country", "GR", "?dateStart=2026-09-21T14:14Z&dateEnd=2026-09-21T14:15Z") == ["b"]
    assert found("country", "GR", "?sort=label,desc") == ["c", "b", "a", "-"]
    (item,) = api("POST", "/lookup/tracking", [{"fieldName": "label", "searchTerm": "a"}])["content"]
    assert found("lookupID", item["lookupId"]) == ["a"]
    assert item["price"] == 0.006
