"""Gross pay of a period: salary or wages by the days they hold for, less unpaid days, and what is paid beside them.

The method of proration is named `weekdays`: a salary is the same for every period (an annual one divided by 52, 26, 13,
24 or 12; a monthly one is multiplied by 12 before), and of a period of which only a part is worked, or in which the
terms change, each part gets the share that its days from Monday to Friday have of those of the period, holidays
included. No law prescribes a method where a contract is silent; it is stated on each line.

Hourly pay is for the contracted hours: weekly hours times the weekdays of the part divided by five. Unpaid hours are
taken off once for each day, whatever number of requests it is in; of a salary at the rate that the period's salary has
for an hour of its contracted hours. Without weekly hours an unpaid day counts as one weekday of the period.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.payroll.engine.inputs import Earning, EarningKind
from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import half_up_cent
from services.payroll.payslips.rules.refusals import CannotPay

PERIODS_IN_A_YEAR: Final = {"weekly": 52, "biweekly": 26, "four_weekly": 13, "semimonthly": 24, "monthly": 12}
WEEKDAYS: Final = 5
MONTHS: Final = 12
ZERO: Final = Decimal("0.00")
SUPPLEMENTAL: Final = ("bonus", "commission")


@dataclass(frozen=True, slots=True)
class Earned:
    """An earning with what explains it; `item_id` names the pay item that it comes of."""

    earning: Earning
    rule: str
    basis: Decimal | None = None
    rate: Decimal | None = None
    steps: tuple[Step, ...] = ()
    item_id: str | None = None


def earnings_of(snapshot: Mapping[str, Any]) -> list[Earned]:
    """Everything that a payee earns in the period; raises CannotPay where something is missing."""
    found: list[Earned] = []
    if snapshot["run"]["basic_pay"]:
        unpaid = _unpaid_hours(snapshot["days_away"])
        for stretch in snapshot["stretches"]:
            found.extend(_basic(stretch, snapshot["run"], unpaid))
    for item in snapshot["items"]:
        if item["kind"] in SUPPLEMENTAL or item["kind"] == "expense":
            kind = EarningKind.REIMBURSEMENT if item["kind"] == "expense" else EarningKind.SUPPLEMENTAL
            earning = Earning(item["code"], kind, Decimal(item["amount"]))
            found.append(Earned(earning, f"payroll.item.{item['kind']}", item_id=item["id"]))
    return found


def weekdays(first: date, last: date) -> int:
    """The days from Monday to Friday between two days, both included."""
    weeks, rest = divmod((last - first).days + 1, 7)
    begins = first.weekday()
    return weeks * WEEKDAYS + sum((begins + n) % 7 < WEEKDAYS for n in range(rest))


def _unpaid_hours(days: Sequence[Mapping[str, Any]]) -> dict[date, Decimal]:
    """The unpaid hours of each day: of two requests for one day the longer."""
    found: dict[date, Decimal] = {}
    for each in days:
        if each["pay_code"] == "unpaid":
            day = date.fromisoformat(each["day"])
            found[day] = max(found.get(day, ZERO), Decimal(each["hours"]))
    return found


def _basic(
    stretch: Mapping[str, Any], run: Mapping[str, Any], unpaid: Mapping[date, Decimal]
) -> Iterator[Earned]:
    first, last = date.fromisoformat(stretch["first"]), date.fromisoformat(stretch["last"])
    of_period = weekdays(date.fromisoformat(run["period_start"]), date.fromisoformat(run["period_end"]))
    away = {day: hours for day, hours in unpaid.items() if first <= day <= last}
    terms = stretch["compensation"]
    hours = None if stretch["weekly_hours"] is None else Decimal(stretch["weekly_hours"])
    if terms["kind"] == "hourly":
        yield _wages(Decimal(terms["amount"]), hours, weekdays(first, last), sum(away.values(), ZERO))
        return
    salary = _Salary(terms, run["frequency"], of_period)
    line = salary.of(weekdays(first, last))
    yield line
    if away:
        yield salary.less(away, hours, most=line.earning.amount)


def _wages(rate: Decimal, weekly_hours: Decimal | None, worked: int, unpaid: Decimal) -> Earned:
    """Contracted hours times the rate, as no time entries are kept."""
    if weekly_hours is None:
        raise CannotPay("missing_weekly_hours", "hourly pay needs contracted weekly hours.", "weekly_hours")
    hours = max(weekly_hours * worked / WEEKDAYS - unpaid, ZERO)
    amount = half_up_cent(hours * rate)
    steps = (
        _step(
            "contracted hours", hours, None, weekly_hours=weekly_hours, weekdays=worked, unpaid_hours=unpaid
        ),
        _step("wages", amount, "half_up_cent", hours=hours, rate=rate),
    )
    earning = Earning("wages", EarningKind.REGULAR, amount)
    return Earned(earning, "payroll.hourly.contracted_hours", basis=hours, rate=rate, steps=steps)


class _Salary:
    """A salary in one period, exact: its parts are rounded, each by itself."""

    def __init__(self, terms: Mapping[str, Any], frequency: str, of_period: int) -> None:
        self.amount, self.periods = Decimal(terms["amount"]), PERIODS_IN_A_YEAR[frequency]
        self.annual = self.amount * MONTHS if terms["per"] == "month" else self.amount
        self.of_period = of_period

    def of(self, worked: int) -> Earned:
        """The share of a part of the period with so many weekdays."""
        whole = half_up_cent(self.annual / self.periods)
        amount = half_up_cent(self.annual * worked / (self.periods * self.of_period))
        steps = [_step("salary of a period", whole, "half_up_cent", annual=self.annual, periods=self.periods)]
        if worked < self.of_period:
            inputs = {"annual": self.annual, "periods": self.periods, "weekdays": worked}
            steps.append(
                _step(
                    "proration by weekdays",
                    amount,
                    "half_up_cent",
                    **inputs,
                    weekdays_of_period=self.of_period,
                )
            )
        rule = "payroll.salary.whole_period" if worked == self.of_period else "payroll.salary.weekdays"
        return Earned(Earning("salary", EarningKind.REGULAR, amount), rule, basis=whole, steps=tuple(steps))

    def less(self, away: Mapping[date, Decimal], weekly_hours: Decimal | None, *, most: Decimal) -> Earned:
        """What unpaid days take, at most what was paid for the part."""
        hours = sum(away.values(), ZERO)
        if weekly_hours:
            of_period = weekly_hours * self.of_period / WEEKDAYS
            taken = half_up_cent(self.annual * hours / (self.periods * of_period))
            inputs = {"hours": hours, "hours_of_period": of_period}
        else:
            days = sum(day.weekday() < WEEKDAYS for day in away)
            taken = half_up_cent(self.annual * days / (self.periods * self.of_period))
            inputs = {"hours": hours, "days": Decimal(days), "weekdays_of_period": Decimal(self.of_period)}
        amount = -min(taken, most)
        step = _step(
            "unpaid days",
            amount,
            "half_up_cent",
            **inputs,
            annual=self.annual,
            periods=self.periods,
            most=most,
        )
        earning = Earning("unpaid_leave", EarningKind.REGULAR, amount)
        return Earned(earning, "payroll.salary.unpaid_hours", basis=hours, steps=(step,))


def _step(name: str, result: Decimal, rounding: str | None, **inputs: object) -> Step:
    return Step(name, tuple((key, str(value)) for key, value in inputs.items()), str(result), rounding)
