"""Requests to any path."""

import json

import pytest

from routee_async import (
    InsufficientBalanceError,
    InvalidInputError,
    MalformedResponseError,
    OutcomeUnknownError,
    RawResponse,
    RouteeClient,
    raw,
)
from routee_async.protocol import Content
from routee_async.sandbox import Fault, Magic, Sandbox, faults


async def test_any_path(client: RouteeClient, sandbox: Sandbox) -> None:
    """Status, all headers and the body of an answer, with the client's own token."""
    answer = await client.request("get", "/accounts/me/balance")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    payload = answer.json()
    assert isinstance(payload, dict)
    assert payload["balance"] == sandbox.balance
    listed = await client.request("POST", "/sms/tracking", query={"page": 0, "size": 5, "sort": None}, json=[], paid=False)
    assert b'"size":5' in listed.body.replace(b" ", b"")


async def test_paid_request_is_made_once(client: RouteeClient, sandbox: Sandbox) -> None:
    """Whatever is not said to be free is made at most once, as a message is sent at most once."""
    sms = {"from": "P", "to": "+306970000001", "body": "Hi"}
    sandbox.faults.add(Fault(faults.error(500, accepted=True), path="/sms", times=1))
    with pytest.raises(OutcomeUnknownError):
        await client.request("POST", "/sms", json=sms)
    answer = await client.request("POST", "/sms", json=sms)
    assert "content-length" in answer.headers
    assert sandbox.journal.sends_received == 2
    with pytest.raises(InsufficientBalanceError):
        await client.request("POST", "/sms", json={**sms, "to": Magic.NO_BALANCE.value})


async def test_free_request_is_repeated(client: RouteeClient, sandbox: Sandbox) -> None:
    """A read gets through what can pass."""
    sandbox.faults.add(Fault(faults.error(503, retry_after="0"), path="/accounts/me/balance", times=1))
    assert (await client.request("GET", "/accounts/me/balance")).status == 200


@pytest.mark.parametrize(
    "path",
    ["", "sms", "//evil.example/x", "https://evil.example/", "/a b", "/a?b=c", "/a#b", "/a\\b", "/a\nb", None],
    ids=repr,
)
def test_token_goes_nowhere_else(path: str) -> None:
    """Only a path on Routee's own host is asked for."""
    with pytest.raises(InvalidInputError):
        raw.build("GET", path)


@pytest.mark.parametrize("method", ["", "TRACE", "GET /x", None, 3], ids=repr)
def test_methods(method: str) -> None:
    """Only methods that Routee's API knows."""
    with pytest.raises(InvalidInputError):
        raw.build(method, "/x")


def test_request_has_one_body() -> None:
    """JSON and a form exclude one another."""
    with pytest.raises(InvalidInputError):
        raw.build("POST", "/x", json={}, form={})


@pytest.mark.parametrize(("method", "paid"), [("GET", False), ("HEAD", False), ("POST", True), ("PUT", True), ("DELETE", True)])
def test_what_is_paid(method: str, *, paid: bool) -> None:
    """Everything but GET and HEAD counts as paid, unless the caller knows better."""
    assert raw.build(method, "/x").endpoint.paid is paid
    assert raw.build(method, "/x", paid=not paid).endpoint.paid is not paid


def test_bodies() -> None:
    """A form is a form, JSON is JSON, letters outside ASCII are quoted."""
    made = raw.build("POST", "/groups/my/φίλοι", form={"a": "b c"}, query={"on": True})
    assert (made.body, made.path) == (b"a=b+c", "/groups/my/%CF%86%CE%AF%CE%BB%CE%BF%CE%B9?on=true")
    assert made.endpoint.content is Content.FORM
    assert json.loads(raw.build("POST", "/x", json={"a": 1}).body or b"") == {"a": 1}
    assert raw.build("GET", "/x").body is None


def test_answer_that_is_no_json() -> None:
    """Decoding is asked for, and may fail."""
    with pytest.raises(MalformedResponseError):
        RawResponse(200, {}, b"<html>").json()
