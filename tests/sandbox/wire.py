"""A client of the sandbox as bare as can be, and rows of the documentation that it checks one by one."""

import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import attrs

from routee_async.sandbox import Sandbox, Settings


@attrs.frozen
class Reply:
    """What was answered.

    Attributes:
        status: HTTP status.
        headers: Headers, names in any case.
        json: The decoded body; None for an empty one, and for what is no JSON.
    """

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def code(self) -> str:
        """Routee's code, with which the status goes."""
        code = self.json["code"]
        assert isinstance(code, str)
        assert code.startswith(str(self.status))
        return code


class World:
    """A running sandbox whose time stands still, and a connection to it.

    Attributes:
        sandbox: The sandbox.
        token: The token that is sent; empty for none.
    """

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.token = ""
        self._session = session

    async def ask(self, method: str, target: str, payload: object = None, *, form: str | None = None, **headers: str) -> Reply:
        """Send a request: *payload* as JSON, or *form* as a form."""
        data = None if payload is None else json.dumps(payload).encode()
        sent = {"Content-Type": "application/json"} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        sent |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.sandbox.base_url}{target}"
        async with self._session.request(method, url, data=data if form is None else form.encode(), headers=sent) as response:
            body = await response.read()
            return Reply(response.status, response.headers, json.loads(body) if body and "json" in response.content_type else None)

    async def get(self, method: str, target: str, payload: object = None, *, form: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Send a request that is answered with 200, and give the JSON."""
        reply = await self.ask(method, target, payload, form=form)
        assert reply.status == 200, reply
        return reply.json

    async def renew(self) -> None:
        """Hold the live token, or a new one."""
        self.token = (await self.fetch_token()).json["access_token"]

    async def fetch_token(self, form: str = "grant_type=client_credentials", query: str = "", **headers: str) -> Reply:
        """Ask for a token."""
        key = f"{self.sandbox.application_id}:{self.sandbox.application_secret}".encode()
        basic = {"Authorization": "Basic " + base64.b64encode(key).decode()}
        return await self.ask("POST", f"/oauth/token{query}", form=form, **(basic | headers))


@asynccontextmanager
async def world(settings: Settings | None = None, **options: Any) -> AsyncIterator[World]:  # noqa: ANN401 - handed on
    """Run a sandbox, and hold a token of it."""
    async with (
        Sandbox(clock="manual", visibility_delay=0, settings=settings, **options) as sandbox,
        aiohttp.ClientSession(auto_decompress=True) as session,
    ):
        running = World(sandbox, session)
        await running.renew()
        yield running


Check = Callable[[World], Awaitable[None]]
Fits = Callable[[Any], bool]


@attrs.frozen
class Row:
    """One row of the documentation.

    Attributes:
        section: Its section, and what of it.
        name: The row.
        check: Asserts what the row says.
    """

    section: str
    name: str
    check: Check

    @property
    def id(self) -> str:
        """What the test is called."""
        return f"{self.section}: {self.name}"


def dig(value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """Follow *path*, such as `content.0.id`, into JSON."""
    for piece in path.split("."):
        value = value[int(piece)] if isinstance(value, list) else value[piece]
    return value


def text(value: object) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


def number(value: object) -> bool:
    """A number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: object) -> bool:
    """A whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def flag(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def uuid(value: object) -> bool:
    """A UUID."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def object_id(value: object) -> bool:
    """24 hexadecimal digits."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{24}", value) is not None


def true(value: object) -> bool:
    """True."""
    return value is True


def false(value: object) -> bool:
    """False."""
    return value is False


def moment(value: object) -> bool:
    """ISO 8601, UTC."""
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


def e164(value: object) -> bool:
    """A number with `+`."""
    return isinstance(value, str) and re.fullmatch(r"\+[1-9][0-9]{6,14}", value) is not None


def texts(value: object) -> bool:
    """An array of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def one_of(*values: object) -> Fits:
    """One of *values*."""
    return lambda value: value in values


def fields(section: str, answer: Callable[[World], Awaitable[Any]], **wanted: Fits) -> list[Row]:
    """Make a row for each field of an answer: its path, with `__` for dots, and what its value must be."""

    def row(path: str, fits: Fits) -> Row:
        async def check(running: World) -> None:
            value = dig(await answer(running), path)
            assert fits(value), value

        return Row(section, path, check)

    return [row(name.replace("__", "."), fits) for name, fits in wanted.items()]
