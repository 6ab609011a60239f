"""National Insurance: every category on both sides of every threshold of every frequency, rounding, directors."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from services.payroll.packs.uk.amounts import ni_penny
from shared.values.faults import Invalid
from tests.payroll.packs.uk.given import D, amount, line, ni, paid

BOTH = ("2025-26", "2026-27")
# primary threshold, secondary threshold, freeport and investment zone threshold, upper earnings limit
THRESHOLDS = {
    "weekly": (242, 96, 481, 967),
    "biweekly": (484, 193, 962, 1934),
    "four_weekly": (967, 385, 1924, 3867),
    "monthly": (1048, 417, 2083, 4189),
    "quarterly": (3143, 1250, 6250, 12568),
    "semiannual": (6285, 2500, 12500, 25135),
    "annual": (12570, 5000, 25000, 50270),
}
FULL, REDUCED, NONE, DEFERRED = ("0.08", "0.02"), ("0.0185", "0.02"), ("0", "0"), ("0.02", "0.02")
SECONDARY, ZONE, UPPER = 1, 2, 3
CATEGORIES = {
    "A": (FULL, SECONDARY), "B": (REDUCED, SECONDARY), "C": (NONE, SECONDARY), "D": (DEFERRED, ZONE),
    "E": (REDUCED, ZONE), "F": (FULL, ZONE), "H": (FULL, UPPER), "I": (REDUCED, ZONE), "J": (DEFERRED, SECONDARY),
    "K": (NONE, ZONE), "L": (DEFERRED, ZONE), "M": (FULL, UPPER), "N": (FULL, ZONE), "S": (NONE, ZONE),
    "V": (FULL, UPPER), "Z": (DEFERRED, UPPER),
}  # fmt: skip


def penny(value: Fraction) -> Decimal:
    """To the penny by the third decimal: 6 and more goes up."""
    mills = int(value * 1000)
    return Decimal(mills // 10 + (mills % 10 > 5)) / 100


def expected(category: str, frequency: str, pay: Decimal) -> tuple[Decimal, Decimal]:
    """Both contributions in exact fractions, each part up to and above the upper earnings limit rounded."""
    (main, above), begins = CATEGORIES[category]
    limits = THRESHOLDS[frequency]
    earned, upper = Fraction(pay), Fraction(limits[3])
    over = max(earned - upper, Fraction(0))
    own = max(min(earned, upper) - limits[0], Fraction(0))
    other = max(min(earned, upper) - limits[begins], Fraction(0))
    employee = penny(own * Fraction(main)) + penny(over * Fraction(above))
    return employee, penny(other * Fraction("0.15")) + penny(over * Fraction("0.15"))


@pytest.mark.parametrize("year", BOTH)
@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("frequency", THRESHOLDS)
def test_contributions_are_right_on_both_sides_of_every_threshold(frequency: str, category: str, year: str):
    for threshold in THRESHOLDS[frequency]:
        for beside in (
            "-1.00",
            "-0.01",
            "0.00",
            "0.01",
            "0.04",
            "0.06",
            "0.07",
            "0.26",
            "0.31",
            "1.00",
            "333.33",
        ):
            pay = D(threshold) + D(beside)
            found = ni(str(pay), year=year, frequency=frequency, ni_category=category)
            assert found == expected(category, frequency, pay), pay


def test_the_third_decimal_alone_decides_about_the_penny():
    assert [str(ni_penny(D(v))) for v in ("0.0050", "0.0059", "0.0060", "0.0049", "1.2355", "1.2360", "0")] == [
        "0.00", "0.00", "0.01", "0.00", "1.23", "1.24", "0.00",
    ]  # fmt: skip


@pytest.mark.parametrize("pay", ["0.00", "-500.00"])
def test_no_earnings_owe_nothing(pay: str):
    assert ni(pay) == (D("0.00"), D("0.00"))


def test_lines_are_shown_when_nothing_is_due():
    found = paid("100.00")

    own, other = line(found, "uk.ni_employee"), line(found, "uk.ni_employer")
    assert (own.amount, own.basis, own.rate) == (D("0.00"), 0, D("0.08"))
    assert (other.amount, other.basis, other.rate) == (D("0.00"), 0, D("0.15"))
    assert own.steps[0].inputs == (("earnings", "100.00"), ("primary_threshold", "1048"))
    assert other.steps[0].inputs == (("earnings", "100.00"), ("employer_from", "417"))


def test_the_parts_of_a_high_pay_are_explained():
    found = line(paid("5000.10"), "uk.ni_employee")

    assert (found.amount, found.basis, found.rate) == (D("267.50"), D("3952.10"), None)
    assert [(s.name, s.result) for s in found.steps] == [
        ("up_to_upper_limit", "251.28"),
        ("above_upper_limit", "16.22"),
    ]
    upper = {"earnings": "5000.10", "upper_earnings_limit": "4189"}
    assert [dict(s.inputs) for s in found.steps] == [
        upper | {"primary_threshold": "1048", "band": "3141", "rate": "0.08"},
        upper | {"band": "811.10", "rate": "0.02"},
    ]
    assert [dict(s.inputs) for s in line(paid("5000.10"), "uk.ni_employer").steps] == [
        upper | {"employer_from": "417", "band": "3772.00", "rate": "0.15"},
        upper | {"band": "811.10", "rate": "0.15"},
    ]
    assert line(paid("5000.10", ni_category="J"), "uk.ni_employee").rate == D("0.02")
    assert line(paid("4189.00"), "uk.ni_employee").rate == D("0.08")
    assert line(paid("5000.10"), "uk.ni_employer").basis == D("4583.10")


@pytest.mark.parametrize("letter", sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(CATEGORIES)))
def test_a_category_that_is_not_in_the_tables_is_refused_by_name(letter: str):
    with pytest.raises(Invalid, match=f"category {letter} is not in the tables of 2026-27") as refused:
        paid("1000.00", ni_category=letter)

    assert [(e.pointer, e.code) for e in refused.value.errors] == [
        ("/declarations/ni_category", "unknown_ni_category")
    ]


def test_without_a_category_a_is_used_and_said():
    found = paid("1000.00", ni_category=None)

    assert any(w.startswith("ni_category_assumed") for w in found.warnings)
    assert ni("3000.00", ni_category=None) == ni("3000.00")


def test_figures_that_nobody_has_seen_in_print_are_marked_on_the_lines_that_use_them():
    def marks(**facts: object) -> str:
        source = line(paid("3000.00", **facts), "uk.ni_employer").source
        assert source is not None
        assert source.year == facts.get("year", "2026-27")
        return source.unconfirmed or ""

    whole = "the official test rows of 2026-27 were not obtained"
    for facts in ({"ni_category": "F"}, {"ni_category": "N", "frequency": "weekly"}):
        assert marks(**facts).startswith(whole)
        assert marks(**facts).endswith("week and month carried from 2025-26; the annual figure is unchanged")
    for facts in (
        {"ni_category": "F", "frequency": "annual"},
        {"ni_category": "F", "frequency": "biweekly"},
        {"ni_category": "A"},
        {"ni_category": "M"},
        {"ni_category": "F", "director": {"method": "annual"}},
    ):
        assert marks(**facts).startswith(whole)
        assert "carried" not in marks(**facts)
    assert marks(year="2025-26", ni_category="F") == ""
    assert marks(year="2025-26", director={"method": "annual"}) == ""


ANNUAL = {"director": {"method": "annual"}}
ALTERNATIVE = {"director": {"method": "alternative"}}


def test_a_director_pays_nothing_until_the_year_exceeds_the_threshold():
    before = {"ni_earnings": "8000.00", "ni_employee": "0.00", "ni_employer": "450.00"}

    assert ni("4570.00", period=3, to_date=before, **ANNUAL) == (D("0.00"), D("685.50"))
    assert ni("4571.00", period=3, to_date=before, **ANNUAL) == (D("0.08"), D("685.65"))


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_director_owes_the_same_at_the_end_of_the_year_by_both_methods(category: str):
    pays = [
        "1000.00",
        "0.00",
        "9000.00",
        "0.00",
        "60000.00",
        "417.00",
        "2083.33",
        "1048.00",
        "4189.00",
        "5.05",
        "0.00",
        "7000.07",
    ]
    whole = sum(map(D, pays))
    for method in (ANNUAL, ALTERNATIVE):
        to_date = {"ni_earnings": D(0), "ni_employee": D(0), "ni_employer": D(0)}
        for period, pay in enumerate(pays, 1):
            day = (
                date(2026 + (period > 9), (period + 3 - 1) % 12 + 1, 30)
                if period != 11
                else date(2027, 2, 28)
            )
            before = {name: str(value) for name, value in to_date.items()}
            own, other = ni(pay, period=period, pay_on=day, to_date=before, ni_category=category, **method)
            to_date["ni_earnings"] += D(pay)
            to_date["ni_employee"] += own
            to_date["ni_employer"] += other
        assert (to_date["ni_employee"], to_date["ni_employer"]) == expected(category, "annual", whole)


def test_the_alternative_method_is_that_of_an_employee_until_the_last_pay():
    before = {"ni_earnings": "50000.00", "ni_employee": "10.00", "ni_employer": "20.00"}

    for frequency, period, last in (
        ("monthly", 11, 12),
        ("weekly", 51, 52),
        ("biweekly", 50, 52),
        ("four_weekly", 48, 52),
    ):
        during = paid("3000.00", frequency=frequency, period=period, to_date=before, **ALTERNATIVE)
        settled = paid("3000.00", frequency=frequency, period=last, to_date=before, **ALTERNATIVE)
        assert amount(during, "uk.ni_employee") == ni("3000.00", frequency=frequency)[0]
        assert line(during, "uk.ni_employee").rule == "uk.ni.period"
        assert amount(settled, "uk.ni_employee") == D("3070.60") - 10  # 37,700 at 8 % and 2,730 at 2 %
        assert amount(settled, "uk.ni_employer") == D("7200.00") - 20
        assert line(settled, "uk.ni_employer").rule == "uk.ni.director.alternative"


def test_week_53_settles_once_more():
    before = {"ni_earnings": "52000.00", "ni_employee": "3050.60", "ni_employer": "7050.00"}

    assert ni("1000.00", frequency="weekly", period=53, to_date=before, **ALTERNATIVE) == (
        D("20.00"),
        D("150.00"),
    )


def test_a_director_gets_back_what_was_paid_too_much():
    before = {"ni_earnings": "12000.00", "ni_employee": "900.00", "ni_employer": "1500.00"}

    found = paid("500.00", period=12, to_date=before, **ALTERNATIVE)

    assert (amount(found, "uk.ni_employee"), amount(found, "uk.ni_employer")) == (D("-900.00"), D("-375.00"))
    assert line(found, "uk.ni_employee").steps[-1].name == "less_paid_before"


@pytest.mark.parametrize(
    ("appointed", "weeks"),
    [
        ("2026-04-05", 52),
        ("2026-04-06", 52),
        ("2026-04-12", 52),
        ("2026-04-13", 51),
        ("2026-10-05", 26),
        ("2027-03-22", 2),
        ("2027-03-28", 2),
        ("2027-03-29", 1),
        ("2027-04-04", 1),
        ("2027-04-05", 1),
        ("2019-01-01", 52),
    ],
)
def test_thresholds_of_a_director_appointed_in_the_year_go_by_the_weeks_that_are_left(
    appointed: str, weeks: int
):
    director = {"director": {"method": "annual", "appointed_on": appointed}}
    limits = [-(-value * weeks // 52) for value in (12570, 5000, 50270)]

    found = ni("90000.00", period=12, pay_on=date(2027, 4, 5), **director)

    own = D(limits[2] - limits[0]) * D("0.08") + (90000 - limits[2]) * D("0.02")
    assert found == (own, (90000 - limits[1]) * D("0.15"))


def test_what_a_director_earned_as_an_employee_before_stays_out_of_the_directors_period():
    pounds = {"ni_earnings": "12000.00", "ni_employee": "456.96", "ni_employer": "1424.70"}
    earlier = {name: {"amount": value, "currency": "GBP"} for name, value in pounds.items()}
    director = {"method": "annual", "appointed_on": "2026-10-05"}
    to_date = {"ni_earnings": "22000.00", "ni_employee": "756.16", "ni_employer": "2549.70"}
    facts = {"period": 12, "pay_on": date(2027, 4, 5), "student_loans": ["plan_1"]}

    mixed = paid("5000.00", to_date=to_date, director=director | {"employed_before": earlier}, **facts)
    since = {"ni_earnings": "10000.00", "ni_employee": "299.20", "ni_employer": "1125.00"}
    alone = paid("5000.00", to_date=since, director=director, **facts)

    assert mixed.lines == alone.lines
    assert amount(mixed, "uk.ni_employee") == D("398.00")  # 15,000 - 6,285 at 8 %: 697.20, less 299.20 paid
    assert amount(mixed, "uk.ni_employer") == D("750.00")
    assert amount(mixed, "uk.student_loan") == D("139.00")  # above 13,450


def test_a_zone_category_of_a_director_uses_its_own_threshold_in_proportion():
    director = {"director": {"method": "annual", "appointed_on": "2026-10-05"}}

    found = ni("20000.00", period=12, pay_on=date(2027, 4, 5), ni_category="F", **director)

    assert found == (D("1097.20"), D("1125.00"))


@pytest.mark.parametrize(
    ("frequency", "period", "first_too_late"),
    [
        ("weekly", 1, "2026-04-13"),
        ("weekly", 30, "2026-11-02"),
        ("biweekly", 2, "2026-04-20"),
        ("monthly", 1, "2026-05-06"),
        ("quarterly", 3, "2026-07-06"),
        ("monthly", 12, "2027-04-06"),
        ("annual", 12, "2027-04-06"),
    ],
)
def test_an_appointment_after_the_period_is_refused(frequency: str, period: int, first_too_late: str):
    late = date.fromisoformat(first_too_late)

    def of(day: date) -> tuple[Decimal, Decimal]:
        director = {"method": "annual", "appointed_on": day.isoformat()}
        return ni("9000.00", frequency=frequency, period=period, director=director)

    assert of(late - timedelta(days=1))[1] > 0
    with pytest.raises(Invalid, match="not yet a director") as refused:
        of(late)
    assert [(e.pointer, e.code) for e in refused.value.errors] == [
        ("/declarations/director/appointed_on", "appointed_after_pay")
    ]


def test_the_weeks_of_a_director_who_is_paid_by_the_year_are_all():
    assert ni("60000.00", frequency="annual", period=52, **ANNUAL) == expected("A", "annual", D("60000.00"))
    assert ni("60000.00", frequency="annual", period=1, **ALTERNATIVE) == expected(
        "A", "annual", D("60000.00")
    )
