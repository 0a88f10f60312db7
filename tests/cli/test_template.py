"""Tests of `cli/template.py`."""

import pytest

from routee_async.cli import template
from routee_async.cli.failures import UsageError


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        pytest.param("Hi", "Hi", id="plain"),
        pytest.param("", "", id="empty"),
        pytest.param("Hi {name}!", "Hi Μαρία!", id="placeholder"),
        pytest.param("{name}{ first name }{name}", "ΜαρίαAnnaΜαρία", id="spaces inside and around names"),
        pytest.param("{{name}} {{{name}}}", "{name} {Μαρία}", id="braces"),
        pytest.param("{brackets}", "{name}", id="a cell is no template"),
    ],
)
def test_rendering(text: str, rendered: str) -> None:
    """Placeholders are replaced once, doubled braces become braces, and all else stays as it is."""
    assert template.parse(text).render({"name": "Μαρία", "first name": "Anna", "brackets": "{name}"}) == rendered


@pytest.mark.parametrize("text", ["Hi {name", "Hi name}", "{", "}", "{a{b}", "{a}}"])
def test_lone_braces(text: str) -> None:
    """A brace without its counterpart is refused rather than guessed at."""
    with pytest.raises(UsageError, match="stands alone"):
        template.parse(text)


@pytest.mark.parametrize("text", ["{name.__class__}", "{name[0]}", "{name!r}", "{name:>10}", "{}", "{0}"])
def test_no_language(text: str) -> None:
    """What stands between braces is the name of a column and never an expression."""
    assert template.parse(text).columns == (text[1:-1],)
