"""Numbers to rent in `sandbox.numbers`."""

from decimal import Decimal

import phonenumbers
import pytest

from tests.sandbox.conftest import Api

GREEK = "306912345670"


def offers(api: Api, query: str) -> list[str]:
    """Numbers on the page of what can be rented."""
    return [offer["msisdn"] for offer in api("GET", f"/numbers/available?{query}")["content"]]


def test_an_offer(api: Api) -> None:
    """An offer has the keys of the reference, and the prices of the account."""
    page = api("GET", "/numbers/available?country=GR")
    assert (page["size"], page["totalElements"]) == (20, 5)
    assert page["content"][0] == {
        "msisdn": GREEK,
        "country": "GR",
        "services": ["Sms", "Voice"],
        "tollFree": False,
        "activationCosts": {"currency": "EUR", "price": 1.0},
        "monthlyCosts": {"currency": "EUR", "price": 5.0},
        "inboundCosts": [
            {"service": "Sms", "currency": "EUR", "price": 0.006},
            {"service": "Voice", "currency": "EUR", "price": 0.006},
        ],
        "chargeInterval": 1,
    }


def test_every_offer_is_a_valid_number(api: Api) -> None:
    """No offer would be refused by a client that checks numbers."""
    everything = api(
        "POST", "/numbers/available/search?size=2000", [{"fieldName": "country", "searchTerm": "", "searchOperator": "contains"}]
    )
    numbers = [offer["msisdn"] for offer in everything["content"]]
    assert len(numbers) == len(set(numbers)) > 70
    assert [number for number in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}", None))] == []


def test_filters_of_the_list(api: Api) -> None:
    """The list takes a country, which it needs, a service and an area code (§2.16)."""
    assert api.problems("GET", "/numbers/available") == {"country"}
    assert len(offers(api, "country=GR&service=Sms")) == 4
    assert len(offers(api, "country=GR&service=Voice")) == 5
    assert offers(api, "country=US&areaCode=800") == ["18002345678"]
    assert offers(api, "country=GR&areaCode=691") == []
    assert offers(api, "country=GR&page=1&size=4") == ["306912345674"]


def test_search(api: Api) -> None:
    """The search needs a country too, knows the type, and has every operator but `is_not` (§2.16)."""

    def found(*more: dict[str, str]) -> list[str]:
        filters = [{"fieldName": "country", "searchTerm": "US"}, *more]
        return [offer["msisdn"] for offer in api("POST", "/numbers/available/search", filters)["content"]]

    assert found({"fieldName": "type", "searchTerm": "TOLL_FREE"}) == ["18002345678"]
    assert len(found({"fieldName": "type", "searchTerm": "VLN"})) == 5
    assert found({"fieldName": "msisdn", "searchTerm": "1800", "searchOperator": "starts_with"}) == ["18002345678"]
    assert api.problems("POST", "/numbers/available/search", []) == {"country"}
    assert api.problems("POST", "/numbers/available/search", {}) == {"country"}
    negative = [{"fieldName": "country", "searchTerm": "GR", "searchOperator": "is_not"}]
    assert api.problems("POST", "/numbers/available/search", negative) == {"searchOperator"}


def test_a_number_is_rented(api: Api) -> None:
    """A rented number is the account's, is paid, is told of with its callbacks and is on offer no more."""
    before = api.application.account.balance
    rented = api("POST", "/numbers/my", {"msisdn": f"+{GREEK}", "inboundSmsCallbackUrl": "http://127.0.0.1/in"})
    assert (rented["msisdn"], rented["inboundSmsCallbackUrl"]) == (GREEK, "http://127.0.0.1/in")
    assert rented["nextRenewal"] == "2026-10-21T14:13:20Z"
    assert len(rented["trackingId"]) == 36
    assert before - api.application.account.balance == Decimal(6)
    assert api("GET", "/numbers/my")["content"] == [rented]
    assert GREEK not in offers(api, "country=GR")
    assert api.application.account.inbound_urls == {GREEK: "http://127.0.0.1/in"}
    assert api.refused("POST", "/numbers/my", {"msisdn": GREEK}) == "409021002"


def test_a_number_is_changed_and_given_back(api: Api) -> None:
    """PUT replaces the callbacks; a number that is given back is on offer again and answers with nothing (§2.16)."""
    api("POST", "/numbers/my", {"msisdn": GREEK, "inboundSmsCallbackUrl": "http://127.0.0.1/in"})
    strategy = {"forwardCallTo": "+306970000001"}
    changed = api(
        "PUT", f"/numbers/my/{GREEK}", {"voiceInboundStrategy": strategy, "inboundVoiceCallbackUrl": "http://127.0.0.1/v"}
    )
    assert changed["voiceInboundStrategy"] == strategy
    assert "inboundSmsCallbackUrl" not in changed
    assert api.application.account.inbound_urls == {}
    api("PUT", f"/numbers/my/{GREEK}", {"inboundSmsCallbackUrl": "http://127.0.0.1/again"})
    assert api.application.account.inbound_urls == {GREEK: "http://127.0.0.1/again"}
    assert api("DELETE", f"/numbers/my/{GREEK}") is None
    assert api("GET", "/numbers/my")["content"] == []
    assert api.application.account.inbound_urls == {}
    assert GREEK in offers(api, "country=GR")


@pytest.mark.parametrize(("method", "path"), [("PUT", f"/numbers/my/{GREEK}"), ("DELETE", f"/numbers/my/{GREEK}")])
def test_a_number_of_nobody_or_of_another(api: Api, method: str, path: str) -> None:
    """Only a number of the account can be changed or given back."""
    assert api.refused(method, path, {}) == "404021001"
    Api(api.carrier, api.carrier.add_application("f" * 24, "x"))("POST", "/numbers/my", {"msisdn": GREEK})
    assert api.refused(method, path, {}) == "404021001"
    assert api("GET", "/numbers/my")["totalElements"] == 0


def test_refusals(api: Api) -> None:
    """What is not on offer is not found; bad fields and no money are refused before anything is rented."""
    assert api.refused("POST", "/numbers/my", {"msisdn": "+306970000001"}) == "404021001"
    assert api.problems("POST", "/numbers/my", []) == set()
    assert api.problems("POST", "/numbers/my", {}) == {"msisdn"}
    assert api.problems("POST", "/numbers/my", {"msisdn": GREEK, "voiceInboundStrategy": 1}) == {"voiceInboundStrategy"}
    assert api.problems("PUT", f"/numbers/my/{GREEK}", {"inboundSmsCallbackUrl": "ftp://x"}) == {"inboundSmsCallbackUrl"}
    assert api.problems("PUT", f"/numbers/my/{GREEK}", 7) == set()
    api.application.account.balance = Decimal("5.99")
    assert api.refused("POST", "/numbers/my", {"msisdn": GREEK}) == "400001009"
    assert GREEK in offers(api, "country=GR")
