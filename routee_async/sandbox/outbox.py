"""What was sent, as a test wants to look at it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from routee_async.sandbox.extract import find_code, find_link
from routee_async.sandbox.messages import Message
from routee_async.sandbox.timeline import rolled_up

_SHOWN: Final = 5
"""Recipients that an error names."""


class NothingSentError(LookupError):
    """No message meets what was asked for, or the message does not hold what was looked for."""


class SentMessage:
    """A message that the sandbox has accepted, or one that came in. Its status moves on while it is looked at.

    Args:
        message: The message.
        now: Gives epoch seconds.
    """

    __slots__ = ("_message", "_now")

    def __init__(self, message: Message, now: Callable[[], float]) -> None:
        self._message = message
        self._now = now

    def __repr__(self) -> str:
        return f"<SentMessage {self.sender} to {self.to}, {self.status}: {self.body!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SentMessage) and other.tracking_id == self.tracking_id

    def __hash__(self) -> int:
        return hash(self.tracking_id)

    @property
    def tracking_id(self) -> str:
        """Its id."""
        return self._message.tracking_id

    @property
    def to(self) -> str:
        """Recipient in E.164."""
        return self._message.to

    @property
    def sender(self) -> str:
        """Sender id, or the number that it came from."""
        return self._message.sender

    @property
    def body(self) -> str:
        """Text."""
        return self._message.body

    @property
    def label(self) -> str | None:
        """Label, with the reference that the client has put in front of it, if any."""
        return self._message.label

    @property
    def status(self) -> str:
        """Status of the whole message at this moment, such as `Delivered`."""
        return rolled_up(self._message.states(self._now())).status

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return self._message.analysis.parts

    @property
    def created_at(self) -> datetime:
        """When it was accepted, by the clock of the sandbox."""
        return datetime.fromtimestamp(self._message.created, UTC)

    @property
    def direction(self) -> str:
        """`Outbound` or `Inbound`."""
        return self._message.direction

    def code(self) -> str:
        """Give the first run of 4 to 8 digits in the text, links aside.

        Raises:
            NothingSentError: There is none.
        """
        return self._found(find_code(self.body), "no code of 4 to 8 digits")

    def link(self) -> str:
        """Give the first link in the text, without the punctuation that ends the sentence.

        Raises:
            NothingSentError: There is none.
        """
        return self._found(find_link(self.body), "no link")

    def _found(self, value: str | None, nothing: str) -> str:
        if value is None:
            raise NothingSentError(f"{nothing} in the message to {self.to}: {self.body!r}")
        return value


def nothing_sent(what: str, messages: tuple[SentMessage, ...]) -> NothingSentError:
    """Make the error for *what* was not found among *messages*, which says what is there instead."""
    if not messages:
        return NothingSentError(f"no message {what}; none was sent at all")
    recipients = list(dict.fromkeys(message.to for message in reversed(messages)))
    named = ", ".join(recipients[:_SHOWN]) + (f" and {len(recipients) - _SHOWN} more" if len(recipients) > _SHOWN else "")
    verb = "was" if len(messages) == 1 else "were"
    return NothingSentError(f"no message {what}; {len(messages)} {verb} sent to: {named}")
