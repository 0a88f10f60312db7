"""Who may write on the wire, and when, in virtual time."""

import asyncio
import random
from itertools import pairwise
from typing import cast

import pytest

from routee_async.admission import Admission
from routee_async.errors import ClientClosedError, ConnectError, PoolTimeoutError, RateLimitError, ServiceDownError
from routee_async.pace import Pace
from tests.virtual_time import VirtualLoop, in_virtual_time

FOREVER = float("inf")


class Service:
    """A service that answers free questions, or does not."""

    def __init__(self) -> None:
        self.is_up = True
        self.asked: list[float] = []

    async def is_answering(self) -> bool:
        """Answer after a moment."""
        self.asked.append(now())
        await asyncio.sleep(0.01)
        return self.is_up


def now() -> float:
    """Loop time."""
    return asyncio.get_running_loop().time()


def make(service: Service | None = None, *, pace: Pace | None = None, max_connections: int = 10) -> Admission:
    """Make an admission."""
    answering = (service or Service()).is_answering
    return Admission(pace or Pace(), max_connections, answering, longest_pause=60.0, longest_wait=1000.0, rng=random.Random(1))


async def send(
    admission: Admission, *, well: bool | None = True, patient: bool = True, parts: int = 1, takes: float = 0.0
) -> float:
    """Enter, take a while, end as told; return when it started."""
    await admission.enter_paid(parts, now() + 60, patient=patient)
    started_at = now()
    accepted = 0
    try:
        await asyncio.sleep(takes)
        accepted = parts if well else 0
    finally:
        admission.record(well, started_at, accepted=accepted)
        admission.leave()
    return started_at


async def break_down(admission: Admission, service: Service) -> None:
    """Let the service work once, and then fail five times in a row."""
    await send(admission)
    service.is_up = False
    for _ in range(5):
        await send(admission, well=False)


@in_virtual_time
async def test_turns_bound_sends_and_reads_together() -> None:
    """No more than so many are on the wire, and whoever waits gets the turn that becomes free."""
    admission = make(max_connections=2)
    await admission.enter(FOREVER)
    first = asyncio.create_task(send(admission, takes=5))
    second = asyncio.create_task(send(admission))
    assert await second == 5
    assert await first == 0
    admission.leave()


@in_virtual_time
async def test_read_without_a_turn_gives_up_in_time() -> None:
    """A read that finds every connection busy until its time is over was not made."""
    admission = make(max_connections=1)
    await admission.enter(FOREVER)
    with pytest.raises(PoolTimeoutError):
        await admission.enter(now() + 3)
    assert now() == 3
    admission.leave()
    await admission.enter(FOREVER)


@in_virtual_time
async def test_configured_pace_is_obeyed() -> None:
    """Ten parts a second: twenty messages of two parts take four seconds, evenly."""
    admission = make(pace=Pace(parts_per_second=10))
    starts = await asyncio.gather(*(send(admission, parts=2) for _ in range(20)))
    assert starts == pytest.approx([0.2 * number for number in range(20)], abs=0.02)


@in_virtual_time
async def test_request_to_wait_concerns_everybody() -> None:
    """After a refusal nobody starts before the time that was asked for."""
    admission = make()
    await admission.enter_paid(1, FOREVER, patient=True)
    admission.refused(30.0, now())
    admission.leave()
    starts = await asyncio.gather(*(send(admission) for _ in range(5)))
    assert min(starts) >= 30


@in_virtual_time
async def test_no_server_holds_everybody_back_for_ever() -> None:
    """A request to wait for longer than the policy bears is kept for as long as it bears, and then tried."""
    admission = make()
    admission.refused(10**9, now())
    assert 1000 <= await send(admission) < 1010


