"""The price list in `sandbox.tariff`."""

from decimal import Decimal

from tests.sandbox.conftest import Api


def test_the_whole_list(api: Api) -> None:
    """Without filters there is a price for every service, under its new name (§2.13, §8 #29)."""
    prices = api("GET", "/system/prices")
    assert prices["twoStep"] == {"sms": 0.05, "voice": 0.08}
    assert prices["lookup"] == {"perRequest": 0.006}
    assert prices["numberValidator"] == {"withPortedInfo": 0.006, "withoutPortedInfo": 0.002}
    assert prices["currency"] == {"code": "EUR", "name": "Euro", "sign": "€"}
    greece = next(row for row in prices["sms"] if row["iso"] == "GR")
    assert (greece["mcc"], greece["country"]) == ("202", "Greece")
    assert greece["networks"][0] == {"network": "Cosmote", "mnc": "01", "price": 0.032}
    voice = next(row for row in prices["voice"] if row["iso"] == "GR")
    assert voice == {"country": "Greece", "iso": "GR", "landlinePrice": "0.02", "mobilePrice": "0.05"}
    viber = next(row for row in prices["viber"] if row["iso"] == "GR")
    assert viber["prices"] == {
        "fee": "100",
        "feePeriod": "Monthly",
        "promotionalInbound": "0",
        "promotionalOutbound": "0.02",
        "transactionalInbound": "0",
        "transactionalOutbound": "0.01",
    }


def test_the_list_shows_what_a_send_costs(api: Api) -> None:
    """The price of a country in the list is the price that a text to it is charged."""
    api.application.account.prices = {"DE": Decimal("0.075")}
    (germany,) = api("GET", "/system/prices?mcc=262")["sms"]
    assert {network["price"] for network in germany["networks"]} == {0.075}
    before = api.application.account.balance
    api("POST", "/sms", {"from": "ParcelCo", "to": "+4915123456789", "body": "Hallo"})
    assert before - api.application.account.balance == Decimal("0.075")


def test_filters(api: Api) -> None:
    """`service` leaves one key beside the currency, `mcc` one country, `mnc` one network; an unknown service is a bad request."""
    assert set(api("GET", "/system/prices?service=NumberValidator")) == {"numberValidator", "currency"}
    prices = api("GET", "/system/prices?mcc=202&mnc=05")
    assert [network["network"] for network in prices["sms"][0]["networks"]] == ["Vodafone"]
    assert [row["iso"] for row in prices["voice"] + prices["viber"] + prices["sms"]] == ["GR", "GR", "GR"]
    assert api("GET", "/system/prices?mcc=999")["sms"] == []
    assert api.problems("GET", "/system/prices?service=Telepathy") == {"service"}
