"""Stored contacts and groups of an account, as far as campaigns and the endpoints of contacts need them.

Source: routee-api.md §2.19.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from routee_async.sandbox.countries import country_of

ALL: Final = "All"
"""The group that everybody is in."""
NOT_LISTED: Final = "NotListed"
"""The group of those who are in no other."""
SMS: Final = "Sms"
"""The service whose blacklist keeps a contact out of campaigns."""


@attrs.define(kw_only=True, eq=False)
class Contact:
    """Somebody who can be written to.

    Attributes:
        id: 24 hexadecimal digits.
        mobile: Number with `+`.
        first_name: First name; empty for none.
        last_name: Last name; empty for none.
        email: Address; empty for none.
        vip: A mark without consequences.
        groups: Names of the groups that it was put into.
        labels: Name to value; they fill the placeholders of a campaign.
        blacklisted: Services that must leave it alone, such as `Sms`.
    """

    id: str
    mobile: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    vip: bool = False
    groups: list[str] = attrs.Factory(list)
    labels: dict[str, str] = attrs.Factory(dict)
    blacklisted: set[str] = attrs.Factory(set)

    def all_groups(self) -> tuple[str, ...]:
        """Name its groups, those included that everybody or nobody else is in."""
        return (ALL, *(self.groups or (NOT_LISTED,)))

    def fillings(self) -> Mapping[str, str]:
        """Tell what fills placeholders: its labels, `firstName` and `lastName`, as far as it has them."""
        names = {"firstName": self.first_name, "lastName": self.last_name, "email": self.email, "mobile": self.mobile}
        return {name: text for name, text in names.items() if text} | self.labels

    def to_wire(self) -> dict[str, object]:
        """Write the contact object (§2.19)."""
        wire: dict[str, object] = {"id": self.id, "mobile": self.mobile, "vip": self.vip, "groups": list(self.all_groups())}
        optional = {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "country": country_of(self.mobile),
        }
        wire |= {name: value for name, value in optional.items() if value}
        wire["blacklistedServices"] = sorted(self.blacklisted)
        wire["labels"] = [{"name": name, "value": value} for name, value in self.labels.items()]
        return wire


class Contacts:
    """The contacts of one account, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Contact] = {}
        self._groups: dict[str, None] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_id.values())

    def add(
        self,
        mobile: str,
        *,
        first_name: str = "",
        last_name: str = "",
        email: str = "",
        vip: bool = False,
        groups: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
        blacklisted: Iterable[str] = (),
    ) -> Contact:
        """Store a contact; a group that is not known yet comes to be.

        Args:
            mobile: Number with `+`.
            first_name: First name.
            last_name: Last name.
            email: Address.
            vip: A mark without consequences.
            groups: Names of groups to put it into.
            labels: Name to value.
            blacklisted: Services that must leave it alone.
        """
        contact = Contact(
            id=f"64a0c2d1e4b0f5a1{next(self._numbers):08x}",
            mobile=mobile,
            first_name=first_name,
            last_name=last_name,
            email=email,
            vip=vip,
            groups=list(groups),
            labels=dict(labels or {}),
            blacklisted=set(blacklisted),
        )
        self._by_id[contact.id] = contact
        self._groups |= dict.fromkeys(contact.groups)
        return contact

    def add_group(self, name: str) -> None:
        """Let an empty group be."""
        self._groups[name] = None

    def find(self, contact_id: str) -> Contact | None:
        """Find a contact by its id."""
        return self._by_id.get(contact_id)

    def find_mobile(self, mobile: str) -> Contact | None:
        """Find a contact by its number with `+`."""
        return next((contact for contact in self if contact.mobile == mobile), None)

    def remove(self, contact_id: str) -> None:
        """Forget a contact, if it is known."""
        self._by_id.pop(contact_id, None)

    def groups(self) -> tuple[str, ...]:
        """Name all groups."""
        return (ALL, NOT_LISTED, *self._groups)

    def members(self, group: str) -> list[Contact]:
        """Tell who is in a group; nobody is in one that is not known."""
        return [contact for contact in self if group in contact.all_groups()]
