"""The duplicate probe: how many POSTs become of ONE logical send when the network or the server fails, client by client.

    uv run benchmarks/duplicate_probe.py              # Markdown; measures every client that is installed, names the others
    uv run benchmarks/duplicate_probe.py --json       # the same as data
    uv run benchmarks/duplicate_probe.py --client routee_async --fault drop --fault hang

To measure the others too, lend them to the run; nothing is added to the project (trustme makes the certificate for Vonage):

    uv run --with twilio,vonage,telnyx,aiobotocore,slack_sdk,trustme benchmarks/duplicate_probe.py

With all of them it takes some ten minutes; `--rounds 1` is a third of that.

Each client keeps its default settings, except for a short read timeout where the server never answers. Each pair of client and
fault has a process of its own, in which every connection to anything but loopback is refused and no environment variable or
configuration file of the user is seen. `docs/duplicates.md` has the figures and tells how to read them.
"""

import argparse
import asyncio
import importlib
import importlib.util
import json
import os
import platform
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from http.client import parse_headers
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO, Self

import attrs

from benchmarks.guard import Guard, LeakError
from routee_async import OnUnknown, RouteeClient, Sms, Timeout
from routee_async.sandbox import Effect, Kind, Sandbox, faults
from routee_async.sandbox import Fault as Strike

READ_TIMEOUT = 1
"""Seconds that a client waits for an answer that never comes. A whole number: Vonage takes no other."""
PATIENCE = 30.0
"""Seconds until a send is left to itself. aiobotocore may need 20: five timeouts, and up to 1 + 2 + 4 + 8 s in between."""
LIMIT = 60.0
"""Seconds until the process of a measurement is killed: imports and all."""
TO, SENDER_ID, BODY = "+306970000001", "ParcelCo", "Your parcel is here"
MOVED = "/moved"
"""Where the redirect points: another path of the same server, which accepts whatever comes."""
SEES = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""Environment variables that a measurement may see: no proxies, regions, keys or retry modes of the user's."""


@attrs.frozen
class Fault:
    """What goes wrong.

    Attributes:
        name: For the command line.
        title: For the table.
        effect: What the server does to each request, in the words of the sandbox; None for nothing, or for no server at all.
        repeatable: True when a further request cannot make a second message, and more than one is therefore fine.
        listening: False when nobody listens on the port.
    """

    name: str
    title: str
    effect: Effect | None = None
    repeatable: bool = attrs.field(default=False, kw_only=True)
    listening: bool = attrs.field(default=True, kw_only=True)


FAULTS = (
    Fault("none", "none (control)"),
    Fault("drop", "connection closed after the request", faults.close(accepted=True)),
    Fault("reset", "connection reset after the request", faults.reset(accepted=True)),
    Fault("hang", "no answer", faults.hang(accepted=True)),
    Fault("500", "500", faults.error(500, accepted=True)),
    Fault("502", "502", faults.error(502, accepted=True)),
    Fault("503", "503", faults.error(503, accepted=True)),
    Fault("cut", "200, body cut short", faults.cut_body(accepted=True)),
    Fault("redirect", "307 to another path", faults.error(307, accepted=True, location=MOVED)),
    Fault("unread", "reset before the request is read", faults.reset(accepted=False)),
    Fault("429", "429, `Retry-After: 1`", faults.error(429, retry_after="1"), repeatable=True),
    Fault("refused", "connection refused (attempts)", repeatable=True, listening=False),
)


@attrs.frozen
class Cell:
    """One logical send of one client under one fault.

    Attributes:
        client: Name of the client.
        fault: Name of the fault.
        posts: POST requests that reached the server.
        connects: Connections that the client tried to make to the server; None where nobody counted.
        told: What the caller was told: the class of the exception, or of what was returned.
        seconds: How long that took, to a tenth.
        keys: Names of headers that could be an idempotency key; None where they were not looked at.
    """

    client: str
    fault: str
    posts: int
    connects: int | None
    told: str
    seconds: float
    keys: tuple[str, ...] | None = None


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@attrs.frozen
class Vendor:
    """How a vendor's server talks.

    Attributes:
        good: Body of the answer to a message that was accepted.
        bad: Body of an error, for its status.
        content_type: Of both.
    """

    good: str
    bad: Callable[[HTTPStatus], str]
    content_type: str = "application/json"


