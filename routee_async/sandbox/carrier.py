"""The fake carrier: a plain state object that accepts, charges, delivers and tells, without clock, sockets or chance of its own.

Source of every rule: routee-api.md §1, §2 and §10. What is not documented there is a field of `Settings`.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeVar

from routee_async.sandbox import inbound
from routee_async.sandbox.accounts import PERMISSIONS, SCOPES, Account, Application, Keyring, Rng
from routee_async.sandbox.answers import routee
from routee_async.sandbox.campaigns import Campaigns
from routee_async.sandbox.desk import Desk
from routee_async.sandbox.encoding import analyse
from routee_async.sandbox.fates import Script
from routee_async.sandbox.messages import Message
from routee_async.sandbox.orders import read_order
from routee_async.sandbox.search import Row, read_filters, read_paging, read_window
from routee_async.sandbox.settings import Settings
from routee_async.sandbox.timeline import Outcome, Timeline

if TYPE_CHECKING:
    from routee_async.sandbox.accounting import Journal
    from routee_async.sandbox.agenda import Agenda
    from routee_async.sandbox.callbacks import Callbacks


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
        desk: Where messages are accepted and shown.
        agenda: What is still to happen.
        messages: All messages by tracking id.
        campaigns: All campaigns by tracking id.
        callbacks: Whom is told what.
    """

    def __init__(self, *, now: Callable[[], float], rng: Rng, settings: Settings | None = None) -> None:
        self.now = now
        self.rng = rng
        self.settings: Settings = settings or Settings()
        self.tokens: Keyring = Keyring(now, rng)
        self.applications: dict[str, Application] = {}
        self.desk: Desk = Desk(now=now, rng=rng, settings=self.settings)
        self.journal: Journal = self.desk.journal
        self.agenda: Agenda = self.desk.agenda
        self.messages: dict[str, Message] = self.desk.messages
        self.campaigns: Campaigns = Campaigns(self.desk)
        self.callbacks: Callbacks = self.desk.callbacks
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
        self.desk.fates.lay_down(Script(outcomes=outcomes, timeline=timeline), label=label, to=to)

    def run(self) -> None:
        """Let everything happen that is due by now, in order: what was scheduled goes out, callbacks become ready."""
        if self.agenda:
            self.agenda.run(self.now())

    def send(self, application: Application, payload: object) -> dict[str, object]:
        """Accept a message: POST /sms, once token and rights are checked.

        Returns:
            The JSON answer.

        Raises:
            Refusal: 400000000 for shape and recipient, then 400005000 for the sender, then 400001009 for the balance (§10.2).
        """
        order = read_order(payload, max_label=self.settings.max_label)
        return self.desk.accept(application, order, self.now()).accepted()

    def analyze(self, application: Application, payload: object) -> dict[str, object]:
        """Count a text and tell the price of one part: POST /sms/analyze (§2.3).

        Raises:
            Refusal: As `send`, without the balance.
        """
        order = read_order(payload, needs_options=False)
        analysis = analyse(order.body, cut_pairs=self.settings.cut_pairs)
        return {"bodyAnalysis": analysis.to_wire(), "cost": float(application.account.price_of(order.to))}

    def track(self, application: Application, message_id: str) -> list[dict[str, object]]:
        """Show the parts of one message: GET /sms/tracking/single/{messageId} (§2.9, §8 #1).

        Raises:
            Refusal: 404005000: unknown, of another account, or not visible yet.
        """
        now = self.now()
        message = self.messages.get(message_id)
        if message is None or message.application.account is not application.account:
            raise routee(404, "404005000", "Tracking not found")
        if not self.desk.is_visible(message.created, now):
            if self.settings.unseen_as_empty:
                return []
            raise routee(404, "404005000", "Tracking not found")
        return self.desk.show(message, now)

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
        account = application.account
        campaign = query.get("trackingId")
        messages = self.messages.values() if campaign is None else self.campaigns.messages_of(account, campaign)
        campaigns_only = query.get("campaign") == "true"
        rows: list[Row] = []
        for message in messages:
            if not (window.start <= message.created <= window.end and filters.meets(message)):
                continue
            if message.application.account is not account or (campaigns_only and message.campaign is None):
                continue
            if self.desk.is_visible(message.created, now):
                rows += [(message, i, s) for i, s in enumerate(message.states(now)) if filters.meets_part(message, i, s)]
        return self.desk.show_page(rows, paging, now)

    def balance(self, application: Application) -> dict[str, object]:
        """Tell what is left: GET /accounts/me/balance (§2.13)."""
        account = application.account
        return {"balance": float(account.balance), "currency": account.currency_to_wire()}

    def receive(self, application: Application, *, sender: str, to: str, body: str) -> Message:
        """Let a message come in: see `inbound.receive`.

        Raises:
            ValueError: It has no sender, no number that it came to, or no text.
        """
        return inbound.receive(self.desk, application, sender=sender, to=to, body=body)

    def reset(self) -> None:
        """Forget messages, campaigns, scripts, counts, callbacks, opt-outs, what is still to happen, and the state of every family.

        Applications stay, with their tokens, money and contacts.
        """
        self.desk.reset()
        self.campaigns.clear()
        self._families.clear()
        for application in self.applications.values():
            application.account.opted_out.clear()
