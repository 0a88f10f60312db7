"""`client.contacts`: stored contacts, their labels, groups and blacklists. Source: routee-api.md §2.19.

Campaigns go to them by id or by group, and fill `[~label]` in their texts from them.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from enum import StrEnum

import attrs

from routee_async import redact
from routee_async.asker import Asker
from routee_async.camel import WHOLE
from routee_async.errors import InvalidInputError, NotFoundError
from routee_async.operations import Operation
from routee_async.protocol import PAGE_SIZE, Content

_LONGEST_NAME = 60


class BlacklistedService(StrEnum):
    """A service that has a blacklist."""

    SMS = "Sms"
    VOICE = "Voice"
    VIBER = "Viber"
    TWO_STEP = "TwoStep"
    LOOKUP = "Lookup"
    NUMBER_VALIDATOR = "NumberValidator"


@attrs.frozen(kw_only=True)
class ContactLabel:
    """What is known of a contact, by a name of one's own.

    Attributes:
        name: The label.
        value: Its value.
    """

    name: str
    value: str = attrs.field(default="", repr=redact.mask_body)


@attrs.frozen(kw_only=True)
class NewContact:
    """A contact as it is written. What is None is left out.

    Attributes:
        mobile: Number.
        first_name: 1 to 60 characters.
        last_name: 1 to 60 characters.
        email: Address.
        vip: A mark.
        labels: Values of labels that exist (`create_labels`).
    """

    mobile: str = attrs.field(repr=redact.mask_number)
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    email: str | None = attrs.field(default=None, repr=False)
    vip: bool | None = None
    labels: tuple[ContactLabel, ...] = ()


@attrs.frozen(kw_only=True)
class Contact:
    """A contact.

    Attributes:
        id: Its id, 24 hexadecimal digits.
        mobile: Number in E.164.
        first_name: First name.
        last_name: Last name.
        email: Address.
        country: ISO 3166-1 alpha-2.
        vip: A mark.
        groups: Groups that it is in, `All` and `NotListed` among them.
        blacklisted_services: Services that leave it alone.
        labels: What is known of it besides.
    """

    id: str
    mobile: str | None = attrs.field(default=None, repr=redact.mask_number)
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    email: str | None = attrs.field(default=None, repr=False)
    country: str | None = None
    vip: bool | None = None
    groups: tuple[str, ...] = ()
    blacklisted_services: tuple[str, ...] = ()
    labels: tuple[ContactLabel, ...] = ()


@attrs.frozen(kw_only=True)
class Group:
    """A group of contacts.

    Attributes:
        name: Its name.
        size: How many are in it.
    """

    name: str
    size: int | None = None


@attrs.frozen(kw_only=True)
class Labels:
    """The labels that contacts can have.

    Attributes:
        raw: Label to its type, `Text` or `Number`, as Routee says it.
    """

    raw: Mapping[str, object] = attrs.field(factory=dict, metadata=WHOLE)


_SCOPE = "contact"
_SECTION = "2.19"
_CONTACTS = "/contacts/my"
_CONTACT = f"{_CONTACTS}/{{}}"
_LABELS = "/contacts/labels/my"
_BLACKLIST = f"{_CONTACTS}/blacklist/{{}}"
_GROUPS = "/groups/my"
_MEMBERS = f"{_GROUPS}/{{}}/contacts"
LIST = Operation(
    method="GET",
    path=_CONTACTS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.fetch_all",
    query=("page", "size"),
    answer=Contact,
)
CREATE = Operation(
    method="POST",
    path=_CONTACTS,
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.create",
    content=Content.JSON,
    answer=Contact,
)
DELETE_MANY = Operation(
    method="DELETE",
    path=_CONTACTS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.delete_many",
    content=Content.JSON,
    answer=object,
)
HAS_MOBILE = Operation(
    method="HEAD",
    path=f"{_CONTACTS}/mobile",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.has_mobile",
    query=("value",),
    answer=object,
)
FETCH = Operation(method="GET", path=_CONTACT, paid=False, scope=_SCOPE, section=_SECTION, call="contacts.fetch", answer=Contact)
UPDATE = Operation(
    method="PUT",
    path=_CONTACT,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.update",
    content=Content.JSON,
    answer=Contact,
)
DELETE = Operation(
    method="DELETE", path=_CONTACT, paid=False, scope=_SCOPE, section=_SECTION, call="contacts.delete", answer=object
)
LABELS = Operation(
    method="GET", path=_LABELS, paid=False, scope=_SCOPE, section=_SECTION, call="contacts.fetch_labels", answer=Labels
)
CREATE_LABELS = Operation(
    method="POST",
    path=_LABELS,
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.create_labels",
    content=Content.JSON,
    answer=object,
)
BLACKLIST = Operation(
    method="GET", path=_BLACKLIST, paid=False, scope=_SCOPE, section=_SECTION, call="contacts.fetch_blacklist", answer=Contact
)
BLACKLIST_ADD = Operation(
    method="POST",
    path=_BLACKLIST,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.blacklist",
    content=Content.JSON,
    answer=object,
)
BLACKLIST_REMOVE = Operation(
    method="DELETE",
    path=_BLACKLIST,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.unblacklist",
    content=Content.JSON,
    answer=object,
)
BLACKLIST_GROUPS_ADD = Operation(
    method="POST",
    path=f"{_BLACKLIST}/groups",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.blacklist_groups",
    content=Content.JSON,
    answer=object,
)
BLACKLIST_GROUPS_REMOVE = Operation(
    method="DELETE",
    path=f"{_BLACKLIST}/groups",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.unblacklist_groups",
    content=Content.JSON,
    answer=object,
)
GROUPS = Operation(
    method="GET", path=_GROUPS, paid=False, scope=_SCOPE, section=_SECTION, call="contacts.fetch_groups", answer=Group
)
GROUP_PAGES = Operation(
    method="GET",
    path=f"{_GROUPS}/page",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.fetch_group_pages",
    query=("page", "size"),
    answer=Group,
)
CREATE_GROUP = Operation(
    method="POST",
    path=_GROUPS,
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.create_group",
    content=Content.JSON,
    answer=Group,
)
DELETE_GROUPS = Operation(
    method="DELETE",
    path=_GROUPS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.delete_groups",
    query=("deleteContacts",),
    content=Content.JSON,
    answer=object,
)
MERGE = Operation(
    method="POST",
    path=f"{_GROUPS}/merge",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.merge_groups",
    content=Content.JSON,
    answer=Group,
)
DIFFERENCE = Operation(
    method="POST",
    path=f"{_GROUPS}/difference",
    paid=True,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.subtract_groups",
    content=Content.JSON,
    answer=Group,
)
GROUP = Operation(
    method="GET", path=f"{_GROUPS}/{{}}", paid=False, scope=_SCOPE, section=_SECTION, call="contacts.fetch_group", answer=Group
)
MEMBERS = Operation(
    method="GET",
    path=_MEMBERS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.fetch_members",
    query=("page", "size"),
    answer=Contact,
)
ADD_MEMBERS = Operation(
    method="POST",
    path=_MEMBERS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.add_members",
    content=Content.JSON,
    answer=object,
)
REMOVE_MEMBERS = Operation(
    method="DELETE",
    path=_MEMBERS,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="contacts.remove_members",
    content=Content.JSON,
    answer=object,
)


class Contacts:
    """Stored contacts and groups, as `client.contacts`.

    What makes a contact, a label or a group is asked for at most once: repeated after a lost answer, it would be refused.
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def fetch_all(self) -> AsyncIterator[Contact]:
        """Read all contacts, page by page, as they are taken."""
        return self._ask.pages(LIST, size=PAGE_SIZE, key=_id)

    async def create(self, contact: NewContact) -> Contact:
        """Store a contact.

        Raises:
            InvalidInputError: The number or a name makes no sense; nothing was written.
            ConflictError: There is a contact of that number (code 409002005), or two labels have one name (409002013).
            NotFoundError: There is no such label (404002012).
            OutcomeUnknownError: It may have been stored: ask with `has_mobile`.
        """
        return await self._ask.one(CREATE, body=self._check(contact))

    async def fetch(self, contact_id: str) -> Contact:
        """Read a contact.

        Raises:
            NotFoundError: There is no such contact (code 404002001).
        """
        return await self._ask.one(FETCH, contact_id)

    async def update(self, contact_id: str, contact: NewContact) -> Contact:
        """Write a contact anew, whole.

        Raises:
            NotFoundError: There is no such contact or label.
            ConflictError: Another contact has that number.
        """
        return await self._ask.one(UPDATE, contact_id, body=self._check(contact))

    async def delete(self, contact_id: str) -> None:
        """Forget a contact.

        Raises:
            NotFoundError: There is no such contact.
        """
        await self._ask.nothing(DELETE, contact_id)

    async def delete_many(self, contact_ids: Iterable[str]) -> None:
        """Forget contacts.

        Raises:
            NotFoundError: One of them does not exist.
        """
        await self._ask.nothing(DELETE_MANY, body=_texts("contact_ids", contact_ids))

    async def has_mobile(self, mobile: str) -> bool:
        """Tell whether there is a contact of this number."""
        try:
            await self._ask.nothing(HAS_MOBILE, query={"value": self._ask.recipient(mobile)})
        except NotFoundError:
            return False
        return True

    async def fetch_labels(self) -> Mapping[str, object]:
        """Read the labels that contacts can have: name to type, as Routee says it."""
        return (await self._ask.one(LABELS)).raw

    async def create_labels(self, labels: Mapping[str, str]) -> None:
        """Make labels.

        Args:
            labels: Name to type, `Text` or `Number`.

        Raises:
            ConflictError: There is such a label.
            OutcomeUnknownError: They may have been made: look with `fetch_labels`.
        """
        await self._ask.nothing(CREATE_LABELS, body=[{"name": name, "type": kind} for name, kind in labels.items()])

    async def fetch_blacklist(self, service: BlacklistedService) -> tuple[Contact, ...]:
        """Read the contacts that a service leaves alone."""
        return await self._ask.many(BLACKLIST, service.value)

    async def blacklist(self, service: BlacklistedService, contact_ids: Iterable[str]) -> None:
        """Let a service leave contacts alone.

        Raises:
            NotFoundError: One of them does not exist.
        """
        await self._ask.nothing(BLACKLIST_ADD, service.value, body=_texts("contact_ids", contact_ids))

    async def unblacklist(self, service: BlacklistedService, contact_ids: Iterable[str]) -> None:
        """Let a service reach contacts again.

        Raises:
            NotFoundError: One of them does not exist.
        """
        await self._ask.nothing(BLACKLIST_REMOVE, service.value, body=_texts("contact_ids", contact_ids))

    async def blacklist_groups(self, service: BlacklistedService, groups: Iterable[str]) -> None:
        """Let a service leave all members of groups alone.

        Raises:
            NotFoundError: One of them does not exist.
        """
        await self._ask.nothing(BLACKLIST_GROUPS_ADD, service.value, body=_texts("groups", groups))

    async def unblacklist_groups(self, service: BlacklistedService, groups: Iterable[str]) -> None:
        """Let a service reach all members of groups again.

        Raises:
            NotFoundError: One of them does not exist.
        """
        await self._ask.nothing(BLACKLIST_GROUPS_REMOVE, service.value, body=_texts("groups", groups))

    async def fetch_groups(self) -> tuple[Group, ...]:
        """Read all groups at once."""
        return await self._ask.many(GROUPS)

    def fetch_group_pages(self) -> AsyncIterator[Group]:
        """Read all groups page by page, as they are taken."""
        return self._ask.pages(GROUP_PAGES, key=lambda group: group.name)

    async def fetch_group(self, name: str) -> Group:
        """Read a group.

        Raises:
            NotFoundError: There is no such group.
        """
        return await self._ask.one(GROUP, name)

    async def create_group(self, name: str) -> Group:
        """Make an empty group.

        Raises:
            ConflictError: There is such a group.
            OutcomeUnknownError: It may have been made: look with `fetch_group`.
        """
        return await self._ask.one(CREATE_GROUP, body={"name": name})

    async def delete_groups(self, names: Iterable[str], *, with_contacts: bool = False) -> None:
        """Take groups away.

        Args:
            names: The groups.
            with_contacts: Forget their contacts as well.

        Raises:
            NotFoundError: One of them does not exist.
        """
        query = {"deleteContacts": True if with_contacts else None}
        await self._ask.nothing(DELETE_GROUPS, query=query, body=_texts("names", names))

    async def merge_groups(self, name: str, groups: Iterable[str]) -> Group:
        """Make a group of all who are in any of others.

        Raises:
            ConflictError: There is such a group.
            NotFoundError: One of the others does not exist.
        """
        return await self._ask.one(MERGE, body={"name": name, "groups": _texts("groups", groups)})

    async def subtract_groups(self, name: str, groups: Iterable[str]) -> Group:
        """Make a group of the difference of others; Routee does not say which difference that is.

        Raises:
            ConflictError: There is such a group.
            NotFoundError: One of the others does not exist.
        """
        return await self._ask.one(DIFFERENCE, body={"name": name, "groups": _texts("groups", groups)})

    def fetch_members(self, name: str) -> AsyncIterator[Contact]:
        """Read the contacts of a group, all pages of them, as they are taken.

        Raises:
            NotFoundError: While iterating: there is no such group.
        """
        return self._ask.pages(MEMBERS, name, size=PAGE_SIZE, key=_id)

    async def add_members(self, name: str, contact_ids: Iterable[str]) -> None:
        """Put contacts into a group.

        Raises:
            NotFoundError: There is no such group or contact.
        """
        await self._ask.nothing(ADD_MEMBERS, name, body=_texts("contact_ids", contact_ids))

    async def remove_members(self, name: str, contact_ids: Iterable[str]) -> None:
        """Take contacts out of a group.

        Raises:
            NotFoundError: There is no such group or contact.
        """
        await self._ask.nothing(REMOVE_MEMBERS, name, body=_texts("contact_ids", contact_ids))

    def _check(self, contact: NewContact) -> NewContact:
        for field in ("first_name", "last_name"):
            name = getattr(contact, field)
            if name is not None and not (isinstance(name, str) and 1 <= len(name) <= _LONGEST_NAME):
                raise InvalidInputError(field, f"must be a text of 1 to {_LONGEST_NAME} characters, or None")
        return attrs.evolve(contact, mobile=self._ask.recipient(contact.mobile))


def _id(contact: Contact) -> str:
    return contact.id


def _texts(field: str, given: Iterable[str]) -> list[str]:
    texts = [] if isinstance(given, str) else list(given)
    if not texts or not all(texts):
        raise InvalidInputError(field, "must be texts that are not empty, at least one")
    return texts
