"""Pensions: who must be enrolled, qualifying earnings, contributions by treatment, the legal minimum."""

import pytest

from services.payroll.engine.inputs import Frequency, Treatment
from services.payroll.engine.lines import LineKind
from services.payroll.packs.uk.pensions import (
    PensionBasis,
    PensionTerms,
    WorkerKind,
    assess_worker,
    below_minimum,
    qualifying_earnings,
)
from shared.values.faults import Invalid
from tests.payroll.packs.uk.given import NEW, OLD, D, amount, deduction, line, paid, tax

# lower level, upper level, trigger
LEVELS = {
    "weekly": (120, 967, 192),
    "biweekly": (240, 1934, 384),
    "four_weekly": (480, 3867, 768),
    "monthly": (520, 4189, 833),
    "quarterly": (1560, 12568, 2499),
    "semiannual": (3120, 25135, 4998),
    "annual": (6240, 50270, 10000),
}


@pytest.mark.parametrize("tables", [OLD, NEW], ids=["2025-26", "2026-27"])
@pytest.mark.parametrize("name", LEVELS)
def test_qualifying_earnings_lie_between_the_levels_of_the_pay_reference_period(name: str, tables):
    lower, upper, _ = LEVELS[name]
    frequency = Frequency(name)
    cases = {
        lower: 0,
        lower + 1: 1,
        upper: upper - lower,
        upper + 1: upper - lower,
        upper - 1: upper - lower - 1,
        0: 0,
    }

    for earnings, qualifying in cases.items():
        assert qualifying_earnings(tables.pensions, D(earnings), frequency) == qualifying


@pytest.mark.parametrize("tables", [OLD, NEW], ids=["2025-26", "2026-27"])
@pytest.mark.parametrize("name", LEVELS)
def test_a_worker_is_assessed_by_age_and_earnings(name: str, tables):
    lower, _, trigger = LEVELS[name]

    def assess(age: int, earnings: str, over_pension_age: bool = False) -> WorkerKind:
        return assess_worker(tables.pensions, age, over_pension_age, D(earnings), Frequency(name))

    above = f"{trigger}.01"
    assert assess(22, above) is WorkerKind.ELIGIBLE_JOBHOLDER
    assert assess(66, above) is WorkerKind.ELIGIBLE_JOBHOLDER
    assert assess(22, f"{trigger}.00") is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(21, above) is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(16, above) is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(67, above, over_pension_age=True) is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(74, above, over_pension_age=True) is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(30, f"{lower}.01") is WorkerKind.NON_ELIGIBLE_JOBHOLDER
    assert assess(30, f"{lower}.00") is WorkerKind.ENTITLED_WORKER
    assert assess(15, above) is WorkerKind.OUTSIDE
    assert assess(75, above, over_pension_age=True) is WorkerKind.OUTSIDE


def test_no_level_is_published_for_pay_by_the_day():
    with pytest.raises(Invalid, match="No pension level for daily pay") as refused:
        qualifying_earnings(NEW.pensions, D(100), Frequency.DAILY)

    assert refused.value.errors[0].pointer == "/frequency"


def terms(treatment: str, **more: str) -> dict:
    return {"pension": {"treatment": treatment, "employee_percent": "5", "employer_percent": "3"} | more}


def test_a_net_pay_arrangement_leaves_tax_but_not_national_insurance():
    found = paid("3000.00", **terms("net_pay_arrangement"))

    own = line(found, "uk.pension_employee")
    assert (own.amount, own.basis, own.rate, own.kind) == (
        D("124.00"),
        D("2480.00"),
        D("0.05"),
        LineKind.DEDUCTION,
    )
    assert amount(found, "uk.pension_employer") == D("74.40")
    assert line(found, "uk.pension_employer").rate == D("0.03")
    assert amount(found, "uk.paye") == tax("2876.00") == D("365.40")
    assert amount(found, "uk.ni_employee") == D("156.16")
    measures = dict(found.year_to_date)
    assert (measures["taxable"], measures["ni_earnings"]) == (D("2876.00"), D("3000.00"))
    assert (measures["pension_employee"], measures["pension_employer"]) == (D("124.00"), D("74.40"))
    assert found.net == D("3000.00") - D("124.00") - D("365.40") - D("156.16")


def test_relief_at_source_takes_what_the_scheme_does_not_claim():
    found = paid("3000.00", **terms("relief_at_source"))

    assert amount(found, "uk.pension_employee") == D("99.20")
    assert amount(found, "uk.pension_employer") == D("74.40")
    assert amount(found, "uk.paye") == tax("3000.00")
    assert dict(found.year_to_date)["taxable"] == D("3000.00")


def test_salary_sacrifice_leaves_both_bases_and_is_paid_by_the_employer():
    found = paid("3000.00", **terms("salary_sacrifice"))

    assert line(found, "uk.pension_employee").kind is LineKind.SACRIFICE
    assert amount(found, "uk.pension_employee") == D("124.00")
    assert amount(found, "uk.pension_employer") == D("198.40")
    assert [s.name for s in line(found, "uk.pension_employer").steps] == [
        "qualifying_earnings",
        "employer",
        "with_pay_given_up",
    ]
    assert amount(found, "uk.paye") == tax("2876.00")
    assert amount(found, "uk.ni_employee") == D("146.24")
    assert amount(found, "uk.ni_employer") == D("368.85")
    assert found.gross == D("3000.00")
    assert found.employer_cost == D("3000.00") - D("124.00") + D("368.85") + D("198.40")
    measures = dict(found.year_to_date)
    assert (measures["gross"], measures["taxable"], measures["ni_earnings"]) == (
        D("3000.00"),
        D("2876.00"),
        D("2876.00"),
    )


