"""The methods of a client about campaigns. What is refused, written and split is `campaign_orders.py`'s."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from routee_async import campaign_orders, operations, protocol, validation
from routee_async.asker import Asker, Query
from routee_async.campaign_models import (
    Campaign,
    CampaignAnalysis,
    CampaignDetails,
    CampaignProgress,
    QuietHoursCountry,
    SendNow,
    SentCampaign,
    SmsAnalysis,
)
from routee_async.campaign_orders import Piece
from routee_async.errors import (
    CampaignInterruptedError,
    ConflictError,
    InvalidInputError,
    OutcomeUnknownError,
    RouteeError,
)
from routee_async.models import Sms, TrackedPart
from routee_async.options import OnUnknown, RetryPolicy
from routee_async.protocol import PAGE_SIZE

_BEFORE = timedelta(days=1)
"""How far a look-up begins before the sending: the clock of this machine may be wrong."""


class CampaignMethods:
    """What a client does with campaigns, and with texts before they are sent."""

    _ask: Asker
    _retry: RetryPolicy
    _default_region: str | None

    def _now(self) -> datetime:
        raise NotImplementedError

    async def analyze(self, sms: Sms) -> SmsAnalysis:
        """Let Routee count a message and price it, without sending it.

        Args:
            sms: The message; it must be one that could be sent.

        Returns:
            How its text is counted, and what one part costs.

        Raises:
            InvalidInputError: The message could not be sent as it is.
            APIError: Routee said no.
        """
        prepared = validation.prepare(sms, default_region=self._default_region)
        body = {"from": prepared.sender_id, "body": prepared.body, "to": prepared.to}
        return await self._ask.one(campaign_orders.ANALYZE, body=body)

    async def send_campaign(self, campaign: Campaign, *, on_unknown: OnUnknown = OnUnknown.REPORT) -> SentCampaign:
        """Send one text to many recipients, in a request for each 30,000 of them, each request at most once.

        A number that comes several times is sent to once, across all requests. With a name, a lost answer is settled: the campaign
        is looked for by its name for as long as `RetryPolicy.lookup_delays` say, and adopted if its messages are there.

        Args:
            campaign: What to send, and to whom.
            on_unknown: What to do when it cannot be found: `REPORT` says so; `RECONCILE`, for which it must have a name, asks for
                it once more under the same name, which Routee refuses if it has taken the first one.

        Returns:
            The pieces that Routee has taken, to be followed as one.

        Raises:
            InvalidInputError: It cannot be sent as it is; of a list of recipients, none was sent to.
            ConflictError: There is a campaign of this name.
            OutcomeUnknownError: It may have been sent.
            CampaignInterruptedError: Some pieces were handed over, and then one was not.
            APIError: Routee said no.
        """
        campaign_orders.check(campaign, self._now())
        if on_unknown is OnUnknown.RESEND:
            raise InvalidInputError("on_unknown", "must be REPORT or RECONCILE: a campaign is never sent again blindly")
        if on_unknown is OnUnknown.RECONCILE and campaign.name is None:
            raise InvalidInputError("name", "is needed for RECONCILE: a lost answer is settled by it")
        campaign_orders.check_all(campaign, self._ask.recipient)
        sent, taken = SentCampaign(), 0
        try:
            for number, piece in enumerate(campaign_orders.split(campaign, self._ask.recipient), start=1):
                if number == 1 and not piece.is_last:
                    campaign_orders.check_name_for_pieces(campaign.name)
                details = await self._send_piece(campaign, piece, number, on_unknown)
                taken = piece.taken
                sent = SentCampaign(
                    pieces=(*sent.pieces, details),
                    recipients=sent.recipients + len(piece.numbers),
                    repeated=piece.repeated,
                    invalid=piece.invalid,
                )
        except RouteeError as error:
            if not sent.pieces:
                raise
            raise CampaignInterruptedError(error, sent, taken) from error
        return sent

    async def _send_piece(self, campaign: Campaign, piece: Piece, number: int, on_unknown: OnUnknown) -> CampaignDetails:
        is_first = number == 1
        if not piece.numbers and not (is_first and (campaign.contacts or campaign.groups)):
            raise InvalidInputError("to", "has no recipient")
        name = campaign_orders.name_of(campaign.name, number)
        body = campaign_orders.write(
            campaign,
            piece.numbers,
            normalize=self._ask.recipient,
            name=name,
            first=is_first,
            scheduled_at=campaign.scheduled_at,
        )
        since = self._now()
        try:
            return await self._ask.one(campaign_orders.SEND, body=body, reference=name)
        except OutcomeUnknownError as doubt:
            if name is None:
                raise
            found = await self._find(name, body, since, self._retry.lookup_delays)
            if found is not None:
                return found
            if on_unknown is OnUnknown.REPORT:
                raise doubt from None
            return await self._send_under_the_same_name(body, name, since, doubt)

    async def _send_under_the_same_name(
        self,
        body: Mapping[str, object],
        name: str,
        since: datetime,
        doubt: OutcomeUnknownError,
    ) -> CampaignDetails:
        """Ask once more for what was looked for in vain: Routee takes a name once, so it cannot be sent twice."""
        try:
            return await self._ask.one(campaign_orders.SEND, body=body, reference=name)
        except ConflictError:
            found = await self._find(name, body, since, (0.0,))
        if found is not None:
            return found
        reason = "its name is taken: it was accepted, unless an earlier one has that name; look again when it has messages"
        raise OutcomeUnknownError(name, doubt.phase, reason, doubt.status)

    async def _find(
        self,
        name: str,
        body: Mapping[str, object],
        since: datetime,
        delays: Sequence[float],
    ) -> CampaignDetails | None:
        """Look for what was asked for by its name, at each of *delays* seconds from now; None where it is not."""
        begun = asyncio.get_running_loop().time()
        for delay in delays:
            await asyncio.sleep(max(0.0, begun + delay - asyncio.get_running_loop().time()))
            try:
                tracking_id = await self._find_id(name, since)
                details = None if tracking_id is None else await self.fetch_campaign(tracking_id)
                if details is not None and campaign_orders.is_answer_to(details, body):
                    return details
            except RouteeError:
                continue  # the next look may succeed
        return None

    async def _find_id(self, name: str, since: datetime) -> str | None:
        query: Query = {"dateStart": since - _BEFORE, "dateEnd": self._now() + _BEFORE, "page": 0, "size": PAGE_SIZE}
        request = operations.build(campaign_orders.SEARCH, query=query, body=campaign_orders.lookup(name))
        page = await self._ask.call(request, protocol.read_page)
        # An unknown filter is ignored by the service: only what bears our name counts.
        return next((row.campaign_tracking_id for row in page.rows if row.campaign_name == name and row.campaign_tracking_id), None)

    async def analyze_campaign(self, campaign: Campaign) -> CampaignAnalysis:
        """Let Routee count a campaign, without sending it; of more than 30,000 recipients, piece by piece.

        Raises:
            InvalidInputError: It could not be sent as it is.
            NotFoundError: There is no such contact.
            APIError: Routee said no.
        """
        campaign_orders.check(campaign, self._now())
        analyses = []
        for number, piece in enumerate(campaign_orders.split(campaign, self._ask.recipient), start=1):
            body: dict[str, object] = {"from": campaign.sender_id, "body": campaign.body}
            if piece.numbers:
                body["to"] = list(piece.numbers)
            if number == 1:
                body |= {field: list(ids) for field in ("contacts", "groups") if (ids := getattr(campaign, field))}
            analyses.append(await self._ask.one(campaign_orders.ANALYZE_CAMPAIGN, body=body))
        return campaign_orders.merge(analyses)

    async def fetch_campaign(self, campaign_tracking_id: str) -> CampaignDetails:
        """Read what Routee knows of a campaign.

        Raises:
            NotFoundError: Unknown, or not yet visible: that takes a second or so after sending.
        """
        return await self._ask.one(campaign_orders.FETCH, campaign_tracking_id)

    async def fetch_campaign_progress(self, sent: SentCampaign) -> CampaignProgress:
        """Read how far all pieces of a campaign have got.

        Raises:
            NotFoundError: One is not yet visible.
        """
        return CampaignProgress(pieces=tuple([await self.fetch_campaign(each) for each in sent.tracking_ids]))

    async def fetch_campaign_tracking(self, campaign: str | SentCampaign) -> AsyncGenerator[TrackedPart, None]:
        """Read the messages of a campaign, one row for each part, all pages of all pieces, as they are taken.

        Args:
            campaign: Id of a campaign, or all pieces of one.

        Raises:
            NotFoundError: While iterating: unknown, or not yet visible.
        """
        tracking_ids = campaign.tracking_ids if isinstance(campaign, SentCampaign) else (campaign,)
        seen: set[str] = set()
        for tracking_id in tracking_ids:
            number, is_last = 0, False
            while not is_last:
                query = {"page": number, "size": PAGE_SIZE}
                request = operations.build(protocol.CAMPAIGN_TRACKING, tracking_id, query=query)
                page = await self._ask.call(request, protocol.read_page)
                number, is_last = number + 1, page.is_last
                for row in page.rows:
                    # Rows may move from page to page meanwhile (§8): one that was there is not given once more.
                    if row.sms_id is None or row.sms_id not in seen:
                        yield protocol.with_own_label(row)
                    if row.sms_id is not None:
                        seen.add(row.sms_id)

    async def update_campaign(
        self,
        campaign_tracking_id: str,
        campaign: Campaign,
        *,
        scheduled_at: datetime | SendNow,
    ) -> CampaignDetails:
        """Replace a campaign that has not gone out yet, whole.

        Args:
            campaign_tracking_id: The campaign.
            campaign: What it shall be, with at most 30,000 plain numbers.
            scheduled_at: When it shall go out, with time zone, or `NOW`. It must be said: Routee sends a campaign at once whose
                date is left out.

        Raises:
            InvalidInputError: It cannot be sent as it is; nothing was written.
            NotFoundError: There is no such campaign.
            BadRequestError: It has gone out (code 400009002).
            ConflictError: Another campaign has this name.
            OutcomeUnknownError: It may have been changed: `fetch_campaign` tells.
        """
        now = self._now()
        campaign_orders.check(attrs.evolve(campaign, scheduled_at=None), now)
        when = None if isinstance(scheduled_at, SendNow) else campaign_orders.check_date(scheduled_at, now)
        if campaign.scheduled_at not in (None, when):
            raise InvalidInputError("scheduled_at", "differs from that of the campaign")
        piece = next(campaign_orders.split(campaign, self._ask.recipient))
        if not piece.is_last:
            raise InvalidInputError("to", "has more numbers than one request takes: a change cannot be split")
        body = campaign_orders.write(
            campaign,
            piece.numbers,
            normalize=self._ask.recipient,
            name=campaign.name,
            scheduled_at=when,
        )
        return await self._ask.one(campaign_orders.UPDATE, campaign_tracking_id, body=body, reference=campaign.name)

    async def delete_campaign(self, campaign_tracking_id: str) -> None:
        """Cancel a campaign that has not gone out yet. Nothing cancels a single message.

        Raises:
            InvalidInputError: The id is empty.
            NotFoundError: There is no such campaign, any more.
            BadRequestError: It has gone out (code 400009002, which is a guess).
        """
        await self._ask.nothing(campaign_orders.DELETE, campaign_tracking_id)

    async def fetch_quiet_hours_countries(self, language: str = "en") -> tuple[QuietHoursCountry, ...]:
        """Read for which countries quiet hours can be respected.

        Args:
            language: Of their names: `en` or `el`.
        """
        return await self._ask.many(campaign_orders.QUIET_HOURS, language)
