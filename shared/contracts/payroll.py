"""Facts that payroll publishes. None names a person's pay: amounts are told as totals by role and cost centre."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from shared.contracts.event import Event
from shared.values.fields import MoneyIO

PostingRole = Literal[
    "wages", "employer_contribution", "contractor", "expense", "withholding", "social", "pension", "garnishment",
    "other_deduction", "net_pay",
]  # fmt: skip
"""What a line of a pay run is in the books; billing has an account for each."""


class PayRunLine(BaseModel):
    """One side of a pay run's entry: exactly one of `debit` and `credit`, never negative."""

    role: PostingRole
    cost_centre: str | None = None
    debit: MoneyIO | None = None
    credit: MoneyIO | None = None


class PayRunFacts(BaseModel):
    """A pay run as the books need it: its lines balance."""

    run_id: UUID
    number: str
    kind: Literal["regular", "off_cycle", "correction", "reversal"]
    pay_on: date
    effective_on: date
    """The period's last day: when the work was done."""
    currency: str
    result_hash: str
    lines: list[PayRunLine]


class PayRunApproved(PayRunFacts, Event, type="payroll.pay_run.approved.v1"):
    """A pay run was approved by a second person: wages are owed."""


class PayRunReversed(PayRunFacts, Event, type="payroll.pay_run.reversed.v1"):
    """An approved pay run was taken back: `lines` are its lines with the sides exchanged."""

    reverses: UUID


class PayRunPaid(Event, type="payroll.pay_run.paid.v1"):
    """Net pay of a run left the bank account."""

    run_id: UUID
    number: str
    paid_on: date
    currency: str
    amount: MoneyIO


class PayslipIssued(Event, type="payroll.payslip.issued.v1"):
    """Somebody's payslip is there to be read."""

    payslip_id: UUID
    run_id: UUID
    employee_id: UUID
    employment_id: UUID
    pay_on: date


class TimeEntryFlagged(Event, type="payroll.time_entry.flagged.v1"):
    """A time entry cannot be approved as it is."""

    time_entry_id: UUID
    employment_id: UUID
    worked_on: date
    flags: list[str]


class LiabilityRemitted(Event, type="payroll.liability.remitted.v1"):
    """What was withheld was paid over to an authority, a scheme or a creditor."""

    liability_id: UUID
    role: PostingRole
    remitted_on: date
    amount: MoneyIO
