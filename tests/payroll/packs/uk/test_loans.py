"""Student and postgraduate loans: thresholds of every plan, year and frequency, whole pounds, several at once."""

from datetime import date
from decimal import Decimal

import pytest

from shared.values.faults import Invalid
from tests.payroll.packs.uk.given import D, amount, line, paid

# per week, per month, per year
PLANS = {
    ("2025-26", "plan_1"): ("501.25", "2172.08", "26065.00"),
    ("2025-26", "plan_2"): ("547.50", "2372.50", "28470.00"),
    ("2025-26", "plan_4"): ("629.71", "2728.75", "32745.00"),
    ("2026-27", "plan_1"): ("517.30", "2241.66", "26900.00"),
    ("2026-27", "plan_2"): ("565.09", "2448.75", "29385.00"),
    ("2026-27", "plan_4"): ("649.90", "2816.25", "33795.00"),
    ("2026-27", "plan_5"): ("480.76", "2083.33", "25000.00"),
}


def loan(pay: Decimal | str, **facts: object) -> Decimal:
    return amount(paid(str(pay), **facts), "uk.student_loan")


def postgraduate(pay: Decimal | str, **facts: object) -> Decimal:
    return amount(paid(str(pay), postgraduate_loan=True, **facts), "uk.postgraduate_loan")


@pytest.mark.parametrize(("year", "plan"), PLANS)
def test_nine_per_cent_above_the_threshold_is_taken_in_whole_pounds(year: str, plan: str):
    for frequency, threshold in zip(("weekly", "monthly", "annual"), map(D, PLANS[year, plan]), strict=True):
        facts = {"year": year, "frequency": frequency, "student_loans": [plan]}
        assert loan(threshold, **facts) == D("0.00")
        assert loan(threshold + D("11.11"), **facts) == D("0.00")
        assert loan(threshold + D("11.12"), **facts) == D("1.00")
        assert loan(threshold + D("22.22"), **facts) == D("1.00")
        assert loan(threshold + D("22.23"), **facts) == D("2.00")
        assert loan(threshold + 1000, **facts) == D("90.00")
        assert loan(D("10.00"), **facts) == D("0.00")


@pytest.mark.parametrize("year", ["2025-26", "2026-27"])
def test_six_per_cent_above_the_threshold_is_taken_for_a_postgraduate_loan(year: str):
    for frequency, threshold in (("weekly", "403.84"), ("monthly", "1750.00"), ("annual", "21000.00")):
        facts = {"year": year, "frequency": frequency}
        assert postgraduate(threshold, **facts) == D("0.00")
        assert postgraduate(D(threshold) + D("16.66"), **facts) == D("0.00")
        assert postgraduate(D(threshold) + D("16.67"), **facts) == D("1.00")
        assert postgraduate(D(threshold) + 1000, **facts) == D("60.00")


@pytest.mark.parametrize(
    ("frequency", "threshold"),
    [("biweekly", "1034.61"), ("four_weekly", "2069.23"), ("quarterly", "6725.00")],
)
def test_the_threshold_of_several_weeks_or_months_is_cut_to_the_penny(frequency: str, threshold: str):
    found = line(paid("9000.00", frequency=frequency, student_loans=["plan_1"]), "uk.student_loan")

    assert found.basis == 9000 - D(threshold)
    assert found.steps[0].result == threshold
    assert found.steps[1].inputs[1] == ("threshold", threshold)


def test_the_basis_is_what_exceeds_the_threshold_even_when_no_pound_is_taken():
    found = line(paid("2242.16", student_loans=["plan_1"]), "uk.student_loan")

    assert (found.amount, found.basis, found.rule) == (D("0.00"), D("0.50"), "uk.student_loan.plan_1")
    assert line(paid("2241.66", student_loans=["plan_1"]), "uk.student_loan").basis == 0


def test_of_several_plans_the_lowest_threshold_counts_and_a_postgraduate_loan_comes_on_top():
    found = paid("4000.00", student_loans=["plan_4", "plan_2", "plan_1"], postgraduate_loan=True)

    assert line(found, "uk.student_loan").rule == "uk.student_loan.plan_1"
    assert (amount(found, "uk.student_loan"), amount(found, "uk.postgraduate_loan")) == (
        D("158.00"),
        D("135.00"),
    )
    assert line(found, "uk.student_loan").rate == D("0.09")
    assert line(found, "uk.postgraduate_loan").rate == D("0.06")
    assert dict(found.year_to_date)["student_loan"] == D("158.00")
    assert dict(found.year_to_date)["postgraduate_loan"] == D("135.00")


def test_plan_5_is_not_collected_before_april_2026():
    with pytest.raises(
        Invalid, match=r"plan_5 is not collected in 2025-26 \(plan_1, plan_2, plan_4 are\)"
    ) as refused:
        paid("4000.00", year="2025-26", student_loans=["plan_1", "plan_5"])

    assert refused.value.errors[0].pointer == "/declarations/student_loans"


def test_earlier_pay_of_the_year_moves_no_deduction_of_an_employee():
    before = {"ni_earnings": "90000.00", "gross": "90000.00"}

    assert loan("2341.66", student_loans=["plan_1"], period=9, to_date=before) == D("9.00")
    assert loan("100.00", student_loans=["plan_1"], period=9, to_date=before) == D("0.00")


def test_a_director_by_the_annual_method_pays_by_the_earnings_of_the_year():
    annual = {"student_loans": ["plan_1"], "postgraduate_loan": True, "director": {"method": "annual"}}

    first = paid("26000.00", **annual)
    second = paid("1900.00", period=2, to_date={"ni_earnings": "26000.00"}, **annual)
    third = paid("1000.05", period=3, to_date={"ni_earnings": "27900.00"}, **annual)

    assert [amount(p, "uk.student_loan") for p in (first, second, third)] == [
        D("0.00"),
        D("90.00"),
        D("90.00"),
    ]
    assert amount(first, "uk.postgraduate_loan") == D("300.00")
    assert line(third, "uk.student_loan").steps[-1].inputs == (("to_date", "180.00"), ("before", "90.00"))


def test_a_director_appointed_in_the_year_pays_above_a_part_of_the_threshold():
    director = {"method": "annual", "appointed_on": "2026-10-05"}

    found = paid("14450.00", period=12, pay_on=date(2027, 4, 5), student_loans=["plan_1"], director=director)

    assert amount(found, "uk.student_loan") == D("90.00")  # above 26,900 * 26 / 52 = 13,450


def test_a_director_by_the_alternative_method_pays_like_an_employee():
    found = paid("3241.66", student_loans=["plan_1"], director={"method": "alternative"}, period=12)

    assert amount(found, "uk.student_loan") == D("90.00")
