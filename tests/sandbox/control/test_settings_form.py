"""Tests of `control/settings_form.py`."""

import json
from typing import Any

import pytest

from routee_async.sandbox import Outcome, Settings, Timeline
from routee_async.sandbox.control import settings_form
from routee_async.sandbox.control.problems import ControlError


def test_round_trip() -> None:
    """All settings can be written as JSON, and what is written can be read again without a change."""
    settings = Settings(shares={Outcome.DELIVERED: 9, Outcome.EXPIRED: 1}, timeline=Timeline(reads=2))
    form = json.loads(json.dumps(settings_form.to_form(settings)))
    read = Settings()
    settings_form.change(read, form)
    assert settings_form.to_form(read) == form
    assert read.timeline == Timeline(reads=2)
    assert read.shares == {Outcome.DELIVERED: 9, Outcome.EXPIRED: 1}


def test_some_can_be_changed() -> None:
    """What is not named stays, inside of a timeline, too."""
    settings = Settings()
    settings_form.change(settings, {"timeline": {"final_after": 9}, "opt_out": False, "callback_retries": [1, 2.5]})
    assert settings.timeline == Timeline(sent_after=0.5, final_after=9)
    assert settings.opt_out is False
    assert settings.callback_retries == (1, 2.5)
    settings_form.change(settings, {"timeline": {"reads": None}, "callback_hosts": ["app"], "shape": "2016", "shares": {}})
    assert settings.timeline.reads is None
    assert settings.callback_hosts == ("app",)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ([], "settings: must be an object"),
        ({"colour": 1}, "colour: unknown; known are visibility_delay,"),
        ({"visibility_delay": "1"}, "visibility_delay: must be a number, 0 or more"),
        ({"visibility_delay": -1}, "visibility_delay: must be a number, 0 or more"),
        ({"visibility_delay": True}, "visibility_delay: must be a number, 0 or more"),
        ({"max_label": 1.5}, "max_label: must be a whole number, 0 or more"),
        ({"opt_out": 1}, "opt_out: must be true or false"),
        ({"shape": "2020"}, "shape: must be one of today, 2016"),
        ({"timeline": 3}, "timeline: must be an object"),
        ({"timeline": {"final_after": "x", "y": 1}}, "timeline: final_after must be a number, 0 or more; y unknown"),
        ({"shares": []}, "shares: must be an object of names and weights"),
        ({"shares": {"Lost": 1}}, "shares: must be one of Delivered,"),
        ({"shares": {"Delivered": 0}}, "shares: needs a weight above 0"),
        ({"callback_retries": 3}, "callback_retries: must be an array"),
        ({"callback_hosts": [3]}, "callback_hosts: must be a text"),
    ],
)
def test_what_is_wrong_is_said(wanted: Any, problem: str) -> None:  # noqa: ANN401 - whatever stands in a body
    """A change that makes no sense changes nothing, and says why."""
    settings = Settings()
    before = settings_form.to_form(settings)
    with pytest.raises(ControlError) as caught:
        settings_form.change(
            settings, {"opt_out": False, **wanted} if isinstance(wanted, dict) and "opt_out" not in wanted else wanted
        )
    assert caught.value.message.startswith(problem)
    assert settings_form.to_form(settings) == before
