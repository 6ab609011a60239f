"""Table of write-offs."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.values.money import Money


class WriteOff(BillingRow, table=True):
    """What was given up of an invoice; `tax_breakdown` is what of base and tax is no longer owed, by rate."""

    __tablename__ = "write_offs"
    __table_args__ = (
        *(
            ForeignKeyConstraint(
                ["tenant_id", f"{noun}_id"],
                [f"{table}.tenant_id", f"{table}.id"],
                name=f"write_offs_{noun}_fkey",
            )
            for noun, table in (("invoice", "invoices"), ("entry", "journal_entries"))
        ),
        Index("write_offs_of_invoice", "tenant_id", "invoice_id", "id"),
        Index("write_offs_by_customer", "tenant_id", "customer_id", "id"),
    )

    state: str = Field(sa_type=Text)
    invoice_id: UUID
    customer_id: UUID
    kind: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    tax_breakdown: list[dict[str, Any]] = Field(sa_type=JSONB)
    reason: str = Field(sa_type=Text)
    effective_on: date
    entry_id: UUID

    @property
    def amount(self) -> Money:
        """What was given up, with tax."""
        return Money(self.amount_minor, self.currency)

    @property
    def tax(self) -> Money:
        """How much less tax is owed by it."""
        return Money(self.tax_minor, self.currency)
