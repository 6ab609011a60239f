"""From stored figures and snapshots to the values the renderers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.billing.documents.content import Address, Party, TaxRow
from shared.context.ctx import TenantFacts
from shared.contracts.orders import TaxBreakdownRow

_NOWHERE: Mapping[str, Any] = {"line1": "", "city": ""}


def seller_party(tenant: TenantFacts, facts: Mapping[str, Any] | None) -> Party:
    """The tenant as a document's seller."""
    facts = facts or {}
    return Party(
        name=tenant.name,
        legal_name=tenant.legal_name,
        address=_address(facts.get("address"), tenant.country),
        tax_id=facts.get("tax_id") or "",
        email=facts.get("email") or "",
        registration_number=facts.get("registration_number") or "",
    )


def logo_id(facts: Mapping[str, Any] | None) -> UUID | None:
    """The picture that a document with these facts of the seller carries."""
    found = (facts or {}).get("logo_id")
    return UUID(found) if found else None


def buyer_party(tenant: TenantFacts, customer: Mapping[str, Any]) -> Party:
    """The customer as a document's buyer; without an address it is taken to sit in the tenant's country."""
    return Party(
        name=customer["name"],
        address=_address(customer.get("billing_address"), tenant.country),
        tax_id=customer.get("tax_id") or "",
        email=customer.get("email") or "",
    )


def tax_rows(stored: Sequence[Mapping[str, Any]]) -> tuple[TaxRow, ...]:
    """The tax breakdown of a document."""
    rows = [TaxBreakdownRow.model_validate(row) for row in stored]
    return tuple(TaxRow(r.tax_code, r.category, r.rate, r.base.amount, r.tax.amount) for r in rows)


def _address(stored: Mapping[str, Any] | None, country: str) -> Address:
    found = {**_NOWHERE, "country": country, **(stored or {})}
    return Address(**{name: value for name, value in found.items() if value is not None})
