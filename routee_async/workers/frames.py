"""What goes over the pipe between a client and a worker, as bytes. No I/O.

A record is a header of fixed size and a body. What is written for each message is small and plain; what is rare is JSON. Both ends
are of the same version on the same machine, so nothing here has to last.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from routee_async.options import Timeout
from routee_async.protocol import Endpoint, Failure, Host, Phase

HEADER: Final = struct.Struct("<BxHIId")
"""Kind; a status, or which head; number of the exchange; bytes of the body; for a request, when it is too late for it."""
NUMBERS: Final = 2**32
"""Numbers of exchanges begin anew after so many."""

# From the client to a worker.
ORDER: Final = 1
"""What to be, before anything else."""
HEAD: Final = 2
"""What many requests have in common, token included."""
SEND: Final = 3
"""A request, with the number of its head."""
CUT: Final = 4
"""End an exchange."""
DROP: Final = 5
"""An answer cannot be believed: close the connection that it came over."""
JUDGED: Final = 6
"""The connections that these answers came over may be used again."""
END: Final = 7
"""Close everything, tell what became of it, and end."""

# From a worker to the client.
READY: Final = 16
"""Everything is loaded."""
HEADERS: Final = 17
"""The headers of the answers that follow."""
ANSWER: Final = 18
"""An answer, with its status."""
FAILURE: Final = 19
"""There is no complete answer."""

Record = tuple[int, int, int, float, bytes]
"""Kind, small number, number, moment, body."""


def pack(kind: int, number: int = 0, body: bytes = b"", *, small: int = 0, moment: float = 0.0) -> bytes:
    """Make a record."""
    return HEADER.pack(kind, small, number, len(body), moment) + body


class Unpacker:
    """Cuts what comes out of a pipe into records."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._missing = 0

    def unpack(self, data: bytes) -> list[Record]:
        """Take what has come, return the records that are complete with it."""
        if self._pieces:
            self._pieces.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
        records: list[Record] = []
        unpack_from, size = HEADER.unpack_from, HEADER.size
        start, end = 0, len(data)
        stop = size
        while stop <= end:
            kind, small, number, length, moment = unpack_from(data, start)
            body_at, stop = stop, stop + length
            if stop > end:
                break
            records.append((kind, small, number, moment, data[body_at:stop]))
            start, stop = stop, stop + size
        if start < end:
            self._pieces.append(data[start:])
            self._missing = stop - end
        return records


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Write down numbers of exchanges."""
    listed = list(numbers)
    return struct.pack(f"<{len(listed)}I", *listed)


def read_numbers(body: bytes) -> tuple[int, ...]:
    """Read what `pack_numbers` wrote."""
    return struct.unpack(f"<{len(body) // 4}I", body)


@attrs.frozen(kw_only=True)
class Order:
    """What a worker is to be.

    Attributes:
        origins: Origin of each host.
        timeout: Bounds of one exchange.
        max_connections: Size of its pool.
        parent: Process id of the client: a worker without it ends.
    """

    origins: Mapping[Host, str]
    timeout: Timeout
    max_connections: int
    parent: int


def pack_order(order: Order) -> bytes:
    """Write an order down."""
    return json.dumps(attrs.asdict(order)).encode()


def read_order(body: bytes) -> Order:
    """Read what `pack_order` wrote."""
    told = json.loads(body)
    origins = {Host(name): origin for name, origin in told["origins"].items()}
    return Order(
        origins=origins,
        timeout=Timeout(**told["timeout"]),
        max_connections=told["max_connections"],
        parent=told["parent"],
    )


@attrs.frozen(eq=False)
class Head:
    """What many requests have in common: all but the body.

    Attributes:
        endpoint: What is asked; of its fields, those that a transport looks at.
        path: Path and query.
        content_type: Type of the body.
        authorization: Value of the `Authorization` header.
    """

    endpoint: Endpoint
    path: str
    content_type: str
    authorization: str = attrs.field(repr=False)


def pack_head(endpoint: Endpoint, path: str, content_type: str, authorization: str) -> bytes:
    """Write a head down."""
    kept = [endpoint.method, endpoint.path, endpoint.paid, endpoint.host, endpoint.cap]
    return json.dumps([kept, path, content_type, authorization]).encode()


def read_head(body: bytes) -> Head:
    """Read what `pack_head` wrote."""
    (method, template, paid, host, cap), path, content_type, authorization = json.loads(body)
    return Head(Endpoint(method=method, path=template, paid=paid, host=Host(host), cap=cap), path, content_type, authorization)


def pack_headers(headers: Mapping[str, str]) -> bytes:
    """Write the headers of an answer down."""
    return json.dumps(dict(headers)).encode()


def read_headers(body: bytes) -> Mapping[str, str]:
    """Read what `pack_headers` wrote."""
    headers: Mapping[str, str] = json.loads(body)
    return headers


def pack_failure(failure: Failure) -> bytes:
    """Write a failure down."""
    return json.dumps(attrs.asdict(failure)).encode()


def read_failure(body: bytes) -> Failure:
    """Read what `pack_failure` wrote."""
    told = json.loads(body)
    return Failure(**told | {"phase": Phase(told["phase"])})
