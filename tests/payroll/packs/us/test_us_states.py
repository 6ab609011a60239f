"""States beyond their printed examples: editions by date, periods without tables, supplemental rates, insurances."""

import json
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payroll.engine.editions import MissingEdition
from services.payroll.packs.us.certificates import CERTIFICATES
from services.payroll.packs.us.states.tables import STATES, untaxed
from shared.values.faults import Invalid
from tests.payroll.packs.us.given import amounts, deducted, earned, line, pay, state_tax


@pytest.mark.parametrize("state", sorted(untaxed().states))
@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_nine_states_have_no_tax_on_wages(state: str, year: int):
    codes = {each.code for each in pay("1000.00", pay_on=f"{year}-03-06", state=state).lines}

    assert not codes & {"us.state_income_tax", "us.local_income_tax", "us.state_disability"}


@pytest.mark.parametrize("state", sorted(set(CERTIFICATES) - {"UT"}))
def test_a_year_without_a_states_tables_is_refused_and_names_the_state(state: str):
    with pytest.raises(MissingEdition) as refused:
        pay("1000.00", pay_on="2025-12-31", state=state)

    assert (refused.value.status, refused.value.code) == (422, "missing_pack")
    assert refused.value.errors[0].pointer == "/declarations/state"


@pytest.mark.parametrize(
    ("state", "frequency"),
    [
        *(("NC", each) for each in ("daily", "four_weekly", "quarterly", "semiannual")),
        *((each, "four_weekly") for each in ("UT", "GA", "CA", "NY")),
        *(("NY", each) for each in ("quarterly", "semiannual")),
        ("MI", "daily"),
    ],
)
def test_a_pay_period_without_a_table_is_refused_and_never_estimated(state: str, frequency: str):
    with pytest.raises(Invalid) as refused:
        pay("1000.00", frequency, state=state)

    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == (
        "/frequency",
        "unsupported_frequency",
    )


def test_four_weekly_pay_is_withheld_from_where_the_state_has_a_formula():
    assert state_tax("IL", "3000.00", "four_weekly", line1=1) == Decimal("137.36")
    assert state_tax("KY", "3000.00", "four_weekly") == Decimal("95.95")
    assert state_tax("MI", "3000.00", "four_weekly", exemptions=1) == Decimal("108.21")


@pytest.mark.parametrize(
    ("frequency", "periods"),
    [("weekly", 52), ("biweekly", 26), ("semimonthly", 24), ("monthly", 12), ("quarterly", 4), ("annual", 1)],
)
def test_michigans_exemption_of_a_period_is_its_part_of_the_years_to_the_cent(frequency: str, periods: int):
    each = (Decimal(5900) / periods).quantize(Decimal("0.01"))

    assert state_tax("MI", str(3 * each), frequency, exemptions=3) == 0
    assert state_tax("MI", str(3 * each + 100), frequency, exemptions=3) == Decimal("4.25")


def test_georgia_changes_by_the_day_of_pay():
    before = state_tax("GA", "1000.00", pay_on="2026-05-10", period_start="2026-05-03")
    after = state_tax("GA", "1000.00", pay_on="2026-05-11", period_start="2026-05-04")

    assert (before, after) == (Decimal("39.92"), Decimal("35.51"))


def test_utah_changes_by_the_first_day_of_the_pay_period():
    before = state_tax("UT", "1000.00", pay_on="2026-06-12", period_start="2026-05-31")
    after = state_tax("UT", "1000.00", pay_on="2026-06-12", period_start="2026-06-01")
    tables_of_2025 = state_tax("UT", "1000.00", pay_on="2025-06-12", period_start="2025-06-01")

    assert (before, after, tables_of_2025) == (45, 45, 45)
    before = state_tax("UT", "2000.00", pay_on="2026-06-12", period_start="2026-05-31")
    after = state_tax("UT", "2000.00", pay_on="2026-06-12", period_start="2026-06-01")
    assert (before, after) == (90, 89)
    with pytest.raises(MissingEdition):
        state_tax("UT", "1000.00", pay_on="2025-06-12", period_start="2025-05-31")


def test_utah_and_colorado_take_the_status_of_form_w4_unless_told_otherwise():
    def tax(state: str, **declared: object) -> Decimal:
        return line(pay("1000.00", state=state, **declared), "us.state_income_tax").amount

    assert tax("CO") == Decimal("39.35")
    assert tax("CO", filing_status="married_joint") == Decimal("34.69")
    assert tax("CO", filing_status="married_joint", state_declaration={"status": "other"}) == Decimal("39.35")
    assert tax("CO", filing_status="head_of_household") == Decimal("39.35")
    assert tax("UT", filing_status="married_joint") == Decimal(36)
    assert tax("UT", filing_status="head_of_household") == tax("UT") == Decimal(45)
    assert tax("UT", filing_status="married_joint", state_declaration={"status": "single"}) == Decimal(45)
    assert tax("UT", state_declaration={"status": "married"}) == Decimal(36)


