"""The search for messages of the last seven days. What is asked and compared is `filters.py`'s."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from datetime import datetime

from routee_async import filters as filtering
from routee_async import operations, protocol
from routee_async.asker import Asker, Query
from routee_async.filters import Field, Filter
from routee_async.models import TrackedPart
from routee_async.protocol import PAGE_SIZE


class HistoryMethods:
    """What a client does with messages of the past."""

    _ask: Asker

    def _now(self) -> datetime:
        raise NotImplementedError

    def search_tracking(
        self,
        filters: Iterable[Filter] | Filter,
        start: datetime,
        end: datetime,
        *,
        campaign_tracking_id: str | None = None,
        campaigns_only: bool = False,
    ) -> AsyncIterator[TrackedPart]:
        """Search messages of the last seven days, those that came in among them; all pages, as they are taken.

            now = datetime.now(UTC)
            of_job = Filter(Field.LABEL, "job-", Operator.STARTS_WITH)
            async for part in client.search_tracking(of_job, now - timedelta(days=1), now):
                ...

        Every row is compared with the filters once more, since Routee returns everything where it does not know one.

        Args:
            filters: Conditions, all of which must be met; none for all messages. One on the label means your own label, also of
                messages of a batch, which have our reference in front of it on the wire.
            start: From this moment, with time zone, at most seven days ago.
            end: To this moment.
            campaign_tracking_id: Only messages of this campaign.
            campaigns_only: Only messages that belong to a campaign.

        Returns:
            An async iterator of parts, each once.

        Raises:
            InvalidInputError: The filters or the range make no sense, or the range begins more than seven days ago.
            NoAnswerError: While iterating: nothing was to be had, in spite of repeats.
            MalformedResponseError: While iterating: the answer makes no sense.
        """
        conditions = filtering.check(filters, Field)
        begin, finish = filtering.check_window(start, end, self._now())
        query: Query = {
            "dateStart": begin,
            "dateEnd": finish,
            "trackingId": campaign_tracking_id,
            "campaign": True if campaigns_only else None,
        }
        return self._rows(conditions, query)

    async def _rows(
        self,
        conditions: tuple[Filter, ...],
        query: Query,
    ) -> AsyncGenerator[TrackedPart, None]:
        body = filtering.to_wire_of_messages(conditions)
        seen: set[str] = set()
        number, is_last = 0, False
        while not is_last:
            asked = {**query, "page": number, "size": PAGE_SIZE}
            request = operations.build(protocol.SEARCH_TRACKING, query=asked, body=body)
            page = await self._ask.call(request, protocol.read_page)
            number, is_last = number + 1, page.is_last
            for row in map(protocol.with_own_label, page.rows):
                # Rows may move from page to page meanwhile: one that was there is not given once more.
                if filtering.meets(row, conditions) and (row.sms_id is None or row.sms_id not in seen):
                    yield row
                if row.sms_id is not None:
                    seen.add(row.sms_id)
