"""The fake carrier: a plain state object that accepts, charges, delivers and tells, without clock, sockets or chance of its own.

Source of every rule: routee-api.md §1, §2 and §10. What is not documented there is a field of `Settings`.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import accumulate, islice
from typing import Protocol, TypeVar

import attrs

from routee_async.sandbox.accounting import Journal
from routee_async.sandbox.accounts import PERMISSIONS, SCOPES, Account, Application, Keyring, Rng, new_uuid
from routee_async.sandbox.answers import routee
from routee_async.sandbox.encoding import analyse
from routee_async.sandbox.messages import Message
from routee_async.sandbox.orders import MAX_TTL, Order, read_order
from routee_async.sandbox.search import Row, arrange, page_to_wire, read_filters, read_paging, read_window
from routee_async.sandbox.timeline import MAGIC_OUTCOMES, Magic, Outcome, Timeline


@attrs.define(kw_only=True)
class Settings:
    """How the carrier behaves where the documentation leaves a choice. May be changed while it runs.

    Attributes:
        visibility_delay: Seconds until a message can be tracked and searched. About 1 to 6 were seen.
        timeline: When messages move on.
        shares: Outcome to its weight; drawn once a message. Empty: all are delivered.
        unseen_as_empty: Answer a message that cannot be tracked yet with `[]` rather than 404. Both may be (§2.9).
        needs_content_type: Refuse a body that is not declared as JSON with 415. A guess: Spring does.
        refuse_old_dates: Refuse a search that starts before the last seven days; otherwise cut it. A guess (§2.11).
        refuse_large_pages: Refuse a page of more than 2,000 rows; otherwise cut it. A guess (§10.7).
        cut_pairs: Let the border of two parts cut escape and surrogate pairs when counting. A guess (§6.1).
        max_label: Characters of a label; 20 in older documents (§8 #8).
    """

    visibility_delay: float = 1.0
    timeline: Timeline = attrs.Factory(Timeline)
    shares: Mapping[Outcome, float] = attrs.Factory(dict)
    unseen_as_empty: bool = False
    needs_content_type: bool = True
    refuse_old_dates: bool = True
    refuse_large_pages: bool = False
    cut_pairs: bool = False
    max_label: int = 350


@attrs.frozen(kw_only=True)
class Script:
    """What shall become of certain messages.

    Attributes:
        outcomes: How each part ends; the last one goes for all further parts. Empty: as it would without.
        timeline: When they move on; None: as settings say.
    """

    outcomes: tuple[Outcome, ...] = ()
    timeline: Timeline | None = None


class Family(Protocol):
    """The state of one family of endpoints that the carrier need not know of."""

    def __init__(self, carrier: "Carrier", /) -> None: ...


F = TypeVar("F", bound=Family)


class Carrier:
    """Routee as it looks from outside.

    Args:
        now: Gives epoch seconds.
        rng: Source of ids and of shares, a seeded `random.Random` for instance.
        settings: Choices.

    Attributes:
        settings: Choices.
        tokens: The live tokens.
        journal: What it saw.
        applications: By id.
        messages: Accepted messages by tracking id.
    """

    def __init__(self, *, now: Callable[[], float], rng: Rng, settings: Settings | None = None) -> None:
        self.now = now
        self.rng = rng
        self.settings = settings or Settings()
        self.tokens = Keyring(now, rng)
        self.journal = Journal()
        self.applications: dict[str, Application] = {}
        self.messages: dict[str, Message] = {}
        self._scripts: dict[str, Script] = {}
        self._families: dict[type[Family], Family] = {}

    def family(self, kind: type[F]) -> F:
        """Give the state of a family of endpoints, made as `kind(carrier)` when it is first asked for."""
        known = self._families.get(kind)
        if isinstance(known, kind):
            return known
        made = self._families[kind] = kind(self)
        return made

    def add_application(
        self,
        application_id: str,
        secret: str,
        *,
        balance: Decimal = Decimal(100_000),
        price: Decimal = Decimal("0.032"),
        account: Account | None = None,
        scopes: Iterable[str] = SCOPES,
        permissions: Iterable[str] = PERMISSIONS,
        token_life: float = 3600,
    ) -> Application:
        """Register an application.

        Args:
            application_id: 24 hexadecimal digits.
            secret: Its secret.
            balance: Money of its new account.
            price: Price of one part on its new account.
            account: An account that it shares with others, instead of a new one.
            scopes: What its tokens may be asked for.
            permissions: Which services it may use.
            token_life: Seconds that a token lives.
        """
        application = Application(
            id=application_id,
            secret=secret,
            account=account or Account(balance=balance, price=price),
            scopes=tuple(scopes),
            permissions=tuple(permissions),
            token_life=token_life,
        )
        self.applications[application_id] = application
        return application

    def script(self, *outcomes: Outcome, label: str | None = None, to: str | None = None, timeline: Timeline | None = None) -> None:
        """Lay down what shall become of messages yet to come with that *label*, or to that recipient, for ever.

        Args:
            *outcomes: How each part ends; the last one goes for all further parts. None: as it would without.
            label: The whole label. Outranks a script by recipient.
            to: The recipient, with `+`. Outranks its meaning in `Magic`.
            timeline: When they move on.
        """
        for name, value in (("label", label), ("to", to)):
            if value is not None:
                self._scripts[f"{name}={value}"] = Script(outcomes=outcomes, timeline=timeline)

    def send(self, application: Application, payload: object) -> dict[str, object]:
        """Accept a message: POST /sms, once token and rights are checked.

        Returns:
            The JSON answer.

        Raises:
            Refusal: 400000000 for shape and recipient, then 400005000 for the sender, then 400001009 for the balance (§10.2).
        """
        order = read_order(payload, max_label=self.settings.max_label)
        analysis = analyse(order.body, cut_pairs=self.settings.cut_pairs)
        if order.transcode and analysis.transcoded is not None and analysis.parts > 1:
            # A guess: the text that goes out is the one that is counted, shown and paid (§6.3).
            order = attrs.evolve(order, body=analysis.transcoded)
            analysis = analyse(order.body, cut_pairs=self.settings.cut_pairs)
        account = application.account
        cost = account.price * analysis.parts
        if account.balance < cost or order.to == Magic.NO_BALANCE:
            raise routee(400, "400001009", "Insufficient Balance")
        account.balance -= cost
        timeline, outcomes = self._fate(order, analysis.parts)
        message = Message(
            tracking_id=new_uuid(self.rng),
            application=application,
            to=order.to,
            sender=order.sender,
            body=order.body,
            label=order.label,
            created=self.now(),
            analysis=analysis,
            echo=order.echo,
            price=float(account.price),
            timeline=timeline,
            outcomes=outcomes,
            sms_ids=tuple(new_uuid(self.rng) for _ in outcomes),
        )
        self.messages[message.tracking_id] = message
        self.journal.accepted.append(message)
        return message.accepted()

    def analyze(self, application: Application, payload: object) -> dict[str, object]:
        """Count a text and tell the price of one part: POST /sms/analyze (§2.3).

        Raises:
            Refusal: As `send`, without the balance.
        """
        order = read_order(payload, needs_options=False)
        analysis = analyse(order.body, cut_pairs=self.settings.cut_pairs)
        return {"bodyAnalysis": analysis.to_wire(), "cost": float(application.account.price)}

    def track(self, application: Application, message_id: str) -> list[dict[str, object]]:
        """Show the parts of one message: GET /sms/tracking/single/{messageId} (§2.9, §8 #1).

        Raises:
            Refusal: 404005000: unknown, of another account, or not visible yet.
        """
        now = self.now()
        message = self.messages.get(message_id)
        if message is None or message.application.account is not application.account:
            raise routee(404, "404005000", "Tracking not found")
        if not self._is_visible(message, now):
            if self.settings.unseen_as_empty:
                return []
            raise routee(404, "404005000", "Tracking not found")
        items = [message.item(index, where) for index, where in enumerate(message.states(now))]
        message.note_read(now)
        return items

    def search(self, application: Application, query: Mapping[str, str], payload: object) -> dict[str, object]:
        """Show a page of parts that meet all filters: POST /sms/tracking (§2.11).

        Args:
            application: Who asks; it sees its whole account.
            query: Query parameters.
            payload: The JSON array of filters.

        Raises:
            Refusal: 400000000.
        """
        now = self.now()
        filters = read_filters(payload)
        window = read_window(query, now, refuse_outside=self.settings.refuse_old_dates)
        paging = read_paging(query, refuse_larger=self.settings.refuse_large_pages)
        wants_campaign = "trackingId" in query or query.get("campaign") == "true"
        rows: list[Row] = []
        for message in () if wants_campaign else self.messages.values():
            if not (window.start <= message.created <= window.end and filters.meets(message)):
                continue
            if message.application.account is application.account and self._is_visible(message, now):
                rows += [(message, i, s) for i, s in enumerate(message.states(now)) if filters.meets_part(message, i, s)]
        ordered = arrange(rows, paging.sort) if paging.sort else rows
        start = paging.number * paging.size
        shown = list(islice(ordered, start, start + paging.size))
        page = page_to_wire([message.item(index, where) for message, index, where in shown], len(rows), paging)
        for message in dict.fromkeys(message for message, _, _ in shown):
            message.note_read(now)
        return page

    def balance(self, application: Application) -> dict[str, object]:
        """Tell what is left: GET /accounts/me/balance (§2.13)."""
        account = application.account
        code, name, sign = account.currency
        return {"balance": float(account.balance), "currency": {"code": code, "name": name, "sign": sign}}

    def reset(self) -> None:
        """Forget messages, scripts, counts and the state of every family. Applications, their tokens and their money stay."""
        self.messages.clear()
        self._scripts.clear()
        self._families.clear()
        self.journal.reset()

    def _is_visible(self, message: Message, now: float) -> bool:
        return now - message.created >= self.settings.visibility_delay

    def _fate(self, order: Order, parts: int) -> tuple[Timeline, tuple[Outcome, ...]]:
        script = self._scripts.get(f"label={order.label}") or self._scripts.get(f"to={order.to}") or Script()
        timeline = script.timeline or self.settings.timeline
        if script.outcomes:
            given = script.outcomes
            outcomes = (given + given[-1:] * parts)[:parts]
        elif order.to == Magic.LAST_PART_UNDELIVERED:
            outcomes = (Outcome.DELIVERED,) * (parts - 1) + (Outcome.UNDELIVERED,)
        else:
            outcomes = (MAGIC_OUTCOMES.get(order.to) or self._draw(),) * parts
        seconds = 60.0 * (order.ttl or MAX_TTL)
        if timeline.reads is None and seconds < timeline.final_after:
            timeline = attrs.evolve(timeline, final_after=seconds)
            outcomes = tuple(outcome if outcome in _NOT_TRIED else Outcome.EXPIRED for outcome in outcomes)
        return timeline, outcomes

    def _draw(self) -> Outcome:
        shares = self.settings.shares
        if not shares:
            return Outcome.DELIVERED
        borders = list(accumulate(shares.values()))
        place = bisect(borders, self.rng.random() * borders[-1])
        return tuple(shares)[min(place, len(borders) - 1)]


_NOT_TRIED = frozenset({Outcome.FAILED, Outcome.NEVER_SENT, Outcome.NEVER_FINAL})
"""Outcomes that the validity period does not touch."""
