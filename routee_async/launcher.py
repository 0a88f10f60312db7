"""Calls without a task that waits for them: for a batch that sends thousands a second. Each is told how it ends.

Only what need not wait and goes well gets by without a task: `told` may bring a call back that one has to go on with.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from routee_async.caller import AgainError, Caller
from routee_async.calls import Call, Flight, fail
from routee_async.protocol import Response

T = TypeVar("T")


class Launcher(Caller):
    """Makes calls as `Caller` does, and without a task: `admit`, then `launch` or `cut`. Takes what `Caller` takes."""

    def is_held_back(self) -> bool:
        """True when the next message had better `wait` before it is begun. See `Admission.is_held_back`."""
        return self._admission.is_held_back()

    async def wait(self) -> None:
        """Wait for what holds messages back. See `Admission.wait`."""
        await self._admission.wait()

    def admit(self, flight: Flight[T]) -> bool:
        """Begin a paid call that need not wait for anything: then it has its token and its turn.

        Returns:
            False when it has to wait, or somebody observes: `call` sees to that.
        """
        if self._closing or self.watch is not None:
            return False
        now = self._loop.time()
        token = self._tokens.peek(now)
        if token is None or not self._admission.enter_at_once(flight.request.parts, now, patient=True):
            return False
        flight.token = token
        flight.has_turn = flight.patient = flight.is_open = True
        flight.started_at = now
        flight.deadline = now + self._total
        self._under_way += 1
        return True

    def launch(self, flight: Flight[T], *, waited: bool) -> None:
        """Make the first attempt of a call that `admit` let in.

        It is told once: the result, or what has to be called and awaited for it and raises what `call` does. From the loop, or at
        once when no connection is at hand.

        Args:
            flight: The call, whose intent is on disk by now.
            waited: True when time has gone by since it was let in.
        """
        if waited:
            flight.started_at = self._loop.time()
            flight.deadline = flight.started_at + self._total
        token = flight.token
        assert token is not None  # noqa: S101 - for the type checker; it was let in with one
        begin = self._transport.begin
        flight.begun = begin(flight.request, token.authorization, flight.started_at, self._total, self._landed, flight)
        if flight.begun is None:
            flight.told(partial(self._go_on, flight, partial(self._attempt, flight)))

    def cut(self, flight: Flight[T]) -> None:
        """End a call that `admit` let in, whatever it has come to. Does nothing when it is over."""
        begun, flight.begun = flight.begun, None
        if begun is not None:
            self._transport.cut(begun)
        self._give_up(flight)
        self._end(flight)

    def _landed(self, flight: Flight[T], result: Response | object) -> None:
        """Take what the transport tells of a call that was launched."""
        if not flight.is_open:
            return  # it was cut, and nobody wants to know
        if not isinstance(result, Response):
            # What it goes over stays with the flight until a task has begun to see to it: there may never be one.
            flight.told(partial(self._go_on, flight, partial(self._finish, flight, result)))
            return
        flight.begun = None
        if not result.is_success:
            flight.told(partial(self._go_on, flight, partial(self._judge, flight, result)))
            return
        try:
            value = self._read(flight, result)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the result is awaited
            self._end(flight)
            flight.told(partial(fail, error))
            return
        self._end(flight)
        self._budget.succeed()
        flight.told(value)

    async def _go_on(self, call: Call[T], attempt: Callable[[], Awaitable[T]]) -> T:
        """Bring a call to its end whose first attempt is the one given."""
        try:
            try:
                result = await attempt()
            except AgainError as first:
                result = await self._repeat(call, partial(self._attempt_in_turn, call), first)
        finally:
            self._end(call)
        self._budget.succeed()
        return result

    async def _finish(self, flight: Flight[T], unfinished: object) -> T:
        """The end of an attempt that the transport began, and of which it cannot tell at once."""
        flight.begun = None
        return await self._attempt(flight, partial(self._transport.finish, flight.request, unfinished))

    async def _judge(self, flight: Flight[T], answer: Response) -> T:
        """The end of an attempt whose answer is no success."""
        return self._conclude(flight, answer)
