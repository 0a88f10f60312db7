"""An aiohttp handler for Routee's callbacks.

    app.router.add_post("/routee/{secret}", webhook.handler(tracker.feed, secret=SECRET))

Routee wants 200 within 2 seconds and else calls again, a few times (routee-api.md §5.0). So a callback is read, checked and put
into a bounded queue; the request waits a moment for the sink, so that a crash before that lets Routee call again, and then answers
200 whatever the sink does. What is not Routee's is refused with a 4xx; a full queue, with 503. Never does it answer 5xx otherwise,
and never does it log a number, a text or the secret.
"""

import asyncio
import inspect
import ipaddress
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import attrs
from aiohttp import web

from routee_async.callbacks import MAX_BODY, is_secret, new_secret, parse_callback
from routee_async.errors import ConfigurationError, InvalidCallbackError
from routee_async.options import check_count, check_positive
from routee_async.sink_queue import Sink, SinkQueue

__all__ = ["Refusal", "Webhook", "WebhookStats", "handler", "is_secret", "new_secret"]

Network = IPv4Network | IPv6Network
Source = Callable[[web.Request], str | IPv4Address | IPv6Address | None]
"""Finds the address that a request came from; None where it cannot be told."""

_log = logging.getLogger("routee_async")


class Refusal(Enum):
    """Why a request was refused, and the HTTP status that says so."""

    SOURCE = 403
    """It comes from an address that is not allowed."""
    SECRET = 404
    """The secret piece of the URL is wrong."""
    METHOD = 405
    """It is no POST."""
    TOO_SLOW = 408
    """Its body was not there in time."""
    TOO_LARGE = 413
    """Its body is larger than any callback."""
    MALFORMED = 400
    """Its body is no callback, or broke off."""
    BUSY = 503
    """The queue is full, or about to be closed. Routee will call again."""


@attrs.frozen(kw_only=True)
class WebhookStats:
    """What a webhook has done so far.

    Attributes:
        received: Requests, whatever became of them.
        refused: Requests that were refused, by reason.
        delivered: Callbacks that the sink took.
        sink_failures: Callbacks at which the sink failed or took too long.
        late: Callbacks that were answered before the sink was through with them.
        depth: Callbacks that wait for the sink, or are in it, now.
    """

    received: int = 0
    refused: Mapping[Refusal, int] = attrs.field(factory=dict)
    delivered: int = 0
    sink_failures: int = 0
    late: int = 0
    depth: int = 0


def handler(
    sink: Sink,
    *,
    secret: str | Iterable[str] | None = None,
    allow: Iterable[str | Network] | None = None,
    source: Source | None = None,
    max_body: int = MAX_BODY,
    read_timeout: float = 5.0,
    patience: float = 1.5,
    queue_size: int = 1000,
    concurrency: int = 1,
    sink_timeout: float = 30.0,
) -> "Webhook":
    """Make a handler for a route of an aiohttp application. It may be made outside a running loop.

    Args:
        sink: Gets each callback: a plain function (`tracker.feed`), which runs in the event loop and must be quick, or an
            asynchronous one. It may get the same callback twice, for that is how Routee sends them.
        secret: What has to stand in the piece `{secret}` of the route, see `new_secret()`; several while one takes over from
            another. None lets everybody in: then guard the route otherwise.
        allow: Networks that callbacks may come from, such as `("203.0.113.0/24", "2001:db8::/32")`. None for any.
        source: Finds the address of who asks; None takes the peer's, which behind a proxy is the proxy's.
        max_body: The most bytes of a body, decompressed.
        read_timeout: Seconds within which the body has to be there.
        patience: Seconds after which a request is answered even if the sink is not through. Routee waits for 2.
        queue_size: The most callbacks that wait for the sink or are in it. Above that Routee is asked to call again.
        concurrency: The most callbacks in the sink at a time. With 1 it gets them in the order in which they came.
        sink_timeout: Seconds after which an asynchronous sink is cancelled, and the next callback has its turn.

    Raises:
        ConfigurationError: One of these makes no sense.
    """
    if not callable(sink):
        raise ConfigurationError("sink", f"must be a function that takes a callback, not {type(sink).__name__}")
    return Webhook(
        SinkQueue(
            sink,
            limit=check_count("queue_size", queue_size),
            concurrency=check_count("concurrency", concurrency),
            timeout=check_positive("sink_timeout", sink_timeout),
        ),
        secrets=_check_secrets(secret),
        networks=_check_networks(allow),
        source=source or _peer,
        max_body=check_count("max_body", max_body),
        read_timeout=check_positive("read_timeout", read_timeout),
        patience=check_positive("patience", patience),
    )


