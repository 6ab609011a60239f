"""Income tax: bands of each country and year, bases, flat codes, K codes and their limit, refunds, week 53."""

from decimal import Decimal

import pytest

from services.payroll.packs.uk.paye import free_pay
from tests.payroll.packs.uk.given import D, line, paid, tax

BOTH = ("2025-26", "2026-27")
REST = [(37700, "0.20"), (125140, "0.40"), (None, "0.45")]
SCOTLAND_2025 = [
    (2827, "0.19"), (14921, "0.20"), (31092, "0.21"), (62430, "0.42"), (125140, "0.45"), (None, "0.48"),
]  # fmt: skip
SCOTLAND_2026 = [
    (3967, "0.19"), (16956, "0.20"), (31092, "0.21"), (62430, "0.42"), (125140, "0.45"), (None, "0.48"),
]  # fmt: skip
BANDS = {
    ("2025-26", "0T"): REST,
    ("2026-27", "0T"): REST,
    ("2025-26", "C0T"): REST,
    ("2026-27", "C0T"): REST,
    ("2025-26", "S0T"): SCOTLAND_2025,
    ("2026-27", "S0T"): SCOTLAND_2026,
}


def tax_of_year(bands: list, pay: int) -> Decimal:
    """What the bands of a year say, added up band by band."""
    total, floor = D(0), 0
    for limit, rate in bands:
        top = pay if limit is None else min(pay, limit)
        total += max(top - floor, 0) * D(rate)
        floor = limit
        if limit is None or pay <= limit:
            break
    return total.quantize(D("0.01"))


@pytest.mark.parametrize(("year", "code"), BANDS)
def test_each_band_of_a_year_begins_a_pound_above_the_one_below(year: str, code: str):
    bands = BANDS[year, code]
    for limit, _ in bands[:-1]:
        for pay in (limit - 1, limit, limit + 1):
            found = tax(f"{pay}.99", year=year, tax_code=code, frequency="annual")
            assert found == tax_of_year(bands, pay), pay


@pytest.mark.parametrize(
    ("frequency", "period", "pay", "due"),
    [
        # monthly: 37,700/12 = 3141.6666, compared up to 3142; tax below 7540/12 = 628.3333
        ("monthly", 1, "3142.00", "628.40"),
        ("monthly", 1, "3142.99", "628.40"),
        ("monthly", 1, "3143.00", "628.86"),
        ("monthly", 2, "6284.00", "1256.80"),
        ("monthly", 2, "6285.00", "1257.33"),
        # weekly: 725.0000; 145.0000
        ("weekly", 1, "725.00", "145.00"),
        ("weekly", 1, "726.00", "145.40"),
        ("weekly", 2, "1451.00", "290.40"),
        # additional rate: 125,140/12 = 10428.3333 compared up to 10429; below 42516/12 = 3543.0000
        ("monthly", 1, "10429.00", "3543.26"),
        ("monthly", 1, "10430.00", "3543.75"),
        # 125,140/52 = 2406.5384, compared up to 2407; 42,516/52 = 817.6153
        ("weekly", 1, "2407.00", "817.80"),
        ("weekly", 1, "2408.00", "818.27"),
        ("biweekly", 2, "1451.00", "290.40"),
        ("four_weekly", 4, "2901.00", "580.40"),
        ("quarterly", 3, "9426.00", "1885.40"),
        ("semiannual", 6, "18851.00", "3770.40"),
        ("annual", 12, "37701.00", "7540.40"),
    ],
)
def test_bands_to_date_are_cut_to_four_decimals_and_compared_up_to_the_pound(
    frequency: str, period: int, pay: str, due: str
):
    for year in BOTH:
        found = tax(pay, year=year, frequency=frequency, period=period, tax_code="0T")
        assert found == D(due)


@pytest.mark.parametrize(
    ("number", "of_year", "units", "free"),
    [
        (1, 12, 1, "1.59"),  # 19/12 = 1.5833
        (1, 52, 1, "0.37"),  # 19/52 = 0.3653
        (500, 12, 1, "417.42"),  # 5009/12 = 417.4166
        (500, 52, 1, "96.33"),  # 5009/52 = 96.3269
        (501, 12, 1, "418.26"),  # 1.59 + 416.67
        (999, 12, 1, "833.26"),  # 4999/12 = 416.5833 up to 416.59, and 416.67
        (1000, 12, 1, "834.09"),
        (1001, 12, 1, "834.93"),
        (1257, 12, 1, "1048.26"),
        (1257, 12, 7, "7337.82"),
        (1257, 52, 1, "241.92"),
        (1257, 52, 52, "12579.84"),
        (1257, 12, 12, "12579.12"),
        (0, 12, 3, "0"),
    ],
)
def test_free_pay_is_rounded_up_by_slices_of_500(number: int, of_year: int, units: int, free: str):
    assert free_pay(number, of_year, units) == D(free)


