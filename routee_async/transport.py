"""Owner of the aiohttp session: one request in, one complete answer or one `Failure` out. Never repeats, never judges an answer.

Everything that aiohttp does on its own and that could send twice, or show a secret, is off: redirects, cookies, default headers.
The verdict "no byte was written" never rests on the class of an exception alone: a mark is set just before the first byte can be
written (failure-taxonomy.md, "The phase mark").
"""

import asyncio
import ipaddress
import re
import sys
import weakref
import zlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from routee_async.errors import ConfigurationError
from routee_async.failures import ONLY_WHILE_CONNECTING, SpokeFirstError, TooLargeError, UnreadableError, explain
from routee_async.options import Timeout
from routee_async.protocol import Endpoint, Failure, Host, Phase, Request, Response

_USER_AGENT: Final = (
    f"routee-async/{version('routee-async')} aiohttp/{aiohttp.__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}"
)
_KEEP_ALIVE = 5.0
"""Seconds that an idle connection is kept: less than servers do, so that it is rarely the server who closes it first."""
_ONE_WRITE = 16 * 1024
"""Bytes of a body up to which it surely goes out with its head in one write (asyncio's high-water mark is 64 KiB)."""
_HEADERS_READ = ("retry-after", "date")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""Tells zlib to see for itself which of the two it has been given."""
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""A host that goes into a URL and a header as it is: a name in ASCII, or an address. Anything else (spaces, backslashes, an
unencoded international name) is read differently by different programs."""
_FOR_THE_TOKEN = 1
"""Connections on top of `max_connections`, so that a token can be fetched while every other one waits for it."""


