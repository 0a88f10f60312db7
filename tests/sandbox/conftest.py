"""Fixtures of the sandbox's own tests."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import Answer
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.routes import Request, respond

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


class Api:
    """Calls endpoints as a client with a token would, without a socket."""

    def __init__(self, carrier: Carrier, application: Application) -> None:
        self.carrier = carrier
        self.application = application

    def raw(
        self, method: str, target: str, body: bytes = b"", *, content_type: str = "application/json", remote: str = ""
    ) -> Answer:
        """Give the whole answer."""
        path, _, query = target.partition("?")
        token = self.carrier.tokens.grant(self.application).value
        request = Request(
            method=method,
            path=path,
            query=query,
            authorization=f"Bearer {token}",
            content_type=content_type,
            body=body,
            remote=remote,
        )
        return respond(self.carrier, request)

    def __call__(self, method: str, target: str, payload: object = None) -> Any:  # noqa: ANN401 - JSON
        """Give the JSON of a good answer."""
        answer = self.raw(method, target, b"" if payload is None else json.dumps(payload).encode())
        assert answer.status == 200, answer
        return json.loads(answer.body) if answer.body else None

    def refused(self, method: str, target: str, payload: object = None) -> str:
        """Give the code of a refusal, and check that it begins with the status."""
        answer = self.raw(method, target, b"" if payload is None else json.dumps(payload).encode())
        code = str(json.loads(answer.body)["code"])
        assert code.startswith(str(answer.status))
        return code

    def problems(self, method: str, target: str, payload: object = None) -> set[str]:
        """Name the fields that a validation error complains about."""
        answer = self.raw(method, target, b"" if payload is None else json.dumps(payload).encode())
        error = json.loads(answer.body)
        assert (answer.status, error["code"]) == (400, "400000000"), error
        return set(error["properties"])


@pytest.fixture
def api(carrier: Carrier, application: Application) -> Api:
    """The endpoints, as the application's own."""
    return Api(carrier, application)
