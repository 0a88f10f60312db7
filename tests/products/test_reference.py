"""Every endpoint has a method, a route in the sandbox, and a story that calls it over a socket; and the page tells of all."""

import re
from pathlib import Path

import pytest

from routee_async import RouteeClient
from routee_async.products import reference
from routee_async.protocol import Content, Endpoint
from routee_async.sandbox import Sandbox, Timeline
from routee_async.sandbox.routes import _FAMILIES
from tests.products.stories import STORIES, Story

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ENDPOINTS = reference.endpoints()
ROUTES = {f"{route.method} {re.sub(r'{[^}]*}', '{}', route.path)}": route for family in _FAMILIES for route in family}
NOT_CALLED = re.compile(r"DELETE /sms/$|GET /reports/my/(latency|breakdown/|lookup|numberValidator)")
"""Routes of the sandbox that no method asks for: an id that is empty, old paths, and reports that the page does not spell out."""


def name_of(endpoint: Endpoint) -> str:
    """Name an endpoint as routes are named."""
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_endpoint_is_what_the_sandbox_has(endpoint: Endpoint) -> None:
    """Method, path and scope are those of the other side, which was written by hand from the documentation."""
    route = ROUTES[name_of(endpoint)]
    assert endpoint.scope == route.scope


def test_sandbox_has_nothing_that_is_not_declared() -> None:
    """Whatever the sandbox can do has a method, but for what is listed."""
    declared = set(map(name_of, ENDPOINTS))
    assert {name for name in ROUTES if name not in declared and not NOT_CALLED.match(name)} == set()


def test_every_section_is_there() -> None:
    """Each part of §2 of the documentation has its endpoints: 2.2 to 2.20."""
    assert {endpoint.section for endpoint in ENDPOINTS} == {f"2.{number}" for number in range(2, 21)}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_endpoint_has_a_method(endpoint: Endpoint) -> None:
    """`call` names a method, and that has a docstring."""
    assert reference.method_of(endpoint).__doc__


def test_what_costs_money_is_paid() -> None:
    """What sends, rents, looks up or makes something is made at most once; nothing that reads is."""
    paid = {endpoint.call for endpoint in ENDPOINTS if endpoint.paid}
    assert paid == {
        "send",
        "send_campaign",
        "update_campaign",
        "lookup.send",
        "lookup.validate",
        "pools.create",
        "pools.send",
        "numbers.rent",
        "failover.send",
        "two_step.send",
        "two_step.confirm",
        "contacts.create",
        "contacts.create_labels",
        "contacts.create_group",
        "contacts.merge_groups",
        "contacts.subtract_groups",
    }
    assert not [
        endpoint for endpoint in ENDPOINTS if endpoint.method in {"GET", "HEAD"} and endpoint.content is not Content.NOTHING
    ]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_story(story: Story, sandbox: Sandbox, client: RouteeClient) -> None:
    """The methods of each part work against the sandbox, over a socket."""
    await story(client, sandbox)


async def test_stories_call_every_endpoint() -> None:
    """All stories together ask for every endpoint that is declared."""
    asked = set()
    for story in STORIES:
        async with Sandbox(visibility_delay=0, timeline=Timeline(reads=1)) as sandbox, sandbox.client() as client:
            await story(client, sandbox)
        asked |= {re.sub(r"{[^}]*}", "{}", name) for name in sandbox.journal.requests}
    assert {name for name in map(name_of, ENDPOINTS) if name not in asked} == set()


def test_page_is_up_to_date() -> None:
    """`docs/api.md` is what the program says about itself."""
    hint = "write it anew: python -m routee_async.products.reference > docs/api.md"
    assert PAGE.read_text(encoding="utf-8") == reference.page(), hint
