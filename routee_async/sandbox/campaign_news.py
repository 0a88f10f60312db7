"""Callbacks about a campaign: when there is news, and what it is. Source: routee-api.md §5.0, §5.2."""

from collections import Counter

from routee_async.sandbox.accounts import Hook
from routee_async.sandbox.callbacks import ON_COMPLETION, CallbackKind
from routee_async.sandbox.campaign import Campaign
from routee_async.sandbox.desk import Desk
from routee_async.sandbox.timeline import rolled_up

_ENDS = frozenset({"Finished", "Failed"})


class CampaignNews:
    """Tells of campaigns: each state that they come to, and about every so many per cent of movement in the counters.

    Args:
        desk: Where callbacks are put down.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def follow(self, campaign: Campaign, now: float) -> None:
        """Tell of a campaign that goes out now, and plan when to look at it again."""
        if campaign.hook is None:
            return
        self.tell(campaign, now)
        for moment in self._moments(campaign):
            self._desk.agenda.add(moment, lambda due: self.tell(campaign, due))

    def tell(self, campaign: Campaign, now: float) -> None:
        """Tell of *campaign* if there is news, in epoch seconds *now*, and anybody wants to know."""
        hook = campaign.hook
        if hook is None:
            return
        counts = campaign.counts(now)
        state = campaign.state(counts)
        if not self._is_news(campaign, state, counts, hook):
            return
        campaign.told = (state, counts)
        event = campaign.event(state, counts, hook)
        line, last = campaign.tracking_id, state in _ENDS
        self._desk.callbacks.emit(CallbackKind.CAMPAIGN, hook.url, event, campaign.tracking_id, now, line=line, last=last)

    def _is_news(self, campaign: Campaign, state: str, counts: Counter[str], hook: Hook) -> bool:
        if campaign.told is None or campaign.told[0] != state:
            return hook.strategy != ON_COMPLETION or state in _ENDS
        # Each message that moves leaves one counter and enters another.
        before = campaign.told[1]
        moved = sum(abs(counts[name] - before[name]) for name in counts.keys() | before.keys()) / 2
        return hook.strategy != ON_COMPLETION and moved >= self._share(campaign)

    def _share(self, campaign: Campaign) -> float:
        return max(1.0, self._desk.settings.campaign_step * len(campaign.messages))

    def _moments(self, campaign: Campaign) -> list[float]:
        """Tell at which moments there may be news, as far as messages move by the clock: few, however many those are."""
        moves = sorted(
            message.reached(step)
            for message in campaign.messages
            if message.timeline.reads is None
            for step in (1, 2)
            if rolled_up(message.states_at(step)).step == step
        )
        if not moves:
            return []
        by_clock = [message for message in campaign.messages if message.timeline.reads is None]
        firsts = [message.reached(1) for message in by_clock]
        stride = max(1, int(self._share(campaign) / 4))
        return sorted({*moves[stride - 1 :: stride], moves[-1], min(firsts), max(firsts)})
