"""What the control API and the inbox page work on: everything behind one sandbox."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Final

import attrs

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.changes import Changes
from routee_async.sandbox.clock import Clock
from routee_async.sandbox.control.problems import ControlError
from routee_async.sandbox.control.queries import Query, newest_first
from routee_async.sandbox.control.switches import Switchboard
from routee_async.sandbox.control.views import callback_view
from routee_async.sandbox.exchanges import Exchanges
from routee_async.sandbox.faults import FaultPlan
from routee_async.sandbox.messages import Message

_GLANCE: Final = 0.25
"""Seconds between looks at what nobody tells of: statuses that change by the clock."""
_CALLBACKS: Final = 4
"""Callbacks that are kept for each message that is."""


@attrs.define(kw_only=True, eq=False)
class Backstage:
    """Everything behind one sandbox.

    Attributes:
        carrier: The state.
        faults: What strikes.
        exchanges: The latest requests.
        changes: Word of changes.
        clock: The clock of the carrier.
        advance: Lets so many seconds pass.
        keep_messages: How many messages and callbacks are kept; None for all.
        allowed_hosts: Names of this machine that the gate lets in, besides `localhost` and addresses.
        switches: The most useful faults, by name.
    """

    carrier: Carrier
    faults: FaultPlan
    exchanges: Exchanges
    changes: Changes
    clock: Clock
    advance: Callable[[float], Awaitable[None]]
    keep_messages: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    switches: Switchboard = attrs.field(init=False)

    @switches.default
    def _switches(self) -> Switchboard:
        return Switchboard(self.faults)

    def find(self, query: Query) -> Iterator[Message]:
        """Give the messages that meet *query*, the newest first."""
        return newest_first(self.carrier.messages, query, self.carrier.now())

    async def wait_for(self, query: Query, timeout: float) -> Message | None:
        """Give the newest message that meets *query*, waiting for *timeout* seconds if there is none yet."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            version = self.changes.version
            found = next(self.find(query), None)
            left = deadline - loop.time()
            if found is not None or left <= 0:
                return found
            await self.changes.wait(version, min(left, _GLANCE))

    def message(self, tracking_id: str) -> Message:
        """Give a message.

        Raises:
            ControlError: 404: there is none of that id.
        """
        found = self.carrier.messages.get(tracking_id)
        if found is None:
            raise ControlError(404, f"there is no message {tracking_id}")
        return found

    def callbacks_of(self, tracking_id: str) -> list[dict[str, object]]:
        """Give the callbacks about a message or a campaign, in the order in which they came due."""
        return [callback_view(record) for record in tuple(self.carrier.callbacks.log) if record.subject == tracking_id]

    def receive(self, application: Application, *, sender: str, to: str, body: str) -> Message:
        """Let a message come in.

        Raises:
            ValueError: It has no sender, no number that it came to, or no text.
        """
        message = self.carrier.receive(application, sender=sender, to=to, body=body)
        self.changes.tell()
        return message

    def run_at(self, speed: float) -> None:
        """Let time pass that fast from now on; 0 for not at all.

        Raises:
            RuntimeError: The sandbox runs by a clock that is not its own.
        """
        self.clock.run_at(speed)
        if self.carrier.agenda.on_earlier is not None:
            self.carrier.agenda.on_earlier()
        self.changes.tell()

    async def let_pass(self, seconds: float) -> None:
        """Let so many seconds pass, and tell of it.

        Raises:
            RuntimeError: The sandbox is not running, or runs by a clock that is not its own.
        """
        await self.advance(seconds)
        self.changes.tell()

    def application(self) -> Application:
        """Give the application that seeded messages belong to: the first one."""
        return next(iter(self.carrier.applications.values()))

    def trim(self) -> None:
        """Let go of the oldest messages and callbacks, once there are a tenth more than are to be kept."""
        most, carrier = self.keep_messages, self.carrier
        if most is None or len(carrier.messages) <= most + most // 10:
            return
        for tracking_id in list(islice(carrier.messages, len(carrier.messages) - most)):
            del carrier.messages[tracking_id]
        accepted = carrier.journal.accepted
        carrier.journal.forget(next((i for i, m in enumerate(accepted) if m.tracking_id in carrier.messages), len(accepted)))
        log = carrier.callbacks.log
        del log[: max(0, len(log) - _CALLBACKS * most)]

    def reset(self) -> None:
        """Forget what was sent and what was asked, and end all faults."""
        self.carrier.reset()
        self.faults.clear()
        self.exchanges.clear()
