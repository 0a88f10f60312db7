"""Reading one message, and all pages of a look-up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import repeat

import pytest

from routee_async import reads
from routee_async.errors import (
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    MalformedResponseError,
    NoAnswerError,
    NotFoundError,
    RateLimitError,
    RouteeError,
    ServerError,
)
from routee_async.models import MessageStatus, TrackedPart
from routee_async.protocol import Page
from routee_async.reads import read_many, read_one
from routee_async.rounds import By
from routee_async.schedule import Answer

FAILURES = [
    pytest.param(ServerError(503), Answer.FAILED, id="failure"),
    pytest.param(NoAnswerError("wait", "TimeoutError"), Answer.FAILED, id="no answer"),
    pytest.param(MalformedResponseError(("expected a page with a list @ $.content",)), Answer.FAILED, id="malformed"),
    pytest.param(BadRequestError(400), Answer.REFUSED, id="refused"),
    pytest.param(AuthenticationError(401), Answer.FATAL, id="fatal"),
    pytest.param(ClientClosedError("closed"), Answer.FATAL, id="closed"),
]


def row(tracking_id: str) -> TrackedPart:
    """Build a row about a message."""
    return TrackedPart(tracking_id=tracking_id, to="+306970000001", status=MessageStatus.SENT)


def page(*tracking_ids: str, is_last: bool = True, has_strangers: bool = False) -> Page:
    """Build a page with a row for each message."""
    return Page(tuple(map(row, tracking_ids)), is_last=is_last, has_strangers=has_strangers)


class Taken:
    """Gathers what was taken, by call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, rows: Sequence[TrackedPart]) -> None:
        """Take rows."""
        self.calls.append([row.tracking_id for row in rows])


def answering(*answers: Page | BaseException) -> tuple[Callable[[int], Awaitable[Page]], list[int]]:
    """A look-up with these pages, and the numbers of those that were asked for."""
    asked: list[int] = []

    async def fetch_page(number: int) -> Page:
        asked.append(number)
        await asyncio.sleep(0)
        answer = answers[number]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return fetch_page, asked


# --- one message


async def one(answer: tuple[TrackedPart, ...] | BaseException) -> tuple[reads.Finding, list[list[str]]]:
    """Read one message, and say what was taken."""

    async def fetch(tracking_id: str) -> tuple[TrackedPart, ...]:
        assert tracking_id == "m"
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    taken = Taken()
    return await read_one("m", fetch, taken), taken.calls


async def test_message_that_is_shown() -> None:
    """The parts of a message are taken, and it counts as shown."""
    finding, taken = await one((row("m"), row("m")))
    assert (finding.answer, finding.error, finding.pages) == (Answer.SHOWN, None, 1)
    assert taken == [["m", "m"]]


async def test_message_without_rows() -> None:
    """An answer without rows is no message."""
    finding, taken = await one(())
    assert (finding.answer, finding.error) == (Answer.NOT_VISIBLE, None)
    assert not any(taken)


async def test_message_that_is_not_there() -> None:
    """A 404 is kept as an error, for the report of a message that is not found."""
    finding, _ = await one(NotFoundError(404))
    assert finding.answer is Answer.NOT_VISIBLE
    assert isinstance(finding.error, NotFoundError)


@pytest.mark.parametrize(("error", "answer"), FAILURES)
async def test_read_of_one_that_fails(error: RouteeError, answer: Answer) -> None:
    """An error is a finding, not an exception, and brings no rows."""
    finding, taken = await one(error)
    assert finding.answer is answer
    assert type(finding.error) is type(error)
    assert str(finding.error) == str(error)
    assert not any(taken)


async def test_finding_keeps_no_frames_alive() -> None:
    """The error of a finding, which may live as long as a report, has what it says, but no traceback."""
    error = RateLimitError(429, "429000001", "slow down", 7.0)
    finding, _ = await one(error)
    many = await read_many(By.LABEL, answering(error)[0], Taken())
    for found in (finding.error, many.error):
        assert isinstance(found, RateLimitError)
        assert (found.status, found.code, found.developer_message, found.retry_after) == (429, "429000001", "slow down", 7.0)
        assert found.__traceback__ is None
        assert found.__context__ is None


