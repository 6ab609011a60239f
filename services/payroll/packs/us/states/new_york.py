"""New York State and its cities, NYS-50-T: Method II, the exact calculation method, and Method III above its tables."""

from decimal import Decimal
from typing import Any

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.certificates import NewYork
from services.payroll.packs.us.states.pay import StatePay
from services.payroll.packs.us.tables import Row, row_at


def new_york(pay: StatePay) -> Decimal:
    """The state's tax; net wages above the table are taxed whole at one annual rate (Method III)."""
    form: NewYork = pay.certificate
    figures = pay.income_tax
    net = _net(pay, figures["allowances"])
    table = pay.of_period(figures["brackets"][form.status])
    if net < table["ends_below"]:
        return _method_ii(pay, table["rows"], net)
    annual = pay.steps.take("annual net wages", net * pay.periods, net=net, periods=pay.periods)
    rate = [rate for over, rate in figures["flat_above"] if over <= annual][-1]
    return pay.steps.round(
        "flat rate of Method III",
        half_up_cent,
        annual * rate / pay.periods,
        annual=annual,
        rate=rate,
        periods=pay.periods,
    )


def new_york_city(pay: StatePay, figures: dict[str, Any]) -> Decimal:
    """New York City's resident tax by its own tables of Method II."""
    return _method_ii(pay, pay.of_period(figures["brackets"]), _net(pay, figures["allowances"]))


def yonkers_nonresident(pay: StatePay, figures: dict[str, Any], wages: Decimal) -> Decimal:
    """Nonresident earnings tax: the rate on gross wages less the exclusion of their row; none in the first row."""
    exclusion = None
    for at_least, excluded in pay.of_period(figures["exclusions"]):
        if at_least <= wages:
            exclusion = excluded
    if exclusion is None:
        return pay.steps.take("below the wages that are taxed", ZERO, wages=wages)
    return pay.at_rate(pay.taxable(wages, exclusion), figures["rate"])


def _net(pay: StatePay, table: dict[str, Any]) -> Decimal:
    """Wages less deduction and exemption allowances of the period."""
    form: NewYork = pay.certificate
    row = pay.of_period(table)
    deduction, each = row["deduction"][form.status], row["exemption"]
    return pay.steps.take(
        "net wages",
        max(pay.regular - deduction - form.exemptions * each, ZERO),
        wages=pay.regular,
        deduction=deduction,
        exemptions=form.exemptions,
        each=each,
    )


def _method_ii(pay: StatePay, table: tuple[tuple[Any, ...], ...], net: Decimal) -> Decimal:
    row = row_at(tuple([Row(over, base, rate) for over, base, rate in table]), net)
    part = pay.steps.round(
        "rate of the excess", half_up_cent, (net - row.over) * row.rate, net=net, over=row.over, rate=row.rate
    )
    return pay.steps.take("tax", half_up_cent(row.base + part), base=row.base, part=part)