def test_taxable_pay_is_cut_to_the_pound():
    assert tax("1049.25") == D("0.00")
    assert tax("1049.26") == D("0.20")
    assert tax("1050.25") == D("0.20")


@pytest.mark.parametrize("code", ["1257L", "1257M", "1257N", "1257T"])
def test_the_letter_of_an_allowance_moves_no_tax(code: str):
    assert tax("3000.00", tax_code=code) == D("390.20")


FLAT = {"BR": "0.20", "D0": "0.40", "D1": "0.45", "CBR": "0.20", "CD0": "0.40", "CD1": "0.45"} | {
    "SBR": "0.20", "SD0": "0.21", "SD1": "0.42", "SD2": "0.45", "SD3": "0.48",
}  # fmt: skip


@pytest.mark.parametrize("year", BOTH)
@pytest.mark.parametrize("code", FLAT)
def test_a_flat_code_takes_one_rate_of_all_pay_to_date(year: str, code: str):
    rate = D(FLAT[code])
    alone = paid("1000.99", year=year, tax_code=code, basis="week1_month1", to_date={"taxable": "500.50"})
    together = paid(
        "1000.99", year=year, tax_code=code, to_date={"taxable": "500.50", "tax": str(490 * rate)}
    )

    assert line(alone, "uk.paye").amount == 1000 * rate
    assert line(together, "uk.paye").amount == 1011 * rate
    assert line(together, "uk.paye").rate == rate
    assert line(together, "uk.paye").basis == 1501


def test_a_flat_code_gives_back_what_was_paid_too_much():
    assert tax("100.00", tax_code="BR", to_date={"taxable": "100.00", "tax": "90.00"}) == D("-50.00")
    assert tax("-200.00", tax_code="BR", to_date={"taxable": "100.00", "tax": "20.00"}) == D("-20.00")


def test_code_nt_takes_nothing_and_gives_back_what_was_taken():
    assert tax("5000.00", tax_code="NT") == D("0.00")
    assert tax("5000.00", tax_code="NT", to_date={"taxable": "9000.00", "tax": "812.40"}) == D("-812.40")
    alone = {"basis": "week1_month1", "to_date": {"taxable": "9000.00", "tax": "812.40"}}
    assert tax("5000.00", tax_code="NT", **alone) == D("0.00")


def test_the_cumulative_basis_gives_back_tax_when_pay_falls():
    first = tax("3000.00", period=1)
    second = tax("0.00", period=2, to_date={"taxable": "3000.00", "tax": str(first)})

    assert (first, second) == (D("390.20"), D("-209.60"))


def test_nothing_taxable_to_date_gives_back_all_tax():
    assert tax("0.00", period=6, to_date={"taxable": "3000.00", "tax": "390.20"}) == D("-390.20")


def test_week_1_takes_no_account_of_what_was_before():
    before = {"taxable": "50000.00", "tax": "100.00"}

    assert tax("3000.00", period=9, basis="week1_month1", to_date=before) == D("390.20")
    assert tax("100.00", period=9, basis="week1_month1", to_date=before) == D("0.00")


def test_week_1_of_a_fortnight_is_two_weeks():
    once = tax("700.00", frequency="weekly", basis="week1_month1")
    twice = tax("1400.00", frequency="biweekly", period=20, basis="week1_month1")
    four = tax("2800.00", frequency="four_weekly", period=20, basis="week1_month1")

    assert (once, twice, four) == (D("91.60"), D("183.20"), D("366.40"))


@pytest.mark.parametrize(
    ("frequency", "beyond", "first"), [("weekly", 53, 1), ("biweekly", 54, 2), ("four_weekly", 56, 4)]
)
def test_a_pay_in_week_53_is_taxed_as_the_first_of_the_year(frequency: str, beyond: int, first: int):
    before = {"taxable": "36000.00", "tax": "4700.00"}

    in_week_53 = paid("2000.00", frequency=frequency, period=beyond, to_date=before)
    alone = tax("2000.00", frequency=frequency, period=first, basis="week1_month1")

    assert line(in_week_53, "uk.paye").amount == alone
    assert line(in_week_53, "uk.paye").rule == "uk.paye.week1_month1"


