"""Federal income tax: Worksheet 1A to the cent, the printed wage bracket cells, every boundary, the flat rates."""

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest

from services.payroll.packs.us.tables import federal_on
from tests.payroll.packs.us.given import (
    STATUSES,
    YEARS,
    deducted,
    earned,
    federal,
    line,
    named,
    pay,
)
from tests.payroll.packs.us.test_us_income_tax_tables import LINE_1G, edition

PERIODS = {
    "daily": 260, "weekly": 52, "biweekly": 26, "four_weekly": 13, "semimonthly": 24, "monthly": 12,
    "quarterly": 4, "semiannual": 2, "annual": 1,
}  # fmt: skip

# Worked by hand along Worksheet 1A of 2026.
WORKED = [
    ("800.00", "weekly", {}, "54.08"),
    ("1200.00", "weekly", {"filing_status": "married_joint"}, "60.15"),
    ("1000.00", "weekly", {"step3": "2000"}, "39.62"),
    ("700.00", "weekly", {"step2": True}, "69.10"),
    ("900.00", "weekly", {"step2": True, "filing_status": "married_joint"}, "66.08"),
    ("2000.00", "biweekly", {}, "156.15"),
    ("100.00", "weekly", {}, "0.00"),
    ("800.00", "weekly", {"step4a": "5000"}, "65.62"),
    ("800.00", "weekly", {"step4b": "3000"}, "47.15"),
    ("800.00", "weekly", {"step4c": "25.50"}, "79.58"),
    ("100.00", "weekly", {"step3": "2000", "step4c": "10"}, "10.00"),
    ("4000.00", "monthly", {}, "298.33"),
    ("2000.00", "semimonthly", {}, "149.17"),
    ("150.00", "weekly", {"step3": "5000"}, "0.00"),
    ("2769.23", "biweekly", {}, "269.62"),
    ("1600.00", "biweekly", {"filing_status": "head_of_household"}, "67.12"),
    ("8492.31", "biweekly", {"filing_status": "married_joint", "step3": "8000"}, "881.39"),
    ("800.00", "weekly", {"w4": "2019"}, "73.92"),
    ("800.00", "weekly", {"w4": "2019", "allowances": 2}, "54.08"),
    ("1200.00", "weekly", {"w4": "2019", "allowances": 3, "filing_status": "married_joint"}, "60.15"),
    ("800.00", "weekly", {"w4": 2019, "allowances": 2, "step4c": "5"}, "59.08"),
    ("260.00", "daily", {}, "23.24"),
    ("3077.00", "four_weekly", {}, "201.55"),
    ("30000.00", "quarterly", {}, "4392.50"),
    ("40000.00", "semiannual", {}, "4385.00"),
    ("100000.00", "annual", {"filing_status": "married_joint"}, "7640.00"),
]


@pytest.mark.parametrize(("gross", "frequency", "form", "tax"), WORKED)
def test_a_pay_worked_along_the_worksheet_comes_out_to_the_cent(gross, frequency, form, tax):
    assert federal(gross, frequency, **form) == Decimal(tax)


# Publication 15-T (2026), wage bracket tables: period, wages at least and less than, status, step 2 box, printed cell.
CELLS = [
    *(
        ("weekly", 625 + 10 * n, 635 + 10 * n, "single", False, cell)
        for n, cell in enumerate((34, 35, 36, 37, 38, 40, 41, 42))
    ),
    *(
        ("weekly", low, low + 10, "married_joint", False, cell)
        for low, cell in ((795, 18), (1005, 39), (1705, 121), (1865, 141), (1915, 147))
    ),
    *(
        ("weekly", low, low + 10, "single", True, cell)
        for low, cell in ((550, 46), (600, 52), (650, 59), (700, 70), (750, 81))
    ),
    *(
        ("weekly", low, low + 10, "married_joint", True, cell)
        for low, cell in ((750, 49), (800, 55), (900, 67), (1000, 79), (1100, 91))
    ),
    *(
        ("biweekly", low, low + 15, "single", False, cell)
        for low, cell in ((1200, 61), (1500, 97), (2000, 157), (2500, 217), (3000, 322))
    ),
    *(
        ("monthly", low, low + 30, "single", False, cell)
        for low, cell in ((3000, 180), (4000, 300), (5000, 420), (6000, 587), (7000, 807))
    ),
]


