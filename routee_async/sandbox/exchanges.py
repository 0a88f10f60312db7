"""The latest requests and what was answered, byte by byte, for those who want to see what their client really does."""

from collections import deque
from collections.abc import Iterator, Sequence

import attrs

MAX_BODY = 64 << 10
"""Bytes of a body that are kept; what is longer is cut."""
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie"})


@attrs.frozen(kw_only=True, eq=False)
class Exchange:
    """One request and its answer.

    Attributes:
        number: Counted from 1.
        at: Epoch seconds of its arrival.
        method: HTTP method.
        target: Path and query as they came.
        raw_headers: Headers as they came.
        body: Body of the request, at most `MAX_BODY` bytes.
        status: Status of the answer that was written, or would have been if no fault had struck; 0 where there was none to write.
        content_type: That of the answer.
        answer: Body of the answer, at most `MAX_BODY` bytes.
        fault: What struck it; empty for nothing.
        tracking_ids: Ids of the messages that it brought about.
    """

    number: int
    at: float
    method: str
    target: str
    raw_headers: Sequence[tuple[bytes, bytes]] = attrs.field(repr=False)
    body: bytes
    status: int
    content_type: str = ""
    answer: bytes = b""
    fault: str = ""
    tracking_ids: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers as they came; credentials are masked."""
        return tuple(map(_masked, self.raw_headers))


class Exchanges:
    """The latest exchanges, the oldest first.

    Args:
        keep: How many; 0 for none, which is the quickest.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._kept: deque[Exchange] = deque(maxlen=keep)
        self._count = 0

    def __iter__(self) -> Iterator[Exchange]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def add(
        self,
        *,
        at: float,
        method: str,
        target: str,
        raw_headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        status: int,
        content_type: str = "",
        answer: bytes = b"",
        fault: str = "",
        tracking_ids: tuple[str, ...] = (),
    ) -> None:
        """Keep an exchange, as far as any are kept."""
        if not self.keep:
            return
        self._count += 1
        self._kept.append(
            Exchange(
                number=self._count,
                at=at,
                method=method,
                target=target,
                raw_headers=raw_headers,
                body=body[:MAX_BODY],
                status=status,
                content_type=content_type,
                answer=answer[:MAX_BODY],
                fault=fault,
                tracking_ids=tracking_ids,
            )
        )

    def of(self, tracking_id: str) -> Exchange | None:
        """Find the exchange that brought a message about; None when it is gone, or never was."""
        return next((exchange for exchange in reversed(self._kept) if tracking_id in exchange.tracking_ids), None)

    def find(self, number: int) -> Exchange | None:
        """Find an exchange by its number; None when it is gone."""
        return next((exchange for exchange in self._kept if exchange.number == number), None)

    def clear(self) -> None:
        """Forget all of them; the numbers go on."""
        self._kept.clear()


def _masked(header: tuple[bytes, bytes]) -> tuple[str, str]:
    name, value = header[0].decode("latin-1"), header[1].decode("latin-1")
    if name.lower() in _SECRET:
        scheme, _, rest = value.partition(" ")
        value = f"{scheme} ****" if rest else "****"
    return name, value
