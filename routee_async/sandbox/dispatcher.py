"""Posts callbacks, and lets what is due happen: the only place where the sandbox calls somebody, and waits for its own time."""

import asyncio
from collections import Counter
from contextlib import suppress

import aiohttp
import attrs

from routee_async.sandbox.answers import JSON, dump
from routee_async.sandbox.callbacks import Attempt, CallbackRecord
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.clock import Clock

_LANES = 16
"""Callbacks posted at once. Those of one subject share a lane, so that they arrive in the order in which they are posted."""


@attrs.define(eq=False)
class _Lane:
    """Callbacks that are posted one after the other.

    Attributes:
        records: Those that wait.
        load: How many wait or are being posted.
        subjects: The same for each subject.
    """

    records: "asyncio.Queue[CallbackRecord]" = attrs.Factory(asyncio.Queue)
    load: int = 0
    subjects: Counter[str] = attrs.Factory(Counter)


class Dispatcher:
    """Runs the agenda of *carrier* by *clock*, and posts the callbacks that become ready.

    Args:
        carrier: Whose.
        clock: By which.
    """

    def __init__(self, carrier: Carrier, clock: Clock) -> None:
        self._carrier = carrier
        self._clock = clock
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._lanes: list[_Lane] = []
        self._lane_of: dict[str, _Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Begin."""
        self._wake, self._turn = asyncio.Event(), asyncio.Lock()
        self._lanes = [_Lane() for _ in range(_LANES)]
        self._lane_of = {}
        self._carrier.agenda.on_earlier = self._carrier.callbacks.on_ready = self._wake.set
        self._tasks = [asyncio.create_task(self._run(), name="sandbox-dispatcher")]

    async def stop(self) -> None:
        """End at once. What was not posted by then is posted after the next start."""
        self._carrier.agenda.on_earlier = self._carrier.callbacks.on_ready = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._lanes:
            while not lane.records.empty():
                self._carrier.callbacks.put_back(lane.records.get_nowait())
        self._tasks, self._lanes = [], []
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and what is due in them happen in order; a callback is tried before the next moment comes.

        Raises:
            RuntimeError: It has not been started, or the clock cannot be moved.
        """
        if not self._tasks:
            raise RuntimeError("the sandbox is not running: time passes inside `async with`")
        async with self._turn:
            target = self._clock() + seconds
            while True:
                self._carrier.run()
                await asyncio.gather(*(lane.records.join() for lane in self._lanes))
                while self._carrier.callbacks.ready:
                    await self._post(self._carrier.callbacks.ready.popleft())
                    self._carrier.run()
                due = self._carrier.agenda.next_due
                if due is None or due > target:
                    break
                self._clock.put_to(due)
            self._clock.put_to(target)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            async with self._turn:
                self._carrier.run()
                while self._carrier.callbacks.ready:
                    self._hand_over(self._carrier.callbacks.ready.popleft())
                due = self._carrier.agenda.next_due
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else self._clock.real_seconds_until(due)):
                    await self._wake.wait()

    def _hand_over(self, record: CallbackRecord) -> None:
        if len(self._tasks) == 1:
            self._tasks += [asyncio.create_task(self._work(lane), name="sandbox-callbacks") for lane in self._lanes]
        lane = self._lane_of.get(record.subject) or min(self._lanes, key=lambda lane: lane.load)
        self._lane_of[record.subject] = lane
        lane.subjects[record.subject] += 1
        lane.load += 1
        lane.records.put_nowait(record)

    async def _work(self, lane: _Lane) -> None:
        while True:
            record = await lane.records.get()
            try:
                await self._post(record)
            finally:
                lane.records.task_done()
                lane.load -= 1
                lane.subjects[record.subject] -= 1
                if not lane.subjects[record.subject]:
                    del lane.subjects[record.subject], self._lane_of[record.subject]

    async def _post(self, record: CallbackRecord) -> None:
        callbacks = self._carrier.callbacks
        if not callbacks.may_post(record):
            return
        at = self._clock()
        try:
            attempt = Attempt(at, await self._exchange(record))
        except asyncio.CancelledError:
            callbacks.put_back(record)
            raise
        except (aiohttp.ClientError, OSError, TypeError, ValueError) as error:
            # TimeoutError is an OSError, and says nothing of itself; the last two are for what cannot be written or addressed.
            attempt = Attempt(at, None, str(error) or type(error).__name__)
        callbacks.note(record, attempt)

    async def _exchange(self, record: CallbackRecord) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        data, headers = dump(record.payload), {"Content-Type": JSON}
        async with asyncio.timeout(self._carrier.settings.callback_timeout):
            async with self._session.post(record.url, data=data, headers=headers, allow_redirects=False) as response:
                await response.read()
                return response.status
