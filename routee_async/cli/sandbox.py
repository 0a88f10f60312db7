"""`routee sandbox`: a Routee of one's own, until Ctrl-C."""

import asyncio
import json
import webbrowser
from typing import Annotated

from cyclopts import Parameter, validators

from routee_async.cli import interrupts, output
from routee_async.cli.failures import Exit, UsageError
from routee_async.sandbox import Fault, Sandbox, Timeline
from routee_async.sandbox.control.fault_form import read_form
from routee_async.sandbox.control.problems import ControlError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only if it is asked for


async def sandbox(  # noqa: PLR0913 - each is an option of the command
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 0,
    token_life: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 3600.0,
    visibility_delay: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 1.0,
    final_after: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 2.0,
    balance: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 100_000.0,
    scale: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 1.0,
    keep: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 50_000,
    allow_host: tuple[str, ...] = (),
    fault: tuple[str, ...] = (),
    lean: Annotated[bool, Parameter(negative=())] = False,
    open_inbox: Annotated[bool, Parameter(name="--open", negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Run a fake Routee on this machine.

    ```shell
    routee sandbox --port 8080
    ```

    It sends nothing and costs nothing. Paste the lines that it prints into another terminal, and what you run there talks to it.
    Its inbox, a web page, shows what was sent, as phones would, and lets you reply and make things go wrong.
    Ctrl-C stops it; what it was told is then forgotten. The exit status is 0, or 1 if the port is taken.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        token_life: Seconds that an access token lives.
        visibility_delay: Seconds until a message can be tracked.
        final_after: Seconds until a message has its final status.
        balance: Money of the account; a part of a message costs 0.032.
        scale: How many of its seconds pass in a real one: 3600 for an hour a second.
        keep: How many messages are kept; the oldest are forgotten.
        fault: What goes wrong from the start, as JSON such as `{"effect": {"kind": "reset", "accepted": true}, "path": "/sms"}`;
            may be given again. `docs/sandbox.md` names all kinds and conditions; the inbox has the most useful ones as switches.
        allow_host: Name under which the inbox may be addressed, besides localhost and addresses; may be given again.
        lean: Keep no copies of requests, for benchmarks.
        open_inbox: Open the inbox in the browser.
        as_json: Write the address and the credentials as one JSON object.
    """
    server = Sandbox(
        host=host,
        port=port,
        token_life=token_life,
        visibility_delay=visibility_delay,
        timeline=Timeline(sent_after=final_after / 4, final_after=final_after),
        balance=balance,
        scale=scale,
        keep_requests=0 if lean else 1000,
        keep_messages=keep,
        allowed_hosts=allow_host,
    )
    for text in fault:
        server.faults.add(_read_fault(text))
    stop = asyncio.Event()
    with interrupts.in_order(stop.set):
        try:
            await server.start()
        except OSError as error:
            output.say(f"routee: cannot listen on {host}:{port}: {error.strerror}; choose another --port, or 0 for a free one")
            return Exit.FAILED
        try:
            url = server.base_url.replace(host, _EVERYWHERE.get(host, host))
            _tell(server, url, as_json=as_json)
            if open_inbox and not await asyncio.to_thread(webbrowser.open, f"{url}/_sandbox/"):
                output.say("routee: there is no browser that could be opened")
            await stop.wait()
        finally:
            await server.stop()
    sends = server.journal.sends_accepted
    output.say(f"The sandbox has stopped. It had accepted {sends:,} message{'' if sends == 1 else 's'}.")
    return Exit.DONE


def _read_fault(text: str) -> Fault:
    try:
        return read_form(json.loads(text))
    except (ValueError, ControlError) as error:
        example = '{"effect": {"kind": "reset", "accepted": true}, "path": "/sms"}'
        raise UsageError(f"--fault: {error}; give JSON such as '{example}'") from None


def _tell(server: Sandbox, url: str, *, as_json: bool) -> None:
    values = {**server.environment(), "ROUTEE_BASE_URL": url, "ROUTEE_AUTH_URL": url}
    if as_json:
        output.emit_json(values)
    else:
        for name, value in values.items():
            output.emit(f"export {name}={value}")
    output.say(
        "The sandbox is running. Paste these lines into another terminal, then try: routee send +306970000001 Hi --sender-id Me"
    )
    output.say(f"Inbox: {url}/_sandbox/")
    output.say("Press Ctrl-C to stop it.")
