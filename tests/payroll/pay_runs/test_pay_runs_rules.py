"""Rules of pay runs: days, verbs of a kind, entries that balance."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from services.payroll.pay_runs.rules import (
    RunKind,
    RunState,
    allowed_for,
    event_lines,
    paid_period,
    posting_lines,
    require_paid_day,
)
from services.payroll.schedules.rules import period_starting
from services.payroll.schedules.rules.calendars import calendar_of
from shared.values.faults import Invalid

UK, US = calendar_of("uk"), calendar_of("us")


@dataclass(frozen=True)
class Monthly:
    frequency: str = "monthly"
    anchor: date = date(2026, 1, 31)
    second_anchor: date | None = None
    pay_day_rule: str = "before"
    cut_off_days: int | None = None


def test_a_regular_run_that_is_paid_early_keeps_the_tax_day_of_the_uk():
    planned = period_starting(Monthly(), date(2026, 4, 1), UK)
    early = paid_period(Monthly(), planned, RunKind.REGULAR, date(2026, 4, 15), UK)
    assert (early.pay_on, early.tax_on, early.number) == (date(2026, 4, 15), planned.tax_on, planned.number)


def test_an_off_cycle_run_counts_on_the_day_it_is_paid():
    planned = period_starting(Monthly(), date(2026, 3, 1), UK)
    late = paid_period(Monthly(), planned, RunKind.OFF_CYCLE, date(2026, 4, 15), UK)
    assert (planned.tax_year, late.tax_year) == (2025, 2026)
    assert (late.tax_on, late.number) == (date(2026, 4, 15), 1)


def test_pay_of_december_that_is_paid_in_january_is_of_the_new_year_in_the_us():
    planned = period_starting(Monthly(), date(2026, 12, 1), US)
    late = paid_period(Monthly(), planned, RunKind.REGULAR, date(2027, 1, 4), US)
    assert (planned.tax_year, planned.number) == (2026, 12)
    assert (late.tax_year, late.tax_on, late.number) == (2027, date(2027, 1, 4), 1)


@pytest.mark.parametrize(
    ("paid_on", "code"), [(date(2026, 3, 31), "before_the_period"), (date(2026, 5, 2), "not_yet")]
)
def test_a_day_of_payment_lies_between_the_period_and_today(paid_on: date, code: str):
    with pytest.raises(Invalid) as refused:
        require_paid_day(paid_on, period_start=date(2026, 4, 1), today=date(2026, 5, 1))
    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == ("/paid_on", code)


def test_an_entry_that_does_not_balance_is_no_entry():
    with pytest.raises(ValueError, match="balance"):
        posting_lines([("wages", "S1", Decimal("10.00")), ("net_pay", None, Decimal("-9.99"))])


def test_a_mirrored_entry_has_its_sides_exchanged_and_no_negative_amount():
    signed = [
        ("wages", None, Decimal("90.00")),
        ("withholding", None, Decimal("10.00")),
        ("net_pay", None, Decimal(-100)),
    ]
    plain = event_lines(posting_lines(signed), "GBP")
    mirrored = event_lines(posting_lines(signed), "GBP", mirrored=True)

    assert [(a.debit, a.credit) for a in plain] == [(b.credit, b.debit) for b in mirrored]
    assert all((line.debit or line.credit).minor > 0 for line in plain)  # type: ignore[union-attr]


def test_a_reversal_is_neither_calculated_nor_paid():
    assert allowed_for("reversal", RunState.CALCULATED) == ["submit", "cancel"]
    assert allowed_for("reversal", RunState.APPROVED) == []
    assert allowed_for("regular", RunState.APPROVED) == ["cancel", "pay"]
