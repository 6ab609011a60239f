"""Wire shapes of pay schedules."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.values.fields import (
    Code,
    LocalDate,
    ShortText,
    Timestamp,
    WholeNumber,
    WireInput,
    WireModel,
    left_out,
)

ScheduleFrequency = Literal["weekly", "biweekly", "four_weekly", "semimonthly", "monthly"]
PayDayRule = Literal["before", "after"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CutOffDays = Annotated[WholeNumber, Field(ge=0, le=31, description="Days before people are paid.")]


class PayScheduleIn(WireInput):
    """A new pay schedule. `anchor` is one of its pay days; one at a month's end stays at the months' ends."""

    name: ShortText
    pack: Code
    frequency: ScheduleFrequency
    anchor: LocalDate
    second_anchor: LocalDate | None = None
    pay_day_rule: PayDayRule = "before"
    cut_off_days: CutOffDays | None = None
    workweek_starts: Weekday = "mon"


class PayScheduleChange(WireInput):
    """The fields to change; while somebody is paid by it only `name` and `cut_off_days`."""

    name: ShortText = left_out()
    pack: Code = left_out()
    frequency: ScheduleFrequency = left_out()
    anchor: LocalDate = left_out()
    second_anchor: LocalDate | None = None
    pay_day_rule: PayDayRule = left_out()
    cut_off_days: CutOffDays | None = None
    workweek_starts: Weekday = left_out()


class PayScheduleOut(WireModel):
    """A pay schedule."""

    id: UUID
    name: str
    pack: str
    frequency: ScheduleFrequency
    anchor: LocalDate
    second_anchor: LocalDate | None
    pay_day_rule: PayDayRule
    cut_off_days: int | None
    workweek_starts: Weekday
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class PayPeriodOut(WireModel):
    """A pay period: its days, when they are paid, and its number in the tax year."""

    number: Annotated[
        int,
        Field(
            description="In the tax year: counted from 1 in the US, the tax week (up to 53, 54, 56) or month in the UK."
        ),
    ]
    tax_year: Annotated[int, Field(description="The year in which the tax year begins.")]
    period_start: LocalDate
    period_end: LocalDate
    pay_day: Annotated[LocalDate, Field(description="The pay day by the schedule.")]
    pay_on: Annotated[
        LocalDate,
        Field(description="When people are paid: the pay day, moved off weekends and holidays."),
    ]
    tax_on: Annotated[
        LocalDate,
        Field(
            description="Decides tax year and tables: the pay day in the UK, the day of payment in the US."
        ),
    ]
    cut_off_on: LocalDate | None


class PayPeriodsOut(WireModel):
    """Periods in order."""

    items: list[PayPeriodOut]
