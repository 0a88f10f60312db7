"""The queue of moments in `sandbox.agenda`."""

from routee_async.sandbox.agenda import Agenda


def test_order_of_moments() -> None:
    """What is due happens by moment, and within one moment in the order of adding, each told its own moment."""
    agenda, seen = Agenda(), []
    for due, name in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "z")):
        agenda.add(due, lambda moment, name=name: seen.append((moment, name)))  # type: ignore[misc]
    assert agenda.next_due == 1.0
    agenda.run(3.0)
    assert seen == [(1.0, "a"), (1.0, "b"), (3.0, "c")]
    assert agenda.next_due == 9.0
    agenda.clear()
    assert agenda.next_due is None


def test_what_comes_up_meanwhile() -> None:
    """An act that adds something that is due already sees it happen in the same run."""
    agenda = Agenda()
    seen: list[float] = []
    agenda.add(1.0, lambda due: agenda.add(due + 1, seen.append))
    agenda.run(2.0)
    assert seen == [2.0]


def test_whoever_waits_is_told() -> None:
    """Only what becomes the next to happen is told, because only then the wait is shorter."""
    agenda, told = Agenda(), []
    agenda.on_earlier = lambda: told.append(agenda.next_due)
    for due in (5.0, 7.0, 3.0):
        agenda.add(due, lambda _: None)
    assert told == [5.0, 3.0]
