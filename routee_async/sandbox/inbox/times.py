"""Moments and numbers as people read them."""

from datetime import UTC, datetime
from typing import Final

from routee_async.sandbox.inbox.html import Html, markup

_DAY: Final = 86_400
_HOUR: Final = 3600
_MINUTE: Final = 60


def clock_time(seconds: float, now: float) -> Html:
    """Write a moment: the time of day if it is of the last day, otherwise the date as well; UTC, as all of Routee's."""
    moment = datetime.fromtimestamp(seconds, UTC)
    shown = f"{moment:%H:%M:%S}" if abs(now - seconds) < _DAY else f"{moment:%d %b %H:%M}"
    return markup(
        '<time datetime="{iso}" title="{full} UTC">{shown}</time>',
        iso=moment.isoformat(timespec="milliseconds"),
        full=f"{moment:%Y-%m-%d %H:%M:%S}",
        shown=shown,
    )


def span(seconds: float) -> str:
    """Write a duration, such as `0.5 s`, `3 min` or `71 h`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h"


def plural(count: int, thing: str) -> str:
    """Write a number of things, such as `1 message` or `2,000 messages`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
