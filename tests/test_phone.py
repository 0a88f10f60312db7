"""Tests of `phone.py`."""

import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routee_async.errors import ConfigurationError, InvalidRecipientError, InvalidSenderIdError
from routee_async.phone import check_region, check_sender_id, normalize
from tests.strategies import greek_mobiles, phone_numbers, sender_ids, spellings

GREEK = "+306970000001"

# Callers without a type checker can put anything anywhere.
region_of: Callable[..., str | None] = check_region
REGIONS = st.sampled_from([None, "GR", "US", "DE", "IT"])


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        pytest.param(GREEK, None, GREEK, id="E.164"),
        pytest.param("+1234567", None, "+1234567", id="E.164 of 7 digits"),
        pytest.param("+123456789012345", None, "+123456789012345", id="E.164 of 15 digits, not looked up"),
        pytest.param("+30 697 000 0001", None, GREEK, id="spaces"),
        pytest.param("+30-697-000-0001", None, GREEK, id="dashes"),
        pytest.param("+30\u2011697\u2013000\u22120001", None, GREEK, id="typographic dashes"),
        pytest.param("+30.697.000.0001", None, GREEK, id="dots"),
        pytest.param("+30/697/0000001", None, GREEK, id="slashes"),
        pytest.param("(+30) [697] 0000001", None, GREEK, id="brackets"),
        pytest.param("+44 (0)20 7946 0958", None, "+442079460958", id="trunk prefix in brackets"),
        pytest.param("+39 06 698 12345", None, "+390669812345", id="leading zero that belongs to the number"),
        pytest.param("  +306970000001\n", None, GREEK, id="space around"),
        pytest.param("+30\u00a0697\u00a00000001", None, GREEK, id="no-break spaces"),
        pytest.param("\u202a+306970000001\u202c", None, GREEK, id="marks of writing direction"),
        pytest.param("\ufeff306970000001", None, GREEK, id="byte order mark"),
        pytest.param(
            "\uff0b\uff13\uff10\uff16\uff19\uff17\uff10\uff10\uff10\uff10\uff10\uff10\uff11", None, GREEK, id="full width"
        ),
        pytest.param("+\u0663\u0660\u0666\u0669\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0661", None, GREEK, id="Arabic digits"),
        pytest.param("00306970000001", None, GREEK, id="00 without a region"),
        pytest.param("0030 697 000 0001", "GR", GREEK, id="00 with a region"),
        pytest.param("00306970000001", "US", GREEK, id="00 where another prefix is usual"),
        pytest.param("011 30 697 000 0001", "US", GREEK, id="the region's own international prefix"),
        pytest.param("tel:+30-697-000-0001", None, GREEK, id="tel"),
        pytest.param("TEL:+306970000001", None, GREEK, id="tel in capitals"),
        pytest.param("tel:697-000-0001", "GR", GREEK, id="tel with a region"),
        pytest.param("tel:697-000-0001;phone-context=+30", None, GREEK, id="tel with a context"),
        pytest.param("697 000 0001", "GR", GREEK, id="national"),
        pytest.param("07911 123456", "GB", "+447911123456", id="national with a trunk prefix"),
        pytest.param("(202) 555-0123", "US", "+12025550123", id="national of North America"),
        pytest.param("306970000001", None, GREEK, id="no plus and no region"),
        pytest.param("306970000001", "GR", GREEK, id="no plus, of the region"),
        pytest.param("306970000001", "US", GREEK, id="no plus, of no number in the region"),
        pytest.param("306970000001", "DE", "+49306970000001", id="a valid national number goes before a missing plus"),
        pytest.param("+447700900123", None, "+447700900123", id="not in use, in E.164"),
        pytest.param("+44 7700 900123", None, "+447700900123", id="not in use, with plus"),
        pytest.param("00447700900123", "GR", "+447700900123", id="not in use, with 00"),
        pytest.param("+30 697 000 0001", "US", GREEK, id="a region does not touch what has a plus"),
    ],
)
def test_spellings(number: str, region: str | None, expected: str) -> None:
    """Every spelling that names one telephone number is understood."""
    assert normalize(number, default_region=region) == expected


