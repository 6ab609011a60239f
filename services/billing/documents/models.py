"""Table of the seller."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow


class Seller(BillingRow, table=True):
    """What a tenant's documents must say of it beside its name; one row per tenant, under the tenant's own id."""

    __tablename__ = "sellers"

    address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    tax_id: str | None = Field(default=None, sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    payment_instructions: str | None = Field(default=None, sa_type=Text)
