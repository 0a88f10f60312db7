"""The gate that a server may close for everybody."""

from routee_async.pace import Gate


def test_gate_is_open_at_first() -> None:
    """Nobody waits before the server asked for it."""
    assert Gate().delay(0.0) == 0


def test_gate_stays_closed_until_its_time() -> None:
    """It opens at the moment that was named, not earlier."""
    gate = Gate()
    gate.close_until(10.0)
    assert (gate.delay(4.0), gate.delay(10.0), gate.delay(11.0)) == (6.0, 0.0, 0.0)


def test_nothing_opens_the_gate_early() -> None:
    """A shorter wait that comes in later does not shorten the longer one."""
    gate = Gate()
    gate.close_until(10.0)
    gate.close_until(5.0)
    assert gate.delay(6.0) == 4.0
