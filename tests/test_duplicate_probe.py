"""The duplicate probe, for our own client: one POST, and the caller is told that the outcome is unknown."""

import json
import socket
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from benchmarks import duplicate_probe
from benchmarks.duplicate_probe import (
    BY_NAME,
    CLIENTS,
    FAULT_BY_NAME,
    FAULTS,
    SNS,
    Cell,
    FaultServer,
    measure_ours,
    to_markdown,
    to_table,
)
from benchmarks.guard import Guard
from routee_async import OutcomeUnknownError
from routee_async.sandbox import Kind

OURS = BY_NAME["routee_async"]
AMBIGUOUS = [fault for fault in FAULTS if fault.effect is not None and not fault.repeatable]
QUICK, PATIENCE = 0.2, 10.0


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=lambda fault: fault.name)
async def test_one_request_however_it_fails(fault: duplicate_probe.Fault) -> None:
    """What may have been accepted is never sent again, and the caller is told that it may have been."""
    cell = await measure_ours("routee_async", fault, Guard(), read_timeout=QUICK)
    assert cell.posts == 1
    assert cell.told == OutcomeUnknownError.__name__


async def test_one_request_when_all_is_well() -> None:
    """Without a fault the probe sees one request and an answer: it measures a client that works."""
    cell = await measure_ours("routee_async", FAULT_BY_NAME["none"], Guard())
    assert (cell.posts, cell.told) == (1, "returned SentSms")


def test_a_redirect_that_is_followed_counts_twice() -> None:
    """Where the redirect points there is an ordinary answer, and the second request is counted as well."""
    with FaultServer(SNS, FAULT_BY_NAME["redirect"].effect, None) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.request("POST", "/", body="body")
        first = connection.getresponse()
        first.read()
        connection.request("POST", first.headers["Location"], body="body")
        assert (first.status, connection.getresponse().read()) == (307, SNS.good.encode())
        connection.close()
        assert server.posts == 2


def test_command_measures_in_a_process_of_its_own() -> None:
    """The script, run as a user would run it, prints what it found as data, with the connections that its guard let pass."""
    command = [sys.executable, duplicate_probe.__file__, "--json", "--rounds", "1", "--client", "routee_async", "--fault", "drop"]
    printed = subprocess.run(command, check=True, capture_output=True, timeout=30, cwd=Path.cwd().anchor).stdout  # noqa: S603
    (cell,) = json.loads(printed)["cells"]
    assert (cell["posts"], cell["told"]) == (1, "OutcomeUnknownError")
    assert cell["connects"] == 1  # the one on which the token came


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.listening], ids=lambda fault: fault.name)
def test_fault_server_counts_and_strikes(fault: duplicate_probe.Fault) -> None:
    """The server for the other clients sees one request for one request, and does what the fault says."""
    with FaultServer(SNS, fault.effect, None) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nIdempotency-Key: 1\r\nContent-Length: 4\r\n\r\nbody")
        if fault.name == "hang":
            connection.settimeout(QUICK)
        else:  # No more requests to come: the server need not keep the connection.
            connection.settimeout(PATIENCE)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        said = _hear(connection)
        assert server.posts == 1
        if fault.name != "unread":
            assert server.keys == {"Idempotency-Key"}
    whole = said.endswith(SNS.good.encode())
    match fault.effect:
        case None:
            assert whole
        case effect if effect.kind is Kind.ANSWER:
            assert said.startswith(f"HTTP/1.1 {effect.status} ".encode())
        case effect if effect.kind is Kind.CUT_BODY:
            assert said.startswith(b"HTTP/1.1 200 OK")
            assert not whole
        case effect:
            assert said == {Kind.CLOSE: b"", Kind.RESET: b"reset", Kind.HANG: b"silence"}[effect.kind]


def test_table_shows_spans_and_marks_danger() -> None:
    """Rounds that differ are shown as a span; more than one request is bold where it could have made a second message."""
    cells = [
        Cell("telnyx", "drop", 3, 3, "APIConnectionError", 1.4),
        Cell("telnyx", "drop", 2, 2, "APIConnectionError", 1.1),
        Cell("telnyx", "429", 3, 1, "RateLimitError", 2.1),
        Cell("telnyx", "refused", 0, 3, "APIConnectionError", 1.5),
    ]
    chosen = [FAULT_BY_NAME[name] for name in ("drop", "429", "refused")]
    posts = to_table([BY_NAME["telnyx"]], chosen, cells, duplicate_probe.show_posts)
    assert [line.split("|")[2].strip() for line in posts.splitlines()[2:]] == ["**2–3**", "3", "0 (3)"]
    told = to_table([BY_NAME["telnyx"]], chosen, cells, duplicate_probe.show_told)
    assert "| APIConnectionError, 1.1–1.4 s |" in told


def test_what_is_not_installed_is_named() -> None:
    """A client that cannot be measured is listed with what to install."""
    absent = [client for client in CLIENTS if client.name == "vonage"]
    printed = to_markdown([OURS], absent, [], [])
    assert "Not measured: vonage (install" in printed or not absent[0].missing


def _hear(connection: socket.socket) -> bytes:
    """Everything that comes until there is silence or an end."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except TimeoutError:
        return said or b"silence"
    except ConnectionResetError:
        return b"reset"
    return said
