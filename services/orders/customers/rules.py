"""What a customer must say, and what other capabilities know of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.values.faults import FieldError, Invalid


@dataclass(slots=True)
class Buyer:
    """What an invoice must show of the customer, and where its goods go unless an order says otherwise."""

    id: UUID
    name: str
    email: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None
    language: str | None
    registration_number: str | None
    buyer_reference: str | None
    electronic_address: str | None
    payment_terms_days: int | None
    e_invoice: str
    delivery: str
    shipping_address: dict[str, Any] | None = None

    @property
    def destination(self) -> dict[str, Any] | None:
        """Where goods go by default: the shipping address, else the billing address."""
        return self.shipping_address or self.billing_address


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


class EmailMissing(Invalid):
    """Documents go by mail, and there is no address to send them to."""

    code = "email_missing"


def require_reachable(delivery: str, email: str | None) -> None:
    """Refuse delivery by mail to a customer without an e-mail address."""
    if delivery == "mail" and email is None:
        sentence = "Delivery by mail needs the customer's email."
        raise EmailMissing(sentence, errors=[FieldError("/email", EmailMissing.code, sentence)])


def country_of(country: str | None, billing_address: Mapping[str, Any] | None) -> str | None:
    """The customer's country: its billing address's; one that is given beside that must be the same."""
    if billing_address is None:
        return country
    if country not in (None, billing_address["country"]):
        raise Invalid.field("/country", "country_conflict", "The billing address is in another country.")
    found: str = billing_address["country"]
    return found
