"""Hypothesis strategies that several test files share.

The alphabets are written out here once more, so that a slip in the package cannot hide in its own tests.
"""

from datetime import timedelta

from hypothesis import strategies as st

from routee_async.models import Callback, CallbackStrategy, IndiaRestrictions, Restrictions, Sms, UrlShortener

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""Row by row, without the escape. Source: 3GPP TS 23.038 §6.2.1."""
GSM_EXTENSION = "\f^{}\\[~]|€"
"""What takes two septets. Source: 3GPP TS 23.038 §6.2.1.1."""

_LONGEST_BODY = 1600
_LONGEST_LABEL = 350


def _repeated(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of 1 to about 700 characters, long ones included, for little randomness."""
    piece = st.text(characters, min_size=1, max_size=12)
    return st.builds(lambda head, unit, times, tail: head + unit * times + tail, piece, piece, st.integers(0, 55), piece)


def gsm_texts() -> st.SearchStrategy[str]:
    """Texts in GSM-7, often of several segments and with characters that take two septets."""
    return _repeated(st.sampled_from(GSM_BASIC) | st.sampled_from(GSM_EXTENSION))


def any_texts() -> st.SearchStrategy[str]:
    """Texts of anything that can be encoded, often of several segments and with characters that take two code units."""
    anything = st.characters(exclude_categories=["Cs"])
    return gsm_texts() | _repeated(anything | st.sampled_from("aλ€😀𝄞"))


def phone_numbers() -> st.SearchStrategy[str]:
    """Numbers of the shape of E.164; few of them exist."""
    return st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


def greek_mobiles() -> st.SearchStrategy[str]:
    """Greek mobile numbers in E.164, in a range that is in use."""
    return st.from_regex(r"\+3069[0-9]{8}", fullmatch=True)


def spellings(digits: str) -> st.SearchStrategy[str]:
    """Ways of spreading digits out with spaces, dashes, dots, slashes and brackets."""
    separators = st.lists(st.sampled_from(["", "", "", " ", "-", ".", "/", "(", ")", " - ", "\u00a0"]), min_size=len(digits))
    return separators.map(lambda given: "".join(digit + separator for digit, separator in zip(digits, given, strict=False)))


def sender_ids() -> st.SearchStrategy[str]:
    """Sender ids of both kinds."""
    alphanumeric = st.from_regex(r"[A-Za-z0-9 ]{0,10}[A-Za-z0-9]", fullmatch=True)
    return alphanumeric | st.from_regex(r"[0-9]{1,16}", fullmatch=True)


def callbacks() -> st.SearchStrategy[Callback]:
    """Callbacks to web addresses."""
    url = st.from_regex(r"https?://[a-z]{1,10}\.example(:[1-9][0-9]{1,3})?/[a-z0-9/]{0,20}", fullmatch=True)
    return st.builds(Callback, url, st.sampled_from(CallbackStrategy))


def sms() -> st.SearchStrategy[Sms]:
    """Messages that are right in every field."""
    identifier = st.from_regex(r"[0-9]{1,19}", fullmatch=True)
    india = st.builds(IndiaRestrictions, template_id=identifier, entity_id=identifier)
    return st.builds(
        Sms,
        to=phone_numbers(),
        body=any_texts().map(lambda body: body[:_LONGEST_BODY]),
        sender_id=sender_ids(),
        flash=st.booleans(),
        label=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=_LONGEST_LABEL),
        callback=st.none() | callbacks(),
        ttl=st.none() | st.integers(1, 4320).map(lambda minutes: timedelta(minutes=minutes)),
        transcode=st.none() | st.booleans(),
        url_shortener=st.none()
        | st.integers(3600, 2_592_000).map(lambda seconds: UrlShortener(validity=timedelta(seconds=seconds))),
        restrictions=st.none() | st.builds(Restrictions, india=st.none() | india),
    )
