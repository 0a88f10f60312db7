"""Asking for rows page by page."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import attrs

from routee_async import Field, Filter, RouteeClient, TrackedPart
from routee_async.asker import Asker
from routee_async.campaigns import CampaignMethods
from routee_async.history import HistoryMethods
from routee_async.operations import Operation
from routee_async.protocol import Request, Response
from tests.test_filters import NOW

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Row:
    """A row."""

    id: str


ROWS = Operation(method="GET", path="/rows", paid=False, query=("page", "size"), answer=Row)


class Pages(Asker):
    """Gives out pages that were written down."""

    def __init__(self, *pages: object) -> None:
        super().__init__(lambda: cast("Any", None), None)
        self.asked: list[Request] = []
        self._pages = list(pages)

    async def call(self, request: Request, read: Callable[[Response], T]) -> T:
        """Give the next page."""
        self.asked.append(request)
        return read(Response(200, {}, json.dumps(self._pages.pop(0)).encode()))


def page(*ids: str | None, last: bool) -> dict[str, object]:
    """A page of parts; None stands for one without an id, as in old data."""
    rows = [
        {"messageId": "m", "to": "+306970000001", "status": "Sent", "id": None, **({"smsId": each} if each else {})} for each in ids
    ]
    return {"content": rows, "last": last}


async def test_rows_come_once() -> None:
    """A row that has moved to a later page meanwhile is not given once more; without a name nothing is left out."""
    first, second = {"content": [{"id": "a"}, {"id": "b"}], "last": False}, {"content": [{"id": "b"}, {"id": "c"}], "last": True}
    asker = Pages(first, second)
    assert [row.id async for row in asker.pages(ROWS, size=2, key=lambda row: row.id)] == ["a", "b", "c"]
    assert [request.path for request in asker.asked] == ["/rows?page=0&size=2", "/rows?page=1&size=2"]
    assert [row.id async for row in Pages(first, second).pages(ROWS)] == ["a", "b", "b", "c"]


async def test_pages_are_asked_for_as_they_are_taken() -> None:
    """Who takes one row asks for one page."""
    asker = Pages({"content": [{"id": "a"}], "last": False})
    rows = asker.pages(ROWS)
    assert (await anext(rows)).id == "a"
    await rows.aclose()
    assert len(asker.asked) == 1


def of(asker: Asker) -> RouteeClient:
    """A client that asks nobody."""
    client = RouteeClient("id", "secret")
    client._ask = asker  # noqa: SLF001 - what stands between it and the network
    client._now = lambda: NOW  # type: ignore[method-assign] # noqa: SLF001 - as above
    return client


async def test_parts_without_an_id_are_all_given() -> None:
    """§8 #6: old data has no id of a part, by which doubles could be told."""

    def ids(rows: list[TrackedPart]) -> list[str | None]:
        return [row.sms_id for row in rows]

    pages = (page("a", None, last=False), page("a", None, "b", last=True))
    client = of(Pages(*pages))
    assert ids([row async for row in client.search_tracking((), NOW.replace(hour=1), NOW)]) == ["a", None, None, "b"]
    client = of(Pages(*pages))
    assert ids([row async for row in client.fetch_campaign_tracking("c")]) == ["a", None, None, "b"]


async def test_strangers_are_left_out() -> None:
    """A service that does not know a filter returns everything: what does not meet it is not given."""
    client = of(Pages(page("a", "b", last=True)))
    found = client.search_tracking(Filter(Field.SMS_ID, "b"), NOW.replace(hour=1), NOW)
    assert [row.sms_id async for row in found] == ["b"]


def test_client_has_all_methods() -> None:
    """The methods stand in files of their own, and on the client."""
    assert issubclass(RouteeClient, CampaignMethods)
    assert issubclass(RouteeClient, HistoryMethods)
