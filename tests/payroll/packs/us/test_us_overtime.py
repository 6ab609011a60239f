"""Overtime by the regular rate: the examples of 29 CFR 778 and of fact sheet 23, and what always holds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payroll.packs.us.overtime import Worked, Workweek, bonus_premium, overtime


def week(*worked: tuple[str, str], **paid: str) -> Workweek:
    hours = tuple(Worked(Decimal(hours), Decimal(rate)) for hours, rate in worked)
    return Workweek(hours, **{name: Decimal(text) for name, text in paid.items()})


# name, week, regular rate, half rate, premium, total
EXAMPLES = [
    ("778.110(a): 46 hours at 12", week(("46", "12")), "12.00", "6.00", "36.00", "588.00"),
    ("778.110(b): and a bonus of 46", week(("46", "12"), bonuses="46"), "13.00", "6.50", "39.00", "637.00"),
    ("778.111(a): piece work", week(("50", "0"), other="523"), "10.46", "5.23", "52.30", "575.30"),
    ("fact sheet 23: piece work", week(("45", "0"), other="405"), "9.00", "4.50", "22.50", "427.50"),
    ("fact sheet 23: salary, 50 hours", week(("50", "0"), other="480"), "9.60", "4.80", "48.00", "528.00"),
    ("fact sheet 23: salary, 60 hours", week(("60", "0"), other="480"), "8.00", "4.00", "80.00", "560.00"),
    ("778.115: two rates", week(("30", "10"), ("14", "12.50")), "10.80", "5.40", "21.60", "496.60"),
    ("778.207(b): night differential", week(("48", "10"), differentials="24"), "10.50", "5.25", "42.00", "546.00"),
    ("forty hours", week(("40", "20"), bonuses="100"), "22.50", "11.25", "0.00", "900.00"),
    ("no hours", week(bonuses="100"), "0.00", "0.00", "0.00", "100.00"),
    ("a quarter of an hour over", week(("40.25", "20")), "20.00", "10.00", "2.50", "807.50"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given_week", "rate", "half", "premium", "total"), EXAMPLES)
def test_the_example_comes_out_to_the_cent(name, given_week, rate, half, premium, total):
    due = overtime(given_week)

    assert (due.regular_rate, due.half_rate) == (Decimal(rate), Decimal(half))
    assert (due.premium, due.total) == (Decimal(premium), Decimal(total))


def test_rate_and_half_rate_are_rounded_one_after_the_other():
    due = overtime(week(("43", "10"), bonuses="10.01"))

    assert (due.straight, due.regular_rate, due.half_rate) == (
        Decimal("440.01"),
        Decimal("10.23"),
        Decimal("5.12"),
    )
    assert (due.overtime_hours, due.premium) == (3, Decimal("15.36"))
    assert [(step.name, step.rounding) for step in due.steps] == [
        ("remuneration of the week", None),
        ("overtime hours", None),
        ("regular rate", "half_up_cent"),
        ("half rate", "half_up_cent"),
        ("overtime premium", "half_up_cent"),
    ]


@pytest.mark.parametrize(
    ("bonus", "hours", "due"),
    [
        ("300", ["40", "40", "40"], "0.00"),
        ("300", ["50", "40", "40"], "10.00"),
        ("300", ["50", "50", "50"], "30.00"),
        ("92", ["46"], "6.00"),
        ("92", ["46", "41"], "3.56"),
        ("100", ["39.99", "0"], "0.00"),
    ],
)
def test_a_bonus_paid_later_raises_the_rate_of_each_week_it_was_earned_in(bonus, hours, due):
    assert bonus_premium(Decimal(bonus), [Decimal(each) for each in hours]) == Decimal(due)


@pytest.mark.parametrize(
    "wrong",
    [
        week(("-1", "10")),
        week(("1", "-10")),
        week(("1", "10"), bonuses="-1"),
        week(("1", "10"), differentials="-1"),
        week(("1", "10"), other="-1"),
    ],
)
def test_nothing_of_a_workweek_is_negative(wrong: Workweek):
    with pytest.raises(ValueError, match="not negative"):
        overtime(wrong)


def test_neither_is_a_bonus_nor_its_hours():
    for bonus, hours in (("-1", "50"), ("1", "-50")):
        with pytest.raises(ValueError, match="not negative"):
            bonus_premium(Decimal(bonus), [Decimal(hours)])
    assert bonus_premium(Decimal(0), []) == 0


@given(st.integers(0, 16800), st.integers(725, 20000), st.integers(0, 100_000))
def test_overtime_is_never_below_one_and_a_half_times_the_hourly_rate(hours: int, rate: int, bonus: int):
    worked, hourly = Decimal(hours) / 100, Decimal(rate) / 100
    due = overtime(Workweek((Worked(worked, hourly),), bonuses=Decimal(bonus) / 100))
    over = max(worked - 40, Decimal(0))

    assert due.overtime_hours == over
    assert due.total + 1 >= worked * hourly + over * hourly / 2 + Decimal(bonus) / 100
    assert (due.premium == 0) == (over * due.half_rate < Decimal("0.005"))
