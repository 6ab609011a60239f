"""Wire shapes of tax codes."""

from datetime import date
from uuid import UUID

from pydantic import Field

from services.billing.tax.rules import Category
from shared.values.fields import (
    Code,
    LocalDate,
    Percent,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
    left_out,
)


class TaxCodeIn(WireInput):
    """A new tax code, or a known one with another rate from a later day on."""

    code: Code
    name: ShortText
    rate: Percent
    category: Category = "S"
    valid_from: LocalDate = Field(default=date(2000, 1, 1))
    valid_to: LocalDate | None = None


class TaxCodeChange(WireInput):
    """The fields to change; documents already made keep the figures they state."""

    name: ShortText = left_out()
    rate: Percent = left_out()
    valid_to: LocalDate | None = None


class TaxCodeOut(WireModel):
    """A tax code."""

    id: UUID
    code: str
    name: str
    rate: Percent
    category: str
    valid_from: LocalDate
    valid_to: LocalDate | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
