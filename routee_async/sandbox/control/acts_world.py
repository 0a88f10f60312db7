"""The world around the messages, by the control API: faults, counters, settings, reset."""

from collections import Counter
from typing import Final

import attrs

from routee_async.sandbox.control import fault_form, settings_form
from routee_async.sandbox.control.calls import ControlCall
from routee_async.sandbox.control.problems import ControlError, bad
from routee_async.sandbox.control.switches import BY_NAME, SHARES, SWITCHES, Switch
from routee_async.sandbox.faults import Entry
from routee_async.sandbox.magic import MAGIC_ROWS
from routee_async.sandbox.messages import stamp

_LONGEST: Final = {"advance": 366 * 86_400.0, "scale": 1e6}


def list_faults(call: ControlCall) -> object:
    """List the faults in force, in the order in which they are asked."""
    return {"faults": [_fault_view(call, entry) for entry in call.backstage.faults.entries]}


def add_fault(call: ControlCall) -> object:
    """Put a fault behind those in force."""
    fault = fault_form.read_form(call.json())
    call.backstage.faults.add(fault)
    return _fault_view(call, call.backstage.faults.entries[-1])


def remove_fault(call: ControlCall) -> object:
    """End one fault."""
    found = next((entry for entry in call.backstage.faults.entries if str(entry.number) == call.ids[0]), None)
    if found is None:
        raise ControlError(404, f"there is no fault {call.ids[0]} in force")
    call.backstage.faults.remove(found.fault)
    return list_faults(call)


def clear_faults(call: ControlCall) -> object:
    """End all faults."""
    call.backstage.faults.clear()
    return list_faults(call)


def _fault_view(call: ControlCall, entry: Entry) -> dict[str, object]:
    return {
        "number": entry.number,
        "switch": call.backstage.switches.name_of(entry.fault),
        "seen": entry.seen,
        "struck": entry.struck,
        "fault": fault_form.to_form(entry.fault),
    }


def list_switches(call: ControlCall) -> object:
    """List the most useful faults, which can be switched on by name."""
    return {"switches": [_switch_view(call, switch) for switch in SWITCHES]}


def turn_switch(call: ControlCall) -> object:
    """Turn a switch on, with how often it strikes."""
    switch = _switch(call)
    share = call.json_object("share").get("share", "always")
    if share not in SHARES:
        raise bad({"share": f"must be one of {', '.join(SHARES)}"})
    call.backstage.switches.turn_on(switch, str(share))
    return _switch_view(call, switch)


def release_switch(call: ControlCall) -> object:
    """Turn a switch off."""
    switch = _switch(call)
    call.backstage.switches.turn_off(switch)
    return _switch_view(call, switch)


def _switch(call: ControlCall) -> Switch:
    if call.ids[0] not in BY_NAME:
        raise ControlError(404, f"there is no switch {call.ids[0]}; there are {', '.join(BY_NAME)}")
    return BY_NAME[call.ids[0]]


def _switch_view(call: ControlCall, switch: Switch) -> dict[str, object]:
    board = call.backstage.switches
    return {
        "name": switch.name,
        "title": switch.title,
        "meaning": switch.meaning,
        "advice": switch.advice,
        "share": board.share(switch),
        "struck": board.struck(switch),
        "fault": fault_form.to_form(switch.fault()),
    }


def show_counters(call: ControlCall) -> object:
    """Show what was counted: the truth against which a client can be checked."""
    carrier = call.backstage.carrier
    journal = carrier.journal
    unlabelled = Counter((m.to, m.sender, m.body) for m in journal.accepted if m.label is None and m.direction == "Outbound")
    return {
        "sends_received": journal.sends_received,
        "sends_accepted": journal.sends_accepted,
        "requests": dict(journal.requests),
        "busy": journal.busy,
        "peak": journal.peak,
        "labels": {label: count for label, count in journal.count_by_label().items() if label is not None},
        "duplicates": dict(journal.duplicates()),
        "unlabelled_duplicates": [
            {"to": to, "sender_id": sender, "body": body, "count": count}
            for (to, sender, body), count in unlabelled.items()
            if count > 1
        ],
        "balance": float(call.backstage.application().account.balance),
        "faults_struck": call.backstage.faults.struck(),
    }


def show_settings(call: ControlCall) -> object:
    """Show how the carrier behaves."""
    return settings_form.to_form(call.backstage.carrier.settings)


def change_settings(call: ControlCall) -> object:
    """Change how the carrier behaves from now on: all that is named, or nothing if something is wrong."""
    settings_form.change(call.backstage.carrier.settings, call.json())
    return show_settings(call)


def show_clock(call: ControlCall) -> object:
    """Show the time of the sandbox, how fast it passes, and when something will happen next."""
    backstage = call.backstage
    due = backstage.carrier.agenda.next_due
    return {
        "now": stamp(backstage.clock(), "milliseconds"),
        "scale": backstage.clock.speed,
        "next_due": None if due is None else stamp(due, "milliseconds"),
    }


async def change_clock(call: ControlCall) -> object:
    """Let time pass at once (`advance`, seconds), or faster or slower from now on (`scale`, 0 to stand still)."""
    wanted = call.json_object("advance", "scale")
    problems = {
        name: f"must be a number from 0 to {_LONGEST[name]:g}"
        for name, value in wanted.items()
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _LONGEST[name]
    }
    if problems:
        raise bad(problems)
    try:
        if "scale" in wanted:
            call.backstage.run_at(float(str(wanted["scale"])))
        if "advance" in wanted:
            await call.backstage.let_pass(float(str(wanted["advance"])))
    except RuntimeError as error:
        raise ControlError(409, str(error)) from None
    return show_clock(call)


def show_magic(_: ControlCall) -> object:
    """Show the numbers whose fate is known."""
    return {"numbers": [attrs.asdict(row) for row in MAGIC_ROWS]}


def reset(call: ControlCall) -> object:
    """Forget messages, requests and counts, and end all faults. Applications, their money and the settings stay."""
    call.backstage.reset()
    return {}
