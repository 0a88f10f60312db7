"""The search for messages, against the sandbox."""

from datetime import UTC, datetime, timedelta

import pytest

from routee_async import Field, Filter, InvalidInputError, Operator, RouteeClient, Sms, TrackedPart
from routee_async.filters import check_window
from routee_async.protocol import PAGE_SIZE
from routee_async.sandbox import Sandbox


def hour() -> tuple[datetime, datetime]:
    """The last hour and the next."""
    now = datetime.now(UTC)
    return now - timedelta(hours=1), now + timedelta(hours=1)


async def search(client: RouteeClient, *filters: Filter, campaign: str | None = None) -> list[TrackedPart]:
    """All rows of the last hour."""
    return [row async for row in client.search_tracking(filters, *hour(), campaign_tracking_id=campaign)]


async def test_labels_of_a_batch_are_found(client: RouteeClient) -> None:
    """A message of a batch has our reference in front of its label on the wire, and is found by its own label all the same."""
    messages = [Sms(to=f"+30697000000{n}", sender_id="P", body="Hi", label=f"job-{n}") for n in range(5)]
    async for _ in client.send_many(messages):
        pass
    await client.send(Sms(to="+306970000009", sender_id="P", body="Hi", label="a job-1"))
    (found,) = await search(client, Filter(Field.LABEL, "job-1"))
    assert (found.label, found.reference is not None) == ("job-1", True)
    assert len(await search(client, Filter(Field.LABEL, "job-", Operator.STARTS_WITH))) == 5
    assert len(await search(client, Filter(Field.LABEL, "job-1", Operator.IS_NOT))) == 5
    assert len(await search(client, Filter(Field.LABEL, "1", Operator.ENDS_WITH))) == 2


async def test_all_pages_are_read_and_rows_come_once(sandbox: Sandbox, client: RouteeClient) -> None:
    """More rows than a page has are read page by page, as they are taken."""
    async for _ in client.send_many(
        (Sms(to="+306970000001", sender_id="P", body="Hi") for _ in range(PAGE_SIZE + 5)), concurrency=50
    ):
        pass
    rows = await search(client)
    assert len({row.sms_id for row in rows}) == len(rows) == PAGE_SIZE + 5
    assert sandbox.journal.requests["POST /sms/tracking"] == 2


async def test_inbound_messages_are_found(sandbox: Sandbox, client: RouteeClient) -> None:
    """Messages that came in are found by their direction."""
    sandbox.inbound(from_="+306970000001", to="306900000099", body="Hello")
    await client.send(Sms(to="+306970000001", sender_id="P", body="Hi"))
    (row,) = await search(client, Filter(Field.DIRECTION, "Inbound"))
    assert row.body == "Hello"


async def test_strangers_are_left_out(client: RouteeClient) -> None:
    """A campaign that is not ours, and messages of none, are told apart."""
    await client.send(Sms(to="+306970000001", sender_id="P", body="Hi"))
    assert await search(client, campaign="9c1f9f38-0a4e-4f0c-8f6e-6f4f0c9b7e02") == []
    assert [row async for row in client.search_tracking([], *hour(), campaigns_only=True)] == []


async def test_more_than_seven_days(sandbox: Sandbox, client: RouteeClient) -> None:
    """What the search cannot see is said before any request, and exactly seven days are not too many."""
    now = datetime.now(UTC)
    with pytest.raises(InvalidInputError, match="7 days"):
        client.search_tracking([], now - timedelta(days=8), now)
    assert sandbox.journal.requests["POST /sms/tracking"] == 0
    assert [row async for row in client.search_tracking([], now - timedelta(days=7), now)] == []
    assert check_window(now - timedelta(days=7), now, now)[0] > now - timedelta(days=7)
