"""The seam between the library and the network: what an exchange is, and where it may go.

Knows nothing of aiohttp, so that whoever only plans or simulates need not load it.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from routee_async.errors import ConfigurationError
from routee_async.protocol import Failure, Request, Response

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""A host that goes into a URL and a header as it is: a name in ASCII, or an address. Anything else (spaces, backslashes, an
unencoded international name) is read differently by different programs."""


class ExchangeError(Exception):
    """An exchange that ended without a complete answer; `failure` says all there is to say."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Transport(Protocol):
    """What the rest of the library needs of the network. The other implementation is a simulation's."""

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write *request*, read the whole answer.

        Args:
            request: What to write.
            authorization: Value of the `Authorization` header.
            time_left: Seconds until the exchange is given up.

        Raises:
            ExchangeError: There is no complete answer.
        """
        ...

    # The same without a task that waits, for a batch that sends thousands a second. Who does not implement it has a task for each.

    def begin(
        self,
        request: Request,
        authorization: str,
        now: float,
        time_left: float,
        tell: Callable[[Any, Response | Any], None],
        about: object,
    ) -> Any:  # noqa: ANN401 - what only the transport understands
        """Write *request*, if a connection is at hand.

        Args:
            request: What to write: a paid one with a body.
            authorization: Value of the `Authorization` header.
            now: Loop time.
            time_left: Seconds until the exchange is given up.
            tell: Told once how it ends, from the loop: *about*, and the answer or something that `finish` has to be asked about.
            about: Whatever tells the caller's requests apart.

        Returns:
            Something for `cut`; None when no connection is at hand: then nothing was written, and `exchange` makes one.
        """
        del request, authorization, now, time_left, tell, about

    async def finish(self, request: Request, unfinished: Any) -> Response:  # noqa: ANN401 - as above
        """The answer to a request that was begun, where *tell* was not told a `Response`.

        Raises:
            ExchangeError: There is no complete answer.
        """
        raise AssertionError(f"nothing was begun: {request}, {unfinished}")

    def cut(self, begun: Any) -> None:  # noqa: ANN401 - as above
        """End an exchange that was begun and is under way, whatever it has come to: nobody is told."""
        raise AssertionError(f"nothing was begun: {begun}")

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def check_origin(field: str, value: object) -> str:
    """Return *value* as an origin (`https://host` with an optional port). Plain http is for loopback only.

    Raises:
        ConfigurationError: It is not one.
    """
    if not isinstance(value, str):
        raise ConfigurationError(field, f"must be a URL like https://connect.routee.net, not a {type(value).__name__}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ConfigurationError(field, "is not a URL: give scheme and host, like https://connect.routee.net") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        raise ConfigurationError(field, "give scheme and host, like https://connect.routee.net")
    if parts.username or parts.password or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigurationError(field, "give scheme, host and port only, without user, path or query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(field, "must be https: over plain http anybody on the way can read the token and the messages")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
