"""Wire shapes of pay runs."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.payroll.pay_runs.rules import RunKind, RunState
from shared.values.fields import (
    Entries,
    Flag,
    LocalDate,
    LongText,
    MoneyIO,
    Timestamp,
    WireInput,
    WireModel,
)

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", max_length=64)]
Payees = Annotated[list[UUID], Entries(most=1000)]
MostPayees = Annotated[list[UUID], Entries(least=1, most=1000)]


class PayRunIn(WireInput):
    """A new pay run for the period of a schedule that begins on `period_start`.

    Without `pay_on` it is paid when the schedule says. Only off-cycle runs and corrections name `payee_ids`, and pay
    what is due once; with `basic_pay` also the period's salary or wages of those whom no run has paid them.
    """

    schedule_id: UUID
    period_start: LocalDate
    pay_on: LocalDate | None = None
    kind: RunKind = RunKind.REGULAR
    payee_ids: MostPayees | None = None
    basic_pay: Flag | None = None


class CalculateRunIn(WireInput):
    """Payees to leave out of the run; they stay out until it is calculated again without naming them."""

    exclude: Payees = Field(default_factory=list)


class ApproveRunIn(WireInput):
    """The result that is approved, as the run shows it."""

    result_hash: Hash


class RejectRunIn(WireInput):
    """Why a run is not approved."""

    reason: LongText


class CancelRunIn(WireInput):
    """Why a run is cancelled."""

    reason: LongText | None = None


class PayRunPaymentIn(WireInput):
    """When net pay left the account."""

    paid_on: LocalDate


class ReverseRunIn(WireInput):
    """Why a run is taken back."""

    reason: LongText | None = None


class ProgressOut(WireModel):
    """How far a calculation is, in payees."""

    done: int
    total: int | None


class RunErrorOut(WireModel):
    """Why a calculation has ended."""

    code: str
    message: str


class MissingFactOut(WireModel):
    """A field of the employer's profile that is needed, by its pointer, and what for."""

    pointer: str
    message: str


class RunTotalsOut(WireModel):
    """What the payslips come to; taxes by their codes."""

    gross: MoneyIO
    reimbursed: MoneyIO
    taxes: dict[str, MoneyIO]
    deductions: MoneyIO
    net: MoneyIO
    employer_cost: MoneyIO


class PayRunOut(WireModel):
    """A pay run. `input_hash` is made of what its payslips were calculated from, `result_hash` of what came out."""

    id: UUID
    number: str
    kind: RunKind
    state: RunState
    schedule_id: UUID
    pack: str
    currency: str
    basic_pay: bool
    period_number: int
    period_start: LocalDate
    period_end: LocalDate
    tax_year: int
    pay_on: LocalDate
    tax_on: LocalDate
    payee_ids: list[UUID] | None
    excluded: list[UUID]
    reverses: UUID | None
    job_id: UUID | None
    progress: ProgressOut | None
    error: RunErrorOut | None
    payslips: int
    totals: RunTotalsOut | None
    warnings: Annotated[dict[str, int], Field(description="How many payees have a warning, by its code.")]
    missing: Annotated[list[MissingFactOut], Field(description="What the employer's profile lacks.")]
    input_hash: str | None
    result_hash: str | None
    submitted_by: str | None
    approved_by: str | None
    paid_on: LocalDate | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class PayRunProblemOut(WireModel):
    """Why somebody is not paid in a run, or what is odd about it; tells no amount."""

    id: UUID
    run_id: UUID
    payee_id: UUID
    number: str
    name: str
    severity: Literal["blocker", "warning"]
    code: str
    message: str
    rule: str


class VarianceOut(WireModel):
    """What a code of somebody comes to in this run and in the other one, where that differs."""

    payee_id: UUID
    number: str
    name: str
    code: str
    amount: MoneyIO
    against: MoneyIO
    difference: MoneyIO


class RegisterRowOut(WireModel):
    """What one payee gets in a run."""

    payslip_id: UUID
    payee_id: UUID
    number: str
    name: str
    cost_centre: str | None
    gross: MoneyIO
    reimbursed: MoneyIO
    deductions: MoneyIO
    taxes: MoneyIO
    net: MoneyIO
    employer_cost: MoneyIO
