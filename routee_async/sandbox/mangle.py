"""The bodies of bad answers, made from an effect and, where there is one, the good answer."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

from routee_async.sandbox.answers import Answer, Refusal, dump, load, oauth, routee, spring
from routee_async.sandbox.effects import Body, Effect, Shape

_HTML = "text/html"
_PAGE = b"<html><head><title>%d</title></head><body><h1>Something on the way answered</h1></body></html>"


def error_answer(effect: Effect, path: str, now: float) -> Answer:
    """Make the answer of `Kind.ANSWER` to a request for *path*; *now* in epoch seconds."""
    status = effect.status
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    if effect.form is Body.HTML:
        return Answer(status, _PAGE % status, _HTML, effect.headers)
    if effect.form is Body.EMPTY:
        return Answer(status, b"", "", effect.headers)
    refusal: Refusal
    if effect.form is Body.ROUTEE:
        refusal = routee(status, effect.code or f"{status}000000", phrase)
    elif effect.form is Body.OAUTH:
        refusal = oauth(status, "invalid_token", "Invalid access token")
    else:
        refusal = spring(status, phrase, phrase, path, now)
    return Answer(status, dump(refusal.payload), headers=effect.headers)


def mangled_answer(effect: Effect, good: Answer) -> Answer:
    """Make the answer of `Kind.MANGLED` from the *good* one; an answer that is not 200 passes as it is."""
    return good if good.status != HTTPStatus.OK else _MANGLERS[effect.shape](good, effect)


def _bad_json(good: Answer, _: Effect) -> Answer:
    return Answer(200, good.body[: len(good.body) // 2])


def _empty(_: Answer, __: Effect) -> Answer:
    return Answer(200, b"")


def _no_content(_: Answer, __: Effect) -> Answer:
    return Answer(204, b"", "")


def _no_id(good: Answer, _: Effect) -> Answer:
    return _changed(good, "trackingId", None)


def _list(good: Answer, _: Effect) -> Answer:
    return Answer(200, b"[" + good.body + b"]")


def _wrong_to(good: Answer, _: Effect) -> Answer:
    return _changed(good, "to", "+306999999999")


def _wrong_label(good: Answer, _: Effect) -> Answer:
    return _changed(good, "label", "somebody-else")


def _html(_: Answer, __: Effect) -> Answer:
    return Answer(200, _PAGE % 200, _HTML)


def _giant(good: Answer, effect: Effect) -> Answer:
    return Answer(200, good.body.ljust(effect.size))


def _bomb(good: Answer, effect: Effect) -> Answer:
    return Answer(200, b"".join(_squeeze(good.body, effect.size)), headers=(("Content-Encoding", "gzip"),))


def _bad_gzip(good: Answer, _: Effect) -> Answer:
    return Answer(200, good.body, headers=(("Content-Encoding", "gzip"),))


def _bad_utf8(good: Answer, _: Effect) -> Answer:
    return Answer(200, good.body.replace(b'":"', b'":"\xff', 1))


def _deep(_: Answer, __: Effect) -> Answer:
    return Answer(200, b"[" * 100_000 + b"]" * 100_000)


def _giant_integer(good: Answer, _: Effect) -> Answer:
    return Answer(200, b'{"n":' + b"9" * 100_000 + b"," + good.body[1:])


_MANGLERS: Mapping[Shape, Callable[[Answer, Effect], Answer]] = {
    Shape.BAD_JSON: _bad_json,
    Shape.EMPTY: _empty,
    Shape.NO_CONTENT: _no_content,
    Shape.NO_ID: _no_id,
    Shape.LIST: _list,
    Shape.WRONG_TO: _wrong_to,
    Shape.WRONG_LABEL: _wrong_label,
    Shape.HTML: _html,
    Shape.GIANT: _giant,
    Shape.BOMB: _bomb,
    Shape.BAD_GZIP: _bad_gzip,
    Shape.BAD_UTF8: _bad_utf8,
    Shape.DEEP: _deep,
    Shape.GIANT_INTEGER: _giant_integer,
}


def _changed(good: Answer, name: str, value: str | None) -> Answer:
    payload = load(good.body)
    if not isinstance(payload, dict):
        return good
    payload.pop(name, None)
    if value is not None:
        payload[name] = value
    return Answer(200, dump(payload))


def _squeeze(head: bytes, size: int) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(head)
    spaces = b" " * (1 << 20)
    for _ in range(max(0, size - len(head)) >> 20):
        yield packer.compress(spaces)
    yield packer.flush()
