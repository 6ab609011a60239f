"""Rules of pay runs: their states, their days, and what their lines are in the books."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from services.payroll.schedules.rules import Period, Terms, index_at, period
from services.payroll.schedules.rules.calendars import PayCalendar, is_working_day
from shared.context.lifecycle import Lifecycle
from shared.contracts.payroll import PayRunLine
from shared.values.faults import Invalid, Refused
from shared.values.money import Money

APPROVE: Final = "pay_run.approve"
"""The kind of approval of a run."""
SERIES: Final = "PR"
LATEST: Final = timedelta(days=366)
"""Days after the period's end by which it is paid at the latest."""


class RunKind(StrEnum):
    """What a run pays."""

    REGULAR = "regular"
    """Salary or wages of the period and what is due in it, to all payees of the schedule."""
    OFF_CYCLE = "off_cycle"
    """What is due once, between regular runs; with `basic_pay` the period of those whom none has paid it."""
    CORRECTION = "correction"
    """The same, to set right what an earlier run has paid."""
    REVERSAL = "reversal"
    """The exact opposite of an earlier run."""


class RunState(StrEnum):
    """Where a run is."""

    DRAFT = "draft"
    CALCULATING = "calculating"
    CALCULATED = "calculated"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PAID = "paid"
    CLOSED = "closed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


LIFECYCLE: Final = Lifecycle(
    "pay_run",
    (RunState.DRAFT, "calculate", RunState.CALCULATING),
    (RunState.CALCULATED, "calculate", RunState.CALCULATING),
    (RunState.SUBMITTED, "calculate", RunState.CALCULATING),
    (RunState.FAILED, "calculate", RunState.CALCULATING),
    (RunState.CALCULATING, "finish", RunState.CALCULATED),
    (RunState.CALCULATING, "fail", RunState.FAILED),
    (RunState.CALCULATED, "submit", RunState.SUBMITTED),
    (RunState.SUBMITTED, "approve", RunState.APPROVED),
    (RunState.SUBMITTED, "reject", RunState.CALCULATED),
    (RunState.DRAFT, "cancel", RunState.CANCELLED),
    (RunState.CALCULATING, "cancel", RunState.CANCELLED),
    (RunState.CALCULATED, "cancel", RunState.CANCELLED),
    (RunState.SUBMITTED, "cancel", RunState.CANCELLED),
    (RunState.FAILED, "cancel", RunState.CANCELLED),
    (RunState.APPROVED, "cancel", RunState.CANCELLED),
    (RunState.APPROVED, "pay", RunState.PAID),
    (RunState.PAID, "close", RunState.CLOSED),
    (RunState.PAID, "reverse", RunState.REVERSED),
    (RunState.CLOSED, "reverse", RunState.REVERSED),
    initial=(RunState.DRAFT, RunState.CALCULATED),
    internal=("finish", "fail"),
)
NOT_OF_A_REVERSAL: Final = frozenset({"calculate", "pay"})


class InputsChanged(Refused):
    """Something that the run was calculated from has changed since; it has to be calculated again (409)."""

    code = "inputs_changed"


class ResultChanged(Refused):
    """The run has another result than the one that is approved (409)."""

    code = "result_changed"


class PayeesFailed(Refused):
    """Somebody cannot be paid: mend it and calculate again, or leave them out by `exclude` (409)."""

    code = "payees_failed"


class NotPossible(Refused):
    """A run of this kind is not treated so (409)."""

    code = "not_of_this_kind"


class NobodyToPay(Refused):
    """The run has no payslip (409)."""

    code = "nobody_to_pay"


def allowed_for(kind: str, state: str) -> list[str]:
    """The verbs of a state that a run of a kind has: a reversal is not calculated, paid, or cancelled once approved."""
    verbs = LIFECYCLE.allowed(state)
    if kind != RunKind.REVERSAL:
        return verbs
    return [verb for verb in verbs if verb not in NOT_OF_A_REVERSAL and state != RunState.APPROVED]


