"""The control API and the inbox page on the socket."""

import inspect
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from routee_async.sandbox.answers import Answer, dump
from routee_async.sandbox.control import gate
from routee_async.sandbox.control.backstage import Backstage
from routee_async.sandbox.control.calls import ControlCall, ControlRoute
from routee_async.sandbox.control.problems import ControlError
from routee_async.sandbox.control.table import PREFIX, ROUTES
from routee_async.sandbox.havoc import to_response
from routee_async.sandbox.inbox import live
from routee_async.sandbox.inbox.pages import PAGES
from routee_async.sandbox.routing import Request, Table

_LIVE: Final = f"{PREFIX}/live"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none, a form would be sent with the origin "null"
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


class ControlFace:
    """Answers what belongs to the sandbox itself, not to Routee.

    Args:
        backstage: What there is to look at and to change.
    """

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._table: Table[ControlRoute] = Table((*ROUTES, *PAGES))

    async def answer(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        """Answer *request*, whatever it is."""
        answer = self._objection(request) or await self._answer(request, path, query)
        if path == _LIVE and answer.status == HTTPStatus.OK:
            return await live.stream(request, self._backstage, int(answer.body))
        response = to_response(answer)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _objection(self, request: web.BaseRequest) -> Answer | None:
        objection = gate.objection(
            method=request.method,
            host=request.headers.get(hdrs.HOST, ""),
            origin=request.headers.get(hdrs.ORIGIN),
            site=request.headers.get("Sec-Fetch-Site"),
            allowed=self._backstage.allowed_hosts,
        )
        return None if objection is None else _json({"error": objection}, 403)

    async def _answer(self, request: web.BaseRequest, path: str, query: str) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        found = self._table.find(method, path)
        if found is None:
            return self._no_route(path)
        route, ids = found
        raw = Request(
            method=method,
            path=path,
            query=query,
            content_type=request.headers.get(hdrs.CONTENT_TYPE, ""),
            body=await request.read(),
        )
        origin = f"{'https' if request.secure else 'http'}://{request.headers[hdrs.HOST]}"
        call = ControlCall(
            backstage=self._backstage, origin=origin, ids=ids, query=raw.parameters(), body=raw.body, form=raw.form()
        )
        try:
            result = route.act(call)
            if inspect.isawaitable(result):
                result = await result
        except ControlError as error:
            return _json(error.to_json(), error.status)
        if route.changes:
            self._backstage.changes.tell()
        return result if isinstance(result, Answer) else _json(result)

    def _no_route(self, path: str) -> Answer:
        allowed = [method for method in _METHODS if self._table.find(method, path) is not None]
        if not allowed:
            return _json({"error": f"the sandbox has nothing at {path}; see {PREFIX}/openapi.json"}, 404)
        answer = _json({"error": f"{path} takes {', '.join(allowed)}"}, 405)
        return Answer(answer.status, answer.body, answer.content_type, ((hdrs.ALLOW, ", ".join(allowed)),))


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, dump(value))
