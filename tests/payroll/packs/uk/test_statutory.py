"""Statutory payments: average weekly earnings, sick pay of both years, parental pay."""

import pytest

from services.payroll.engine.inputs import Frequency
from services.payroll.engine.lines import LineKind
from services.payroll.packs.uk.statutory import (
    PARENTAL_CODES,
    average_weekly_earnings,
    parental_line,
    parental_rate,
    payable_sick_days,
    sick_pay_line,
    sick_pay_rate,
)
from tests.payroll.packs.uk.given import NEW, OLD, D

FULL = D("500.00")


def test_average_weekly_earnings_of_eight_weeks():
    pays = [D("200.00")] * 7 + [D("300.01")]

    assert average_weekly_earnings(pays, Frequency.WEEKLY, 8) == D("1700.01") / 8
    assert average_weekly_earnings(pays[:2], Frequency.FOUR_WEEKLY, 8) == D("50.00")


def test_average_weekly_earnings_of_months():
    assert average_weekly_earnings([D("1300.00"), D("1300.00")], Frequency.MONTHLY, 8) == D("300")
    assert average_weekly_earnings([D("2600.00")], Frequency.MONTHLY, 8) == D("600")


def test_no_earnings_average_nothing():
    assert average_weekly_earnings([], Frequency.WEEKLY, 8) == 0


DAILY_2025 = {  # printed by payroll firms for 2025-26: qualifying days a week, payment for 1, 2, ... days
    7: ["16.97", "33.93", "50.90", "67.86", "84.83", "101.79", "118.75"],
    6: ["19.80", "39.59", "59.38", "79.17", "98.96", "118.75"],
    5: ["23.75", "47.50", "71.25", "95.00", "118.75"],
    4: ["29.69", "59.38", "89.07", "118.75"],
    3: ["39.59", "79.17", "118.75"],
    2: ["59.38", "118.75"],
    1: ["118.75"],
}


@pytest.mark.parametrize("qualifying", DAILY_2025)
def test_sick_pay_of_2025_is_that_of_the_printed_table(qualifying: int):
    found = [sick_pay_line(OLD, FULL, days, qualifying).amount for days in range(1, qualifying + 1)]

    assert found == [D(text) for text in DAILY_2025[qualifying]]


def test_sick_pay_of_2025_needs_the_lower_earnings_limit():
    assert sick_pay_rate(OLD.sick_pay, D("125.00")) == D("118.75")
    assert sick_pay_rate(OLD.sick_pay, D("124.99")) == 0


def test_sick_pay_of_2026_is_the_lower_of_the_flat_rate_and_four_fifths_of_earnings():
    assert sick_pay_rate(NEW.sick_pay, D("154.06")) == D("123.248")
    assert sick_pay_rate(NEW.sick_pay, D("154.07")) == D("123.25")
    assert sick_pay_rate(NEW.sick_pay, D("10.00")) == D("8.000")
    assert sick_pay_line(NEW, D("100.00"), 5, 5).amount == D("80.00")
    assert sick_pay_line(NEW, D("100.00"), 1, 3).amount == D("26.67")
    assert sick_pay_line(NEW, FULL, 1, 7).amount == D("17.61")


def test_sickness_that_goes_on_from_before_april_2026_keeps_the_flat_rate():
    assert sick_pay_rate(NEW.sick_pay, D("126.00"), protected=True) == D("123.25")
    assert sick_pay_line(NEW, D("126.00"), 5, 5, protected=True).amount == D("123.25")


def test_waiting_days_are_those_of_the_year():
    assert payable_sick_days(OLD.sick_pay, 5, 0, 5, 0) == 2
    assert payable_sick_days(OLD.sick_pay, 2, 0, 5, 0) == 0
    assert payable_sick_days(OLD.sick_pay, 5, 2, 5, 0) == 4
    assert payable_sick_days(OLD.sick_pay, 5, 3, 5, 0) == 5
    assert payable_sick_days(OLD.sick_pay, 5, 9, 5, 2) == 5
    assert payable_sick_days(NEW.sick_pay, 5, 0, 5, 0) == 5


def test_sick_pay_ends_after_28_weeks():
    assert payable_sick_days(NEW.sick_pay, 5, 140, 5, 137) == 3
    assert payable_sick_days(NEW.sick_pay, 5, 140, 5, 140) == 0
    assert payable_sick_days(NEW.sick_pay, 5, 140, 5, 150) == 0


def test_a_line_of_sick_pay_names_its_rule_and_what_is_unconfirmed():
    found = sick_pay_line(NEW, FULL, 5, 5)

    assert (found.code, found.kind, found.rule, found.basis) == (
        "uk.ssp",
        LineKind.EARNING,
        "uk.ssp.2026-27",
        D("123.25"),
    )
    assert found.source is not None
    assert found.source.unconfirmed
    assert [s.name for s in found.steps] == ["weekly_rate", "payment"]


FLAT = {OLD: D("187.18"), NEW: D("194.32")}
WEEKS = {"smp": 39, "sap": 39, "spp": 2, "shpp": 37, "spbp": 2, "sncp": 12}


@pytest.mark.parametrize("tables", [OLD, NEW], ids=["2025-26", "2026-27"])
@pytest.mark.parametrize("code", PARENTAL_CODES)
def test_parental_pay_is_a_share_of_earnings_up_to_the_flat_rate(code: str, tables):
    flat, last = FLAT[tables], WEEKS[code]
    parental = tables.parental
    first = FULL * D("0.9") if code in ("smp", "sap") else flat

    assert parental_rate(parental, code, FULL, 1) == first
    assert parental_rate(parental, code, FULL, last) == flat
    assert parental_rate(parental, code, FULL, last + 1) == 0
    assert parental_rate(parental, code, FULL, 0) == 0
    assert parental_rate(parental, code, D("200.00"), last) == D("180.00")


def test_six_weeks_of_maternity_pay_are_at_nine_tenths():
    assert [parental_rate(NEW.parental, "smp", FULL, week) for week in (6, 7)] == [D("450.000"), D("194.32")]


@pytest.mark.parametrize(("tables", "limit"), [(OLD, "125.00"), (NEW, "129.00")], ids=["2025-26", "2026-27"])
def test_parental_pay_needs_the_lower_earnings_limit(tables, limit: str):
    assert parental_rate(tables.parental, "spp", D(limit), 1) == D(limit) * D("0.9")
    assert parental_rate(tables.parental, "spp", D(limit) - D("0.01"), 1) == 0


def test_each_payment_goes_up_to_the_next_penny():
    assert parental_line(NEW, "smp", D("333.33"), 1).amount == D("300.00")  # 299.997
    assert parental_line(NEW, "smp", D("333.33"), 5, weeks=3).amount == D("794.32")
    assert parental_line(NEW, "sap", FULL, 7, days=3).amount == D("83.28")  # 83.28
    assert parental_line(NEW, "spp", FULL, 1, weeks=2, days=1).amount == D("55.52")


def test_the_basis_of_a_line_is_an_amount_of_money():
    assert sick_pay_line(NEW, D("154.06"), 5, 5).basis == D("123.25")
    assert parental_line(NEW, "spp", D("200.001"), 1).basis == D("200.01")


def test_a_line_of_parental_pay_names_its_rule():
    found = parental_line(OLD, "shpp", FULL, 1, weeks=2)

    assert (found.code, found.rule, found.amount, found.basis) == (
        "uk.shpp",
        "uk.shpp.2025-26",
        D("374.36"),
        FULL,
    )
    assert [s.inputs[0] for s in found.steps] == [("week", "1"), ("week", "2")]
