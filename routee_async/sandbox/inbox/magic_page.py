"""The numbers whose fate is known, to look up."""

from routee_async.sandbox.inbox import threads
from routee_async.sandbox.inbox.html import Html, markup
from routee_async.sandbox.magic import MAGIC_ROWS


def render() -> Html:
    """Write the page of magic numbers."""
    rows = [
        markup(
            "<li>{avatar}<span><b>{number}</b><small>{meaning}</small></span>"
            '<button type="button" class="quiet" data-copy="{number}">Copy</button></li>',
            avatar=threads.avatar(row.number),
            number=row.number,
            meaning=row.meaning.replace("`", ""),
        )
        for row in MAGIC_ROWS
    ]
    return markup(
        '<section id="magic" class="pane" aria-label="Magic numbers"><header class="pane-head">'
        '<a class="back" href="/_sandbox/" aria-label="All conversations">‹</a><span class="pane-title"><h2>Magic numbers</h2>'
        "<small>What becomes of a message to one of these is known beforehand</small></span></header>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Numbers"><ul class="magic">{rows}</ul></div></section>',
        rows=rows,
    )