class FaultServer:
    """A vendor's server on loopback, in threads of its own, that does the same to every POST: what *effect* says.

    Args:
        vendor: What it sounds like.
        effect: What it does once it has read a request completely; None for an ordinary answer. A reset without `accepted` comes
            before anything is read. The path `MOVED` always has an ordinary answer.
        tls: Serve https with this context.

    Attributes:
        port: Where it listens, after entering.
        posts: POST requests that came.
        keys: Names of their headers that speak of idempotency.
    """

    def __init__(self, vendor: Vendor, effect: Effect | None, tls: ssl.SSLContext | None) -> None:
        self._vendor = vendor
        self._effect = effect
        self._tls = tls
        self._listener = socket.socket()
        self.port = 0
        self.posts = 0
        self.keys: set[str] = set()

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # wakes whoever waits in accept(), which closing alone does not
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(LIMIT)
        with suppress(OSError):
            connection = self._tls.wrap_socket(raw, server_side=True) if self._tls else raw
            with connection, connection.makefile("rb") as reader:
                if self._effect is not None and self._effect.kind is Kind.RESET and not self._effect.accepted:
                    connection.recv(1)  # Something came, and is left lying there.
                    self.posts += 1
                    _reset_on_close(connection)
                    return
                while self._exchange(connection, reader):
                    pass

    def _exchange(self, connection: socket.socket, reader: BinaryIO) -> bool:
        """Read one request and see to it; True when the connection stays open."""
        line = reader.readline().split()
        if not line:
            return False
        headers = parse_headers(reader)
        reader.read(int(headers.get("Content-Length", "0")))
        if line[0] == b"POST":
            self.posts += 1
            self.keys.update(name for name in headers if "idempot" in name.lower())
        if self._effect is None or line[1].decode().endswith(MOVED):
            connection.sendall(self._answer(HTTPStatus.OK))
            return True
        return self._strike(self._effect, connection, reader)

    def _strike(self, effect: Effect, connection: socket.socket, reader: BinaryIO) -> bool:
        match effect.kind:
            case Kind.ANSWER:
                connection.sendall(self._answer(HTTPStatus(effect.status), *effect.headers))
                return True
            case Kind.RESET:
                _reset_on_close(connection)
                return False
            case Kind.HANG:
                reader.read(1)
                return False
            case Kind.CUT_BODY:
                connection.sendall(self._answer(HTTPStatus.OK)[: -len(self._vendor.good) // 2])
        if isinstance(connection, ssl.SSLSocket):  # An orderly end: TLS says goodbye before TCP does.
            connection.settimeout(0.1)
            with suppress(OSError):
                connection.unwrap()
        return False

    def _answer(self, status: HTTPStatus, *headers: tuple[str, str]) -> bytes:
        body = self._vendor.good if status is HTTPStatus.OK else self._vendor.bad(status)
        lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{name}: {value}" for name, value in headers)]
        lines += [f"Content-Type: {self._vendor.content_type}", f"Content-Length: {len(body)}", "", body]
        return "\r\n".join(lines).encode("ascii")


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Send = Callable[[], Awaitable[object]]
Opening = Callable[[str, float | None], AbstractAsyncContextManager[Send]]
"""Makes a client of an origin, with a read timeout or its own; gives what sends one message."""


@asynccontextmanager
async def twilio(origin: str, read_timeout: float | None) -> AsyncIterator[Send]:
    """Twilio's asynchronous client."""
    rest, http = importlib.import_module("twilio.rest"), importlib.import_module("twilio.http.async_http_client")
    async with http.AsyncTwilioHttpClient(timeout=read_timeout) as http_client:
        client = rest.Client("AC" + "0" * 32, "invented", http_client=http_client)
        client.api.base_url = origin
        yield partial(client.messages.create_async, to=TO, from_="+306970000009", body=BODY)


@asynccontextmanager
async def vonage(origin: str, read_timeout: float | None) -> AsyncIterator[Send]:
    """Vonage's client, which is not asynchronous, in a thread."""
    package, sms = importlib.import_module("vonage"), importlib.import_module("vonage_sms")
    options = {"rest_host": origin.removeprefix("https://")} | ({} if read_timeout is None else {"timeout": read_timeout})
    auth = package.Auth(api_key="invented", api_secret="invented")  # noqa: S106 - invented, and opens nothing
    client = package.Vonage(auth, package.HttpClientOptions(**options))
    message = sms.SmsMessage(to=TO.removeprefix("+"), from_=SENDER_ID, text=BODY)
    yield partial(asyncio.to_thread, client.sms.send, message)


@asynccontextmanager
async def telnyx(origin: str, read_timeout: float | None) -> AsyncIterator[Send]:
    """Telnyx's asynchronous client, over httpx as it comes."""
    options: Mapping[str, Any] = {} if read_timeout is None else {"timeout": read_timeout}
    async with importlib.import_module("telnyx").AsyncTelnyx(api_key="invented", base_url=origin, **options) as client:
        yield partial(client.messages.send, to=TO, from_=SENDER_ID, text=BODY)


@asynccontextmanager
async def sns(origin: str, read_timeout: float | None, *, mode: str | None = None) -> AsyncIterator[Send]:
    """AWS's SNS by aiobotocore; *mode* is that of its retries, None for the default."""
    session, config = importlib.import_module("aiobotocore.session"), importlib.import_module("aiobotocore.config")
    options: dict[str, Any] = {} if read_timeout is None else {"read_timeout": read_timeout}
    if mode is not None:
        options["retries"] = {"mode": mode}
    async with session.get_session().create_client(
        "sns",
        region_name="eu-central-1",
        endpoint_url=origin,
        aws_access_key_id="invented",
        aws_secret_access_key="invented",  # noqa: S106 - invented, and opens nothing
        config=config.AioConfig(**options),
    ) as client:
        yield partial(client.publish, PhoneNumber=TO, Message=BODY)


@asynccontextmanager
async def slack(origin: str, read_timeout: float | None) -> AsyncIterator[Send]:
    """Slack's asynchronous client: no SMS, but messages all the same."""
    module = importlib.import_module("slack_sdk.web.async_client")
    options = {} if read_timeout is None else {"timeout": read_timeout}
    client = module.AsyncWebClient(token="xoxb-invented", base_url=f"{origin}/api/", **options)  # noqa: S106 - invented
    yield partial(client.chat_postMessage, channel="C00000000", text=BODY)


def _aws_error(status: HTTPStatus) -> str:
    codes = {429: "Throttled", 500: "InternalError"}  # as in the service description of SNS, which has no other of these
    code = codes.get(status, status.phrase.replace(" ", ""))
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{status.phrase}</Message></Error></ErrorResponse>"


TWILIO = Vendor(
    json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "to": TO, "body": BODY}),
    lambda status: json.dumps({"code": 20000 + status, "message": status.phrase, "status": status}),
)
VONAGE = Vendor(
    json.dumps({"message-count": "1", "messages": [{"to": TO.removeprefix("+"), "message-id": "0A", "status": "0"}]}),
    lambda status: json.dumps({"title": status.phrase, "detail": status.phrase}),
)
TELNYX = Vendor(
    json.dumps({"data": {"id": "00000000-0000-0000-0000-000000000000", "record_type": "message", "text": BODY}}),
    lambda status: json.dumps({"errors": [{"code": "10007", "title": status.phrase, "detail": status.phrase}]}),
)
SNS = Vendor(
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>0</MessageId></PublishResult>'
    "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></PublishResponse>",
    _aws_error,
    "text/xml",
)
SLACK = Vendor(
    json.dumps({"ok": True, "channel": "C00000000", "ts": "1700000000.000100", "message": {"text": BODY}}),
    lambda status: json.dumps({"ok": False, "error": status.phrase.lower().replace(" ", "_")}),
)


