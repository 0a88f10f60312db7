"""Callbacks as data in `sandbox.callbacks`: who is told what and when, retries, disorder."""

from collections.abc import Callable
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application, Hook
from routee_async.sandbox.callbacks import Attempt, CallbackRecord, CallbackState, is_loopback
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.settings import FIVE_RETRIES, TWELVE_RETRIES, Disorder, Era
from routee_async.sandbox.timeline import Magic, Outcome, Timeline
from tests.sandbox.conftest import START, Clock

Send = Callable[..., dict[str, Any]]
URL = "http://127.0.0.1:1/hook"
ON_CHANGE = {"url": URL, "strategy": "OnChange"}
ON_COMPLETION = {"url": URL, "strategy": "OnCompletion"}


def tick(carrier: Carrier, clock: Clock, seconds: float) -> None:
    """Let time pass."""
    clock.advance(seconds)
    carrier.run()


def told(carrier: Carrier) -> list[str]:
    """The statuses told, in order."""
    carrier.run()
    return [record.payload["status"]["name"] for record in carrier.callbacks.log]  # type: ignore[index]


def test_payload(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A callback has the documented keys, which are not those of tracking (§5.1)."""
    sent = send(callback=ON_CHANGE, label="job-1", to=Magic.EXPIRED.value)
    tick(carrier, clock, 5)
    record = carrier.callbacks.log[-1]
    payload = dict(record.payload)
    assert payload.pop("smsId") == carrier.messages[sent["trackingId"]].sms_ids[0]
    assert payload == {
        "messageId": sent["trackingId"],
        "part": 1,
        "parts": 1,
        "label": "job-1",
        "to": Magic.EXPIRED,
        "from": "ParcelCo",
        "country": "GR",
        "operator": "Cosmote",
        "groups": [],
        "status": {
            "name": "Undelivered",
            "updatedDate": "2026-09-21T14:13:22Z",
            "reason": {"detailedStatus": "Expired", "description": "The validity period has passed"},
        },
        "message": "Your parcel is here",
        "applicationName": "default",
        "latency": 2,
        "price": 0.032,
        "direction": "Outbound",
        "originatingService": "Sms",
    }
    assert (record.kind, record.url, record.subject, record.due) == ("message", URL, sent["trackingId"], START + 2)


def test_every_change(carrier: Carrier, clock: Clock, send: Send) -> None:
    """`OnChange` tells each status of each part when it comes, not before (§5.0, §5.1)."""
    send(callback=ON_CHANGE, body="a" * 161)
    seen = [told(carrier)]
    for _ in range(3):
        tick(carrier, clock, 0.9)
        seen.append(told(carrier))
    assert [len(statuses) for statuses in seen] == [2, 4, 4, 6]
    assert seen[-1] == ["Queued", "Queued", "Sent", "Sent", "Delivered", "Delivered"]
    assert [record.payload["part"] for record in carrier.callbacks.log] == [1, 2] * 3
    assert [record.due - START for record in carrier.callbacks.log] == pytest.approx([0, 0, 0.5, 0.5, 2, 2])
    assert carrier.agenda.next_due is None


def test_completion(carrier: Carrier, clock: Clock, send: Send) -> None:
    """`OnCompletion` tells once, at the final status; what never ends is never told (§5.0)."""
    send(callback=ON_COMPLETION)
    send(callback=ON_COMPLETION, to=Magic.FAILED.value)
    send(callback=ON_COMPLETION, to=Magic.NEVER_FINAL.value)
    tick(carrier, clock, 100)
    assert told(carrier) == ["Failed", "Delivered"]


def test_default_of_the_application(carrier: Carrier, application: Application, send: Send) -> None:
    """The application's callback goes for messages that have none of their own, and is not repeated in the answer (§5.0)."""
    application.callback = Hook("http://127.0.0.1:1/default", "OnChange")
    assert "callback" not in send()
    send(callback=ON_CHANGE)
    carrier.run()
    assert [record.url for record in carrier.callbacks.log] == ["http://127.0.0.1:1/default", URL]


def test_nobody_wants_to_know(carrier: Carrier, send: Send) -> None:
    """Without a callback nothing is planned, so that a plain message costs nothing more."""
    send()
    assert carrier.agenda.next_due is None


def test_queued_may_be_left_out(carrier: Carrier, clock: Clock, send: Send) -> None:
    """Whether `Queued` is told is a choice, because it is not documented (§8)."""
    carrier.settings.queued_callback = False
    send(callback=ON_CHANGE)
    tick(carrier, clock, 5)
    assert told(carrier) == ["Sent", "Delivered"]


def test_by_reads(carrier: Carrier, application: Application, clock: Clock, send: Send) -> None:
    """In the mode by reads it is the read that moves a message on that tells of it."""
    carrier.settings.timeline = Timeline(reads=1)
    sent = send(callback=ON_CHANGE)
    seen = [told(carrier)]
    for _ in range(3):
        tick(carrier, clock, 10)
        carrier.track(application, sent["trackingId"])
        seen.append(told(carrier))
    assert [statuses[-1] for statuses in seen] == ["Queued", "Sent", "Delivered", "Delivered"]
    assert len(seen[-1]) == 3
    assert carrier.callbacks.log[1].payload["status"]["updatedDate"] == "2026-09-21T14:13:30Z"  # type: ignore[index]
    carrier.settings.timeline = Timeline(reads=0)
    send(callback=ON_CHANGE)
    assert told(carrier)[3:] == ["Queued", "Sent", "Delivered"]


def test_2016(carrier: Carrier, send: Send) -> None:
    """In the old shape there is neither `smsId` nor `part` nor a reason (§10.10)."""
    carrier.settings.shape = Era.OLD
    send(callback=ON_CHANGE)
    carrier.run()
    payload = carrier.callbacks.log[0].payload
    assert not {"smsId", "part"} & set(payload)
    assert set(payload["status"]) == {"name", "updatedDate"}  # type: ignore[call-overload]


def answer(carrier: Carrier, clock: Clock, status: int | None) -> CallbackRecord:
    """Answer the callback that is ready."""
    record = carrier.callbacks.ready.popleft()
    carrier.callbacks.note(record, Attempt(clock(), status, "" if status else "ConnectionRefusedError"))
    return record


@pytest.mark.parametrize("schedule", [FIVE_RETRIES, TWELVE_RETRIES, (), (1.0,)])
def test_retries(carrier: Carrier, clock: Clock, send: Send, schedule: tuple[float, ...]) -> None:
    """What is not answered with 200 is tried again by the schedule, counted from the first attempt, and then given up (§5.0)."""
    carrier.settings.callback_retries = schedule
    send(callback=ON_COMPLETION)
    tick(carrier, clock, 2)
    first = clock()
    record = answer(carrier, clock, 500)
    for pause in schedule:
        assert (record.state, carrier.agenda.next_due) == ("waiting", first + pause)
        clock.now = first + pause
        carrier.run()
        answer(carrier, clock, None)
    assert (record.state, len(record.attempts)) == ("not delivered", len(schedule) + 1)
    assert (carrier.agenda.next_due, len(carrier.callbacks.ready), len(carrier.callbacks.log)) == (None, 0, 1)


def test_no_more_tries_after_200(carrier: Carrier, clock: Clock, send: Send) -> None:
    """Only 200 counts as delivered: 202 is tried again (§5.0)."""
    send(callback=ON_COMPLETION)
    tick(carrier, clock, 2)
    record = answer(carrier, clock, 202)
    tick(carrier, clock, 30)
    assert answer(carrier, clock, 200) is record
    assert (record.state, [attempt.status for attempt in record.attempts]) == ("delivered", [202, 200])
    assert carrier.agenda.next_due is None


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80/a", True),
        ("https://127.8.0.1/", True),
        ("http://[::1]:8080/a", True),
        ("http://localhost/", True),
        ("http://localhost.example/", False),
        ("http://192.168.0.1/", False),
        ("https://hooks.example/", False),
        ("http:///nowhere", False),
        ("http://[::1", False),
    ],
)
def test_loopback(url: str, *, here: bool) -> None:
    """Only this machine is this machine."""
    assert is_loopback(url) is here


