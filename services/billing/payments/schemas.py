"""Wire shapes of payments."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, field_validator

from services.billing.invoices.schemas import AllocationIn, AllocationOut, above_zero
from services.billing.payments.models import Payment
from shared.money import Money
from shared.wire import Code, LocalDate, MoneyIO, ShortText, Timestamp, WireInput, WireModel


class PaymentIn(WireInput):
    """Money that came in, and which invoices it settles; what is left stays as the customer's credit."""

    customer_id: UUID
    amount: MoneyIO
    received_on: LocalDate | None = None
    method: Code = "bank_transfer"
    reference: ShortText | None = None
    allocations: Annotated[list[AllocationIn], Field(max_length=100)] = Field(default_factory=list)

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)


class PaymentOut(WireModel):
    """A payment."""

    id: UUID
    customer_id: UUID
    amount: MoneyIO
    unallocated: MoneyIO
    received_on: LocalDate
    method: str
    reference: str | None
    allocations: list[AllocationOut]
    journal_entry_id: UUID
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: Payment, allocations: Sequence[AllocationOut]) -> Self:
        """A payment of its rows."""
        return cls(
            allocations=list(allocations),
            journal_entry_id=row.entry_id,
            amount=row.amount,
            unallocated=row.unallocated,
            **row.model_dump(
                include={
                    "id", "customer_id", "received_on", "method", "reference", "version", "created_at", "updated_at"
                }
            ),
        )  # fmt: skip
