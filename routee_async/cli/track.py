"""`routee track`: follow messages to their final status."""

from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from routee_async import DeliveryReport, Ledger, PollPolicy, RouteeClient, TrackedPart, redact
from routee_async.cli import failures, following, output
from routee_async.cli.failures import Exit, UsageError

_FIRST_POLL = 0.2
"""Seconds: what is looked at here was sent a while ago."""
_NOT_FOUND_AFTER = 15.0
"""Seconds: nobody shall wait long because of a slip in an id."""


async def track(
    *tracking_ids: Annotated[str, Parameter(name="TRACKING_ID")],
    ledger: Annotated[Path | None, Parameter()] = None,
    timeout: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 60.0,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Follow messages to their final status.

    ```shell
    routee track 0e5cbcb4-8b2f-4c53-9a3c-3e3b6d1d5f1a --timeout 300
    routee track --ledger run.db --timeout 3600
    ```

    With a ledger, the messages of a batch are followed that were accepted and have no final status yet, and what becomes of them is
    noted in it: so following can be broken off and taken up again. The exit status is 0 if every message was delivered, 1 if not.

    Args:
        tracking_ids: What `routee send` and the results of `routee bulk` show as tracking id.
        ledger: The ledger of a batch; not while the batch is being sent.
        timeout: Seconds after which a message that has no final status is shown as it is.
        as_json: Write one JSON object a message.
    """
    if bool(tracking_ids) == (ledger is not None):
        raise UsageError("give tracking ids, or a ledger: `routee track --ledger run.db`; see `routee track --help`")
    policy = PollPolicy(first_delay=_FIRST_POLL, not_found_grace=_NOT_FOUND_AFTER, give_up_after=timeout)
    shown = delivered = 0
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(RouteeClient.from_env())
        store = None if ledger is None else await stack.enter_async_context(_existing(ledger))
        tracker = await stack.enter_async_context(client.tracker(policy=policy, ledger=store))
        reports = tracker.until_final(tracking_ids if store is None else store)
        async for report in await stack.enter_async_context(aclosing(reports)):
            _show(report, as_json=as_json)
            shown += 1
            delivered += following.is_delivered(report)
    if not shown:
        output.say("routee: no message of this ledger is on its way")
    return Exit.DONE if delivered == shown else Exit.FAILED


def _existing(path: Path) -> Ledger:
    """The ledger, which following alone does not make."""
    ledger = Ledger(path)
    ledger.summary()
    return ledger


def _show(report: DeliveryReport, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(
            {
                "tracking_id": report.tracking_id,
                "status": report.status,
                "final": report.status.is_final,
                "detailed_status": following.detail(report),
                "parts": [_part(part) for part in report.parts],
                "error": None if report.error is None else str(report.error),
            },
        )
    elif report.parts:
        output.emit(_line(report))
    if report.error is not None:
        problem = failures.explain(report.error)
        output.say(f"routee: {problem if report.tracking_id in problem else f'{report.tracking_id}: {problem}'}")


def _part(part: TrackedPart) -> dict[str, object]:
    return {
        "part": part.part,
        "to": part.to,
        "status": part.status,
        "detailed_status": part.detailed_status,
        "description": part.description,
        "updated_at": None if part.updated_at is None else part.updated_at.isoformat(),
        "country": part.country,
        "operator": part.operator,
        "price": None if part.price is None else str(part.price),
    }


def _line(report: DeliveryReport) -> str:
    first = report.parts[0]
    detail = following.detail(report)
    reason = f" ({detail})" if detail and detail != report.status else ""
    number = f"{len(report.parts)} part{'s' if len(report.parts) > 1 else ''}"
    network = " ".join(filter(None, (first.operator, first.country)))
    return "  ".join(
        filter(None, (f"{report.status}{reason}", report.tracking_id, f"to {redact.mask_number(first.to)}", number, network))
    )
