"""From stored figures and snapshots to the values the renderers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.billing.documents.content import Address, Party, Profile, TaxRow
from shared.contracts.orders import TaxBreakdownRow

_NOWHERE: Mapping[str, Any] = {"line1": "", "city": ""}


def seller_party(facts: Mapping[str, Any]) -> Party:
    """The seller of a document, by what that keeps of it (`queries.SNAPSHOT`)."""
    contact = facts.get("contact") or {}
    return Party(
        name=facts["name"],
        legal_name=facts["legal_name"],
        address=_address(facts.get("address"), facts["country"]),
        tax_id=facts.get("tax_id") or "",
        email=facts.get("email") or "",
        registration_number=facts.get("registration_number") or "",
        electronic_address=facts.get("electronic_address") or "",
        contact_name=contact.get("name") or "",
        phone=contact.get("phone") or "",
        contact_email=contact.get("email") or "",
    )


def logo_id(facts: Mapping[str, Any] | None) -> UUID | None:
    """The picture that a document with these facts of the seller carries."""
    found = (facts or {}).get("logo_id")
    return UUID(found) if found else None


def buyer_party(customer: Mapping[str, Any]) -> Party:
    """The customer as a document's buyer; nobody guesses an address that it has not given."""
    return Party(
        name=customer["name"],
        address=_address(customer.get("billing_address"), ""),
        tax_id=customer.get("tax_id") or "",
        email=customer.get("email") or "",
        registration_number=customer.get("registration_number") or "",
        electronic_address=customer.get("electronic_address") or "",
    )


def profile_of(customer: Mapping[str, Any]) -> Profile:
    """The kind of e-invoice that a customer asks for."""
    return "xrechnung" if customer.get("e_invoice") == "xrechnung" else "en16931"


def tax_rows(stored: Sequence[Mapping[str, Any]]) -> tuple[TaxRow, ...]:
    """The tax breakdown of a document."""
    rows = [TaxBreakdownRow.model_validate(row) for row in stored]
    return tuple(TaxRow(r.tax_code, r.category, r.rate, r.base.amount, r.tax.amount) for r in rows)


def _address(stored: Mapping[str, Any] | None, country: str) -> Address:
    found = {**_NOWHERE, "country": country, **(stored or {})}
    return Address(**{name: value for name, value in found.items() if value is not None})
