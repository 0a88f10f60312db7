"""What `routee demo` counts on our side and on the sandbox's, whether the two agree, and how that is shown."""

from collections import Counter

import attrs
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from routee_async import (
    Accepted,
    BadRequestError,
    DeliveryReport,
    InvalidBodyError,
    InvalidInputError,
    InvalidRecipientError,
    InvalidSenderIdError,
    Outcome,
    RouteeError,
)
from routee_async.cli import following
from routee_async.cli.results import FATES, Fate
from routee_async.sandbox import Message, Sandbox

_NOTES = {
    Fate.ACCEPTED: "followed to their end, see below",
    Fate.REJECTED: "wrong, so nothing was sent:",
    Fate.NOT_SENT: "429 each time; safe to send again",
    Fate.UNKNOWN: "line broke after writing; not repeated",
}
_FAULTS = {
    InvalidRecipientError: "words for a number",
    InvalidSenderIdError: "a sender of 12 letters",
    InvalidBodyError: "a text of 1,601 characters",
    BadRequestError: "refused by the sandbox",
}
NEXT = """\
Next: with an account, set two environment variables, and the same commands send real messages:
  export ROUTEE_APPLICATION_ID=…  ROUTEE_APPLICATION_SECRET=…
  routee send +306970000001 "Your parcel is here" --sender-id ParcelCo --wait 60"""


@attrs.define
class Tally:
    """The figures.

    Attributes:
        count: Messages that were to be sent.
        fates: Outcomes.
        rejections: Rejected messages by error.
        statuses: Final statuses, with the reason.
        accepted: Tracking ids of accepted messages.
        parts: Parts of these.
        sending_seconds: Until the last message was accepted.
        seconds: Until the last final status.
        posts: POST /sms that reached the sandbox.
        polls: Tracking reads that reached it.
        tokens: Token requests that reached it.
        sandbox_messages: Messages that the sandbox has, whether or not we heard of it.
        sandbox_twice: Labels that it has more than once.
        sandbox_parts: Parts of the messages that we know to be accepted, by its count.
        sandbox_statuses: How it ended these.
    """

    count: int
    fates: Counter[Fate] = attrs.Factory(Counter)
    rejections: Counter[type[RouteeError]] = attrs.Factory(Counter)
    statuses: Counter[str] = attrs.Factory(Counter)
    accepted: set[str] = attrs.Factory(set)
    parts: int = 0
    sending_seconds: float = 0.0
    seconds: float = 0.0
    posts: int = 0
    polls: int = 0
    tokens: int = 0
    sandbox_messages: int = 0
    sandbox_twice: int = 0
    sandbox_parts: int = 0
    sandbox_statuses: Counter[str] = attrs.Factory(Counter)

    def take_outcome(self, outcome: Outcome) -> None:
        """Count an outcome."""
        fate = FATES[type(outcome)]
        self.fates[fate] += 1
        if isinstance(outcome, Accepted):
            self.accepted.add(outcome.sent.tracking_id)
            self.parts += outcome.sent.body_analysis.parts
        elif fate is Fate.REJECTED:
            self.rejections[type(outcome.error)] += 1

    def take_report(self, report: DeliveryReport) -> None:
        """Count a final status, or that there is none."""
        self.statuses[_name(report.status, following.detail(report)) if report.error is None else "no final status"] += 1

    def ask(self, sandbox: Sandbox) -> None:
        """Count what the sandbox saw."""
        journal = sandbox.journal
        self.posts = journal.sends_received
        self.tokens = journal.requests["POST /oauth/token"]
        self.polls = journal.requests.total() - self.posts - self.tokens
        self.sandbox_messages = journal.sends_accepted
        self.sandbox_twice = len(journal.duplicates())
        known = [message for message in journal.accepted if message.tracking_id in self.accepted]
        self.sandbox_parts = sum(len(message.outcomes) for message in known)
        self.sandbox_statuses = Counter(_end_of(message, sandbox) for message in known)

    @property
    def repeats(self) -> int:
        """Requests to send beyond the first of each message; what was rejected before any request had none."""
        early = sum(number for error, number in self.rejections.items() if issubclass(error, InvalidInputError))
        return self.posts - (self.count - early)

    @property
    def adds_up(self) -> bool:
        """True when every message has one outcome, every accepted one its end, and the sandbox says the same."""
        accepted, unknown = self.fates[Fate.ACCEPTED], self.fates[Fate.UNKNOWN]
        return (
            self.fates.total() == self.count
            and accepted <= self.sandbox_messages <= accepted + unknown
            and self.sandbox_twice == 0
            and self.statuses == self.sandbox_statuses
            and self.statuses.total() == len(self.accepted) == accepted
            and self.parts == self.sandbox_parts
        )

    def to_json(self) -> dict[str, object]:
        """Name all figures."""
        return {
            "messages": self.count,
            "outcomes": {fate: self.fates[fate] for fate in Fate},
            "statuses": self.statuses,
            "parts": self.parts,
            "requests": {"send": self.posts, "poll": self.polls, "token": self.tokens},
            "sandbox": {"messages": self.sandbox_messages, "twice": self.sandbox_twice},
            "seconds": round(self.seconds, 3),
            "sending_seconds": round(self.sending_seconds, 3),
            "adds_up": self.adds_up,
        }


