"""`routee send`: send one message."""

import asyncio
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter, validators

from routee_async import (
    Callback,
    PollPolicy,
    RouteeClient,
    RouteeError,
    SentSms,
    Sms,
    TrackingTimeoutError,
    redact,
)
from routee_async.cli import failures, following, output
from routee_async.cli.failures import Exit


async def send(
    to: str,
    body: str,
    /,
    *,
    sender_id: str,
    label: str | None = None,
    ttl: int | None = None,
    flash: bool = False,
    callback_url: str | None = None,
    wait: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Send one message, at most once.

    ```shell
    routee send +306970000001 "Your parcel is here" --sender-id ParcelCo --wait 60
    ```

    The exit status is 0 if the message was accepted (and delivered, with `--wait`), 1 if not, 2 if it cannot be sent as it is.

    Args:
        to: Recipient in E.164, such as +306970000001.
        body: Text, 1 to 1,600 characters.
        sender_id: Who it is from: 1 to 11 letters, digits and spaces, or 1 to 16 digits.
        label: Text that comes back in tracking and callbacks, up to 350 characters.
        ttl: Minutes for which delivery is tried, 1 to 4320.
        flash: Show it at once, on the screen.
        callback_url: Where Routee shall report each change of status.
        wait: Wait so many seconds for the final status.
        as_json: Write one JSON object.
    """
    sms = Sms(
        to=to,
        body=body,
        sender_id=sender_id,
        label=label,
        ttl=None if ttl is None else timedelta(minutes=ttl),
        flash=flash,
        callback=None if callback_url is None else Callback(callback_url),
    )
    policy = None if wait is None else PollPolicy(give_up_after=wait)
    try:
        async with RouteeClient.from_env() as client:
            sent = await _send(client, sms)
            if policy is None:
                _show(sent, sent.status, None, as_json=as_json)
                return Exit.DONE
            return await _wait(client, sent, policy, as_json=as_json)
    except RouteeError as error:
        if as_json:
            output.emit_json(failures.describe(error))
        raise


async def _send(client: RouteeClient, sms: Sms) -> SentSms:
    try:
        return await client.send(sms)
    except asyncio.CancelledError:
        output.say("routee: the message may have been sent; look for it in Routee's portal before you send it again")
        raise


async def _wait(client: RouteeClient, sent: SentSms, policy: PollPolicy, *, as_json: bool) -> Exit:
    """Wait for the final status, and show whatever came of that: the message was accepted all the same."""
    try:
        async with client.tracker(policy=policy) as tracker:
            report = await tracker.wait(sent)
    except RouteeError as error:
        output.say(f"routee: {failures.explain(error)}")
        last = error.last_status if isinstance(error, TrackingTimeoutError) else None
        _show(sent, last or sent.status, None, as_json=as_json)
        return Exit.FAILED
    except asyncio.CancelledError:
        _show(sent, sent.status, None, as_json=as_json)
        raise
    _show(sent, report.status, following.detail(report), as_json=as_json)
    return Exit.DONE if following.is_delivered(report) else Exit.FAILED


def _show(sent: SentSms, status: str, detail: str | None, *, as_json: bool) -> None:
    analysis = sent.body_analysis
    if as_json:
        values = {"tracking_id": sent.tracking_id, "to": sent.to, "sender_id": sent.sender_id, "label": sent.label}
        output.emit_json(
            {
                **values,
                "created_at": sent.created_at and sent.created_at.isoformat(),
                "parts": analysis.parts,
                "status": status,
                "detailed_status": detail,
            },
        )
        return
    reason = f" ({detail})" if detail and detail != status else ""
    parts = f"{analysis.parts} part{'s' if analysis.parts > 1 else ''}"
    alphabet = "UCS-2" if analysis.unicode else "GSM-7"
    output.emit(f"{status}{reason}  {sent.tracking_id}  to {redact.mask_number(sent.to)}  {parts} in {alphabet}")
