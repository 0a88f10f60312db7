"""The faults that teach most, as switches: what goes wrong, and what a client should do about it."""

from typing import Final

import attrs

from routee_async.sandbox import faults
from routee_async.sandbox.effects import Body, Effect, Shape
from routee_async.sandbox.faults import Fault, FaultPlan

SHARES: Final = {"always": 1.0, "often": 0.5, "sometimes": 0.2}
"""How often a switch strikes: a word to its chance."""


@attrs.frozen(kw_only=True)
class Switch:
    """A fault that can be switched on and off by name.

    Attributes:
        name: Its name in addresses.
        title: A few words.
        meaning: What happens.
        advice: What a client should do.
        effect: What happens, as data.
        method: HTTP method of the requests it strikes.
        path: Their path.
        prefix: Whatever begins with the path is struck, too.
    """

    name: str
    title: str
    meaning: str
    advice: str
    effect: Effect
    method: str = "POST"
    path: str = "/sms"
    prefix: bool = False

    def fault(self, probability: float = 1.0) -> Fault:
        """Make the fault."""
        return Fault(self.effect, method=self.method, path=self.path, prefix=self.prefix, probability=probability)


SWITCHES: Final = (
    Switch(
        name="lost-answer",
        title="Answer lost",
        meaning="The message is accepted, then the connection breaks before the answer.",
        advice="Do not send again. Look the message up by its label, and only then decide.",
        effect=faults.reset(accepted=True),
    ),
    Switch(
        name="error-after-acceptance",
        title="500, but sent",
        meaning="The message is accepted, and the server answers 500 all the same.",
        advice="A 5xx to a send proves nothing. Treat it as unknown, not as failed.",
        effect=faults.error(500, accepted=True),
    ),
    Switch(
        name="connection-refused",
        title="Connection closed",
        meaning="The connection is closed before the request is read. Nothing is sent.",
        advice="It looks the same as a lost answer from where you are. Look it up before you send again.",
        effect=faults.close(accepted=False),
    ),
    Switch(
        name="no-answer",
        title="No answer at all",
        meaning="The message is accepted, and nothing ever comes back.",
        advice="Have a timeout. When it strikes, the message may well be on its way.",
        effect=faults.hang(accepted=True),
    ),
    Switch(
        name="slow",
        title="Slow answers",
        meaning="Every answer to a send comes three seconds late.",
        advice="Keep the number of open requests bounded, and do not mistake slow for lost.",
        effect=faults.delay(3.0, accepted=True),
    ),
    Switch(
        name="too-many-requests",
        title="429, wait a second",
        meaning="Sends are refused with 429 and Retry-After: 1. Nothing is sent.",
        advice="Hold all sends for that long, not only this one, then go on more slowly.",
        effect=faults.error(429, retry_after="1"),
    ),
    Switch(
        name="unavailable",
        title="503 from a gateway",
        meaning="A page of some gateway instead of an answer. Nothing is sent.",
        advice="The gateway does not say whether Routee got it. Treat it as unknown.",
        effect=faults.error(503),
    ),
    Switch(
        name="token-expired",
        title="Token refused",
        meaning="Sends are refused with 401 as if the token had just expired.",
        advice="Get a new token once, repeat the send once, then give up.",
        effect=faults.error(401),
    ),
    Switch(
        name="broken-answer",
        title="Broken answer",
        meaning="The message is accepted; the answer is cut off in the middle of its JSON.",
        advice="A 200 that cannot be read is still a message that was sent.",
        effect=faults.mangled(Shape.BAD_JSON),
    ),
    Switch(
        name="no-balance",
        title="Out of money",
        meaning="Sends are refused with 400001009. Nothing is sent.",
        advice="Stop the batch. The next message will not fare any better.",
        effect=faults.error(400, code="400001009", form=Body.ROUTEE),
    ),
    Switch(
        name="tracking-down",
        title="Tracking down",
        meaning="Reading what became of messages fails with 503; sending works.",
        advice="Ask again later. It says nothing about the messages.",
        effect=faults.error(503),
        method="",
        path="/sms/tracking",
        prefix=True,
    ),
)
"""All of them, the most instructive first."""
BY_NAME: Final = {switch.name: switch for switch in SWITCHES}


class Switchboard:
    """Turns switches on and off in a plan of faults.

    Args:
        plan: The faults in force.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._on: dict[str, Fault] = {}

    def turn_on(self, switch: Switch, share: str = "always") -> Fault:
        """Turn *switch* on, or let it strike that often from now on."""
        self.turn_off(switch)
        fault = self._on[switch.name] = switch.fault(SHARES[share])
        self._plan.add(fault)
        return fault

    def turn_off(self, switch: Switch) -> None:
        """Turn *switch* off, if it is on."""
        fault = self._on.pop(switch.name, None)
        if fault is not None:
            self._plan.remove(fault)

    def share(self, switch: Switch) -> str | None:
        """Tell how often *switch* strikes; None when it is off, or its fault was removed by other means."""
        fault = self._on.get(switch.name)
        if fault is None or all(entry.fault is not fault for entry in self._plan.entries):
            return None
        return next(share for share, probability in SHARES.items() if probability == fault.probability)

    def struck(self, switch: Switch) -> int:
        """Tell how many requests *switch* has struck since it was turned on."""
        fault = self._on.get(switch.name)
        return 0 if fault is None else self._plan.struck(fault)

    def name_of(self, fault: Fault) -> str | None:
        """Tell which switch a fault belongs to; None for one that was added by other means."""
        return next((name for name, known in self._on.items() if known is fault), None)
