"""`client.contacts`: stored contacts and groups."""

import pytest

from routee_async import ConflictError, InvalidInputError, NotFoundError, OutcomeUnknownError, RouteeClient, camel
from routee_async.products.contacts import Contact, ContactLabel, NewContact
from routee_async.sandbox import Fault, Sandbox, faults

TO = "+306970000001"


async def test_doubles_are_told(client: RouteeClient) -> None:
    """A number is stored once, and the second time it is a conflict with its code."""
    await client.contacts.create(NewContact(mobile=TO))
    with pytest.raises(ConflictError) as caught:
        await client.contacts.create(NewContact(mobile="00 30 697 000 0001"))
    assert caught.value.code == "409002005"
    with pytest.raises(NotFoundError):
        await client.contacts.create(NewContact(mobile="+306970000002", labels=(ContactLabel(name="nope", value="x"),)))


async def test_creation_is_not_repeated(sandbox: Sandbox, client: RouteeClient) -> None:
    """Repeated, it would be refused as a double, although it went well: so a lost answer is unknown."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/contacts/my", times=1))
    with pytest.raises(OutcomeUnknownError):
        await client.contacts.create(NewContact(mobile=TO))
    assert await client.contacts.has_mobile(TO)


async def test_groups_go_with_their_contacts(sandbox: Sandbox, client: RouteeClient) -> None:
    """Groups are deleted alone, or with everybody in them."""
    for name in ("one", "two"):
        sandbox.contacts.add(f"+30697000000{len(sandbox.contacts)}", groups=[name])
    await client.contacts.delete_groups(["one"])
    assert len(sandbox.contacts) == 2
    await client.contacts.delete_groups(["two"], with_contacts=True)
    assert len(sandbox.contacts) == 1
    with pytest.raises(NotFoundError):
        await client.contacts.fetch_group("two")


async def test_many_contacts(sandbox: Sandbox, client: RouteeClient) -> None:
    """More contacts than a page has come one after the other."""
    for number in range(2003):
        sandbox.contacts.add(f"+30697{number:07}", groups=["all of them"])
    assert len({contact.id async for contact in client.contacts.fetch_all()}) == 2003
    assert sum([1 async for _ in client.contacts.fetch_members("all of them")]) == 2003
    assert sandbox.journal.requests["GET /contacts/my"] == 2


@pytest.mark.parametrize(
    "contact",
    [NewContact(mobile="nonsense"), NewContact(mobile=TO, first_name=""), NewContact(mobile=TO, last_name="x" * 61)],
    ids=str,
)
async def test_bad_input_never_leaves(sandbox: Sandbox, client: RouteeClient, contact: NewContact) -> None:
    """What makes no sense is refused before any request."""
    with pytest.raises(InvalidInputError):
        await client.contacts.create(contact)
    for ids in ((), "abc", ("",)):
        with pytest.raises(InvalidInputError):
            await client.contacts.delete_many(ids)
    with pytest.raises(InvalidInputError):
        await client.contacts.fetch("")
    assert sandbox.journal.requests.total() == 0


def test_contact_as_it_was_recorded() -> None:
    """§2.19: the recorded contact is read; an empty one needs its id alone; neither shows who it is."""
    wire = {
        "id": "64a0c2d1e4b0f5a1b2c3d4e5",
        "firstName": "Eleni",
        "lastName": "P",
        "mobile": TO,
        "country": "GR",
        "vip": False,
        "groups": ["All", "NotListed"],
        "blacklistedServices": [],
        "labels": [{"name": "city", "value": "Athens"}],
    }
    read = camel.read(wire, Contact)
    assert (read.first_name, read.groups, read.labels[0].value) == ("Eleni", ("All", "NotListed"), "Athens")
    assert "Eleni" not in repr(read)
    assert camel.read({"id": "a"}, Contact) == Contact(id="a")
