"""The check against the national minimum wage: a warning, never a change of pay.

Source: National Minimum Wage Regulations 2015. Pay that counts is that of the period's hours without tips and expenses,
less pay given up by salary sacrifice; the rates are those of the day on which the pay reference period begins.
"""

from datetime import date
from decimal import Decimal

from services.payroll.packs.uk.tables import Tables


def minimum_wage_rate(tables: Tables, worker: str, period_start: date) -> Decimal | None:
    """The rate per hour of a kind of worker, or None for a day whose rates the edition does not have."""
    for rates in tables.wages:
        if rates.valid_from <= period_start <= rates.valid_to:
            return rates.rates[worker]
    return None


def minimum_wage_warning(
    tables: Tables, worker: str, hours: Decimal, counted_pay: Decimal, period_start: date
) -> str | None:
    """A sentence when the pay is less than the hours at the minimum wage, or nothing can be said."""
    rate = minimum_wage_rate(tables, worker, period_start)
    if rate is None:
        return f"minimum_wage_not_checked: the tables have no minimum wage for {period_start}."
    least = rate * hours
    if counted_pay >= least:
        return None
    pay = f"{counted_pay} for {hours} hours"
    return f"below_minimum_wage: {pay} is less than {rate} an hour ({least.normalize():f} in all)."
