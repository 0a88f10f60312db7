"""Run the command, in this process or in one of its own, against a real sandbox."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import attrs
import pytest

from routee_async import cli
from routee_async.sandbox import Sandbox, Timeline

NUMBER = "+306971234567"
"""A recipient that no help text uses as an example, so that its appearance on stderr is a leak."""
PATIENCE = 30.0
"""Seconds after which a process counts as hanging."""


@attrs.frozen
class Ran:
    """What a command did.

    Attributes:
        status: Exit status.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
    """

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Routee = Callable[..., Coroutine[None, None, Ran]]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose messages have their final status at the first look."""
    async with Sandbox(visibility_delay=0, timeline=Timeline(reads=0)) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox) -> dict[str, str]:
    """The variables that lead to the sandbox."""
    return {
        "ROUTEE_BASE_URL": sandbox.base_url,
        "ROUTEE_AUTH_URL": sandbox.auth_url,
        "ROUTEE_APPLICATION_ID": sandbox.application_id,
        "ROUTEE_APPLICATION_SECRET": sandbox.application_secret,
    }


@pytest.fixture
def routee(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Routee:
    """Run a command line in this process; whatever it does, no secret and no full number may come to light on the way."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def run(*arguments: object, hides_secret: bool = True) -> Ran:
        status = await cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert NUMBER not in captured.err
        assert not hides_secret or environment["ROUTEE_APPLICATION_SECRET"] not in captured.out + captured.err
        assert "Traceback" not in captured.err
        return Ran(status, captured.out, captured.err)

    return run


def text(path: Path) -> str | None:
    """What stands in a file; None if there is none."""
    return path.read_text() if path.exists() else None


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a CSV file."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "rows.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


async def start(*arguments: object, environment: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    """Start `python -m routee_async` with *arguments* and no credentials but those in *environment*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROUTEE_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "routee_async",
        *map(str, arguments),
        env=inherited | (environment or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process) -> Ran:
    """Wait until a process has ended."""
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Ran(process.returncode, out.decode(), err.decode())


async def happens(condition: Callable[[], bool]) -> None:
    """Wait until *condition* is true."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)
