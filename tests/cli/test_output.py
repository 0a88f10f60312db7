"""Tests of `cli/output.py`."""

import json

import pytest

from routee_async.cli import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Γεια 🎉 [bold]", "Γεια 🎉 [bold]", id="letters, emoji and brackets stay"),
        pytest.param("a\nb\r\tc", "a\\nb\\r\\tc", id="line ends"),
        pytest.param("\x1b[2J\x9b\x00", "\\x1b[2J\\x9b\\x00", id="escapes"),
        pytest.param("\u202eabc\u2066", "\\u202eabc\\u2066", id="marks of direction"),
        pytest.param("\udcff", "\\udcff", id="undecodable byte"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """What could steer a terminal is escaped, and what can be read stays."""
    assert output.printable(text) == shown


def test_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Results go to stdout, messages to stderr, each on one line however long, without markup."""
    output.emit("result [red]" + "x" * 200)
    output.emit_json({"text": "é\n\x9b", "none": None})
    output.say("message [red] " + "y " * 200)
    captured = capsys.readouterr()
    first, second = captured.out.splitlines()
    assert first == "result [red]" + "x" * 200
    assert json.loads(second) == {"text": "é\n\x9b", "none": None}
    assert second.isascii()
    (message,) = captured.err.splitlines()
    assert message.startswith("message [red] y y")
