"""What a test wants from a text: the code to type, the link to follow."""

import re
from typing import Final

_LINK: Final = re.compile(r"""https?://[^\s<>"]+""")
_TAIL: Final = ".,;:!?'»”’…"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_CODE: Final = re.compile(r"(?<![0-9])[0-9]{4,8}(?![0-9])")


def find_code(body: str) -> str | None:
    """Find the first run of 4 to 8 digits that is not part of a link or of a longer run; None if there is none."""
    found = _CODE.search(_LINK.sub(" ", body))
    return found and found[0]


def find_link(body: str) -> str | None:
    """Find the first link, without the punctuation that ends the sentence; None if there is none."""
    found = _LINK.search(body)
    if found is None:
        return None
    link = found[0]
    while link[-1] in _TAIL or (link[-1] in _PAIRS and link.count(link[-1]) > link.count(_PAIRS[link[-1]])):
        link = link[:-1]
    return link
