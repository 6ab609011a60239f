"""Table of refunds."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, text
from sqlmodel import Field

from services.billing.base import BillingRow
from shared.values.money import Money


class Refund(BillingRow, table=True):
    """Money that went back to a customer; of a payment or of a credit note."""

    __tablename__ = "refunds"
    __table_args__ = (
        *(
            ForeignKeyConstraint(
                ["tenant_id", f"{noun}_id"],
                [f"{table}.tenant_id", f"{table}.id"],
                name=f"refunds_{noun}_fkey",
            )
            for noun, table in (
                ("payment", "payments"),
                ("credit_note", "credit_notes"),
                ("entry", "journal_entries"),
            )
        ),
        Index("refunds_by_customer", "tenant_id", "customer_id", "id"),
        Index(
            "refunds_of_payment",
            "tenant_id",
            "payment_id",
            "id",
            postgresql_where=text("payment_id is not null"),
        ),
        Index(
            "refunds_of_credit_note",
            "tenant_id",
            "credit_note_id",
            "id",
            postgresql_where=text("credit_note_id is not null"),
        ),
    )

    state: str = Field(sa_type=Text)
    customer_id: UUID
    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    method: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    refunded_on: date
    entry_id: UUID

    @property
    def amount(self) -> Money:
        """What went back."""
        return Money(self.amount_minor, self.currency)
