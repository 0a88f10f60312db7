"""The direct lane: sends that go past aiohttp's session, over connections of its pool, at a fraction of the cost.

aiohttp makes, pools and closes connections (names, addresses, TLS, limits). Between a connection and aiohttp's own protocol stands
a small one of ours (`lease.py`), which writes a request in one piece and reads the one plain shape of answer (`wire.py`).
Everything else that can come over a connection, and its end, is handed to aiohttp's protocol and means what it means there.

A lease is parked here between two sends rather than given back, so that a busy batch does not go through the pool for each. Reads
go through aiohttp's session, and the pool counts parked leases as taken, so each read gets one of them first: see `make_room`.
"""

import asyncio
import inspect
import math
from collections import deque
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, cast

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from routee_async import wire
from routee_async.answers import decompress, make_response, read_capped
from routee_async.lease import Lease, Mark, Tell
from routee_async.pool import KEEP_ALIVE, Pool
from routee_async.protocol import Response

_SWITCHING_PROTOCOLS = 101
_INTERIM = range(100, 200)
_CONNECT = ["self", "req", "traces", "timeout"]
_RESPONSE_PARAMS = {"skip_payload", "read_until_eof", "auto_decompress", "read_timeout"}


def is_supported() -> bool:
    """Whether this aiohttp is built as the lane needs it.

    Beyond documented interfaces that is: `connect` of a connector takes a request, traces and bounds; and its protocol has
    `set_response_params`, `read`, `start_timeout` and a length.
    """
    try:
        connect = list(inspect.signature(aiohttp.TCPConnector.connect).parameters)
        params = set(inspect.signature(ResponseHandler.set_response_params).parameters)
        request = inspect.signature(aiohttp.ClientRequest).parameters
    except (AttributeError, TypeError, ValueError):
        return False
    has_queue = all(hasattr(ResponseHandler, name) for name in ("read", "start_timeout", "__len__", "should_close", "is_connected"))
    return connect == _CONNECT and params >= _RESPONSE_PARAMS and "loop" in request and has_queue


@attrs.define(eq=False)
class Unfinished:
    """An exchange that was begun, and whose answer is not the plain one: `Lane.finish` tells what came of it.

    Attributes:
        lease: Over which connection.
        error: What went wrong; None when aiohttp's protocol has to be asked for the answer.
        total_at: Loop time at which the exchange is given up.
        mark: What the exchange has come to.
    """

    lease: Lease
    error: Exception | None
    total_at: float
    mark: Mark


TellAnswer = Callable[[Any, Response | Unfinished], None]
PutBy = Callable[[Response, Callable[[], None]], None]
"""Given an answer, and what is to be called once it has been judged and its connection may be used again."""


