"""Texts of messages as HTML: what forces UCS-2 is marked, links can be followed."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from routee_async.sandbox.extract import find_link
from routee_async.sandbox.inbox.html import Html, join, markup

_LINK: Final = re.compile(r"""https?://[^\s<>"]+""")


def name_of(character: str) -> str:
    """Name a character, such as `U+03B1 GREEK SMALL LETTER ALPHA`."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def marked(body: str, unsupported: Collection[str]) -> Html:
    """Write *body* with links, and with each of the *unsupported* characters marked."""
    pieces: list[Html] = []
    place = 0
    for found in _LINK.finditer(body):
        link = find_link(found[0]) or ""
        pieces += [_text(body[place : found.start()], unsupported), _link(link, unsupported)]
        place = found.start() + len(link)
    return join([*pieces, _text(body[place:], unsupported)])


def _link(link: str, unsupported: Collection[str]) -> Html:
    return markup('<a href="{link}" target="_blank" rel="noopener noreferrer">{text}</a>', link=link, text=_text(link, unsupported))


def _text(text: str, unsupported: Collection[str]) -> Html:
    if not unsupported:
        return markup("{text}", text=text)
    # Neighbours are marked as one, so that words keep their shape.
    pattern = "|".join(map(re.escape, unsupported))
    return join(_piece(piece, unsupported) for piece in re.split(f"((?:{pattern})+)", text) if piece)


def _piece(piece: str, unsupported: Collection[str]) -> Html:
    if piece[0] not in unsupported:
        return markup("{piece}", piece=piece)
    names = ", ".join(name_of(character) for character in dict.fromkeys(piece))
    return markup('<mark title="Not in GSM-7, so the whole text is UCS-2: {names}">{piece}</mark>', names=names, piece=piece)
