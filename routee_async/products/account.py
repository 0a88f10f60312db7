"""`client.account`: money and prices. Source: routee-api.md §2.13."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from routee_async.asker import Asker
from routee_async.camel import wire
from routee_async.errors import LowBalanceError
from routee_async.filters import check_range
from routee_async.models import OpenText
from routee_async.operations import Operation
from routee_async.protocol import FETCH_BALANCE
from routee_async.spending import check_amount


@attrs.frozen(kw_only=True)
class Currency:
    """A currency.

    Attributes:
        code: ISO 4217.
        name: In English.
        sign: Such as `€`.
    """

    code: str | None = None
    name: str | None = None
    sign: str | None = None


@attrs.frozen(kw_only=True)
class Balance:
    """What is left on the account.

    Attributes:
        amount: How much.
        currency: Of what; None where Routee does not say.
    """

    amount: Decimal = attrs.field(metadata=wire("balance"))
    currency: Currency | None = None


@attrs.frozen(kw_only=True)
class NetworkPrice:
    """Price of one message part to a network.

    Attributes:
        network: Name of the network.
        mnc: Its mobile network code.
        price: In the account's currency.
    """

    price: Decimal
    network: str | None = None
    mnc: str | None = None


@attrs.frozen(kw_only=True)
class SmsPrices:
    """Prices of message parts to a country.

    Attributes:
        iso: ISO 3166-1 alpha-2.
        country: Name of the country.
        mcc: Mobile country code.
        networks: Price for each network.
    """

    iso: str | None = None
    country: str | None = None
    mcc: str | None = None
    networks: tuple[NetworkPrice, ...] = ()


@attrs.frozen(kw_only=True)
class TwoStepPrices:
    """Prices of one-time codes.

    Attributes:
        sms: By SMS.
        voice: By a call.
    """

    sms: Decimal | None = attrs.field(default=None, metadata=wire("sms", "SmsVerification"))
    voice: Decimal | None = attrs.field(default=None, metadata=wire("voice", "VoiceVerification"))


@attrs.frozen(kw_only=True)
class LookupPrices:
    """Price of a look-up of a number.

    Attributes:
        per_request: For each.
    """

    per_request: Decimal | None = attrs.field(default=None, metadata=wire("perRequest", "PerRequest"))


@attrs.frozen(kw_only=True)
class ValidatorPrices:
    """Prices of checks of numbers.

    Attributes:
        with_ported_info: With a look whether the number was ported.
        without_ported_info: Without.
    """

    with_ported_info: Decimal | None = None
    without_ported_info: Decimal | None = None


@attrs.frozen(kw_only=True)
class VoicePrices:
    """Prices of calls to a country.

    Attributes:
        iso: ISO 3166-1 alpha-2.
        country: Name of the country.
        landline_price: To a landline.
        mobile_price: To a mobile.
    """

    iso: str | None = None
    country: str | None = None
    landline_price: Decimal | None = None
    mobile_price: Decimal | None = None


@attrs.frozen(kw_only=True)
class ViberTariff:
    """Prices of Viber in a country.

    Attributes:
        fee: What it costs to be there at all.
        fee_period: For how long, such as `Monthly`.
        promotional_inbound: A promotional message that comes in.
        promotional_outbound: A promotional message that goes out.
        transactional_inbound: A transactional message that comes in.
        transactional_outbound: A transactional message that goes out.
    """

    fee: Decimal | None = None
    fee_period: str | None = None
    promotional_inbound: Decimal | None = None
    promotional_outbound: Decimal | None = None
    transactional_inbound: Decimal | None = None
    transactional_outbound: Decimal | None = None


@attrs.frozen(kw_only=True)
class ViberPrices:
    """Prices of Viber to a country.

    Attributes:
        iso: ISO 3166-1 alpha-2.
        country: Name of the country.
        prices: What costs what.
    """

    iso: str | None = None
    country: str | None = None
    prices: ViberTariff | None = None


@attrs.frozen(kw_only=True)
class Prices:
    """What Routee's services cost this account, in its own currency.

    Attributes:
        sms: By country and network.
        two_step: One-time codes.
        lookup: Look-ups of numbers.
        number_validator: Checks of numbers.
        voice: Calls, by country.
        viber: Viber, by country.
        currency: The account's.
    """

    sms: tuple[SmsPrices, ...] = ()
    two_step: TwoStepPrices | None = None
    lookup: LookupPrices | None = None
    number_validator: ValidatorPrices | None = None
    voice: tuple[VoicePrices, ...] = ()
    viber: tuple[ViberPrices, ...] = ()
    currency: Currency | None = None

    def per_part(self) -> Mapping[str, Decimal]:
        """Give the price of a message part for each country (ISO 3166-1 alpha-2): that of its dearest network.

        Which network a number belongs to is not known before it is sent to: this is the most that it can cost.
        """
        highest: dict[str, Decimal] = {}
        for country in self.sms:
            prices = [network.price for network in country.networks]
            if country.iso and prices:
                highest[country.iso] = max(*prices, highest.get(country.iso, Decimal(0)))
        return highest


class TransactionStatus(OpenText):
    """How far a payment has got; an open value, as `MessageStatus` is."""

    PENDING_NOT_CREDITED = "PendingNotCredited"
    PENDING = "Pending"
    COMPLETED = "Completed"


@attrs.frozen(kw_only=True)
class TransactionAction:
    """One step of a transaction.

    Attributes:
        id: Its id.
        type: `Paid`, `Credit`, `ChangeStatus`, `Remove` or `Refund`; an open list.
        amount: How much.
        date: When.
        balance_before: Balance before it.
        balance_after: Balance after it.
        status: Status after it.
    """

    id: str | None = None
    type: str | None = None
    amount: Decimal | None = None
    date: datetime | None = None
    balance_before: Decimal | None = None
    balance_after: Decimal | None = None
    status: TransactionStatus | None = None


@attrs.frozen(kw_only=True)
class Transaction:
    """Money that came onto the account.

    Attributes:
        id: Its id.
        amount: How much.
        source: `PayPal` or `Bank`; an open list.
        transaction_type: `TopUp`; an open list.
        status: How far it has got.
        balance_before: Balance before it.
        balance_after: Balance after it.
        date: When.
        actions: What happened to it.
    """

    id: str
    amount: Decimal
    source: str | None = None
    transaction_type: str | None = None
    status: TransactionStatus | None = None
    balance_before: Decimal | None = None
    balance_after: Decimal | None = None
    date: datetime | None = None
    actions: tuple[TransactionAction, ...] = ()


@attrs.frozen(kw_only=True)
class Bank:
    """A bank account to pay to.

    Attributes:
        name: Of the bank.
        address: Of the bank.
        number: Of the account.
        iban: Of the account.
        currency: ISO 4217.
        min_amount: The least that may be paid.
        country: Of the bank.
        swift_code: Of the bank.
    """

    name: str | None = None
    address: str | None = None
    number: str | None = None
    iban: str | None = None
    currency: str | None = None
    min_amount: Decimal | None = None
    country: str | None = None
    swift_code: str | None = None


@attrs.frozen(kw_only=True)
class Payee:
    """Whom to pay for a top-up by bank.

    Attributes:
        name: Of the company.
        address: Of the company.
        phone: Of the company.
        vat_id: Of the company.
        email: Of the company.
        banks: Its accounts.
    """

    name: str | None = None
    address: str | None = None
    phone: str | None = None
    vat_id: str | None = None
    email: str | None = None
    banks: tuple[Bank, ...] = ()


_SCOPE = "account"
_SECTION = "2.13"
BALANCE = Operation(
    method=FETCH_BALANCE.method,
    path=FETCH_BALANCE.path,
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call=FETCH_BALANCE.call,
    answer=Balance,
)
PRICES = Operation(
    method="GET",
    path="/system/prices",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="account.prices",
    query=("mcc", "mnc", "service"),
    answer=Prices,
)
TRANSACTIONS = Operation(
    method="GET",
    path="/accounts/me/transactions",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="account.transactions",
    query=("from", "to", "page", "size"),
    answer=Transaction,
)
BANKS = Operation(
    method="GET",
    path="/accounts/me/banks",
    paid=False,
    scope=_SCOPE,
    section=_SECTION,
    call="account.banks",
    answer=Payee,
)


class Account:
    """Money and prices of the account, as `client.account`. All amounts are `Decimal`.

    Every method raises `PermissionDeniedError` where the application has no right to see them, `NoAnswerError` where nothing was to
    be had in spite of repeats, and `MalformedResponseError` where the answer makes no sense.
    """

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def balance(self) -> Balance:
        """Read what is left on the account."""
        return await self._ask.one(BALANCE)

    async def require_balance(self, least: Decimal | int | str) -> Balance:
        """Read what is left on the account, and demand that it be enough.

        Args:
            least: What must be there, in the account's currency.

        Raises:
            LowBalanceError: Less is there.
            ConfigurationError: *least* is no amount.
        """
        wanted = check_amount("least", least)
        balance = await self.balance()
        if balance.amount < wanted:
            raise LowBalanceError(balance.amount, wanted)
        return balance

    async def prices(self, *, mcc: str | None = None, mnc: str | None = None, service: str | None = None) -> Prices:
        """Read the price list. What is filtered out may be missing from it.

        Args:
            mcc: Only this mobile country code.
            mnc: Only this mobile network code.
            service: Only `Sms`, `Voice`, `TwoStep`, `Lookup`, `NumberValidator` or `Viber`.
        """
        return await self._ask.one(PRICES, query={"mcc": mcc, "mnc": mnc, "service": service})

    def transactions(self, start: datetime, end: datetime) -> AsyncIterator[Transaction]:
        """Read the payments of a time, all pages of them, as they are taken.

        Args:
            start: From this moment, with time zone.
            end: To this moment.

        Raises:
            InvalidInputError: The range makes no sense.
            BadRequestError: While iterating: it is a trial account (code 400001012).
        """
        begin, finish = check_range(start, end)
        return self._ask.pages(TRANSACTIONS, query={"from": begin, "to": finish}, key=lambda row: row.id)

    async def banks(self) -> Payee:
        """Read whom to pay for a top-up by bank. Only older clients of Routee's know this call."""
        return await self._ask.one(BANKS)
