"""A world to check the sandbox in, over a real socket."""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import attrs

from routee_async.sandbox import Clock, Sandbox
from routee_async.sandbox.answers import load
from tests.sandbox.receiver import Receiver, receiving

START = 1_790_000_000.0
"""2026-09-21T14:13:20Z"""
LATER = "2026-09-21T15:13:20Z"
"""An hour after that."""
ONE, TWO = "+306970000001", "+306970000002"
SMS = {"from": "ParcelCo", "to": ONE, "body": "Your parcel is here"}
CAMPAIGN = {"from": "ParcelCo", "to": [ONE, TWO], "body": "Your parcel is here"}
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ABSENT = object()
"""Expected of a key that is not there."""


@attrs.frozen
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        headers: Its headers.
        body: Bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The decoded body."""
        return load(self.body)

    @property
    def code(self) -> str:
        """Routee's code."""
        return str(self.json["code"])


class World:
    """A sandbox whose time stands still, somebody who asks it, and somebody who is called back.

    Attributes:
        sandbox: The sandbox.
        receiver: Who is called back.
    """

    def __init__(self, sandbox: Sandbox, receiver: Receiver, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        self._session = session

    @property
    def settings(self) -> Any:  # noqa: ANN401 - rows set what they like
        """The choices in force."""
        return self.sandbox.carrier.settings

    @property
    def basic(self) -> str:
        """Credentials as the token endpoint wants them."""
        pair = f"{self.sandbox.application_id}:{self.sandbox.application_secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def get(self, method: str, target: str, payload: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask for what is answered with 200, and give the JSON; None for an empty body."""
        reply = await self.ask(method, target, payload)
        assert reply.status == 200, reply.body
        return reply.json if reply.body else None

    async def ask(self, method: str, target: str, payload: object = None, **headers: str) -> Reply:
        """Ask with a token and a JSON body; headers with `_` for `-`, an empty one to leave it out."""
        given = {
            "Authorization": f"Bearer {self.sandbox.carrier.tokens.grant(self.sandbox.application).value}",
            "Content-Type": "application/json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        skipped = [name for name, value in given.items() if not value]
        async with self._session.request(
            method,
            self.sandbox.base_url + target,
            data=data,
            headers={name: value for name, value in given.items() if value},
            skip_auto_headers=skipped,
            allow_redirects=False,
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    async def token(self, form: str = "grant_type=client_credentials", target: str = "/oauth/token", **headers: str) -> Reply:
        """Ask for a token."""
        given = {"Authorization": self.basic, "Content_Type": "application/x-www-form-urlencoded"} | headers
        return await self.ask("POST", target, form.encode(), **given)

    async def send(self, **fields: object) -> Reply:
        """Send a message, with some fields changed; `...` leaves one out."""
        return await self.ask("POST", "/sms", changed(SMS, fields))

    async def create(self, **fields: object) -> Reply:
        """Create a campaign, with some fields changed; `...` leaves one out."""
        return await self.ask("POST", "/sms/campaign", changed(CAMPAIGN, fields))

    async def track(self, tracking_id: str) -> Any:  # noqa: ANN401 - JSON
        """The parts of a message."""
        return (await self.ask("GET", f"/sms/tracking/single/{tracking_id}")).json

    async def search(self, *filters: object, query: str = "") -> Any:  # noqa: ANN401 - JSON
        """A page of the search."""
        return (await self.ask("POST", f"/sms/tracking{query}", list(filters))).json


def changed(payload: Mapping[str, object], fields: Mapping[str, object]) -> dict[str, object]:
    """Change some fields of *payload*; `...` leaves one out."""
    return {name: value for name, value in {**payload, **fields}.items() if value is not ...}


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """A world of its own."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        sandbox = await stack.enter_async_context(Sandbox(clock=Clock(speed=0, start=START), visibility_delay=0))
        sandbox.application.token_life = 10 * 86400
        session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        yield World(sandbox, receiver, session)