def test_the_basis_of_a_pension_is_explained_by_its_levels():
    for code in ("uk.pension_employee", "uk.pension_employer"):
        first = line(paid("5000.00", **terms("net_pay_arrangement")), code).steps[0]
        assert (first.name, first.result) == ("qualifying_earnings", "3669")
        assert dict(first.inputs) == {"earnings": "5000.00", "lower_level": "520", "upper_level": "4189"}


def test_a_pension_of_all_earnings_takes_no_notice_of_the_levels():
    found = paid("5000.33", **terms("net_pay_arrangement", basis="gross_earnings"))

    assert (amount(found, "uk.pension_employee"), amount(found, "uk.pension_employer")) == (
        D("250.02"),
        D("150.01"),
    )
    assert line(found, "uk.pension_employee").basis == D("5000.33")


def test_a_negative_pay_contributes_nothing():
    found = paid("-100.00", **terms("net_pay_arrangement", basis="gross_earnings"))

    assert amount(found, "uk.pension_employee") == 0


@pytest.mark.parametrize(
    ("treatment", "employee", "employer", "low"),
    [
        ("net_pay_arrangement", "5", "3", False),
        ("net_pay_arrangement", "4.99", "3", True),
        ("net_pay_arrangement", "6", "2.99", True),
        ("net_pay_arrangement", "0", "8", False),
        ("relief_at_source", "5", "3", False),
        ("salary_sacrifice", "8", "0", False),
        ("salary_sacrifice", "4", "3", True),
    ],
)
def test_terms_below_the_legal_minimum_are_warned_of(treatment: str, employee: str, employer: str, low: bool):
    declared = {"treatment": treatment, "employee_percent": employee, "employer_percent": employer}

    found = paid("3000.00", pension=declared)

    assert any(w.startswith("pension_below_minimum: 8 per cent") for w in found.warnings) is low


def test_the_minimum_is_of_qualifying_earnings():
    small = PensionTerms(Treatment.RELIEF_AT_SOURCE, D(1), D(1), PensionBasis.GROSS_EARNINGS)

    assert not below_minimum(NEW.pensions, small)


def test_deductions_by_treatment_move_the_bases_they_say():
    every = (
        deduction("union", "post_tax", percent="1"),
        deduction("cycle", "salary_sacrifice", of="100.00"),
        deduction("scheme", "net_pay_arrangement", percent="5"),
        deduction("sipp", "relief_at_source", percent="5"),
        deduction("gift", "relief_at_source", of="10.00"),
    )

    found = paid("3000.00", deductions=every)

    assert [(x.code, x.kind, x.amount, x.rate) for x in found.lines[1:6]] == [
        ("union", LineKind.DEDUCTION, D("30.00"), D("0.01")),
        ("cycle", LineKind.SACRIFICE, D("100.00"), None),
        ("scheme", LineKind.DEDUCTION, D("150.00"), D("0.05")),
        ("sipp", LineKind.DEDUCTION, D("120.00"), D("0.05")),
        ("gift", LineKind.DEDUCTION, D("10.00"), None),
    ]
    assert line(found, "union").basis == D("3000.00")
    assert line(found, "scheme").rule == "uk.deduction.net_pay_arrangement"
    measures = dict(found.year_to_date)
    assert (measures["ni_earnings"], measures["taxable"]) == (D("2900.00"), D("2750.00"))


def test_half_a_penny_goes_up():
    percent = (
        deduction("union", "post_tax", percent="5"),
        deduction("sipp", "relief_at_source", percent="6.25"),
    )
    pension = {"treatment": "net_pay_arrangement", "employee_percent": "5", "employer_percent": "5"}

    found = paid("100.10", deductions=percent, pension=pension | {"basis": "gross_earnings"})

    codes = ("union", "sipp", "uk.pension_employee", "uk.pension_employer")
    assert [amount(found, code) for code in codes] == [D("5.01")] * 4  # 5.005


def test_deductions_before_tax_do_not_turn_the_bases_below_zero():
    found = paid("1000.00", deductions=(deduction("cycle", "salary_sacrifice", of="1200.00"),))

    measures = dict(found.year_to_date)
    assert (measures["ni_earnings"], measures["taxable"]) == (D("0.00"), D("0.00"))
    assert found.net == D("-200.00")


def test_a_correction_below_zero_is_taxable_as_it_is():
    found = paid("-500.00", deductions=(deduction("scheme", "net_pay_arrangement", of="10.00"),))

    assert dict(found.year_to_date)["taxable"] == D("-500.00")


@pytest.mark.parametrize("treatment", ["pretax_401k", "section_125"])
def test_a_treatment_of_another_country_is_refused(treatment: str):
    with pytest.raises(Invalid, match=f"knows no deduction {treatment}") as refused:
        paid(
            "1000.00",
            deductions=(deduction("a", "post_tax", of="1.00"), deduction("b", treatment, of="1.00")),
        )

    assert refused.value.errors[0].pointer == "/deductions/1/treatment"


@pytest.mark.parametrize(
    "treatment", ["net_pay_arrangement", "relief_at_source", "salary_sacrifice", "post_tax"]
)
def test_a_percentage_of_negative_earnings_takes_nothing(treatment: str):
    found = paid("-500.00", deductions=(deduction("scheme", treatment, percent="5"),))

    taken = line(found, "scheme")
    assert (taken.amount, taken.basis, taken.rate) == (D("0.00"), 0, D("0.05"))
    assert found.net == paid("-500.00").net
