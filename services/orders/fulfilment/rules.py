"""How a shipment is made up, and what shipping refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from services.orders.book.rules import Fulfilment, FulfilmentLine, FulfilmentState, Order, OrderLine
from shared.context.lifecycle import IllegalTransition
from shared.values.faults import FieldError, Invalid, Refused
from shared.values.fields import decimal_text
from shared.values.money import Money
from shared.values.tax import TaxedLine, TaxMode, Totals
from shared.values.tax_parts import PartlyTaken, tax_parts

MOST_PARCELS = 200
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
    """A part with its exact share of the line's figures."""

    line: OrderLine
    quantity: Decimal
    figures: TaxedLine


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


def ship_parts(order: Order, parts: Sequence[Part], mode: TaxMode) -> list[ShippedPart]:
    """Account for what is shipped: its tax is that of all shipped so far, less what was stated before."""
    places = {line.id: index for index, line in enumerate(order.lines)}
    wanted = {places[part.line.id]: part.quantity for part in parts}
    figures = tax_parts([_partly_shipped(line) for line in order.lines], wanted, mode, order.currency)
    return [_shipped(part, figures[places[part.line.id]]) for part in parts]


def _partly_shipped(line: OrderLine) -> PartlyTaken:
    return PartlyTaken(
        line.figures, line.quantity, line.tax_code, line.tax_rate, line.tax_category, line.shipped,
        line.shipped_figures,
    )  # fmt: skip


def _shipped(part: Part, figures: TaxedLine) -> ShippedPart:
    line = part.line
    line.account(reserved=-part.quantity, shipped=part.quantity)
    line.shipped_net_minor += figures.net.minor
    line.shipped_tax_minor += figures.tax.minor
    line.shipped_discount_minor += figures.discount.minor
    return ShippedPart(line, part.quantity, figures)


def totals_of(parts: Sequence[ShippedPart], currency: str) -> Totals:
    """What a shipment's parts sum up to."""
    net = sum(part.figures.net.minor for part in parts)
    tax = sum(part.figures.tax.minor for part in parts)
    return Totals(Money(net, currency), Money(tax, currency), Money(net + tax, currency))
