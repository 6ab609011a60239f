"""What employers owe or keep: employment allowance, apprenticeship levy, recovery of statutory pay."""

import pytest

from services.payroll.engine.lines import LineKind
from services.payroll.packs.uk.employer import (
    apprenticeship_levy,
    employment_allowance,
    is_small_employer,
    statutory_recovery,
)
from tests.payroll.packs.uk.given import NEW, OLD, D


@pytest.mark.parametrize("tables", [OLD, NEW], ids=["2025-26", "2026-27"])
def test_the_employment_allowance_is_used_up_once_a_year(tables):
    assert employment_allowance(tables, D("4000.00"), D("0.00")) == D("4000.00")
    assert employment_allowance(tables, D("4000.00"), D("8000.00")) == D("2500.00")
    assert employment_allowance(tables, D("4000.00"), D("10500.00")) == 0
    assert employment_allowance(tables, D("4000.00"), D("11000.00")) == 0
    assert employment_allowance(tables, D("-50.00"), D("0.00")) == 0


def test_the_levy_of_a_seasonal_pay_bill_is_that_of_the_manual():
    """Apprenticeship Levy Manual ALM08300."""
    bills = [200, 200, 500, 500, 200, 200, 200, 200, 200, 200, 200, 200]
    paid, to_date, found = D("0.00"), 0, []
    for month, bill in enumerate(bills, 1):
        to_date += bill * 1000
        found.append(apprenticeship_levy(NEW, month, D(to_date), paid).amount)
        paid += found[-1]

    assert found == [0, 0, 750, 1250, -250, -250, -250, -250, -250, -250, -250, -250]


@pytest.mark.parametrize("tables", [OLD, NEW], ids=["2025-26", "2026-27"])
def test_the_levy_of_a_regular_pay_bill_is_that_of_the_manual(tables):
    """Apprenticeship Levy Manual ALM09200, examples 1 and 2."""
    assert apprenticeship_levy(tables, 1, D(300_000), D("0.00")).amount == D("250.00")
    assert apprenticeship_levy(tables, 2, D(600_000), D("250.00")).amount == D("250.00")
    assert apprenticeship_levy(tables, 2, D(400_000), D("750.00"), D(3000)).amount == D("750.00")


def test_a_line_of_the_levy_explains_itself():
    found = apprenticeship_levy(NEW, 1, D("300000.10"), D("0.00"), D(100))

    assert (found.code, found.kind, found.rate) == ("uk.apprenticeship_levy", LineKind.EMPLOYER, D("0.005"))
    assert (found.amount, found.basis) == (D("1491.67"), D("300000.10"))
    assert [s.result for s in found.steps] == ["1500.00", "8.33", "1491.67"]
    assert found.steps[1].inputs == (("share", "100"), ("month", "1"))


def test_statutory_pay_is_recovered_by_the_size_of_the_employer():
    assert statutory_recovery(OLD, D("1000.01"), small_employer=False) == D("920.01")
    assert statutory_recovery(OLD, D("1000.00"), small_employer=True) == D("1085.00")
    assert statutory_recovery(NEW, D("1000.00"), small_employer=False) == D("920.00")
    assert statutory_recovery(NEW, D("1000.00"), small_employer=True) == D("1090.00")


def test_half_a_penny_goes_up():
    assert statutory_recovery(NEW, D("0.50"), small_employer=True) == D("0.55")  # 0.545
    assert apprenticeship_levy(NEW, 1, D("1.00"), D("0.00"), D(0)).amount == D("0.01")  # 0.005
    assert apprenticeship_levy(NEW, 1, D("200.00"), D("0.00"), D("0.06")).amount == D("0.99")  # less 0.005


def test_an_employer_is_small_up_to_the_limit():
    assert is_small_employer(NEW, D("45000.00"))
    assert not is_small_employer(NEW, D("45000.01"))