def _name(status: str, detail: str | None) -> str:
    return status if detail is None or detail == status else f"{status}: {detail}"


def _end_of(message: Message, sandbox: Sandbox) -> str:
    first = message.states(sandbox.carrier.now())[0]
    return _name(first.status, first.detail)


def show(tally: Tally) -> RenderableType:
    """Make the tables and the verdict."""
    return Group(_outcomes(tally), "", _statuses(tally), "", _figures(tally), "", _verdict(tally), "", Text(NEXT))


def _table(*headers: str) -> Table:
    """Make an empty table: words, a number and, with a third header, a note."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(headers[0], min_width=27)
    table.add_column(headers[1], justify="right", min_width=8)
    for header in headers[2:]:
        table.add_column(header)
    return table


def _outcomes(tally: Tally) -> Table:
    table = _table("Outcome of sending", "Messages", "")
    for fate in Fate:
        table.add_row(fate.words, f"{tally.fates[fate]:,}", _NOTES[fate] if tally.fates[fate] else "")
        if fate is Fate.REJECTED:
            for error, number in tally.rejections.most_common():
                table.add_row("", "", f"{number:,} × {_FAULTS.get(error, error.__name__)}", style="dim")
    table.add_row("all", f"{tally.fates.total():,}", "", style="bold")
    return table


def _statuses(tally: Tally) -> Table:
    table = _table("Final status of the accepted", "Messages")
    for status, number in tally.statuses.most_common():
        table.add_row(status, f"{number:,}")
    table.add_row("all", f"{tally.statuses.total():,}", style="bold")
    return table


def _figures(tally: Tally) -> Table:
    table = _table("What it took", "", "")
    table.add_row("parts", f"{tally.parts:,}", "SMS to be paid, if this were real")
    table.add_row("requests to send", f"{tally.posts:,}", f"{tally.repeats:,} of them repeated, each after a 429")
    table.add_row(
        "requests to track", f"{tally.polls:,}", f"{tally.polls / max(1, len(tally.accepted)):.3f} for each accepted message"
    )
    table.add_row("requests for a token", f"{tally.tokens:,}", "")
    speed = len(tally.accepted) / tally.sending_seconds if tally.sending_seconds else 0
    table.add_row("seconds of sending", f"{tally.sending_seconds:.1f}", f"{speed:,.0f} accepted messages a second")
    table.add_row("seconds in all", f"{tally.seconds:.1f}", "until the last final status")
    return table


def _verdict(tally: Tally) -> Text:
    if not tally.adds_up:
        return Text("This does not add up. Please report it, with the tables above.", style="bold red")
    accepted, unknown = tally.fates[Fate.ACCEPTED], tally.fates[Fate.UNKNOWN]
    known = " + ".join(f"{tally.fates[fate]:,} {fate.words}" for fate in Fate)
    arrived = f" (the accepted, and {tally.sandbox_messages - accepted:,} of the unknown)" if unknown else ""
    return Text.assemble(
        ("It adds up: ", "bold green"),
        f"{known} = {tally.count:,}, and each accepted message has its end. The sandbox holds {tally.sandbox_messages:,} messages"
        f"{arrived}, none of them twice.",
    )
