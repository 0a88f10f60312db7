"""Campaigns: scheduled, sent, counted, changed, cancelled. Source: routee-api.md §2.4 to §2.8, §2.10, §4.4."""

from collections.abc import Iterable, Mapping
from typing import Final

from routee_async.sandbox.accounts import Account, Application, new_uuid
from routee_async.sandbox.answers import Refusal, routee
from routee_async.sandbox.audience import Audience, Recipient, gather
from routee_async.sandbox.campaign import Campaign
from routee_async.sandbox.campaign_news import CampaignNews
from routee_async.sandbox.campaign_orders import CampaignOrder, check_sender_and_recipients, read_campaign
from routee_async.sandbox.countries import country_of, quiet_for
from routee_async.sandbox.desk import Desk
from routee_async.sandbox.encoding import Analysis, analyse
from routee_async.sandbox.messages import Message, Tag
from routee_async.sandbox.orders import Order
from routee_async.sandbox.search import read_paging
from routee_async.sandbox.timeline import Outcome, Timeline

_NO_ECHO: Final[Mapping[str, object]] = {}


class Campaigns:
    """All campaigns, by id.

    Args:
        desk: Where their messages are accepted.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._news = CampaignNews(desk)
        self._by_id: dict[str, Campaign] = {}
        desk.on_moved = self._note_moved

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, tracking_id: str) -> Campaign:
        return self._by_id[tracking_id]

    def create(self, application: Application, payload: object) -> dict[str, object]:
        """Take a campaign: POST /sms/campaign (§2.4).

        Raises:
            Refusal: In this order: 400000000, 400005000, 409009003, 404002001, 400009004, 400001009.
        """
        order = read_campaign(payload, self._desk.settings)
        audience = self._check(application, order, None)
        now = self._desk.now()
        campaign = Campaign(
            tracking_id=new_uuid(self._desk.rng),
            application=application,
            created=now,
            order=order,
            audience=audience,
            analysis=self._count(order),
        )
        self._by_id[campaign.tracking_id] = campaign
        return self._begin(campaign, now)

    def analyze(self, application: Application, payload: object) -> dict[str, object]:
        """Tell who would get a campaign: POST /sms/analyze/campaign (§2.5).

        Raises:
            Refusal: 400000000, 400005000, 404002001.
        """
        order = read_campaign(payload, self._desk.settings, needs_options=False)
        check_sender_and_recipients(order)
        return gather(order, application.account.contacts).to_wire(self._count(order))

    def fetch(self, application: Application, tracking_id: str) -> dict[str, object]:
        """Show a campaign, which counts as one read of each of its messages: GET /campaigns/{trackingId} (§2.6).

        Raises:
            Refusal: 404009001: unknown, of another account, or not visible yet.
        """
        now = self._desk.now()
        campaign = self._find(application.account, tracking_id, visible_at=now)
        wire = campaign.to_wire(now, self._desk.settings.shape)
        self._desk.note_reads(campaign.messages, now)
        return wire

    def update(self, application: Application, tracking_id: str, payload: object) -> dict[str, object]:
        """Put another campaign in the place of a scheduled one; without a date it goes out at once: PUT /sms/{trackingId} (§2.7).

        Raises:
            Refusal: 400000000, then 404009001, 400009002, and then as `create`. Where the two stand in the order is a guess.
        """
        order = read_campaign(payload, self._desk.settings)
        campaign = self._find_scheduled(application.account, tracking_id)
        campaign.audience = self._check(application, order, campaign)
        campaign.order = order
        campaign.analysis = self._count(order)
        return self._begin(campaign, self._desk.now())

    def delete(self, application: Application, tracking_id: str) -> None:
        """Cancel a scheduled campaign, which then was never there: DELETE /sms/{trackingId} (§2.8).

        Raises:
            Refusal: 404009001, 400009002.
        """
        del self._by_id[self._find_scheduled(application.account, tracking_id).tracking_id]

    def track(self, application: Application, tracking_id: str, query: Mapping[str, str]) -> dict[str, object]:
        """Show a page of its messages: GET /sms/tracking/campaign/{campaignTrackingId} (§2.10).

        Raises:
            Refusal: 404009001; 400000000 for the size of the page, if settings say so.
        """
        now = self._desk.now()
        campaign = self._find(application.account, tracking_id, visible_at=now)
        paging = read_paging(query, refuse_larger=self._desk.settings.refuse_large_pages)
        seen = (message for message in campaign.messages if self._desk.is_visible(message.created, now))
        rows = [(message, index, where) for message in seen for index, where in enumerate(message.states(now))]
        return self._desk.show_page(rows, paging, now)

    def messages_of(self, account: Account, tracking_id: str) -> list[Message]:
        """Give the messages of a campaign of *account*; none of one that is not known."""
        campaign = self._by_id.get(tracking_id)
        return campaign.messages if campaign is not None and campaign.application.account is account else []

    def fail(self, tracking_id: str) -> None:
        """Let a campaign fail now, for tests of that state: what is still queued ends as `Failed`.

        Raises:
            KeyError: There is no such campaign.
        """
        campaign, now = self._by_id[tracking_id], self._desk.now()
        campaign.failed = now
        for message in campaign.messages:
            if message.step(now) == 0:
                message.outcomes = (Outcome.FAILED,) * len(message.outcomes)
                message.timeline, message.start = Timeline(sent_after=0, final_after=0), now
                self._desk.callbacks.tell(message, 1, now)
        self._news.tell(campaign, now)

    def clear(self) -> None:
        """Forget all."""
        self._by_id.clear()

    def _find(self, account: Account, tracking_id: str, *, visible_at: float | None = None) -> Campaign:
        campaign = self._by_id.get(tracking_id)
        if (
            campaign is None
            or campaign.application.account is not account
            or (visible_at is not None and not self._desk.is_visible(campaign.created, visible_at))
        ):
            message = f"campaign with trackingId '{tracking_id}' was not found!"
            keys = {"entity": "campaign", "property": "trackingId", "value": tracking_id}
            raise Refusal(404, {"code": "404009001", "developerMessage": message, **keys})
        return campaign

    def _find_scheduled(self, account: Account, tracking_id: str) -> Campaign:
        campaign = self._find(account, tracking_id)
        if campaign.launched is not None or campaign.failed is not None:
            raise routee(400, "400009002", "Campaign is not in state Scheduled")
        return campaign

    def _check(self, application: Application, order: CampaignOrder, own: Campaign | None) -> Audience:
        check_sender_and_recipients(order)
        account = application.account
        for other in self._by_id.values() if order.name is not None else ():
            if other is not own and other.order.name == order.name and other.application.account is account:
                raise routee(409, "409009003", f"A campaign with name '{order.name}' already exists")
        audience = gather(order, account.contacts)
        if not audience.recipients:
            raise routee(400, "400009004", "Campaign recipients are empty")
        parts = self._count(order).parts
        costs = [account.price_of(one.to) * parts for one in audience.recipients]
        if account.balance < (sum(costs) if self._desk.settings.pays_in_full else min(costs)):
            raise routee(400, "400001009", "Insufficient Balance")
        return audience

    def _count(self, order: CampaignOrder) -> Analysis:
        return analyse(order.body, cut_pairs=self._desk.settings.cut_pairs)

    def _begin(self, campaign: Campaign, now: float) -> dict[str, object]:
        """Schedule it, or let it go out at once, and write the answer, in which nothing has happened yet."""
        order = campaign.order
        if order.scheduled is not None and order.scheduled > now:
            self._desk.agenda.add(order.scheduled, lambda due: self._launch(campaign, order, due))
            self._plan_test_messages(campaign, order, order.scheduled)
            self._news.tell(campaign, now)
            return campaign.to_wire(now, self._desk.settings.shape)
        campaign.launched = now
        answer = campaign.to_wire(now, self._desk.settings.shape)
        self._plan_test_messages(campaign, order, now)
        self._launch(campaign, order, now)
        return answer

    def _is_current(self, campaign: Campaign, order: CampaignOrder) -> bool:
        """Tell whether it is still to go out as it was asked for: not changed, cancelled or failed since."""
        return self._by_id.get(campaign.tracking_id) is campaign and campaign.order is order and campaign.failed is None

    def _launch(self, campaign: Campaign, order: CampaignOrder, when: float) -> None:
        if not self._is_current(campaign, order):
            return
        campaign.launched = when
        tag = Tag(campaign.tracking_id, order.name)
        before = campaign.application.account.balance
        staggered = self._desk.settings.timeline.reads is None
        for number, one in enumerate(campaign.audience.recipients):
            turn = when + number / self._desk.settings.campaign_rate if staggered else when
            start = turn + (quiet_for(country_of(one.to), turn) if order.quiet else 0.0)
            message = self._desk.accept(
                campaign.application, _order_for(order, one), when, start=start, campaign=tag, groups=one.groups
            )
            campaign.messages.append(message)
        campaign.cost += before - campaign.application.account.balance
        self._news.follow(campaign, when)

    def _note_moved(self, tracking_ids: Iterable[str], now: float) -> None:
        for tracking_id in tracking_ids:
            self._news.tell(self._by_id[tracking_id], now)

    def _plan_test_messages(self, campaign: Campaign, order: CampaignOrder, moment: float) -> None:
        reminder = order.reminder
        if reminder is None:
            return

        def send(due: float) -> None:
            if self._is_current(campaign, order):
                self._send_test_messages(campaign, order, due)

        dues = [
            moment + sign * 60 * minutes
            for sign, minutes in ((-1, reminder.before), (1, reminder.after))
            if minutes is not None and moment + sign * 60 * minutes >= self._desk.now()
        ]
        for due in dues:
            self._desk.agenda.add(due, send)

    def _send_test_messages(self, campaign: Campaign, order: CampaignOrder, when: float) -> None:
        """Send the text to those named in `reminder`. They pay as others do, and do not count as messages of the campaign."""
        for number in order.reminder.to if order.reminder is not None else ():
            try:
                self._desk.accept(campaign.application, _order_for(order, Recipient(number)), when)
            except Refusal:
                return


def _order_for(order: CampaignOrder, one: Recipient) -> Order:
    return Order(
        to=one.to,
        sender=order.sender,
        body=order.fill(one.labels),
        ttl=order.ttl,
        transcode=order.transcode,
        callback=order.callback,
        echo=_NO_ECHO,
    )
