"""Contacts, their labels and blacklists as endpoints change them. The store is `contacts.py`, which campaigns read.

Source: routee-api.md §2.19; docs.routee.net/reference/update-a-contacts-details and create-labels.
"""

from collections.abc import Mapping
from typing import Final

from routee_async.sandbox import checks
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.contacts import Contact, Contacts
from routee_async.sandbox.listing import Fields, page

SERVICES: Final = ("Sms", "Voice", "Viber", "TwoStep", "Lookup", "NumberValidator")
"""Services that have a blacklist."""
TYPES: Final = ("Text", "Number")
"""Types of a label."""
DEFAULT_LABELS: Final = dict.fromkeys(("firstName", "lastName", "mobile", "email", "country"), "Text")
"""Labels that everybody has; the reference shows an `age` besides, which is somebody's own."""
_MAX_NAME: Final = 60


def create(book: Contacts, payload: object) -> dict[str, object]:
    """Store a contact: POST /contacts/my.

    Raises:
        Refusal: 400000000, 409002013, 404002012, 400002006, 409002005.
    """
    given = _read(book, payload)
    _refuse_known_mobile(book, given, None)
    contact = book.add(str(given["mobile"]))
    _change(contact, given)
    return contact.to_wire()


def update(book: Contacts, contact_id: str, payload: object) -> dict[str, object]:
    """Change a contact; what is left out is no more, which is a guess: PUT /contacts/my/{id}.

    Raises:
        Refusal: 404002001, and as `create`.
    """
    contact = find(book, contact_id)
    given = _read(book, payload)
    _refuse_known_mobile(book, given, contact)
    _change(contact, given)
    return contact.to_wire()


def find(book: Contacts, contact_id: str) -> Contact:
    """Find a contact.

    Raises:
        Refusal: 404002001.
    """
    contact = book.find(contact_id)
    if contact is None:
        raise not_found("404002001", "contact", "id", contact_id)
    return contact


def delete(book: Contacts, payload: object) -> list[str]:
    """Forget contacts, all or none: DELETE /contacts/my.

    Raises:
        Refusal: 400000000, 404002001.
    """
    contacts = read_ids(book, payload)
    for contact in contacts:
        book.remove(contact.id)
    return [contact.id for contact in contacts]


def contacts_page(contacts: list[Contact], query: Mapping[str, str]) -> dict[str, object]:
    """Write a page of contacts: GET /contacts/my and GET /groups/my/{name}/contacts."""
    return page(contacts, query, Contact.to_wire, fields=FIELDS)


def has_mobile(book: Contacts, value: str) -> bool:
    """Tell whether there is a contact of that number; a `+` that the query has turned into a space counts."""
    return book.find_mobile(f"+{value.strip().removeprefix('+')}") is not None


def labels(book: Contacts) -> dict[str, str]:
    """Tell the type of each label: GET /contacts/labels/my."""
    return DEFAULT_LABELS | book.label_types


def create_labels(book: Contacts, payload: object) -> list[dict[str, str]]:
    """Make labels, all or none: POST /contacts/labels/my. Besides an array, one object is taken.

    Raises:
        Refusal: 400000000, 400002014 for one that is there twice, 409002011 for one that exists.
    """
    pairs = [_read_label(entry) for entry in (payload if isinstance(payload, list) else [payload])]
    made = dict(pairs)
    if len(made) < len(pairs):
        raise routee(400, "400002014", "Label name exists more than once in the same request")
    if made.keys() & labels(book).keys():
        raise routee(409, "409002011", "Label Definition already exists")
    book.label_types |= made
    return [{"name": name, "type": kind} for name, kind in made.items()]


def _read_label(entry: object) -> tuple[str, str]:
    name, kind = (entry.get("name"), entry.get("type")) if isinstance(entry, dict) else (None, None)
    if not (isinstance(name, str) and name.isalnum()):
        raise invalid({"name": "may only hold letters and digits"}, "Label")
    if kind not in (None, *TYPES):
        raise invalid({"type": checks.BAD_VALUE}, "Label")
    return name, str(kind or TYPES[0])


