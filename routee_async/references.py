"""The mark that each message of a batch carries in its wire label, so that a doubtful one can be looked up. Pure.

`ra.k3f9x2ab.00001z7` is row 51,271 of the run `ra.k3f9x2ab`: at most 20 ASCII characters, the run first, so that one search for a
label that starts with it finds a whole run, and one with the last two digits left off finds a block of 1,296 neighbouring rows.
It is derived from run and row and never changes: a resumed run gives every row the same one. The caller's own label stands behind
it, after a space, and is given back unchanged.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import attrs

from routee_async.errors import InvalidInputError
from routee_async.models import TrackedPart
from routee_async.validation import LONGEST_LABEL

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
RUN_LENGTH = 8
_ROW_LENGTH = 7
_BLOCK_LENGTH = 2
"""Trailing digits that are left off for a block: 36 × 36 rows, which with a few parts each fit a page of 2,000."""
_REFERENCE = re.compile(r"ra\.[0-9a-z]{8}\.[0-9a-z]{7}")
LENGTH = len("ra.") + RUN_LENGTH + len(".") + _ROW_LENGTH

_PAIRS = [first + second for first in DIGITS for second in DIGITS]
"""The last two digits of the rows of a block."""
_BLOCK = len(_PAIRS)


@lru_cache(maxsize=16)  # rows come in order
def _start_of_block(run_id: str, block: int) -> str:
    """What the references of the rows of a block start with."""
    digits = ""
    for _ in range(_ROW_LENGTH - _BLOCK_LENGTH):
        block, digit = divmod(block, len(DIGITS))
        digits = DIGITS[digit] + digits
    return f"ra.{run_id}.{digits}"


def reference_of(run_id: str, index: int) -> str:
    """The reference of row *index* (from 0, below 36 ** 7) of a run."""
    return _start_of_block(run_id, index // _BLOCK) + _PAIRS[index % _BLOCK]


def block_of(wire_label: str) -> str:
    """What the labels of the 1,296 neighbouring rows around this one start with."""
    return wire_label[: LENGTH - _BLOCK_LENGTH]


def wire_label(label: str | None, reference: str) -> str:
    """What stands in the label on the wire: the reference, and behind it the caller's own *label*, if any.

    Raises:
        InvalidInputError: Both together are longer than a label may be.
    """
    if label is None:
        return reference
    if len(label) > LONGEST_LABEL - LENGTH - 1:
        problem = (
            f"must have at most {LONGEST_LABEL - LENGTH - 1} characters here: {LENGTH + 1} are taken by the message's reference"
        )
        raise InvalidInputError("label", problem)
    return f"{reference} {label}"


def split_label(wire_label: str | None) -> tuple[str | None, str | None]:
    """Take a label from the wire apart: reference and the caller's label, each None where there is none."""
    if wire_label is None:
        return None, None
    reference, _, label = wire_label.partition(" ")
    if _REFERENCE.fullmatch(reference) is None:
        return None, wire_label
    return reference, label or None


@attrs.frozen
class Lookup:
    """One search that settles some doubtful messages.

    Attributes:
        prefix: What their labels start with.
        wire_labels: The labels that are looked for.
    """

    prefix: str
    wire_labels: frozenset[str]


def plan_lookups(wire_labels: Iterable[str]) -> list[Lookup]:
    """Choose the searches for some doubtful messages: one for each block of neighbouring rows, exact where one stands alone.

    Messages fall into doubt together, when a server or a connection fails, so they are neighbours; and a search for the whole run
    would page through everything that was sent.
    """
    blocks: dict[str, set[str]] = {}
    for wire_label in wire_labels:
        blocks.setdefault(block_of(wire_label), set()).add(wire_label)
    return [
        Lookup(prefix if len(members) > 1 else next(iter(members))[:LENGTH], frozenset(members))
        for prefix, members in blocks.items()
    ]


def pick(rows: Iterable[TrackedPart], wanted: Mapping[str, str]) -> dict[str, list[TrackedPart]]:
    """Pick what was looked for from the rows of a search, which may hold anything: an unknown filter returns everything.

    Args:
        rows: Parts as the search found them, labels as on the wire.
        wanted: Wire label to recipient. A row counts only if both are ours.

    Returns:
        Wire label to its parts. They have one tracking id as a rule, more when the message was sent more than once.
    """
    found: dict[str, list[TrackedPart]] = {}
    for row in rows:
        if row.label is not None and wanted.get(row.label, "").lstrip("+") == row.to.lstrip("+"):
            found.setdefault(row.label, []).append(row)
    return found
