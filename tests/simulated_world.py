"""The world of the simulation: a network full of trouble, the carrier behind it, and a disk that may lose its last words."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from typing import Any

import attrs

from routee_async import LedgerError, OnUnknown, RouteeError, Sms
from routee_async.exchange import ExchangeError, Transport
from routee_async.protocol import Failure, Phase, Request, Response
from routee_async.sandbox import Carrier
from routee_async.sandbox import routes as wire
from routee_async.store import LedgerRow, RowState

EPOCH = 1_790_000_000.0
APPLICATION = ("6400aabbccddeeff00112233", "S4ndb0xKey")
PRICE = Decimal("0.032")
ORIGIN = "http://127.0.0.1:1"


class Trouble(Enum):
    """What can happen to one exchange."""

    NONE = auto()
    NO_CONNECTION = auto()
    GONE_BEFORE_WRITING = auto()
    LOST_ON_THE_WAY = auto()
    """The request is written and never arrives."""
    LOST_ON_THE_WAY_BACK = auto()
    """It is carried out, and the answer is lost at once."""
    SILENCE = auto()
    """It is carried out, and the answer never comes."""
    LATE = auto()
    """It is written, the client gives up, and then it is carried out."""
    CUT = auto()
    NONSENSE = auto()
    FAILED = auto()
    """500, not carried out."""
    FAILED_AFTERWARDS = auto()
    """502, carried out."""
    UNAVAILABLE = auto()
    BUSY = auto()
    REFUSED_TOKEN = auto()
    GATEWAY_PAGE = auto()


@attrs.frozen
class Plan:
    """What a seed has chosen.

    Attributes:
        messages: The input.
        trouble: Chance that an exchange meets trouble.
        concurrency: Of `send_many`.
        on_unknown: Of `send_many`.
        deaths: How often the run is killed.
        lifetimes: After how many seconds each time.
        money: For how many parts the account has money at first.
        visibility: Seconds until the carrier shows a message.
        rate: Sends per second that the carrier takes; None for any number.
    """

    messages: list[Sms]
    trouble: float
    concurrency: int
    on_unknown: OnUnknown
    deaths: int
    lifetimes: list[float]
    money: int
    visibility: float
    rate: float | None


def make_plan(rng: random.Random) -> Plan:
    """Draw a plan."""
    count = rng.choice((1, 3, 10, 30, 60))
    messages = [make_message(rng, number) for number in range(count)]
    deaths = rng.choice((0, 0, 1, 2, 4))
    return Plan(
        messages,
        trouble=rng.choice((0.0, 0.02, 0.1, 0.3, 0.6)),
        concurrency=rng.choice((1, 2, 5, 20)),
        on_unknown=rng.choice((OnUnknown.REPORT, OnUnknown.RECONCILE)),
        deaths=deaths,
        lifetimes=[rng.choice((0.001, 0.05, 0.3, 2.0, 30.0)) * rng.random() * 2 for _ in range(deaths)],
        money=rng.choice((10**6, 10**6, 10**6, count // 2)),
        visibility=rng.choice((0.0, 1.0, 6.0)),
        rate=rng.choice((None, None, 20.0)),
    )


def make_message(rng: random.Random, number: int) -> Sms:
    """Draw a message; a few cannot be sent."""
    to = f"+30697{number:07d}" if rng.random() > 0.05 else "call me"
    body = rng.choice(("Hello", "Γειά σου", "x" * 170, "" if rng.random() < 0.2 else "Hi"))
    return Sms(to=to, sender_id="ParcelCo", body=body, label=rng.choice((None, f"own {number}", "same")))


class Network:
    """The carrier and everything that goes wrong on the way to it."""

    def __init__(self, rng: random.Random, plan: Plan) -> None:
        self._rng = rng
        self._plan = plan
        self.calm = False
        self.carrier = Carrier(now=self.now, rng=rng)
        self.carrier.settings.visibility_delay = plan.visibility
        self.application = self.carrier.add_application(*APPLICATION, balance=PRICE * plan.money, price=PRICE)
        self.posts = 0
        self.refused = 0
        self._starts: list[float] = []

    def now(self) -> float:
        """Wall-clock seconds, which follow the loop's."""
        return EPOCH + asyncio.get_running_loop().time()

    def trouble(self, request: Request) -> Trouble:
        """Draw what happens to an exchange."""
        if self.calm or self._rng.random() >= self._plan.trouble:
            return Trouble.NONE
        chosen = self._rng.choice(list(Trouble))
        if chosen is Trouble.REFUSED_TOKEN and request.path == "/oauth/token":
            return Trouble.FAILED  # refused credentials are final, and an account does not lose its own
        return chosen

    def answer(self, request: Request, authorization: str) -> Response:
        """Carry a request out."""
        path, _, query = request.path.partition("?")
        if request.endpoint.paid and self._is_too_fast():
            self.refused += 1
            return Response(429, {"retry-after": "1"}, b"")
        answer = wire.respond(
            self.carrier,
            wire.Request(
                method=request.endpoint.method,
                path=path,
                query=query,
                authorization=authorization,
                content_type=request.content_type,
                body=request.body or b"",
            ),
        )
        return Response(answer.status, {}, answer.body)

    def _is_too_fast(self) -> bool:
        if self._plan.rate is None or self.calm:
            return False
        now = self.now()
        self._starts = [start for start in self._starts if start > now - 1]
        if len(self._starts) >= self._plan.rate:
            return True
        self._starts.append(now)
        return False

    def transport(self) -> Transport:
        """A connection to it for one life of the client."""
        return _Connection(self, self._rng)


