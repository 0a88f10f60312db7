"""A guard that keeps a process on this machine: clients of other vendors must not reach their vendors."""

import ipaddress
from collections import Counter
from contextlib import suppress
from typing import Any


class LeakError(RuntimeError):
    """Something wanted to leave this machine. Not an `OSError`, which clients would take for an ordinary failure."""


class Guard:
    """An audit hook that refuses every address but those of loopback, and every name. It cannot be removed, only not installed.

        sys.addaudithook(Guard())

    Attributes:
        connects: Port to the number of attempts to connect to it.
        leaks: What was refused.
    """

    def __init__(self) -> None:
        self.connects: Counter[int] = Counter()
        self.leaks: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at an audit event.

        Raises:
            LeakError: It leads away from loopback.
        """
        match event, arguments:
            case (("socket.connect" | "socket.sendto" | "socket.sendmsg"), (_, (str(host), int(port), *_))):
                self._check(host)
                self.connects[port] += event == "socket.connect"
            case "socket.sendmsg", (_, None):
                pass
            case (("socket.getaddrinfo" | "socket.gethostbyname"), (host, *_)):
                self._check(host)
            case (("socket.connect" | "socket.sendto" | "socket.sendmsg" | "socket.gethostbyaddr" | "socket.getnameinfo"), _):
                self._refuse(arguments)

    def _check(self, host: object) -> None:
        text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        with suppress(ValueError):
            if ipaddress.ip_address(text).is_loopback:
                return
        self._refuse(text)

    def _refuse(self, what: object) -> None:
        self.leaks.append(str(what))
        raise LeakError(f"not loopback: {what}")
