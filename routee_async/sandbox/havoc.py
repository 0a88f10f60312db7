"""What faults do to a connection: the only place that writes raw bytes, cuts, stalls and resets."""

import asyncio
import itertools
import struct
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET

from aiohttp import web

from routee_async.sandbox.answers import Answer
from routee_async.sandbox.effects import Effect, Kind


def to_response(answer: Answer, *, gzip: bool = False) -> web.Response:
    """Make aiohttp's response of *answer*, compressed if *gzip*."""
    headers = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    response = web.Response(status=answer.status, body=answer.body, headers=headers)
    if gzip:
        response.enable_compression(web.ContentCoding.gzip)
    return response


def _to_bytes(answer: Answer) -> bytes:
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", f"Content-Type: {answer.content_type}"]
    head.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join([*head, "", ""]).encode() + answer.body


class Havoc:
    """Carries effects out on one connection.

    Args:
        request: The struck request.
        stopping: Set when the server stops; whatever waits then ends.
    """

    def __init__(self, request: web.BaseRequest, stopping: asyncio.Event) -> None:
        self._request = request
        self._stopping = stopping

    async def pause(self, seconds: float | None) -> bool:
        """Wait for *seconds*, or for ever; False when the server stops before. Cancelled when the client goes away."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return not self._stopping.is_set()

    async def strike(self, effect: Effect, good: Answer) -> web.StreamResponse:
        """Do what *effect* says, *good* being the answer that would have been given."""
        if effect.kind in {Kind.UNSOLICITED, Kind.CLOSE_AFTER}:
            return await self._after(effect, good)
        data = _to_bytes(good)
        head = len(data) - len(good.body)
        match effect.kind:
            case Kind.RESET:
                self._reset()
            case Kind.CUT_HEAD:
                self._write(data[: head // 2])
            case Kind.CUT_BODY | Kind.STALL_BODY:
                self._write(data[: head + len(good.body) // 2])
            case Kind.GARBAGE:
                self._write(effect.body.encode("latin-1"))
            case Kind.TRICKLE:
                await self._repeat([data[index : index + 1] for index in range(len(data))], effect.seconds)
            case Kind.INTERIM:
                await self._repeat(itertools.repeat(b"HTTP/1.1 102 Processing\r\n\r\n"), effect.seconds)
            case _:
                pass
        if effect.kind in {Kind.HANG, Kind.STALL_BODY}:
            await self.pause(None)
        return self.hang_up()

    def hang_up(self) -> web.Response:
        """Close the connection: the response that is returned has nowhere to go, and aiohttp gives it up quietly."""
        if self._request.transport is not None:
            self._request.transport.close()
        return web.Response()

    async def _repeat(self, pieces: Iterable[bytes], interval: float) -> None:
        for piece in pieces:
            self._write(piece)
            if not await self.pause(interval):
                return

    async def _after(self, effect: Effect, good: Answer) -> web.StreamResponse:
        response = to_response(good)
        await response.prepare(self._request)
        await response.write_eof()
        if effect.kind is Kind.UNSOLICITED:
            self._write(effect.body.encode("latin-1"))
        else:
            self.hang_up()
        return response

    def _write(self, data: bytes) -> None:
        if self._request.transport is not None:
            self._request.transport.write(data)

    def _reset(self) -> None:
        if self._request.transport is not None:
            self._request.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            self._request.transport.abort()