def test_other_machines(carrier: Carrier, send: Send) -> None:
    """A callback to another machine is put down as not delivered, unless that host is allowed."""
    send(callback={"url": "https://hooks.example/a", "strategy": "OnChange"})
    carrier.run()
    (record,) = carrier.callbacks.log
    assert (carrier.callbacks.may_post(record), record.state) == (False, CallbackState.NOT_LOOPBACK)
    carrier.settings.callback_hosts = {"hooks.example"}
    assert carrier.callbacks.may_post(record)


def test_dropped(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A dropped callback is in the log and never ready."""
    carrier.settings.disorder = Disorder(drop=1)
    send(callback=ON_CHANGE)
    tick(carrier, clock, 5)
    assert [record.state for record in carrier.callbacks.log] == ["dropped"] * 3
    assert not carrier.callbacks.ready


def test_duplicated(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A duplicated callback is ready twice, the second time as a copy with a fate of its own."""
    carrier.settings.disorder = Disorder(duplicate=1)
    send(callback=ON_COMPLETION)
    tick(carrier, clock, 5)
    first, second = carrier.callbacks.log
    assert (first.is_copy, second.is_copy, first.payload) == (False, True, second.payload)
    answer(carrier, clock, 200)
    assert (first.state, second.state, second.attempts) == ("delivered", "waiting", [])


def test_delayed(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A delayed callback is ready later, its dates telling when things happened."""
    carrier.settings.disorder = Disorder(delay=1, delay_by=3600)
    send(callback=ON_COMPLETION)
    tick(carrier, clock, 2)
    assert not carrier.callbacks.ready
    tick(carrier, clock, 3600)
    (record,) = carrier.callbacks.log
    assert START + 2 < record.due <= START + 3602
    assert record.payload["status"]["updatedDate"] == "2026-09-21T14:13:22Z"  # type: ignore[index]


def test_reordered(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A callback that changes places comes after the next one about the same part; the last one has nothing to change with."""
    carrier.settings.disorder = Disorder(reorder=1)
    send(callback=ON_CHANGE)
    send(callback=ON_CHANGE, to=Magic.NEVER_FINAL.value)
    tick(carrier, clock, 1)
    assert told(carrier) == ["Sent", "Queued", "Sent", "Queued"]
    tick(carrier, clock, 5)
    assert told(carrier)[4:] == ["Delivered"]


def test_disorder_by_chance(carrier: Carrier, clock: Clock, send: Send) -> None:
    """Chances are chances, the same for the same seed."""
    carrier.settings.disorder = Disorder(drop=0.5)
    for _ in range(200):
        send(callback=ON_COMPLETION)
    tick(carrier, clock, 5)
    assert 60 < sum(record.state == "dropped" for record in carrier.callbacks.log) < 140


def test_reset(carrier: Carrier, clock: Clock, send: Send) -> None:
    """A reset forgets what was told and what was still to be told."""
    send(callback=ON_CHANGE)
    carrier.run()
    carrier.reset()
    tick(carrier, clock, 100)
    assert (carrier.callbacks.log, list(carrier.callbacks.ready)) == ([], [])


def test_scripts_by_part(carrier: Carrier, clock: Clock, send: Send) -> None:
    """Each part is told with its own end."""
    carrier.script(Outcome.FAILED, Outcome.DELIVERED, label="mixed")
    send(callback=ON_COMPLETION, label="mixed", body="a" * 161)
    tick(carrier, clock, 5)
    assert [(record.payload["part"], *told(carrier)[i : i + 1]) for i, record in enumerate(carrier.callbacks.log)] == [
        (1, "Failed"),
        (2, "Delivered"),
    ]
