"""HTTP/1.1 as bytes: the one shape of request that is written directly, and the plain shapes of answer that are read directly.

Strict: what this reads, every reader of HTTP reads in the same way. Whatever else there is, right or wrong, is no answer here and
is left to aiohttp's parser. Source: RFC 9112.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import attrs

LONGEST_HEAD = 8190
"""Bytes of a head that are read directly: what aiohttp allows for one line."""
END_OF_HEAD = b"\r\n\r\n"
HEADERS_READ: Final = ("retry-after", "date")
"""The headers of an answer that mean something to us."""

# Visible ASCII, spaces and tabs only: no folded line, no bare CR or LF, no space before a colon.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [\x20-\x7e\t]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\x20-\x7e\t]*\r\n)*)"
    rb"\r\n",
)
_FIELD = re.compile(r"([^:]+):[ \t]*([^\r]*?)[ \t]*\r\n")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,8}")
_WITHOUT_BODY = frozenset({204, 304})
_MOST_FIELDS = 100
# Value in lower case that changes nothing; any other one does.
_HARMLESS: Mapping[str, str] = {"connection": "keep-alive", "content-encoding": "identity"}
_NEVER = frozenset({"content-length", "transfer-encoding", "trailer", "upgrade"})
_CHUNKED = "chunked"
_CHUNK = re.compile(rb"(0|[1-9A-Fa-f][0-9A-Fa-f]{0,6})\r\n")
_END_OF_LINE = b"\r\n"


@attrs.frozen
class Head:
    """The head of a plain answer: it says where the body ends, and the connection stays open after it.

    Attributes:
        status: HTTP status, 200 to 599.
        length: Bytes of the body; None when it comes in chunks: `read_chunks`.
        headers: Those of `HEADERS_READ` that there are, names in lower case.
        size: Bytes of the head itself, the empty line included.
    """

    status: int
    length: int | None
    headers: Mapping[str, str]
    size: int = attrs.field(default=0, eq=False)


@lru_cache(maxsize=64)  # one server's heads differ by the second, and in the number of digits of a length
def read_head(head: bytes) -> Head | None:
    """Read a head, from `HTTP/1.1` to the empty line; None for any but the plain shape.

    Plain is a final status that has a body, one `Content-Length` or one `Transfer-Encoding: chunked`, and nothing else that says
    where the body ends, how it is coded, or that the connection is to be closed.
    """
    match = _HEAD.fullmatch(head) if len(head) <= LONGEST_HEAD else None
    if match is None:
        return None
    status = int(match[1])
    ends: list[str] = []
    headers: dict[str, str] = {}
    fields = _FIELD.findall(match[2].decode("ascii"))
    for spelling, value in fields:
        name = spelling.lower()
        if name == "content-length" and _LENGTH.fullmatch(value):
            ends.append(value)
        elif name == "transfer-encoding" and value.lower() == _CHUNKED:
            ends.append(_CHUNKED)
        elif name in _NEVER or _HARMLESS.get(name, value.lower()) != value.lower():
            return None
        elif name in HEADERS_READ:
            headers.setdefault(name, value)
    if len(ends) != 1 or status in _WITHOUT_BODY or len(fields) > _MOST_FIELDS:
        return None
    return Head(status, None if ends == [_CHUNKED] else int(ends[0]), MappingProxyType(headers), len(head))


def read_chunks(data: bytes, start: int, cap: int) -> bytes | None:
    """Put a body together that came in chunks, all of it in one piece of data.

    Args:
        data: Head and body, and nothing behind.
        start: Bytes of the head.
        cap: The most bytes of the body.

    Returns:
        The body; None when it is not whole, not plain (with extensions, or fields behind it), or longer than *cap*.
    """
    chunks: list[bytes] = []
    size = 0
    while (line := _CHUNK.match(data, start)) is not None:
        begin, length = line.end(), int(line[1], 16)
        start = begin + length + len(_END_OF_LINE)
        size += length
        if size > cap or data[begin + length : start] != _END_OF_LINE:
            return None
        if length == 0:
            return b"".join(chunks) if start == len(data) else None
        chunks.append(data[begin : begin + length])
    return None


class HeadReader:
    """Reads the heads of one server's answers, of which one is mostly like the one before."""

    def __init__(self) -> None:
        self._last = b"-"  # no answer begins so
        self._read: Head | None = None

    def read(self, data: bytes) -> Head | None:
        """Read the head with which *data* begins; None for any but the plain shape, and for one that is not whole."""
        if data.startswith(self._last):
            return self._read
        whole = data[: data.find(END_OF_HEAD, 0, LONGEST_HEAD) + len(END_OF_HEAD)]
        head = read_head(whole)
        if head is not None:
            self._last, self._read = whole, head
        return head


def build_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Build the head of a request up to where the number of its `Content-Length` goes; after it comes `END_OF_HEAD`.

    Raises:
        ValueError: A control character would end up in the head. Its text does not quote it.
    """
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any(_CONTROL.search(line) for line in lines):
        raise ValueError("control character in a header")
    return "\r\n".join([*lines, "Content-Length: "]).encode()


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
