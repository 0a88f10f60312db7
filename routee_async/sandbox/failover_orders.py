"""Reading a flow of messages that stand in for one another.

Source: routee-api.md §2.17; docs.routee.net/reference/send-a-failover-message.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.answers import invalid, routee

ON_STEP: Final = "OnStep"
_ENTITY: Final = "Failover"
_MIN_TTL, _MAX_TTL = 0.5, 1440.0
"""Minutes."""


class Channel(StrEnum):
    """How a step reaches its recipient."""

    SMS = "Sms"
    VIBER = "Viber"
    VOICE = "Voice"


_TTL: Final = {Channel.SMS: 1200.0, Channel.VIBER: 10.0, Channel.VOICE: 10.0}
"""Minutes; that of calls is not documented."""
_TRIGGERS: Final = {
    Channel.SMS: ("Undelivered", "Failed"),
    Channel.VIBER: ("Expired", "Failed", "Undelivered"),
    Channel.VOICE: ("Busy", "NoAnswer"),
}


@attrs.frozen(kw_only=True)
class Step:
    """A well-formed step.

    Attributes:
        channel: How.
        to: Number with `+`.
        sender: Sender id; for Viber the id of the sender's registration.
        ttl: Minutes.
        body: The text; empty for a call.
        label: The caller's label.
        transcode: As asked for; None when left out.
        order: Its place.
        triggers: Statuses after which the next step has its turn, as they were given.
        echo: The wire object of the request.
        shortener: The wire object `urlShortener`; None when left out.
    """

    channel: Channel
    to: str
    sender: str
    ttl: float
    body: str
    label: str | None
    transcode: bool | None
    order: int
    triggers: tuple[str, ...]
    echo: Mapping[str, object]
    shortener: object = None

    def is_triggered_by(self, status: str) -> bool:
        """Tell whether *status* gives the next step its turn; case does not matter."""
        return status.lower() in {trigger.lower() for trigger in self.triggers}


@attrs.frozen
class FlowOrder:
    """A well-formed request.

    Attributes:
        steps: In their order, at least one.
        callback: Whom to call, with strategy `OnStep` or `OnCompletion`.
    """

    steps: tuple[Step, ...]
    callback: Hook | None


def read_flow(payload: object) -> FlowOrder:
    """Read the JSON value *payload*.

    Raises:
        Refusal: 400000000, then 400005000 for the sender of a text.
    """
    if not isinstance(payload, dict):
        raise invalid({}, _ENTITY)
    flow, callback = payload.get("flow"), payload.get("callback")
    problems = {} if callback is None or _is_callback(callback) else {"callback": checks.BAD_VALUE}
    if not isinstance(flow, list) or not flow:
        raise invalid(problems | {"flow": checks.MISSING}, _ENTITY)
    for index, entry in enumerate(flow):
        problems |= {f"flow[{index}].{name}".rstrip("."): text for name, text in _faults(entry).items()}
    if problems:
        raise invalid(problems, _ENTITY)
    steps = sorted((_read_step(entry, index + 1) for index, entry in enumerate(flow)), key=lambda step: step.order)
    if any(step.channel is Channel.SMS and not checks.is_sender(step.sender) for step in steps):
        raise routee(400, "400005000", "Sender id is not valid")
    return FlowOrder(tuple(steps), checks.read_hook(callback))


def _is_callback(value: object) -> bool:
    return isinstance(value, dict) and checks.is_url(value.get("url")) and value.get("strategy") in (ON_STEP, "OnCompletion")


def _faults(entry: object) -> dict[str, str]:
    if not isinstance(entry, dict):
        return {"": checks.BAD_VALUE}
    if entry.get("type") not in tuple(Channel):
        return {"type": checks.BAD_VALUE}
    problems = checks.faults(
        entry,
        {
            "ttl": _is_ttl,
            "order": lambda value: checks.is_between(value, 0, 1000),
            "failoverOnStatuses": lambda value: isinstance(value, str) or checks.is_texts(value),
            "urlShortener": checks.is_shortener,
        },
    )
    if _recipient(entry.get("to")) is None:
        problems["to"] = checks.BAD_NUMBER
    message = entry.get("message")
    match entry["type"]:
        case Channel.VOICE:
            plan = entry.get("dialPlan") or entry.get("dialplan")
            return problems | checks.text_faults(entry, "from") | ({} if isinstance(plan, dict) else {"dialPlan": checks.MISSING})
        case Channel.VIBER:
            problems |= checks.text_faults(entry, "senderInfoTrackingId") | checks.label_faults(entry)
            return problems | ({} if isinstance(message, dict) and message else {"message": checks.MISSING})
        case _:
            problems |= checks.text_faults(entry, "from")
            return problems | (_text_faults(message) if isinstance(message, dict) else {"message": checks.MISSING})


def _text_faults(message: Mapping[str, object]) -> dict[str, str]:
    problems = checks.text_faults(message, "body") | checks.label_faults(message)
    problems |= checks.faults(message, {"flash": checks.is_flag, "transcode": checks.is_flag})
    return {f"message.{name}": text for name, text in problems.items()}


def _is_ttl(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _MIN_TTL <= value <= _MAX_TTL


def _recipient(to: object) -> str | None:
    """Give the number with `+`; that of a call may stand in an object."""
    if isinstance(to, dict):
        to = to.get("phone") or to.get("viber")
    return checks.normalise(to)


def _read_step(entry: Mapping[str, object], place: int) -> Step:
    channel = Channel(str(entry["type"]))
    message = entry.get("message")
    texts = message if isinstance(message, dict) else {}
    sender = entry["senderInfoTrackingId"] if channel is Channel.VIBER else entry["from"]
    ttl, order, label = entry.get("ttl"), entry.get("order"), entry.get("label") or texts.get("label")
    given = entry.get("failoverOnStatuses")
    triggers = given.split(",") if isinstance(given, str) else given
    return Step(
        channel=channel,
        to=_recipient(entry["to"]) or "",
        sender=str(sender),
        ttl=float(ttl) if isinstance(ttl, int | float) else _TTL[channel],
        body=str(texts.get("body") or texts.get("text") or ""),
        label=label if isinstance(label, str) else None,
        transcode=texts.get("transcode"),
        order=order if isinstance(order, int) else place,
        triggers=tuple(text.strip() for text in triggers) if isinstance(triggers, list) else _TRIGGERS[channel],
        echo=entry,
        shortener=entry.get("urlShortener"),
    )
