"""How a text is encoded, how long that makes it, and where it is cut into segments.

GSM-7 is counted in septets: 160 in a message of one segment, 153 in each of several. UCS-2 is counted in 16-bit code units: 70 and
67. One character outside GSM-7 makes the whole text UCS-2. This is our own count, by the standard; what is paid is Routee's.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

import attrs

from routee_async import redact
from routee_async.errors import InvalidBodyError


class Encoding(StrEnum):
    """The alphabet that a text is sent in."""

    GSM7 = "GSM-7"
    """The default alphabet and its extension table, 7 bits a character. Source: 3GPP TS 23.038 §6.2.1."""
    UCS2 = "UCS-2"
    """Everything else, 16 bits a code unit, and in practice UTF-16. Source: 3GPP TS 23.038 §6.2.3."""


def _mask_characters(characters: tuple[str, ...]) -> str:
    return f"<{len(characters)} distinct>"


@attrs.frozen
class BodyCount:
    """How long a text is.

    Attributes:
        encoding: The alphabet that it needs.
        parts: How many segments it takes; each is paid.
        units: Its length in septets for GSM-7, in 16-bit code units for UCS-2. What is lost at the end of a segment where an
            escape or surrogate pair did not fit is not counted.
        characters: Its length in Unicode code points.
        unsupported: The distinct characters that force UCS-2, in order of first appearance; empty for GSM-7.
    """

    encoding: Encoding
    parts: int
    units: int
    characters: int
    unsupported: tuple[str, ...] = attrs.field(default=(), repr=_mask_characters)


@attrs.frozen
class Segment:
    """One piece of a text.

    Attributes:
        text: The piece.
        length: Its length in septets for GSM-7, in 16-bit code units for UCS-2.
    """

    text: str = attrs.field(repr=redact.mask_body)
    length: int


# In the order of the table. The escape at 0x1B is no character of its own: in a text it forces UCS-2.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"

_GSM = frozenset(_BASIC + _EXTENSION)
_TWO_SEPTETS = frozenset(_EXTENSION)
_BASIC_ASCII = "".join(filter(str.isascii, _BASIC)).encode()
_BASIC_ONLY = re.compile(f"[{re.escape(_BASIC)}]*")
_GSM_ONLY = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
_LAST_OF_ONE_CODE_UNIT = "\uffff"


class _Limits(NamedTuple):
    encoding: Encoding
    alone: int
    """Units in a message of one segment."""
    each: int
    """Units in each of several segments: the header that joins them takes the rest."""


_GSM7 = _Limits(Encoding.GSM7, 160, 153)
_UCS2 = _Limits(Encoding.UCS2, 70, 67)


def analyze(body: str) -> BodyCount:
    """Count a text.

    Args:
        body: Message text, 1 character or more.

    Returns:
        Encoding, parts and lengths; `parts` is the length of `split(body)`.

    Raises:
        InvalidBodyError: *body* is empty: there is nothing to send, and no number of parts would be right.

    Source: 3GPP TS 23.038 §6.2.1; TS 23.040 §9.2.3.24.1.
    """
    limits, units = _measure(body)
    characters = len(body)
    parts = _parts(body, limits, units)
    unsupported = tuple(character for character in dict.fromkeys(body) if character not in _GSM) if limits is _UCS2 else ()
    return BodyCount(limits.encoding, parts, units, characters, unsupported)


def count_parts(body: str) -> int:
    """How many segments a text takes; `analyze(body).parts` for whoever wants to know nothing else.

    Raises:
        InvalidBodyError: *body* is empty.
    """
    # Nearly all texts are short. What takes at most 70 code units is one segment in either alphabet, for no character takes more
    # than two septets.
    if body.isascii():
        if 0 < len(body) <= _GSM7.alone and (len(body) <= _UCS2.alone or _is_basic(body)):
            return 1
    elif len(body) <= _UCS2.alone and _count_code_units(body) <= _UCS2.alone:
        return 1
    return _parts(body, *_measure(body))


def split(body: str) -> tuple[Segment, ...]:
    """Split *body* into the segments that will be sent.

    Args:
        body: Message text, 1 character or more.

    Returns:
        Segments in sending order, at least one. `length` is in septets for GSM-7 (160 alone, 153 each when concatenated) and in
        16-bit code units for UCS-2 (70, 67). Escape and surrogate pairs are never cut. Every segment is as full as that allows.

    Raises:
        InvalidBodyError: *body* is empty.

    Source: 3GPP TS 23.038 §6.2.1; TS 23.040 §9.2.3.24.1.
    """
    limits, units = _measure(body)
    if units <= limits.alone:
        return (Segment(body, units),)
    return tuple(Segment(body[start:end], length) for start, end, length in _cut(body, limits))


def _parts(body: str, limits: _Limits, units: int) -> int:
    if units <= limits.alone:
        return 1
    if units == len(body):
        return -(-units // limits.each)
    return sum(1 for _ in _cut(body, limits))


def _measure(body: str) -> tuple[_Limits, int]:
    """Choose the alphabet, and count units."""
    if not body:
        raise InvalidBodyError("body", "is empty: give 1 character or more")
    if (body.isascii() and _is_basic(body)) or _BASIC_ONLY.fullmatch(body):
        return _GSM7, len(body)
    if _GSM_ONLY.fullmatch(body):
        return _GSM7, len(body) + sum(map(body.count, _EXTENSION))
    return _UCS2, _count_code_units(body)


def _is_basic(ascii_text: str) -> bool:
    # Twice as quick as the regular expression, and nearly all texts in the basic alphabet are in ASCII too.
    return not ascii_text.encode().translate(None, _BASIC_ASCII)


def _count_code_units(body: str) -> int:
    return len(body.encode("utf-16-le", "surrogatepass")) // 2


def _cut(body: str, limits: _Limits) -> Iterator[tuple[int, int, int]]:
    """Fill one segment after the other; give first index, index behind the last, and units of each."""
    if limits is _GSM7:
        units = (2 if character in _TWO_SEPTETS else 1 for character in body)
    else:
        units = (2 if character > _LAST_OF_ONE_CODE_UNIT else 1 for character in body)
    upto = list(accumulate(units))  # units up to and with each character: a cut can only fall between two characters
    start = used = 0
    while start < len(body):
        end = bisect_right(upto, used + limits.each, lo=start)
        yield start, end, upto[end - 1] - used
        start, used = end, upto[end - 1]
