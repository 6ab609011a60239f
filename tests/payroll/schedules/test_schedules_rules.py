"""Pay days, periods and their numbers: no gap, no overlap, and the extra period of a year."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payroll.packs.uk.periods import tax_period, tax_week
from services.payroll.schedules.rules import (
    NoSuchPeriod,
    Period,
    period_starting,
    periods_between,
    require_sound,
)
from services.payroll.schedules.rules.calendars import CALENDARS, is_working_day
from shared.values.faults import Invalid

UK, US = CALENDARS["uk"], CALENDARS["us"]
DAY = timedelta(days=1)


@dataclass
class Terms:
    frequency: str = "weekly"
    anchor: date = date(2026, 1, 2)
    second_anchor: date | None = None
    pay_day_rule: str = "before"
    cut_off_days: int | None = None


def of(terms: Terms, first: date, last: date, pay_calendar=UK) -> list[Period]:
    return list(periods_between(terms, first, last, pay_calendar))


def year_of(terms: Terms, year: int, pay_calendar) -> list[Period]:
    """The periods of a tax year."""
    start = pay_calendar.year_start(year)
    around = of(terms, start - timedelta(days=60), start + timedelta(days=430), pay_calendar)
    return [each for each in around if each.tax_year == year]


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Terms, object]:
    pay_calendar = draw(st.sampled_from([UK, US]))
    frequency = draw(st.sampled_from(sorted(pay_calendar.frequencies)))
    anchor = draw(st.dates(date(2000, 1, 1), date(2040, 12, 31)))
    second = None
    if frequency == "semimonthly":
        first_day = draw(st.integers(1, 14))
        anchor = date(2026, draw(st.integers(1, 12)), first_day)
        second = anchor.replace(day=draw(st.integers(first_day + 7, min(28, first_day + 20))))
        if draw(st.booleans()) and first_day >= 7:
            second = date(2026, 1, 31)
    rule = draw(st.sampled_from(["before", "after"]))
    terms = Terms(frequency, anchor, second, rule, draw(st.none() | st.integers(0, 31)))
    require_sound(terms, pay_calendar)
    return terms, pay_calendar


@settings(deadline=None)
@given(schedules(), st.dates(date(2015, 1, 1), date(2035, 1, 1)))
def test_periods_follow_each_other_without_gap_or_overlap_and_their_numbers_rise(schedule, first):
    terms, pay_calendar = schedule

    found = of(terms, first, first + timedelta(days=500), pay_calendar)

    assert found[0].period_start <= first <= found[0].period_end
    step = {"biweekly": 2, "four_weekly": 4}.get(terms.frequency, 1) if pay_calendar.in_weeks else 1
    for earlier, later in pairwise(found):
        assert later.period_start == earlier.period_end + DAY
        if later.tax_year == earlier.tax_year:
            assert later.number == earlier.number + step
        else:
            assert (later.tax_year, later.number) == (earlier.tax_year + 1, step)


@settings(deadline=None)
@given(schedules(), st.dates(date(2015, 1, 1), date(2035, 1, 1)))
def test_people_are_paid_on_the_next_working_day_by_the_rule(schedule, first):
    terms, pay_calendar = schedule

    for period in of(terms, first, first + timedelta(days=200), pay_calendar):
        assert is_working_day(pay_calendar, period.pay_on)
        between = [min(period.pay_day, period.pay_on), max(period.pay_day, period.pay_on)]
        assert period.pay_on == period.pay_day or not is_working_day(pay_calendar, period.pay_day)
        assert (period.pay_on <= period.pay_day) == (terms.pay_day_rule == "before") or (
            period.pay_on == period.pay_day
        )
        day = between[0] + DAY
        while day < between[1]:
            assert not is_working_day(pay_calendar, day)
            day += DAY


@settings(deadline=None)
@given(schedules(), st.dates(date(2015, 1, 1), date(2035, 1, 1)))
def test_each_day_is_in_the_period_that_is_found_by_its_first_day(schedule, day):
    terms, pay_calendar = schedule
    (found, *_) = of(terms, day, day, pay_calendar)

    assert period_starting(terms, found.period_start, pay_calendar) == found
    if found.period_start != day:
        with pytest.raises(NoSuchPeriod) as refused:
            period_starting(terms, day, pay_calendar)
        assert refused.value.facts["period_start"] == str(found.period_start)


@settings(deadline=None)
@given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(2015, 2035))
def test_uk_numbers_are_the_tax_weeks_that_the_pack_counts(anchor, year):
    for frequency in ("weekly", "biweekly", "four_weekly"):
        for period in year_of(Terms(frequency, anchor), year, UK):
            assert tax_period(frequency, tax_week(period.pay_day)).number == period.number


@pytest.mark.parametrize(
    ("frequency", "anchor", "last"),
    [("weekly", date(2026, 4, 6), 53), ("biweekly", date(2026, 4, 6), 54), ("four_weekly", date(2026, 4, 6), 56),
     ("weekly", date(2026, 4, 7), 52), ("biweekly", date(2026, 4, 13), 52), ("monthly", date(2026, 4, 6), 12)],
)  # fmt: skip
def test_a_uk_year_ends_with_the_53rd_54th_or_56th_week_where_a_pay_day_falls_on_its_first_day(
    frequency, anchor, last
):
    numbers = [each.number for each in year_of(Terms(frequency, anchor), 2026, UK)]

    assert numbers[-1] == last


def test_a_us_year_may_have_27_fortnights_and_the_pay_of_new_years_day_may_be_of_the_old_year():
    found = year_of(Terms("biweekly", date(2026, 1, 2)), 2026, US)

    assert len(found) == 27
    assert (found[-1].pay_day, found[-1].pay_on, found[-1].number) == (
        date(2027, 1, 1),
        date(2026, 12, 31),
        27,
    )
    after = year_of(Terms("biweekly", date(2026, 1, 2), pay_day_rule="after"), 2026, US)
    assert (len(after), after[-1].pay_on) == (26, date(2026, 12, 18))


def test_the_friday_before_a_us_holiday_on_a_saturday_is_a_day_of_payment():
    (independence_day,) = of(Terms("biweekly", date(2026, 7, 3)), date(2026, 7, 3), date(2026, 7, 3), US)
    semimonthly = Terms("semimonthly", date(2027, 1, 15), date(2027, 1, 31))
    (new_year,) = of(semimonthly, date(2027, 12, 31), date(2027, 12, 31), US)

    assert independence_day.pay_on == date(2026, 7, 3)
    assert (new_year.pay_on, new_year.tax_year, new_year.number) == (date(2027, 12, 31), 2027, 24)


@pytest.mark.parametrize(
    ("closed", "open_before", "open_after"),
    [
        (date(2026, 1, 1), date(2025, 12, 31), date(2026, 1, 2)),
        (date(2027, 7, 5), date(2027, 7, 2), date(2027, 7, 6)),  # 4 July is a Sunday
        (date(2022, 6, 20), date(2022, 6, 17), date(2022, 6, 21)),  # Juneteenth is a Sunday
        (date(2022, 12, 26), date(2022, 12, 23), date(2022, 12, 27)),  # Christmas is a Sunday
        (date(2023, 1, 2), date(2022, 12, 30), date(2023, 1, 3)),  # New Year's Day is a Sunday
        (date(2026, 11, 26), date(2026, 11, 25), date(2026, 11, 27)),
    ],
)
def test_us_holidays_are_those_of_the_reserve_banks(closed, open_before, open_after):
    assert not is_working_day(US, closed)
    assert is_working_day(US, open_before)
    assert is_working_day(US, open_after)


def test_no_us_friday_is_closed_for_a_holiday_on_the_saturday():
    fridays = [date(2000, 1, 7) + timedelta(days=7 * n) for n in range(52 * 60)]
    fixed = {(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)}

    closed = [day for day in fridays if not is_working_day(US, day)]

    assert closed
    assert all((day.month, day.day) in fixed for day in closed)


# England and Wales, bank holidays as published on GOV.UK (substitute days included).
BANK_HOLIDAYS = {
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
    2022: "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    2028: "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
}


@pytest.mark.parametrize(("year", "published"), BANK_HOLIDAYS.items())
def test_uk_weekdays_without_payment_are_the_bank_holidays_of_england_and_wales(year, published):
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]

    closed = [day for day in days if day.weekday() < 5 and not is_working_day(UK, day)]

    assert [format(day, "%m-%d") for day in closed] == published.split()


def test_a_uk_pay_day_on_easter_monday_counts_in_the_new_year_though_people_are_paid_in_the_old_one():
    (period,) = of(Terms("weekly", date(2026, 4, 6)), date(2026, 4, 6), date(2026, 4, 6))

    assert (period.pay_day, period.pay_on) == (date(2026, 4, 6), date(2026, 4, 2))
    assert (period.tax_year, period.number, period.tax_on) == (2026, 1, date(2026, 4, 6))


@pytest.mark.parametrize(
    "anchor", [date(2026, 1, 31), date(2026, 4, 30), date(2026, 2, 28), date(2024, 2, 29)]
)
def test_month_ends_stay_month_ends(anchor):
    found = of(Terms("monthly", anchor), date(2027, 1, 1), date(2028, 12, 31))

    assert all(each.pay_day == each.period_end for each in found)
    assert {each.period_end.day for each in found} == {28, 29, 30, 31}
    assert all(each.period_start.day == 1 for each in found)


def test_a_day_that_a_month_does_not_have_is_its_last():
    found = of(Terms("monthly", date(2026, 1, 30)), date(2027, 2, 1), date(2027, 3, 31))

    assert [each.pay_day for each in found] == [date(2027, 2, 28), date(2027, 3, 30)]
    assert [each.period_end for each in found] == [date(2027, 2, 28), date(2027, 3, 31)]


def test_two_pay_days_a_month():
    found = of(
        Terms("semimonthly", date(2026, 1, 15), date(2026, 1, 31)), date(2026, 2, 1), date(2026, 3, 15), US
    )

    days = [(each.period_start.day, each.period_end.day, each.pay_on.day) for each in found]
    assert days == [(1, 15, 13), (16, 28, 27), (1, 15, 13)]


def test_the_cut_off_counts_back_from_the_day_of_payment():
    (period,) = of(Terms("monthly", date(2026, 1, 31), cut_off_days=5), date(2026, 5, 1), date(2026, 5, 31))

    assert (period.pay_on, period.cut_off_on) == (date(2026, 5, 29), date(2026, 5, 24))


@pytest.mark.parametrize(
    ("terms", "pay_calendar", "pointer"),
    [
        (Terms("semimonthly", date(2026, 1, 15)), US, "/second_anchor"),
        (Terms("semimonthly", date(2026, 1, 15), date(2026, 1, 20)), US, "/second_anchor"),
        (Terms("semimonthly", date(2026, 1, 1), date(2026, 1, 31)), US, "/second_anchor"),
        (Terms("semimonthly", date(2026, 1, 15), date(2026, 2, 15)), US, "/second_anchor"),
        (Terms("weekly", date(2026, 1, 15), date(2026, 1, 31)), US, "/second_anchor"),
        (Terms("semimonthly", date(2026, 1, 15), date(2026, 1, 31)), UK, "/frequency"),
        (Terms("weekly", date(1900, 1, 1)), UK, "/anchor"),
        (Terms("weekly", date(9999, 12, 31)), UK, "/anchor"),
    ],
)
def test_anchors_that_make_no_schedule_are_refused(terms, pay_calendar, pointer):
    with pytest.raises(Invalid) as refused:
        require_sound(terms, pay_calendar)

    assert [each.pointer for each in refused.value.errors] == [pointer]