class Webhook:
    """What `handler()` makes: an aiohttp handler that counts, and that can be drained."""

    def __init__(
        self,
        queue: SinkQueue,
        *,
        secrets: tuple[str, ...],
        networks: tuple[Network, ...] | None,
        source: Source,
        max_body: int,
        read_timeout: float,
        patience: float,
    ) -> None:
        self._queue = queue
        self._secrets = secrets
        self._networks = networks
        self._source = source
        self._max_body = max_body
        self._read_timeout = read_timeout
        self._patience = patience
        self._received = 0
        self._late = 0
        self._refused: Counter[Refusal] = Counter()
        self._route_is_wrong = False
        _mark_as_coroutine_function(self)

    def __repr__(self) -> str:
        return f"<Webhook {self.stats}>"

    @property
    def stats(self) -> WebhookStats:
        """What it has done so far."""
        return WebhookStats(
            received=self._received,
            refused=dict(self._refused),
            delivered=self._queue.delivered,
            sink_failures=self._queue.failures,
            late=self._late,
            depth=self._queue.depth,
        )

    async def drain(self, timeout: float = 10.0) -> int:
        """Let the sink have what has been answered already; to be awaited when the application is closed, before the sink is.

        Args:
            timeout: Seconds after which the sink is cancelled and the rest is dropped.

        Returns:
            How many callbacks were dropped.
        """
        return await self._queue.drain(timeout)

    async def __call__(self, request: web.Request) -> web.Response:
        """Take one request."""
        now = asyncio.get_running_loop().time
        latest = now() + self._patience
        self._received += 1
        taken = self._judge_head(request) or await self._read(request)
        if isinstance(taken, Refusal):
            return self._refuse(taken, whole=request.content.is_eof() and request.content.exception() is None)
        try:
            event = parse_callback(taken)
        except InvalidCallbackError as error:
            return self._refuse(Refusal.MALFORMED, str(error))
        done = self._queue.put(event)
        if done is None:
            return self._refuse(Refusal.BUSY)
        await asyncio.sleep(0)  # as a rule that is all it takes
        if not done.done():
            # Neither the end of the wait nor a client that goes away takes the callback out of the queue.
            await asyncio.wait({done}, timeout=max(0.0, latest - now()))
        if not done.done():
            self._late += 1
        elif not done.result():
            return self._refuse(Refusal.BUSY)
        return web.Response()

    def _refuse(self, reason: Refusal, text: str | None = None, *, whole: bool = True) -> web.Response:
        """Write a refusal; where the request was not read to its end, the connection cannot be used for another."""
        self._refused[reason] += 1
        _log.debug("a request to the webhook was refused: %s", reason.name)
        headers = {"Allow": "POST"} if reason is Refusal.METHOD else None
        response = web.Response(status=reason.value, text=text, headers=headers)
        if not whole:
            response.force_close()
        return response

    def _judge_head(self, request: web.Request) -> Refusal | None:
        """Refuse what can be refused before the body is read; strangers learn nothing of what comes after."""
        if self._networks is not None and not self._is_allowed(request, self._networks):
            return Refusal.SOURCE
        if self._secrets and not self._knows_secret(request):
            return Refusal.SECRET
        if request.method != "POST":
            return Refusal.METHOD
        return Refusal.TOO_LARGE if (request.content_length or 0) > self._max_body else None

    def _is_allowed(self, request: web.Request, networks: Iterable[Network]) -> bool:
        try:
            address = ipaddress.ip_address(self._source(request) or "")
        except ValueError:  # a socket in the file system has no address
            return False
        except Exception as error:  # noqa: BLE001 - the caller's function may raise anything
            _log.warning("the address of a request to the webhook could not be told: %s", type(error).__name__)
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # how a socket for both protocols shows an IPv4 peer
        return any(address in network for network in networks)

    def _knows_secret(self, request: web.Request) -> bool:
        given = request.match_info.get("secret")
        if given is None and not self._route_is_wrong:
            self._route_is_wrong = True
            _log.error("the route of the webhook has no piece {secret}, so that every callback is refused")
        return is_secret(given or "", self._secrets)

    async def _read(self, request: web.Request) -> bytes | Refusal:
        body = bytearray()
        at_once = request.content.is_eof()
        try:
            async with asyncio.timeout(None if at_once else self._read_timeout):
                while chunk := await request.content.readany():
                    body += chunk
                    if len(body) > self._max_body:
                        return Refusal.TOO_LARGE
        except TimeoutError:
            return Refusal.TOO_SLOW
        except Exception:  # noqa: BLE001 - broken chunks, broken compression, a client that went away: each has its own class
            return Refusal.MALFORMED
        return bytes(body)


def _peer(request: web.Request) -> str | None:
    return request.remote


def _check_secrets(secret: object) -> tuple[str, ...]:
    if secret is None:
        return ()
    given = (secret,) if isinstance(secret, str) or not isinstance(secret, Iterable) else tuple(secret)
    known = tuple(each for each in given if isinstance(each, str) and each)
    if not known or len(known) < len(given):
        raise ConfigurationError("secret", "must be a text that is not empty, or several; new_secret() makes one")
    return known


def _check_networks(allow: Iterable[str | Network] | None) -> tuple[Network, ...] | None:
    if allow is None:
        return None
    example = 'such as ("203.0.113.0/24", "2001:db8::/32")'
    if isinstance(allow, str):
        raise ConfigurationError("allow", f"must be several networks, {example}, not one text")
    try:
        networks = tuple(ipaddress.ip_network(each) for each in allow)
    except (TypeError, ValueError):
        raise ConfigurationError("allow", f"must be networks, {example}, with no bit set behind the prefix") from None
    if not networks:
        raise ConfigurationError("allow", "is empty, which would refuse every callback; None allows any address")
    return networks


def _mark_as_coroutine_function(callable_object: "Webhook") -> None:
    """Let aiohttp see that calling it gives a coroutine; it looks for functions only."""
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(callable_object)
    else:
        # What 3.12 has a function for.
        callable_object._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined] # noqa: SLF001