@pytest.mark.parametrize(
    ("number", "region", "complaint"),
    [
        pytest.param(None, None, "must be text, .* not NoneType", id="None"),
        pytest.param(306970000001, None, "must be text, .* not int", id="int"),
        pytest.param(b"+306970000001", None, "must be text, .* not bytes", id="bytes"),
        pytest.param("", None, "is empty", id="empty"),
        pytest.param(" \u200b\t", None, "is empty", id="blank"),
        pytest.param("tel:", None, "is empty", id="tel of nothing"),
        pytest.param("+", None, "is not one telephone number", id="plus alone"),
        pytest.param("()", None, "is not one telephone number", id="brackets alone"),
        pytest.param("my number", None, "is not one telephone number", id="words"),
        pytest.param("call 6912345678", "GR", "is not one telephone number", id="a number among words"),
        pytest.param("1-800-FLOWERS", "US", "is not one telephone number", id="letters for digits"),
        pytest.param("++306912345678", None, "is not one telephone number", id="two plus signs"),
        pytest.param("30+6912345678", None, "is not one telephone number", id="plus inside"),
        pytest.param("6912345678, 6912345679", "GR", "is not one telephone number", id="two numbers with a comma"),
        pytest.param("+306912345678 +306912345679", None, "is not one telephone number", id="two numbers with plus"),
        pytest.param("6912345678 6912345679", "GR", "has 20 digits", id="two national numbers"),
        pytest.param("tel:+306912345678;ext=12", None, "has an extension", id="tel with an extension"),
        pytest.param("tel:+306912345678;phone-context=+30", None, "has an extension", id="tel with plus and a context"),
        pytest.param(
            "tel:6912345678;phone-context=example.com", "GR", "has an extension", id="tel with a context that is no number"
        ),
        pytest.param("+306912345678 ext. 12", None, "has an extension", id="ext"),
        pytest.param("+306912345678 x12", None, "has an extension", id="x"),
        pytest.param("+306912345678#12", None, "has an extension", id="hash"),
        pytest.param("+3069123456789012", None, "has 16 digits; no number has more than 15", id="16 digits"),
        pytest.param("003069123456789012", None, "has 16 digits; no number has more than 15", id="16 digits after 00"),
        pytest.param("+" + "6" * 300, None, "has 300 digits", id="300 digits"),
        pytest.param("+0306912345678", None, "does not begin with a country code", id="plus and zero"),
        pytest.param("0000306912345678", None, "does not begin with a country code", id="four zeros"),
        pytest.param("+210 6912345678", None, "does not begin with a country code", id="no such country code"),
        pytest.param("+30 691 234", None, "too few or too many digits", id="too short"),
        pytest.param("+123456", None, "too few or too many digits", id="six digits"),
        pytest.param("+1 555 0123", None, "too few or too many digits", id="local number of North America"),
        pytest.param("+49 69123456789123", None, "has 16 digits", id="possible for its country but too long for E.164"),
        pytest.param("6912345678", None, "lacks its country code: .* or set default_region", id="national without a region"),
        pytest.param("447700900123", None, "lacks its country code", id="no plus, not in use"),
        pytest.param("07700 900123", "GB", "is no number in use in GB", id="national, not in use"),
        pytest.param("112", "GR", "is no number in use in GR", id="short code"),
        pytest.param("\ud83d", None, "is not one telephone number", id="half a surrogate pair"),
        pytest.param("+306912345678\x00", None, "is not one telephone number", id="control character"),
        pytest.param("+²306912345678", None, "is not one telephone number", id="superscript"),
    ],
)
def test_refused(number: object, region: str | None, complaint: str) -> None:
    """What is no telephone number is refused in words that say what to do and do not repeat it."""
    with pytest.raises(InvalidRecipientError, match=complaint) as caught:
        normalize(number, default_region=region)

    assert caught.value.field == "to"
    assert "69123456" not in str(caught.value)
    assert "7700" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_e164_needs_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number in E.164 is returned as the same object, without phonenumbers being loaded."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    assert normalize(GREEK) is GREEK
    with pytest.raises(ImportError):
        normalize("+30 697 000 0001")


@given(phone_numbers(), REGIONS)
def test_e164_is_kept(number: str, region: str | None) -> None:
    """Every number in E.164 is kept as it is, whatever the default region."""
    assert normalize(number, default_region=region) is number


@settings(deadline=None)
@given(st.data())
def test_spread_out_numbers(data: st.DataObject) -> None:
    """However a number is spread out, and whether with `+`, `00`, `tel:` or nothing in front, it is the same number."""
    number = data.draw(greek_mobiles())
    spelt = data.draw(spellings(number[1:]))
    front = data.draw(st.sampled_from(["+", "00", "", "tel:+"]))

    assert normalize(front + spelt, default_region=data.draw(st.sampled_from([None, "GR", "US"]))) == number


