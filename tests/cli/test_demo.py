"""Tests of `cli/demo.py`, `cli/demo_messages.py` and `cli/demo_tally.py`."""

import json
from collections import Counter
from io import StringIO

import pytest
from rich.console import Console

from routee_async import segments
from routee_async.cli.demo_messages import message
from routee_async.cli.demo_tally import Tally, show
from routee_async.cli.results import Fate
from tests.cli.conftest import Routee


async def test_json(routee: Routee) -> None:
    """The figures add up: every message has one outcome, every accepted one its end, and nothing was sent twice."""
    ran = await routee("demo", "--count", 100, "--concurrency", 7, "--json")
    assert ran.status == 0
    (figures,) = ran.lines
    assert figures["adds_up"] is True
    assert figures["outcomes"] == {"accepted": 94, "rejected": 4, "not_sent": 1, "unknown": 1}
    assert sum(figures["statuses"].values()) == 94
    assert figures["sandbox"] == {"messages": 95, "twice": 0}


async def test_tables(routee: Routee) -> None:
    """A newcomer without an account sees tables that add up, and what to do next."""
    ran = await routee("demo", "--count", 12)
    assert ran.status == 0
    assert "It adds up: 8 accepted + 3 rejected + 0 not sent + 1 unknown = 12" in ran.out
    assert "export ROUTEE_APPLICATION_ID" in ran.out
    assert ran.err.startswith("Sending 12 messages to a sandbox on this machine, http://127.0.0.1:")


def test_messages() -> None:
    """A thousand messages are all different, go to many countries, and are of every kind that is promised."""
    made = [message(number, 1000) for number in range(1000)]
    assert len({(sms.to, sms.body, sms.sender_id, sms.label) for sms in made}) == 1000
    assert len(Counter(sms.to[:3] for sms in made if sms.to.startswith("+"))) >= 7
    counts = [segments.analyze(sms.body) for sms in made]
    assert {count.encoding for count in counts} == set(segments.Encoding)
    assert {1, 2, 3, 4} & {count.parts for count in counts} >= {1, 2, 3}
    assert any(count.units > count.characters for count in counts if count.encoding is segments.Encoding.GSM7)
    assert sum(not sms.to.startswith("+") for sms in made) == 5
    assert sum(len(sms.sender_id) == 12 for sms in made) == 5
    assert sum(len(sms.body) > 1600 for sms in made) == 5


@pytest.mark.parametrize(
    "tally",
    [
        pytest.param(Tally(2, fates=Counter({Fate.REJECTED: 1})), id="a message without an outcome"),
        pytest.param(Tally(1, fates=Counter({Fate.REJECTED: 1}), sandbox_messages=1), id="a message that nobody knows of"),
        pytest.param(Tally(1, fates=Counter({Fate.UNKNOWN: 1}), sandbox_messages=1, sandbox_twice=1), id="a message sent twice"),
        pytest.param(
            Tally(1, fates=Counter({Fate.ACCEPTED: 1}), accepted={"id"}, sandbox_messages=1, sandbox_statuses=Counter(Delivered=1)),
            id="a message without its end",
        ),
    ],
)
def test_what_does_not_add_up(tally: Tally) -> None:
    """Each way in which a message could be lost or doubled is noticed."""
    assert not tally.adds_up
    shown = StringIO()
    Console(file=shown).print(show(tally))
    assert "This does not add up" in shown.getvalue()
    assert json.loads(json.dumps(tally.to_json()))["adds_up"] is False
