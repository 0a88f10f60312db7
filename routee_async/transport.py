"""Owner of the aiohttp session: one request in, one complete answer or one `Failure` out. Never repeats, never judges an answer.

Sends take the direct lane (`lane.py`) where the session is our own; everything else goes through aiohttp's session. Everything that
it does on its own and that could send twice, or show a secret, is off: redirects, cookies, default headers.
The verdict "no byte was written" never rests on the class of an exception alone: a mark is set just before the first byte can be
written (failure-taxonomy.md, "The phase mark").
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import version
from typing import Any, Final

import aiohttp
import attrs
from multidict import CIMultiDict, istr
from yarl import URL

from routee_async import lane
from routee_async.exchange import ExchangeError
from routee_async.failures import ONLY_WHILE_CONNECTING, explain
from routee_async.lane import Lane, PutBy, Unfinished
from routee_async.lease import Lease, Mark
from routee_async.options import Timeout
from routee_async.pool import Pool
from routee_async.protocol import Endpoint, Failure, Host, Phase, Request, Response
from routee_async.session_lane import SessionLane
from routee_async.wire import build_head

logger: logging.Logger = logging.getLogger("routee_async")
_USER_AGENT: Final = (
    f"routee-async/{version('routee-async')} aiohttp/{aiohttp.__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}"
)
_ONE_WRITE = 16 * 1024
"""Bytes of a body up to which it surely goes out with its head in one write (asyncio's high-water mark is 64 KiB)."""
_FOR_THE_TOKEN = 1
"""Connections on top of `max_connections`, so that a token can be fetched while every other one waits for it."""


class AiohttpTransport:
    """The network, through aiohttp.

    Args:
        origins: Origin of each host, checked by `check_origin`.
        timeout: Bounds of one exchange.
        max_connections: Size of the pool.
        session: A session of the caller's own, which is used as it is and never closed here.
        put_by: For whoever does not judge an answer at once: see `Lane`.
    """

    def __init__(
        self,
        origins: Mapping[Host, str],
        *,
        timeout: Timeout,
        max_connections: int,
        session: aiohttp.ClientSession | None = None,
        put_by: PutBy | None = None,
    ) -> None:
        self._origins = origins
        self._timeout = timeout
        self._full_time = self._client_timeout(timeout.total)
        self._own: aiohttp.ClientSession | None = None
        self._lane: Lane | None = None
        if session is None:
            pool = Pool(limit=max_connections + _FOR_THE_TOKEN)
            self._own = session = aiohttp.ClientSession(
                connector=pool,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._lane = self._open_lane(pool, put_by)
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._carried: set[asyncio.Task[None]] = set()
        self._session_lane = SessionLane(session, timeout, undo_compression=self._own is not None)
        self._session_headers_of: tuple[str, str | None] | None = None
        self._session_headers: CIMultiDict[str] = CIMultiDict()
        self._urls: dict[Endpoint, URL] = {}
        self._head_of: tuple[Endpoint | None, str, str, str] = (None, "", "", "")
        self._head = b""

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write *request*, read the whole answer. See `Transport.exchange`."""
        if time_left <= 0:  # which aiohttp would take for "no limit"
            raise ExchangeError(Failure(phase=Phase.LOCAL, reason="no time left", written=False))
        body = request.body
        mark = Mark(written=body is None)
        try:
            if self._lane is not None and body is not None and request.endpoint.paid and not request.whole:
                whole = self._write_out(self._lane, request, body, authorization)
                return await self._lane.exchange(whole, mark, request.endpoint.cap, time_left)
            return await self._through_session(request, authorization, time_left, mark)
        except BaseException as error:
            failure = self._explain(error, mark, body)
            if failure is None:
                raise
        # Raised here, outside of any `except`: an exception of aiohttp's holds the request, and with it the token, and would
        # come along as `__context__`.
        raise ExchangeError(failure)

    def begin(
        self,
        request: Request,
        authorization: str,
        now: float,
        time_left: float,
        tell: Callable[[Any, Response | Unfinished | ExchangeError], None],
        about: object,
    ) -> "Lease | asyncio.Task[None] | None":
        """Write *request* over a connection of the lane that is at hand, or else through the session. See `Transport.begin`."""
        direct, body = self._lane, request.body
        if direct is None or body is None:
            carried = self._loop.create_task(self._carry(request, authorization, time_left, tell, about), name="routee-exchange")
            self._carried.add(carried)
            return carried
        try:
            whole = self._write_out(direct, request, body, authorization)
        except Exception:  # noqa: BLE001 - nothing was written, and `exchange` says what is wrong
            return None
        return direct.begin(whole, request.endpoint.cap, now, time_left, tell, about)

    async def _carry(
        self,
        request: Request,
        authorization: str,
        time_left: float,
        tell: Callable[[Any, Response | ExchangeError], None],
        about: object,
    ) -> None:
        """What `begin` does through aiohttp's session, where somebody has to wait, but only for the exchange."""
        answer: Response | ExchangeError
        try:
            answer = await self.exchange(request, authorization, time_left)
        except ExchangeError as error:
            answer = error
        except asyncio.CancelledError:
            # By `cut`, whose caller does not want to know, or by somebody who has no business with it.
            tell(about, ExchangeError(Failure(phase=Phase.CLOSE, reason="cancelled", written=True)))
            raise
        finally:
            # Here, because a callback of the task would need a turn of the loop for each message.
            self._carried.discard(asyncio.current_task(self._loop))
        tell(about, answer)

    async def finish(self, request: Request, unfinished: Unfinished | ExchangeError) -> Response:
        """What came of an exchange that was begun, where it is no plain answer. See `Transport.finish`."""
        if isinstance(unfinished, ExchangeError):
            raise unfinished
        assert self._lane is not None  # noqa: S101 - for the type checker: it was begun there
        try:
            return await self._lane.finish(unfinished, request.endpoint.cap)
        except BaseException as error:
            failure = self._explain(error, unfinished.mark, request.body)
            if failure is None:
                raise
        raise ExchangeError(failure)  # out here, as above

    def cut(self, begun: "Lease | asyncio.Task[None]") -> None:
        """End an exchange that was begun. See `Transport.cut`."""
        if isinstance(begun, asyncio.Task):
            begun.add_done_callback(self._carried.discard)  # it may never have had a turn
            begun.cancel()
        elif self._lane is not None:
            self._lane.cut(begun)

    def _explain(self, error: BaseException, mark: Mark, body: bytes | None) -> Failure | None:
        """What an exception means; None for one that is to be raised as it is."""
        if isinstance(error, asyncio.CancelledError):
            if _somebody_asked_to_cancel():
                return None
            # aiohttp cancels what waits for a connection when its session is closed.
            failure = Failure(phase=Phase.CLOSE, reason="closed", written=mark.written, status=mark.status)
        elif isinstance(error, Exception):  # whatever aiohttp raises means that there is no complete answer
            mark.drop_connection()
            written = mark.written if body is not None else not isinstance(error, ONLY_WHILE_CONNECTING)
            one_write = body is not None and len(body) <= _ONE_WRITE
            failure = explain(error, written=written, status=mark.status, one_write=one_write)
        else:
            return None
        return attrs.evolve(failure, phase=Phase.CLOSE, permanent=True) if self._session.closed else failure

    def _write_out(self, direct: Lane, request: Request, body: bytes, authorization: str) -> bytes:
        """Head and body."""
        endpoint, path, content_type, token = self._head_of
        if (
            token is not authorization
            or endpoint is not request.endpoint
            or path != request.path
            or content_type != request.content_type
        ):
            self._build_head(direct.host, request.endpoint, request.path, request.content_type, authorization)
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _through_session(
        self,
        request: Request,
        authorization: str,
        time_left: float,
        mark: Mark,
    ) -> Coroutine[Any, Any, Response]:
        if self._lane is not None:
            self._lane.make_room()
        headers_of = (authorization, None if request.body is None else request.content_type)
        if headers_of != self._session_headers_of:
            self._build_session_headers(*headers_of)
        return self._session_lane.exchange(request, self._url(request), self._session_headers, time_left, mark)

    async def aclose(self) -> None:
        """Close the session if it is ours."""
        if self._lane is not None:
            self._lane.close()
        if self._own is not None:
            await self._own.close()
        if self._carried:  # those that were cut, and need a turn of the loop to end
            await asyncio.wait(self._carried)

    def _url(self, request: Request) -> URL:
        # Built once for each path and never from a path that Routee or the caller could make absolute: the token goes nowhere else.
        endpoint = request.endpoint
        if request.path != endpoint.path:
            return URL(self._origins[endpoint.host] + request.path, encoded=True)
        url = self._urls.get(endpoint)
        if url is None:
            url = self._urls[endpoint] = URL(self._origins[endpoint.host] + endpoint.path, encoded=True)
        return url

    def _open_lane(self, pool: Pool, put_by: PutBy | None) -> Lane | None:
        if not lane.is_supported():
            logger.warning("sends go through aiohttp's session, which is slower: aiohttp %s is not known", aiohttp.__version__)
            return None
        return Lane(pool, URL(self._origins[Host.API]), self._full_time, put_by)

    def _build_head(self, host: str, endpoint: Endpoint, path: str, content_type: str, authorization: str) -> None:
        """Build what is written before the body, but for its length. It is the same for all sends with one token, and kept."""
        headers = {"Host": host, **self._headers(authorization), "Content-Type": content_type}
        self._head = build_head(endpoint.method, path, headers)
        self._head_of = (endpoint, path, content_type, authorization)

    def _build_session_headers(self, authorization: str, content_type: str | None) -> None:
        """Build the headers of what goes through the session. They are the same for all sends with one token, and kept."""
        headers = self._headers(authorization)
        if content_type is not None:
            headers["Content-Type"] = content_type
        # Names of the type that aiohttp's own have are the cheapest to look up.
        self._session_headers = CIMultiDict({istr(name): value for name, value in headers.items()})
        self._session_headers_of = (authorization, content_type)

    def _headers(self, authorization: str) -> dict[str, str]:
        return {
            "Authorization": authorization,
            "Accept": "application/json",
            # Answers to sends are small, and nothing that is small when it arrives is large when it is read.
            "Accept-Encoding": "identity",
            "User-Agent": _USER_AGENT,
        }

    def _client_timeout(self, total: float) -> aiohttp.ClientTimeout:
        bounds = self._timeout
        return aiohttp.ClientTimeout(
            total=total,
            connect=bounds.connect,
            sock_connect=bounds.sock_connect,
            sock_read=bounds.sock_read,
        )


def _somebody_asked_to_cancel() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