@pytest.mark.parametrize(("frequency", "low", "high", "status", "step2", "cell"), CELLS)
def test_a_printed_wage_bracket_cell_is_met_in_the_middle_of_its_interval(
    frequency, low, high, status, step2, cell
):
    middle = (Decimal(low + high) / 2).quantize(Decimal("0.01"))
    tax = federal(middle, frequency, filing_status=status, step2=step2)

    assert tax.quantize(Decimal(1), ROUND_HALF_UP) == cell


# Public tests of other engines, tables of 2024: one job of two, single, weekly.
@pytest.mark.parametrize(("gross", "tax"), [("6000.00", "1766.02"), ("10000.00", "3246.02")])
def test_other_engines_agree_on_2024(gross, tax):
    assert federal(gross, year=2024, step2=True) == Decimal(tax)


def forms(status: str) -> list[tuple[dict, str, int]]:
    """Each form: what is declared, its table, and what of annual wages is not in the table's amounts."""
    found = [({}, "standard", LINE_1G[status]), ({"step2": True}, "step2", 0)]
    return found if status == "head_of_household" else [*found, ({"w4": "2019"}, "standard", 0)]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("year", YEARS)
def test_every_bracket_begins_at_its_dollar_in_every_form(year: int, status: str):
    for declared, table, less in forms(status):
        rows = [tuple(map(Decimal, row)) for row in edition(year).figures["income_tax"][table][status]]
        for before, (over, base, rate) in pairwise(rows):
            wages = over + less
            at = federal(wages, "annual", year=year, filing_status=status, **declared)
            above = federal(wages + 100, "annual", year=year, filing_status=status, **declared)
            below = federal(wages - 100, "annual", year=year, filing_status=status, **declared)
            assert at == base
            assert above == base + 100 * rate
            assert below == before[1] + (over - 100 - before[0]) * before[2]


@pytest.mark.parametrize("status", STATUSES)
def test_a_year_of_pays_is_the_sum_of_its_brackets(status: str):
    rows = federal_on(edition(2026).valid_from).income_tax.standard[status]
    for wages in (30_000, 90_000, 250_000, 900_000):
        adjusted = Decimal(wages - LINE_1G[status])
        tops = [row.over for row in rows[1:]] + [adjusted]
        parts = [
            max(min(adjusted, top) - row.over, Decimal(0)) * row.rate
            for row, top in zip(rows, tops, strict=True)
        ]
        assert federal(Decimal(wages), "annual", filing_status=status) == sum(parts)


@pytest.mark.parametrize("frequency", PERIODS)
def test_each_frequency_divides_the_year_by_its_periods(frequency: str):
    periods = PERIODS[frequency]
    annual = federal(Decimal(periods * 1000), "annual")
    cents = Decimal("0.01")

    assert federal("1000.00", frequency) == (annual / periods).quantize(cents, ROUND_HALF_UP)


def test_credits_are_divided_by_the_periods_and_never_make_a_refund():
    assert federal("1000.00", step3="520") == federal("1000.00") - 10
    assert federal("1000.00", step3="100000") == 0


def test_an_exempt_employee_has_no_tax_on_regular_wages_and_the_line_says_why():
    result = pay("2000.00", exempt=True)
    found = line(result, "us.federal_income_tax")

    assert (found.amount, found.basis, found.rule) == (0, 2000, "us.federal_income_tax.exempt")
    assert line(result, "us.social_security").amount == 124


