"""What is written of a message, and what is found again."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from routee_async import errors
from routee_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    BulkStoppedError,
    ConfigurationError,
    InvalidBodyError,
    LedgerError,
    LedgerMismatchError,
    MalformedResponseError,
    NoAnswerError,
    NotSentError,
    OutcomeUnknownError,
    RouteeError,
    TrackingTimeoutError,
)
from routee_async.ledger import Ledger
from routee_async.models import MessageStatus
from routee_async.store import LedgerRow, RowState, new_run_id
from tests.ledger.hands import (
    CHECKSUM,
    UUID,
    files,
    found,
    intend,
    mark,
    meddle,
    opened,
    settle,
)

# Building


def test_building_a_ledger_touches_nothing(path: Path) -> None:
    """Building a ledger makes no file; its texts say where it would be."""
    ledger = Ledger(path)
    assert not files(path)
    assert str(ledger) == str(path)
    assert repr(ledger) == f"<Ledger {path} closed>"
    assert bool(ledger)


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), True, "1", None])
def test_a_delay_that_makes_no_sense_is_refused(path: Path, delay: float) -> None:
    """A delay that is no number of seconds is refused where the ledger is built."""
    with pytest.raises(ConfigurationError, match="group_delay"):
        Ledger(path, group_delay=delay)


def test_a_run_id_is_eight_digits_and_letters() -> None:
    """Run ids are 8 characters out of `0-9a-z`, and do not repeat."""
    made = {new_run_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {8}
    assert set("".join(made)) == set("0123456789abcdefghijklmnopqrstuvwxyz")


async def test_a_run_id_is_made_with_the_file(path: Path, tmp_path: Path) -> None:
    """The run id is made with the file, and is the same ever after; another file has another."""
    ledger, other = Ledger(str(path)), Ledger(tmp_path / "other.db")
    first = await ledger.open()
    assert repr(ledger) == f"<Ledger {path} open>"
    await ledger.close()
    assert first == await ledger.open() == ledger.summary().run_id
    await ledger.close()
    assert await other.open() != first
    await other.close()


async def test_a_path_may_hold_anything(tmp_path: Path) -> None:
    """Characters that mean something in a URI are part of the name."""
    path = tmp_path / "a?mode=memory&%20#ö.db"
    async with opened(path) as ledger:
        await intend(ledger, 0)
    assert path.exists()
    assert len(Ledger(path)) == 1


# Rows


async def test_an_intent_is_a_row(ledger: Ledger) -> None:
    """An intent is found again, with reference, checksum and the time by the wall clock."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert await ledger.find(3) is None
    await intend(ledger, 3)
    row = await found(ledger, 3)
    assert row.intended_at is not None
    assert before <= row.intended_at <= datetime.now(UTC)
    assert row == LedgerRow(
        index=3,
        state=RowState.INTENDED,
        reference=mark(3),
        checksum=CHECKSUM,
        intended_at=row.intended_at,
    )
    assert await ledger.find(2) is None
    assert await ledger.find(4) is None


async def test_an_outcome_replaces_the_intent(ledger: Ledger, path: Path) -> None:
    """An outcome is found again with all that came with it, by the writer and by every reader, now and later."""
    await intend(ledger, 0)
    intended = await found(ledger, 0)
    await settle(ledger, 0, tracking_id=UUID, parts=2, duplicates=("another", "third"))
    row = await found(ledger, 0)
    assert row == attrs.evolve(
        intended,
        state=RowState.ACCEPTED,
        tracking_id=UUID,
        parts=2,
        duplicates=("another", "third"),
    )
    assert list(Ledger(path)) == [row]
    await ledger.close()
    await ledger.open()
    assert await found(ledger, 0) == row


async def test_invalid_input_is_rejected_without_an_intent(ledger: Ledger) -> None:
    """A message that was never intended gets its row from its outcome, and was intended at no time."""
    await settle(ledger, 7, RowState.REJECTED, error=InvalidBodyError("body", "is empty"))
    row = await found(ledger, 7)
    assert (row.state, row.reference, row.checksum, row.intended_at) == (RowState.REJECTED, mark(7), CHECKSUM, None)
    await intend(ledger, 7)
    assert (await found(ledger, 7)).intended_at is not None


