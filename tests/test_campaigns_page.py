"""The code of docs/campaigns.md runs."""

import ast
import inspect
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from routee_async import BadRequestError, Campaign, RouteeClient, Sms
from routee_async.sandbox import Sandbox

PAGE = Path(__file__).parent.parent / "docs" / "campaigns.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


async def run(number: int, **names: object) -> dict[str, object]:
    """Run a block as it stands, with some names given; tell what it has made."""
    code = compile(BLOCKS[number], str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(code, names)  # noqa: S307 - our own page
    if inspect.isawaitable(made):
        await made
    return names


async def test_figures_are_made_by_code_that_runs(sandbox: Sandbox, client: RouteeClient) -> None:
    """The loop behind the table sends the same messages twice: in one request, and one by one."""
    await run(0, client=client, Campaign=Campaign, Sms=Sms, n=20)
    assert sandbox.journal.requests["POST /sms/campaign"] == 1
    assert sandbox.journal.sends_received == 20


async def test_campaign_is_sent_and_changed(sandbox: Sandbox, client: RouteeClient) -> None:
    """A dated campaign is made and followed; moved, sent at once, and then it is too late to cancel it."""
    made = await run(1, client=client, numbers=["+306970000001"])
    (piece,) = made["sent"].pieces  # type: ignore[attr-defined] # a name of the page
    assert piece.state == "Scheduled"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    campaign = Campaign(sender_id="P", body="Hi", to=["+306970000001"])
    with pytest.raises(BadRequestError, match="400009002"):
        await run(2, client=client, campaign=campaign, tracking_id=piece.tracking_id, tomorrow=tomorrow)
    assert len(sandbox.journal.accepted) == 1


def test_page_has_no_other_code() -> None:
    """Code that is added to the page is added here too."""
    assert len(BLOCKS) == 3