@attrs.frozen
class Client:
    """A client to measure.

    Attributes:
        name: For the table and the command line.
        needs: Distribution to the module that must be there; the first is the client, and is named with its version.
        measure: Makes one measurement: the client's name, the fault, the guard.
        read_timeout: How a read timeout of a second is asked for.
    """

    name: str
    needs: Mapping[str, str]
    measure: Callable[[str, Fault, Guard], Awaitable[Cell]]
    read_timeout: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Distributions to install before this client can be measured."""
        return tuple(name for name, module in self.needs.items() if importlib.util.find_spec(module) is None)

    @property
    def version(self) -> str:
        """Version of the client."""
        with suppress(PackageNotFoundError):
            return version(next(iter(self.needs)))
        return "unknown"


async def watch(send: Send) -> tuple[str, float]:
    """Send once; return what the caller was told and the seconds it took."""
    begun = time.monotonic()
    limit = asyncio.timeout(PATIENCE)
    try:
        async with limit:
            told = f"returned {type(await send()).__name__}"
    except Exception as error:  # noqa: BLE001 - whatever a client raises is the result
        told = f"still waiting after {PATIENCE:.0f} s" if limit.expired() else type(error).__name__
    return told, round(time.monotonic() - begun, 1)


async def measure_rival(
    name: str,
    fault: Fault,
    guard: Guard,
    *,
    opening: Opening,
    vendor: Vendor,
    needs_tls: bool = False,
) -> Cell:
    """Measure a client of another vendor's against the fault server."""
    with FaultServer(vendor, fault.effect, certify() if needs_tls else None) as server, deaf_port() as deaf:
        port = server.port if fault.listening else deaf
        origin = f"{'https' if needs_tls else 'http'}://127.0.0.1:{port}"
        async with opening(origin, READ_TIMEOUT if fault.name == "hang" else None) as send:
            told, seconds = await watch(send)
            return Cell(name, fault.name, server.posts, guard.connects[port], told, seconds, tuple(sorted(server.keys)))


