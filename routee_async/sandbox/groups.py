"""Groups of contacts as their endpoints make, merge and take them away. The store is `contacts.py`, which campaigns read.

Source: routee-api.md §2.19; docs.routee.net/reference/create-a-new-group and merge-multiple-groups.
"""

from collections.abc import Mapping
from typing import Final

from routee_async.sandbox import checks
from routee_async.sandbox.address_book import FIELDS, check_service, contacts_page, mark, read_ids
from routee_async.sandbox.answers import Refusal, invalid, not_found, routee
from routee_async.sandbox.contacts import ALL, NOT_LISTED, Contact, Contacts
from routee_async.sandbox.listing import page, read_filters

_GROUP_NAME: Final = (2, 30)


def group_to_wire(book: Contacts, name: str) -> dict[str, object]:
    """Write a group: GET /groups/my/{name}.

    Raises:
        Refusal: 404002003.
    """
    if name not in book.groups():
        raise not_found("404002003", "group", "name", name)
    return {"name": name, "size": len(book.members(name))}


def all_groups(book: Contacts) -> list[dict[str, object]]:
    """List all groups, those that are always there included: GET /groups/my."""
    return [group_to_wire(book, name) for name in book.groups()]


def members_page(book: Contacts, name: str, query: Mapping[str, str]) -> dict[str, object]:
    """Write a page of the contacts of a group: GET /groups/my/{name}/contacts.

    Raises:
        Refusal: 404002003.
    """
    group_to_wire(book, name)
    return contacts_page(book.members(name), query)


def groups_page(book: Contacts, query: Mapping[str, str]) -> dict[str, object]:
    """Write a page of groups: GET /groups/my/page."""
    return page(book.groups(), query, lambda name: group_to_wire(book, name))


def create_group(book: Contacts, payload: object) -> dict[str, object]:
    """Make a group, empty, of all contacts or of those that meet filters: POST /groups/my.

    Raises:
        Refusal: 400000000, 409002005 for a name that is taken, 400002007 for bad filters.
    """
    name = _read_new_name(book, payload)
    given = payload if isinstance(payload, dict) else {}
    strategy = given.get("strategy") or "None"
    if strategy not in ("None", "All", "Filtered"):
        raise invalid({"strategy": checks.BAD_VALUE}, "Group")
    if strategy != "Filtered":
        return _gather(book, name, list(book) if strategy == "All" else [])
    try:
        meets = read_filters(given.get("filters"), FIELDS)
    except Refusal:
        raise routee(400, "400002007", "Search filters are invalid") from None
    return _gather(book, name, [contact for contact in book if meets(contact)])


def merge(book: Contacts, payload: object) -> dict[str, object]:
    """Make a group of all who are in any of others: POST /groups/my/merge.

    Raises:
        Refusal: 400000000, 404002003, 409002005.
    """
    name, groups = _read_combination(book, payload)
    return _gather(book, name, [contact for contact in book if set(groups) & set(contact.all_groups())])


def difference(book: Contacts, payload: object) -> dict[str, object]:
    """Make a group of those who are in the first of others and in no further one: POST /groups/my/difference.

    Which difference is meant is a guess.

    Raises:
        Refusal: 400000000, 404002003, 409002005.
    """
    name, groups = _read_combination(book, payload)
    others = set(groups[1:])
    return _gather(book, name, [one for one in book.members(groups[0]) if not others & set(one.all_groups())])


def delete_groups(book: Contacts, payload: object, *, with_contacts: bool) -> list[dict[str, object]]:
    """Take groups away, and their contacts if asked for: DELETE /groups/my.

    Raises:
        Refusal: 400000000 also for those that are always there, 404002003.
    """
    names = _read_names(book, payload)
    _refuse_system_groups(*names)
    for name in names:
        for contact in book.members(name) if with_contacts else ():
            book.remove(contact.id)
        book.remove_group(name)
    return [{"name": name, "deletedContacts": with_contacts} for name in names]


def add_members(book: Contacts, name: str, payload: object) -> dict[str, object]:
    """Put contacts into a group: POST /groups/my/{name}/contacts.

    Raises:
        Refusal: 404002003, 400000000 also for those that are always there, 404002001.
    """
    group_to_wire(book, name)
    _refuse_system_groups(name)
    for contact in read_ids(book, payload):
        if name not in contact.groups:
            contact.groups.append(name)
    return group_to_wire(book, name)


def remove_members(book: Contacts, name: str, payload: object) -> dict[str, object]:
    """Take contacts out of a group: DELETE /groups/my/{name}/contacts.

    Raises:
        Refusal: As `add_members`.
    """
    group_to_wire(book, name)
    _refuse_system_groups(name)
    for contact in read_ids(book, payload):
        if name in contact.groups:
            contact.groups.remove(name)
    return group_to_wire(book, name)


def blacklist_groups(book: Contacts, service: str, payload: object, *, listed: bool) -> dict[str, object]:
    """Put all members of groups on the blacklist of a service, or take them off.

    POST and DELETE /contacts/my/blacklist/{service}/groups.

    Raises:
        Refusal: 400000000, 404002003.
    """
    check_service(service)
    members = [contact for name in _read_names(book, payload) for contact in book.members(name)]
    return {"updated": mark(members, service, listed=listed)}


def _refuse_system_groups(*names: str) -> None:
    if {ALL, NOT_LISTED} & set(names):
        raise invalid({"name": "is a group of the system"}, "Group")


def _gather(book: Contacts, name: str, contacts: list[Contact]) -> dict[str, object]:
    book.add_group(name)
    for contact in contacts:
        contact.groups.append(name)
    return group_to_wire(book, name)


def _read_names(book: Contacts, payload: object) -> list[str]:
    if not isinstance(payload, list) or not payload or not checks.is_texts(payload):
        raise invalid({"groups": "must be an array of names"}, "Group")
    for name in payload:
        group_to_wire(book, name)
    return list(dict.fromkeys(payload))


def _read_new_name(book: Contacts, payload: object) -> str:
    name = payload.get("name") if isinstance(payload, dict) else None
    least, most = _GROUP_NAME
    if not isinstance(name, str) or not least <= len(name) <= most:
        raise invalid({"name": f"must have {least} to {most} characters"}, "Group")
    if name in book.groups():
        raise routee(409, "409002005", "The contact group already exists")
    return name


def _read_combination(book: Contacts, payload: object) -> tuple[str, list[str]]:
    groups = _read_names(book, payload.get("groups") if isinstance(payload, dict) else None)
    return _read_new_name(book, payload), groups
