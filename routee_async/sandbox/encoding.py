"""How Routee counts a text: alphabet, parts, and what transcoding would make of it.

Counted by hand from the tables of routee-api.md §6, apart from the client's own count, so that a wrong rule cannot cancel out.
"""

import math
import unicodedata
from functools import lru_cache

import attrs

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENDED
_GSM_ALONE, _GSM_JOINED = 160, 153
_UNICODE_ALONE, _UNICODE_JOINED = 70, 67
_LAST_OF_PLANE_0 = 0xFFFF
_LOOK_ALIKES = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")


@attrs.frozen
class Analysis:
    """How a text is counted.

    Attributes:
        parts: SMS to be sent and paid.
        unicode: True for UCS-2.
        characters: Plain length of the text.
        unsupported: The characters that forced UCS-2, each once, in order of appearance.
        transcoded: The text in look-alikes; None where it is not needed or not possible.
        transcoded_parts: Parts of that; 0 where there is none.
    """

    parts: int
    unicode: bool
    characters: int
    unsupported: tuple[str, ...] = ()
    transcoded: str | None = None
    transcoded_parts: int = 0

    def to_wire(self) -> dict[str, object]:
        """Write the `bodyAnalysis` object. Source: routee-api.md §6.4."""
        wire: dict[str, object] = {"parts": self.parts, "unicode": self.unicode, "characters": self.characters}
        if self.unicode:
            if self.transcoded is not None:
                wire["transcode"] = {"message": self.transcoded, "parts": self.transcoded_parts}
            wire["unsupportedGSMCharacters"] = list(self.unsupported)
        return wire


@lru_cache(maxsize=512)
def analyse(body: str, *, cut_pairs: bool = False) -> Analysis:
    """Count *body*.

    Args:
        body: Text, 1 character or more.
        cut_pairs: Count as if an escape pair or a surrogate pair could be cut by the border of two parts. Whether Routee does
            so is not known: the default keeps pairs whole, as networks do.

    Returns:
        The count. A text of GSM characters alone has 160 septets in one part, 153 in each of several; any other has 70 and 67
        UTF-16 code units.

    Source: routee-api.md §6.1; docs.routee.net/docs/message-analysis.
    """
    unsupported = tuple(dict.fromkeys(character for character in body if character not in _GSM))
    if not unsupported:
        return Analysis(_gsm_parts(body, cut_pairs=cut_pairs), unicode=False, characters=len(body))
    widths = [2 if ord(character) > _LAST_OF_PLANE_0 else 1 for character in body]
    parts = _parts(widths, _UNICODE_ALONE, _UNICODE_JOINED, cut_pairs=cut_pairs)
    transcoded = transcode(body)
    transcoded_parts = 0 if transcoded is None else _gsm_parts(transcoded, cut_pairs=cut_pairs)
    return Analysis(parts, True, len(body), unsupported, transcoded, transcoded_parts)  # noqa: FBT003 - a field of the answer


def transcode(body: str) -> str | None:
    """Write *body* in look-alikes of GSM; None where a character has none.

    Greek becomes capitals, those that look latin become latin, accents are dropped. The full table of Routee is not known.

    Source: routee-api.md §6.3.
    """
    written = "".join(character if character in _GSM else _look_alike(character) for character in body)
    return written if all(character in _GSM for character in written) else None


def _look_alike(character: str) -> str:
    bare = unicodedata.normalize("NFD", character)[0]
    if unicodedata.name(bare, "").startswith("GREEK"):
        bare = bare.upper()
    return bare.translate(_LOOK_ALIKES)


def _gsm_parts(body: str, *, cut_pairs: bool) -> int:
    if len(body) * 2 <= _GSM_ALONE:
        return 1
    return _parts([2 if character in _EXTENDED else 1 for character in body], _GSM_ALONE, _GSM_JOINED, cut_pairs=cut_pairs)


def _parts(widths: list[int], alone: int, joined: int, *, cut_pairs: bool) -> int:
    total = sum(widths)
    if total <= alone:
        return 1
    if cut_pairs:
        return math.ceil(total / joined)
    parts, used = 1, 0
    for width in widths:
        if used + width > joined:
            parts, used = parts + 1, 0
        used += width
    return parts
