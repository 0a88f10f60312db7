"""The switches that make things go wrong, and what a client should do about each."""

import json

from routee_async.sandbox.control import fault_form
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.switches import SHARES, SWITCHES, Switch
from routee_async.sandbox.faults import Entry
from routee_async.sandbox.inbox.html import EMPTY, Html, markup
from routee_async.sandbox.inbox.times import plural


def render(backstage: Backstage) -> Html:
    """Write the page of faults."""
    others = [entry for entry in backstage.faults.entries if backstage.switches.name_of(entry.fault) is None]
    return markup(
        '<section id="faults" class="pane" aria-label="Faults"><header class="pane-head">'
        '<a class="back" href="/_sandbox/" aria-label="All conversations">‹</a><span class="pane-title"><h2>Faults</h2>'
        "<small>Make things go wrong, and see what your client does about it</small></span>{clear}</header>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Switches"><ul class="switches">{switches}</ul>{others}'
        '<p class="hint">Every fault of the sandbox, with conditions by recipient, label or turn: '
        '<code>POST /_sandbox/faults</code>, see <a href="/_sandbox/openapi.json">the description</a>.</p></div></section>',
        clear=_clear(backstage),
        switches=[_switch(backstage, switch) for switch in SWITCHES],
        others=_others(others),
    )


def _clear(backstage: Backstage) -> Html:
    if not backstage.faults:
        return EMPTY
    return Html(
        '<form method="post" action="/_sandbox/do/clear-faults" hx-post="/_sandbox/do/clear-faults" hx-swap="none">'
        '<button type="submit" class="quiet">End all</button></form>'
    )


def _switch(backstage: Backstage, switch: Switch) -> Html:
    share = backstage.switches.share(switch)
    is_on = share is not None
    struck = backstage.switches.struck(switch)
    return markup(
        '<li id="switch-{name}" class="switch{on}"><div class="what"><h3>{title}</h3><p>{meaning}</p>'
        '<p class="advice"><b>What to do:</b> {advice}</p></div><div class="controls">{form}{share}{struck}</div></li>',
        name=switch.name,
        on=" on" if is_on else "",
        title=switch.title,
        meaning=switch.meaning,
        advice=switch.advice,
        form=_toggle(switch, is_on=is_on),
        share=_shares(switch, share) if share is not None else EMPTY,
        struck=markup('<small class="struck">struck {count}</small>', count=plural(struck, "time")) if is_on else EMPTY,
    )


def _toggle(switch: Switch, *, is_on: bool) -> Html:
    return markup(
        '<form method="post" action="/_sandbox/do/switch" hx-post="/_sandbox/do/switch" hx-swap="none">'
        '<input type="hidden" name="name" value="{name}"><input type="hidden" name="share" value="{share}">'
        '<button type="submit" role="switch" class="toggle" id="toggle-{name}" aria-checked="{checked}" '
        'aria-label="{title}"><span></span></button></form>',
        name=switch.name,
        share="" if is_on else "always",
        checked="true" if is_on else "false",
        title=switch.title,
    )


def _shares(switch: Switch, current: str) -> Html:
    options = [
        markup(
            '<button type="submit" name="share" value="{share}" aria-pressed="{pressed}">{share}</button>',
            share=share,
            pressed="true" if share == current else "false",
        )
        for share in SHARES
    ]
    return markup(
        '<form class="shares" method="post" action="/_sandbox/do/switch" hx-post="/_sandbox/do/switch" hx-swap="none" role="group" '
        'aria-label="How often"><input type="hidden" name="name" value="{name}">{options}</form>',
        name=switch.name,
        options=options,
    )


def _others(entries: list[Entry]) -> Html:
    if not entries:
        return EMPTY
    rows = [
        markup(
            "<li><code>{form}</code> <small>struck {count}</small></li>",
            form=json.dumps(fault_form.to_form(entry.fault)),
            count=plural(entry.struck, "time"),
        )
        for entry in entries
    ]
    return markup('<h3>Also in force</h3><ul class="others">{rows}</ul>', rows=rows)
