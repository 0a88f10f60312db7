"""Every endpoint of the sandbox, given any JSON."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routes import ROUTES, Request, respond
from routee_async.sandbox.routing import Route
from tests.sandbox.conftest import Clock, dice

TO = "+306970000001"
GOOD: dict[str, Any] = {
    "/lookup": {"to": TO},
    "/numbervalidator": {"to": TO},
    "/2step": {"method": "sms", "type": "code", "recipient": TO, "template": "@@pin"},
    "/failover": {
        "flow": [
            {"type": "Sms", "from": "ParcelCo", "to": TO, "message": {"body": "Hello"}},
            {"type": "Viber", "senderInfoTrackingId": "abc", "to": TO, "message": {"text": "Hello"}},
            {"type": "Voice", "from": "ParcelCo", "to": {"phone": TO}, "dialPlan": {"verbs": []}},
        ],
    },
    "/pools/my": {"poolName": "pool", "smsSettings": {"multipleSender": [{"country": "GR", "senderId": "A"}]}},
    "/numbers/my": {"msisdn": "306912345670"},
    "/contacts/my": {"mobile": TO, "labels": [{"name": "town", "value": "Athens"}]},
    "/contacts/labels/my": [{"name": "town", "type": "Text"}],
    "/groups/my": {"name": "vip", "strategy": "Filtered", "filters": []},
    "/groups/my/merge": {"name": "both", "groups": ["All"]},
    "/security/whitelist": {"whitelistedIps": ["127.0.0.1"]},
}
"""A good body by path: change one thing in it, and what reads it is reached more often."""
WORDS = (
    "",
    "x",
    TO,
    "306912345670",
    "http://127.0.0.1/",
    "OnStep",
    "OnChange",
    "Sms",
    "All",
    "is_not",
    "country",
    "GR",
    "2026-01-01",
)
NAMES = (
    "to",
    "from",
    "body",
    "label",
    "type",
    "ttl",
    "order",
    "url",
    "strategy",
    "name",
    "value",
    "fieldName",
    "searchTerm",
    "filters",
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(WORDS)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4), max_leaves=8
)


def places(value: object) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that can be changed: what holds it, and its key or index."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inside for place in ((value, key), *places(one))]


@settings(max_examples=300)
@given(route=st.sampled_from(ROUTES), anything=VALUES, place=st.integers(0, 30), word=st.sampled_from(WORDS), size=st.integers())
def test_nothing_makes_an_endpoint_stumble(route: Route, anything: object, place: int, word: str, size: int) -> None:
    """Whatever the body and the query hold, the answer is a good one or a documented error, never a broken server."""
    carrier = Carrier(now=Clock(), rng=dice())
    token = carrier.tokens.grant(carrier.add_application("6400aabbccddeeff00112233", "S4ndb0xKey")).value
    payload = json.loads(json.dumps(GOOD.get(route.path)))
    found = places(payload)
    if found and place < len(found):
        holder, key = found[place]
        holder[key] = anything
    else:
        payload = anything
    request = Request(
        method=route.method,
        path="/".join("vip" if piece.startswith("{") else piece for piece in route.path.split("/")),
        query=f"page={size}&size={word}&sort={word}&country={word}&from={word}&startDate={word}&endDate={word}&mcc={word}",
        authorization=f"Bearer {token}",
        content_type="application/json",
        body=json.dumps(payload).encode(),
    )
    answer = respond(carrier, request)
    assert answer.status < 500 or route.path == "/sms/"
    carrier.now = lambda: 2_000_000_000.0
    carrier.run()
