"""Starters without a P45, the check against the minimum wage, and holiday pay by the average of 52 weeks."""

from datetime import date

import pytest

from services.payroll.engine.inputs import Earning, EarningKind
from services.payroll.packs.uk.holiday_pay import week_of_holiday_pay
from services.payroll.packs.uk.minimum_wage import minimum_wage_rate
from services.payroll.packs.uk.starters import Statement, starter_code
from tests.payroll.packs.uk.given import NEW, OLD, D, amount, deduction, line, paid, tax

CODES = [
    ("A", "rest_of_uk", "1257L", False), ("B", "rest_of_uk", "1257L", True), ("C", "rest_of_uk", "BR", False),
    ("none", "rest_of_uk", "0T", True), ("A", "scotland", "S1257L", False), ("B", "wales", "C1257L", True),
    ("C", "scotland", "SBR", False), ("C", "wales", "CBR", False), ("none", "scotland", "S0T", True),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "country", "code", "week1"), CODES)
def test_a_statement_leads_to_a_code_and_a_basis(statement: str, country: str, code: str, week1: bool):
    for tables in (OLD, NEW):
        found, single = starter_code(tables, Statement(statement), country)
        assert (found.text, single) == (code, week1)
    starter = {"statement": statement, "country": country}
    basis = "week1_month1" if week1 else "cumulative"
    by_statement = amount(paid("2500.00", period=3, tax_code=None, starter=starter), "uk.paye")
    assert by_statement == tax("2500.00", period=3, tax_code=code, basis=basis)


RATES = {
    "2025-04-01": {
        "apprentice": "7.55",
        "under_18": "7.55",
        "age_18_to_20": "10.00",
        "age_21_and_over": "12.21",
    },
    "2026-03-31": {
        "apprentice": "7.55",
        "under_18": "7.55",
        "age_18_to_20": "10.00",
        "age_21_and_over": "12.21",
    },
    "2026-04-01": {
        "apprentice": "8.00",
        "under_18": "8.00",
        "age_18_to_20": "10.85",
        "age_21_and_over": "12.71",
    },
    "2027-03-31": {
        "apprentice": "8.00",
        "under_18": "8.00",
        "age_18_to_20": "10.85",
        "age_21_and_over": "12.71",
    },
}


@pytest.mark.parametrize("day", RATES)
def test_the_minimum_wage_is_that_of_the_day_the_period_begins(day: str):
    for worker, rate in RATES[day].items():
        for tables in (OLD, NEW):
            assert minimum_wage_rate(tables, worker, date.fromisoformat(day)) == D(rate)


def warned(pay: str, hours: str, **facts: object) -> list[str]:
    worker = {"minimum_wage": {"worker": "age_21_and_over", "hours": hours}}
    found = paid(pay, pay_on=date(2026, 4, 30), **worker, **facts)
    return [w for w in found.warnings if "minimum_wage" in w]


def test_pay_below_the_minimum_wage_is_warned_of():
    assert warned("1271.00", "100") == []
    assert warned("1270.99", "100") == [
        "below_minimum_wage: 1270.99 for 100 hours is less than 12.71 an hour (1271 in all)."
    ]
    assert warned("1221.00", "100", period_start=date(2026, 3, 31)) == []


def test_tips_and_pay_given_up_do_not_count_for_the_minimum_wage():
    tips = (Earning("pay", EarningKind.REGULAR, D("1271.00")), Earning("tips", EarningKind.TIPS, D("100.00")))
    given_up = (deduction("cycle", "salary_sacrifice", of="0.01"),)

    assert warned("0.00", "100", earnings=tips) == []
    assert len(warned("0.00", "101", earnings=tips)) == 1
    assert len(warned("1271.00", "100", deductions=given_up)) == 1


def test_a_period_without_a_known_minimum_wage_is_not_checked_in_silence():
    assert warned("1.00", "100", period_start=date(2025, 3, 31)) == [
        "minimum_wage_not_checked: the tables have no minimum wage for 2025-03-31."
    ]
    assert minimum_wage_rate(NEW, "apprentice", date(2027, 4, 1)) is None


def test_holiday_pay_is_the_average_of_the_last_52_weeks_with_pay():
    assert week_of_holiday_pay(NEW, [D("100.00")] * 52 + [D("900.00")] * 40) == D("100.00")
    assert week_of_holiday_pay(NEW, [D("100.00")] * 51 + [D("152.00")]) == D("101.00")
    assert week_of_holiday_pay(NEW, [D("100.00"), D("100.00"), D("100.01")]) == D("100.00")
    assert week_of_holiday_pay(OLD, [D("100.00"), D("100.01")]) == D("100.01")


def test_weeks_without_pay_are_left_out_but_none_beyond_104_weeks_is_looked_at():
    gaps = [D("0.00"), D("200.00")] * 52
    assert week_of_holiday_pay(NEW, gaps) == D("200.00")
    assert week_of_holiday_pay(NEW, [D("0.00")] * 103 + [D("50.00"), D("90.00")]) == D("50.00")
    assert week_of_holiday_pay(NEW, [D("0.00")] * 104 + [D("90.00")]) == D("0.00")
    assert week_of_holiday_pay(NEW, []) == D("0.00")


def test_a_starters_scottish_emergency_code_is_on_the_scottish_bands():
    found = line(paid("3000.00", tax_code=None, starter={"statement": "A", "country": "scotland"}), "uk.paye")

    assert found.amount == tax("3000.00", tax_code="S1257L")
