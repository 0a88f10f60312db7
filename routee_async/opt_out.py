"""Who wants no more messages: the words that say so, and a list of those who have said them. Pure.

suppressed = SuppressionList()
suppressed.feed(inbound)                                     # each `InboundSms` that comes to the webhook
client.send_many(messages, suppressed=suppressed)            # yields Rejected for whoever is on the list
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, MutableSet
from enum import StrEnum
from typing import Protocol, Self

from routee_async.callback_models import CallbackEvent, InboundSms
from routee_async.errors import InvalidInputError, InvalidRecipientError
from routee_async.phone import normalize


class Keyword(StrEnum):
    """What the sender of a message wants, if it is one of the documented words and nothing else."""

    OPT_OUT = "opt out"
    OPT_IN = "opt in"
    HELP = "help"


_KEYWORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"), Keyword.OPT_OUT),
    **dict.fromkeys(("START", "YES", "UNSTOP"), Keyword.OPT_IN),
    **dict.fromkeys(("HELP", "INFO"), Keyword.HELP),
}
_LONGEST = 100
"""Characters of a text that can be one of the words, with everything that may stand around it."""
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def read_keyword(body: str) -> Keyword | None:
    """Tell whether a text is one of the words that Routee knows.

    The text as a whole has to be the word: `Stop.` is one, `stop by tomorrow` is not. Case, full-width letters, and spaces,
    punctuation and pictures around the word do not matter.

    Returns:
        What it asks for; None for any other text.

    Source: docs.routee.net/docs/opt-out. That nothing but the word may stand there is our reading.
    """
    if len(body) > _LONGEST:
        return None
    return _KEYWORDS.get(_AROUND.sub("", unicodedata.normalize("NFKC", body)).upper())


class SupportsWrite(Protocol):
    """A text file open for writing, or whatever else takes text."""

    def write(self, text: str, /) -> object:
        """Take a piece of text."""


class SuppressionList(MutableSet[str]):
    """Recipients to whom nothing more shall be sent: a set of numbers in E.164, kept in memory.

    It understands whatever spelling of a number `Sms.to` does without a default region. It is one list: it does not tell apart
    which of the account's senders a recipient has had enough of. It is not thread-safe.

    Args:
        numbers: Whom to begin with.

    Raises:
        InvalidRecipientError: One of them is no telephone number.
    """

    def __init__(self, numbers: Iterable[str] = ()) -> None:
        self._numbers = {normalize(number) for number in numbers}

    @classmethod
    def load(cls, lines: Iterable[str]) -> Self:
        """Read a list from an open text file or other lines: a number each, save for empty ones and those with `#` in front.

        Raises:
            InvalidInputError: A line holds something else; says which line.
        """
        loaded = cls()
        for place, line in enumerate(lines, start=1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            try:
                loaded.add(text)
            except InvalidRecipientError as error:
                raise InvalidInputError(f"line {place}", error.problem) from None
        return loaded

    def save(self, file: SupportsWrite) -> None:
        """Write the numbers to an open text file, one a line, in order."""
        for number in sorted(self._numbers):
            file.write(f"{number}\n")

    def feed(self, event: CallbackEvent) -> bool:
        """Take in what came to the webhook: an inbound message that asks for it adds or removes its sender.

        Whatever else it is changes nothing, so that this can be the sink of a webhook. A sender that is no telephone number, such
        as a short code, cannot be a recipient either, and is passed over.

        Returns:
            True when the list has changed: time to save it.
        """
        if not isinstance(event, InboundSms):
            return False
        keyword, number = read_keyword(event.body), _number_of(event.sender_id)
        if keyword is Keyword.OPT_OUT and number is not None and number not in self._numbers:
            self._numbers.add(number)
            return True
        if keyword is Keyword.OPT_IN and number in self._numbers:
            self._numbers.remove(number)
            return True
        return False

    def add(self, number: str) -> None:
        """Put a recipient on the list.

        Raises:
            InvalidRecipientError: It is no telephone number.
        """
        self._numbers.add(normalize(number))

    def discard(self, number: str) -> None:
        """Take a recipient off the list; one who is not on it changes nothing."""
        self._numbers.discard(_e164(number) or "")

    def __contains__(self, number: object) -> bool:
        return isinstance(number, str) and (number in self._numbers or _e164(number) in self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"<SuppressionList of {len(self):,}>"


def _number_of(sender_id: str) -> str | None:
    """The number of who sent a message: on the wire the international form, its plus often left out (routee-api.md §5.3)."""
    sender_id = sender_id.strip()
    return _e164(sender_id if sender_id.startswith(("+", "00")) else f"+{sender_id}")


def _e164(number: str) -> str | None:
    try:
        return normalize(number)
    except InvalidRecipientError:
        return None
