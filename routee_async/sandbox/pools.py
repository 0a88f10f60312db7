"""Pools of senders: a text goes out from whichever number suits its recipient. Source: routee-api.md §2.15."""

import itertools
from collections.abc import Mapping
from typing import Final

import attrs

from routee_async.sandbox import checks
from routee_async.sandbox.accounts import Account, Application, new_uuid
from routee_async.sandbox.answers import invalid, not_found, routee
from routee_async.sandbox.carrier import Carrier
from routee_async.sandbox.countries import country_of
from routee_async.sandbox.messages import stamp
from routee_async.sandbox.numbers import Numbers
from routee_async.sandbox.orders import Order

MAX_NUMBERS: Final = 1000
# Pools have no module of their own in the list (§3.1); these are guesses within that of numbers.
_NOT_FOUND: Final = "404021010"
_IN_A_POOL: Final = "409021011"
_FULL: Final = "400021012"
_NO_SENDER: Final = "400005000"
_ENTITY: Final = "Pool"
_NUMERIC: Final = "Numeric"
_STRATEGIES: Final = frozenset({_NUMERIC, "Alphanumeric"})


@attrs.define(kw_only=True, eq=False)
class Pool:
    """One pool.

    Attributes:
        id: Its id.
        name: Its name.
        account: Whose it is.
        settings: The wire object `smsSettings`, defaults filled in.
        updated: Epoch seconds of the last change.
        numbers: Its numbers, without `+`.
        last: Recipient to the number that wrote to it last.
        turn: Counts texts, so that numbers take turns.
    """

    id: str
    name: str
    account: Account
    settings: Mapping[str, object]
    updated: float
    numbers: list[str] = attrs.Factory(list)
    last: dict[str, str] = attrs.Factory(dict)
    turn: "itertools.count[int]" = attrs.Factory(itertools.count)

    def to_wire(self) -> dict[str, object]:
        """Write the pool object."""
        return {
            "poolId": self.id,
            "poolName": self.name,
            "smsSettings": self.settings,
            "totalNumbers": len(self.numbers),
            "updatedAt": stamp(self.updated),
        }

    def numbers_to_wire(self) -> dict[str, object]:
        """Write its numbers."""
        return {"poolId": self.id, "poolName": self.name, "numbers": list(self.numbers)}

    def number_for(self, to: str) -> str | None:
        """Choose the number that writes to *to*; None in an empty pool.

        The one that wrote last, if the pool is sticky; else one of the recipient's country, or of the default country, if the pool
        matches them; else any. Those that suit equally take turns, which is a guess.
        """
        if self.settings["sticky"] and self.last.get(to) in self.numbers:
            return self.last[to]
        suited = self.numbers
        if self.settings["geomatch"]:
            for country in (country_of(to), self.settings.get("defaultCountry")):
                near = [number for number in self.numbers if country_of(f"+{number}") == country]
                if near:
                    suited = near
                    break
        if not suited:
            return None
        self.last[to] = suited[next(self.turn) % len(suited)]
        return self.last[to]

    def name_for(self, to: str) -> str | None:
        """Choose the alphanumeric sender for *to*: that of its country, else that of the pool; None where there is neither."""
        senders = self.settings.get("multipleSender")
        for sender in senders if isinstance(senders, list) else ():
            if sender.get("country") == country_of(to) and sender.get("senderId"):
                return str(sender["senderId"])
        name = self.settings.get("alphanumericSenderId")
        return name if isinstance(name, str) else None


