"""The desk at which messages are accepted, paid and shown, whoever brings them: single sends, campaigns, other products."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from routee_async.sandbox.accounting import Journal
from routee_async.sandbox.accounts import Application, Rng, new_uuid
from routee_async.sandbox.agenda import Agenda
from routee_async.sandbox.answers import routee
from routee_async.sandbox.callbacks import Callbacks
from routee_async.sandbox.encoding import Analysis, analyse
from routee_async.sandbox.fates import Fates
from routee_async.sandbox.messages import Message, Tag
from routee_async.sandbox.orders import Order
from routee_async.sandbox.search import Paging, Row, arrange, page_to_wire
from routee_async.sandbox.settings import Settings
from routee_async.sandbox.timeline import Magic


class Desk:
    """What every product that sends SMS has in common.

    Args:
        now: Gives epoch seconds.
        rng: Source of ids and of shares.
        settings: Choices.

    Attributes:
        now: As given.
        rng: As given.
        settings: As given.
        journal: What was seen.
        fates: What becomes of messages.
        agenda: What is still to happen.
        messages: All messages by tracking id.
        callbacks: Whom is told what.
        on_moved: Called with the ids of campaigns whose messages were moved on by reading, and the moment.
    """

    def __init__(self, *, now: Callable[[], float], rng: Rng, settings: Settings) -> None:
        self.now = now
        self.rng = rng
        self.settings = settings
        self.journal: Journal = Journal()
        self.fates: Fates = Fates(rng, settings)
        self.agenda: Agenda = Agenda()
        self.messages: dict[str, Message] = {}
        self.callbacks: Callbacks = Callbacks(self.agenda, settings, rng)
        self.on_moved: Callable[[Iterable[str], float], None] | None = None

    def count(self, order: Order, application: Application) -> tuple[str, Analysis]:
        """Count a text: what goes out, transcoded if that is asked for and of use, and how many parts it has.

        A guess: the text that goes out is the one that is counted, shown and paid (§6.3).
        """
        body, analysis = order.body, analyse(order.body, cut_pairs=self.settings.cut_pairs)
        wanted = application.transcode if order.transcode is None else order.transcode
        if wanted and analysis.transcoded is not None and analysis.parts > 1:
            body = analysis.transcoded
            analysis = analyse(body, cut_pairs=self.settings.cut_pairs)
        return body, analysis

    def accept(
        self,
        application: Application,
        order: Order,
        when: float,
        *,
        start: float | None = None,
        campaign: Tag | None = None,
        groups: tuple[str, ...] = (),
        price: Decimal | None = None,
        service: str = "Sms",
        extra: Mapping[str, object] = MappingProxyType({}),
    ) -> Message:
        """Charge and accept a message.

        Args:
            application: Who sends.
            order: What.
            when: The moment, in epoch seconds.
            start: From when on its timeline counts; None for *when*.
            campaign: The campaign that it belongs to; then it is not refused for lack of money, but ends as `Unsent`.
            groups: Groups of the contact that it goes to.
            price: Price of one part; None for what a plain text costs.
            service: The product that it comes through.
            extra: What callbacks about it tell besides.

        Raises:
            Refusal: 400001009: the balance is too low.
        """
        body, analysis = self.count(order, application)
        account = application.account
        if price is None:
            price = account.price_of(order.to)
        cost = price * analysis.parts
        pays = account.balance >= cost and order.to != Magic.NO_BALANCE
        if not pays and campaign is None:
            raise routee(400, "400001009", "Insufficient Balance")
        timeline, outcomes = self.fates.choose(account, order.to, order.label, order.ttl, analysis.parts, body=body)
        if pays:
            account.balance -= cost
        message = Message(
            tracking_id=new_uuid(self.rng),
            application=application,
            to=order.to,
            sender=order.sender,
            body=body,
            label=order.label,
            created=when,
            analysis=analysis,
            echo=order.echo,
            price=float(price) if pays else 0.0,
            timeline=timeline,
            outcomes=outcomes,
            sms_ids=tuple(new_uuid(self.rng) for _ in outcomes),
            start=when if start is None else start,
            callback=order.callback or application.callback,
            campaign=campaign,
            groups=groups,
            unsent=not pays,
            service=service,
            extra=extra,
        )
        self.messages[message.tracking_id] = message
        self.journal.accepted.append(message)
        if message.callback is not None:
            self.callbacks.follow(message, when)
        return message

    def is_visible(self, created: float, now: float) -> bool:
        """Tell whether what was created at that moment can be read already (§10.4)."""
        return now - created >= self.settings.visibility_delay

    def show(self, message: Message, now: float) -> list[dict[str, object]]:
        """Write the tracking items of all parts of *message*, which counts as one read of it."""
        items = [message.item(index, where, self.settings.shape) for index, where in enumerate(message.states(now))]
        self.note_reads((message,), now)
        return items

    def show_page(self, rows: Iterable[Row], paging: Paging, now: float) -> dict[str, object]:
        """Write a page of *rows*, which counts as one read of each message on it."""
        found = arrange(rows, paging.sort) if paging.sort else list(rows)
        start = paging.number * paging.size
        shown = found[start : start + paging.size]
        items = [message.item(index, where, self.settings.shape) for message, index, where in shown]
        self.note_reads(dict.fromkeys(message for message, _, _ in shown), now)
        return page_to_wire(items, len(found), paging)

    def note_reads(self, messages: Iterable[Message], now: float) -> None:
        """Count one read of each of *messages*, and tell whoever wants to know what that moved on."""
        moved = [message for message in messages if message.note_read(now)]
        for message in moved:
            self.callbacks.tell(message, message.step(now), now)
        campaigns = dict.fromkeys(message.campaign.tracking_id for message in moved if message.campaign is not None)
        if campaigns and self.on_moved is not None:
            self.on_moved(campaigns, now)

    def reset(self) -> None:
        """Forget messages, scripts, counts and what is still to happen."""
        self.messages.clear()
        self.fates.clear()
        self.agenda.clear()
        self.journal.reset()
        self.callbacks.clear()
