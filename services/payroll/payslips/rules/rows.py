"""Payslips and their lines as they are stored; ids and amounts as texts, as they are handed to a statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PayslipRow:
    """A new payslip, without its record."""

    id: str
    run_id: str
    payee_id: str
    employee_id: str
    employment_id: str
    number: str
    name: str
    kind: str
    cost_centre: str | None
    currency: str
    period_start: date
    period_end: date
    tax_year: int
    pay_on: date
    tax_on: date
    pays_period: bool
    gross: str
    reimbursed: str
    deductions: str
    taxes: str
    net: str
    employer_cost: str
    measures: Mapping[str, str]
    item_ids: Sequence[str]
    input_hash: str
    result_hash: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a new payslip."""

    payslip_id: str
    position: int
    code: str
    kind: str
    role: str
    item_id: str | None
    basis: str | None
    rate: str | None
    amount: str
    year_to_date: str
    rule: str
