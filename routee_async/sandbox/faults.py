"""Faults as data: which requests are struck, and by what. Nothing happens here; `havoc.py` does what is said.

A `Fault` is an `Effect` with conditions; the first fault of a `FaultPlan` that matches a request strikes it. Every effect says
with `accepted` whether the request is carried out first, that is: whether a message is accepted, charged and delivered although
its sender does not hear of it.
"""

import attrs

from routee_async.sandbox.accounts import Rng
from routee_async.sandbox.effects import Body, Effect, Kind, Shape

__all__ = [
    "UNSOLICITED",
    "Body",
    "Effect",
    "Fault",
    "FaultPlan",
    "Kind",
    "Shape",
    "close",
    "close_after",
    "cut_body",
    "cut_head",
    "delay",
    "error",
    "garbage",
    "hang",
    "interim",
    "mangled",
    "reset",
    "stall_body",
    "trickle",
    "unsolicited",
]


_FORMS = {401: Body.OAUTH, 500: Body.SPRING, 408: Body.HTML, 502: Body.HTML, 503: Body.HTML, 504: Body.HTML}


def error(
    status: int,
    *,
    accepted: bool = False,
    form: Body | None = None,
    code: str = "",
    retry_after: str | None = None,
    location: str | None = None,
) -> Effect:
    """Answer with *status*, 3xx to 5xx.

    Args:
        status: HTTP status.
        accepted: Carry the request out first.
        form: Shape of the body; None for what is likely with that status. The body of 429 is not documented (§8).
        code: Routee's code; empty for the status and six zeros.
        retry_after: Raw value of that header; None to leave it out.
        location: Value of that header, for redirects.
    """
    headers = (("Retry-After", retry_after), ("Location", location))
    default = Body.EMPTY if 300 <= status < 400 else Body.ROUTEE  # noqa: PLR2004 - redirects
    return Effect(
        kind=Kind.ANSWER,
        accepted=accepted,
        status=status,
        headers=tuple((name, value) for name, value in headers if value is not None),
        form=form or _FORMS.get(status, default),
        code=code,
    )


def close(*, accepted: bool) -> Effect:
    """Close the connection without an answer; before the body is read, unless *accepted*."""
    return Effect(kind=Kind.CLOSE, accepted=accepted)


def reset(*, accepted: bool) -> Effect:
    """Reset the connection without an answer; before the body is read, unless *accepted*."""
    return Effect(kind=Kind.RESET, accepted=accepted)


def hang(*, accepted: bool) -> Effect:
    """Never answer."""
    return Effect(kind=Kind.HANG, accepted=accepted)


def delay(seconds: float, *, accepted: bool = False) -> Effect:
    """Answer *seconds* late.

    The request is carried out before the wait if *accepted*, otherwise after it, and then not at all if the client has left.
    """
    return Effect(kind=Kind.DELAY, accepted=accepted, seconds=seconds)


def cut_head(*, accepted: bool = True) -> Effect:
    """End the answer in the middle of its headers."""
    return Effect(kind=Kind.CUT_HEAD, accepted=accepted)


def cut_body(*, accepted: bool = True) -> Effect:
    """End the answer in the middle of its body, shorter than Content-Length says."""
    return Effect(kind=Kind.CUT_BODY, accepted=accepted)


def stall_body(*, accepted: bool = True) -> Effect:
    """Stop in the middle of the body and keep the connection open."""
    return Effect(kind=Kind.STALL_BODY, accepted=accepted)


def garbage(data: str = "SSH-2.0-not-http\r\n\r\n", *, accepted: bool = True) -> Effect:
    """Answer with *data*, latin-1 text that is not HTTP, and close."""
    return Effect(kind=Kind.GARBAGE, accepted=accepted, body=data)


def mangled(shape: Shape, *, accepted: bool = True, size: int = 64 << 20) -> Effect:
    """Answer with a body of that *shape*; *size* in bytes is for `GIANT` and `BOMB`."""
    return Effect(kind=Kind.MANGLED, accepted=accepted, shape=shape, size=size)


def trickle(interval: float = 0.01, *, accepted: bool = True) -> Effect:
    """Answer byte by byte, one in *interval* seconds."""
    return Effect(kind=Kind.TRICKLE, accepted=accepted, seconds=interval)


def interim(interval: float = 0.01, *, accepted: bool = True) -> Effect:
    """Send `102 Processing` for ever, one in *interval* seconds."""
    return Effect(kind=Kind.INTERIM, accepted=accepted, seconds=interval)


