"""Which country a number belongs to."""

import pytest

from routee_async.countries import country_of


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+306970000001", "GR"),
        ("+35799123456", "CY"),
        ("+4915112345678", "DE"),
        ("+12015550123", "US"),
        ("+14165550123", "CA"),
        ("+447400123456", "GB"),
        ("+77012345678", "KZ"),
        ("+882161234567", None),
        ("+10000000", None),
        ("+9990000000", None),
        ("+1", None),
    ],
)
def test_country(number: str, country: str | None) -> None:
    """One country for a code, or the one of several that the number is in; None for what belongs to none."""
    assert country_of(number) == country
