"""Tests of `control/switches.py`."""

import random

import pytest

from routee_async.sandbox import Fault, FaultPlan, faults
from routee_async.sandbox.control.switches import BY_NAME, SHARES, SWITCHES, Switchboard

SWITCH = BY_NAME["lost-answer"]


@pytest.fixture
def plan() -> FaultPlan:
    """A plan without faults."""
    return FaultPlan(random.Random(1))


def test_on_and_off(plan: FaultPlan) -> None:
    """A switch puts its fault in force, once, and takes it out again; other faults stay."""
    board = Switchboard(plan)
    other = Fault(faults.error(500))
    plan.add(other)
    board.turn_on(SWITCH)
    assert board.share(SWITCH) == "always"
    board.turn_on(SWITCH, "sometimes")
    assert board.share(SWITCH) == "sometimes"
    assert [entry.fault.probability for entry in plan.entries] == [1.0, SHARES["sometimes"]]
    assert board.name_of(plan.entries[1].fault) == "lost-answer"
    assert board.name_of(other) is None
    board.turn_off(SWITCH)
    board.turn_off(SWITCH)
    assert [entry.fault for entry in plan.entries] == [other]
    assert board.share(SWITCH) is None
    assert board.struck(SWITCH) == 0


def test_struck(plan: FaultPlan) -> None:
    """It is counted how often a switch strikes."""
    board = Switchboard(plan)
    board.turn_on(SWITCH)
    assert plan.pick("POST", "/sms") == SWITCH.effect
    assert board.struck(SWITCH) == 1


def test_faults_that_end_by_other_means(plan: FaultPlan) -> None:
    """When all faults are ended, the switches are off."""
    board = Switchboard(plan)
    board.turn_on(SWITCH)
    plan.clear()
    assert board.share(SWITCH) is None


def test_every_switch_teaches() -> None:
    """Each has a name, a title, what happens and what to do, and strikes sends or reads."""
    assert len(SWITCHES) >= 10
    assert len({switch.name for switch in SWITCHES}) == len({switch.title for switch in SWITCHES}) == len(SWITCHES)
    for switch in SWITCHES:
        assert switch.meaning.endswith(".")
        assert switch.advice.endswith(".")
        assert switch.fault().fits("POST", "/sms", "", "") or switch.fault().fits("GET", "/sms/tracking/single/1", "", "")
