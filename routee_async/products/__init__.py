"""Routee's other products, each a namespace of the client: classes of its values, its endpoints as data, thin methods.

Another endpoint takes a class for its answer, an `Operation` that names it, and a method; `docs/api.md` and the tests that every
endpoint must pass follow from the operation. A module is imported when its namespace is first used.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from routee_async.asker import Asker

if TYPE_CHECKING:
    from routee_async.products.account import Account
    from routee_async.products.contacts import Contacts
    from routee_async.products.failover import Failover
    from routee_async.products.lookup import Lookup
    from routee_async.products.numbers import Numbers
    from routee_async.products.pools import Pools
    from routee_async.products.reports import Reports
    from routee_async.products.two_step import TwoStep

# ruff: noqa: PLC0415 - whoever only sends messages need not wait for what he does not use


class Products:
    """The namespaces of a client.

    Args:
        ask: Carries their operations out.
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    @cached_property
    def account(self) -> "Account":
        """Balance, prices and payments."""
        from routee_async.products.account import Account

        return Account(self._ask)

    @cached_property
    def lookup(self) -> "Lookup":
        """Whether numbers exist, and where they are."""
        from routee_async.products.lookup import Lookup

        return Lookup(self._ask)

    @cached_property
    def two_step(self) -> "TwoStep":
        """One-time codes that Routee makes and checks."""
        from routee_async.products.two_step import TwoStep

        return TwoStep(self._ask)

    @cached_property
    def pools(self) -> "Pools":
        """Senders from which Routee chooses."""
        from routee_async.products.pools import Pools

        return Pools(self._ask)

    @cached_property
    def numbers(self) -> "Numbers":
        """Rented numbers, and the whitelist of addresses."""
        from routee_async.products.numbers import Numbers

        return Numbers(self._ask)

    @cached_property
    def failover(self) -> "Failover":
        """Messages that stand in for one another."""
        from routee_async.products.failover import Failover

        return Failover(self._ask)

    @cached_property
    def contacts(self) -> "Contacts":
        """Stored contacts, groups and blacklists."""
        from routee_async.products.contacts import Contacts

        return Contacts(self._ask)

    @cached_property
    def reports(self) -> "Reports":
        """Volumes, prices and latencies."""
        from routee_async.products.reports import Reports

        return Reports(self._ask)
