"""The search of POST /sms/tracking."""

from collections.abc import Callable
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.timeline import Magic, Timeline
from tests.sandbox.conftest import Clock

Send = Callable[..., dict[str, Any]]
Search = Callable[..., dict[str, Any]]


@pytest.fixture
def search(carrier: Carrier, application: Application) -> Search:
    """Search with filters as triples, and query parameters."""

    def search(*filters: tuple[str, ...], **query: str) -> dict[str, Any]:
        names = ("fieldName", "searchTerm", "searchOperator")
        return carrier.search(application, query, [dict(zip(names, entry, strict=False)) for entry in filters])

    return search


def labels(page: dict[str, Any]) -> list[str]:
    """Labels of the rows, `-` for none."""
    return [row.get("label", "-") for row in page["content"]]


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ((), ["job-1"]),
        (("is",), ["job-1"]),
        (("is_not",), ["job-11", "xjob-1", "-"]),
        (("contains",), ["job-1", "job-11", "xjob-1"]),
        (("starts_with",), ["job-1", "job-11"]),
        (("ends_with",), ["job-1", "xjob-1"]),
    ],
)
def test_operators(send: Send, search: Search, operator: tuple[str, ...], found: list[str]) -> None:
    """The five operators compare the whole value, `is` when none is named (§2.11)."""
    for label in ("job-1", "job-11", "xjob-1", None):
        send(label=label)
    assert labels(search(("label", "job-1", *operator))) == found


def test_fields(send: Send, search: Search, clock: Clock) -> None:
    """Recipient, status, direction and part id can be searched, and a single message is in no campaign (§2.11)."""
    send(label="a")
    send(label="b", to=Magic.EXPIRED.value, body="a" * 161)
    clock.advance(100)
    assert labels(search(("to", "+306970000001"))) == ["a"]
    assert labels(search(("to", "306970000001"))) == []
    assert labels(search(("status.status", "Undelivered"))) == ["b", "b"]
    assert labels(search(("direction", "Outbound"))) == ["a", "b", "b"]
    assert labels(search(("campaign", "Spring"))) == []
    second = search()["content"][2]
    assert search(("smsId", second["smsId"]))["content"] == [second]


def test_filters_are_all_to_be_met(send: Send, search: Search, clock: Clock) -> None:
    """Several filters are combined with AND (§2.11)."""
    send(label="a")
    send(label="ab", to=Magic.EXPIRED.value)
    clock.advance(100)
    assert labels(search(("label", "a", "starts_with"), ("status.status", "Undelivered"))) == ["ab"]


@pytest.mark.parametrize("name", ["messageId", "To", "body", "from"])
def test_unknown_fields_are_ignored(send: Send, search: Search, name: str) -> None:
    """A field that is not searchable filters nothing, so that everything comes back (§8 #34)."""
    send(label="a")
    assert labels(search((name, "whatever"))) == ["a"]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        ["label"],
        [{"searchTerm": "a"}],
        [{"fieldName": "label"}],
        [{"fieldName": "label", "searchTerm": 7}],
        [{"fieldName": "label", "searchTerm": "a", "searchOperator": "like"}],
    ],
)
def test_malformed_filters(carrier: Carrier, application: Application, payload: object) -> None:
    """What is not an array of filters is refused with 400000000."""
    with pytest.raises(Refusal) as caught:
        carrier.search(application, {}, payload)
    assert (caught.value.status, caught.value.payload["code"]) == (400, "400000000")


def test_empty_page(search: Search) -> None:
    """An empty result is the documented page (§2.11)."""
    assert search(size="20") == {
        "content": [],
        "totalPages": 0,
        "totalElements": 0,
        "last": True,
        "numberOfElements": 0,
        "first": True,
        "size": 20,
        "number": 0,
    }


def test_pages(send: Send, search: Search) -> None:
    """Pages are counted from 0, have 20 rows unless told otherwise, and tell first and last (§2.10, §8 #9)."""
    for number in range(45):
        send(label=f"{number:02}")
    pages = [search(page=str(number)) for number in range(4)]
    assert [label for page in pages for label in labels(page)] == [f"{number:02}" for number in range(45)]
    assert [(page["first"], page["last"], page["numberOfElements"], page["number"]) for page in pages] == [
        (True, False, 20, 0),
        (False, False, 20, 1),
        (False, True, 5, 2),
        (False, True, 0, 3),
    ]
    assert {(page["totalPages"], page["totalElements"], page["size"]) for page in pages} == {(3, 45, 20)}


@pytest.mark.parametrize(
    ("query", "size", "number"),
    [
        ({"size": "2001"}, 2000, 0),
        ({"size": "2000"}, 2000, 0),
        ({"size": "0"}, 20, 0),
        ({"size": "many", "page": "-1"}, 20, 0),
        ({"size": "9" * 4500}, 20, 0),
        ({"page": "7"}, 20, 7),
    ],
)
def test_page_parameters(search: Search, query: dict[str, str], size: int, number: int) -> None:
    """A size over 2,000 is cut, and what is no number counts as left out (§10.7)."""
    page = search(**query)
    assert (page["size"], page["number"]) == (size, number)


