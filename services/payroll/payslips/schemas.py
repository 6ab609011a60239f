"""Wire shapes of payslips."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, PlainSerializer

from shared.values.fields import LocalDate, MoneyIO, Timestamp, WireModel, decimal_text

Exact = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str)]
"""A number of a calculation, as exact as it was: hours, a fraction, an amount that is not rounded."""


class PayslipSummaryOut(WireModel):
    """A payslip without its amounts. `void`: its run was cancelled; `reverses`: the one that it takes back."""

    id: UUID
    run_id: UUID
    payee_id: UUID
    employee_id: UUID
    employment_id: UUID
    number: str
    name: str
    kind: Literal["employee", "contractor"]
    cost_centre: str | None
    period_start: LocalDate
    period_end: LocalDate
    tax_year: int
    pay_on: LocalDate
    posted: bool
    void: bool
    issued_at: Timestamp | None
    reverses: UUID | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class PayslipLineOut(WireModel):
    """One line: `amount` is positive in the direction of its kind, `rate` a fraction, `year_to_date` of the code."""

    position: int
    code: str
    kind: Literal["earning", "reimbursement", "deduction", "sacrifice", "tax", "employer"]
    role: str
    basis: Exact | None
    rate: Exact | None
    amount: MoneyIO
    year_to_date: MoneyIO
    rule: str


class PayslipOut(PayslipSummaryOut):
    """A payslip in full: net is gross and what is reimbursed, less deductions and taxes."""

    gross: MoneyIO
    reimbursed: MoneyIO
    deductions: MoneyIO
    taxes: MoneyIO
    net: MoneyIO
    employer_cost: MoneyIO
    lines: list[PayslipLineOut]
    warnings: list[str]
    input_hash: Annotated[str, Field(description="SHA-256 of what it was calculated from.")]
    result_hash: Annotated[str, Field(description="SHA-256 of what came out.")]


class LineSourceOut(WireModel):
    """Where a rule or table was published; `unconfirmed` says what of it nobody has seen in print."""

    publication: str
    table: str
    year: str
    unconfirmed: str | None


class LineStepOut(WireModel):
    """One step of a rule: its inputs and its result as exact texts, and the rounding by name."""

    name: str
    inputs: dict[str, str]
    result: str
    rounding: str | None


class ExplainedLineOut(WireModel):
    """How a line came about."""

    position: int
    code: str
    kind: str
    basis: str | None
    rate: str | None
    amount: str
    rule: str
    source: LineSourceOut | None
    steps: list[LineStepOut]


class PayslipExplainedOut(WireModel):
    """All lines explained, with what they were calculated by. `explains` is the payslip that was calculated."""

    id: UUID
    explains: UUID
    engine: str
    tables: Annotated[str, Field(description="SHA-256 over the checksums of the pack's tables.")]
    input_hash: str
    result_hash: str
    lines: list[ExplainedLineOut]
