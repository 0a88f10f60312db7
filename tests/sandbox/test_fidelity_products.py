"""The sandbox against the reference, row by row, over a real socket: §2.13 to §2.20, and §1 and §3 beyond `test_fidelity.py`.

The ids of the cases name the rows; what no server can be held to is listed in `BEYOND`, with the reason.
"""

from collections import Counter

import pytest

from tests.sandbox.fidelity.general import GENERAL
from tests.sandbox.fidelity.kit import Row
from tests.sandbox.fidelity.products import PRODUCTS
from tests.sandbox.fidelity.services import SERVICES
from tests.sandbox.fidelity.world import world

ROWS = [*GENERAL, *PRODUCTS, *SERVICES]
BEYOND = {
    "1.1: HTTPS only": "a sandbox on loopback serves either; test_server.py serves https",
    "1.1: the web portal": "is no API host",
    "1.4: on 401 or 403 get a new token": "is the client's part",
    "1.4: a very long expires_in overflows timers": "is the client's part",
    "2.13 prices: query currency": "is of older clients only, and what it does is not known",
    "2.13 transactions: the other statuses, sources and actions": "belong to payments, of which there are none here",
    "2.15: 1000 numbers in a pool": "would cost a thousand requests; test_pools.py lowers the bound",
    "2.17 statusCode: 0 server error": "has no cause here",
    "3.1: the list of modules": "is a list of names",
    "3.8: 404001001": "an account cannot be missing here: an application always has one",
    "3.8: `02`, 40402": "belong to the URL shortener, which is no part of this",
}
"""Rows that are not checked, and why."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section} {row.name}")
async def test_row(row: Row) -> None:
    """What the row says holds."""
    async with world() as running:
        await row.check(running)


def test_every_row_has_a_name_of_its_own() -> None:
    """No two rows are the same, so that a failure names its row."""
    counts = Counter((row.section, row.name) for row in ROWS)
    assert [name for name, count in counts.items() if count > 1] == []