def test_colorados_lines_replace_the_deduction_and_add_to_the_tax():
    assert state_tax("CO", "1000.00", line2="0") == Decimal("44.00")
    assert state_tax("CO", "1000.00", line2="26000", line3="12.34") == Decimal("34.34")


@pytest.mark.parametrize("state", sorted(set(CERTIFICATES) - {"PA", "UT"}))
def test_additional_withholding_is_added_to_every_pay_with_regular_wages(state: str):
    plain, more = state_tax(state, "900.00"), state_tax(state, "900.00", additional="11.11")
    bonus = pay(
        earnings=[earned("supplemental", "900.00")], state=state, state_declaration={"additional": "11.11"}
    )
    alone = pay(earnings=[earned("supplemental", "900.00")], state=state)

    assert more - plain == Decimal("11.11")
    assert amounts(bonus)["us.state_income_tax"] == amounts(alone)["us.state_income_tax"]


def test_illinois_calls_it_line_three():
    assert state_tax("IL", "800.00", line1=2, line2=2, line3="5") == Decimal("37.13")


def test_arizona_takes_the_elected_rate_and_knows_an_election_of_none():
    for rate in ("0", "0.005", "0.01", "0.015", "0.02", "0.025", "0.03", "0.035"):
        assert state_tax("AZ", "1000.00", rate=rate) == 1000 * Decimal(rate)
    for rate in ("0.04", "0.0201", "0.5"):
        with pytest.raises(Invalid):
            state_tax("AZ", "1000.00", rate=rate)


@pytest.mark.parametrize(
    ("state", "code", "tax"),
    [
        ("PA", "bonus", "30.70"),
        ("IL", "bonus", "49.50"),
        ("NC", "bonus", "41.00"),
        ("IN", "bonus", "29.50"),
        ("MI", "bonus", "42.50"),
        ("CA", "bonus", "102.30"),
        ("CA", "stock_option", "102.30"),
        ("CA", "RSU-vesting", "102.30"),
        ("CA", "commission", "66.00"),
        ("CA", "severance", "66.00"),
        ("NY", "bonus", "117.00"),
    ],
)
def test_supplemental_wages_have_the_states_flat_rate(state: str, code: str, tax: str):
    both = pay(earnings=[earned("regular", "900.00"), earned("supplemental", "1000.00", code)], state=state)
    alone = pay(earnings=[earned("supplemental", "1000.00", code)], state=state)

    assert line(both, "us.state_income_tax").amount == state_tax(state, "900.00") + Decimal(tax)
    assert line(alone, "us.state_income_tax").amount == Decimal(tax)


def test_californias_two_supplemental_rates_hold_side_by_side_and_deductions_leave_the_bonus_to_last():
    parts = [earned("supplemental", "1000.00", "bonus"), earned("supplemental", "500.00", "commission")]
    result = pay(earnings=parts, state="CA")
    less = pay(earnings=parts, state="CA", deductions=[deducted("pretax_401k", "700.00")])

    assert line(result, "us.state_income_tax").amount == Decimal("135.30")
    assert line(less, "us.state_income_tax").amount == Decimal("81.84")


@pytest.mark.parametrize("state", ["KY", "CO", "AZ", "UT", "GA"])
def test_without_a_supplemental_rate_a_bonus_is_added_to_the_wages_of_the_period(state: str):
    both = pay(earnings=[earned("regular", "900.00"), earned("supplemental", "1000.00")], state=state)
    alone = pay(earnings=[earned("supplemental", "1000.00")], state=state)

    assert line(both, "us.state_income_tax").amount == state_tax(state, "1900.00")
    assert any(text.startswith("supplemental_alone") for text in alone.warnings)
    assert not any(text.startswith("supplemental_alone") for text in both.warnings)


def test_pennsylvania_taxes_a_401k_contribution_but_no_cafeteria_plan():
    taken = [deducted("section_125", "200.00"), deducted("pretax_401k", percent="5")]
    result = pay("2000.00", "biweekly", pay_on="2026-06-30", state="PA", deductions=taken)

    found = line(result, "us.state_income_tax")
    assert (found.basis, found.amount) == (1800, Decimal("55.26"))


def test_pennsylvania_takes_a_cafeteria_plan_out_of_a_bonus_where_there_is_no_other_pay():
    result = pay(
        earnings=[earned("supplemental", "1000.00")],
        state="PA",
        deductions=[deducted("section_125", "100.00")],
    )

    assert line(result, "us.state_income_tax").amount == Decimal("27.63")


