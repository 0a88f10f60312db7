"""The lean server: as little HTTP/1.1 as a client with keep-alive needs, and an answer after as long as is wanted."""

import asyncio
import re

from benchmarks.answers import ANSWERS

_LARGEST_READ = 32 * 1024
_LONGEST_HEAD = 64 * 1024


class Lean(asyncio.Protocol):
    """One connection of the lean server: reads requests with `Content-Length`, and answers one after the other.

    Args:
        delay: Seconds until an answer.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._read = b""
        self._waiting: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        if hasattr(transport, "max_size"):
            # asyncio reads up to 256 KiB at a time, and has the memory for it mapped and unmapped each time.
            transport.max_size = _LARGEST_READ

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the client."""
        self._transport = None
        if self._waiting is not None:
            self._waiting.cancel()

    def eof_received(self) -> bool:
        """Answer what is complete to a client that says no more, then close."""
        self._ended = True
        return self._waiting is not None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request. What comes while an answer waits is read after it."""
        self._read += data
        if self._waiting is None:
            self._next()

    def _next(self) -> None:
        """See to all requests that are complete, as long as nothing has to be waited for."""
        while self._transport is not None and (answer := self._take()) is not None:
            if self._delay:
                self._waiting = asyncio.get_running_loop().call_later(self._delay, self._late, answer)
                return
            self._write(answer)

    @property
    def _is_idle(self) -> bool:
        return self._waiting is None

    def _late(self, answer: tuple[bytes, bool]) -> None:
        self._waiting = None
        self._write(answer)
        self._next()
        if self._ended and self._transport is not None and self._is_idle:
            self._transport.close()

    def _write(self, answer: tuple[bytes, bool]) -> None:
        if self._transport is not None:
            whole, last = answer
            self._transport.write(whole)
            if last:
                self._transport.close()
                self._transport = None

    def _take(self) -> tuple[bytes, bool] | None:
        """Take a complete request off what was read; return its answer and whether it is the last. None if there is none."""
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return _TOO_LONG if len(self._read) > _LONGEST_HEAD else None
        head = self._read[:end]
        length = 0
        if found := _LENGTH.search(head):
            length = int(found[1])
        elif _CHUNKED.search(head):
            return _NO_LENGTH
        if len(self._read) < end + 4 + length:
            return None
        self._read = self._read[end + 4 + length :]
        whole = _WHOLE.get(head[: head.find(b" HTTP/")])
        return (_NOT_FOUND if whole is None else whole), bool(_CLOSE.search(head))


_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


def _whole(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


_REASONS = {200: "200 OK", 201: "201 Created"}
_WHOLE = {f"POST {path}".encode(): _whole(_REASONS[status], body) for path, (status, body) in ANSWERS.items()}
_NOT_FOUND = _whole("404 Not Found", b"{}")
_NO_LENGTH = _whole("411 Length Required", b"{}"), True
_TOO_LONG = _whole("431 Request Header Fields Too Large", b"{}"), True
