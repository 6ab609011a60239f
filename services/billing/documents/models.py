"""Tables of the seller."""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKeyConstraint, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.database.sealing import Sealed, SealedColumn


class Seller(BillingRow, table=True):
    """What a tenant's documents must say of it beside its name; one row per tenant, under the tenant's own id.

    `payment_instructions` is of the release before and always null; the table's constraint says so.
    """

    __tablename__ = "sellers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "payment_details_id"],
            ["seller_payment_details.tenant_id", "seller_payment_details.id"],
            name="sellers_payment_details_fkey",
        ),
    )

    address: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    tax_id: str | None = Field(default=None, sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    contact: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    electronic_address: str | None = Field(default=None, sa_type=Text)
    payment_terms_text: str | None = Field(default=None, sa_type=Text)
    e_invoice_required: bool = Field(
        default=False, sa_type=Boolean, sa_column_kwargs={"server_default": text("false")}
    )
    payment_details_id: UUID | None = None
    payment_instructions: None = Field(default=None, sa_type=Text)
    logo_id: UUID | None = Field(default=None, sa_type=Uuid)


class PaymentDetails(BillingRow, table=True):
    """How to pay a seller, sealed. A change makes a new row: numbered documents go on naming the one they state."""

    __tablename__ = "seller_payment_details"

    bank_account: Sealed | None = Field(default=None, sa_type=SealedColumn)
    payment_instructions: Sealed | None = Field(default=None, sa_type=SealedColumn)