@in_virtual_time
async def test_single_send_has_no_time_for_a_long_pause() -> None:
    """A send that is not part of a batch is told at once when the pause is longer than its time, and waits for a short one."""
    admission = make()
    admission.refused(100.0, now())
    with pytest.raises(RateLimitError) as caught:
        await send(admission, patient=False)
    assert caught.value.retry_after == 100
    assert now() == 0
    await asyncio.sleep(60)
    assert await send(admission, patient=False) >= 100


@in_virtual_time
async def test_pause_that_grows_while_waiting() -> None:
    """A send whose wait grows beyond its time ends as refused for now, when that time is over."""
    admission = make()
    admission.refused(10.0, now())
    waiting = asyncio.create_task(send(admission, patient=False))
    await asyncio.sleep(5)
    admission.refused(500.0, now())
    with pytest.raises(RateLimitError):
        await waiting
    assert now() == 60


@in_virtual_time
async def test_send_without_a_turn_gives_up_in_time() -> None:
    """A single send that finds every connection busy until its time is over was not made."""
    admission = make(max_connections=1)
    await admission.enter(FOREVER)
    with pytest.raises(PoolTimeoutError):
        await send(admission, patient=False)
    assert now() == 60


@in_virtual_time
async def test_gate_that_closes_during_the_wait_for_a_turn_counts() -> None:
    """A message that was let through pace but had to wait for a connection looks again before it starts."""
    admission = make(max_connections=1)
    await admission.enter(FOREVER)
    waiting = asyncio.create_task(send(admission))
    await asyncio.sleep(1)
    admission.refused(20.0, now())
    admission.leave()
    assert await waiting >= 21


@in_virtual_time
async def test_failing_service_pauses_batches() -> None:
    """After five failures in a row nothing is sent until the service answers a free question; then batches go on."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    waiting = [asyncio.create_task(send(admission)) for _ in range(10)]
    await asyncio.sleep(10)
    assert not any(task.done() for task in waiting)
    assert len(service.asked) >= 3
    service.is_up = True
    starts = await asyncio.gather(*waiting)
    assert min(starts) > 10


@in_virtual_time
async def test_single_sends_are_not_paused() -> None:
    """The breaker concerns batches: a single send goes out, and its own end is what its caller learns."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    assert await send(admission, patient=False) == now()
    assert not service.asked


@in_virtual_time
async def test_long_outage_ends_the_wait() -> None:
    """A message of a batch waits a minute for the service, and is then said not to have been sent."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    results = await asyncio.gather(*(send(admission) for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {ServiceDownError}
    assert 59 < now() < 95


@in_virtual_time
async def test_service_that_never_answered_is_not_waited_for() -> None:
    """Where nothing has ever worked the address is wrong, and nobody waits for it to get better."""
    service = Service()
    service.is_up = False
    admission = make(service)
    for _ in range(5):
        await send(admission, well=False)
    with pytest.raises(ConnectError, match="address"):
        await send(admission)
    assert now() == 0


@in_virtual_time
async def test_trial_is_one_send_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    """When the service answers again, messages go one by one until it has proved itself; both turns of events are told."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    service.is_up = True
    starts = sorted(await asyncio.gather(*(send(admission, takes=1) for _ in range(8))))
    assert all(later - earlier > 0.99 for earlier, later in pairwise(starts[:4]))
    assert starts[-1] - starts[3] < 0.99
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["the service fails", "the service answers"]


@in_virtual_time
async def test_failed_trial_pauses_again() -> None:
    """A service that reads well and writes badly stays paused."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    service.is_up = True
    await send(admission, well=False)
    before = now()
    assert await send(admission) > before + 1


@in_virtual_time
async def test_cancelled_head_of_the_line_makes_room() -> None:
    """Whoever leaves the line, even in the middle of asking the service, does not block those behind."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    head, second = asyncio.create_task(send(admission)), asyncio.create_task(send(admission))
    await asyncio.sleep(1.005)
    assert service.asked
    head.cancel()
    with pytest.raises(asyncio.CancelledError):
        await head
    service.is_up = True
    assert await second > 1


