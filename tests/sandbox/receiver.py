"""Somebody who is called back: a server on a free port that keeps what it is told and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Receiver:
    """What was received.

    Attributes:
        told: Payloads in the order of their arrival.
        content_types: Their content types.
        statuses: What the next ones are answered with; 200 when there is none left.
        release: While it is not set, callbacks wait for their answer.
        url: Where to call.
    """

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.content_types: list[str] = []
        self.statuses: list[int] = []
        self.release = asyncio.Event()
        self.release.set()
        self.url = ""
        self._came = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a callback."""
        self.told.append(json.loads(await request.read()))
        self.content_types.append(request.headers["Content-Type"])
        self._came.set()
        await self.release.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def wait_for(self, count: int) -> None:
        """Wait until so many have come."""
        while len(self.told) < count:
            self._came.clear()
            await self._came.wait()

    @property
    def statuses_told(self) -> list[str]:
        """The statuses told, in order."""
        return [payload["status"]["name"] for payload in self.told]

    def hook(self, strategy: str = "OnChange") -> dict[str, str]:
        """The field of a request that asks for callbacks here."""
        return {"url": self.url, "strategy": strategy}


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen for callbacks."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    receiver.url = str(server.make_url("/hook"))
    try:
        yield receiver
    finally:
        receiver.release.set()
        await server.close()
