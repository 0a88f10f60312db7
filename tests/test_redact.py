"""Tests of `redact.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import redact
from tests.strategies import phone_numbers

TOKEN = "12345678-9abc-4def-8123-456789abcdef"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        pytest.param("+306970000001", "+30…01", id="E.164"),
        pytest.param("306970000001", "306…01", id="without plus"),
        pytest.param("123456789", "123…89", id="nine characters"),
        pytest.param("12345678", "…", id="eight characters"),
        pytest.param("", "…", id="empty"),
        pytest.param(None, "<NoneType>", id="None"),
        pytest.param(306970000001, "<int>", id="int"),
    ],
)
def test_numbers(number: object, shown: str) -> None:
    """A number shows its beginning and its end, a short one nothing, and another type only its name."""
    assert redact.mask_number(number) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param("Meet me", "<7 characters>", id="text"),
        pytest.param("", "<0 characters>", id="empty"),
        pytest.param(None, "<NoneType>", id="None"),
        pytest.param(b"Meet me", "<bytes>", id="bytes"),
    ],
)
def test_bodies(body: object, shown: str) -> None:
    """A text shows its length only."""
    assert redact.mask_body(body) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://hooks.example/secret?token=1#x", "https://hooks.example/…", id="path and query"),
        pytest.param("https://user:secret@hooks.example/", "https://hooks.example/…", id="credentials"),
        pytest.param("http://10.0.0.1:8080/secret", "http://10.0.0.1:8080/…", id="port"),
        pytest.param("secret/path", "<malformed URL>", id="no host"),
        pytest.param("https://hooks.example:secret/", "<malformed URL>", id="bad port"),
        pytest.param("https://[::1/secret", "<malformed URL>", id="open bracket"),
        pytest.param(None, "<NoneType>", id="None"),
    ],
)
def test_urls(url: object, shown: str) -> None:
    """A URL shows scheme, host and port, never credentials, path or query."""
    assert redact.mask_url(url) == shown


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        pytest.param(TOKEN, "<hidden>", id="text"),
        pytest.param("", "<empty>", id="empty"),
        pytest.param(None, "<empty>", id="None"),
    ],
)
def test_secrets(secret: object, shown: str) -> None:
    """A secret shows nothing but whether there is one."""
    assert redact.mask_secret(secret) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("to +306970000001 refused", "to +30…01 refused", id="E.164"),
        pytest.param("to=306970000001", "to=306…01", id="without plus"),
        pytest.param("(+1234567)", "(…)", id="shortest number"),
        pytest.param("code 400001009", "code 400001009", id="a code of Routee's"),
        pytest.param("port 8080, +123456", "port 8080, +123456", id="too short for a number"),
        pytest.param(TOKEN, TOKEN, id="a tracking id helps and is kept"),
        pytest.param("a\nb\x1b[0m\u202ec", "a b [0m c", id="control characters"),
        pytest.param("x" * 300, "x" * 300, id="longest text"),
        pytest.param("x" * 301, "x" * 300 + "…", id="cut short"),
    ],
)
def test_server_texts(text: str, shown: str) -> None:
    """What a server says is shown on one line, cut short, and without full numbers."""
    assert redact.scrub(text) == shown


@pytest.mark.parametrize("token", [TOKEN, TOKEN.upper()], ids=["small", "capitals"])
def test_tokens_in_server_texts(token: str) -> None:
    """A token that a server quotes is hidden where it is asked for."""
    assert redact.scrub(f"Access token expired: {token}", hide_ids=True) == "Access token expired: <hidden>"


@given(phone_numbers().filter(lambda number: len(number) > 8), st.text(" ,.:;=()'\"/<>", min_size=1, max_size=3))
def test_no_number_survives(number: str, beside: str) -> None:
    """A number of 8 digits or more is masked whatever punctuation stands around it."""
    assert number.removeprefix("+") not in redact.scrub(f"a{beside}{number}{beside}b")
