"""Cheaper spellings: characters that force UCS-2, and what looks like them in GSM-7. Pure.

Routee's own transcoding (routee-api.md §6.3) follows the same idea, and its table is not documented: this is a preview, and not
its word.
"""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from routee_async import segments
from routee_async.segments import Encoding

_LOOK_ALIKES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "•": "*",
        "·": ".",
        "×": "x",
        "÷": "/",
        "\t": " ",
        "\r\n": "\n",
        "\u200b": "",
        "\u200c": "",
        "\u200d": "",
        "\u2060": "",
        "\ufeff": "",
        "\u00ad": "",
        "œ": "oe",
        "Œ": "OE",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "ς": "Σ",
        # Greek capitals that look latin.
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    }
)


@lru_cache(maxsize=4096)
def cheaper(character: str) -> str | None:
    """Find a spelling in GSM-7 for a character; None where there is none that would be read as the same."""
    if _is_gsm(character):
        return character
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    plain = "".join(each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each))
    for candidate in (plain, plain.upper()):
        respelled = "".join(each if _is_gsm(each) else _LOOK_ALIKES.get(each, each) for each in candidate)
        if respelled and _is_gsm(respelled):
            return respelled
    return None


def respell(body: str) -> str | None:
    """Spell a text in GSM-7; None where a character of it has no such spelling, or none at all is left."""
    pieces = []
    for character in body:
        piece = cheaper(character)
        if piece is None:
            return None
        pieces.append(piece)
    return "".join(pieces) or None


def _is_gsm(text: str) -> bool:
    return segments.analyze(text).encoding is Encoding.GSM7
