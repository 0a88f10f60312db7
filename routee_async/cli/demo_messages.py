"""What `routee demo` sends, and what its sandbox does about it. No chance in it: the same messages each time."""

from collections.abc import AsyncGenerator

from routee_async import Sms
from routee_async.sandbox import Fault, Magic, Outcome, Sandbox, Timeline, faults

_ENDS = {Outcome.DELIVERED: 90, Outcome.UNKNOWN_NUMBER: 4, Outcome.EXPIRED: 3, Outcome.FAILED: 2, Outcome.ROAMING: 1}
"""Shares of the ways in which accepted messages end."""
_TIMELINE = Timeline(sent_after=0.4, final_after=1.5)
_VISIBILITY_DELAY = 0.6

_PREFIXES = ("+306970", "+357990", "+447700", "+491510", "+393330", "+336390", "+346000", "+120255")
_BODIES = (
    "Your parcel {n} is here",
    "Το δέμα σας {n} έφτασε",
    "Parcel {n} is on its way 🚚",
    "Parcel {n}: pay 12.50€ [cash] at the door",
    "Parcel {n} could not be delivered today, and nobody knows why. " * 4,
    "Το δέμα {n} παραδόθηκε στον γείτονα. " * 4,
    "Parcel {n} 🎁🎉 " * 12,
)

_LOST, _AGAIN, _BUSY = "+306970999001", "+306970999002", "+306970999003"
"""Recipients to whom requests fail: after they were carried out, once with 429, always with 429."""
_OFTEN, _RARE = 200, 500
_IN_OFTEN: dict[int, dict[str, str]] = {
    3: {"to": "the number on the parcel"},
    5: {"sender_id": "ParcelCenter"},
    9: {"body": "x" * 1601},
    13: {"to": Magic.REFUSED},
}
"""What is different about one message in so many, by its place among them."""
_IN_RARE: dict[int, dict[str, str]] = {7: {"to": _LOST}}
_AT_THE_END: dict[int, dict[str, str]] = {1: {"to": _BUSY}, 2: {"to": _AGAIN}}
"""The same, by how many messages are left. A 429 slows down all that comes after it, so these come last."""
_FEWEST_FOR_AN_END = 100


async def messages(count: int) -> AsyncGenerator[Sms, None]:
    """Make *count* messages, all different, a few of them wrong."""
    for number in range(count):
        yield message(number, count)


def message(number: int, count: int) -> Sms:
    """Make message *number*, counted from 0, of *count*."""
    fields = {
        "to": f"{_PREFIXES[number % len(_PREFIXES)]}{number:06d}",
        "sender_id": "ParcelCo",
        "body": _BODIES[number % len(_BODIES)].format(n=number),
        **_IN_RARE.get(number % _RARE, {}),
        **_IN_OFTEN.get(number % _OFTEN, {}),
    }
    if count >= _FEWEST_FOR_AN_END:
        fields |= _AT_THE_END.get(count - number, {})
    return Sms(to=fields["to"], sender_id=fields["sender_id"], body=fields["body"], label=f"demo-{number}")


def build_sandbox() -> Sandbox:
    """Make a sandbox that is ready for these messages."""
    sandbox = Sandbox(shares=_ENDS, timeline=_TIMELINE, visibility_delay=_VISIBILITY_DELAY)
    sandbox.faults.add(
        Fault(faults.reset(accepted=True), method="POST", path="/sms", to=_LOST),
        Fault(faults.error(429), method="POST", path="/sms", to=_AGAIN, times=1),
        Fault(faults.error(429), method="POST", path="/sms", to=_BUSY),
    )
    return sandbox
