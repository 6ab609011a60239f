"""Wire shapes of write-offs."""

from typing import Literal, Self
from uuid import UUID

from pydantic import field_validator

from services.billing.invoices.schemas import above_zero
from services.billing.write_offs.models import WriteOff
from services.billing.write_offs.rules import LIFECYCLE, Kind
from shared.contracts.orders import TaxBreakdownRow
from shared.values.fields import Flag, LocalDate, MoneyIO, ShortText, Timestamp, WireInput, WireModel
from shared.values.money import Money


class WriteOffIn(WireInput):
    """What is given up of an invoice, with tax, and why.

    `correct_tax` is said of bad debts only: false leaves the tax as it is, true corrects it where the country's rule
    leaves that open. Without it the country's rule decides, and where we know none tax stays as it is.
    """

    invoice_id: UUID
    amount: MoneyIO
    kind: Kind
    reason: ShortText
    effective_on: LocalDate | None = None
    correct_tax: Flag | None = None

    @field_validator("amount")
    @classmethod
    def _above_zero(cls, amount: Money) -> Money:
        return above_zero(amount)


class ReverseWriteOffIn(WireInput):
    """Why it is owed after all (a bad debt was recovered), and from which day on: today, unless said."""

    reason: ShortText
    effective_on: LocalDate | None = None


class WriteOffOut(WireModel):
    """A write-off; `tax_breakdown` is what of base and tax is no longer owed, empty where tax stays as it was."""

    id: UUID
    state: Literal["recorded", "reversed"]
    invoice_id: UUID
    customer_id: UUID
    kind: Kind
    amount: MoneyIO
    tax: MoneyIO
    tax_breakdown: list[TaxBreakdownRow]
    reason: str
    effective_on: LocalDate
    journal_entry_id: UUID
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, row: WriteOff) -> Self:
        """A write-off of its row."""
        return cls(
            amount=row.amount,
            tax=row.tax,
            journal_entry_id=row.entry_id,
            allowed_actions=LIFECYCLE.allowed(row.state),
            **row.model_dump(
                include={
                    "id", "state", "invoice_id", "customer_id", "kind", "tax_breakdown", "reason", "effective_on",
                    "version", "created_at", "updated_at",
                }
            ),
        )  # fmt: skip
