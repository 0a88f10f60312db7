"""Fixtures of the sandbox's own tests."""

import random
from collections.abc import Callable

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.carrier import Carrier

pytest.register_assert_rewrite("tests.sandbox.fidelity")

START = 1_790_000_000.123
"""2026-09-21T14:13:20.123Z"""


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Tell the time in epoch seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


def dice() -> random.Random:
    """Dice that always fall the same."""
    return random.Random(1)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def carrier(clock: Clock) -> Carrier:
    """A carrier that shows messages at once."""
    carrier = Carrier(now=clock, rng=dice())
    carrier.settings.visibility_delay = 0.0
    return carrier


@pytest.fixture
def application(carrier: Carrier) -> Application:
    """An application with plenty of money."""
    return carrier.add_application("6400aabbccddeeff00112233", "S4ndb0xKey")


@pytest.fixture
def send(carrier: Carrier, application: Application) -> Callable[..., dict[str, object]]:
    """Send an ordinary message, with some fields changed."""

    def send(**fields: object) -> dict[str, object]:
        order = {"from": "ParcelCo", "to": "+306970000001", "body": "Your parcel is here"} | fields
        return carrier.send(application, {name: value for name, value in order.items() if value is not ...})

    return send
