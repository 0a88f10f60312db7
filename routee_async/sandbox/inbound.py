"""Messages that come in: how they are kept and told, and the words by which people opt out. Source: routee-api.md §4.3, §5.3."""

from typing import Final

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Application, new_uuid
from routee_async.sandbox.callbacks import CallbackKind
from routee_async.sandbox.desk import Desk
from routee_async.sandbox.encoding import analyse
from routee_async.sandbox.messages import Message, stamp
from routee_async.sandbox.timeline import Outcome, Timeline

OPT_OUT: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
"""Who sends one of these wants to hear no more."""
OPT_IN: Final = frozenset({"START", "YES", "UNSTOP"})
"""Who sends one of these wants to hear again."""
_ARRIVED: Final = Timeline(sent_after=0.0, final_after=0.0)


def receive(desk: Desk, application: Application, *, sender: str, to: str, body: str) -> Message:
    """Let a message come in. It can be tracked, and is told to the address of the number that it came to, if that has one.

    Args:
        desk: Where it comes in.
        application: Whose number it came to.
        sender: Who sent it, a number with or without `+`.
        to: The number or short code that it came to, with or without `+`.
        body: Its text.

    Raises:
        ValueError: *sender* or *to* is no number, or *body* is empty.
    """
    number, digits = checks.normalise(sender), to.removeprefix("+")
    if number is None or not digits.isdecimal() or not body:
        raise ValueError("an inbound message needs the number of its sender, a number that it came to, and a text")
    now, account = desk.now(), application.account
    analysis = analyse(body, cut_pairs=desk.settings.cut_pairs)
    contact = account.contacts.find_mobile(number)
    message = Message(
        tracking_id=new_uuid(desk.rng),
        application=application,
        to=digits,
        sender=number,
        body=body,
        label=None,
        created=now,
        analysis=analysis,
        echo={},
        price=desk.settings.inbound_price,
        timeline=_ARRIVED,
        outcomes=(Outcome.DELIVERED,) * analysis.parts,
        sms_ids=tuple(new_uuid(desk.rng) for _ in range(analysis.parts)),
        direction="Inbound",
        groups=() if contact is None else contact.all_groups(),
    )
    desk.messages[message.tracking_id] = message
    word = body.strip().upper()
    if word in OPT_OUT and desk.settings.opt_out:
        account.opted_out.add(number)
    elif word in OPT_IN:
        account.opted_out.discard(number)
    url = account.inbound_urls.get(digits)
    if url is not None:
        desk.callbacks.emit(CallbackKind.INBOUND, url, to_wire(message), message.tracking_id, now)
    return message


def to_wire(message: Message) -> dict[str, object]:
    """Write the callback about a message that came in (§5.3)."""
    return {
        "messageId": message.tracking_id,
        "from": message.sender,
        "to": message.to,
        "message": message.body,
        "parts": message.analysis.parts,
        "originatingService": "Sms",
        "direction": "Inbound",
        "receivedDate": stamp(message.created),
        "price": message.price,
    }
