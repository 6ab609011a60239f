"""What shipments stated to be invoiced, by tax rate, and why it may differ from what was agreed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.values.fields import decimal_text
from shared.values.money import Money, total
from shared.values.tax import TaxGroup


@dataclass(frozen=True, slots=True)
class ShippedTax(TaxGroup):
    """What shipments so far stated of one tax code, rate and category; the first of them left on `since`."""

    since: date


@dataclass(frozen=True, slots=True)
class RateChange:
    """Another rate, in per cent, or category than agreed was invoiced; first for what was shipped on that day."""

    tax_code: str
    ordered_rate: Decimal
    invoiced_rate: Decimal
    ordered_category: str
    invoiced_category: str
    shipped_on: date


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What was invoiced so far of an order, as its shipments stated it; `reason` says why rates are not as agreed."""

    net: Money
    tax: Money
    gross: Money
    tax_breakdown: Sequence[TaxGroup]
    rate_changes: Sequence[RateChange]

    @property
    def reason(self) -> str | None:
        """The rate changes in words."""
        told = [
            f"{c.tax_code}: {decimal_text(c.invoiced_rate)} % since {c.shipped_on}, "
            f"{decimal_text(c.ordered_rate)} % when ordered"
            for c in self.rate_changes
        ]
        return f"Tax is due at the rate of the day of shipment. {'; '.join(told)}." if told else None


def invoiced_of(agreed: Sequence[TaxGroup], shipped: Sequence[ShippedTax], currency: str) -> Invoiced:
    """Sum up what shipments stated; an order has one rate of each tax code when it is agreed."""
    ordered = {group.tax_code: group for group in agreed}
    changes = [
        RateChange(
            tax_code=group.tax_code,
            ordered_rate=ordered[group.tax_code].rate,
            invoiced_rate=group.rate,
            ordered_category=ordered[group.tax_code].category,
            invoiced_category=group.category,
            shipped_on=group.since,
        )
        for group in shipped
        if group.tax_code in ordered
        and (group.rate, group.category) != (ordered[group.tax_code].rate, ordered[group.tax_code].category)
    ]
    net = total((group.base for group in shipped), currency)
    tax = total((group.tax for group in shipped), currency)
    return Invoiced(net, tax, net + tax, shipped, changes)


def add_shipped(before: Sequence[ShippedTax], now: Sequence[TaxGroup], on: date) -> list[ShippedTax]:
    """What shipments stated so far, one more included."""
    found = {(group.tax_code, group.rate, group.category): group for group in before}
    for group in now:
        key = (group.tax_code, group.rate, group.category)
        known = found.get(key)
        base, tax = (known.base + group.base, known.tax + group.tax) if known else (group.base, group.tax)
        found[key] = ShippedTax(*key, base, tax, known.since if known else on)
    return list(found.values())
