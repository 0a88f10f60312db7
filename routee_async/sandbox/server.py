"""The carrier on a socket: one listener for both hosts of Routee, the one that gives tokens and the one that sends."""

import asyncio
from contextlib import suppress
from ssl import SSLContext

from aiohttp import hdrs, web

from routee_async.sandbox.answers import Answer, load
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.effects import Effect, Kind
from routee_async.sandbox.faults import FaultPlan
from routee_async.sandbox.havoc import Havoc, to_response
from routee_async.sandbox.mangle import error_answer, mangled_answer
from routee_async.sandbox.routes import Request, respond, route_of

_NEVER_READ = frozenset({Kind.CLOSE, Kind.RESET, Kind.HANG})
"""Effects that strike before the body is read, unless the request is carried out first."""
_NOTHING = Answer(200, b"{}")
_GRACE = 0.05


class SandboxServer:
    """Serves *carrier*, as far as *faults* let it.

    Args:
        carrier: What answers.
        faults: What strikes.
        gzip: Compress answers for those who take that (§1.1).
    """

    def __init__(self, carrier: Carrier, faults: FaultPlan, *, gzip: bool = False) -> None:
        self._carrier = carrier
        self._faults = faults
        self._gzip = gzip
        self._listener: asyncio.Server | None = None
        self._server: web.Server | None = None
        self._stopping = asyncio.Event()

    async def start(self, host: str, port: int, ssl: SSLContext | None = None) -> int:
        """Listen, and tell the port; 0 chooses a free one."""
        self._stopping = asyncio.Event()
        self._server = web.Server(self._handle, handler_cancellation=True, access_log=None, keepalive_timeout=75.0)
        self._listener = await asyncio.get_running_loop().create_server(self._server, host, port, ssl=ssl, backlog=1024)
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return 0 if self._server is None else len(self._server.connections)

    async def serve_forever(self) -> None:
        """Serve until cancelled, or stopped by somebody else."""
        if self._listener is not None:
            await self._stopping.wait()

    async def stop(self) -> None:
        """Close everything at once; whatever hangs is cut off."""
        if self._listener is None or self._server is None:
            return
        self._stopping.set()
        await self._stop_accepting(self._listener)
        connections = self._server.connections
        transports = [connection.transport for connection in connections if connection.transport is not None]
        await self._server.shutdown(_GRACE)
        for transport in transports:
            transport.abort()
        # Lost connections and cancelled handlers are noticed in the next rounds of the loop.
        for _ in range(5):
            await asyncio.sleep(0)
        await self._listener.wait_closed()
        self._listener = self._server = None

    @staticmethod
    async def _stop_accepting(listener: asyncio.Server) -> None:
        # A connection that is accepted in the round in which the listener closes would be left open by asyncio:
        # first stop looking for new ones, then let those at hand come in.
        loop = asyncio.get_running_loop()
        for sock in listener.sockets:
            with suppress(NotImplementedError, RuntimeError):
                loop.remove_reader(sock.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        listener.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        journal = self._carrier.journal
        journal.enter(route_of(request.method, path))
        try:
            if self._faults:
                return await self._handle_with_faults(request, path, query)
            return self._respond(request, self._carry_out(request, path, query, await request.read()))
        finally:
            journal.leave()

    async def _handle_with_faults(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        to = label = ""
        if self._faults.reads_body:
            to, label = _addressee(await request.read())
        effect = self._faults.pick(request.method, path, to, label)
        havoc = Havoc(request, self._stopping)
        if effect is not None and not effect.accepted:
            if effect.kind in _NEVER_READ:
                return await havoc.strike(effect, _NOTHING)
            if effect.kind is Kind.DELAY and not await havoc.pause(effect.seconds):
                return havoc.hang_up()
        body = await request.read()
        if effect is None:
            return self._respond(request, self._carry_out(request, path, query, body))
        late = effect.kind is Kind.DELAY
        good = self._carry_out(request, path, query, body) if effect.accepted or late else _NOTHING
        if late and effect.accepted:
            await havoc.pause(effect.seconds)
        return await self._strike(request, path, effect, good, havoc)

    async def _strike(
        self,
        request: web.BaseRequest,
        path: str,
        effect: Effect,
        good: Answer,
        havoc: Havoc,
    ) -> web.StreamResponse:
        match effect.kind:
            case Kind.DELAY:
                return self._respond(request, good)
            case Kind.ANSWER:
                return to_response(error_answer(effect, path, self._carrier.now()))
            case Kind.MANGLED:
                return to_response(mangled_answer(effect, good))
            case _:
                return await havoc.strike(effect, good)

    def _carry_out(self, request: web.BaseRequest, path: str, query: str, body: bytes) -> Answer:
        headers = request.headers
        return respond(
            self._carrier,
            Request(
                method=request.method,
                path=path,
                query=query,
                authorization=headers.get(hdrs.AUTHORIZATION, ""),
                content_type=headers.get(hdrs.CONTENT_TYPE, ""),
                body=body,
                remote=(request.remote or "") if self._carrier.settings.enforce_whitelist else "",
            ),
        )

    def _respond(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        gzip = self._gzip and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
        return to_response(answer, gzip=gzip)


def _addressee(body: bytes) -> tuple[str, str]:
    try:
        payload = load(body)
    except ValueError:
        return "", ""
    if not isinstance(payload, dict):
        return "", ""
    to = str(payload.get("to", ""))
    return f"+{to.removeprefix('+')}", str(payload.get("label") or "")
