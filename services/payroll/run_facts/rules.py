"""What a run knows of each payee, as plain values, and what hinders it from calculating."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from services.payroll.leave.rules import DayAway
from services.payroll.pay_items.rules import DueItem
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class Compensation:
    """What somebody earns: a `salary` per `year` or `month`, or `hourly` per `hour`."""

    kind: Literal["salary", "hourly"]
    amount: Money
    per: Literal["year", "month", "hour"]


@dataclass(frozen=True, slots=True)
class PayStretch:
    """Days of the period, both inclusive, on which the same of hr's facts hold; none outside the employment."""

    first: date
    last: date
    kind: str
    department: str | None
    cost_centre: str | None
    work_country: str
    work_subdivision: str | None
    weekly_hours: Decimal | None
    compensation: Compensation | None


@dataclass(frozen=True, slots=True)
class PayeeFacts:
    """All that a run needs of one payee.

    `number`, `name` and `kind` are those of the last stretch, `first_day` and `last_day` the employment's own.
    `declarations` are as they were accepted, in the terms of `pack`. `year_to_date` has what came before, by measure.
    """

    payee_id: UUID
    employee_id: UUID
    employment_id: UUID
    number: str
    name: str
    kind: str
    first_day: date
    last_day: date | None
    final_pay_on: date | None
    unused_leave_hours: Decimal | None
    stretches: Sequence[PayStretch]
    days_away: Sequence[DayAway]
    pack: str | None
    declarations: Mapping[str, Any] | None
    has_bank_account: bool
    items: Sequence[DueItem]
    year_to_date: Mapping[str, Decimal]

    @property
    def cost_centre(self) -> str | None:
        """Where the last stretch is booked."""
        return self.stretches[-1].cost_centre if self.stretches else None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is missing or odd. A `blocker` must be mended before the run calculates this payee."""

    payee_id: UUID
    severity: Literal["blocker", "warning"]
    code: str
    message: str


def findings(payee: PayeeFacts, *, pack: str, currency: str) -> list[Finding]:
    """What is missing of a payee for a run by a pack."""
    found = [
        Finding(payee.payee_id, severity, code, f"{payee.number} {payee.name}: {told}")
        for severity, code, told in _found(payee, pack, currency)
    ]
    return sorted(found, key=lambda each: (each.severity, each.code))


def _found(
    payee: PayeeFacts, pack: str, currency: str
) -> Iterator[tuple[Literal["blocker", "warning"], str, str]]:
    if payee.kind == "employee":
        if payee.declarations is None:
            yield "blocker", "missing_declarations", "nothing is declared (tax code, Form W-4)."
        elif payee.pack != pack:
            yield "blocker", "pack_mismatch", f"what is declared is of pack {payee.pack}, not {pack}."
    paid = [stretch for stretch in payee.stretches if stretch.compensation is not None]
    if payee.stretches and len(paid) < len(payee.stretches):
        yield "blocker", "missing_compensation", "hr has told no compensation for all days of the period."
    currencies = {s.compensation.amount.currency for s in paid if s.compensation}
    if currencies.union(*(item.currencies for item in payee.items)) - {currency}:
        yield "blocker", "currency_mismatch", f"something is not in {currency}, the pack's currency."
    if not payee.has_bank_account:
        yield "warning", "missing_bank_account", "there is no bank account to pay to."


def clipped(
    first: date, last: date | None, *, between: tuple[date, date], first_day: date, last_day: date | None
) -> tuple[date, date] | None:
    """The days of a stretch that are in the period and in the employment; None where there is none."""
    begins = max(first, between[0], first_day)
    ends = min(each for each in (last, between[1], last_day) if each is not None)
    return (begins, ends) if begins <= ends else None
