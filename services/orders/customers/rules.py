"""What a customer must say, and what other capabilities know of one."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.values.faults import FieldError, Invalid


@dataclass(slots=True)
class Buyer:
    """What an invoice must show of the customer."""

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


class EmailMissing(Invalid):
    """Documents go by mail, and there is no address to send them to."""

    code = "email_missing"


def require_reachable(delivery: str, email: str | None) -> None:
    """Refuse delivery by mail to a customer without an e-mail address."""
    if delivery == "mail" and email is None:
        sentence = "Delivery by mail needs the customer's email."
        raise EmailMissing(sentence, errors=[FieldError("/email", EmailMissing.code, sentence)])
