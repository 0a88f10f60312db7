"""What a batch would take, counted without sending anything."""

import itertools
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async import ConfigurationError, Encoding, Plan, Sms, plan, segments
from routee_async.planning import UNKNOWN_COUNTRY, price_of
from routee_async.products.account import NetworkPrice, Prices, SmsPrices
from tests import strategies

GREEK = "Καλημέρα"
PRICES = {"GR": Decimal("0.03"), "DE": Decimal("0.07")}


def sms(to: str = "+306970000001", body: str = "Hello", sender_id: str = "ParcelCo") -> Sms:
    """A message."""
    return Sms(to=to, body=body, sender_id=sender_id)


def test_empty_plan() -> None:
    """Nothing takes nothing."""
    assert plan([]) == Plan(
        messages=0,
        sendable=0,
        parts=0,
        encodings={},
        respelled_parts=0,
        characters=(),
        duplicates=0,
        invalid={},
        invalid_examples={},
        countries={},
        is_priced=False,
    )
    assert plan([]).cost is None


def test_parts_and_cost_by_country() -> None:
    """Parts are counted for each country, and cost what a part costs there."""
    made = plan([sms(), sms(body="x" * 161), sms("+4915112345678"), sms("+12015550123")], prices=PRICES)
    assert (made.messages, made.sendable, made.parts) == (4, 4, 5)
    assert {code: (one.messages, one.parts, one.cost) for code, one in made.countries.items()} == {
        "GR": (2, 3, Decimal("0.09")),
        "DE": (1, 1, Decimal("0.07")),
        "US": (1, 1, None),
    }
    assert (made.cost, made.unpriced_parts) == (Decimal("0.16"), 1)


def test_price_list_of_the_account() -> None:
    """Of a country's networks the dearest counts: which one a number belongs to is not known."""
    networks = (NetworkPrice(price=Decimal("0.03")), NetworkPrice(price=Decimal("0.04")))
    prices = Prices(sms=(SmsPrices(iso="GR", networks=networks), SmsPrices(iso="DE"), SmsPrices(networks=networks)))
    assert plan([sms()], prices=prices).cost == Decimal("0.04")
    assert prices.per_part() == {"GR": Decimal("0.04")}


def test_one_price_for_all() -> None:
    """A single amount is the price of every part."""
    assert plan([sms(), sms("+882161234567")], prices=Decimal("0.5")).cost == Decimal("1.0")


def test_prices_must_be_money() -> None:
    """A float is no amount: it would be added up with errors."""
    with pytest.raises(ConfigurationError):
        price_of({"GR": 0.03}, "GR")  # type: ignore[dict-item] # on purpose


def test_duplicates_are_the_same_text_to_the_same_number() -> None:
    """Spelling of the number does not matter; another text is another message."""
    rows = [sms(), sms("+30 697 000 0001"), sms(body="Other"), sms()]
    assert plan(rows).duplicates == 2
    assert plan(rows, duplicates=False).duplicates is None


def test_invalid_messages_are_told_by_reason() -> None:
    """Each reason has its number and the positions of the first ten; the rest is counted all the same."""
    made = plan([sms("call me"), sms(), sms(body=""), *(sms("call me") for _ in range(12))])
    assert (made.messages, made.sendable) == (15, 1)
    (recipient,) = [reason for reason in made.invalid if reason.startswith("to: ")]
    assert made.invalid[recipient] == 13
    assert made.invalid_examples[recipient] == (0, 3, 4, 5, 6, 7, 8, 9, 10, 11)
    assert sum(made.invalid.values()) == 14


def test_reasons_are_bounded() -> None:
    """Reasons that differ in every message do not pile up."""
    made = plan(sms(body="x" * (1601 + number)) for number in range(150))
    assert len(made.invalid) == 101
    assert made.invalid["other"] == 50


def test_characters_are_bounded() -> None:
    """Texts in which every character is another one do not pile up."""
    made = plan(sms(body="".join(map(chr, range(0x4E00 + 500 * row, 0x4E00 + 500 * (row + 1))))) for row in range(5))
    assert len(made.characters) == 1000


def test_cheaper_spelling() -> None:
    """The characters that force UCS-2 are named with what could stand for them, and what that would save."""
    made = plan([sms(body="“" + "x" * 100), sms(body=GREEK * 10), sms(body="😀" * 60)])
    assert made.encodings == {Encoding.UCS2: 3}
    assert (made.parts, made.respelled_parts) == (2 + 2 + 2, 1 + 1 + 2)
    uses = {use.character: use.cheaper for use in made.characters}
    assert (uses["“"], uses["α"], uses["μ"], uses["😀"]) == ('"', "A", "M", None)


def test_number_of_no_country() -> None:
    """A satellite number is counted under a name of its own."""
    assert list(plan([sms("+882161234567")]).countries) == [UNKNOWN_COUNTRY]


def test_default_region_is_respected() -> None:
    """Numbers in national form are counted where the batch would take them."""
    assert plan([sms("6970000001")], default_region="gr").sendable == 1
    assert plan([sms("6970000001")]).sendable == 0


@given(st.lists(strategies.sms(), max_size=8))
def test_plan_adds_up(messages: list[Sms]) -> None:
    """Whatever the messages: every one is counted once, and respelling never costs more."""
    made = plan(messages, prices=Decimal(1))
    assert made.sendable == sum(one.messages for one in made.countries.values()) == sum(made.encodings.values())
    assert made.sendable + sum(made.invalid.values()) == made.messages == len(messages)
    assert made.cost == made.parts >= made.respelled_parts
    if made.sendable == len(messages):
        assert made.parts == sum(segments.analyze(one.body).parts for one in messages)


def test_memory_stays_flat() -> None:
    """Twenty thousand messages leave counters behind, and a table of at most 32 bytes for each."""
    plan(itertools.repeat(sms(), 10))
    tracemalloc.start()
    try:
        plan(sms(f"+3069700{number:05}") for number in range(20_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * 32 * 1.5 + 300_000
