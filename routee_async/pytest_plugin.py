"""Fixtures for those who test their own application: `routee_sandbox`, a Routee of one's own, and `routee_client`, a client of it.

Installed with the package, and loaded by every pytest run where it is installed: hence nothing is imported here before a test asks
for it. The sandbox runs in a thread of its own, so that it serves tests of any kind: with pytest-asyncio, with anyio, or without
any event loop. Each test has one of its own, on a free port, so that tests may run side by side.
"""

import functools
import inspect
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from routee_async.client import RouteeClient
    from routee_async.sandbox import Sandbox

_CLIENT = "routee_client"


@pytest.fixture
def routee_sandbox_options() -> Mapping[str, Any]:
    """Options of the sandbox; override this fixture to choose others."""
    return {}


@pytest.fixture
def routee_sandbox(routee_sandbox_options: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> "Iterator[Sandbox]":
    """A sandbox of this test alone, in a thread of its own.

    Messages can be read at once and are delivered within a twentieth of a second, unless `routee_sandbox_options` say otherwise.
    The four variables that `RouteeClient.from_env()` reads lead to it, so that no test sends anything real by mistake.
    """
    from routee_async.sandbox import Sandbox, Timeline  # noqa: PLC0415 - not before a test asks for it

    quick = {"visibility_delay": 0.0, "timeline": Timeline(sent_after=0.02, final_after=0.05)}
    with Sandbox(**{**quick, **routee_sandbox_options}) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def routee_client(routee_sandbox: "Sandbox") -> "RouteeClient":
    """A client of `routee_sandbox`.

    In an asynchronous test it is open: it is entered right before the test function is called and left when that returns, in the
    event loop of the test, whoever runs that. In a test without an event loop it waits to be entered (`async with`).
    """
    return routee_sandbox.client()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Open the client around an asynchronous test that asks for it."""
    if not isinstance(item, pytest.Function) or _CLIENT not in item.fixturenames or not inspect.iscoroutinefunction(item.obj):
        return (yield)
    function = item.obj
    client: Any = item.funcargs[_CLIENT]

    @functools.wraps(function)
    async def with_open_client(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the test takes
        async with client:
            return await function(*args, **kwargs)

    item.obj = with_open_client
    try:
        return (yield)
    finally:
        item.obj = function
