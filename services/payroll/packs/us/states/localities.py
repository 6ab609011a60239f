"""Local income taxes: Philadelphia, Detroit, the counties of Indiana, New York City and Yonkers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from services.payroll.engine.inputs import ZERO
from services.payroll.engine.lines import Line, LineKind
from services.payroll.engine.rounding import half_up_cent
from services.payroll.packs.us.certificates import Indiana, Michigan, NewYork, Pennsylvania
from services.payroll.packs.us.states.flat import indiana_taxable
from services.payroll.packs.us.states.new_york import new_york_city, yonkers_nonresident
from services.payroll.packs.us.states.pay import StatePay
from services.payroll.packs.us.steps import Steps
from services.payroll.packs.us.wages import Part

CODE: Final = "us.local_income_tax"


def local_line(pay: StatePay, gross: Part) -> Line | None:
    """The line of the locality that the certificate names, or None. `pay` knows the state's tax already."""
    method = _METHODS.get(pay.tables.state)
    return None if method is None else method(replace(pay, steps=Steps(), applied=None), gross)


def _philadelphia(pay: StatePay, gross: Part) -> Line | None:
    """The wage tax: the rate of residents or of non-residents on gross wages; nothing comes off."""
    form: Pennsylvania = pay.certificate
    if form.philadelphia is None:
        return None
    figures = pay.tables.figures["local"]["PHILADELPHIA"]
    tax = pay.at_rate(gross.total, figures[form.philadelphia])
    return _line(pay, "philadelphia", figures, tax, gross.total)


def _detroit(pay: StatePay, _gross: Part) -> Line | None:
    """City tax: the state's wages less the city's own printed exemption of the period for each exemption.

    A bonus is taxed whole.
    """
    form: Michigan = pay.certificate
    if form.city is None:
        return None
    figures = pay.tables.figures["local"][form.city]
    one = pay.of_period(figures["exemption"])
    less = pay.steps.take("exemptions", form.exemptions * one, exemptions=form.exemptions, each=one)
    taxable = pay.taxable(pay.regular, less) + pay.supplemental
    tax = pay.at_rate(taxable, figures["resident" if form.resident else "nonresident"])
    return _line(pay, form.city.lower(), figures, tax, pay.regular)


def _county(pay: StatePay, _gross: Part) -> Line | None:
    """County tax: the declared rate on the wages that the state taxes, supplemental ones included."""
    form: Indiana = pay.certificate
    if form.county_rate is None:
        return None
    taxable = indiana_taxable(pay) + pay.supplemental
    return _line(
        pay, "county", pay.tables.figures["local"]["COUNTY"], pay.at_rate(taxable, form.county_rate), taxable
    )


def _new_york(pay: StatePay, gross: Part) -> Line | None:
    """New York City's tax, the surcharge of Yonkers on residents, or its earnings tax on others."""
    form: NewYork = pay.certificate
    if form.city is None:
        return None
    figures = pay.tables.figures["local"][form.city]
    basis = pay.regular + pay.supplemental
    if form.city == "YONKERS_NONRESIDENT":
        basis = gross.total
        tax = yonkers_nonresident(pay, figures, basis) if basis else ZERO
        return _line(pay, form.city.lower(), figures, tax, basis)
    if form.city == "NYC":
        tax = new_york_city(pay, figures) if pay.regular else ZERO
    else:
        tax = pay.at_rate(pay.regular_tax, figures["share_of_state_tax"])
    if pay.supplemental:
        rate = figures["supplemental_rate"]
        inputs = {"wages": pay.supplemental, "rate": rate}
        tax += pay.steps.round(
            "flat rate on supplemental wages", half_up_cent, pay.supplemental * rate, **inputs
        )
        pay.applied = None
    return _line(pay, form.city.lower(), figures, tax, basis)


def _line(pay: StatePay, name: str, figures: dict[str, Any], tax: Decimal, basis: Decimal) -> Line:
    basis, rate = pay.applied or (basis, None)
    rule = f"us.{pay.tables.state.lower()}.{name}"
    source = pay.tables.sources[figures["source"]]
    return Line(CODE, LineKind.TAX, tax, basis, rate, rule, source, pay.steps.done())


_METHODS: Final[Mapping[str, Callable[[StatePay, Part], Line | None]]] = {
    "IN": _county,
    "MI": _detroit,
    "NY": _new_york,
    "PA": _philadelphia,
}
