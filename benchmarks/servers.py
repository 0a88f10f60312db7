"""Servers to measure clients against: they accept every message with a constant answer, and cost as little as can be.

    uv run python -m benchmarks.servers --delay 0.02     # the lean one, until stdin is closed; prints its port

nginx where it is installed, because it is faster than any client here; the lean server, a few lines on asyncio, elsewhere and where
answers must take their time. Each runs in a process of its own on loopback. The answers are those of the documentation, without
`to` and `label`, which are not constant. They know Routee, and the paths of the other vendors that are measured.
"""

import argparse
import asyncio
import json
import math
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from benchmarks.clients.common import BODY, SENDER_ID

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
_SECONDS_TO_START = 10.0
_LARGEST_READ = 32 * 1024
_LONGEST_HEAD = 64 * 1024

_ROUTEE_TOKEN = {"access_token": "invented", "token_type": "bearer", "expires_in": 3600, "scope": "sms"}
_ROUTEE_SENT = {
    "trackingId": "5b0a4c0e-7c54-4bb1-8a53-3d1c2e1f0a01",
    "status": "Queued",
    "createdAt": "2026-01-14T08:15:02.314Z",
    "from": SENDER_ID,
    "body": BODY,
    "bodyAnalysis": {"parts": 1, "unicode": False, "characters": len(BODY)},
    "flash": False,
}
_TWILIO_SENT = {
    "sid": "SM" + "0" * 32,
    "account_sid": "AC" + "0" * 32,
    "status": "queued",
    "from": "+15005550006",
    "to": "+306970000001",
    "body": BODY,
    "num_segments": "1",
    "num_media": "0",
    "direction": "outbound-api",
    "date_created": "Wed, 14 Jan 2026 08:15:02 +0000",
    "date_updated": "Wed, 14 Jan 2026 08:15:02 +0000",
    "date_sent": None,
    "price": None,
    "price_unit": "USD",
    "error_code": None,
    "error_message": None,
}
_TELNYX_SENT = {
    "data": {
        "id": "40385f64-5717-4562-b3fc-2c963f66afa6",
        "record_type": "message",
        "direction": "outbound",
        "type": "SMS",
        "from": {"phone_number": SENDER_ID, "carrier": "", "line_type": ""},
        "to": [{"phone_number": "+306970000001", "status": "queued", "carrier": "", "line_type": ""}],
        "text": BODY,
        "parts": 1,
        "encoding": "GSM-7",
        "errors": [],
    },
}
_VONAGE_SENT = {
    "message-count": "1",
    "messages": [
        {
            "to": "306970000001",
            "message-id": "0A0000000123ABCD1",
            "status": "0",
            "remaining-balance": "3.14159265",
            "message-price": "0.03330000",
            "network": "20201",
        },
    ],
}
ANSWERS: Mapping[str, tuple[int, bytes]] = {
    path: (status, json.dumps(body, separators=(",", ":")).encode())
    for path, status, body in (
        ("/oauth/token", 200, _ROUTEE_TOKEN),
        ("/sms", 200, _ROUTEE_SENT),
        (f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json", 201, _TWILIO_SENT),
        ("/messages", 200, _TELNYX_SENT),
        ("/sms/json", 200, _VONAGE_SENT),
    )
}
"""Path of a POST to the status and the body of its answer."""


@attrs.frozen
class Server:
    """A running server.

    Attributes:
        name: With its version.
        origin: Where it listens.
        process: Its process.
    """

    name: str
    origin: str
    process: subprocess.Popen[bytes]


@attrs.frozen
class Certificate:
    """A certificate for loopback, made for one run.

    Attributes:
        authority: File of the authority that signed it: what a client has to trust.
        chain: File of the certificate and its key.
    """

    authority: Path
    chain: Path


def certify(folder: Path) -> Certificate:
    """Make a certificate in *folder*."""
    import trustme  # noqa: PLC0415 - who measures without TLS need not have it

    authority = trustme.CA()
    made = Certificate(folder / "authority.pem", folder / "chain.pem")
    authority.cert_pem.write_to_path(str(made.authority))
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(made.chain))
    return made


@contextmanager
def serve(*, certificate: Certificate | None = None, delay: float = 0.0, core: int | None = None) -> Iterator[Server]:
    """Run the best server for the purpose: nginx if it is installed and has nothing to wait for, otherwise the lean one.

    Args:
        certificate: For TLS; None for plain HTTP.
        delay: Seconds until an answer.
        core: Processor that it is bound to; None for any.
    """
    with ExitStack() as stack:
        if delay == 0 and shutil.which("nginx"):
            yield stack.enter_context(nginx(certificate=certificate, core=core))
        else:
            yield stack.enter_context(lean(certificate=certificate, delay=delay, core=core))


