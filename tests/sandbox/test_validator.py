"""Checks of numbers in `sandbox.validator`."""

from decimal import Decimal

import pytest

from routee_async.sandbox.timeline import Magic
from routee_async.sandbox.validator import examine
from tests.sandbox.conftest import Api

TO = "+306970000000"


def test_a_good_number(api: Api) -> None:
    """A number that can exist comes with type, network, formats and place, under the documented keys (§2.14)."""
    checked = api("POST", "/numbervalidator", {"to": TO, "host": "example.org"})
    assert len(checked.pop("numberValidatorId")) == 36
    assert checked == {
        "to": TO,
        "valid": True,
        "getPorted": False,
        "createdAt": "2026-09-21T14:13:20Z",
        "applicationName": "default",
        "details": {
            "type": "mobile",
            "countryCode": "GR",
            "countryPrefix": "30",
            "network": "Cosmote",
            "networkCode": "20201",
            "ported": False,
        },
        "formats": {"international": "+30 697 000 0000", "national": "697 000 0000", "rfc3966": "tel:+30-697-000-0000"},
        "geo": {
            "continent": "Europe",
            "country": "Greece",
            "countryISO2Code": "GR",
            "countryISO3Code": "GRC",
            "host": "example.org",
        },
    }


@pytest.mark.parametrize("to", ["+30697", "+999123456789", "friend"])
def test_a_number_that_cannot_exist(api: Api, to: str) -> None:
    """A number that cannot exist is not valid, and nothing more is told of it."""
    checked = api("POST", "/numbervalidator", {"to": to})
    assert checked["valid"] is False
    assert not {"details", "formats", "geo"} & set(checked)


def test_what_it_costs(api: Api) -> None:
    """Asking for the network that a number was ported to costs more, whether it was or not, and tells that network (§2.13)."""
    account = api.application.account
    start = account.balance
    assert api("POST", "/numbervalidator", {"to": Magic.PORTED})["details"]["network"] == "Vodafone"
    assert start - account.balance == Decimal("0.002")
    moved = api("POST", "/numbervalidator", {"to": Magic.PORTED, "getPorted": True})
    assert start - account.balance == Decimal("0.008")
    assert (moved["getPorted"], moved["details"]["ported"], moved["details"]["networkCode"]) == (True, True, "20210")
    account.balance = Decimal(0)
    assert api.refused("POST", "/numbervalidator", {"to": TO}) == "400001009"


@pytest.mark.parametrize(
    ("payload", "problems"),
    [(7, set()), ({}, {"to"}), ({"to": TO, "getPorted": "yes"}, {"getPorted"}), ({"to": TO, "host": 1}, {"host"})],
)
def test_bad_requests(api: Api, payload: object, problems: set[str]) -> None:
    """What is missing or of another type is 400000000."""
    assert api.problems("POST", "/numbervalidator", payload) == problems


@pytest.mark.parametrize(
    ("to", "kind"),
    [("+302101234567", "landline"), ("+12015550123", "mobile"), ("+308001234567", "toll free"), ("+309012345678", "other")],
)
def test_types(to: str, kind: str) -> None:
    """The type follows the numbering plan."""
    details = examine(to)["details"]
    assert isinstance(details, dict)
    assert details["type"] == kind


def test_a_place_without_a_network() -> None:
    """Where no network or name is known, it is left out."""
    found = examine("+61412345678")
    assert found["geo"] == {"countryISO2Code": "AU"}
    assert found["details"] == {"type": "mobile", "countryCode": "AU", "countryPrefix": "61", "ported": False}
    assert examine("+881612345678")["geo"] == {"countryISO2Code": "001"}
