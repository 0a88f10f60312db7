"""Clients that are not ours, in other languages, make the calls of Routee's guides: the sandbox suits more than its own client."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from routee_async.sandbox import Sandbox

SNIPPETS = Path(__file__).parent / "snippets"
CLIENTS = {
    "curl": ("sh", "client.sh"),
    "http.client": (sys.executable, "client.py.txt"),
    "php": ("php", "client.php"),
    "ruby": ("ruby", "client.rb"),
    "node": ("node", "client.mjs"),
}
PATIENCE = 60.0
"""Seconds after which a client counts as hanging."""


@pytest.mark.parametrize("name", CLIENTS)
async def test_guide(sandbox: Sandbox, name: str) -> None:
    """It gets a token, sends, has a text analysed, follows the message, and sends a campaign."""
    interpreter, script = CLIENTS[name]
    if shutil.which("curl" if name == "curl" else interpreter) is None:
        pytest.skip(f"{name} is not installed on this machine")
    process = await asyncio.create_subprocess_exec(
        interpreter,
        SNIPPETS / script,
        env={**os.environ, **sandbox.environment()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    message = next(message for message in sandbox.messages if message.label == "guide")
    assert out.decode().split("\n") == [
        f"sent {message.tracking_id}",
        "parts 1",
        f"tracked {message.tracking_id}",
        "campaign 2",
        "",
    ]
    assert (message.to, message.sender, message.body) == ("+306970000001", "ParcelCo", "Your parcel is here")
    assert len(sandbox.messages) == 3
