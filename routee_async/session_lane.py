"""The way through aiohttp's session: all reads, and sends where there is no direct lane. The session may be the caller's own.

What a caller has set on the session (headers, proxy, traces, middlewares, cookies) goes on working, so only documented calls are
made. They cost less where aiohttp is not asked for what is known here: the bounds of time are kept by one timer for all exchanges,
the headers are built once, and a body that has come whole is taken as it is.
"""

from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from routee_async.answers import decompress, make_response, read_capped
from routee_async.ballast import Ballast
from routee_async.deadlines import Deadlines
from routee_async.lease import Mark
from routee_async.options import Timeout
from routee_async.pool import Pool
from routee_async.protocol import Request, Response

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

COUNTS_SILENCE: Final = hasattr(ResponseHandler, "read_timeout") and hasattr(ResponseHandler, "start_timeout")
"""Whether aiohttp can be told to count the silence when an answer is already waited for."""
_FIRST_LOOK = 1.0
"""Seconds after which the silence of an answer is counted at the latest. aiohttp rounds its bounds up to whole seconds, too."""
_LOOKS = 8
"""Parts of `sock_read` after which the silence is counted, where that is sooner."""
_NONE_OF_OURS: Final = nullcontext()


class MarkedPayload(aiohttp.Payload):
    """A body that sets the mark just before it is written. aiohttp keeps the head back until the body comes.

    Args:
        body: What to write.
        mark: Told of it.
        sock_read: Seconds of silence that are borne, once `listen` was called.
    """

    def __init__(self, body: bytes, mark: Mark, sock_read: float) -> None:
        super().__init__(body)
        self._size = len(body)
        self._mark = mark
        self._sock_read = sock_read
        self._handler: object = None

    @property
    def autoclose(self) -> bool:
        """True, because nothing is open that would have to be closed."""
        return True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text, for a middleware of the caller's."""
        return bytes(self._value).decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The body as it is."""
        del encoding, errors
        return bytes(self._value)

    async def write(self, writer: "AbstractStreamWriter") -> None:
        """Write all of the body."""
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: "AbstractStreamWriter", content_length: int | None) -> None:
        """Write the body, but no more than *content_length* bytes."""
        mark = self._mark
        mark.written = True
        mark.connection = getattr(writer, "transport", None)
        Pool.shrink_buffer(mark.connection)
        await writer.write(self._value[:content_length])
        self._handler = getattr(writer, "protocol", None)

    async def see_whether_it_is_sent(
        self,
        request: aiohttp.ClientRequest,
        handler: aiohttp.ClientHandlerType,
    ) -> aiohttp.ClientResponse:
        """The innermost middleware: where one of the caller's has put another body in our place, nobody sets the mark later."""
        if request.body is not self:
            self._mark.written = True
        return await handler(request)

    def listen(self) -> bool:
        """Have aiohttp count the silence from now on; False as long as the body is not written."""
        handler = self._handler
        if not isinstance(handler, ResponseHandler):
            return False
        handler.read_timeout = self._sock_read
        handler.start_timeout()
        return True


class SessionLane:
    """Exchanges through a session.

    Args:
        session: Which.
        timeout: Bounds of one exchange.
        undo_compression: True where the session leaves that to us.
    """

    def __init__(self, session: aiohttp.ClientSession, timeout: Timeout, *, undo_compression: bool) -> None:
        self._session = session
        self._timeout = timeout
        self._undo_compression = undo_compression
        self._ballast = Ballast()
        self._deadlines = Deadlines(min(_FIRST_LOOK, timeout.sock_read / _LOOKS))
        # A request without a body does not tell its connection, so that aiohttp has to count the silence from the beginning.
        self._bounds_of_read = self._bounds(None, timeout.sock_read)
        self._bounds_of_send = self._bounds(None, None if COUNTS_SILENCE else timeout.sock_read)

    def exchange(
        self,
        request: Request,
        url: URL,
        headers: CIMultiDict[str],
        time_left: float,
        mark: Mark,
    ) -> Coroutine[Any, Any, Response]:
        """Write *request*, read the whole answer: to be awaited at once.

        Args:
            request: What to write.
            url: Where to.
            headers: All of its headers, which are not changed.
            time_left: Seconds until the exchange is given up.
            mark: Told what the exchange comes to.

        Raises:
            Exception: What aiohttp raises; `TimeoutError` where the time is over.
        """
        self._ballast.begins()
        sock_read = self._timeout.sock_read
        payload = None if request.body is None else MarkedPayload(request.body, mark, sock_read)
        theirs: Sequence[aiohttp.ClientMiddlewareType] | None = getattr(self._session, "_middlewares", None)
        middlewares = None
        deadline: AbstractContextManager[object]
        if theirs or self._session.trace_configs:
            # Who looks on sees an exchange run out of time as with any other one of aiohttp's: not cancelled, but timed out.
            bounds, deadline = self._bounds(time_left, sock_read), _NONE_OF_OURS
            if theirs and payload is not None:
                middlewares = (*theirs, payload.see_whether_it_is_sent)
        elif payload is None:
            bounds, deadline = self._bounds_of_read, self._deadlines.start(time_left)
        else:
            bounds, deadline = self._bounds_of_send, self._deadlines.start(time_left, payload.listen)
        return self._ask(request, url, headers, payload, bounds, deadline, middlewares, mark)

    async def _ask(
        self,
        request: Request,
        url: URL,
        headers: CIMultiDict[str],
        payload: MarkedPayload | None,
        bounds: aiohttp.ClientTimeout,
        deadline: AbstractContextManager[object],
        middlewares: Sequence[aiohttp.ClientMiddlewareType] | None,
        mark: Mark,
    ) -> Response:
        with deadline:
            answer = await self._session.request(
                request.endpoint.method,
                url,
                data=payload,
                headers=headers,
                allow_redirects=False,
                raise_for_status=False,
                timeout=bounds,
                middlewares=middlewares,
            )
            mark.status = answer.status
            cap = request.endpoint.cap
            try:
                body = await read_capped(answer.content, cap)
            except BaseException:
                answer.close()
                raise
        self._ballast.ends()
        if self._undo_compression:
            body = decompress(body, answer.headers.get("Content-Encoding", ""), cap)
        return make_response(answer.status, answer.headers, body, mark.drop_connection, whole=request.whole)

    def _bounds(self, total: float | None, sock_read: float | None) -> aiohttp.ClientTimeout:
        # Those of connecting cost nothing where a connection is there.
        bounds = self._timeout
        return aiohttp.ClientTimeout(total=total, connect=bounds.connect, sock_connect=bounds.sock_connect, sock_read=sock_read)
