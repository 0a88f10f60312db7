"""Messages that come in, in `sandbox.inbound`."""

from collections.abc import Callable
from typing import Any

import pytest

from routee_async.sandbox.accounts import Application
from routee_async.sandbox.carrier import Carrier
from tests.sandbox.conftest import Clock

Send = Callable[..., dict[str, Any]]
FROM, TO = "+306970000001", "306900000099"
INBOUND = [{"fieldName": "direction", "searchTerm": "Inbound"}]


def rows(carrier: Carrier, application: Application, filters: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What a search finds."""
    content: Any = carrier.search(application, {}, filters)["content"]
    return list(content)


def test_callback(carrier: Carrier, application: Application) -> None:
    """What comes in is told to the address of the number, in the documented shape (§5.3)."""
    application.account.inbound_urls[TO] = "http://127.0.0.1:1/inbound"
    carrier.settings.inbound_price = 0.006
    message = carrier.receive(application, sender=FROM, to=f"+{TO}", body="Where is it?")
    carrier.run()
    (record,) = carrier.callbacks.log
    assert (record.kind, record.url) == ("inbound", "http://127.0.0.1:1/inbound")
    assert record.payload == {
        "messageId": message.tracking_id,
        "from": FROM,
        "to": TO,
        "message": "Where is it?",
        "parts": 1,
        "originatingService": "Sms",
        "direction": "Inbound",
        "receivedDate": "2026-09-21T14:13:20Z",
        "price": 0.006,
    }


def test_search(carrier: Carrier, application: Application, send: Send) -> None:
    """What comes in is found by its direction, one row a part, and nobody is told of a number without an address (§7.4)."""
    send()
    application.account.contacts.add(FROM, groups=["vip"])
    message = carrier.receive(application, sender=FROM[1:], to=TO, body="a" * 161)
    found = rows(carrier, application, INBOUND)
    assert [(row["messageId"], row["part"], row["direction"]) for row in found] == [
        (message.tracking_id, 1, "Inbound"),
        (message.tracking_id, 2, "Inbound"),
    ]
    assert (found[0]["from"], found[0]["to"], found[0]["country"], found[0]["groups"]) == (FROM, TO, "GR", ["All", "vip"])
    assert [row["direction"] for row in rows(carrier, application, [{"fieldName": "direction", "searchTerm": "Outbound"}])] == [
        "Outbound"
    ]
    carrier.run()
    assert (carrier.callbacks.log, carrier.journal.sends_accepted) == ([], 1)


@pytest.mark.parametrize("word", ["STOP", "stopall", " Unsubscribe ", "CANCEL", "END", "QUIT"])
def test_opting_out(carrier: Carrier, application: Application, send: Send, clock: Clock, word: str) -> None:
    """Whoever opts out gets nothing more until opting in again, and others do (§4.3)."""
    carrier.receive(application, sender=FROM, to=TO, body=word)
    stopped, other = send(to=FROM), send(to="+306970000002")
    for answer in ("HELP", "start"):
        carrier.receive(application, sender=FROM, to=TO, body=answer)
    back = send(to=FROM)
    clock.advance(10)
    details = [carrier.track(application, sent["trackingId"])[0]["status"] for sent in (stopped, other, back)]
    assert [one["reason"]["detailedStatus"] for one in details] == ["Opted-out", "Delivered", "Delivered"]  # type: ignore[index]
    assert details[0]["status"] == "Undelivered"  # type: ignore[index]


def test_opting_out_may_be_ignored(carrier: Carrier, application: Application) -> None:
    """What opting out does is a guess, and can be switched off; a reset forgets it."""
    carrier.settings.opt_out = False
    carrier.receive(application, sender=FROM, to=TO, body="STOP")
    assert application.account.opted_out == set()
    carrier.settings.opt_out = True
    carrier.receive(application, sender=FROM, to=TO, body="STOP")
    assert application.account.opted_out == {FROM}
    carrier.reset()
    assert application.account.opted_out == set()


@pytest.mark.parametrize(
    ("sender", "to", "body"), [("friend", TO, "Hi"), (FROM, "ParcelCo", "Hi"), (FROM, "", "Hi"), (FROM, TO, "")]
)
def test_nonsense(carrier: Carrier, application: Application, sender: str, to: str, body: str) -> None:
    """A message without a sender, a number or a text is a mistake of the caller."""
    with pytest.raises(ValueError, match="inbound message needs"):
        carrier.receive(application, sender=sender, to=to, body=body)
