"""The IP whitelist in `sandbox.whitelist`."""

import json

import pytest

from tests.sandbox.conftest import Api

HERE, THERE = "127.0.0.1", "203.0.113.7"


def test_addresses_are_set_shown_and_cleared(api: Api) -> None:
    """POST and PATCH set the addresses, each once, GET shows them, DELETE lets everybody in again (§2.16)."""
    assert api("GET", "/security/whitelist") == {"whitelistedIps": []}
    assert api("POST", "/security/whitelist", {"whitelistedIps": [THERE, THERE]}) == {"whitelistedIps": [THERE]}
    assert api("PATCH", "/security/whitelist", {"whitelistedIps": ["2001:db8::1"]}) == {"whitelistedIps": ["2001:db8::1"]}
    assert api("DELETE", "/security/whitelist") is None
    assert api("GET", "/security/whitelist") == {"whitelistedIps": []}


@pytest.mark.parametrize("payload", [[], {}, {"whitelistedIps": []}, {"whitelistedIps": ["here"]}, {"whitelistedIps": [1]}])
def test_bad_addresses(api: Api, payload: object) -> None:
    """The array may not be empty, and holds addresses (§2.16)."""
    assert api.problems("POST", "/security/whitelist", payload) == {"whitelistedIps"}


def test_enforcement_is_a_setting(api: Api) -> None:
    """Whom the whitelist of the application does not name is 403 if settings say so, whatever the right, and only then (§1.1)."""
    api("POST", "/security/whitelist", {"whitelistedIps": [THERE]})
    assert api.raw("GET", "/accounts/me/balance", remote=HERE).status == 200
    api.carrier.settings.enforce_whitelist = True
    refused = api.raw("GET", "/accounts/me/balance", remote=HERE)
    assert (refused.status, json.loads(refused.body)["code"]) == (403, "403000000")
    assert api.raw("GET", "/accounts/me/balance", remote=THERE).status == 200
    other = Api(api.carrier, api.carrier.add_application("f" * 24, "x"))
    assert other.raw("GET", "/accounts/me/balance", remote=HERE).status == 200
