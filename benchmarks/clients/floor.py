"""The floor: a protocol on bare asyncio, written by hand for this one request. JSON both ways, nothing else, and nothing safe."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from benchmarks.clients.common import BODY, SENDER_ID, Run, Target, basic_authorization, recipient

try:
    import orjson

    dumps: Callable[[object], bytes] = orjson.dumps
    loads: Callable[[bytes], dict[str, str]] = orjson.loads
except ImportError:  # what `routee_async` does without its extra `speed`, too

    def dumps(value: object) -> bytes:
        """Encode."""
        return json.dumps(value).encode()

    loads = json.loads

_LARGEST_READ = 32 * 1024
_LENGTH = b"\r\ncontent-length:"


class Connection(asyncio.Protocol):
    """One connection with at most one request on its way."""

    def __init__(self) -> None:
        self._read = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read in small pieces: asyncio's 256 KiB are mapped and unmapped each time."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        if hasattr(transport, "max_size"):
            transport.max_size = _LARGEST_READ

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; pass on its body when it is complete."""
        self._read = whole = self._read + data if self._read else data
        end = whole.find(b"\r\n\r\n")
        if end < 0:
            return
        head = whole[:end].lower()
        at = head.find(_LENGTH) + len(_LENGTH)
        stop = head.find(b"\r\n", at)
        length = int(head[at : stop if stop >= 0 else end])
        if len(whole) < end + 4 + length:
            return
        self._read = b""
        if self._answer is not None and not self._answer.done():
            if not head.startswith(b"http/1.1 200 "):
                self._answer.set_exception(RuntimeError(whole[:end].decode("latin-1")))
            else:
                self._answer.set_result(whole[end + 4 : end + 4 + length])

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    async def request(self, head: bytes, body: bytes) -> bytes:
        """Write a request, and wait for the body of its answer."""
        assert self._transport is not None  # noqa: S101 - for the type checker
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        return await self._answer

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Run]:
    """A connection for each worker, all opened beforehand."""
    parts = urlsplit(target.origin)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(target.concurrency):
        _, connection = await loop.create_connection(Connection, parts.hostname or "", parts.port or 0, ssl=tls)
        connections.append(connection)

    def head(path: str, authorization: str, content_type: str) -> bytes:
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Authorization: {authorization}",
            "Accept: application/json",
            f"Content-Type: {content_type}",
            "Content-Length: ",
        )
        return "\r\n".join(lines).encode()

    form = head("/oauth/token", basic_authorization(), "application/x-www-form-urlencoded")
    token = loads(await connections[0].request(form, b"grant_type=client_credentials"))["access_token"]
    sms = head("/sms", f"Bearer {token}", "application/json")

    async def run(count: int) -> int:
        numbers = iter(range(count))

        async def work(connection: Connection) -> int:
            accepted = 0
            for number in numbers:
                body = dumps({"to": recipient(number), "from": SENDER_ID, "body": BODY})
                accepted += bool(loads(await connection.request(sms, body))["trackingId"])
            return accepted

        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(work(connection)) for connection in connections[:count]]
        return sum(worker.result() for worker in workers)

    yield run
    for connection in connections:
        connection.close()
