"""Servers to measure clients against: they accept every message with a constant answer, and cost as little as can be.

    uv run python -m benchmarks.servers --delay 0.02     # the lean one, until stdin is closed; prints its port

nginx where it is installed, because it is faster than any client here; the lean server, a few lines on asyncio, elsewhere and where
answers must take their time. Each runs in a process of its own on loopback, and gives the answers of `answers.py`.
"""

import argparse
import asyncio
import math
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from benchmarks.answers import ANSWERS
from benchmarks.lean import Lean

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
_SECONDS_TO_START = 10.0


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
