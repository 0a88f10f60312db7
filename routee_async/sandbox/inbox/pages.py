"""The addresses of the inbox: pages to look at, files they need, and what their buttons do."""

from typing import Final

import attrs

from routee_async.sandbox.answers import Answer
from routee_async.sandbox.control.acts_messages import let_in
from routee_async.sandbox.control.calls import ControlCall, ControlRoute
from routee_async.sandbox.control.problems import ControlError, bad
from routee_async.sandbox.control.queries import digits, read_number
from routee_async.sandbox.control.switches import BY_NAME, SHARES
from routee_async.sandbox.control.views import other_party
from routee_async.sandbox.inbox import faults, layout, magic_page, message, talk, threads
from routee_async.sandbox.inbox.html import EMPTY, Html

_HTML: Final = "text/html;charset=UTF-8"


def _page(call: ControlCall, view: str, middle: Html, *, current: str = "", side: Html = EMPTY) -> Answer:
    written = layout.page(
        call.backstage,
        origin=call.origin,
        view=view,
        search=call.query.get("q", ""),
        current=current,
        middle=middle,
        side=side,
    )
    return Answer(200, written.encode("utf-8", "replace"), _HTML)


def _list(call: ControlCall) -> Answer:
    """Show the conversations."""
    return _page(call, "list", EMPTY)


def _talk(call: ControlCall) -> Answer:
    """Show a conversation."""
    number = call.ids[0]
    number = f"+{number}" if digits(number) == number and number.isdecimal() else number
    return _page(call, "talk", talk.render(call.backstage, number), current=number)


def _message(call: ControlCall) -> Answer:
    """Show a message in its conversation."""
    try:
        found = call.backstage.message(call.ids[0])
    except ControlError:
        return attrs.evolve(_page(call, "list", EMPTY), status=404)
    number = other_party(found)
    middle = talk.render(call.backstage, number, selected=found.tracking_id)
    return _page(call, "message", middle, current=number, side=message.render(call.backstage, found))


def _faults(call: ControlCall) -> Answer:
    """Show the switches."""
    return _page(call, "faults", faults.render(call.backstage))


def _magic(call: ControlCall) -> Answer:
    """Show the magic numbers."""
    return _page(call, "faults", magic_page.render())


def _live(call: ControlCall) -> Answer:
    """Tell from which version on an open page has to be told of changes; the rest is `live.py`'s."""
    return Answer(200, str(int(read_number(call.query, "version", 0, whole=True))).encode())


def _static(call: ControlCall) -> Answer:
    """Give a file that the page needs."""
    name = call.ids[0]
    if name not in layout.STATIC:
        raise ControlError(404, f"there is no file {name}")
    return Answer(200, layout.static(name), layout.STATIC[name], (("Cache-Control", "max-age=86400"),))


def _switch(call: ControlCall) -> Answer:
    """Turn a switch on or off."""
    name, share = call.form.get("name", ""), call.form.get("share", "")
    if name not in BY_NAME or share not in {"", *SHARES}:
        raise bad({"name": "must be a switch", "share": "must say how often"})
    if share:
        call.backstage.switches.turn_on(BY_NAME[name], share)
    else:
        call.backstage.switches.turn_off(BY_NAME[name])
    return _see("/_sandbox/faults-page")


def _clear_faults(call: ControlCall) -> Answer:
    """End all faults."""
    call.backstage.faults.clear()
    return _see("/_sandbox/faults-page")


def _reply(call: ControlCall) -> Answer:
    """Let the reply of a recipient come in."""
    number = call.form.get("from", "")
    let_in(call.backstage, number, call.form.get("to", ""), call.form.get("body", "").strip())
    return _see(threads.address(number))


async def _pass(call: ControlCall) -> Answer:
    """Let time pass."""
    seconds = read_number(call.form, "seconds", 0.0, most=366 * 86_400.0)
    try:
        await call.backstage.let_pass(seconds)
    except RuntimeError as error:
        raise ControlError(409, str(error)) from None
    return _see(call.form.get("next", "/_sandbox/") if call.form.get("next", "").startswith("/_sandbox/") else "/_sandbox/")


def _reset(call: ControlCall) -> Answer:
    """Forget it all."""
    call.backstage.reset()
    return _see("/_sandbox/")


def _see(address: str) -> Answer:
    return Answer(303, b"", "", (("Location", address),))


PAGES: Final = (
    ControlRoute("GET", "/", _list, "The inbox."),
    ControlRoute("GET", "/_sandbox", _list, "The inbox."),
    ControlRoute("GET", "/_sandbox/", _list, "The inbox."),
    ControlRoute("GET", "/_sandbox/to/{number}", _talk, "A conversation."),
    ControlRoute("GET", "/_sandbox/message/{id}", _message, "A message."),
    ControlRoute("GET", "/_sandbox/faults-page", _faults, "The switches."),
    ControlRoute("GET", "/_sandbox/magic-page", _magic, "The magic numbers."),
    ControlRoute("GET", "/_sandbox/live", _live, "Word of changes, as server-sent events."),
    ControlRoute("GET", "/_sandbox/static/{name}", _static, "A file of the page."),
    ControlRoute("POST", "/_sandbox/do/switch", _switch, "Turn a switch."),
    ControlRoute("POST", "/_sandbox/do/clear-faults", _clear_faults, "End all faults."),
    ControlRoute("POST", "/_sandbox/do/reply", _reply, "Reply as the recipient."),
    ControlRoute("POST", "/_sandbox/do/pass", _pass, "Let time pass."),
    ControlRoute("POST", "/_sandbox/do/reset", _reset, "Forget it all."),
)
"""All of them; in OpenAPI they are not described."""