@contextmanager
def lean(*, certificate: Certificate | None = None, delay: float = 0.0, core: int | None = None) -> Iterator[Server]:
    """Run the lean server in a process of its own, which ends with this one."""
    command = [sys.executable, "-m", "benchmarks.servers", "--delay", str(delay)]
    command += [] if certificate is None else ["--certificate", str(certificate.chain)]
    command += [] if core is None else ["--core", str(core)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own
    assert process.stdin is not None  # noqa: S101 - for the type checker
    assert process.stdout is not None  # noqa: S101 - for the type checker
    with process, process.stdin, process.stdout:
        port = int(process.stdout.readline())
        yield Server("lean server", f"{'https' if certificate else 'http'}://{HOST}:{port}", process)


@contextmanager
def nginx(*, certificate: Certificate | None = None, core: int | None = None) -> Iterator[Server]:
    """Run nginx with one worker, with everything that it writes in a folder that is removed afterwards."""
    command = shutil.which("nginx") or "nginx"
    told = subprocess.run([command, "-v"], check=True, capture_output=True, text=True).stderr  # noqa: S603 - found above
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        free.close()
        configuration = folder / "nginx.conf"
        configuration.write_text(_configure(folder, port, certificate, core), encoding="utf-8")
        process = subprocess.Popen([command, "-e", "stderr", "-p", name, "-c", str(configuration)])  # noqa: S603 - found above
        try:
            _wait_for(port, process)
            version = told.strip().rpartition("/")[2].split()[0]
            yield Server(f"nginx {version}", f"{'https' if certificate else 'http'}://{HOST}:{port}", process)
        finally:
            process.terminate()
            process.wait()


def _configure(folder: Path, port: int, certificate: Certificate | None, core: int | None) -> str:
    answers = "\n".join(
        f"        location = {path} {{ return {status} '{body.decode()}'; }}" for path, (status, body) in ANSWERS.items()
    )
    temporary = "\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    tls = f"ssl_certificate {certificate.chain}; ssl_certificate_key {certificate.chain};" if certificate else ""
    return f"""
daemon off;
pid {folder}/pid;
error_log stderr error;
worker_processes 1;
{f"worker_cpu_affinity {'1':0<{core + 1}};" if core is not None and sys.platform == "linux" else ""}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_timeout 75;
    keepalive_requests 1000000000;
{temporary}
    server {{
        listen {HOST}:{port}{" ssl" if certificate else ""} backlog=1024;
        {tls}
{answers}
        location / {{ return 404; }}
    }}
}}
"""


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    latest = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > latest:
                raise
            time.sleep(0.01)
        else:
            return


class Lean(asyncio.Protocol):
    """One connection of the lean server: reads requests with `Content-Length`, and answers one after the other.

    Args:
        delay: Seconds until an answer.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._read = b""
        self._waiting: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        if hasattr(transport, "max_size"):
            # asyncio reads up to 256 KiB at a time, and has the memory for it mapped and unmapped each time.
            transport.max_size = _LARGEST_READ

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the client."""
        self._transport = None
        if self._waiting is not None:
            self._waiting.cancel()

    def eof_received(self) -> bool:
        """Answer what is complete to a client that says no more, then close."""
        self._ended = True
        return self._waiting is not None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request. What comes while an answer waits is read after it."""
        self._read += data
        if self._waiting is None:
            self._next()

    def _next(self) -> None:
        """See to all requests that are complete, as long as nothing has to be waited for."""
        while self._transport is not None and (answer := self._take()) is not None:
            if self._delay:
                self._waiting = asyncio.get_running_loop().call_later(self._delay, self._late, answer)
                return
            self._write(answer)

    @property
    def _is_idle(self) -> bool:
        return self._waiting is None

    def _late(self, answer: tuple[bytes, bool]) -> None:
        self._waiting = None
        self._write(answer)
        self._next()
        if self._ended and self._transport is not None and self._is_idle:
            self._transport.close()

    def _write(self, answer: tuple[bytes, bool]) -> None:
        if self._transport is not None:
            whole, last = answer
            self._transport.write(whole)
            if last:
                self._transport.close()
                self._transport = None

    def _take(self) -> tuple[bytes, bool] | None:
        """Take a complete request off what was read; return its answer and whether it is the last. None if there is none."""
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return _TOO_LONG if len(self._read) > _LONGEST_HEAD else None
        head = self._read[:end]
        length = 0
        if found := _LENGTH.search(head):
            length = int(found[1])
        elif _CHUNKED.search(head):
            return _NO_LENGTH
        if len(self._read) < end + 4 + length:
            return None
        self._read = self._read[end + 4 + length :]
        whole = _WHOLE.get(head[: head.find(b" HTTP/")])
        return (_NOT_FOUND if whole is None else whole), bool(_CLOSE.search(head))


_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


def _whole(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


_REASONS = {200: "200 OK", 201: "201 Created"}
_WHOLE = {f"POST {path}".encode(): _whole(_REASONS[status], body) for path, (status, body) in ANSWERS.items()}
_NOT_FOUND = _whole("404 Not Found", b"{}")
_NO_LENGTH = _whole("411 Length Required", b"{}"), True
_TOO_LONG = _whole("431 Request Header Fields Too Large", b"{}"), True


async def listen(delay: float, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Start the lean server in this process, on a free port."""
    return await asyncio.get_running_loop().create_server(lambda: Lean(delay), HOST, 0, ssl=tls, backlog=1024)


async def _be_lean(delay: float, certificate: Path | None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await listen(delay, tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    server.close()


def bind_to(core: int | None) -> None:
    """Bind this process to a processor, where that is possible."""
    if core is not None and sys.platform == "linux":
        os.sched_setaffinity(0, {core})


def main() -> None:
    """Be the lean server."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until an answer")
    parser.add_argument("--certificate", type=Path, default=None, help="serve TLS with this file of certificate and key")
    parser.add_argument("--core", type=int, default=None, help="processor to be bound to")
    options = parser.parse_args()
    if not 0 <= options.delay < math.inf:
        parser.error("--delay must be a number of seconds, 0 or more")
    bind_to(options.core)
    asyncio.run(_be_lean(options.delay, options.certificate))


if __name__ == "__main__":
    main()
