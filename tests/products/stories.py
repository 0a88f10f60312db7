"""What a caller does with each part of the API: together the stories call every method that asks for an endpoint."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from routee_async import RouteeClient, Sms
from routee_async.campaign_models import NOW, Campaign
from routee_async.filters import FailoverField, Field, Filter, LookupField, NumberField
from routee_async.products.contacts import BlacklistedService, ContactLabel, NewContact
from routee_async.products.failover import SmsStep
from routee_async.products.numbers import NumberCallbacks, NumberService
from routee_async.products.pools import PoolSettings, PoolStrategy
from routee_async.sandbox import Sandbox
from routee_async.sandbox.finance import Finance
from routee_async.sandbox.two_step import pin_of

TO = "+306970000001"


def day() -> tuple[datetime, datetime]:
    """From a day ago to an hour from now."""
    now = datetime.now(UTC)
    return now - timedelta(days=1), now + timedelta(hours=1)


async def messages(client: RouteeClient, sandbox: Sandbox) -> None:
    """Analyse, send, track, search."""
    del sandbox
    sms = Sms(to=TO, sender_id="ParcelCo", body="Hello", label="job-1")
    analysis = await client.analyze(sms)
    assert (analysis.body_analysis.parts, analysis.cost) == (1, Decimal("0.032"))
    sent = await client.send(sms)
    (part,) = await client.fetch_tracking(sent.tracking_id)
    found = [row async for row in client.search_tracking(Filter(Field.LABEL, "job-1"), *day())]
    assert [row.sms_id for row in found] == [part.sms_id]


async def campaigns(client: RouteeClient, sandbox: Sandbox) -> None:
    """Analyse, send, follow, schedule, change and cancel a campaign."""
    del sandbox
    campaign = Campaign(sender_id="ParcelCo", body="Hello", to=[TO, "+306970000002"], name="Spring offer")
    assert (await client.analyze_campaign(campaign)).number_of_recipients == 2
    sent = await client.send_campaign(campaign)
    assert (await client.fetch_campaign(sent.tracking_ids[0])).name == "Spring offer"
    assert len([row async for row in client.fetch_campaign_tracking(sent)]) == 2
    later = datetime.now(UTC) + timedelta(days=1)
    dated = Campaign(sender_id="ParcelCo", body="Hello", to=[TO], scheduled_at=later)
    (first,) = (await client.send_campaign(dated)).pieces
    assert first.state == "Scheduled"
    (second,) = (await client.send_campaign(dated)).pieces
    undated = Campaign(sender_id="ParcelCo", body="Hello again", to=[TO])
    assert (await client.update_campaign(first.tracking_id, undated, scheduled_at=NOW)).state == "Queued"
    await client.delete_campaign(second.tracking_id)
    assert "GR" in {country.code for country in await client.fetch_quiet_hours_countries()}


async def account(client: RouteeClient, sandbox: Sandbox) -> None:
    """Read money and prices."""
    sandbox.carrier.family(Finance).top_up(sandbox.application.account, Decimal("12.50"))
    balance = await client.account.balance()
    assert balance.amount == sandbox.balance
    assert balance.currency is not None
    assert balance.currency.code == "EUR"
    prices = await client.account.prices(service="Sms")
    assert prices.per_part()["GR"] > 0
    (payment,) = [row async for row in client.account.transactions(*day())]
    assert (payment.amount, payment.status, payment.actions[0].amount) == (Decimal("12.5"), "Completed", Decimal("12.5"))
    payee = await client.account.banks()
    assert payee.banks[0].min_amount == 50


async def lookup(client: RouteeClient, sandbox: Sandbox) -> None:
    """Look a number up, read it again, search it, check it."""
    del sandbox
    made = await client.lookup.send(TO, label="crm")
    assert made.status_info is not None
    assert made.status_info.status == "Active"
    fetched = await client.lookup.fetch(made.lookup_id)
    assert fetched.price is not None
    assert fetched.details is not None
    assert fetched.details.roaming_network is not None
    assert fetched.details.roaming_network.mcc == "202"
    found = [row async for row in client.lookup.search([Filter(LookupField.LABEL, "crm")], start=day()[0], end=day()[1])]
    assert [row.lookup_id for row in found] == [made.lookup_id]
    checked = await client.lookup.validate(TO, ported=True, host="example.org")
    assert checked.valid
    assert checked.geo is not None
    assert (checked.geo.country_iso2, checked.geo.host) == ("GR", "example.org")


async def pools(client: RouteeClient, sandbox: Sandbox) -> None:
    """Make a pool, give it a number, send through it, take it away."""
    del sandbox
    rented = await anext(client.numbers.fetch_available("GR", service=NumberService.SMS))
    await client.numbers.rent(rented.msisdn)
    settings = PoolSettings(sticky=False, alphanumeric_sender_id="ParcelCo")
    pool = await client.pools.create("gr-pool", settings)
    assert pool.sms_settings is not None
    assert (pool.sms_settings.sticky, pool.sms_settings.geomatch) == (False, True)
    await client.pools.add_number(pool.pool_id, f"+{rented.msisdn}")
    assert (await client.pools.fetch_numbers(pool.pool_id)).numbers == (rented.msisdn,)
    sent = await client.pools.send(pool.pool_id, to=TO, body="Hello")
    assert (sent.sender_id, sent.to, sent.pool_name) == (rented.msisdn, TO, "gr-pool")
    named = await client.pools.send(pool.pool_id, to=TO, body="Hello", strategy=PoolStrategy.ALPHANUMERIC)
    assert named.sender_id == "ParcelCo"
    assert (await client.pools.update(pool.pool_id, "other", settings)).pool_name == "other"
    assert [one.total_numbers for one in await client.pools.fetch_all()] == [1]
    await client.pools.remove_number(pool.pool_id, rented.msisdn)
    assert (await client.pools.fetch(pool.pool_id)).total_numbers == 0
    await client.pools.delete(pool.pool_id)


async def numbers(client: RouteeClient, sandbox: Sandbox) -> None:
    """Rent a number, change it, give it back; set and clear the whitelist."""
    del sandbox
    offers = [one async for one in client.numbers.search_available([Filter(NumberField.COUNTRY, "GR")])]
    assert offers
    assert [one.country async for one in client.numbers.fetch_available("GR")] == ["GR"] * len(offers)
    rented = await client.numbers.rent(offers[0].msisdn, NumberCallbacks(inbound_sms_callback_url="https://hooks.example/in"))
    assert rented.raw["msisdn"] == offers[0].msisdn
    await client.numbers.update(rented.msisdn, NumberCallbacks(inbound_sms_callback_url="https://hooks.example/other"))
    (mine,) = [one async for one in client.numbers.fetch_all()]
    assert mine.inbound_sms_callback_url == "https://hooks.example/other"
    await client.numbers.release(rented.msisdn)
    assert [one async for one in client.numbers.fetch_all()] == []
    await client.numbers.set_whitelist(["127.0.0.1"])
    await client.numbers.change_whitelist(["127.0.0.1", "127.0.0.2"])
    assert "127.0.0.2" in await client.numbers.fetch_whitelist()
    await client.numbers.clear_whitelist()
    assert await client.numbers.fetch_whitelist() == ()


async def failover(client: RouteeClient, sandbox: Sandbox) -> None:
    """Send a flow, read it, search it."""
    del sandbox
    sent = await client.failover.send([SmsStep(to=TO, sender_id="ParcelCo", body="Hello", ttl=timedelta(minutes=90))])
    flow = await client.failover.fetch(sent.tracking_id)
    assert not flow.status.is_final
    assert (flow.messages[0].sender_id, flow.messages[0].ttl) == ("ParcelCo", timedelta(minutes=90))
    found = [one async for one in client.failover.search([Filter(FailoverField.TO, TO)], start=day()[0], end=day()[1])]
    assert [one.tracking_id for one in found] == [sent.tracking_id]


async def two_step(client: RouteeClient, sandbox: Sandbox) -> None:
    """Send a code, confirm it; send another, cancel it; count them."""
    sent = await client.two_step.send(TO, template="Your code is @@pin", sender_id="ParcelCo", lifetime=timedelta(minutes=2))
    confirmed = await client.two_step.confirm(sent.tracking_id, pin_of(sandbox.carrier, sent.tracking_id))
    assert confirmed.status == "Verified"
    assert (await client.two_step.wait_verified(sent.tracking_id, timeout=5)).status.is_final
    other = await client.two_step.send(TO, template="@@pin")
    await client.two_step.cancel(other.tracking_id)
    assert (await client.two_step.fetch(other.tracking_id)).status == "Cancelled"
    assert (await client.two_step.fetch_report()).raw["total"] == 2
    assert (await client.two_step.fetch_application_report(sandbox.application_id)).raw["total"] == 2


async def contacts(client: RouteeClient, sandbox: Sandbox) -> None:
    """Store, label, group, blacklist and forget contacts."""
    del sandbox
    api = client.contacts
    await api.create_labels({"city": "Text"})
    assert (await api.fetch_labels())["city"] == "Text"
    labels = (ContactLabel(name="city", value="Athens"),)
    eleni = await api.create(NewContact(mobile=TO, first_name="Eleni", labels=labels))
    nikos = await api.create(NewContact(mobile="+306970000002", first_name="Nikos", vip=True))
    assert (await api.fetch(eleni.id)).labels == labels
    assert (await api.update(eleni.id, NewContact(mobile=TO, last_name="P"))).last_name == "P"
    assert await api.has_mobile(TO)
    assert not await api.has_mobile("+306970000009")
    assert {one.id async for one in api.fetch_all()} == {eleni.id, nikos.id}
    await api.create_group("one")
    await api.create_group("two")
    await api.add_members("one", [eleni.id, nikos.id])
    await api.add_members("two", [nikos.id])
    await api.remove_members("one", [nikos.id])
    assert [one.id async for one in api.fetch_members("one")] == [eleni.id]
    assert (await api.merge_groups("both", ["one", "two"])).size == 2
    assert (await api.subtract_groups("rest", ["both", "two"])).size == 1
    assert (await api.fetch_group("rest")).size == 1
    names = {group.name for group in await api.fetch_groups()}
    assert names == {group.name async for group in api.fetch_group_pages()}
    await api.blacklist(BlacklistedService.SMS, [eleni.id])
    assert [one.id for one in await api.fetch_blacklist(BlacklistedService.SMS)] == [eleni.id]
    await api.unblacklist(BlacklistedService.SMS, [eleni.id])
    await api.blacklist_groups(BlacklistedService.SMS, ["both"])
    assert len(await api.fetch_blacklist(BlacklistedService.SMS)) == 2
    await api.unblacklist_groups(BlacklistedService.SMS, ["both"])
    assert await api.fetch_blacklist(BlacklistedService.SMS) == ()
    await api.delete_groups(["rest", "both"])
    await api.delete(eleni.id)
    await api.delete_many([nikos.id])
    assert [one async for one in api.fetch_all()] == []


async def reports(client: RouteeClient, sandbox: Sandbox) -> None:
    """Read all reports."""
    (piece,) = (await client.send_campaign(Campaign(sender_id="ParcelCo", body="Hello", to=[TO]))).pieces
    del sandbox
    start, end = day()
    (row,) = await client.reports.volume(start, end)
    assert (row.country, row.count, row.price) == ("GR", 1, Decimal("0.032"))
    assert await client.reports.volume_of_country(start, end, mcc="202") == (row,)
    assert await client.reports.volume_of_network(start, end, mcc="202", mnc=row.mnc or "") == (row,)
    (of_campaign,) = await client.reports.volume_of_campaign(piece.tracking_id, offset=start)
    assert of_campaign.sms_campaign_id == piece.tracking_id
    assert (await client.reports.latencies(start, end)).raw


Story = Callable[[RouteeClient, Sandbox], Awaitable[None]]
STORIES: tuple[Story, ...] = (
    messages,
    campaigns,
    account,
    lookup,
    pools,
    numbers,
    failover,
    two_step,
    contacts,
    reports,
)
