"""Settle doubt: look messages up by their references until they are found, or surely absent.

Whoever waits at the same time is looked up together, one search for each block of neighbours (`references.plan_lookups`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum

import attrs

from routee_async import references, rounds
from routee_async.errors import RouteeError
from routee_async.models import TrackedPart
from routee_async.references import Lookup

logger: logging.Logger = logging.getLogger("routee_async")

_TOGETHER = 0.5
"""Look-ups that are due within so many seconds of each other are made together."""

Search = Callable[[str, datetime, datetime], AsyncIterator[TrackedPart]]


class Undecided(Enum):
    """What a look-up came to that did not find the message."""

    ABSENT = "absent"
    """Every look-up until the end of the window worked, and none found it."""
    BLIND = "blind"
    """The last look-up failed, or the search does not see back that far: nothing is known."""


@attrs.define(eq=False)
class _Doubt:
    """One message that is being looked up.

    Attributes:
        wire_label: What it carries.
        to: Its recipient.
        since: Wall-clock time before which it was surely not sent.
        due: Loop times of its look-ups, the next one first.
        settled: What came of it.
    """

    wire_label: str
    to: str
    since: datetime
    due: list[float]
    settled: "asyncio.Future[Sequence[TrackedPart] | Undecided]"


class Reconciler:
    """Looks doubtful messages up, together.

    Args:
        search: Finds parts by the beginning of their label within a window; may raise `RouteeError`.
        now: The wall clock, with time zone.
    """

    def __init__(self, search: Search, now: Callable[[], datetime]) -> None:
        self._search = search
        self._now = now
        self._doubts: set[_Doubt] = set()
        self._arrived = asyncio.Event()
        self._rounds: asyncio.Task[None] | None = None
        self._closed = False

    async def settle(
        self,
        wire_label: str,
        to: str,
        since: datetime,
        delays: Sequence[float],
    ) -> Sequence[TrackedPart] | Undecided:
        """Look for the message with this label and recipient.

        Args:
            wire_label: Its label, beginning with its reference.
            to: Its recipient.
            since: When it was sent at the earliest.
            delays: Seconds from now at which to look, ascending, at least one.

        Returns:
            Its parts, or why there are none.
        """
        loop = asyncio.get_running_loop()
        if self._closed or not rounds.is_searchable(since, self._now()):
            return Undecided.BLIND
        due = [loop.time() + delay for delay in delays]
        doubt = _Doubt(wire_label, to, since, due, loop.create_future())
        self._doubts.add(doubt)
        self._arrived.set()
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._run_rounds(), name="routee-reconciler")
        try:
            return await doubt.settled
        finally:
            self._doubts.discard(doubt)

    async def aclose(self) -> None:
        """Stop looking; whoever still waits learns nothing."""
        self._closed = True
        rounds, self._rounds = self._rounds, None
        if rounds is not None:
            rounds.cancel()
            await asyncio.wait([rounds])

    async def _run_rounds(self) -> None:
        """Look up what is due, for as long as anybody waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._doubts:
                self._arrived.clear()
                wait = min(doubt.due[0] for doubt in self._doubts) - loop.time()
                if wait <= 0:
                    await self._look()
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._arrived.wait()
        finally:
            if self._rounds is asyncio.current_task():
                self._rounds = None
            for doubt in list(self._doubts):
                self._conclude(doubt, Undecided.BLIND)

    async def _look(self) -> None:
        """One round: search for everything that is due about now, then settle what can be."""
        horizon = asyncio.get_running_loop().time() + _TOGETHER
        due = {doubt.wire_label: doubt for doubt in self._doubts if doubt.due[0] <= horizon}
        for lookup in references.plan_lookups(due):
            members = [due[wire_label] for wire_label in lookup.wire_labels]
            try:
                found = await self._find(lookup, members)
            except RouteeError as error:
                logger.warning("a look-up of %d doubtful messages failed: %s", len(members), error)
                self._judge(members, {}, if_over=Undecided.BLIND)
            else:
                self._judge(members, found, if_over=Undecided.ABSENT)

    async def _find(self, lookup: Lookup, members: Sequence[_Doubt]) -> dict[str, list[TrackedPart]]:
        start, end = rounds.window(min(doubt.since for doubt in members), self._now())
        rows = [row async for row in self._search(lookup.prefix, start, end)]
        return references.pick(rows, {doubt.wire_label: doubt.to for doubt in members})

    def _judge(self, members: Sequence[_Doubt], found: dict[str, list[TrackedPart]], *, if_over: Undecided) -> None:
        """Give everybody who was looked for what there is, or the next turn."""
        for doubt in members:
            doubt.due.pop(0)
            if doubt.wire_label in found:
                self._conclude(doubt, found[doubt.wire_label])
            elif not doubt.due:
                self._conclude(doubt, if_over)

    def _conclude(self, doubt: _Doubt, result: Sequence[TrackedPart] | Undecided) -> None:
        self._doubts.discard(doubt)
        if not doubt.settled.done():  # its caller may have been cancelled
            doubt.settled.set_result(result)
