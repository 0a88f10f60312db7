"""Who may use the control API and the inbox: whoever addresses this machine, and no page of a foreign site.

A browser can be made to send requests to a listener on the loopback, either from a foreign page or, once a foreign name has been
pointed at 127.0.0.1, as if they were of the same origin (DNS rebinding). The first says so in `Origin` or `Sec-Fetch-Site`, the
second in `Host`.
"""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_SAFE: Final = frozenset({"GET", "HEAD"})


def objection(  # noqa: PLR0911 - each is a reason of its own
    *,
    method: str,
    host: str,
    origin: str | None,
    site: str | None,
    allowed: Collection[str] = (),
) -> str | None:
    """Tell why a request may not pass; None when it may.

    Args:
        method: HTTP method.
        host: Value of that header.
        origin: Value of that header; None without.
        site: Value of `Sec-Fetch-Site`; None without.
        allowed: Names of this machine, besides `localhost` and plain addresses.
    """
    name = _host_name(host)
    if name is None:
        return "the Host header is missing or not a host"
    if not is_own_name(name, allowed):
        return (
            f"the Host header names {name}, which is not a known name of this machine: use 127.0.0.1, or allow it (allowed_hosts)"
        )
    if method in _SAFE:
        return None
    if site not in {None, "same-origin", "none"}:
        return "the request comes from another site"
    if origin is None:
        return None
    if urlsplit(origin).netloc.lower() != host.lower():
        return "the request comes from a page of another origin"
    return None


def is_own_name(name: str, allowed: Collection[str] = ()) -> bool:
    """Tell whether *name*, in lower case, cannot be a foreign one: an address cannot be pointed elsewhere, a name can."""
    if name == "localhost" or name.endswith(".localhost") or name in {known.lower() for known in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.username is not None:
        return None
    return parts.hostname
