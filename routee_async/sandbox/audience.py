"""Who gets a campaign, and how that is told: the `smsAnalysis` object. Source: routee-api.md §2.4, §2.5."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from routee_async.sandbox.answers import Refusal
from routee_async.sandbox.campaign_orders import CampaignOrder
from routee_async.sandbox.contacts import SMS, Contact, Contacts
from routee_async.sandbox.countries import country_of
from routee_async.sandbox.encoding import Analysis

_NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


@attrs.frozen
class Recipient:
    """Somebody who gets a campaign.

    Attributes:
        to: Number with `+`.
        labels: What fills placeholders.
        groups: Groups of the contact.
    """

    to: str
    labels: Mapping[str, str] = _NO_LABELS
    groups: tuple[str, ...] = ()


@attrs.frozen
class Audience:
    """All who get a campaign, each number once unless it was to stay twice.

    Attributes:
        recipients: In the order of `to`, `contacts`, `groups`.
        analysis: The wire object, without `bodyAnalysis`.
    """

    recipients: tuple[Recipient, ...]
    analysis: Mapping[str, object]

    def to_wire(self, body: Analysis) -> dict[str, object]:
        """Write the `smsAnalysis` object; the *body* is counted with its placeholders."""
        return {**self.analysis, "bodyAnalysis": body.to_wire()}


def gather(order: CampaignOrder, stored: Contacts) -> Audience:
    """Find all who get a campaign. Blacklisted contacts are left out; a group that is not known has nobody in it, which is a guess.

    A number of `to` that is also the number of a contact in `contacts` or `groups` is filled in with the labels of that contact.

    Raises:
        Refusal: 404002001: a contact id does not exist.
    """
    contacts = [_find(stored, contact_id) for contact_id in order.contacts or ()]
    members = {name: [one for one in stored.members(name) if SMS not in one.blacklisted] for name in order.groups or ()}
    named = [contact for contact in contacts if SMS not in contact.blacklisted]
    known = {contact.mobile: contact for contact in (*named, *(one for group in members.values() for one in group))}
    numbers = order.to or ()
    first = set(numbers)
    others = dict.fromkeys(contact.mobile for contact in named if contact.mobile not in first)
    first |= set(others)
    listed = dict.fromkeys(one.mobile for group in members.values() for one in group if one.mobile not in first)
    recipients = tuple(_recipient(number, known.get(number)) for number in (*numbers, *others, *listed))
    per_country = Counter(country for one in recipients if (country := country_of(one.to)) is not None)
    return Audience(
        recipients,
        {
            "numberOfRecipients": len(recipients),
            "recipientsPerCountry": dict(per_country),
            "recipientCountries": {number: country for number in numbers if (country := country_of(number)) is not None},
            "contacts": {contact.id: _contact_to_wire(contact) for contact in contacts},
            "recipientsPerGroup": {name: len(group) for name, group in members.items()},
            "totalInGroups": len(listed),
        },
    )


def _find(stored: Contacts, contact_id: str) -> Contact:
    contact = stored.find(contact_id)
    if contact is None:
        # The code is documented, the further keys are those of other objects that are not found (§3.4).
        message = f"contact with id '{contact_id}' was not found!"
        keys = {"entity": "contact", "property": "id", "value": contact_id}
        raise Refusal(404, {"code": "404002001", "developerMessage": message, **keys})
    return contact


def _recipient(number: str, contact: Contact | None) -> Recipient:
    return Recipient(number) if contact is None else Recipient(number, contact.fillings(), contact.all_groups())


def _contact_to_wire(contact: Contact) -> dict[str, object]:
    wire: dict[str, object] = {"recipient": contact.mobile, "blacklisted": SMS in contact.blacklisted}
    country = country_of(contact.mobile)
    return wire if country is None else wire | {"recipientCountry": country}
