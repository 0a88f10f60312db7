"""What a call carries with it on its way. The way itself is `caller.py`'s."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, NoReturn, TypeVar

import attrs

from routee_async.auth import HeldToken
from routee_async.observing import WatchedCall
from routee_async.protocol import Request, Response

T = TypeVar("T")


@attrs.define(eq=False)
class Call(Generic[T]):
    """One logical call on its way through its attempts.

    Attributes:
        request: What is asked.
        started_at: Loop time at which the last attempt started.
        deadline: Loop time by which all must be over.
        patient: True for a message of a batch, and for a poll: the time for which it is held back (pace, gate, breaker) does not
            count.
        intend: To be awaited before the first byte; None when it has been.
        token: The token of the last attempt; None before the first, and for the token endpoint.
        refused: The token that the server refused, when another one has to be fetched.
        renewed: True once that has been done.
        has_turn: True while it holds a turn, which it has to give back.
        is_open: True from its beginning to its end.
        watched: Told of its attempts; None where nobody observes.
    """

    request: Request
    started_at: float = attrs.field(default=0.0, init=False)
    deadline: float = attrs.field(default=0.0, init=False)
    patient: bool = attrs.field(default=False, init=False)
    intend: Callable[[], Awaitable[None]] | None = attrs.field(default=None, init=False)
    token: HeldToken | None = attrs.field(default=None, init=False)
    refused: HeldToken | None = attrs.field(default=None, init=False)
    renewed: bool = attrs.field(default=False, init=False)
    has_turn: bool = attrs.field(default=False, init=False)
    is_open: bool = attrs.field(default=False, init=False)
    watched: WatchedCall | None = attrs.field(default=None, init=False)

    @abstractmethod
    def read(self, answer: Response) -> T:
        """Turn a 2xx answer into the result."""


@attrs.define(eq=False)
class AwaitedCall(Call[T]):
    """A call for whose result a task waits.

    Attributes:
        reader: Turns a 2xx answer into the result.
    """

    reader: Callable[[Response], T]

    def read(self, answer: Response) -> T:
        """Turn a 2xx answer into the result."""
        return self.reader(answer)


@attrs.define(eq=False)
class Flight(Call[T]):
    """A call without a task that waits for it: it is told how it ends. One object a message, and not one for each layer.

    Attributes:
        begun: What the transport has to be told to cut it off, while it is on the wire.
    """

    begun: object = attrs.field(default=None, init=False)

    @abstractmethod
    def told(self, result: T | Callable[[], Awaitable[T]]) -> None:
        """Go on with the result, or with what has to be called and awaited for it."""


async def fail(error: Exception) -> NoReturn:
    """What has to be awaited for a call that has come to nothing."""
    raise error
