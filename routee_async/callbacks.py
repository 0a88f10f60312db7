"""What Routee posts to a webhook, and who may post it. Pure, for any web framework; `webhook.py` is the aiohttp face of it.

    match parse_callback(await request.body()):
        case MessageCallback(tracking_id=tracking_id, status=status): ...
        case CampaignCallback(state=state): ...
        case InboundSms(sender_id=sender_id, body=body): ...

Names and shapes differ between years (routee-api.md §5, §8): all of them are read. Nothing in a payload is proof of where it came
from, for Routee documents no signature: see docs/callbacks.md.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import cast

from routee_async import codec
from routee_async.callback_models import CallbackEvent, CampaignCallback, InboundSms, MessageCallback
from routee_async.errors import InvalidCallbackError, MalformedResponseError
from routee_async.protocol import with_own_label

MAX_BODY = 64 * 1024
"""Bytes that no callback needs: the longest text is 1,600 characters, the longest label 350."""
_SECRET_BYTES = 32


def parse_callback(payload: bytes | bytearray | str | Mapping[str, object]) -> CallbackEvent:
    """Read the body of one callback.

    A payload with `campaignStatus` is about a campaign, one whose `direction` is `Inbound` is a message that came in, and any other
    is about a message that was sent (§5.2). Fields that are missing or unreadable are None, except those without which the rest
    means nothing: the id, of a message `to` and the status, of a campaign its state, of a message that came in also `from` and the
    text.

    Args:
        payload: JSON, or what it was decoded to.

    Returns:
        What it says. Where a label begins with our own reference, that is taken off it and put into `reference`.

    Raises:
        InvalidCallbackError: It is no such payload.

    Source: docs.routee.net/docs/callbacks; docs.routee.net/docs/inbound-messages-mo.
    """
    try:
        decoded = codec.decode_json(payload) if isinstance(payload, bytes | bytearray | str) else payload
        return _structure(decoded)
    except MalformedResponseError as error:
        problems = error.problems
    raise InvalidCallbackError(problems)


def _structure(payload: object) -> CallbackEvent:
    if not isinstance(payload, Mapping):
        raise MalformedResponseError((f"expected an object, not {type(payload).__name__} @ $",))
    if payload.get("campaignStatus") is not None:
        return codec.structure(payload, CampaignCallback)
    if payload.get("direction") == "Inbound":
        return codec.structure(payload, InboundSms)
    return cast("MessageCallback", with_own_label(codec.structure(codec.flatten_part(dict(payload)), MessageCallback)))


def new_secret() -> str:
    """Make the secret piece of a callback URL: 43 random letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def is_secret(given: str, secret: str | Iterable[str]) -> bool:
    """Compare a piece of a URL with the secret, in a time that does not tell how much of it was right.

    Args:
        given: What stood in the URL.
        secret: What should stand there; several while one takes over from another, for Routee calls the URL that a message was
            sent with up to the end of its validity.
    """
    attempt = given.encode("utf-8", "surrogatepass")
    known = (secret,) if isinstance(secret, str) else secret
    matches = [hmac.compare_digest(attempt, each.encode("utf-8", "surrogatepass")) for each in known]  # all, whichever it is
    # A secret that was left empty by mistake opens nothing.
    return bool(given) and any(matches)
