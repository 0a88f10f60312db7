"""Tests of `workers/frames.py`: what goes in at one end of the pipe comes out at the other."""

from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.options import Timeout
from routee_async.protocol import SEND_SMS, Failure, Host, Phase
from routee_async.workers import frames
from routee_async.workers.frames import Order, Record, Unpacker

RECORDS = st.tuples(
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, frames.NUMBERS - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=200),
)


@given(st.lists(RECORDS, max_size=8), st.lists(st.integers(0, 2000), max_size=12))
def test_records_survive_any_cutting(records: list[Record], cuts: list[int]) -> None:
    """However a pipe cuts what is written, the same records come out in the same order."""
    written = b"".join(frames.pack(kind, number, body, small=small, moment=moment) for kind, small, number, moment, body in records)
    unpacker = Unpacker()
    places = [0, *sorted(min(cut, len(written)) for cut in cuts), len(written)]
    came = [record for start, end in pairwise(places) for record in unpacker.unpack(written[start:end])]
    assert came == records


def test_big_record_in_small_pieces() -> None:
    """A record of many pieces is put together once, when the last is there."""
    written = frames.pack(frames.ANSWER, 7, b"x" * 100_000, small=200)
    unpacker = Unpacker()
    pieces = [written[start : start + 1000] for start in range(0, len(written), 1000)]
    came = [unpacker.unpack(piece) for piece in pieces]
    assert came[:-1] == [[]] * (len(pieces) - 1)
    assert came[-1] == [(frames.ANSWER, 200, 7, 0.0, b"x" * 100_000)]


@given(st.lists(st.integers(0, frames.NUMBERS - 1), max_size=50))
def test_numbers(numbers: list[int]) -> None:
    """Numbers of exchanges come back as they were."""
    assert frames.read_numbers(frames.pack_numbers(numbers)) == tuple(numbers)


def test_order() -> None:
    """An order comes back as it was."""
    order = Order(
        origins={Host.API: "https://api.invalid", Host.AUTH: "https://auth.invalid"},
        timeout=Timeout(total=3.5, connect=1, sock_connect=0.5, sock_read=2),
        max_connections=7,
        parent=4711,
    )
    assert frames.read_order(frames.pack_order(order)) == order


def test_head() -> None:
    """A head comes back with all that a transport looks at, and does not show the token."""
    head = frames.read_head(frames.pack_head(SEND_SMS, "/sms?a=1", "text/plain", "Bearer secret"))
    assert (head.path, head.content_type, head.authorization) == ("/sms?a=1", "text/plain", "Bearer secret")
    for name in ("method", "path", "paid", "host", "cap"):
        assert getattr(head.endpoint, name) == getattr(SEND_SMS, name)
    assert "secret" not in repr(head)


@pytest.mark.parametrize(
    "failure",
    [
        Failure(phase=Phase.TLS, reason="ClientConnectorCertificateError (certificate has expired)", written=False, permanent=True),
        Failure(phase=Phase.BODY, reason="ClientPayloadError", written=True, status=200),
    ],
    ids=lambda failure: failure.phase,
)
def test_failure(failure: Failure) -> None:
    """A failure comes back as it was, to the last field."""
    told = frames.read_failure(frames.pack_failure(failure))
    assert told == failure
    assert type(told.phase) is Phase
    assert attrs.asdict(told) == attrs.asdict(failure)


def test_headers() -> None:
    """Headers come back as they were."""
    assert frames.read_headers(frames.pack_headers({"retry-after": "7"})) == {"retry-after": "7"}
