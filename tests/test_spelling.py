"""Cheaper spellings of characters that force UCS-2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import segments
from routee_async.segments import Encoding
from routee_async.spelling import cheaper, respell


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("a", "a"),
        ("€", "€"),
        ("’", "'"),
        ("…", "..."),
        ("\u200b", ""),
        ("\u00a0", " "),
        ("ç", "c"),
        ("ś", "s"),
        ("œ", "oe"),
        ("Α", "A"),
        ("ή", "H"),
        ("ς", "Σ"),
        ("σ", "Σ"),
        ("ω", "Ω"),
        ("²", "2"),
        ("щ", None),
        ("😀", None),
        ("中", None),
    ],
)
def test_cheaper(character: str, expected: str | None) -> None:
    """Quotes, dashes, accents and Greek letters have a spelling in GSM-7; other scripts have none."""
    assert cheaper(character) == expected


def test_greek_text_fits_one_part() -> None:
    """The sample of the documentation: lower case becomes capitals that look alike."""
    assert respell("Η παραγγελία σας έφτασε") == "H ΠAPAΓΓEΛIA ΣAΣ EΦTAΣE"


@pytest.mark.parametrize("body", ["😀 hello", "\u200b"], ids=["no look-alike", "nothing left"])
def test_no_spelling(body: str) -> None:
    """A text that cannot be spelled completely is not spelled at all."""
    assert respell(body) is None


@given(st.text(min_size=1))
def test_respelled_is_gsm(body: str) -> None:
    """What comes out is in GSM-7, whatever goes in."""
    respelled = respell(body)
    assert respelled is None or segments.analyze(respelled).encoding is Encoding.GSM7