def test_the_line_can_be_redone_by_hand_from_its_steps():
    found = line(pay("1000.00", step3="2000", step4c="7"), "us.federal_income_tax")

    assert [(step.name, step.result, step.rounding) for step in found.steps] == [
        ("1c: wages of a year", "52000.00", None),
        ("1i: adjusted annual wage", "43400.00", None),
        ("2g: tentative annual amount", "4060.00", "half_up_cent"),
        ("2h: tentative amount", "78.08", "half_up_cent"),
        ("3b: credits of the period", "38.46", "half_up_cent"),
        ("3c: after credits", "39.62", None),
        ("4b: with extra withholding", "46.62", None),
    ]
    assert dict(found.steps[2].inputs) == {
        "line_2a": "43400.00", "line_2b": "19900", "line_2c": "1240", "line_2d": "0.12",
    }  # fmt: skip
    assert found.rule == "us.federal_income_tax.worksheet_1a"
    assert (found.source.publication[:21], found.source.year) == ("IRS Publication 15-T,", "2026")


def test_supplemental_wages_have_the_flat_rate_beside_the_worksheet():
    result = pay(earnings=[earned("regular", "800.00"), earned("supplemental", "1000.00")])
    found = line(result, "us.federal_income_tax")

    assert found.amount == Decimal("54.08") + 220
    assert found.basis == 1800
    assert found.rule == "us.federal_income_tax.worksheet_1a_and_supplemental_flat_rate"
    assert named(result, "supplemental") == 1000


def test_a_bonus_alone_is_not_put_through_the_worksheet():
    result = pay(earnings=[earned("supplemental", "1000.00")], step4a="50000", step4c="100")
    found = line(result, "us.federal_income_tax")

    assert found.amount == 220
    assert found.rule == "us.federal_income_tax.supplemental_flat_rate"
    assert "section 7" in found.source.table


@pytest.mark.parametrize(
    ("before", "bonus", "exempt", "tax"),
    [
        ("0", "1000000.00", False, "220000.00"),
        ("0", "1000100.00", False, "220037.00"),
        ("999000", "2000.00", False, "590.00"),
        ("1000000", "1000.00", False, "370.00"),
        ("1500000", "1000.00", False, "370.00"),
        ("999000", "2000.00", True, "370.00"),
        ("0", "5000.00", True, "0.00"),
    ],
)
def test_above_a_million_a_year_the_higher_rate_holds_exempt_or_not(before, bonus, exempt, tax):
    result = pay(earnings=[earned("supplemental", bonus)], ytd={"supplemental": before}, exempt=exempt)

    assert line(result, "us.federal_income_tax").amount == Decimal(tax)


def test_overtime_and_tips_are_withheld_from_like_regular_wages_in_2026():
    parts = [earned("regular", "500.00"), earned("overtime", "200.00"), earned("tips", "100.00")]

    assert line(pay(earnings=parts), "us.federal_income_tax").amount == federal("800.00")


def test_pretax_deductions_come_off_regular_wages_first_and_then_off_a_bonus():
    parts = [earned("regular", "800.00"), earned("supplemental", "1000.00")]
    some = pay(earnings=parts, deductions=[deducted("pretax_401k", "300.00")])
    more = pay(earnings=parts, deductions=[deducted("pretax_401k", "900.00")])
    all_of_it = pay(earnings=parts, deductions=[deducted("pretax_401k", "5000.00")])

    assert line(some, "us.federal_income_tax").amount == federal("500.00") + 220
    assert line(more, "us.federal_income_tax").amount == 198
    assert named(more, "supplemental") == 900
    assert line(all_of_it, "us.federal_income_tax").amount == 0
    assert named(all_of_it, "taxable") == 0


def test_halves_of_a_cent_go_up_in_every_line_of_the_worksheet():
    assert federal("8600.05", "annual") == 0
    assert federal("16100.05", "annual") == Decimal("0.01")
    assert federal("16101.54", "biweekly") - federal("16101.54", "biweekly", step3="0.13") == Decimal("0.01")
    bonus = pay(earnings=[earned("supplemental", "0.25")])
    assert line(bonus, "us.federal_income_tax").amount == Decimal("0.06")
