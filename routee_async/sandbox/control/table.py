"""All routes of the control API. A new one is a row here and its act."""

from typing import Final

from routee_async.sandbox.control import acts_messages, acts_world, openapi
from routee_async.sandbox.control.calls import ControlCall, ControlRoute
from routee_async.sandbox.control.queries import PARAMETERS

PREFIX: Final = "/_sandbox"
"""Where it lives."""
_PAGING: Final = {"page": "Which page, from 0.", "size": "Rows of a page, 1 to 1000; 50 unless told."}
_WAITING: Final = {"timeout": "Seconds to wait for a message if there is none yet, 0 to 60; 0 unless told."}


def _describe(_: ControlCall) -> object:
    return openapi.describe(ROUTES)


ROUTES: Final = (
    ControlRoute(
        "GET",
        f"{PREFIX}/messages",
        acts_messages.list_messages,
        "List the messages that meet all filters, the newest first.",
        query={**PARAMETERS, **_PAGING},
        answer="MessageList",
    ),
    ControlRoute(
        "GET",
        f"{PREFIX}/messages/latest",
        acts_messages.latest_message,
        "Show the newest message that meets all filters, waiting for it if asked to.",
        query={**PARAMETERS, **_WAITING},
        answer="Message",
    ),
    ControlRoute(
        "GET",
        f"{PREFIX}/messages/{{id}}",
        acts_messages.show_message,
        "Show a message with its timeline, the request that brought it, and its callbacks.",
        answer="MessageDetail",
    ),
    ControlRoute(
        "POST",
        f"{PREFIX}/messages",
        acts_messages.seed_messages,
        "Accept messages as if they had been sent: one object, or an array.",
        body="Seed",
        answer="MessageList",
    ),
    ControlRoute(
        "GET",
        f"{PREFIX}/extract",
        acts_messages.extract,
        "Give the code and the link of the newest message that meets all filters.",
        query={**PARAMETERS, **_WAITING},
        answer="Extract",
    ),
    ControlRoute(
        "GET",
        f"{PREFIX}/requests",
        acts_messages.list_exchanges,
        "List the latest requests and what was answered, the newest first.",
        query=_PAGING,
        answer="ExchangeList",
    ),
    ControlRoute(
        "POST",
        f"{PREFIX}/inbound",
        acts_messages.receive,
        "Let a message come in; callback_url is where messages to that number are told, from now on.",
        body="Inbound",
        answer="Message",
    ),
    ControlRoute(
        "GET",
        f"{PREFIX}/callbacks",
        acts_messages.list_callbacks,
        "List the callbacks and what was tried, the newest first.",
        query=_PAGING,
        answer="CallbackList",
    ),
    ControlRoute("GET", f"{PREFIX}/clock", acts_world.show_clock, "Show the time of the sandbox.", answer="Clock"),
    ControlRoute(
        "POST",
        f"{PREFIX}/clock",
        acts_world.change_clock,
        "Let so many seconds pass at once (advance), or let time pass faster or slower from now on (scale, 0 to stand still).",
        body="ClockChange",
        answer="Clock",
    ),
    ControlRoute("GET", f"{PREFIX}/faults", acts_world.list_faults, "List the faults in force.", answer="FaultList"),
    ControlRoute("POST", f"{PREFIX}/faults", acts_world.add_fault, "Add a fault.", body="Fault", answer="FaultInForce"),
    ControlRoute("DELETE", f"{PREFIX}/faults", acts_world.clear_faults, "End all faults.", answer="FaultList"),
    ControlRoute("DELETE", f"{PREFIX}/faults/{{number}}", acts_world.remove_fault, "End one fault.", answer="FaultList"),
    ControlRoute("GET", f"{PREFIX}/switches", acts_world.list_switches, "List the most useful faults.", answer="SwitchList"),
    ControlRoute(
        "PUT", f"{PREFIX}/switches/{{name}}", acts_world.turn_switch, "Turn one of them on.", body="Share", answer="Switch"
    ),
    ControlRoute("DELETE", f"{PREFIX}/switches/{{name}}", acts_world.release_switch, "Turn one of them off.", answer="Switch"),
    ControlRoute(
        "GET",
        f"{PREFIX}/counters",
        acts_world.show_counters,
        "Show what was counted: the truth against which a client can be checked.",
        answer="Counters",
    ),
    ControlRoute("GET", f"{PREFIX}/settings", acts_world.show_settings, "Show how the carrier behaves.", answer="Settings"),
    ControlRoute(
        "PATCH", f"{PREFIX}/settings", acts_world.change_settings, "Change some of it.", body="Settings", answer="Settings"
    ),
    ControlRoute("GET", f"{PREFIX}/magic", acts_world.show_magic, "Show the numbers whose fate is known.", answer="MagicList"),
    ControlRoute(
        "POST",
        f"{PREFIX}/reset",
        acts_world.reset,
        "Forget messages, requests and counts, and end all faults. Applications, money and settings stay.",
        answer="Nothing",
    ),
    ControlRoute("GET", f"{PREFIX}/openapi.json", _describe, "This description.", answer="Anything"),
)
"""All of them."""