async def measure_ours(
    name: str,
    fault: Fault,
    guard: Guard,
    *,
    on_unknown: OnUnknown = OnUnknown.REPORT,
    read_timeout: float = READ_TIMEOUT,
) -> Cell:
    """Measure `RouteeClient.send` against the sandbox. The request for the token is not struck, and not counted."""
    async with Sandbox() as sandbox:
        if fault.effect is not None:
            sandbox.faults.add(Strike(fault.effect, path="/sms"))
        with deaf_port() as deaf:
            api = sandbox.base_url if fault.listening else f"http://127.0.0.1:{deaf}"
            timeout = Timeout(sock_read=read_timeout) if fault.name == "hang" else Timeout()
            async with RouteeClient(
                sandbox.application_id,
                sandbox.application_secret,
                base_url=api,
                auth_url=sandbox.auth_url,
                timeout=timeout,
            ) as client:
                sms = Sms(to=TO, sender_id=SENDER_ID, body=BODY)
                told, seconds = await watch(partial(client.send, sms, on_unknown=on_unknown))
            requests = sandbox.journal.requests
            posts = requests.total() - requests["POST /oauth/token"]  # a redirect that is followed is counted, too
            return Cell(name, fault.name, posts, guard.connects[int(api.rpartition(":")[2])], told, seconds)


