"""Carries operations out: one answer, a list, or all pages one after the other. What is asked and read is `operations.py`'s."""

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from typing import TypeVar

from routee_async import operations, phone
from routee_async.caller import Caller
from routee_async.operations import Operation, Scalar
from routee_async.protocol import Endpoint, Request, Response

T = TypeVar("T")
Query = Mapping[str, Scalar | None]


class Asker:
    """Asks Routee for what is declared as an `Operation`.

    Args:
        caller: Gives the caller of an open client, or raises `ClientClosedError`.
        default_region: Country of recipients in national form, as `check_region` returns it.
    """

    def __init__(self, caller: Callable[[], Caller], default_region: str | None) -> None:
        self._caller = caller
        self._default_region = default_region

    def recipient(self, to: str) -> str:
        """Bring a recipient into E.164.

        Raises:
            InvalidRecipientError: See `phone.normalize`.
        """
        return phone.normalize(to, default_region=self._default_region)

    async def call(self, request: Request, read: Callable[[Response], T]) -> T:
        """Make a call with a request of one's own."""
        return await self._caller().call(request, read)

    async def one(
        self,
        operation: Operation[T],
        *ids: str,
        query: Query | None = None,
        body: object = None,
        reference: str | None = None,
        parts: int = 0,
    ) -> T:
        """Ask for one object; arguments as those of `operations.build`."""
        request = operations.build(operation, *ids, query=query, body=body, reference=reference, parts=parts)
        return await self.call(request, lambda response: operations.read_one(response, operation, reference))

    async def many(self, operation: Operation[T], *ids: str, query: Query | None = None, body: object = None) -> tuple[T, ...]:
        """Ask for a list."""
        request = operations.build(operation, *ids, query=query, body=body)
        return await self.call(request, lambda response: operations.read_list(response, operation))

    async def nothing(self, endpoint: Endpoint, *ids: str, query: Query | None = None, body: object = None) -> None:
        """Ask for something to be done, of which the answer says nothing."""
        await self.call(operations.build(endpoint, *ids, query=query, body=body), operations.read_nothing)

    async def pages(
        self,
        operation: Operation[T],
        *ids: str,
        query: Query | None = None,
        body: object = None,
        size: int = 100,
        key: Callable[[T], Hashable] | None = None,
    ) -> AsyncGenerator[T, None]:
        """Ask for all rows, page by page, as they are taken.

        Args:
            operation: What is asked, page after page.
            *ids: As for `operations.build`.
            query: As for `operations.build`, without `page` and `size`.
            body: As for `operations.build`.
            size: Rows of a page.
            key: Names a row: one that was seen on an earlier page, which has moved meanwhile, is left out. None for none.
        """
        seen: set[Hashable] = set()
        number, is_last = 0, False
        while not is_last:
            request = operations.build(operation, *ids, query={**(query or {}), "page": number, "size": size}, body=body)
            page = await self.call(request, lambda response: operations.read_page(response, operation, size))
            number, is_last = number + 1, page.is_last
            for row in page.rows:
                name = None if key is None else key(row)
                if name is None or name not in seen:
                    yield row
                if name is not None:
                    seen.add(name)
