"""What other capabilities know of a customer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Buyer:
    """What an invoice must show of the customer, and where its goods go unless an order says otherwise."""

    id: UUID
    name: str
    email: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None
    shipping_address: dict[str, Any] | None = None

    @property
    def destination(self) -> dict[str, Any] | None:
        """Where goods go by default: the shipping address, else the billing address."""
        return self.shipping_address or self.billing_address
