"""Mask what must not be read over a shoulder: numbers, texts, tokens and capability URLs.

Everything that goes into a log line, a `repr` or an error text passes through here. Bodies are never shown, only measured.
"""

import re
from urllib.parse import urlsplit

_UUID = re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
_NUMBER = re.compile(r"(?<![\w-])(?:\+\d{7,}|\d{10,})(?![\w-])")
"""A telephone number in a text. Nine digits without a plus are one of Routee's codes."""
_KEPT_AT_THE_END = 2
_KEPT_IN_FRONT = 3
_SHORTEST_TO_SHOW = 9
"""A number shorter than this is hidden whole: what is left would be most of it."""

_LONGEST_SERVER_TEXT = 300


def mask_number(number: object) -> str:
    """Show the first digits and the last two of a recipient: `+306970000001` becomes `+30…01`."""
    if not isinstance(number, str):
        return f"<{type(number).__name__}>"
    if len(number) < _SHORTEST_TO_SHOW:
        return "…"
    return f"{number[:_KEPT_IN_FRONT]}…{number[-_KEPT_AT_THE_END:]}"


def mask_body(body: object) -> str:
    """Say how long a text is, never what it says."""
    return f"<{len(body)} characters>" if isinstance(body, str) else f"<{type(body).__name__}>"


def mask_url(url: object) -> str:
    """Show where a URL points but not its path or query, which may be a capability."""
    if not isinstance(url, str):
        return f"<{type(url).__name__}>"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "<malformed URL>"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}/…" if host else "<malformed URL>"


def mask_secret(value: object) -> str:
    """Hide a token or a secret whole."""
    return "<hidden>" if value else "<empty>"


def scrub(text: str, *, hide_ids: bool = False) -> str:
    """Mask numbers in a text that a server wrote, and cut it short.

    Args:
        text: What the server said.
        hide_ids: Also hide UUIDs. OAuth errors quote the access token, which is one; elsewhere UUIDs are tracking ids, which
            help and are not secret.
    """
    if hide_ids:
        text = _UUID.sub("<hidden>", text)
    text = _NUMBER.sub(lambda match: mask_number(match[0]), text)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _LONGEST_SERVER_TEXT else text[:_LONGEST_SERVER_TEXT] + "…"
