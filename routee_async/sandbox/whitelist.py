"""The addresses that an application may be used from. Source: routee-api.md §1.1, §2.16."""

from ipaddress import ip_address
from typing import Final

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.answers import invalid, routee
from routee_async.sandbox.carrier import Carrier

_FIELD: Final = "whitelistedIps"


class Whitelist:
    """Addresses by application.

    Args:
        carrier: Whose settings say whether it is enforced.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._addresses: dict[str, list[str]] = {}

    def put(self, application: Application, payload: object) -> dict[str, object]:
        """Set the addresses: POST and PATCH /security/whitelist. That PATCH replaces them as well is a guess.

        Raises:
            Refusal: 400000000: not an array of addresses, or an empty one.
        """
        given = payload.get(_FIELD) if isinstance(payload, dict) else None
        if not isinstance(given, list) or not given or not all(_is_address(one) for one in given):
            raise invalid({_FIELD: "must hold valid addresses"}, "Whitelist")
        self._addresses[application.id] = list(dict.fromkeys(given))
        return self.show(application)

    def show(self, application: Application) -> dict[str, object]:
        """Tell the addresses: GET /security/whitelist."""
        return {_FIELD: list(self._addresses.get(application.id, ()))}

    def clear(self, application: Application) -> None:
        """Let every address in again: DELETE /security/whitelist."""
        self._addresses.pop(application.id, None)

    def check(self, application: Application, address: str) -> None:
        """Let a caller in.

        Raises:
            Refusal: 403000000: *application* has a whitelist, and *address* is not on it. That code is a guess (§1.1).
        """
        allowed = self._addresses.get(application.id)
        if allowed and address not in allowed:
            raise routee(403, "403000000", "Access Denied")


def _is_address(text: object) -> bool:
    try:
        ip_address(str(text))
    except ValueError:
        return False
    return isinstance(text, str)
