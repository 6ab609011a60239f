"""Statutory payments: average weekly earnings, sick pay and the parental payments, as lines of a payslip.

Sources: Social Security Contributions and Benefits Act 1992, part XI (sick pay; from 6 April 2026 as amended by the
Employment Rights Act 2025) and part XII; Statutory Maternity Pay (General) Regulations 1986, regulations 21 and 28; SI
2002/2818, regulation 4. Amounts with a fraction of a penny go up to the next penny, once for each payment.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from services.payroll.engine.inputs import Frequency
from services.payroll.engine.lines import Line, LineKind, Step
from services.payroll.engine.rounding import up_cent
from services.payroll.packs.uk.amounts import ZERO, step
from services.payroll.packs.uk.tables import ParentalPay, SickPay, Tables

DAYS_OF_WEEK: Final = 7
_MONTHS: Final = 12
_WEEKS: Final = 52
PARENTAL_CODES: Final = ("smp", "sap", "spp", "shpp", "spbp", "sncp")
"""`uk.<code>` is the line: maternity, adoption, paternity, shared parental, bereavement and neonatal care pay."""
NOT_ATTACHABLE: Final = frozenset(f"uk.{code}" for code in PARENTAL_CODES)
"""Payments that no attachment order reaches."""


def average_weekly_earnings(earnings: Sequence[Decimal], frequency: Frequency, weeks: int) -> Decimal:
    """Average weekly earnings, not rounded, from the pay of the relevant period.

    Paid by the month: the sum of the months times 12, divided by their number and by 52. Otherwise the sum divided by
    the `weeks` that the payments are for (8 in general). No payments are no earnings.
    """
    if not earnings:
        return Decimal(0)
    total = sum(earnings, Decimal(0))
    if frequency is Frequency.MONTHLY:
        return total * _MONTHS / len(earnings) / _WEEKS
    return total / weeks


def sick_pay_rate(sick_pay: SickPay, awe: Decimal, protected: bool = False) -> Decimal:
    """Statutory sick pay of a week, not rounded: nothing below the lower earnings limit where the year has one.

    Since 6 April 2026 the lower of the flat rate and a share of average weekly earnings; `protected` is who was paid it
    before that day and has been sick since: the flat rate.
    """
    if sick_pay.lower_earnings_limit is not None and awe < sick_pay.lower_earnings_limit:
        return ZERO
    if sick_pay.earnings_share is None or protected:
        return sick_pay.weekly_rate
    return min(sick_pay.weekly_rate, awe * sick_pay.earnings_share)


def payable_sick_days(
    sick_pay: SickPay, sick_days: int, days_before: int, qualifying_days: int, days_paid: int
) -> int:
    """Qualifying days of sickness that are paid.

    `sick_days` are those to be paid now, `days_before` the earlier ones of the same (or a linked) sickness, which use
    up waiting days first; `days_paid` were paid in it already: at most 28 weeks are.
    """
    waiting = min(max(sick_pay.waiting_days - days_before, 0), sick_days)
    most = sick_pay.maximum_weeks * qualifying_days - days_paid
    return max(min(sick_days - waiting, most), 0)


def sick_pay_line(
    tables: Tables, awe: Decimal, days: int, qualifying_days: int, protected: bool = False
) -> Line:
    """Sick pay for so many payable days of a week with so many qualifying days (1 to 7)."""
    sick_pay = tables.sick_pay
    weekly = sick_pay_rate(sick_pay, awe, protected)
    amount = up_cent(weekly * days / qualifying_days)
    steps = (
        step("weekly_rate", weekly, None, average_weekly_earnings=awe, protected=protected),
        step("payment", amount, "up_cent", days=days, qualifying_days=qualifying_days),
    )
    return Line(
        "uk.ssp",
        LineKind.EARNING,
        amount,
        basis=up_cent(weekly),
        rule=f"uk.ssp.{tables.edition}",
        source=sick_pay.source,
        steps=steps,
    )


def parental_rate(parental: ParentalPay, code: str, awe: Decimal, week: int) -> Decimal:
    """Pay of a week, not rounded, `week` counted from 1 in the pay period of `code` (`smp`, `spp`, ...).

    A share of average weekly earnings in the first six weeks of maternity and adoption pay, afterwards and for the
    others the lower of it and the flat rate; nothing below the lower earnings limit and after the last week.
    """
    if awe < parental.lower_earnings_limit or not 1 <= week <= parental.weeks[code]:
        return ZERO
    share = awe * parental.share
    if code in ("smp", "sap") and week <= parental.first_weeks:
        return share
    return min(share, parental.weekly_rate)


def parental_line(
    tables: Tables, code: str, awe: Decimal, first_week: int, weeks: int = 1, days: int = DAYS_OF_WEEK
) -> Line:
    """Parental pay for so many weeks from the given one, of each so many of seven days (7: whole weeks)."""
    steps: list[Step] = []
    total = ZERO
    for week in range(first_week, first_week + weeks):
        weekly = parental_rate(tables.parental, code, awe, week)
        amount = up_cent(weekly * days / DAYS_OF_WEEK)
        steps.append(step("payment", amount, "up_cent", week=week, weekly_rate=weekly, days=days))
        total += amount
    return Line(
        f"uk.{code}",
        LineKind.EARNING,
        total,
        basis=up_cent(awe),
        rule=f"uk.{code}.{tables.edition}",
        source=tables.parental.source,
        steps=tuple(steps),
    )
