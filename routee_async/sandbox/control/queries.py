"""Which messages are meant: the filters of the control API and of the inbox page, read from a query."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from routee_async.sandbox.control.problems import bad
from routee_async.sandbox.control.views import other_party, status_of
from routee_async.sandbox.messages import Message

MAX_SIZE: Final = 1000
MAX_TIMEOUT: Final = 60.0


@attrs.frozen(kw_only=True)
class Query:
    """Conditions, all of which a message must meet; those left out are met by all.

    Attributes:
        to: The phone it is about, with or without `+`: who it went to, or came from.
        sender_id: Sender id.
        label: Its label starts with this, or what stands behind the first space does.
        text: The body has this somewhere, in any case of letters.
        status: Status of the whole message.
        direction: `outbound` or `inbound`.
        campaign: Id of its campaign.
        since: Epoch seconds: accepted then or later.
        until: Epoch seconds: accepted before.
        search: Stands somewhere in number, sender, label or body, in any case of letters.
    """

    to: str = ""
    sender_id: str = ""
    label: str = ""
    text: str = ""
    status: str = ""
    direction: str = ""
    campaign: str = ""
    since: float = -math.inf
    until: float = math.inf
    search: str = ""

    def meets(self, message: Message, now: float) -> bool:
        """Tell whether *message* meets all conditions at *now*."""
        label = message.label or ""
        return (
            self.since <= message.created < self.until
            and (not self.to or digits(other_party(message)) == digits(self.to))
            and (not self.sender_id or message.sender == self.sender_id)
            and (not self.label or label.startswith(self.label) or label.partition(" ")[2].startswith(self.label))
            and (not self.text or self.text.casefold() in message.body.casefold())
            and (not self.direction or message.direction.lower() == self.direction.lower())
            and (not self.campaign or (message.campaign is not None and message.campaign.tracking_id == self.campaign))
            and (not self.status or status_of(message, now).status.lower() == self.status.lower())
            and (not self.search or _has(message, self.search.casefold()))
        )


def digits(number: str) -> str:
    """Strip a number of its `+` and of what people put between the digits; other texts stay."""
    bare = number.strip().translate({ord(character): None for character in " -()+"})
    return bare if bare.isdecimal() else number


def _has(message: Message, term: str) -> bool:
    return any(term in text.casefold() for text in (message.to, message.sender, message.label or "", message.body))


def newest_first(messages: Mapping[str, Message], query: Query, now: float) -> Iterator[Message]:
    """Give the messages that meet *query*, the newest first."""
    return (message for message in reversed(tuple(messages.values())) if query.meets(message, now))


@attrs.frozen
class Slice:
    """Which piece of a list is asked for.

    Attributes:
        page: Counted from 0.
        size: Rows of a page.
    """

    page: int
    size: int


PARAMETERS: Final[Mapping[str, str]] = {
    "to": "The phone it is about, with or without `+`: whom it went to, or came from.",
    "sender_id": "Sender id.",
    "label": "Its label starts with this, or what stands behind the first space of the label does.",
    "text": "The body has this somewhere, in any case of letters.",
    "status": "Status of the whole message, such as `Delivered`.",
    "direction": "`outbound` or `inbound`.",
    "campaign": "Id of its campaign.",
    "since": "Accepted then or later: ISO 8601, or epoch seconds.",
    "until": "Accepted before: ISO 8601, or epoch seconds.",
    "search": "Stands somewhere in number, sender id, label or body.",
}
"""Name of a filter to its meaning."""


def read_query(parameters: Mapping[str, str], *further: str) -> Query:
    """Read the filters.

    Args:
        parameters: The decoded query.
        *further: Names of parameters that are no filters.

    Raises:
        ControlError: A parameter is unknown, or a time cannot be read. A misspelt filter that went unnoticed would match all.
    """
    unknown = {name: f"unknown; known are {', '.join([*PARAMETERS, *further])}" for name in parameters}
    problems = {name: text for name, text in unknown.items() if name not in PARAMETERS and name not in further}
    if problems:
        raise bad(problems)
    texts = {name: value for name, value in parameters.items() if name in PARAMETERS and name not in {"since", "until"}}
    times = {name: read_time(name, parameters[name]) for name in ("since", "until") if name in parameters}
    return Query(**texts, **times)  # type: ignore[arg-type]  # the names are those of the fields


def read_time(name: str, text: str) -> float:
    """Read ISO 8601 (UTC unless it says otherwise) or epoch seconds.

    Raises:
        ControlError: It is neither.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise bad({name: "is neither ISO 8601 nor epoch seconds"}) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise bad({name: "is neither ISO 8601 nor epoch seconds"})
    return seconds


def read_slice(parameters: Mapping[str, str], *, size: int = 50) -> Slice:
    """Read `page` and `size`.

    Raises:
        ControlError: One of them is no number, or out of bounds.
    """
    return Slice(
        int(read_number(parameters, "page", 0, most=1_000_000, whole=True)),
        int(read_number(parameters, "size", size, least=1, most=MAX_SIZE, whole=True)),
    )


def read_number(
    parameters: Mapping[str, str],
    name: str,
    default: float,
    *,
    least: float = 0,
    most: float = math.inf,
    whole: bool = False,
) -> float:
    """Read a number.

    Raises:
        ControlError: It is none, or out of bounds.
    """
    text = parameters.get(name)
    if text is None:
        return default
    kind: Callable[[str], float] = int if whole else float
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most or math.isinf(number):
        raise bad({name: f"must be a {'whole ' if whole else ''}number from {least:g} to {most:g}"})
    return number
