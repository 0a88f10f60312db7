"""Reading a request to send: the shape of POST /sms, its limits and what of it is echoed. Source: routee-api.md §2.2, §7.1."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from routee_async.sandbox.answers import invalid, routee
from routee_async.sandbox.timeline import Magic

MAX_BODY: Final = 1600
"""Characters of a text."""
MAX_TTL: Final = 4320
"""Minutes; also the default."""
# How strictly Routee checks numbers is not known: what E.164 allows passes here.
_NUMBER: Final = re.compile(r"\+?[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"[0-9]{1,16}|[A-Za-z0-9 ]{1,11}")
_LINK: Final = re.compile(r"https?://\S+(?= )")
_MISSING: Final = "may not be empty"


@attrs.frozen(kw_only=True)
class Order:
    """A well-formed request to send.

    Attributes:
        to: Recipient with `+`.
        sender: Sender id.
        body: Text.
        label: The caller's label.
        ttl: Minutes; None when left out.
        transcode: As asked for.
        echo: The optional wire fields that the answer repeats.
    """

    to: str
    sender: str
    body: str
    label: str | None = None
    ttl: int | None = None
    transcode: bool = False
    echo: Mapping[str, object]


def read_order(payload: object, *, max_label: int = 350, needs_options: bool = True) -> Order:
    """Read the JSON value *payload*.

    Args:
        payload: What the body held.
        max_label: Characters of a label; an older page said 20 (§8 #8).
        needs_options: False to ignore everything but `from`, `to` and `body`, as the analysis does (§2.3).

    Raises:
        Refusal: 400000000 for what is missing or out of bounds, then 400005000 for the sender.
    """
    if not isinstance(payload, dict):
        raise invalid({})
    problems = _required(payload) | (_optional(payload, max_label) if needs_options else {})
    if problems:
        raise invalid(problems)
    if not _SENDER.fullmatch(payload["from"]):
        raise routee(400, "400005000", "Sender id is not valid")
    options = payload if needs_options else {}
    digits = payload["to"].removeprefix("+")
    return Order(
        to=f"+{digits}",
        sender=payload["from"],
        body=payload["body"],
        label=options.get("label"),
        ttl=options.get("ttl"),
        transcode=bool(options.get("transcode")),
        echo=_echo(options, payload["body"]),
    )


def _required(payload: Mapping[str, object]) -> dict[str, str]:
    problems = {name: _MISSING for name in ("from", "body", "to") if not (isinstance(payload.get(name), str) and payload[name])}
    to = str(payload.get("to"))
    if "to" not in problems and (not _NUMBER.fullmatch(to) or f"+{to.removeprefix('+')}" == Magic.REFUSED):
        problems["to"] = "Invalid mobile number"
    if "body" not in problems and len(str(payload["body"])) > MAX_BODY:
        problems["body"] = f"may not be longer than {MAX_BODY} characters"
    return problems


def _optional(payload: Mapping[str, object], max_label: int) -> dict[str, str]:
    checks: Mapping[str, Callable[[object], bool]] = {
        "flash": _is_flag,
        "transcode": _is_flag,
        "label": lambda value: isinstance(value, str) and len(value) <= max_label,
        "ttl": lambda value: _is_between(value, 1, MAX_TTL),
        "callback": _is_callback,
        "urlShortener": lambda value: isinstance(value, dict) and _is_between(value.get("urlValidity", 3600), 3600, 2592000),
        "restrictions": lambda value: isinstance(value, dict),
    }
    return {name: "Invalid value" for name, fits in checks.items() if (value := payload.get(name)) is not None and not fits(value)}


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_callback(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    url, strategy = value.get("url"), value.get("strategy")
    return isinstance(url, str) and url.startswith(("http://", "https://")) and strategy in {"OnChange", "OnCompletion"}


def _echo(options: Mapping[str, object], body: str) -> dict[str, object]:
    echo: dict[str, object] = {"flash": bool(options.get("flash"))}
    for name in ("callback", "label", "ttl"):
        if options.get(name) is not None:
            echo[name] = options[name]
    shortener = options.get("urlShortener")
    if isinstance(shortener, dict):
        links = [
            {"longUrl": link, "shortUrl": f"https://rtee.example/{number}"} for number, link in enumerate(_LINK.findall(body), 1)
        ]
        echo["urlShortener"] = {"urlValidity": shortener.get("urlValidity", 2592000), "urls": links}
    return echo
