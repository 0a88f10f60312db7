"""Tests of `benchmarks/guard.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import guard as module
from benchmarks.guard import Guard, LeakError


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("192.0.2.1", 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.connect", (None, "/run/some.socket")),
        ("socket.sendto", (None, ("192.0.2.1", 53))),
        ("socket.getaddrinfo", ("api.example.com", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (b"api.example.com", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 443, 0, 0, 0)),
        ("socket.gethostbyname", ("api.example.com",)),
    ],
)
def test_guard_refuses_the_world(event: str, arguments: tuple[object, ...]) -> None:
    """No connection, datagram or name leads off this machine, and an attempt is remembered even if the client swallows it."""
    guard = Guard()
    with pytest.raises(LeakError):
        guard(event, arguments)
    assert guard.leaks


@pytest.mark.parametrize("call", ["create_connection(('192.0.2.1', 80), 1)", "getaddrinfo('api.example.com', 80)"])
def test_guard_holds_in_a_process(call: str) -> None:
    """Installed as the benchmarks install it, the guard stops a real call before it leaves the process."""
    code = f"import socket, sys; from benchmarks.guard import Guard; sys.addaudithook(Guard()); socket.{call}"
    root = Path(module.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=30, cwd=root)  # noqa: S603
    assert done.returncode == 1
    assert b"LeakError: not loopback" in done.stderr


def test_guard_lets_loopback_pass_and_counts() -> None:
    """Connections to loopback pass, and are counted by port; so does everything that is no matter of addresses."""
    guard = Guard()
    guard("socket.connect", (None, ("127.0.0.1", 8080)))
    guard("socket.connect", (None, ("::1", 8080, 0, 0)))
    guard("socket.getaddrinfo", ("127.0.0.1", 8080, 0, 0, 0))
    guard("socket.sendmsg", (None, None))
    guard("open", ("/some/file", "r", 0))
    assert guard.connects == {8080: 2}
    assert not guard.leaks