@pytest.mark.parametrize("state", [RowState.REJECTED, RowState.NOT_SENT, RowState.UNKNOWN])
async def test_sending_again_keeps_what_marks_a_message(ledger: Ledger, path: Path, state: RowState) -> None:
    """A new intent keeps reference, checksum and first intent, and drops what the earlier attempt gave."""
    await intend(ledger, 0)
    first = await found(ledger, 0)
    await settle(ledger, 0, state, error=NotSentError("a cable"), parts=1)
    meddle(path, "UPDATE message SET intended_at = intended_at - 1000")
    await ledger.intend(0, "another mark", b"another checksum")
    assert first.intended_at is not None
    assert await found(ledger, 0) == attrs.evolve(first, intended_at=first.intended_at - timedelta(seconds=1))
    await ledger.settle(0, reference="another mark", checksum=b"another checksum", state=state)
    assert (await found(ledger, 0)).reference == mark(0)
    assert (await found(ledger, 0)).checksum == CHECKSUM


async def test_an_accepted_message_is_never_intended_again(ledger: Ledger) -> None:
    """An accepted message refuses every other state, and that alone: its company is written, and the ledger stays usable."""
    await intend(ledger, 0)
    await settle(ledger, 0, tracking_id=UUID)
    row = await found(ledger, 0)
    refused, written, other, noted = await asyncio.gather(
        ledger.intend(0, mark(0), CHECKSUM),
        ledger.intend(1, mark(1), CHECKSUM),
        settle(ledger, 0, RowState.UNKNOWN),
        ledger.note_final(UUID, MessageStatus.DELIVERED),
        return_exceptions=True,
    )
    assert isinstance(refused, LedgerError)
    assert isinstance(other, LedgerError)
    assert "accepted" in str(refused)
    assert written is None
    assert noted is None
    assert await found(ledger, 0) == attrs.evolve(row, status=MessageStatus.DELIVERED)
    assert (await found(ledger, 1)).state is RowState.INTENDED
    refused, noted = await asyncio.gather(
        ledger.intend(0, mark(0), CHECKSUM),
        ledger.note_final(UUID, MessageStatus.FAILED),
        return_exceptions=True,
    )
    assert isinstance(refused, LedgerError)
    assert noted is None


async def test_a_refusal_does_not_touch_what_came_with_it(ledger: Ledger) -> None:
    """A message that goes all the way in the same group as a refused one is not taken for accepted before its time."""
    await settle(ledger, 0)
    *done, refused = await asyncio.gather(
        ledger.intend(1, mark(1), CHECKSUM),
        settle(ledger, 1),
        ledger.intend(0, mark(0), CHECKSUM),
        return_exceptions=True,
    )
    assert done == [None, None]
    assert isinstance(refused, LedgerError)
    assert (await found(ledger, 1)).intended_at is not None


async def test_an_accepted_message_may_be_accepted_again(ledger: Ledger) -> None:
    """An outcome may be written twice, with more known the second time; a final status belongs to its tracking id."""
    await settle(ledger, 0, tracking_id=UUID)
    await ledger.note_final(UUID, MessageStatus.FAILED)
    await settle(ledger, 0, tracking_id=UUID, duplicates=("other",))
    row = await found(ledger, 0)
    assert (row.status, row.duplicates) == (MessageStatus.FAILED, ("other",))
    await settle(ledger, 0, tracking_id="other")
    assert (await found(ledger, 0)).status is None


async def test_operations_on_one_message_keep_their_order(ledger: Ledger) -> None:
    """What is asked for one message without waiting is done in the order it was asked for, in one group too."""
    states = [
        asyncio.ensure_future(step)
        for step in (
            settle(ledger, 0, RowState.UNKNOWN),
            ledger.intend(0, mark(0), CHECKSUM),
            settle(ledger, 0, RowState.NOT_SENT),
            ledger.intend(0, mark(0), CHECKSUM),
            settle(ledger, 0, tracking_id="x"),
        )
    ]
    await asyncio.gather(*states)
    assert (await found(ledger, 0)).state is RowState.ACCEPTED


