"""The frame of every page: head, bar, panes, and what they say when there is nothing yet."""

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.inbox import threads
from routee_async.sandbox.inbox.html import EMPTY, Html, markup
from routee_async.sandbox.inbox.times import plural

STATIC: Final = {
    "inbox.css": "text/css",
    "inbox.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "hx-sse.min.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}
"""Files that the page needs, and their content types."""


@cache
def static(name: str) -> bytes:
    """Read a file of the page."""
    return files("routee_async.sandbox.inbox").joinpath("static", name).read_bytes()


@cache
def static_address(name: str) -> str:
    """Tell the address of a file, which changes with its content so that it may be kept."""
    return f"/_sandbox/static/{name}?v={sha256(static(name)).hexdigest()[:8]}"


def page(backstage: Backstage, *, origin: str, view: str, search: str, current: str, middle: Html, side: Html = EMPTY) -> Html:
    """Write a whole page.

    Args:
        backstage: What there is to see.
        origin: Origin under which the sandbox was addressed.
        view: `list`, `talk`, `message` or `faults`: what a narrow screen shows.
        search: What is searched for.
        current: The phone whose conversation is open; empty for none.
        middle: The middle pane.
        side: The pane beside it.
    """
    # The scripts are not deferred: htmx would begin before its extension is there, now and then.
    return markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        "<meta name=\"htmx-config\" content='{config}'>"
        '<link rel="icon" href="{icon}" type="image/svg+xml"><link rel="stylesheet" href="{css}">'
        '<script src="{js}"></script><script src="{htmx}"></script><script src="{sse}"></script></head>'
        '<body data-view="{view}"><a class="skip" href="#main">Skip to the messages</a>'
        '<div id="live" hx-sse:connect="/_sandbox/live?version={version}"></div>'
        '<div hx-get="" hx-trigger="changed from:body" hx-include="#q" hx-select="#page" hx-target="#page" '
        'hx-swap="outerMorph"></div>'
        '<div id="page">{bar}<main id="main" class="panes" tabindex="-1">{list}{middle}{side}</main></div></body></html>',
        title=f"{current} · Routee sandbox" if current else "Routee sandbox",
        config=Html('{"includeIndicatorCSS":false,"history":false,"sse":{"reconnectMaxDelay":2000}}'),
        icon=static_address("favicon.svg"),
        css=static_address("inbox.css"),
        js=static_address("inbox.js"),
        htmx=static_address("htmx.min.js"),
        sse=static_address("hx-sse.min.js"),
        view=view,
        bar=_bar(backstage, search),
        version=backstage.changes.version,
        list=threads.render(backstage, search=search, current=current),
        middle=middle or _empty(backstage, origin),
        side=side,
    )


def _bar(backstage: Backstage, search: str) -> Html:
    return markup(
        '<header class="bar"><a class="brand" href="/_sandbox/"><img src="{icon}" alt="" width="28" height="28">'
        "<span>Routee <b>sandbox</b></span></a>"
        '<form class="search" role="search" hx-morph-skip action="/_sandbox/" method="get">'
        '<label class="unseen" for="q">Search messages</label>'
        '<input id="q" name="q" type="search" value="{search}" placeholder="Search number, text, label…" autocomplete="off" '
        'hx-get="/_sandbox/" hx-trigger="input changed delay:150ms, search" hx-select="#threads" '
        'hx-target="#threads" hx-swap="outerMorph">'
        '<kbd aria-hidden="true">/</kbd></form>'
        '<nav class="tools" aria-label="Sandbox">{clock}'
        '<a class="tool" href="/_sandbox/faults-page" id="faults-link">Faults{count}</a>'
        '<button type="button" class="tool" popovertarget="reset-box">Reset</button>'
        '<button type="button" class="tool icon" id="theme" aria-label="Dark or light">◐</button></nav></header>'
        '<div id="reset-box" popover class="box"><p>Forget all messages, requests and counts, and end all faults?</p>'
        '<form method="post" action="/_sandbox/do/reset"><button type="submit" class="primary">Forget it all</button> '
        '<button type="button" class="quiet" popovertarget="reset-box" popovertargetaction="hide">Keep</button></form></div>',
        icon=static_address("favicon.svg"),
        search=search,
        clock=_clock(backstage),
        count=_in_force(backstage),
    )


_LEAPS: Final = {"1 min": 60, "1 h": 3600, "24 h": 86_400, "72 h": 259_200}


def _clock(backstage: Backstage) -> Html:
    now = backstage.clock()
    leaps = [
        markup('<button type="submit" name="seconds" value="{seconds}" class="quiet">{text}</button>', seconds=seconds, text=text)
        for text, seconds in _LEAPS.items()
    ]
    speed = backstage.clock.speed
    how = "stands still" if not speed else "real time" if speed == 1 else f"{speed:g} times as fast"
    return markup(
        '<button type="button" class="tool" popovertarget="clock-box">Clock</button><div id="clock-box" popover class="box">'
        '<p id="clock-now"><b>{now} UTC</b><br><small>{how}</small></p>'
        "<p>Let time pass: everything due meanwhile happens, callbacks included.</p>"
        '<form class="leaps" method="post" action="/_sandbox/do/pass" hx-post="/_sandbox/do/pass" hx-swap="none">{leaps}'
        "</form></div>",
        now=f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S}",
        how=how,
        leaps=leaps,
    )


def _in_force(backstage: Backstage) -> Html:
    count = len(backstage.faults.entries)
    return (
        markup(' <span class="badge" title="{title}">{count}</span>', title=f"{plural(count, 'fault')} in force", count=count)
        if count
        else EMPTY
    )


def _empty(backstage: Backstage, origin: str) -> Html:
    if backstage.carrier.messages:
        return markup(
            '<section id="talk" class="pane welcome"><div><img src="{icon}" alt="" width="56" height="56"><h2>{count}</h2>'
            "<p>Choose a conversation to read it, to see what became of each part, and to reply.</p></div></section>",
            icon=static_address("favicon.svg"),
            count=plural(len(backstage.carrier.messages), "message"),
        )
    application = backstage.application()
    variables = "\n".join(
        f"export {name}={value}"
        for name, value in {
            "ROUTEE_BASE_URL": origin,
            "ROUTEE_AUTH_URL": origin,
            "ROUTEE_APPLICATION_ID": application.id,
            "ROUTEE_APPLICATION_SECRET": application.secret,
        }.items()
    )
    token = backstage.carrier.tokens.grant(application).value
    curl = (
        f"curl {origin}/sms \\\n"
        f'  -H "Authorization: Bearer {token}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f'  -d \'{{"from":"ParcelCo","to":"+306970000001","body":"Your code is 482913"}}\''
    )
    return markup(
        '<section id="talk" class="pane welcome"><div><img src="{icon}" alt="" width="56" height="56"><h2>Nothing sent yet</h2>'
        "<p>Point your application here, and whatever it sends appears at once. Nothing leaves this machine.</p>"
        "{variables}{curl}"
        '<p class="hint">Some numbers have a fate of their own: a message to <code>+306999000009</code> expires. '
        '<a href="/_sandbox/magic-page">All magic numbers</a></p></div></section>',
        icon=static_address("favicon.svg"),
        variables=_block("variables", "Environment", variables),
        curl=_block("curl", "Or send one by hand", curl),
    )


def _block(name: str, title: str, text: str) -> Html:
    return markup(
        '<div class="block-head"><h3>{title}</h3><button type="button" class="quiet" data-copy-from="{name}">Copy</button></div>'
        '<pre id="{name}" tabindex="0">{text}</pre>',
        name=name,
        title=title,
        text=text,
    )
