"""`routee plan`: what `routee bulk` would take."""

from pathlib import Path

import pytest

from routee_async.sandbox import Sandbox
from tests.cli.conftest import NUMBER, Routee


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file of five rows: one with a wrong number, one of them twice, one in Greek, and one with a cell too few."""
    path = tmp_path / "in.csv"
    rows = ["to,name", f"{NUMBER},Eleni", "nobody,X", f"{NUMBER},Eleni", "+306970000002,Ελένη", "+306970000003"]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


async def test_plan_tells_parts_and_cost(routee: Routee, table: Path, sandbox: Sandbox) -> None:
    """Each thing that matters has its line; nothing is sent, and a bad row makes the exit status 1."""
    ran = await routee("plan", table, "--sender-id", "P", "--body", "Hi {name}, " + "x" * 70, "--price", "0.5")
    assert ran.status == 1
    assert "4 messages, 3 of which can be sent in 4 parts" in ran.out
    assert "1 rows cannot be read" in ran.out
    assert "1 have the recipient and the text of an earlier one" in ran.out
    assert "1 cannot be sent: to: " in ran.out
    assert "GR: 3 messages, 4 parts, 2.0" in ran.out
    assert "Cost: 2.0" in ran.out
    assert "In plain spelling it would be 3 parts" in ran.out
    assert "η in 1 messages, could be H" in ran.out
    assert sandbox.journal.sends_received == 0


async def test_plan_for_programs(routee: Routee, table: Path) -> None:
    """With `--json` everything is in one object, at the prices of the account."""
    ran = await routee("plan", table, "--sender-id", "P", "--body", "Hi", "--account-prices", "--json", "--no-duplicates")
    (line,) = ran.lines
    assert (line["messages"], line["sendable"], line["unreadable"], line["duplicates"]) == (4, 3, 1, None)
    assert (line["cost"], line["unpriced_parts"], line["countries"]["GR"]["parts"]) == ("0.096", 0, 3)


async def test_plan_of_a_good_file(routee: Routee, tmp_path: Path) -> None:
    """A file whose rows can all be sent is exit status 0; what has no look-alike, or can be left out, is said."""
    path = tmp_path / "in.csv"
    path.write_text("to,body\n" + f"{NUMBER},😀 {'x' * 10}\n{NUMBER},“\u200b{'x' * 80}\n{NUMBER},Hi\n", encoding="utf-8")
    ran = await routee("plan", path, "--sender-id", "P")
    assert ran.status == 0
    assert "nothing looks like it" in ran.out
    assert "could be left out" in ran.out
    assert "Cost" not in ran.out


async def test_plan_with_prices_that_are_missing(routee: Routee, tmp_path: Path) -> None:
    """Parts that have no price are told beside the cost."""
    path = tmp_path / "in.csv"
    path.write_text("to,sender_id\n+882161234567,P\n", encoding="utf-8")
    ran = await routee("plan", path, "--body", "Hi", "--account-prices")
    assert "Cost: 0, and 1 parts whose price is not known" in ran.out


async def test_one_price_or_the_other(routee: Routee, table: Path) -> None:
    """Two sources of prices are one too many."""
    ran = await routee("plan", table, "--sender-id", "P", "--body", "Hi", "--price", "1", "--account-prices")
    assert ran.status == 2
    assert "not both" in ran.err
