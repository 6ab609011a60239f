"""Overtime under the Fair Labor Standards Act: the regular rate of a workweek and half of it for hours over forty.

Source: 29 USC 207(a), (e); 29 CFR 778.109 to 778.115 and 778.208 to 778.209; Department of Labor fact sheets 23, 56A
and 56C. Each workweek stands alone (29 CFR 778.104). All that is paid for the week's work, bonuses and differentials
included, is divided by all hours worked; that pays straight time, and half the rate is due on top for each hour over
forty. As in the department's examples, rate and half rate are rounded to the cent, halves up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.steps import Steps

FORTY: Final = Decimal(40)
"""Hours of a workweek after which overtime is due (29 USC 207(a)(1))."""
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Worked:
    """Hours worked in a workweek at one hourly rate in dollars; several for work at different rates (778.115)."""

    hours: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Workweek:
    """A workweek: what was worked, and what else it is paid with, in dollars.

    `differentials` are shift and other premiums for hours that are no overtime, `bonuses` those that are not
    discretionary, as far as they belong to this week, `other` piece earnings, commissions, salary of the week. What
    29 USC 207(e) excludes (gifts, discretionary bonuses, expenses, pay for idle hours) is left out by the caller.
    """

    worked: tuple[Worked, ...]
    differentials: Decimal = ZERO
    bonuses: Decimal = ZERO
    other: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Overtime:
    """What is due for a workweek: `straight` (all remuneration before overtime) and `premium` (the half on top).

    `premium` is also what Form W-2 of 2026 reports as qualified overtime (box 12, code TT).
    """

    hours: Decimal
    overtime_hours: Decimal
    regular_rate: Decimal
    half_rate: Decimal
    straight: Decimal
    premium: Decimal
    steps: tuple[Step, ...]

    @property
    def total(self) -> Decimal:
        """All that is due."""
        return self.straight + self.premium


def overtime(week: Workweek) -> Overtime:
    """What a workweek is paid with, by the regular rate. Raises ValueError for negative hours or pay."""
    if any(each.hours < 0 or each.rate < 0 for each in week.worked):
        raise ValueError("Hours and rates of a workweek are not negative.")
    if min(week.differentials, week.bonuses, week.other) < 0:
        raise ValueError("Payments of a workweek are not negative.")
    steps = Steps()
    hours = sum((each.hours for each in week.worked), ZERO)
    by_the_hour = sum((half_up_cent(each.hours * each.rate) for each in week.worked), ZERO)
    straight = steps.take(
        "remuneration of the week",
        by_the_hour + week.differentials + week.bonuses + week.other,
        by_the_hour=by_the_hour,
        differentials=week.differentials,
        bonuses=week.bonuses,
        other=week.other,
    )
    over = steps.take("overtime hours", max(hours - FORTY, ZERO), hours=hours, threshold=FORTY)
    rate = ZERO
    if hours:
        rate = steps.round("regular rate", half_up_cent, straight / hours, remuneration=straight, hours=hours)
    half = steps.round("half rate", half_up_cent, rate / _TWO, regular_rate=rate)
    premium = steps.round("overtime premium", half_up_cent, over * half, overtime_hours=over, half_rate=half)
    return Overtime(hours, over, rate, half, straight, premium, steps.done())


def bonus_premium(bonus: Decimal, hours_of_weeks: Sequence[Decimal]) -> Decimal:
    """The overtime that a bonus paid later adds to the workweeks it was earned in.

    Where it cannot be told how it was earned, an equal part belongs to each week (29 CFR 778.209(b)); by it the week's
    rate rises, and half of the rise is due for each hour over forty. Rise and half are rounded to the cent.
    """
    if bonus < 0 or any(hours < 0 for hours in hours_of_weeks):
        raise ValueError("Bonus and hours are not negative.")
    due = ZERO
    for hours in hours_of_weeks:
        if hours > FORTY:
            rise = half_up_cent(bonus / len(hours_of_weeks) / hours)
            due += half_up_cent((hours - FORTY) * half_up_cent(rise / _TWO))
    return due
