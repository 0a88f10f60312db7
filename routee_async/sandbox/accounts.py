"""Accounts, applications and their tokens. Source: routee-api.md §1."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

import attrs

from routee_async.sandbox.answers import oauth
from routee_async.sandbox.contacts import Contacts
from routee_async.sandbox.countries import country_of

SCOPES = (
    "contact",
    "sms",
    "report",
    "account",
    "lookup",
    "2step",
    "number_validator",
    "virtual_number",
    "number_pool",
    "failover",
)
"""Scopes of an application, unless told otherwise."""
PERMISSIONS = (
    "MT_ROLE_SMS",
    "MT_ROLE_ACCOUNT_FINANCE",
    "MT_ROLE_REPORT",
    "MT_ROLE_2STEP",
    "MT_ROLE_CONTACT",
    "MT_ROLE_LOOKUP",
    "MT_ROLE_NUMBER_VALIDATOR",
    "MT_ROLE_VIRTUAL_NUMBER",
    "MT_ROLE_NUMBER_POOL",
    "MT_ROLE_FAILOVER",
)
"""Permissions of an application, unless told otherwise."""


class Rng(Protocol):
    """What is needed of a `random.Random`."""

    def random(self) -> float:
        """Draw from 0 up to, not including, 1."""

    def getrandbits(self, k: int, /) -> int:
        """Draw *k* bits."""


def new_uuid(rng: Rng) -> str:
    """Draw a UUID of version 4."""
    bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@attrs.frozen
class Hook:
    """Whom to call back, and when.

    Attributes:
        url: Where to.
        strategy: `OnChange` or `OnCompletion`.
    """

    url: str
    strategy: str


@attrs.define(kw_only=True, eq=False)
class Account:
    """Who pays, and whose contacts and campaigns they are.

    Attributes:
        balance: Money left, in *currency*.
        price: Price of one part.
        prices: Price of one part in countries (ISO 3166-1 alpha-2) where it is another.
        currency: ISO 4217 code, name and sign.
        contacts: Stored contacts.
        opted_out: Numbers with `+` that do not want to hear from this account (§4.3).
        inbound_urls: Own number without `+` to the address that is told what comes in there (§5.3).
    """

    balance: Decimal
    price: Decimal = Decimal("0.032")
    prices: Mapping[str, Decimal] = attrs.Factory(dict)
    currency: tuple[str, str, str] = ("EUR", "Euro", "€")
    contacts: Contacts = attrs.Factory(Contacts)
    opted_out: set[str] = attrs.Factory(set)
    inbound_urls: dict[str, str] = attrs.Factory(dict)

    def price_of(self, to: str) -> Decimal:
        """Tell the price of one part to a number with `+`."""
        return self.prices.get(country_of(to) or "", self.price) if self.prices else self.price


@attrs.define(kw_only=True, eq=False)
class Application:
    """Who sends, on whose account.

    Attributes:
        id: 24 hexadecimal digits.
        secret: Letters and digits.
        account: Who pays.
        name: Shown in tracking.
        scopes: What its tokens may be asked for.
        permissions: Which services it may use.
        token_life: Seconds; 3600, 86400 and 631139040 are those of the portal.
        transcode: What goes for requests that do not say (§6.3).
        callback: Whom to call about messages whose request does not say (§5.0).
        campaign_callback: Whom to call about campaigns whose request does not say.
    """

    id: str
    secret: str = attrs.field(repr=False)
    account: Account
    name: str = "default"
    scopes: tuple[str, ...] = SCOPES
    permissions: tuple[str, ...] = PERMISSIONS
    token_life: float = 3600
    transcode: bool = False
    callback: Hook | None = None
    campaign_callback: Hook | None = None


@attrs.frozen(eq=False)
class Token:
    """A bearer token.

    Attributes:
        value: What the header carries.
        application: Whose it is.
        scopes: What it may be used for.
        expires: Epoch seconds.
    """

    value: str = attrs.field(repr=False)
    application: Application
    scopes: tuple[str, ...]
    expires: float


class Keyring:
    """The live tokens: one for each application and set of scopes, the same until it expires or is revoked (§1.4).

    Whether another set of scopes is another token is not documented.
    """

    def __init__(self, now: Callable[[], float], rng: Rng) -> None:
        self._now = now
        self._rng = rng
        self._by_value: dict[str, Token] = {}
        self._by_owner: dict[tuple[str, tuple[str, ...]], Token] = {}

    def grant(self, application: Application, scopes: tuple[str, ...] = ()) -> Token:
        """Give the live token, or a new one.

        Args:
            application: Who asks.
            scopes: Scopes asked for; none for all that it has.

        Raises:
            Refusal: 400 `invalid_scope`.
        """
        for scope in scopes:
            if scope not in application.scopes:
                raise oauth(400, "invalid_scope", f"Invalid scope: {scope}")
        granted = tuple(scope for scope in application.scopes if scope in scopes) if scopes else application.scopes
        token = self._by_owner.get((application.id, granted))
        if token is not None:
            if self.seconds_left(token) > 0:
                return token
            del self._by_value[token.value]
        token = Token(new_uuid(self._rng), application, granted, self._now() + application.token_life)
        self._by_value[token.value] = self._by_owner[application.id, granted] = token
        return token

    def seconds_left(self, token: Token) -> float:
        """Tell how long *token* still lives; 0 or less when it is over."""
        return token.expires - self._now()

    def to_wire(self, token: Token) -> dict[str, object]:
        """Write the token answer. `expires_in` is what is left, in whole seconds begun (§1.3, §1.4)."""
        return {
            "access_token": token.value,
            "token_type": "bearer",
            "expires_in": math.ceil(round(self.seconds_left(token), 3)) - 1,
            "scope": " ".join(token.scopes),
            "permissions": list(token.application.permissions),
        }

    def find(self, value: str) -> Token:
        """Find the live token *value*.

        Raises:
            Refusal: 401 `invalid_token`: unknown, expired or revoked (§1.6).
        """
        token = self._by_value.get(value)
        if token is None or self.seconds_left(token) <= 0:
            raise oauth(401, "invalid_token", f"Invalid access token: {value}")
        return token

    def revoke(self, application: Application) -> None:
        """End every token of *application*, as the portal can."""
        for owner, token in list(self._by_owner.items()):
            if token.application is application:
                del self._by_owner[owner], self._by_value[token.value]
