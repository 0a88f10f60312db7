"""Tests of `benchmarks/servers.py` and `benchmarks/lean.py`: they speak enough HTTP to be measured against."""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import servers
from benchmarks.answers import ANSWERS
from benchmarks.servers import Certificate, Server, certify, lean, listen, nginx, serve

TOKEN, SMS = ANSWERS["/oauth/token"][1], ANSWERS["/sms"][1]
POST = b"POST /sms HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 4\r\n\r\nbody"
PATIENCE = 30.0


@asynccontextmanager
async def connected(delay: float = 0.0) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a lean server in this process."""
    server = await listen(delay, None)
    async with server, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        yield reader, writer
        writer.close()
        await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].split()[0])
    return int(head.split()[1]), await reader.readexactly(length)


async def test_one_connection_serves_many_requests() -> None:
    """Requests follow each other on one connection, each with the answer of its path."""
    async with connected() as (reader, writer):
        for path, expected in (("/oauth/token", TOKEN), ("/sms", SMS), ("/sms", SMS)):
            writer.write(f"POST {path} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            assert await read_answer(reader) == (200, expected)


async def test_request_may_come_byte_by_byte() -> None:
    """However a request is cut up, it has one answer, and none before it is complete."""
    async with connected() as (reader, writer):
        writer.transport.set_write_buffer_limits(high=0)
        for byte in POST:
            assert not reader.at_eof()
            writer.write(bytes([byte]))
            await writer.drain()
        assert await read_answer(reader) == (200, SMS)


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_requests_in_one_piece_are_answered_in_order(delay: float) -> None:
    """Requests that come together are answered one after the other, also when answers take their time."""
    async with connected(delay) as (reader, writer):
        writer.write(POST.replace(b"/sms", b"/oauth/token") + POST + POST.replace(b"/sms", b"/nowhere"))
        assert [await read_answer(reader) for _ in range(3)] == [(200, TOKEN), (200, SMS), (404, b"{}")]


async def test_delay_is_kept_for_each_request() -> None:
    """An answer comes no sooner than it should, the next one on the same connection likewise."""
    async with connected(0.05) as (reader, writer):
        began = time.monotonic()
        for number in (1, 2):
            writer.write(POST)
            assert await read_answer(reader) == (200, SMS)
            assert time.monotonic() - began >= 0.05 * number - 0.005


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_client_that_says_no_more_is_answered(delay: float) -> None:
    """After the end of the client's side what is complete is answered, and then the connection is closed."""
    async with connected(delay) as (reader, writer):
        writer.write(POST)
        writer.write_eof()
        assert await read_answer(reader) == (200, SMS)
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (POST.replace(b"Host: x", b"Connection: close"), 200),
        (b"POST /sms HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /sms HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
    ids=["asked to", "no length", "endless head"],
)
async def test_connection_is_closed(request_: bytes, status: int) -> None:
    """Where the client asks for it, or the end of the request cannot be known, the answer is the last."""
    async with connected() as (reader, writer):
        writer.write(request_)
        assert (await read_answer(reader))[0] == status
        assert await reader.read() == b""


def ask(server: Server, certificate: Certificate | None) -> list[tuple[int, object]]:
    """Ask for everything over one connection; return statuses and bodies."""
    parts = urlsplit(server.origin)
    port = parts.port or 0
    if certificate is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    else:
        context = ssl.create_default_context(cafile=str(certificate.authority))
        connection = HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
    told = []
    try:
        for path in (*ANSWERS, "/nowhere"):
            connection.request("POST", path, body=b"{}")
            answer = connection.getresponse()
            body = answer.read()
            told.append((answer.status, json.loads(body) if path in ANSWERS else None))
    finally:
        connection.close()
    return told


EXPECTED = [*((status, json.loads(body)) for status, body in ANSWERS.values()), (404, None)]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_lean_server_ends_with_its_parent(tmp_path: Path, *, tls: bool) -> None:
    """In a process of its own the lean server answers everything, over TLS too, and ends when its stdin does."""
    certificate = certify(tmp_path) if tls else None
    with lean(certificate=certificate) as server:
        assert ask(server, certificate) == EXPECTED
    assert server.process.returncode == 0


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_nginx_answers_the_same(tmp_path: Path, *, tls: bool) -> None:
    """Nginx answers as the lean server does, and ends in order."""
    certificate = certify(tmp_path) if tls else None
    with nginx(certificate=certificate, core=0) as server:
        assert server.name.startswith("nginx 1.")
        assert ask(server, certificate) == EXPECTED
    assert server.process.returncode == 0


def test_server_that_cannot_start_is_told() -> None:
    """A server that ends before it listens is an error at once, not a wait."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        servers._wait_for(1, process)  # noqa: SLF001
    assert time.monotonic() - began < servers._SECONDS_TO_START  # noqa: SLF001


def test_without_nginx_there_is_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nginx is not installed the lean server takes its place."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with serve() as server:
        assert server.name == "lean server"


def test_delay_needs_the_lean_server() -> None:
    """Where answers take their time it is never nginx, which cannot wait."""
    with serve(delay=0.001) as server:
        assert server.name == "lean server"
        assert ask(server, None)[1] == EXPECTED[1]


def test_nonsense_is_refused() -> None:
    """A delay that is none is a usage error."""
    command = [sys.executable, "-m", "benchmarks.servers", "--delay", "-1"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE, cwd=servers.ROOT)  # noqa: S603
    assert done.returncode == 2