def certify() -> ssl.SSLContext:
    """A context for a server on loopback whose certificate everything that heeds `REQUESTS_CA_BUNDLE` trusts."""
    trustme = importlib.import_module("trustme")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(authority.cert_pem.bytes())
    os.environ["REQUESTS_CA_BUNDLE"] = file.name
    return context


# Further modes of ours (`OnUnknown`) are further lines here.
CLIENTS = (
    Client("routee_async", {"routee-async": "routee_async"}, measure_ours, "`Timeout(sock_read=1)`"),
    Client(
        "twilio",
        {"twilio": "twilio"},
        partial(measure_rival, opening=twilio, vendor=TWILIO),
        "`AsyncTwilioHttpClient(timeout=1)`",
    ),
    Client(
        "vonage",
        {"vonage": "vonage", "trustme": "trustme"},
        partial(measure_rival, opening=vonage, vendor=VONAGE, needs_tls=True),
        "`HttpClientOptions(timeout=1)`",
    ),
    Client(
        "telnyx",
        {"telnyx": "telnyx"},
        partial(measure_rival, opening=telnyx, vendor=TELNYX),
        "`AsyncTelnyx(timeout=1)`",
    ),
    Client(
        "aiobotocore SNS",
        {"aiobotocore": "aiobotocore"},
        partial(measure_rival, opening=sns, vendor=SNS),
        "`AioConfig(read_timeout=1)`",
    ),
    Client(
        "aiobotocore SNS standard",
        {"aiobotocore": "aiobotocore"},
        partial(measure_rival, opening=partial(sns, mode="standard"), vendor=SNS),
        "`AioConfig(read_timeout=1)`",
    ),
    Client(
        "slack_sdk",
        {"slack-sdk": "slack_sdk"},
        partial(measure_rival, opening=slack, vendor=SLACK),
        "`AsyncWebClient(timeout=1)`",
    ),
)
BY_NAME = {client.name: client for client in CLIENTS}
FAULT_BY_NAME = {fault.name: fault for fault in FAULTS}


def be_a_cell(client: str, fault: str) -> None:
    """Make one measurement in this process, print it as JSON, and leave at once, whatever threads still hang."""
    guard = Guard()
    sys.addaudithook(guard)
    cell = asyncio.run(_measured(BY_NAME[client], FAULT_BY_NAME[fault], guard))
    print(json.dumps(attrs.asdict(cell)), flush=True)


async def _measured(client: Client, fault: Fault, guard: Guard) -> Cell:
    cell = await client.measure(client.name, fault, guard)
    if guard.leaks:
        raise LeakError(f"not loopback: {guard.leaks}")
    return cell


async def run_cell(client: Client, fault: Fault, turns: asyncio.Semaphore) -> Cell:
    """Have one measurement made in a process of its own."""
    async with turns:
        with tempfile.TemporaryDirectory() as home:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                __file__,
                "--cell",
                client.name,
                fault.name,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=home,
                env={"HOME": home, "TMPDIR": home} | {name: os.environ[name] for name in SEES if name in os.environ},
            )
            try:
                async with asyncio.timeout(LIMIT):
                    printed, complaints = await process.communicate()
            except TimeoutError:
                raise RuntimeError(f"{client.name}, {fault.name}: no result in {LIMIT:.0f} s") from None
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
        if process.returncode:
            raise RuntimeError(f"{client.name}, {fault.name}: {complaints.decode()[-2000:]}")
        return Cell(**json.loads(printed.splitlines()[-1]))


async def run_all(clients: Sequence[Client], chosen: Sequence[Fault], *, rounds: int, jobs: int) -> list[Cell]:
    """Make all measurements *rounds* times, *jobs* at a time."""
    turns = asyncio.Semaphore(jobs)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_cell(client, fault, turns)) for _ in range(rounds) for client in clients for fault in chosen]
    return [task.result() for task in tasks]


