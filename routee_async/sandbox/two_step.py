"""One-time codes: sent, confirmed, cancelled, expired, counted.

Source: routee-api.md §2.18; docs.routee.net/reference/verification, /reference/confirm-verification, /docs/callback-url-webhook.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Application, Rng, new_uuid
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.callbacks import CallbackKind
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.countries import country_of
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.orders import Order
from routee_async.sandbox.settings import Settings
from routee_async.sandbox.timeline import Magic

PENDING, VERIFIED, CANCELLED, EXPIRED, FAILED = STATUSES = ("Pending", "Verified", "Cancelled", "Expired", "Failed")
SERVICE: Final = "TwoStep"
_ENTITY: Final = "TwoStepVerification"
_BLANK: Final = re.compile(r"@@(\w+)")
_PIN: Final = "pin"
# No bounds are documented: these keep a code typable and a life within the longest validity of a text.
_MAX_DIGITS: Final = 10
_MAX_RETRIES: Final = 100
_MAX_LIFETIME: Final = 60 * checks.MAX_TTL


@attrs.define(kw_only=True, eq=False)
class Verification:
    """One code that somebody has to give back.

    Attributes:
        id: Its tracking id.
        application: Who asked for it.
        recipient: Who got it, with `+`.
        pin: The code.
        text: What was sent or said, code included.
        expires: Epoch seconds from which it cannot be confirmed.
        max_retries: Answers after the first.
        tried: Answers so far.
        status: One of `STATUSES`, as of *updated*.
        updated: Epoch seconds of the last change.
    """

    id: str
    application: Application
    recipient: str
    pin: str
    text: str
    expires: float
    max_retries: int
    tried: int = 0
    status: str = PENDING
    updated: float

    def to_wire(self) -> dict[str, object]:
        """Write the verification, as every one of these endpoints answers."""
        return {
            "trackingId": self.id,
            "status": self.status,
            "updatedAt": stamp(self.updated),
            "maxRetries": self.max_retries,
            "timesTried": self.tried,
            "expiresAt": stamp(self.expires),
        }

    def news(self) -> dict[str, object]:
        """Write the callback about its status."""
        return {
            "applicationId": self.application.id,
            "trackingId": self.id,
            "recipient": self.recipient,
            "status": self.status,
            "updatedAt": stamp(self.updated),
        }


class TwoStep:
    """All verifications, by id.

    Args:
        carrier: Whose desk sends the texts.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._by_id: dict[str, Verification] = {}

    def __getitem__(self, tracking_id: str) -> Verification:
        return self._by_id[tracking_id]

    def start(self, application: Application, payload: object) -> dict[str, object]:
        """Send a code: POST /2step.

        Raises:
            Refusal: 400000000, then 400011001 for the template, 400005000 for the sender, 400001009.
        """
        wish = _read(payload, self._carrier.settings)
        if _PIN not in _BLANK.findall(wish.template):
            raise routee(400, "400011001", "Invalid message template")
        if not checks.is_sender(wish.sender):
            raise routee(400, "400005000", "SMS contains invalid data")
        now = self._carrier.now()
        pin = _draw(self._carrier.rng, wish.digits)
        text = _fill(wish.template, {**wish.arguments, _PIN: pin})
        self._deliver(application, wish, text)
        made = Verification(
            id=new_uuid(self._carrier.rng),
            application=application,
            recipient=wish.recipient,
            pin=pin,
            text=text,
            expires=now + wish.lifetime,
            max_retries=wish.max_retries,
            updated=now,
        )
        self._by_id[made.id] = made
        self._carrier.agenda.add(made.expires, lambda due: self._expire(made, due))
        return made.to_wire()

    def fetch(self, application: Application, tracking_id: str) -> dict[str, object]:
        """Show a verification: GET /2step/{trackingId}.

        Raises:
            Refusal: 404011006.
        """
        return self._find(application, tracking_id).to_wire()

    def confirm(self, application: Application, tracking_id: str, form: Mapping[str, str]) -> dict[str, object]:
        """Take an answer: POST /2step/{trackingId}.

        The first answer and *maxRetries* more are taken; the last wrong one makes it fail. Which code comes first, where several
        would do, is a guess.

        Raises:
            Refusal: 404011006, 400000000, 400011003, 400011004, 400011002, 400011005.
        """
        found = self._find(application, tracking_id)
        answer = form.get("answer")
        if not answer:
            raise invalid({"answer": checks.MISSING}, _ENTITY)
        self._refuse_unless_pending(found)
        now = self._carrier.now()
        found.tried += 1
        if answer != found.pin:
            self._change(found, FAILED if found.tried > found.max_retries else PENDING, now)
            raise routee(400, "400011005", "Wrong answer provided")
        self._change(found, VERIFIED, now)
        return found.to_wire()

    def cancel(self, application: Application, tracking_id: str) -> dict[str, object]:
        """Call a verification off: DELETE /2step/{trackingId}.

        Raises:
            Refusal: 404011006, 400011003, 400011004, 400011002.
        """
        found = self._find(application, tracking_id)
        self._refuse_unless_pending(found)
        self._change(found, CANCELLED, self._carrier.now())
        return found.to_wire()

    def report(self, application: Application) -> dict[str, object]:
        """Count the verifications of the account: GET /2step/reports."""
        return self._count(one for one in self._by_id.values() if one.application.account is application.account)

    def report_of(self, application: Application, other_id: str) -> dict[str, object]:
        """Count those of one application of the account: GET /2step/reports/applications/{applicationId}.

        Raises:
            Refusal: 404010002: it has no such application.
        """
        other = self._carrier.applications.get(other_id)
        if other is None or other.account is not application.account:
            raise routee(404, "404010002", "Application not found")
        return self._count(one for one in self._by_id.values() if one.application is other)

    def _deliver(self, application: Application, wish: "Wish", text: str) -> None:
        tariff = application.account.tariff
        if wish.calls:
            if wish.recipient == Magic.NO_BALANCE:
                raise routee(400, "400001009", "Insufficient Balance")
            application.account.pay(tariff.two_step_voice)
            return
        order = Order(to=wish.recipient, sender=wish.sender, body=text, ttl=max(1, wish.lifetime // 60), echo={})
        self._carrier.desk.accept(application, order, self._carrier.now(), price=tariff.two_step_sms, service=SERVICE)

    def _find(self, application: Application, tracking_id: str) -> Verification:
        found = self._by_id.get(tracking_id)
        if found is None or found.application.account is not application.account:
            raise not_found("404011006", "verification", "trackingId", tracking_id)
        return found

    def _expire(self, found: Verification, due: float) -> None:
        if found.status == PENDING:
            self._change(found, EXPIRED, due)

    def _change(self, found: Verification, status: str, now: float) -> None:
        is_news = found.status != status
        found.status, found.updated = status, now
        url = found.application.verification_url
        if is_news and url is not None:
            self._carrier.callbacks.emit(CallbackKind.VERIFICATION, url, found.news(), found.id, now)

    @staticmethod
    def _refuse_unless_pending(found: Verification) -> None:
        if found.status == EXPIRED:
            raise routee(400, "400011003", "Verification has expired")
        if found.status == FAILED:
            raise routee(400, "400011004", "Verification max retries reached")
        if found.status != PENDING:
            raise routee(400, "400011002", "Verification is not in pending state")

    def _count(self, found: Iterator[Verification]) -> dict[str, object]:
        per_country: dict[str, Counter[str]] = {}
        for one in found:
            country = country_of(one.recipient)
            per_country.setdefault(country or "", Counter())[one.status] += 1
        totals = sum(per_country.values(), Counter[str]())
        return {
            "total": totals.total(),
            "totals": {status: totals[status] for status in STATUSES},
            "perCountry": {
                country: {status: counts[status] for status in STATUSES} for country, counts in per_country.items() if country
            },
        }


def pin_of(carrier: Carrier, tracking_id: str) -> str:
    """Tell the code of a verification.

    Raises:
        KeyError: There is no such verification.
    """
    return carrier.family(TwoStep)[tracking_id].pin


@attrs.frozen(kw_only=True)
class Wish:
    """A well-formed request for a code, settings filled in.

    Attributes:
        calls: True for a call instead of a text.
        recipient: Number with `+`.
        template: The text with its blanks, such as `@@pin`.
        arguments: What fills them.
        sender: Sender id.
        lifetime: Seconds.
        max_retries: Answers after the first.
        digits: Digits of the code.
    """

    calls: bool
    recipient: str
    template: str
    arguments: Mapping[str, str]
    sender: str
    lifetime: int
    max_retries: int
    digits: int


_OPTIONS: Final[Mapping[str, checks.Fits]] = {
    "arguments": checks.is_text_map,
    "templateCountry": lambda value: isinstance(value, str) and re.fullmatch("[A-Z]{2}", value) is not None,
    "originator": lambda value: isinstance(value, str),
    "lifetimeInSeconds": lambda value: checks.is_between(value, 1, _MAX_LIFETIME),
    "maxRetries": lambda value: checks.is_between(value, 0, _MAX_RETRIES),
    "digits": lambda value: checks.is_between(value, 1, _MAX_DIGITS),
    "restrictions": checks.is_object,
}
"""`templateCountry` would choose a translated template of the portal, of which there are none here."""


def _read(payload: object, settings: Settings) -> Wish:
    if not isinstance(payload, dict):
        raise invalid({}, _ENTITY)
    problems = checks.text_faults(payload, "method", "type", "recipient", "template") | checks.faults(payload, _OPTIONS)
    for name, known in (("method", {"sms", "voice"}), ("type", {"code"})):
        if name not in problems and payload[name] not in known:
            problems[name] = checks.BAD_VALUE
    recipient = checks.normalise(payload.get("recipient"))
    if recipient is None and "recipient" not in problems:
        problems["recipient"] = checks.BAD_NUMBER
    if recipient is None or problems:
        raise invalid(problems, _ENTITY)
    return Wish(
        calls=payload["method"] == "voice",
        recipient=recipient,
        template=payload["template"],
        arguments=payload.get("arguments") or {},
        sender=payload.get("originator") or settings.pin_sender,
        lifetime=_or(payload.get("lifetimeInSeconds"), settings.pin_lifetime),
        max_retries=_or(payload.get("maxRetries"), settings.pin_retries),
        digits=_or(payload.get("digits"), settings.pin_digits),
    )


def _draw(rng: Rng, digits: int) -> str:
    return str(int(rng.random() * 10**digits)).zfill(digits)


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Fill the blanks; one without a value stays as it is."""
    return _BLANK.sub(lambda blank: str(values.get(blank[1], blank[0])), template)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
