"""Tests of `cli/progress.py`."""

import pytest

from routee_async.cli.progress import Progress


def test_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Where stderr is no terminal, there is one plain line in ten seconds at most, and no bar."""
    now = 0.0
    with Progress("sent", "final", clock=lambda: now) as progress:
        for second in range(25):
            now = float(second)
            progress.show("sent", second, 100, f"{second} of 100")
        progress.show("final", 1, 2, "1 of 2")
        now = 30.0
        progress.show("final", 2, 2, "2 of 2")
    assert capsys.readouterr().err.splitlines() == ["sent: 10 of 100", "sent: 20 of 100", "sent: 24 of 100  final: 2 of 2"]


def test_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there are bars, and lines are written above them, made harmless."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Progress("sent") as progress:
        progress.show("sent", 100, 100, "100 rows")
        progress.say("line 3: \x1b[31m[bold]")
    shown = capsys.readouterr().err
    assert "100 rows" in shown
    assert "━" in shown
    assert "line 3: \\x1b[31m[bold]" in shown