def to_table(
    clients: Sequence[Client],
    chosen: Sequence[Fault],
    cells: Sequence[Cell],
    show: Callable[[Fault, Sequence[Cell]], str],
) -> str:
    """A Markdown table: a row for each fault, a column for each client, all rounds in one field."""
    by_key: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        by_key.setdefault((cell.client, cell.fault), []).append(cell)
    lines = [["fault", *(client.name for client in clients)], ["---"] * (len(clients) + 1)]
    lines += [[fault.title, *(show(fault, by_key[client.name, fault.name]) for client in clients)] for fault in chosen]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def span(values: Iterable[object]) -> str:
    """The smallest and the greatest of *values*, or the one that they all are."""
    ends = list(map(str, values))
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]}–{ends[-1]}"


def show_posts(fault: Fault, cells: Sequence[Cell]) -> str:
    """How many POSTs there were, bold where that may have made more than one message; attempts where there could be none."""
    posts = sorted(cell.posts for cell in cells)
    if not fault.listening:
        return f"{span(posts)} ({span(sorted(cell.connects or 0 for cell in cells))})"
    return f"**{span(posts)}**" if posts[-1] > 1 and not fault.repeatable else span(posts)


def show_told(_: Fault, cells: Sequence[Cell]) -> str:
    """What the caller was told, and when."""
    told = " or ".join(sorted({cell.told for cell in cells}))
    return told if told.startswith("still") else f"{told}, {span(sorted(cell.seconds for cell in cells))} s"


def to_markdown(clients: Sequence[Client], absent: Sequence[Client], chosen: Sequence[Fault], cells: Sequence[Cell]) -> str:
    """Everything that was found out."""
    versions = dict.fromkeys(f"{next(iter(client.needs))} {client.version}" for client in clients)
    parts = [
        f"Python {platform.python_version()}, {', '.join(versions)}",
        "POST requests for one logical send, smallest–greatest where rounds differ:",
        to_table(clients, chosen, cells, show_posts),
        "What the caller was told, and after how many seconds:",
        to_table(clients, chosen, cells, show_told),
        "Read timeout where there is no answer: "
        + ", ".join(dict.fromkeys(f"{next(iter(client.needs))} {client.read_timeout}" for client in clients)),
    ]
    if any(cell.keys is not None for cell in cells):
        seen = ", ".join(sorted({f"{key} ({cell.client})" for cell in cells for key in cell.keys or ()}))
        parts.append(f"Headers on the wire that could be an idempotency key: {seen or 'none'}")
    if absent:
        parts.append("Not measured: " + "; ".join(f"{client.name} (install {', '.join(client.missing)})" for client in absent))
    return "\n\n".join(parts)


def to_json(clients: Sequence[Client], absent: Sequence[Client], cells: Sequence[Cell]) -> str:
    """The same as data."""
    figures = {
        "python": platform.python_version(),
        "versions": {client.name: client.version for client in clients},
        "not measured": {client.name: client.missing for client in absent},
        "cells": [attrs.asdict(cell) for cell in cells],
    }
    return json.dumps(figures, indent=2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", action="append", choices=BY_NAME, help="only this one; may be repeated")
    parser.add_argument("--fault", action="append", choices=FAULT_BY_NAME, help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each pair")
    parser.add_argument("--jobs", type=int, default=2, help="measurements at a time")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--cell", nargs=2, metavar=("CLIENT", "FAULT"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cell:
        be_a_cell(*options.cell)
        return
    wanted = [BY_NAME[name] for name in options.client or BY_NAME]
    chosen = [FAULT_BY_NAME[name] for name in options.fault or FAULT_BY_NAME]
    clients, absent = [client for client in wanted if not client.missing], [client for client in wanted if client.missing]
    cells = asyncio.run(run_all(clients, chosen, rounds=options.rounds, jobs=options.jobs))
    print(to_json(clients, absent, cells) if options.json else to_markdown(clients, absent, chosen, cells))


if __name__ == "__main__":
    main()
