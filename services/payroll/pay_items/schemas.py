"""Wire shapes of pay items."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.payroll.engine.inputs import Treatment
from services.payroll.pay_items.rules import ItemKind, ItemState, OrderKind
from services.payroll.payees.schemas import READ_PRIVATE
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
from shared.values.masked import NotMasked, masked


def _none() -> Any:  # noqa: ANN401 - stands for any type, as `left_out` does
    return None


class GarnishmentIn(WireInput):
    """The terms of an order to withhold; which of them it has, its kind says.

    `protected_earnings` is what a pay must leave, `arrears` a shortfall carried from the last pay. An order without an
    `amount` takes what the tables of the pack say. Lower `priority` first, within it by `issued_on`.
    """

    kind: OrderKind
    issued_on: LocalDate
    reference: Annotated[Code, NotMasked]
    creditor: Annotated[ShortText, NotMasked] | None = None
    priority: Annotated[WholeNumber, Field(ge=1, le=99)] = 50
    protected_earnings: MoneyIO | None = None
    arrears: MoneyIO | None = None
    rate: Literal["standard", "higher"] | None = None
    country: Literal["england", "wales", "scotland", "northern_ireland"] | None = None
    employer_fee: Flag = False
    second_family: Flag = False
    arrears_over_12_weeks: Flag = False


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
    from_: LocalDate = Field(default_factory=_none, validate_default=False, alias="from")
    to: LocalDate | None = None
    amount: MoneyIO | None = None
    percent: Percent | None = None
    treatment: Treatment | None = None
    garnishment: GarnishmentIn = left_out()


class PayItemCancelIn(WireInput):
    """Why an item is no longer wanted."""

    reason: LongText | None = None


class OrderTermsOut(WireModel):
    """The terms of a garnishment's order, under their column's name."""

    order_terms: Annotated[dict[str, Any] | None, masked(scope=READ_PRIVATE)]


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
    garnishment: Annotated[dict[str, Any] | None, masked(scope=READ_PRIVATE)]
    state: ItemState
    settled_by: Annotated[UUID | None, Field(description="The pay run that paid it.")]
    election_id: Annotated[UUID | None, Field(description="The benefit in hr that makes it.")]
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