class ExchangeError(Exception):
    """An exchange that ended without a complete answer; `failure` says all there is to say."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Transport(Protocol):
    """What the rest of the library needs of the network. The other implementation is a simulation's."""

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write *request*, read the whole answer.

        Args:
            request: What to write.
            authorization: Value of the `Authorization` header.
            time_left: Seconds until the exchange is given up.

        Raises:
            ExchangeError: There is no complete answer.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def check_origin(field: str, value: object) -> str:
    """Return *value* as an origin (`https://host` with an optional port). Plain http is for loopback only.

    Raises:
        ConfigurationError: It is not one.
    """
    if not isinstance(value, str):
        raise ConfigurationError(field, f"must be a URL like https://connect.routee.net, not a {type(value).__name__}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ConfigurationError(field, "is not a URL: give scheme and host, like https://connect.routee.net") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        raise ConfigurationError(field, "give scheme and host, like https://connect.routee.net")
    if parts.username or parts.password or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigurationError(field, "give scheme, host and port only, without user, path or query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(field, "must be https: over plain http anybody on the way can read the token and the messages")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Mark:
    """What one exchange has come to: whether a byte of the request may have been written, and on which connection.

    A request without a body cannot tell, so it counts as written from the start.
    """

    __slots__ = ("connection", "written")

    def __init__(self, *, written: bool) -> None:
        self.written = written
        self.connection: asyncio.BaseTransport | None = None

    def drop_connection(self) -> None:
        """Close the connection, even if it is idle in the pool again: what comes over it cannot be trusted."""
        if self.connection is not None:
            self.connection.close()


class _MarkedPayload(aiohttp.BytesPayload):
    """A body that sets the mark just before it is written. aiohttp keeps the head back until the body comes."""

    def __init__(self, body: bytes, content_type: str, mark: _Mark) -> None:
        super().__init__(body, content_type=content_type)
        self.mark = mark

    async def write(self, writer: AbstractStreamWriter) -> None:
        self._set_mark(writer)
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._set_mark(writer)
        await super().write_with_length(writer, content_length)

    def _set_mark(self, writer: AbstractStreamWriter) -> None:
        self.mark.written = True
        self.mark.connection = getattr(writer, "transport", None)


class _Connector(aiohttp.TCPConnector):
    """A pool that gives out no connection with something unread in it, which would be taken for the answer to our request."""

    def __init__(self, *, limit: int = 100, keepalive_timeout: float = _KEEP_ALIVE, **options: Any) -> None:  # noqa: ANN401
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout, **options)
        self._given_out: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - for the type checker; it is, until the connection is released
            try:
                # What has arrived meanwhile (bytes or the end) is read in the first round of the loop, after this task's turn
                # in it; only in the second can that be seen.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            except BaseException:
                connection.close()
                raise
            if protocol.is_connected() and not protocol.should_close:
                self._given_out.add(protocol)
                return connection
            connection.close()
            if protocol not in self._given_out:
                # Only the pool can have a better one: a server that treats a new connection so will do it again.
                raise SpokeFirstError


class AiohttpTransport:
    """The network, through aiohttp.

    Args:
        origins: Origin of each host, checked by `check_origin`.
        timeout: Bounds of one exchange.
        max_connections: Size of the pool.
        session: A session of the caller's own, which is used as it is and never closed here.
    """

    def __init__(
        self,
        origins: Mapping[Host, str],
        *,
        timeout: Timeout,
        max_connections: int,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._origins = origins
        self._timeout = timeout
        self._own: aiohttp.ClientSession | None = None
        if session is None:
            connector = _Connector(limit=max_connections + _FOR_THE_TOKEN)
            self._own = session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        self._session = session
        self._urls: dict[Endpoint, URL] = {}
        self._full_time = self._client_timeout(timeout.total)

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write *request*, read the whole answer. See `Transport.exchange`."""
        if time_left <= 0:  # which aiohttp would take for "no limit"
            raise ExchangeError(Failure(phase=Phase.LOCAL, reason="no time left", written=False))
        mark = _Mark(written=request.body is None)
        result = await self._try_exchange(request, authorization, time_left, mark)
        # Raised here, outside of any `except`: an exception of aiohttp's holds the request, and with it the token, and would
        # come along as `__context__`.
        if isinstance(result, Failure):
            raise ExchangeError(attrs.evolve(result, phase=Phase.CLOSE, permanent=True) if self._session.closed else result)
        return result

    async def _try_exchange(self, request: Request, authorization: str, time_left: float, mark: _Mark) -> Response | Failure:
        status: int | None = None
        try:
            answer = await self._session.request(
                request.endpoint.method,
                self._url(request),
                data=None if request.body is None else _MarkedPayload(request.body, request.content_type, mark),
                headers=self._headers(authorization),
                allow_redirects=False,
                raise_for_status=False,
                timeout=self._full_time if time_left >= self._timeout.total else self._client_timeout(time_left),
            )
            status = answer.status
            body = await _read_capped(answer, request.endpoint.cap)
            if self._own is not None:
                body = decompress(body, answer.headers.get("Content-Encoding", ""), request.endpoint.cap)
        except asyncio.CancelledError:
            if _somebody_asked_to_cancel():
                raise
            # aiohttp cancels what waits for a connection when its session is closed.
            return Failure(phase=Phase.CLOSE, reason="closed", written=mark.written, status=status)
        except Exception as error:  # noqa: BLE001 - whatever aiohttp raises means that there is no complete answer
            mark.drop_connection()
            written = mark.written if request.body is not None else not isinstance(error, ONLY_WHILE_CONNECTING)
            one_write = request.body is not None and len(request.body) <= _ONE_WRITE
            return explain(error, written=written, status=status, one_write=one_write)
        if request.whole:
            headers = {name.lower(): value for name, value in answer.headers.items()}
        else:
            headers = {name: answer.headers[name] for name in _HEADERS_READ if name in answer.headers}
        return Response(status, headers, body, mark.drop_connection)

    async def aclose(self) -> None:
        """Close the session if it is ours."""
        if self._own is not None:
            await self._own.close()

    def _url(self, request: Request) -> URL:
        # Built once for each path and never from a path that Routee or the caller could make absolute: the token goes nowhere else.
        endpoint = request.endpoint
        if request.path != endpoint.path:
            return URL(self._origins[endpoint.host] + request.path, encoded=True)
        url = self._urls.get(endpoint)
        if url is None:
            url = self._urls[endpoint] = URL(self._origins[endpoint.host] + endpoint.path, encoded=True)
        return url

    def _headers(self, authorization: str) -> CIMultiDict[str]:
        return CIMultiDict(
            {
                "Authorization": authorization,
                "Accept": "application/json",
                # Answers to sends are small, and nothing that is small when it arrives is large when it is read.
                "Accept-Encoding": "identity",
                "User-Agent": _USER_AGENT,
            },
        )

    def _client_timeout(self, total: float) -> aiohttp.ClientTimeout:
        bounds = self._timeout
        return aiohttp.ClientTimeout(
            total=total,
            connect=bounds.connect,
            sock_connect=bounds.sock_connect,
            sock_read=bounds.sock_read,
        )


async def _read_capped(answer: aiohttp.ClientResponse, cap: int) -> bytes:
    """Read the whole body, but not more than *cap* bytes: `read()` would take all that anybody cares to send."""
    body = bytearray()
    try:
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > cap:
                break
        else:
            return bytes(body)
    except BaseException:
        answer.close()
        raise
    answer.close()
    raise TooLargeError


def decompress(body: bytes, encoding: str, cap: int) -> bytes:
    """Undo a compression that nobody asked for, up to *cap* bytes: aiohttp would do it without a bound in its older versions.

    Raises:
        TooLargeError: There is more than that in it.
        UnreadableError: It is cut short, damaged, or of a kind that we do not know.
    """
    if encoding.strip().lower() in {"", "identity"}:
        return body
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        raise UnreadableError
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = decompressor.decompress(body, cap + 1)
    except zlib.error:
        raise UnreadableError from None
    if len(plain) > cap:
        raise TooLargeError
    if not decompressor.eof:
        raise UnreadableError
    return plain


def _somebody_asked_to_cancel() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
