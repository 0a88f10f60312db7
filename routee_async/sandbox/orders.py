"""Reading a request to send one message: shape, limits and what of it is echoed. Source: routee-api.md §2.2, §7.1."""

from collections.abc import Mapping
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.answers import invalid, routee


@attrs.frozen(kw_only=True)
class Order:
    """A well-formed request to send.

    Attributes:
        to: Recipient with `+`.
        sender: Sender id.
        body: The text that goes out.
        label: The caller's label.
        ttl: Minutes; None when left out.
        transcode: As asked for; None when left out.
        callback: Whom to call; None when left out.
        echo: The optional wire fields that the answer repeats.
    """

    to: str
    sender: str
    body: str
    label: str | None = None
    ttl: int | None = None
    transcode: bool | None = None
    callback: Hook | None = None
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
    problems = checks.text_faults(payload, "from", "body", "to")
    to = checks.normalise(payload.get("to"))
    if to is None and "to" not in problems:
        problems["to"] = checks.BAD_NUMBER
    if needs_options:
        problems |= _optional(payload, max_label)
    if to is None or problems:
        raise invalid(problems)
    if not checks.is_sender(payload["from"]):
        raise routee(400, "400005000", "Sender id is not valid")
    options = payload if needs_options else {}
    body, shortened = checks.shorten(payload["body"], options.get("urlShortener"))
    echo: dict[str, object] = {"flash": bool(options.get("flash"))}
    echo |= {name: options[name] for name in ("callback", "label", "ttl") if options.get(name) is not None}
    if shortened:
        # What is echoed is what was asked for; the links are replaced in what goes out. A guess (§2.2).
        echo |= {"body": payload["body"], **shortened}
    return Order(
        to=to,
        sender=payload["from"],
        body=body,
        label=options.get("label"),
        ttl=options.get("ttl"),
        transcode=options.get("transcode"),
        callback=checks.read_hook(options.get("callback")),
        echo=echo,
    )


def _optional(payload: Mapping[str, object], max_label: int) -> dict[str, str]:
    problems = checks.faults(payload, _OPTIONS)
    label = payload.get("label")
    if label is not None and not (isinstance(label, str) and len(label) <= max_label):
        problems["label"] = checks.BAD_VALUE
    return problems


_OPTIONS: Final[Mapping[str, checks.Fits]] = {
    "flash": checks.is_flag,
    "transcode": checks.is_flag,
    "ttl": checks.is_ttl,
    "callback": checks.is_callback,
    "urlShortener": checks.is_shortener,
    "restrictions": checks.is_object,
}
