"""What an entry, a period, a day of the books and an open item must be; refused with facts, and by the database."""

import calendar
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from shared.context.lifecycle import Lifecycle
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.ids import new_id
from shared.values.money import Money


class PeriodState(StrEnum):
    """Whether a month may still be posted to."""

    OPEN = "open"
    CLOSED = "closed"


LIFECYCLE = Lifecycle(
    "period",
    (PeriodState.OPEN, "close", PeriodState.CLOSED),
    (PeriodState.CLOSED, "reopen", PeriodState.OPEN),
    initial=PeriodState.OPEN,
)

SUBLEDGER_CONTROLS: Final = frozenset({"receivable", "payable"})
"""Controls whose accounts are posted to by documents only, each posting naming its open item."""
SOURCE_MANUAL: Final = "manual"
SOURCE_REVERSAL: Final = "reversal"
SOURCE_PAY_RUN: Final = "pay_run"
SOURCE_NET_PAY: Final = "pay_run_payment"
SOURCE_PAY_RUN_REVERSAL: Final = "pay_run_reversal"
SOURCE_REMITTANCE: Final = "payroll_remittance"
PAYROLL_SOURCES: Final = (SOURCE_PAY_RUN, SOURCE_NET_PAY, SOURCE_PAY_RUN_REVERSAL, SOURCE_REMITTANCE)
"""What payroll told: a pay run, its net pay, its reversal (each by the run's id), and what was remitted."""
SERIES: Final = "JE"
EntryKind = Literal["ordinary", "closing"]
"""A closing entry moves a year's result to equity by hand; no statement shows that as income or expense."""
EARLIEST: Final = date(1990, 1, 1)
"""The first day of books that say nothing of their opening; the trigger on entries names the same day."""
EARLIEST_OPENING: Final = date(1900, 1, 1)


class UnbalancedEntry(Invalid):
    """Debits and credits differ, or there are fewer than two lines."""

    code = "unbalanced_entry"


class UnknownAccount(Invalid):
    """A line names an account that the chart does not have."""

    code = "unknown_account"


class ControlAccount(Refused):
    """A receivable or payable account moves with its documents only."""

    code = "control_account"


class NotAllocated(Refused):
    """More would be taken back from a document than was allocated to it."""

    code = "not_allocated"


class AlreadyPosted(Refused):
    """The same source was posted before."""

    code = "already_posted"


class AlreadyReversed(Refused):
    """An entry is reversed once."""

    code = "already_reversed"


class ReversalOfReversal(Refused):
    """A reversal stands; post the entry anew instead."""

    code = "reversal_of_reversal"


class AccountExists(Refused):
    """The chart has an account of this code."""

    code = "already_exists"


class EarlierPeriodOpen(Refused):
    """Months close in order: one before this is still open."""

    code = "earlier_period_open"


class LaterPeriodClosed(Refused):
    """Months reopen in the opposite order: one after this is closed."""

    code = "later_period_closed"


class EntriesBeforeOpening(Refused):
    """The books cannot open after their first entry."""

    code = "entries_before_opening"


class FiscalYearFixed(Refused):
    """Years that were closed or reported keep their first month."""

    code = "fiscal_year_fixed"


class DateOutOfRange(Invalid):
    """A day that lies before what may be, or after it; `earliest` and `latest` are the bounds."""

    code = "date_out_of_range"

    def __init__(self, sentence: str, pointer: str, bounds: "DateBounds") -> None:
        errors = [FieldError(pointer, self.code, sentence)]
        super().__init__(sentence, errors=errors, earliest=bounds.first, latest=bounds.last)


@dataclass(frozen=True, slots=True)
class DateBounds:
    """The first and the last day that a date may be, both included."""

    first: date
    last: date

    def require(self, pointer: str, day: date | None) -> None:
        """Refuse a day outside with 422 `date_out_of_range`, which names the field and both bounds; none passes."""
        if day is not None and not self.first <= day <= self.last:
            raise DateOutOfRange(
                f"{day} is not possible here: give a day from {self.first} to {self.last}.", pointer, self
            )


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry: debit positive, credit negative; a control account's line names its open item."""

    account: str
    amount: Money
    open_item_id: UUID | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document's claim or credit on a control account, opened by its posting; `amount` signed as posted."""

    id: UUID
    kind: str
    party_id: UUID
    account: str
    amount: Money
    due_on: date | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry to be recorded, together with the open items that its control postings open."""

    id: UUID = field(default_factory=new_id)
    postings: Sequence[Posting]
    effective_on: date
    memo: str
    source: str
    source_id: UUID | None
    open_items: Sequence[OpenItem] = ()
    number: str | None = None
    reverses_id: UUID | None = None
    kind: EntryKind = "ordinary"


@dataclass(frozen=True, slots=True)
class Allocation:
    """How much of a credit (payment, credit note) settles a debit (invoice)."""

    from_item: UUID
    to_item: UUID
    amount: Money


def required_back(item_id: UUID, amount: Money | None, settled: Money | None) -> Money:
    """How much of an item is to be open again: an amount, or all that a credit has settled of it; never more."""
    if settled is None:
        raise NotAllocated(f"None of this settles invoice {item_id}.", invoice_id=item_id)
    if amount is not None and amount > settled:
        allocated = {"amount": settled.text, "currency": settled.currency}
        sentence = f"Only {settled} of this settles invoice {item_id}."
        raise NotAllocated(sentence, invoice_id=item_id, allocated=allocated)
    return amount or settled


def month_of(day: date) -> date:
    """The first day of a day's month: the key of its period."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def a_year_after(day: date) -> date:
    """The same day of the next year; of 29 February the 28th."""
    return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day)


def fiscal_year_start(day: date, first_month: int) -> date:
    """The first day of the fiscal year that a day lies in."""
    return date(day.year if day.month >= first_month else day.year - 1, first_month, 1)


def check_entry(postings: Sequence[Posting]) -> None:
    """Refuse fewer than two lines, a line of nothing, and debits that differ from credits in any currency."""
    if len(postings) < 2:
        raise UnbalancedEntry("An entry has at least two lines.")
    sums: defaultdict[str, int] = defaultdict(int)
    for line, posting in enumerate(postings):
        if posting.amount.is_zero:
            raise Invalid.field(f"/lines/{line}", "amount_zero", "A line of nothing says nothing.")
        sums[posting.amount.currency] += posting.amount.minor
    off = [f"{minor:+d} minor units of {currency}" for currency, minor in sorted(sums.items()) if minor]
    if off:
        raise UnbalancedEntry(
            "Debits and credits must be equal in each currency.",
            errors=[FieldError("/lines", "unbalanced_entry", f"Debits less credits: {', '.join(off)}.")],
        )


def mirrored(postings: Sequence[Posting]) -> list[Posting]:
    """The lines that undo an entry: same accounts and open items, opposite amounts."""
    return [Posting(p.account, -p.amount, p.open_item_id, p.dimensions) for p in postings]


def check_reversal(*, effective_on: date, original_on: date, reverses_id: UUID | None) -> None:
    """Refuse to reverse a reversal, and to do so before the entry took effect."""
    if reverses_id is not None:
        raise ReversalOfReversal("This entry is itself a reversal; post the entry anew instead.")
    if effective_on < original_on:
        raise Invalid.field(
            "/effective_on",
            "before_original",
            f"The entry took effect on {original_on}; reverse it then or later.",
        )
