"""Rules of write-offs, without a database: whose tax is corrected when, and by how much, to the cent."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.write_offs.rules import (
    Claim,
    OverWrittenOff,
    ReliefRefused,
    TooLargeToRound,
    corrects_tax,
    months_after,
    require_kind_allows,
    spread,
)
from shared.contracts.orders import TaxBreakdownRow
from shared.values.faults import Invalid
from shared.values.money import Money

CLAIM = Claim(due_on=date(2026, 3, 31), supplied_on=date(2026, 2, 27))
LATE_SUPPLY = Claim(due_on=date(2026, 3, 1), supplied_on=date(2026, 5, 15))


def row(code: str, rate: str, base: int, tax: int, currency: str = "EUR") -> TaxBreakdownRow:
    return TaxBreakdownRow(
        tax_code=code, category="S" if Decimal(rate) else "Z", rate=Decimal(rate), base=Money(base, currency),
        tax=Money(tax, currency),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "country", "claim", "day", "told", "corrects"),
    [
        ("cash_discount", "GB", CLAIM, "2026-04-01", None, True),
        ("cash_discount", "US", CLAIM, "2026-04-01", None, True),
        ("bank_fee", "DE", CLAIM, "2027-04-01", None, False),
        ("rounding", "DE", CLAIM, "2027-04-01", None, False),
        # GB: six months after the later of due date and supply, until four years and six months after it.
        ("bad_debt", "GB", CLAIM, "2026-09-29", None, False),
        ("bad_debt", "GB", CLAIM, "2026-09-30", None, True),
        ("bad_debt", "GB", CLAIM, "2030-09-30", None, True),
        ("bad_debt", "GB", CLAIM, "2030-10-01", None, False),
        ("bad_debt", "GB", LATE_SUPPLY, "2026-11-14", None, False),
        ("bad_debt", "GB", LATE_SUPPLY, "2026-11-15", True, True),
        ("bad_debt", "GB", CLAIM, "2026-12-31", False, False),
        ("bad_debt", "DE", CLAIM, "2026-04-01", None, True),
        ("bad_debt", "DE", CLAIM, "2026-04-01", False, False),
        ("bad_debt", "FR", CLAIM, "2028-04-01", None, False),
        ("bad_debt", "FR", CLAIM, "2028-04-01", True, True),
    ],
)
def test_tax_is_corrected_by_kind_and_the_countrys_rule(
    kind: str, country: str, claim: Claim, day: str, told: bool | None, corrects: bool
):
    found = corrects_tax(kind, country=country, claim=claim, day=date.fromisoformat(day), told=told)

    assert found is corrects


@pytest.mark.parametrize("day", ["2026-09-29", "2030-10-01"])
def test_british_relief_out_of_time_is_refused_with_its_days(day: str):
    with pytest.raises(ReliefRefused) as refused:
        corrects_tax("bad_debt", country="GB", claim=CLAIM, day=date.fromisoformat(day), told=True)

    assert refused.value.facts == {"earliest": date(2026, 9, 30), "latest": date(2030, 9, 30)}


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-29", 6, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", 54, "2030-09-30"),
    ],
)
def test_months_later_is_the_same_day_or_the_months_last(day: str, months: int, expected: str):
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("amount", "allowed"),
    [
        (Money(100, "EUR"), True),
        (Money(101, "EUR"), False),
        (Money(1, "JPY"), True),
        (Money(2, "JPY"), False),
        (Money(1000, "KWD"), True),
        (Money(1001, "KWD"), False),
    ],
)
def test_a_rounding_difference_is_at_most_one_unit(amount: Money, allowed: bool):
    if allowed:
        require_kind_allows("rounding", amount, None)
    else:
        with pytest.raises(TooLargeToRound):
            require_kind_allows("rounding", amount, None)
    require_kind_allows("bad_debt", amount, True)
    for kind in ("cash_discount", "bank_fee", "rounding"):
        with pytest.raises(Invalid, match="Only of a bad debt"):
            require_kind_allows(kind, Money(1, amount.currency), False)


def test_a_discount_takes_base_and_tax_of_each_rate_in_proportion():
    invoiced = [row("standard", "19", 10000, 1900), row("reduced", "7", 5000, 350), row("none", "0", 2750, 0)]

    found = spread(Money(600, "EUR"), invoiced, [])  # 3 % of 200.00

    assert [(r.tax_code, r.base.minor, r.tax.minor) for r in found] == [
        ("standard", 300, 57),
        ("reduced", 150, 11),
        ("none", 82, 0),
    ]


def test_what_credit_notes_took_is_no_longer_reduced():
    invoiced = [row("standard", "20", 1000, 200), row("reduced", "5", 1000, 50)]
    credited = [row("standard", "20", 1000, 200)]

    found = spread(Money(1050, "EUR"), invoiced, credited)

    assert found == [row("reduced", "5", 1000, 50)]
    with pytest.raises(OverWrittenOff):
        spread(Money(1051, "EUR"), invoiced, credited)


rates = st.sampled_from(["0", "5", "7", "19", "20", "25.5"])
groups = st.lists(
    st.tuples(rates, st.integers(1, 900_000)), min_size=1, max_size=5, unique_by=lambda group: group[0]
)


@given(groups=groups, parts=st.lists(st.integers(1, 100), min_size=1, max_size=6), data=st.data())
def test_parts_sum_to_what_is_given_up_and_all_of_them_to_the_invoice(groups, parts, data):
    invoiced = [
        row(f"c{rate}", rate, base, int(Decimal(base) * Decimal(rate) / 100)) for rate, base in groups
    ]
    whole = sum((r.base + r.tax).minor for r in invoiced)
    taken: list[TaxBreakdownRow] = []
    left = whole
    for n, part in enumerate(parts):
        amount = (
            left if n == len(parts) - 1 else min(left, data.draw(st.integers(1, max(1, whole * part // 100))))
        )
        if not amount:
            break
        found = spread(Money(amount, "EUR"), invoiced, taken)
        assert sum((r.base + r.tax).minor for r in found) == amount
        assert all(r.base.minor >= 0 and r.tax.minor >= 0 for r in found)
        taken += found
        left -= amount
    for one in invoiced:
        mine = [r for r in taken if r.tax_code == one.tax_code]
        base, tax = sum(r.base.minor for r in mine), sum(r.tax.minor for r in mine)
        assert base <= one.base.minor
        assert tax <= one.tax.minor
        if not left:
            assert (base, tax) == (one.base.minor, one.tax.minor)
