"""Fixtures that several test files share."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from routee_async import lane as lane_module
from routee_async.client import RouteeClient
from routee_async.models import Sms
from routee_async.sandbox import Sandbox, Timeline

# A slow machine is not a failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose messages are visible at once and move on with each read, so that no test has to wait."""
    async with Sandbox(visibility_delay=0, timeline=Timeline(reads=1)) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[RouteeClient]:
    """A client of the sandbox that leaves neither tasks nor connections behind."""
    before = asyncio.all_tasks()
    async with sandbox.client() as opened:
        yield opened
    left = {task.get_name() for task in asyncio.all_tasks() - before if task.get_name().startswith("routee-")}
    assert not left


@pytest.fixture
def sms() -> Sms:
    """An ordinary message."""
    return Sms(to="+306970000001", sender_id="ParcelCo", body="Your parcel is here")


@pytest.fixture(params=["direct", "session"])
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways that sends take: the direct lane, and aiohttp's session where that lane is not supported."""
    name = str(request.param)
    if name == "session":
        monkeypatch.setattr(lane_module, "is_supported", lambda: False)
    return name