UNSOLICITED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{"trackingId":"wrong"}'
"""An answer that nobody asked for."""


def unsolicited(data: str = UNSOLICITED) -> Effect:
    """Answer as usual, then send *data*, latin-1 text, on the same connection and leave it open."""
    return Effect(kind=Kind.UNSOLICITED, accepted=True, body=data)


def close_after() -> Effect:
    """Answer as usual, then close the connection that the answer promised to keep."""
    return Effect(kind=Kind.CLOSE_AFTER, accepted=True)


@attrs.frozen(eq=False)
class Fault:
    """An effect and the requests that it strikes: those that meet every condition.

    Attributes:
        effect: What happens.
        method: HTTP method; empty for any.
        path: Path; empty for any.
        prefix: Whatever begins with *path* is meant, too: `/sms` then stands for `/sms/tracking` as well.
        to: Recipient of a POST /sms, with `+`; empty for any.
        label: Its label starts with this, or what stands behind the first space does: the client puts a reference in front of the
            labels of a batch. Empty for any.
        skip: Let so many matching requests pass first; the n-th is `skip=n - 1, times=1`.
        every: Of those that follow, strike the first of every so many.
        times: Strike at most so often; None for always.
        probability: Strike with this chance, 0 to 1, by the dice of the carrier.
    """

    effect: Effect
    method: str = attrs.field(default="", kw_only=True)
    path: str = attrs.field(default="", kw_only=True)
    prefix: bool = attrs.field(default=False, kw_only=True)
    to: str = attrs.field(default="", kw_only=True)
    label: str = attrs.field(default="", kw_only=True)
    skip: int = attrs.field(default=0, kw_only=True)
    every: int = attrs.field(default=1, kw_only=True)
    times: int | None = attrs.field(default=None, kw_only=True)
    probability: float = attrs.field(default=1.0, kw_only=True)

    @property
    def reads_body(self) -> bool:
        """True when the body must be known before the fault can be chosen."""
        return bool(self.to or self.label)

    def fits(self, method: str, path: str, to: str, label: str) -> bool:
        """Tell whether the request meets what does not depend on its turn."""
        return (
            self.method in {"", method}
            and (path.startswith(self.path) if self.prefix else self.path in {"", path})
            and self.to in {"", to}
            and (label.startswith(self.label) or label.partition(" ")[2].startswith(self.label))
        )


@attrs.define(eq=False)
class Entry:
    """A fault in force.

    Attributes:
        number: Counted from 1 for each plan, never used again.
        fault: The fault.
        seen: Requests that met its conditions.
        struck: How many of them it struck.
    """

    number: int
    fault: Fault
    seen: int = 0
    struck: int = 0


class FaultPlan:
    """The faults in force, in order.

    Args:
        rng: Dice for `Fault.probability`.
    """

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._entries: list[Entry] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def reads_body(self) -> bool:
        """True when the body must be known before a fault can be chosen."""
        return any(entry.fault.reads_body for entry in self._entries)

    def add(self, *faults: Fault) -> None:
        """Put *faults* behind those in force."""
        for fault in faults:
            self._count += 1
            self._entries.append(Entry(self._count, fault))

    def remove(self, fault: Fault) -> None:
        """End *fault*; nothing happens if it is not in force."""
        self._entries = [entry for entry in self._entries if entry.fault is not fault]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The faults in force, in order."""
        return tuple(self._entries)

    def clear(self) -> None:
        """End all faults."""
        self._entries.clear()

    def struck(self, fault: Fault | None = None) -> int:
        """Count the requests struck by *fault*, or by any that is in force."""
        return sum(entry.struck for entry in self._entries if fault is None or entry.fault is fault)

    def pick(self, method: str, path: str, to: str = "", label: str = "") -> Effect | None:
        """Choose what happens to a request; None for nothing.

        Args:
            method: HTTP method.
            path: Without query.
            to: Recipient of a POST /sms, as far as known.
            label: Its label, as far as known.
        """
        for entry in self._entries:
            fault = entry.fault
            if not fault.fits(method, path, to, label) or (fault.times is not None and entry.struck >= fault.times):
                continue
            entry.seen += 1
            turn = entry.seen - fault.skip - 1
            if turn < 0 or turn % fault.every or (fault.probability < 1 and self._rng.random() >= fault.probability):
                continue
            entry.struck += 1
            return fault.effect
        return None
