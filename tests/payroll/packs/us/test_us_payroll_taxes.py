"""Social security, Medicare, additional Medicare, FUTA and state unemployment: caps, and a rounding that adds up."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payroll.engine.lines import LineKind
from services.payroll.packs.us.declarations import UsEmployer
from tests.payroll.packs.us.given import amounts, deducted, earned, line, named, pay

BASES = {2024: "168600", 2025: "176100", 2026: "184500"}
FICA = ("us.social_security", "us.medicare", "us.additional_medicare")
EMPLOYER = ("us.social_security_employer", "us.medicare_employer", "us.futa")
CENTS = st.integers(min_value=1, max_value=40_000_000).map(lambda n: Decimal(n) / 100)


def test_a_first_pay_has_every_tax_at_its_rate():
    result = pay("1000.00", state="TX")

    assert amounts(result) == {
        "gross": Decimal(1000),
        "us.federal_income_tax": Decimal("78.08"),
        "us.social_security": Decimal("62.00"),
        "us.medicare": Decimal("14.50"),
        "us.social_security_employer": Decimal("62.00"),
        "us.medicare_employer": Decimal("14.50"),
        "us.futa": Decimal("6.00"),
    }
    assert {line(result, code).kind for code in EMPLOYER} == {LineKind.EMPLOYER}
    assert {line(result, code).kind for code in FICA[:2]} == {LineKind.TAX}
    rates = {code: line(result, code).rate for code in ("us.social_security", "us.medicare", "us.futa")}
    assert rates == {
        "us.social_security": Decimal("0.062"), "us.medicare": Decimal("0.0145"), "us.futa": Decimal("0.006"),
    }  # fmt: skip
    assert result.employer_cost == Decimal("1082.50")


@pytest.mark.parametrize("year", BASES)
def test_social_security_stops_at_the_years_wage_base_within_one_pay(year: int):
    base = Decimal(BASES[year])
    crossing = pay("10000.00", pay_on=f"{year}-11-06", ytd={"social_security_wages": base - 600})
    after = pay("10000.00", pay_on=f"{year}-11-06", ytd={"social_security_wages": base})

    found = line(crossing, "us.social_security")
    assert (found.amount, found.basis) == (Decimal("37.20"), 600)
    assert line(crossing, "us.social_security_employer").amount == Decimal("37.20")
    assert named(crossing, "social_security_wages") == 600
    assert (line(after, "us.social_security").amount, line(after, "us.social_security").basis) == (0, 0)
    assert line(pay(base + 1, pay_on=f"{year}-11-06"), "us.social_security").amount == base * Decimal("0.062")


def test_additional_medicare_is_due_on_what_is_above_200_000_of_this_employer():
    result = pay("10000.00", ytd={"medicare_wages": "195000"})
    additional = line(result, "us.additional_medicare")

    assert line(result, "us.medicare").amount == 145
    assert (additional.amount, additional.basis, additional.rate) == (45, 5000, Decimal("0.009"))
    assert line(result, "us.medicare_employer").amount == 145


@pytest.mark.parametrize("status", ["single", "married_joint", "head_of_household"])
def test_additional_medicare_has_the_same_threshold_for_every_status(status: str):
    result = pay("250000.00", "annual", filing_status=status)

    assert line(result, "us.additional_medicare").amount == 450


def test_additional_medicare_is_not_shown_below_its_threshold_and_never_for_the_employer():
    codes = {each.code for each in pay("200000.00", "annual").lines}

    assert "us.additional_medicare" not in codes
    assert not any(
        "additional" in each.code for each in pay("300000.00").lines if each.kind is LineKind.EMPLOYER
    )


def test_once_above_the_threshold_all_wages_have_the_additional_tax():
    assert line(pay("10000.00", ytd={"medicare_wages": "300000"}), "us.additional_medicare").amount == 90


@pytest.mark.parametrize(
    ("ytd", "tax", "basis"),
    [
        ({}, "42.00", "7000"),
        ({"medicare_wages": "6900"}, "0.60", "100"),
        ({"social_security_wages": "6900"}, "0.60", "100"),
        ({"medicare_wages": "7000"}, "0.00", "0"),
    ],
)
def test_futa_is_taken_of_the_first_7000_dollars(ytd, tax, basis):
    found = line(pay("10000.00", ytd=ytd), "us.futa")

    assert (found.amount, found.basis) == (Decimal(tax), Decimal(basis))


def test_a_401k_reduces_wages_for_income_tax_only_and_a_cafeteria_plan_all():
    plain, retirement, cafeteria = (
        pay("1000.00", deductions=each)
        for each in ([], [deducted("pretax_401k", "100.00")], [deducted("section_125", "100.00")])
    )

    assert (
        line(retirement, "us.federal_income_tax").amount
        == line(pay("900.00"), "us.federal_income_tax").amount
    )
    assert amounts(cafeteria)["us.federal_income_tax"] == amounts(retirement)["us.federal_income_tax"]
    for code in (*FICA[:2], *EMPLOYER):
        assert amounts(retirement)[code] == amounts(plain)[code]
        assert amounts(cafeteria)[code] == amounts(pay("900.00"))[code]
    assert named(retirement, "medicare_wages") == 1000
    assert named(cafeteria, "medicare_wages") == named(cafeteria, "futa_wages") == 900


def test_tips_overtime_and_bonuses_are_wages_and_reimbursements_are_not():
    kinds = ("regular", "overtime", "tips", "supplemental", "reimbursement")
    result = pay(earnings=[earned(kind, "100.00") for kind in kinds])

    assert line(result, "us.social_security").basis == 400
    assert named(result, "gross") == 400


def test_state_unemployment_is_calculated_where_the_employers_rate_is_given():
    given_rate = {"state_unemployment": {"TX": {"rate": "0.027", "wage_base": "9000"}}}
    employer = UsEmployer.model_validate(given_rate)
    code = "us.state_unemployment_employer"
    first = line(pay("1000.00", state="TX", employer=employer), code)
    last = line(pay("1000.00", state="TX", employer=employer, ytd={"medicare_wages": "8500"}), code)

    assert (first.amount, first.basis, first.rate, first.kind) == (
        27,
        1000,
        Decimal("0.027"),
        LineKind.EMPLOYER,
    )
    assert (last.amount, last.basis) == (Decimal("13.50"), 500)
    assert code not in amounts(pay("1000.00", state="FL", employer=employer))
    assert code not in amounts(pay("1000.00", employer=employer))
    assert code not in amounts(pay("1000.00", state="TX"))


@settings(max_examples=120, deadline=None)
@given(st.lists(CENTS, min_size=2, max_size=12))
def test_however_a_year_is_cut_into_pays_each_tax_adds_up_to_that_on_the_years_wages(pays: list[Decimal]):
    codes = (*FICA, *EMPLOYER)
    sums = dict.fromkeys(codes, Decimal(0))
    measures = {"social_security_wages": Decimal(0), "medicare_wages": Decimal(0)}
    for gross in pays:
        result = pay(gross, ytd=dict(measures))
        for code in codes:
            sums[code] += amounts(result).get(code, Decimal(0))
        for name in measures:
            measures[name] += named(result, name)
    whole = amounts(pay(sum(pays)))

    assert sums == {code: whole.get(code, Decimal(0)) for code in codes}
    assert measures["social_security_wages"] == min(sum(pays), Decimal(BASES[2026]))


@settings(max_examples=60, deadline=None)
@given(CENTS, CENTS)
def test_a_tax_is_never_more_than_a_cent_from_the_rate_of_this_pay_alone(before: Decimal, gross: Decimal):
    found = line(pay(gross, ytd={"medicare_wages": before}), "us.medicare")
    alone = (gross * Decimal("0.0145")).quantize(Decimal("0.01"), ROUND_HALF_UP)

    assert abs(found.amount - alone) <= Decimal("0.01")


def test_the_rounding_is_explained_by_both_totals_of_the_year():
    found = line(pay("1.00", ytd={"medicare_wages": "1.00"}), "us.medicare")

    assert [(step.name, step.result, step.rounding) for step in found.steps] == [
        ("tax of the year to date", "0.03", "half_up_cent"),
        ("tax before this pay", "0.01", "half_up_cent"),
        ("tax of this pay", "0.02", None),
    ]
    assert dict(found.steps[-1].inputs) == {"tax_of_year_to_date": "0.03", "tax_before_this_pay": "0.01"}


def test_a_correction_below_zero_gives_back_what_was_taken():
    result = pay("-1000.00", ytd={"medicare_wages": "5000", "social_security_wages": "5000"})

    assert line(result, "us.social_security").amount == -62
    assert line(result, "us.medicare").amount == Decimal("-14.50")
    assert line(result, "us.federal_income_tax").amount == 0
