"""The list of conversations, one for each phone, as on a phone."""

from itertools import islice
from typing import Final
from urllib.parse import quote

import attrs

from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.queries import Query
from routee_async.sandbox.control.views import other_party, status_of
from routee_async.sandbox.inbox.html import EMPTY, Html, markup
from routee_async.sandbox.inbox.times import clock_time, plural
from routee_async.sandbox.messages import Message

_SCAN: Final = 20_000
"""Messages that are looked at, the newest first."""
_MOST: Final = 200
"""Conversations that are shown."""
_COLOURS: Final = 6


@attrs.define
class Thread:
    """The messages of one phone.

    Attributes:
        number: Whose phone it is.
        latest: The newest message.
        count: How many there are.
    """

    number: str
    latest: Message
    count: int = 1


def gather(backstage: Backstage, search: str) -> list[Thread]:
    """Gather the conversations that have a message with *search* in it, the one with the newest message first."""
    threads: dict[str, Thread] = {}
    for message in islice(backstage.find(Query(search=search)), _SCAN):
        number = other_party(message)
        thread = threads.get(number)
        if thread is None:
            threads[number] = Thread(number, message)
        else:
            thread.count += 1
    return list(threads.values())


def address(number: str, search: str = "") -> str:
    """Tell the address of the conversation with a phone."""
    return f"/_sandbox/to/{quote(number, safe='')}" + (f"?q={quote(search, safe='')}" if search else "")


def avatar(number: str, size: str = "") -> Html:
    """Draw the picture of a phone: its last two digits, in a colour of its own."""
    return markup(
        '<span class="avatar tint-{tint} {size}" aria-hidden="true">{text}</span>',
        tint=sum(map(ord, number)) % _COLOURS,
        size=size,
        text=number[-2:],
    )


def pill(status: str) -> Html:
    """Show a status."""
    return markup('<span class="pill {kind}">{status}</span>', kind=f"is-{status.lower()}", status=status)


def render(backstage: Backstage, *, search: str, current: str) -> Html:
    """Write the list."""
    threads = gather(backstage, search)
    now = backstage.carrier.now()
    shown = [_row(thread, now, search=search, is_current=thread.number == current) for thread in threads[:_MOST]]
    if not shown:
        nothing = f"Nothing has “{search}” in it." if search else "No messages yet."
        return markup('<nav id="threads" aria-label="Conversations"><p class="nothing">{nothing}</p></nav>', nothing=nothing)
    hidden = len(threads) - len(shown)
    more = (
        markup('<p class="nothing">{count} more: search for them.</p>', count=plural(hidden, "conversation")) if hidden else EMPTY
    )
    return markup('<nav id="threads" aria-label="Conversations"><ul>{rows}</ul>{more}</nav>', rows=shown, more=more)


def _row(thread: Thread, now: float, *, search: str, is_current: bool) -> Html:
    latest = thread.latest
    is_inbound = latest.direction == "Inbound"
    return markup(
        '<li id="thread-{key}"><a class="thread" href="{href}"{current}>{avatar}'
        '<span class="thread-top"><b>{number}</b>{time}</span>'
        '<span class="thread-bottom"><span class="preview">{arrow}{body}</span>{status}</span></a></li>',
        key="".join(character for character in thread.number if character.isalnum()),
        href=address(thread.number, search),
        current=Html(' aria-current="page"') if is_current else EMPTY,
        avatar=avatar(thread.number),
        number=thread.number,
        time=clock_time(latest.created, now),
        arrow=Html('<span class="in" title="received">↩</span> ') if is_inbound else EMPTY,
        body=latest.body,
        status=EMPTY if is_inbound else _dot(status_of(latest, now).status),
    )


def _dot(status: str) -> Html:
    return markup(
        '<span class="dot {kind}" title="{status}"><span class="unseen">{status}</span></span>',
        kind=f"is-{status.lower()}",
        status=status,
    )
