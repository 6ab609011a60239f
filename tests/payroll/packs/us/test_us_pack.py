"""The pack as a whole: the order of a payslip, net pay, measures of the year, warnings, and what always holds."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payroll.engine.editions import MissingEdition
from services.payroll.engine.inputs import Deduction, Treatment
from services.payroll.engine.lines import LineKind
from services.payroll.packs import packs
from services.payroll.packs.us import PACK
from services.payroll.packs.us.certificates import CERTIFICATES
from services.payroll.packs.us.states.tables import untaxed
from shared.values.faults import Invalid
from tests.payroll.packs.us.given import STATUSES, amounts, deducted, earned, federal, line, named, pay

CENT = Decimal("0.01")
GROSS = st.integers(0, 60_000_000).map(lambda n: Decimal(n) / 100)


def test_the_pack_is_found_by_its_folder():
    assert packs()["us"] is PACK
    assert (PACK.name, PACK.title, PACK.currency) == ("us", "United States", "USD")


@pytest.mark.parametrize("day", ["2023-12-31", "2027-01-01"])
def test_a_day_without_tables_is_refused(day: str):
    with pytest.raises(MissingEdition) as refused:
        pay("1000.00", pay_on=day)

    assert refused.value.code == "missing_pack"


@pytest.mark.parametrize(("first", "last"), [("2024-01-01", "2024-12-31"), ("2026-01-01", "2026-12-31")])
def test_the_day_of_pay_chooses_the_tables(first: str, last: str):
    assert amounts(pay("1000.00", pay_on=first)) == amounts(pay("1000.00", pay_on=last))
    assert [federal("1000.00", year=year) for year in (2024, 2025, 2026)] == [
        Decimal("81.85"), Decimal("80.80"), Decimal("78.08"),
    ]  # fmt: skip


def test_lines_come_in_the_order_of_a_payslip():
    result = pay(
        earnings=[earned("regular", "2000.00"), earned("reimbursement", "50.00", "miles")],
        deductions=[deducted("pretax_401k", percent="5"), deducted("post_tax", "20.00")],
        state="CA",
    )

    assert [(each.code, each.kind.value) for each in result.lines] == [
        ("regular", "earning"),
        ("miles", "reimbursement"),
        ("a_pretax_401k", "deduction"),
        ("a_post_tax", "deduction"),
        ("us.federal_income_tax", "tax"),
        ("us.social_security", "tax"),
        ("us.medicare", "tax"),
        ("us.state_income_tax", "tax"),
        ("us.state_disability", "tax"),
        ("us.social_security_employer", "employer"),
        ("us.medicare_employer", "employer"),
        ("us.futa", "employer"),
    ]
    assert result.gross == 2000
    retirement = line(result, "a_pretax_401k")
    assert (retirement.amount, retirement.basis, retirement.rate) == (100, 2000, Decimal("0.05"))
    assert retirement.steps[0].rounding == "half_up_cent"


def test_per_cent_is_of_gross_earnings_without_reimbursements_and_never_of_less_than_nothing():
    parts = [
        earned("regular", "333.33"),
        earned("supplemental", "100.00"),
        earned("reimbursement", "1000.00"),
    ]
    result = pay(earnings=parts, deductions=[deducted("post_tax", percent="2.5")])

    assert line(result, "a_post_tax").amount == Decimal("10.83")
    negative = pay("-100.00", deductions=[deducted("post_tax", percent="2.5")])
    assert line(negative, "a_post_tax").amount == 0


@pytest.mark.parametrize("treatment", ["net_pay_arrangement", "relief_at_source", "salary_sacrifice"])
def test_a_treatment_of_another_country_is_refused_at_its_place(treatment: str):
    taken = [deducted("post_tax", "1.00"), Deduction("pension", Treatment(treatment), Decimal(1))]
    with pytest.raises(Invalid) as refused:
        pay("1000.00", deductions=taken)

    assert refused.value.errors[0].pointer == "/deductions/1/treatment"
    assert refused.value.errors[0].code == "unsupported_treatment"


def test_what_a_pay_adds_to_the_year_is_named_by_measure():
    result = pay(
        earnings=[earned("regular", "1000.00"), earned("supplemental", "500.00")],
        deductions=[deducted("pretax_401k", "100.00"), deducted("section_125", "50.00")],
        ytd={"social_security_wages": "184000", "medicare_wages": "184000"},
    )

    assert dict(result.year_to_date) == {
        "gross": 1500,
        "taxable": 1350,
        "tax": line(result, "us.federal_income_tax").amount,
        "social_security_wages": 500,
        "medicare_wages": 1450,
        "supplemental": 500,
        "futa_wages": 0,
        "qualified_overtime": 0,
        "cash_tips": 0,
    }


def test_the_w2_of_2026_wants_the_premium_half_of_overtime_and_cash_tips_apart():
    parts = [
        earned("overtime", "90.00"),
        earned("overtime", "100.00", "double_time"),
        earned("overtime", "15.00", "overtime_premium"),
        earned("tips", "40.00"),
    ]
    result = pay(earnings=parts)

    assert named(result, "qualified_overtime") == 30 + 25 + 15
    assert named(result, "cash_tips") == 40
    assert "cash_tips" not in dict(pay(earnings=parts, pay_on="2025-03-06").year_to_date)
    assert named(pay(earnings=[earned("overtime", "100.00")]), "qualified_overtime") == Decimal("33.33")


def test_deductions_beyond_the_pay_are_warned_of_by_their_lines():
    result = pay("100.00", state="TX", deductions=[deducted("post_tax", "200.00")])

    assert result.net == Decimal("-107.65")
    assert result.warnings == (
        "negative_net: net pay is -107.65; more than is paid is taken by a_post_tax, us.social_security, us.medicare.",
    )
    assert not pay("100.00", state="TX", deductions=[deducted("post_tax", "92.35")]).warnings


def test_pay_that_is_itself_below_zero_is_warned_of_in_a_whole_sentence():
    before = {"medicare_wages": "5000", "social_security_wages": "5000"}
    corrected = pay("-500.00", state="TX", ytd=before)
    and_taken = pay("-500.00", state="TX", ytd=before, deductions=[deducted("post_tax", "20.00")])

    assert corrected.warnings == ("negative_net: net pay is -461.75; pay itself comes to -500.00.",)
    assert and_taken.warnings == (
        "negative_net: net pay is -481.75; pay itself comes to -500.00, and 20.00 more is taken by a_post_tax.",
    )


def test_nothing_earned_has_nothing_taken():
    result = pay("0.00", state="TX")

    assert result.net == result.employer_cost == 0
    assert line(result, "us.federal_income_tax").rule == "us.federal_income_tax.no_wages"


declared = st.fixed_dictionaries(
    {
        "filing_status": st.sampled_from(STATUSES),
        "step2": st.booleans(),
        "step3": st.integers(0, 10_000),
        "step4a": st.integers(0, 50_000),
        "step4b": st.integers(0, 50_000),
        "state": st.sampled_from([*CERTIFICATES, *sorted(untaxed().states), None]),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    gross=GROSS,
    form=declared,
    frequency=st.sampled_from(["weekly", "biweekly", "semimonthly", "monthly", "annual"]),
    retirement=st.integers(0, 5000),
    cafeteria=st.integers(0, 5000),
    bonus=GROSS,
)
def test_the_lines_always_add_up_to_net_pay_in_whole_cents(
    gross, form, frequency, retirement, cafeteria, bonus
):
    result = pay(
        frequency=frequency,
        earnings=[earned("regular", str(gross)), earned("supplemental", str(bonus), "bonus")],
        deductions=[deducted("pretax_401k", str(retirement)), deducted("section_125", str(cafeteria))],
        **form,
    )
    taken = sum(each.amount for each in result.lines if each.kind in (LineKind.TAX, LineKind.DEDUCTION))

    assert result.net == gross + bonus - taken
    assert all(each.amount == each.amount.quantize(CENT) for each in result.lines)
    assert all(each.basis == each.basis.quantize(CENT) for each in result.lines if each.basis is not None)
    assert all(each.amount >= 0 for each in result.lines)
    assert all(
        each.source and each.rule and each.steps for each in result.lines if each.kind is LineKind.EMPLOYER
    )
    assert all("E" not in step.result for each in result.lines for step in each.steps)
    assert named(result, "gross") == gross + bonus


@settings(max_examples=150, deadline=None)
@given(low=GROSS.filter(bool), more=GROSS, form=declared)
def test_more_pay_never_has_less_tax_nor_leaves_less(low: Decimal, more: Decimal, form: dict):
    # without any pay nothing is withheld, with a cent the tax on the other income of step 4a
    form = {**form, "state": None}
    lower, higher = pay(low, **form), pay(low + more, **form)

    for code in ("us.federal_income_tax", "us.social_security", "us.medicare", "us.futa"):
        assert amounts(lower)[code] <= amounts(higher)[code]
    assert lower.net <= higher.net + CENT


@settings(max_examples=60, deadline=None)
@given(
    gross=GROSS,
    credit=st.integers(0, 20_000),
    deduction=st.integers(0, 100_000),
    extra=st.integers(0, 100_000),
)
def test_each_entry_of_form_w4_moves_the_tax_its_own_way(gross, credit, deduction, extra):
    plain = federal(gross, "monthly")

    assert federal(gross, "monthly", step3=credit) <= plain
    assert (
        federal(gross, "monthly", step4b=deduction) <= plain <= federal(gross, "monthly", step4a=extra)
        or not gross
    )
    assert federal(gross, "monthly", step4c=extra) == (plain + extra if gross else 0)
    assert plain <= federal(gross, "monthly", step2=True)


def test_the_same_input_has_the_same_result_every_time():
    first, second = (pay("1234.56", state="NY", state_declaration={"city": "NYC"}) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("frequency", "most"),
    [("daily", 366), ("weekly", 53), ("biweekly", 27), ("four_weekly", 14), ("semimonthly", 25), ("monthly", 13),
     ("quarterly", 5), ("semiannual", 3), ("annual", 2)],
)  # fmt: skip
def test_a_period_is_one_of_the_year_or_the_one_beyond_that_a_year_may_have(frequency: str, most: int):
    for period in (1, most):
        assert pay("1000.00", frequency, period=period).gross == 1000
    for period in (-5, 0, most + 1, 10**18):
        with pytest.raises(Invalid) as refused:
            pay("1000.00", frequency, period=period)
        assert [(e.pointer, e.code) for e in refused.value.errors] == [("/period", "period_out_of_range")]


@pytest.mark.parametrize("treatment", ["pretax_401k", "section_125", "post_tax"])
def test_a_percentage_of_negative_earnings_takes_nothing(treatment: str):
    taken = line(pay("-500.00", deductions=[deducted(treatment, percent="5")]), f"a_{treatment}")

    assert (taken.amount, taken.basis) == (0, 0)