def test_philadelphia_and_the_unemployment_contribution_take_gross_wages_without_any_deduction():
    taken = [deducted("pretax_401k", "100.00"), deducted("section_125", "100.00")]
    result = pay("1000.00", state="PA", state_declaration={"philadelphia": "resident"}, deductions=taken)

    assert line(result, "us.state_income_tax").amount == Decimal("27.63")
    assert line(result, "us.local_income_tax").amount == Decimal("37.40")
    assert line(result, "us.state_disability").amount == Decimal("0.70")


def test_other_states_tax_what_is_left_after_a_401k_and_a_cafeteria_plan():
    taken = [deducted("pretax_401k", "100.00"), deducted("section_125", "100.00")]
    result = pay("1000.00", state="CA", deductions=taken)

    assert line(result, "us.state_income_tax").amount == state_tax("CA", "800.00")
    assert line(result, "us.state_disability").basis == 900


@pytest.mark.parametrize(
    ("state", "ytd", "basis", "amount", "rule"),
    [
        ("CA", "0", "1000", "13.00", "us.ca.disability_employee"),
        ("CA", "184500", "1000", "13.00", "us.ca.disability_employee"),
        ("PA", "0", "1000", "0.70", "us.pa.unemployment_employee"),
        ("CO", "0", "1000", "4.40", "us.co.family_leave_employee"),
        ("CO", "184000", "500", "2.20", "us.co.family_leave_employee"),
        ("CO", "184500", "0", "0.00", "us.co.family_leave_employee"),
    ],
)
def test_employees_contribute_to_a_states_insurance(state, ytd, basis, amount, rule):
    found = line(pay("1000.00", state=state, ytd={"social_security_wages": ytd}), "us.state_disability")

    assert (found.basis, found.amount, found.rule) == (Decimal(basis), Decimal(amount), rule)


def california_rows() -> list[tuple[str, str, list[list[str]]]]:
    figures = json.loads((STATES / "ca/2026.json").read_text())["figures"]["income_tax"]["brackets"]
    return [(period, status, rows) for period, table in figures.items() for status, rows in table.items()]


@pytest.mark.parametrize(("period", "status", "rows"), california_rows())
def test_californias_tables_are_continuous_to_the_cent(period: str, status: str, rows: list[list[str]]):
    for (over, base, rate), (top, next_base, _) in pairwise(rows):
        derived = Decimal(base) + (Decimal(top) - Decimal(over)) * Decimal(rate)
        assert abs(derived - Decimal(next_base)) <= Decimal("0.01"), (period, status, top)


def test_california_reads_its_rows_as_over_and_its_exemption_as_not_over():
    assert state_tax("CA", "363.00") == 0
    assert state_tax("CA", "364.00") == Decimal("3.24")
    assert state_tax("CA", "727.00", status="head_household") == 0
    assert state_tax("CA", "728.00", status="head_household") == Decimal("6.52")
    assert state_tax("CA", "727.00", status="married", regular=2) == 0
    assert state_tax("CA", "727.00", status="married", regular=1) == Decimal("5.65")
    assert state_tax("CA", "615.00") == Decimal("8.76")
    assert state_tax("CA", "1615.00", estimated=1) == state_tax("CA", "1596.00")


def test_california_multiplies_the_amount_of_one_allowance_above_ten():
    assert state_tax("CA", "2000.00", regular=10) == state_tax("CA", "2000.00") - Decimal("32.37")
    assert state_tax("CA", "2000.00", regular=11) == state_tax("CA", "2000.00") - Decimal("35.64")
    assert state_tax("CA", "2000.00", estimated=10) == state_tax("CA", "1808.00")
    assert state_tax("CA", "2000.00", estimated=12) == state_tax("CA", "1772.00")


@pytest.mark.parametrize(
    ("gross", "status", "tax"),
    [
        ("20864.29", "single", "1515.05"),
        ("20864.30", "single", "2165.45"),
        ("96500.00", "single", "10695.70"),
        ("482000.00", "single", "56377.35"),
        ("41601.89", "married", "3111.94"),
        ("41601.90", "married", "4331.42"),
    ],
)
def test_new_york_taxes_wages_above_its_table_whole_at_one_rate(gross: str, status: str, tax: str):
    assert state_tax("NY", gross, status=status) == Decimal(tax)


@pytest.mark.parametrize("state", sorted(CERTIFICATES))
def test_no_wages_have_no_state_tax(state: str):
    assert state_tax(state, "0.00") == 0


@pytest.mark.parametrize("state", sorted(set(CERTIFICATES)))
@settings(max_examples=25, deadline=None)
@given(low=st.integers(0, 3_000_000), more=st.integers(0, 1_000_000))
def test_more_wages_never_have_less_state_tax(state: str, low: int, more: int):
    lower, higher = Decimal(low) / 100, Decimal(low + more) / 100

    assert state_tax(state, str(lower)) <= state_tax(state, str(higher)) + Decimal("0.01")