def require_of_kind(kind: str, state: str, verb: str) -> None:
    """Refuse a verb that a run of a kind does not have in a state where others have it (409)."""
    if LIFECYCLE.target(state, verb) and verb not in allowed_for(kind, state):
        raise NotPossible(f"A {kind} is the mirror image of another run; it cannot {verb} now.", kind=kind)


def require_kind_sound(kind: RunKind, *, basic_pay: bool, payee_ids: Sequence[UUID] | None) -> None:
    """Refuse what the kind of a new run does not have (422)."""
    if kind is RunKind.REVERSAL:
        raise Invalid.field(
            "/kind", "reversal_by_verb", "A reversal is made by `reverse` of the run it takes back."
        )
    if kind is RunKind.REGULAR and payee_ids is not None:
        raise Invalid.field(
            "/payee_ids", "payees_needless", "A regular run is for all payees of the schedule."
        )
    if kind is RunKind.REGULAR and not basic_pay:
        raise Invalid.field("/basic_pay", "basic_pay_needed", "A regular run pays salaries and wages.")


def paid_period(terms: Terms, found: Period, kind: RunKind, pay_on: date | None, days: PayCalendar) -> Period:
    """The period as it is paid on a day; raises Invalid (422) for a day that is none for it.

    A regular run that is paid on another day than planned keeps the period's tax day where the schedule's pay day
    decides (see `schedules.rules.calendars`). All others count on the day on which they are paid.
    """
    if pay_on is None or pay_on == found.pay_on:
        return found
    if pay_on < found.period_start:
        raise Invalid.field("/pay_on", "before_the_period", f"The period begins on {found.period_start}.")
    if pay_on > found.period_end + LATEST:
        raise Invalid.field("/pay_on", "too_late", f"The period ends on {found.period_end}.")
    if not is_working_day(days, pay_on):
        raise Invalid.field(
            "/pay_on", "not_a_working_day", f"Nobody is paid on {pay_on}: a weekend or holiday."
        )
    if days.by_pay_day and kind is RunKind.REGULAR:
        return replace(found, pay_on=pay_on)
    tax_year = days.tax_year(pay_on)
    counted = period(terms, index_at(terms, pay_on), days)
    number = counted.number if counted.tax_year == tax_year else found.number
    return replace(found, pay_on=pay_on, tax_on=pay_on, tax_year=tax_year, number=number)


def require_paid_day(paid_on: date, *, period_start: date, today: date) -> None:
    """Refuse a day of payment that is not over, or before what it pays for (422)."""
    if paid_on > today:
        raise Invalid.field("/paid_on", "not_yet", "Say it once it is paid: the day is to come.")
    if paid_on < period_start:
        raise Invalid.field("/paid_on", "before_the_period", f"The period begins on {period_start}.")


def posting_lines(signed: Iterable[tuple[str, str | None, Decimal]]) -> list[dict[str, Any]]:
    """The entry of a run by role and cost centre: debits are above zero. Raises ValueError unless it balances."""
    rows = sorted(
        ((role, centre, amount) for role, centre, amount in signed if amount),
        key=lambda r: (r[0], r[1] or ""),
    )
    if sum((amount for _, _, amount in rows), Decimal()):
        raise ValueError("the lines of a pay run do not balance")
    return [
        {
            "role": role,
            "cost_centre": centre,
            "side": "debit" if amount > 0 else "credit",
            "amount": f"{abs(amount):f}",
        }
        for role, centre, amount in rows
    ]


def event_lines(
    posting: Sequence[Mapping[str, Any]], currency: str, *, mirrored: bool = False
) -> list[PayRunLine]:
    """An entry as it is told; mirrored with the sides exchanged."""
    found = []
    for each in posting:
        amount = Money.of(Decimal(each["amount"]), currency)
        debit = (each["side"] == "debit") != mirrored
        found.append(
            PayRunLine(
                role=each["role"],
                cost_centre=each["cost_centre"],
                debit=amount if debit else None,
                credit=None if debit else amount,
            )
        )
    return found


def negated_totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The totals of a reversal."""
    return {
        name: negated_totals(value) if isinstance(value, Mapping) else f"{-Decimal(value):f}"
        for name, value in totals.items()
        if name != "warnings"
    } | {"warnings": {}}
