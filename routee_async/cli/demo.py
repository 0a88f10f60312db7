"""`routee demo`: a thousand messages through a sandbox on this machine, each followed to its end."""

import asyncio
import time
from contextlib import aclosing
from typing import Annotated

from cyclopts import Parameter, validators

from routee_async import Accepted, DeliveryReport, Outcome, PollPolicy, SentSms
from routee_async.cli import demo_tally, following, output
from routee_async.cli.demo_messages import build_sandbox, messages
from routee_async.cli.demo_tally import Tally
from routee_async.cli.failures import Exit
from routee_async.cli.progress import Progress
from routee_async.sandbox import Sandbox


async def demo(
    *,
    count: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1000,
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 100,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Watch messages go through a sandbox to their end.

    ```shell
    routee demo --count 1000
    ```

    No account, no cost, and nothing leaves this machine. The messages go by HTTP to several countries, in several alphabets and
    lengths. Some are wrong, some get lost on the way, some are never delivered, and in the end it all has to add up.

    The exit status is 0 if it does, otherwise 1.

    Args:
        count: How many messages.
        concurrency: The most messages under way at a time.
        as_json: Write the figures as one JSON object.
    """
    tally = Tally(count)
    async with build_sandbox() as sandbox:
        output.say(f"Sending {count:,} messages to a sandbox on this machine, {sandbox.base_url}")
        await _send(sandbox, tally, concurrency)
        tally.ask(sandbox)
    if as_json:
        output.emit_json(tally.to_json())
    else:
        output.results().print("", demo_tally.show(tally), sep="\n")
    return Exit.DONE if tally.adds_up else Exit.FAILED


async def _send(sandbox: Sandbox, tally: Tally, concurrency: int) -> None:
    """Send, follow, show how far it is, and count."""
    began = time.monotonic()

    def take_outcome(outcome: Outcome) -> SentSms | None:
        tally.take_outcome(outcome)
        done = tally.fates.total()
        progress.show("sent", done, tally.count, f"{done:,} of {tally.count:,}")
        if not isinstance(outcome, Accepted):
            return None
        tally.sending_seconds = time.monotonic() - began
        return outcome.sent

    def take_report(report: DeliveryReport) -> None:
        tally.take_report(report)
        final, accepted = tally.statuses.total(), len(tally.accepted)
        progress.show("final", final, accepted, f"{final:,} of {accepted:,}")

    async with (
        sandbox.client(max_connections=concurrency + following.POLLS) as client,
        aclosing(messages(tally.count)) as source,
    ):
        with Progress("sent", "final") as progress:
            await following.send_and_follow(
                client,
                client.send_many(source, concurrency=concurrency),
                policy=PollPolicy(),
                on_outcome=take_outcome,
                on_report=take_report,
                stop=asyncio.Event(),
            )
        tally.seconds = time.monotonic() - began
