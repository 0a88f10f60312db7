"""Tests of `cli/__init__.py` and of `__main__.py`: how the command starts and ends."""

import os
import runpy
import signal
import socket
import ssl
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme

from routee_async import __main__, cli
from routee_async.sandbox import Fault, Sandbox, faults
from tests.cli.conftest import NUMBER, Routee, finish, happens, start

SEND = ("send", NUMBER, "Hi", "--sender-id", "ParcelCo")


async def test_version(routee: Routee) -> None:
    """`--version` tells the version of the package."""
    ran = await routee("--version")
    assert (ran.status, ran.out.strip()) == (0, version("routee-async"))


@pytest.mark.parametrize("command", [(), ("--help",), ("send", "--help"), ("bulk", "-h")], ids=" ".join)
async def test_help(routee: Routee, command: tuple[str, ...]) -> None:
    """Help goes to stdout, teaches with an example, and gives the status 0."""
    ran = await routee(*command)
    assert (ran.status, ran.err) == (0, "")
    assert f" routee {command[0] if len(command) > 1 else 'demo'}" in ran.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(("sent",), "See: routee --help", id="no such command"),
        pytest.param(("--secret", "x"), "See: routee --help", id="no such option"),
        pytest.param(("demo", "--count", "many"), "See: routee demo --help", id="no number"),
        pytest.param(("demo", "--count", "0"), "See: routee demo --help", id="none"),
    ],
)
async def test_called_wrongly(routee: Routee, arguments: tuple[str, ...], hint: str) -> None:
    """A wrong call gives one line that says where help is, and the status 2."""
    ran = await routee(*arguments)
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert line.startswith("routee: ")
    assert line.endswith(hint)


@pytest.mark.parametrize("command", [SEND, ("track", "some-id"), ("bulk", "pyproject.toml")], ids=lambda command: command[0])
async def test_missing_credentials(command: tuple[str, ...]) -> None:
    """Without credentials every command that needs them says which variable to set, with the status 2."""
    ran = await finish(await start(*command, environment={"ROUTEE_APPLICATION_ID": "6400aabbccddeeff00112233"}))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("routee: ROUTEE_APPLICATION_SECRET: is not set")


async def test_wrong_credentials(environment: dict[str, str]) -> None:
    """Wrong credentials are told as such, without showing them, with the status 1."""
    ran = await finish(await start(*SEND, environment=environment | {"ROUTEE_APPLICATION_SECRET": "Wr0ngKey"}))
    assert ran.status == 1
    assert "check ROUTEE_APPLICATION_ID and ROUTEE_APPLICATION_SECRET" in ran.err
    assert "Wr0ngKey" not in ran.err


async def test_unreachable_host(environment: dict[str, str]) -> None:
    """A host that cannot be reached is told as such, with the status 1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    closed = {"ROUTEE_BASE_URL": f"http://127.0.0.1:{port}", "ROUTEE_AUTH_URL": f"http://127.0.0.1:{port}"}
    ran = await finish(await start(*SEND, environment=environment | closed))
    assert ran.status == 1
    (line,) = ran.err.splitlines()
    assert "check the network, ROUTEE_BASE_URL and ROUTEE_AUTH_URL" in line


async def test_expired_certificate(tmp_path: Path) -> None:
    """An expired certificate is told as such, with a hint at the clock, and the status is 1."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)).configure_cert(context)
    async with Sandbox(ssl=context) as server:
        environment = {
            "ROUTEE_BASE_URL": server.base_url,
            "ROUTEE_AUTH_URL": server.auth_url,
            "ROUTEE_APPLICATION_ID": server.application_id,
            "ROUTEE_APPLICATION_SECRET": server.application_secret,
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        }
        ran = await finish(await start(*SEND, environment=environment))
    assert ran.status == 1
    (line,) = ran.err.splitlines()
    assert "the certificate's dates, and this machine's clock: it says 20" in line


async def test_interrupted_process(environment: dict[str, str], sandbox: Sandbox) -> None:
    """Ctrl-C ends a process with the status 1 and no more than what is to be known."""
    sandbox.faults.add(Fault(faults.hang(accepted=True), path="/sms"))
    process = await start(*SEND, environment=environment)
    await happens(lambda: sandbox.journal.sends_accepted == 1)
    process.send_signal(signal.SIGINT)
    ran = await finish(process)
    assert (ran.status, ran.out) == (1, "")
    first, last = ran.err.splitlines()
    assert "may have been sent" in first
    assert last == "routee: interrupted"


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is told in one line, with the status 1."""

    async def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupt)
    assert cli.main() == 1
    assert capsys.readouterr().err == "routee: interrupted\n"


def test_a_reader_who_leaves(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """When whoever reads stdout has gone, the command ends quietly with the status 1."""

    async def leave(_: object) -> int:
        raise BrokenPipeError

    opened = os.dup(1)
    monkeypatch.setattr(cli, "run", leave)
    monkeypatch.setattr(sys, "stdout", os.fdopen(opened, "w"))
    with sys.stdout:
        assert cli.main() == 1
    assert capfd.readouterr().err == ""


def test_entry_point(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status of the process is that of the command, and `python -m` starts the same."""
    monkeypatch.setattr(sys, "argv", ["routee", "--version"])
    monkeypatch.delitem(sys.modules, "routee_async.__main__")
    # pytest imports our modules by a way of its own, as the package has a plugin, and runpy does not know that way.
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not hasattr(finder, "mark_rewrite")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("routee_async", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == version("routee-async")


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without the extra the command says how to install it."""
    for name in [name for name in sys.modules if name == missing or name.startswith(("routee_async.cli", f"{missing}."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("routee_async.cli", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit, match=r"pip install 'routee-async\[cli\]'"):
        __main__.main()


def test_other_import_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other import error is not taken for a missing extra."""
    for name in [name for name in sys.modules if name.startswith("routee_async.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("routee_async.cli", raising=False)
    monkeypatch.setitem(sys.modules, "routee_async.phone", None)
    with pytest.raises(ImportError, match=r"routee_async\.phone"):
        __main__.main()
