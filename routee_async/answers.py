"""Answers that aiohttp's parser has read: the body up to a cap, and decompressed up to a cap."""

import zlib
from collections.abc import Callable, Mapping

from aiohttp.streams import StreamReader
from multidict import istr

from routee_async.failures import TooLargeError, UnreadableError
from routee_async.protocol import Response
from routee_async.wire import HEADERS_READ

_HEADERS_READ = tuple((name, istr(name)) for name in HEADERS_READ)
"""Each as we call it, and in the type that is cheapest to look up in aiohttp's headers."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""Tells zlib to see for itself which of the two it has been given."""


def make_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    drop_connection: Callable[[], None],
    *,
    whole: bool = False,
) -> Response:
    """Keep of an answer what means something to us, or all of it. *headers* takes names in any case."""
    if whole:
        return Response(status, {name.lower(): value for name, value in headers.items()}, body, drop_connection)
    read = {name: value for name, key in _HEADERS_READ if (value := headers.get(key)) is not None}
    return Response(status, read, body, drop_connection)


async def read_capped(content: StreamReader, cap: int) -> bytes:
    """Read the whole body, but not more than *cap* bytes: `read()` would take all that anybody cares to send.

    Raises:
        TooLargeError: There is more; the connection is of no use any more.
    """
    if content.is_eof():  # as small ones are that came together with their head
        whole = content.read_nowait()
        if len(whole) > cap:
            raise TooLargeError
        return whole
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > cap:
            raise TooLargeError
    return bytes(body)


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