def blacklist(book: Contacts, service: str, payload: object, *, listed: bool) -> dict[str, object]:
    """Put contacts on the blacklist of a service, or take them off: POST and DELETE /contacts/my/blacklist/{service}.

    Raises:
        Refusal: 400000000, 404002001.
    """
    check_service(service)
    return {"updated": mark(read_ids(book, payload), service, listed=listed)}


def blacklisted(book: Contacts, service: str) -> list[dict[str, object]]:
    """List who is on the blacklist of a service: GET /contacts/my/blacklist/{service}.

    Raises:
        Refusal: 400000000.
    """
    check_service(service)
    return [contact.to_wire() for contact in book if service in contact.blacklisted]


FIELDS: Final[Fields[Contact]] = {
    "firstName": lambda contact: (contact.first_name,),
    "lastName": lambda contact: (contact.last_name,),
    "email": lambda contact: (contact.email,),
    "mobile": lambda contact: (contact.mobile,),
    "groups": lambda contact: contact.all_groups(),
    "vip": lambda contact: (str(contact.vip).lower(),),
}
"""What contacts can be sorted by, and groups be made of."""


def mark(contacts: list[Contact], service: str, *, listed: bool) -> int:
    """Put contacts on the blacklist of a service, or take them off, and tell how many that changed."""
    changed = [contact for contact in dict.fromkeys(contacts) if (service in contact.blacklisted) is not listed]
    for contact in changed:
        (contact.blacklisted.add if listed else contact.blacklisted.discard)(service)
    return len(changed)


def check_service(service: str) -> None:
    """Refuse a service that has no blacklist.

    Raises:
        Refusal: 400000000.
    """
    if service not in SERVICES:
        raise invalid({"service": f"unknown: {service}"}, "Contact")


def _read(book: Contacts, payload: object) -> Mapping[str, object]:
    if not isinstance(payload, dict):
        raise invalid({}, "Contact")
    problems = checks.text_faults(payload, "mobile") | checks.faults(
        payload,
        {
            "firstName": _is_name,
            "lastName": _is_name,
            "email": lambda value: isinstance(value, str) and "@" in value,
            "vip": checks.is_flag,
            "labels": _are_labels,
        },
    )
    mobile = checks.normalise(payload.get("mobile"))
    if mobile is None and "mobile" not in problems:
        problems["mobile"] = checks.BAD_NUMBER
    if problems:
        raise invalid(problems, "Contact")
    _check_labels(book, payload.get("labels") or [])
    return {**payload, "mobile": mobile}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _MAX_NAME


def _are_labels(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(label, dict) and isinstance(label.get("name"), str) and isinstance(label.get("value"), str) for label in value
    )


def _check_labels(book: Contacts, given: list[Mapping[str, str]]) -> None:
    names = [label["name"] for label in given]
    if len(set(names)) < len(names):
        raise routee(409, "409002013", "Some Custom fields share the same name")
    types = book.label_types
    if any(name not in types for name in names):
        raise routee(404, "404002012", "Custom field definition is not found")
    if any(types[label["name"]] == "Number" and not _is_number(label["value"]) for label in given):
        raise routee(400, "400002006", "Custom fields are invalid")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_known_mobile(book: Contacts, given: Mapping[str, object], own: Contact | None) -> None:
    known = book.find_mobile(str(given["mobile"]))
    if known is not None and known is not own:
        raise routee(409, "409002005", "Contact mobile already exists")


def _change(contact: Contact, given: Mapping[str, object]) -> None:
    contact.mobile = str(given["mobile"])
    contact.first_name = str(given.get("firstName") or "")
    contact.last_name = str(given.get("lastName") or "")
    contact.email = str(given.get("email") or "")
    contact.vip = bool(given.get("vip"))
    entries = given.get("labels")
    contact.labels = {label["name"]: label["value"] for label in entries} if isinstance(entries, list) else {}


def read_ids(book: Contacts, payload: object) -> list[Contact]:
    """Read an array of ids of contacts, each once.

    Raises:
        Refusal: 400000000, 404002001.
    """
    if not isinstance(payload, list) or not checks.is_texts(payload):
        raise invalid({"contacts": "must be an array of ids"}, "Contact")
    return [find(book, contact_id) for contact_id in dict.fromkeys(payload)]
