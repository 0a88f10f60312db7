"""Which country a number belongs to. Pure.

Most country calling codes belong to one country, which a look into a table tells; where several share one (+1, +7, +44 …) the
number is read by phonenumbers, which is imported with the first number.
"""


def country_of(number: str) -> str | None:
    """Tell the country of a number.

    Args:
        number: In E.164.

    Returns:
        ISO 3166-1 alpha-2; None for a number of no country, such as one of a satellite network.
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415 - it takes longer to load than all the rest

    digits = number[1:]
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions is not None:
            if len(regions) > 1:
                return _parse(number)
            return None if regions[0] == "001" else str(regions[0])
    return None


def _parse(number: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
    return None if region is None else str(region)