@in_virtual_time
async def test_closing_tells_whoever_is_held_back() -> None:
    """When the client is closed, messages that wait for gate or breaker are not sent, and learn it at once."""
    admission = make()
    admission.refused(1000.0, now())
    waiting = [asyncio.create_task(send(admission)) for _ in range(3)]
    await asyncio.sleep(1)
    admission.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {ClientClosedError}
    assert now() == 1
    with pytest.raises(ClientClosedError):
        await send(admission)


async def poll(admission: Admission, *, takes: float = 0.0) -> float:
    """Make a poll; return when it started."""
    await admission.enter_poll()
    started_at = now()
    await asyncio.sleep(takes)
    admission.leave()
    return started_at


@in_virtual_time
async def test_polls_are_free_where_no_pace_is_known() -> None:
    """Without a pace, polls wait for nothing but a turn."""
    admission = make()
    assert await asyncio.gather(*(poll(admission) for _ in range(50))) == [0.0] * 50


@in_virtual_time
async def test_polls_wait_for_a_turn() -> None:
    """A poll is one of the requests on the wire, and gets the turn that becomes free."""
    admission = make(max_connections=1)
    starts = await asyncio.gather(*(poll(admission, takes=2) for _ in range(3)))
    assert starts == [0, 2, 4]


@in_virtual_time
async def test_polls_take_a_tenth_of_the_pace() -> None:
    """Where ten parts a second are allowed, a poll a second is made, however many are due."""
    admission = make(pace=Pace(parts_per_second=10))
    starts = await asyncio.gather(*(poll(admission) for _ in range(20)))
    assert sorted(starts) == pytest.approx(range(20), abs=0.01)


@in_virtual_time
async def test_sends_and_polls_keep_to_the_pace_together() -> None:
    """What polls take, sends leave: in no second do more than the pace allows go out."""
    admission = make(pace=Pace(parts_per_second=10))
    polls = [asyncio.create_task(poll(admission)) for _ in range(10)]
    sends = sorted(await asyncio.gather(*(send(admission) for _ in range(80))))
    starts = sorted([*sends, *await asyncio.gather(*polls)])
    assert 8.7 <= sends[-1] <= 9.1  # 80 sends and 9 or 10 polls at 10 a second; without polls 7.9
    assert all(later - earlier > 0.99 for earlier, later in zip(starts, starts[12:], strict=False))


@in_virtual_time
async def test_polls_do_not_save_up() -> None:
    """After a quiet time polls go out as evenly as ever."""
    admission = make(pace=Pace(parts_per_second=10))
    await poll(admission)
    await asyncio.sleep(100)
    starts = await asyncio.gather(*(poll(admission) for _ in range(3)))
    assert sorted(starts) == pytest.approx([100, 101, 102], abs=0.01)


@in_virtual_time
async def test_polls_wait_at_the_gate_of_the_sends() -> None:
    """While Routee asks for fewer sends, nobody polls either."""
    admission = make()
    admission.refused(30.0, now())
    assert await poll(admission) >= 30


@in_virtual_time
async def test_a_rate_learnt_from_refusals_does_not_slow_polls() -> None:
    """What refused sends have taught concerns sends: once the gate is open, polls go out as they are due."""
    admission = make()
    await admission.enter_paid(1, 100.0, patient=True)
    admission.record(None, 0.0)
    admission.leave()
    admission.refused(30.0, 0.0)
    assert await asyncio.gather(*(poll(admission) for _ in range(50))) == [30.0] * 50


@in_virtual_time
async def test_refused_polls_wait_and_sends_do_not() -> None:
    """When Routee asks for fewer reads, all polls wait as long as it asked to; sends and reads of the caller's own go out."""
    admission = make()
    admission.poll_refused(30.0)
    assert await send(admission) == 0
    await admission.enter(now())
    assert now() == 0
    admission.leave()
    assert await asyncio.gather(*(poll(admission) for _ in range(3))) == [30, 30, 30]


