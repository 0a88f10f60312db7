"""The checksum of a message: what counts, and that nothing else does."""

import subprocess
import sys
from datetime import timedelta
from itertools import combinations, pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routee_async.checksums import checksum_of
from routee_async.models import Callback, IndiaRestrictions, Restrictions, Sms, UrlShortener

SMS = Sms(to="+306970000001", body="Hello", sender_id="ParcelCo")
TEXTS = st.text(alphabet=st.sampled_from("a1\0'\\,\ud800λ"), max_size=4)
VARIANTS = {
    "as it is": SMS,
    "to": attrs.evolve(SMS, to="+306970000002"),
    "body": attrs.evolve(SMS, body="Hello!"),
    "sender_id": attrs.evolve(SMS, sender_id="ParcelCo2"),
    "flash": attrs.evolve(SMS, flash=True),
    "label": attrs.evolve(SMS, label="order 1"),
    "callback": attrs.evolve(SMS, callback=Callback("https://example.com/a")),
    "callback elsewhere": attrs.evolve(SMS, callback=Callback("https://example.com/b")),
    "ttl": attrs.evolve(SMS, ttl=timedelta(minutes=5)),
    "transcode": attrs.evolve(SMS, transcode=False),
    "url_shortener": attrs.evolve(SMS, url_shortener=UrlShortener()),
    "restrictions": attrs.evolve(SMS, restrictions=Restrictions(india=IndiaRestrictions(template_id="1", entity_id="2"))),
    "a number for a text": attrs.evolve(SMS, body=5),  # type: ignore[arg-type] # a caller's mistake
    "the text of that number": attrs.evolve(SMS, body="5"),
    "a body of nothing": attrs.evolve(SMS, body=None),  # type: ignore[arg-type] # as above
    "a lone surrogate": attrs.evolve(SMS, body="\ud800"),
    "a lone surrogate spelt out": attrs.evolve(SMS, body="\\ud800"),
    "no message": "text",
    "nothing": None,
}


def test_every_field_has_a_variant() -> None:
    """A field that is added to a message must be seen to count."""
    assert {field.name for field in attrs.fields(Sms)} <= set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_checksum_is_of_the_content(name: str) -> None:
    """Sixteen bytes, the same for an equal message, and another for each other one."""
    sms = VARIANTS[name]
    checksum = checksum_of(sms)
    assert len(checksum) == 16
    assert checksum == checksum_of(attrs.evolve(sms) if isinstance(sms, Sms) else sms)
    assert checksum not in {checksum_of(other) for key, other in VARIANTS.items() if key != name}


@given(first=st.tuples(TEXTS, TEXTS, TEXTS), second=st.tuples(TEXTS, TEXTS, TEXTS))
def test_fields_do_not_run_into_each_other(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    """Two messages have one checksum when their fields are equal, whatever those hold, and never otherwise."""
    checksums = [checksum_of(Sms(to=to, sender_id=sender_id, body=body)) for to, sender_id, body in (first, second)]
    assert (checksums[0] == checksums[1]) == (first == second)


def test_a_separator_inside_a_field_does_not_confuse() -> None:
    """What looks like the end of a field is part of it."""
    shifted = [
        Sms(to="a", sender_id="b\0c", body="d"),
        Sms(to="a\0b", sender_id="c", body="d"),
        Sms(to="a", sender_id="b", body="c\0d"),
        attrs.evolve(SMS, to="", sender_id="", body="\0\0"),
        attrs.evolve(SMS, to="\0", sender_id="", body="\0"),
    ]
    assert all(checksum_of(one) != checksum_of(other) for one, other in combinations(shifted, 2))


def test_a_default_that_is_spelt_out_does_not_count() -> None:
    """A field at its default is as one that was not given."""
    assert checksum_of(SMS) == checksum_of(attrs.evolve(SMS, flash=False, label=None, ttl=None))


def test_checksum_is_the_same_in_every_process() -> None:
    """A ledger that another process began is resumed: no hash seed, no address counts."""
    code = (
        "from routee_async.checksums import checksum_of\nfrom routee_async.models import Callback, Sms\n"
        "sms = Sms(to='+306970000001', body='Hello', sender_id='ParcelCo')\n"
        "print(checksum_of(sms).hex(), checksum_of(object()).hex())"
    )
    said = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)]  # noqa: S603 - our own interpreter
    assert all(one == other for one, other in pairwise(said))
    assert said[0].split() == [checksum_of(SMS).hex(), checksum_of(object()).hex()]
