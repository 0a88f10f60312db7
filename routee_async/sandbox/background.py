"""A thread with an event loop of its own, for a sandbox that is to run beside tests which have none, or one that comes and goes."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._main, name="routee-sandbox", daemon=True)

    def start(self) -> None:
        """Start it, and wait until the loop runs."""
        self._thread.start()
        self._running.result()

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        loop, stop = self._running.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run *coroutine* there.

        Raises:
            RuntimeError: It has ended.
        """
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("the thread of the sandbox is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._running.result()[0])

    def call(self, function: Callable[[], T]) -> T:
        """Call *function* there and give what it returns, or raise what it raises."""
        if threading.current_thread() is self._thread:
            return function()

        async def call() -> T:
            return function()

        return self.submit(call()).result()

    def _main(self) -> None:
        asyncio.run(self._wait())

    async def _wait(self) -> None:
        stop = asyncio.Event()
        self._running.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()


class Waiting(Coroutine[Any, Any, T], Generic[T]):
    """Something that takes time: await it, in whatever loop; or, of a sandbox in a thread of its own, block on its `result`.

    Args:
        coroutine: What takes time, in the loop of the sandbox.
        thread: The thread of the sandbox; None when it runs in the loop of its caller.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], thread: LoopThread | None) -> None:
        self._coroutine = coroutine
        self._thread = thread
        self._here: Coroutine[Any, Any, T] | None = None

    def result(self, timeout: float | None = None) -> T:
        """Block until it is done.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes.

        Raises:
            RuntimeError: The sandbox runs in an event loop of yours, which would block, too: await it.
            TimeoutError: It took longer than *timeout*.
        """
        if self._thread is None:
            self._coroutine.close()
            raise RuntimeError("await it: this sandbox runs in your event loop; `with Sandbox()` gives it a thread of its own")
        return self._thread.submit(self._coroutine).result(timeout)

    def __await__(self) -> Generator[Any, Any, T]:
        return self._run().__await__()

    def send(self, value: Any) -> Any:  # noqa: ANN401 - as `Coroutine` has it
        """Go on."""
        return self._run().send(value)

    def throw(self, kind: Any, value: Any = None, _: TracebackType | None = None) -> Any:  # noqa: ANN401 - as `Coroutine` has it
        """Raise in it."""
        return self._run().throw(kind if value is None else value)

    def close(self) -> None:
        """Give it up."""
        self._coroutine.close()
        if self._here is not None:
            self._here.close()

    def _run(self) -> Coroutine[Any, Any, T]:
        if self._here is None:
            self._here = self._coroutine if self._thread is None else _elsewhere(self._coroutine, self._thread)
        return self._here


async def _elsewhere(coroutine: Coroutine[Any, Any, T], thread: LoopThread) -> T:
    return await asyncio.wrap_future(thread.submit(coroutine))