@pytest.mark.parametrize("count", [1, 2, 5, 63, 64, 65, 200])
async def test_groups_of_any_size_are_written_whole(ledger: Ledger, count: int) -> None:
    """However many messages come together, each has its row."""
    await intend(ledger, *range(count))
    assert [row.index for row in ledger] == list(range(count))


@pytest.mark.parametrize(
    "tracking_id",
    [UUID, UUID.upper(), UUID.replace("-", ""), "0123", "12", "", "λ", "\0", UUID[:-1] + "g", " " + UUID],
)
async def test_a_tracking_id_comes_back_as_it_was(ledger: Ledger, tracking_id: str) -> None:
    """Tracking ids of any shape come back letter for letter, and final statuses find them."""
    await settle(ledger, 0, tracking_id=tracking_id)
    await ledger.note_final(tracking_id, MessageStatus.UNDELIVERED)
    row = await found(ledger, 0)
    assert (row.tracking_id, row.status) == (tracking_id, MessageStatus.UNDELIVERED)


async def test_nonsense_of_a_server_does_no_harm(ledger: Ledger) -> None:
    """An id that is no text in UTF-8 and counts beyond reason are kept as well as they can be, and break nothing."""
    await settle(ledger, 0, tracking_id="\ud800", parts=10**30, duplicates=("\ud800",))
    await settle(ledger, 1, parts=-1)
    row = await found(ledger, 0)
    assert (row.tracking_id, row.parts, row.duplicates) == ("\\ud800", None, ("\ud800",))
    assert (await found(ledger, 1)).parts is None


def _classes(of: type[RouteeError]) -> Iterator[type[RouteeError]]:
    yield of
    for each in of.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _classes(each)


_OF_NO_MESSAGE = {BulkStoppedError, errors.CampaignInterruptedError, errors.LowBalanceError}
"""Errors of a whole batch or campaign, whose arguments are objects."""


def _example(of: type[RouteeError]) -> RouteeError:
    """An error of a class, with arguments as they are in use."""
    examples: dict[type[RouteeError], tuple[object, ...]] = {
        APIError: (400, "400001009", "Insufficient balance", 1.5, (("to", "no number"), ("from", "too long"))),
        OutcomeUnknownError: ("ra.k3f9x2ab.0000001", "wait", "ServerDisconnectedError", None),
        NotSentError: ("connect: ClientConnectorError",),
        NoAnswerError: ("head", "λ"),
        MalformedResponseError: (("required field missing @ $.trackingId", "and more"),),
        TrackingTimeoutError: (UUID, None),
        LedgerError: ("run.db", "is full"),
        errors.InvalidInputError: ("body", "is empty"),
    }
    return of(*next((arguments for base, arguments in examples.items() if issubclass(of, base)), ("a text",)))


@pytest.mark.parametrize(
    "error",
    [_example(each) for each in _classes(RouteeError) if each not in _OF_NO_MESSAGE],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_comes_back_as_it_was(ledger: Ledger, error: RouteeError) -> None:
    """Every error of the library comes back with its class, its arguments and its text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=error)
    stored = (await found(ledger, 0)).error
    assert type(stored) is type(error)
    assert stored is not None
    assert stored.args == error.args
    assert str(stored) == str(error)


class _NewerError(RouteeError):
    """As a later version of the library might have."""


class _NumberlessError(RouteeError):
    """Named as something in `errors` that is no error."""


_NumberlessError.__name__ = "__doc__"


@pytest.mark.parametrize(
    "error",
    [
        _NewerError("something new"),
        _NumberlessError("no class"),
        BulkStoppedError(AuthenticationError(401), 3),
        NotSentError("one"),
    ],
    ids=["newer", "not a class", "arguments that are objects", "known"],
)
async def test_an_error_that_cannot_be_rebuilt_keeps_its_text(ledger: Ledger, error: RouteeError) -> None:
    """An error that this version cannot make again is a plain one with the same text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=error)
    stored = (await found(ledger, 0)).error
    assert stored is not None
    assert str(stored) == str(error)
    assert type(stored) is (NotSentError if isinstance(error, NotSentError) else RouteeError)


