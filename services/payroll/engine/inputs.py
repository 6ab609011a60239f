"""What a calculation needs to know of one person's pay in one period."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

ZERO = Decimal("0.00")


class Frequency(StrEnum):
    """How often somebody is paid; each has a fixed number of periods in a year."""

    DAILY = "daily"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    FOUR_WEEKLY = "four_weekly"
    SEMIMONTHLY = "semimonthly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"


class EarningKind(StrEnum):
    """How taxes treat an earning."""

    REGULAR = "regular"
    SUPPLEMENTAL = "supplemental"
    OVERTIME = "overtime"
    TIPS = "tips"
    REIMBURSEMENT = "reimbursement"
    """Paid out and no earning: of expenses; neither taxed nor part of gross pay."""


class Treatment(StrEnum):
    """Whether a deduction comes before or after taxes, and before which."""

    PRETAX_401K = "pretax_401k"
    SECTION_125 = "section_125"
    POST_TAX = "post_tax"
    NET_PAY_ARRANGEMENT = "net_pay_arrangement"
    RELIEF_AT_SOURCE = "relief_at_source"
    SALARY_SACRIFICE = "salary_sacrifice"


@dataclass(frozen=True, slots=True)
class Earning:
    """Something earned in the period: `amount` in units of the pack's currency, exact to its minor unit."""

    code: str
    kind: EarningKind
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Deduction:
    """Something taken off: an amount, or a percentage (5 is five per cent) of what its treatment says."""

    code: str
    treatment: Treatment
    amount: Decimal | None = None
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class YearToDate:
    """What came before this pay in the tax year (this employment), all zero in its first period."""

    gross: Decimal = ZERO
    taxable: Decimal = ZERO
    tax: Decimal = ZERO
    social_security_wages: Decimal = ZERO
    medicare_wages: Decimal = ZERO
    ni_earnings: Decimal = ZERO
    ni_employee: Decimal = ZERO
    ni_employer: Decimal = ZERO
    supplemental: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PayInput:
    """One person's pay of one period.

    `pay_on` chooses the edition of the tables. `period` is the number of the pay period in the tax year, as the pack
    counts (US: from 1; UK: the tax week or month in which it ends). `declarations` is an instance of the pack's own
    model (tax code, Form W-4, ...). `employer` is what the pack wants to know of the employer (US: unemployment rates),
    an instance of the pack's own model, or None.
    """

    pay_on: date
    frequency: Frequency
    period: int
    period_start: date
    earnings: tuple[Earning, ...]
    declarations: Any
    deductions: tuple[Deduction, ...] = ()
    year_to_date: YearToDate = field(default_factory=YearToDate)
    employer: Any = None
