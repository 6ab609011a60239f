"""Income tax of a pay (PAYE): free pay, bands, cumulative and week 1/month 1 basis, refunds, the overriding limit.

Source of all rules: HMRC, Specification for PAYE tax table routines; PAYE Regulations 2003 (SI 2003/2682). Free pay of
one week or month for code number N, with Q = (N-1) div 500 and R = (N-1) mod 500 + 1, in a year of P weeks or months:
(10R+9)/P up to the penny, and Q times 5000/P up to the penny. Taxable pay is cut to the pound. Bands to date are cut
to four decimals and compared when rounded up to the pound; the tax to date is cut to the penny.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from services.payroll.engine.lines import Step
from services.payroll.engine.rounding import cut_cent, floor_unit, up_cent, up_unit
from services.payroll.packs.uk.amounts import NOUGHT, ZERO, floor_four, step
from services.payroll.packs.uk.periods import TaxPeriod
from services.payroll.packs.uk.tables import Country, Tables
from services.payroll.packs.uk.tax_code import CodeKind, TaxCode

_TEN: Final = Decimal(10)
_NINE: Final = Decimal(9)
_FIVE_THOUSAND: Final = Decimal(5000)
_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class Taxed:
    """Tax of one pay: `basis` is the taxable pay that the bands were applied to, `rate` the one rate where one did."""

    tax: Decimal
    basis: Decimal
    rate: Decimal | None
    rule: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Bands:
    """Bands to date: (comparison, limit, tax below, rate); the last compares with nothing."""

    ends: tuple[tuple[Decimal, Decimal], ...]
    below: tuple[Decimal, ...]


@lru_cache(maxsize=4096)
def free_pay(number: int, of_year: int, units: int) -> Decimal:
    """Free pay of a code number for so many weeks of 52 or months of 12; a K code adds as much."""
    if number == 0:
        return NOUGHT
    slices, rest = divmod(number - 1, _SLICE)
    one = up_cent((_TEN * (rest + 1) + _NINE) / of_year) + slices * up_cent(_FIVE_THOUSAND / of_year)
    return one * units


@lru_cache(maxsize=1024)
def _bands(country: Country, of_year: int, units: int) -> _Bands:
    limits = tuple(floor_four(limit * units / of_year) for limit in country.limits)
    below = tuple(floor_four(tax * units / of_year) for tax in country.below)
    return _Bands(tuple((up_unit(limit), limit) for limit in limits), below)


def _on_bands(country: Country, taxable: Decimal, of_year: int, units: int) -> tuple[Decimal, Decimal, Step]:
    """Tax on taxable pay (whole pounds, above zero) of so many units, the rate of its highest band, and the step."""
    bands = _bands(country, of_year, units)
    place, floor = 0, NOUGHT
    for compared, limit in bands.ends:
        if taxable <= compared:
            break
        place, floor = place + 1, limit
    below, rate = bands.below[place], country.rates[place]
    tax = cut_cent(below + (taxable - floor) * rate)
    done = step(
        "tax_on_bands", tax, "cut_cent", taxable=taxable, band_begins=floor, tax_below=below, rate=rate
    )
    return tax, rate, done


def income_tax(
    tables: Tables,
    code: TaxCode,
    period: TaxPeriod,
    pay: Decimal,
    before: tuple[Decimal, Decimal],
    week1: bool,
) -> Taxed:
    """Tax of a pay, negative when it is a refund.

    `pay` is the taxable pay of the period, `before` the taxable pay and the tax of the tax year until then. A period
    beyond the 52 weeks is taxed on the week 1 basis whatever was declared. At most half of the pay is taken, with every
    code; on the cumulative basis the rest follows by itself in later periods.
    """
    single = week1 or period.beyond
    units = period.length if single else period.number
    pay_to_date, paid = (pay, ZERO) if single else (before[0] + pay, before[1])
    rule = f"uk.paye.{'week1_month1' if single else 'cumulative'}"
    first = step("pay_to_date", pay_to_date, before=NOUGHT if single else before[0], pay=pay)
    if code.kind is CodeKind.NO_TAX:
        return _limited(tables, pay, (ZERO, paid), Taxed(ZERO, NOUGHT, NOUGHT, rule, (first,)))
    if code.kind is CodeKind.FLAT:
        return _flat(tables, code, pay, paid, Taxed(ZERO, pay_to_date, None, rule, (first,)))
    country = tables.countries[code.country]
    adjustment = free_pay(code.number, period.of_year, units)
    if code.kind is CodeKind.ADDITION:
        adjustment = -adjustment
    taxable = max(floor_unit(pay_to_date - adjustment), NOUGHT)
    steps = (
        first,
        step("free_pay", adjustment, "up_cent", number=code.number, units=units, of_year=period.of_year),
        step("taxable_to_date", taxable, "floor_unit", pay_to_date=pay_to_date, free_pay=adjustment),
    )
    if taxable == 0:
        return _limited(tables, pay, (ZERO, paid), Taxed(ZERO, NOUGHT, NOUGHT, rule, steps))
    due, rate, done = _on_bands(country, taxable, period.of_year, units)
    only = rate if rate == country.rates[0] else None
    return _limited(tables, pay, (due, paid), Taxed(ZERO, taxable, only, rule, (*steps, done)))


def _flat(tables: Tables, code: TaxCode, pay: Decimal, paid: Decimal, found: Taxed) -> Taxed:
    """BR and D codes: one rate on all pay to date, cut to the pound."""
    assert code.flat is not None
    rate = tables.countries[code.country].flat[code.flat]
    taxable = max(floor_unit(found.basis), NOUGHT)
    due = cut_cent(taxable * rate)
    done = step("tax_at_flat_rate", due, "cut_cent", taxable=taxable, rate=rate)
    return _limited(tables, pay, (due, paid), Taxed(ZERO, taxable, rate, found.rule, (*found.steps, done)))


def _limited(tables: Tables, pay: Decimal, to_date: tuple[Decimal, Decimal], found: Taxed) -> Taxed:
    """Tax to date less tax paid, at most the overriding limit's share of the pay of the period (SI 2014/2689)."""
    due = to_date[0] - to_date[1]
    most = max(cut_cent(pay * tables.overriding_limit), ZERO)
    tax = min(due, most) if due > 0 else due
    steps = (*found.steps, step("tax_due", due, None, to_date=to_date[0], paid=to_date[1]))
    if tax != due:
        steps = (*steps, step("overriding_limit", tax, "cut_cent", pay=pay, share=tables.overriding_limit))
    return Taxed(tax, found.basis, found.rate, found.rule, steps)
