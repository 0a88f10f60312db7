"""The checksum by which a ledger knows a message: neither its number nor its text is kept. Pure."""

from hashlib import blake2b
from operator import attrgetter

import attrs

from routee_async.models import Sms

_BYTES = 16
_EMPTY = blake2b(digest_size=_BYTES)
_BETWEEN = "\0"
_MANDATORY = ("to", "sender_id", "body")
# Those fields of a message that have a default, in their order.
_OPTIONS = tuple(each.name for each in attrs.fields(Sms) if each.default is not attrs.NOTHING)
_NO_OPTIONS = tuple(each.default for each in attrs.fields(Sms) if each.default is not attrs.NOTHING)
_options_of = attrgetter(*_OPTIONS)


def checksum_of(sms: object) -> bytes:
    """Fingerprint of a message as given, so that a resumed run can tell another list.

    Only what differs from its default counts, so that a field that a later version adds does not make every list another one.

    Args:
        sms: The message; of anything else no more than its type counts.

    Returns:
        16 bytes, the same in every process and on every machine.
    """
    if (
        isinstance(sms, Sms)
        # It has no options. Field by field, because this is asked of each message; what only looks different goes the long way.
        and sms.flash is False
        and sms.label is None
        and sms.callback is None
        and sms.ttl is None
        and sms.transcode is None
        and sms.url_shortener is None
        and sms.restrictions is None
    ):
        try:
            # With a further one before the last, two different messages could look the same.
            if _BETWEEN not in sms.to and _BETWEEN not in sms.sender_id:
                checksum = _EMPTY.copy()  # a quarter cheaper than to make a new one with its options
                checksum.update(_BETWEEN.join((sms.to, sms.sender_id, sms.body)).encode())
                return checksum.digest()
        except (TypeError, UnicodeEncodeError):
            pass  # a field that is no text, or not one that can be sent: it will be refused, but has its checksum
    return blake2b(repr(_content_of(sms)).encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _content_of(sms: object) -> object:
    """What counts of a message; as `repr` writes it, it has no zero byte, and so is never what the short way makes."""
    if not isinstance(sms, Sms):
        return type(sms).__name__
    fields: list[tuple[str, object]] = [(name, getattr(sms, name)) for name in _MANDATORY]
    values = zip(_OPTIONS, _options_of(sms), _NO_OPTIONS, strict=True)
    return fields + [(name, _plain(value)) for name, value, default in values if value != default]


def _plain(value: object) -> object:
    return attrs.asdict(value) if attrs.has(type(value)) else value  # type: ignore[arg-type] # it has just been seen
