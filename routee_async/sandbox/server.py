"""The carrier on a socket: one listener for both hosts of Routee, the one that gives tokens and the one that sends."""

import asyncio
from contextlib import suppress
from ssl import SSLContext

from aiohttp import hdrs, web

from routee_async.sandbox.answers import Answer, load
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.face import ControlFace
from routee_async.sandbox.control.table import PREFIX
from routee_async.sandbox.effects import Effect, Kind
from routee_async.sandbox.havoc import Havoc, to_response
from routee_async.sandbox.mangle import error_answer, mangled_answer
from routee_async.sandbox.routes import Request, respond, route_of

_NEVER_READ = frozenset({Kind.CLOSE, Kind.RESET, Kind.HANG})
"""Effects that strike before the body is read, unless the request is carried out first."""
_NOTHING = Answer(200, b"{}")
_SILENCE = Answer(0, b"", "")
_GRACE = 0.05


class SandboxServer:
    """Serves *carrier*, as far as *faults* let it.

    Args:
        backstage: What answers, what strikes, and what is noted of it.
        gzip: Compress answers for those who take that (§1.1).
    """

    def __init__(self, backstage: Backstage, *, gzip: bool = False) -> None:
        self._carrier = backstage.carrier
        self._faults = backstage.faults
        self._exchanges = backstage.exchanges
        self._backstage = backstage
        self._control = ControlFace(backstage)
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
        if path.startswith(PREFIX) or self._asks_for_page(request, path):
            return await self._control.answer(request, path, query)
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
                self._note(request, b"", _SILENCE, effect=effect)
                return await havoc.strike(effect, _NOTHING)
            if effect.kind is Kind.DELAY and not await havoc.pause(effect.seconds):
                return havoc.hang_up()
        body = await request.read()
        if effect is None:
            return self._respond(request, self._carry_out(request, path, query, body))
        late = effect.kind is Kind.DELAY
        answer = self._spoil(request, path, query, body, effect)
        if late and effect.accepted:
            await havoc.pause(effect.seconds)
        if late:
            return self._respond(request, answer)
        if effect.kind in {Kind.ANSWER, Kind.MANGLED}:
            return to_response(answer)
        return await havoc.strike(effect, answer)

    def _spoil(self, request: web.BaseRequest, path: str, query: str, body: bytes, effect: Effect) -> Answer:
        """Carry the request out if it is to be, and make the answer that *effect* leaves of it."""
        if effect.accepted or effect.kind is Kind.DELAY:
            before = len(self._carrier.journal.accepted)
            answer = self._ask(request, path, query, body)
        else:
            before, answer = len(self._carrier.journal.accepted), _NOTHING
        if effect.kind is Kind.ANSWER:
            answer = error_answer(effect, path, self._carrier.now())
        elif effect.kind is Kind.MANGLED:
            answer = mangled_answer(effect, answer)
        self._note(request, body, answer, before, effect)
        return answer

    def _carry_out(self, request: web.BaseRequest, path: str, query: str, body: bytes) -> Answer:
        before = len(self._carrier.journal.accepted)
        answer = self._ask(request, path, query, body)
        self._note(request, body, answer, before)
        return answer

    def _ask(self, request: web.BaseRequest, path: str, query: str, body: bytes) -> Answer:
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

    def _note(
        self,
        request: web.BaseRequest,
        body: bytes,
        answer: Answer,
        before: int | None = None,
        effect: Effect | None = None,
    ) -> None:
        self._backstage.changes.tell()
        if self._exchanges.keep:
            self._keep(request, body, answer, before, effect)
        if self._backstage.keep_messages is not None:
            self._backstage.trim()

    def _keep(self, request: web.BaseRequest, body: bytes, answer: Answer, before: int | None, effect: Effect | None) -> None:
        accepted = () if before is None else self._carrier.journal.accepted[before:]
        self._exchanges.add(
            at=self._carrier.now(),
            method=request.method,
            target=request.raw_path,
            raw_headers=request.raw_headers,
            body=body,
            status=answer.status,
            content_type=answer.content_type,
            answer=answer.body,
            fault="" if effect is None else effect.kind.value,
            tracking_ids=tuple(message.tracking_id for message in accepted),
        )

    @staticmethod
    def _asks_for_page(request: web.BaseRequest, path: str) -> bool:
        return path == "/" and "text/html" in request.headers.get(hdrs.ACCEPT, "")

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
