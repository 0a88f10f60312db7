"""What a batch would take, before any of it is sent. Pure: nothing is asked of Routee, and nothing written.

    print(plan(messages, prices=await client.account.prices()).cost)

Messages are gone through once, and only counters are kept; to tell duplicates, 12 to 32 bytes for each message besides.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol, runtime_checkable

import attrs

from routee_async import segments, spelling, validation
from routee_async.countries import country_of
from routee_async.errors import ConfigurationError, InvalidInputError
from routee_async.models import Sms
from routee_async.phone import check_region
from routee_async.seen import Seen
from routee_async.segments import Encoding

_MOST_REASONS = 100
_MOST_EXAMPLES = 10
_MOST_CHARACTERS = 1000
_OTHER = "other"
UNKNOWN_COUNTRY = "??"
"""Stands for the country of numbers that belong to none."""


@runtime_checkable
class PriceList(Protocol):
    """Something that has prices of message parts by country, such as `Prices`."""

    def per_part(self) -> Mapping[str, Decimal]:
        """Give the price of a part for each country (ISO 3166-1 alpha-2)."""
        ...


PriceSource = Mapping[str, Decimal] | PriceList | Decimal
"""Price of a part by country (ISO 3166-1 alpha-2), a price list, or one price for all."""


@attrs.frozen(kw_only=True)
class CountryPlan:
    """What goes to one country.

    Attributes:
        messages: Messages that can be sent.
        parts: Their parts.
        price: Price of a part; None where it is not known.
    """

    messages: int
    parts: int
    price: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        """What they cost; None where the price is not known."""
        return None if self.price is None else self.price * self.parts


@attrs.frozen(kw_only=True)
class CharacterUse:
    """A character that forces UCS-2.

    Attributes:
        character: The character.
        messages: In how many messages it is.
        cheaper: What could stand for it in GSM-7, maybe nothing; None where nothing looks like it.
    """

    character: str
    messages: int
    cheaper: str | None


@attrs.frozen(kw_only=True)
class Plan:
    """What a batch would take.

    Attributes:
        messages: All that were looked at.
        sendable: Those that can be sent.
        parts: Parts that these take; each is paid.
        encodings: How many of them are sent in which alphabet.
        respelled_parts: Parts that they would take if texts in UCS-2 were spelled in GSM-7 where that is possible
            (`routee_async.spelling`).
        characters: The characters that force UCS-2, the most frequent first.
        duplicates: Messages that have the recipient and the text of an earlier one; None if that was not asked for.
        invalid: Why messages cannot be sent, to their number.
        invalid_examples: The same, to the positions of the first ten of them, from 0.
        countries: ISO 3166-1 alpha-2 to what goes there.
        is_priced: True when prices were given.
    """

    messages: int
    sendable: int
    parts: int
    encodings: Mapping[Encoding, int]
    respelled_parts: int
    characters: tuple[CharacterUse, ...] = attrs.field(repr=False)
    duplicates: int | None
    invalid: Mapping[str, int]
    invalid_examples: Mapping[str, tuple[int, ...]]
    countries: Mapping[str, CountryPlan]
    is_priced: bool

    @property
    def unpriced_parts(self) -> int:
        """Parts to countries whose price is not known."""
        return sum(country.parts for country in self.countries.values() if country.price is None)

    @property
    def cost(self) -> Decimal | None:
        """What all parts with a known price cost; None if no prices were given."""
        if not self.is_priced:
            return None
        return sum((country.cost or Decimal(0) for country in self.countries.values()), Decimal(0))


def plan(
    messages: Iterable[Sms],
    *,
    prices: PriceSource | None = None,
    default_region: str | None = None,
    duplicates: bool = True,
) -> Plan:
    """Count what a batch would take, message by message, in memory that hardly grows with their number.

    Args:
        messages: What would be given to `RouteeClient.send_many()`.
        prices: Price of a part by country, a price list (`client.account.prices()`), or one price for all.
        default_region: Country of recipients in national form.
        duplicates: Count messages that have come before. That costs 12 to 32 bytes for each message; False costs nothing.

    Raises:
        ConfigurationError: The region or the prices make no sense.
    """
    region = check_region(default_region)
    counting = _Counting(Seen() if duplicates else None)
    for index, sms in enumerate(messages):
        counting.messages += 1
        try:
            prepared = validation.prepare(sms, default_region=region)
        except InvalidInputError as error:
            counting.note_invalid(index, error)
        else:
            counting.note(prepared)
    return counting.conclude(prices)


def price_of(prices: PriceSource, country: str | None) -> Decimal | None:
    """Tell the price of a part to a country; None where it is not known.

    Raises:
        ConfigurationError: These are no prices.
    """
    if isinstance(prices, Decimal):
        return prices
    table = prices.per_part() if isinstance(prices, PriceList) else prices
    price = table.get(country or UNKNOWN_COUNTRY)
    if price is not None and not isinstance(price, Decimal):
        raise ConfigurationError("prices", f"must be Decimals, not {type(price).__name__}")
    return price


class _Counting:
    """Counters of one plan."""

    def __init__(self, seen: Seen | None) -> None:
        self.messages = 0
        self._seen = seen
        self._duplicates = 0
        self._sent: Counter[str] = Counter()
        self._parts: Counter[str] = Counter()
        self._encodings: Counter[Encoding] = Counter()
        self._saved = 0
        self._characters: Counter[str] = Counter()
        self._invalid: Counter[str] = Counter()
        self._examples: dict[str, tuple[int, ...]] = {}

    def note(self, sms: Sms) -> None:
        """Count a message that can be sent."""
        count = segments.analyze(sms.body)
        country = country_of(sms.to) or UNKNOWN_COUNTRY
        self._sent[country] += 1
        self._parts[country] += count.parts
        self._encodings[count.encoding] += 1
        if count.encoding is Encoding.UCS2:
            self._note_characters(count.unsupported)
            respelled = spelling.respell(sms.body)
            if respelled is not None:
                self._saved += max(0, count.parts - segments.analyze(respelled).parts)
        if self._seen is not None:
            self._duplicates += self._seen.add(hash((sms.to, sms.body)))

    def note_invalid(self, index: int, error: InvalidInputError) -> None:
        """Count a message that cannot be sent."""
        reason = f"{error.field}: {error.problem}"
        if reason not in self._invalid and len(self._invalid) >= _MOST_REASONS:
            reason = _OTHER
        self._invalid[reason] += 1
        examples = self._examples.get(reason, ())
        if len(examples) < _MOST_EXAMPLES:
            self._examples[reason] = (*examples, index)

    def _note_characters(self, characters: Iterable[str]) -> None:
        for character in characters:
            if character in self._characters or len(self._characters) < _MOST_CHARACTERS:
                self._characters[character] += 1

    def conclude(self, prices: PriceSource | None) -> Plan:
        """Put all together."""
        countries = {
            country: CountryPlan(
                messages=count,
                parts=self._parts[country],
                price=None if prices is None else price_of(prices, country),
            )
            for country, count in self._sent.most_common()
        }
        parts = self._parts.total()
        return Plan(
            messages=self.messages,
            sendable=self._sent.total(),
            parts=parts,
            encodings=dict(self._encodings),
            respelled_parts=parts - self._saved,
            characters=tuple(
                CharacterUse(character=character, messages=count, cheaper=spelling.cheaper(character))
                for character, count in self._characters.most_common()
            ),
            duplicates=None if self._seen is None else self._duplicates,
            invalid=dict(self._invalid),
            invalid_examples=self._examples,
            countries=countries,
            is_priced=prices is not None,
        )
