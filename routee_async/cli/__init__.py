"""The command `routee`: thin over the public API, one file a command.

Results go to stdout, everything else to stderr. Exit status: 0 done, 1 something failed, 2 called wrongly. Credentials come from
the environment alone.

    send.py, bulk.py, plan.py, ledger.py, track.py, balance.py, sandbox.py, demo.py: the commands

    bulk_job.py     what was asked, and how a ledger remembers it
    bulk_run.py     one run, new or resumed       bulk_tally.py   what it counts
    ledger_table.py how a batch stands            demo_messages.py, demo_tally.py
    following.py    send many, and follow what was accepted
    recipients.py   rows of a CSV file            writing.py      messages of rows; template.py: `Hi {name}`
    results.py      what became of each row       progress.py     bars, or an occasional line
    failures.py     errors as one line            output.py       where text goes, and how it is made harmless
    interrupts.py   Ctrl-C                        reference.py    docs/cli.md
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Parameter

from routee_async import RouteeError
from routee_async.cli import balance, bulk, demo, failures, ledger, plan, sandbox, send, track
from routee_async.cli.failures import Exit, UsageError
from routee_async.cli.output import say

HELP = """Send SMS through Routee: never twice by its own doing, never losing track of one.

Try it without an account:

```shell
routee demo
```

With an account, set `ROUTEE_APPLICATION_ID` and `ROUTEE_APPLICATION_SECRET`. Results are written to stdout, everything else to
stderr. The exit status is 0 when all is done, 1 when something failed, 2 when the command was called wrongly.
"""

app: App = App(
    name="routee",
    help=HELP,
    version=version("routee-async"),
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # `main` says what there is to say
)
for _command in (demo.demo, send.send, bulk.bulk, plan.plan, track.track, balance.balance, sandbox.sandbox):
    # By name: cyclopts would otherwise show how this process was started in the usage lines of the reference.
    app.command(App(name=_command.__name__, default_command=_command, version_flags=()))
app.command(ledger.app)


async def run(arguments: Sequence[str]) -> int:
    """Carry out one command line.

    Args:
        arguments: What follows `routee`.

    Returns:
        The exit status.
    """
    try:
        status = await app.run_async(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return failures.report_misuse(error)
    except (RouteeError, UsageError) as error:
        return failures.report(error)
    return status if isinstance(status, int) else Exit.DONE


def main() -> int:
    """Carry out the command line of this process, and return the exit status."""
    logging.getLogger("routee_async").addHandler(logging.NullHandler())  # the commands say themselves what matters
    try:
        status = asyncio.run(run(sys.argv[1:]))
        sys.stdout.flush()  # here, where a reader who has gone is expected, and not when Python closes it
    except KeyboardInterrupt:
        say("routee: interrupted")
    except BrokenPipeError:
        # Whoever read our results has gone. Python would complain once more while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        return status
    return Exit.FAILED
