"""One worker as its client sees it: a process, a pipe, and the exchanges that it holds."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import attrs

from routee_async.errors import ConfigurationError
from routee_async.exchange import ExchangeError
from routee_async.pool import Pool
from routee_async.protocol import Failure, Phase, Request, Response
from routee_async.workers import frames
from routee_async.workers.frames import Order, Unpacker

Tell = Callable[[Any, Response | ExchangeError], None]
"""Told how an exchange ends: what it is about, and the answer or why there is none."""

_PROGRAM: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from routee_async.workers.hand import main; main()"
"""What a worker runs: it has to find this very package, wherever its client has found it."""
_OURS: Final = "ROUTEE_"
"""How the names of environment variables begin that a worker has no use for: credentials among them."""
_START: Final = 60.0
"""Seconds that a worker may take to come up."""
_STOP: Final = 5.0
"""Seconds that a worker may take to close its connections."""
_GRACE: Final = 1.0
"""Seconds after which the word of a worker is not waited for any longer that an exchange has run out of time."""
_MOST_HEADS: Final = 64
_HEADER_OF: Final = frames.HEADER.pack


@attrs.define(eq=False)
class Held:
    """An exchange that a worker holds.

    Attributes:
        worker: Which one.
        number: Its number.
        tell: Told how it ends.
        about: For *tell*.
        give_up_at: By the system's clock: when it is given up.
        is_judged_later: True when whoever is told says himself that he has judged the answer.
    """

    worker: "Worker"
    number: int
    tell: Tell
    about: Any
    give_up_at: float
    is_judged_later: bool = False


class Worker(asyncio.Protocol):
    """A worker process.

    Args:
        lost: Told when the process has gone without having been asked to, before anybody is told what that means for his exchange.

    Attributes:
        held: What it was asked and has not answered, by number.
    """

    def __init__(self, lost: "Callable[[Worker], None]") -> None:
        self.held: dict[int, Held] = {}
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._pipe: asyncio.Transport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._gone = asyncio.Event()
        self._stopping = False
        self._unpack = Unpacker().unpack
        self._next = 0
        self._headers: Mapping[str, str] = {}
        self._slots: dict[object, int] = {}
        self._taught: dict[int, object] = {}
        self._next_slot = 0
        self._out: list[bytes] = []
        self._handed_over = 0
        self._judged: set[int] = set()
        self._is_flushing = False

    # The process.

    async def start(self, order: Order) -> None:
        """Start the process, and wait until it is ready. `stop` must follow, whatever comes of it.

        Raises:
            ConfigurationError: It does not come up.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # A group of its own, so that Ctrl-C in a terminal is for the client alone.
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable or "python3", "-c", _PROGRAM, json.dumps([str(place) for place in sys.path])),
                    env={name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )
            await self._loop.create_unix_connection(lambda: self, sock=ours)
        except OSError as error:
            ours.close()
            raise ConfigurationError("workers", f"no process could be started: {error.strerror}") from None
        except BaseException:
            ours.close()
            raise
        self._write(frames.pack(frames.ORDER, body=frames.pack_order(order)))
        try:
            async with asyncio.timeout(_START):
                await self._ready
        except TimeoutError:
            raise ConfigurationError("workers", f"a process did not come up within {_START:.0f} s") from None

    async def stop(self) -> None:
        """End the process. What it holds ends as its transport says, or in doubt."""
        self._stopping = True
        process = self._process
        try:
            if self._pipe is not None:
                self._write(frames.pack(frames.END))
                async with asyncio.timeout(_STOP):
                    await self._gone.wait()
            if process is not None:
                async with asyncio.timeout(_STOP):
                    await process.wait()
        except TimeoutError:
            pass
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End the process at once, and wait for that. A cancellation is obeyed after that, not before."""
        self._stopping = True
        process, pipe = self._process, self._pipe
        cancelled: asyncio.CancelledError | None = None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            while process.returncode is None:
                try:
                    await process.wait()
                except asyncio.CancelledError as error:
                    cancelled = error
        if pipe is not None:
            pipe.abort()
            await self._gone.wait()
        if cancelled is not None:
            raise cancelled

    @property
    def status(self) -> int | None:
        """How the process has ended; None while it has not."""
        return None if self._process is None else self._process.returncode

    @property
    def pid(self) -> int | None:
        """Its process id; None where there is no process."""
        return None if self._process is None else self._process.pid

    # Exchanges.

    def ask(
        self,
        request: Request,
        body: bytes,
        authorization: str,
        time_left: float,
        tell: Tell,
        about: Any,  # noqa: ANN401 - whatever *tell* is told
    ) -> Held:
        """Hand a request over at the end of this turn of the loop.

        Args:
            request: What to write.
            body: Its body.
            authorization: Value of the `Authorization` header.
            time_left: Seconds until the exchange is given up.
            tell: Told how it ends, from the loop.
            about: For *tell*.
        """
        number = self._next
        self._next = (number + 1) % frames.NUMBERS
        slot = self._slots.get((request.endpoint, request.path, request.content_type, authorization))
        if slot is None:
            slot = self._teach(request, authorization)
        # The system's clock is the same for both processes: what is late is not begun, however long it took to get there.
        give_up_at = time.monotonic() + time_left
        held = self.held[number] = Held(self, number, tell, about, give_up_at)
        self._out += (_HEADER_OF(frames.SEND, slot, number, len(body), give_up_at), body)
        if not self._is_flushing:
            self._flush_soon()
        return held

    def cut(self, held: Held) -> None:
        """End an exchange. Nobody is told."""
        if self.held.pop(held.number, None) is not None:
            self._write(frames.pack(frames.CUT, held.number))

    def judged(self, number: int) -> None:
        """Let the connection be used again that an answer came over, unless it is dropped in this turn of the loop."""
        self._judged.add(number)
        self._flush_soon()

    def give_up(self, now: float) -> None:
        """Tell whoever still waits that there is no answer, where the worker should have said so by now.

        It keeps its place, so that a worker that hangs is given nothing more.
        """
        for held in list(self.held.values()):
            if held.give_up_at + _GRACE < now:
                tell, held.tell = held.tell, _tell_nobody
                self._tell(tell, held.about, Failure(phase=Phase.WAIT, reason="TimeoutError", written=True))

    # What the pipe calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the pipe."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._pipe = transport
        Pool.shrink_buffer(transport)

    def data_received(self, data: bytes) -> None:
        """Tell what came of exchanges."""
        for kind, small, number, _, body in self._unpack(data):
            if kind == frames.ANSWER:
                held = self.held.pop(number, None)
                if held is None or not held.is_judged_later:
                    self._judged.add(number)
                    if not self._is_flushing:
                        self._flush_soon()
                if held is not None:
                    self._tell(held.tell, held.about, Response(small, self._headers, body, partial(self._drop, number)))
            elif kind == frames.HEADERS:
                self._headers = frames.read_headers(body)
            elif kind == frames.FAILURE:
                held = self.held.pop(number, None)
                if held is not None:
                    self._tell(held.tell, held.about, frames.read_failure(body))
            elif not self._ready.done():
                self._ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has gone, or is about to: whatever it was handed and has not answered is in doubt."""
        del exc
        self._pipe = None
        self._gone.set()
        if not self._ready.done():
            self._ready.set_exception(ConfigurationError("workers", "a process ended before it was ready; see what it printed"))
            self._ready.exception()  # seen, even if nobody waits any more
        elif not self._stopping:
            self._lost(self)
        while self.held:
            number, held = self.held.popitem()
            ahead = (number - self._handed_over) % frames.NUMBERS
            self._tell(held.tell, held.about, self._explain(handed_over=ahead >= frames.NUMBERS // 2))

    def _explain(self, *, handed_over: bool) -> Failure:
        if self._stopping:
            return Failure(phase=Phase.CLOSE, reason="closed", written=handed_over, permanent=True)
        if handed_over:
            # Not the service's fault, so nothing that the breaker should hear of.
            return Failure(phase=Phase.CLOSE, reason="WorkerDied", written=True)
        return Failure(phase=Phase.CONNECT, reason="WorkerDied", written=False)

    # Details.

    def _tell(self, tell: Tell, about: object, result: Response | Failure) -> None:
        try:
            tell(about, ExchangeError(result) if isinstance(result, Failure) else result)
        except Exception as error:  # noqa: BLE001 - told to the loop, as of any callback: others have answers in the pipe
            context = {"message": "exception in what was to be done after an exchange", "exception": error}
            self._loop.call_exception_handler(context)

    def _teach(self, request: Request, authorization: str) -> int:
        """Tell the worker a head that it does not know, in the place of the oldest if there are too many."""
        key = request.endpoint, request.path, request.content_type, authorization
        slot = self._next_slot
        self._next_slot = (slot + 1) % _MOST_HEADS
        if (forgotten := self._taught.get(slot)) is not None:
            del self._slots[forgotten]
        self._taught[slot] = key
        self._slots[key] = slot
        self._write(frames.pack(frames.HEAD, body=frames.pack_head(*key), small=slot))
        return slot

    def _drop(self, number: int) -> None:
        """Close the connection that an answer came over. In time only if that is said in the turn in which the answer came."""
        self._judged.discard(number)
        self._write(frames.pack(frames.DROP, number))

    def _write(self, record: bytes) -> None:
        self._out.append(record)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._is_flushing:  # looked at before, too, where that is worth it
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write all records of this turn of the loop at once, and first what lets connections be used again."""
        self._is_flushing = False
        self._handed_over = self._next
        out, self._out = self._out, []
        if self._judged:
            out.insert(0, frames.pack(frames.JUDGED, body=frames.pack_numbers(self._judged)))
            self._judged.clear()
        if self._pipe is not None:
            self._pipe.write(b"".join(out))


def _tell_nobody(about: object, result: Response | ExchangeError) -> None:
    """Whoever it was has been told."""
