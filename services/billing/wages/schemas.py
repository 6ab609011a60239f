"""Wire shapes of wages in the books."""

from typing import Literal
from uuid import UUID

from shared.contracts.payroll import PostingRole
from shared.values.fields import LocalDate, MoneyIO, Timestamp, WireModel

WagePostingState = Literal["waiting", "posted", "paid", "reversed"]
FactKind = Literal["approved", "paid", "reversed"]


class WageLineOut(WireModel):
    """What a run says of a role and cost centre, in which account it stands; `cleared` is what of net pay was paid."""

    role: PostingRole
    account: str
    cost_centre: str | None
    debit: MoneyIO | None
    credit: MoneyIO | None
    cleared: MoneyIO


class WagePostingOut(WireModel):
    """A pay run in the books; its id is the run's.

    It is `waiting` until its approval is posted: another of its facts came first, or the books refuse it for now.
    `received` is what payroll has told of it, `posting_exception_ids` which of that the books refuse. What comes
    with the approval is null before it. A run of nothing has no entry.
    """

    id: UUID
    run_id: UUID
    number: str | None
    kind: Literal["regular", "off_cycle", "correction"] | None
    state: WagePostingState
    currency: str
    pay_on: LocalDate | None
    effective_on: LocalDate | None
    paid_on: LocalDate | None
    reversed_on: LocalDate | None
    lines: list[WageLineOut]
    received: list[FactKind]
    posting_exception_ids: list[UUID]
    journal_entry_id: UUID | None
    payment_journal_entry_id: UUID | None
    reversal_journal_entry_id: UUID | None
    allowed_actions: list[str]
    version: int
    created_at: Timestamp
    updated_at: Timestamp
