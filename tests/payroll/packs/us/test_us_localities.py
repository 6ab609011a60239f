"""Local income taxes: Philadelphia by date, Detroit by printed exemption, counties of Indiana, New York, Yonkers."""

from decimal import Decimal

import pytest

from shared.values.faults import Invalid
from tests.payroll.packs.us.given import amounts, deducted, earned, line, pay

CODE = "us.local_income_tax"


def local(
    state: str, gross: str, frequency: str = "weekly", *, pay_on: str = "2026-03-06", **certificate: object
):
    return line(pay(gross, frequency, pay_on=pay_on, state=state, state_declaration=certificate), CODE)


@pytest.mark.parametrize(
    ("pay_on", "who", "tax"),
    [
        ("2026-06-30", "resident", "374.00"),
        ("2026-07-01", "resident", "373.50"),
        ("2026-06-30", "nonresident", "343.00"),
        ("2026-07-01", "nonresident", "342.50"),
    ],
)
def test_philadelphias_rate_changes_in_july(pay_on: str, who: str, tax: str):
    found = local("PA", "10000.00", pay_on=pay_on, philadelphia=who)

    assert (found.amount, found.basis) == (Decimal(tax), 10000)
    assert found.rate == Decimal(tax) / 10000


def test_who_names_no_city_has_no_local_tax():
    for state in ("PA", "MI", "IN", "NY"):
        assert CODE not in amounts(pay("1000.00", state=state))


@pytest.mark.parametrize(
    ("frequency", "exemption"),
    [("weekly", "11.54"), ("biweekly", "23.08"), ("semimonthly", "25.00"), ("monthly", "50.00")],
)
def test_detroit_takes_its_printed_exemption_of_the_period(frequency: str, exemption: str):
    found = local("MI", "1000.00", frequency, exemptions=1, city="DETROIT", resident=True)

    assert found.basis == 1000 - Decimal(exemption)
    assert found.amount == (found.basis * Decimal("0.024")).quantize(Decimal("0.01"))
    assert found.rate == Decimal("0.024")


def test_detroit_taxes_a_bonus_whole():
    parts = [earned("regular", "8.00"), earned("supplemental", "100.00")]
    certificate = {"exemptions": 1, "city": "DETROIT", "resident": True}
    result = pay(earnings=parts, state="MI", state_declaration=certificate)

    assert line(result, CODE).amount == Decimal("2.40")
    assert line(result, "us.state_income_tax").amount == Decimal("4.25")


def test_detroit_has_no_table_for_quarterly_pay():
    with pytest.raises(Invalid) as refused:
        local("MI", "1000.00", "quarterly", city="DETROIT", resident=True)

    assert refused.value.errors[0].pointer == "/frequency"


def test_a_county_of_indiana_taxes_a_bonus_too():
    parts = [earned("regular", "800.00"), earned("supplemental", "100.00")]
    result = pay(earnings=parts, state="IN", state_declaration={"personal": 1, "countyRate": "0.02"})

    found = line(result, CODE)
    assert (found.basis, found.amount, found.rate) == (Decimal("880.77"), Decimal("17.62"), Decimal("0.02"))
    assert line(result, "us.state_income_tax").amount == Decimal("23.03") + Decimal("2.95")


def test_new_york_city_has_a_flat_rate_on_a_bonus():
    parts = [earned("regular", "5000.00"), earned("supplemental", "1000.00")]
    certificate = {"exemptions": 1, "city": "NYC"}
    both = pay(earnings=parts, frequency="semimonthly", state="NY", state_declaration=certificate)
    alone = pay(earnings=parts[1:], frequency="semimonthly", state="NY", state_declaration=certificate)

    assert line(both, CODE).amount == Decimal("188.80") + Decimal("42.50")
    assert line(alone, CODE).amount == Decimal("42.50")
    assert (line(both, CODE).basis, line(both, CODE).rate) == (6000, None)
    assert local("NY", "200.00", city="NYC").amount == Decimal("2.13")


def test_new_york_citys_married_deduction_is_another():
    assert local("NY", "1000.00", status="married", city="NYC").amount == Decimal("32.21")
    assert local("NY", "1000.00", city="NYC").amount == Decimal("32.61")


def test_a_resident_of_yonkers_pays_a_share_of_the_states_tax():
    certificate = {"city": "YONKERS_RESIDENT", "additional": "100"}
    result = pay("1000.00", state="NY", state_declaration=certificate)
    state = line(result, "us.state_income_tax").amount - 100

    assert line(result, CODE).amount == (state * Decimal("0.1675")).quantize(Decimal("0.01"))
    parts = [earned("regular", "1000.00"), earned("supplemental", "1000.00")]
    both = pay(earnings=parts, state="NY", state_declaration=certificate)
    assert line(both, CODE).amount == line(result, CODE).amount + Decimal("19.60")
    alone = pay(earnings=parts[1:], state="NY", state_declaration=certificate)
    assert line(alone, CODE).amount == Decimal("19.60")


@pytest.mark.parametrize(
    ("gross", "frequency", "tax"),
    [
        ("76.99", "weekly", "0.00"),
        ("77.00", "weekly", "0.10"),
        ("191.99", "weekly", "0.67"),
        ("192.00", "weekly", "0.77"),
        ("385.00", "weekly", "1.83"),
        ("577.00", "weekly", "2.89"),
        ("1000.00", "biweekly", "4.81"),
        ("900.00", "semimonthly", "4.29"),
        ("2500.00", "monthly", "12.50"),
        ("1000.00", "monthly", "4.17"),
        ("40.00", "daily", "0.16"),
        ("15000.00", "annual", "65.00"),
        ("3999.99", "annual", "0.00"),
    ],
)
def test_others_who_work_in_yonkers_pay_on_wages_above_the_exclusion(gross: str, frequency: str, tax: str):
    found = local("NY", gross, frequency, city="YONKERS_NONRESIDENT")

    assert found.amount == Decimal(tax)
    assert "2015" in (found.source.unconfirmed or "")


def test_the_earnings_tax_of_yonkers_is_taken_of_gross_wages():
    result = pay(
        "1000.00",
        state="NY",
        state_declaration={"city": "YONKERS_NONRESIDENT"},
        deductions=[deducted("pretax_401k", "200.00")],
    )

    assert line(result, CODE).amount == 5


def test_halves_of_a_cent_of_a_bonus_go_up():
    bonus = [earned("supplemental", "0.20")]
    result = pay(earnings=bonus, state="NY", state_declaration={"city": "NYC"})

    assert line(result, CODE).amount == Decimal("0.01")
