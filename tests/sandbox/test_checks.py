"""Checks of single fields in `sandbox.checks`."""

import pytest

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Hook


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-03-01T09:00:00Z", 1772355600.0),
        ("2026-03-01T11:00:00+02:00", 1772355600.0),
        (1772355600, 1772355600.0),
        ("1772355600", 1772355600.0),
        ("2026-03-01T09:00:00", None),
        ("tomorrow", None),
        (True, None),
        (-1, None),
        (None, None),
    ],
)
def test_moments(value: object, seconds: float | None) -> None:
    """A date is ISO 8601 with a zone, or epoch seconds (§8 #12)."""
    assert checks.read_moment(value) == seconds


@pytest.mark.parametrize(
    ("number", "normal"),
    [("306970000001", "+306970000001"), ("+306970000001", "+306970000001"), ("+306999000030", None), ("x", None), (7, None)],
)
def test_numbers(number: object, normal: str | None) -> None:
    """A number is given with `+`; what is none, or is to be refused, is None (§8 #24)."""
    assert checks.normalise(number) == normal


def test_shortened_links() -> None:
    """Links that end at a space are replaced and told; without the option nothing happens (§2.2)."""
    text = "See https://a.example/1 and http://b.example/2"
    assert checks.shorten(text, None) == (text, {})
    short, told = checks.shorten(text, {"urlValidity": 7200})
    assert short == "See https://rtee.example/1 and http://b.example/2"
    links = [{"longUrl": "https://a.example/1", "shortUrl": "https://rtee.example/1"}]
    assert told == {"urlShortener": {"urlValidity": 7200, "urls": links}}


def test_hook() -> None:
    """A callback has an address and a strategy."""
    assert checks.read_hook({"url": "http://x.example/", "strategy": "OnChange"}) == Hook("http://x.example/", "OnChange")
    assert checks.read_hook(None) is None


@pytest.mark.parametrize(("value", "fits"), [([], True), (["a"], True), ([1], False), ("a", False), (None, False)])
def test_arrays_of_texts(value: object, *, fits: bool) -> None:
    """Only an array of texts is one."""
    assert checks.is_texts(value) is fits


@pytest.mark.parametrize(("value", "fits"), [({}, True), ({"a": "b"}, True), ({"a": 1}, False), ([], False), ("a", False)])
def test_objects_of_texts(value: object, *, fits: bool) -> None:
    """Only an object of texts is one."""
    assert checks.is_text_map(value) is fits
