"""What is kept of an answer, and how much of it is read."""

import asyncio
import gzip
import zlib
from unittest.mock import Mock

import pytest
from aiohttp.streams import StreamReader
from multidict import CIMultiDict

from routee_async.answers import decompress, make_response, read_capped
from routee_async.failures import TooLargeError, UnreadableError


def test_what_is_kept() -> None:
    """Status, body, and the headers that mean something, in lower case."""
    dropped: list[bool] = []
    headers = CIMultiDict({"Date": "today", "RETRY-AFTER": "7", "X-Other": "1"})
    response = make_response(429, headers, b"{}", lambda: dropped.append(True))
    assert (response.status, response.headers, response.body) == (429, {"retry-after": "7", "date": "today"}, b"{}")
    response.drop_connection()
    assert dropped == [True]


def test_all_is_kept_where_all_is_asked_for() -> None:
    """Every header is kept, its name in lower case."""
    response = make_response(200, CIMultiDict({"Date": "today", "X-Other": "1"}), b"", lambda: None, whole=True)
    assert response.headers == {"date": "today", "x-other": "1"}


@pytest.mark.parametrize("whole", [True, False], ids=["came whole", "comes in pieces"])
async def test_body_is_read_up_to_the_cap(whole: bool) -> None:  # noqa: FBT001
    """A body as long as the cap is read; one byte more is too much."""
    loop = asyncio.get_running_loop()
    for size in (0, 10, 11):
        content = StreamReader(Mock(_reading_paused=False), 2**16, loop=loop)
        content.feed_data(b"x" * (size // 2))
        if whole:
            content.feed_data(b"x" * (size - size // 2))
            content.feed_eof()
        else:
            loop.call_soon(content.feed_data, b"x" * (size - size // 2))
            loop.call_soon(content.feed_eof)
        if size > 10:
            with pytest.raises(TooLargeError):
                await read_capped(content, 10)
        else:
            assert await read_capped(content, 10) == b"x" * size


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_what_is_not_compressed(encoding: str) -> None:
    """A body that is not compressed stays as it is."""
    assert decompress(b"plain", encoding, 3) == b"plain"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"text"), "gzip"),
        (gzip.compress(b"text"), "X-Gzip"),
        (zlib.compress(b"text"), " deflate"),
    ],
    ids=["gzip", "old name", "deflate"],
)
def test_what_is_compressed(body: bytes, encoding: str) -> None:
    """A known compression is undone, up to the cap."""
    assert decompress(body, encoding, 4) == b"text"
    with pytest.raises(TooLargeError):
        decompress(body, encoding, 3)
    with pytest.raises(UnreadableError):
        decompress(body[:-2], encoding, 4)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"text", "gzip"), (b"text", "br"), (gzip.compress(b""), "gzip, gzip")],
    ids=["no gzip", "unknown", "twice"],
)
def test_what_cannot_be_read(body: bytes, encoding: str) -> None:
    """A compression that we do not know, or that is none, is not guessed at."""
    with pytest.raises(UnreadableError):
        decompress(body, encoding, 100)
