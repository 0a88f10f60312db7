"""Tests of `extract.py`."""

import pytest

from routee_async.sandbox.extract import find_code, find_link


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Your code is 482913.", "482913"),
        ("1234", "1234"),
        ("G-55512345 is yours", "55512345"),
        ("123 is too short, 4567 is not", "4567"),
        ("123456789 is too long", None),
        ("Call +306970000001 or type 9876", "9876"),
        ("https://x.example/12345 then 6789", "6789"),
        ("no digits", None),
    ],
)
def test_code(body: str, code: str | None) -> None:
    """The first run of 4 to 8 digits counts, links aside."""
    assert find_code(body) == code


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("Track it: https://x.example/t?a=1&b=2.", "https://x.example/t?a=1&b=2"),
        ("(http://x.example/a_(b))", "http://x.example/a_(b)"),
        ("<https://x.example>", "https://x.example"),
        ('"https://x.example/y"!', "https://x.example/y"),
        ("[see https://x.example/y], or else", "https://x.example/y"),
        ("ftp://x.example", None),
    ],
)
def test_link(body: str, link: str | None) -> None:
    """The first link counts, without the punctuation of its sentence."""
    assert find_link(body) == link