async def test_an_error_whose_arguments_changed_keeps_its_text(ledger: Ledger, path: Path) -> None:
    """An error that a later version makes of other arguments is a plain one with the same text."""
    await settle(ledger, 0, RowState.UNKNOWN, error=BadRequestError(400))
    meddle(path, """UPDATE message SET error = '["BadRequestError", [1, 2, 3, 4, 5, 6, 7], "HTTP 400"]'""")
    stored = (await found(ledger, 0)).error
    assert type(stored) is RouteeError
    assert str(stored) == "HTTP 400"


async def test_a_page_of_an_error_is_cut(ledger: Ledger, path: Path) -> None:
    """A text that a server let run to a page takes no more than 500 characters, and its class stays."""
    await settle(ledger, 0, RowState.REJECTED, error=BadRequestError(400, "400000000", "x" * 100_000))
    stored = (await found(ledger, 0)).error
    assert isinstance(stored, BadRequestError)
    assert stored.developer_message == "x" * 500 + "…"
    with closing(sqlite3.connect(path)) as connection:
        ((length,),) = connection.execute("SELECT LENGTH(error) FROM message")
    assert length < 1500


# Final statuses


@pytest.mark.parametrize("status", [status for status in MessageStatus if status.is_final])
async def test_a_final_status_is_kept(ledger: Ledger, status: MessageStatus) -> None:
    """A final status is found with its message, and counted."""
    await settle(ledger, 0, tracking_id=UUID)
    await settle(ledger, 1, tracking_id="other")
    await ledger.note_final(UUID, status)
    assert [row.status for row in ledger] == [status, None]
    assert ledger.summary().statuses == {status: 1}


async def test_what_is_no_final_status_of_ours_is_ignored(ledger: Ledger) -> None:
    """Statuses that may still change and ids of other messages change nothing."""
    await settle(ledger, 0, tracking_id=UUID)
    row = await found(ledger, 0)
    await ledger.note_final(UUID, MessageStatus("Sent"))
    await ledger.note_final(UUID, MessageStatus("Brand New"))
    await ledger.note_final("somebody else's", MessageStatus.DELIVERED)
    assert list(ledger) == [row]


# The end of the input


async def test_the_length_of_the_input_is_remembered(path: Path) -> None:
    """Once the input was read to its end, another length is refused, by `finish` and at the first message too many."""
    async with opened(path) as ledger:
        await intend(ledger, 0, 1)
        await ledger.finish(3)
        assert ledger.summary().finished == 3
        assert await ledger.find(2) is None
        with pytest.raises(LedgerMismatchError, match="3 messages"):
            await ledger.find(3)
        with pytest.raises(LedgerMismatchError, match="3 messages"):
            await ledger.finish(4)
    async with opened(path) as ledger:
        assert (await found(ledger, 1)).state is RowState.INTENDED
        with pytest.raises(LedgerMismatchError, match="3 messages, and now there are more"):
            await ledger.find(3)
        for other in (2, 4):
            with pytest.raises(LedgerMismatchError, match=f"3 messages, and now there are {other}"):
                await ledger.finish(other)
        await ledger.finish(3)
        await intend(ledger, 2)


async def test_a_shorter_input_is_refused(path: Path) -> None:
    """An input that ends before the last row is another one, in this run and in a later one."""
    async with opened(path) as ledger:
        await intend(ledger, 4)
        with pytest.raises(LedgerMismatchError, match="5 messages, and now there are only 4"):
            await ledger.finish(4)
    async with opened(path) as ledger:
        with pytest.raises(LedgerMismatchError, match="only 0"):
            await ledger.finish(0)
        await ledger.finish(5)
