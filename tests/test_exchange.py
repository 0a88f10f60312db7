"""Where requests may go."""

import subprocess
import sys

import pytest

from routee_async.errors import ConfigurationError
from routee_async.exchange import check_origin
from tests.misbehaving import told_by


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://connect.routee.net", "https://connect.routee.net"),
        ("https://connect.routee.net/", "https://connect.routee.net"),
        ("HTTPS://Connect.Routee.NET", "https://connect.routee.net"),
        ("https://connect.routee.net:8443", "https://connect.routee.net:8443"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.255.255.254", "http://127.255.255.254"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_origin(value: str, origin: str) -> None:
    """An origin is scheme, host and port, written in one way; plain http is for this machine."""
    assert check_origin("base_url", value) == origin


@pytest.mark.parametrize(
    "value",
    [
        "http://connect.routee.net",
        "http://10.0.0.1",
        "http://localhost.routee.net",
        "http://127.0.0.1.routee.net",
        "http://[2001:db8::1]",
        "https://connect.routee.net/v1",
        "https://connect.routee.net?a=1",
        "https://connect.routee.net#a",
        "https://user@connect.routee.net",
        "https://user:secret@connect.routee.net",
        "https://:secret@connect.routee.net",
        "https://evil.example\\@connect.routee.net",
        "https://connect.routee.net\\.evil.example",
        "https://connect routee.net",
        "https://παράδειγμα.gr",
        "https://connect.routee.net%2f",
        "connect.routee.net",
        "//connect.routee.net",
        "ftp://connect.routee.net",
        "https://",
        "https://:443",
        "https://connect.routee.net:0",
        "https://connect.routee.net:65536",
        "https://connect.routee.net:https",
        "https://[::1",
        "https://[nonsense]",
        "",
        None,
        443,
        b"https://connect.routee.net",
    ],
    ids=repr,
)
def test_what_is_no_origin(value: object) -> None:
    """Whatever else there is in a URL, or instead of one, is refused before any I/O, without being quoted."""
    with pytest.raises(ConfigurationError) as caught:
        check_origin("base_url", value)
    assert caught.value.field == "base_url"
    assert "secret" not in told_by(caught.value)


def test_network_is_not_loaded_before_it_is_needed() -> None:
    """Importing the package, or building values of it, loads neither aiohttp nor what only some need."""
    heavy = {"aiohttp", "phonenumbers", "tenacity", "cyclopts", "rich"}
    program = "import sys, routee_async; routee_async.Sms(to='1', body='b', sender_id='s'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603 - our own
    assert not heavy.intersection(loaded.stdout.split())
