"""One connection in the hands of the direct lane, and the protocol that its transport speaks to meanwhile."""

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import aiohttp
import attrs
from aiohttp.connector import Connection

from routee_async import wire
from routee_async.pool import Watch

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

Tell = Callable[["Lease", wire.Head | Exception | None], None]
"""Told how an exchange ends, once: the head of the answer, when its body can be taken, too; None when aiohttp's protocol has to be
asked for the answer; or what went wrong."""


@attrs.define(eq=False)
class Mark:
    """What one exchange has come to.

    Attributes:
        written: Whether a byte of the request may have been written.
        connection: Over which connection.
        status: HTTP status of the answer, once it is known.
    """

    written: bool
    connection: asyncio.Transport | None = None
    status: int | None = None

    def drop_connection(self) -> None:
        """Close the connection, even if it is idle in the pool again: what comes over it cannot be trusted."""
        if self.connection is not None:
            self.connection.close()


class Lease(asyncio.Protocol):
    """A connection of aiohttp's pool whose bytes come to us.

    Args:
        connection: aiohttp's own lease.
        read_head: Reads the head with which a piece of data begins.

    Attributes:
        connection: aiohttp's own lease.
        handler: aiohttp's protocol, which gets whatever is not plain.
        transport: The connection's transport.
        watch: Tells whether something has arrived that nobody has read.
        parked_at: Loop time of the end of the last exchange.
        give_up_at: Loop time at which the exchange is given up, unless something arrives before; infinite where none is under way.
        then: For whoever began the exchange: what comes next.
        about: Likewise: what the exchange is about.
        is_tainted: True when more came than an answer: then the connection is not to be used again.
    """

    __slots__ = (
        "_cap",
        "_head",
        "_loop",
        "_missing",
        "_patience",
        "_pieces",
        "_read_head",
        "_start",
        "_tell",
        "about",
        "connection",
        "give_up_at",
        "handler",
        "is_tainted",
        "parked_at",
        "then",
        "total_at",
        "transport",
        "watch",
    )

    def __init__(self, connection: Connection, read_head: Callable[[bytes], wire.Head | None]) -> None:
        assert connection.protocol is not None  # noqa: S101 - for the type checker; both are, until it is released
        assert connection.transport is not None  # noqa: S101 - as above
        self.connection: Connection = connection
        self.handler: ResponseHandler = connection.protocol
        self.transport: asyncio.Transport = connection.transport
        self.watch: Watch = Watch(self.transport)
        self.parked_at: float = 0.0
        self.give_up_at: float = math.inf
        self.is_tainted: bool = False
        self._loop = asyncio.get_running_loop()
        self.then: object = None
        self.about: object = None
        self.total_at: float = math.inf
        self._tell: Tell | None = None
        self._read_head = read_head
        self._head: wire.Head | None = None
        self._pieces: list[bytes] = []
        self._start = self._missing = self._cap = 0
        self._patience = math.inf
        self.transport.set_protocol(self)

    @property
    def status(self) -> int | None:
        """Status of the answer, as soon as its head has been read here."""
        return None if self._head is None else self._head.status

    @property
    def is_asked(self) -> bool:
        """True while an exchange is under way."""
        return self._tell is not None

    def ask(self, request: bytes, cap: int, now: float, time_left: float, sock_read: float, tell: Tell) -> None:
        """Write *request*.

        Args:
            request: Head and body.
            cap: The most bytes of a body that are read here.
            now: Loop time.
            time_left: Seconds until the exchange is given up.
            sock_read: Seconds of silence that are borne.
            tell: Told how it ends, in the loop, never from in here.
        """
        self._tell = tell
        self._head = None
        self._cap = cap
        self._patience = sock_read
        self.total_at = now + time_left
        self.give_up_at = now + min(time_left, sock_read)
        self.transport.write(request)

    def take_body(self) -> bytes:
        """The body of the answer."""
        pieces, start = self._pieces, self._start
        if len(pieces) == 1:  # as it is as a rule
            return pieces.pop()[start:]
        body = b"".join(pieces)[start:]
        pieces.clear()
        return body

    def expire(self, now: float) -> None:
        """Give the exchange up, because `give_up_at` is over."""
        self.fail(TimeoutError() if now >= self.total_at else aiohttp.SocketTimeoutError())

    def fail(self, error: Exception) -> None:
        """End the exchange, if one is under way."""
        self._end(error)

    def close(self) -> None:
        """Close the connection. Nobody is told."""
        self._tell = self.then = self.about = None
        self.give_up_at = math.inf
        self.connection.close()

    def release(self) -> None:
        """Give the connection back to the pool, and its transport back to aiohttp's protocol."""
        self.transport.set_protocol(self.handler)
        self.connection.release()

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Read the answer, if it is plain: its head has to come in one piece."""
        if self._tell is None:
            self.transport.close()  # nobody has asked for anything
            return
        self._pieces.append(data)
        head = self._head
        if head is None:
            head = self._head = self._read_head(data)
            if head is None:
                self._hand_over()
                return
            if head.length is None:
                self._read_chunks(data, head)
                return
            if head.length > self._cap:
                self._hand_over()
                return
            self._start = head.size
            self._missing = head.size + head.length
        self._missing -= len(data)
        if self._missing == 0:
            self._end(head)
        elif self._missing > 0:
            # The time of silence begins anew.
            self.give_up_at = min(self.total_at, self._loop.time() + self._patience)
        else:
            self.is_tainted = True
            self._hand_over()

    def _read_chunks(self, data: bytes, head: wire.Head) -> None:
        """Read a body in chunks, if it has come with its head, as a small one does; aiohttp reads any other."""
        body = wire.read_chunks(data, head.size, self._cap)
        if body is None:
            self._hand_over()
            return
        self._pieces[0], self._start = body, 0
        self._end(head)

    def eof_received(self) -> None:
        """What the server has to say is said: what is left of the exchange is aiohttp's. Lets the transport close itself."""
        if self._tell is not None:
            self._hand_over()
        self.handler.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """As `eof_received`; what was parked has no more use."""
        is_asked = self._tell is not None
        if is_asked:
            self._hand_over()
        self.handler.connection_lost(exc)
        if not is_asked:
            self.connection.close()

    def pause_writing(self) -> None:
        """Tell aiohttp's protocol, which keeps count."""
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        """As `pause_writing`."""
        self.handler.resume_writing()

    # How an exchange ends.

    def _hand_over(self) -> None:
        """Let aiohttp's protocol have all that came, and all that comes."""
        self._head = None  # what it says is for aiohttp's protocol to judge
        self.transport.set_protocol(self.handler)
        self.handler.set_response_params(read_until_eof=True, auto_decompress=False, read_timeout=self._patience)
        self.handler.start_timeout()
        for piece in self._pieces:  # as they came: where one ends can matter
            self.handler.data_received(piece)
        self._end(None)

    def _end(self, result: wire.Head | Exception | None) -> None:
        tell, self._tell = self._tell, None
        self.give_up_at = math.inf
        if tell is not None:
            tell(self, result)
