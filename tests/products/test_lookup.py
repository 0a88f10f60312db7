"""`client.lookup`: look-ups and checks of numbers."""

import pytest

from routee_async import (
    Filter,
    InsufficientBalanceError,
    InvalidInputError,
    LookupField,
    NotFoundError,
    Operator,
    OutcomeUnknownError,
    RouteeClient,
)
from routee_async.products.lookup import Lookup, LookupStatus
from routee_async.sandbox import Fault, Magic, Sandbox, faults
from tests.test_asker import Pages


@pytest.mark.parametrize(
    ("to", "status"),
    [(Magic.DELIVERED, "Active"), (Magic.HANDSET, "Absent"), (Magic.UNKNOWN_NUMBER, "Unknown"), (Magic.NEVER_FINAL, "Queued")],
)
async def test_what_was_found(client: RouteeClient, to: Magic, status: str) -> None:
    """The status is an open value; details are there where something is known."""
    made = await client.lookup.send(to.value)
    assert made.status_info is not None
    assert made.status_info.status == LookupStatus(status)
    assert (made.details is not None) == (status in {"Active", "Absent"})
    assert to.value not in repr(made)


async def test_ported_number(client: RouteeClient) -> None:
    """A number that has changed its network has both."""
    details = (await client.lookup.send(Magic.PORTED.value)).details
    assert details is not None
    assert details.ported
    assert details.ported_network is not None
    assert details.network is not None
    assert details.ported_network.name != details.network.name
    assert details.country is not None
    assert (details.country.code, details.country.iso_a3_code) == ("GR", "GRC")


async def test_lookup_is_asked_for_once(sandbox: Sandbox, client: RouteeClient) -> None:
    """It costs money: a lost answer is unknown, and nothing is repeated."""
    sandbox.faults.add(Fault(faults.close(accepted=True), path="/lookup", times=1))
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.lookup.send("+306970000001", label="crm")
    assert caught.value.reference == "crm"
    assert sandbox.journal.requests["POST /lookup"] == 1


async def test_refusals(sandbox: Sandbox, client: RouteeClient) -> None:
    """Unknown ids, no money, and what makes no sense."""
    with pytest.raises(NotFoundError):
        await client.lookup.fetch("nobody")
    with pytest.raises(InsufficientBalanceError):
        await client.lookup.send(Magic.NO_BALANCE.value)
    for to, label in (("nonsense", None), ("+306970000001", "")):
        with pytest.raises(InvalidInputError):
            await client.lookup.send(to, label=label)
    assert sandbox.journal.requests["POST /lookup"] == 1


async def test_search_leaves_strangers_out(client: RouteeClient) -> None:
    """What Routee returns in spite of a condition is left out here, where that can be told."""
    first = await client.lookup.send("+306970000001", label="crm-1")
    await client.lookup.send(Magic.HANDSET.value)
    of_crm = Filter(LookupField.LABEL, "crm", Operator.STARTS_WITH)
    of_greece = Filter(LookupField.COUNTRY, "GR")
    assert [row.lookup_id async for row in client.lookup.search([of_crm, of_greece])] == [first.lookup_id]
    absent = Filter(LookupField.STATUS, "Absent")
    assert len([row async for row in client.lookup.search([absent])]) == 1
    assert len([row async for row in client.lookup.search()]) == 2


async def test_search_that_knows_no_filter() -> None:
    """A service that ignores a condition returns everything: what can be compared here is."""
    rows = [{"lookupId": "a", "label": "x"}, {"lookupId": "b"}]
    found = Lookup(Pages({"content": rows, "last": True})).search([Filter(LookupField.LABEL, "x")])
    assert [row.lookup_id async for row in found] == ["a"]


async def test_number_that_cannot_exist(client: RouteeClient) -> None:
    """A check of nonsense is an answer, not an error."""
    assert not (await client.lookup.validate("+3012")).valid
