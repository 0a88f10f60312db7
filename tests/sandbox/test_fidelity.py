"""The sandbox against the reference of Routee's API, row by row, over a real socket."""

import pytest

from tests.sandbox.fidelity import campaigns, choices, sending, statuses, telling, tracking
from tests.sandbox.fidelity.kit import GAPS, ROWS, Row
from tests.sandbox.fidelity.world import world

MODULES = (sending, campaigns, tracking, statuses, telling, choices)
"""Importing them fills `ROWS`."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section} {row.name}")
async def test_row(row: Row) -> None:
    """What the reference says holds."""
    async with world() as place:
        await row.check(place)


def test_coverage() -> None:
    """Every row is checked once; those that are not are few, and each says why."""
    names = [(row.section, row.name) for row in ROWS]
    assert len(set(names)) == len(names)
    total = len(ROWS) + len(GAPS)
    print(f"{len(ROWS)} of {total} rows are checked")  # noqa: T201 - shown with -s, and when this fails
    assert len(ROWS) >= 0.98 * total
    assert all(why for _, _, why in GAPS)