@in_virtual_time
async def test_shorter_request_to_wait_does_not_open_the_gate() -> None:
    """The longest wait that polls were asked for counts, and one without a time asks for none."""
    admission = make()
    admission.poll_refused(30.0)
    admission.poll_refused(10.0)
    admission.poll_refused(None)
    assert await poll(admission) == 30
    admission.poll_refused(None)
    assert await poll(admission) == 30


@in_virtual_time
async def test_request_to_wait_concerns_polls_that_wait_already() -> None:
    """A poll that waits looks again before it starts."""
    admission = make(pace=Pace(parts_per_second=10))
    await poll(admission)
    waiting = asyncio.create_task(poll(admission))
    await asyncio.sleep(0.5)
    admission.poll_refused(30.0)
    assert await waiting == 30.5


@in_virtual_time
async def test_no_server_holds_polls_back_for_ever() -> None:
    """A request to wait for longer than the policy bears is kept for as long as it bears."""
    admission = make()
    admission.poll_refused(10.0**9)
    assert await poll(admission) == 1000


@in_virtual_time
async def test_closing_tells_polls_that_are_held_back() -> None:
    """When the client is closed, a poll that waits learns it at once, and one that would have to wait is not made."""
    admission = make()
    admission.poll_refused(1000.0)
    waiting = [asyncio.create_task(poll(admission)) for _ in range(3)]
    await asyncio.sleep(1)
    admission.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {ClientClosedError}
    assert now() == 1
    with pytest.raises(ClientClosedError):
        await poll(admission)


@in_virtual_time
async def test_failing_service_is_polled_all_the_same() -> None:
    """The breaker concerns sends of batches: polls are not paused by it."""
    service = Service()
    admission = make(service)
    await break_down(admission, service)
    assert await poll(admission) == now()


@in_virtual_time
async def test_cancelled_poll_gives_its_place_up() -> None:
    """A poll that is cancelled while it waits takes neither a turn nor the place of the next."""
    admission = make(pace=Pace(parts_per_second=10), max_connections=1)
    await poll(admission)
    leaving, staying = asyncio.create_task(poll(admission)), asyncio.create_task(poll(admission))
    await asyncio.sleep(0.5)
    leaving.cancel()
    assert await staying == pytest.approx(1.0)
    assert await poll(admission) == pytest.approx(2.0)


@in_virtual_time
async def test_no_poll_after_closing() -> None:
    """When the client is closed no poll starts, also where nothing else keeps it from that."""
    admission = make()
    admission.close()
    with pytest.raises(ClientClosedError):
        await poll(admission)


@in_virtual_time
async def test_gate_that_closes_while_a_poll_waits_for_a_turn_counts() -> None:
    """A poll that was let through but had to wait for a connection looks again before it starts."""
    admission = make(max_connections=1)
    await admission.enter(FOREVER)
    waiting = asyncio.create_task(poll(admission))
    await asyncio.sleep(1)
    admission.poll_refused(20.0)
    admission.leave()
    assert await waiting == 21


@in_virtual_time
async def test_end_of_a_send_may_be_told_with_its_time() -> None:
    """Whoever knows the time already says so, and it is what counts."""
    service = Service()
    admission = make(service)
    await send(admission)
    await asyncio.sleep(10)
    for _ in range(5):
        admission.record(well=False, started_at=now() - 5, now=now() - 4)
    waiting = asyncio.create_task(admission.enter_paid(1, FOREVER, patient=True))
    await asyncio.sleep(0)
    assert service.asked == [10], "the probe was due a second after the end that opened the breaker"
    await waiting


@in_virtual_time
async def test_send_enters_at_once_when_its_time_has_come() -> None:
    """A send that nothing holds back enters from the very moment on that the pace has for it."""
    admission = make(pace=Pace(parts_per_second=8))
    assert [admission.enter_at_once(1, at, patient=True) for at in (0.0, 0.1, 0.125, 0.2, 0.25)] == [True, False, True, False, True]


