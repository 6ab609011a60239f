"""Rules of pay items: what each kind must say, and when an item is due."""

from collections.abc import Iterable, Iterator, Mapping
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


class OrderKind(StrEnum):
    """Kinds of orders to withhold, as the packs know them."""

    AEO_PRIORITY = "aeo_priority"
    AEO_NON_PRIORITY = "aeo_non_priority"
    COUNCIL_TAX = "council_tax"
    CHILD_MAINTENANCE = "child_maintenance"
    DEA = "dea"
    EARNINGS_ARRESTMENT = "earnings_arrestment"
    SUPPORT = "support"
    CREDITOR = "creditor"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What an order of a kind must and may state beside its date and reference; `amount` is the item's."""

    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    amount: bool = True


# United Kingdom: Attachment of Earnings Act 1971 and the schemes beside it; United States: 15 USC 1673.
ORDERS: Final[Mapping[OrderKind, OrderTerms]] = {
    OrderKind.AEO_PRIORITY: OrderTerms(frozenset({"protected_earnings"}), frozenset({"arrears"})),
    OrderKind.AEO_NON_PRIORITY: OrderTerms(frozenset({"protected_earnings"})),
    OrderKind.COUNCIL_TAX: OrderTerms(frozenset({"country"}), amount=False),
    OrderKind.CHILD_MAINTENANCE: OrderTerms(may=frozenset({"arrears", "employer_fee"})),
    OrderKind.DEA: OrderTerms(frozenset({"rate"}), frozenset({"country"}), amount=False),
    OrderKind.EARNINGS_ARRESTMENT: OrderTerms(amount=False),
    OrderKind.SUPPORT: OrderTerms(may=frozenset({"second_family", "arrears_over_12_weeks"})),
    OrderKind.CREDITOR: OrderTerms(),
}
MOST: Final = Decimal("1000000000.00")
"""The most that an item may come to, in units of its currency; what is above is a slip of the hand."""
ORDER_AMOUNTS: Final = ("protected_earnings", "arrears")
ALWAYS: Final = frozenset({"kind", "issued_on", "reference", "creditor", "priority"})


def order_amounts(terms: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, str]]]:
    """The amounts in the terms of an order by their names, as the wire has them."""
    return [(name, terms[name]) for name in ORDER_AMOUNTS if terms.get(name)] if terms else []


class OwnedByBenefit(Refused):
    """hr's benefit made the item; it is changed and ended there (409)."""

    code = "owned_by_hr"


class ItemOver(Refused):
    """A settled or cancelled item changes no more (409)."""

    code = "pay_item_over"


@dataclass(frozen=True, slots=True)
class DueItem:
    """An item as a run needs it: an amount or a percentage, except for orders whose amount the pack's tables say."""

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

    @property
    def currencies(self) -> frozenset[str]:
        """Those of its amount and of the amounts in its order's terms."""
        own = frozenset[str]() if self.amount is None else frozenset({self.amount.currency})
        return own | {told["currency"] for _, told in order_amounts(self.garnishment)}


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """What an item says: its kind and what goes with it."""

    kind: ItemKind
    amount: Money | None
    percent: Decimal | None
    treatment: Treatment | None
    garnishment: Mapping[str, Any] | None


def require_sound(terms: ItemTerms) -> None:
    """Refuse an item that does not say what its kind needs, or says what it has not (422)."""
    errors = [*_wrong_amounts(terms), *_wrong_treatment(terms), *_wrong_order(terms)]
    if errors:
        raise Invalid(" ".join(dict.fromkeys(each.message for each in errors)), errors=errors)


def _a(kind: ItemKind) -> str:
    """A kind as a sentence begins with it."""
    words = kind.replace("_", " ")
    return f"An {words}" if words[0] in "aeiou" else f"A {words}"


def _wrong_amounts(terms: ItemTerms) -> Iterator[FieldError]:
    by_percent = terms.kind in (ItemKind.DEDUCTION, ItemKind.EMPLOYER_CONTRIBUTION)
    if terms.amount is not None and terms.amount.minor <= 0:
        yield FieldError("/amount", "not_positive", "An amount is above zero; its kind says the direction.")
    if terms.amount is not None and terms.amount.amount > MOST:
        yield FieldError("/amount/amount", "amount_out_of_range", f"At most {MOST:,}.")
    if terms.percent is not None and terms.percent <= 0:
        yield FieldError("/percent", "not_positive", "A percentage is above zero.")
    if terms.percent is not None and not by_percent:
        yield FieldError("/percent", "percent_needless", f"{_a(terms.kind)} has an amount, not a percentage.")
    if terms.amount is not None and terms.percent is not None:
        yield FieldError(
            "/percent", "amount_and_percent", f"{_a(terms.kind)} has either an amount or a percentage."
        )
    if terms.amount is None and terms.percent is None and terms.kind is not ItemKind.GARNISHMENT:
        yield FieldError(
            "/amount", "missing", f"{_a(terms.kind)} needs an amount{' or a percentage' * by_percent}."
        )


def _wrong_treatment(terms: ItemTerms) -> Iterator[FieldError]:
    if terms.kind is ItemKind.DEDUCTION and terms.treatment is None:
        yield FieldError("/treatment", "missing", "A deduction says how taxes treat it.")
    if terms.kind is not ItemKind.DEDUCTION and terms.treatment is not None:
        yield FieldError("/treatment", "treatment_needless", "Only a deduction has a treatment.")


def _wrong_order(terms: ItemTerms) -> Iterator[FieldError]:
    if terms.kind is not ItemKind.GARNISHMENT:
        if terms.garnishment is not None:
            yield FieldError("/garnishment", "garnishment_needless", "Only a garnishment has an order.")
        return
    if terms.garnishment is None:
        yield FieldError("/garnishment", "missing", "A garnishment states the terms of its order.")
        return
    kind = OrderKind(terms.garnishment["kind"])
    needed = ORDERS[kind]
    given = {name for name, value in terms.garnishment.items() if value} - ALWAYS
    for name in sorted(needed.must - given):
        yield FieldError(f"/garnishment/{name}", "missing", f"An order {kind} states it.")
    for name in sorted(given - needed.must - needed.may):
        yield FieldError(f"/garnishment/{name}", "not_of_this_kind", f"An order {kind} has none.")
    for name, told in order_amounts(terms.garnishment):
        if not 0 <= Decimal(told["amount"]) <= MOST:
            pointer = f"/garnishment/{name}/amount"
            yield FieldError(pointer, "amount_out_of_range", f"At least zero and at most {MOST:,}.")
    if needed.amount and terms.amount is None:
        yield FieldError("/amount", "missing", f"An order {kind} states the amount of a pay.")
    if not needed.amount and terms.amount is not None:
        yield FieldError(
            "/amount", "not_of_this_kind", f"Of an order {kind} the pack's tables say the amount."
        )


def require_free_code(code: str, packs: Iterable[str]) -> None:
    """Refuse a code that begins like those of a pack's own lines, `uk.` or `us.` (422)."""
    for name in packs:
        if code.lower().startswith(f"{name}."):
            text = f"Codes that begin with {name}. are those of the pack's own lines."
            raise Invalid.field("/code", "reserved_code", text)


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
