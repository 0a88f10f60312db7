"""Tests of `inbox/html.py`, `inbox/marks.py` and `inbox/times.py`."""

import pytest

from routee_async.sandbox.inbox.html import EMPTY, Html, join, markup
from routee_async.sandbox.inbox.marks import marked, name_of
from routee_async.sandbox.inbox.times import clock_time, plural, span

NASTY = """<script>alert('x')</script>" onload="x" & {body}"""


def test_everything_is_escaped() -> None:
    """Whatever is put into a template cannot leave its place, be it in text or in an attribute; only HTML stays HTML."""
    written = markup(
        '<a title="{body}">{body}{list}{html}{nothing}</a>', body=NASTY, list=[NASTY, Html("<b>")], html=EMPTY, nothing=None
    )
    assert "<script" not in written
    assert written.count('"') == 2
    assert "'" not in written
    assert written.endswith("<b></a>")
    assert join([Html("<b>"), Html("</b>")]) == "<b></b>"


def test_marks() -> None:
    """Characters outside GSM-7 are marked, neighbours together, with their names; links can be followed; all is escaped."""
    written = marked("Καλημέρα <b> https://x.example/?a=1&b=λ.", ("α", "λ", "η", "μ", "έ", "ρ"))
    assert "&lt;b&gt;" in written
    assert 'href="https://x.example/?a=1&amp;b=λ"' in written
    assert "</a>." in written
    assert written.count("<mark") == 2
    assert "U+03B1 GREEK SMALL LETTER ALPHA" in written
    assert marked("plain", ()) == "plain"
    assert name_of("\x00") == "U+0000"


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "0.5 s"), (2, "2 s"), (59, "59 s"), (180, "3 min"), (259_200, "72 h")])
def test_spans(seconds: float, text: str) -> None:
    """Durations are written in the unit that fits."""
    assert span(seconds) == text


def test_moments() -> None:
    """A moment of the last day is a time of day; an older one has its date."""
    now = 1_790_000_000.0
    assert ">14:13:20</time>" in clock_time(now, now)
    assert ">19 Sep 14:13</time>" in clock_time(now - 2 * 86_400, now)
    assert (plural(1, "part"), plural(2000, "part")) == ("1 part", "2,000 parts")
