"""Tests of `exchanges.py`."""

from routee_async.sandbox.exchanges import MAX_BODY, Exchanges


def add(exchanges: Exchanges, body: bytes = b"{}", *ids: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """Add an exchange."""
    exchanges.add(at=1.0, method="POST", target="/sms", raw_headers=headers, body=body, status=200, answer=b"{}", tracking_ids=ids)


def test_only_the_latest_are_kept() -> None:
    """The oldest go first, and the numbers go on."""
    exchanges = Exchanges(2)
    for body in (b"1", b"2", b"3"):
        add(exchanges, body)
    assert [(exchange.number, exchange.body) for exchange in exchanges] == [(2, b"2"), (3, b"3")]
    assert exchanges.find(1) is None
    found = exchanges.find(3)
    assert found is not None
    assert found.body == b"3"
    exchanges.clear()
    assert len(exchanges) == 0
    add(exchanges, b"4")
    assert [exchange.number for exchange in exchanges] == [4]


def test_none_are_kept_if_none_are_wanted() -> None:
    """With 0 nothing is kept."""
    exchanges = Exchanges(0)
    add(exchanges)
    assert list(exchanges) == []


def test_it_is_found_by_its_message() -> None:
    """The exchange that brought a message about is found by the id of the message."""
    exchanges = Exchanges(5)
    add(exchanges, b"1", "a", "b")
    add(exchanges, b"2")
    found = exchanges.of("b")
    assert found is not None
    assert found.body == b"1"
    assert exchanges.of("c") is None


def test_credentials_are_masked() -> None:
    """The scheme of an authorization is shown, what it is worth is not; a cookie is not shown at all."""
    exchanges = Exchanges(1)
    add(exchanges, headers=((b"Authorization", b"Bearer secret"), (b"COOKIE", b"secret"), (b"Accept", b"*/*")))
    (exchange,) = exchanges
    assert exchange.headers == (("Authorization", "Bearer ****"), ("COOKIE", "****"), ("Accept", "*/*"))
    assert "secret" not in repr(exchange)


def test_long_bodies_are_cut() -> None:
    """A body is kept up to its bound."""
    exchanges = Exchanges(1)
    add(exchanges, b"x" * (MAX_BODY + 1))
    assert [len(exchange.body) for exchange in exchanges] == [MAX_BODY]
