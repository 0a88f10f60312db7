"""What can happen to a request, as data. Make an `Effect` with the functions of `faults.py`; `havoc.py` does what it says."""

from enum import StrEnum

import attrs


class Kind(StrEnum):
    """What a struck request meets."""

    ANSWER = "answer"
    """An answer of another status: `Effect.status`, `headers`, `body`."""
    MANGLED = "mangled"
    """An answer whose body is not what is documented: `Effect.shape`."""
    DELAY = "delay"
    """The ordinary answer, `Effect.seconds` late."""
    CLOSE = "close"
    """No answer; the connection is closed in order (FIN)."""
    RESET = "reset"
    """No answer; the connection is reset (RST)."""
    HANG = "hang"
    """No answer until the client goes away or the server stops."""
    CUT_HEAD = "cut head"
    """The answer ends in the middle of its headers."""
    CUT_BODY = "cut body"
    """The answer ends in the middle of its body."""
    STALL_BODY = "stall body"
    """The answer stops in the middle of its body, and the connection stays open."""
    GARBAGE = "garbage"
    """Something that is not HTTP: `Effect.body`."""
    TRICKLE = "trickle"
    """The answer comes byte by byte, one in `Effect.seconds`."""
    INTERIM = "interim"
    """`102 Processing` again and again, one in `Effect.seconds`, and never an answer."""
    UNSOLICITED = "unsolicited"
    """The ordinary answer, followed by another that nobody asked for: `Effect.body`. The connection stays open."""
    CLOSE_AFTER = "close after"
    """The ordinary answer, which promises to keep the connection; then it is closed."""


class Shape(StrEnum):
    """How the body of an answer is mangled. An error of the carrier passes as it is."""

    BAD_JSON = "bad json"
    EMPTY = "empty"
    NO_CONTENT = "no content"
    NO_ID = "no id"
    LIST = "list"
    WRONG_TO = "wrong to"
    WRONG_LABEL = "wrong label"
    HTML = "html"
    GIANT = "giant"
    BOMB = "bomb"
    BAD_GZIP = "bad gzip"
    BAD_UTF8 = "bad utf-8"
    DEEP = "deep"
    GIANT_INTEGER = "giant integer"


class Body(StrEnum):
    """What stands in the body of an error answer."""

    ROUTEE = "routee"
    """`code` and `developerMessage` (§3.1)."""
    OAUTH = "oauth"
    """`error` and `error_description` (§3.5)."""
    SPRING = "spring"
    """`timestamp`, `status`, `error`, `message`, `path` (§3.6)."""
    HTML = "html"
    """A page of some proxy on the way."""
    EMPTY = "empty"
    """Nothing."""


@attrs.frozen(kw_only=True)
class Effect:
    """What happens to a struck request. Make one with the functions of `faults.py`.

    Attributes:
        kind: What it meets.
        accepted: True when the request is carried out first; then a message is accepted although the answer does not say so.
        status: Status of an answer.
        headers: Headers of an answer.
        body: Body of an answer, or the bytes of garbage and of what nobody asked for, as latin-1 text.
        form: What stands in the body of an error answer.
        code: Routee's code in it; empty for the status and six zeros.
        shape: How a body is mangled.
        seconds: How late, or how slow.
        size: Bytes of a giant body, before compression.
    """

    kind: Kind
    accepted: bool
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    form: Body = Body.EMPTY
    code: str = ""
    shape: Shape = Shape.EMPTY
    seconds: float = 0.0
    size: int = 0
