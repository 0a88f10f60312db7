"""The count of a text by `sandbox.encoding`."""

import pytest

from routee_async.sandbox.encoding import analyse, transcode


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param("a" * 160, 1, id="160"),
        pytest.param("a" * 161, 2, id="161"),
        pytest.param("a" * 306, 2, id="2x153"),
        pytest.param("a" * 307, 3, id="2x153+1"),
        pytest.param("€" * 80, 1, id="80 pairs"),
        pytest.param("€" * 81, 2, id="81 pairs"),
        pytest.param("€" * 152, 2, id="152 pairs, 76 a part"),
        pytest.param("€" * 153, 3, id="153 pairs, one waste septet a part"),
        pytest.param("à\n\r Δ@£$¥§¿{}[]~|^\\\f", 1, id="all kinds"),
    ],
)
def test_gsm_parts(body: str, parts: int) -> None:
    """A text of GSM characters has 160 septets alone and 153 in each of several parts, and no pair is cut (§6.1)."""
    analysis = analyse(body)
    assert (analysis.parts, analysis.unicode, analysis.characters, analysis.unsupported) == (parts, False, len(body), ())


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param("α" * 70, 1, id="70"),
        pytest.param("α" * 71, 2, id="71"),
        pytest.param("α" * 134, 2, id="2x67"),
        pytest.param("α" * 135, 3, id="2x67+1"),
        pytest.param("😀" * 35, 1, id="35 pairs"),
        pytest.param("😀" * 66, 2, id="66 pairs, 33 a part"),
        pytest.param("😀" * 67, 3, id="67 pairs, one waste unit a part"),
    ],
)
def test_unicode_parts(body: str, parts: int) -> None:
    """A text with another character has 70 code units alone and 67 in each of several parts, and no pair is cut (§6.1)."""
    analysis = analyse(body)
    assert (analysis.parts, analysis.unicode, analysis.characters) == (parts, True, len(body))


def test_pairs_may_be_cut_on_demand() -> None:
    """Whether Routee cuts pairs is not known, so the plain quotient is a setting."""
    assert (analyse("€" * 153, cut_pairs=True).parts, analyse("😀" * 67, cut_pairs=True).parts) == (2, 2)


@pytest.mark.parametrize("character", ["`", "ç", "“", "…", "–", "\t", "\N{NO-BREAK SPACE}", "α", "Α"])
def test_characters_outside_gsm(character: str) -> None:
    """The characters that look harmless and are not in GSM 03.38 force unicode (§6.2)."""
    assert analyse(f"a{character}b{character}").unsupported == (character,)


def test_greek_is_transcoded() -> None:
    """Greek becomes capitals, those that look latin become latin, accents are dropped (§6.3)."""
    assert transcode("Η παραγγελία σας έφτασε") == "H ΠAPAΓΓEΛIA ΣAΣ EΦTAΣE"


def test_analysis_on_the_wire() -> None:
    """`bodyAnalysis` has three keys for GSM, and tells for unicode which characters forced it and what transcoding gives (§6.4)."""
    assert analyse("abc").to_wire() == {"parts": 1, "unicode": False, "characters": 3}
    assert analyse("ναι" * 30).to_wire() == {
        "parts": 2,
        "unicode": True,
        "characters": 90,
        "transcode": {"message": "NAI" * 30, "parts": 1},
        "unsupportedGSMCharacters": ["ν", "α", "ι"],
    }


def test_transcode_is_left_out_where_impossible() -> None:
    """`transcode` is there only when the whole text can be transcoded (§6.3)."""
    assert transcode("ναι 😀") is None
    assert "transcode" not in analyse("ναι 😀").to_wire()
