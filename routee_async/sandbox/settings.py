"""What the documentation leaves open, as choices. Source: routee-api.md §8, §10."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

import attrs

from routee_async.sandbox.timeline import Outcome, Timeline


class Era(StrEnum):
    """Which answers and callbacks are written (§10.10)."""

    TODAY = "today"
    """As documented now."""
    OLD = "2016"
    """As recorded in 2016: no `part` and no `reason` anywhere, no `smsId` in callbacks, no `campaignTrackingId` in tracking, and
    no `Unsent` among the counters of a campaign."""


FIVE_RETRIES: Final = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Five more attempts, as the page about sending says. It says nothing of pauses: these are the first of the others (§5.0)."""
TWELVE_RETRIES: Final = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)
"""Twelve more attempts over 24 hours, as the newer pages say (§5.0)."""


@attrs.frozen(kw_only=True)
class Disorder:
    """What goes wrong with callbacks on purpose. Chances are from 0 to 1, by the dice of the carrier.

    Attributes:
        duplicate: Chance that a callback is posted twice, although it was answered.
        drop: Chance that it is never posted.
        delay: Chance that it is late.
        delay_by: It is then late by up to so many seconds.
        reorder: Chance that it changes places with the next one about the same part, or the same campaign.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    delay_by: float = 60.0
    reorder: float = 0.0


@attrs.define(kw_only=True)
class Settings:
    """How the carrier behaves where the documentation leaves a choice. May be changed while it runs.

    Attributes:
        visibility_delay: Seconds until a message or a campaign can be read. About 1 to 6 were seen.
        timeline: When messages move on.
        shares: Outcome to its weight; drawn once a message. Empty: all are delivered.
        unseen_as_empty: Answer a message that cannot be tracked yet with `[]` rather than 404. Both may be (§2.9).
        needs_content_type: Refuse a body that is not declared as JSON with 415. A guess: Spring does.
        refuse_old_dates: Refuse a search that starts before the last seven days; otherwise cut it. A guess (§2.11).
        refuse_large_pages: Refuse a page of more than 2,000 rows; otherwise cut it. A guess (§10.7).
        cut_pairs: Let the border of two parts cut escape and surrogate pairs when counting. A guess (§6.1).
        max_label: Characters of a label; 20 in older documents (§8 #8).
        max_recipients: Entries in `to` of a campaign (§7.1).
        merge_duplicates: Send to a number once, however often a campaign names it. A guess (§8).
        campaign_rate: Messages of a campaign that go out each second, so that one can be seen `Running`.
        pays_in_full: Refuse a campaign that the balance cannot pay completely; otherwise only one that it cannot even begin to pay,
            and what finds no money becomes `Unsent`. A guess (§10.3).
        queued_callback: Call back about `Queued`, too. Seen for campaigns, not known for single messages (§8).
        campaign_step: Share of its messages that must move for an `OnChange` callback about a campaign; "about every 20 %" (§5.0).
        callback_retries: Seconds from the first attempt to each further one, while the answer is not 200: `FIVE_RETRIES` or
            `TWELVE_RETRIES`, or others.
        callback_timeout: Seconds, real ones, that a receiver has to answer (§5.0).
        callback_hosts: Host names besides those of this machine that may be called. None, so that nothing leaves it by mistake.
        disorder: What goes wrong with callbacks on purpose.
        opt_out: Whoever has sent `STOP` or the like gets nothing more: `Undelivered`, `Opted-out`. A guess (§4.2, §4.3).
        inbound_price: Price of one part of a message that came in, as told in its callback; it is not charged.
        shape: Which answers and callbacks are written: `"today"` or `"2016"` (§10.10).
    """

    visibility_delay: float = 1.0
    timeline: Timeline = attrs.Factory(Timeline)
    shares: Mapping[Outcome, float] = attrs.Factory(dict)
    unseen_as_empty: bool = False
    needs_content_type: bool = True
    refuse_old_dates: bool = True
    refuse_large_pages: bool = False
    cut_pairs: bool = False
    max_label: int = 350
    max_recipients: int = 30_000
    merge_duplicates: bool = True
    campaign_rate: float = 1000.0
    pays_in_full: bool = False
    queued_callback: bool = True
    campaign_step: float = 0.2
    callback_retries: Sequence[float] = FIVE_RETRIES
    callback_timeout: float = 2.0
    callback_hosts: Collection[str] = ()
    disorder: Disorder = attrs.Factory(Disorder)
    opt_out: bool = True
    inbound_price: float = 0.0
    shape: Era = attrs.field(default=Era.TODAY, converter=Era)
