"""Wire shapes of how money settles invoices."""

from typing import Annotated
from uuid import UUID

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from shared.values.fields import (
    Entries,
    LocalDate,
    MoneyIO,
    WireInput,
    WireModel,
)
from shared.values.money import Money


class AllocationIn(WireInput):
    """So much of the money goes to one invoice."""

    invoice_id: UUID
    amount: MoneyIO

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)


class AllocateIn(WireInput):
    """Invoices to settle from what is left of a payment or credit note."""

    allocations: Annotated[list[AllocationIn], Entries(1, 100)]


class DeallocationIn(WireInput):
    """An invoice that is no longer settled: by all that was allocated to it, or by so much."""

    invoice_id: UUID
    amount: MoneyIO | None = None

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money | None) -> Money | None:
        return None if amount is None else above_zero(amount)


class DeallocateIn(WireInput):
    """Invoices that are to be open again."""

    allocations: Annotated[list[DeallocationIn], Entries(1, 100)]


class AllocationOut(WireModel):
    """How much went to which invoice."""

    invoice_id: UUID
    amount: MoneyIO
    allocated_on: LocalDate


def above_zero(amount: Money) -> Money:
    """Refuse an amount of nothing or less."""
    if amount.minor <= 0:
        raise PydanticCustomError("amount_not_positive", "Must be above zero")
    return amount
