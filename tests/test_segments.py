"""Tests of `segments.py`."""

from itertools import pairwise

import pytest
import smsutil
from hypothesis import assume, given
from hypothesis import strategies as st

from routee_async.errors import InvalidBodyError
from routee_async.segments import BodyCount, Encoding, Segment, analyze, count_parts, split
from tests.strategies import GSM_BASIC, GSM_EXTENSION, any_texts, gsm_texts

EACH = {Encoding.GSM7: 153, Encoding.UCS2: 67}


def units(text: str, encoding: Encoding) -> int:
    """Count by the book, one character at a time."""
    if encoding is Encoding.GSM7:
        return sum(2 if character in GSM_EXTENSION else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2


@pytest.mark.parametrize(
    ("body", "encoding", "parts", "length"),
    [
        pytest.param("a", Encoding.GSM7, 1, 1, id="one character"),
        pytest.param("a" * 160, Encoding.GSM7, 1, 160, id="a full GSM-7 message"),
        pytest.param("a" * 161, Encoding.GSM7, 2, 161, id="one septet too many"),
        pytest.param("a" * 306, Encoding.GSM7, 2, 306, id="two full GSM-7 segments"),
        pytest.param("a" * 307, Encoding.GSM7, 3, 307, id="two full GSM-7 segments and one septet"),
        pytest.param("a" * 1600, Encoding.GSM7, 11, 1600, id="the longest body"),
        pytest.param("€" * 80, Encoding.GSM7, 1, 160, id="a full message of extension characters"),
        pytest.param("€" * 81, Encoding.GSM7, 2, 162, id="one extension character too many"),
        pytest.param("a" * 158 + "€", Encoding.GSM7, 1, 160, id="an extension character that just fits"),
        pytest.param("a" * 159 + "€", Encoding.GSM7, 2, 161, id="an extension character that half fits"),
        pytest.param("€" * 153, Encoding.GSM7, 3, 306, id="a septet lost in each segment makes one more"),
        pytest.param("λ" * 70, Encoding.UCS2, 1, 70, id="a full UCS-2 message"),
        pytest.param("λ" * 71, Encoding.UCS2, 2, 71, id="one code unit too many"),
        pytest.param("λ" * 134, Encoding.UCS2, 2, 134, id="two full UCS-2 segments"),
        pytest.param("λ" * 135, Encoding.UCS2, 3, 135, id="two full UCS-2 segments and one code unit"),
        pytest.param("😀" * 35, Encoding.UCS2, 1, 70, id="a full message of surrogate pairs"),
        pytest.param("😀" * 36, Encoding.UCS2, 2, 72, id="one surrogate pair too many"),
        pytest.param("😀" * 35 + "λ", Encoding.UCS2, 2, 71, id="surrogate pairs and one code unit too many"),
        pytest.param("`" * 70, Encoding.UCS2, 1, 70, id="a full UCS-2 message in ASCII"),
        pytest.param("`" * 71, Encoding.UCS2, 2, 71, id="one code unit too many, in ASCII"),
        pytest.param("[" * 80, Encoding.GSM7, 1, 160, id="a full message of extension characters in ASCII"),
        pytest.param("[" * 81, Encoding.GSM7, 2, 162, id="one extension character too many, in ASCII"),
        pytest.param("😀" * 67, Encoding.UCS2, 3, 134, id="a code unit lost in each segment makes one more"),
        pytest.param("€" * 69 + "λ", Encoding.UCS2, 1, 70, id="extension characters take one code unit in UCS-2"),
    ],
)
def test_lengths(body: str, encoding: Encoding, parts: int, length: int) -> None:
    """A text takes as many segments as the standard says, and `analyze` and `split` agree on it."""
    count = analyze(body)

    assert (count.encoding, count.parts, count.units, count.characters) == (encoding, parts, length, len(body))
    assert len(split(body)) == parts
    assert count_parts(body) == parts


@given(st.text("a\\`") | any_texts(), st.integers(1, 165))
def test_parts_alone_are_counted_alike(text: str, length: int) -> None:
    """Whoever wants to know nothing but the number of parts is told the same, also of what may be counted in a quicker way."""
    body = (text or "a") * length
    for short in (body[:length], body[: length // 2 + 1], body):
        assert count_parts(short) == analyze(short).parts == len(split(short))


def test_half_a_surrogate_pair_is_counted() -> None:
    """Such a text is refused elsewhere; here it has a length."""
    assert count_parts("\ud83d" * 71) == analyze("\ud83d" * 71).parts == 2
    assert count_parts("\ud83d" * 70) == analyze("\ud83d" * 70).parts == 1


@pytest.mark.parametrize(
    ("body", "cut"),
    [
        pytest.param("a" * 152 + "€" + "a" * 20, 152, id="an extension character moves on whole"),
        pytest.param("a" * 151 + "€" + "a" * 20, 152, id="an extension character stays whole"),
        pytest.param("λ" * 66 + "😀" + "λ" * 20, 66, id="a surrogate pair moves on whole"),
        pytest.param("λ" * 65 + "😀" + "λ" * 20, 66, id="a surrogate pair stays whole"),
    ],
)
def test_pairs_are_never_cut(body: str, cut: int) -> None:
    """What takes two units is never cut between the two."""
    assert [segment.text for segment in split(body)] == [body[:cut], body[cut:]]


def test_every_gsm_character_is_gsm() -> None:
    """Every character of both tables is sent as GSM-7, with one septet or two."""
    assert all(analyze(character).encoding is Encoding.GSM7 for character in GSM_BASIC + GSM_EXTENSION)
    assert {analyze(character).units for character in GSM_BASIC} == {1}
    assert {analyze(character).units for character in GSM_EXTENSION} == {2}
    assert len(set(GSM_BASIC)) == 127


@pytest.mark.parametrize("capital", "ΔΦΓΛΩΠΨΣΘΞ")
def test_greek_capitals_in_gsm(capital: str) -> None:
    """Greek capitals that no Latin letter looks like are in GSM-7."""
    assert analyze(capital).encoding is Encoding.GSM7


@pytest.mark.parametrize(
    "character",
    [
        *"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",  # Greek capitals of Latin looks
        *"δλςψώ",
        *"`ç\t\u00a0\u2019…\u2013\u2014",
        "\x1b",
        "\u2126",  # ohm
        "\u2206",  # increment
        "😀",
    ],
    ids=ascii,
)
def test_characters_outside_gsm(character: str) -> None:
    """Greek capitals of Latin looks, small Greek letters, typographic signs and the bare escape are not in GSM-7."""
    assert analyze(f"a{character}").encoding is Encoding.UCS2


def test_unsupported_characters() -> None:
    """The characters that force UCS-2 are told once each, in the order of their first appearance."""
    assert analyze("Λέξη {λέξη}, ψ 😀€").unsupported == ("έ", "ξ", "η", "λ", "ψ", "😀")
    assert analyze("{€}").unsupported == ()


@pytest.mark.parametrize("function", [analyze, count_parts, split])
def test_empty_body(function: type) -> None:
    """An empty body has no right number of segments and is refused."""
    with pytest.raises(InvalidBodyError, match=r"^body: is empty"):
        function("")


def test_repr_shows_no_text() -> None:
    """Neither value shows the text that it was made of."""
    assert repr(split("Γειά")) == "(Segment(text=<4 characters>, length=4),)"
    assert repr(analyze("Γειά")) == (
        "BodyCount(encoding=<Encoding.UCS2: 'UCS-2'>, parts=1, units=4, characters=4, unsupported=<3 distinct>)"
    )


def test_values_compare() -> None:
    """Counts and segments are plain values."""
    assert analyze("ab") == BodyCount(Encoding.GSM7, parts=1, units=2, characters=2)
    assert split("{b") == (Segment("{b", 3),)


def test_half_a_surrogate_pair() -> None:
    """Half a surrogate pair, which will be refused elsewhere, is counted as the one code unit that it is."""
    assert analyze("\ud83d" * 71).units == 71
    assert len(split("\ud83d" * 71)) == analyze("\ud83d" * 71).parts == 2


@given(any_texts())
def test_segments_rejoin_to_the_body(body: str) -> None:
    """Nothing is lost, added or reordered."""
    assert "".join(segment.text for segment in split(body)) == body


@given(any_texts())
def test_segments_are_within_the_limit(body: str) -> None:
    """Every segment has the length that it claims, and none is longer than allowed."""
    encoding, segments = analyze(body).encoding, split(body)
    limit = EACH[encoding] if len(segments) > 1 else {Encoding.GSM7: 160, Encoding.UCS2: 70}[encoding]

    assert [segment.length for segment in segments] == [units(segment.text, encoding) for segment in segments]
    assert all(1 <= segment.length <= limit for segment in segments)


@given(any_texts())
def test_segments_are_full(body: str) -> None:
    """No segment but the last has room for the next character."""
    encoding, segments = analyze(body).encoding, split(body)

    for segment, following in pairwise(segments):
        assert segment.length + units(following.text[0], encoding) > EACH[encoding]


@given(any_texts())
def test_analyze_agrees_with_split(body: str) -> None:
    """The count says what the split does."""
    count, segments = analyze(body), split(body)

    assert count.parts == len(segments)
    assert count.units == sum(segment.length for segment in segments)
    assert (count.encoding is Encoding.UCS2) == bool(count.unsupported)


@given(gsm_texts())
def test_gsm_texts_are_gsm(body: str) -> None:
    """A text of GSM-7 characters is never sent as UCS-2."""
    assert analyze(body).encoding is Encoding.GSM7


@given(any_texts())
def test_parts_agree_with_smsutil(body: str) -> None:
    """An independent program cuts every text in the same places, but for the escape."""
    assume("\x1b" not in body)

    assert [segment.text for segment in split(body)] == [part.content for part in smsutil.split(body).parts]


def test_smsutil_takes_the_escape_for_a_character() -> None:
    """Where smsutil and the standard differ, we keep to the standard: the escape alone stands for no character."""
    assert smsutil.is_valid_gsm("\x1b")
    assert analyze("\x1b").unsupported == ("\x1b",)
