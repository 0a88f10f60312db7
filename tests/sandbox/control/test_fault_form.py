"""Tests of `control/fault_form.py`."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.sandbox import Body, Effect, Fault, Kind, Shape, faults
from routee_async.sandbox.control.fault_form import read_form, to_form
from routee_async.sandbox.control.problems import ControlError
from tests.sandbox.control.conftest import validate

texts = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)
seconds = st.floats(0, 86_400)
flags = st.booleans()
errors = st.builds(
    faults.error,
    st.integers(300, 599),
    accepted=flags,
    form=st.none() | st.sampled_from(Body),
    code=texts,
    retry_after=st.none() | texts,
    location=st.none() | texts,
)
effects = st.one_of(
    errors,
    st.builds(faults.mangled, st.sampled_from(Shape), accepted=flags, size=st.integers(0, 1 << 20)),
    st.builds(faults.delay, seconds, accepted=flags),
    st.builds(faults.trickle, seconds, accepted=flags),
    st.builds(faults.interim, seconds, accepted=flags),
    st.builds(faults.garbage, texts, accepted=flags),
    st.builds(faults.unsolicited, texts),
    st.builds(faults.close_after),
    *(
        st.builds(make, accepted=flags)
        for make in (faults.close, faults.reset, faults.hang, faults.cut_head, faults.cut_body, faults.stall_body)
    ),
)
conditions = {
    "method": st.sampled_from(["", "GET", "POST"]),
    "path": texts,
    "prefix": flags,
    "to": texts,
    "label": texts,
    "skip": st.integers(0, 1000),
    "every": st.integers(1, 1000),
    "times": st.none() | st.integers(1, 1000),
    "probability": st.floats(0, 1),
}


@given(st.builds(Fault, effects, **conditions))
def test_round_trip(fault: Fault) -> None:
    """Every fault that can be made is written as it is described, and read as it was."""
    form = to_form(fault)
    validate(form, "Fault")
    assert attrs.asdict(read_form(form)) == attrs.asdict(fault)


@given(effects)
def test_every_kind_is_generated(effect: Effect) -> None:
    """The form of an effect names its kind."""
    assert to_form(Fault(effect))["effect"]["kind"] == effect.kind.value  # type: ignore[index]


def test_defaults() -> None:
    """What is left out is as the functions of `faults` have it."""
    assert read_form({"effect": {"kind": "answer", "accepted": False}}).effect == faults.error(500)
    assert read_form({"effect": {"kind": "answer", "accepted": True, "status": 429}}).effect == faults.error(429, accepted=True)
    assert read_form({"effect": {"kind": "garbage", "accepted": True}}).effect == faults.garbage()
    assert read_form({"effect": {"kind": "unsolicited"}}).effect == faults.unsolicited()
    assert read_form({"effect": {"kind": "trickle", "accepted": True}}).effect == faults.trickle()
    assert read_form({"effect": {"kind": "mangled", "accepted": True, "shape": "html"}}).effect == faults.mangled(Shape.HTML)
    assert attrs.asdict(read_form(to_form(Fault(faults.hang(accepted=True))))) == attrs.asdict(Fault(faults.hang(accepted=True)))


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ([], "fault: must be an object"),
        ({}, "effect: must be an object"),
        ({"effect": {"kind": "explode"}}, 'effect.kind: must be one of "answer"'),
        ({"effect": {"kind": "close"}}, "effect.accepted: must be true or false"),
        ({"effect": {"kind": "close", "accepted": "yes"}}, "effect.accepted: must be true or false"),
        ({"effect": {"kind": "close", "accepted": True, "status": 500}}, "effect.status: does not belong here"),
        ({"effect": {"kind": "answer", "accepted": True, "status": 200}}, "effect.status: must be a whole number from 300 to 599"),
        ({"effect": {"kind": "answer", "accepted": True, "headers": {"A": "b\r\nC: d"}}}, "effect.headers: must be an object of"),
        ({"effect": {"kind": "answer", "accepted": True, "headers": ["A"]}}, "effect.headers: must be an object of"),
        ({"effect": {"kind": "answer", "accepted": True, "form": "pdf"}}, "effect.form: must be one of"),
        ({"effect": {"kind": "mangled", "accepted": True}}, "effect.shape: must be one of"),
        ({"effect": {"kind": "delay", "accepted": True}}, "effect.seconds: must be a number from 0 to 86400"),
        ({"effect": {"kind": "delay", "accepted": True, "seconds": -1}}, "effect.seconds: must be a number"),
        ({"effect": {"kind": "close", "accepted": True}, "times": 0}, "times: must be a whole number from 1"),
        ({"effect": {"kind": "close", "accepted": True}, "skip": True}, "skip: must be a whole number from 0"),
        ({"effect": {"kind": "close", "accepted": True}, "probability": 2}, "probability: must be a number from 0 to 1"),
        ({"effect": {"kind": "close", "accepted": True}, "path": 7}, "path: must be a text"),
        ({"effect": {"kind": "close", "accepted": True}, "nth": 7}, "nth: does not belong here; what may stand here: effect,"),
    ],
)
def test_what_is_wrong_is_said(form: Any, problem: str) -> None:  # noqa: ANN401 - whatever stands in a body
    """A form that cannot be read is refused with the place and the reason."""
    with pytest.raises(ControlError) as caught:
        read_form(form)
    assert caught.value.status == 400
    told = [f"{place}: {reason}" for place, reason in caught.value.problems.items()]
    assert any(line.startswith(problem) for line in told), told


def test_every_kind_can_be_read() -> None:
    """No kind is forgotten."""
    needed = {"shape": "empty", "seconds": 1}
    for kind in Kind:
        fields = {"accepted": True} if kind not in {Kind.UNSOLICITED, Kind.CLOSE_AFTER} else {}
        more = {Kind.MANGLED: {"shape": needed["shape"]}, Kind.DELAY: {"seconds": needed["seconds"]}}.get(kind, {})
        assert read_form({"effect": {"kind": kind.value, **fields, **more}}).effect.kind is kind