_NOT_AT_HAND = 0.3
"""How often no connection is at hand."""


class _Connection(Transport):
    """The network as one client sees it. What has left goes on when the client is dead."""

    def __init__(self, network: Network, rng: random.Random) -> None:
        self._network = network
        self._rng = rng

    async def exchange(self, request: Request, authorization: str, time_left: float) -> Response:
        """Write a request into the storm."""
        network = self._network
        trouble = network.trouble(request)
        if trouble is Trouble.NO_CONNECTION:
            await asyncio.sleep(min(time_left, self._rng.choice((0.001, 5.0))))
            raise ExchangeError(Failure(phase=Phase.CONNECT, reason="ClientConnectorError", written=False))
        if trouble is Trouble.GONE_BEFORE_WRITING:
            raise ExchangeError(Failure(phase=Phase.WRITE, reason="ClientConnectionResetError", written=False))
        if request.endpoint.paid:
            network.posts += 1
        if trouble is Trouble.REFUSED_TOKEN:
            network.carrier.tokens.revoke(network.application)
        return await self._travel(request, authorization, time_left, trouble)

    def begin(
        self,
        request: Request,
        authorization: str,
        now: float,
        time_left: float,
        tell: Callable[[Any, object], None],
        about: object,
    ) -> "asyncio.Task[None] | None":
        """Write a request, if luck has it that a connection is at hand."""
        del now
        if self._rng.random() < _NOT_AT_HAND:
            return None

        async def carry() -> None:
            result: Response | ExchangeError
            try:
                result = await self.exchange(request, authorization, time_left)
            except ExchangeError as error:
                result = error
            tell(about, result)

        return asyncio.create_task(carry())

    async def finish(self, request: Request, unfinished: ExchangeError) -> Response:
        """Say what went wrong."""
        del request
        raise unfinished

    def cut(self, begun: "asyncio.Task[None]") -> None:
        """Wait no longer."""
        begun.cancel()

    async def _travel(self, request: Request, authorization: str, time_left: float, trouble: Trouble) -> Response:
        network, loop = self._network, asyncio.get_running_loop()
        carried_out: asyncio.Future[Response] = loop.create_future()

        def arrive() -> None:
            response = network.answer(request, authorization)
            if not carried_out.done():
                carried_out.set_result(response)

        out, back = (self._rng.uniform(0.001, 0.2) for _ in range(2))
        fails_first = trouble in {Trouble.LOST_ON_THE_WAY, Trouble.FAILED, Trouble.UNAVAILABLE, Trouble.BUSY, Trouble.GATEWAY_PAGE}
        if not fails_first:
            loop.call_later(time_left + self._rng.uniform(0, 3) if trouble is Trouble.LATE else out, arrive)
        if trouble in {Trouble.SILENCE, Trouble.LATE}:
            await asyncio.sleep(time_left)
            raise ExchangeError(Failure(phase=Phase.WAIT, reason="TimeoutError", written=True))
        await asyncio.sleep(out + back)
        return self._come_back(trouble, carried_out)

    def _come_back(self, trouble: Trouble, carried_out: "asyncio.Future[Response]") -> Response:
        if trouble in _LOST:
            raise ExchangeError(_LOST[trouble])
        if trouble is Trouble.BUSY:
            self._network.refused += 1
            return Response(429, {"retry-after": "1"} if self._rng.random() < 0.7 else {}, b"")
        return _ANSWERS.get(trouble) or carried_out.result()

    async def aclose(self) -> None:
        """Nothing to close."""


