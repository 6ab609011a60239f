"""What stands under a party's name on paper."""

from __future__ import annotations

from services.billing.documents.content import Party
from services.billing.documents.tax_ids import vat_id
from services.billing.documents.wording import Spoken


def address_lines(party: Party, spoken: Spoken) -> tuple[str, ...]:
    """Street, town and country; empty where nobody has said it."""
    address = party.address
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    town = ", ".join(part for part in (town, address.region) if part)
    return address.line1, address.line2, town, spoken.figures.country(address.country)


def identity_lines(party: Party, spoken: Spoken, *, numbers_only: bool = False) -> list[str]:
    """Tax and register numbers with their names, then whom to ask and how."""
    words = spoken.words
    label = spoken.say(words.vat_id) if vat_id(party) else words.tax_id
    named = ((label, party.tax_id), (words.registration, party.registration_number))
    numbers = [f"{name} {text}" for name, text in named if text]
    if numbers_only:
        return numbers
    person = f"{words.contact} {party.contact_name}" if party.contact_name else ""
    reached = " · ".join(part for part in (person, party.phone) if part)
    return [*numbers, reached, party.contact_email or party.email]
