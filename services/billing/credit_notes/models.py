"""Tables of credit notes."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.values.money import Money
from shared.values.tax import StoredFigures


class CreditNote(StoredFigures, BillingRow, table=True):
    """Takes back all or part of an invoice; `unallocated` is the customer's credit until it is allocated.

    One that `cancels` voids its invoice: its entry is the reversal of the invoice's, whose open item closes with it.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number", name="credit_notes_number_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        Index("credit_notes_of_invoice", "tenant_id", "invoice_id", "id"),
        Index("credit_notes_by_customer", "tenant_id", "customer_id", "id"),
        Index("credit_notes_by_issue", "tenant_id", "issued_on"),
        Index(
            "credit_notes_cancelling",
            "tenant_id",
            "invoice_id",
            unique=True,
            postgresql_where=text("cancels"),
        ),
        Index(
            "credit_notes_unspent",
            "tenant_id",
            "customer_id",
            "id",
            postgresql_where=text("unallocated_minor > 0"),
        ),
    )

    state: str = Field(sa_type=Text)
    number: str = Field(sa_type=Text)
    invoice_id: UUID
    customer_id: UUID
    seller: dict[str, Any] = Field(sa_type=JSONB)
    currency: str = Field(sa_type=Text)
    net_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    gross_minor: int = Field(sa_type=BigInteger)
    tax_breakdown: list[dict[str, Any]] = Field(sa_type=JSONB)
    unallocated_minor: int = Field(sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    reason: str = Field(sa_type=Text)
    issued_on: date
    entry_id: UUID | None = None
    cancels: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})

    @property
    def unallocated(self) -> Money:
        """What of it settles nothing yet."""
        return Money(self.unallocated_minor, self.currency)

    @property
    def refunded(self) -> Money:
        """What of it was paid out to the customer."""
        return Money(self.refunded_minor, self.currency)


class CreditNoteLine(BillingRow, table=True):
    """What of an invoice line is taken back."""

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        UniqueConstraint("tenant_id", "credit_note_id", "position", name="credit_note_lines_position_key"),
        ForeignKeyConstraint(["tenant_id", "credit_note_id"], ["credit_notes.tenant_id", "credit_notes.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "invoice_line_id"], ["invoice_lines.tenant_id", "invoice_lines.id"]
        ),
        Index("credit_note_lines_of_invoice_line", "tenant_id", "invoice_line_id"),
    )

    credit_note_id: UUID
    invoice_line_id: UUID
    position: int = Field(sa_type=Integer)
    quantity: Decimal = Field(sa_type=Numeric)
    discount_minor: int = Field(sa_type=BigInteger)
    net_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    gross_minor: int = Field(sa_type=BigInteger)