class Pools:
    """All pools, by id.

    Args:
        carrier: Whose desk sends the texts.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._by_id: dict[str, Pool] = {}
        carrier.family(Numbers).on_release(self._forget)

    def create(self, application: Application, payload: object) -> dict[str, object]:
        """Make a pool: POST /pools/my.

        Raises:
            Refusal: 400000000.
        """
        name, settings = _read(payload)
        pool = Pool(
            id=new_uuid(self._carrier.rng),
            name=name,
            account=application.account,
            settings=settings,
            updated=self._carrier.now(),
        )
        self._by_id[pool.id] = pool
        return pool.to_wire()

    def all(self, application: Application) -> list[dict[str, object]]:
        """List the pools of the account: GET /pools/my."""
        return [pool.to_wire() for pool in self._by_id.values() if pool.account is application.account]

    def find(self, application: Application, pool_id: str) -> Pool:
        """Find a pool of the account.

        Raises:
            Refusal: 404021010.
        """
        pool = self._by_id.get(pool_id)
        if pool is None or pool.account is not application.account:
            raise not_found(_NOT_FOUND, "pool", "poolId", pool_id)
        return pool

    def update(self, application: Application, pool_id: str, payload: object) -> dict[str, object]:
        """Give a pool another name and other settings: PUT /pools/my/{poolId}.

        Raises:
            Refusal: 400000000, 404021010.
        """
        name, settings = _read(payload)
        pool = self.find(application, pool_id)
        pool.name, pool.settings, pool.updated = name, settings, self._carrier.now()
        self._listen(pool.numbers, settings.get("inboundSMSCallbackUrl"))
        return pool.to_wire()

    def delete(self, application: Application, pool_id: str) -> dict[str, object]:
        """Take a pool away; its numbers stay rented: DELETE /pools/my/{poolId}.

        Raises:
            Refusal: 404021010.
        """
        pool = self.find(application, pool_id)
        del self._by_id[pool.id]
        self._listen(pool.numbers, None)
        return {"poolId": pool.id, "deletedAt": stamp(self._carrier.now())}

    def add_number(self, application: Application, pool_id: str, msisdn: str) -> dict[str, object]:
        """Put a rented number into a pool: PUT /pools/my/{poolId}/numbers/{msisdn}.

        Raises:
            Refusal: 404021010, 404021001 for a number that the account has not, 409021011 for one of another pool, 400021012.
        """
        pool = self.find(application, pool_id)
        number = self._carrier.family(Numbers).find(application.account, msisdn).offer.msisdn
        if any(number in other.numbers for other in self._by_id.values() if other is not pool):
            raise routee(409, _IN_A_POOL, "The number is in another pool")
        if number not in pool.numbers:
            if len(pool.numbers) >= MAX_NUMBERS:
                raise routee(400, _FULL, f"A pool has at most {MAX_NUMBERS} numbers")
            pool.numbers.append(number)
            pool.updated = self._carrier.now()
            self._listen([number], pool.settings.get("inboundSMSCallbackUrl"))
        return pool.numbers_to_wire()

    def remove_number(self, application: Application, pool_id: str, msisdn: str) -> dict[str, object]:
        """Take a number out of a pool: DELETE /pools/my/{poolId}/numbers/{msisdn}.

        Raises:
            Refusal: 404021010, 404021001 for a number that is not in it.
        """
        pool = self.find(application, pool_id)
        number = msisdn.removeprefix("+")
        if number not in pool.numbers:
            raise not_found("404021001", "number", "msisdn", msisdn)
        pool.numbers.remove(number)
        pool.updated = self._carrier.now()
        self._listen([number], None)
        return pool.numbers_to_wire()

    def send(self, application: Application, pool_id: str, payload: object) -> dict[str, object]:
        """Send a text through a pool: POST /pools/my/{poolId}/sms.

        Raises:
            Refusal: 400000000, 404021010, 400005000 for a pool without a sender that suits, which is a guess, 400001009.
        """
        given = _read_text(payload)
        pool = self.find(application, pool_id)
        to, strategy = str(given["to"]), str(given["poolStrategy"])
        sender = pool.number_for(to) if strategy == _NUMERIC else pool.name_for(to)
        if sender is None:
            raise routee(400, _NO_SENDER, "SMS contains invalid data")
        body, shortened = checks.shorten(str(given["body"]), given.get("urlShortener"))
        order = Order(
            to=to,
            sender=sender,
            body=body,
            transcode=bool(pool.settings["transcode"]),
            callback=checks.read_hook(pool.settings.get("callback")),
            echo={"body": given["body"], **shortened},
        )
        extra = {"poolId": pool.id, "poolName": pool.name, "poolStrategy": strategy}
        message = self._carrier.desk.accept(application, order, self._carrier.now(), extra=extra)
        return {**message.accepted(), **extra, "smsSettings": pool.settings}

    def _listen(self, numbers: list[str], url: object) -> None:
        for number in numbers:
            self._carrier.family(Numbers).listen_for_pool(number, url if isinstance(url, str) else None)

    def _forget(self, msisdn: str) -> None:
        for pool in self._by_id.values():
            if msisdn in pool.numbers:
                pool.numbers.remove(msisdn)


_SETTINGS: Final[Mapping[str, checks.Fits]] = {
    "sticky": checks.is_flag,
    "geomatch": checks.is_flag,
    "transcode": checks.is_flag,
    "defaultCountry": lambda value: isinstance(value, str),
    "alphanumericSenderId": lambda value: isinstance(value, str) and checks.is_sender(value),
    "multipleSender": lambda value: isinstance(value, list) and all(isinstance(sender, dict) for sender in value),
    "inboundSMSCallbackUrl": checks.is_url,
    "callback": checks.is_callback,
}


def _read(payload: object) -> tuple[str, Mapping[str, object]]:
    if not isinstance(payload, dict):
        raise invalid({}, _ENTITY)
    problems = checks.text_faults(payload, "poolName")
    settings = payload.get("smsSettings")
    if not isinstance(settings, dict):
        raise invalid(problems | {"smsSettings": checks.MISSING}, _ENTITY)
    problems |= {f"smsSettings.{name}": text for name, text in checks.faults(settings, _SETTINGS).items()}
    if problems:
        raise invalid(problems, _ENTITY)
    defaults = {"sticky": True, "geomatch": True, "transcode": False}
    return payload["poolName"], defaults | {name: settings[name] for name in _SETTINGS if settings.get(name) is not None}


def _read_text(payload: object) -> Mapping[str, object]:
    if not isinstance(payload, dict):
        raise invalid({})
    problems = checks.text_faults(payload, "to", "body", "poolStrategy") | checks.faults(
        payload, {"urlShortener": checks.is_shortener}
    )
    to = checks.normalise(payload.get("to"))
    if to is None and "to" not in problems:
        problems["to"] = checks.BAD_NUMBER
    if "poolStrategy" not in problems and payload["poolStrategy"] not in _STRATEGIES:
        problems["poolStrategy"] = checks.BAD_VALUE
    if problems:
        raise invalid(problems)
    return {**payload, "to": to}
