"""HTTP as bytes: only the plain shape of an answer is read, and nothing gets into the head of a request that does not belong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.wire import LONGEST_HEAD, Head, HeadReader, build_head, read_chunks, read_head


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """Spell a head out."""
    return "\r\n".join([status, *lines, "", ""]).encode("latin-1")


LENGTH = "Content-Length: 2"
PLAIN = {
    "nothing but a length": (head(LENGTH), Head(200, 2, {})),
    "no reason": (head(LENGTH, status="HTTP/1.1 200 "), Head(200, 2, {})),
    "not even a space": (head(LENGTH, status="HTTP/1.1 200"), Head(200, 2, {})),
    "any status": (head(LENGTH, status="HTTP/1.1 429 Too Many"), Head(429, 2, {})),
    "599": (head(LENGTH, status="HTTP/1.1 599"), Head(599, 2, {})),
    "any case": (head("cONTENT-lENGTH: 2"), Head(200, 2, {})),
    "white space around the value": (head("Content-Length: \t 2 \t"), Head(200, 2, {})),
    "no white space": (head("Content-Length:2"), Head(200, 2, {})),
    "nothing to come": (head("Content-Length: 0"), Head(200, 0, {})),
    "a large body": (head("Content-Length: 999999999"), Head(200, 999999999, {})),
    "kept open": (head(LENGTH, "Connection: Keep-Alive", "Keep-Alive: timeout=5"), Head(200, 2, {})),
    "not encoded": (head(LENGTH, "Content-Encoding: identity"), Head(200, 2, {})),
    "others": (head("Server: x", LENGTH, "X-Empty:", "Content-Type: application/json"), Head(200, 2, {})),
    "headers that mean something": (
        head("Date: Thu, 01 Jan 2026 00:00:00 GMT", LENGTH, "Retry-After:  7 "),
        Head(200, 2, {"date": "Thu, 01 Jan 2026 00:00:00 GMT", "retry-after": "7"}),
    ),
    "twice: the first counts": (head(LENGTH, "Retry-After: 7", "Retry-After: 8"), Head(200, 2, {"retry-after": "7"})),
}
NOT_PLAIN = {
    "no length": head("Server: x"),
    "two lengths": head(LENGTH, "Content-Length: 7"),
    "the same length twice": head(LENGTH, LENGTH),
    "list of lengths": head("Content-Length: 2, 2"),
    "length and chunks": head(LENGTH, "Transfer-Encoding: chunked"),
    "chunks, twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunks of another kind": head("Transfer-Encoding: gzip, chunked"),
    "chunks, and a trailer": head("Transfer-Encoding: chunked", "Trailer: X"),
    "signed length": head("Content-Length: +2"),
    "negative length": head("Content-Length: -2"),
    "hexadecimal length": head("Content-Length: 0x2"),
    "length with a zero in front": head("Content-Length: 02"),
    "length with an underscore": head("Content-Length: 1_0"),
    "length in other digits": head("Content-Length: ²"),
    "empty length": head("Content-Length:"),
    "giant length": head("Content-Length: 1000000000"),
    "closed": head(LENGTH, "Connection: close"),
    "closed, among others": head(LENGTH, "Connection: keep-alive, close"),
    "upgrade": head(LENGTH, "Connection: upgrade", "Upgrade: h2c"),
    "upgrade on offer": head(LENGTH, "Upgrade: h2c"),
    "compressed": head(LENGTH, "Content-Encoding: gzip"),
    "trailer": head(LENGTH, "Trailer: X"),
    "older": head(LENGTH, status="HTTP/1.0 200 OK"),
    "newer": head(LENGTH, status="HTTP/2 200 OK"),
    "not HTTP": head(LENGTH, status="SSH-2.0-x"),
    "small letters": head(LENGTH, status="http/1.1 200 OK"),
    "interim": head(LENGTH, status="HTTP/1.1 100 Continue"),
    "switching": head(LENGTH, status="HTTP/1.1 101 Switching Protocols"),
    "no content": head(LENGTH, status="HTTP/1.1 204 No Content"),
    "not modified": head(LENGTH, status="HTTP/1.1 304 Not Modified"),
    "600": head(LENGTH, status="HTTP/1.1 600 x"),
    "status of two digits": head(LENGTH, status="HTTP/1.1 20 x"),
    "status of four digits": head(LENGTH, status="HTTP/1.1 2000"),
    "two spaces": head(LENGTH, status="HTTP/1.1  200 OK"),
    "no space": head(LENGTH, status="HTTP/1.1200 OK"),
    "space before the colon": head("Content-Length : 2"),
    "space in front": head(" Content-Length: 2"),
    "folded": head("Content-Length:", " 2"),
    "folded value": head(LENGTH, "X: a", "\tb"),
    "no colon": head(LENGTH, "nonsense"),
    "no name": head(LENGTH, ": x"),
    "brackets in a name": head(LENGTH, "X(y): z"),
    "bare LF": head(LENGTH, "X: a\nY: b"),
    "bare LF instead of CRLF": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n",
    "bare CR": head(LENGTH, "X: a\rY: b"),
    "NUL": head(LENGTH, "X: a\0"),
    "control character": head(LENGTH, "X: \x1b[0m"),
    "not ASCII": head(LENGTH, "X: é"),
    "not ASCII in the reason": head(LENGTH, status="HTTP/1.1 200 é"),
    "empty": b"",
    "nothing but its end": b"\r\n\r\n",
    "not ended": head(LENGTH)[:-1],
    "more than a head": head(LENGTH) + b"{",
    "too long": head(LENGTH, "X: " + "x" * LONGEST_HEAD),
    "too many": head(LENGTH, *["X: y"] * 100),
}


PLAIN |= {
    "chunks": (head("Transfer-Encoding: chunked"), Head(200, None, {})),
    "chunks in any case": (head("transfer-encoding:  Chunked"), Head(200, None, {})),
}


@pytest.mark.parametrize(("given_", "expected"), PLAIN.values(), ids=PLAIN)
def test_plain_head(given_: bytes, expected: Head) -> None:
    """What is plain is read, whatever spelling is allowed for it."""
    assert read_head(given_) == expected


@pytest.mark.parametrize("given_", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_head_that_is_not_plain(given_: bytes) -> None:
    """What could be read in two ways, or says that the body is another one, is not read here."""
    assert read_head(given_) is None


def test_head_as_long_as_is_allowed() -> None:
    """The longest head is the last that is read, not the first that is not."""
    padding = LONGEST_HEAD - len(head(LENGTH, "X: "))
    assert read_head(head(LENGTH, "X: " + "x" * padding)) == Head(200, 2, {})
    assert read_head(head(LENGTH, "X: " + "x" * (padding + 1))) is None


@given(st.binary(max_size=60), st.integers(0, len(head(LENGTH))))
def test_bytes_in_the_middle_of_a_head(noise: bytes, position: int) -> None:
    """Whatever stands in the middle of a head, a head that is read has one length, and no byte that may not be there."""
    plain = head(LENGTH)
    noisy = plain[:position] + noise + plain[position:]
    read = read_head(noisy)
    if read is not None:
        assert noisy.lower().count(b"content-length") >= 1
        assert all(byte in b"\r\n\t" or 0x20 <= byte < 0x7F for byte in noisy)
        assert noisy.count(b"\n") == noisy.count(b"\r\n") == noisy.count(b"\r")


def chunk(piece: bytes, spelling: str = "x") -> bytes:
    """A chunk."""
    return f"{len(piece):{spelling}}\r\n".encode() + piece + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.sampled_from("xX"), st.integers(0, 9))
def test_body_in_chunks(pieces: list[bytes], spelling: str, start: int) -> None:
    """However a body is cut, it is put together; what is cut short or has more behind it is not."""
    data = b"?" * start + b"".join(chunk(piece, spelling) for piece in pieces) + b"0\r\n\r\n"
    whole = b"".join(pieces)
    assert read_chunks(data, start, len(whole)) == whole
    assert read_chunks(data, start, len(whole) - 1) is None
    assert read_chunks(data + b"H", start, len(whole)) is None
    for end in range(start, len(data)):
        assert read_chunks(data[:end], start, len(whole)) is None


NOT_PLAIN_CHUNKS = {
    "extension": b"2;x=y\r\n{}\r\n0\r\n\r\n",
    "space": b"2 \r\n{}\r\n0\r\n\r\n",
    "sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "leading zero": b"02\r\n{}\r\n0\r\n\r\n",
    "prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "many zeros at the end": b"2\r\n{}\r\n00\r\n\r\n",
    "bare LF": b"2\n{}\r\n0\r\n\r\n",
    "no line after the data": b"2\r\n{}0\r\n\r\n",
    "another length": b"3\r\n{}\r\n0\r\n\r\n",
    "trailer": b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "not ended": b"2\r\n{}\r\n",
    "nothing": b"",
    "beyond all bounds": b"fffffffff\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_PLAIN_CHUNKS.values(), ids=NOT_PLAIN_CHUNKS)
def test_chunks_that_are_not_plain(data: bytes) -> None:
    """Chunks that could be read in two ways, or that say more than a body, are not read here."""
    assert read_chunks(data, 0, 1000) is None


def test_reader_that_has_seen_a_head() -> None:
    """A head like the last one is known again, and only one that is like it to the last byte."""
    reader = HeadReader()
    first = head(LENGTH)
    assert reader.read(first + b"{}") == reader.read(first + b"[]") == Head(200, 2, {})
    assert reader.read(head("Content-Length: 3") + b"{ }") == Head(200, 3, {})
    assert reader.read(first[:-1]) is None
    assert reader.read(first + b"{}") == Head(200, 2, {})


def test_head_of_a_request() -> None:
    """A head is spelled out up to the number of its length."""
    assert build_head("POST", "/sms", {"Host": "127.0.0.1", "X": "é"}) == (
        "POST /sms HTTP/1.1\r\nHost: 127.0.0.1\r\nX: é\r\nContent-Length: ".encode()
    )


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x1bb"], ids=repr)
def test_control_character_in_a_request(bad: str) -> None:
    """Nothing can be smuggled into a head, and the refusal does not quote what was tried."""
    for method, path, headers in (("POST", "/", {"A": bad}), ("POST", "/", {bad: "a"}), ("POST", bad, {}), (bad, "/", {})):
        with pytest.raises(ValueError, match=r"^control character in a header$"):
            build_head(method, path, headers)
