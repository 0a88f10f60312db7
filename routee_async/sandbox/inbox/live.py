"""Server-sent events: an open page is told that something has changed, and fetches itself anew."""

import asyncio
from itertools import islice
from typing import Final

from aiohttp import web

from routee_async.sandbox.control.backstage import Backstage

_GLANCE: Final = 0.5
"""Seconds between looks at what changes by the clock alone."""
_REST: Final = 0.2
"""Seconds between two events, however much happens."""
_BEAT: Final = 15.0
"""Seconds without an event after which a comment is sent, so that dead connections are noticed."""
_WATCHED: Final = 300
"""The newest messages, whose statuses are looked at."""
_CHANGED: Final = b"event: changed\ndata: \n\n"
_NOTHING: Final = b": still here\n\n"


async def stream(request: web.BaseRequest, backstage: Backstage, known: int) -> web.StreamResponse:
    """Tell of changes after the version *known*, until the page is closed or the server stops."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    await response.write(_NOTHING)  # the headers leave with the first bytes, and the page waits for them
    loop = asyncio.get_running_loop()
    seen, beat = look(backstage), loop.time()
    while True:
        is_new = await backstage.changes.wait(known, _GLANCE)
        now_seen = look(backstage)
        if is_new or now_seen != seen:
            known, seen, beat = backstage.changes.version, now_seen, loop.time()
            await response.write(_CHANGED)
        elif loop.time() - beat >= _BEAT:
            beat = loop.time()
            await response.write(_NOTHING)
        await asyncio.sleep(_REST)


def look(backstage: Backstage) -> int:
    """Sum up how far the newest messages are: another sum means that a status has changed."""
    now = backstage.carrier.now()
    return sum(message.step(now) for message in islice(reversed(tuple(backstage.carrier.messages.values())), _WATCHED))