@pytest.mark.parametrize(
    ("frequency", "period"), [("biweekly", 53), ("four_weekly", 53), ("four_weekly", 55)]
)
def test_a_fortnight_paid_in_week_53_is_week_54_and_four_weeks_are_week_56(frequency: str, period: int):
    before = {"taxable": "36000.00", "tax": "4700.00"}
    last = {"biweekly": 54, "four_weekly": 56}[frequency]

    found = tax("2000.00", frequency=frequency, period=period, to_date=before)

    assert found == tax("2000.00", frequency=frequency, period=last, to_date=before)
    assert found > 0


def test_a_fortnight_counts_as_its_last_week():
    paid_in_first = tax("1400.00", frequency="biweekly", period=1)

    assert paid_in_first == tax("1400.00", frequency="biweekly", period=2) == D("183.20")
    assert (
        tax("1400.00", frequency="biweekly", period=3)
        == tax("1400.00", frequency="biweekly", period=4)
        == D("86.40")
    )
    assert tax("12000.00", frequency="quarterly", period=4) == tax(
        "12000.00", frequency="quarterly", period=6
    )


def test_week_52_is_still_cumulative():
    found = paid("700.00", frequency="weekly", period=52, to_date={"taxable": "35700.00", "tax": "4600.00"})

    assert line(found, "uk.paye").rule == "uk.paye.cumulative"
    assert line(found, "uk.paye").amount == D("164.00")  # of 36,400 - 12,579.84 at 20 %


def test_a_k_code_adds_what_an_allowance_takes_off():
    assert tax("3000.00", tax_code="K100") == D("616.80")  # 3,000 + 84.09 = 3,084
    assert tax("3000.00", tax_code="SK100") == D("733.73")
    assert tax("3000.00", tax_code="100L") == D("583.00")  # 3,000 - 84.09 = 2,915


def test_no_more_than_half_of_a_pay_is_taken_with_a_k_code():
    found = paid("500.01", tax_code="K2000")

    assert line(found, "uk.paye").amount == D("250.00")
    assert line(found, "uk.paye").steps[-1].name == "overriding_limit"
    assert tax("500.01", tax_code="K2000", basis="week1_month1") == D("250.00")


def test_what_the_limit_left_is_taken_when_pay_allows_it():
    first = tax("500.00", tax_code="K2000")
    second = tax("9000.00", tax_code="K2000", period=2, to_date={"taxable": "500.00", "tax": str(first)})

    whole = tax("9000.00", tax_code="K2000", period=2, to_date={"taxable": "500.00", "tax": "0.00"})
    assert (first, whole) == (D("250.00"), D("3876.93"))
    assert second == whole - first


def test_the_limit_of_half_a_pay_holds_for_every_code():
    owed = {"taxable": "30000.00", "tax": "0.00"}

    assert tax("1000.00", period=2, tax_code="1257L", to_date=owed) == D("500.00")
    assert tax("1000.00", period=2, tax_code="D1", to_date=owed) == D("500.00")
    assert tax("0.00", period=2, tax_code="1257L", to_date=owed) == D("0.00")
    assert tax("-50.00", period=2, tax_code="1257L", to_date=owed) == D("0.00")


def test_a_tax_of_exactly_half_is_taken_whole():
    found = paid("1000.00", tax_code="BR", to_date={"taxable": "1500.00"})

    assert line(found, "uk.paye").amount == D("500.00")
    assert [s.name for s in line(found, "uk.paye").steps] == ["pay_to_date", "tax_at_flat_rate", "tax_due"]


def test_the_rate_is_told_where_one_applied():
    assert line(paid("2000.00"), "uk.paye").rate == D("0.2")
    assert line(paid("9000.00"), "uk.paye").rate is None
    assert line(paid("100.00"), "uk.paye").rate == 0


def test_scotland_moved_its_lower_bands_between_the_years():
    assert tax("3000.00", year="2025-26", tax_code="S1257L") == D("394.92")
    assert tax("3000.00", year="2026-27", tax_code="S1257L") == D("392.27")
