"""Attachment orders: what is taken of net earnings for a court, a council, child maintenance, the DWP or a creditor.

Net earnings are earnings (without statutory maternity, adoption, paternity, shared parental, bereavement and neonatal
care pay) less income tax, National Insurance and pension contributions. Orders are worked out in their order of
priority, within it by the day they were made; each takes of what the earlier ones left. Sources: Attachment of Earnings
Act 1971, section 24 and schedule 3; the tables of the edition. Pay of several weeks or months is divided, looked up and
multiplied again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.payroll.engine.lines import Source, Step
from services.payroll.engine.rounding import half_down_cent
from services.payroll.packs.uk.amounts import NOUGHT, ZERO, step
from services.payroll.packs.uk.order_tables import Bands, CouncilTaxTable, OrderBand, OrderTables
from services.payroll.packs.uk.periods import TaxPeriod
from shared.values.faults import Invalid


class OrderKind(StrEnum):
    """Kinds of orders."""

    AEO_PRIORITY = "aeo_priority"
    """Court order for maintenance or a fine."""
    AEO_NON_PRIORITY = "aeo_non_priority"
    """Court order for a civil debt."""
    COUNCIL_TAX = "council_tax"
    CHILD_MAINTENANCE = "child_maintenance"
    """Deduction from earnings order."""
    DEA = "dea"
    """Direct earnings attachment for overpaid benefits."""
    EARNINGS_ARRESTMENT = "earnings_arrestment"
    """Scotland."""


# Priority among kinds; those of equal priority by date (edition: unconfirmed).
PRIORITY: Final = {
    OrderKind.AEO_PRIORITY: 1,
    OrderKind.COUNCIL_TAX: 1,
    OrderKind.CHILD_MAINTENANCE: 1,
    OrderKind.EARNINGS_ARRESTMENT: 1,
    OrderKind.DEA: 2,
    OrderKind.AEO_NON_PRIORITY: 3,
}
_CARRIED_FORWARD: Final = frozenset({OrderKind.AEO_PRIORITY, OrderKind.CHILD_MAINTENANCE})


@dataclass(frozen=True, slots=True)
class Order:
    """An order as declared: `amount` and `protected` per pay period in pounds where the order states them."""

    kind: OrderKind
    issued_on: date
    reference: str
    amount: Decimal = ZERO
    protected: Decimal = ZERO
    arrears: Decimal = ZERO
    higher_rate: bool = False
    country: str | None = None
    fee: bool = False
    place: int = 0
    """Where in the declarations it stands, from 0."""

    @property
    def carried_forward(self) -> bool:
        """Whether a shortfall is taken in the next period as well."""
        return self.kind in _CARRIED_FORWARD


@dataclass(frozen=True, slots=True)
class Attached:
    """What one order takes: `fee` is the employer's, `shortfall` what its stated amount was not reached by."""

    order: Order
    amount: Decimal
    fee: Decimal
    shortfall: Decimal
    source: Source
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Earnings:
    """Net earnings of the period, and what earlier orders left of them."""

    net: Decimal
    left: Decimal
    period: TaxPeriod


def attach(
    tables: OrderTables, orders: Sequence[Order], net_earnings: Decimal, period: TaxPeriod
) -> tuple[Attached, ...]:
    """What every order takes, in the order in which they were worked out; never more than there is."""
    net = max(net_earnings, ZERO)
    left, found = net, []
    for order in sorted(orders, key=lambda o: (PRIORITY[o.kind], o.issued_on, o.place)):
        taken = _one(tables, order, _Earnings(net, left, period))
        left -= taken.amount + taken.fee
        found.append(taken)
    return tuple(found)


def _one(tables: OrderTables, order: Order, earnings: _Earnings) -> Attached:
    if order.kind is OrderKind.COUNCIL_TAX:
        return _council_tax(tables, order, earnings)
    if order.kind is OrderKind.DEA:
        return _dea(tables, order, earnings)
    if order.kind is OrderKind.EARNINGS_ARRESTMENT:
        return _arrestment(tables, order, earnings)
    if order.kind is OrderKind.CHILD_MAINTENANCE:
        return _child_maintenance(tables, order, earnings)
    return _stated(order, earnings.left, order.protected, tables.court_source)


