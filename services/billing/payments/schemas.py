"""Wire shapes of payments."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator

from services.billing.invoices.schemas import AllocationIn, AllocationOut, above_zero
from services.billing.payments.models import Payment
from shared.values.fields import Code, Entries, LocalDate, MoneyIO, ShortText, Timestamp, WireInput, WireModel
from shared.values.money import Money


class PaymentIn(WireInput):
    """Money that came in, and which invoices it settles; what is left stays as the customer's credit."""

    customer_id: UUID
    amount: MoneyIO
    received_on: LocalDate | None = None
    method: Code = "bank_transfer"
    reference: ShortText | None = None
    allocations: Annotated[list[AllocationIn], Entries(most=100)] = Field(default_factory=list)

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)


class ReversePaymentIn(WireInput):
    """Why money did not come in after all, and from which day on: today, unless said."""

    reason: ShortText
    effective_on: LocalDate | None = None


class PaymentOut(WireModel):
    """A payment: what of it settles invoices, what is left (`unallocated`), and what went back (`refunded`)."""

    id: UUID
    state: Literal["recorded", "reversed"]
    customer_id: UUID
    amount: MoneyIO
    unallocated: MoneyIO
    refunded: MoneyIO
    received_on: LocalDate
    reversed_on: LocalDate | None
    method: str
    reference: str | None
    allocations: list[AllocationOut]
    journal_entry_id: UUID
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: Payment, allocations: Sequence[AllocationOut]) -> "PaymentOut":
        """A payment of its rows."""
        return cls.model_construct(
            id=row.id,
            state=row.state,  # type: ignore[arg-type]  # the table's CHECK says so
            customer_id=row.customer_id,
            amount=row.amount,
            unallocated=row.unallocated,
            refunded=row.refunded,
            received_on=row.received_on,
            reversed_on=row.reversed_on,
            method=row.method,
            reference=row.reference,
            allocations=list(allocations),
            journal_entry_id=row.entry_id,
            allowed_actions=row.allowed_actions,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
