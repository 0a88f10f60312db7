"""Recipients in E.164, default regions and sender ids.

A recipient that is already in E.164 costs one regular expression. Everything else is read by phonenumbers, which is imported only
then: it takes longer to load than all the rest of the package.

No error text of this module holds the number.
"""

import re

from routee_async.errors import ConfigurationError, InvalidRecipientError, InvalidSenderIdError

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MOST_DIGITS = 15
_INTERNATIONAL_PREFIX = "00"
_EXAMPLE = "such as '+306970000001'"

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Soft hyphens, zero-width spaces and marks of writing direction, which come along when numbers are copied out of address books."""
_SEPARATORS = r"\s().\-/\[\]\u2010-\u2015\u2212\u30fc\uff08\uff09\uff0d-\uff0f\uff3b\uff3d"
# Two branches and not one with an optional plus, so that a long text of rubbish is never gone over again and again.
_READABLE = re.compile(rf"[{_SEPARATORS}]*[+\uff0b][\d{_SEPARATORS}]*|[\d{_SEPARATORS}]*")
_EXTENSION = re.compile(r"[;#]|ext|\d\s*x\s*\d", re.IGNORECASE)
_PHONE_CONTEXT = re.compile(r"([^;+]*);phone-context=(\+[^;]*)", re.IGNORECASE)

_LONGEST_ALPHANUMERIC = 11
_LONGEST_NUMERIC = 16
_SENDER_ID = re.compile(rf"[A-Za-z0-9 ]{{1,{_LONGEST_ALPHANUMERIC}}}|[0-9]{{1,{_LONGEST_NUMERIC}}}")
_NOT_IN_SENDER_ID = re.compile(r"[^A-Za-z0-9 ]")
_PLUS_AND_DIGITS = re.compile(r"\+[0-9 ]+")


def normalize(number: object, *, default_region: str | None = None) -> str:
    """Bring a recipient into E.164.

    What is in E.164 already is returned as it is and not looked up, so that a range newer than the phonenumbers data is never
    refused. Otherwise spaces, dashes, dots, slashes, brackets, digits of any script and a `tel:` in front are understood, and the
    first of these readings that makes sense is taken:

    1. With `+`: as an international number. It must be possible, which means of a length that its country has.
    2. With a default region: as it would be dialled there. It must be valid, which means in a range that is in use.
    3. With `00` in front: as an international number, with the rule of 1.
    4. As an international number that lacks its `+`, which Routee accepts too. It must be valid, for this is a guess.

    Args:
        number: Any spelling of one telephone number. Letters are refused (`1-800-FLOWERS` is more often a slip than a number), and
            so are extensions, which no SMS can reach.
        default_region: Country of numbers in national form, ISO 3166-1 alpha-2 in capitals, as `check_region` returns it.

    Returns:
        `+` and 7 to 15 digits, the first of them not 0.

    Raises:
        InvalidRecipientError: It is not text, or not a telephone number, or one whose country is not known.

    Source: ITU-T E.164 §6; RFC 3966 §3 for `tel:`; docs.routee.net/reference/send-single-sms.
    """
    if not isinstance(number, str):
        raise InvalidRecipientError("to", f"must be text, {_EXAMPLE}, not {type(number).__name__}")
    if _E164.fullmatch(number):
        return number
    text = _without_tel(_INVISIBLE.sub("", number).strip())
    if not text:
        raise InvalidRecipientError("to", f"is empty: give + and the number with its country code, {_EXAMPLE}")
    digits = "".join(str(int(character)) for character in text if character.isdecimal())
    if not digits or not _READABLE.fullmatch(text):
        raise InvalidRecipientError("to", _unreadable(text))
    has_plus = "+" in text or "\uff0b" in text
    found = _read(f"+{digits}") if has_plus else _read_without_plus(digits, default_region)
    if found is None:
        raise InvalidRecipientError("to", _impossible(digits, has_plus=has_plus, default_region=default_region))
    return found


def check_region(region: str | None) -> str | None:
    """Check a default region.

    Args:
        region: ISO 3166-1 alpha-2 code in any case, or None for no default.

    Returns:
        The code in capitals, or None.

    Raises:
        ConfigurationError: phonenumbers knows no such region.
    """
    if region is None:
        return None
    if not _is_region(region):
        raise ConfigurationError("default_region", "must be an ISO 3166-1 alpha-2 code, such as 'GR' or 'GB' (not 'UK'), or None")
    return region.upper()


def check_sender_id(sender_id: object) -> str:
    """Check who a message says it is from.

    Args:
        sender_id: What recipients shall see.

    Returns:
        The same, unchanged.

    Raises:
        InvalidSenderIdError: It is neither 1 to 11 of the letters A to Z in either case, digits and spaces, nor 1 to 16 digits; or
            there is nothing but spaces in it.

    Source: docs.routee.net/reference/send-single-sms, field `from`.
    """
    if isinstance(sender_id, str):
        # One word is the common case, and takes no regular expression.
        if len(sender_id) <= _LONGEST_ALPHANUMERIC and sender_id.isascii() and sender_id.isalnum():
            return sender_id
        if _SENDER_ID.fullmatch(sender_id) and not sender_id.isspace():
            return sender_id
    raise InvalidSenderIdError("sender_id", _sender_id_problem(sender_id))


def _sender_id_problem(sender_id: object) -> str:
    if not isinstance(sender_id, str):
        return f"must be text, such as 'ParcelCo', not {type(sender_id).__name__}"
    if not sender_id or sender_id.isspace():
        return "is blank: give 1 to 11 letters, digits and spaces, or 1 to 16 digits"
    if _PLUS_AND_DIGITS.fullmatch(sender_id):
        return "leave the plus and any spaces out: a number as sender is 1 to 16 digits and nothing else"
    if strange := _NOT_IN_SENDER_ID.search(sender_id):
        return f"must not contain {strange[0]!a}: only letters A to Z and a to z, digits and spaces are allowed"
    if sender_id.isdecimal():
        return f"is {len(sender_id)} digits long; the limit is {_LONGEST_NUMERIC} for digits alone"
    return f"is {len(sender_id)} characters long; the limit is {_LONGEST_ALPHANUMERIC} when there are letters or spaces in it"


def _is_region(region: object) -> bool:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - slow to load, and not needed without a default region

    # Only ASCII: a few other characters become ASCII letters in capitals.
    return isinstance(region, str) and region.isascii() and region.upper() in SUPPORTED_REGIONS


def _without_tel(text: str) -> str:
    """Take `tel:` off, and put a `phone-context` in front of the local number that it belongs to."""
    if text[:4].lower() != "tel:":
        return text
    text = text[4:].strip()
    local = _PHONE_CONTEXT.fullmatch(text)
    return local[2] + local[1] if local else text


def _read_without_plus(digits: str, default_region: str | None) -> str | None:
    if default_region is not None and (found := _read(digits, default_region, in_use=True)):
        return found
    if digits.startswith(_INTERNATIONAL_PREFIX):
        return _read("+" + digits.removeprefix(_INTERNATIONAL_PREFIX))
    return _read(f"+{digits}", in_use=True)


def _read(text: str, region: str | None = None, *, in_use: bool = False) -> str | None:
    """Read `+` and digits, or digits as dialled in *region*; None where that makes no sense."""
    import phonenumbers  # noqa: PLC0415 - slow to load, and not needed for numbers in E.164

    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # The reason and not `is_possible_number`, which lets numbers pass that can be dialled only from near by.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if in_use and not phonenumbers.is_valid_number(parsed):
        return None
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return found if _E164.fullmatch(found) else None


def _unreadable(text: str) -> str:
    if _EXTENSION.search(text):
        return f"has an extension or a parameter, which no SMS can reach: give the number alone, {_EXAMPLE}"
    return (
        f"is not one telephone number: give one + in front and then digits, {_EXAMPLE}; spaces, dashes, dots and brackets are fine"
    )


def _impossible(digits: str, *, has_plus: bool, default_region: str | None) -> str:
    international = digits if has_plus else digits.removeprefix(_INTERNATIONAL_PREFIX)
    if len(international) > _MOST_DIGITS:
        return f"has {len(international)} digits; no number has more than {_MOST_DIGITS}, the country code included"
    if has_plus or international != digits:
        return f"does not begin with a country code, or has too few or too many digits for it; right is a number {_EXAMPLE}"
    if default_region is None:
        return f"lacks its country code: put + and the country code in front, {_EXAMPLE}, or set default_region"
    return f"is no number in use in {default_region}: put + and the country code in front, {_EXAMPLE}"
