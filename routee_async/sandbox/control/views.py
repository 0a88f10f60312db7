"""Messages as the control API shows them: plain JSON values in our own names, not Routee's."""

from typing import Final

import attrs

from routee_async.sandbox.callbacks import CallbackRecord
from routee_async.sandbox.exchanges import Exchange
from routee_async.sandbox.messages import Message, stamp
from routee_async.sandbox.timeline import State, rolled_up

STEPS: Final = (0, 1, 2)


@attrs.frozen
class Moment:
    """A status of a part, and when it came to it.

    Attributes:
        where: The status.
        at: Epoch seconds; None where that is not known: in the mode by reads, only the last change is.
    """

    where: State
    at: float | None


def history(message: Message, index: int, now: float) -> tuple[list[Moment], Moment | None]:
    """Tell which statuses part *index*, counted from 0, has come to by *now*, and the one that is expected next."""
    by_clock = message.timeline.reads is None
    reached = message.step(now)
    past: list[Moment] = []
    for step in STEPS:
        where = message.states_at(step)[index]
        known = by_clock or step in {0, reached}
        moment = Moment(where, message.reached(step) if known else None)
        if past and past[-1].where == where:
            continue
        if step > reached:
            return past, moment if by_clock else Moment(where, None)
        past.append(moment)
    return past, None


def status_of(message: Message, now: float) -> State:
    """Tell the status of a message as a whole."""
    return rolled_up(message.states(now))


def other_party(message: Message) -> str:
    """Tell whose phone it is about: the recipient of what went out, the sender of what came in."""
    return message.sender if message.direction == "Inbound" else message.to


def summary(message: Message, now: float) -> dict[str, object]:
    """Write what a list shows of a message."""
    analysis = message.analysis
    where = status_of(message, now)
    return {
        "tracking_id": message.tracking_id,
        "direction": message.direction.lower(),
        "to": message.to,
        "sender_id": message.sender,
        "body": message.body,
        "label": message.label,
        "status": where.status,
        "detailed_status": where.detail,
        "created_at": stamp(message.created, "milliseconds"),
        "parts": analysis.parts,
        "encoding": "UCS-2" if analysis.unicode else "GSM-7",
        "characters": analysis.characters,
        "unsupported": list(analysis.unsupported),
        "campaign_tracking_id": None if message.campaign is None else message.campaign.tracking_id,
    }


def detail(message: Message, now: float, exchange: Exchange | None, callbacks: list[dict[str, object]]) -> dict[str, object]:
    """Write all there is to know of a message."""
    return {
        **summary(message, now),
        "price": message.price,
        "application_id": message.application.id,
        "options": dict(message.echo),
        "timeline": [_part(message, index, now) for index in range(len(message.outcomes))],
        "exchange": None if exchange is None else exchange_view(exchange),
        "callbacks": callbacks,
    }


def _part(message: Message, index: int, now: float) -> dict[str, object]:
    past, upcoming = history(message, index, now)
    return {
        "part": index + 1,
        "sms_id": message.sms_ids[index],
        "status": past[-1].where.status,
        "final": past[-1].where.is_final,
        "history": [_moment(moment) for moment in past],
        "next": None if upcoming is None else _moment(upcoming),
    }


def _moment(moment: Moment) -> dict[str, object]:
    where = moment.where
    return {
        "status": where.status,
        "at": None if moment.at is None else stamp(moment.at, "milliseconds"),
        "detailed_status": where.detail,
        "description": where.description,
    }


def exchange_view(exchange: Exchange) -> dict[str, object]:
    """Write a request and its answer."""
    return {
        "number": exchange.number,
        "at": stamp(exchange.at, "milliseconds"),
        "fault": exchange.fault or None,
        "tracking_ids": list(exchange.tracking_ids),
        "request": {
            "method": exchange.method,
            "target": exchange.target,
            "headers": [list(header) for header in exchange.headers],
            "body": exchange.body.decode("utf-8", "replace"),
        },
        "response": {
            "status": exchange.status,
            "content_type": exchange.content_type,
            "body": exchange.answer.decode("utf-8", "replace"),
        },
    }


def callback_view(record: CallbackRecord) -> dict[str, object]:
    """Write a callback and what was tried."""
    return {
        "kind": record.kind.value,
        "url": record.url,
        "state": record.state.value,
        "due": stamp(record.due, "milliseconds"),
        "subject": record.subject,
        "is_copy": record.is_copy,
        "payload": dict(record.payload),
        "attempts": [
            {"at": stamp(attempt.at, "milliseconds"), "status": attempt.status, "error": attempt.error or None}
            for attempt in record.attempts
        ],
    }
