"""Fixtures of the tests of the ledger."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routee_async.ledger import Ledger
from tests.ledger.hands import Spy, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger may be made."""
    return tmp_path / "run.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    """A new ledger that is open."""
    async with opened(path) as made:
        yield made


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """Look over the shoulder of SQLite."""
    made = Spy()
    monkeypatch.setattr(sqlite3, "connect", made)
    return made
