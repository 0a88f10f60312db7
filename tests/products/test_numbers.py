"""`client.numbers`: rented numbers and the whitelist."""

import pytest

from routee_async import ConflictError, Filter, InvalidInputError, NotFoundError, NumberField, Operator, RouteeClient
from routee_async.products.numbers import NumberCallbacks, NumberService, VoiceInboundStrategy
from routee_async.sandbox import Sandbox


async def test_callbacks_are_kept(client: RouteeClient) -> None:
    """Where to what comes in is told, calls included."""
    offer = await anext(client.numbers.fetch_available("GR"))
    strategy = VoiceInboundStrategy(dialplan_url="https://hooks.example/plan", forward_call_to="+306970000001")
    callbacks = NumberCallbacks(voice_inbound_strategy=strategy, inbound_voice_callback_url="https://hooks.example/voice")
    rented = await client.numbers.rent(f"+{offer.msisdn}", callbacks)
    assert rented.raw["voiceInboundStrategy"] == {
        "dialplanUrl": "https://hooks.example/plan",
        "forwardCallTo": "+306970000001",
    }
    assert offer.msisdn not in repr(rented)
    with pytest.raises(ConflictError):
        await client.numbers.rent(offer.msisdn)


async def test_filters(client: RouteeClient) -> None:
    """Numbers are searched by country, and by what they are for."""
    sms = Filter(NumberField.SERVICE, NumberService.SMS)
    greek = [number async for number in client.numbers.search_available([Filter(NumberField.COUNTRY, "GR"), sms])]
    assert greek
    assert all("Sms" in number.services for number in greek)
    free = [Filter(NumberField.COUNTRY, "US"), Filter(NumberField.TYPE, "TOLL_FREE")]
    assert len([number async for number in client.numbers.search_available(free)]) == 1
    with pytest.raises(InvalidInputError, match="COUNTRY"):
        client.numbers.search_available([sms])
    with pytest.raises(InvalidInputError, match="IS_NOT"):
        client.numbers.search_available([Filter(NumberField.COUNTRY, "GR", Operator.IS_NOT)])


async def test_unknown_number(client: RouteeClient) -> None:
    """A number that is not rented cannot be changed or given back."""
    with pytest.raises(NotFoundError):
        await client.numbers.release("+306970000001")
    with pytest.raises(NotFoundError):
        await client.numbers.update("306970000001", NumberCallbacks())


@pytest.mark.parametrize("addresses", [[], "127.0.0.1", [""]], ids=repr)
async def test_whitelist_is_not_emptied_by_mistake(sandbox: Sandbox, client: RouteeClient, addresses: list[str]) -> None:
    """An empty list would lock nobody or everybody out: it is refused, and clearing has a name of its own."""
    for change in (client.numbers.set_whitelist, client.numbers.change_whitelist):
        with pytest.raises(InvalidInputError):
            await change(addresses)
    assert sandbox.journal.requests.total() == 0
