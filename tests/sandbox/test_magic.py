"""Tests of `magic.py`."""

import pytest

from routee_async.sandbox import Magic, Outcome, Sandbox
from routee_async.sandbox.magic import MAGIC_ROWS, markdown


def test_every_number_is_explained() -> None:
    """Each magic number has a row, and no two rows say the same."""
    assert [row.number for row in MAGIC_ROWS] == [number.value for number in Magic]
    assert len({row.meaning for row in MAGIC_ROWS}) == len(MAGIC_ROWS)


def test_table() -> None:
    """The table for documents has a line for each, with its number, its name and its meaning."""
    lines = markdown().splitlines()
    assert len(lines) == len(MAGIC_ROWS) + 2
    assert "| `+306999000009` | `Magic.EXPIRED` | Ends as `Undelivered` / `Expired`: the validity period has passed |" in lines
    assert "| `+306999000012` | `Magic.NEVER_FINAL` | Stays `Sent` for ever |" in lines


@pytest.mark.parametrize("magic", [Magic[outcome.name] for outcome in Outcome])
async def test_magic_text(sandbox: Sandbox, magic: Magic) -> None:
    """The name of an outcome in a text has the effect of its number, whoever the message goes to."""
    named = {"from": "ParcelCo", "to": "+306970000001", "body": f"Your code is 12 ({magic.text})."}
    by_text = sandbox.carrier.messages[str(sandbox.carrier.send(sandbox.application, named)["trackingId"])]
    by_number = sandbox.carrier.messages[
        str(sandbox.carrier.send(sandbox.application, {**named, "to": magic, "body": "x"})["trackingId"])
    ]
    assert by_text.outcomes == by_number.outcomes == (Outcome[magic.name],)


@pytest.mark.parametrize("body", ["sandbox:NO_SUCH_NAME", "sandbox: EXPIRED", "sandbox:EXPIREDLY", "my sandbox is EXPIRED"])
async def test_other_texts_have_no_magic(sandbox: Sandbox, body: str) -> None:
    """Only an exact name counts."""
    answer = sandbox.carrier.send(sandbox.application, {"from": "ParcelCo", "to": "+306970000001", "body": body})
    assert sandbox.carrier.messages[str(answer["trackingId"])].outcomes == (Outcome.DELIVERED,)


async def test_magic_text_of_several_parts(sandbox: Sandbox) -> None:
    """A text may let only its last part fail."""
    body = f"{Magic.LAST_PART_UNDELIVERED.text} {'x' * 200}"
    answer = sandbox.carrier.send(sandbox.application, {"from": "ParcelCo", "to": "+306970000001", "body": body})
    assert sandbox.carrier.messages[str(answer["trackingId"])].outcomes == (Outcome.DELIVERED, Outcome.UNDELIVERED)
