"""Messages by the control API: list, look, wait, extract, seed, and inbound."""

from itertools import islice

from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.calls import ControlCall
from routee_async.sandbox.control.problems import ControlError, bad
from routee_async.sandbox.control.queries import MAX_TIMEOUT, read_number, read_query, read_slice, read_time
from routee_async.sandbox.control.views import callback_view, detail, exchange_view, summary
from routee_async.sandbox.extract import find_code, find_link
from routee_async.sandbox.messages import Message
from routee_async.sandbox.orders import read_order

_SEED_FIELDS = ("to", "sender_id", "body", "label", "created_at")


def list_messages(call: ControlCall) -> object:
    """List the messages that meet all filters, the newest first."""
    backstage = call.backstage
    query, piece = read_query(call.query, "page", "size"), read_slice(call.query)
    found = list(backstage.find(query))
    start = piece.page * piece.size
    now = backstage.carrier.now()
    return {
        "messages": [summary(message, now) for message in islice(found, start, start + piece.size)],
        "total": len(found),
        "page": piece.page,
        "size": piece.size,
    }


async def latest_message(call: ControlCall) -> object:
    """Show the newest message that meets all filters, waiting for it if asked to."""
    message = await _await_message(call)
    return summary(message, call.backstage.carrier.now())


async def extract(call: ControlCall) -> object:
    """Give the code and the link of the newest message that meets all filters."""
    message = await _await_message(call)
    code, link = find_code(message.body), find_link(message.body)
    if code is None and link is None:
        raise ControlError(404, f"neither a code of 4 to 8 digits nor a link is in the message: {message.body}")
    return {"code": code, "link": link, "message": summary(message, call.backstage.carrier.now())}


async def _await_message(call: ControlCall) -> Message:
    query = read_query(call.query, "timeout")
    timeout = read_number(call.query, "timeout", 0.0, most=MAX_TIMEOUT)
    found = await call.backstage.wait_for(query, timeout)
    if found is None:
        count = len(call.backstage.carrier.messages)
        raise ControlError(404, f"no message meets that{f' within {timeout:g} s' if timeout else ''}; there are {count} in all")
    return found


def show_message(call: ControlCall) -> object:
    """Show a message with its timeline, request and answer, and callbacks."""
    backstage = call.backstage
    message = backstage.message(call.ids[0])
    exchange = backstage.exchanges.of(message.tracking_id)
    return detail(message, backstage.carrier.now(), exchange, backstage.callbacks_of(message.tracking_id))


def seed_messages(call: ControlCall) -> object:
    """Accept messages as if they had been sent, and charge for them: an object, or an array of objects."""
    given = call.json()
    rows = given if isinstance(given, list) else [given]
    backstage = call.backstage
    application, now = backstage.application(), backstage.carrier.now()
    orders = [_read_seed(row, index, now) for index, row in enumerate(rows)]
    try:
        accepted = [backstage.carrier.desk.accept(application, read_order(wire), when) for wire, when in orders]
    except Refusal as refusal:
        raise ControlError(400, f"the carrier refuses it: {refusal.payload}") from None
    return {"messages": [summary(message, now) for message in accepted]}


def _read_seed(row: object, index: int, now: float) -> tuple[dict[str, object], float]:
    if not isinstance(row, dict):
        raise bad({f"[{index}]": "must be an object"})
    unknown = {f"[{index}].{name}": f"unknown; known are {', '.join(_SEED_FIELDS)}" for name in row if name not in _SEED_FIELDS}
    if unknown:
        raise bad(unknown)
    when = now if row.get("created_at") is None else min(now, read_time(f"[{index}].created_at", str(row["created_at"])))
    wire = {"from": row.get("sender_id"), "to": row.get("to"), "body": row.get("body"), "label": row.get("label")}
    return {name: value for name, value in wire.items() if value is not None}, when


def receive(call: ControlCall) -> object:
    """Let a message come in, as if somebody had written to one of the application's numbers."""
    wanted = call.json_object("from", "to", "body", "callback_url")
    problems = {name: "must be a text" for name, value in wanted.items() if not isinstance(value, str)}
    if problems:
        raise bad(problems)
    texts = {name: str(value) for name, value in wanted.items()}
    to = texts.get("to", "")
    if "callback_url" in texts:
        call.backstage.application().account.inbound_urls[to.removeprefix("+")] = texts["callback_url"]
    return summary(let_in(call.backstage, texts.get("from", ""), to, texts.get("body", "")), call.backstage.carrier.now())


def let_in(backstage: Backstage, sender: str, to: str, body: str) -> Message:
    """Let a message come in.

    Raises:
        ControlError: 400: it has no sender, no number that it came to, or no text.
    """
    try:
        return backstage.receive(backstage.application(), sender=sender, to=to, body=body)
    except ValueError as error:
        raise ControlError(400, str(error)) from None


def list_callbacks(call: ControlCall) -> object:
    """List the callbacks and what was tried, the newest first."""
    piece = read_slice(call.query)
    records = tuple(call.backstage.carrier.callbacks.log)[::-1]
    start = piece.page * piece.size
    return {
        "callbacks": [callback_view(record) for record in records[start : start + piece.size]],
        "total": len(records),
        "page": piece.page,
        "size": piece.size,
    }


def list_exchanges(call: ControlCall) -> object:
    """List the latest requests and what was answered, the newest first."""
    piece = read_slice(call.query)
    kept = list(call.backstage.exchanges)[::-1]
    start = piece.page * piece.size
    return {
        "requests": [exchange_view(exchange) for exchange in kept[start : start + piece.size]],
        "total": len(kept),
        "page": piece.page,
        "size": piece.size,
    }
