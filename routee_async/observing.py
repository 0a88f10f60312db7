"""What an operator may want to know of every call: that it began, each of its attempts, how it ended. Pure.

    class Counter:
        def begin(self, call: CallInfo) -> CallObserver: ...

    RouteeClient(..., observer=Counter())

Nothing of this is done, or paid for, where nobody observes. What an observer raises is logged and goes no further: it must not
end a call whose message is on its way.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import attrs

from routee_async.protocol import Failure, Request, Response
from routee_async.raw import RawResponse

logger: logging.Logger = logging.getLogger("routee_async")


@attrs.frozen(kw_only=True)
class CallInfo:
    """A call that begins. It names no recipient, text or label.

    Attributes:
        name: The method of the client, such as `send` or `account.balance`; empty for the token, and for `client.request()`.
        method: HTTP method.
        path: Path with `{}` for ids; `*` for `client.request()`.
        paid: True when it is made at most once.
        parts: Message parts that it sends; 0 for what sends none.
    """

    name: str
    method: str
    path: str
    paid: bool
    parts: int


@attrs.frozen(kw_only=True)
class Attempt:
    """One exchange of a call.

    Attributes:
        number: From 1.
        seconds: How long it took.
        status: HTTP status; None where there was no complete answer.
        failure: Where it went wrong and why, such as `wait: TimeoutError`; None for an answer.
        next: What follows: `read` it, `repeat`, `renew` the token, or `raise`.
    """

    number: int
    seconds: float
    status: int | None
    failure: str | None
    next: str


class CallObserver(Protocol):
    """Observes one call. Its methods are called in the event loop, and should be quick."""

    def attempt(self, attempt: Attempt) -> None:
        """An exchange is over."""
        ...

    def end(self, error: BaseException | None) -> None:
        """The call is over: with *error*, or well."""
        ...


class Observer(Protocol):
    """Observes all calls of a client."""

    def begin(self, call: CallInfo) -> CallObserver:
        """A call begins."""
        ...


class Watch:
    """The observer of a client, and those who capture answers at the moment.

    Args:
        observer: Told of every call; None for nobody.
    """

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer
        self._captured: ContextVar[list[RawResponse] | None] = ContextVar("routee_captured", default=None)
        self._capturing = 0

    @property
    def is_needed(self) -> bool:
        """False while there is nobody to tell."""
        return self._observer is not None or self._capturing > 0

    @contextmanager
    def capture(self) -> Iterator[list[RawResponse]]:
        """Collect the answers of all calls that are begun in this context, in tasks that are started in it as well."""
        answers: list[RawResponse] = []
        before = self._captured.set(answers)
        self._capturing += 1
        try:
            yield answers
        finally:
            self._capturing -= 1
            self._captured.reset(before)

    def begin(self, request: Request) -> "WatchedCall":
        """Begin to watch a call."""
        answers = self._captured.get()
        request.whole = request.whole or answers is not None
        observer = None
        if self._observer is not None:
            endpoint = request.endpoint
            info = CallInfo(
                name=endpoint.call,
                method=endpoint.method,
                path=endpoint.path,
                paid=endpoint.paid,
                parts=request.parts,
            )
            try:
                observer = self._observer.begin(info)
            except Exception:
                logger.exception("an observer failed")
        return WatchedCall(observer, answers)


class WatchedCall:
    """One call that is watched.

    Args:
        observer: Told of it; None for nobody.
        answers: Where its answers are collected; None for nowhere.
    """

    def __init__(self, observer: CallObserver | None, answers: list[RawResponse] | None) -> None:
        self._observer = observer
        self._answers = answers
        self._attempts = 0

    def attempt(self, result: Response | Failure, following: str, seconds: float) -> None:
        """An exchange is over."""
        self._attempts += 1
        if isinstance(result, Response) and self._answers is not None:
            self._answers.append(RawResponse(result.status, dict(result.headers), result.body))
        if self._observer is None:
            return
        attempt = Attempt(
            number=self._attempts,
            seconds=seconds,
            status=result.status,
            failure=f"{result.phase}: {result.reason}" if isinstance(result, Failure) else None,
            next=following,
        )
        try:
            self._observer.attempt(attempt)
        except Exception:
            logger.exception("an observer failed")

    def end(self, error: BaseException | None) -> None:
        """The call is over."""
        if self._observer is None:
            return
        try:
            self._observer.end(error)
        except Exception:
            logger.exception("an observer failed")
