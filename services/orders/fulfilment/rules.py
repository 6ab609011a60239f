"""How a shipment is made up, and what shipping refuses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from services.orders.book.rules import (
    INVOICED,
    OPEN,
    Charge,
    Fulfilment,
    FulfilmentLine,
    FulfilmentState,
    Order,
    OrderLine,
    add_shipped,
    tax_groups,
)
from services.orders.catalog.rules import TaxCodeRow, rate_on
from shared.context.lifecycle import IllegalTransition
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.fields import decimal_text
from shared.values.money import Money
from shared.values.prices import UnitPrice
from shared.values.tax import Prices, TaxedLine, TaxGroup, Totals
from shared.values.tax_parts import PartlyTaken, RatedAmount, cut_part, most_deductible, tax_at_rates

MOST_PARCELS = 200
ONE = Decimal(1)
REDIRECTABLE = (
    FulfilmentState.BACKORDERED,
    FulfilmentState.OPEN,
    FulfilmentState.RELEASED,
    FulfilmentState.PICKING,
)


class WantedPart(Protocol):
    """How much of an order line somebody ships."""

    @property
    def order_line_id(self) -> UUID:
        """The order line."""

    @property
    def quantity(self) -> Decimal:
        """How much of it."""


class QuantityExceeded(Refused):
    """More of a line is shipped than the fulfilment is about."""

    code = "quantity_exceeded"


class TaxCodeNotValid(Refused):
    """A tax code of what is shipped means nothing on that day: it has ended and has no new rate, or begins later."""

    code = "tax_code_not_valid"


def require_not_packed(fulfilment: Fulfilment) -> None:
    """Refuse to send goods elsewhere once they are packed for where they go, have gone, or never will."""
    if fulfilment.state not in REDIRECTABLE:
        raise IllegalTransition(
            f"This fulfilment is {fulfilment.state}; where it goes can be changed until it is packed.",
            state=str(fulfilment.state),
            allowed_actions=fulfilment.allowed_actions,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """So much of an order line leaves the house."""

    line: OrderLine
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ShippedPart:
    """A part with its exact share of the line's figures, taxed as its code says on the day; or a charge.

    `price` is what one unit of the quantity costs: of a deduction that is taken in part, just so much.
    """

    line: OrderLine | Charge
    quantity: Decimal
    price: UnitPrice
    tax: TaxCodeRow
    figures: TaxedLine
    order_discount: Money


def choose_parts(order: Order, fulfilment: Fulfilment, wanted: Sequence[WantedPart] | None) -> list[Part]:
    """What of a fulfilment is shipped: all of it, or what is named; refuses what it does not hold."""
    if wanted is None:
        return [Part(order.line(part.order_line_id), part.quantity) for part in fulfilment.lines]
    held = {part.order_line_id: part for part in fulfilment.lines}
    errors: list[FieldError] = []
    seen: set[UUID] = set()
    for index, part in enumerate(wanted):
        pointer = f"/lines/{index}/order_line_id"
        if part.order_line_id not in held:
            errors.append(FieldError(pointer, "unknown_line", "The fulfilment has no such line."))
        elif part.order_line_id in seen:
            errors.append(FieldError(pointer, "duplicate_line", "The line is named twice."))
        seen.add(part.order_line_id)
    if errors:
        raise Invalid(errors[0].message, code=errors[0].code, errors=errors[:50])
    _require_enough(held, wanted)
    return [Part(order.line(part.order_line_id), part.quantity) for part in wanted]


def _require_enough(held: dict[UUID, FulfilmentLine], wanted: Sequence[WantedPart]) -> None:
    over = [
        {
            "order_line_id": part.order_line_id,
            "sku": held[part.order_line_id].sku,
            "requested": decimal_text(part.quantity),
            "available": decimal_text(held[part.order_line_id].quantity),
        }
        for part in wanted
        if part.quantity > held[part.order_line_id].quantity
    ]
    if over:
        raise QuantityExceeded(f"The fulfilment holds less of {len(over)} line(s).", lines=over)


def ship_parts(order: Order, parts: Sequence[Part], on: date) -> list[ShippedPart]:
    """Account for what is shipped on a day: its tax is that of all shipped so far, less what was stated before.

    With the goods go the charges that were not invoiced yet, and as much of deposits and vouchers as they bear.
    The rates are the day's (Directive 2006/112/EC art. 63; § 27 (1) UStG), whatever they were when it was ordered.
    Refuses tax codes that do not hold on the day.
    """
    prices, stated = order.tax_mode.prices, order.shipped_tax
    charges = [charge for charge in order.charges if charge.status == OPEN]
    deductions = [line for line in order.lines if line.deducts and not line.settled]
    rates = _rates(order, [*(part.line for part in parts), *charges, *deductions], on)
    amounts = [
        cut_part(_partly_shipped(part.line, rates[part.line.tax_code]), part.quantity, prices)
        for part in parts
    ]
    nothing = Money.zero(order.currency)
    amounts += [_rated(rates[charge.tax_code], charge.amount, nothing) for charge in charges]
    taken: list[OrderLine] = []
    for line in deductions:
        rest = _rest(line, rates[line.tax_code], prices)
        most = most_deductible(amounts, rest, stated, prices, order.currency)
        if most.minor:
            taken.append(line)
            amounts.append(rest if most == rest.amount else replace(rest, amount=most, discount=nothing))
    figures = tax_at_rates(amounts, stated, prices, order.currency)
    after, last = len(parts), len(parts) + len(charges)
    shipped = [
        _shipped(part, rates[part.line.tax_code], each) for part, each in zip(parts, figures, strict=False)
    ]
    shipped += [
        _charged(charge, rates[charge.tax_code], each)
        for charge, each in zip(charges, figures[after:last], strict=True)
    ]
    shipped += [
        _deducted(line, rates[line.tax_code], each, prices)
        for line, each in zip(taken, figures[last:], strict=True)
    ]
    _settle_deductions(order)
    order.shipped_tax = add_shipped(order.shipped_tax, groups_of(shipped), on)
    return shipped


def _rates(order: Order, lines: Sequence[OrderLine | Charge], on: date) -> dict[str, TaxCodeRow]:
    """What the tax codes of what is shipped mean on a day."""
    codes = list(dict.fromkeys(line.tax_code for line in lines))
    found = {code: rate_on(order.tax_rates, code, on) for code in codes}
    missing = [code for code, rate in found.items() if rate is None]
    if missing:
        raise TaxCodeNotValid(
            f"On {on} there is no tax code {', '.join(missing)}; give it a rate for that day (/v1/tax-codes).",
            tax_codes=missing,
            on=on.isoformat(),
        )
    return {code: rate for code, rate in found.items() if rate is not None}


def _partly_shipped(line: OrderLine, tax: TaxCodeRow) -> PartlyTaken:
    return PartlyTaken(
        line.figures, line.quantity, line.tax_code, tax.rate, tax.category, line.shipped, line.shipped_figures
    )


def _shipped(part: Part, tax: TaxCodeRow, figures: TaxedLine) -> ShippedPart:
    line = part.line
    order_discount = line.order_discount_of(part.quantity, after=line.shipped)
    line.account(reserved=-part.quantity, shipped=part.quantity)
    line.shipped_net_minor += figures.net.minor
    line.shipped_tax_minor += figures.tax.minor
    line.shipped_discount_minor += figures.discount.minor
    return ShippedPart(line, part.quantity, line.unit_price, tax, figures, order_discount)


def _charged(charge: Charge, tax: TaxCodeRow, figures: TaxedLine) -> ShippedPart:
    charge.status = INVOICED
    return ShippedPart(charge, ONE, charge.unit_price, tax, figures, Money.zero(charge.currency))


def _rated(tax: TaxCodeRow, amount: Money, discount: Money) -> RatedAmount:
    return RatedAmount(tax.code, tax.rate, tax.category, amount, discount)


def _rest(line: OrderLine, tax: TaxCodeRow, prices: Prices) -> RatedAmount:
    """What shipments have not taken of a deduction yet."""
    whole, taken = line.figures, line.shipped_figures
    amount = whole.gross - taken.gross if prices == "gross" else whole.net - taken.net
    return _rated(tax, amount, whole.discount - taken.discount)


def _deducted(line: OrderLine, tax: TaxCodeRow, figures: TaxedLine, prices: Prices) -> ShippedPart:
    """Take so much of a deduction; as one of that price, unless all of it is taken at once."""
    line.shipped_net_minor += figures.net.minor
    line.shipped_tax_minor += figures.tax.minor
    line.shipped_discount_minor += figures.discount.minor
    line.touched = True
    amount, whole, taken = (
        (f.gross if prices == "gross" else f.net) for f in (figures, line.figures, line.shipped_figures)
    )
    nothing = Money.zero(line.currency)
    if taken == whole:
        line.account(reserved=-line.reserved, shipped=line.reserved)
    if amount == whole:
        return ShippedPart(line, line.quantity, line.unit_price, tax, figures, nothing)
    return ShippedPart(line, ONE, UnitPrice.of(amount), tax, figures, nothing)


def _settle_deductions(order: Order) -> None:
    """With the last goods an order is done: what no shipment could bear of a deduction is not wanted any more."""
    if all(line.settled for line in order.lines if not line.deducts):
        for line in order.lines:
            if not line.settled:
                line.account(reserved=-line.reserved, cancelled=line.reserved)


def groups_of(parts: Sequence[ShippedPart]) -> list[TaxGroup]:
    """A shipment's breakdown by tax code, rate and category."""
    return tax_groups((part.tax, part.figures) for part in parts)


def totals_of(parts: Sequence[ShippedPart], currency: str) -> Totals:
    """What a shipment's parts sum up to."""
    net = sum(part.figures.net.minor for part in parts)
    tax = sum(part.figures.tax.minor for part in parts)
    return Totals(Money(net, currency), Money(tax, currency), Money(net + tax, currency))
