"""Wire shapes of refunds."""

from typing import Literal, Self
from uuid import UUID

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.billing.invoices.schemas import above_zero
from services.billing.refunds.models import Refund
from services.billing.refunds.rules import LIFECYCLE
from shared.values.fields import Code, LocalDate, MoneyIO, ShortText, Timestamp, WireInput, WireModel
from shared.values.money import Money


class RefundIn(WireInput):
    """Money to give back, out of what is left of a payment or of a credit note."""

    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    amount: MoneyIO
    method: Code = "bank_transfer"
    reason: ShortText
    refunded_on: LocalDate | None = None

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.payment_id is None) == (self.credit_note_id is None):
            raise PydanticCustomError(
                "payment_or_credit_note", "Give exactly one of payment_id and credit_note_id"
            )
        return self


class ReverseRefundIn(WireInput):
    """Why the money came back, and on which day: today, unless said."""

    reason: ShortText
    effective_on: LocalDate | None = None


class RefundOut(WireModel):
    """A refund; `returned` when the money came back."""

    id: UUID
    state: Literal["paid", "returned"]
    customer_id: UUID
    payment_id: UUID | None
    credit_note_id: UUID | None
    amount: MoneyIO
    method: str
    reason: str
    refunded_on: LocalDate
    journal_entry_id: UUID
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: Refund) -> Self:
        """A refund of its row."""
        return cls(
            amount=row.amount,
            journal_entry_id=row.entry_id,
            allowed_actions=LIFECYCLE.allowed(row.state),
            **row.model_dump(
                include={
                    "id", "state", "customer_id", "payment_id", "credit_note_id", "method", "reason", "refunded_on",
                    "version", "created_at", "updated_at",
                }
            ),
        )  # fmt: skip
