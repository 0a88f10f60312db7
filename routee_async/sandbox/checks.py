"""Checks of single fields of a request: what of JSON is a flag, a number, a callback. Source: routee-api.md §2.2, §2.4, §7.1."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.timeline import Magic

MAX_BODY: Final = 1600
"""Characters of a text."""
MAX_TTL: Final = 4320
"""Minutes; also the default."""
MISSING: Final = "may not be empty"
BAD_NUMBER: Final = "Invalid mobile number"
BAD_VALUE: Final = "Invalid value"
# How strictly Routee checks numbers is not known: what E.164 allows passes here.
_NUMBER: Final = re.compile(r"\+?[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"[0-9]{1,16}|[A-Za-z0-9 ]{1,11}")
_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_LINK: Final = re.compile(r"https?://\S+(?= )")

Fits = Callable[[object], bool]


def normalise(number: object) -> str | None:
    """Give the number with `+` (§8 #24); None for what is none, or is to be refused."""
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        return None
    with_plus = number if number[0] == "+" else f"+{number}"
    return None if with_plus == Magic.REFUSED else with_plus


def is_sender(text: str) -> bool:
    """Tell whether *text* is at most 16 digits, or at most 11 latin letters, digits and spaces."""
    return _SENDER.fullmatch(text) is not None


def is_flag(value: object) -> bool:
    """Tell whether *value* is true or false."""
    return isinstance(value, bool)


def is_between(value: object, least: int, most: int) -> bool:
    """Tell whether *value* is a whole number from *least* to *most*."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_ttl(value: object) -> bool:
    """Tell whether *value* is a validity period in minutes."""
    return is_between(value, 1, MAX_TTL)


def is_object(value: object) -> bool:
    """Tell whether *value* is a JSON object."""
    return isinstance(value, dict)


def is_callback(value: object) -> bool:
    """Tell whether *value* has a `url` and a `strategy`."""
    if not isinstance(value, dict):
        return False
    url, strategy = value.get("url"), value.get("strategy")
    return isinstance(url, str) and url.startswith(("http://", "https://")) and strategy in {"OnChange", "OnCompletion"}


def is_shortener(value: object) -> bool:
    """Tell whether *value* is an object whose `urlValidity`, if any, is in its bounds."""
    return isinstance(value, dict) and is_between(value.get("urlValidity", 3600), 3600, 2592000)


def is_texts(value: object) -> bool:
    """Tell whether *value* is an array of texts."""
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def is_text_map(value: object) -> bool:
    """Tell whether *value* is an object of texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def faults(payload: Mapping[str, object], checks: Mapping[str, Fits]) -> dict[str, str]:
    """Complain about every field that is there, is not null and does not fit its check."""
    return {
        name: BAD_VALUE
        for name, value in payload.items()
        if value is not None and (fits := checks.get(name)) is not None and not fits(value)
    }


def text_faults(payload: Mapping[str, object], *names: str) -> dict[str, str]:
    """Complain about each of *names* that is no text or empty, and about a `body` that is too long."""
    problems = {}
    for name in names:
        text = payload.get(name)
        if not text or not isinstance(text, str):
            problems[name] = MISSING
        elif name == "body" and len(text) > MAX_BODY:
            problems[name] = f"may not be longer than {MAX_BODY} characters"
    return problems


def read_hook(value: object) -> Hook | None:
    """Read a callback that has been checked; None for null."""
    return Hook(value["url"], value["strategy"]) if isinstance(value, dict) else None


def read_whole(value: object) -> int | None:
    """Read a whole number, 0 or more, or its digits in a text; None for anything else."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def read_moment(value: object) -> float | None:
    """Read ISO 8601 with a zone, or epoch seconds as number or text (§8 #12), as epoch seconds; None for anything else."""
    seconds = read_whole(value)
    if seconds is not None:
        return float(seconds)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def shorten(body: str, shortener: object) -> tuple[str, dict[str, object]]:
    """Replace each link that ends at a space, if *shortener* was asked for.

    Returns:
        The text that goes out, and what the answer tells of it: nothing, or `urlShortener` (§2.2, §2.15).
    """
    if not isinstance(shortener, dict):
        return body, {}
    links: list[dict[str, str]] = []

    def replace(match: re.Match[str]) -> str:
        links.append({"longUrl": match[0], "shortUrl": f"https://rtee.example/{len(links) + 1}"})
        return links[-1]["shortUrl"]

    short = _LINK.sub(replace, body)
    return short, {"urlShortener": {"urlValidity": shortener.get("urlValidity", 2592000), "urls": links}}
