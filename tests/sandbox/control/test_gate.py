"""Tests of `control/gate.py`, and that nothing gets around it."""

import aiohttp
import pytest

from routee_async.sandbox import Sandbox
from routee_async.sandbox.control.gate import objection


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("routee.localhost:80", True),
        ("[::1]:8080", True),
        ("192.168.1.7:8080", True),
        ("sandbox:8080", True),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("user@127.0.0.1", False),
        ("127.0.0.1/..", False),
        ("127.0.0.1:x", False),
        ("", False),
        ("[", False),
    ],
)
def test_host(host: str, passes: bool) -> None:  # noqa: FBT001 - a table
    """An address or a known name is this machine's; any other name may have been pointed here by a foreign page."""
    assert (objection(method="GET", host=host, origin=None, site=None, allowed=("Sandbox",)) is None) is passes


@pytest.mark.parametrize(
    ("method", "origin", "site", "passes"),
    [
        ("POST", None, None, True),
        ("POST", "http://127.0.0.1:8080", "same-origin", True),
        ("POST", "https://127.0.0.1:8080", None, True),
        ("POST", None, "none", True),
        ("POST", "http://127.0.0.1:9090", None, False),
        ("POST", "http://evil.example", None, False),
        ("POST", "null", None, False),
        ("POST", None, "cross-site", False),
        ("POST", None, "same-site", False),
        ("DELETE", "http://evil.example", None, False),
        ("GET", "http://evil.example", "cross-site", True),
        ("HEAD", None, "cross-site", True),
    ],
)
def test_origin(method: str, origin: str | None, site: str | None, passes: bool) -> None:  # noqa: FBT001 - a table
    """What changes something must not come from a page of another origin; what only reads cannot be read by it anyway."""
    assert (objection(method=method, host="127.0.0.1:8080", origin=origin, site=site) is None) is passes


@pytest.mark.parametrize("path", ["/_sandbox/messages", "/_sandbox/", "/_sandbox/live", "/_sandbox/static/inbox.js", "/_sandbox/x"])
async def test_rebound_name_reaches_nothing(sandbox: Sandbox, path: str) -> None:
    """Under a foreign name there is no page, no file and no API, and the answer allows no other origin to read it."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox.base_url}{path}", headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 403
        assert "not a known name" in (await answer.json())["error"]
        assert not any(name.startswith("Access-Control") for name in answer.headers)


async def test_foreign_page_changes_nothing(sandbox: Sandbox) -> None:
    """A form on a foreign page cannot reset the sandbox, and nothing is changed by a GET."""
    sandbox.faults.add()
    async with aiohttp.ClientSession() as session:
        for path in ("/_sandbox/reset", "/_sandbox/do/reset"):
            async with session.post(f"{sandbox.base_url}{path}", headers={"Origin": "http://evil.example"}) as answer:
                assert answer.status == 403
            async with session.get(f"{sandbox.base_url}{path}") as answer:
                assert answer.status == 405
                assert answer.headers["Allow"] == "POST"


async def test_allowed_name() -> None:
    """A name that was allowed reaches everything, as in a network of containers."""
    async with (
        Sandbox(allowed_hosts=("routee",)) as sandbox,
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.base_url}/_sandbox/reset", headers={"Host": "routee:80", "Origin": "http://routee:80"}) as answer,
    ):
        assert answer.status == 200
