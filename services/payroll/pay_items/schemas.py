"""Wire shapes of pay items."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.payroll.engine.inputs import Treatment
from services.payroll.pay_items.rules import ItemKind, ItemState
from shared.values.fields import (
    Code,
    Flag,
    LocalDate,
    LongText,
    MoneyIO,
    Percent,
    ShortText,
    Timestamp,
    WholeNumber,
    WireInput,
    WireModel,
    left_out,
)

OrderKind = Literal[
    "child_support", "federal_tax_levy", "state_tax_levy", "student_loan", "bankruptcy", "creditor",
    "attachment_of_earnings", "council_tax", "direct_earnings_attachment", "deduction_from_earnings",
]  # fmt: skip


class GarnishmentIn(WireInput):
    """The terms of an order: lower priorities come first; what it leaves at least, takes at most, and until when.

    `protected_earnings` is what a pay must leave, `most_percent` what of disposable earnings is taken at most, `balance`
    what is still to be collected in all. How much is taken a period is the item's `amount` or `percent`, or where it
    has neither, what the pack's table for this order says.
    """

    order: OrderKind
    priority: Annotated[WholeNumber, Field(ge=1, le=99)]
    creditor: ShortText
    reference: ShortText | None = None
    issued_on: LocalDate | None = None
    protected_earnings: MoneyIO | None = None
    most_percent: Percent | None = None
    balance: MoneyIO | None = None


class PayItemIn(WireInput):
    """A new pay item. `recurring`: in every period from `from` to `to`; else once, in the first run from `from` on."""

    payee_id: UUID
    kind: ItemKind
    code: Code
    description: ShortText | None = None
    recurring: Flag = False
    from_: LocalDate = Field(alias="from")
    to: LocalDate | None = None
    amount: MoneyIO | None = None
    percent: Percent | None = None
    treatment: Treatment | None = None
    garnishment: GarnishmentIn | None = None


class PayItemChange(WireInput):
    """The fields to change, for runs to come."""

    description: ShortText | None = None
    from_: LocalDate = Field(default_factory=lambda: None, validate_default=False, alias="from")
    to: LocalDate | None = None
    amount: MoneyIO | None = None
    percent: Percent | None = None
    treatment: Treatment | None = None
    garnishment: GarnishmentIn = left_out()


class CancelIn(WireInput):
    """Why an item is no longer wanted."""

    reason: LongText | None = None


class PayItemOut(WireModel):
    """Something paid or taken beside salary."""

    id: UUID
    payee_id: UUID
    kind: ItemKind
    code: str
    description: str | None
    recurring: bool
    from_: Annotated[LocalDate, Field(validation_alias="starts_on", serialization_alias="from")]
    to: Annotated[LocalDate | None, Field(validation_alias="ends_on")]
    amount: Annotated[MoneyIO | None, Field(validation_alias="money")]
    percent: Percent | None
    treatment: Treatment | None
    garnishment: dict[str, Any] | None
    state: ItemState
    settled_by: Annotated[UUID | None, Field(description="The pay run that paid it.")]
    election_id: Annotated[UUID | None, Field(description="The benefit in hr that makes it.")]
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
