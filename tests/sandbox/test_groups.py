"""Groups of contacts in `sandbox.groups`."""

import pytest

from tests.sandbox.conftest import Api


@pytest.fixture
def ids(api: Api) -> list[str]:
    """Three contacts; the group `vip` has the first two, `new` the last two."""
    ids = [api("POST", "/contacts/my", {"mobile": f"+30697000000{digit}", "firstName": "ABC"[digit]})["id"] for digit in range(3)]
    for name, members in (("vip", ids[:2]), ("new", ids[1:])):
        api("POST", "/groups/my", {"name": name})
        api("POST", f"/groups/my/{name}/contacts", members)
    return ids


def members(api: Api, name: str) -> list[str]:
    """Who is in a group."""
    return [one["id"] for one in api("GET", f"/groups/my/{name}/contacts")["content"]]


def test_lists_of_groups(api: Api, ids: list[str]) -> None:
    """Groups are listed with their sizes, at once or in pages, and one by one (§2.19)."""
    groups = [
        {"name": "All", "size": 3},
        {"name": "NotListed", "size": 0},
        {"name": "vip", "size": 2},
        {"name": "new", "size": 2},
    ]
    assert api("GET", "/groups/my") == groups
    page = api("GET", "/groups/my/page?page=1&size=3")
    assert (page["content"], page["totalElements"]) == (groups[3:], 4)
    assert api("GET", "/groups/my/vip") == groups[2]
    assert members(api, "vip") == ids[:2]


def test_a_group_is_made_by_strategy(api: Api, ids: list[str]) -> None:
    """A new group is empty, has everybody, or those who meet filters (§2.19)."""
    assert api("POST", "/groups/my", {"name": "none", "strategy": "None"}) == {"name": "none", "size": 0}
    assert api("POST", "/groups/my", {"name": "everybody", "strategy": "All"}) == {"name": "everybody", "size": 3}
    filters = [
        {"fieldName": "groups", "searchTerm": "vip"},
        {"fieldName": "firstName", "searchTerm": "A", "searchOperator": "is_not"},
    ]
    assert api("POST", "/groups/my", {"name": "some", "strategy": "Filtered", "filters": filters}) == {"name": "some", "size": 1}
    assert members(api, "some") == [ids[1]]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"name": "vip"}, "409002005"),
        ({"name": "All"}, "409002005"),
        ({"name": "a"}, "400000000"),
        ({"name": "a" * 31}, "400000000"),
        ({}, "400000000"),
        ([], "400000000"),
        ({"name": "other", "strategy": "Random"}, "400000000"),
        ({"name": "other", "strategy": "Filtered"}, "400002007"),
        ({"name": "other", "strategy": "Filtered", "filters": [{}]}, "400002007"),
    ],
)
@pytest.mark.usefixtures("ids")
def test_bad_groups(api: Api, payload: object, code: str) -> None:
    """A name is new and has 2 to 30 characters; bad filters are 400002007 (§2.19)."""
    assert api.refused("POST", "/groups/my", payload) == code
    assert len(api("GET", "/groups/my")) == 4


def test_merge_and_difference(api: Api, ids: list[str]) -> None:
    """A merged group has everybody of the others once; a difference has those of the first who are in no other (§2.19)."""
    assert api("POST", "/groups/my/merge", {"name": "both", "groups": ["vip", "new"]}) == {"name": "both", "size": 3}
    assert members(api, "both") == ids
    assert api("POST", "/groups/my/difference", {"name": "old", "groups": ["vip", "new"]}) == {"name": "old", "size": 1}
    assert members(api, "old") == ids[:1]


@pytest.mark.parametrize("path", ["/groups/my/merge", "/groups/my/difference"])
@pytest.mark.usefixtures("ids")
def test_refusals_of_a_combination(api: Api, path: str) -> None:
    """The groups exist, and the name does not (§2.19)."""
    assert api.refused("POST", path, {"name": "both", "groups": ["vip", "old"]}) == "404002003"
    assert api.refused("POST", path, {"name": "new", "groups": ["vip"]}) == "409002005"
    assert api.problems("POST", path, {"name": "both", "groups": "vip"}) == {"groups"}
    assert api.problems("POST", path, {"name": "both", "groups": []}) == {"groups"}
    assert api.problems("POST", path, []) == {"groups"}


def test_members_come_and_go(api: Api, ids: list[str]) -> None:
    """Contacts are put in, once, and taken out; the answer has the new size (§2.19)."""
    assert api("POST", "/groups/my/vip/contacts", ids) == {"name": "vip", "size": 3}
    assert api("DELETE", "/groups/my/vip/contacts", ids[:2]) == {"name": "vip", "size": 1}
    assert api("DELETE", "/groups/my/vip/contacts", ids[:2]) == {"name": "vip", "size": 1}
    assert members(api, "vip") == ids[2:]
    assert members(api, "NotListed") == ids[:1]
    for method in ("POST", "DELETE"):
        assert api.refused(method, "/groups/my/vip/contacts", ["0"]) == "404002001"
        assert api.problems(method, "/groups/my/NotListed/contacts", ids) == {"name"}


def test_groups_are_deleted(api: Api, ids: list[str]) -> None:
    """A group goes without its contacts, or with them if asked for; those of the system stay (§2.19)."""
    assert api("DELETE", "/groups/my", ["vip"]) == [{"name": "vip", "deletedContacts": False}]
    assert api("GET", f"/contacts/my/{ids[0]}")["groups"] == ["All", "NotListed"]
    assert api("DELETE", "/groups/my?deleteContacts=true", ["new"]) == [{"name": "new", "deletedContacts": True}]
    assert members(api, "All") == ids[:1]
    assert api.problems("DELETE", "/groups/my", ["All"]) == {"name"}
    assert api.refused("DELETE", "/groups/my", ["vip"]) == "404002003"


def test_a_group_is_blacklisted(api: Api, ids: list[str]) -> None:
    """All members of a group are put on a blacklist, or taken off, and those are counted that this changed (§2.19)."""
    path = "/contacts/my/blacklist/Sms/groups"
    assert api("POST", path, ["vip"]) == {"updated": 2}
    assert api("POST", path, ["vip", "new"]) == {"updated": 1}
    assert api("DELETE", path, ["new"]) == {"updated": 2}
    assert [one["id"] for one in api("GET", "/contacts/my/blacklist/Sms")] == ids[:1]
    assert api.refused("POST", path, ["old"]) == "404002003"
    assert api.problems("POST", "/contacts/my/blacklist/Telepathy/groups", ["vip"]) == {"service"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/contacts"), ("POST", "/contacts"), ("DELETE", "/contacts")],
)
def test_unknown_group(api: Api, method: str, path: str) -> None:
    """A group that is not there is 404002003 (§2.19)."""
    assert api.refused(method, f"/groups/my/old{path}", []) == "404002003"