async def test_other_errors_are_mistakes() -> None:
    """What is not ours is not turned into a finding."""
    with pytest.raises(ZeroDivisionError):
        await one(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await read_many(By.LABEL, answering(ZeroDivisionError())[0], Taken())


# --- cancellation


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
async def test_cancellation_of_something_shared_is_a_failure(many: bool) -> None:  # noqa: FBT001
    """When somebody else's cancellation ends what the read waited for, the read has failed, and goes on another time."""
    if many:
        finding = await read_many(By.LABEL, answering(asyncio.CancelledError())[0], Taken())
    else:
        finding, _ = await one(asyncio.CancelledError())
    assert finding.answer is Answer.FAILED
    assert isinstance(finding.error, NoAnswerError)


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
async def test_cancellation_of_the_read_passes(many: bool) -> None:  # noqa: FBT001
    """A read that is cancelled ends at once, and takes nothing."""
    reached, taken = asyncio.Event(), Taken()

    async def hang(_: object) -> Page:
        reached.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def fetch(tracking_id: str) -> Sequence[TrackedPart]:
        return (await hang(tracking_id)).rows

    reading = asyncio.create_task(read_many(By.LABEL, hang, taken) if many else read_one("m", fetch, taken))
    await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert taken.calls == []


# --- many messages


async def test_pages_are_read_in_order_to_the_last() -> None:
    """Each page is taken as it comes, from the first to the last."""
    fetch_page, asked = answering(page("a", "b", is_last=False), page("b", "c", is_last=False), page("d"), page("never"))
    taken = Taken()
    finding = await read_many(By.CAMPAIGN, fetch_page, taken)
    assert (finding.answer, finding.error, finding.pages) == (Answer.SHOWN, None, 3)
    assert asked == [0, 1, 2]
    assert taken.calls == [["a", "b"], ["b", "c"], ["d"]]


async def test_page_without_rows() -> None:
    """A look-up that shows nothing of interest was complete all the same: it is the messages that it should have shown."""
    finding = await read_many(By.LABEL, answering(page())[0], Taken())
    assert (finding.answer, finding.error, finding.pages) == (Answer.SHOWN, None, 1)


async def test_page_is_taken_before_the_next_is_asked_for() -> None:
    """What the first page shows is not lost, and not late, because of the second."""
    taken, before = Taken(), []

    async def fetch_page(number: int) -> Page:
        before.append(len(taken.calls))
        return page("a", is_last=number == 1)

    await read_many(By.LABEL, fetch_page, taken)
    assert before == [0, 1]


@pytest.mark.parametrize(("error", "answer"), FAILURES)
@pytest.mark.parametrize("good", [0, 2], ids=["first page", "third page"])
async def test_page_that_fails(error: RouteeError, answer: Answer, good: int) -> None:
    """A look-up that breaks off is what its error means; what the pages before have shown is taken."""
    fetch_page, asked = answering(*[page("a", is_last=False)] * good, error, page("never"))
    taken = Taken()
    finding = await read_many(By.LABEL, fetch_page, taken)
    assert (finding.answer, type(finding.error), finding.pages) == (answer, type(error), good + 1)
    assert asked == list(range(good + 1))
    assert taken.calls == [["a"]] * good


@pytest.mark.parametrize("good", [0, 1], ids=["first page", "second page"])
async def test_look_up_that_is_not_there(good: int) -> None:
    """A 404 for a look-up says nothing about its messages: it is no use, and none of them counts as missing."""
    finding = await read_many(By.CAMPAIGN, answering(*[page("a", is_last=False)] * good, NotFoundError(404))[0], Taken())
    assert (finding.answer, finding.pages) == (Answer.USELESS, good + 1)
    assert isinstance(finding.error, NotFoundError)


@pytest.mark.parametrize("good", [0, 1], ids=["first page", "second page"])
async def test_strangers_end_a_look_up(good: int) -> None:
    """Rows that were not searched for mean that the filter means nothing: no further page is read, what is ours counts."""
    fetch_page, asked = answering(
        *[page("a", is_last=False)] * good, page("ours", is_last=False, has_strangers=True), page("never")
    )
    taken = Taken()
    finding = await read_many(By.LABEL, fetch_page, taken)
    assert finding.answer is Answer.USELESS
    assert isinstance(finding.error, MalformedResponseError)
    assert asked == list(range(good + 1))
    assert taken.calls[-1] == ["ours"]


async def test_strangers_on_the_last_page() -> None:
    """A single page of strangers is no complete look-up either."""
    finding = await read_many(By.LABEL, answering(page(has_strangers=True))[0], Taken())
    assert finding.answer is Answer.USELESS


@pytest.mark.parametrize(("by", "most"), [(By.LABEL, 32), (By.CAMPAIGN, 1000)])
async def test_no_end_of_pages(by: By, most: int) -> None:
    """A service that has always one more page is not read for ever; the bound itself is still a page like any other."""
    fetch_page, asked = answering(*repeat(page("a", is_last=False), most + 1))
    taken = Taken()
    finding = await read_many(by, fetch_page, taken)
    assert finding.answer is Answer.USELESS
    assert isinstance(finding.error, MalformedResponseError)
    assert asked == list(range(most))
    assert len(taken.calls) == most
    fetch_page, _ = answering(*repeat(page("a", is_last=False), most - 1), page("a"))
    assert (await read_many(by, fetch_page, Taken())).answer is Answer.SHOWN