async def send_all_due(admission: Admission, count: int, *, late: float = 0.0) -> list[float]:
    """Send a batch as its feeder does, in a loop that is *late* after each wait; return when each message started."""
    starts: list[float] = []
    while len(starts) < count:
        if admission.is_held_back():
            await admission.wait()
            cast("VirtualLoop", asyncio.get_running_loop()).be_busy(late)
        started_at = now()
        assert admission.enter_at_once(1, started_at, patient=True)
        starts.append(started_at)
        admission.leave()
    return starts


@in_virtual_time
async def test_batch_that_waits_keeps_exactly_to_its_pace() -> None:
    """Whoever waits for all starts each message when its time has come."""
    starts = await send_all_due(make(pace=Pace(parts_per_second=10)), 30)
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([0.1] * 29)


@in_virtual_time
async def test_messages_that_are_due_start_together() -> None:
    """Where many are due within one timer they start together, at the rate that was asked for and not above it."""
    starts = await send_all_due(make(pace=Pace(parts_per_second=5000)), 5001)
    assert starts[-1] - starts[0] == pytest.approx(1.0, abs=0.003)
    assert len(set(starts)) < 600


@in_virtual_time
async def test_late_timer_costs_a_batch_nothing() -> None:
    """What a timer is late is made good by the messages after it, and no more than that."""
    starts = await send_all_due(make(pace=Pace(parts_per_second=1000)), 1001, late=0.0015)
    assert starts[-1] - starts[0] == pytest.approx(1.0, abs=0.005)


@in_virtual_time
async def test_quiet_times_give_a_batch_no_credit() -> None:
    """Messages that come after a pause start one by one, however long it was."""
    admission = make(pace=Pace(parts_per_second=100))
    await send_all_due(admission, 10)
    await asyncio.sleep(5)
    starts = await send_all_due(admission, 10)
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([0.01] * 9)


@in_virtual_time
async def test_nothing_holds_back_where_no_rate_is_known() -> None:
    """Without a pace, when closed, and while the service fails, nobody waits for others: each message finds out by itself."""
    assert not make().is_held_back()
    admission = make(pace=Pace(parts_per_second=1))
    await send(admission)
    assert admission.is_held_back()
    admission.close()
    assert not admission.is_held_back()
    service = Service()
    failing = make(service, pace=Pace(parts_per_second=1000))
    await break_down(failing, service)
    assert not failing.is_held_back()


@in_virtual_time
async def test_closing_ends_the_wait_of_a_batch() -> None:
    """A batch that is held back when the client is closed goes on at once, to be told so message by message."""
    admission = make(pace=Pace(parts_per_second=0.01))
    await send(admission)
    waiting = asyncio.ensure_future(admission.wait())
    await asyncio.sleep(1)
    admission.close()
    await waiting
    assert now() < 2


@in_virtual_time
async def test_outage_ends_the_wait_of_a_batch() -> None:
    """When the service fails meanwhile, messages wait for it by themselves."""
    service = Service()
    admission = make(service, pace=Pace(parts_per_second=1000))
    await send(admission)
    admission.refused(30.0, now())
    waiting = asyncio.ensure_future(admission.wait())
    await asyncio.sleep(0)
    started_at = now()
    for _ in range(5):
        admission.record(well=False, started_at=started_at)
    await waiting
    assert now() < 1


@in_virtual_time
async def test_batch_waits_behind_those_in_line() -> None:
    """A send that came before is not overtaken by a batch."""
    admission = make(pace=Pace(parts_per_second=1))
    await send(admission)
    first = asyncio.ensure_future(send(admission))
    await asyncio.sleep(0)
    starts = await send_all_due(admission, 1)
    assert await first < starts[0]
