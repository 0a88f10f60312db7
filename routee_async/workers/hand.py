"""A worker: a transport at the other end of a pipe. Begins what it is told to, tells what came of it, and decides nothing.

It ends when the client closes the pipe or is no more; nothing new is begun then, not even what is in the pipe already: the client's
next run may be asking Routee by now what became of it.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from routee_async.exchange import ExchangeError
from routee_async.pool import Pool
from routee_async.protocol import Failure, Phase, Request, Response
from routee_async.transport import AiohttpTransport
from routee_async.workers import frames
from routee_async.workers.frames import Head, Unpacker

_LOOK: Final = 1.0
"""Seconds between two looks whether the client still lives, where the pipe does not tell: somebody else may hold its end."""

Begun = tuple[Any, Request]
"""What the transport has to be told to cut an exchange off, and its request."""


class Hand(asyncio.Protocol):
    """A worker's end of the pipe.

    Attributes:
        ended: Done when the pipe is closed and nothing is under way any more.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._pipe: asyncio.Transport | None = None
        self._unpack = Unpacker().unpack
        self._client = os.getppid()
        self._wire: AiohttpTransport | None = None
        self._heads: dict[int, Head] = {}
        self._begun: dict[int, Begun] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._put_by: tuple[Response | None, Callable[[], None] | None] = (None, None)
        self._unjudged: dict[int, tuple[Response, Callable[[], None]]] = {}
        self._headers: object = None
        self._out: list[bytes] = []
        self._look = self._loop.call_later(_LOOK, self._look_for_client)
        self._closing: asyncio.Task[None] | None = None

    # What the pipe calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the pipe."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._pipe = transport
        Pool.shrink_buffer(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: there is nobody to tell."""
        del exc
        self._pipe = None
        self._close()

    def data_received(self, data: bytes) -> None:
        """Do what the client says."""
        if self._closing is not None or os.getppid() != self._client:
            self._close()
            return
        for kind, small, number, moment, body in self._unpack(data):
            if kind == frames.SEND:
                self._send(number, self._heads[small], moment, body)
            elif kind == frames.JUDGED:
                for judged in frames.read_numbers(body):
                    self._use_again(judged)
            elif kind == frames.CUT:
                self._cut(number)
            elif kind == frames.DROP:
                self._use_again(number, drop=True)
            elif kind == frames.HEAD:
                self._heads[small] = frames.read_head(body)
            elif kind == frames.ORDER:
                self._begin(frames.read_order(body))
            else:
                self._close()
                return

    # Exchanges.

    def _begin(self, order: frames.Order) -> None:
        self._client = order.parent
        self._wire = AiohttpTransport(
            order.origins,
            timeout=order.timeout,
            max_connections=order.max_connections,
            put_by=self._keep,
        )
        self._tell(frames.pack(frames.READY))

    def _send(self, number: int, head: Head, moment: float, body: bytes) -> None:
        assert self._wire is not None  # noqa: S101 - for the type checker: the order comes first
        request = Request(head.endpoint, head.path, body, head.content_type)
        time_left = moment - time.monotonic()
        begun = None
        if time_left > 0:
            begun = self._wire.begin(request, head.authorization, self._loop.time(), time_left, self._told, number)
        if begun is not None:
            self._begun[number] = begun, request
        else:
            # Whatever time it takes to make a connection: what is too late when it is there is not written.
            self._run(number, self._wire.exchange(request, head.authorization, time_left))

    def _told(self, number: int, result: Any) -> None:  # noqa: ANN401 - an answer, or what only the transport understands
        """Take what the transport tells of an exchange that was begun."""
        _, request = self._begun.pop(number)
        if type(result) is Response:
            self._answer(number, result)
        else:
            assert self._wire is not None  # noqa: S101 - for the type checker: it was begun there
            self._run(number, self._wire.finish(request, result))

    def _run(self, number: int, exchange: Coroutine[Any, Any, Response]) -> None:
        task = self._loop.create_task(self._bring_home(number, exchange))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _bring_home(self, number: int, exchange: Coroutine[Any, Any, Response]) -> None:
        try:
            self._answer(number, await exchange)
        except ExchangeError as error:
            self._fail(number, error.failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client has to be told, and it may have been written
            self._fail(number, Failure(phase=Phase.WAIT, reason=type(error).__name__, written=True))

    def _cut(self, number: int) -> None:
        begun, task = self._begun.pop(number, None), self._tasks.get(number)
        if begun is not None and self._wire is not None:
            self._wire.cut(begun[0])
        elif task is not None:
            task.cancel()

    def _answer(self, number: int, answer: Response) -> None:
        response, use_again = self._put_by
        if response is answer and use_again is not None:
            self._put_by = None, None
            self._unjudged[number] = answer, use_again
        else:  # nothing has to be put by, or nothing can be
            self._unjudged[number] = answer, _nothing
        headers = answer.headers
        if headers is not self._headers:
            self._headers = headers
            self._tell(frames.pack(frames.HEADERS, body=frames.pack_headers(headers)))
        self._tell(frames.pack(frames.ANSWER, number, answer.body, small=answer.status))

    def _fail(self, number: int, failure: Failure) -> None:
        self._tell(frames.pack(frames.FAILURE, number, frames.pack_failure(failure)))

    # Connections of which it is not known yet whether what came over them can be believed.

    def _keep(self, answer: Response, use_again: Callable[[], None]) -> None:
        """Take a connection that an answer has just come over; the next thing that is told is this answer."""
        self._put_by = answer, use_again

    def _use_again(self, number: int, *, drop: bool = False) -> None:
        unjudged = self._unjudged.pop(number, None)
        if unjudged is not None:
            answer, use_again = unjudged
            if drop:
                answer.drop_connection()
            use_again()

    # The pipe.

    def _tell(self, record: bytes) -> None:
        """Write a record, together with all others of this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(record)

    def _flush(self) -> None:
        if self._pipe is not None and self._out:
            self._pipe.write(b"".join(self._out))
        self._out.clear()

    def _look_for_client(self) -> None:
        if os.getppid() == self._client:
            self._look = self._loop.call_later(_LOOK, self._look_for_client)
        else:
            self._close()

    def _close(self) -> None:
        if self._closing is None:
            self._look.cancel()
            self._closing = self._loop.create_task(self._end())

    async def _end(self) -> None:
        """Close everything; what was under way ends as the transport says, and is told if anybody listens."""
        try:
            for number in list(self._unjudged):
                self._use_again(number)  # so that they are closed with the others
            if self._wire is not None:
                await self._wire.aclose()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    while self._begun or self._tasks:  # noqa: ASYNC110 - it takes a few turns of the loop
                        await asyncio.sleep(0)
        finally:
            self._flush()
            if self._pipe is not None:
                self._pipe.close()
            self.ended.set_result(None)


def _nothing() -> None:
    pass


async def _serve(pipe: socket.socket) -> None:
    _, hand = await asyncio.get_running_loop().create_unix_connection(Hand, sock=pipe)
    await hand.ended


def main() -> None:
    """Be a worker; the pipe is the standard input."""
    # Ctrl-C, and what stops a whole group of processes, is for the client, which lets its messages finish.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as pipe, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 0)
        asyncio.run(_serve(pipe))