def _stated(order: Order, left: Decimal, protected: Decimal, source: Source, fee: Decimal = ZERO) -> Attached:
    """An order for a stated amount and its arrears, as far as the protected earnings stay."""
    wanted = order.amount + order.arrears
    amount = min(wanted, max(left - protected, ZERO))
    inputs = {"net_earnings": left, "protected": protected, "wanted": wanted, "arrears": order.arrears}
    fee = min(fee, left - amount)
    return Attached(order, amount, fee, wanted - amount, source, (step("attached", amount, None, **inputs),))


def _child_maintenance(tables: OrderTables, order: Order, earnings: _Earnings) -> Attached:
    """Its protected earnings are a share of net earnings before any order; the fee may cut into them."""
    protected = half_down_cent(earnings.net * tables.maintenance_protected_share)
    fee = tables.maintenance_fee if order.fee else ZERO
    return _stated(order, earnings.left, protected, tables.maintenance_source, fee)


def _band(bands: Bands, per_unit: Decimal, period: TaxPeriod) -> tuple[OrderBand, Decimal]:
    """The band that net earnings of one week or month lie in, and where it begins."""
    floor = NOUGHT
    for band in bands[period.unit]:
        if band.up_to is None or per_unit <= band.up_to:
            return band, floor
        floor = band.up_to
    return bands[period.unit][-1], floor


def _dea(tables: OrderTables, order: Order, earnings: _Earnings) -> Attached:
    """A rate on net earnings before any order; with the earlier orders at most what is not protected."""
    band, _ = _band(tables.dea, earnings.net / earnings.period.length, earnings.period)
    rate = band.higher if order.higher_rate else band.rate
    wanted = half_down_cent(earnings.net * rate)
    protected = half_down_cent(earnings.net * tables.dea_protected_share)
    amount = min(wanted, max(earnings.left - protected, ZERO))
    northern = order.country == "northern_ireland"
    source = tables.dea_source_northern_ireland if northern else tables.dea_source
    steps = (
        step("by_table", wanted, "half_down_cent", net_earnings=earnings.net, rate=rate),
        step("attached", amount, None, left=earnings.left, protected=protected),
    )
    return Attached(order, amount, ZERO, ZERO, source, steps)


def _arrestment(tables: OrderTables, order: Order, earnings: _Earnings) -> Attached:
    """A fixed amount and a rate on what exceeds the band below, at least the band's least amount."""
    length = earnings.period.length
    per_unit = earnings.left / length
    band, floor = _band(tables.arrestment, per_unit, earnings.period)
    exact = max(band.fixed + (per_unit - floor) * band.rate, band.least)
    amount = min(half_down_cent(exact * length), earnings.left)
    inputs = {"net_earnings": earnings.left, "units": length, "above": floor, "rate": band.rate}
    done = step("arrested", amount, "half_down_cent", **inputs, fixed=band.fixed, least=band.least)
    return Attached(order, amount, ZERO, ZERO, tables.arrestment_source, (done,))


def _council_tax(tables: OrderTables, order: Order, earnings: _Earnings) -> Attached:
    """One rate on all that earlier orders left; above the last band its rate up to there and another on the rest."""
    table = _table_of(tables, order)
    length = earnings.period.length
    per_unit = earnings.left / length
    band, _ = _band(table.bands, per_unit, earnings.period)
    assert band.up_to is not None
    above = max(per_unit - band.up_to, NOUGHT)
    exact = (per_unit - above) * band.rate + above * table.above_last
    amount = half_down_cent(exact * length)
    inputs = {"net_earnings": earnings.left, "units": length, "band_up_to": band.up_to, "rate": band.rate}
    if above > 0:
        inputs |= {"above_last_band": above, "rate_above": table.above_last}
    done = step("attached", amount, "half_down_cent", **inputs)
    return Attached(order, amount, ZERO, ZERO, table.source, (done,))


def _table_of(tables: OrderTables, order: Order) -> CouncilTaxTable:
    """The table in force when the order was made; raises Invalid at the order's `issued_on`."""
    assert order.country is not None
    known = [t for t in tables.council_tax[order.country] if t.orders_from <= order.issued_on]
    if not known:
        place = f"/declarations/attachment_orders/{order.place}/issued_on"
        first = tables.council_tax[order.country][0].orders_from
        message = f"There is no table for council tax orders made before {first}."
        raise Invalid.field(place, "no_table_of_that_day", message)
    return known[-1]
