"""What the documentation leaves open, as choices. Source: routee-api.md §8, §10."""

from collections.abc import Mapping
from enum import StrEnum

import attrs

from routee_async.sandbox.timeline import Outcome, Timeline


class Era(StrEnum):
    """Which answers and callbacks are written (§10.10)."""

    TODAY = "today"
    """As documented now."""
    OLD = "2016"
    """As recorded in 2016: no `part` and no `reason` anywhere, no `smsId` in callbacks, no `campaignTrackingId` in tracking, and
    no `Unsent` among the counters of a campaign."""


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
    shape: Era = attrs.field(default=Era.TODAY, converter=Era)
