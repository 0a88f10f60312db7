"""The access token: fetched once for everybody, renewed when it is due or refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from routee_async.auth import HeldToken, TokenSource, hold
from routee_async.codec import Token
from routee_async.errors import ConnectError


class Endpoint:
    """A token endpoint that answers when it is let to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: list[Token | Exception] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def fetch(self) -> Token:
        """Give the next answer, or a token named after the number of the question."""
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        answer = self.answers.pop(0) if self.answers else Token(access_token=f"token-{number}", expires_in=3600)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def endpoint() -> Endpoint:
    """An endpoint that answers at once."""
    return Endpoint()


@pytest.fixture
async def tokens(endpoint: Endpoint) -> AsyncIterator[TokenSource]:
    """A source of tokens from that endpoint."""
    source = TokenSource(endpoint.fetch)
    yield source
    await source.aclose()


@pytest.mark.parametrize(
    ("expires_in", "renew_at"),
    [
        pytest.param(3600, 3540.0, id="an hour"),
        pytest.param(300, 240.0, id="where the margins meet"),
        pytest.param(2, 1.6, id="two seconds"),
        pytest.param(1, 0.8, id="one second"),
        pytest.param(0, 0.0, id="none"),
        pytest.param(-5, 0.0, id="negative"),
        pytest.param(631_139_040, 631_138_980.0, id="twenty years"),
        pytest.param(None, None, id="not said"),
    ],
)
def test_margin_shrinks_with_the_life(expires_in: int | None, renew_at: float | None) -> None:
    """§1.4: `expires_in` is the life that is left, which can be 2 seconds or 20 years."""
    held = hold(Token(access_token="t", expires_in=expires_in), 0.0, 1)
    assert held.renew_at == pytest.approx(renew_at)
    assert "'t'" not in repr(held)


async def test_many_callers_share_one_refresh(tokens: TokenSource, endpoint: Endpoint) -> None:
    """A hundred callers that need a token at once ask for it once."""
    endpoint.may_answer.clear()
    waiting = [asyncio.create_task(tokens.get()) for _ in range(100)]
    await asyncio.sleep(0)
    endpoint.may_answer.set()
    assert {held.value for held in await asyncio.gather(*waiting)} == {"token-1"}
    assert endpoint.asked == 1


async def test_token_is_kept(tokens: TokenSource, endpoint: Endpoint) -> None:
    """While a token lives, nobody asks for another."""
    held = await tokens.get()
    assert await tokens.get() is held
    assert tokens.peek(asyncio.get_running_loop().time()) is held
    assert endpoint.asked == 1


async def test_token_without_a_life_is_kept_until_it_is_refused(tokens: TokenSource, endpoint: Endpoint) -> None:
    """An answer that does not say how long a token lives gives one that lives until Routee says otherwise."""
    endpoint.answers = [Token(access_token="t")]
    await tokens.get()
    assert tokens.peek(float("inf")) is not None


async def test_ended_token_is_renewed_first(tokens: TokenSource, endpoint: Endpoint) -> None:
    """A token at its end is not sent anywhere."""
    endpoint.answers = [Token(access_token="old", expires_in=0)]
    assert (await tokens.get()).value == "old"
    assert (await tokens.get()).value == "token-2"


async def test_refusals_of_one_token_cost_one_refresh(tokens: TokenSource, endpoint: Endpoint) -> None:
    """When a token is revoked under a hundred requests, one refresh serves them all, early and late ones."""
    refused = await tokens.get()
    early = await asyncio.gather(*(tokens.renew(refused) for _ in range(99)))
    late = await tokens.renew(refused)
    assert {held.value for held in [*early, late]} == {"token-2"}
    assert endpoint.asked == 2


async def test_refusal_during_an_older_refresh_needs_a_newer_one(tokens: TokenSource, endpoint: Endpoint) -> None:
    """A refresh that began before the refusal may bring the refused token once more; then another one follows."""
    endpoint.answers = [Token(access_token="same", expires_in=0), Token(access_token="same", expires_in=3600)]
    refused = await tokens.get()
    endpoint.may_answer.clear()
    older = asyncio.create_task(tokens.get())
    await asyncio.sleep(0)
    newer = asyncio.create_task(tokens.renew(refused))
    await asyncio.sleep(0)
    endpoint.may_answer.set()
    assert (await older).value == "same"
    assert (await newer).value == "token-3"


