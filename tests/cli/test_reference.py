"""Tests of `cli/reference.py`."""

import runpy
import sys
from pathlib import Path

import pytest

from routee_async.cli import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_page() -> None:
    """`docs/cli.md` is what the program says about itself."""
    assert PAGE.read_text(encoding="utf-8") == reference.page(), "write it anew: python -m routee_async.cli.reference > docs/cli.md"


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The module writes the page to stdout, the same however wide the terminal is."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delitem(sys.modules, "routee_async.cli.reference")
    # pytest imports our modules by a way of its own, as the package has a plugin, and runpy does not know that way.
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not hasattr(finder, "mark_rewrite")])
    runpy.run_module("routee_async.cli.reference", run_name="__main__")
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8")
