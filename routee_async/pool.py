"""The pool of connections: aiohttp's, but for one guarantee. No connection with something unread in it is given out.

What a server sent unasked would be taken for the answer to our request.
"""

import asyncio
import select
import weakref
from typing import Any

import aiohttp

from routee_async.failures import SpokeFirstError

KEEP_ALIVE = 5.0
"""Seconds that an idle connection is kept: less than servers do, so that it is rarely the server who closes it first."""
_RECEIVE_BUFFER = 32 * 1024
"""Bytes to read at a time. asyncio asks for 256 KiB, which the C library takes from the system and gives back for each answer: half
of the processor time of a small one."""


class Pool(aiohttp.TCPConnector):
    """The pool of a transport's own session."""

    def __init__(self, *, limit: int = 100, keepalive_timeout: float = KEEP_ALIVE, **options: Any) -> None:  # noqa: ANN401
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout, **options)
        self._given_out: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        """Get a connection that is in order, out of the pool or a new one.

        Raises:
            SpokeFirstError: A new one is not.
            Exception: What aiohttp raises.
        """
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None  # noqa: S101 - for the type checker; it is, until the connection is released
            is_new = protocol not in self._given_out
            if is_new:
                self.shrink_buffer(transport)
            if transport is not None and Watch(transport).sees_something():
                try:
                    # What has arrived (bytes or the end, or what only concerns TLS) is read in the first round of the loop, after
                    # this task's turn in it; only in the second can that be seen.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                except BaseException:
                    connection.close()
                    raise
            if protocol.is_connected() and not protocol.should_close:
                self._given_out.add(protocol)
                return connection
            connection.close()
            if is_new:
                # Only the pool can have a better one: a server that treats a new connection so will do it again.
                raise SpokeFirstError

    @staticmethod
    def shrink_buffer(transport: object) -> None:
        """Let a plain connection of asyncio's read less at a time; others need no help."""
        if isinstance(getattr(transport, "max_size", None), int):
            transport.max_size = _RECEIVE_BUFFER  # type: ignore[attr-defined] # it has just been seen


class Watch:
    """Looks whether anything has arrived over a connection that asyncio has not read yet, or its end."""

    __slots__ = ("_poll",)

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._poll = None
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0 and hasattr(select, "poll"):
            poller = select.poll()
            poller.register(raw.fileno(), select.POLLIN)
            self._poll = poller.poll

    def sees_something(self) -> bool:
        """True unless nothing has arrived; where the system cannot tell, True."""
        return self._poll is None or bool(self._poll(0))