async def test_same_token_confirmed_after_the_refusal_is_given_out(tokens: TokenSource, endpoint: Endpoint) -> None:
    """§1.4: asking again can give the same token; asked for after the refusal, it is taken, and not asked for forever."""
    endpoint.answers = [Token(access_token="same", expires_in=3600), Token(access_token="same", expires_in=3500)]
    refused = await tokens.get()
    assert (await tokens.renew(refused)).value == "same"
    assert endpoint.asked == 2


async def test_caller_that_comes_as_a_refresh_ends_does_not_spin(endpoint: Endpoint) -> None:
    """A refusal that is seen in the very turn of the loop in which a refresh ends waits for the next one like any other."""
    source = TokenSource(endpoint.fetch)
    endpoint.answers = [Token(access_token="same"), Token(access_token="same")]
    endpoint.may_answer.clear()
    first = asyncio.create_task(source.get())
    await asyncio.sleep(0)
    (refresh,) = (task for task in asyncio.all_tasks() if task.get_name() == "routee-token-refresh")

    async def refused() -> HeldToken:
        while not refresh.done():
            await asyncio.sleep(0)
        return await source.renew(HeldToken("same", None, 0))

    second = asyncio.create_task(refused())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    endpoint.may_answer.set()
    assert (await first).value == "same"
    assert (await second).value == "same"
    await source.aclose()


async def test_refresh_that_is_ended_before_it_begins(endpoint: Endpoint) -> None:
    """Closing in the turn in which a refresh was asked for leaves nothing behind, and the source can be asked again."""
    source = TokenSource(endpoint.fetch)
    caller = asyncio.create_task(source.get())
    asyncio.get_running_loop().call_soon(lambda: [task.cancel() for task in asyncio.all_tasks() if "refresh" in task.get_name()])
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (await source.get()).value
    await source.aclose()


async def test_cancelled_caller_takes_the_refresh_from_nobody(tokens: TokenSource, endpoint: Endpoint) -> None:
    """The refresh belongs to no caller: whoever leaves, the others get their token."""
    endpoint.may_answer.clear()
    first, second = asyncio.create_task(tokens.get()), asyncio.create_task(tokens.get())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    endpoint.may_answer.set()
    assert (await second).value == "token-1"


async def test_failure_reaches_every_waiting_caller(tokens: TokenSource, endpoint: Endpoint) -> None:
    """All who waited learn why there is no token."""
    endpoint.answers = [ConnectError("refused")]
    results = await asyncio.gather(*(tokens.get() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectError] * 5
    assert endpoint.asked == 1


async def test_failure_cools_down(tokens: TokenSource, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the endpoint is left in peace for a moment, and asked again after that."""
    endpoint.answers = [ConnectError("refused")]
    for _ in range(3):
        with pytest.raises(ConnectError):
            await tokens.get()
    assert endpoint.asked == 1
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now + 1.1)
    assert (await tokens.get()).value == "token-2"


async def test_failure_that_nobody_waits_for_is_no_warning(tokens: TokenSource, endpoint: Endpoint) -> None:
    """A refresh that fails after its caller has gone does not disturb anybody."""
    endpoint.may_answer.clear()
    endpoint.answers = [ConnectError("refused")]
    caller = asyncio.create_task(tokens.get())
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    endpoint.may_answer.set()
    with pytest.raises(ConnectError):
        await tokens.get()


async def test_error_that_is_not_ours_is_not_remembered(tokens: TokenSource, endpoint: Endpoint) -> None:
    """A programming error passes through, and does not stand for the endpoint's answer later."""
    endpoint.answers = [KeyError("oops")]
    with pytest.raises(KeyError):
        await tokens.get()
    assert (await tokens.get()).value == "token-2"


async def test_closing_ends_a_refresh_in_flight(endpoint: Endpoint) -> None:
    """Nothing is left running when the source is closed."""
    source = TokenSource(endpoint.fetch)
    endpoint.may_answer.clear()
    caller = asyncio.create_task(source.get())
    await asyncio.sleep(0)
    await source.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "routee-token-refresh"]


def test_held_token_hides_its_value() -> None:
    """A token is not in a `repr`."""
    assert "secret" not in repr(HeldToken("secret", None, 1))