@settings(deadline=None)
@given(st.text() | st.text("+0123456789 -().;extl:"), REGIONS)
def test_all_or_nothing(text: str, region: str | None) -> None:
    """Any text at all either becomes E.164, and stays so, or is refused."""
    try:
        number = normalize(text, default_region=region)
    except InvalidRecipientError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert normalize(number, default_region=region) == number


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("GR", "GR", id="capitals"),
        pytest.param("gr", "GR", id="small letters"),
        pytest.param("uS", "US", id="mixed"),
    ],
)
def test_regions(region: str | None, expected: str | None) -> None:
    """A region may be given in any case, or not at all."""
    assert check_region(region) == expected


@pytest.mark.parametrize("region", ["", "UK", "GRC", "30", "001", " GR", "ß", "Greece", "+306912345678", "ZZ"], ids=ascii)
def test_regions_that_do_not_exist(region: str) -> None:
    """A region that is not an ISO 3166-1 alpha-2 code fails where it is set."""
    with pytest.raises(ConfigurationError, match="default_region: must be an ISO 3166-1 alpha-2 code") as caught:
        check_region(region)

    assert "691234" not in str(caught.value)


def test_region_of_another_type() -> None:
    """A country calling code in place of a region fails in the same way."""
    with pytest.raises(ConfigurationError):
        region_of(30)


@pytest.mark.parametrize(
    "sender_id",
    [
        pytest.param("A", id="one letter"),
        pytest.param("ParcelCo", id="letters"),
        pytest.param("Parcel Co 1", id="eleven letters, digits and spaces"),
        pytest.param("1", id="one digit"),
        pytest.param("1234567890123456", id="sixteen digits"),
    ],
)
def test_sender_ids(sender_id: str) -> None:
    """A sender id within the rules is kept as it is."""
    assert check_sender_id(sender_id) is sender_id


@pytest.mark.parametrize(
    ("sender_id", "complaint"),
    [
        pytest.param(None, "must be text, such as 'ParcelCo', not NoneType", id="None"),
        pytest.param(306912345678, "must be text, such as 'ParcelCo', not int", id="int"),
        pytest.param("", "is blank", id="empty"),
        pytest.param("   ", "is blank", id="spaces"),
        pytest.param("\n", "is blank", id="line end"),
        pytest.param("+306912345678", "leave the plus and any spaces out", id="plus"),
        pytest.param("+30 6912345678", "leave the plus and any spaces out", id="plus and spaces"),
        pytest.param("ParcelCo\n", r"must not contain '\\n'", id="line end behind"),
        pytest.param("Parcel-Co", "must not contain '-'", id="dash"),
        pytest.param("Δέμα", r"must not contain '\\u0394'", id="Greek"),
        pytest.param("\u0661\u0662", r"must not contain '\\u0661'", id="Arabic digits"),
        pytest.param("ParcelCoShop", "is 12 characters long; the limit is 11", id="twelve letters"),
        pytest.param("691234567 12", "is 12 characters long; the limit is 11", id="twelve digits and spaces"),
        pytest.param("69123456789012345", "is 17 digits long; the limit is 16", id="seventeen digits"),
    ],
)
def test_sender_ids_that_are_refused(sender_id: object, complaint: str) -> None:
    """A sender id outside the rules is refused in words that name the rule, the limit and the length."""
    with pytest.raises(InvalidSenderIdError, match=complaint) as caught:
        check_sender_id(sender_id)

    assert caught.value.field == "sender_id"
    assert "691234" not in str(caught.value)


@given(sender_ids())
def test_any_sender_id_within_the_rules(sender_id: str) -> None:
    """Both kinds of sender id are accepted at every length."""
    assert check_sender_id(sender_id) == sender_id


@given(st.text(max_size=18) | st.text("aZ09 é٣", max_size=18))
def test_sender_ids_by_the_rule_as_written(text: str) -> None:
    """1 to 11 of A to Z in either case, digits and spaces, or 1 to 16 digits, and not only spaces; whatever else is refused."""
    if re.fullmatch(r"[A-Za-z0-9 ]{1,11}|[0-9]{1,16}", text) and text.strip():
        assert check_sender_id(text) is text
    else:
        with pytest.raises(InvalidSenderIdError):
            check_sender_id(text)
