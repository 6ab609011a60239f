"""What holds of every pay: sums, monotony, bounds, and that a year taxed by the month is the tax of the year."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.payroll.packs.uk.given import D, amount, deduction, ni, paid, tax

PENNIES = st.integers(0, 3_000_000).map(lambda n: D(n) / 100)
SUFFIX = st.integers(1, 2500).map(lambda n: f"{n}L")
K_CODES = st.integers(1, 3000).map(lambda n: f"K{n}")
PREFIX = st.sampled_from(["", "S", "C"])
CODES = st.builds(str.__add__, PREFIX, st.one_of(SUFFIX, K_CODES, st.sampled_from(["0T", "BR", "D0", "D1"])))
YEARS = st.sampled_from(["2025-26", "2026-27"])
LETTERS = st.sampled_from("ABCDEFHIJKLMNSVZ")
FREQUENCIES = st.sampled_from(
    ["weekly", "biweekly", "four_weekly", "monthly", "quarterly", "semiannual", "annual"]
)


def taxed_year(pays: list[Decimal], code: str, year: str, periods: str) -> tuple[Decimal, list[Decimal]]:
    """Tax of a year paid in so many periods, and of each of them."""
    taxable, paid_so_far, found = D("0.00"), D("0.00"), []
    for period, pay in enumerate(pays, 1):
        before = {"taxable": str(taxable), "tax": str(paid_so_far)}
        found.append(
            tax(str(pay), year=year, period=period, frequency=periods, tax_code=code, to_date=before)
        )
        taxable += pay
        paid_so_far += found[-1]
    return paid_so_far, found


@given(st.lists(PENNIES, min_size=12, max_size=12), SUFFIX, PREFIX, YEARS)
@settings(max_examples=100, deadline=None)
def test_a_year_by_the_month_is_the_tax_of_the_year_within_its_roundings(pays, code, prefix, year):
    # The overriding limit can hold tax back only where pay falls steeply; then the last month cannot make good for it.
    by_month, _ = taxed_year(pays, prefix + code, year, "monthly")
    at_once = tax(str(sum(pays)), year=year, frequency="annual", period=12, tax_code=prefix + code)

    # Free pay of 12 months is rounded up by up to 9 pounds and 12 pence, the bands by a pound: at the highest rate.
    assert at_once - D("6.00") <= by_month <= at_once + D("1.00")


@given(st.lists(PENNIES, min_size=12, max_size=12), SUFFIX, PREFIX, YEARS)
@settings(max_examples=100, deadline=None)
def test_the_tax_to_date_does_not_depend_on_how_pay_was_spread(pays, code, prefix, year):
    together, _ = taxed_year(
        [*(D("0.00") for _ in pays[1:]), sum(pays, D("0.00"))], prefix + code, year, "monthly"
    )
    spread, _ = taxed_year(pays, prefix + code, year, "monthly")

    assert spread == together


@given(PENNIES, PENNIES, CODES, YEARS)
@settings(max_examples=200, deadline=None)
def test_a_refund_gives_back_no_more_than_was_taken(first, second, code, year):
    taken = tax(str(first), year=year, tax_code=code)
    after = tax(
        str(second), year=year, tax_code=code, period=2, to_date={"taxable": str(first), "tax": str(taken)}
    )

    assert taken >= 0
    assert after >= -taken
    assert after <= max(second, D(0)) / 2


@given(PENNIES, st.integers(0, 100_000), CODES, YEARS, FREQUENCIES)
@settings(max_examples=200, deadline=None)
def test_more_pay_is_never_taxed_less(pay, more, code, year, frequency):
    higher = pay + D(more) / 100

    assert tax(str(pay), year=year, tax_code=code, frequency=frequency) <= tax(
        str(higher), year=year, tax_code=code, frequency=frequency
    )


@given(PENNIES, st.integers(0, 100_000), LETTERS, YEARS, FREQUENCIES)
@settings(max_examples=300, deadline=None)
def test_more_earnings_never_owe_less_insurance(pay, more, letter, year, frequency):
    facts = {"year": year, "ni_category": letter, "frequency": frequency}
    lower, higher = ni(str(pay), **facts), ni(str(pay + D(more) / 100), **facts)

    assert lower[0] <= higher[0]
    assert lower[1] <= higher[1]
    assert higher[0] <= (pay + D(more) / 100) * D("0.08")
    assert higher[1] <= (pay + D(more) / 100) * D("0.15")


@given(
    pay=PENNIES,
    code=CODES,
    year=YEARS,
    letter=LETTERS,
    percents=st.lists(
        st.tuples(
            st.sampled_from(["post_tax", "net_pay_arrangement", "relief_at_source", "salary_sacrifice"]),
            st.integers(0, 40),
        ),
        max_size=3,
    ),
    loans=st.booleans(),
    rate=st.sampled_from([None, "standard", "higher"]),
)
@settings(max_examples=200, deadline=None)
def test_net_pay_is_the_sum_of_its_lines(pay, code, year, letter, percents, loans, rate):
    order = {"kind": "dea", "issued_on": "2025-04-01", "reference": "R", "rate": rate}
    found = paid(
        str(pay),
        year=year,
        tax_code=code,
        ni_category=letter,
        deductions=tuple(deduction(f"d{n}", kind, percent=str(p)) for n, (kind, p) in enumerate(percents)),
        student_loans=["plan_1"] if loans else [],
        postgraduate_loan=loans,
        attachment_orders=[order] if rate else [],
    )

    taken = sum((x.amount for x in found.lines if x.kind in ("deduction", "sacrifice", "tax")), D(0))
    assert found.net == pay - taken
    assert all(x.amount == x.amount.quantize(D("0.01")) for x in found.lines)
    assert all(x.amount >= 0 for x in found.lines)
    assert any("negative_net" in w for w in found.warnings) == (found.net < 0)


@given(PENNIES, CODES, YEARS)
@settings(max_examples=100, deadline=None)
def test_what_the_pay_adds_to_the_year_is_what_its_lines_say(pay, code, year):
    found = paid(str(pay), year=year, tax_code=code)
    measures = dict(found.year_to_date)

    assert measures["tax"] == amount(found, "uk.paye")
    assert measures["ni_employee"] == amount(found, "uk.ni_employee")
    assert measures["ni_employer"] == amount(found, "uk.ni_employer")
    assert measures["gross"] == measures["taxable"] == measures["ni_earnings"] == pay