def test_large_pages_may_be_refused(carrier: Carrier, search: Search) -> None:
    """Whether a size over 2,000 is cut or refused is not known, so it is a setting (§10.7)."""
    carrier.settings.refuse_large_pages = True
    with pytest.raises(Refusal):
        search(size="2001")


def test_sorting(send: Send, search: Search, clock: Clock) -> None:
    """Rows may be sorted by a searchable field in either direction; an unknown field does nothing (§2.10)."""
    for label, to in (("b", Magic.DELIVERED), ("c", Magic.EXPIRED), ("a", Magic.DELIVERED)):
        send(label=label, to=to.value)
    clock.advance(100)
    assert labels(search(sort="label")) == ["a", "b", "c"]
    assert labels(search(sort="label,desc")) == ["c", "b", "a"]
    assert labels(search(sort="status.status,desc")) == ["c", "b", "a"]
    assert labels(search(sort="mood")) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["a", "b"]),
        ({"dateStart": "2026-09-21T14:14Z"}, ["b"]),
        ({"dateStart": "2026-09-21T16:14:00+02:00"}, ["b"]),
        ({"dateStart": "2026-09-21T14:14:00"}, ["b"]),
        ({"dateEnd": "2026-09-21T14:14Z"}, ["a"]),
        ({"dateStart": "2026-09-21T14:13:20.123Z", "dateEnd": "2026-09-21T14:13:20.123Z"}, ["a"]),
        ({"dateStart": "2026-09-14T14:15:00Z"}, ["a", "b"]),
    ],
)
def test_window(send: Send, search: Search, clock: Clock, query: dict[str, str], found: list[str]) -> None:
    """Dates bound the search at both ends, with minutes, seconds or fractions; missing ones mean the last week (§8 #10, #11)."""
    send(label="a")
    clock.advance(100)
    send(label="b")
    assert labels(search(**query)) == found


@pytest.mark.parametrize(
    "query",
    [
        {"dateStart": "yesterday"},
        {"dateEnd": ""},
        {"dateStart": "2026-09-21T14:00Z", "dateEnd": "2026-09-21T13:00Z"},
        {"dateStart": "2026-09-14T14:00Z"},
    ],
)
def test_bad_windows(search: Search, query: dict[str, str]) -> None:
    """What is no date, ends before it starts or starts more than seven days ago is refused with 400000000 (§2.11)."""
    with pytest.raises(Refusal) as caught:
        search(**query)
    assert caught.value.payload["code"] == "400000000"


def test_search_is_blind_after_a_week(carrier: Carrier, send: Send, search: Search, clock: Clock) -> None:
    """Only the latest seven days can be searched, even where an older start is not refused (§7.1)."""
    carrier.settings.refuse_old_dates = False
    send(label="a")
    clock.advance(7 * 86400 + 61)
    assert labels(search(dateStart="2026-01-01T00:00Z")) == []


def test_visibility(carrier: Carrier, send: Send, search: Search, clock: Clock) -> None:
    """A message cannot be found before the visibility delay is over (§10.4)."""
    carrier.settings.visibility_delay = 6.0
    send(label="a")
    assert labels(search()) == []
    clock.advance(6)
    assert labels(search()) == ["a"]


def test_accounts_are_separate(carrier: Carrier, send: Send) -> None:
    """A search shows the messages of the own account alone."""
    send(label="a")
    stranger = carrier.add_application("f" * 24, "x")
    assert carrier.search(stranger, {}, [])["totalElements"] == 0


@pytest.mark.parametrize("query", [{"trackingId": "9c1f9f38-0a4e-4f0c-8f6e-6f4f0c9b7e02"}, {"campaign": "true"}])
def test_campaigns_only(send: Send, search: Search, query: dict[str, str]) -> None:
    """Asked for the messages of campaigns, a search leaves single messages out (§2.11)."""
    send(label="a")
    assert labels(search(**query)) == []
    assert labels(search(campaign="false")) == ["a"]


def test_a_search_counts_as_a_read(carrier: Carrier, send: Send, search: Search) -> None:
    """In the mode by reads, a page moves on each message on it by one read, however many of its parts it shows."""
    carrier.settings.timeline = Timeline(reads=1)
    send(body="a" * 161)
    send(label="later")
    seen = [[row["status"]["status"] for row in search(size="2")["content"]] for _ in range(3)]
    assert seen == [["Queued", "Queued"], ["Sent", "Sent"], ["Delivered", "Delivered"]]
    assert search(("label", "later"))["content"][0]["status"]["status"] == "Queued"