def test_what_is_not_calculated_is_said():
    def said(**declared: object) -> list[str]:
        return [text.split(":")[0] for text in pay("1000.00", **declared).warnings]

    assert said() == ["no_state"]
    assert said(state="TX") == said(state="PA") == []
    assert said(state="NY") == said(state="WA") == said(state="AK") == ["not_covered"]
    assert said(state="IN") == ["no_county"]
    assert said(state="IN", state_declaration={"countyRate": "0.01"}) == []


def test_each_line_names_its_publication_and_what_of_it_is_unconfirmed():
    result = pay("1000.00", state="MI", state_declaration={"city": "DETROIT", "resident": True})
    source = line(result, "us.state_income_tax").source

    assert (source.publication, source.year) == ("Form 446 (Rev. 02-26)", "2026")
    assert "rounding" in (source.unconfirmed or "")
    assert line(result, "us.local_income_tax").source.publication == "Form 5469 (Rev. 05-25)"
    assert line(pay("1.00", state="KY"), "us.state_income_tax").source.unconfirmed is None


@pytest.mark.parametrize(
    ("state", "gross", "bonus", "tax"),
    [
        ("IL", "0.00", "10.30", "0.51"),
        ("IL", "10.30", "0.00", "0.51"),
        ("NC", "0.00", "110.03", "5.00"),
        ("NC", "0.00", "110.02", "4.00"),
        ("CA", "0.00", "0.50", "0.03"),
        ("PA", "0.50", "0.00", "0.02"),
        ("KY", "1000.00", "0.00", "32.74"),
        ("GA", "10000.00", "0.00", "507.02"),
    ],
)
def test_halves_of_a_cent_or_of_a_dollar_go_up(state: str, gross: str, bonus: str, tax: str):
    parts = [earned("regular", gross), earned("supplemental", bonus, "commission")]

    assert line(pay(earnings=parts, state=state), "us.state_income_tax").amount == Decimal(tax)


def test_contributions_of_employees_are_rounded_to_the_nearest_cent():
    assert line(pay("50.00", state="PA"), "us.state_disability").amount == Decimal("0.04")
    assert line(pay("50.50", state="CA"), "us.state_disability").amount == Decimal("0.66")


def test_a_line_has_a_rate_where_one_rate_was_applied_to_its_basis():
    plain = line(pay("1000.00", state="IL"), "us.state_income_tax")
    more = line(pay("1000.00", state="IL", state_declaration={"additional": "5"}), "us.state_income_tax")
    table = line(pay("1000.00", state="CA"), "us.state_income_tax")

    assert (plain.basis, plain.rate) == (1000, Decimal("0.0495"))
    assert (more.basis, more.rate) == (1000, None)
    assert (table.basis, table.rate) == (1000, None)


def test_exemption_from_federal_withholding_is_none_from_the_states():
    assert line(pay("1000.00", state="IL", exempt=True), "us.state_income_tax").amount == Decimal("49.50")


def test_illinoiss_allowance_is_rounded_before_it_is_subtracted():
    result = pay("266.67", "monthly", state="IL", state_declaration={"line2": 2})

    assert line(result, "us.state_income_tax").basis == 100


def test_californias_annualised_tax_is_divided_by_the_periods_halves_up():
    assert state_tax("CA", "1000.00", annualised=True) == Decimal("27.77")
    assert state_tax("CA", "1000.00") == Decimal("27.75")


@pytest.mark.parametrize("state", sorted(CERTIFICATES))
def test_every_step_of_a_state_says_what_it_was_made_of(state: str):
    result = pay(
        "2000.00",
        pay_on="2026-06-26",
        state=state,
        ytd={"social_security_wages": "150000.00", "medicare_wages": "250000.00"},
        earnings=[earned("regular", "2000.00"), earned("supplemental", "500.00", "bonus")],
    )

    assert all(step.inputs for each in result.lines for step in each.steps)


def test_exemptions_of_a_period_can_be_redone_by_hand():
    def inputs(state: str, code: str, name: str, **certificate: object) -> dict[str, str]:
        result = pay("2000.00", pay_on="2026-06-26", state=state, state_declaration=certificate)
        return dict(next(s.inputs for s in line(result, code).steps if s.name == name))

    assert inputs("IN", "us.state_income_tax", "exemptions: personal", personal=2) == {
        "count": "2", "each": "1000", "periods": "52",
    }  # fmt: skip
    assert inputs("IL", "us.state_income_tax", "allowances of a year", line1=2, line2=1)["line1"] == "2"
    detroit = inputs("MI", "us.local_income_tax", "exemptions", exemptions=3, city="DETROIT", resident=True)
    assert detroit["exemptions"] == "3"
