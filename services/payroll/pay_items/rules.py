"""Rules of pay items: what each kind must say, and when an item is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from services.payroll.engine.inputs import Treatment
from shared.context.lifecycle import Lifecycle
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.money import Money


class ItemKind(StrEnum):
    """What an item is."""

    BONUS = "bonus"
    """Supplemental pay."""
    COMMISSION = "commission"
    """Supplemental pay."""
    EXPENSE = "expense"
    """Paid out, and no earning."""
    DEDUCTION = "deduction"
    """Taken off before or after taxes, as its treatment says."""
    GARNISHMENT = "garnishment"
    """Taken off for a creditor by an order, as the order's terms say."""
    EMPLOYER_CONTRIBUTION = "employer_contribution"
    """Paid by the employer on top."""


class ItemState(StrEnum):
    """Where an item is. Only what is paid once is ever settled, by the run that paid it."""

    ACTIVE = "active"
    SETTLED = "settled"
    CANCELLED = "cancelled"


LIFECYCLE: Final = Lifecycle(
    "pay_item",
    (ItemState.ACTIVE, "cancel", ItemState.CANCELLED),
    (ItemState.ACTIVE, "settle", ItemState.SETTLED),
    (ItemState.SETTLED, "reopen", ItemState.ACTIVE),
    (ItemState.CANCELLED, "resume", ItemState.ACTIVE),
    initial=ItemState.ACTIVE,
    internal=("settle", "reopen", "resume"),
)


class OwnedByBenefit(Refused):
    """hr's benefit made the item; it is changed and ended there (409)."""

    code = "owned_by_hr"


class ItemOver(Refused):
    """A settled or cancelled item changes no more (409)."""

    code = "pay_item_over"


@dataclass(frozen=True, slots=True)
class DueItem:
    """An item as a run needs it. Exactly one of `amount` and `percent`, except for garnishments by their terms."""

    item_id: UUID
    payee_id: UUID
    kind: ItemKind
    code: str
    recurring: bool
    starts_on: date
    amount: Money | None
    percent: Decimal | None
    treatment: Treatment | None
    garnishment: Mapping[str, Any] | None


def require_sound(
    kind: ItemKind, *, amount: Money | None, percent: Decimal | None, treatment: Treatment | None, garnishment: object
) -> None:
    """Refuse an item that does not say what its kind needs, or says what it has not (422)."""
    errors = list(_wrong(kind, amount, percent, treatment, garnishment))
    if errors:
        raise Invalid(f"This is no {kind}.", errors=errors)


def _wrong(
    kind: ItemKind, amount: Money | None, percent: Decimal | None, treatment: Treatment | None, garnishment: object
) -> Iterator[FieldError]:
    by_percent = kind in (ItemKind.DEDUCTION, ItemKind.EMPLOYER_CONTRIBUTION, ItemKind.GARNISHMENT)
    if amount is not None and amount.minor <= 0:
        yield FieldError("/amount", "not_positive", "An amount is above zero; its kind says the direction.")
    if percent is not None and percent <= 0:
        yield FieldError("/percent", "not_positive", "A percentage is above zero.")
    if percent is not None and not by_percent:
        yield FieldError("/percent", "percent_needless", f"A {kind} is an amount.")
    if amount is not None and percent is not None:
        yield FieldError("/percent", "amount_and_percent", "Either an amount or a percentage.")
    if amount is None and percent is None and kind is not ItemKind.GARNISHMENT:
        yield FieldError("/amount", "missing", "Say an amount" + (" or a percentage." if by_percent else "."))
    if kind is ItemKind.DEDUCTION and treatment is None:
        yield FieldError("/treatment", "missing", "A deduction says how taxes treat it.")
    if kind is not ItemKind.DEDUCTION and treatment is not None:
        yield FieldError("/treatment", "treatment_needless", "Only a deduction has a treatment.")
    if kind is ItemKind.GARNISHMENT and garnishment is None:
        yield FieldError("/garnishment", "missing", "A garnishment states the terms of its order.")
    if kind is not ItemKind.GARNISHMENT and garnishment is not None:
        yield FieldError("/garnishment", "garnishment_needless", "Only a garnishment has an order.")


def require_order(starts_on: date, ends_on: date | None) -> None:
    """Refuse an item that ends before it begins (422)."""
    if ends_on is not None and ends_on < starts_on:
        raise Invalid.field("/to", "range_reversed", "`to` must not be before `from`.")


@dataclass(frozen=True, slots=True)
class BenefitItem:
    """What a benefit makes of one side's share."""

    kind: ItemKind
    amount: Money | None
    percent: Decimal | None


def benefit_items(
    *,
    employee_amount: Money | None,
    employee_percent: Decimal | None,
    employer_amount: Money | None,
    employer_percent: Decimal | None,
) -> list[BenefitItem]:
    """The deduction and the employer's contribution of a benefit; none of a side that gives nothing.

    Of a side with both, the amount counts.
    """
    sides = (
        (ItemKind.DEDUCTION, employee_amount, employee_percent),
        (ItemKind.EMPLOYER_CONTRIBUTION, employer_amount, employer_percent),
    )
    found: list[BenefitItem] = []
    for kind, amount, percent in sides:
        if amount is not None and amount.minor > 0:
            found.append(BenefitItem(kind, amount, None))
        elif percent is not None and percent > 0:
            found.append(BenefitItem(kind, None, percent))
    return found
