"""Contacts and groups in `sandbox.contacts`."""

import re

from routee_async.sandbox.contacts import Contacts


def test_contact_object() -> None:
    """A contact has the documented keys, groups that everybody or nobody else is in, and none for what it lacks (§2.19)."""
    contacts = Contacts()
    plain = contacts.add("+306970000003").to_wire()
    assert re.fullmatch("[0-9a-f]{24}", str(plain.pop("id")))
    assert plain == {
        "mobile": "+306970000003",
        "country": "GR",
        "vip": False,
        "groups": ["All", "NotListed"],
        "blacklistedServices": [],
        "labels": [],
    }
    full = contacts.add(
        "+306970000004",
        first_name="Eleni",
        last_name="P",
        email="e@x.example",
        vip=True,
        groups=["vip"],
        labels={"city": "Patras"},
        blacklisted=["Voice", "Sms"],
    ).to_wire()
    assert (full["firstName"], full["lastName"], full["email"], full["vip"]) == ("Eleni", "P", "e@x.example", True)
    assert (full["groups"], full["blacklistedServices"]) == (["All", "vip"], ["Sms", "Voice"])
    assert full["labels"] == [{"name": "city", "value": "Patras"}]


def test_what_fills_placeholders() -> None:
    """Labels and names fill placeholders; a label outranks a name."""
    contact = Contacts().add("+306970000003", first_name="Eleni", labels={"firstName": "Lena", "city": "Patras"})
    assert contact.fillings() == {"firstName": "Lena", "mobile": "+306970000003", "city": "Patras"}


def test_groups() -> None:
    """A group knows its members, may be empty, and everybody is in one that is called All."""
    contacts = Contacts()
    eleni = contacts.add("+306970000003", groups=["vip"])
    nikos = contacts.add("+306970000004")
    contacts.add_group("empty")
    assert contacts.groups() == ("All", "NotListed", "vip", "empty")
    assert [contacts.members(name) for name in ("All", "NotListed", "vip", "empty", "unknown")] == [
        [eleni, nikos],
        [nikos],
        [eleni],
        [],
        [],
    ]


def test_finding_and_forgetting() -> None:
    """A contact is found by id and by number until it is removed."""
    contacts = Contacts()
    eleni = contacts.add("+306970000003")
    assert contacts.find(eleni.id) is contacts.find_mobile("+306970000003") is eleni
    assert len(contacts) == 1
    contacts.remove(eleni.id)
    contacts.remove(eleni.id)
    assert contacts.find(eleni.id) is contacts.find_mobile("+306970000003") is None
