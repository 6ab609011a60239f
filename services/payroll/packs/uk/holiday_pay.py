"""A week's holiday pay by the average of the last 52 weeks with pay.

Source: Employment Rights Act 1996, sections 221 to 224; Working Time Regulations 1998, regulation 16: weeks without pay
are left out and earlier ones taken in their place, but none further back than 104 weeks; with fewer, those there are.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.uk.amounts import ZERO
from services.payroll.packs.uk.tables import Tables


def week_of_holiday_pay(tables: Tables, weekly_pay: Iterable[Decimal]) -> Decimal:
    """A week's pay to the nearest penny from complete weeks of pay, the latest first; no paid week: nothing."""
    looked_at = islice(weekly_pay, tables.look_back_weeks)
    paid = list(islice((pay for pay in looked_at if pay > 0), tables.holiday_weeks))
    if not paid:
        return ZERO
    return half_up_cent(sum(paid, ZERO) / len(paid))
