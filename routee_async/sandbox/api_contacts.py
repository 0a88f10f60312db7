"""The endpoints of contacts, labels, blacklists and groups. Source: routee-api.md §2.19."""

from typing import Final

from routee_async.sandbox import address_book, groups
from routee_async.sandbox.answers import Answer, spring
from routee_async.sandbox.contacts import Contacts
from routee_async.sandbox.routing import Call, Route

SCOPE: Final = "contact"
PERMISSION: Final = "MT_ROLE_CONTACT"


def _book(call: Call) -> Contacts:
    return call.application.account.contacts


def _list(call: Call) -> object:
    return address_book.contacts_page(list(_book(call)), call.request.parameters())


def _create(call: Call) -> object:
    return address_book.create(_book(call), call.json())


def _delete_many(call: Call) -> object:
    return address_book.delete(_book(call), call.json())


def _fetch(call: Call) -> object:
    return address_book.find(_book(call), call.ids[0]).to_wire()


def _update(call: Call) -> object:
    return address_book.update(_book(call), call.ids[0], call.json())


def _delete(call: Call) -> object:
    contact = address_book.find(_book(call), call.ids[0])
    wire = contact.to_wire()
    _book(call).remove(contact.id)
    return wire


def _has_mobile(call: Call) -> object:
    request = call.request
    if not address_book.has_mobile(_book(call), request.parameters().get("value", "")):
        raise spring(404, "Not Found", "No message available", request.path, call.carrier.now())
    return Answer(200)


def _labels(call: Call) -> object:
    return address_book.labels(_book(call))


def _create_labels(call: Call) -> object:
    return address_book.create_labels(_book(call), call.json())


def _blacklisted(call: Call) -> object:
    return address_book.blacklisted(_book(call), call.ids[0])


def _blacklist(call: Call) -> object:
    return address_book.blacklist(_book(call), call.ids[0], call.json(), listed=call.request.method == "POST")


def _blacklist_groups(call: Call) -> object:
    return groups.blacklist_groups(_book(call), call.ids[0], call.json(), listed=call.request.method == "POST")


def _groups(call: Call) -> object:
    return groups.all_groups(_book(call))


def _groups_page(call: Call) -> object:
    return groups.groups_page(_book(call), call.request.parameters())


def _group(call: Call) -> object:
    return groups.group_to_wire(_book(call), call.ids[0])


def _create_group(call: Call) -> object:
    return groups.create_group(_book(call), call.json())


def _delete_groups(call: Call) -> object:
    with_contacts = call.request.parameters().get("deleteContacts") == "true"
    return groups.delete_groups(_book(call), call.json(), with_contacts=with_contacts)


def _merge(call: Call) -> object:
    return groups.merge(_book(call), call.json())


def _difference(call: Call) -> object:
    return groups.difference(_book(call), call.json())


def _members(call: Call) -> object:
    return groups.members_page(_book(call), call.ids[0], call.request.parameters())


def _add_members(call: Call) -> object:
    return groups.add_members(_book(call), call.ids[0], call.json())


def _remove_members(call: Call) -> object:
    return groups.remove_members(_book(call), call.ids[0], call.json())


_BLACKLIST: Final = "/contacts/my/blacklist/{service}"

ROUTES: Final = (
    Route("GET", "/contacts/my", _list, SCOPE, PERMISSION),
    Route("POST", "/contacts/my", _create, SCOPE, PERMISSION),
    Route("DELETE", "/contacts/my", _delete_many, SCOPE, PERMISSION),
    Route("HEAD", "/contacts/my/mobile", _has_mobile, SCOPE, PERMISSION),
    Route("GET", "/contacts/my/{id}", _fetch, SCOPE, PERMISSION),
    Route("PUT", "/contacts/my/{id}", _update, SCOPE, PERMISSION),
    Route("DELETE", "/contacts/my/{id}", _delete, SCOPE, PERMISSION),
    Route("GET", "/contacts/labels/my", _labels, SCOPE, PERMISSION),
    Route("POST", "/contacts/labels/my", _create_labels, SCOPE, PERMISSION),
    Route("GET", _BLACKLIST, _blacklisted, SCOPE, PERMISSION),
    Route("POST", _BLACKLIST, _blacklist, SCOPE, PERMISSION),
    Route("DELETE", _BLACKLIST, _blacklist, SCOPE, PERMISSION),
    # One client takes a group off the blacklist with POST; what the names say is taken here, which is a guess.
    Route("POST", f"{_BLACKLIST}/groups", _blacklist_groups, SCOPE, PERMISSION),
    Route("DELETE", f"{_BLACKLIST}/groups", _blacklist_groups, SCOPE, PERMISSION),
    Route("GET", "/groups/my", _groups, SCOPE, PERMISSION),
    Route("POST", "/groups/my", _create_group, SCOPE, PERMISSION),
    Route("DELETE", "/groups/my", _delete_groups, SCOPE, PERMISSION),
    Route("GET", "/groups/my/page", _groups_page, SCOPE, PERMISSION),
    Route("POST", "/groups/my/merge", _merge, SCOPE, PERMISSION),
    Route("POST", "/groups/my/difference", _difference, SCOPE, PERMISSION),
    Route("GET", "/groups/my/{name}", _group, SCOPE, PERMISSION),
    Route("GET", "/groups/my/{name}/contacts", _members, SCOPE, PERMISSION),
    Route("POST", "/groups/my/{name}/contacts", _add_members, SCOPE, PERMISSION),
    Route("DELETE", "/groups/my/{name}/contacts", _remove_members, SCOPE, PERMISSION),
)
