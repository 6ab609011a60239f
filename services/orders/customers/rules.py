"""What a customer must say, and what other capabilities know of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.values.faults import Invalid


@dataclass(slots=True)
class Buyer:
    """What an invoice must show of the customer."""

    id: UUID
    name: str
    email: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer that is there, with what a file of orders may say of one."""

    id: UUID
    external_ref: str | None
    name: str
    email: str | None
    phone: str | None
    country: str | None
    billing_address: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class MissingCustomer:
    """A customer as a file of orders names one that is not there yet."""

    external_ref: str
    name: str
    email: str | None
    phone: str | None
    country: str | None
    billing_address: dict[str, Any] | None


def country_of(country: str | None, billing_address: Mapping[str, Any] | None) -> str | None:
    """The customer's country: its billing address's; one that is given beside that must be the same."""
    if billing_address is None:
        return country
    if country not in (None, billing_address["country"]):
        raise Invalid.field("/country", "country_conflict", "The billing address is in another country.")
    found: str = billing_address["country"]
    return found
