"""Tests of `cli/interrupts.py`."""

import asyncio
import os
import signal

import pytest

from routee_async.cli import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_once_and_twice(number: signal.Signals) -> None:
    """The first signal stops in order, every further one cancels."""
    heard: list[bool] = []
    with interrupts.in_order(lambda: heard.append(True)):
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.001)
        assert heard == [True]
        os.kill(os.getpid(), number)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(10)
    assert heard == [True]


async def test_where_signals_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system whose event loop cannot watch signals, Ctrl-C stays what it is."""

    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    monkeypatch.setattr(asyncio.get_running_loop(), "remove_signal_handler", refuse)
    before = signal.getsignal(signal.SIGINT)
    with interrupts.in_order(lambda: None):
        assert signal.getsignal(signal.SIGINT) is before
