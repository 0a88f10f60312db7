"""One conversation: what went out and what came in, as bubbles, and a box to reply as the recipient."""

from itertools import islice
from typing import Final
from urllib.parse import quote

from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.queries import Query
from routee_async.sandbox.control.views import status_of
from routee_async.sandbox.extract import find_code
from routee_async.sandbox.inbox import threads
from routee_async.sandbox.inbox.html import EMPTY, Html, markup
from routee_async.sandbox.inbox.marks import marked
from routee_async.sandbox.inbox.times import clock_time, plural
from routee_async.sandbox.magic import MAGIC_ROWS
from routee_async.sandbox.messages import Message

_MOST: Final = 100
"""Messages that are shown."""
_RECEIVED: Final = Html('<span class="pill is-received">Received</span>')
_INVENTED: Final = "306900000099"
"""A number of the application, for replies to a name."""
_MAGIC: Final = {row.number: row.meaning.replace("`", "") for row in MAGIC_ROWS}


def message_address(tracking_id: str) -> str:
    """Tell the address of a message."""
    return f"/_sandbox/message/{quote(tracking_id, safe='')}"


def render(backstage: Backstage, number: str, *, selected: str = "") -> Html:
    """Write the conversation with *number*, the message *selected* marked."""
    found = list(islice(backstage.find(Query(to=number)), _MOST + 1))
    now = backstage.carrier.now()
    bubbles = [_bubble(message, now, is_selected=message.tracking_id == selected) for message in found[:_MOST][::-1]]
    older = Html('<p class="nothing">Older messages are not shown.</p>') if len(found) > _MOST else EMPTY
    senders = [message.sender for message in found if message.direction == "Outbound"]
    magic = _MAGIC.get(number)
    head = markup(
        '<header class="pane-head"><a class="back" href="/_sandbox/" aria-label="All conversations">‹</a>{avatar}'
        '<span class="pane-title"><h2>{number}</h2><small>{note}</small></span></header>',
        number=number,
        avatar=threads.avatar(number),
        note=f"Magic number. {magic}" if magic else plural(len(bubbles), "message"),
    )
    return markup(
        '<section id="talk" class="pane" aria-label="Conversation with {number}">{head}'
        '<div id="bubbles" class="bubbles" tabindex="0" role="log" aria-label="Messages">{older}<ol>{bubbles}</ol></div>'
        "{reply}</section>",
        number=number,
        head=head,
        older=older,
        bubbles=bubbles or [Html('<li class="nothing">No messages with this number.</li>')],
        reply=_reply(backstage, number, senders[0] if senders else ""),
    )


def _bubble(message: Message, now: float, *, is_selected: bool) -> Html:
    is_inbound = message.direction == "Inbound"
    code = None if is_inbound else find_code(message.body)
    return markup(
        '<li id="m-{id}" class="bubble {side}{selected}"><div class="text">{body}</div><div class="meta">{more}{code}</div></li>',
        id=message.tracking_id,
        side="from-phone" if is_inbound else "to-phone",
        selected=" selected" if is_selected else "",
        body=marked(message.body, message.analysis.unsupported),
        more=_more(message, now, is_selected=is_selected),
        code=EMPTY if code is None else _copy(code),
    )


def _more(message: Message, now: float, *, is_selected: bool) -> Html:
    is_inbound = message.direction == "Inbound"
    return markup(
        '<a class="more" href="{href}"{current}><span class="who">{who}</span>{time}<span class="count">{count}</span>{status}'
        '<span class="unseen">Details</span></a>',
        href=message_address(message.tracking_id),
        current=Html(' aria-current="true"') if is_selected else EMPTY,
        who=f"to {message.to}" if is_inbound else message.sender,
        time=clock_time(message.created, now),
        count=plural(message.analysis.parts, "part") + (" · UCS-2" if message.analysis.unicode else ""),
        status=_RECEIVED if is_inbound else threads.pill(status_of(message, now).status),
    )


def _copy(code: str) -> Html:
    return markup(
        '<button type="button" class="code" data-copy="{code}" title="Copy the code">{code}</button>',
        code=code,
    )


def _reply(backstage: Backstage, number: str, sender: str) -> Html:
    if not number.lstrip("+").isdecimal():
        return EMPTY
    # A name cannot be replied to: then the reply goes to a number of the application, or to an invented one.
    known = (sender, *backstage.application().account.inbound_urls, _INVENTED)
    to = next(name for name in known if name.removeprefix("+").isdecimal())
    hint = f"to {to}" if to == sender or not sender else f"to {to}, as {sender} is no number"
    return markup(
        '<form id="reply" class="reply" method="post" action="/_sandbox/do/reply" hx-post="/_sandbox/do/reply" hx-swap="none" '
        'data-clear><input type="hidden" name="from" value="{number}"><input type="hidden" name="to" value="{to}">'
        '<label class="unseen" for="reply-text">Reply as {number} {hint}</label>'
        '<textarea id="reply-text" name="body" rows="1" required maxlength="1600" placeholder="Reply as {number}" title="{hint}" '
        'data-enter></textarea><button type="submit" class="primary">Reply</button></form>',
        number=number,
        to=to,
        hint=hint,
    )
