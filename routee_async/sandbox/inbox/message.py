"""One message: what it is, how it was counted, what became of each part, and the bytes that brought it."""

import json

from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.views import Moment, history, other_party, status_of
from routee_async.sandbox.exchanges import Exchange
from routee_async.sandbox.inbox import threads
from routee_async.sandbox.inbox.html import EMPTY, Html, markup
from routee_async.sandbox.inbox.marks import name_of
from routee_async.sandbox.inbox.times import clock_time, plural, span
from routee_async.sandbox.messages import Message


def render(backstage: Backstage, message: Message) -> Html:
    """Write all there is to know of *message*."""
    now = backstage.carrier.now()
    is_inbound = message.direction == "Inbound"
    return markup(
        '<aside id="detail" class="pane" aria-label="Message"><header class="pane-head">'
        '<a class="back always" href="{back}" aria-label="Close the message">‹</a><span class="pane-title"><h2>Message</h2></span>'
        "{status}</header>"
        '<div class="scroll" tabindex="0" role="region" aria-label="About the '
        'message">{facts}{timeline}{count}{callbacks}{raw}</div></aside>',
        back=threads.address(other_party(message)),
        status=Html('<span class="pill is-received">Received</span>')
        if is_inbound
        else threads.pill(status_of(message, now).status),
        facts=_facts(message, now),
        count=_count(message),
        timeline=EMPTY if is_inbound else _timelines(message, now),
        callbacks=_callbacks(backstage, message),
        raw=_raw(backstage.exchanges.of(message.tracking_id), now),
    )


def _facts(message: Message, now: float) -> Html:
    facts: dict[str, object] = {
        "Tracking id": markup(
            '<code>{id}</code> <button type="button" class="quiet" data-copy="{id}">Copy</button>', id=message.tracking_id
        ),
        "From": message.sender,
        "To": message.to,
        "Accepted": clock_time(message.created, now),
    }
    if message.label is not None:
        facts["Label"] = markup("<code>{label}</code>", label=message.label)
    if message.campaign is not None:
        facts["Campaign"] = message.campaign.name or message.campaign.tracking_id
    if message.direction == "Outbound":
        facts["Cost"] = f"{message.price * message.analysis.parts:.3f} ({message.price:g} a part)"
    rows = [markup("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in facts.items()]
    return markup('<dl class="facts">{rows}</dl>', rows=rows)


def _count(message: Message) -> Html:
    analysis = message.analysis
    alphabet, alone, joined = ("UCS-2", 70, 67) if analysis.unicode else ("GSM-7", 160, 153)
    why = []
    if analysis.unsupported:
        rows = [
            markup(
                '<li title="{name}"><mark>{character}</mark><small>{code}</small></li>',
                character=character,
                name=name,
                code=name.split(" ")[0],
            )
            for character in analysis.unsupported
            for name in [name_of(character)]
        ]
        why.append(markup('<p>Not in GSM-7, so the whole text is UCS-2:</p><ul class="characters">{rows}</ul>', rows=rows))
    if analysis.transcoded is not None:
        cheaper = plural(analysis.transcoded_parts, "part")
        offer = '<p>With <code>transcode</code> it would be {cheaper}:</p><p class="quote">{text}</p>'
        why.append(markup(offer, cheaper=cheaper, text=analysis.transcoded))
    return markup(
        '<h3>Length</h3><p class="big">{parts} <small>{alphabet} · {characters}</small></p>'
        '<p class="hint">{alphabet}: {alone} fit in one part, {joined} in each of several.</p>{why}',
        parts=plural(analysis.parts, "part"),
        alphabet=alphabet,
        characters=plural(analysis.characters, "character"),
        alone=alone,
        joined=joined,
        why=why,
    )


def _timelines(message: Message, now: float) -> Html:
    parts = len(message.outcomes)
    rows = []
    for index in range(parts):
        past, upcoming = history(message, index, now)
        steps = [_step(moment, message.created, now) for moment in past]
        if upcoming is not None:
            steps.append(_step(upcoming, message.created, now, is_next=True))
        title = markup("<h4>Part {number} of {parts}</h4>", number=index + 1, parts=parts) if parts > 1 else EMPTY
        rows.append(markup('{title}<ol class="timeline">{steps}</ol>', title=title, steps=steps))
    return markup("<h3>What became of it</h3>{rows}", rows=rows)


def _step(moment: Moment, created: float, now: float, *, is_next: bool = False) -> Html:
    where = moment.where
    when: Html = EMPTY
    if moment.at is not None and is_next:
        when = markup("in {span}", span=span(max(0.0, moment.at - now)))
    elif moment.at is not None:
        later = moment.at - created
        when = markup("{time}{later}", time=clock_time(moment.at, now), later=f" · after {span(later)}" if later > 0 else "")
    elif is_next:
        when = Html("when it is read again")
    what = where.description if where.detail in {None, where.status} else f"{where.detail}: {where.description}"
    return markup(
        '<li class="{kind}{expected}"><b>{status}</b> <span class="when">{when}</span>{what}</li>',
        kind=f"is-{where.status.lower()}",
        expected=" expected" if is_next else "",
        status=f"{where.status}, expected" if is_next else where.status,
        when=when,
        what=markup("<p>{what}</p>", what=what) if what and not is_next else EMPTY,
    )


def _callbacks(backstage: Backstage, message: Message) -> Html:
    found = backstage.callbacks_of(message.tracking_id)
    if not found:
        hint = Html(
            '<p class="hint">None. A send with <code>"callback": {"url": "http://127.0.0.1:…", "strategy": "OnChange"}'
            "</code> gets them.</p>"
        )
        return markup("<h3>Callbacks</h3>{hint}", hint=hint)
    rows = [_callback(row) for row in found]
    return markup('<h3>Callbacks</h3><ul class="callbacks">{rows}</ul>', rows=rows)


def _callback(row: dict[str, object]) -> Html:
    attempts = row["attempts"]
    tried = attempts if isinstance(attempts, list) else []
    answers = [attempt["status"] or attempt["error"] for attempt in tried]
    return markup(
        '<li><details><summary><span class="pill {kind}">{state}</span> <code>{url}</code></summary>'
        '<p class="hint">Answers: {answers}</p><pre tabindex="0">{payload}</pre></details></li>',
        kind="is-delivered" if row["state"] == "delivered" else "is-queued" if row["state"] == "waiting" else "is-failed",
        state=row["state"],
        url=row["url"],
        answers=", ".join(map(str, answers)) or "none yet",
        payload=json.dumps(row["payload"], indent=2, ensure_ascii=False),
    )


def _raw(exchange: Exchange | None, now: float) -> Html:
    if exchange is None:
        return Html('<h3>Request</h3><p class="hint">Not kept, or no request of its own brought it.</p>')
    head = "\n".join([f"{exchange.method} {exchange.target}", *(f"{name}: {value}" for name, value in exchange.headers)])
    fault = markup('<p class="warning">Struck by a fault: {fault}</p>', fault=exchange.fault) if exchange.fault else EMPTY
    return markup(
        '<h3>Request and answer</h3>{fault}<p class="hint">{time}</p><details open><summary>Request</summary>'
        '<pre tabindex="0">{head}\n\n{body}</pre></details>'
        '<details open><summary>Answer {status}</summary><pre tabindex="0">{answer}</pre></details>',
        fault=fault,
        time=clock_time(exchange.at, now),
        head=head,
        body=pretty(exchange.body),
        status=exchange.status,
        answer=pretty(exchange.answer),
    )


def pretty(body: bytes) -> str:
    """Write JSON on several lines; anything else as it is."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
