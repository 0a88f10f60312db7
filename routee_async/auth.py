"""The access token: one refresh in flight, however many callers wait for it.

Source: docs.routee.net/reference/authentication; routee-api.md §1.4 for the life of tokens.
"""

import asyncio
from collections.abc import Awaitable, Callable

import attrs

from routee_async.codec import Token
from routee_async.errors import RouteeError

_MARGIN = 60.0
_MARGIN_SHARE = 0.2
"""A token is renewed this long before its end: 60 s, or a fifth of its life where that is less. Asking again while it is valid
gives the same token with the life that is left, so `expires_in` can be a few seconds and the margin has to shrink with it."""
_COOL_DOWN = 1.0
"""Seconds for which a failed refresh answers for later callers too."""


@attrs.frozen
class HeldToken:
    """A token in use.

    Attributes:
        value: The access token.
        renew_at: Loop time from which a new one is fetched first; None when only a refusal tells.
        serial: Number of the refresh that brought it.
        authorization: Value of the `Authorization` header.
    """

    value: str = attrs.field(repr=False)
    renew_at: float | None
    serial: int
    authorization: str = attrs.field(init=False, repr=False)

    @authorization.default
    def _make_authorization(self) -> str:
        return f"Bearer {self.value}"


def hold(token: Token, now: float, serial: int) -> HeldToken:
    """Decide how long *token* is used. The clock only saves a refusal: the server's 401 outranks it.

    Args:
        token: As the endpoint gave it.
        now: Loop time when the request for it was begun.
        serial: Number of the refresh.
    """
    if token.expires_in is None:
        return HeldToken(token.access_token, None, serial)
    life = float(max(0, token.expires_in))
    return HeldToken(token.access_token, now + life - min(_MARGIN, life * _MARGIN_SHARE), serial)


class TokenSource:
    """Gives out the token, and renews it when it is due or refused.

    Args:
        fetch: Asks the token endpoint. What it raises goes to every caller that waits.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Token]]) -> None:
        self._fetch = fetch
        self._held: HeldToken | None = None
        self._begun = 0
        self._refresh: asyncio.Task[HeldToken] | None = None
        self._failure: RouteeError | None = None
        self._failed_until = 0.0

    def peek(self, now: float) -> HeldToken | None:
        """The token if it need not be renewed at loop time *now*."""
        held = self._held
        return held if held is not None and (held.renew_at is None or now < held.renew_at) else None

    async def get(self) -> HeldToken:
        """The token, fetched first if there is none or it is about to end."""
        return self.peek(asyncio.get_running_loop().time()) or await self._join_refresh()

    async def renew(self, refused: HeldToken) -> HeldToken:
        """Another token than *refused*, or the same one confirmed by a refresh that began after the refusal.

        Many callers are refused at once when a token is revoked: the first one's refresh serves them all.
        """
        begun_before_refusal = self._begun
        while True:
            held = self._held
            if held is not None and (held.value != refused.value or held.serial > begun_before_refusal):
                return held
            await self._join_refresh()

    async def aclose(self) -> None:
        """End a refresh in flight."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])

    async def _join_refresh(self) -> HeldToken:
        if self._refresh is None:
            if self._failure is not None and asyncio.get_running_loop().time() < self._failed_until:
                raise self._failure.with_traceback(None)
            self._begun += 1
            self._refresh = asyncio.create_task(self._run_refresh(self._begun), name="routee-token-refresh")
            self._refresh.add_done_callback(self._refreshed)
        # Shielded: a caller that is cancelled must not take the refresh from the others.
        return await asyncio.shield(self._refresh)

    async def _run_refresh(self, serial: int) -> HeldToken:
        # What came of it is noted here and not when the task is reported as done, a turn of the loop later: whoever came in between
        # would wait for a task that is over, which returns at once and for ever.
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            self._held = hold(await self._fetch(), began, serial)
        except RouteeError as error:
            self._failure = error
            self._failed_until = loop.time() + _COOL_DOWN
            raise
        finally:
            self._refresh = None
        self._failure = None
        return self._held

    def _refreshed(self, task: "asyncio.Task[HeldToken]") -> None:
        if self._refresh is task:  # cancelled before it had begun
            self._refresh = None
        if not task.cancelled():
            task.exception()  # marks it as seen, should every waiter be gone