_DISCONNECTED = Failure(phase=Phase.WAIT, reason="ServerDisconnectedError", written=True)
_LOST = {
    Trouble.LOST_ON_THE_WAY: _DISCONNECTED,
    Trouble.LOST_ON_THE_WAY_BACK: _DISCONNECTED,
    Trouble.CUT: Failure(phase=Phase.BODY, reason="ClientPayloadError", written=True, status=200),
}
_ANSWERS = {
    Trouble.NONSENSE: Response(200, {}, b'{"trackingId": ""}'),
    Trouble.FAILED: Response(500, {}, b""),
    Trouble.FAILED_AFTERWARDS: Response(502, {}, b"<html>"),
    Trouble.UNAVAILABLE: Response(503, {"retry-after": "2"}, b""),
    Trouble.GATEWAY_PAGE: Response(403, {}, b"<html>blocked</html>"),
}


Then = Callable[[LedgerError | None], None]


class Disk:
    """A ledger in memory that loses what was not on disk when the process dies, or does not: nobody knows."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.rows: dict[int, LedgerRow] = {}
        self._pending: list[tuple[Callable[[], None], Then]] = []
        self.finished: int | None = None

    def die(self) -> None:
        """Lose what was pending, but for what had just been written."""
        pending, self._pending = self._pending, []
        for write, _ in pending[: self._rng.randint(0, len(pending))]:
            write()

    async def open(self) -> str:
        """Begin or resume."""
        return "simulate"

    async def find(self, index: int) -> LedgerRow | None:
        """Look a row up."""
        return self.rows.get(index)

    async def intend(self, index: int, reference: str, checksum: bytes) -> None:
        """Note an intent."""
        await self._wait(partial(self.intend_soon, index, reference, checksum))

    async def settle(self, index: int, **outcome: Any) -> None:  # noqa: ANN401 - as of `LedgerStore`
        """Note an outcome."""
        await self._wait(partial(self._settle_soon, index, **outcome))

    def is_new_from(self, index: int) -> bool:
        """Look whether there is a row, or one behind."""
        return all(index > known for known in self.rows)

    def intend_soon(self, index: int, reference: str, checksum: bytes, then: Then) -> None:
        """Note an intent."""

        def write() -> None:
            before = self.rows.get(index)
            intended_at = before.intended_at if before and before.intended_at else moment
            self.rows[index] = LedgerRow(
                index=index,
                state=RowState.INTENDED,
                reference=reference,
                checksum=checksum,
                intended_at=intended_at,
            )

        moment = wall_clock()
        self._commit(write, then)

    def accept_soon(
        self,
        index: int,
        reference: str,
        checksum: bytes,
        tracking_id: str,
        parts: int | None,
        then: Then,
    ) -> None:
        """Note that a message was accepted."""
        state = RowState.ACCEPTED
        self._settle_soon(
            index,
            reference=reference,
            checksum=checksum,
            state=state,
            tracking_id=tracking_id,
            parts=parts,
            then=then,
        )

    def _settle_soon(
        self,
        index: int,
        *,
        reference: str,
        checksum: bytes,
        state: RowState,
        tracking_id: str | None = None,
        parts: int | None = None,
        error: RouteeError | None = None,
        duplicates: tuple[str, ...] = (),
        then: Then,
    ) -> None:
        def write() -> None:
            before = self.rows.get(index)
            self.rows[index] = LedgerRow(
                index=index,
                state=state,
                reference=reference,
                checksum=checksum,
                tracking_id=tracking_id,
                parts=parts,
                error=error,
                intended_at=before.intended_at if before else None,
                duplicates=duplicates,
            )

        self._commit(write, then)

    async def finish(self, count: int) -> None:
        """Note the end of the input."""
        self.finished = count

    async def note_final(self, tracking_id: str, status: object) -> None:
        """Not used here."""

    async def close(self) -> None:
        """Keep everything."""

    async def _wait(self, begin: Callable[..., None]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        begin(then=lambda _: None if done.done() else done.set_result(None))
        await done

    def _commit(self, write: Callable[[], None], then: Then) -> None:
        """Group commit: whatever comes within some milliseconds is durable together."""
        if not self._pending:
            asyncio.get_running_loop().call_later(self._rng.uniform(0.0005, 0.02), self._flush, self._pending)
        self._pending.append((write, then))

    def _flush(self, group: list[tuple[Callable[[], None], Then]]) -> None:
        if group is not self._pending:
            return  # the process that began this group is dead
        self._pending = []
        for write, _ in group:
            write()
        for _, then in group:
            then(None)


def wall_clock() -> datetime:
    """The wall clock of the simulated world."""
    return datetime.fromtimestamp(EPOCH + asyncio.get_running_loop().time(), UTC)
