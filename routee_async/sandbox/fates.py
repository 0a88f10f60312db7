"""What becomes of a message: scripts, magic numbers, shares and the validity period. Source: routee-api.md §10.5."""

from bisect import bisect
from itertools import accumulate
from typing import Final

import attrs

from routee_async.sandbox.accounts import Account, Rng
from routee_async.sandbox.checks import MAX_TTL
from routee_async.sandbox.settings import Settings
from routee_async.sandbox.timeline import MAGIC_OUTCOMES, Magic, Outcome, Timeline, magic_of

_NOT_TRIED: Final = frozenset({Outcome.FAILED, Outcome.NEVER_SENT, Outcome.NEVER_FINAL})
"""Outcomes that the validity period does not touch."""


@attrs.frozen(kw_only=True)
class Script:
    """What shall become of certain messages.

    Attributes:
        outcomes: How each part ends; the last one goes for all further parts. Empty: as it would without.
        timeline: When they move on; None: as settings say.
    """

    outcomes: tuple[Outcome, ...] = ()
    timeline: Timeline | None = None


class Fates:
    """Chooses when a message moves on and how its parts end.

    Args:
        rng: Dice for shares.
        settings: Choices.
    """

    def __init__(self, rng: Rng, settings: Settings) -> None:
        self._rng = rng
        self._settings = settings
        self._scripts: dict[str, Script] = {}

    def lay_down(self, script: Script, *, label: str | None, to: str | None) -> None:
        """Let *script* go for messages with that *label*, and for those to that recipient."""
        for name, value in (("label", label), ("to", to)):
            if value is not None:
                self._scripts[f"{name}={value}"] = script

    def clear(self) -> None:
        """Forget all scripts."""
        self._scripts.clear()

    def choose(
        self, account: Account, to: str, label: str | None, ttl: int | None, parts: int, *, body: str = ""
    ) -> tuple[Timeline, tuple[Outcome, ...]]:
        """Choose for a message of *parts* parts with a validity period of *ttl* minutes."""
        magic = magic_of(to, body)
        script = self._find(label, to)
        timeline = (script and script.timeline) or self._settings.timeline
        if script and script.outcomes:
            given = script.outcomes
            outcomes = (given + given[-1:] * parts)[:parts]
        elif to in account.opted_out:
            outcomes = (Outcome.OPTED_OUT,) * parts
        elif magic == Magic.LAST_PART_UNDELIVERED:
            outcomes = (Outcome.DELIVERED,) * (parts - 1) + (Outcome.UNDELIVERED,)
        else:
            outcomes = (MAGIC_OUTCOMES.get(magic) or self._draw(),) * parts
        seconds = 60.0 * (ttl or MAX_TTL)
        if timeline.reads is None and seconds < timeline.final_after:
            timeline = attrs.evolve(timeline, final_after=seconds)
            outcomes = tuple(outcome if outcome in _NOT_TRIED else Outcome.EXPIRED for outcome in outcomes)
        return timeline, outcomes

    def _find(self, label: str | None, to: str) -> Script | None:
        if not self._scripts:
            return None
        return self._scripts.get(f"label={label}") or self._scripts.get(f"to={to}")

    def _draw(self) -> Outcome:
        shares = self._settings.shares
        if not shares:
            return Outcome.DELIVERED
        borders = list(accumulate(shares.values()))
        place = bisect(borders, self._rng.random() * borders[-1])
        return tuple(shares)[min(place, len(borders) - 1)]