class Lane:
    """Leases of connections to one origin, and the exchanges over them.

    Args:
        pool: Where connections come from.
        url: Any URL of the origin.
        bounds: Of getting a connection (`connect`, `sock_connect`) and of silence (`sock_read`), none of them None.
        put_by: For whoever does not judge an answer at once; None where that is done before anything else is begun.
    """

    def __init__(self, pool: Pool, url: URL, bounds: aiohttp.ClientTimeout, put_by: PutBy | None = None) -> None:
        self._pool = pool
        self._put_by = put_by
        self._bounds = bounds
        self._sock_read = bounds.sock_read or math.inf
        self._loop = asyncio.get_running_loop()
        self._url = url
        self._parked: deque[Lease] = deque()  # the one that was parked last is on the right, and is used next
        self._leases: set[Lease] = set()  # those in hand, parked ones and asked ones
        self._read_head = wire.HeadReader().read
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_at = math.inf
        self._closed = False

    @cached_property
    def _destination(self) -> aiohttp.ClientRequest:
        """Says where to connect to, and is never sent. Made when it is needed, because it refuses a URL that makes no sense."""
        if self._url.scheme not in self._pool.allowed_protocol_schema_set:
            raise aiohttp.NonHttpUrlClientError(self._url)
        return aiohttp.ClientRequest("POST", self._url, loop=self._loop)

    @property
    def host(self) -> str:
        """Value of the `Host` header for the origin."""
        return self._destination.headers["Host"]

    async def exchange(self, request: bytes, mark: Mark, cap: int, time_left: float) -> Response:
        """Write *request*, read the whole answer.

        Args:
            request: Head and body.
            mark: Told what the exchange comes to.
            cap: The most bytes of a body that are read.
            time_left: Seconds until the exchange is given up.

        Raises:
            Exception: What aiohttp's session would raise.
        """
        now = self._loop.time()
        lease = self._take(now)
        total_at = now + time_left
        if lease is None:
            lease = await self._connect(total_at)
            now = self._loop.time()
            if total_at <= now:
                self._let_go(lease).release()
                raise TimeoutError
        # No await from here to the writing: the connection is as it was found.
        mark.written = True
        mark.connection = lease.transport
        try:
            answered = lease.about = self._loop.create_future()
            self._ask(lease, request, cap, now, total_at - now, _pass_on)
            head = await answered
            if head is None:
                return await self._read_on(lease, mark, cap, total_at)
            return self._take_answer(lease, head)
        except BaseException:
            mark.status = mark.status or lease.status
            self._let_go(lease).close()
            raise

    def begin(
        self,
        request: bytes,
        cap: int,
        now: float,
        time_left: float,
        tell: TellAnswer,
        about: object,
    ) -> Lease | None:
        """As `exchange`, without a task that waits: *tell* is called in the loop.

        Args:
            request: Head and body.
            cap: The most bytes of a body that are read.
            now: Loop time.
            time_left: Seconds until the exchange is given up.
            tell: Told *about*, and the answer or what `finish` has to be asked about.
            about: For *tell*.

        Returns:
            What it goes over, for `cut`; None when no connection is at hand, and nothing was written.
        """
        lease = self._take(now)
        if lease is not None:
            lease.then, lease.about = tell, about
            try:
                self._ask(lease, request, cap, now, time_left, self._answered)
            except Exception as error:  # noqa: BLE001 - what a transport raises while it is given something to write
                self._loop.call_soon(lease.fail, error)
        return lease

    async def finish(self, unfinished: Unfinished, cap: int) -> Response:
        """The answer to an exchange that was begun, where it is not the plain one.

        Raises:
            Exception: As `exchange`.
        """
        lease = unfinished.lease
        if unfinished.error is not None:
            self._let_go(lease).close()
            raise unfinished.error
        try:
            return await self._read_on(lease, unfinished.mark, cap, unfinished.total_at)
        except BaseException:
            self._let_go(lease).close()
            raise

    def cut(self, lease: Lease) -> None:
        """End an exchange that was begun, whatever it has come to."""
        self._let_go(lease).close()

    def make_room(self) -> None:
        """Give a parked lease back to the pool: to be called before each exchange that goes through the session.

        So the pool never has fewer places than there are exchanges that may be under way.
        """
        if self._parked:
            self._let_go(self._parked.popleft()).release()

    def close(self) -> None:
        """Close what is parked. What is under way ends with the pool."""
        self._closed = True
        while self._parked:
            self._let_go(self._parked.pop()).close()
        if self._sweeper is not None:
            self._sweeper.cancel()

    # Leases.

    def _take(self, now: float) -> Lease | None:
        """A parked lease over which nothing has arrived since; None when there is none."""
        parked = self._parked
        while parked:
            lease = parked.pop()
            if lease.parked_at + KEEP_ALIVE < now or lease.transport.is_closing():
                self._let_go(lease).close()
            elif lease.watch.sees_something():
                self._let_go(lease).release()  # the pool looks closer, and drops it if that is not for TLS alone
            else:
                return lease
        return None

    def _let_go(self, lease: Lease) -> Lease:
        self._leases.discard(lease)
        return lease

    async def _connect(self, total_at: float) -> Lease:
        """A lease out of the pool, which makes a connection if it has none."""
        async with asyncio.timeout_at(total_at):
            try:
                connection = await self._pool.connect(self._destination, [], self._bounds)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError from error
        lease = Lease(connection, self._read_head)
        self._leases.add(lease)
        return lease

    def _ask(self, lease: Lease, request: bytes, cap: int, now: float, time_left: float, tell: Tell) -> None:
        lease.ask(request, cap, now, time_left, self._sock_read, tell)
        if lease.give_up_at < self._sweep_at:
            self._sweep_by(lease.give_up_at)

    def _answered(self, lease: Lease, result: wire.Head | Exception | None) -> None:
        """Tell whoever began an exchange how it ended."""
        tell, about = cast("TellAnswer", lease.then), lease.about
        if type(result) is wire.Head:
            tell(about, self._take_answer(lease, result))
        else:
            mark = Mark(written=True, connection=lease.transport, status=lease.status)
            tell(about, Unfinished(lease, cast("Exception | None", result), lease.total_at, mark))

    def _take_answer(self, lease: Lease, head: wire.Head) -> Response:
        """Make a response of a plain answer, and park what it came over."""
        transport = lease.transport
        response = Response(head.status, head.headers, lease.take_body(), transport.close)
        if self._closed or transport.is_closing() or transport.get_write_buffer_size():
            self._let_go(lease).close()
            return response
        lease.then = lease.about = None
        if self._put_by is None:
            self._park(lease)
        else:
            self._put_by(response, partial(self._park_judged, lease))
        return response

    def _park(self, lease: Lease) -> None:
        now = lease.parked_at = self._loop.time()
        self._parked.append(lease)
        if now + KEEP_ALIVE < self._sweep_at:
            self._sweep_by(now + KEEP_ALIVE)

    def _park_judged(self, lease: Lease) -> None:
        if self._closed or lease.transport.is_closing():
            self._let_go(lease).close()
        else:
            self._park(lease)

    async def _read_on(self, lease: Lease, mark: Mark, cap: int, total_at: float) -> Response:
        """Read an answer that was handed to aiohttp's protocol."""
        async with asyncio.timeout_at(total_at):
            while True:
                message, content = await lease.handler.read()
                if message.code not in _INTERIM or message.code == _SWITCHING_PROTOCOLS:
                    break
            mark.status = message.code
            body = await read_capped(content, cap)
        body = decompress(body, message.headers.get("Content-Encoding", ""), cap)
        response = make_response(message.code, message.headers, body, mark.drop_connection)
        if self._let_go(lease).is_tainted:
            lease.close()
        elif self._put_by is None:
            lease.connection.release()  # which closes it, where the answer says so
        else:
            self._put_by(response, lease.connection.release)
        return response

    # Deadlines: one timer for all, set to the earliest that was known when it was set.

    def _sweep_by(self, moment: float) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._sweep_at = moment
        self._sweeper = self._loop.call_at(moment, self._sweep)

    def _sweep(self) -> None:
        """Give up what has waited for too long, and close what was idle for too long."""
        now = self._loop.time()
        self._sweeper, self._sweep_at = None, math.inf
        for lease in [each for each in self._leases if each.give_up_at <= now]:
            lease.expire(now)
        while self._parked and self._parked[0].parked_at + KEEP_ALIVE <= now:
            self._let_go(self._parked.popleft()).close()
        moment = min((lease.give_up_at for lease in self._leases), default=math.inf)
        if self._parked:
            moment = min(moment, self._parked[0].parked_at + KEEP_ALIVE)
        if moment < math.inf:
            self._sweep_by(moment)


def _pass_on(lease: Lease, result: wire.Head | Exception | None) -> None:
    """Tell a task that waits how its exchange ended."""
    answered = cast("asyncio.Future[wire.Head | None]", lease.about)
    if answered.done():  # its task has just been cancelled
        return
    if isinstance(result, Exception):
        answered.set_exception(result)
    else:
        answered.set_result(result)
