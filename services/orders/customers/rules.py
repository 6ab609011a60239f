"""What other capabilities know of a customer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Buyer:
    """What an invoice must show of the customer."""

    id: UUID
    name: str
    email: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None
